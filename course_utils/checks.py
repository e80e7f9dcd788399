"""What every room asks of its arguments, in one dialect: "X is …; expected …, and what to do"."""

from typing import Any

import numpy as np


def whole_number(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """`value` as an int from `least` to `most` (None: no end); raises ValueError for anything else."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least or most is not None and value > most:
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} is {value!r}; expected a whole number, {bounds}.")
    return int(value)


def _is_number(value):
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def pixels(name: str, value: Any, zero: bool = False) -> float:
    """A number of pixels, above 0, or with `zero` from 0 on; raises ValueError for anything else."""
    if not _is_number(value) or not 0 <= value < np.inf or value == 0 and not zero:
        least = "0 or more" if zero else "above 0"
        raise ValueError(f"{name} is {value!r}; expected a number of pixels, {least}.")
    return value


def share(name: str, value: Any) -> float:
    """A number between 0 and 1, both excluded; raises ValueError for anything else."""
    if not _is_number(value) or not 0 < value < 1:
        raise ValueError(f"{name} is {value!r}; expected a number between 0 and 1, such as 0.2 for 20 %.")
    return value


def one_of(name: str, value: Any, choices: tuple) -> Any:
    """`value`, which must be one of the `choices`; raises ValueError."""
    if not any(value is choice or type(value) is type(choice) and value == choice for choice in choices):
        raise ValueError(f"{name} is {value!r}; expected {' or '.join(_quoted(one) for one in choices)}.")
    return value


def _quoted(choice):
    return f'"{choice}"' if isinstance(choice, str) else repr(choice)


def size(value: Any, name: str = "size") -> np.ndarray:
    """Height and width in pixels, (2,), of one whole number for both or of two; raises ValueError."""
    if np.asarray(value).dtype.kind not in "iu" or np.shape(value) not in ((), (2,)) or np.min(value) < 1:
        raise ValueError(
            f"{name} is {value!r}; expected a whole number of pixels, or height and width, at least 1 each."
        )
    return np.broadcast_to(value, 2)


def widened(array: Any, name: str = "array") -> np.ndarray:
    """Any array as NumPy knows it: TensorFlow's bfloat16, which NumPy can't reckon with, becomes float32."""
    try:
        array = np.asarray(array)
    except ValueError as error:  # rows of different lengths, pictures of different sizes
        raise ValueError(
            f"{name} can't be one array, since its parts differ in shape; expected parts of the same shape "
            "(resize the images; of a function that returns several arrays take one, such as [1])."
        ) from error
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def finite(array: Any, name: str) -> np.ndarray:
    """An array of real, finite numbers, at least float32; raises in one sentence for anything else."""
    array = widened(array, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} holds {array.dtype}; expected real numbers.")
    if array.dtype.kind != "f":
        array = array.astype(float)
    elif array.dtype.itemsize < 4:  # half precision: enough to store, not to sum
        array = array.astype(np.float32)
    bad = array.size - np.isfinite(array).sum()
    if bad:
        raise ValueError(
            f"{name} has {bad} value(s) that are NaN or infinite; look for a diverged training (lower the "
            "learning rate) or a division by zero."
        )
    return array


def fits(sums: np.ndarray, what: str = "A weighted sum of feature maps") -> np.ndarray:
    """`sums` of finite numbers, which must be finite too; raises ValueError where they became too large."""
    if not np.isfinite(sums).all():
        raise ValueError(
            f"{what} is too large for {sums.dtype}, which ends at {np.finfo(sums.dtype).max:.1g}; expected "
            "smaller numbers: look for a diverged training, or divide them all by the largest."
        )
    return sums


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b of finite numbers; raises ValueError where it became too large."""
    # The result is asked, not the processor: fast libraries may leave its alarm set when nothing is wrong,
    # and NumPy would warn of an "invalid value encountered in matmul" that isn't there.
    with np.errstate(all="ignore"):
        return fits(a @ b)


def cams(array: Any, name: str = "cam", ndims: tuple[int, ...] = (2, 3)) -> np.ndarray:
    """One class's map (h, w) or those of N images (N, h, w), finite and not empty; raises otherwise.

    ndims: which numbers of axes are welcome; 4 is (N, h, w, C), all classes' maps.
    """
    array = finite(array, name)
    if array.ndim not in ndims or 0 in array.shape:
        shapes = {2: "(h, w)", 3: "(N, h, w)", 4: "(N, h, w, C)"}
        hint = f" Take one of a batch: {name}[0]." if array.ndim == 3 and ndims == (2,) else ""
        raise ValueError(
            f"{name} has shape {array.shape}; expected one class's map, "
            f"{' or '.join(shapes[n] for n in ndims)}, not empty.{hint}"
        )
    return array


def feature_maps(array: Any) -> np.ndarray:
    """Feature maps (B, H, W, K), finite; raises in one sentence for anything else."""
    array = finite(array, "feature_maps")
    if array.ndim != 4:
        hint = " Add the batch axis: feature_maps[None]." if array.ndim == 3 else ""
        raise ValueError(f"feature_maps has shape {array.shape}; expected (B, H, W, K).{hint}")
    if 0 in array.shape:
        raise ValueError(
            f"feature_maps is empty, shape {array.shape}; expected at least one image, cell and map."
        )
    return array


def class_weights(array: Any, n_maps: int) -> np.ndarray:
    """Class weights (K, C) for K feature maps, finite; raises in one sentence for anything else."""
    array = finite(array, "class_weights")
    if array.ndim != 2 or array.shape[0] != n_maps or array.shape[1] == 0:
        transposed = array.ndim == 2 and array.shape[1] == n_maps
        hint = " It looks transposed: class_weights.T." if transposed else ""
        raise ValueError(
            f"class_weights has shape {array.shape}; expected (K, C) with K = {n_maps} feature maps.{hint}"
        )
    return array


def bias(array: Any, n_classes: int) -> np.ndarray | float:
    """One number per class, (C,), or 0.0 for None; raises in one sentence for anything else."""
    if array is None:
        return 0.0
    array = finite(array, "bias")
    if array.shape != (n_classes,):
        raise ValueError(f"bias has shape {array.shape}; expected ({n_classes},), one number a class.")
    return array


def class_idx(value: Any, n_images: int, n_classes: int) -> np.ndarray:
    """`class_idx`, an int or one per image, as an array (n_images,); raises when it fits no class."""
    classes = widened(value, "class_idx")
    if classes.dtype.kind not in "iu":
        raise TypeError(f"class_idx is {classes.tolist()!r}; expected a whole number, or one per image.")
    if classes.shape not in ((), (n_images,)):
        raise ValueError(
            f"class_idx has shape {classes.shape} for {n_images} image(s); give one class for all, or "
            "exactly one per image."
        )
    wrong = classes[(classes < 0) | (classes >= n_classes)]
    if wrong.size:
        raise ValueError(
            f"class_idx {wrong[0]} is out of range; the {n_classes} classes are 0 to {n_classes - 1}."
        )
    return np.broadcast_to(classes, (n_images,))
