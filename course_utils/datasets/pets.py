"""Cats and dogs for a network: photographs where they are on disk, and drawings, offline and at once.

`load` gives either, `load_head_boxes` tells where the heads are.
"""

from functools import lru_cache
from typing import NamedTuple

from course_utils import checks

import numpy as np

CLASS_NAMES = ("cat", "dog")

# The seeds of the drawn splits. What shipped networks learnt from starts at 1,000,000, and what is below
# 10,000 is for showing: no picture is in two of these places.
SPLIT_SEEDS = {"train": range(10_000, 60_000), "valid": range(60_000, 80_000), "test": range(80_000, 100_000)}
_SHARES = {"train": "train[:80%]", "valid": "train[80%:90%]", "test": "train[90%:]"}
DRAWN_NUMBERS = (2_000, 250, 250)
DRAWN_SIZE, PHOTO_SIZE = 96, 224


class PetData(NamedTuple):
    """Cats (0) and dogs (1) for a network: three `tf.data.Dataset`s of (images, labels).

    images: uint8 (b, S, S, 3); labels: int64 (b,). Every pass over a split gives the same
    pictures in the same order, and its length (in batches) is known: nothing is shuffled here.
    """

    train: object
    valid: object
    test: object
    class_names: tuple
    source: str  # "tfds" or "embedded"
    image_size: int  # S
    n_images: tuple  # in train, valid and test

    def __str__(self):
        n_train, n_valid, n_test = self.n_images
        return (
            f"{_what_it_is('cats_vs_dogs', self.source, self.image_size)}: {n_train:,} to train on, "
            f"{n_valid:,} to validate on, {n_test:,} to test on."
        )


class HeadBoxes(NamedTuple):
    """N cats (0) and dogs (1) whose head is known."""

    images: np.ndarray  # (N, S, S, 3) uint8
    labels: np.ndarray  # (N,) int64
    head_boxes: np.ndarray  # (N, 4) int64: x0, y0, x1, y1, end exclusive, in pixels of the S x S image
    class_names: tuple
    source: str  # "tfds" or "embedded"

    def __str__(self):
        what = _what_it_is("oxford_iiit_pet", self.source, self.images.shape[1])
        return f"{what}: {len(self.labels):,} with a box around the head."


# ------------------------------------------------------------------------------------ pictures for a network


def load(source="auto", n_train=None, batch_size=32, seed=0):
    """Cats and dogs in batches, as `PetData`.

    source="tfds": the photographs of TFDS' cats_vs_dogs, from disk only, split 80/10/10 and brought to
    224x224 (both sides, whatever their proportions), read and decoded anew at every pass, so that they are
    never all in memory; "embedded": pets drawn now, 96x96, 2,000/250/250; "auto": the first where present.
    n_train: how many to train on, if not all photographs or 2,000 drawings; of photographs valid and test are
    then an eighth as many each, as in the whole, but at least 250. seed picks which are trained on: 0 the
    first n_train of those there are, 1 the next n_train, and so on round and round; valid and test stay the
    same. Raises FileNotFoundError when the photographs are asked for and aren't there: nothing is downloaded
    unasked. Raises ValueError for anything else that isn't as described.
    """
    batch_size, seed = checks.whole_number("batch_size", batch_size, 1), checks.whole_number("seed", seed, 0)
    n_train = None if n_train is None else checks.whole_number("n_train", n_train, 1)
    if _resolve("cats_vs_dogs", source) == "tfds":
        return _photographs(n_train, batch_size, seed)
    return _drawings(n_train or DRAWN_NUMBERS[0], batch_size, seed)


def load_head_boxes(source="auto", split="test", n=250):
    """Up to n pets of a split whose head is known, as `HeadBoxes`; in memory, so n bounds it.

    source="tfds": photographs of oxford_iiit_pet brought to 224x224, boxes likewise. Only its training part
    has boxes; it is split 80/10/10 as in `load`, and pictures without a box are left out. "embedded": the
    drawn pets of `load`, 96x96, exactly n; "auto": the first where it is present. split: "train", "valid"
    (where a threshold is chosen) or "test" (where it is judged).
    Raises FileNotFoundError when the photographs are asked for and aren't there, ValueError otherwise.
    """
    checks.one_of("split", split, tuple(SPLIT_SEEDS))
    n = checks.whole_number("n", n, 1)
    if _resolve("oxford_iiit_pet", source) == "tfds":
        return _boxed_photographs(_SHARES[split], n)
    images, labels, boxes = _draw_seeds(SPLIT_SEEDS[split], 0, n)
    return HeadBoxes(images.copy(), labels.copy(), boxes.copy(), CLASS_NAMES, "embedded")


def _resolve(name, source):
    """What "auto" comes to: "tfds" if the data set is here and whole, else "embedded"."""
    checks.one_of("source", source, ("auto", "tfds", "embedded"))
    if source == "embedded":
        return source
    from course_utils.machine import fetch

    flaw = fetch.flaw(name)
    if flaw is None:
        return "tfds"
    if source == "auto":
        return "embedded"
    state = "isn't on this machine yet" if flaw == fetch.ABSENT else f"is damaged ({flaw})"
    raise FileNotFoundError(
        f"The data set {name} {state}; get it with `{fetch.how_to_get(name)}`, "
        'or use source="embedded" meanwhile.'
    )


def _what_it_is(name, source, size):
    kind = f"Photographs of cats and dogs (TFDS {name})" if source == "tfds" else "Drawn cats and dogs"
    return f"{kind}, {size} x {size} pixels"


@lru_cache(maxsize=8)
def _draw_seeds(seeds, start, n):
    """n pets of a range of seeds from its `start`-th on, round and round: images uint8, labels, head boxes.

    Drawn once: whoever asks again gets the same arrays, which therefore can't be written to.
    """
    from course_utils.datasets.drawn.pets import draw_pet

    from tqdm.auto import tqdm

    if n > len(seeds):
        raise ValueError(f"{n:,} drawn pets were asked for, but this split has {len(seeds):,}: take fewer.")
    numbers = tqdm(range(start, start + n), "drawing pets", leave=False, disable=n < 500)
    pets = [draw_pet(seeds[i % len(seeds)], size=DRAWN_SIZE) for i in numbers]
    arrays = [np.array([getattr(pet, field) for pet in pets]) for field in ("image", "label", "head_box")]
    for array in arrays:
        array.flags.writeable = False
    return arrays


def _drawings(n_train, batch_size, seed):
    import tensorflow as tf

    def batches(images, labels):
        return tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size).prefetch(2)

    numbers = (n_train, *DRAWN_NUMBERS[1:])
    starts = (seed * n_train % len(SPLIT_SEEDS["train"]), 0, 0)
    splits = [
        batches(*_draw_seeds(seeds, start, n)[:2])
        for seeds, start, n in zip(SPLIT_SEEDS.values(), starts, numbers)
    ]
    return PetData(*splits, CLASS_NAMES, "embedded", DRAWN_SIZE, numbers)


def _photographs(n_train, batch_size, seed):
    import tensorflow as tf

    builder = _builder("cats_vs_dogs")
    numbers = [builder.info.splits[share].num_examples for share in _SHARES.values()]
    splits, n_all = list(_SHARES.values()), numbers[0]
    if n_train is not None:
        if n_train > n_all:
            raise ValueError(
                f"{n_train:,} photographs to train on were asked for, but {n_all:,} are here: take fewer, "
                "or leave n_train out for all."
            )
        first = seed * n_train % n_all
        end, again = min(first + n_train, n_all), max(first + n_train - n_all, 0)
        splits[0] = f"train[{first}:{end}]" + (f"+train[:{again}]" if again else "")
        numbers[0] = n_train
        # Whoever trains on few doesn't want to wait for the answers about thousands.
        numbers[1:] = [min(n, max(n_train // 8, few)) for n, few in zip(numbers[1:], DRAWN_NUMBERS[1:])]

    def batches(split, n):
        photographs = _read(builder, split).take(n)
        return (
            photographs.map(lambda x: (_resized(x["image"]), x["label"]), tf.data.AUTOTUNE)
            .batch(batch_size)
            .prefetch(2)
        )

    return PetData(*map(batches, splits, numbers), CLASS_NAMES, "tfds", PHOTO_SIZE, tuple(numbers))


def _boxed_photographs(share, n):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    data = _read(_builder("oxford_iiit_pet"), share, {"segmentation_mask": tfds.decode.SkipDecoding()})
    boxed = data.filter(lambda x: tf.reduce_all(x["head_bbox"][2:] > x["head_bbox"][:2]))  # none: four zeros
    photographs = boxed.take(n).map(lambda x: (_resized(x["image"]), x["species"], x["head_bbox"]))
    found = list(photographs.as_numpy_iterator())
    if not found:
        raise ValueError(f'No picture in {share} of oxford_iiit_pet has a head box: use source="embedded".')
    images, labels, boxes = map(np.array, zip(*found))
    # TFDS has y0, x0, y1, x1 in shares of the picture; a sliver of a box keeps at least one pixel.
    boxes = np.rint(boxes[:, [1, 0, 3, 2]] * np.float64(PHOTO_SIZE)).astype(np.int64)
    boxes[:, :2] = np.minimum(boxes[:, :2], PHOTO_SIZE - 1)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return HeadBoxes(images, labels, boxes, CLASS_NAMES, "tfds")


def _builder(name):
    from course_utils.machine import fetch

    import tensorflow_datasets as tfds

    return tfds.builder_from_directory(str(fetch.tfds_path(name)))  # reads what is there, can't download


def _read(builder, split, decoders=None):
    import tensorflow_datasets as tfds

    # Left to itself, TFDS keeps what is below 250 MB on disk in memory, where it is ten times as large.
    streamed = tfds.ReadConfig(try_autocache=False)
    return builder.as_dataset(split=split, decoders=decoders, read_config=streamed)


def _resized(image):
    import tensorflow as tf

    resized = tf.image.resize(image, (PHOTO_SIZE, PHOTO_SIZE), "bilinear", antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)


# --------------------------------------------------------------------------------------------- drawn pets


# ----------------------------------------------------------------------------------- how they are arranged
