"""Grad-CAM and family: equal to CAM, to a neighbour, to slow references; guided backpropagation; refusals."""

import gc
import inspect
import subprocess
import sys
import warnings
import weakref

from course_utils import cam, gradients, graph
from course_utils.explain import explain, find_head
from course_utils.gradients import (
    eigen_cam_map,
    grad_cam,
    grad_cam_map,
    grad_cam_plus_plus_map,
    guided_backpropagation,
    guided_grad_cam,
    hires_cam_map,
    layer_cam_map,
    maps_and_gradients,
    score_cam,
)

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from checks import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import layers
from test_explain import (
    ARCHITECTURES,
    BAD_IMAGES,
    IMAGES,
    any_size,
    body,
    conv,
    functional,
    gap,
    linear,
    nested,
    only_convolutions,
    random,
    sequential,
    simple,
    skip_where_half_precision_is_not_imitated,
    snapshot,
    through,
    two_branches,
)

steady = settings(max_examples=40, deadline=None, derandomize=True, database=None)
CLASSES = np.array([2, 0, 1, 1, 0])  # one per image of IMAGES
MAPS = [grad_cam_map, hires_cam_map, grad_cam_plus_plus_map, layer_cam_map, eigen_cam_map]


def dense(units, name, activation=None, bias=True):
    return layers.Dense(
        units, activation, use_bias=bias, kernel_initializer=random(5), bias_initializer=random(6), name=name
    )


# --- networks that have no CAM ---------------------------------------------------------------


def flattened(bias=True):
    return functional(
        *body(), layers.Flatten(), dense(8, "hidden", "relu", bias), dense(3, "class_scores", bias=bias)
    )


def residual():
    """A target layer with a way around it."""
    inputs = keras.Input((12, 12, 3))
    x = conv(4, "before")(inputs)
    y = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer=random(7), name="inside")(x)
    x = layers.Flatten()(conv(5, "behind")(layers.Add()([x, y])))
    return keras.Model(inputs, dense(3, "class_scores")(x))


def nested_flattened():
    backbone = functional(*body(), name="backbone")
    head = keras.Sequential([layers.Flatten(), dense(8, "hidden", "relu"), dense(3, "class_scores")])
    return functional(layers.Rescaling(0.5), backbone, head)


def softmaxed():
    return functional(*body(), layers.Flatten(), dense(3, "class_scores", "softmax"))


def normalised():
    norm = layers.BatchNormalization(
        gamma_initializer=random(8), moving_mean_initializer=random(9), name="norm"
    )
    behind = [layers.Dropout(0.5), layers.GlobalMaxPooling2D(), dense(3, "class_scores")]
    return functional(*body(), norm, *behind)


NETWORKS = {
    "flattened": (flattened, "feature_maps"),
    "early layer": (flattened, "conv_1"),
    "pooling as target": (flattened, "pool_1"),
    "residual": (residual, "inside"),
    "two branches": (two_branches, "feature_maps"),
    "nested": (nested_flattened, "feature_maps"),
    "nested, early layer": (nested_flattened, "conv_1"),
    "softmax": (softmaxed, "feature_maps"),
    "normalised": (normalised, "norm"),
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    make, layer = NETWORKS[request.param]
    return make(), layer


@pytest.fixture(scope="module")
def net():
    return flattened()


# --- slow references -------------------------------------------------------------------------


def by_eager_tape(model, layer, images, classes):
    """A and dy/dA of each image, one by one, from TensorFlow's tape; nested models are entered by hand."""

    def run(x, layers_):
        return through(x, *layers_)

    tops = [one for one in model.layers if not isinstance(one, layers.InputLayer)]
    flat = [
        inner
        for one in tops
        for inner in (one.layers if hasattr(one, "layers") else [one])
        if not isinstance(inner, layers.InputLayer)
    ]
    cut = [one.name for one in flat].index(layer) + 1
    answers = []
    for image, c in zip(images, classes):
        A = run(tf.constant(image[None]), flat[:cut])
        with tf.GradientTape() as tape:
            tape.watch(A)
            behind = list(flat[cut:])
            if getattr(behind[-1], "activation", None) is keras.activations.softmax:
                w, b = behind.pop().weights
                y = run(A, behind) @ w + b
            else:
                y = run(A, behind)
            y = y[0, c]
        answers.append((A[0], tape.gradient(y, A)[0]))
    return [np.stack(arrays) for arrays in zip(*answers)]


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("residual", "two branches")])
def test_gradients_equal_an_eager_tape(name):
    make, layer = NETWORKS[name]
    model = make()
    found = maps_and_gradients(model, IMAGES, CLASSES, layer, verbose=False)
    A, G = by_eager_tape(model, layer, IMAGES, CLASSES)
    np.testing.assert_allclose(found.feature_maps, A, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.gradients, G, rtol=1e-4, atol=1e-5 * np.abs(G).max())
    assert np.ptp(G) > 0.01


def test_a_way_around_the_target_layer_is_not_its_gradient():
    model = residual()
    around = keras.Model(model.input, [model.get_layer("before").output, model.get_layer("inside").output])
    x, y = around(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(y)
        scores = through(
            layers.Add()([x, y]), model.get_layer("behind"), layers.Flatten(), model.get_layer("class_scores")
        )
        picked = tf.gather(scores, CLASSES, batch_dims=1)
    expected = tape.gradient(picked, y)
    found = maps_and_gradients(model, IMAGES, CLASSES, "inside", verbose=False)
    np.testing.assert_allclose(found.gradients, expected, atol=1e-5)


def test_both_branches_count():
    model = two_branches()
    A, G = maps_and_gradients(model, IMAGES, 1, "feature_maps", verbose=False)[1:]
    w = model.layers[-1].get_weights()[0][:, 1]
    K = A.shape[-1]
    expected = np.broadcast_to(w[:K] / A[0, ..., 0].size, A.shape).copy()
    highest = A == A.max(axis=(1, 2), keepdims=True)
    expected += w[K:] * highest / highest.sum(axis=(1, 2), keepdims=True)  # a tie shares it, as all zeros do
    np.testing.assert_allclose(G, expected, atol=1e-6)


def test_gradients_equal_finite_differences(net):
    _, A, G = maps_and_gradients(net, IMAGES[:2], [2, 0], verbose=False)
    v, a, w, b = (one.astype(float) for one in net.get_weights()[-4:])

    def score(A, c):
        return (np.maximum(A.reshape(-1) @ v + a, 0) @ w + b)[c]

    for maps, found, c in zip(A.astype(float), G, (2, 0)):
        for i in np.ndindex(maps.shape):
            step = np.zeros_like(maps)
            step[i] = 1e-6
            slope = (score(maps + step, c) - score(maps - step, c)) / 2e-6
            assert abs(slope - found[i]) < 1e-5


def test_the_map_is_the_formula_in_loops(net):
    _, A, G = maps_and_gradients(net, IMAGES, CLASSES, verbose=False)
    B, h, w, K = A.shape
    expected = np.zeros((B, h, w))
    for b in range(B):
        for k in range(K):
            alpha = sum(float(G[b, y, x, k]) for y in range(h) for x in range(w)) / (h * w)
            expected[b] += alpha * A[b, ..., k]
    _, raw = grad_cam(net, IMAGES, CLASSES, relu=False, verbose=False)
    np.testing.assert_allclose(raw, expected, atol=1e-6 * np.abs(expected).max())
    assert raw.min() < 0 < raw.max()
    np.testing.assert_array_equal(grad_cam(net, IMAGES, CLASSES, verbose=False)[1], np.maximum(raw, 0))


# --- on a GAP head: CAM / Z ------------------------------------------------------------------


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "maps as input"])
def test_unrectified_grad_cam_is_cam_over_z(architecture):
    case = ARCHITECTURES[architecture]()
    scores, cams = explain(case.model, case.images, verbose=False)
    classes = np.arange(len(cams)) % cams.shape[-1]
    expected = np.stack([cams[b, ..., c] for b, c in enumerate(classes)]) / cams[0, ..., 0].size
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found_scores, found = grad_cam(case.model, case.images, classes, relu=False, verbose=False)
    tolerance = case.tolerance if case.tolerance > 1e-5 else 1e-6
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()
    np.testing.assert_allclose(found_scores, scores, rtol=tolerance, atol=max(tolerance, 1e-6))
    assert found.dtype == found_scores.dtype == np.float32


@pytest.mark.parametrize("method", [hires_cam_map, layer_cam_map])
def test_the_family_on_a_gap_head(method):
    """One gradient a map: HiResCAM is Grad-CAM, LayerCAM is Grad-CAM of the positive weights."""
    model = simple(gap(), linear()).model
    _, A, G = maps_and_gradients(model, IMAGES, CLASSES, verbose=False)
    kept = G if method is hires_cam_map else np.maximum(G, 0)
    np.testing.assert_allclose(method(A, G), grad_cam_map(A, kept), atol=1e-6)


def test_grad_cam_plus_plus_on_a_gap_head_damps_maps_that_are_large_all_over():
    model = simple(gap(), linear()).model
    _, A, G = maps_and_gradients(model, IMAGES, CLASSES, verbose=False)
    w, means = find_head(model).class_weights[:, CLASSES].T, A.mean(axis=(1, 2))
    weights = np.maximum(w, 0) / (2 + w * means)
    np.testing.assert_allclose(grad_cam_plus_plus_map(A, G), np.einsum("bhwk,bk->bhw", A, weights), atol=1e-6)


def test_hires_cam_adds_up_to_the_score_without_biases():
    model = flattened(bias=False)
    scores, A, G = maps_and_gradients(model, IMAGES, CLASSES, verbose=False)
    own = scores[np.arange(5), CLASSES]
    np.testing.assert_allclose(hires_cam_map(A, G).sum(axis=(1, 2)), own, rtol=1e-4)
    assert np.abs(grad_cam_map(A, G).sum(axis=(1, 2)) - own).max() > 0.1 * np.abs(own).max()


# --- a neighbour -----------------------------------------------------------------------------


def neighbours(name, model, layer, score_factor=None):
    """A method of tf-keras-vis as it comes, but on the grid and not stretched."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    kinds = {"Grad-CAM": Gradcam, "LayerCAM": Layercam, "Score-CAM": Scorecam}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SciPy's old address
        theirs = kinds[name](model)(
            CategoricalScore(CLASSES.tolist()),
            IMAGES,
            penultimate_layer=layer,
            expand_cam=False,
            seek_penultimate_conv_layer=False,
            normalize_cam=False,
        )
    return np.asarray(theirs)


PEERS = {
    "flattened": flattened,
    "residual": residual,
    "two branches": two_branches,
    "normalised": normalised,
    "GAP": lambda: simple(gap(), linear()).model,
}
OURS = {
    "Grad-CAM": grad_cam_map,
    "LayerCAM": layer_cam_map,
}  # its Grad-CAM++ is the authors' code, not the paper's


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("architecture", PEERS)
def test_equal_to_tf_keras_vis(name, architecture):
    model, layer = PEERS[architecture](), {"residual": "inside"}.get(architecture, "feature_maps")
    theirs = neighbours(name, model, layer)
    _, ours = grad_cam(model, IMAGES, CLASSES, layer, method=OURS[name], verbose=False)
    assert np.abs(theirs).max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def same_size():
    """Maps as large as the images: nothing to enlarge."""
    wide = layers.Conv2D(5, 3, padding="same", activation="relu", kernel_initializer=random(1), name="wide")
    small = keras.initializers.RandomNormal(stddev=0.1, seed=5)
    return functional(wide, layers.Flatten(), layers.Dense(3, kernel_initializer=small))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_score_cam_equals_tf_keras_vis():
    model = same_size()
    theirs = neighbours("Score-CAM", model, "wide")
    _, ours = score_cam(model, IMAGES, CLASSES, "wide", verbose=False)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_score_cam_differs_from_tf_keras_vis_by_the_enlargement_only(net, monkeypatch):
    theirs = neighbours("Score-CAM", net, "feature_maps")
    _, ours = score_cam(net, IMAGES, CLASSES, verbose=False)
    assert np.abs(ours - theirs).max() > 1e-3 * np.abs(theirs).max()

    def corners_matched(maps, size):
        factors = 1, size[0] / maps.shape[1], size[1] / maps.shape[2]
        return scipy.ndimage.zoom(maps, factors, order=1, mode="nearest")

    monkeypatch.setattr(gradients.cam, "upsample", corners_matched)
    _, ours = score_cam(net, IMAGES, CLASSES, verbose=False)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


# --- the family on arrays --------------------------------------------------------------------


@st.composite
def pairs(draw, low=-8):
    """Feature maps as behind a ReLU, and gradients."""
    shape = tuple(draw(st.integers(1, n)) for n in (2, 4, 4, 4))
    return (
        draw(hnp.arrays(float, shape, elements=st.floats(0, 8, width=32))),
        draw(hnp.arrays(float, shape, elements=st.floats(low, 8, width=32))),
    )


def close(a, b, scale):
    assert a.shape == b.shape and np.abs(a - b).max() <= 1e-9 * (scale + 1e-30)


@steady
@given(pairs(), st.floats(0.1, 4))
def test_gradients_twice_as_large_make_maps_twice_as_large(pair, factor):
    A, G = pair
    for method in (grad_cam_map, hires_cam_map, layer_cam_map):
        close(method(A, factor * G), factor * method(A, G), (A * np.abs(G)).sum() + A.sum() * np.abs(G).sum())


@steady
@given(pairs())
def test_one_gradient_for_the_whole_map_makes_hires_cam_grad_cam(pair):
    A, G = pair
    G = np.broadcast_to(G[:, :1, :1], G.shape)
    close(hires_cam_map(A, G), grad_cam_map(A, G), np.abs(G).max() * A.sum())


@steady
@given(pairs())
def test_layer_cam_is_what_hires_cam_has_without_negative_gradients(pair):
    A, G = pair
    close(layer_cam_map(A, G), hires_cam_map(A, np.maximum(G, 0)), 1)
    assert (layer_cam_map(A, G) >= hires_cam_map(A, G) - 1e-9).all() and (layer_cam_map(A, G) >= 0).all()


@steady
@given(pairs())
def test_grad_cam_plus_plus_weights_are_at_most_half_the_positive_gradients(pair):
    """A map that is zero all over has alpha = 1/2; the more there is in it, the less each gradient counts."""
    A, G = pair
    found, most = (
        grad_cam_plus_plus_map(A, G),
        (A * np.maximum(G, 0).sum(axis=(1, 2), keepdims=True) / 2).sum(axis=-1),
    )
    assert (found >= -1e-9).all() and (found <= most * (1 + 1e-9) + 1e-9).all()


def test_grad_cam_plus_plus_is_the_papers_equation_with_derivatives_by_finite_differences(net):
    """alpha = D2 / (2 D2 + sum A D3), w = sum alpha ReLU(D1), with D1 to D3 the derivatives of exp(y), in
    loops.
    """
    _, A, _ = maps_and_gradients(net, IMAGES[:2], [2, 0], verbose=False)
    _, found = grad_cam(net, IMAGES[:2], [2, 0], method=grad_cam_plus_plus_map, relu=False, verbose=False)
    v, a, w, b = (one.astype(float) for one in net.get_weights()[-4:])
    h = 1e-3
    for maps, c, one in zip(A.astype(float), (2, 0), found):

        def rise(step):
            """exp(y) after a step, as a share of exp(y) before it: the factor that is left out."""
            return np.exp(score(maps + step) - score(maps))

        def score(A):
            return (np.maximum(A.reshape(-1) @ v + a, 0) @ w + b)[c]

        weights = np.zeros(maps.shape[-1])
        for i in np.ndindex(maps.shape):
            step = np.zeros_like(maps)
            step[i] = h
            less2, less, more, more2 = (rise(n * step) for n in (-2, -1, 1, 2))
            D1, D2 = (more - less) / (2 * h), (more - 2 + less) / h**2
            D3 = (more2 - 2 * more + 2 * less - less2) / (2 * h**3)
            below = 2 * D2 + maps[..., i[-1]].sum() * D3
            weights[i[-1]] += D2 / below * max(D1, 0)
        np.testing.assert_allclose(one, maps @ weights, atol=1e-3 * np.abs(one).max())


@steady
@given(pairs())
def test_eigen_cam_keeps_as_much_as_one_map_can_and_knows_no_class(pair):
    A, G = pair
    found = eigen_cam_map(A, G)
    np.testing.assert_array_equal(found, eigen_cam_map(A, -G))
    assert (found.sum(axis=(1, 2)) >= 0).all()
    for one, maps in zip(found, A):
        largest = np.linalg.norm(maps.reshape(-1, maps.shape[-1]), 2)
        assert abs(np.linalg.norm(one) - largest) <= 1e-6 * (1 + largest)


@pytest.mark.parametrize("method", MAPS)
@steady
@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_maps_and_images_does_not_matter(method, pair, random):
    A, G = pair
    order = random.sample(range(A.shape[-1]), A.shape[-1])
    if method is not eigen_cam_map:  # where two components are as large, any mixture is right
        np.testing.assert_allclose(method(A[..., order], G[..., order]), method(A, G), rtol=1e-6, atol=1e-6)
    one_by_one = np.concatenate([method(a[None], g[None]) for a, g in zip(A, G)])
    np.testing.assert_allclose(one_by_one, method(A, G), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", MAPS)
def test_no_evidence_makes_zeros_and_no_nan(method):
    zeros = np.zeros((2, 3, 3, 4))
    assert not method(zeros, zeros).any()
    assert np.isfinite(method(zeros + 1, zeros)).all()


@pytest.mark.parametrize("method", MAPS)
def test_each_of_the_family_has_at_most_fifteen_lines_and_names_its_paper(method):
    lines = inspect.getsource(method).strip().splitlines()
    assert len(lines) <= 15
    assert any(year in method.__doc__ for year in ("2017", "2018", "2020", "2021"))


@pytest.mark.parametrize("method", MAPS[:-1])
def test_feature_maps_and_gradients_must_match(method):
    A = np.ones((2, 3, 3, 4))
    with refused("(2, 3, 3, 4)", "(2, 3, 3, 5)", "maps_and_gradients"):
        method(A, np.ones((2, 3, 3, 5)))
    with refused("gradients", "NaN"):
        method(A, A * np.nan)
    with refused("feature_maps", "(3, 3, 4)", "feature_maps[None]"):
        method(A[0], A[0])


# --- batches, classes, layers ----------------------------------------------------------------


def test_a_batch_is_its_images_one_by_one(network):
    model, layer = network
    scores, cams = grad_cam(model, IMAGES, CLASSES, layer, relu=False, verbose=False)
    for b, c in enumerate(CLASSES):
        one_score, one = grad_cam(model, IMAGES[b : b + 1], int(c), layer, relu=False, verbose=False)
        np.testing.assert_allclose(one[0], cams[b], atol=1e-5 * np.abs(cams).max())
        np.testing.assert_allclose(one_score[0], scores[b], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ask", [grad_cam, score_cam])
@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_chunks_change_nothing(net, ask, batch_size):
    scores, cams = ask(net, IMAGES, CLASSES, verbose=False)
    in_chunks = ask(net, IMAGES, CLASSES, batch_size=batch_size, verbose=False)
    np.testing.assert_allclose(in_chunks[0], scores, atol=1e-5)
    np.testing.assert_allclose(in_chunks[1], cams, atol=1e-5)


def test_guided_chunks_change_nothing(net):
    at_once, in_chunks = (guided_backpropagation(net, IMAGES, CLASSES, batch_size=n) for n in (32, 2))
    np.testing.assert_allclose(in_chunks, at_once, atol=1e-6)


def test_one_class_for_all_is_that_class_for_each(net):
    np.testing.assert_array_equal(
        grad_cam(net, IMAGES, 1, verbose=False)[1], grad_cam(net, IMAGES, [1] * 5, verbose=False)[1]
    )


def test_scores_are_logits_where_the_model_ends_in_a_softmax():
    """The gradient of a probability vanishes where the model is sure; the map is that of the logit."""
    model = softmaxed()
    *before, w, b = model.get_weights()
    model.set_weights([*before, 50 * w, b])
    plain = functional(*body(), layers.Flatten(), dense(3, "class_scores"))
    plain.set_weights(model.get_weights())
    assert np.asarray(model(IMAGES)).max() > 0.9999
    for ask in (maps_and_gradients, guided_grad_cam, score_cam):
        for a, b in zip(
            ask(model, IMAGES, CLASSES, verbose=False), ask(plain, IMAGES, CLASSES, verbose=False)
        ):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


def test_averaged_probabilities_are_pointed_out():
    inputs = keras.Input((12, 12, 3))
    x = layers.Flatten()(through(inputs, *body()))
    both = layers.Average()([dense(3, "one", "softmax")(x), dense(3, "two", "softmax")(x)])
    with pytest.warns(UserWarning, match="look like probabilities.*logits"):
        grad_cam(keras.Model(inputs, both), IMAGES, 0, verbose=False)


def test_scores_that_happen_to_add_up_to_one_are_not():
    model = functional(*body(), layers.Flatten(), layers.Dense(2, kernel_initializer="zeros"))
    model.layers[-1].bias.assign([0.25, 0.75])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_cam(model, IMAGES, 0, verbose=False)


def test_the_last_layer_with_a_grid_is_asked_and_said_once(capsys):
    model = functional(*body(), gap(keepdims=True), layers.Flatten(), dense(3, "class_scores"))
    grad_cam(model, IMAGES, 0)
    assert capsys.readouterr().out == "maps: output of 'feature_maps' (3 × 3 cells, 6 maps)\n"
    grad_cam(model, IMAGES, 1)
    score_cam(model, IMAGES[:1], 1)
    assert capsys.readouterr() == ("", "")
    grad_cam(model, IMAGES, 0, "conv_1")
    assert capsys.readouterr().out == "maps: output of 'conv_1' (10 × 10 cells, 4 maps)\n"
    grad_cam(flattened(), IMAGES, 0, verbose=False)
    assert capsys.readouterr() == ("", "")


def off_the_path():
    """A backbone with two outputs, of which the first is used."""
    inputs = keras.Input((12, 12, 3))
    first = conv(4, "first")(inputs)
    pyramid = keras.Model(inputs, [first, conv(5, "second")(first)], name="pyramid")
    return functional(lambda x: pyramid(x)[0], layers.Flatten(), dense(3, "class_scores"))


def two_streams():
    """Behind the last maps that all of the way goes through, it divides: what one half keeps is only half."""
    inputs = keras.Input((12, 12, 3))
    x = conv(4, "before")(inputs)
    halves = [layers.Flatten()(conv(3, name)(x)) for name in ("left", "right")]
    return keras.Model(inputs, dense(3, "class_scores")(layers.Concatenate()(halves)))


def from_the_images():
    """Two streams from the first layer on: no maps are everyone's, so the last ones are asked."""
    inputs = keras.Input((12, 12, 3))
    halves = [layers.Flatten()(conv(3, name)(inputs)) for name in ("left", "right")]
    return keras.Model(inputs, dense(3, "class_scores")(layers.Concatenate()(halves)))


@pytest.mark.parametrize(
    "make, name", [(off_the_path, "first"), (two_streams, "before"), (from_the_images, "right")]
)
def test_the_default_lies_where_all_of_the_way_to_the_scores_goes(make, name, capsys):
    grad_cam(make(), IMAGES, 0)
    assert f"'{name}'" in capsys.readouterr().out


def test_a_layer_off_the_path_has_no_map_for_the_scores():
    with refused("'second'", "on the way to the scores", "first"):
        grad_cam(off_the_path(), IMAGES, 0, "second")


@pytest.mark.parametrize(
    "architecture",
    ["maps added", "maps rectified by an operation", "backbone in functional", "maps as input"],
)
def test_the_name_that_find_head_gives_is_taken(architecture):
    model = ARCHITECTURES[architecture]().model
    name = find_head(model).feature_layer
    cams = explain(model, IMAGES, 0, target_layer=name, verbose=False)[1]
    found = grad_cam(model, IMAGES, 0, name, relu=False, verbose=False)[1]
    np.testing.assert_allclose(found, cams / cams[0].size, atol=1e-6)


def test_a_backbone_may_be_the_target():
    model = nested_flattened()
    for target in ("backbone", model.get_layer("backbone")):
        np.testing.assert_array_equal(
            grad_cam(model, IMAGES, 0, target, verbose=False)[1],
            grad_cam(model, IMAGES, 0, "feature_maps", verbose=False)[1],
        )


def test_a_layer_may_be_given_by_itself(net):
    by_name, by_itself = (
        grad_cam(net, IMAGES, 0, layer, verbose=False)[1] for layer in ("conv_1", net.get_layer("conv_1"))
    )
    np.testing.assert_array_equal(by_name, by_itself)


def test_one_name_for_two_layers():
    inside = functional(conv(4, "twin"), size=(12, 12, 3), name="inside")
    model = functional(inside, conv(5, "twin"), layers.Flatten(), dense(3, "class_scores"))
    with refused("'twin'", "2 layers", "the layer itself"):
        grad_cam(model, IMAGES, 0, "twin")
    inner, outer = inside.get_layer("twin"), model.get_layer("twin")
    assert maps_and_gradients(model, IMAGES, 0, inner, verbose=False).feature_maps.shape == (5, 10, 10, 4)
    assert maps_and_gradients(model, IMAGES, 0, outer, verbose=False).feature_maps.shape == (5, 8, 8, 5)


def test_a_layer_used_twice_has_no_single_map():
    inputs = keras.Input((12, 12, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    model = keras.Model(inputs, dense(3, "class_scores")(layers.Flatten()(shared(shared(inputs)))))
    with refused("'shared'", "2 times", "another target_layer"):
        grad_cam(model, IMAGES, 0, "shared")
    assert grad_cam(model, IMAGES, 0, verbose=False)[1].shape == (5, 12, 12)  # its last use is a single one


def test_a_subclassed_model_inside_is_one_layer():
    class Inside(keras.Model):
        def __init__(self):
            super().__init__(name="inside")
            self.steps = body()

        def call(self, x):
            return through(x, *self.steps)

    model = functional(Inside(), layers.Flatten(), dense(3, "class_scores"))
    assert grad_cam(model, IMAGES, 0, verbose=False)[1].shape == (5, 3, 3)
    with refused("'conv_1'", "inside"):
        grad_cam(model, IMAGES, 0, "conv_1")


def test_a_model_for_any_size_takes_any_size_without_compiling_anew():
    model = any_size().model
    for height, width in ((12, 12), (33, 9), (9, 40)):
        images = np.random.default_rng(height).uniform(size=(2, height, width, 3))
        scores, cams = grad_cam(model, images, 1, verbose=False)
        assert cams.shape == (2, (height - 2) // 2 - 2, (width - 2) // 2 - 2)
        assert guided_backpropagation(model, images, 1).shape == images.shape
    assert len(graph._KNOWN[model].functions) == 2


def test_the_model_is_traced_once_however_often_it_is_asked():
    traced = []

    class Spy(layers.Layer):
        def call(self, x):
            traced.append(tf.is_tensor(x))  # symbolic calls of Keras don't count
            return x

    model = functional(Spy(), *body(), layers.Flatten(), dense(3, "class_scores"))
    traced.clear()
    for B, c in ((1, 0), (5, CLASSES), (3, 1), (1, 2)):
        grad_cam(model, IMAGES[:B], c, verbose=False)
    grad_cam(model, IMAGES, 0, method=layer_cam_map, verbose=False)
    maps_and_gradients(model, IMAGES, 0, batch_size=2, verbose=False)
    assert len(traced) == 2  # once compiled, and once called itself, to compare


# --- the model goes on living, and then it doesn't -------------------------------------------

FAMILY = {
    "grad_cam": grad_cam,
    "maps_and_gradients": maps_and_gradients,
    "score_cam": score_cam,
    "guided_backpropagation": guided_backpropagation,
    "guided_grad_cam": guided_grad_cam,
}


@pytest.mark.slow
@pytest.mark.parametrize("ask", [score_cam, guided_grad_cam])  # the second one asks all the others
@pytest.mark.parametrize(
    "make",
    [
        flattened,
        nested_flattened,
        residual,
        normalised,
        lambda: sequential("by Input").model,
        lambda: nested("Sequential").model,
    ],
    ids=["flattened", "nested", "residual", "normalised", "Sequential", "in Sequential"],
)
def test_nothing_about_the_model_changes(ask, make):
    model = make()
    before = snapshot(model)
    images = IMAGES.copy()
    images.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one image has no gradient in its pixels
        ask(model, images, CLASSES)
    after = snapshot(model)
    for what in ("config", "compiled", "names", "trainable", "nodes"):
        assert after[what] == before[what], what
    for what in ("weights", "predictions"):
        assert all(np.array_equal(a, b) for a, b in zip(after[what], before[what], strict=True)), what
    assert all(a is b for a, b in zip(after["outputs"], before["outputs"], strict=True))
    np.testing.assert_array_equal(images, IMAGES)


def test_guided_backpropagation_leaves_other_gradients_alone(net):
    def plain():
        x = tf.constant(IMAGES)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(net(x)[:, 0])
        return np.asarray(tape.gradient(y, x))

    before = plain()
    assert np.abs(guided_backpropagation(net, IMAGES, 0) - before).max() > 0.1 * np.abs(before).max()
    np.testing.assert_array_equal(plain(), before)


def test_maps_follow_the_training():
    model = flattened()
    before = grad_cam(model, IMAGES, 0, verbose=False)[1]
    model.set_weights([1.5 * w - 0.01 for w in model.get_weights()])
    scores, cams = grad_cam(model, IMAGES, 0, verbose=False)
    np.testing.assert_allclose(scores, np.asarray(model(IMAGES)), rtol=1e-5, atol=1e-5)
    A, G = by_eager_tape(model, "feature_maps", IMAGES, [0] * 5)
    np.testing.assert_allclose(cams, np.maximum(grad_cam_map(A, G), 0), atol=1e-4 * cams.max())
    assert np.abs(cams - before).max() > 0.1 * cams.max()


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [flattened, nested_flattened, lambda: sequential("not yet").model],
    ids=["flattened", "nested", "Sequential"],
)
def test_models_are_freed(make):
    model = make()
    guided_grad_cam(model, IMAGES, 0, verbose=False)
    gone, kept = weakref.ref(model), len(graph._KNOWN)
    del model
    gc.collect()
    assert gone() is None and len(graph._KNOWN) < kept


def test_importing_loads_no_tensorflow():
    code = "import course_utils.gradients, sys; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- guided backpropagation ------------------------------------------------------------------


@tf.custom_gradient
def guided_relu(x):
    """Springenberg's rule, written down again: pass what is positive, where the input was."""
    y = tf.nn.relu(x)
    return y, lambda rising: tf.where(x > 0, tf.maximum(rising, 0), 0)


def guided_by_hand(model, images, classes):
    x = start = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(start)
        for layer in model.layers[1:]:
            if isinstance(layer, layers.Conv2D):
                x = guided_relu(tf.nn.conv2d(x, layer.kernel, 1, "VALID") + layer.bias)
            elif layer.name == "hidden":
                x = guided_relu(x @ layer.kernel + layer.bias)
            else:
                x = layer(x)
        y = tf.reduce_sum(tf.gather(x, classes, batch_dims=1))
    return np.asarray(tape.gradient(y, start))


def test_guided_backpropagation_equals_custom_gradients(net):
    expected = guided_by_hand(net, IMAGES, CLASSES)
    found = guided_backpropagation(net, IMAGES, CLASSES)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert found.shape == IMAGES.shape and found.min() < 0 < found.max()


class OwnRelu(layers.Layer):
    def call(self, x):
        return tf.nn.relu(x)


def bare():
    return layers.Conv2D(4, 3, kernel_initializer=random(1), bias_initializer=random(2))


RELUS = {
    "in the convolution": lambda: [conv(4, "conv")],
    "a layer": lambda: [bare(), layers.ReLU()],
    "an activation": lambda: [bare(), layers.Activation("relu")],
    "an operation": lambda: [bare(), keras.ops.relu],
    "in a layer of one's own": lambda: [bare(), OwnRelu()],
    "nested": lambda: [functional(conv(4, "conv"))],
    "with a maximum": lambda: [bare(), layers.ReLU(6.0)],
}


@pytest.mark.parametrize("how", RELUS)
def test_every_way_to_write_a_relu_is_guided(how):
    def network(steps):
        keras.utils.set_random_seed(0)
        return functional(*steps, layers.Flatten(), dense(2, "class_scores"))

    model, reference = network(RELUS[how]()), network(RELUS["in the convolution"]())
    reference.set_weights(model.get_weights())
    found, expected = guided_backpropagation(model, IMAGES, 0), guided_by_hand(reference, IMAGES, 0 * CLASSES)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_relu_at_its_maximum_passes_nothing():
    model = functional(bare(), layers.ReLU(6.0), layers.Flatten(), dense(2, "class_scores"))
    model.set_weights([np.abs(w) for w in model.get_weights()])
    assert guided_backpropagation(model, IMAGES / 100, 0).any()
    with pytest.warns(UserWarning, match="5 of 5 image.*zero everywhere in the pixels"):
        assert not guided_backpropagation(model, 1000 + IMAGES, 0).any()


@pytest.mark.parametrize(
    "activation, kind",
    [
        ("leaky_relu", "LeakyRelu"),
        ("elu", "Elu"),
        ("tanh", "Tanh"),
        ("silu", "Sigmoid"),
        ("gelu", "Erf"),
        ("softplus", "Softplus"),
        ("hard_sigmoid", "HardSigmoid"),
        ("hard_silu", "Mul"),
        ("hard_tanh", "Maximum"),
        ("squareplus", "S"),
        (None, "no ReLU"),
    ],
)
def test_other_activations_are_not_guided(activation, kind):
    steps = [bare(), layers.Activation(activation)] if activation else [bare()]
    model = functional(*steps, layers.Flatten(), dense(2, "class_scores"))
    with refused("only activation is ReLU", kind, f"'{model.name}'", "use grad_cam"):
        guided_backpropagation(model, IMAGES, 0)
    assert grad_cam(model, IMAGES, 0, verbose=False)[1].shape == (5, 10, 10)


@pytest.mark.parametrize(
    "bends",
    [
        layers.PReLU(alpha_initializer="ones"),
        layers.LeakyReLU(),
        layers.ReLU(negative_slope=0.1),
        layers.ReLU(threshold=0.5),
        layers.ReLU(3.0),
        keras.ops.hard_sigmoid,
        keras.ops.square,
        keras.ops.abs,
        lambda x: x * x,
        lambda x: 1 / (1 + x),
        lambda x: x / keras.ops.max(x),
        lambda x: -x,
        layers.LayerNormalization(),
        layers.GroupNormalization(2),
        layers.UnitNormalization(),
        lambda x: x * keras.ops.mean(x, axis=(1, 2), keepdims=True),
    ],
    ids=lambda one: getattr(one, "name", getattr(one, "__name__", "")),
)
def test_only_relus_and_linear_operations_may_stand_in_between(bends):
    model = functional(bare(), bends, conv(4, "conv"), layers.Flatten(), dense(2, "class_scores"))
    with refused("only activation is ReLU", "use grad_cam"):
        guided_backpropagation(model, IMAGES, 0)


@pytest.mark.parametrize(
    "linear_one",
    [
        layers.BatchNormalization(),
        layers.Normalization(mean=0.5, variance=0.3),
        layers.Rescaling(2.0, offset=-1),
        layers.ZeroPadding2D(),
        layers.Cropping2D(),
        layers.AveragePooling2D(2),
        layers.MaxPooling2D(2),
        layers.UpSampling2D(),
        layers.Resizing(10, 10),
        layers.Dropout(0.5),
        layers.DepthwiseConv2D(3, dilation_rate=2),
        layers.SeparableConv2D(4, 3),
        layers.Conv2DTranspose(4, 3),
        layers.Conv2D(4, 3, groups=1, dilation_rate=2),
        lambda x: x + 1,
        lambda x: x - 0.5,
        lambda x: x / 3,
        lambda x: x[..., ::-1],
        lambda x: x + layers.Conv2D(4, 1)(x),
        lambda x: keras.ops.concatenate([x, 2 * x], axis=-1),
    ],
    ids=lambda one: getattr(one, "name", getattr(one, "__name__", "")),
)
def test_linear_operations_may(linear_one):
    model = functional(
        conv(4, "first"), linear_one, conv(4, "conv"), layers.Flatten(), dense(2, "class_scores")
    )
    assert guided_backpropagation(model, IMAGES, 0).any()


def test_guided_backpropagation_ends_before_a_softmax_or_sigmoid(net):
    plain = guided_backpropagation(net, IMAGES, 0)
    for end in (layers.Softmax(), keras.ops.sigmoid, layers.Activation("log_softmax")):
        ended = keras.Model(net.inputs, through(net.output, end))
        np.testing.assert_allclose(guided_backpropagation(ended, IMAGES, 0), plain, atol=1e-6)


def test_guided_grad_cam_is_the_product(net):
    pixels = guided_backpropagation(net, IMAGES, CLASSES)
    _, cams = grad_cam(net, IMAGES, CLASSES, verbose=False)
    expected = np.stack([[pixels[b, ..., c] * cam.upsample(cams[b], 12) for c in range(3)] for b in range(5)])
    found = guided_grad_cam(net, IMAGES, CLASSES, verbose=False)
    np.testing.assert_allclose(found, np.moveaxis(expected, 1, -1), atol=1e-6)


# --- refusals --------------------------------------------------------------------------------


def all_ways(ask):
    return pytest.mark.parametrize("ask", FAMILY.values(), ids=FAMILY)(ask)


@all_ways
@pytest.mark.parametrize("what", BAD_IMAGES)
def test_bad_images(net, ask, what):
    images, error, fragments = BAD_IMAGES[what]
    with refused(*fragments, error=error):
        ask(net, images, 0)


@all_ways
@pytest.mark.parametrize(
    "classes, error, fragments",
    [
        (3, ValueError, ["3", "out of range", "0 to 2"]),
        (-1, ValueError, ["-1", "out of range", "0 to 2"]),
        ([0, 1], ValueError, ["(2,)", "5 image(s)", "one per image"]),
        (1.0, TypeError, ["1.0", "whole number"]),
        (None, TypeError, ["None", "whole number"]),
        ("cat", TypeError, ["cat", "whole number"]),
    ],
    ids=str,
)
def test_bad_class_idx(net, ask, classes, error, fragments):
    with refused(*fragments, error=error):
        ask(net, IMAGES, classes)


@pytest.mark.parametrize("ask", [grad_cam, maps_and_gradients, score_cam, guided_grad_cam])
@pytest.mark.parametrize("target", ["conv_9", 3, layers.Conv2D(2, 3, name="stranger"), "hidden"], ids=str)
def test_unknown_or_flat_target_layers_list_the_valid_ones(net, ask, target):
    with refused(repr(getattr(target, "name", target)), "conv_1, pool_1, feature_maps"):
        ask(net, IMAGES, 0, target)


@all_ways
@pytest.mark.parametrize("batch_size", [0, 2.5, None])
def test_bad_batch_size(net, ask, batch_size):
    with refused("batch_size", repr(batch_size), "at least 1"):
        ask(net, IMAGES, 0, batch_size=batch_size)


@all_ways
@pytest.mark.parametrize("no_model", [None, 3, keras.layers.Dense(3)], ids=str)
def test_no_model_at_all(ask, no_model):
    with refused(type(no_model).__name__, "Keras model", error=TypeError):
        ask(no_model, IMAGES, 0)


@all_ways
def test_outputs_that_are_no_class_scores(ask):
    with refused("(None, 3, 3, 6)", "class scores, (B, C)"):
        ask(only_convolutions(), IMAGES, 0)


@pytest.mark.parametrize("ask", [grad_cam, maps_and_gradients, score_cam])
def test_a_model_without_any_map(ask):
    with refused("no layer with a map", "(B, h, w, K)"):
        ask(functional(layers.Flatten(), dense(3, "class_scores")), IMAGES, 0)


@all_ways
@pytest.mark.parametrize("part", [-1, -4, 0], ids=["bias", "hidden", "first convolution"])
def test_a_diverged_model(ask, part):
    model = flattened()
    weights = model.get_weights()
    weights[part].flat[0] = np.nan
    model.set_weights(weights)
    with refused("NaN", "learning rate"):
        ask(model, IMAGES, 0)


@all_ways
def test_bfloat16(ask):
    skip_where_half_precision_is_not_imitated()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = flattened()
    finally:
        keras.config.set_dtype_policy(before)
    arrays = ask(model, tf.cast(IMAGES, tf.bfloat16), 0)
    for array in arrays if isinstance(arrays, tuple) else [arrays]:
        assert array.dtype == np.float32 and np.isfinite(array).all()


@all_ways
def test_images_too_small_for_the_layers(ask):
    with refused("3 × 3", "larger"):
        ask(any_size().model, IMAGES[:, :3, :3], 0)


@pytest.mark.parametrize("how", [tf.stop_gradient, tf.round], ids=["stop_gradient", "round"])
def test_no_gradient_leads_back(how):
    step = layers.Lambda(how, output_shape=lambda shape: shape)
    model = functional(*body(), step, layers.Flatten(), dense(3, "class_scores"))
    with refused("No gradient", "'feature_maps'", "later target_layer"):
        grad_cam(model, IMAGES, 0, "feature_maps")
    with refused("No gradient", "its images"):
        guided_backpropagation(model, IMAGES, 0)
    assert score_cam(model, IMAGES, 0, "feature_maps", verbose=False)[1].max() > 0  # it needs none
    assert grad_cam(model, IMAGES, 0, step, verbose=False)[1].max() > 0  # behind it there is one


def test_an_infinite_gradient_is_not_blamed_on_the_size():
    """The cube root of nothing: as in generalised mean pooling where a map is dark."""
    root = layers.Lambda(lambda x: tf.reduce_mean(x, axis=(1, 2)) ** 0.3, output_shape=(4,))
    dark = layers.Conv2D(4, 3, activation="relu", bias_initializer=keras.initializers.Constant(-100))
    with refused("NaN or infinite"):
        grad_cam(functional(dark, root, dense(3, "class_scores"), size=(None, None, 3)), IMAGES, 0)


def test_a_gradient_of_zero_gives_zeros_and_one_warning():
    model = flattened()
    *before, v, a, w, b = model.get_weights()
    model.set_weights([*before, v, a - 1000, w, b])  # no hidden unit is ever on
    with pytest.warns(UserWarning) as said:
        _, cams = grad_cam(model, IMAGES, 0, batch_size=2, verbose=False)
    assert not cams.any() and len(said) == 1 and said[0].filename == __file__
    assert "5 of 5 image(s)" in str(said[0].message) and "'feature_maps'" in str(said[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_cam(model, IMAGES, 0, verbose=False)  # asks no gradient


@pytest.mark.parametrize("units", [1, 3])
def test_score_cam_asks_sigmoids_for_their_own_probability(units):
    model = functional(*body(), layers.Flatten(), dense(units, "scores", "sigmoid"))
    _, A, _ = maps_and_gradients(model, IMAGES[:1], 0, verbose=False)
    expected = 0
    for k in range(A.shape[-1]):
        mask = cam.upsample(A[0, ..., k], 12)
        mask = (mask - mask.min()) / (np.ptp(mask) or 1)
        expected = expected + np.asarray(model(IMAGES[:1] * mask[None, ..., None]))[0, 0] * A[0, ..., k]
    found = score_cam(model, IMAGES[:1], 0, relu=False, verbose=False)[1][0]
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_score_cam_needs_two_classes():
    model = functional(*body(), layers.Flatten(), dense(1, "score"))
    with refused("single score", "at least two classes", "sigmoid"):
        score_cam(model, IMAGES, 0)
    assert grad_cam(model, IMAGES, 0, verbose=False)[1].shape == (5, 3, 3)


def test_where_cam_goes_grad_cam_is_not_needed_and_where_it_does_not_the_error_says_grad_cam(net):
    with refused("Use Grad-CAM"):
        find_head(net)
    assert grad_cam(net, IMAGES, 0, verbose=False)[1].max() > 0


# --- found by looking for siblings of known faults ---------------------------------------------


@pytest.mark.parametrize(
    "method, error, words",
    [
        ("layer_cam", TypeError, "expected a function"),
        (lambda A, G: A, ValueError, "expected a map for each"),
    ],
)
def test_a_method_that_makes_no_maps(method, error, words):
    images = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(images))
    model = keras.Model(images, keras.layers.Dense(2)(x))
    with refused(words, error=error):
        gradients.grad_cam(model, np.ones((1, 8, 8, 3), np.float32), 0, method=method, verbose=False)


def test_two_softmaxes_in_a_row_are_noticed():
    images = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(images))
    model = keras.Model(images, keras.layers.Softmax()(keras.layers.Dense(2, activation="softmax")(x)))
    with pytest.warns(UserWarning, match="look like probabilities"):
        gradients.grad_cam(model, np.ones((1, 8, 8, 3), np.float32), 0, verbose=False)
