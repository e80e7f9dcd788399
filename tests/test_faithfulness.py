"""Measures of trust: against sums by hand, SciPy, models whose answers are known, and a network caught
cheating.
"""

import subprocess
import sys

from course_utils import faithfulness, graph, networks, training
from course_utils.datasets import pets
from course_utils.datasets.drawn.pets import drawn_pets
from course_utils.explain import explain, find_head

import keras
import numpy as np
import pytest
from checks import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import binary_dilation
from scipy.stats import spearmanr

layers = keras.layers
steady = settings(deadline=None, derandomize=True, max_examples=50)
RNG = np.random.default_rng(0)
whole_maps = hnp.arrays(float, st.tuples(*[st.integers(2, 6)] * 2), elements=st.integers(-5, 5))


def varied(m):
    return np.ptp(m) > 0


# --- rank correlation ------------------------------------------------------------------------


def test_rank_correlation_by_hand():
    a = np.array([[1, 2], [3, 4]])
    assert faithfulness.rank_correlation(a, [[10, 30], [20, 40]]) == pytest.approx(
        0.8
    )  # 1 - 6 * 2 / (4 * 15)
    assert faithfulness.rank_correlation(a, -a) == pytest.approx(-1)
    assert type(faithfulness.rank_correlation(a, a)) is float


@steady
@given(whole_maps.filter(varied), st.integers(0, 99))
def test_rank_correlation_is_scipys(a, seed):
    b = np.random.default_rng(seed).integers(-3, 4, a.shape)
    if varied(b):
        expected = spearmanr(a.ravel(), b.ravel()).statistic
        assert faithfulness.rank_correlation(a, b) == pytest.approx(expected, abs=1e-12)
        assert faithfulness.rank_correlation(b, a) == pytest.approx(expected, abs=1e-12)


@steady
@given(whole_maps.filter(varied))
def test_a_map_agrees_with_itself_in_other_units(a):
    assert faithfulness.rank_correlation(a, a) == pytest.approx(1)
    assert faithfulness.rank_correlation(a, np.exp(a) * 7 - 3) == pytest.approx(1)


def test_rank_correlation_of_many_maps_is_that_of_each():
    a, b = RNG.normal(size=(2, 5, 6, 7))
    each = [faithfulness.rank_correlation(x, y) for x, y in zip(a, b)]
    np.testing.assert_allclose(faithfulness.rank_correlation(a, b), each)


@pytest.mark.parametrize(
    "a, b, fragments",
    [
        (np.eye(3), np.ones((3, 3)), ["1 of 1 maps in b", "same everywhere", "no order"]),
        (
            np.stack([np.eye(3), np.zeros((3, 3))]),
            np.stack([np.eye(3)] * 2),
            ["1 of 2 maps in a", "same everywhere"],
        ),
        (np.eye(3), np.eye(4), ["(3, 3)", "(4, 4)", "same grid"]),
        (np.eye(3), np.eye(3)[None], ["(3, 3)", "(1, 3, 3)"]),
        (np.full((2, 2), np.nan), np.eye(2), ["a has 4 value(s)", "NaN"]),
        (np.arange(4), np.arange(4), ["a has shape (4,)", "(h, w) or (N, h, w)"]),
        (np.ones((1, 2, 2, 2)), np.eye(2), ["a has shape (1, 2, 2, 2)", "one class's map"]),
        (np.ones((0, 2, 2)), np.eye(2), ["a has shape (0, 2, 2)", "not empty"]),
    ],
    ids=["constant", "one constant", "grids", "ranks", "NaN", "line", "all classes", "none"],
)
def test_maps_that_cannot_be_ranked(a, b, fragments):
    with refused(*fragments):
        faithfulness.rank_correlation(a, b)


# --- shuffled weights ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    model = networks.quick_net()
    for layer in model.layers:  # no weight is alike, so that every shuffle shows
        layer.set_weights([RNG.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def nested():
    x = images = keras.Input((8, 8, 3), name="images")
    x = layers.Conv2D(4, 3, name="inner_conv")(x)
    backbone = keras.Model(images, layers.LayerNormalization(name="inner_norm")(x), name="backbone")
    return keras.Sequential(
        [keras.Input((8, 8, 3)), backbone, layers.GlobalAveragePooling2D(), layers.Dense(3, name="scores")],
        name="nested",
    )


IMAGES = RNG.uniform(0, 255, (3, 24, 24, 3)).astype(np.float32)
STEPS = [
    ["conv_1", "norm_1"],
    ["conv_2", "norm_2"],
    ["conv_3", "norm_3"],
    ["conv_4", "norm_4"],
    ["class_scores"],
]


def changed_layers(model, other):
    """The names of the layers whose weights differ between a model and its copy."""
    return {
        a.name
        for a, b in zip(faithfulness._inner_layers(model), faithfulness._inner_layers(other))
        if any((v != w).any() for v, w in zip(a.get_weights(), b.get_weights()))
    }


def test_weight_layers_come_from_the_images_to_the_scores(net, nested):
    assert faithfulness.weight_layers(net) == STEPS
    assert faithfulness.weight_layers(nested) == [["inner_conv", "inner_norm"], ["scores"]]


@pytest.mark.parametrize("names", [["conv_2"], "class_scores", ["norm_1", "conv_4"], []])
def test_shuffling_changes_the_layers_named_and_no_others(net, names):
    shuffled = faithfulness.shuffle_weights(net, names)
    assert changed_layers(net, shuffled) == ({names} if isinstance(names, str) else set(names))


def test_shuffling_keeps_the_numbers(net):
    shuffled = faithfulness.shuffle_weights(net, ["conv_3", "norm_3"])
    for name in ("conv_3", "norm_3"):
        for v, w in zip(net.get_layer(name).get_weights(), shuffled.get_layer(name).get_weights()):
            np.testing.assert_array_equal(np.sort(v.ravel()), np.sort(w.ravel()))
            assert v.shape == w.shape and (v != w).mean() > 0.5


def test_nothing_shuffled_answers_as_before_and_something_doesnt(net, nested):
    for model, images, layer in ((net, IMAGES, "conv_4"), (nested, IMAGES[:, :8, :8], "inner_conv")):
        before = model.predict(images, verbose=0)
        np.testing.assert_array_equal(
            faithfulness.shuffle_weights(model, []).predict(images, verbose=0), before
        )
        after = faithfulness.shuffle_weights(model, layer).predict(images, verbose=0)
        assert np.abs(after - before).max() > 1e-3
        np.testing.assert_array_equal(model.predict(images, verbose=0), before)


def test_a_seed_fixes_the_order_and_another_seed_is_another_order(net):
    one, again, other = (faithfulness.shuffle_weights(net, "conv_2", seed) for seed in (5, 5, 6))
    assert not changed_layers(one, again) and changed_layers(one, other) == {"conv_2"}


def test_a_layer_is_shuffled_alike_whatever_else_is_shuffled(net):
    alone = faithfulness.shuffle_weights(net, "conv_3")
    among = faithfulness.shuffle_weights(net, ["class_scores", "conv_3"])
    assert changed_layers(alone, among) == {"class_scores"}


def test_the_cascade_goes_from_the_head_down_and_leaves_the_model_alone(net):
    weights, scores = net.get_weights(), net.predict(IMAGES, verbose=0)
    expected = set()
    for step, (name, shuffled) in zip(reversed(STEPS), faithfulness.cascade(net), strict=True):
        expected |= set(step)
        assert name == step[0] and changed_layers(net, shuffled) == expected
        assert find_head(shuffled)[:3] == find_head(net)[:3]
    assert all(np.array_equal(v, w) for v, w in zip(net.get_weights(), weights))
    np.testing.assert_array_equal(net.predict(IMAGES, verbose=0), scores)
    first, again, other = (next(faithfulness.cascade(net, seed))[1] for seed in (0, 0, 1))
    assert not changed_layers(first, again) and changed_layers(first, other) == {"class_scores"}


def test_a_nested_model_is_shuffled_inside(nested):
    assert [name for name, _ in faithfulness.cascade(nested)] == ["scores", "inner_conv"]
    shuffled = faithfulness.shuffle_weights(nested, "inner_conv")
    assert changed_layers(nested, shuffled) == {"inner_conv"}


def test_what_cannot_be_shuffled(net):
    with refused("quick_net", "no layer 'conv_9'", "conv_1, norm_1", "class_scores"):
        faithfulness.shuffle_weights(net, ["conv_1", "conv_9"])
    with refused("'gap'", "with weights"):
        faithfulness.shuffle_weights(net, "gap")
    with refused("model is a str", "Keras model", error=TypeError):
        faithfulness.weight_layers("net.keras")
    images = keras.Input((4, 4, 1))
    with refused("'plain'", "no layer with weights"):
        faithfulness.weight_layers(keras.Model(images, layers.GlobalAveragePooling2D()(images), name="plain"))


def test_a_model_that_cannot_be_copied():
    class Silent(layers.Layer):
        def __init__(self, secret):
            super().__init__(name="silent")
            self.secret, self.scale = object(), secret

        def build(self, shape):
            self.kernel = self.add_weight(shape=(3,), name="kernel")

        def call(self, x):
            return x * self.kernel

        def get_config(self):
            raise NotImplementedError

    model = keras.Sequential([keras.Input((4, 4, 3)), Silent(2.0)], name="unclonable")
    with refused("'unclonable'", "can't be copied", "get_config"):
        faithfulness.shuffle_weights(model, "silent")


# --- insertion and deletion ------------------------------------------------------------------


def linear_model(weights, activation=None):
    """Images (H, W, 1) to two scores: the weighted sum of the pixels, and 0."""
    H, W = np.shape(weights)
    model = keras.Sequential(
        [keras.Input((H, W, 1)), layers.Flatten(), layers.Dense(2, use_bias=False, activation=activation)]
    )
    model.layers[-1].set_weights([np.stack([np.ravel(weights), np.zeros(H * W)], axis=1)])
    return model


KNOWN = np.array([[1.0, 3.0], [4.0, 2.0]])  # contributions, if the image is all ones
ONES = np.ones((1, 2, 2, 1), np.float32)
BLACK = {"baseline": 0.0, "measure": "score"}


def test_both_curves_of_a_linear_model_by_hand():
    model = linear_model(KNOWN)
    gone = faithfulness.deletion(model, ONES, KNOWN[None], 0, steps=4, **BLACK)
    np.testing.assert_allclose(gone.shares, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(gone.values, [[10, 6, 3, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(gone.areas, [(5 + 6 + 3 + 1 + 0) / 4], atol=1e-6)
    back = faithfulness.insertion(model, ONES, KNOWN[None], 0, steps=4, **BLACK)
    np.testing.assert_allclose(back.values, [[0, 4, 7, 9, 10]], atol=1e-6)
    np.testing.assert_allclose(back.areas, [(0 + 4 + 7 + 9 + 5) / 4], atol=1e-6)


def test_scores_that_look_like_probabilities_now_and_then_are_none():
    model = keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(2)])
    model.layers[-1].set_weights([np.stack([KNOWN.ravel(), -KNOWN.ravel()], axis=1), np.array([0.0, 1.0])])
    s = np.array(
        [10, 6, 3, 1, 0.0]
    )  # of class 0; class 1 has 1 - s: their sum is 1 always, and the last two aren't negative
    for curve, expected in ((faithfulness.deletion, s), (faithfulness.insertion, 10 - s)):
        values = curve(model, ONES, KNOWN[None], 0, steps=4, baseline=0.0, batch_size=1).values[0]
        np.testing.assert_allclose(values, 1 / (1 + np.exp(1 - 2 * expected)), rtol=1e-5)


def test_the_probability_is_that_of_the_class_asked_for():
    model, p = linear_model(KNOWN), lambda s: np.exp(s) / (np.exp(s) + 1)
    curve = faithfulness.deletion(model, ONES, KNOWN[None], 0, steps=4, baseline=0.0)
    np.testing.assert_allclose(curve.values[0], p(np.array([10, 6, 3, 1, 0.0])), rtol=1e-5)
    other = faithfulness.deletion(model, ONES, KNOWN[None], 1, steps=4, baseline=0.0)
    np.testing.assert_allclose(curve.values + other.values, 1, rtol=1e-5)


def test_a_softmax_at_the_end_is_not_taken_twice():
    curves = [
        faithfulness.insertion(linear_model(KNOWN, end), ONES, KNOWN[None], 0, steps=4, baseline=0.0).values
        for end in (None, "softmax")
    ]
    np.testing.assert_allclose(*curves, rtol=1e-5)


@pytest.mark.parametrize("end", ["softmax", "sigmoid"])
def test_the_score_is_the_logit_whatever_the_model_ends_in(end):
    curve = faithfulness.deletion(linear_model(KNOWN, end), ONES, KNOWN[None], 0, steps=4, **BLACK)
    np.testing.assert_allclose(curve.values, [[10, 6, 3, 1, 0]], atol=1e-5)


def test_the_probability_behind_sigmoids_is_their_own():
    curve = faithfulness.deletion(linear_model(KNOWN, "sigmoid"), ONES, KNOWN[None], 0, steps=4, baseline=0.0)
    np.testing.assert_allclose(curve.values, [1 / (1 + np.exp(-np.array([10, 6, 3, 1, 0.0])))], rtol=1e-5)


MODEL_6 = linear_model(RNG.normal(size=(6, 6)))
WEIGHTS_6 = MODEL_6.layers[-1].get_weights()[0][:, 0].reshape(6, 6)


@settings(steady, max_examples=25)
@given(st.integers(0, 10**6))
def test_no_order_beats_the_true_importance(seed):
    image = np.random.default_rng(seed).normal(size=(1, 6, 6, 1)).astype(np.float32)
    true, any_map = image[..., 0] * WEIGHTS_6, np.random.default_rng(seed + 1).normal(size=(1, 6, 6))
    for curve, sign in ((faithfulness.deletion, 1), (faithfulness.insertion, -1)):
        best, other = (curve(MODEL_6, image, m, 0, steps=36, **BLACK).areas[0] for m in (true, any_map))
        assert sign * best <= sign * other + 1e-4


def test_the_curves_end_at_the_image_and_at_the_baseline(net):
    cams = RNG.normal(size=(3, 6, 6))
    probabilities = [keras.ops.softmax(net(x)).numpy()[:, 1] for x in (IMAGES, faithfulness.blurred(IMAGES))]
    gone = faithfulness.deletion(net, IMAGES, cams, 1, steps=5)
    back = faithfulness.insertion(net, IMAGES, cams, 1, steps=5)
    assert gone.values.shape == back.values.shape == (3, 6)
    for curve, (first, last) in ((gone, probabilities), (back, probabilities[::-1])):
        np.testing.assert_allclose(curve.values[:, [0, -1]].T, [first, last], rtol=1e-4, atol=1e-5)


def test_deletion_by_the_opposite_map_is_insertion_backwards(net):
    cams = RNG.permutation(3 * 24 * 24).reshape(3, 24, 24)  # no two pixels alike
    gone = faithfulness.deletion(net, IMAGES, -cams, 0, steps=6)
    back = faithfulness.insertion(net, IMAGES, cams, 0, steps=6)
    np.testing.assert_allclose(gone.values[:, ::-1], back.values, atol=1e-5)


def test_batches_and_repetition_change_nothing_and_batches_are_bounded(net, monkeypatch):
    cams, options = RNG.normal(size=(3, 6, 6)), dict(class_idx=[0, 1, 1], steps=6, measure="score")
    usual = faithfulness.deletion(net, IMAGES, cams, **options)
    sizes, ask = [], graph.ask
    monkeypatch.setattr(
        graph, "ask", lambda model, images, *key: sizes.append(len(images)) or ask(model, images, *key)
    )
    small = faithfulness.deletion(net, IMAGES, cams, **options, batch_size=4)
    assert sizes == [4, 4, 4, 4, 4, 1]
    np.testing.assert_allclose(small.values, usual.values, rtol=1e-4, atol=1e-4)
    for i, c in enumerate((0, 1, 1)):
        alone = faithfulness.deletion(net, IMAGES[i : i + 1], cams[i : i + 1], c, steps=6, measure="score")
        np.testing.assert_allclose(alone.values[0], usual.values[i], rtol=1e-4, atol=1e-4)


def test_named_baselines_are_the_arrays_they_stand_for(net):
    cams = RNG.normal(size=(3, 6, 6))
    for name, filled in (
        ("blur", faithfulness.blurred(IMAGES)),
        ("mean", IMAGES.mean(axis=(1, 2), keepdims=True)),
    ):
        by_name, by_array = (
            faithfulness.deletion(net, IMAGES, cams, 0, steps=3, baseline=b, measure="score").values
            for b in (name, filled)
        )
        np.testing.assert_allclose(by_name, by_array, rtol=1e-5)
    colour = faithfulness.deletion(
        net, IMAGES, cams, 0, steps=1, baseline=[10, 20, 30], measure="score"
    ).values
    np.testing.assert_allclose(colour[:, 1], net(np.full_like(IMAGES, [10, 20, 30])).numpy()[:, 0], rtol=1e-4)


def test_equal_pixels_go_in_no_direction():
    rows = np.repeat(
        np.linspace(1, -1, 16)[:, None], 16, axis=1
    )  # the upper half for, the lower half against
    one_hot = np.zeros((1, 16, 16))
    one_hot[0, 8, 8] = 1
    image = np.ones((1, 16, 16, 1), np.float32)
    curve = faithfulness.deletion(linear_model(rows), image, one_hot, 0, steps=16, **BLACK)
    assert np.abs(curve.values).max() < 16  # in reading order it would fall to -64 and come back


def test_pixels_are_ranked_by_the_map_enlarged_smoothly():
    model = linear_model([[8.0, 4.0, 2.0, 1.0]])
    left = np.array([[[1.0, 0.0]]])  # enlarged to 1, 0.75, 0.25, 0
    curve = faithfulness.deletion(model, np.ones((1, 1, 4, 1), np.float32), left, 0, steps=4, **BLACK)
    np.testing.assert_allclose(curve.values, [[15, 7, 3, 1, 0]], atol=1e-6)


def test_the_smallest_map_is_enlarged_and_few_steps_are_allowed():
    image = np.ones((1, 4, 4, 1), np.float32)
    left = np.zeros((4, 4))
    left[:, :2] = 1
    curve = faithfulness.deletion(linear_model(left), image, np.array([[[1.0, 0.0]]]), 0, steps=2, **BLACK)
    np.testing.assert_allclose(curve.values, [[8, 0, 0]], atol=1e-6)
    curve = faithfulness.deletion(linear_model(left), image, np.array([[[1.0, 0.0]]]), 0, steps=1, **BLACK)
    np.testing.assert_allclose(curve.areas, [4], atol=1e-6)


def test_the_users_model_is_only_asked(net):
    weights = net.get_weights()
    faithfulness.deletion(net, IMAGES, RNG.normal(size=(3, 6, 6)), 0, steps=2)
    assert all(np.array_equal(v, w) for v, w in zip(net.get_weights(), weights))


ASK = dict(images=IMAGES, cams=RNG.normal(size=(3, 6, 6)), class_idx=0)


@pytest.mark.parametrize(
    "change, fragments, error",
    [
        (dict(cams=ASK["cams"][:2]), ["(3, 24, 24, 3)", "(2, 6, 6)", "one map for each"], ValueError),
        (dict(cams=ASK["cams"][0]), ["(6, 6)", "one map for each"], ValueError),
        (dict(cams=np.ones((3, 6, 6))), ["3 of 3 maps in cams", "same everywhere"], ValueError),
        (dict(cams=np.full((3, 6, 6), np.inf)), ["cams has 108", "infinite"], ValueError),
        (dict(images=IMAGES[0]), ["(24, 24, 3)", "images[None]"], ValueError),
        (dict(images=IMAGES.astype(int)), ["int64", "floats"], TypeError),
        (dict(images=IMAGES[..., :1]), ["(3, 24, 24, 1)", "quick_net"], ValueError),
        (dict(class_idx=2), ["class_idx 2", "0 to 1"], ValueError),
        (dict(class_idx=[0, 1]), ["class_idx", "(2,)", "3 image(s)"], ValueError),
        (dict(class_idx=0.0), ["class_idx is 0.0"], TypeError),
        (dict(steps=0), ["steps is 0", "from 1 to 576"], ValueError),
        (dict(steps=577), ["steps is 577", "from 1 to 576"], ValueError),
        (dict(steps=2.5), ["steps is 2.5", "whole number"], ValueError),
        (dict(batch_size=0), ["batch_size is 0", "at least 1"], ValueError),
        (dict(baseline="grey"), ["'grey'", '"blur"', '"mean"'], ValueError),
        (
            dict(baseline=np.zeros((2, 24, 24, 3))),
            ["(2, 24, 24, 3)", "(3, 24, 24, 3)", "one for each"],
            ValueError,
        ),
        (dict(baseline=np.nan), ["baseline has 1", "NaN"], ValueError),
        (dict(measure="logit"), ["'logit'", '"probability"', '"score"'], ValueError),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_bad_questions(net, change, fragments, error):
    for curve in (faithfulness.deletion, faithfulness.insertion):
        with refused(*fragments, error=error):
            curve(net, **(ASK | change))


def test_a_single_output_has_a_score_and_no_probability():
    model = keras.Sequential(
        [keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1, use_bias=False)], name="one"
    )
    model.layers[-1].set_weights([KNOWN.reshape(4, 1)])
    with refused("'one'", "single output", 'measure="score"'):
        faithfulness.deletion(model, ONES, KNOWN[None], 0, steps=4)
    curve = faithfulness.deletion(model, ONES, KNOWN[None], 0, steps=4, **BLACK)
    np.testing.assert_allclose(curve.values, [[10, 6, 3, 1, 0]], atol=1e-6)
    ended = keras.Sequential([model, layers.Activation("sigmoid")])
    curve = faithfulness.deletion(ended, ONES, KNOWN[None], 0, steps=4, baseline=0.0)
    np.testing.assert_allclose(curve.values, [1 / (1 + np.exp(-np.array([10, 6, 3, 1, 0.0])))], rtol=1e-5)


def test_a_diverged_model_has_no_curve():
    model = linear_model(KNOWN * np.nan)
    with refused("NaN", "'dense", "learning rate"):
        faithfulness.deletion(model, ONES, KNOWN[None], 0, steps=4)


def test_a_model_without_class_scores():
    images = keras.Input((4, 4, 1))
    model = keras.Model(images, layers.Conv2D(2, 1)(images), name="maps_only")
    with refused("'maps_only'", "class scores, (B, C)"):
        faithfulness.deletion(
            model, np.ones((1, 4, 4, 1), np.float32), RNG.normal(size=(1, 4, 4)), 0, steps=4
        )
    with refused("model is a function", error=TypeError):
        faithfulness.deletion(lambda x: x, ONES, KNOWN[None], 0)


def test_blurred_images_keep_their_colour_and_lose_their_details():
    flat = np.full((2, 16, 16, 3), [10.0, 20.0, 30.0], np.float32)
    np.testing.assert_allclose(faithfulness.blurred(flat), flat, rtol=1e-5)
    smooth = faithfulness.blurred(IMAGES)
    assert smooth.shape == IMAGES.shape and smooth.dtype == np.float32
    assert smooth.std(axis=(1, 2)).max() < 0.2 * IMAGES.std(axis=(1, 2)).min()
    one_channel = IMAGES * [1, 0, 0]
    assert not faithfulness.blurred(one_channel)[..., 1:].any()
    np.testing.assert_allclose(faithfulness.blurred(IMAGES), faithfulness.blurred(IMAGES, sigma=3.0))
    for images, sigma, fragment in (
        (IMAGES[0], None, "(24, 24, 3)"),
        (IMAGES, 0, "sigma is 0"),
        (IMAGES, -1.0, "above 0"),
        (IMAGES * np.nan, None, "NaN"),
    ):
        with refused(fragment):
            faithfulness.blurred(images, sigma)


# --- shifts ----------------------------------------------------------------------------------


def test_shifted_by_hand():
    image = np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]])
    assert faithfulness.shifted(image, 1, 0).tolist() == [[[1, 2, 3], [1, 2, 3], [4, 5, 6]]]
    assert faithfulness.shifted(image, 0, -1).tolist() == [[[2, 3, 3], [5, 6, 6], [8, 9, 9]]]
    assert faithfulness.shifted(image[..., None], 1, 1)[..., 0].tolist() == [
        [[1, 1, 2], [1, 1, 2], [4, 4, 5]]
    ]
    assert faithfulness.shifted(image, 0, 0).tolist() == image.tolist()


moves = st.integers(-5, 5)


@steady
@given(moves, moves, st.integers(0, 99))
def test_a_map_that_moves_with_the_picture_is_stable(dy, dx, seed):
    images = np.random.default_rng(seed).normal(size=(3, 11, 12, 2))
    stable = faithfulness.shift_stability(lambda x: x.mean(axis=-1), images, dy, dx)
    np.testing.assert_allclose(stable, 1)


@steady
@given(moves, moves)
def test_a_map_that_stays_where_it_is_is_not_stable(dy, dx):
    images, fixed = RNG.normal(size=(2, 12, 12, 1)), RNG.normal(size=(2, 12, 12))
    stable = faithfulness.shift_stability(lambda x: fixed, images, dy, dx)
    assert (stable == pytest.approx(1)) == (dy == dx == 0)
    assert stable.shape == (2,)


def test_a_grid_of_cells_follows_whole_cells_better_than_parts_of_them():
    images = RNG.normal(size=(4, 48, 48, 1))

    def cells(x):
        return x.reshape(4, 12, 4, 12, 4).mean(axis=(2, 4))

    whole, part = (faithfulness.shift_stability(cells, images, 0, dx).mean() for dx in (4, 2))
    assert whole > 0.98 > 0.9 > part


@pytest.mark.parametrize(
    "dy, dx, fragments",
    [
        (24, 0, ["dy is 24", "from -23 to 23"]),
        (0, -24, ["dx is -24"]),
        (0, 1.5, ["dx is 1.5", "whole number"]),
    ],
)
def test_bad_shifts(dy, dx, fragments):
    with refused(*fragments):
        faithfulness.shifted(IMAGES, dy, dx)


def test_bad_maps_and_images_to_shift():
    with refused("(24, 24)", "(N, H, W"):
        faithfulness.shifted(IMAGES[0, ..., 0], 1, 1)
    with refused("(0, 4, 4)", "not empty"):
        faithfulness.shifted(np.ones((0, 4, 4)), 1, 1)
    for maps, fragments in (
        (lambda x: x[:2].mean(axis=-1), ["(2, 24, 24)", "one map for each"]),
        (lambda x: x, ["(3, 24, 24, 3)", "one class's map"]),
        (lambda x: x[0].mean(axis=-1), ["(24, 24)", "one map for each"]),
        (lambda x: 0 * x[..., 0], ["3 of 3 maps", "same everywhere"]),
    ):
        with refused(*fragments):
            faithfulness.shift_stability(maps, IMAGES, 1, 1)


# --- on drawn pets ---------------------------------------------------------------------------


def test_quick_net_is_a_small_network_with_a_fine_map():
    model = networks.quick_net()
    assert model.count_params() == 11_298
    assert find_head(model)[:3] == ("feature_maps", "gap", "class_scores")
    for size, grid in ((96, 24), (64, 16)):
        scores, cams = explain(model, np.zeros((1, size, size, 3), np.float32), verbose=False)
        assert scores.shape == (1, 2) and cams.shape == (1, grid, grid, 2)


def test_quick_net_keeps_its_maps_in_place():
    model = networks.quick_net()
    for layer in model.layers:  # every kernel symmetrical, so the map of a symmetrical image must be
        layer.set_weights([np.abs(w[::-1, ::-1] + w) if w.ndim == 4 else w for w in layer.get_weights()])
    image = RNG.uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    _, cams = explain(model, image + image[:, ::-1, ::-1], verbose=False)
    np.testing.assert_allclose(cams, cams[:, ::-1, ::-1], rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_the_shipped_networks_maps_pass_and_the_controls_do_not():
    network, test = networks.pets_net(trained=True), drawn_pets(20, seed=82_000)
    images = test.images.astype(np.float32)
    _, maps = explain(network, images, test.labels, verbose=False)
    for name, shuffled in faithfulness.cascade(network):
        scores, others = explain(shuffled, images, test.labels, verbose=False)
        assert np.abs(faithfulness.rank_correlation(maps, others).mean()) < 0.6, name
    assert training.accuracy(scores, test.labels) < 0.8

    other, chance = np.roll(maps, 1, axis=0), RNG.random(maps.shape)
    own, *controls = (
        faithfulness.deletion(network, images, m, test.labels, steps=12).areas.mean()
        for m in (maps, other, chance)
    )
    assert own < min(controls) - 0.15
    own, *controls = (
        faithfulness.insertion(network, images, m, test.labels, steps=12).areas.mean()
        for m in (maps, other, chance)
    )
    assert own > max(controls) + 0.1

    def maps_of(x):
        return explain(network, x, test.labels, verbose=False)[1]

    cell, part = (faithfulness.shift_stability(maps_of, images, 0, dx).mean() for dx in (4, 2))
    assert cell > 0.9 and cell > part > 0.7 > 0.3 > faithfulness.rank_correlation(maps, other).mean()


@pytest.mark.slow
def test_what_the_shipped_networks_maps_claim_holds_when_the_pictures_are_changed():
    """The experiments of notebook 10, on other pictures: no head no answer, and the change of the score is
    where the head is.
    """
    network = networks.pets_net(trained=True)

    def asked(images):
        scores, maps = explain(network, images.astype(np.float32), verbose=False)
        return scores[:, 1] - scores[:, 0], maps[..., 1] - maps[..., 0]

    test = drawn_pets(60, seed=83_000)
    heads = np.array([binary_dilation(m, iterations=2) for m in test.head_masks])
    right = {}
    for name, covered in (
        ("head", heads),
        ("body", test.body_masks & ~heads),
        ("elsewhere", np.roll(heads, 48, axis=(1, 2)) & ~heads),
    ):
        lead, _ = asked(
            np.where(covered[..., None], test.images.mean(axis=(1, 2), keepdims=True), test.images)
        )
        right[name] = ((lead > 0) == test.labels).mean()
    assert right["head"] < 0.7 and min(right["body"], right["elsewhere"]) > 0.95

    drawn = {
        (face, ears): drawn_pets(30, seed=83_000, label=face, ears=ears)
        for face in pets.CLASS_NAMES
        for ears in pets.CLASS_NAMES
    }
    lead, maps = {}, {}
    for who, d in drawn.items():
        lead[who], maps[who] = asked(d.images)
    change = maps["dog", "dog"] - maps["cat", "cat"]
    np.testing.assert_allclose(change.mean(axis=(1, 2)), lead["dog", "dog"] - lead["cat", "cat"], atol=1e-4)
    near = np.array(
        [
            binary_dilation(m, iterations=4)
            for m in drawn["cat", "cat"].head_masks | drawn["dog", "dog"].head_masks
        ]
    )
    cells = near.reshape(30, 24, 4, 24, 4).any(axis=(2, 4))
    assert (change * cells).sum() > 0.9 * change.sum() and cells.mean() < 0.2

    by_ears = np.mean([lead[face, "dog"] - lead[face, "cat"] for face in pets.CLASS_NAMES])
    by_face = np.mean([lead["dog", ears] - lead["cat", ears] for ears in pets.CLASS_NAMES])
    assert by_face > 1.5 * by_ears > 0


def test_importing_the_measures_imports_no_keras():
    code = "import course_utils.faithfulness, sys; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- found by looking for siblings of known faults ---------------------------------------------


def small(*before, head=None):
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            *before,
            layers.Conv2D(4, 3, name="conv"),
            layers.GlobalAveragePooling2D(),
            head or layers.Dense(2),
        ]
    )


def test_an_adapted_normalisation_is_copied_whole():
    images = RNG.random((4, 12, 12, 3), dtype=np.float32)
    model = small(layers.Normalization())
    model.layers[0].adapt(5 * images)
    copy = faithfulness.shuffle_weights(model, [])
    np.testing.assert_allclose(copy(images), model(images), atol=1e-6)


def test_layers_of_one_name_are_not_shuffled_by_chance():
    inner = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(3, 3, padding="same", name="conv")])
    with refused("2 layers of the name 'conv'", "give each its own"):
        next(faithfulness.cascade(small(inner)))


def test_one_softmax_alone_has_no_probability_to_fall():
    model = small(head=layers.Dense(1, activation="softmax"))
    images = RNG.random((1, 12, 12, 3), dtype=np.float32)
    with refused("a single output, whose softmax is always 1"):
        faithfulness.deletion(model, images, np.eye(4)[None], 0, steps=2)


@pytest.mark.parametrize("sigma", [np.float32(2), np.int64(2)])
def test_numpys_numbers_are_numbers(sigma):
    images = RNG.random((1, 12, 12, 3), dtype=np.float32)
    np.testing.assert_array_equal(faithfulness.blurred(images, sigma), faithfulness.blurred(images, 2))
