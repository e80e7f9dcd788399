"""Explorers: sliders that make a map something to touch, drawn in the browser by `explorer.js`.

The canvas gets the picture and the raw maps once; the sliders are linked to it in the browser, so it answers
within a frame and needs no kernel: exported pages (tools/export_html.py) stay alive. What only Python can
compute goes through `live` instead, as JPEG. A cell that is run again takes over the settings of its former
explorers. Where no kernel runs, as in a saved notebook, a still picture stands in an explorer's place.
"""

import asyncio
import functools
import io
from pathlib import Path
from typing import NamedTuple

from course_utils import checks, localize, plots
from course_utils.cam import centred, class_activation_map, upsample

import anywidget
import ipywidgets
import numpy as np
import traitlets
from PIL import Image

SIZE = 384  # pixels of a picture on the page
STILL = SIZE / 100  # of a still picture of it, in inches


def cam_explorer(image, cams, class_names, class_scores=None, size=SIZE, against=None):
    """Sliders for class, evidence, opacity and threshold over one image's maps.

    image (H, W), (H, W, 1) or (H, W, 3); cams (h, w, C), raw, or {layer: (h, w, C)} for a switch of layers,
    whose grids may differ; class_names C strings; class_scores (C,) logits, shown with the map if given. All
    maps share one colour scale. against: whether there is a switch from the map of a class alone to the
    centred one, which is what decides; it takes all classes of a softmax, and is there when class_scores are
    given, unless told otherwise. Returns an `Explorer`.
    """
    layers = {
        str(layer): np.asarray(maps)
        for layer, maps in (cams if isinstance(cams, dict) else {"": cams}).items()
    }
    if not layers:
        raise ValueError("cams holds no layer; expected {layer: one image's maps, (h, w, C)}.")
    for layer, maps in layers.items():
        name = f"cams[{layer!r}]" if layer else "cams"
        if maps.ndim != 3 or maps.shape[2] != len(class_names) or maps.size == 0:
            raise ValueError(
                f"{name} has shape {maps.shape} with {len(class_names)} class names; "
                "expected one image's maps, (h, w, C), and C names. Take one of a batch: cams[0]."
            )
        if not np.isfinite(maps).all():
            raise ValueError(f"{name} has values that are NaN or infinite; nothing true could be drawn.")
    if class_scores is not None and np.shape(class_scores) != (len(class_names),):
        raise ValueError(
            f"class_scores has shape {np.shape(class_scores)}; expected ({len(class_names)},), one "
            "number a class."
        )
    names = [str(name) for name in class_names]
    against = len(names) > 1 and (class_scores is not None if against is None else bool(against))
    shown = [*layers.values(), *(centred(maps) for maps in layers.values() if against)]
    limit = float(max(np.abs(maps).max() for maps in shown)) or 1.0
    canvas = _canvas(
        "classes",
        plots.rgb(image),
        list(layers.values()),
        size,
        smooth=True,
        limit=limit,
        names=names,
        layers=list(layers),
        scores=None if class_scores is None else np.asarray(class_scores, float).tolist(),
    )
    controls = (
        {"layer": _choice("layer", list(layers), "the layer whose map is shown")} if len(layers) > 1 else {}
    )
    controls |= {"class_idx": _choice("map of", names, "whose map is shown")}
    if against:
        controls["against"] = _choice(
            "shown",
            ["this class alone", "against the others"],
            "its own map, or minus the mean over all classes",
        )
    controls |= {
        "evidence": _choice(
            "evidence", ["for and against", "only for"], "keep what speaks against, or leave it out"
        ),
        "opacity": _opacity(),
        "threshold": slider(
            "threshold",
            0.0,
            "leave out evidence weaker than this share of the strongest; "
            "the frame is around the largest part that speaks for the class",
        ),
    }
    start = next(iter(layers.values()))[..., 0]
    panel = plots.Panel(f"map of {names[0]}", image=image, cam=start)
    still = functools.partial(
        plots.panels, [panel], "An explorer of maps as it starts", limit=limit, panel_size=STILL
    )
    return _explorer(canvas, still, **controls)


def weight_explorer(feature_maps, class_weights, class_idx, class_names=None, size=320):
    """Sliders for the weights of one class: its map, its score and the softmax move together.

    feature_maps (H, W, K) of one image; class_weights (K, C); class_idx the class whose K weights get
    a slider each; class_names C strings. Returns an `Explorer`.
    """
    feature_maps = np.asarray(feature_maps, float)
    if feature_maps.ndim != 3:
        raise ValueError(
            f"feature_maps has shape {feature_maps.shape}; expected one image's maps, (H, W, K)."
        )
    class_activation_map(feature_maps[None], class_weights, class_idx)  # raises for whatever doesn't fit
    class_weights, class_idx = np.array(class_weights, float), int(np.ravel(class_idx)[0])
    names = (
        [f"class {c}" for c in range(class_weights.shape[1])]
        if class_names is None
        else [str(name) for name in class_names]
    )
    if len(names) != class_weights.shape[1]:
        raise ValueError(
            f"There are {len(names)} class names and {class_weights.shape[1]} classes in class_weights; "
            "expected one name a class."
        )
    weights = class_weights[:, class_idx]
    reach = max(3.0, np.ceil(np.abs(weights).max()))  # a slider would clip larger weights
    cam = checks.product(feature_maps, weights)
    limit = 2 * float(np.abs(cam).max()) or 1.0  # stronger than at the start can be seen
    canvas = _canvas(
        "weights",
        None,
        [feature_maps],
        size,
        limit=limit,
        names=names,
        class_idx=class_idx,
        class_weights=class_weights.tolist(),
        pooled=feature_maps.mean(axis=(0, 1)).tolist(),
    )
    canvas.add_traits(**{f"w{k + 1}": traitlets.Float(w).tag(sync=True) for k, w in enumerate(weights)})
    # A slider with steps would move other weights to its nearest step, unasked.
    step = 0.05 if np.allclose(weights / 0.05, np.round(weights / 0.05)) else None
    panel = plots.Panel(f"map of {names[class_idx]}", cam=cam, numbers=_few(feature_maps))
    still = functools.partial(
        plots.panels, [panel], "An explorer of weights as it starts", limit=limit, panel_size=STILL
    )
    return _explorer(
        canvas,
        still,
        **{
            f"w{k + 1}": slider(
                f"weight w{k + 1}", w, f"how much map {k + 1} speaks for the class", -reach, reach, step
            )
            for k, w in enumerate(weights)
        },
    )


def threshold_explorer(image, cam, true_box, size=SIZE):
    """A slider for the threshold: what is left of one map, the box around it, and its IoU with the true box.

    image (H, W), (H, W, 1) or (H, W, 3); cam (h, w), raw; true_box x0, y0, x1, y1 in the image's pixels, end
    exclusive. The solid frame is the map's box, the dashed one the true box. Returns an `Explorer`.
    """
    cam, picture = np.asarray(cam), plots.rgb(image)
    if cam.ndim != 2 or np.shape(true_box) != (4,):
        raise ValueError(
            f"cam has shape {cam.shape} and true_box {np.shape(true_box)}; expected one image's map, "
            "(h, w), and box, (4,). Take those of a batch: cams[0], boxes[0]."
        )
    true_box = localize.check_boxes(true_box, "true_box", picture.shape[:2])
    localize.box_from_map(cam, picture.shape[:2])  # raises for a bad map, warns of one that says nothing
    canvas = _canvas("threshold", picture, [cam[..., None]], size, limit=0.0, true_box=true_box.tolist())
    canvas.evidence = 1
    threshold = slider("threshold", 0.2, "share of the map's maximum that a pixel must reach", 0.05, 0.95)
    large, box = (
        upsample(cam, picture.shape[:2]),
        localize.box_from_map(cam, picture.shape[:2], threshold.value),
    )
    left = np.where(large >= threshold.value * large.max(), large, 0)
    title, boxes = f"from {threshold.value:.0%} on", {"box": box, "true_box": true_box}
    panel = plots.Panel(title, image=picture, cam=left, keep="positive", **boxes)
    what = "What reaches a threshold, with a box around its largest part, as an explorer starts"
    still = functools.partial(plots.panels, [panel], what, panel_size=STILL)
    return _explorer(canvas, still, threshold=threshold, opacity=_opacity())


def predict_then_reveal(image, cam, name, default=None, size=SIZE):
    """The learner chooses the cell where the map of `name` will be strongest; only then the map is shown.

    image (H, W), (H, W, 1) or (H, W, 3), None for the bare cells; cam (h, w), raw; by mouse, or arrow keys
    and Enter. Returns an `Explorer` whose `guess()` is the chosen cell (row, column), or `default`, the
    middle unless given, while none is chosen. Told are the share of the other cells that the choice beats,
    and its mean over the session.
    """
    cam = checks.cams(cam, f"the map of '{name}'", ndims=(2,)).astype(float)
    guess = tuple((n - 1) // 2 for n in cam.shape) if default is None else default
    if (
        np.shape(guess) != (2,)
        or np.asarray(guess).dtype.kind not in "iu"
        or not (0 <= np.asarray(guess)).all()
        or not (np.asarray(guess) < cam.shape).all()
    ):
        raise ValueError(
            f"default is {default!r}; expected a row and a column of the map's {cam.shape[0]} × "
            f"{cam.shape[1]} cells, such as (0, 0)."
        )
    canvas = _canvas(
        "predict",
        None if image is None else plots.rgb(image),
        [cam[..., None]],
        size,
        smooth=True,
        name=str(name),
        limit=float(np.abs(cam).max()) or 1.0,
    )
    canvas.guess = [int(i) for i in guess]
    below = _empty_cells(cam.shape) if image is None else image
    panel = plots.Panel(f"predict: the map of {name}", image=below)
    what = f"What the map of {name} will lie on: predict the cell where it is strongest"
    return _explorer(canvas, functools.partial(plots.panels, [panel], what, panel_size=STILL))


def material_explorer(metal, networks, start=(36, 90, 8), size=SIZE):
    """Sliders for a hole in a wheel: what networks predict then, beside what the plate elements compute.

    metal (64, 64) bool, as `wheels.draw_wheel` makes it; networks {name: predict}, each a function of such a
    wheel that returns its frequency (Hz) and its map (h, w); start: distance from the centre, angle (degrees,
    anticlockwise from the right) and diameter, lengths in mm. The map is drawn less its mean; the ring is the
    rim of the hole. Where a hole leaves loose parts, there is no frequency to compute, and the words say so.
    """
    from course_utils.datasets import wheels

    if not networks or not all(map(callable, networks.values())):
        raise ValueError(
            "networks is empty or holds something that can't be called; expected {name: function of a wheel}."
        )
    whole = wheels.solve(metal)  # raises for a bad wheel
    answers = {name: predict(metal) for name, predict in networks.items()}
    limits = [float(np.abs(cam - cam.mean()).max()) or 1.0 for _, cam in answers.values()]
    limits.append(float(np.abs(wheels.in_cells(whole.sensitivity)).max()))
    mm = 1000 * wheels.STEEL["pixel"]
    times = max(1, size // wheels.SIZE)
    shows = _choice(
        "map of",
        [*networks, "plate elements"],
        "whose map is shown; that of the plate elements is the sensitivity",
    )
    opacity = _opacity()
    distance, angle, diameter = (
        slider(name, value, help_text, low, high, step)
        for name, value, help_text, low, high, step in (
            ("distance", start[0], "of the hole from the wheel's centre, mm", 14, 58, 1),
            ("angle", start[1], "of the hole, degrees, anticlockwise from the right", 0, 355, 5),
            ("diameter", start[2], "of the hole, mm", 0, 24, 1),
        )
    )
    for control in (distance, angle, diameter):
        control.readout_format = ".0f"

    def draw(distance, angle, diameter, shown, opacity):
        cut = wheels.with_hole(metal, distance / mm, angle, diameter / 2 / mm)
        predicted = {name: predict(cut) for name, predict in networks.items()}
        gone = int(metal.sum() - cut.sum())
        words = [
            f"The hole takes {gone} of {metal.sum()} pixels of metal." if gone else "The hole takes no metal."
        ]
        try:
            solution = wheels.solve(cut)
            words.append(
                f"Plate elements: {whole.frequency:.1f} Hz before, "
                f"{_from_to(whole.frequency, solution.frequency)}."
            )
            cam = wheels.in_cells(solution.sensitivity)
        except ValueError as error:
            words.append(
                f"Plate elements: no answer. {str(error).partition(';')[0]}. What is said of it all the same:"
            )
            cam = np.zeros((wheels.CELLS, wheels.CELLS))
        words += [
            f"{name}: {answers[name][0]:.1f} Hz before, {_from_to(answers[name][0], hertz)}."
            for name, (hertz, _) in predicted.items()
        ]
        if shown < len(networks):
            cam = list(predicted.values())[shown][1]
            cam = cam - cam.mean()
        picture = cut.astype(float).repeat(times, axis=0).repeat(times, axis=1)
        pixels = plots.overlay(picture, cam, "signed", opacity, 0.0, limits[shown])
        centre = len(picture) / 2 + distance / mm * times * np.array(
            [-np.sin(np.radians(angle)), np.cos(np.radians(angle))]
        )
        return _with_ring(pixels, centre, diameter / 2 / mm * times), "\n".join(words)

    return live([distance, angle, diameter, shows, opacity], draw, times * wheels.SIZE)


def _from_to(before, after):
    return f"{after:.1f} Hz after ({(after / before - 1) * 100:+.1f}\xa0%)".replace("-", "−")


def _with_ring(pixels, centre, radius):
    """The picture with a white ring, three pixels thick with a black rim, round a centre (row, column)."""
    y, x = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    off = np.abs(np.hypot(y + 0.5 - centre[0], x + 0.5 - centre[1]) - radius)
    pixels[off < 3] = 0
    pixels[off < 1.5] = 255
    return pixels


# --- inside: the canvas and its controls -----------------------------------------------------


class Explorer(ipywidgets.HBox):
    """A canvas beside the controls that move it; where no kernel runs, a still picture of it."""

    def __init__(self, canvas, controls, still, kept, links=()):
        """still: makes a `Picture` of the start; kept: (name, widget, trait) of all that a learner can move;
        links: those between controls and canvas.
        """
        canvas.descriptions = {control.description: control.tooltip for control in controls}
        beside = [ipywidgets.VBox(controls, layout={"width": "33em"})] if controls else []
        super().__init__([*beside, canvas])
        self.add_class("course-explorer")
        self.canvas, self._still, self._kept, self._links = canvas, still, kept, links
        self._start = self._now()
        _take_over(self)

    def guess(self):
        """The cell (row, column) that was chosen, or the one taken for it while none is."""
        return tuple(self.canvas.guess)

    def _repr_mimebundle_(self, **options):
        picture, to_move = self._still(), ", ".join(self.canvas.descriptions)
        what = f"move its sliders and buttons: {to_move}" if to_move else "choose a cell and see the map"
        picture.caption = f"A still picture. Run the cell to {what}."
        data, metadata = picture._repr_mimebundle_()
        return super()._repr_mimebundle_(**options) | data, metadata

    def settings(self):
        """What each part that can be moved started from and where it stands: {name: (start, now)}."""
        now = self._now()
        return {name: (start, now[name]) for name, start in self._start.items()}

    def restore(self, settings):
        """Take over what has the same name and start: a cell that was changed shows what it says."""
        for name, widget, trait in self._kept:
            start, now = settings.get(name, (None, None))
            if start == self._start[name]:
                setattr(widget, trait, now)

    def close_all(self):
        """Close the explorer with all it holds."""
        for widget in [*_inside(self), *self._links]:
            widget.close()

    def _now(self):
        return {name: getattr(widget, trait) for name, widget, trait in self._kept}


class Canvas(anywidget.AnyWidget):
    """What `explorer.js` draws: `sent` stays as it is, the rest follows the controls."""

    _esm = Path(__file__).parent / "explorer.js"
    _css = Path(__file__).parent / "explorer.css"
    sent = traitlets.Dict().tag(sync=True)
    descriptions = traitlets.Dict().tag(sync=True)  # of the controls, for screen readers
    layer = traitlets.Int(0).tag(sync=True)
    class_idx = traitlets.Int(0).tag(sync=True)
    evidence = traitlets.Int(0).tag(sync=True)  # 0: for and against, 1: only for
    opacity = traitlets.Float(plots.OPACITY).tag(sync=True)
    threshold = traitlets.Float(0.0).tag(sync=True)
    against = traitlets.Int(0).tag(sync=True)  # 0: a class alone, 1: less the mean over all classes
    guess = traitlets.List([0, 0]).tag(sync=True)
    chosen = traitlets.Bool(False).tag(sync=True)
    revealed = traitlets.Bool(False).tag(sync=True)
    jpeg = traitlets.Bytes().tag(sync=True)  # where Python draws, with what it says
    words = traitlets.Unicode().tag(sync=True)


def _canvas(kind, picture, maps, size, smooth=False, **facts):
    """The canvas over a picture (H, W, 3) uint8 and maps (h, w, K) of each layer, about `size` pixels large
    on the page.

    The map is drawn on the picture's own pixels, or, if `smooth`, on those of a small picture enlarged.
    Without a picture, None, its bare cells are drawn, with their values if they are few.
    """
    bare = picture is None
    if bare:
        picture, smooth = np.full((*maps[0].shape[:2], 3), 255, np.uint8), False
    if smooth:  # a large photograph is made smaller: nobody would see its pixels, and each costs time
        picture = np.asarray(Image.fromarray(picture).reduce(max(1, max(picture.shape[:2]) // size)))
    times = max(1, size // max(picture.shape[:2]))
    shape = [n * (times if smooth else 1) for n in picture.shape[:2]]
    width = size * picture.shape[1] // max(picture.shape[:2])
    return Canvas(
        sent={
            "kind": kind,
            "picture": picture.tobytes(),
            "picture_shape": list(picture.shape[:2]),
            "maps": b"".join(layer.astype("<f4").tobytes() for layer in maps),
            "shape": shape,
            "grids": [list(layer.shape) for layer in maps],
            "zoom": 1 if smooth else times,
            "width": width,
            "inks": [plots.FOR, plots.AGAINST],
            "pale": plots.PALE,
            "outlined": smooth,
            "bare": bare,
            **facts,
        },
        opacity=1.0 if bare else plots.OPACITY,
    )


def _explorer(canvas, still, **controls):
    """The canvas beside the controls that move its traits of the same names, linked in the browser."""
    links = [
        ipywidgets.jslink((control, _moves(control)), (canvas, trait)) for trait, control in controls.items()
    ]
    kept = [(control.description, control, _moves(control)) for control in controls.values()]
    kept += [
        ((trait, canvas.sent["maps"]), canvas, trait) for trait in ("guess", "chosen", "revealed")
    ]  # of this map only
    explorer = Explorer(canvas, list(controls.values()), still, kept, links)
    for trait, control in controls.items():
        setattr(canvas, trait, getattr(control, _moves(control)))
    return explorer


def _few(cells):
    """Whether the values of cells (h, w, ...) have room in them, as in `explorer.js`."""
    return max(cells.shape[:2]) <= 8


def _empty_cells(grid, size=24):
    """A white picture with lines between its cells: what a map without a picture will lie on."""
    picture = np.ones((grid[0] * size, grid[1] * size))
    picture[size::size] = picture[:, size::size] = 0.6
    return picture


def _moves(control):
    return "index" if hasattr(control, "index") else "value"  # browsers know of a choice only its place


def slider(name, value, help_text, low=0.0, high=1.0, step=0.05):
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=name,
        tooltip=help_text,
        readout_format=".2f",
        style={"description_width": "6em"},
        layout={"width": "32em"},
    )


def _opacity():
    return slider("opacity", plots.OPACITY, "of the strongest evidence over the picture")


def _choice(name, options, help_text):
    """Buttons for a few options, a list to unfold for many."""
    numbered = [(option, i) for i, option in enumerate(options)]  # two classes may have the same name
    if len(options) > 6:
        return ipywidgets.Dropdown(
            options=numbered, description=name, tooltip=help_text, style={"description_width": "6em"}
        )
    return ipywidgets.ToggleButtons(
        options=numbered,
        description=name,
        tooltip=help_text,
        tooltips=[f"{name} {option}" for option in options],
        style={"description_width": "6em", "button_width": "auto"},
    )


# --- inside: what only Python can draw -------------------------------------------------------


def live(controls, draw, size):
    """The controls beside a picture that only Python can draw: draw(*values) -> (H, W, 3) uint8 pixels and
    words.

    What was drawn is kept. Values that come in while one is being drawn are passed over but for the latest.
    """
    drawn = functools.lru_cache(maxsize=128)(lambda *values: _encoded(*draw(*values)))
    canvas = Canvas(sent={"kind": "live", "width": size})

    def redraw():
        with canvas.hold_sync():  # one message for both
            canvas.words, canvas.jpeg = drawn(*[control.value for control in controls])

    def still():
        picture = io.BytesIO()
        Image.open(io.BytesIO(canvas.jpeg)).save(picture, "png")
        return plots.Picture(picture.getvalue(), canvas.words)

    kept = [(control.description, control, "value") for control in controls]
    explorer = Explorer(canvas, controls, still, kept)
    redraw()
    ask = _latest(redraw)
    for control in controls:
        control.observe(lambda _: ask(), names="value")
    return explorer


def _latest(redraw):
    """`redraw`, but once for all the changes that are waiting in the kernel: no queue of stale pictures."""
    waiting = []

    async def soon():
        await asyncio.sleep(0)
        waiting.clear()
        redraw()

    def ask():
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel, as in tests: at once
            return redraw()
        if not waiting:
            waiting.append(loop.create_task(soon()))

    return ask


def _encoded(pixels, words):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=85)
    return words, buffer.getvalue()


# --- inside: a cell that is run again --------------------------------------------------------


class _Cell(NamedTuple):
    """The explorers of a notebook's cell: those of its last run, and how the run before left its own."""

    run: str | None = None
    made: tuple = ()
    left: tuple = ()


_CELLS = {}  # by the cell's id


def _take_over(explorer):
    """Give an explorer the settings of the one in its place when its cell was last run; close that one."""
    name, run = _running_cell()
    if name is None:  # not in a notebook, or a front end that doesn't name cells
        return
    cell = _CELLS.get(name, _Cell())
    if run != cell.run:
        cell = _Cell(run, (), tuple(former.settings() for former in cell.made))
        for former in _CELLS.get(name, _Cell()).made:
            former.close_all()
    place = len(cell.made)
    if place < len(cell.left):
        explorer.restore(cell.left[place])
    _CELLS[name] = cell._replace(made=(*cell.made, explorer))


def _running_cell():
    """The id of the cell that is being run and of this run of it; None, None where nobody tells."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent() if kernel else {}
    return request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id")


def _inside(widget):
    """A widget with all it holds: children, layouts, styles."""
    held = [getattr(widget, name, None) for name in ("layout", "style")] + list(
        getattr(widget, "children", ())
    )
    return [widget] + [one for part in held if part is not None for one in _inside(part)]
