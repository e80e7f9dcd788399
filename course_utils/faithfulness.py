"""May a map be believed? The model is asked again, changed, or about changed pictures; no truth is needed.

    shuffled weights      a map of what a network learnt must change when the learning is undone
    insertion, deletion   pixels that a map calls important must matter to the answer
    shifts                a map must move with the picture

Each says little alone: hold it against a random map, and against another picture's map. Images are floats
(N, H, W, channels), scaled as the model wants them; maps are raw, (N, h, w).
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from course_utils import cam, checks, graph
from course_utils.explain import probabilities

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import pearsonr, rankdata

if TYPE_CHECKING:
    import keras

# --- how alike two maps are ------------------------------------------------------------------


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float | np.ndarray:
    """Spearman's rank correlation of maps, cell by cell, -1 to 1.

    a, b: (h, w) or (N, h, w)
    Returns a float, or (N,). 1: both put the cells in the same order, whatever their values; 0: one tells
    nothing of the other. Raises ValueError where a map is the same everywhere: it puts the cells in no order.
    """
    a, b = _maps(a, "a"), _maps(b, "b")
    if a.shape != b.shape:
        raise ValueError(f"a has shape {a.shape} and b {b.shape}; expected as many maps on the same grid.")
    both = pearsonr(*(rankdata(m.reshape(*m.shape[:-2], -1), axis=-1) for m in (a, b)), axis=-1).statistic
    return both.item() if both.ndim == 0 else both


# --- undo the learning -----------------------------------------------------------------------


def weight_layers(model: "keras.Model") -> list[list[str]]:
    """The names of the layers with weights, from the images to the scores, in lists.

    A normalisation layer is listed with the layer it follows, since both learn together.
    """
    graph.check_model(model)
    steps: list[list[str]] = []
    for layer in _inner_layers(model):
        if steps and layer.weights and type(layer).__name__.endswith("Normalization"):
            steps[-1].append(layer.name)
        elif layer.weights:
            steps.append([layer.name])
    if not steps:
        raise ValueError(f"Model '{model.name}' has no layer with weights, so there is nothing to shuffle.")
    names = sum(steps, [])
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(
            f"Model '{model.name}' has {names.count(twice[0])} layers of the name {twice[0]!r}; give "
            "each its own."
        )
    return steps


def shuffle_weights(model: "keras.Model", layers: str | list[str], seed: int = 0) -> "keras.Model":
    """A copy of the model in which the weights of some layers are in random order; the model is left alone.

    model: a Keras model
    layers: their names
    seed: of the order
    Returns a Keras model. The numbers stay, so activations keep about their size, but what they had learnt is
    lost. (Weights that are all the same stay as they were.) Raises ValueError for names of no such layer.
    """
    import keras

    layers = [layers] if isinstance(layers, str) else list(layers)
    known = sum(weight_layers(model), [])
    if unknown := [name for name in layers if name not in known]:
        raise ValueError(
            f"Model '{model.name}' has no layer {unknown[0]!r} with weights; those are: {', '.join(known)}."
        )
    try:
        copy = keras.models.clone_model(model)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            f"Model '{model.name}' can't be copied: one of its layers doesn't tell how it was made. Give "
            "that layer a get_config, or use Keras' own layers."
        ) from error
    copy.set_weights(model.get_weights())
    for layer in _inner_layers(copy):
        if layer.name in layers:
            rng = np.random.default_rng([seed, known.index(layer.name)])  # whatever else is shuffled
            layer.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in layer.get_weights()])
        if hasattr(layer, "finalize_state"):  # Normalization reckons with copies of its weights
            layer.finalize_state()
    return copy


def cascade(model: "keras.Model", seed: int = 0) -> Iterator[tuple[str, "keras.Model"]]:
    """From the head down, one layer more at each step: yields (its name, a copy with all so far shuffled).

    J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, who draw new weights instead.
    """
    shuffled = []
    for step in reversed(weight_layers(model)):
        shuffled += step
        yield step[0], shuffle_weights(model, shuffled, seed)


# --- take away what the map calls important --------------------------------------------------


class Curves(NamedTuple):
    """What became of the answer while pixels went, or came back, in the order of a map."""

    shares: np.ndarray  # (steps + 1,), share of the pixels changed so far, 0 to 1
    values: np.ndarray  # (N, steps + 1), the class's probability, or its score

    @property
    def areas(self):
        """The area under each curve, (N,): its mean height, by the trapezoidal rule."""
        return np.trapezoid(self.values, self.shares, axis=1)


def deletion(
    model: "keras.Model",
    images: np.ndarray,
    cams: np.ndarray,
    class_idx: int | np.ndarray,
    steps: int = 24,
    baseline: "str | np.ndarray" = "blur",
    measure: str = "probability",
    batch_size: int = 32,
) -> Curves:
    """The class's probability while pixels are taken away, the most important ones first.

    model: a Keras model
    images: (N, H, W, channels)
    cams: (N, h, w), enlarged to rank the pixels, a fixed lot deciding between equals
    class_idx: an int, or one per image
    steps: equal shares of the pixels
    baseline: what is left in their place, "blur" (`blurred`), "mean" (an image's mean colour) or an array
        that fits the images
    measure: "probability", by softmax or by the sigmoids that the model ends in, or "score", the logit
    batch_size: pictures at once, which bounds memory
    Returns `Curves`; a small area speaks for the map. V. Petsiuk et al., "RISE", BMVC 2018.
    """
    return _curves(model, images, cams, class_idx, False, steps, baseline, measure, batch_size)


def insertion(
    model: "keras.Model",
    images: np.ndarray,
    cams: np.ndarray,
    class_idx: int | np.ndarray,
    steps: int = 24,
    baseline: "str | np.ndarray" = "blur",
    measure: str = "probability",
    batch_size: int = 32,
) -> Curves:
    """The class's probability while pixels return to the baseline, the most important ones first.

    Arguments and returns as in `deletion`; here a large area speaks for the map.
    """
    return _curves(model, images, cams, class_idx, True, steps, baseline, measure, batch_size)


def blurred(images: np.ndarray, sigma: float | None = None) -> np.ndarray:
    """Images without details, by a Gaussian blur.

    images: (N, H, W, channels)
    sigma: pixels; an eighth of the longer side unless given
    Returns floats of the same shape.
    """
    images = checks.finite(images, "images")
    if images.ndim != 4 or images.size == 0:
        raise ValueError(f"images has shape {images.shape}; expected (N, H, W, channels), not empty.")
    sigma = max(images.shape[1:3]) / 8 if sigma is None else checks.pixels("sigma", sigma)
    return gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")


def _curves(model, images, cams, class_idx, insert, steps, baseline, measure, batch_size):
    images, cams = graph.check_images(model, images), _maps(cams, "cams")
    graph.check_model(model, images)
    N, H, W, _ = images.shape
    if cams.ndim != 3 or len(cams) != N:
        raise ValueError(
            f"There are images of shape {images.shape} and maps of shape {cams.shape}; expected one map for "
            "each image, (N, h, w)."
        )
    checks.whole_number("steps", steps, most=H * W), checks.whole_number("batch_size", batch_size)
    checks.one_of("measure", measure, ("probability", "score"))
    filled, place = _baseline(images, baseline), _places(cam.upsample(cams, (H, W)))
    gone = np.round(np.linspace(0, H * W, steps + 1))  # how many pixels are changed at each step

    class_idx = checks.class_idx(class_idx, N, graph.n_classes(model))
    if measure == "probability" and graph.n_classes(model) == 1 and graph.ends_in(model) != "sigmoid":
        raise ValueError(
            f"Model '{model.name}' has a single output, whose softmax is always 1; "
            'use measure="score", or a model that ends in a sigmoid.'
        )

    outputs = []
    for start in range(0, N * (steps + 1), batch_size):  # pictures are made when needed: memory stays bounded
        i, step = np.divmod(np.arange(start, min(start + batch_size, N * (steps + 1))), steps + 1)
        changed = (place[i] < gone[step, None, None])[..., None]
        outputs += graph.ask(model, np.where(changed == insert, images[i], filled[i]), "scores")
    outputs = np.concatenate(outputs)
    if measure == "probability":
        outputs = probabilities(model, outputs)
    values = outputs.reshape(N, steps + 1, -1)[np.arange(N), :, class_idx]
    return Curves(np.linspace(0, 1, steps + 1), values)


# --- move the picture ------------------------------------------------------------------------


def shifted(images: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """Images or maps, moved; their edge fills what opens up.

    images: (N, H, W, ...)
    dy, dx: whole pixels down and to the right
    Returns the same shape.
    """
    images = np.asarray(images)
    if images.ndim < 3 or images.size == 0:
        raise ValueError(
            f"images has shape {images.shape}; expected (N, H, W, channels) or (N, H, W), not empty."
        )
    H, W = images.shape[1:3]
    for name, move, side in (("dy", dy, H), ("dx", dx, W)):
        checks.whole_number(name, move, 1 - side, side - 1)
    rows, columns = (np.arange(H) - dy).clip(0, H - 1), (np.arange(W) - dx).clip(0, W - 1)
    return images[:, rows][:, :, columns]


def shift_stability(
    maps_of: Callable[[np.ndarray], np.ndarray], images: np.ndarray, dy: int, dx: int
) -> float | np.ndarray:
    """Do maps move with pictures? Each map's rank correlation with the map of the shifted picture.

    maps_of: from images (N, H, W, channels) to maps (N, h, w), such as
        `lambda images: explain(model, images, class_idx)[1]`
    images: (N, H, W, channels)
    dy, dx: whole pixels down and to the right
    Returns (N,). Maps are enlarged to the images' size, moved back, and compared where both show the same
    piece of the picture.
    """
    moved = shifted(images, dy, dx)
    H, W = moved.shape[1:3]
    before, after = _maps(maps_of(images), "maps_of(images)"), _maps(maps_of(moved), "maps_of(images)")
    if before.shape != after.shape or before.ndim != 3 or len(before) != len(moved):
        raise ValueError(
            f"maps_of made maps of shape {before.shape} from images of shape {moved.shape}; expected (N, h, "
            "w), one map for each image."
        )
    before, after = cam.upsample(before, (H, W)), cam.upsample(after, (H, W))
    return rank_correlation(
        before[:, max(0, -dy) : H - max(0, dy), max(0, -dx) : W - max(0, dx)],
        after[:, max(0, dy) : H + min(0, dy), max(0, dx) : W + min(0, dx)],
    )


# --- inside ----------------------------------------------------------------------------------


def _inner_layers(model):
    """All layers from the images to the scores, those of nested models too."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _inner_layers(layer)
        else:
            yield layer


def _places(maps):
    """Each pixel's place in the order of its map, (N, H, W): 0 is the most important."""
    flat = maps.reshape(len(maps), -1)
    lot = np.random.default_rng(0).permutation(flat.shape[1])  # equals in reading order would favour the top
    order = np.lexsort((np.broadcast_to(lot, flat.shape), -flat), axis=1)
    place = np.empty(flat.shape, np.int32)
    np.put_along_axis(place, order, np.arange(flat.shape[1], dtype=np.int32)[None], axis=1)
    return place.reshape(maps.shape)


def _baseline(images, baseline):
    if isinstance(baseline, str):
        checks.one_of("baseline", baseline, ("blur", "mean"))
        filled = blurred(images) if baseline == "blur" else images.mean(axis=(1, 2), keepdims=True)
    else:
        filled = checks.finite(baseline, "baseline").astype(images.dtype)
    try:
        return np.broadcast_to(filled, images.shape)
    except ValueError as error:
        raise ValueError(
            f"baseline has shape {filled.shape}; expected one that fits images of shape {images.shape}: a "
            "colour, one image, or one for each."
        ) from error


def _maps(maps, name):
    maps = checks.cams(maps, name)
    flat = np.ptp(maps, axis=(-2, -1)) == 0
    if flat.any():
        raise ValueError(
            f"{flat.sum()} of {flat.size} maps in {name} are the same everywhere: they put the cells in no "
            "order. Look for a layer that is silent, or leave these images out."
        )
    return maps
