"""explorer.js in Chromium: the same numbers and the same pixels as NumPy's, by key and by mouse, and in
exported pages.
"""

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

from course_utils import localize, plots, widgets
from course_utils.cam import centred, class_scores, peak_cell, softmax, upsample

import numpy as np
import pytest
from PIL import Image
from test_jupyterlab import browser  # noqa: F401, a fixture

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.browser

IMAGE = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
CAMS = np.random.default_rng(1).normal(size=(7, 7, 2)).astype(np.float32)
SCORES = [1.5, -0.25]
F = np.zeros((5, 5, 3))
F[:3, :, 0] = [[5, 0, 5, 9, 0], [6, 4, 7, 1, 0], [3, 8, 2, 0, 0]]
F[0, 1, 2] = 2
WEIGHTS = np.array([[0.5, 1.0], [0.25, 1.0], [-1.0, 0.5]])
HILL = np.zeros((6, 6))
HILL[1:3, 1:4], HILL[1, 2], HILL[4, 5] = 5, 10, 4
TRUE_BOX = (10, 10, 30, 26)

# A page with one canvas and a model that has what anywidget's has: get, set, on, off, save_changes.
SHOW = """async ([state, buffers]) => {
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  for (const [key, text] of Object.entries(buffers.sent)) state.sent[key] = bytes(text);
  state.jpeg = bytes(buffers.jpeg);
  const told = [];
  const tell = (name) => told.filter(([to]) => to === "change" || to === `change:${name}`).forEach(([, call]) => call());
  window.model = { get: (name) => state[name], set: (name, value) => { state[name] = value; tell(name); },
                   on: (to, call) => told.push([to, call]), off: () => {}, save_changes: () => {} };
  document.body.innerHTML = '<div class="course-explorer"><div id="here"></div></div>';
  window.coursePredictions = undefined;
  explorer.default.render({ model, el: document.querySelector("#here") });
}"""


@pytest.fixture(scope="module")
def page(browser):  # noqa: F811
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    source = (ROOT / "course_utils" / "explorer.js").read_text(encoding="utf-8")
    page.evaluate(
        """async source => {
        window.explorer = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    }""",
        source,
    )
    page.add_style_tag(path=ROOT / "course_utils" / "explorer.css")
    yield page
    page.close()
    assert not page.complaints


@pytest.fixture
def show(page):
    """Show an explorer's canvas, with some of its values changed afterwards as sliders do it."""

    def show(box, **changes):
        [canvas] = [child for child in box.children if isinstance(child, widgets.Canvas)]
        of_any_widget = ("layout", "tabbable", "tooltip")
        state = canvas.get_state(
            [name for name in canvas.keys if not name.startswith("_") and name not in of_any_widget]
        )
        sent = state.pop("sent")
        buffers = {
            "sent": {k: _text(v) for k, v in sent.items() if isinstance(v, bytes)},
            "jpeg": _text(state.pop("jpeg")),
        }
        state["sent"] = {k: v for k, v in sent.items() if not isinstance(v, bytes)}
        page.evaluate(SHOW, [state, buffers])
        for name, value in changes.items():
            page.evaluate("([name, value]) => model.set(name, value)", [name, value])
        settle(page)
        return page

    return show


def _text(data):
    return base64.b64encode(data).decode()


def settle(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pixels(page):
    """What is on the canvas, (H, W, 3), int."""
    url = page.evaluate("document.querySelector('canvas').toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")).astype(
        int
    )


def words(page):
    return page.locator("[role=status]").text_content().replace("\xa0", " ")


def cams_explorer(cams=CAMS, image=IMAGE, scores=SCORES, names=("seven", "nine"), size=336):
    return widgets.cam_explorer(image, cams, names, scores, size)


def number(value):
    return f"{value:.2f}".replace("-", "−")


# --- the mathematics -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grid, size",
    [
        ((7, 7), (336, 336)),
        ((3, 5), (17, 90)),
        ((1, 1), (4, 6)),
        ((1, 4), (5, 4)),
        ((24, 24), (96, 96)),
        ((24, 20), (7, 11)),
    ],
    ids=str,
)
def test_enlarging_gives_the_numbers_of_upsample(page, grid, size):
    cam = np.random.default_rng(2).normal(size=grid)
    large = page.evaluate(
        "([cam, grid, size]) => Array.from(explorer.upsample(cam, grid, size))",
        [cam.ravel().tolist(), grid, size],
    )
    np.testing.assert_allclose(np.reshape(large, size), upsample(cam, size), atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_boxes_and_overlaps_are_those_of_localize(page, seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 30, 2).tolist()
    mask = rng.random(shape) < rng.choice([0.0, 0.1, 0.4, 0.6, 1.0] if seed else [0.0])
    box = page.evaluate(
        "([mask, shape]) => explorer.boxAround(mask, shape)", [mask.astype(int).ravel().tolist(), shape]
    )
    if mask.any():
        np.testing.assert_array_equal(box, localize._boxes_around(mask))
        other = [0, 0, 1 + shape[1] // 2, 1 + shape[0] // 2]
        assert page.evaluate("([a, b]) => explorer.iou(a, b)", [box, other]) == pytest.approx(
            localize.iou(box, other), abs=1e-12
        )
    else:
        assert box is None


def test_of_two_parts_as_large_the_first_counts(page):
    mask = [[0, 0, 1, 1], [1, 1, 0, 0]]  # touching at a corner only
    assert page.evaluate("m => explorer.boxAround(m.flat(), [2, 4])", mask) == [2, 0, 4, 1]


# --- the map of a class ----------------------------------------------------------------------


@pytest.mark.parametrize("opacity", [0.0, 0.55, 1.0])
@pytest.mark.parametrize("evidence", [0, 1])
@pytest.mark.parametrize("class_idx", [0, 1])
def test_the_pixels_are_those_of_overlay(show, class_idx, evidence, opacity):
    page = show(cams_explorer(), class_idx=class_idx, evidence=evidence, opacity=opacity)
    picture, limit = IMAGE.repeat(12, axis=0).repeat(12, axis=1), np.abs(CAMS).max()
    keep = ("signed", "positive")[evidence]
    expected = plots.overlay(picture, CAMS[..., class_idx], keep, opacity, 0, limit)
    wrong = np.abs(pixels(page) - expected).max(axis=2) > 1
    assert wrong.mean() < 1e-4  # rounding may move a pixel across the outline


@pytest.mark.parametrize("threshold", [0.3, 0.7])
def test_a_threshold_leaves_the_pixels_of_overlay_and_a_frame(show, threshold):
    page, limit = show(cams_explorer(), threshold=threshold), np.abs(CAMS).max()
    picture = IMAGE.repeat(12, axis=0).repeat(12, axis=1)
    expected = plots.overlay(picture, CAMS[..., 0], "signed", threshold=threshold, limit=limit)
    assert (np.abs(pixels(page) - expected).max(axis=2) > 1).mean() < 0.06


def test_large_pictures_have_thicker_outlines(show):
    cams, picture = CAMS[..., :1], np.full((700, 700, 3), 200, np.uint8)
    page = show(widgets.cam_explorer(picture, cams, ["seven"], size=700))
    expected = plots.overlay(picture, cams[..., 0], "signed", limit=np.abs(cams).max())
    assert (np.abs(pixels(page) - expected).max(axis=2) > 1).mean() < 1e-4
    assert (expected == 0).all(axis=2).sum() > 500


@pytest.mark.parametrize("c", [0, 1])
def test_against_the_others_is_the_centred_map_and_the_score_less_the_mean_score(show, c):
    page = show(cams_explorer(), class_idx=c, against=1)
    expected = plots.overlay(
        IMAGE.repeat(12, axis=0).repeat(12, axis=1), centred(CAMS)[..., c], "signed", limit=np.abs(CAMS).max()
    )
    assert (np.abs(pixels(page) - expected).max(axis=2) > 1).mean() < 1e-4
    row, column = peak_cell(centred(CAMS)[..., c])
    assert words(page).startswith(
        f"Map of {('seven', 'nine')[c]} against the others: strongest at row {row}, "
    )
    assert words(page).endswith(f"class score minus their mean {number(SCORES[c] - np.mean(SCORES))}.")
    assert "against the others" in page.locator("canvas").get_attribute("aria-label")


def test_the_threshold_leaves_out_what_is_weaker_and_frames_the_largest_part(show):
    picture = np.full((48, 48, 3), 90, np.uint8)
    page = show(cams_explorer(np.stack([HILL, -HILL], axis=-1), image=picture, size=96), threshold=0.45)
    large = upsample(HILL, 96)
    left = (pixels(page) != plots.pale(picture)[0, 0]).any(axis=-1)
    x0, y0, x1, y1 = localize._boxes_around(large >= 0.45 * 10)
    frame = np.zeros_like(left)
    frame[y0:y1, x0:x1] = True
    frame[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5] = False
    np.testing.assert_array_equal(left[~frame], (large >= 0.45 * 10)[~frame])
    assert (pixels(page)[y0 + 2, x0 + 4 : x1 - 4] > 200).all()


def test_all_classes_share_one_scale(show):
    cams = np.zeros((4, 4, 2))
    cams[1, 1], cams[3, 3, 1] = (
        2,
        8,
    )  # the first peak is as strong in both, the second class has a stronger one elsewhere
    colours = [
        pixels(show(cams_explorer(cams, np.ones((4, 4)), size=4), opacity=1, class_idx=c)) for c in (0, 1)
    ]
    np.testing.assert_array_equal(colours[0][1, 1], colours[1][1, 1])
    assert np.abs(colours[0][3, 3] - colours[1][3, 3]).max() > 50


def test_each_layer_has_its_own_grid(show):
    early, late = HILL[:, :, None], CAMS[..., :1]
    page = show(
        widgets.cam_explorer(np.zeros((42, 42)), {"early": early, "late": late}, ["seven"], size=42),
        opacity=1.0,
    )
    for layer, maps, name in ((0, early, "early"), (1, late, "late")):
        page.evaluate("layer => model.set('layer', layer)", layer)
        settle(page)
        expected = plots.overlay(np.zeros((42, 42)), maps[..., 0], "signed", 1, 0, 10)
        assert (np.abs(pixels(page) - expected).max(axis=2) > 1).mean() < 2e-3
        assert words(page).startswith(
            "Map of seven at {}: strongest at row {}, column {}".format(name, *peak_cell(maps[..., 0]))
        )
        assert f"map of seven at {name}" in page.locator("canvas").get_attribute("aria-label")


@pytest.mark.parametrize("c", [0, 1])
def test_the_words_follow_the_class(show, c):
    page, one = show(cams_explorer(), class_idx=c), CAMS[..., c]
    row, column = peak_cell(one)
    assert words(page) == (
        f"Map of {('seven', 'nine')[c]}: strongest at row {row}, column {column} of 7 × 7, from "
        f"{number(one.min())} to {number(one.max())}, mean {number(one.mean())}, "
        f"class score {number(SCORES[c])}."
    )
    assert "class score" not in words(show(cams_explorer(scores=None), class_idx=c))


def test_the_canvas_says_what_it_shows(show):
    label = (
        show(cams_explorer(), evidence=1, opacity=0.4, threshold=0.2)
        .locator("canvas")
        .get_attribute("aria-label")
    )
    for fragment in ("map of seven", "opacity 40%", "only evidence for it", "weaker than 20%"):
        assert fragment in label
    assert show(cams_explorer()).locator("canvas").get_attribute("role") == "img"


def test_controls_that_come_later_are_described_and_their_buttons_too(show):
    page = show(cams_explorer())
    page.evaluate("""() => document.querySelector(".course-explorer").insertAdjacentHTML("beforeend", `
      <div><label class="widget-label">opacity</label><div class="noUi-handle"></div></div>
      <div class="widget-toggle-buttons"><label class="widget-label">evidence</label>
        <div><button class="widget-toggle-button">only for</button></div></div>`)""")
    page.locator(".noUi-handle[aria-label^='opacity: of the strongest']").wait_for(state="attached")
    buttons = page.locator("[role=group][aria-label^='evidence: keep']").locator("button")
    assert buttons.get_attribute("aria-pressed") == "false"
    buttons.evaluate("e => e.classList.add('mod-active')")
    page.locator("button[aria-pressed=true]").wait_for(state="attached")


def test_class_names_are_text_and_no_markup(show):
    page = show(cams_explorer(names=["<b>7</b>", "9"]))
    assert "<b>7</b>" in words(page) and not page.locator("[role=status] b").count()


def test_maps_of_zeros_are_shown_as_nothing(show):
    page = show(cams_explorer(np.zeros((7, 7, 2))), threshold=0.5)
    assert "from 0.00 to 0.00" in words(page)
    assert page.locator("canvas").get_attribute("data-drawn")


def test_many_changes_within_a_frame_are_one_drawing(show):
    page = show(cams_explorer())
    before = int(page.locator("canvas").get_attribute("data-drawn"))
    page.evaluate("() => { for (let i = 1; i <= 50; i++) model.set('opacity', i / 50); }")
    settle(page)
    assert int(page.locator("canvas").get_attribute("data-drawn")) == before + 1
    np.testing.assert_array_equal(pixels(page), pixels(show(cams_explorer(), opacity=1)))


# --- the weights of a class ------------------------------------------------------------------


def table(page):
    rows = page.locator("[role=status] tr").all_text_contents()
    numbers = page.locator("[role=status] td").all_text_contents()
    assert len(rows) == 3 and [numbers[0], numbers[3]] == ["class 0", "class 1"]
    return np.char.replace(np.array(numbers).reshape(2, 3)[:, 1:], "−", "-").astype(float)


@pytest.mark.parametrize("moved", [{}, {"w1": 2.0}, {"w2": -1.5}, {"w3": 3.0, "w1": -3.0}], ids=str)
def test_the_weights_move_score_and_softmax_of_their_class_only(show, moved):
    page, weights = show(widgets.weight_explorer(F, WEIGHTS, 1), **moved), WEIGHTS.copy()
    for name, value in moved.items():
        weights[int(name[1]) - 1, 1] = value
    scores = class_scores(F[None], weights)[0]
    np.testing.assert_allclose(table(page), np.stack([scores, softmax(scores)], axis=1), atol=0.006)


@pytest.mark.parametrize("name, changes", [("w1", True), ("w2", False), ("w3", True)])
def test_a_weight_redraws_the_map_unless_its_feature_map_is_empty(show, name, changes):
    box = widgets.weight_explorer(F, WEIGHTS, 1)
    assert (np.abs(pixels(show(box)) - pixels(show(box, **{name: -3}))).max() > 30) == changes


def test_the_picture_shows_the_map_cell_by_cell_with_its_numbers(show):
    picture = pixels(show(widgets.weight_explorer(F, WEIGHTS, 1, size=280), w1=3, w3=-3))
    cells = picture[::56, ::56]
    written = (picture != cells.repeat(56, axis=0).repeat(56, axis=1)).any(axis=2).reshape(5, 56, 5, 56)
    assert picture.shape == (280, 280, 3) and written[:, 20:36, :, 14:42].any(axis=(1, 3)).all()
    assert not written[:, [*range(16), *range(40, 56)]].any()  # numbers, in the middle of each cell
    dark, red = 765 - cells.sum(axis=2), cells[..., 0] > cells[..., 2]  # for the class: red; against it: blue
    assert peak_cell(np.where(red, dark, 0)) == (0, 3)
    assert peak_cell(np.where(red, 0, dark)) == (0, 1)
    assert (cells[3:] == 255).all()


# --- the threshold of a box ------------------------------------------------------------------


def thresholds(image=None, cam=HILL):
    image = np.full((48, 48, 3), 200, np.uint8) if image is None else image
    return widgets.threshold_explorer(image, cam, TRUE_BOX, size=96)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.35, 0.6, 0.8])
def test_the_words_tell_the_box_and_its_iou(show, fraction):
    page = show(thresholds(), threshold=fraction)
    large, box = upsample(HILL, 48), localize.box_from_map(HILL, 48, fraction)
    mask = large >= fraction * large.max()
    overlap = localize.iou(box, TRUE_BOX)
    assert words(page) == (
        f"At {fraction:.0%} of the maximum {mask.mean():.0%} of the image is left. Box of the largest part: "
        f"{box[2] - box[0]} × {box[3] - box[1]} pixels, IoU with the true box {overlap:.2f}: "
        f"{'found' if overlap >= 0.5 else 'not found'} (0.50 is needed)."
    )


def test_the_solid_frame_is_the_maps_box_and_the_dashed_one_the_true_box(show):
    true_box = np.array((36, 32, 48, 46))
    page = show(
        widgets.threshold_explorer(np.full((48, 48, 3), 200, np.uint8), HILL, true_box, size=96),
        threshold=0.6,
    )
    white = (pixels(page) > 230).all(axis=2)
    for box, drawn in ((localize.box_from_map(HILL, 48, 0.6), (0.95, 1)), (true_box, (0.4, 0.8))):
        x0, y0, x1, y1 = 2 * box
        for side in (white[y0 + 2, x0:x1], white[y1 - 3, x0:x1], white[y0:y1, x0 + 2], white[y0:y1, x1 - 3]):
            assert drawn[0] <= side[4:-4].mean() <= drawn[1]
        white[y0:y1, x0:x1] = False
    assert not white.any()


def test_what_is_below_the_threshold_is_dark(show):
    mask = upsample(HILL, 48) >= 0.5 * upsample(HILL, 48).max()
    mask = mask.repeat(2, axis=0).repeat(2, axis=1)
    colours = pixels(show(thresholds(), threshold=0.5, opacity=0))
    bright, dark = (colours == 200).all(axis=2), (colours == 100).all(axis=2)  # what is left are the frames
    assert bright.sum() > 200 and dark.sum() > 5000 and mask[bright].all()
    assert mask[dark].mean() < 0.002  # corners of the dashes, half black, are as dark


def test_a_map_of_nothing_is_framed_whole(show):
    with pytest.warns(UserWarning, match="no positive evidence"):
        box = thresholds(cam=-HILL - 1)
    assert "48 × 48 pixels" in words(show(box)) and "not found" in words(show(box))


# --- predict, then reveal --------------------------------------------------------------------


def prediction(c=0):
    return widgets.predict_then_reveal(IMAGE, CAMS[..., c], ("seven", "nine")[c], size=336)


def share_beaten(row, column, c=0):
    return (CAMS[..., c] < CAMS[row, column, c]).sum() / 48


def test_the_map_is_hidden_until_a_prediction_was_made(show):
    page = show(prediction())
    cells = (
        np.abs(pixels(page) - IMAGE.repeat(12, axis=0).repeat(12, axis=1)).max(axis=2).reshape(7, 48, 7, 48)
    )
    assert (
        cells[:, 2:-2, :, 2:-2].max() == 0 and (cells[1:, 0] > 0).any() and (cells[:, :, 1:, 0] > 0).any()
    )  # lines between
    assert page.locator("button").is_disabled() and "Click there" in words(page)
    page.locator("[role=application]").press("Enter")
    assert not page.evaluate("model.get('revealed')")


def test_a_prediction_by_keys(show):
    page = show(prediction())
    field = page.locator("[role=application]")
    assert field.get_attribute("data-lm-suppress-shortcuts") == "true"  # else JupyterLab takes the keys
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):  # from the middle, (3, 3)
        field.press(key)
    assert page.evaluate("model.get('guess')") == [2, 1]
    settle(page)
    hidden = pixels(page)
    field.press("Enter")
    settle(page)
    assert np.abs(pixels(page) - hidden).mean() > 10
    row, column = peak_cell(CAMS[..., 0])
    assert words(page).startswith(
        f"Your cell (2, 1) holds more evidence for seven than {share_beaten(2, 1):.0%} of the "
        f"other cells; the strongest is ({row}, {column})."
    )
    field.press("ArrowUp")  # too late
    assert page.evaluate("model.get('guess')") == [2, 1]


def test_a_prediction_by_mouse(show):
    page = show(prediction())
    page.locator("canvas").click(position={"x": 5 * 48 + 24, "y": 1 * 48 + 24})
    assert page.evaluate("[model.get('guess'), model.get('chosen'), model.get('revealed')]") == [
        [1, 5],
        True,
        False,
    ]
    page.locator("button").click()
    settle(page)
    assert f"{share_beaten(1, 5):.0%}" in words(page) and page.locator("button").is_disabled()


def test_the_two_labels_stay_apart_wherever_the_guess_is(show):
    page = show(widgets.predict_then_reveal(IMAGE, CAMS[..., 0], "seven", size=168), chosen=True)
    page.evaluate(
        """() => {
        const draw = CanvasRenderingContext2D.prototype;
        window.fillText = draw.fillText;
        draw.fillText = function (text, x, y) {
            const wide = this.measureText(text).width, left = { left: x, center: x - wide / 2, right: x - wide }[this.textAlign];
            (window.written ??= {})[text] = [left, y - 8, left + wide, y + 8];  // bold 16 pixels
        };
        model.set("revealed", true);
    }"""
    )
    peak = peak_cell(CAMS[..., 0])
    for row, column in np.ndindex(7, 7):
        page.evaluate("guess => model.set('guess', guess)", [row, column])
        settle(page)
        a, b = page.evaluate("[written.you, written.peak]")
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart or (row, column) == tuple(peak), (row, column)
    page.evaluate("() => { CanvasRenderingContext2D.prototype.fillText = fillText; }")


def test_without_a_picture_the_values_come_with_the_map(show):
    page = show(widgets.predict_then_reveal(None, F[..., 0], "map 1", size=280), guess=[0, 0], chosen=True)
    hidden = pixels(page).reshape(5, 56, 5, 56, 3)[:, 20:36, :, 20:36]
    assert hidden.min() == 255
    page.evaluate("model.set('revealed', true)")
    settle(page)
    shown = pixels(page).reshape(5, 56, 5, 56, 3)[:, 20:36, :, 20:36]
    assert (shown < 60).all(axis=-1).any(axis=(1, 3)).all()  # a number in every cell


def test_keys_stop_at_the_edge(show):
    page = show(prediction())
    for _ in range(9):
        page.locator("[role=application]").press("ArrowDown")
    assert page.evaluate("model.get('guess')") == [6, 3]


def test_the_score_over_the_session(show):
    page = show(prediction(), guess=[0, 0], chosen=True, revealed=True)
    assert "so far" not in words(page)
    before = page.evaluate("Array.from(coursePredictions)")
    show(prediction(1))
    page.evaluate(
        """before => { window.coursePredictions = new Map(before);
        Object.entries({ guess: [6, 6], chosen: true, revealed: true }).forEach(([k, v]) => model.set(k, v)); }""",
        before,
    )
    settle(page)
    both = (share_beaten(0, 0) + share_beaten(6, 6, 1)) / 2
    assert f"Your 2 predictions so far: {round(100 * both + 1e-9)}% on average." in words(page)


# --- pictures by Python ----------------------------------------------------------------------


def test_a_picture_by_python_is_shown_with_its_words(show):
    slider = widgets.slider("shade", 0.5, "how light")
    box = widgets.live(
        [slider], lambda shade: (np.full((40, 60, 3), int(200 * shade), np.uint8), f"shade {shade}"), 90
    )
    page = show(box)
    page.wait_for_function("document.querySelector('canvas').dataset.drawn")
    picture = pixels(page)
    assert picture.shape == (40, 60, 3) and np.abs(picture - 100).max() <= 2
    assert words(page) == page.locator("canvas").get_attribute("aria-label") == "shade 0.5"


# --- a page that was exported ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.long
def test_sliders_redraw_in_an_exported_page_without_kernel_and_network(browser, tmp_path):  # noqa: F811
    done = subprocess.run(
        [sys.executable, "tools/export_html.py", "notebooks/02_toy_5x5.ipynb", "-o", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = browser.new_page()
    complaints, asked = [], []
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("request", lambda r: asked.append(r.url) if not re.match("(file|data|blob):", r.url) else None)
    page.route("http*://**", lambda route: route.abort())
    page.goto((tmp_path / "02_toy_5x5.html").as_uri())
    explorer = page.locator(".course-explorer:has(.noUi-handle)")
    explorer.locator("canvas").wait_for()
    changed = []
    for handle in explorer.locator(".noUi-handle").all():
        before = explorer.locator("canvas").evaluate("e => e.toDataURL()")
        handle.press("ArrowRight")
        settle(page)
        changed.append(explorer.locator("canvas").evaluate("e => e.toDataURL()") != before)
    assert changed == [True, False, True]  # the second weighs the empty map
    field = page.locator("[role=application]")
    for key in ("ArrowUp", "ArrowUp", "ArrowRight", "Enter"):
        field.press(key)
    settle(page)
    assert "Your cell (0, 3) holds more evidence" in page.locator(
        "p.course-words[role=status]"
    ).text_content().replace("\xa0", " ")
    assert (
        page.locator(".course-explorer .noUi-handle")
        .first.get_attribute("aria-label")
        .startswith("weight w1: ")
    )
    assert not complaints and all("mathjax" in url.lower() for url in asked)  # formulas only
    page.close()
