"""Frozen work is done once: what a frozen network makes of a set of images, computed once and kept.

    features = cached_features(frozen_part, data)      Features(x, y), one row an image

Features are kept in memory, or in a folder. There they are a raw file NAME.features and a note NAME.json that
says what they belong to; the note is written last, so a file that lacks it doesn't count.
"""

import hashlib
import io
import json
import os
import time
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils.download import free_space, in_words

MB = 1_000_000
RESERVE = 500 * MB  # of memory or disk that the features leave free
KEEP = 1000 * MB  # of features that stay in memory from one call to the next


class Features(NamedTuple):
    """What a frozen network makes of images, one row an image in the data's order, and labels; read-only."""

    x: np.ndarray  # (N, ...)
    y: np.ndarray  # (N,)


def cached_features(frozen_part, data, cache_dir=None, dtype="float16", progress=True):
    """`Features` of all images of `data`, computed once: kept in memory, or in the folder `cache_dir`.

    data: a tf.data.Dataset of (images (B, H, W, 3) in 0..255, labels (B,)). Kept features are used again only
    for the same layers, weights, dtype and data, byte for byte: to be sure, the data are read once more,
    which costs little beside the network. A torn or altered file is noticed by its checksum and made again.
    dtype "float16" halves the room, for a relative error of 5e-4. Random changes of the images are frozen,
    too, with a warning. Raises MemoryError or OSError, after the first batch, where the features would not
    fit, and ValueError or TypeError for data that don't suit the network.
    """
    return keep(frozen_part, data, cache_dir, dtype, progress)[0]


_kept = {}  # name -> (fingerprint of the data, features), oldest first


def forget():
    """Free the memory of all kept features that nobody holds any more."""
    _kept.clear()


def keep(frozen_part, data, cache_dir, dtype, progress):
    """(`Features`, a key that stands for the data, the layers and their weights)."""
    if dtype not in ("float16", "float32"):
        raise ValueError(f'dtype is {dtype!r}; it can be "float16" or "float32".')
    folder = None if cache_dir is None else make_folder(cache_dir, "cache_dir")
    first = first_batch(data, "data", frozen_part)
    name = _name(frozen_part, first, len(data), dtype)
    known, x = _load(folder, name) if folder else _kept.get(name, (None, None))
    if known:
        fingerprint, y = read_through(data)
        if fingerprint == known:
            return Features(x, y), name + fingerprint
    write = partial(_write, frozen_part, data, first, dtype, folder, progress)
    x, y, fingerprint = _to_disk(folder, name, dtype, write) if folder else _to_memory(name, dtype, write)
    return Features(x, y), name + fingerprint


def _name(frozen_part, first, n_batches, dtype):
    """24 letters for all that the features depend on, but for the data behind the first batch."""
    import keras

    config = as_text([keras.__version__, frozen_part.get_config(), n_batches, dtype])
    digest = hashlib.sha256(config.encode())
    _add(digest, *frozen_part.get_weights(), *first)
    return digest.hexdigest()[:24]


def as_text(config):
    """A layer's or optimizer's configuration as a text that is the same in every session."""
    return json.dumps(config, sort_keys=True, default=str)


def _add(digest, *arrays):
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array))


def read_through(data):
    """(fingerprint, labels) of the data, from one pass over them."""
    digest, labels = hashlib.sha256(), []
    for images, y in data.as_numpy_iterator():
        _add(digest, images, y)
        labels.append(y)
    return digest.hexdigest(), np.concatenate(labels)


def _write(frozen_part, data, first, dtype, folder, progress, out):
    """Write the features of one pass to the file `out`: (shape, labels, fingerprint, steady data?)."""
    from tqdm.auto import tqdm

    digest, labels = hashlib.sha256(), []
    for i, (images, y) in enumerate(tqdm(data.as_numpy_iterator(), "frozen layers, once", len(data),
                                         leave=False, disable=not progress)):
        if i == 0:
            steady = _check_steady(first, (images, y), folder)
        elif len(images) > len(first[0]) or len(images) < len(first[0]) and i < len(data) - 1:
            raise ValueError(f"Batch {i} of data has {len(images)} images and batch 0 has {len(first[0])}; "
                             "expected batches of one size, but for the last one.")
        if not np.isfinite(images).all():
            raise ValueError(f"Batch {i} of data has images with values that are NaN or infinite; look into it.")
        x = _narrowed(np.asarray(frozen_part.predict_on_batch(images)), dtype)
        _check_room((len(data) - i) * x.nbytes, folder)
        out.write(x)
        _add(digest, images, y)
        labels.append(y)
    y = np.concatenate(labels)
    return (len(y), *x.shape[1:]), y, digest.hexdigest(), steady


def _check_steady(first, again, folder):
    """Does a second pass begin like the first? If not, nothing can be used again."""
    steady = all(map(np.array_equal, first, again))
    what = "The data differ from one pass to the next (shuffled or changed at random)"
    if not steady and folder:
        raise ValueError(f"{what}, so features in cache_dir could never be used again; leave cache_dir out, "
                         "or make the data steady: shuffle(..., reshuffle_each_iteration=False).")
    if not steady:
        warnings.warn(f"{what}: every epoch gets the features of one pass.")
    return steady


def _narrowed(x, dtype):
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(x.astype(dtype))
    if not np.isfinite(x).all():
        raise ValueError("The features have values that are NaN or infinite; look into the model's weights.")
    if not np.isfinite(narrow).all():
        raise ValueError(f"The features reach {np.abs(x).max():.3g}, more than {dtype} can hold; give "
                         'dtype="float32".')
    return narrow


def _check_room(needed, folder):
    """Refuse now what would end in a dead kernel or a full disk later."""
    if folder is None:
        import psutil

        error, where, advice = MemoryError, "memory", "let cache_dir name a folder"
        free = psutil.virtual_memory().available
    else:
        error, where, advice, free = OSError, "cache_dir", "choose another disk", free_space(folder)
    if needed > free - RESERVE:
        raise error(f"The features need {in_words(needed)} more in {where}, where {in_words(free)} are free "
                    f"and {in_words(RESERVE)} stay in reserve; {advice}, or take fewer images.")


def _to_memory(name, dtype, write):
    out = io.BytesIO()
    shape, y, fingerprint, steady = write(out)
    x = np.frombuffer(out.getbuffer(), dtype).reshape(shape)
    x.flags.writeable = False  # others may be given the same array
    _kept.pop(name, None)
    if steady and x.nbytes <= KEEP:
        while sum(kept.nbytes for _, kept in _kept.values()) + x.nbytes > KEEP:
            _kept.pop(next(iter(_kept)))
        _kept[name] = fingerprint, x
    return x, y, fingerprint


def _to_disk(folder, name, dtype, write):
    for left in folder.glob("*.part"):  # by a killed process: a living one would have written within the hour
        if time.time() - left.stat().st_mtime > 3600:
            left.unlink(missing_ok=True)
    file, note = folder / f"{name}.features", folder / f"{name}.json"
    part = folder / f"{name}.{os.getpid()}.part"
    try:
        with open(part, "wb") as out:
            shape, y, fingerprint, _ = write(out)
        about = {"fingerprint": fingerprint, "shape": shape, "dtype": dtype}
        about["checksum"] = _checksum(part, about)
        note.unlink(missing_ok=True)
        os.replace(part, file)
        part.write_text(as_text(about), encoding="utf-8")
        os.replace(part, note)
    finally:
        part.unlink(missing_ok=True)
    return np.memmap(file, dtype, "r", shape=shape), y, fingerprint


def _load(folder, name):
    """(fingerprint of the data, features) from the disk if they are there and whole, else (None, None)."""
    file, note = folder / f"{name}.features", folder / f"{name}.json"
    if not note.exists():
        return None, None
    try:
        about = json.loads(note.read_text(encoding="utf-8"))
        if about.pop("checksum") == _checksum(file, about):
            return about["fingerprint"], np.memmap(file, about["dtype"], "r", shape=tuple(about["shape"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # a torn note is no better than a wrong checksum
    warnings.warn(f"{file.name} in cache_dir is torn or altered, so the features are made again.")
    return None, None


def _checksum(file, about):
    with open(file, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
    digest.update(as_text(about).encode())
    return digest.hexdigest()


def first_batch(data, what, model):
    """(images, labels) of the first batch, or one sentence on why the model can't be fed with `data`."""
    import tensorflow as tf

    if not isinstance(data, tf.data.Dataset):
        raise TypeError(f"{what} is a {type(data).__name__}; expected a tf.data.Dataset of batches (images, labels), "
                        "for example tf.data.Dataset.from_tensor_slices((images, labels)).batch(32).")
    spec = data.element_spec
    if not (isinstance(spec, tuple) and len(spec) == 2 and all(isinstance(of, tf.TensorSpec) for of in spec)):
        raise ValueError(f"{what} doesn't give pairs (images, labels); map it so that it does.")
    if spec[0].shape.rank not in (4, None):
        hint = f": make batches first, {what}.batch(32)" if spec[0].shape.rank == 3 else ""
        raise ValueError(f"{what} gives images of shape {spec[0].shape}; expected (B, height, width, 3){hint}.")
    n_batches = int(data.cardinality())
    if n_batches < 1:
        flaw = {0: "is empty", tf.data.INFINITE_CARDINALITY: "never ends"}.get(n_batches, "hides its length")
        raise ValueError(f"{what} {flaw}; expected a known number of batches, at least 1: see take(n), and "
                         "apply(tf.data.experimental.assert_cardinality(n)).")
    images, labels = next(data.as_numpy_iterator())
    if any(wanted not in (None, given) for given, wanted in zip(images.shape[1:], model.input_shape[1:])):
        height, width, channels = (n or "any" for n in model.input_shape[1:])
        raise ValueError(f"{what} gives images of shape {images.shape}, but model '{model.name}' takes "
                         f"(B, {height}, {width}, {channels}): resize them, or convert between grey and colour.")
    low, high = images.min(), images.max()
    if not (low >= -50 and 1 < high <= 305):  # bicubic resizing overshoots a little
        raise ValueError(f"The images of {what} go from {low:.3g} to {high:.3g}; expected 0..255, which the models "
                         "rescale inside.")
    return images, labels


def make_folder(path, what):
    """`path` as a folder that exists; raises OSError with a sentence where it can't."""
    path = Path(path).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{what} is {str(path)!r}, where no folder can be made ({error.strerror}); "
                      "choose another.") from error
    return path
