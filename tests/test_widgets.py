"""The explorers without a browser: every control is labelled and redraws, and the numbers shown are true."""

import io
import re

import ipywidgets
import numpy as np
import pytest
from checks import refused
from PIL import Image

from course_utils import cam as cam_maths
from course_utils import localize
from course_utils.widgets import cam_explorer, threshold_explorer, weight_explorer

IMAGE = np.random.default_rng(0).uniform(size=(28, 28, 1))
CAMS = np.random.default_rng(1).normal(size=(7, 7, 2))
SCORES = np.array([1.5, -0.25])

F = np.zeros((5, 5, 3))
F[:3, :, 0] = [[5, 0, 5, 9, 0], [6, 4, 7, 1, 0], [3, 8, 2, 0, 0]]
F[0, 1, 2] = 2
WEIGHTS = np.array([[0.5, 1.0], [0.25, 1.0], [-1.0, 0.5]])


def inside(box, kind):
    found = [box] if isinstance(box, kind) else []
    return found + [w for child in getattr(box, "children", ()) for w in inside(child, kind)]


def controls(box):
    """What the learner can move, by its label."""
    kinds = (ipywidgets.FloatSlider, ipywidgets.ToggleButtons, ipywidgets.Dropdown)
    return {w.description: w for w in inside(box, kinds)}


def shown(box):
    [view] = inside(box, ipywidgets.Image)
    return np.asarray(Image.open(io.BytesIO(view.value)).convert("RGB")).astype(int)


def status(box):
    [line] = inside(box, ipywidgets.HTML)
    return line.value


@pytest.fixture
def explorer():
    return cam_explorer(IMAGE, CAMS, ["seven", "nine"], SCORES)


@pytest.fixture
def weights():
    return weight_explorer(F, WEIGHTS, class_idx=1)


# --- the map of a class ----------------------------------------------------------------------


def test_every_control_has_a_label_and_a_tooltip(explorer, weights):
    assert list(controls(explorer)) == ["map of", "evidence", "opacity", "threshold"]
    assert list(controls(weights)) == ["weight w1", "weight w2", "weight w3"]
    for box in (explorer, weights):
        every = inside(box, (ipywidgets.FloatSlider, ipywidgets.ToggleButtons))
        assert len(every) == len(controls(box))
        assert all(w.tooltip for w in every if isinstance(w, ipywidgets.FloatSlider))
    assert [o[0] for o in controls(explorer)["map of"].options] == ["seven", "nine"]


@pytest.mark.parametrize("label, value",
                         [("map of", 1), ("evidence", "positive"), ("opacity", 0.9), ("threshold", 0.5)])
def test_each_control_redraws_the_picture_and_goes_back(explorer, label, value):
    control = controls(explorer)[label]
    picture, first = shown(explorer), control.value
    control.value = value
    assert np.abs(shown(explorer) - picture).max() > 10
    control.value = first
    np.testing.assert_array_equal(shown(explorer), picture)


def test_the_sliders_end_where_they_say(explorer):
    moved = controls(explorer)
    moved["opacity"].value = 0
    grey = shown(explorer)
    assert grey.shape == (336, 336, 3) and (grey == grey[..., :1]).all()  # the image alone
    np.testing.assert_array_equal(grey[::12, ::12, 0], np.round(IMAGE[..., 0] * 255))
    moved["opacity"].value, moved["threshold"].value = 1, 1
    alone = (shown(explorer) == grey).all(axis=2).mean()
    assert alone > 0.9  # nothing but the strongest evidence is left


def test_the_words_follow_the_class(explorer):
    for c, name in enumerate(("seven", "nine")):
        controls(explorer)["map of"].value = c
        one = CAMS[..., c]
        row, column = cam_maths.peak_cell(one)
        words = re.sub("<.*?>", "", status(explorer))
        assert words == (f"Map of {name}: strongest at row {row}, column {column} of 7 × 7, "
                         f"from {one.min():.2f} to {one.max():.2f}, mean {one.mean():.2f}, "
                         f"class score {SCORES[c]:.2f}.")
        assert 'role="status"' in status(explorer)  # read aloud when it changes


def test_without_scores_none_are_told():
    assert "class score" not in status(cam_explorer(IMAGE, CAMS, ["seven", "nine"]))


def test_all_classes_share_one_scale():
    cams = np.zeros((4, 4, 2))
    cams[1, 1] = 2  # as strong in both
    cams[3, 3, 1] = 8  # but the second has something stronger elsewhere
    box = cam_explorer(np.zeros((4, 4)), cams, ["a", "b"], size=4)
    controls(box)["opacity"].value = 1
    colours = []
    for c in (0, 1):
        controls(box)["map of"].value = c
        colours.append(shown(box))
    np.testing.assert_array_equal(colours[0][1, 1], colours[1][1, 1])
    assert np.abs(colours[0][3, 3] - colours[1][3, 3]).max() > 50


def test_maps_of_zeros_are_shown_as_nothing():
    box = cam_explorer(IMAGE, np.zeros((7, 7, 2)), ["seven", "nine"])
    assert np.isfinite(shown(box)).all() and "from 0.00 to 0.00" in status(box)


def test_class_names_are_text_and_no_markup():
    assert "&lt;7&gt;" in status(cam_explorer(IMAGE, CAMS, ["<7>", "<9>"]))


def test_colour_photographs_and_wide_ones_are_taken():
    photo = np.random.default_rng(3).integers(0, 256, (60, 90, 3), np.uint8)
    picture = shown(cam_explorer(photo, CAMS, ["cat", "dog"], size=180))
    assert picture.shape == (120, 180, 3)


def test_inputs_are_left_alone():
    image, cams, f, w = IMAGE.copy(), CAMS.copy(), F.copy(), WEIGHTS.copy()
    box = cam_explorer(image, cams, ["seven", "nine"])
    controls(box)["map of"].value = 1
    box = weight_explorer(f, w, 1)
    controls(box)["weight w1"].value = -1
    for now, before in ((image, IMAGE), (cams, CAMS), (f, F), (w, WEIGHTS)):
        np.testing.assert_array_equal(now, before)


# --- the weights of a class ------------------------------------------------------------------


def table(box):
    """The numbers shown, a row a class: score and softmax."""
    rows = re.findall(r"<tr><td>class (\d+)</td><td.*?>(.*?)</td><td.*?>(.*?)</td></tr>", status(box))
    assert [int(c) for c, _, _ in rows] == list(range(len(rows)))
    return np.array([[float(score), float(chance)] for _, score, chance in rows])


def expected(weights):
    scores = cam_maths.class_scores(F[None], weights)[0]
    return np.stack([scores, cam_maths.softmax(scores)], axis=1)


def test_the_weights_move_score_and_softmax_of_their_class_only(weights):
    np.testing.assert_allclose(table(weights), expected(WEIGHTS), atol=0.006)
    moved = WEIGHTS.copy()
    for k, value in enumerate((2.0, -1.5, 3.0)):
        controls(weights)[f"weight w{k + 1}"].value = value
        moved[k, 1] = value
        np.testing.assert_allclose(table(weights), expected(moved), atol=0.006)
    assert table(weights)[0, 0] == pytest.approx(expected(WEIGHTS)[0, 0], abs=0.006)


@pytest.mark.parametrize("label, changes", [("weight w1", True), ("weight w2", False), ("weight w3", True)])
def test_a_weight_redraws_the_map_unless_its_feature_map_is_empty(weights, label, changes):
    picture = shown(weights)
    controls(weights)[label].value = -3
    assert (np.abs(shown(weights) - picture).max() > 30) == changes


def test_the_picture_shows_the_map_cell_by_cell(weights):
    controls(weights)["weight w1"].value, controls(weights)["weight w3"].value = 3, -3
    cells = shown(weights)[28::56, 28::56]
    assert cells.shape == (5, 5, 3)
    light, red = cells.sum(axis=2), cells[..., 0] > cells[..., 2]  # for the class: red; against it: blue
    assert cam_maths.peak_cell(np.where(red, light, 0)) == (0, 3)
    assert cam_maths.peak_cell(np.where(red, 0, light)) == (0, 1)
    assert (cells[3:] == cells[3, 0]).all()


def test_the_map_of_no_weights_is_dark(weights):
    for slider in controls(weights).values():
        slider.value = 0
    assert shown(weights).max() < 30


def test_one_class_in_a_list_is_one_class():
    np.testing.assert_array_equal(shown(weight_explorer(F, WEIGHTS, [1])),
                                  shown(weight_explorer(F, WEIGHTS, 1)))


def test_weights_beyond_the_usual_range_are_not_clipped():
    large = WEIGHTS * [[1, 7.5], [1, -6], [1, 1]]
    box = weight_explorer(F, large, 1)
    assert [s.value for s in controls(box).values()] == [7.5, -6, 0.5]
    np.testing.assert_allclose(table(box), expected(large), atol=0.006)


# --- bad input -------------------------------------------------------------------------------

NAN_CAMS = CAMS.copy()
NAN_CAMS[0, 0, 1] = np.nan  # not in the class shown first


@pytest.mark.parametrize("cams, fragments", [
    (CAMS[None], ["(1, 7, 7, 2)", "2 class names", "(h, w, C)", "cams[0]"]),
    (CAMS[..., 0], ["(7, 7)", "(h, w, C)"]),
    (CAMS[..., :1], ["(7, 7, 1)", "2 class names"]), (CAMS[:0], ["(0, 7, 2)"]), (NAN_CAMS, ["NaN"]),
    (CAMS * np.inf, ["infinite"])],
    ids=["batch", "one class", "too few classes", "empty", "NaN", "infinite"])
def test_bad_cams(cams, fragments):
    with refused(*fragments):
        cam_explorer(IMAGE, cams, ["seven", "nine"])


def test_bad_images():
    with refused("(1, 28, 28, 1)", "(H, W, 3)"):
        cam_explorer(IMAGE[None], CAMS, ["seven", "nine"])
    with refused("[0, 1]", "divide by 255"):
        cam_explorer(IMAGE * 255, CAMS, ["seven", "nine"])


@pytest.mark.parametrize("scores", [SCORES[:1], SCORES[None], np.ones(3)], ids=np.shape)
def test_bad_scores(scores):
    with refused("class_scores", np.shape(scores), "(2,)"):
        cam_explorer(IMAGE, CAMS, ["seven", "nine"], scores)


@pytest.mark.parametrize("feature_maps, weights, class_idx, error, fragments", [
    (F[None], WEIGHTS, 1, ValueError, ["(1, 5, 5, 3)", "(H, W, K)"]),
    (F[..., 0], WEIGHTS, 1, ValueError, ["(5, 5)", "(H, W, K)"]),
    (F * np.nan, WEIGHTS, 1, ValueError, ["NaN"]),
    (F, WEIGHTS.T, 1, ValueError, ["(2, 3)", "(K, C)", "class_weights.T"]),
    (F, WEIGHTS[:2], 1, ValueError, ["(2, 2)", "K = 3"]),
    (F, WEIGHTS[:, 0], 0, ValueError, ["(3,)", "(K, C)"]),
    (F, WEIGHTS * np.nan, 1, ValueError, ["class_weights", "NaN"]),
    (F, WEIGHTS, 2, ValueError, ["2", "out of range", "0 to 1"]),
    (F, WEIGHTS, -1, ValueError, ["-1", "out of range", "0 to 1"]),
    (F, WEIGHTS, [0, 1], ValueError, ["(2,)", "1 image"]),
    (F, WEIGHTS, 1.0, TypeError, ["1.0", "whole number"])],
    ids=["batch", "one map", "NaN", "transposed", "wrong K", "one axis", "NaN weights", "class 2", "class -1",
         "two classes", "float class"])
def test_bad_weight_explorers(feature_maps, weights, class_idx, error, fragments):
    with refused(*fragments, error=error):
        weight_explorer(feature_maps, weights, class_idx)


# --- the threshold of a box ------------------------------------------------------------------

HILL = np.zeros((6, 6))
HILL[1:3, 1:4], HILL[1, 2], HILL[4, 5] = 5, 10, 4  # a large part with its peak, and a small one
TRUE_BOX = (10, 10, 30, 26)


@pytest.fixture
def thresholds():
    return threshold_explorer(np.full((48, 48, 3), 200, np.uint8), HILL, TRUE_BOX, size=96)


def test_the_threshold_explorer_redraws_with_each_slider_and_goes_back(thresholds):
    assert list(controls(thresholds)) == ["threshold", "opacity"]
    for control in controls(thresholds).values():
        picture, first = shown(thresholds), control.value
        control.value = 0.7
        assert np.abs(shown(thresholds) - picture).max() > 10
        control.value = first
        np.testing.assert_array_equal(shown(thresholds), picture)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.35, 0.6, 0.8])
def test_the_words_and_the_solid_frame_tell_the_box_and_its_iou(thresholds, fraction):
    controls(thresholds)["threshold"].value = fraction
    mask = localize.threshold_mask(cam_maths.upsample(HILL, 48), fraction)
    box = localize.box_from_map(HILL, 48, fraction)
    iou = localize.iou(box, TRUE_BOX)
    words = re.sub("<.*?>", "", status(thresholds))
    assert f"At {fraction:.0%} of the maximum {mask.mean():.0%} of the image is left" in words
    assert f"{box[2] - box[0]} × {box[3] - box[1]} pixels, IoU with the true box {iou:.2f}" in words
    assert (": found" if iou >= 0.5 else ": not found") in words and 'role="status"' in status(thresholds)
    white = (shown(thresholds) == 255).all(axis=2)
    x0, y0, x1, y1 = 2 * box
    assert white[y0, x0:x1].mean() > 0.9 and white[y0:y1, x1 - 1].mean() > 0.9  # but for the dashes' black rims
    assert not white[:min(y0, 20)].any()  # nothing above both boxes


def test_the_dashed_frame_is_the_true_box(thresholds):
    controls(thresholds)["threshold"].value = 0.95  # a small box, out of the way
    white = (shown(thresholds) == 255).all(axis=2)
    assert 0.4 < white[20, 20:60].mean() < 0.7 and 0.4 < white[51, 20:60].mean() < 0.7
    assert not white[:20].any() and not white[52:].any() and not white[:, :20].any() and not white[:, 60:].any()


def test_what_is_below_the_threshold_is_dark(thresholds):
    controls(thresholds)["threshold"].value, controls(thresholds)["opacity"].value = 0.5, 0
    mask = localize.threshold_mask(cam_maths.upsample(HILL, 48), 0.5).repeat(2, axis=0).repeat(2, axis=1)
    colours = shown(thresholds)
    inner = ((colours != 255) & (colours != 0)).all(axis=2)  # frames apart
    assert (colours[inner & mask] == 200).all() and (colours[inner & ~mask] == 100).all()
    assert (inner & mask).any() and (inner & ~mask).any()


@pytest.mark.parametrize("cam, box, fragments", [
    (HILL[None], TRUE_BOX, ["(1, 6, 6)", "(h, w)", "cams[0]"]), (HILL, [TRUE_BOX], ["(1, 4)", "(4,)", "boxes[0]"]),
    (HILL, (10, 10, 300, 260), ["48 × 48", "300"]), (HILL, (30, 10, 10, 26), ["no area"]),
    (HILL * np.nan, TRUE_BOX, ["NaN"])], ids=["batch", "boxes", "outside", "swapped", "NaN"])
def test_bad_threshold_explorers(cam, box, fragments):
    with refused(*fragments):
        threshold_explorer(np.zeros((48, 48)), cam, box)


def test_a_map_of_nothing_says_so_and_is_framed_whole():
    with pytest.warns(UserWarning, match="no positive evidence"):
        box = threshold_explorer(np.zeros((48, 48)), -HILL - 1, TRUE_BOX, size=48)
    assert "48 × 48 pixels" in status(box) and "not found" in status(box)
