"""Figures: the record tells what was drawn, alt text reaches the page, colours are honest."""

import html.parser
import io
import re
import warnings

from course_utils import plots, words
from course_utils.cam import upsample
from course_utils.plots import Panel

import numpy as np
import pytest
from checks import refused
from coloraide import Color
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

IMAGE = np.random.default_rng(0).uniform(size=(28, 28))
RAW = np.random.default_rng(1).normal(size=(7, 7))
PEAK = np.zeros((7, 7))
PEAK[1, 5] = 2.0


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)


@pytest.fixture
def figures(monkeypatch):
    """Every Matplotlib figure that is drawn while the test runs."""
    drawn, draw = [], plots.picture

    def spy(figure, *rest):
        drawn.append(figure)
        return draw(figure, *rest)

    monkeypatch.setattr(plots, "picture", spy)
    return drawn


def drawn_maps(figure):
    return [im for ax in figure.axes for im in ax.images if (im.get_gid() or "").startswith("map")]


# --- the record says what was drawn ----------------------------------------------------------


def test_the_fingerprint_of_a_map_on_its_grid():
    picture = plots.panels([Panel("seven", cam=PEAK - 0.5)], "A map.")
    [line] = picture.fingerprint
    assert line.startswith("seven: peak at row 1, column 5 of 7 × 7 · −0.5 to 1.5 · ink 0.")
    assert float(line.rpartition(" ")[2]) > 0.001
    assert picture.alt == "A map. In 'seven' the evidence is strongest at the upper right."


def test_the_fingerprint_of_a_map_over_an_image_counts_pixels():
    [line] = plots.panels([Panel("both", image=IMAGE, cam=PEAK)], "A map.").fingerprint
    row, column = map(int, re.search(r"row (\d+), column (\d+) of 28 × 28", line).groups())
    assert row in range(4, 8) and column in range(20, 24)


@pytest.mark.parametrize(
    "cell, place",
    [
        ((0, 0), "upper left"),
        ((0, 3), "top"),
        ((0, 6), "upper right"),
        ((3, 0), "left"),
        ((3, 3), "centre"),
        ((3, 6), "right"),
        ((6, 0), "lower left"),
        ((6, 3), "bottom"),
        ((6, 6), "lower right"),
    ],
)
def test_places_in_words(cell, place):
    one_hot = np.zeros((7, 7))
    one_hot[cell] = 1
    record = plots._map_record("m", one_hot, ink=0.1, mask=None)
    assert record[1] == f"In 'm' the evidence is strongest at the {place}."


def blanked(monkeypatch, change):
    """Matplotlib as it would be with a bug in our drawing: `change` edits what reaches imshow for a map."""
    imshow = Axes.imshow

    def broken(self, data, **options):
        if (options.get("gid") or "").startswith("map"):
            data, options = change(np.asarray(data), options)
        return imshow(self, data, **options)

    monkeypatch.setattr(Axes, "imshow", broken)


BUGS = {
    "zeros are drawn": lambda data, options: (data * 0, options),
    "a constant is drawn": lambda data, options: (data * 0 + 3, options),
    "fully transparent": lambda data, options: (data, options | {"alpha": 0}),
    "transparent pixel by pixel": lambda data, options: (data, options | {"alpha": np.zeros(data.shape)}),
    "one colour only": lambda data, options: (data, options | {"cmap": colormaps["gray"].resampled(1)}),
    "range too wide": lambda data, options: (data, options | {"vmin": -1e9, "vmax": 1e9}),
    "below the image": lambda data, options: (data, options | {"zorder": -9}),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_blank_heatmap_shows_in_alt_text_and_fingerprint(monkeypatch, bug):
    panel = Panel("seven", image=IMAGE, cam=np.abs(RAW))
    healthy = plots.panels([panel], "A map.")
    assert "strongest" in healthy.alt and "blank" not in healthy.alt
    assert "ink 0.000" not in healthy.fingerprint[0]
    blanked(monkeypatch, BUGS[bug])
    broken = plots.panels([panel], "A map.")
    assert "In 'seven' the map is blank" in broken.alt and "strongest" not in broken.alt
    assert "ink 0.000" in broken.fingerprint[0]


def test_one_blank_map_among_others_is_told_apart(monkeypatch):
    items = [Panel("first", cam=RAW), Panel("second", cam=PEAK * 0), Panel("third", cam=-np.abs(RAW) - 1)]
    picture = plots.panels(items, "Maps.")
    assert "In 'first' the evidence is strongest" in picture.alt
    assert "In 'second' the map is blank" in picture.alt
    assert "In 'third' there is no positive evidence" in picture.alt
    assert [line.partition(":")[0] for line in picture.fingerprint] == ["first", "second", "third"]


def test_drawing_something_else_changes_the_fingerprint(monkeypatch):
    healthy = plots.panels([Panel("m", cam=RAW)], "A map.").fingerprint
    blanked(monkeypatch, lambda data, options: (data[::-1], options))
    assert plots.panels([Panel("m", cam=RAW)], "A map.").fingerprint != healthy


def test_the_picture_holds_the_map_that_the_record_describes():
    """Taking the record repaints the page; the PNG must be the page with the maps."""
    with_map, without = (
        plots.panels([Panel("m", image=IMAGE, cam=raw)], "A map.", limit=3) for raw in (RAW, RAW * 0)
    )
    change = np.abs(pixels(with_map) - pixels(without)).mean(axis=2)
    assert change.max() > 50 and change.mean() > 1


def test_the_maps_are_left_in_the_figure(figures):
    plots.panels([Panel("m", cam=RAW)], "A map.")
    np.testing.assert_array_equal(np.asarray(drawn_maps(figures[0])[0].get_array()), RAW)


def test_the_same_figure_twice_is_the_same_to_the_byte():
    one, two = (plots.three_panels(IMAGE, RAW, "seven") for _ in range(2))
    assert (one.png, one.alt, one.fingerprint) == (two.png, two.alt, two.fingerprint)


def test_share_of_heat_in_the_object():
    mask = np.zeros((4, 4), bool)
    mask[:2] = True
    raw = np.where(mask, 3.0, 1.0)
    raw[3, 3] = -5  # evidence against is no heat
    picture = plots.panels([Panel("m", cam=raw, mask=mask)], "A map.")
    assert picture.fingerprint[0].endswith("heat in the object 0.77")  # 24 of 31
    assert "with 77% of the heat in the object." in picture.alt
    assert "heat in" not in plots.panels([Panel("m", cam=raw)], "A map.").alt


def test_masks_of_zeros_and_ones_count_as_masks():
    mask = np.zeros((4, 4), int)
    mask[:2] = 1
    raw = np.arange(16.0).reshape(4, 4)
    line = plots.panels([Panel("m", cam=raw, mask=mask)], "A map.").fingerprint[0]
    assert line.endswith("heat in the object 0.23")  # 28 of 120


def test_masks_belong_to_their_panels():
    left = np.zeros((28, 28), bool)
    left[:, :14] = True
    one_sided = np.zeros((7, 7))
    one_sided[:, 0] = 1
    items = [
        Panel("image", image=IMAGE),
        Panel("in", image=IMAGE, cam=one_sided, mask=left),
        Panel("none", cam=one_sided),
        Panel("out", image=IMAGE, cam=one_sided, mask=~left),
    ]
    lines = plots.panels(items, "Maps.", columns=2).fingerprint
    shares = {line.partition(":")[0]: line.partition("heat in the object ")[2] for line in lines}
    assert shares == {"in": "1.00", "none": "", "out": "0.00"}


def test_curves_and_bars_are_recorded():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([0, 1, 2], [0.5, 2, 1.25], label="loss")
    left.plot([0, 1], [9, 9])  # no label: decoration
    right.bar(["a", "b"], [3, -1])
    right.set_title("scores")
    picture = plots.picture(figure, "Training")
    assert picture.fingerprint == [
        "loss: 3 points · 0.5 at the left, 1.25 at the right · 0.5 to 2",
        "bars scores: 3, −1",
    ]
    assert picture.alt == "Training. Curve 'loss': 0.5 at the left, 1.25 at the right. Bars: 3, −1."


def test_a_figure_without_maps_still_has_its_sentence():
    picture = plots.panels([Panel("input", image=IMAGE)], "A seven")
    assert picture.alt == "A seven." and picture.fingerprint == []


# --- the page --------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.images, self.tags, self.text = [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))

    def handle_data(self, data):
        self.text.append(data)


NASTY = """<b>"7" & '9'</b> <script>alert(1)</script>"""


@pytest.mark.parametrize("name", ["seven", NASTY], ids=["plain", "nasty"])
def test_alt_text_and_fingerprint_reach_the_page_escaped(name):
    picture = plots.panels([Panel(name, cam=RAW)], f"What {name} is")
    picture.caption = f"Below it: {name}"
    bundle, metadata = picture._repr_mimebundle_()
    page = Page(bundle["text/html"])
    [image] = page.images
    assert image["alt"] == picture.alt and picture.alt.startswith(f"What {name} is.") and name in picture.alt
    assert image["src"].startswith("data:image/png;base64,")
    assert page.tags == ["figure", "img", "figcaption"]
    assert page.text == [picture.caption]
    assert bundle["text/plain"] == picture.alt and metadata == {"fingerprint": picture.fingerprint}


def test_no_caption_and_no_fingerprint_leave_nothing():
    bundle, metadata = plots.Picture(b"", "a wheel")._repr_mimebundle_()
    assert Page(bundle["text/html"]).tags == ["figure", "img"] and metadata == {}


def test_jupyter_prefers_the_page_with_the_alt_text():
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(plots.three_panels(IMAGE, RAW, "seven"))
    assert metadata["fingerprint"][0].startswith("map of seven: peak at row")
    assert set(data) == {"text/html", "text/plain"}  # no bare image/png, which would lose the alt text


def test_three_panels():
    picture = plots.three_panels(IMAGE, RAW, "seven", mask=IMAGE > 0.5)
    assert picture.alt.startswith("Three panels: the input, the class activation map of seven")
    assert [line.partition(":")[0] for line in picture.fingerprint] == ["map of seven", "both"]
    assert "heat in the object" in picture.fingerprint[1]
    assert plots.three_panels(IMAGE, RAW, "seven", what="Look").alt.startswith("Look. In ")


# --- the scale -------------------------------------------------------------------------------


def test_all_panels_share_one_scale(figures):
    items = [Panel("small", cam=RAW / 10), Panel("large", cam=RAW), Panel("over", image=IMAGE, cam=RAW / 100)]
    plots.panels(items, "Maps.")
    maps = drawn_maps(figures[0])
    top = np.abs(RAW).max()
    assert [im.get_clim() for im in maps] == [(-top, top)] * 3
    assert len([ax for ax in figures[0].axes if ax.get_label() == "<colorbar>"]) == 1


def test_the_signed_scale_is_centred_on_zero_and_the_positive_one_starts_there(figures):
    plots.panels(
        [Panel("s", cam=PEAK - 0.5), Panel("p", cam=PEAK - 0.5, keep="positive")], "Maps.", label="evidence"
    )
    signed, positive = drawn_maps(figures[0])
    assert signed.get_clim() == (-1.5, 1.5) and signed.get_cmap()(0.0)[:3] != signed.get_cmap()(1.0)[:3]
    assert positive.get_clim() == (0, 1.5) and positive.get_cmap()(0.0)[3] == 0
    assert np.asarray(positive.get_array()).min() == 0
    assert len([ax for ax in figures[0].axes if ax.get_label() == "<colorbar>"]) == 2


def test_a_limit_may_be_given(figures):
    plots.panels([Panel("m", cam=RAW)], "A map.", limit=50)
    assert drawn_maps(figures[0])[0].get_clim() == (-50, 50)


def test_columns_make_a_grid(figures):
    plots.panels([Panel(str(i), image=IMAGE) for i in range(5)], "Five.", columns=2)
    assert len(figures[0].axes) == 5
    assert figures[0].axes[0].get_subplotspec().get_gridspec().get_geometry() == (3, 2)


def test_an_image_stays_visible_below_its_map(figures):
    picture = plots.panels([Panel("m", image=IMAGE, cam=PEAK)], "A map.")
    other = plots.panels([Panel("m", image=1 - IMAGE, cam=PEAK)], "A map.")
    assert np.abs(pixels(picture) - pixels(other)).mean() > 5


def test_numbers_marks_and_boxes_are_drawn(figures):
    boxes = {"box": (0, 1, 3, 4), "true_box": (1, 1, 4, 4)}
    panel = Panel("m", cam=PEAK[:5, :5], numbers=True, marks=((1, 2, "you"),), **boxes)
    plots.panels([panel], "A map.")
    ax = figures[0].axes[0]
    assert len(ax.texts) == 25 + 1 and ax.texts[-1].get_text() == "you"
    [mark], [box, true_box] = ax.lines, ax.patches
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (2, 1)
    assert box.get_bbox().extents.tolist() == [-0.5, 0.5, 2.5, 3.5] and box.get_linestyle() == "solid"
    assert (
        true_box.get_bbox().extents.tolist() == [0.5, 0.5, 3.5, 3.5] and true_box.get_linestyle() == "dashed"
    )


def test_marks_on_an_image_stand_in_the_middle_of_their_cell(figures):
    plots.panels([Panel("m", image=IMAGE, marks=((0, 6, "you"),), grid=(7, 7))], "An image.")
    mark = figures[0].axes[0].lines[0]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (25.5, 1.5)


# --- colours ---------------------------------------------------------------------------------

SIGHTS = {
    "usual": lambda colour: colour,
    "protan": lambda colour: colour.filter("protan"),
    "deutan": lambda colour: colour.filter("deutan"),
    "tritan": lambda colour: colour.filter("tritan"),
    "grey print": lambda colour: colour.filter("grayscale"),
}


def difference(one, other, sight="usual"):
    """CIEDE2000 between two sRGB colours, 0..255, as somebody sees them; 1 can just be told apart."""
    one, other = (SIGHTS[sight](Color("srgb", np.asarray(c) / 255)) for c in (one, other))
    return one.delta_e(other, method="2000")


def lightness(colours):
    """CIE L*, 0 to 100, of sRGB colours (N, 3), 0..255."""
    return np.array([Color("srgb", np.asarray(c) / 255).convert("lab-d65")["l"] for c in colours])


def bar(keep, background=255):
    """The colours of a map from its smallest to its largest value on paper (or on a grey), (256, 3)."""
    rgba = plots._inks(keep)(np.linspace(0, 1, 256))
    return 255 * rgba[:, :3] * rgba[:, 3:] + background * (1 - rgba[:, 3:])


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_two_signs_and_the_zero_between_are_told_apart_by_everybody(sight):
    against, zero, for_ = bar("signed")[[0, 128, 255]]
    assert difference(for_, against, sight) >= 20
    assert difference(for_, zero, sight) >= 20 and difference(against, zero, sight) >= 20
    assert difference(zero, (255, 255, 255)) < 1  # paper


@pytest.mark.parametrize("sight", [sight for sight in SIGHTS if sight != "grey print"])
def test_over_a_picture_all_colour_is_evidence(sight):
    """As it is drawn: the strongest evidence over every grey that the pale picture has, beside each of them."""
    greys = plots.pale(np.arange(0, 256, 15, dtype=np.uint8)[:, None, None].repeat(3, axis=2))[:, 0]
    for ink in (plots.FOR, plots.AGAINST):
        for below in greys:
            drawn = plots.OPACITY * np.array(ink) + (1 - plots.OPACITY) * below
            assert min(difference(drawn, grey, sight) for grey in greys) >= 20
    mixed = [
        [plots.OPACITY * np.array(c) + (1 - plots.OPACITY) * g for g in greys]
        for c in (plots.FOR, plots.AGAINST)
    ]
    assert min(difference(a, b, sight) for a in mixed[0] for b in mixed[1]) >= 20


def test_the_differences_are_those_of_the_paper():
    """Sharma, Wu, Dalal 2005, pairs 1 and 25: what the library calls CIEDE2000 is that."""
    for one, other, expected in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ):
        given = Color("lab-d65", one).delta_e(Color("lab-d65", other), method="2000")
        assert given == pytest.approx(expected, abs=1e-3)


def test_usual_red_and_green_would_not_do():
    assert difference((200, 40, 40), (60, 120, 30), "deutan") < 20  # the tests above would see it
    assert difference((214, 96, 77), (67, 147, 195), "grey print") < 20


@pytest.mark.parametrize("keep", ["positive", "signed"])
def test_evidence_is_the_darker_the_stronger_without_false_edges(keep):
    L = lightness(bar(keep))
    for half in (L,) if keep == "positive" else (L[127::-1], L[128:]):
        assert (np.diff(half) < 0).all() and half[0] > 99
        assert np.abs(np.diff(half)).max() < 3 * np.abs(np.diff(half)).mean()
    jet = lightness(colormaps["jet"](np.linspace(0, 1, 256))[:, :3] * 255)
    assert (np.diff(jet) < 0).sum() > 50  # the test would see it


def test_zero_is_transparent_and_the_ends_are_full():
    assert plots._inks("signed")(np.array([0.0, 0.5, 1.0]))[:, 3].tolist() == [1, 0, 1]
    assert plots._inks("positive")(np.array([0.0, 1.0]))[:, 3].tolist() == [0, 1]
    picture = plots.overlay(COLOUR, PEAK * 0, "signed")
    np.testing.assert_array_equal(picture, plots.pale(COLOUR))


def test_a_pale_picture_is_grey_light_and_keeps_its_order():
    levels = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, axis=2)
    pale = plots.pale(levels)
    assert (pale == pale[..., :1]).all() and pale.dtype == np.uint8
    assert (
        pale[0, 0, 0] == plots.PALE
        and pale[-1, 0, 0] == 255
        and (np.diff(pale[:, 0, 0].astype(int)) >= 0).all()
    )


def test_an_outline_at_half_the_maximum_solid_for_and_dashed_against(figures):
    plots.panels([Panel("m", image=IMAGE, cam=PEAK - PEAK[::-1, ::-1]), Panel("bare", cam=PEAK)], "A map.")
    lines = figures[0].axes[0].collections
    assert [line.levels.tolist() for line in lines] == [[1.0], [-1.0]]
    assert lines[0].get_linestyle() != lines[1].get_linestyle()
    assert not figures[0].axes[1].collections  # cells show themselves


def test_weak_maps_have_no_outline(figures):
    plots.panels([Panel("m", image=IMAGE, cam=0.4 * PEAK), Panel("strong", image=IMAGE, cam=PEAK)], "Maps.")
    weak, strong = figures[0].axes[:2]
    assert len(weak.collections) == 0 and len(strong.collections) == 1


def test_the_rainbow_is_a_warning_with_the_same_map():
    picture = plots.jet_warning(IMAGE, RAW, "seven")
    assert "edges it doesn't have" in picture.alt
    ours, rainbow = (line.partition(": ")[2].partition(" · ink")[0] for line in picture.fingerprint)
    assert ours == rainbow and "GIVEN" not in rainbow


# --- overlays in NumPy -----------------------------------------------------------------------

COLOUR = np.random.default_rng(2).integers(0, 256, (14, 21, 3), np.uint8)


@pytest.mark.parametrize("keep", ["positive", "signed"])
def test_the_stronger_the_evidence_the_less_of_the_picture(keep):
    raw = np.array([[0.0, 0.2, 0.4, 1.0, -0.2, -0.4, -1.0]])
    picture = np.full((1, 7, 3), 200, np.uint8)
    grey = plots.pale(picture)[0, 0].astype(float)
    drawn = plots.overlay(picture, raw, keep, opacity=0.8)[0]
    for at, value in enumerate(raw[0]):
        share = 0 if keep == "positive" and value < 0 else 0.8 * abs(value)
        expected = (1 - share) * grey + share * np.array(plots.FOR if value > 0 else plots.AGAINST)
        if share < 0.4:  # stronger evidence has its outline
            assert np.abs(drawn[at] - expected).max() <= 1
    assert (drawn[3] == 0).all()  # a single pixel is all outline


def test_without_opacity_the_picture_is_as_it_is():
    np.testing.assert_array_equal(plots.overlay(COLOUR, RAW, opacity=0), COLOUR)


def test_the_outline_is_that_of_half_the_limit():
    grey = np.full((40, 40, 3), 255, np.uint8)
    raw = np.zeros((40, 40))
    raw[5:15, 5:15], raw[20:30, 20:30], raw[35:, 35:] = 1.0, -1.0, 1.0
    black = (plots.overlay(grey, raw, "signed") == 0).all(axis=2)
    ring = np.zeros((40, 40), bool)
    ring[5:15, 5:15] = True
    ring[6:14, 6:14] = False
    np.testing.assert_array_equal(black[:18, :18], ring[:18, :18])
    dashed = black[20:30, 20:30]
    assert 0.3 < dashed.sum() / 36 < 0.7 and not dashed[1:-1, 1:-1].any()
    assert black[35:, 35].all() and not black[36:, 36:].any()  # the edge of the image is no line
    assert not (plots.overlay(grey, raw, "signed", limit=3.0) == 0).all(axis=2).any()


def test_overlays_resize_the_numbers_and_colour_them_afterwards():
    opaque = plots.overlay(np.zeros((28, 28)), RAW, "signed", opacity=1, limit=2.0)
    enlarged_before = plots.overlay(np.zeros((28, 28)), upsample(RAW, 28), "signed", opacity=1, limit=2.0)
    np.testing.assert_array_equal(opaque, enlarged_before)


def test_weak_evidence_is_left_out():
    raw = np.array([[0.0, 0.4, 0.6, -0.4, -0.6, 1.0]])
    image = np.full((1, 6), 0.5)
    grey = plots.pale(plots.rgb(image))[0, 0, 0]
    changed = (plots.overlay(image, raw, "signed", opacity=1, threshold=0.5) != grey).any(axis=2)[0]
    assert changed.tolist() == [False, False, True, False, True, True]
    changed = (plots.overlay(image, raw, "positive", opacity=1, threshold=0.5) != grey).any(axis=2)[0]
    assert changed.tolist() == [False, False, True, False, False, True]
    changed = (plots.overlay(image, raw, "signed", opacity=1, threshold=0.5, limit=2.0) != grey).any(axis=2)[
        0
    ]
    assert changed.tolist() == [False] * 5 + [True]  # a share of the limit, not of this map


def test_a_limit_makes_overlays_comparable():
    weak, strong = (
        int(plots.overlay(np.ones((7, 7)), k * PEAK, "positive", 1, limit=9.0)[1, 5].sum()) for k in (1, 2)
    )
    assert strong < weak < 3 * 255
    one, two = (plots.overlay(np.zeros((7, 7)), k * PEAK, "positive", 1) for k in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_images_of_every_kind():
    grey = COLOUR[..., 0]
    expected = plots.overlay(np.stack([grey] * 3, axis=2), RAW)
    for image in (
        grey,
        grey[..., None],
        grey / 255,
        grey[..., None] / np.float32(255),
        (grey / 255).tolist(),
    ):
        np.testing.assert_array_equal(plots.overlay(image, RAW), expected)
    np.testing.assert_array_equal(plots.overlay(COLOUR / 255, RAW), plots.overlay(COLOUR, RAW))
    black_and_white = grey > 100
    np.testing.assert_array_equal(
        plots.overlay(black_and_white, RAW), plots.overlay(black_and_white * 1.0, RAW)
    )


def test_a_map_of_zeros_makes_no_nan():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for keep in ("positive", "signed"):
            plots.overlay(COLOUR, RAW * 0, keep)
            plots.panels([Panel("m", image=IMAGE, cam=RAW * 0, keep=keep)], "Nothing.")


def test_inputs_are_left_alone():
    image, raw = COLOUR.copy(), RAW.copy()
    image.flags.writeable = raw.flags.writeable = False
    plots.overlay(image, raw)
    plots.three_panels(image, raw, "m")


# --- the guess -------------------------------------------------------------------------------


@pytest.fixture
def said(monkeypatch):
    sentences = []
    monkeypatch.setattr(plots, "say", sentences.append)
    return sentences


@pytest.mark.parametrize("cell, share", [((1, 2), "100%"), ((0, 0), "0%"), ((0, 1), "20%")])
def test_a_guess_is_compared_with_the_map(said, figures, cell, share):
    picture = plots.reveal(cell, np.arange(6.0).reshape(2, 3), "seven", image=IMAGE)
    assert said == [
        f"The evidence in the guessed cell {cell} is stronger than in **{share}** of the other cells in "
        "the map of seven."
    ]
    assert picture.alt.startswith(f"Your guess at row {cell[0]}, column {cell[1]}, and the class activation")
    on_image, on_map = (ax.lines[0] for ax in figures[0].axes if ax.get_title())
    assert (on_map.get_ydata()[0], on_map.get_xdata()[0]) == cell
    assert on_image.get_ydata()[0] == pytest.approx((cell[0] + 0.5) * 28 / 2 - 0.5)
    assert on_image.get_xdata()[0] == pytest.approx((cell[1] + 0.5) * 28 / 3 - 0.5)


def test_a_guess_without_an_image(said):
    assert len(plots.reveal((0, 0), RAW, "seven").fingerprint) == 1


@pytest.mark.parametrize("guess", [(7, 0), (0, 7), (-1, 0), (0, -1), (100, 100)])
def test_a_guess_outside_the_map(said, guess):
    with refused(str(guess), "outside", "rows are 0 to 6", "columns 0 to 6"):
        plots.reveal(guess, RAW, "seven")
    assert not said


@pytest.mark.parametrize(
    "guess", [..., None, 3, (3,), (1, 2, 3), (0.5, 2), "ab", ("row", "column"), [[1, 2]]], ids=str
)
def test_a_guess_that_is_no_cell(said, guess):
    with refused("guess", str(guess), "row and a column"):
        plots.reveal(guess, RAW, "seven")
    assert not said


def test_say_shows_markdown(capsys):
    plots.say("**7**")
    assert "Markdown" in capsys.readouterr().out


def test_a_table_has_a_head_and_a_row_for_each(said, monkeypatch):
    monkeypatch.setattr(words, "say", said.append)
    words.table(("class", "score"), ("cat", "1.50"), ("dog", 2))
    assert said == ["| class | score |\n|---|---|\n| cat | 1.50 |\n| dog | 2 |"]
    with refused("[2, 1] cells"):
        words.table(("class", "score"), ("cat",))
    with refused("expected a head"):
        words.table()


# --- bad input -------------------------------------------------------------------------------


def test_no_panels():
    with refused("No panels", "at least one"):
        plots.panels([], "Nothing.")


NO_MAP = RAW.copy()
NO_MAP[3, 3] = np.nan


@pytest.mark.parametrize(
    "raw, fragments",
    [
        (RAW[None], ["(1, 7, 7)", "(h, w)", "Take one of a batch"]),
        (RAW[0], ["(7,)", "(h, w)"]),
        (RAW[:0], ["(0, 7)", "(h, w)"]),
        (3.0, ["()", "(h, w)"]),
        (NO_MAP, ["NaN or infinite"]),
        (RAW * np.inf, ["NaN or infinite"]),
    ],
    ids=["batch", "row", "empty", "number", "NaN", "infinite"],
)
def test_bad_maps(raw, fragments):
    with refused("'seven'", *fragments):
        plots.panels([Panel("fine", cam=RAW), Panel("seven", cam=raw)], "Maps.")
    with refused("'map of seven'", *fragments):
        plots.three_panels(IMAGE, raw, "seven")
    with refused("'seven'", *fragments):
        plots.reveal((0, 0), raw, "seven")
    with refused(*fragments):
        plots.overlay(IMAGE, raw)


@pytest.mark.parametrize(
    "image, fragments",
    [
        (IMAGE[None], ["(1, 28, 28)", "(H, W, 3)"]),
        (COLOUR[None], ["(1, 14, 21, 3)", "(H, W, 3)"]),
        (np.ones((5, 5, 4)), ["(5, 5, 4)", "(H, W, 3)"]),
        (np.ones(5), ["(5,)", "(H, W)"]),
        (np.ones((0, 5)), ["(0, 5)", "(H, W)"]),
        (IMAGE * 255, ["from 0", "[0, 1]", "divide by 255"]),
        (IMAGE - 0.5, ["from -0.5", "[0, 1]"]),
        (COLOUR.astype(int), ["[0, 1]", "divide by 255"]),
        (np.where(IMAGE > 0.9, np.nan, IMAGE), ["nan", "[0, 1]"]),
    ],
    ids=["batch", "colour batch", "4 channels", "row", "empty", "0 to 255", "negative", "integers", "NaN"],
)
def test_bad_images(image, fragments):
    with refused(*fragments):
        plots.overlay(image, RAW)
    with refused(*fragments):
        plots.panels([Panel("input", image=image)], "An image.")


@pytest.mark.parametrize(
    "mask", [np.ones((7, 7), bool), np.ones((28, 27), bool), np.ones(28, bool), True], ids=np.shape
)
def test_bad_masks(mask):
    for raw in (RAW, RAW * 0):
        with refused("mask", "'m'", np.shape(mask), "(28, 28)"):
            plots.panels([Panel("m", image=IMAGE, cam=raw, mask=mask)], "A map.")


def test_unknown_keep():
    with refused("'abs'", '"positive"', '"signed"'):
        plots.overlay(IMAGE, RAW, keep="abs")
    with refused("'abs'", '"positive"', '"signed"'):
        plots.panels([Panel("m", cam=RAW, keep="abs")], "A map.")


@pytest.mark.parametrize("opacity", [-0.1, 1.01, 55, float("nan")])
def test_bad_opacity(opacity):
    with refused("opacity", opacity, "0", "1"):
        plots.overlay(IMAGE, RAW, opacity=opacity)


@pytest.mark.parametrize(
    "wrong",
    [lambda m: m * 0, lambda m: m[::-1], lambda m: m[:, ::-1], lambda m: m + 0.1],
    ids=["zeros", "upside down", "mirrored", "shifted"],
)
def test_a_map_that_is_not_drawn_as_given_says_so(monkeypatch, wrong):
    from matplotlib.axes import Axes

    given = np.random.default_rng(0).normal(size=(5, 5))
    assert "GIVEN" not in plots.panels([plots.Panel("map", cam=given)], "A map").fingerprint[0]
    imshow = Axes.imshow
    monkeypatch.setattr(Axes, "imshow", lambda ax, data, **options: imshow(ax, wrong(data), **options))
    assert (
        plots.panels([plots.Panel("map", cam=given)], "A map")
        .fingerprint[0]
        .endswith("NOT THE MAP THAT WAS GIVEN")
    )


def test_a_map_that_the_axes_turn_upside_down_says_so(monkeypatch):
    from matplotlib.axes import Axes

    imshow = Axes.imshow
    monkeypatch.setattr(
        Axes, "imshow", lambda ax, data, **options: imshow(ax, data, **options, origin="lower")
    )
    [line] = plots.panels(
        [plots.Panel("map", cam=np.eye(4)[::-1] * [[4], [1], [1], [1]])], "A map"
    ).fingerprint
    assert "peak at row 3, column 3" in line and line.endswith("NOT THE MAP THAT WAS GIVEN")


@pytest.mark.parametrize("limit", [0, -1, np.nan, np.inf])
def test_a_limit_that_is_no_limit(limit):
    with refused("limit is", "above 0"):
        plots.panels([plots.Panel("a", cam=np.eye(3))], "A map", limit=limit)
    with refused("limit is", "above 0"):
        plots.overlay(np.ones((4, 4)), np.eye(3), limit=limit)


def test_dollar_signs_in_names_are_no_formulas():
    shown = plots.panels([plots.Panel("a $x_$ b", cam=np.eye(3))], "A map")
    assert "a $x_$ b" in shown.alt
    assert plots.curves([1, 2], {"$_{$": [1, 2]}, "A curve").png
