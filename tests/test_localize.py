"""Localisation measured: against sets of pixels in plain Python, off by one, and on drawn pets."""

import subprocess
import sys
import warnings

from course_utils import cam as cam_maths
from course_utils import localize

import numpy as np
import pytest
from checks import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

steady = settings(deadline=None, derandomize=True)

# --- the slow, obvious reference: sets of pixels (row, column), loops, no NumPy in the counting ----------


def enlarged(cam, size):
    """Half-pixel bilinear, pixel by pixel."""
    h, w = len(cam), len(cam[0])

    def neighbours(pixel, n_cells):
        at = min(max((pixel + 0.5) * n_cells / size - 0.5, 0), n_cells - 1)
        low = int(at)
        return [(low, 1 - (at - low)), (min(low + 1, n_cells - 1), at - low)]

    def value(y, x):
        return sum(
            share_y * share_x * cam[i][j]
            for i, share_y in neighbours(y, h)
            for j, share_x in neighbours(x, w)
        )

    return [[value(y, x) for x in range(size)] for y in range(size)]


def reference_mask(cam, fraction):
    peak = max(max(row) for row in cam)
    return {
        (y, x)
        for y, row in enumerate(cam)
        for x, value in enumerate(row)
        if peak > 0 and value >= fraction * peak
    }


def reference_box(pixels, height, width):
    """x0, y0, x1, y1 around the largest 4-connected part; the whole image if there is none."""
    largest, left = [], set(pixels)
    for start in sorted(pixels):  # in reading order, so the first of equally large parts stays
        part, queue = [], [start] if start in left else []
        left.discard(start)
        while queue:
            y, x = queue.pop()
            part.append((y, x))
            for neighbour in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if neighbour in left:
                    left.remove(neighbour)
                    queue.append(neighbour)
        largest = part if len(part) > len(largest) else largest
    if not largest:
        return [0, 0, width, height]
    rows, columns = zip(*largest)
    return [min(columns), min(rows), max(columns) + 1, max(rows) + 1]


def pixels_of(box):
    x0, y0, x1, y1 = box
    return {(y, x) for y in range(y0, y1) for x in range(x0, x1)}


def reference_iou(a, b):
    a, b = pixels_of(a), pixels_of(b)
    return len(a & b) / len(a | b)


# Whole numbers times powers of two: no rounding anywhere, so equal means equal.
whole_maps = hnp.arrays(float, st.tuples(*[st.integers(1, 7)] * 2), elements=st.integers(-4, 8))
fractions = st.sampled_from([0.125, 0.25, 0.5, 0.75])
silence = pytest.mark.filterwarnings("ignore:.*maps (have no positive|are the same)")


@st.composite
def boxes(draw, size=12):
    two = st.lists(st.integers(0, size), min_size=2, max_size=2, unique=True).map(sorted)
    (x0, x1), (y0, y1) = draw(two), draw(two)
    return [x0, y0, x1, y1]


@silence
@steady
@given(whole_maps, fractions)
def test_the_box_is_that_of_the_reference(cam, fraction):
    pixels = reference_mask(cam.tolist(), fraction)
    assert localize.box_from_map(cam, cam.shape, fraction).tolist() == reference_box(pixels, *cam.shape)


@silence
@steady
@given(hnp.arrays(float, (4, 4), elements=st.integers(-4, 8)), fractions, st.sampled_from([8, 16]))
def test_the_box_of_an_enlarged_map_is_that_of_the_reference(cam, fraction, size):
    pixels = reference_mask(enlarged(cam.tolist(), size), fraction)
    assert localize.box_from_map(cam, size, fraction).tolist() == reference_box(pixels, size, size)


@steady
@given(boxes(), boxes())
def test_iou_counts_pixels(a, b):
    assert localize.iou(a, b) == pytest.approx(reference_iou(a, b), abs=1e-12)
    assert localize.iou(a, b) == localize.iou(b, a) and localize.iou(a, a) == 1
    np.testing.assert_array_equal(localize.iou([a, b], [b, b]), [localize.iou(a, b), 1])
    np.testing.assert_array_equal(localize.iou(a, [a, b]), [1, localize.iou(a, b)])


@silence
@settings(steady, max_examples=30)
@given(hnp.arrays(float, (3, 4, 4), elements=st.integers(-4, 8)), st.lists(boxes(8), min_size=3, max_size=3))
def test_max_box_acc_is_that_of_the_reference(cams, true):
    tried = (0.125, 0.25, 0.5, 0.75)

    def found(fraction):
        return (
            sum(
                reference_iou(reference_box(reference_mask(enlarged(cam, 8), fraction), 8, 8), box) >= 0.5
                for cam, box in zip(cams.tolist(), true)
            )
            / 3
        )

    share, fraction = localize.max_box_acc(cams, true, 8, tried)
    assert share == pytest.approx(max(map(found, tried)))
    assert fraction == next(f for f in tried if found(f) == max(map(found, tried)))


@steady
@given(whole_maps, st.integers(1, 6), boxes(5))
def test_the_pointing_game_is_that_of_the_reference(cam, times, box):
    size = (cam.shape[0] * times, cam.shape[1] * times)
    flat = cam.tolist()
    peak = max(max(row) for row in flat)
    row, column = next((y, x) for y, line in enumerate(flat) for x, value in enumerate(line) if value == peak)
    y, x = int((row + 0.5) * times), int((column + 0.5) * times)
    assert localize.peak_pixel(cam, size).tolist() == [x, y]
    canvas = np.zeros((max(size[0], 5), max(size[1], 5)), bool)
    canvas[box[1] : box[3], box[0] : box[2]] = True
    assert localize.point_hit([x, y], box) == ((y, x) in pixels_of(box)) == localize.point_hit([x, y], canvas)
    for tolerance in (0, 1, 1.5, 3):
        near = any((y - v) ** 2 + (x - u) ** 2 <= tolerance**2 for v, u in pixels_of(box))
        assert localize.point_hit([x, y], box, tolerance) == near
        assert localize.point_hit([x, y], canvas, tolerance) == near


@steady
@given(hnp.arrays(float, (3, 3), elements=st.integers(-4, 8)), hnp.arrays(bool, (6, 6)))
@silence
def test_heat_inside_is_that_of_the_reference(cam, mask):
    large = enlarged(cam.tolist(), 6)
    total = sum(max(v, 0) for row in large for v in row)
    inside = sum(max(large[y][x], 0) for y in range(6) for x in range(6) if mask[y, x])
    assert localize.heat_inside(cam, mask) == pytest.approx(inside / total if total else 0, abs=1e-12)


# --- off by one ------------------------------------------------------------------------------------------


def test_boxes_end_exclusive():
    cam = np.zeros((5, 5))
    cam[2, 3] = 1
    assert localize.box_from_map(cam, 5).tolist() == [3, 2, 4, 3]  # one pixel, one wide, one high
    assert localize.box_from_map(np.ones((5, 7)), (5, 7)).tolist() == [0, 0, 7, 5]
    corner = np.zeros((5, 5))
    corner[4, 4] = 1
    assert localize.box_from_map(corner, 5).tolist() == [4, 4, 5, 5]  # the end may be the image's


def test_neighbouring_boxes_do_not_overlap():
    assert localize.iou([0, 0, 4, 4], [4, 0, 8, 4]) == 0  # an inclusive end would share a column
    assert localize.iou([0, 0, 4, 4], [3, 0, 7, 4]) == 4 / 28
    assert localize.iou([0, 0, 10, 10], [0, 0, 10, 5]) == 0.5  # exactly half counts as found


def test_exactly_half_counts_as_found():
    cams = np.zeros((1, 4, 4))
    cams[0, :2] = 1
    assert localize.max_box_acc(cams, [[0, 0, 4, 4]], 4, [0.5]) == (1.0, 0.5)
    assert localize.max_box_acc(cams, [[0, 0, 4, 4]], 4, [0.5], min_iou=0.51)[0] == 0


def test_a_value_on_the_threshold_is_in():
    assert localize.box_from_map([[1.0, 2.0, 4.0]], (1, 3), 0.5).tolist() == [1, 0, 3, 1]


def test_the_paper_cuts_at_20_percent():
    assert localize.box_from_map([[1.0, 0.2, 0.19]], (1, 3)).tolist() == [0, 0, 2, 1]


def test_the_last_pixel_of_a_box_is_in_and_the_next_is_out():
    box = [2, 2, 5, 4]
    assert [localize.point_hit([x, 3], box) for x in (1, 2, 4, 5)] == [False, True, True, False]
    assert [localize.point_hit([3, y], box) for y in (1, 2, 3, 4)] == [False, True, True, False]
    assert localize.point_hit([5, 3], box, tolerance=1) and not localize.point_hit([5, 4], box, tolerance=1)
    assert localize.point_hit([5, 4], box, tolerance=1.42)


def test_parts_that_touch_at_a_corner_are_two():
    cam = np.zeros((4, 4))
    cam[0, 0] = cam[1, 1] = cam[1, 2] = 1
    assert localize.box_from_map(cam, 4).tolist() == [1, 1, 3, 2]


def test_of_two_parts_as_large_the_first_counts():
    assert localize.box_from_map([[1.0, 0, 1]], (1, 3)).tolist() == [0, 0, 1, 1]


def test_x_and_y_are_not_mixed_up():
    cam = np.zeros((4, 8))
    cam[1, 6] = 1
    assert localize.box_from_map(cam, (4, 8)).tolist() == [6, 1, 7, 2]
    assert localize.peak_pixel(cam, (8, 32)).tolist() == [26, 3]
    assert localize.pointing_hit(cam, [24, 2, 28, 4], (8, 32))
    assert not localize.pointing_hit(cam, [2, 24, 4, 28], 32)
    assert localize.baseline_boxes(1, (4, 8), [[0, 0, 4, 2]])["whole image"].tolist() == [[0, 0, 8, 4]]
    assert localize.baseline_points(1, (4, 8))["centre"].tolist() == [[4, 2]]


@steady
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 40))
def test_the_enlarged_map_is_largest_around_the_peak(row, column, size):
    cam = np.zeros((7, 7))
    cam[row, column] = 1
    x, y = localize.peak_pixel(cam, 7 * size)
    large = cam_maths.upsample(cam, 7 * size)
    assert large[y, x] == pytest.approx(large.max())


# --- one image and many ----------------------------------------------------------------------------------

rng = np.random.default_rng(0)
MAPS = rng.normal(size=(5, 6, 6)) + 0.5
BOXES = np.array([[0, 0, 12, 12], [3, 3, 9, 8], [1, 5, 4, 12], [6, 0, 12, 3], [2, 2, 3, 3]])
MASKS = rng.random((5, 12, 12)) < 0.3


def test_n_images_give_what_each_gives_alone():
    calls = {
        "box": lambda i: localize.box_from_map(MAPS[i], 12, 0.3),
        "iou": lambda i: localize.iou(BOXES[i], BOXES[::-1][i]),
        "heat": lambda i: localize.heat_inside(MAPS[i], MASKS[i]),
        "hit": lambda i: localize.pointing_hit(MAPS[i], BOXES[i], 12),
        "hit in mask": lambda i: localize.pointing_hit(MAPS[i], MASKS[i], 12),
    }
    for name, call in calls.items():
        np.testing.assert_allclose(call(slice(None)), [call(i) for i in range(5)], err_msg=name)
    assert [type(calls[name](0)) for name in ("iou", "heat", "hit")] == [float, float, bool]


def test_ious_by_fraction_is_box_after_box():
    expected = [localize.iou(localize.box_from_map(MAPS, 12, f), BOXES) for f in (0.3, 0.6)]
    np.testing.assert_allclose(localize.ious_by_fraction(MAPS, BOXES, 12, [0.3, 0.6]), expected)


def test_the_best_fraction_has_the_largest_mean_iou():
    means = localize.ious_by_fraction(MAPS, BOXES, 12).mean(axis=1)
    assert localize.best_fraction(MAPS, BOXES, 12) == localize.FRACTIONS[means.argmax()]
    assert len(localize.FRACTIONS) == 19 and localize.FRACTIONS[0] == 0.05 and localize.FRACTIONS[-1] == 0.95


def test_heat_and_rest_add_up():
    np.testing.assert_allclose(localize.heat_inside(MAPS, MASKS) + localize.heat_inside(MAPS, ~MASKS), 1)
    flat = localize.heat_inside(np.ones((5, 6, 6)), MASKS)  # the control
    np.testing.assert_allclose(flat, MASKS.mean(axis=(1, 2)))


def test_inputs_are_left_alone():
    maps, boxes_, masks = MAPS.copy(), BOXES.copy(), MASKS.copy()
    localize.max_box_acc(maps, boxes_, 12)
    localize.heat_inside(maps, masks)
    localize.pointing_hit(maps, boxes_, 12)
    for now, before in ((maps, MAPS), (boxes_, BOXES), (masks, MASKS)):
        np.testing.assert_array_equal(now, before)


# --- maps that say nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cam", [-np.ones((3, 3)), np.zeros((3, 3)), -rng.random((3, 3))], ids=["negative", "zero", "uneven"]
)
def test_without_positive_evidence_the_box_is_the_whole_image_and_said_so(cam):
    with pytest.warns(UserWarning, match="1 of 1 maps have no positive evidence.*whole image"):
        assert localize.box_from_map(cam, (6, 9)).tolist() == [0, 0, 9, 6]
    with pytest.warns(UserWarning, match="no positive evidence"):
        assert localize.heat_inside(cam, np.ones((6, 6), bool)) == 0


def test_the_warning_comes_once_not_once_a_threshold():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        localize.max_box_acc(np.stack([MAPS[0], -np.ones((6, 6))]), BOXES[:2], 12)
    assert len([w for w in caught if "no positive evidence" in str(w.message)]) == 1


def test_a_flat_map_points_nowhere():
    with pytest.warns(UserWarning, match="1 of 2 maps are the same everywhere.*miss"):
        hits = localize.pointing_hit(np.stack([np.ones((6, 6)), np.eye(6)]), [[0, 0, 12, 12]] * 2, 12)
    assert hits.tolist() == [False, True]


# --- guessing, and how sure a number is ------------------------------------------------------------------


def test_baseline_boxes():
    train = [[0, 0, 10, 20], [20, 10, 40, 50]]
    guesses = localize.baseline_boxes(300, (60, 100), train, seed=1)
    assert list(guesses) == ["whole image", "mean box", "centre", "random"]
    assert all(boxes_.shape == (300, 4) for boxes_ in guesses.values())
    assert guesses["whole image"][7].tolist() == [0, 0, 100, 60]
    assert guesses["mean box"][7].tolist() == [10, 5, 25, 35]
    assert guesses["centre"][7].tolist() == [42.5, 15, 57.5, 45]
    random = guesses["random"]
    np.testing.assert_allclose(random[:, 2:] - random[:, :2], [[15, 30]] * 300)
    assert (random >= 0).all() and (random <= [100, 60, 100, 60]).all()
    assert np.ptp(random[:, 0]) > 80 and np.ptp(random[:, 1]) > 28  # everywhere
    np.testing.assert_array_equal(random, localize.baseline_boxes(300, (60, 100), train, seed=1)["random"])
    assert not np.array_equal(random, localize.baseline_boxes(300, (60, 100), train, seed=2)["random"])


def test_baseline_points():
    guesses = localize.baseline_points(2000, (10, 20), seed=3)
    assert guesses["centre"].tolist() == [[10, 5]] * 2000
    assert set(map(tuple, guesses["random"].tolist())) == {(x, y) for x in range(20) for y in range(10)}
    again = localize.baseline_points(2000, (10, 20), seed=3)
    np.testing.assert_array_equal(guesses["random"], again["random"])


def test_a_random_point_hits_as_often_as_the_box_is_large():
    points = localize.baseline_points(20_000, 20)["random"]
    hits = localize.point_hit(points, np.tile([2, 3, 12, 13], (20_000, 1)))
    assert hits.mean() == pytest.approx(0.25, abs=0.015)


def test_the_bootstrap_agrees_with_the_textbook_for_many_values():
    values = np.random.default_rng(5).normal(3, 2, 400)
    low, high = localize.bootstrap_interval(values, n=4000)
    error = values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)
    narrow = localize.bootstrap_interval(values, n=4000, level=0.5)
    assert low < narrow[0] < values.mean() < narrow[1] < high


def test_about_95_of_100_intervals_hold_the_truth():
    world = np.random.default_rng(6)
    held = [
        low <= 0.3 <= high
        for low, high in (
            localize.bootstrap_interval(world.random(100) < 0.3, n=200, seed=i) for i in range(100)
        )
    ]
    assert 0.88 <= np.mean(held) <= 0.99


def test_the_bootstrap_is_seeded_and_knows_no_more_than_its_values():
    values = rng.random(30)
    assert localize.bootstrap_interval(values) == localize.bootstrap_interval(values, seed=0)
    assert localize.bootstrap_interval(values) != localize.bootstrap_interval(values, seed=1)
    assert localize.bootstrap_interval(np.ones(30, bool)) == (1.0, 1.0)
    assert localize.bootstrap_interval([0.25]) == (0.25, 0.25)


# --- bad input -------------------------------------------------------------------------------------------

NAN_MAP = MAPS[0].copy()
NAN_MAP[1, 2] = np.nan


@pytest.mark.parametrize(
    "cam, fragments",
    [
        (MAPS[0, 0], ["(6,)", "(h, w)", "(N, h, w)"]),
        (MAPS[None], ["(1, 5, 6, 6)", "one class's map"]),
        (MAPS[:0], ["(0, 6, 6)", "empty"]),
        (NAN_MAP, ["NaN"]),
        (MAPS * np.inf, ["infinite"]),
    ],
    ids=["row", "all classes", "no maps", "NaN", "infinite"],
)
def test_bad_maps(cam, fragments):
    for call in (
        lambda: localize.box_from_map(cam, 12),
        lambda: localize.max_box_acc(cam, BOXES, 12),
        lambda: localize.peak_pixel(cam, 12),
        lambda: localize.pointing_hit(cam, BOXES[0], 12),
        lambda: localize.heat_inside(cam, MASKS[0]),
    ):
        with refused(*fragments):
            call()


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 20, np.nan, "0.2", None, [0.2], True])
def test_bad_fractions(fraction):
    for call in (
        lambda: localize.box_from_map(MAPS, 12, fraction),
        lambda: localize.max_box_acc(MAPS, BOXES, 12, [0.2, fraction]),
    ):
        with refused("fraction", repr(fraction), "between 0 and 1", "0.2"):
            call()


@pytest.mark.parametrize("fractions_", [[], (), 0.2, None, np.array(0.2), np.array([])], ids=repr)
def test_bad_lists_of_fractions(fractions_):
    with refused("fractions", "between 0 and 1"):
        localize.best_fraction(MAPS, BOXES, 12, fractions_)


@pytest.mark.parametrize(
    "box, fragments",
    [
        ([5, 5, 5, 9], ["box (5, 5, 5, 9)", "no area", "x0 < x1"]),
        ([9, 5, 2, 8], ["box (9, 5, 2, 8)", "no area"]),
        ([1, 2, 3], ["(3,)", "x0, y0, x1, y1"]),
        (7, ["()", "x0, y0, x1, y1"]),
        (np.zeros((0, 4)), ["(0, 4)"]),
        ([1, 2, np.nan, 5], ["NaN"]),
        ([1, 2, 3, np.inf], ["infinite"]),
    ],
    ids=["no width", "swapped", "three", "a number", "none", "NaN", "infinite"],
)
def test_bad_boxes(box, fragments):
    for call in (
        lambda: localize.iou(box, BOXES[0]),
        lambda: localize.iou(BOXES[0], box),
        lambda: localize.point_hit([1, 1], box),
        lambda: localize.pointing_hit(MAPS[0], box, 12),
    ):
        with refused(*fragments):
            call()


def test_boxes_of_another_image_size():
    for call in (
        lambda: localize.pointing_hit(MAPS[0], [20, 20, 60, 80], 12),
        lambda: localize.max_box_acc(MAPS[:1], [[20, 20, 60, 80]], 12),
        lambda: localize.baseline_boxes(3, 12, [[20, 20, 60, 80]]),
    ):
        with refused("box (20, 20, 60, 80)", "12 × 12", "of the network's image"):
            call()


def test_numbers_that_differ():
    with refused("3 boxes", "5"):
        localize.iou(BOXES[:3], BOXES)
    with refused("(5, 6, 6)", "(3, 4)"):
        localize.max_box_acc(MAPS, BOXES[:3], 12)
    with refused("5 points", "(3, 4)"):
        localize.pointing_hit(MAPS, BOXES[:3], 12)
    with refused("one point", "(5, 4)"):
        localize.pointing_hit(MAPS[0], BOXES, 12)
    with refused("(5, 6, 6)", "(3, 12, 12)"):
        localize.heat_inside(MAPS, MASKS[:3])


def test_masks_of_another_kind_or_size():
    with refused("int64", "True inside"):
        localize.heat_inside(MAPS, MASKS.astype(int))
    with refused("(12,)", "(H, W)"):
        localize.heat_inside(MAPS[0], MASKS[0, 0])
    with refused("(5, 12, 12)", "24 × 24"):
        localize.pointing_hit(MAPS, MASKS, 24)
    with refused("outside its mask", "12 × 12"):
        localize.point_hit([12, 3], MASKS[0])
    assert not localize.point_hit([3, 3], np.zeros((12, 12), bool), tolerance=99)  # nothing to hit


@pytest.mark.parametrize("size", [0, -3, 12.0, (12, 12, 3), "12", None], ids=repr)
def test_bad_sizes(size):
    for call in (
        lambda: localize.box_from_map(MAPS, size),
        lambda: localize.peak_pixel(MAPS, size),
        lambda: localize.pointing_hit(MAPS, BOXES, size),
        lambda: localize.baseline_points(3, size),
    ):
        with refused("size", repr(size)):
            call()


def test_bad_points_tolerances_and_counts():
    with refused("(3,)", "x, y"):
        localize.point_hit([1, 2, 3], BOXES[0])
    with refused("float64", "whole pixels"):
        localize.point_hit([1.5, 2], BOXES[0])
    for tolerance in (-1, np.nan, np.inf, "1"):
        with refused("tolerance", repr(tolerance)):
            localize.point_hit([1, 2], BOXES[0], tolerance)
    for n in (0, -1, 2.0):
        for call in (
            lambda: localize.baseline_points(n, 12),
            lambda: localize.baseline_boxes(n, 12, BOXES),
            lambda: localize.bootstrap_interval([1.0], n=n),
        ):
            with refused("n is", repr(n), "at least 1"):
                call()
    with refused("(4,)", "(N, 4)"):
        localize.baseline_boxes(3, 12, BOXES[0])


@pytest.mark.parametrize(
    "values, fragments",
    [([], ["(0,)"]), (MAPS[0], ["(6, 6)", "(N,)"]), ([1, np.nan], ["NaN"]), (3.0, ["()"])],
    ids=["none", "a map", "NaN", "a number"],
)
def test_bad_bootstraps(values, fragments):
    with refused(*fragments):
        localize.bootstrap_interval(values)
    with refused("level", "95"):
        localize.bootstrap_interval([1.0], level=95)


def test_no_tensorflow_is_loaded():
    code = "import sys; import course_utils.localize; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- on drawn pets, with the networks that ship ----------------------------------------------------------

N = 200


def maps_of(images, labels=None, grid=24):
    """(class_scores, maps) of a shipped network: of the labels' classes, or of both."""
    from course_utils import networks
    from course_utils.explain import explain

    network = networks.pets_net(trained=True, grid=grid)
    return explain(network, np.asarray(images, "float32"), labels, verbose=False)


@pytest.fixture(scope="module")
def measured():
    """For each grid: accuracy, share of hits, mean IoU at the validation pets' threshold, and at 20 %."""
    from course_utils.datasets.drawn.pets import drawn_pets

    valid, test, numbers = drawn_pets(N, seed=50_000), drawn_pets(N, seed=60_000), {}
    for grid in (24, 12, 6):
        fraction = localize.best_fraction(maps_of(valid.images, valid.labels, grid)[1], valid.head_boxes, 96)
        scores, cams = maps_of(test.images, test.labels, grid)
        assert cams.shape == (N, grid, grid)
        ious = localize.ious_by_fraction(cams, test.head_boxes, 96, [fraction, 0.2]).mean(axis=1)
        hits = localize.pointing_hit(cams, test.head_boxes, 96)
        numbers[grid] = (scores.argmax(axis=1) == test.labels).mean(), hits.mean(), *ious
    return numbers


@pytest.mark.slow
def test_goals_on_drawn_pets(measured):
    accuracy, pointing, mean_iou, _ = measured[24]
    assert accuracy >= 0.98 and pointing >= 0.97 and mean_iou >= 0.65


@pytest.mark.slow
def test_coarser_maps_know_as_well_and_localise_worse(measured):
    assert all(accuracy >= 0.98 and pointing >= 0.95 for accuracy, pointing, _, _ in measured.values())
    assert measured[24][2] > max(measured[12][2], measured[6][2]) + 0.03
    assert measured[24][3] > measured[12][3] + 0.1 > measured[6][3] + 0.1  # the 20 % rule suffers most


@pytest.mark.slow
def test_in_a_picture_with_two_pets_each_map_finds_its_own():
    from course_utils.datasets.drawn.pets import draw_two_pets

    scenes = [draw_two_pets(seed) for seed in range(70_000, 70_150)]
    _, cams = maps_of([scene.image for scene in scenes])
    for which in (0, 1):
        own = np.array([scene.head_boxes[which] for scene in scenes])
        assert localize.pointing_hit(cams[..., which], own, 96).mean() >= 0.95


@pytest.mark.parametrize("grid", [24, 12, 6])
def test_the_weights_that_ship_are_small(grid):
    from course_utils import networks

    assert networks.pets_net_weights(grid).stat().st_size <= 300_000


def test_only_three_grids():
    from course_utils import networks

    with refused("grid is 48", "24, 12 or 6"):
        networks.pets_net(grid=48)


def test_a_tolerance_may_be_numpys():
    assert localize.point_hit([9, 4], [0, 0, 8, 8], np.int64(3))
    with refused("tolerance is True"):
        localize.point_hit([9, 4], [0, 0, 8, 8], True)
