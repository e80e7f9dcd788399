"""The mathematics: properties that hold for any feature maps, agreement with others, and bad input."""

import subprocess
import sys
import warnings

from course_utils import cam, checks

import numpy as np
import pytest
import scipy.ndimage
import scipy.special
from checks import refused
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

steady = settings(max_examples=40, deadline=None, derandomize=True, database=None)
EPS32 = float(np.finfo(np.float32).eps)

sizes = st.integers(1, 20)
methods = st.sampled_from(["bilinear", "bicubic"])


def arrays(*shape, low=-100, high=100):
    # Single-precision values also where the array is double: readable examples, and no overflow.
    numbers = st.floats(low, high, width=32)
    return hnp.arrays(float, shape, elements=numbers)


@st.composite
def networks(draw, n_bases=1):
    """Feature maps (one or two of one shape), class weights and a bias: what the end of a network holds."""
    B, H, W, K, C = (draw(st.integers(1, n)) for n in (3, 4, 4, 5, 4))
    bases = [draw(arrays(B, H, W, K)) for _ in range(n_bases)]
    return *bases, draw(arrays(K, C)), draw(arrays(C))


def maps(max_side=8):
    return hnp.arrays(
        float, st.tuples(*[st.integers(1, max_side)] * 2), elements=st.floats(-100, 100, width=32)
    )


def close(a, b, scale, relative):
    """Equal up to rounding, measured against the terms that were added: their sum may cancel to anything."""
    assert np.shape(a) == np.shape(b)
    assert np.abs(np.asarray(a) - b).max() <= relative * scale


def terms(feature_maps, class_weights, bias=0.0):
    """The largest sum of magnitudes in any cell, the yardstick for `close`."""
    return float((np.abs(feature_maps) @ np.abs(class_weights)).max() + np.abs(bias).max()) + 1e-30


# --- identities ------------------------------------------------------------------------------


@steady
@given(networks(n_bases=2), st.floats(-3, 3), st.floats(-3, 3))
def test_maps_are_linear_in_the_feature_maps(network, a, b):
    f, g, w, _ = network
    together = cam.class_activation_maps(a * f + b * g, w)
    apart = a * cam.class_activation_maps(f, w) + b * cam.class_activation_maps(g, w)
    close(together, apart, 3 * (terms(f, w) + terms(g, w)), 1e-12)


@steady
@given(networks(), st.floats(-3, 3), st.floats(-3, 3), st.randoms(use_true_random=False))
def test_maps_are_linear_in_the_weights(network, a, b, random):
    f, w, _ = network
    v = np.array([[random.uniform(-100, 100) for _ in row] for row in w])
    together = cam.class_activation_maps(f, a * w + b * v)
    apart = a * cam.class_activation_maps(f, w) + b * cam.class_activation_maps(f, v)
    close(together, apart, 3 * (terms(f, w) + terms(f, v)), 1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@steady
@given(networks())
def test_mean_of_the_map_and_bias_is_the_score(dtype, network):
    f, w, b = (a.astype(dtype) for a in network)
    scores, all_maps = cam.class_scores(f, w, b), cam.class_activation_maps(f, w)
    assert scores.dtype == all_maps.dtype == dtype
    close(all_maps.mean(axis=(1, 2)) + b, scores, terms(f, w, b), 1e-5)
    assert cam.identity_gap(all_maps, scores, b) <= 1e-5 * terms(f, w, b)
    close(cam.class_scores(f, w), scores - b, terms(f, w, b), 1e-5)  # only the bias has no place


@steady
@given(networks())
def test_the_sum_form_is_z_times_the_mean_form(network):
    f, w, b = network
    Z = f.shape[1] * f.shape[2]
    by_mean, by_sum = cam.class_scores(f, w), cam.class_scores(f, w, pooling="sum")
    close(by_sum, Z * by_mean, Z * terms(f, w), 1e-12)
    close(cam.class_activation_maps(f, w).sum(axis=(1, 2)), by_sum, Z * terms(f, w), 1e-12)
    biases = cam.class_scores(f, w, b, pooling="sum") - by_sum
    close(biases, np.tile(b, (len(f), 1)), Z * terms(f, w, b), 1e-12)


def test_the_gap_is_large_where_the_map_does_not_explain_the_score():
    f = np.arange(24.0).reshape(1, 2, 3, 4)
    w = np.eye(4)
    scores, all_maps = cam.class_scores(f, w), cam.class_activation_maps(f, w)
    assert cam.identity_gap(all_maps, scores) == 0
    assert cam.identity_gap(np.maximum(all_maps - 5, 0), scores) > 1  # ReLU breaks it
    assert cam.identity_gap(all_maps, scores, bias=np.ones(4)) == 1
    assert cam.identity_gap(all_maps, scores + [0, 0, 0, 3.0]) == 3  # the worst class counts


@steady
@given(networks(), st.data())
def test_one_class_is_a_slice_of_all_classes(network, data):
    f, w, _ = network
    every = cam.class_activation_maps(f, w)
    c = data.draw(st.integers(0, w.shape[1] - 1))
    one_each = data.draw(st.lists(st.integers(0, w.shape[1] - 1), min_size=len(f), max_size=len(f)))
    close(cam.class_activation_map(f, w, c), every[..., c], terms(f, w), 1e-12)
    picked = np.stack([every[b, ..., c] for b, c in enumerate(one_each)])
    close(cam.class_activation_map(f, w, one_each), picked, terms(f, w), 1e-12)


def test_against_loops_that_read_like_the_equation():
    rng = np.random.default_rng(0)
    f, w, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(5, 3)), rng.normal(size=3)
    for image in range(2):
        for c in range(3):
            total = 0
            for y in range(3):
                for x in range(4):
                    evidence = sum(w[k, c] * f[image, y, x, k] for k in range(5))
                    total += evidence
                    assert cam.class_activation_maps(f, w)[image, y, x, c] == pytest.approx(evidence)
            assert cam.class_scores(f, w, b)[image, c] == pytest.approx(total / 12 + b[c])


def test_the_5x5_example_of_the_slides():
    f = np.zeros((1, 5, 5, 3))
    f[0, :3, :, 0] = [[5, 0, 5, 9, 0], [6, 4, 7, 1, 0], [3, 8, 2, 0, 0]]
    f[0, 0, 1, 2] = 2
    w = np.array([[0, 2], [0, 3], [0, -1]])  # class "2" of the slides stands in the second column
    assert cam.global_average_pooling(f).tolist() == [[2, 0, 0.08]]
    assert cam.class_scores(f, w)[0] == pytest.approx([0, 2 * 2 - 0.08])
    assert cam.class_scores(f, w, pooling="sum")[0].tolist() == [0, 98]
    by_hand = [[10, -2, 10, 18, 0], [12, 8, 14, 2, 0], [6, 16, 4, 0, 0], [0] * 5, [0] * 5]
    assert cam.class_activation_map(f, w, 1)[0].tolist() == by_hand
    assert cam.peak_cell(cam.class_activation_map(f, w, 1)[0]) == (0, 3)
    ones = cam.class_activation_map(f, np.ones((3, 1)), 0)[0]
    assert ones[0].tolist() == [5, 2, 5, 9, 0] and ones.mean() == pytest.approx(2.08)


def test_scores_equal_keras():
    import keras

    rng = np.random.default_rng(1)
    f, w, b = (rng.normal(size=shape).astype("float32") for shape in ((4, 7, 6, 16), (16, 3), (3,)))
    inputs = keras.Input(f.shape[1:])
    dense = keras.layers.Dense(3)
    model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(inputs)))
    dense.set_weights([w, b])
    np.testing.assert_allclose(cam.class_scores(f, w, b), np.asarray(model(f)), atol=1e-6)
    assert cam.identity_gap(cam.class_activation_maps(f, w), np.asarray(model(f)), b) < 1e-5


# --- what decides ----------------------------------------------------------------------------


@steady
@given(networks())
def test_the_mean_of_the_centred_map_is_the_score_less_the_mean_score(network):
    f, w, b = network
    decides = cam.centred(cam.class_activation_maps(f, w))
    scores = cam.class_scores(f, w, b)
    expected = (scores - b) - (scores - b).mean(axis=-1, keepdims=True)
    close(decides.mean(axis=(1, 2)), expected, terms(f, w, b), 1e-12)


@steady
@given(networks(), st.data())
def test_softmax_sees_the_centred_part_only(network, data):
    f, w, _ = network
    maps = cam.class_activation_maps(f, w)
    shared = data.draw(arrays(*maps.shape[:3]))[..., None]  # the same evidence for every class
    close(cam.centred(maps + shared), cam.centred(maps), terms(f, w) + 100, 1e-12)
    by_all, by_decides = (cam.softmax(m.mean(axis=(1, 2))) for m in (maps + shared, cam.centred(maps)))
    np.testing.assert_allclose(by_all, by_decides, atol=1e-9)


def test_centred_by_hand():
    maps = np.array([[[4.0, 1.0, 1.0], [0.0, 0.0, 3.0]]])
    assert cam.centred(maps).tolist() == [[[2.0, -1.0, -1.0], [-1.0, -1.0, 2.0]]]
    assert np.abs(cam.centred(maps[..., :1])).max() == 0  # one class alone has nobody to be compared with


@pytest.mark.parametrize(
    "cams, fragments", [(3.0, ["()", "(..., C)"]), (np.zeros((2, 0)), ["(2, 0)"])], ids=str
)
def test_centred_takes_all_classes(cams, fragments):
    with refused("cams", *fragments):
        cam.centred(cams)


# --- softmax ---------------------------------------------------------------------------------

logits = hnp.arrays(
    float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.floats(-1e4, 1e4)
)


@steady
@given(logits, st.floats(-1e4, 1e4))
def test_softmax(scores, shift):
    chances = cam.softmax(scores)
    assert (chances >= 0).all() and (chances <= 1).all()
    np.testing.assert_allclose(chances.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(chances, scipy.special.softmax(scores, axis=-1), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(cam.softmax(scores + shift), chances, atol=1e-10)
    assert (chances.argmax(axis=-1) == chances.shape[-1] - 1).all() or scores.shape[-1] > 1


def test_softmax_neither_overflows_nor_mixes_images():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cam.softmax([1e4, -1e4]).tolist() == [1, 0]
        assert cam.softmax([-1e4, -1e4]).tolist() == [0.5, 0.5]
    assert cam.softmax([[0, 0], [0, 1e4]]).tolist() == [[0.5, 0.5], [0, 1]]
    assert cam.softmax(np.zeros((2, 3), np.float32)).dtype == np.float32


# --- resizing --------------------------------------------------------------------------------


@steady
@given(sizes, sizes, methods)
def test_each_pixel_shares_out_exactly_one(n_in, n_out, method):
    matrix = cam.resize_matrix(n_in, n_out, method)
    assert matrix.shape == (n_out, n_in)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-12)
    if method == "bilinear":
        assert (matrix >= 0).all() and ((matrix > 0).sum(axis=1) <= 2).all()
    if n_in == n_out:
        np.testing.assert_array_equal(matrix, np.eye(n_in))


@steady
@given(st.floats(-100, 100, width=32), sizes, sizes, sizes, sizes, methods)
def test_constant_maps_stay_constant(value, h, w, H, W, method):
    np.testing.assert_allclose(cam.upsample(np.full((h, w), value), (H, W), method), value, rtol=1e-12)


@steady
@given(maps(), sizes, sizes, methods)
def test_flipping_commutes_with_resizing(m, H, W, method):
    resized = cam.upsample(m, (H, W), method)
    close(cam.upsample(m[::-1], (H, W), method), resized[::-1], 300, 1e-12)
    close(cam.upsample(m[:, ::-1], (H, W), method), resized[:, ::-1], 300, 1e-12)
    close(cam.upsample(m.T, (W, H), method), resized.T, 300, 1e-12)


@steady
@given(maps(), sizes, sizes)
def test_bilinear_never_overshoots(m, H, W):
    resized = cam.upsample(m, (H, W))
    assert resized.min() >= m.min() - 1e-10 and resized.max() <= m.max() + 1e-10


def test_bicubic_overshoots():
    step = np.array([[0.0, 0, 1, 1]])
    resized = cam.upsample(step, (1, 40), "bicubic")
    assert resized.max() > 1.05 and resized.min() < -0.05


@steady
@given(networks(), sizes, sizes, methods)
def test_resizing_commutes_with_weighting(network, H, W, method):
    f, w, _ = network
    late = cam.upsample(cam.class_activation_maps(f, w), (H, W), method)
    early = cam.class_activation_maps(cam.upsample(f, (H, W), method), w)
    assert late.shape == (len(f), H, W, w.shape[1])
    close(late, early, 3 * terms(f, w), 1e-12)


@steady
@given(maps(), st.integers(1, 4), st.integers(1, 4))
def test_enlarging_by_a_whole_number_keeps_the_mean(m, a, b):
    # So the identity survives: each cell covers the same number of pixels, and shares are symmetric.
    enlarged = cam.upsample(m, (a * m.shape[0], b * m.shape[1]))
    assert enlarged.mean() == pytest.approx(m.mean(), abs=1e-9)


def test_batches_are_resized_image_by_image_and_class_by_class():
    batch = np.random.default_rng(2).normal(size=(3, 4, 5, 2))
    resized = cam.upsample(batch, (9, 11), "bicubic")
    for c in range(2):
        one_class = cam.upsample(batch[..., c], (9, 11), "bicubic")
        np.testing.assert_allclose(one_class, resized[..., c], rtol=1e-12)
        for b in range(3):
            alone = cam.upsample(batch[b, ..., c], (9, 11), "bicubic")
            np.testing.assert_allclose(alone, one_class[b], rtol=1e-12)
    np.testing.assert_array_equal(cam.upsample(batch, 6), cam.upsample(batch, (6, 6)))


def test_the_peak_stays_over_the_centre_of_its_cell():
    one_hot = np.zeros((7, 7))
    one_hot[5, 2] = 1
    ours, theirs = cam.upsample(one_hot, 224), scipy.ndimage.zoom(one_hot, 32, order=1)
    rows, columns = np.where(ours == ours.max())
    assert rows.mean() == 175.5 and columns.mean() == 79.5  # (5 + 1/2) * 32 - 1/2, (2 + 1/2) * 32 - 1/2
    assert cam.peak_cell(theirs) == (186, 74)  # corners aligned, as the course warns: 10 pixels too far out


def test_the_peak_of_a_border_cell_stays_inside_it():
    one_hot = np.zeros((7, 7))
    one_hot[6, 0] = 1
    ours = cam.upsample(one_hot, 224)
    rows, columns = np.where(ours == ours.max())
    assert (rows.min(), rows.max()) == (208, 223) and (columns.min(), columns.max()) == (0, 15)


@pytest.mark.parametrize(
    "n_in, n_out", [(7, 224), (14, 224), (5, 40), (7, 28), (4, 4), (1, 9), (8, 4), (28, 7)]
)
@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_the_same_numbers_as_tensorflow(n_in, n_out, method):
    """On grids whose positions are exact in single precision and in TensorFlow's bicubic table (1/1024)."""
    import tensorflow as tf

    m = np.random.default_rng(n_in).uniform(size=(2, n_in, n_in, 3)).astype(np.float32)
    theirs = tf.image.resize(m, (n_out, n_out), method=method).numpy()
    np.testing.assert_allclose(cam.upsample(m, n_out, method), theirs, atol=1e-6)


@steady
@given(
    h=sizes,
    w=sizes,
    H=sizes,
    W=sizes,
    times=st.sampled_from([1, 3, 11]),
    method=methods,
    seed=st.integers(0, 99),
)
def test_the_same_numbers_as_tensorflow_for_any_size(h, w, H, W, times, method, seed):
    """Bilinear both ways; bicubic enlarging with antialias=True, which leaves the 1/1024 table out."""
    import tensorflow as tf

    H, W = times * H, times * W
    assume(method == "bilinear" or (H >= h and W >= w))
    m = np.random.default_rng(seed).uniform(size=(1, h, w, 1)).astype(np.float32)
    theirs = tf.image.resize(m, (H, W), method=method, antialias=method == "bicubic").numpy()
    # TensorFlow's positions are in single precision: on a line of n cells off by up to n times its epsilon.
    rounding = (2 if method == "bilinear" else 4) * EPS32 * max(h, w)
    np.testing.assert_allclose(cam.upsample(m, (H, W), method), theirs, atol=max(1e-6, rounding))


@steady
@given(maps(), st.integers(1, 5), st.integers(1, 5), st.integers(0, 4), st.integers(0, 4))
def test_the_same_numbers_as_scipy_on_its_pixel_grid(m, a, b, more_rows, more_columns):
    H, W = m.shape[0] * a + more_rows, m.shape[1] * b + more_columns
    theirs = scipy.ndimage.zoom(m, (H / m.shape[0], W / m.shape[1]), order=1, grid_mode=True, mode="nearest")
    close(cam.upsample(m, (H, W)), theirs, 300, 1e-12)


# --- normalising -----------------------------------------------------------------------------


def quietly_normalised(m, keep):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shown = cam.normalise(m, keep)
    return shown, [str(w.message) for w in caught]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@steady
@given(
    m=hnp.arrays(
        float,
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=4),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    ),  # down to the smallest there are
    keep=st.sampled_from(["positive", "signed"]),
)
def test_normalised_maps_use_their_range_or_are_zero_with_a_warning(dtype, m, keep):
    m = m.astype(dtype)
    before = m.copy()
    shown, said = quietly_normalised(m, keep)
    np.testing.assert_array_equal(m, before)
    assert shown.shape == m.shape and shown.dtype == dtype and np.isfinite(shown).all()
    assert not np.shares_memory(shown, m)
    blank = 0
    for one, raw in zip(shown.reshape(-1, *m.shape[-2:]), m.reshape(-1, *m.shape[-2:])):
        if np.ptp(raw) == 0 or (keep == "positive" and raw.max() <= 0):
            assert not one.any()
            blank += 1
        elif keep == "positive":
            assert one.min() >= 0 and one.max() == 1
            assert (one[raw < 0] == 0).all()
        else:
            assert np.abs(one).max() == 1 and (np.sign(raw) * one >= 0).all()
            assert (one[raw == 0] == 0).all()
    assert len(said) == (blank > 0)
    assert not said or said[0].startswith(f"{blank} of ") and "zeros" in said[0] and "\n" not in said[0]


@pytest.mark.parametrize("keep", ["positive", "signed"])
def test_normalising_scales_and_nothing_else(keep):
    m = np.array([[-8.0, 2], [0, 4]])
    expected = [[0, 0.5], [0, 1]] if keep == "positive" else [[-1, 0.25], [0, 0.5]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cam.normalise(m, keep).tolist() == expected
        two = cam.normalise(np.stack([m, 10 * m]), keep)
        assert two.tolist() == [expected, expected]  # each by its own maximum
        assert cam.normalise(m.astype(np.float32), keep).dtype == np.float32


@pytest.mark.parametrize(
    "m, keep, reason",
    [
        (np.full((2, 2), 3.0), "positive", "same everywhere"),
        (np.full((2, 2), -3.0), "signed", "same everywhere"),
        (np.zeros((2, 2)), "signed", "same everywhere"),
        (np.array([[-1.0, -2]]), "positive", "no positive evidence"),
    ],
)
def test_nothing_to_show_is_said(m, keep, reason):
    with pytest.warns(UserWarning, match=reason):
        assert not cam.normalise(m, keep).any()


def test_warnings_point_at_the_caller():
    with pytest.warns(UserWarning) as caught:
        cam.normalise(np.zeros((2, 2)))
    assert caught[0].filename == __file__


# --- types and inputs ------------------------------------------------------------------------

F, W_, B_ = np.arange(24.0).reshape(1, 2, 3, 4), np.arange(8.0).reshape(4, 2), np.ones(2)
CALLS = {
    "global_average_pooling": lambda f, w, b: cam.global_average_pooling(f),
    "class_scores": lambda f, w, b: cam.class_scores(f, w, b),
    "softmax": lambda f, w, b: cam.softmax(f),
    "class_activation_maps": lambda f, w, b: cam.class_activation_maps(f, w),
    "class_activation_map": lambda f, w, b: cam.class_activation_map(f, w, 1),
    "centred": lambda f, w, b: cam.centred(f),
    "upsample": lambda f, w, b: cam.upsample(f, 5, "bicubic"),
    "normalise": lambda f, w, b: cam.normalise(f[..., 0]),
}


@pytest.mark.parametrize("name", CALLS)
def test_precision_is_kept_and_half_precision_is_only_for_storage(name):
    given = {dtype: [a.astype(dtype) for a in (F, W_, B_)] for dtype in (np.float64, np.float32, np.float16)}
    for dtype, expected in ((np.float64, np.float64), (np.float32, np.float32), (np.float16, np.float32)):
        assert CALLS[name](*given[dtype]).dtype == expected
    half, double = (CALLS[name](*given[dtype]) for dtype in (np.float16, np.float64))
    np.testing.assert_allclose(half, double, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", CALLS)
def test_inputs_are_left_alone_and_lists_are_taken(name):
    given = [a.copy() for a in (F, W_, B_)]
    for array in given:
        array.flags.writeable = False
    result = CALLS[name](*given)
    assert not any(np.shares_memory(result, array) for array in given)
    if name != "normalise":  # its call above takes a slice, which lists don't have
        np.testing.assert_array_equal(CALLS[name](*[a.tolist() for a in given]), result)
    integers = CALLS[name](*[a.astype(int) for a in given])
    np.testing.assert_array_equal(integers, result)


def test_half_precision_is_summed_in_single():
    many = np.full((1, 100, 100, 1), 10, np.float16)  # adds up to 100,000; half precision ends at 65,504
    assert cam.class_scores(many, [[1]], pooling="sum").tolist() == [[100_000]]


def test_peak_cell():
    m = np.zeros((3, 4))
    m[2, 1] = 1e-9
    assert cam.peak_cell(m) == (2, 1) and all(type(i) is int for i in cam.peak_cell(m))
    assert cam.peak_cell(-np.ones((2, 2))) == (0, 0)


def test_importing_the_mathematics_loads_no_framework():
    listing = "import sys, course_utils.cam; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    result = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "numpy" in loaded and "course_utils" in loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib", "scipy", "ipywidgets", "sklearn"}


# --- bad input -------------------------------------------------------------------------------

NAN, INF, COMPLEX, TEXT = F.copy(), F.copy(), F + 1j, F.astype(str)
NAN[0, 0, 0, 0], INF[0, 1, 1, 1] = np.nan, -np.inf

BAD_FEATURE_MAPS = {
    "three axes": (F[0], ValueError, ["(2, 3, 4)", "(B, H, W, K)", "feature_maps[None]"]),
    "two axes": (F[0, 0], ValueError, ["(3, 4)", "(B, H, W, K)"]),
    "a number": (3.0, ValueError, ["()", "(B, H, W, K)"]),
    "no images": (F[:0], ValueError, ["empty", "(0, 2, 3, 4)", "at least one image"]),
    "no cells": (F[:, :0], ValueError, ["empty", "(1, 0, 3, 4)", "at least one"]),
    "no maps": (F[..., :0], ValueError, ["empty", "(1, 2, 3, 0)", "at least one"]),
    "NaN": (NAN, ValueError, ["feature_maps", "1 value(s)", "NaN", "learning rate"]),
    "infinity": (INF, ValueError, ["feature_maps", "1 value(s)", "infinite"]),
    "complex": (COMPLEX, TypeError, ["feature_maps", "complex128", "real numbers"]),
    "text": (TEXT, TypeError, ["feature_maps", "real numbers"]),
    "nothing": (None, TypeError, ["feature_maps", "real numbers"]),
}
TAKE_FEATURE_MAPS = {
    name: CALLS[name]
    for name in ("global_average_pooling", "class_scores", "class_activation_maps", "class_activation_map")
}


@pytest.mark.parametrize("name", TAKE_FEATURE_MAPS)
@pytest.mark.parametrize("what", BAD_FEATURE_MAPS)
def test_bad_feature_maps(name, what):
    bad, error, fragments = BAD_FEATURE_MAPS[what]
    with refused(*fragments, error=error):
        TAKE_FEATURE_MAPS[name](bad, W_, B_)


@pytest.mark.parametrize("name", ["class_scores", "class_activation_maps", "class_activation_map"])
@pytest.mark.parametrize(
    "bad, error, fragments",
    [
        (W_.T, ValueError, ["(2, 4)", "(K, C)", "K = 4", "class_weights.T"]),
        (W_[:3], ValueError, ["(3, 2)", "K = 4"]),
        (W_[:, 0], ValueError, ["(4,)", "(K, C)"]),
        (W_[:, :0], ValueError, ["(4, 0)", "(K, C)"]),
        (W_ * np.nan, ValueError, ["class_weights", "8 value(s)", "NaN"]),
        (W_ * 1j, TypeError, ["class_weights", "complex128", "real numbers"]),
        ("w", TypeError, ["class_weights", "real numbers"]),
    ],
    ids=["transposed", "wrong K", "one axis", "no classes", "NaN", "complex", "text"],
)
def test_bad_class_weights(name, bad, error, fragments):
    with refused(*fragments, error=error):
        CALLS[name](F, bad, None)


@pytest.mark.parametrize("name", TAKE_FEATURE_MAPS)
def test_sums_too_large_for_their_precision_are_refused(name):
    with refused("too large for float32", "3e+38", "divide them all by the largest"):
        TAKE_FEATURE_MAPS[name](np.full((1, 2, 3, 4), 3e38, np.float32), np.ones((4, 2), np.float32), None)


@pytest.mark.parametrize("name", ["class_scores", "class_activation_maps"])
def test_the_processors_alarm_is_not_asked(name):
    # Fast libraries set it over finite numbers (seen as "invalid value encountered in matmul", not repeatably);
    # here it rings because tiny numbers round to zero, which is nothing to warn of either.
    tiny = np.full((1, 2, 3, 4), 1e-30, np.float32)
    with np.errstate(all="raise"):
        assert not CALLS[name](tiny, np.full((4, 2), 1e-30, np.float32), None).any()


@pytest.mark.parametrize(
    "bad, error, fragments",
    [
        (np.ones(3), ValueError, ["(3,)", "(2,)", "one number a class"]),
        (np.ones((1, 2)), ValueError, ["(1, 2)", "(2,)"]),
        (1.0, ValueError, ["()", "(2,)"]),
        ([np.inf, 0], ValueError, ["bias", "infinite"]),
        (["a", "b"], TypeError, ["bias", "real numbers"]),
    ],
    ids=str,
)
def test_bad_bias(bad, error, fragments):
    with refused(*fragments, error=error):
        cam.class_scores(F, W_, bad)
    with refused(*fragments, error=error):
        cam.identity_gap(np.zeros((1, 2, 3, 2)), np.zeros((1, 2)), bad)


@pytest.mark.parametrize(
    "bad, error, fragments",
    [
        (2, ValueError, ["2", "out of range", "2 classes", "0 to 1"]),
        (-1, ValueError, ["-1", "out of range", "0 to 1"]),
        ([0, 1, 7], ValueError, ["7", "out of range", "0 to 1"]),
        ([0, 1], ValueError, ["(2,)", "3 image(s)", "exactly one per image"]),
        ([0], ValueError, ["(1,)", "3 image(s)"]),
        ([0, 1, 0, 1], ValueError, ["(4,)", "3 image(s)"]),
        ([[0], [1], [0]], ValueError, ["(3, 1)", "3 image(s)"]),
        (True, TypeError, ["True", "whole number"]),
        ([True, False, True], TypeError, ["True", "whole number"]),
        (1.0, TypeError, ["1.0", "whole number"]),
        ([0, 1, 0.5], TypeError, ["0.5", "whole number"]),
        ("cat", TypeError, ["cat", "whole number"]),
        (None, TypeError, ["None", "whole number"]),
        ([], TypeError, ["[]", "whole number"]),
    ],
    ids=str,
)
def test_bad_class_idx(bad, error, fragments):
    three = np.repeat(F, 3, axis=0)
    with refused(*fragments, error=error):
        cam.class_activation_map(three, W_, bad)
    with refused(*fragments, error=error):
        checks.class_idx(bad, n_images=3, n_classes=2)


@pytest.mark.parametrize("classes, error", [(np.full(100, 7), ValueError), (np.full(100, 0.5), TypeError)])
def test_many_wrong_classes_are_still_one_line(classes, error):
    with refused(classes[0], error=error):
        checks.class_idx(classes, n_images=100, n_classes=2)


def test_right_class_idx_is_taken_in_every_form():
    for c in (1, np.int64(1), np.uint8(1), np.array(1), [1, 1], (1, 1), np.array([1, 1], np.int32)):
        assert checks.class_idx(c, n_images=2, n_classes=2).tolist() == [1, 1]


@pytest.mark.parametrize(
    "call, fragments",
    [
        (lambda: cam.class_scores(F, W_, pooling="max"), ["'max'", '"mean"', '"sum"']),
        (lambda: cam.upsample(F, 5, method="nearest"), ["'nearest'", '"bilinear"', '"bicubic"']),
        (lambda: cam.resize_matrix(3, 5, "cubic"), ["'cubic'", '"bilinear"', '"bicubic"']),
        (lambda: cam.normalise(F[..., 0], keep="abs"), ["'abs'", '"positive"', '"signed"']),
        (lambda: cam.normalise(F[..., 0], keep=None), ["None", '"positive"', '"signed"']),
    ],
    ids=range(5),
)
def test_unknown_options_list_the_known_ones(call, fragments):
    with refused(*fragments):
        call()


@pytest.mark.parametrize(
    "size", [0, -3, (0, 5), (5, 0), 28.5, (28,), (28, 28, 3), "28", None, (28, None), (), True], ids=str
)
def test_bad_sizes(size):
    with refused("size", "whole number", "height and width"):
        cam.upsample(F, size)


@pytest.mark.parametrize("n_in, n_out", [(0, 5), (5, 0), (-1, 5)])
def test_bad_resize_matrix(n_in, n_out):
    with refused("expected a whole number, at least 1"):
        cam.resize_matrix(n_in, n_out)


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda m: cam.upsample(m, 5), "cam"),
        (cam.normalise, "cam"),
        (cam.peak_cell, "cam"),
        (cam.softmax, "class_scores"),
        (lambda m: cam.identity_gap(m, np.zeros((1, 2))), "cams"),
    ],
    ids=["upsample", "normalise", "peak_cell", "softmax", "gap"],
)
@pytest.mark.parametrize(
    "bad, error, fragments",
    [
        ([[np.nan, 1]], ValueError, ["1 value(s)", "NaN"]),
        ([[1, np.inf]], ValueError, ["1 value(s)", "infinite"]),
        ([[1j, 0]], TypeError, ["complex128", "real numbers"]),
        ([["a", "b"]], TypeError, ["real numbers"]),
        (None, TypeError, ["real numbers"]),
    ],
    ids=["NaN", "inf", "complex", "text", "None"],
)
def test_values_that_are_no_real_numbers(call, name, bad, error, fragments):
    with refused(name, *fragments, error=error):
        call(bad)


@pytest.mark.parametrize(
    "call, fragments",
    [
        (lambda: cam.upsample(np.ones(3), 5), ["(3,)", "(h, w)", "(N, h, w, C)"]),
        (lambda: cam.upsample(np.ones((1, 1, 2, 2, 1)), 5), ["(1, 1, 2, 2, 1)", "(N, h, w, C)"]),
        (lambda: cam.upsample(np.ones((0, 2, 2)), 5), ["(0, 2, 2)", "not empty"]),
        (lambda: cam.upsample(np.ones((0, 2)), 5), ["(0, 2)", "not empty"]),
        (lambda: cam.normalise(F), ["(1, 2, 3, 4)", "one class's map", "(N, h, w)"]),
        (lambda: cam.normalise(np.ones(3)), ["(3,)", "(h, w)"]),
        (lambda: cam.normalise(np.ones((0, 2, 2))), ["(0, 2, 2)", "not empty"]),
        (lambda: cam.peak_cell(np.ones((1, 2, 2))), ["(1, 2, 2)", "(h, w)", "cam[0]"]),
        (lambda: cam.peak_cell(np.ones((0, 2))), ["(0, 2)", "(h, w)"]),
        (lambda: cam.softmax(3.0), ["()", "(..., C)"]),
        (lambda: cam.softmax(np.ones((2, 0))), ["(2, 0)", "at least 1"]),
        (
            lambda: cam.identity_gap(np.ones((1, 2, 2)), np.ones((1, 2))),
            ["(1, 2, 2)", "(1, 2)", "(B, H, W, C)"],
        ),
        (
            lambda: cam.identity_gap(np.ones((1, 2, 2, 3)), np.ones((1, 2))),
            ["(1, 2, 2, 3)", "(1, 2)", "same B and C"],
        ),
        (lambda: cam.identity_gap(np.ones((1, 2, 2, 3)), np.ones(3)), ["(3,)", "(B, C)"]),
        (lambda: cam.identity_gap(np.ones((0, 2, 2, 3)), np.ones((0, 3))), ["(0, 2, 2, 3)", "empty"]),
        (lambda: cam.identity_gap(np.ones((1, 0, 2, 3)), np.ones((1, 3))), ["(1, 0, 2, 3)", "empty"]),
    ],
    ids=[
        "upsample 1",
        "upsample 5",
        "upsample B=0",
        "upsample H=0",
        "normalise 4",
        "normalise 1",
        "normalise B=0",
        "peak 3",
        "peak H=0",
        "softmax 0",
        "softmax C=0",
        "gap 3",
        "gap C",
        "gap 1",
        "gap B=0",
        "gap H=0",
    ],
)
def test_wrong_ranks_and_empty_arrays(call, fragments):
    with refused(*fragments):
        call()
