"""The explorers without a browser: controls, links, what is sent, what survives, what is refused."""

import asyncio
import gc
import html
import io

from course_utils import plots, widgets
from course_utils.cam import peak_cell, upsample
from course_utils.datasets import wheels
from course_utils.widgets import (
    cam_explorer,
    material_explorer,
    predict_then_reveal,
    threshold_explorer,
    weight_explorer,
)

import ipywidgets
import numpy as np
import pytest
from checks import refused
from ipywidgets.widgets.widget import _instances
from PIL import Image

IMAGE = np.random.default_rng(0).uniform(size=(28, 28, 1))
CAMS = np.random.default_rng(1).normal(size=(7, 7, 2))
SCORES = np.array([1.5, -0.25])
HILL = np.zeros((6, 6))
HILL[1:3, 1:4], HILL[1, 2], HILL[4, 5] = 5, 10, 4  # a large part with its peak, and a small one
TRUE_BOX = (10, 10, 30, 26)

F = np.zeros((5, 5, 3))
F[:3, :, 0] = [[5, 0, 5, 9, 0], [6, 4, 7, 1, 0], [3, 8, 2, 0, 0]]
F[0, 1, 2] = 2
WEIGHTS = np.array([[0.5, 1.0], [0.25, 1.0], [-1.0, 0.5]])

LAYERS = {"early": np.random.default_rng(2).normal(size=(14, 7, 2)), "late": CAMS}

EXPLORERS = {
    "cam": lambda: cam_explorer(IMAGE, CAMS, ["seven", "nine"], SCORES),
    "layers": lambda: cam_explorer(IMAGE, LAYERS, ["seven", "nine"]),
    "weights": lambda: weight_explorer(F, WEIGHTS, class_idx=1),
    "threshold": lambda: threshold_explorer(np.full((48, 48, 3), 200, np.uint8), HILL, TRUE_BOX),
    "predict": lambda: predict_then_reveal(IMAGE, CAMS[..., 0], "seven", default=(1, 2)),
}


@pytest.fixture(params=EXPLORERS)
def make(request):
    return EXPLORERS[request.param]


def inside(box, kind):
    found = [box] if isinstance(box, kind) else []
    return found + [w for child in getattr(box, "children", ()) for w in inside(child, kind)]


def controls(box):
    """What the learner can move, by its label."""
    kinds = (ipywidgets.FloatSlider, ipywidgets.ToggleButtons, ipywidgets.Dropdown)
    return {w.description: w for w in inside(box, kinds)}


def canvas(box):
    [view] = inside(box, widgets.Canvas)
    return view


# --- controls and their links ----------------------------------------------------------------

CAM_MOVES = {"map of": "class_idx", "evidence": "evidence", "opacity": "opacity", "threshold": "threshold"}
MOVES = {
    "cam": {"map of": "class_idx", "shown": "against"} | CAM_MOVES,
    "layers": {"layer": "layer"} | CAM_MOVES,
    "weights": {"weight w1": "w1", "weight w2": "w2", "weight w3": "w3"},
    "threshold": {"threshold": "threshold", "opacity": "opacity"},
    "predict": {},
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_control_has_a_label_a_tooltip_and_a_link_to_the_canvas(name):
    box = EXPLORERS[name]()
    view, moved = canvas(box), {}
    for link in _instances.values():
        if isinstance(link, ipywidgets.widgets.widget_link.Link) and link.target[0] is view:
            control, trait = link.source
            moved[control.description] = link.target[1]
            assert trait == ("value" if isinstance(control, ipywidgets.FloatSlider) else "index")
            assert getattr(view, link.target[1]) == getattr(
                control, trait
            )  # the first picture is that of the controls
    assert moved == MOVES[name] == {label: MOVES[name][label] for label in controls(box)}
    assert view.descriptions == {label: control.tooltip for label, control in controls(box).items()}
    assert all(len(text) > 8 for text in view.descriptions.values())
    assert "course-explorer" in box._dom_classes  # sizes, focus and names for screen readers hang on it


def test_many_classes_are_a_list_and_names_may_repeat():
    box = cam_explorer(IMAGE, np.ones((2, 2, 8)), ["cat"] * 8)
    assert isinstance(controls(box)["map of"], ipywidgets.Dropdown)
    controls(box)["map of"].index = 7
    assert [label for label, _ in controls(box)["map of"].options] == ["cat"] * 8


def test_the_switch_to_what_decides_is_there_where_all_classes_are():
    assert "shown" in controls(EXPLORERS["cam"]()) and "shown" not in controls(EXPLORERS["layers"]())
    assert "shown" in controls(cam_explorer(IMAGE, LAYERS, ["a", "b"], against=True))
    assert "shown" not in controls(cam_explorer(IMAGE, CAMS, ["a", "b"], SCORES, against=False))
    for against in (None, True):  # one class alone has no others
        box = cam_explorer(IMAGE, CAMS[..., :1], ["a"], SCORES[:1], against=against)
        assert "shown" not in controls(box)


def test_one_scale_holds_for_maps_alone_and_against_the_others():
    cams = np.stack([np.full((2, 2), 3.0), np.full((2, 2), -3.0), np.full((2, 2), -3.0)], axis=-1)
    assert canvas(cam_explorer(IMAGE, cams, ["a", "b", "c"], [0, 0, 0])).sent["limit"] == 4
    assert canvas(cam_explorer(IMAGE, cams, ["a", "b", "c"])).sent["limit"] == 3


def test_weights_beyond_the_usual_range_are_not_clipped():
    box = weight_explorer(F, WEIGHTS * [[1, 7.5], [1, -6], [1, 1]], 1)
    assert [s.value for s in controls(box).values()] == [7.5, -6, 0.5]


def test_no_slider_rounds_the_weights_it_starts_with():
    assert [s.step for s in controls(weight_explorer(F, WEIGHTS, 1)).values()] == [0.05] * 3
    assert [s.step for s in controls(weight_explorer(F, WEIGHTS + 0.013, 1)).values()] == [
        None
    ] * 3  # any value


def test_weights_start_at_half_the_brightness():
    assert canvas(weight_explorer(F, WEIGHTS, 1)).sent["limit"] == 2 * (F @ WEIGHTS[:, 1]).max()
    assert canvas(weight_explorer(F, WEIGHTS * 0, 1)).sent["limit"] == 1


def test_classes_are_called_what_they_are_called():
    assert canvas(weight_explorer(F, WEIGHTS, 1)).sent["names"] == ["class 0", "class 1"]
    assert canvas(weight_explorer(F, WEIGHTS, 1, ["cat", 9])).sent["names"] == ["cat", "9"]


def test_one_class_in_a_list_is_one_class():
    assert canvas(weight_explorer(F, WEIGHTS, [1])).sent == canvas(weight_explorer(F, WEIGHTS, 1)).sent


# --- what the canvas gets --------------------------------------------------------------------


def test_picture_and_maps_are_sent_as_they_are(make):
    sent = canvas(make()).sent
    assert len(sent["picture"]) == 3 * np.prod(sent["picture_shape"])
    assert len(sent["maps"]) == 4 * np.prod(sent["grids"], axis=1).sum()
    assert sent["inks"] == [plots.FOR, plots.AGAINST]


def test_the_numbers_are_those_given():
    sent = canvas(cam_explorer(IMAGE, CAMS, ["seven", "nine"], SCORES)).sent
    np.testing.assert_array_equal(
        np.frombuffer(sent["maps"], "<f4").reshape(7, 7, 2), CAMS.astype(np.float32)
    )
    grey = np.round(IMAGE * 255).astype(np.uint8).repeat(3, axis=2)
    np.testing.assert_array_equal(np.frombuffer(sent["picture"], np.uint8).reshape(28, 28, 3), grey)
    assert sent["limit"] == np.abs(CAMS).max() and sent["scores"] == [
        1.5,
        -0.25,
    ]  # centred maps are weaker here
    assert "scores" not in {
        k for k, v in canvas(cam_explorer(IMAGE, CAMS, ["a", "b"])).sent.items() if v is not None
    }


def test_layers_are_sent_one_after_the_other_and_share_one_scale():
    sent = canvas(EXPLORERS["layers"]()).sent
    maps = np.frombuffer(sent["maps"], "<f4")
    assert sent["grids"] == [[14, 7, 2], [7, 7, 2]] and sent["layers"] == ["early", "late"]
    np.testing.assert_array_equal(maps[:196], LAYERS["early"].astype(np.float32).ravel())
    np.testing.assert_array_equal(maps[196:], CAMS.astype(np.float32).ravel())
    assert sent["limit"] == max(np.abs(m).max() for m in LAYERS.values())


@pytest.mark.parametrize(
    "shape, size, drawn, width",
    [
        ((28, 28), 336, (336, 336), 336),
        ((60, 90, 3), 180, (120, 180), 180),
        ((224, 224, 3), 336, (224, 224), 336),
        ((1024, 1024, 3), 336, (342, 342), 336),
        ((7, 2000), 200, (1, 200), 200),
    ],
    ids=str,
)
def test_small_images_are_enlarged_and_large_ones_reduced(shape, size, drawn, width):
    sent = canvas(cam_explorer(np.zeros(shape), CAMS, ["a", "b"], size=size)).sent
    assert tuple(sent["shape"]) == drawn and sent["width"] == width


def test_inputs_are_left_alone():
    given = [IMAGE.copy(), CAMS.copy(), F.copy(), WEIGHTS.copy(), HILL.copy()]
    cam_explorer(given[0], given[1], ["seven", "nine"])
    weight_explorer(given[2], given[3], 1)
    threshold_explorer(np.zeros((48, 48)), given[4], TRUE_BOX)
    for now, before in zip(given, (IMAGE, CAMS, F, WEIGHTS, HILL)):
        np.testing.assert_array_equal(now, before)


# --- a still picture where no kernel runs ----------------------------------------------------

VIEW = "application/vnd.jupyter.widget-view+json"


def test_a_still_picture_goes_out_with_the_widget(make):
    data, metadata = make()._repr_mimebundle_()
    assert VIEW in data and "A still picture. Run the cell to " in data["text/html"]
    assert 'alt="' + html.escape(data["text/plain"]) in data["text/html"]
    assert not any("GIVEN" in line for line in metadata.get("fingerprint", []))


def test_still_pictures_show_the_start_and_name_the_controls():
    data, metadata = EXPLORERS["cam"]()._repr_mimebundle_()
    row, column = peak_cell(upsample(CAMS[..., 0], 28))
    assert metadata["fingerprint"][0].startswith(
        f"map of seven: peak at row {row}, column {column} of 28 × 28"
    )
    assert "sliders and buttons: map of, shown, evidence, opacity, threshold." in data["text/html"]
    _, metadata = EXPLORERS["weights"]()._repr_mimebundle_()
    assert metadata["fingerprint"][0].startswith("map of class 1: peak at row 0, column 3 of 5 × 5 · 0 to 9")
    data, metadata = EXPLORERS["threshold"]()._repr_mimebundle_()
    assert "with a box" in data["text/plain"] and "from 20%: peak" in metadata["fingerprint"][0].replace(
        " on", ""
    )


@pytest.mark.parametrize("image", [IMAGE, None], ids=["picture", "cells"])
def test_the_still_picture_of_a_prediction_gives_nothing_away(image):
    near, far = (predict_then_reveal(image, cam, "seven") for cam in (CAMS[..., 0], CAMS[..., 1]))
    (one, fingerprint), (other, _) = near._repr_mimebundle_(), far._repr_mimebundle_()
    assert one["text/html"] == other["text/html"] and not fingerprint
    assert "predict the cell where it is strongest" in one["text/plain"]


def test_the_still_picture_of_what_python_draws_is_its_first():
    box, _ = live([])
    data, metadata = box._repr_mimebundle_()
    assert data["text/plain"] == canvas(box).words and not metadata


# --- predictions -----------------------------------------------------------------------------


def test_the_guess_is_the_default_until_a_cell_is_chosen():
    box = EXPLORERS["predict"]()
    assert box.guess() == (1, 2)
    canvas(box).guess = [4, 5]  # as the browser does it
    assert box.guess() == (4, 5)
    assert predict_then_reveal(IMAGE, CAMS[..., 0], "seven").guess() == (3, 3)
    assert not canvas(box).revealed


def test_without_a_picture_there_are_the_bare_cells():
    sent = canvas(predict_then_reveal(None, HILL, "hill", size=100)).sent
    assert (
        sent["bare"] and sent["shape"] == [6, 6] and sent["zoom"] == 16 and sent["picture"] == b"\xff" * 108
    )
    assert not canvas(EXPLORERS["predict"]()).sent["bare"]


# --- what only Python can draw ---------------------------------------------------------------


def live(calls):
    def draw(opacity, hue):
        calls.append((opacity, hue))
        return np.full((20, 30, 3), int(100 * opacity + hue), np.uint8), f"opacity {opacity}"

    sliders = [widgets.slider("opacity", 0.5, "how much"), widgets.slider("hue", 0, "which", high=100)]
    return widgets.live(sliders, draw, size=90), sliders


def test_python_draws_a_jpeg_and_says_what_it_is():
    box, (opacity, hue) = live([])
    picture = Image.open(io.BytesIO(canvas(box).jpeg))
    assert picture.format == "JPEG" and picture.size == (30, 20)
    before = canvas(box).jpeg
    opacity.value = 1
    assert canvas(box).jpeg != before and canvas(box).words == "opacity 1.0"


def test_what_was_drawn_is_not_drawn_again():
    calls = []
    box, (opacity, hue) = live(calls)
    for value in (0.6, 0.5, 0.6):
        opacity.value = value
    assert calls == [(0.5, 0), (0.6, 0)] and canvas(box).words == "opacity 0.6"


def test_of_many_changes_the_kernel_draws_the_latest_only():
    calls = []
    box, (opacity, hue) = live(calls)

    async def moved():
        for i in range(1, 101):
            hue.value = i
        await asyncio.sleep(0.01)

    asyncio.run(moved())
    assert calls == [(0.5, 0), (0.5, 100)]
    hue.value = 3  # without a kernel's loop: at once
    assert calls[-1] == (0.5, 3)


# --- a hole in a wheel -----------------------------------------------------------------------


def counts_metal(metal):
    """A network that knows how much metal there is, and where."""
    return metal.sum() / 10, wheels.in_cells(metal)


def material(seed=0, start=(24, 90, 8)):
    return material_explorer(wheels.draw_wheel(seed), {"CNN": counts_metal}, start)


def test_a_hole_changes_what_the_network_says_and_what_the_plate_does():
    box, metal = material(), wheels.draw_wheel(0)
    cut = wheels.with_hole(metal, 12, 90, 2)  # in pixels of 2 mm
    gone, before, after = metal.sum() - cut.sum(), wheels.solve(metal).frequency, wheels.solve(cut).frequency
    assert gone > 0
    for fragment in (
        f"takes {gone} of {metal.sum()} pixels",
        f"Plate elements: {before:.1f} Hz before, {after:.1f} Hz after",
        f"CNN: {metal.sum() / 10:.1f} Hz before, {cut.sum() / 10:.1f} Hz after (−",
    ):
        assert fragment in canvas(box).words
    drawn = canvas(box).jpeg
    controls(box)["angle"].value = 200
    assert canvas(box).jpeg != drawn
    of_the_network = canvas(box).jpeg
    controls(box)["map of"].index = 1
    assert canvas(box).jpeg != of_the_network  # the plate's own


def test_a_hole_of_nothing_changes_nothing():
    assert "takes no metal" in canvas(material(start=(36, 90, 0))).words
    assert canvas(material(start=(36, 90, 0))).words.count("(+0.0\xa0%)") == 2


def test_loose_parts_have_no_frequency():
    words = canvas(material(seed=3, start=(50, 270, 24))).words
    assert "Plate elements: no answer" in words and "CNN" in words


@pytest.mark.parametrize("networks", [{}, {"CNN": 3}], ids=str)
def test_bad_networks_of_a_wheel(networks):
    with refused("{name: function"):
        material_explorer(wheels.draw_wheel(0), networks)


# --- cells that are run again ----------------------------------------------------------------


@pytest.fixture
def run(monkeypatch):
    """Make explorers as a cell does: run(cell, make)."""
    monkeypatch.setattr(widgets, "_CELLS", {})
    runs = iter(range(10**9))

    def run(cell, make):
        here = cell, next(runs)
        monkeypatch.setattr(widgets, "_running_cell", lambda: here)
        return make()

    return run


def test_a_cell_that_is_run_again_keeps_its_settings(run):
    first = controls(run("a", EXPLORERS["cam"]))
    first["opacity"].value, first["map of"].index, first["evidence"].index = 0.7, 1, 1
    box = run("a", EXPLORERS["cam"])
    again = controls(box)
    assert (
        again["opacity"].value,
        again["map of"].index,
        again["evidence"].index,
        again["threshold"].value,
    ) == (0.7, 1, 1, 0)
    assert controls(run("b", EXPLORERS["cam"]))["opacity"].value == 0.9  # another cell starts anew
    assert controls(run("a", EXPLORERS["cam"]))["opacity"].value == 0.7


def test_a_cell_that_was_changed_shows_what_it_says(run):
    controls(run("a", EXPLORERS["weights"]))["weight w1"].value = -2
    assert controls(run("a", EXPLORERS["weights"]))["weight w1"].value == -2
    other = WEIGHTS + [[0, 1], [0, 0], [0, 0]]
    again = controls(run("a", lambda: weight_explorer(F, other, 1)))
    assert [s.value for s in again.values()] == [2, 1, 0.5]
    assert list(controls(run("a", EXPLORERS["cam"]))) == list(MOVES["cam"])


def test_several_explorers_in_one_cell_keep_theirs(run):
    def both():
        return EXPLORERS["cam"](), EXPLORERS["cam"]()

    one, two = run("a", both)
    controls(one)["opacity"].value, controls(two)["opacity"].value = 0.1, 0.2
    for _ in range(2):
        one, two = run("a", both)
        assert (controls(one)["opacity"].value, controls(two)["opacity"].value) == (0.1, 0.2)


def test_a_revealed_prediction_stays_but_not_for_another_map(run):
    box = run("a", EXPLORERS["predict"])
    canvas(box).guess, canvas(box).chosen, canvas(box).revealed = [5, 6], True, True
    again = run("a", EXPLORERS["predict"])
    assert again.guess() == (5, 6) and canvas(again).revealed
    other = run("a", lambda: predict_then_reveal(IMAGE, CAMS[..., 1], "seven", default=(1, 2)))
    assert other.guess() == (1, 2) and not canvas(other).revealed


def test_pictures_by_python_keep_their_settings_too(run):
    calls = []
    run("a", lambda: live(calls))[1][0].value = 0.75
    box, (opacity, hue) = run("a", lambda: live(calls))
    assert opacity.value == 0.75 and canvas(box).words == "opacity 0.75"


def test_nothing_is_left_behind_by_a_thousand_moves_and_runs(run, make):
    from matplotlib import _pylab_helpers

    box = run("a", make)
    n = len(_instances)
    for i in range(1000):
        for control in inside(box, ipywidgets.FloatSlider):
            control.value = (i % 20) / 20
    assert len(_instances) == n
    for _ in range(20):
        box = run("a", make)
    gc.collect()
    assert len(_instances) == n and not _pylab_helpers.Gcf.figs


def test_outside_a_notebook_no_cell_is_known():
    assert widgets._running_cell() == (None, None)


# --- bad input -------------------------------------------------------------------------------

NAN_CAMS = CAMS.copy()
NAN_CAMS[0, 0, 1] = np.nan  # not in the class shown first


@pytest.mark.parametrize(
    "cams, fragments",
    [
        (CAMS[None], ["(1, 7, 7, 2)", "2 class names", "(h, w, C)", "cams[0]"]),
        (CAMS[..., 0], ["(7, 7)", "(h, w, C)"]),
        (CAMS[..., :1], ["(7, 7, 1)", "2 class names"]),
        (CAMS[:0], ["(0, 7, 2)"]),
        (NAN_CAMS, ["NaN"]),
        (CAMS * np.inf, ["infinite"]),
    ],
    ids=["batch", "one class", "too few classes", "empty", "NaN", "infinite"],
)
def test_bad_cams(cams, fragments):
    with refused(*fragments):
        cam_explorer(IMAGE, cams, ["seven", "nine"])


def test_bad_layers():
    with refused("cams['late']", "(7, 7, 2)", "1 class names"):
        cam_explorer(IMAGE, {"early": CAMS[..., :1], "late": CAMS}, ["seven"])
    with refused("no layer"):
        cam_explorer(IMAGE, {}, ["seven", "nine"])


def test_bad_class_names():
    with refused("1 class names", "2 classes"):
        weight_explorer(F, WEIGHTS, 1, ["seven"])


def test_bad_images():
    with refused("(1, 28, 28, 1)", "(H, W, 3)"):
        cam_explorer(IMAGE[None], CAMS, ["seven", "nine"])
    with refused("[0, 1]", "divide by 255"):
        cam_explorer(IMAGE * 255, CAMS, ["seven", "nine"])


@pytest.mark.parametrize("scores", [SCORES[:1], SCORES[None], np.ones(3)], ids=np.shape)
def test_bad_scores(scores):
    with refused("class_scores", np.shape(scores), "(2,)"):
        cam_explorer(IMAGE, CAMS, ["seven", "nine"], scores)


@pytest.mark.parametrize(
    "feature_maps, weights, class_idx, error, fragments",
    [
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
        (F, WEIGHTS, 1.0, TypeError, ["1.0", "whole number"]),
    ],
    ids=[
        "batch",
        "one map",
        "NaN",
        "transposed",
        "wrong K",
        "one axis",
        "NaN weights",
        "class 2",
        "class -1",
        "two classes",
        "float class",
    ],
)
def test_bad_weight_explorers(feature_maps, weights, class_idx, error, fragments):
    with refused(*fragments, error=error):
        weight_explorer(feature_maps, weights, class_idx)


@pytest.mark.parametrize(
    "cam, box, fragments",
    [
        (HILL[None], TRUE_BOX, ["(1, 6, 6)", "(h, w)", "cams[0]"]),
        (HILL, [TRUE_BOX], ["(1, 4)", "(4,)", "boxes[0]"]),
        (HILL, (10, 10, 300, 260), ["48 × 48", "300"]),
        (HILL, (30, 10, 10, 26), ["no area"]),
        (HILL * np.nan, TRUE_BOX, ["NaN"]),
    ],
    ids=["batch", "boxes", "outside", "swapped", "NaN"],
)
def test_bad_threshold_explorers(cam, box, fragments):
    with refused(*fragments):
        threshold_explorer(np.zeros((48, 48)), cam, box)


def test_a_map_of_nothing_says_so():
    with pytest.warns(UserWarning, match="no positive evidence"):
        threshold_explorer(np.zeros((48, 48)), -HILL - 1, TRUE_BOX)


@pytest.mark.parametrize("default", [(7, 0), (0, -1), (1.0, 2), 3, (1, 2, 3)], ids=str)
def test_bad_defaults_of_predictions(default):
    with refused("default", default, "7 × 7"):
        predict_then_reveal(IMAGE, CAMS[..., 0], "seven", default=default)


def test_bad_maps_of_predictions():
    with refused("(7, 7, 2)", "(h, w)"):
        predict_then_reveal(IMAGE, CAMS, "seven")
    with refused("NaN"):
        predict_then_reveal(IMAGE, NAN_CAMS[..., 1], "seven")
