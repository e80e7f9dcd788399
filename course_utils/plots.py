"""Figures that can be seen, read aloud and checked.

Every figure becomes a `Picture`: the image with its alt text and, in the output's metadata, a *fingerprint*:
a line of numbers per map (where it peaks, from where to where it goes, how much it changes on the page).
Both are read off what was drawn, not off what should have been drawn, so a blank heatmap shows in both, and
the tests compare them.

Colours: evidence is ink, orange-red for a class and dark blue against it, the more opaque the
stronger; zero is transparent. Bare maps lie on white paper, others on their picture in pale grey, so that all
colour is evidence. The two inks differ in hue for colour-blind readers, and in lightness in grey print.
"""

import base64
import html
import io
from typing import NamedTuple

from course_utils import checks
from course_utils.cam import upsample
from course_utils.words import say

import numpy as np

FOR, AGAINST = (218, 60, 0), (0, 40, 150)  # the inks of evidence for a class and against it
PALE = 144  # the level, 0 to 255, to which the black of a picture is lifted below a map
OPACITY = 0.9  # of the strongest evidence over a picture, which then shines through
FONT = {"font.size": 14, "axes.titlesize": 15}  # readable from the last row


class Panel(NamedTuple):
    """One panel of a figure: an image, a map, or a map over an image.

    image (H, W), (H, W, 1) or (H, W, 3), floats in [0, 1] or uint8; cam (h, w), raw. With an image the map is
    enlarged to it; alone, its cells are shown, with their values if `numbers`. keep="positive" leaves
    negative evidence out. marks: (row, column, label) on the map's grid. box, true_box: (x0, y0, x1, y1) in
    pixels, drawn solid and dashed.
    mask: where the object is, (H, W) bool; then the fingerprint tells the share of heat in it.
    """

    title: str
    image: np.ndarray | None = None
    cam: np.ndarray | None = None
    keep: str = "signed"
    numbers: bool = False
    marks: tuple = ()
    box: tuple | None = None
    true_box: tuple | None = None
    mask: np.ndarray | None = None
    grid: tuple | None = None  # rows and columns that `marks` count in; the map's own unless given


class Picture:
    """A finished figure: PNG bytes, alt text, and its fingerprint; `caption` is shown below it."""

    def __init__(self, png, alt, fingerprint=(), caption=""):
        self.png, self.alt, self.fingerprint, self.caption = png, alt, list(fingerprint), caption

    def _repr_mimebundle_(self, include=None, exclude=None):
        # JupyterLab shows no alt text for image/png outputs, so the image goes out as HTML.
        source = base64.b64encode(self.png).decode()
        image = (
            f'<img src="data:image/png;base64,{source}" alt="{html.escape(self.alt)}" style="max-width:100%">'
        )
        below = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        data = {"text/html": f'<figure style="margin:0">{image}{below}</figure>', "text/plain": self.alt}
        return data, {"fingerprint": self.fingerprint} if self.fingerprint else {}


# --- the figures of the course ---------------------------------------------------------------


def panels(items, what, columns=None, limit=None, label=None, panel_size=3.4):
    """A row (or grid) of `Panel`s that share one colour scale, so that maps can be compared: a `Picture`.

    `what` opens the alt text: a sentence on what the figure shows. `limit` is the value with the
    strongest colour, the largest magnitude of all maps unless given; `label` names the colours.
    """
    import matplotlib

    if not items:
        raise ValueError("No panels to draw; expected at least one Panel.")
    maps = [_map(p.cam, p.title) for p in items if p.cam is not None]
    limit = _limit(limit) or max((np.abs(m).max() for m in maps), default=0) or 1.0
    with matplotlib.rc_context(FONT):
        figure, axes = _empty_panels(items, columns or len(items), panel_size)
        given = [_draw_panel(ax, panel, limit) for ax, panel in zip(axes, items)]
        _add_colour_bars(figure, axes, items, label)
        return picture(figure, what, [p.mask for p in items], given)


def three_panels(image, cam, name, keep="signed", mask=None, what=None):
    """The image, the map of class `name` on its own grid, and the map over the image."""
    return panels(
        [
            Panel("input", image=image),
            Panel(f"map of {name}", cam=cam, keep=keep),
            Panel("both", image=image, cam=cam, keep=keep, mask=mask),
        ],
        what
        or f"Three panels: the input, the class activation map of {name} on its own grid, and both together.",
    )


def jet_warning(image, cam, name):
    """One map twice over its image, as everywhere in this course and in rainbow colours: a `Picture`.

    The rainbow's lightness goes up and down: it shows edges where the map has none, and paints zero blue.
    """
    import matplotlib
    from matplotlib.figure import Figure

    large = upsample(_map(cam, name), rgb(image).shape[:2])
    with matplotlib.rc_context(FONT):
        figure = Figure(figsize=(7.8, 3.9), layout="constrained")
        ours, rainbow = figure.subplots(1, 2)
        _draw_panel(ours, Panel(f"map of {name}", image=image, cam=large), np.abs(large).max() or 1.0)
        rainbow.imshow(rgb(image), interpolation="nearest")
        rainbow.imshow(large, cmap="jet", alpha=0.6, interpolation="nearest", gid="map jet")
        rainbow.set_title("the same in rainbow colours")
        rainbow.set_xticks([]), rainbow.set_yticks([])
        what = f"The map of {name} twice: in our colours, and in rainbow colours with edges it doesn't have"
        return picture(figure, what, given=[large, large])


def curves(x, lines, what, xlabel="", ylabel="", ylim=None):
    """Lines over x, each with its name and its own marker: a `Picture`.

    x: (N,) numbers or names; lines: {name: (N,) numbers}; what: the figure in words; ylim: (low, high)
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(FONT):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        axes = figure.subplots()
        for (name, y), marker in zip(lines.items(), "os^Dv" * len(lines)):
            axes.plot(x, y, marker=marker, label=name)
        axes.set(xlabel=xlabel, ylabel=ylabel, ylim=ylim)
        for text in axes.legend(fontsize=12).get_texts():
            text.set_parse_math(False)
        return picture(figure, what)


def picture(figure, what, masks=(), given=()):
    """Any Matplotlib figure as a `Picture`: `what` it shows in words, completed by what was drawn.

    masks, given: for each axes, where the object is and the map that should be there, or None.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with matplotlib.rc_context(FONT):
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(100)
        png = io.BytesIO()
        canvas.print_png(png)
        figure.set_layout_engine(
            "none"
        )  # each drawing would move the axes a little, and `_change` draws again
        record = _record(figure, canvas, list(masks), list(given))
    fingerprint = [line for line, _ in record]
    alt = " ".join([what.rstrip(". ") + "."] + [sentence for _, sentence in record])
    return Picture(png.getvalue(), alt, fingerprint)


def reveal(guess, cam, name, image=None):
    """The learner's guess (row, column of the map's grid) beside the map: a `Picture`, and the score in
    words.
    """
    cam = _map(cam, name)
    if np.shape(guess) != (2,) or np.asarray(guess).dtype.kind not in "iu":
        raise ValueError(
            f"Your guess is {guess!r}; give a row and a column of the map's grid, such as (2, 3)."
        )
    row, column = (int(i) for i in guess)
    if not (0 <= row < cam.shape[0] and 0 <= column < cam.shape[1]):
        raise ValueError(
            f"Your guess {tuple(guess)} lies outside the map; rows are 0 to {cam.shape[0] - 1}, "
            f"columns 0 to {cam.shape[1] - 1}."
        )
    beaten = (cam < cam[row, column]).sum() / max(1, cam.size - 1)
    say(
        f"The evidence in the guessed cell ({row}, {column}) is stronger than in **{beaten:.0%}** of the "
        f"other cells in the map of {name}."
    )
    marks = ((row, column, "you"),)
    items = [Panel("your guess", image=image, marks=marks, grid=cam.shape)] if image is not None else []
    return panels(
        items + [Panel(f"map of {name}", cam=cam, marks=marks)],
        f"Your guess at row {row}, column {column}, and the class activation map of {name}.",
    )


def overlay(image, cam, keep="positive", opacity=OPACITY, threshold=0.0, limit=None):
    """A map over its image in pale grey, in NumPy: (H, W, 3) uint8, for sliders and files.

    image as in `Panel`; cam (h, w), raw; opacity of the strongest evidence, 0 to 1, with 0 the image as it
    is; evidence below threshold * limit is left out. A thin line goes around what reaches half the limit (or
    the threshold, if higher), a dashed one where it speaks against the class.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {opacity}; it goes from 0 (the image alone) to 1.")
    picture = rgb(image)
    shown, _, high = _shown(upsample(_map(cam, ""), picture.shape[:2]), keep, limit)
    if opacity == 0:
        return picture.copy()
    strength = np.clip(np.abs(shown) / high, 0, 1)
    alpha = np.where(strength >= threshold, opacity * strength, 0)[..., None]
    mixed = pale(picture) * (1 - alpha) + np.where(shown[..., None] > 0, FOR, AGAINST) * alpha
    mixed[_outline(shown, high * max(0.5, threshold))] = 0
    return np.floor(mixed).astype(np.uint8)


def pale(image):
    """A picture (H, W, 3) uint8 in the pale grey that lies below maps, its levels from `PALE` to white."""
    grey = checks.product(image, np.array([0.299, 0.587, 0.114]))
    return np.floor(PALE + (255 - PALE) * grey / 255 + 0.5).astype(np.uint8)[..., None].repeat(3, axis=2)


def _outline(shown, level):
    """Where the line runs around what reaches `level`, and with dashes around what reaches -level: (H, W)."""
    thickness = max(1, round(max(shown.shape) / 400))
    y, x = np.indices(shown.shape)
    dashes = (x + y) // (4 * thickness) % 2 == 0
    return _rim(shown >= level, thickness) | _rim(-shown >= level, thickness) & dashes


def _rim(mask, thickness):
    """The pixels of a mask from which its outside is `thickness` pixels away; the image's edge is no rim."""
    padded, n = np.pad(mask, thickness, mode="edge"), 2 * thickness
    inner = slice(thickness, -thickness)
    inside = padded[:-n, inner] & padded[n:, inner] & padded[inner, :-n] & padded[inner, n:]
    return mask & ~inside


def grid(images, columns=8, gap=2):
    """Pictures (N, H, W, 3) uint8 in a grid with white gaps, as one picture (uint8) to look at.

    Raises ValueError for pictures of another kind and for columns or gaps that aren't whole numbers.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or len(images) == 0:
        raise ValueError(
            f"images must be pictures (N, H, W, 3) of type uint8, but {images.shape} of "
            f"{images.dtype} was given: stack them, and bring 0..1 to 0..255 first."
        )
    columns, gap = (
        min(checks.whole_number("columns", columns), len(images)),
        checks.whole_number("gap", gap, 0),
    )
    rows, (h, w) = -(-len(images) // columns), images.shape[1:3]
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return sheet


# --- drawing ---------------------------------------------------------------------------------


def _empty_panels(items, columns, panel_size):
    """A figure with a place for each panel in rows of `columns`, and its axes."""
    from matplotlib.figure import Figure

    rows = -(-len(items) // columns)
    width = columns * panel_size + (0.9 if any(p.cam is not None for p in items) else 0)
    height = rows * (panel_size * max(_height_over_width(p) for p in items) + 0.35)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for ax in axes[len(items) :]:
        ax.remove()
    return figure, axes[: len(items)]


def _draw_panel(ax, panel, limit):
    """Draws a panel; returns its map as it should then be seen, or None."""
    ax.set_title(panel.title, parse_math=False)  # a file's name may hold dollar signs
    image, raw = panel.image, None if panel.cam is None else _map(panel.cam, panel.title)
    if image is not None:
        image = rgb(image)
        ax.imshow(image if raw is None else pale(image), interpolation="nearest")
        ax.set_xticks([]), ax.set_yticks([])
    size = raw.shape if image is None else image.shape[:2]
    shown = None
    if raw is not None:
        if image is None:
            _draw_cells(ax, raw.shape)
        large = raw if raw.shape == size else upsample(raw, size)
        shown, low, high = _shown(large, panel.keep, limit)
        ax.imshow(
            shown,
            cmap=_inks(panel.keep),
            vmin=low,
            vmax=high,
            alpha=1.0 if image is None else OPACITY,
            interpolation="nearest",
            gid=f"map {panel.keep}",
        )
        if image is not None:
            _draw_outline(ax, shown, high / 2)
        if panel.numbers:
            _draw_numbers(ax, raw)
    _draw_marks(ax, panel.marks, panel.grid or (size if raw is None else raw.shape), size)
    for box, style in ((panel.box, "solid"), (panel.true_box, "dashed")):
        if box is not None:
            _draw_box(ax, box, style)
    return shown


def _draw_outline(ax, shown, level):
    """A thin line around what reaches `level`, a dashed one around what reaches -level."""
    for at, style in ((level, "solid"), (-level, "dashed")):
        if shown.min() < at <= shown.max():
            ax.contour(shown, [at], colors="black", linewidths=1, linestyles=style)


def _draw_cells(ax, grid):
    """The cells of a bare map by their numbers, with lines between them, if they are few."""
    if max(grid) > 8:
        ax.set_xticks([]), ax.set_yticks([])
        return
    ax.set_xticks(range(grid[1])), ax.set_yticks(range(grid[0]))
    ax.set_xticks(np.arange(0.5, grid[1] - 1), minor=True)
    ax.set_yticks(np.arange(0.5, grid[0] - 1), minor=True)
    ax.grid(which="minor", color="black", linewidth=0.6, alpha=0.25)
    ax.tick_params(which="both", length=0)


def _draw_numbers(ax, raw):
    plate = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    for (row, column), value in np.ndenumerate(raw):
        text = f"{value + 0.0:.3g}"  # never -0
        ax.text(column, row, text, ha="center", va="center", fontsize=12, color="black", bbox=plate)


def _draw_marks(ax, marks, grid, size):
    """A ring and a label in the middle of each marked cell of `grid`, on axes of `size` pixels."""
    plate = {"boxstyle": "round", "facecolor": "white"}
    ring = {"markersize": 16, "markerfacecolor": "none", "path_effects": _rimmed(5)}
    for row, column, label in marks:
        y, x = ((i + 0.5) * s / g - 0.5 for i, s, g in zip((row, column), size, grid))
        ax.plot(x, y, "o", markeredgecolor="white", markeredgewidth=2.5, **ring)
        place = {"textcoords": "offset points", "xytext": (12, 8)}
        ax.annotate(label, (x, y), **place, color="black", fontweight="bold", bbox=plate)


def _draw_box(ax, box, style):
    from matplotlib.patches import Rectangle

    x0, y0, x1, y1 = box
    corner = (x0 - 0.5, y0 - 0.5)
    line = {"fill": False, "edgecolor": "white", "linewidth": 2.5, "path_effects": _rimmed(5)}
    ax.add_patch(Rectangle(corner, x1 - x0, y1 - y0, linestyle=style, **line))


def _rimmed(width):
    """A dark rim under a light line, which is then seen on light and dark."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="black")]


def _add_colour_bars(figure, axes, items, label):
    """A bar for each kind of map in the figure: they share one scale. Lines show where outlines run."""
    from matplotlib.cm import ScalarMappable

    for keep in dict.fromkeys(p.keep for p in items if p.cam is not None):
        shown = [im for ax in axes for im in ax.images if im.get_gid() == f"map {keep}"][-1]
        colours = ScalarMappable(shown.norm, _inks(keep))
        name = label or ("evidence" if keep == "signed" else "evidence for")
        bar = figure.colorbar(colours, ax=axes.tolist(), label=name, shrink=0.8, pad=0.02, aspect=30)
        if any(p.image is not None and p.cam is not None and p.keep == keep for p in items):
            half = shown.norm.vmax / 2
            bar.ax.axhline(half, color="black", linewidth=1)
            if keep == "signed":
                bar.ax.axhline(-half, color="black", linewidth=1, linestyle="dashed")


def _height_over_width(panel):
    shape = np.shape(panel.cam if panel.image is None else panel.image)
    return shape[0] / shape[1] if len(shape) > 1 and shape[1] else 1.0


def _map(cam, title):
    return checks.cams(cam, f"the map of '{title}'", ndims=(2,)).astype(float)


def _limit(limit):
    if limit is not None and not 0 < limit < np.inf:
        raise ValueError(f"limit is {limit!r}; expected the value with the strongest colour, above 0.")
    return limit


def _shown(cam, keep, limit=None):
    """The values to colour and the values of the darkest and the brightest colour."""
    checks.one_of("keep", keep, ("positive", "signed"))
    shown = np.maximum(cam, 0) if keep == "positive" else cam
    high = _limit(limit) or np.abs(shown).max() or 1.0
    return shown, (0.0 if keep == "positive" else -high), high


def rgb(image):
    """Any image of the course, as in `Panel`, as (H, W, 3) uint8; raises ValueError for anything else."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim not in (2, 3) or image.ndim == 3 and image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"image has shape {image.shape}; expected (H, W), (H, W, 1) or (H, W, 3).")
    if image.dtype != np.uint8:
        if not np.isfinite(image).all() or image.min() < -1e-6 or image.max() > 1 + 1e-6:
            raise ValueError(
                f"image goes from {image.min():.3g} to {image.max():.3g}; floats must lie in [0, 1] "
                "(divide by 255)."
            )
        image = np.round(image * 255).astype(np.uint8)
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _inks(keep):
    """The colours of a map for Matplotlib: the two inks (or the one) with all their opacities."""
    from matplotlib.colors import ListedColormap

    strength = np.linspace(0, 1, 256) if keep == "positive" else np.linspace(-1, 1, 257)
    inks = np.where(strength[:, None] > 0, FOR, AGAINST) / 255
    return ListedColormap(np.column_stack([inks, np.abs(strength)]), name=f"evidence, {keep}")


# --- the record: what was drawn, in numbers and in words -------------------------------------


def _record(figure, canvas, masks, given):
    """(fingerprint line, sentence for the alt text) of every map, curve and row of bars in the figure."""
    maps = [(ax, im) for ax in figure.axes for im in ax.images if (im.get_gid() or "").startswith("map")]
    change = _change(canvas, [im for _, im in maps])
    record = []
    for ax, im in maps:
        x0, y0, x1, y1 = ax.get_window_extent().extents.astype(int)
        ink = change[len(change) - y1 : len(change) - y0, x0:x1].mean()
        index = figure.axes.index(ax)
        mask, should = (one[index] if index < len(one) else None for one in (masks, given))
        record.append(_map_record(ax.get_title(), _as_seen(ax, im), ink, mask, should))
    for ax in figure.axes:
        record += _curve_records(ax)
    return record


def _change(canvas, maps):
    """How much each pixel of the page, 0 to 1, owes to the maps: the page with them against flat ones."""
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].astype(float)
    values = [np.asarray(im.get_array()) for im in maps]
    for im, value in zip(maps, values):
        im.set_data(np.full_like(value, value.min()))
    canvas.draw()
    change = np.abs(drawn - np.asarray(canvas.buffer_rgba())[..., :3]).mean(axis=2) / 255
    for im, value in zip(maps, values):
        im.set_data(value)
    return change


def _as_seen(ax, im):
    """A map's values as they stand on the page, row 0 at the top, whichever way the axes run."""
    values, (left, right, bottom, top) = np.asarray(im.get_array()), im.get_extent()
    first, last = (top, bottom) if im.origin == "upper" else (bottom, top)
    (x0, y0), (x1, y1) = ax.transData.transform([(left, first), (right, last)])
    return values[:: 1 if y0 > y1 else -1, :: 1 if x0 < x1 else -1]


def _map_record(title, values, ink, mask, given=None):
    height, width = values.shape
    row, column = np.unravel_index(values.argmax(), values.shape)
    name = title or "map"
    if mask is not None and np.shape(mask) != values.shape:
        raise ValueError(
            f"The mask of '{name}' has shape {np.shape(mask)}; expected {values.shape}, as the map is drawn."
        )
    line = (
        f"{name}: peak at row {row}, column {column} of {height} × {width} · "
        f"{_number(values.min())} to {_number(values.max())} · ink {ink:.3f}"
    )
    if given is not None and not (np.shape(given) == values.shape and np.allclose(values, given)):
        line += " · NOT THE MAP THAT WAS GIVEN"
    if ink < 0.0005:
        if np.ptp(values) == 0:
            return line, f"In '{name}' the map is blank: the same everywhere."
        return line, f"In '{name}' the map is blank: next to nothing can be seen on this scale."
    if values.max() <= 0:
        return line, f"In '{name}' there is no positive evidence."
    sentence = f"In '{name}' the evidence is strongest {_where(row / height, column / width, height, width)}"
    if mask is not None:
        heat = np.maximum(values, 0)
        share = heat[np.asarray(mask, bool)].sum() / heat.sum() if heat.any() else 0.0
        line += f" · heat in the object {share:.2f}"
        sentence += f", with {share:.0%} of the heat in the object"
    return line, sentence + "."


def _curve_records(ax):
    record = []
    for curve in ax.lines:
        name = curve.get_label()
        if name.startswith("_"):
            continue
        y = np.asarray(curve.get_ydata(), float)
        ends = f"{_number(y[0])} at the left, {_number(y[-1])} at the right"
        record.append(
            (
                f"{name}: {len(y)} points · {ends} · {_number(y.min())} to {_number(y.max())}",
                f"Curve '{name}': {ends}.",
            )
        )
    for bars in ax.containers:
        heights = [bar.get_height() for bar in bars]
        if heights:
            values = ", ".join(_number(h) for h in heights)
            record.append((f"bars {ax.get_title()}: {values}", f"Bars: {values}."))
    return record


def _where(y, x, height, width):
    """A place in words: (0.1, 0.8) -> "at the upper right"; the centre of the cell counts."""
    vertical, horizontal = (min(2, int((at + 0.5 / n) * 3)) for at, n in ((y, height), (x, width)))
    words = (
        ("upper left", "top", "upper right"),
        ("left", "centre", "right"),
        ("lower left", "bottom", "lower right"),
    )
    return f"at the {words[vertical][horizontal]}"


def _number(value):
    return f"{value:.3g}".replace("-", "−") if abs(value) >= 5e-4 else "0"
