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

import numpy as np

# --- from feature maps to scores -------------------------------------------------------------


def global_average_pooling(feature_maps):
    """Each map's mean: (B, H, W, K) -> (B, K), the one number a map has to say."""
    return check_feature_maps(feature_maps).mean(axis=(1, 2))


def class_scores(feature_maps, class_weights, bias=None, pooling="mean"):
    """Each class's logit: (B, H, W, K), (K, C) -> (B, C).

    S_c = sum_k w_k^c F_k + b_c, with F_k the mean of map k over its cells, as every network does it,
    or its sum (pooling="sum"), as the paper writes it; the two differ by the factor Z = H * W.
    """
    feature_maps = check_feature_maps(feature_maps)
    class_weights = _class_weights(class_weights, feature_maps)
    if pooling not in ("mean", "sum"):
        raise ValueError(f'pooling is {pooling!r}; it can be "mean" (the networks) or "sum" (the paper).')
    pooled = feature_maps.mean(axis=(1, 2)) if pooling == "mean" else feature_maps.sum(axis=(1, 2))
    return pooled @ class_weights + _bias(bias, n_classes=class_weights.shape[1])


def softmax(class_scores):
    """Logits (..., C) to probabilities that add up to one: P_c = exp(S_c) / sum_j exp(S_j)."""
    class_scores = finite(class_scores, "class_scores")
    if class_scores.ndim == 0 or class_scores.shape[-1] == 0:
        raise ValueError(f"class_scores has shape {class_scores.shape}; expected (..., C), C at least 1.")
    # Softmax sees differences only, so the largest may be moved to zero: exp can't overflow.
    exps = np.exp(class_scores - class_scores.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


def sigmoid(class_scores):
    """Each logit by itself as a probability, 1 / (1 + exp(-S)), same shape: where classes don't exclude each
    other.
    """
    return (1 + np.tanh(finite(class_scores, "class_scores") / 2)) / 2  # the same, and nothing overflows


# --- from feature maps to maps of evidence ---------------------------------------------------


def class_activation_maps(feature_maps, class_weights):
    """All classes' maps: M_c(x, y) = sum_k w_k^c f_k(x, y); (B, H, W, K), (K, C) -> (B, H, W, C)."""
    feature_maps = check_feature_maps(feature_maps)
    return feature_maps @ _class_weights(class_weights, feature_maps)


def class_activation_map(feature_maps, class_weights, class_idx):
    """The map of one class, or of one class per image: (B, H, W, K), (K, C) -> (B, H, W)."""
    feature_maps = check_feature_maps(feature_maps)
    class_weights = _class_weights(class_weights, feature_maps)
    class_idx = check_class_idx(class_idx, n_images=len(feature_maps), n_classes=class_weights.shape[1])
    return np.einsum("bhwk,kb->bhw", feature_maps, class_weights[:, class_idx])


def identity_gap(cams, class_scores, bias=None):
    """How far mean(CAM_c) + b_c is from the score S_c, at worst, over all images and classes.

    cams (B, H, W, C), class_scores (B, C), bias (C,) or None -> one number >= 0. It is rounding error,
    1e-5 or less, when the map explains the score; anything larger means that it doesn't.
    """
    cams, class_scores = finite(cams, "cams"), finite(class_scores, "class_scores")
    if cams.ndim != 4 or class_scores.shape != (cams.shape[0], cams.shape[3]) or 0 in cams.shape:
        raise ValueError(
            f"cams has shape {cams.shape} and class_scores {class_scores.shape}; "
            "expected (B, H, W, C) and (B, C), with the same B and C, none empty."
        )
    explained = cams.mean(axis=(1, 2)) + _bias(bias, n_classes=cams.shape[3])
    return float(np.abs(explained - class_scores).max())


# --- from the grid to the image --------------------------------------------------------------


def resize_matrix(n_in, n_out, method="bilinear"):
    """The (n_out, n_in) matrix that resizes a line of n_in cells to n_out pixels.

    Cells and pixels are little squares, so their *centres* are matched (half-pixel convention):
    pixel i lies over cell (i + 1/2) * n_in / n_out - 1/2. Each row is the share of every cell in
    one pixel and adds up to one. Cubic: R. Keys, 1981, a = -1/2. The same numbers as tf.image.resize
    (whose bicubic rounds positions to 1/1024 of a cell, unless antialias=True).
    """
    if min(n_in, n_out) < 1:
        raise ValueError(f"Cannot resize {n_in} cells to {n_out} pixels; both must be at least 1.")
    position = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
    if method == "bilinear":  # beyond the outermost centres the nearest cell counts alone
        position = position.clip(0, n_in - 1)
    distance = np.abs(position[:, None] - np.arange(n_in))
    if method == "bilinear":
        share = np.maximum(0, 1 - distance)
    elif method == "bicubic":
        d = distance
        near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        share = np.where(d < 1, near, np.where(d < 2, far, 0))
    else:
        raise ValueError(f'method is {method!r}; it can be "bilinear" or "bicubic".')
    return share / share.sum(axis=1, keepdims=True)


def upsample(cam, size, method="bilinear"):
    """Maps resized to `size` (an int, or height and width): (H, W), (B, H, W) or (B, H, W, C).

    Resizing is linear, rows @ map @ columns, so it may follow the weighting: one small map is resized
    instead of K feature maps.
    """
    cam = finite(cam, "cam")
    if cam.ndim not in (2, 3, 4) or 0 in cam.shape:
        raise ValueError(
            f"cam has shape {cam.shape}; expected (H, W), (B, H, W) or (B, H, W, C), none empty."
        )
    if np.asarray(size).dtype.kind not in "iu" or np.shape(size) not in ((), (2,)) or np.min(size) < 1:
        raise ValueError(
            f"size is {size!r}; expected a whole number of pixels, or height and width, at least 1 each."
        )
    height, width = np.broadcast_to(size, 2)
    axis = 0 if cam.ndim == 2 else 1
    rows = resize_matrix(cam.shape[axis], height, method).astype(cam.dtype, copy=False)
    columns = resize_matrix(cam.shape[axis + 1], width, method).astype(cam.dtype, copy=False)
    taller = np.moveaxis(np.tensordot(cam, rows, (axis, 1)), -1, axis)
    return np.moveaxis(np.tensordot(taller, columns, (axis + 1, 1)), -1, axis + 1)


# --- from evidence to something to look at ---------------------------------------------------


def normalise(cam, keep="positive"):
    """Each map scaled by its own maximum, for the eye: (H, W) or (B, H, W), same shape out.

    keep="positive": evidence for the class, negative evidence set to 0, range [0, 1].
    keep="signed": both, divided by the largest magnitude, range [-1, 1]; zero stays zero.
    A map with nothing to show becomes zeros, with a warning. Scaled maps of different images can no
    longer be compared with each other: compare raw ones.
    """
    cam = finite(cam, "cam")
    if cam.ndim not in (2, 3) or 0 in cam.shape:
        raise ValueError(
            f"cam has shape {cam.shape}; expected one class's map: (H, W) or (B, H, W), not empty."
        )
    if keep not in ("positive", "signed"):
        raise ValueError(f'keep is {keep!r}; it can be "positive" or "signed".')
    shown = np.maximum(cam, 0) if keep == "positive" else cam
    largest = np.abs(shown).max(axis=(-2, -1), keepdims=True)
    flat = np.ptp(cam, axis=(-2, -1), keepdims=True) == 0
    nothing = flat | (largest == 0)
    if nothing.any():
        warnings.warn(
            f"{nothing.sum()} of {nothing.size} map(s) had nothing to show (the same everywhere, or "
            "no positive "
            "evidence) and became zeros; look at the raw map.",
            stacklevel=2,
        )
    return np.where(nothing, 0, shown / np.where(nothing, 1, largest))


def peak_cell(cam):
    """Row and column of the largest value of one map (H, W): where the evidence is strongest."""
    cam = finite(cam, "cam")
    if cam.ndim != 2 or cam.size == 0:
        raise ValueError(f"cam has shape {cam.shape}; expected one map (H, W). Take one of a batch: cam[0].")
    row, column = np.unravel_index(cam.argmax(), cam.shape)
    return int(row), int(column)


# --- what goes wrong, said in one sentence ---------------------------------------------------


def check_class_idx(class_idx, n_images, n_classes):
    """`class_idx`, an int or one per image, as an array (n_images,); raises when it fits no class."""
    classes = np.asarray(class_idx)
    if classes.dtype.kind not in "iu":
        raise TypeError(f"class_idx is {classes.tolist()!r}; expected a whole number, or one per image.")
    if classes.shape not in ((), (n_images,)):
        raise ValueError(
            f"class_idx has shape {classes.shape} for {n_images} image(s); "
            "give one class for all, or exactly one per image."
        )
    wrong = classes[(classes < 0) | (classes >= n_classes)]
    if wrong.size:
        raise ValueError(
            f"class_idx {wrong[0]} is out of range; the {n_classes} classes are 0 to {n_classes - 1}."
        )
    return np.broadcast_to(classes, (n_images,))


def widened(array):
    """Any array as NumPy knows it: TensorFlow's bfloat16, which NumPy can't reckon with, becomes float32."""
    array = np.asarray(array)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def finite(array, name):
    """An array of real, finite numbers, at least float32; raises in one sentence for anything else."""
    array = widened(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} holds {array.dtype}; expected real numbers.")
    if array.dtype.kind != "f":
        array = array.astype(float)
    elif array.dtype.itemsize < 4:  # half precision: enough to store, not to sum
        array = array.astype(np.float32)
    bad = array.size - np.isfinite(array).sum()
    if bad:
        raise ValueError(
            f"{name} has {bad} value(s) that are NaN or infinite; "
            "look for a diverged training (lower the learning rate) or a division by zero."
        )
    return array


def check_feature_maps(feature_maps):
    """Feature maps (B, H, W, K), finite; raises in one sentence for anything else."""
    feature_maps = finite(feature_maps, "feature_maps")
    if feature_maps.ndim != 4:
        hint = " Add the batch axis: feature_maps[None]." if feature_maps.ndim == 3 else ""
        raise ValueError(f"feature_maps has shape {feature_maps.shape}; expected (B, H, W, K).{hint}")
    if 0 in feature_maps.shape:
        raise ValueError(
            f"feature_maps is empty, shape {feature_maps.shape}; expected at least one image, cell and map."
        )
    return feature_maps


def _class_weights(class_weights, feature_maps):
    class_weights = finite(class_weights, "class_weights")
    K = feature_maps.shape[3]
    if class_weights.ndim != 2 or class_weights.shape[0] != K or class_weights.shape[1] == 0:
        hint = (
            " It looks transposed: class_weights.T."
            if class_weights.ndim == 2 and class_weights.shape[1] == K
            else ""
        )
        raise ValueError(
            f"class_weights has shape {class_weights.shape}; expected (K, C) with K = {K} feature maps.{hint}"
        )
    return class_weights


def _bias(bias, n_classes):
    if bias is None:
        return 0.0
    bias = finite(bias, "bias")
    if bias.shape != (n_classes,):
        raise ValueError(f"bias has shape {bias.shape}; expected ({n_classes},), one number a class.")
    return bias
