"""The class activation map and everything it stands on, in NumPy.

    feature_maps   (B, H, W, K)   what the last convolution saw: K maps of H x W cells, B images
    class_weights  (K, C)         how much each of the K maps speaks for each of the C classes
    bias           (C,)           what a class starts with before anything is seen
    class_scores   (B, C)         logits
    cam            (B, H, W)      one class's map; (B, H, W, C) for all classes

Maps are raw and signed. Resizing, normalising and colouring are separate steps, in that order.
The paper is B. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.
"""

import warnings

from course_utils import checks

import numpy as np

# --- from feature maps to scores -------------------------------------------------------------


def global_average_pooling(feature_maps: np.ndarray) -> np.ndarray:
    """Each map's mean: (B, H, W, K) -> (B, K), the one number a map has to say."""
    feature_maps = checks.feature_maps(feature_maps)
    with np.errstate(over="ignore"):
        return checks.fits(feature_maps.mean(axis=(1, 2)), "A mean of feature maps")


def class_scores(
    feature_maps: np.ndarray, class_weights: np.ndarray, bias: np.ndarray | None = None, pooling: str = "mean"
) -> np.ndarray:
    """Each class's logit: S_c = sum_k w_k^c F_k + b_c.

    feature_maps: (B, H, W, K)
    class_weights: (K, C)
    bias: (C,), or None for none
    pooling: F_k is the "mean" of map k over its cells, as every network does it, or the "sum", as the paper
        writes it; the two differ by the factor Z = H * W
    Returns (B, C). Raises ValueError or TypeError where shapes don't fit or numbers aren't finite.
    """
    feature_maps = checks.feature_maps(feature_maps)
    class_weights = checks.class_weights(class_weights, feature_maps.shape[3])
    checks.one_of("pooling", pooling, ("mean", "sum"))
    with np.errstate(over="ignore"):  # what is too large is refused by `product`, in a sentence
        pooled = feature_maps.mean(axis=(1, 2)) if pooling == "mean" else feature_maps.sum(axis=(1, 2))
    return checks.product(pooled, class_weights) + checks.bias(bias, n_classes=class_weights.shape[1])


def softmax(class_scores: np.ndarray) -> np.ndarray:
    """Logits (..., C) to probabilities that add up to one: P_c = exp(S_c) / sum_j exp(S_j)."""
    class_scores = checks.finite(class_scores, "class_scores")
    if class_scores.ndim == 0 or class_scores.shape[-1] == 0:
        raise ValueError(f"class_scores has shape {class_scores.shape}; expected (..., C), C at least 1.")
    # Softmax sees differences only, so the largest may be moved to zero: exp can't overflow.
    exps = np.exp(class_scores - class_scores.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


def sigmoid(class_scores: np.ndarray) -> np.ndarray:
    """Each logit by itself as a probability, 1 / (1 + exp(-S)): for classes that may go together."""
    return (
        1 + np.tanh(checks.finite(class_scores, "class_scores") / 2)
    ) / 2  # the same, and nothing overflows


# --- from feature maps to maps of evidence ---------------------------------------------------


def class_activation_maps(feature_maps: np.ndarray, class_weights: np.ndarray) -> np.ndarray:
    """All classes' maps: M_c(x, y) = sum_k w_k^c f_k(x, y); (B, H, W, K), (K, C) -> (B, H, W, C)."""
    feature_maps = checks.feature_maps(feature_maps)
    return checks.product(feature_maps, checks.class_weights(class_weights, feature_maps.shape[3]))


def class_activation_map(
    feature_maps: np.ndarray, class_weights: np.ndarray, class_idx: int | np.ndarray
) -> np.ndarray:
    """The map of one class: M_c(x, y) = sum_k w_k^c f_k(x, y).

    feature_maps: (B, H, W, K)
    class_weights: (K, C)
    class_idx: an int, or one per image, (B,)
    Returns (B, H, W), raw and signed. Raises ValueError or TypeError for a class that there isn't.
    """
    feature_maps = checks.feature_maps(feature_maps)
    class_weights = checks.class_weights(class_weights, feature_maps.shape[3])
    class_idx = checks.class_idx(class_idx, n_images=len(feature_maps), n_classes=class_weights.shape[1])
    return checks.fits(np.einsum("bhwk,kb->bhw", feature_maps, class_weights[:, class_idx]))


def centred(cams: np.ndarray) -> np.ndarray:
    """What decides between the classes: each one's map less the mean over all, (..., C) -> (..., C).

    D_c(x, y) = M_c(x, y) - 1/C sum_j M_j(x, y). Softmax sees this part only: add one map to those of all
    classes, and every probability stays as it was, so no training decides about the rest. Its mean is the
    score less the mean score (biases taken off). Raises for maps that are not finite or have no classes.
    """
    cams = checks.finite(cams, "cams")
    if cams.ndim == 0 or cams.shape[-1] == 0:
        raise ValueError(f"cams has shape {cams.shape}; expected all classes' maps, (..., C), C at least 1.")
    return cams - cams.mean(axis=-1, keepdims=True)


def identity_gap(cams: np.ndarray, class_scores: np.ndarray, bias: np.ndarray | None = None) -> float:
    """How far mean(CAM_c) + b_c is from the score S_c, at worst, over all images and classes.

    cams: (B, H, W, C)
    class_scores: (B, C)
    bias: (C,), or None for none
    Returns a number >= 0: rounding, 1e-5 or less, when the map explains the score; more means that it
    doesn't. Raises ValueError where shapes don't fit.
    """
    cams, class_scores = checks.finite(cams, "cams"), checks.finite(class_scores, "class_scores")
    if cams.ndim != 4 or class_scores.shape != (cams.shape[0], cams.shape[3]) or 0 in cams.shape:
        raise ValueError(
            f"cams has shape {cams.shape} and class_scores {class_scores.shape}; expected (B, H, W, C) and "
            "(B, C), with the same B and C, none empty."
        )
    explained = cams.mean(axis=(1, 2)) + checks.bias(bias, n_classes=cams.shape[3])
    return float(np.abs(explained - class_scores).max())


# --- from the grid to the image --------------------------------------------------------------


def resize_matrix(n_in: int, n_out: int, method: str = "bilinear") -> np.ndarray:
    """The matrix that resizes a line of n_in cells to n_out pixels.

    n_in, n_out: how many there are, at least 1 each
    method: "bilinear" or "bicubic" (R. Keys, 1981, a = -1/2)
    Returns (n_out, n_in): each row is the share of every cell in one pixel and adds up to one.

    Cells and pixels are little squares, so their *centres* are matched (half-pixel convention): pixel i lies
    over cell (i + 1/2) * n_in / n_out - 1/2. The same numbers as tf.image.resize (whose bicubic rounds
    positions to 1/1024 of a cell, unless antialias=True).
    """
    checks.whole_number("n_in", n_in), checks.whole_number("n_out", n_out)
    checks.one_of("method", method, ("bilinear", "bicubic"))
    position = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
    if method == "bilinear":  # beyond the outermost centres the nearest cell counts alone
        position = position.clip(0, n_in - 1)
    distance = np.abs(position[:, None] - np.arange(n_in))
    if method == "bilinear":
        share = np.maximum(0, 1 - distance)
    else:
        d = distance
        near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        share = np.where(d < 1, near, np.where(d < 2, far, 0))
    return share / share.sum(axis=1, keepdims=True)


def upsample(cam: np.ndarray, size: int | tuple[int, int], method: str = "bilinear") -> np.ndarray:
    """Maps resized: rows @ map @ columns, which is linear, so it may follow the weighting.

    cam: (H, W), (B, H, W) or (B, H, W, C)
    size: pixels, one int or height and width
    method: "bilinear" or "bicubic"
    Returns the same axes with the new height and width. One small map is resized instead of K feature maps.
    """
    cam, (height, width) = checks.cams(cam, ndims=(2, 3, 4)), checks.size(size)
    axis = 0 if cam.ndim == 2 else 1
    rows = resize_matrix(cam.shape[axis], height, method).astype(cam.dtype, copy=False)
    columns = resize_matrix(cam.shape[axis + 1], width, method).astype(cam.dtype, copy=False)
    taller = np.moveaxis(np.tensordot(cam, rows, (axis, 1)), -1, axis)
    return np.moveaxis(np.tensordot(taller, columns, (axis + 1, 1)), -1, axis + 1)


# --- from evidence to something to look at ---------------------------------------------------


def normalise(cam: np.ndarray, keep: str = "positive") -> np.ndarray:
    """Each map scaled by its own maximum, for the eye; maps of different images can't be compared any more.

    cam: (H, W) or (B, H, W), raw
    keep: "positive", evidence for the class, the rest set to 0, range [0, 1]; or "signed", both, divided by
        the largest magnitude, range [-1, 1], where zero stays zero
    Returns the same shape. A map with nothing to show becomes zeros, with a warning.
    """
    cam = checks.cams(cam)
    checks.one_of("keep", keep, ("positive", "signed"))
    shown = np.maximum(cam, 0) if keep == "positive" else cam
    largest = np.abs(shown).max(axis=(-2, -1), keepdims=True)
    flat = np.ptp(cam, axis=(-2, -1), keepdims=True) == 0
    nothing = flat | (largest == 0)
    if nothing.any():
        warnings.warn(
            f"{nothing.sum()} of {nothing.size} map(s) had nothing to show (the same everywhere, or no "
            "positive evidence) and became zeros; look at the raw map.",
            stacklevel=2,
        )
    return np.where(nothing, 0, shown / np.where(nothing, 1, largest))


def peak_cell(cam: np.ndarray) -> tuple[int, int]:
    """Row and column of the largest value of one map (H, W): where the evidence is strongest."""
    cam = checks.cams(cam, ndims=(2,))
    row, column = np.unravel_index(cam.argmax(), cam.shape)
    return int(row), int(column)
