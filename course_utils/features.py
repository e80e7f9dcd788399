"""Frozen work is done once: what a frozen network makes of a set of images, in memory.

features = cached_features(frozen_part, data)      Features(x, y), one row an image
"""

import io
import warnings
from typing import NamedTuple

from course_utils.download import in_words

import numpy as np

RESERVE = 500_000_000  # bytes of memory that the features leave free


class Features(NamedTuple):
    """What a frozen network makes of images, one row an image in the data's order, and labels; read-only."""

    x: np.ndarray  # (N, ...)
    y: np.ndarray  # (N,)


def cached_features(frozen_part, data, dtype="float16", progress=True):
    """`Features` of all images of `data`, from one pass over them.

    data: a tf.data.Dataset of (images (B, H, W, 3) in 0..255, labels (B,)). dtype "float16" halves the room,
    for a relative error of 5e-4. Random changes of the images are frozen, too, with a warning. Raises
    MemoryError, after the first batch, where the features would not fit, and ValueError or TypeError for data
    that don't suit the network.
    """
    from tqdm.auto import tqdm

    if dtype not in ("float16", "float32"):
        raise ValueError(f'dtype is {dtype!r}; it can be "float16" or "float32".')
    first, labels, out = first_batch(data, "data", frozen_part), [], io.BytesIO()
    for i, (images, y) in enumerate(
        tqdm(data.as_numpy_iterator(), "frozen layers, once", len(data), leave=False, disable=not progress)
    ):
        if i == 0 and not all(map(np.array_equal, first, (images, y))):
            warnings.warn(
                "The data differ from one pass to the next (shuffled or changed at random): every epoch "
                "gets the features of one pass.",
                stacklevel=3,
            )
        if not np.isfinite(images).all():
            raise ValueError(
                f"Batch {i} of data has images with values that are NaN or infinite; look into it."
            )
        x = _narrowed(np.asarray(frozen_part.predict_on_batch(images)), dtype)
        _check_room((len(data) - i) * x.nbytes)
        out.write(x)
        labels.append(y)
    x = np.frombuffer(out.getbuffer(), dtype).reshape(-1, *x.shape[1:])
    x.flags.writeable = False
    return Features(x, np.concatenate(labels))


def _narrowed(x, dtype):
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(x.astype(dtype))
    if not np.isfinite(x).all():
        raise ValueError("The features have values that are NaN or infinite; look into the model's weights.")
    if not np.isfinite(narrow).all():
        raise ValueError(
            f'The features reach {np.abs(x).max():.3g}, more than {dtype} can hold; give dtype="float32".'
        )
    return narrow


def _check_room(needed):
    """Refuse now what would end in a dead kernel later."""
    import psutil

    free = psutil.virtual_memory().available
    if needed > free - RESERVE:
        raise MemoryError(
            f"The features need {in_words(needed)} more in memory, where {in_words(free)} are free "
            f"and {in_words(RESERVE)} stay in reserve; take fewer images."
        )


def first_batch(data, what, model):
    """(images, labels) of the first batch, or one sentence on why the model can't be fed with `data`."""
    import tensorflow as tf

    if not isinstance(data, tf.data.Dataset):
        raise TypeError(
            f"{what} is a {type(data).__name__}; expected a tf.data.Dataset of batches (images, labels), "
            "for example tf.data.Dataset.from_tensor_slices((images, labels)).batch(32)."
        )
    spec = data.element_spec
    if not (isinstance(spec, tuple) and len(spec) == 2 and all(isinstance(of, tf.TensorSpec) for of in spec)):
        raise ValueError(f"{what} doesn't give pairs (images, labels); map it so that it does.")
    if spec[0].shape.rank not in (4, None):
        hint = f": make batches first, {what}.batch(32)" if spec[0].shape.rank == 3 else ""
        raise ValueError(
            f"{what} gives images of shape {spec[0].shape}; expected (B, height, width, 3){hint}."
        )
    n_batches = int(data.cardinality())
    if n_batches < 1:
        flaw = {0: "is empty", tf.data.INFINITE_CARDINALITY: "never ends"}.get(n_batches, "hides its length")
        raise ValueError(
            f"{what} {flaw}; expected a known number of batches, at least 1: see take(n), and "
            "apply(tf.data.experimental.assert_cardinality(n))."
        )
    images, labels = next(data.as_numpy_iterator())
    if any(wanted not in (None, given) for given, wanted in zip(images.shape[1:], model.input_shape[1:])):
        height, width, channels = (n or "any" for n in model.input_shape[1:])
        raise ValueError(
            f"{what} gives images of shape {images.shape}, but model '{model.name}' takes "
            f"(B, {height}, {width}, {channels}): resize them, or convert between grey and colour."
        )
    low, high = images.min(), images.max()
    if not (low >= -50 and 1 < high <= 305):  # bicubic resizing overshoots a little
        raise ValueError(
            f"The images of {what} go from {low:.3g} to {high:.3g}; expected 0..255, which the models "
            "rescale inside."
        )
    return images, labels
