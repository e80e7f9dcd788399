"""Cats and dogs: drawn ones, which every machine makes by itself, offline and at once, and photographs
where they are on disk.

`load` gives either to a network, `load_head_boxes` tells where the heads are. The drawings come with the
truth that photographs lack: where the head is, where the body is, and where a planted red ball is. Only the
head depends on the class. The cat and the dog of one seed are the same picture elsewhere, so whatever a map
shows outside the head, the class did not put it there.

A seed fixes a picture. NumPy generators of its own decide, one each for layout, pets, scenery, ball and
light, and Pillow fills polygons; there are no fonts, no files and no clock in it. How many are drawn, in
which order and where doesn't matter (though another Pillow may round a pixel at an edge differently).
"""

from functools import lru_cache
from typing import NamedTuple

from course_utils.datasets import animals, scenery
from course_utils.datasets.drawing import CIRCLE, Canvas, ellipse, finish_mask

import numpy as np

CLASS_NAMES = ("cat", "dog")
_STREAMS = ("label", "layout", "pet", "scenery", "cue", "light")

# The seeds of the drawn splits. What shipped networks learnt from starts at 1,000,000, and what is below
# 10,000 is for showing: no picture is in two of these places.
SPLIT_SEEDS = {"train": range(10_000, 60_000), "valid": range(60_000, 80_000), "test": range(80_000, 100_000)}
_SHARES = {"train": "train[:80%]", "valid": "train[80%:90%]", "test": "train[90%:]"}
DRAWN_NUMBERS = (2_000, 250, 250)
DRAWN_SIZE, PHOTO_SIZE = 96, 224


class Drawing(NamedTuple):
    """One drawn pet and where everything is: masks (size, size) bool that exclude each other, a tight box."""

    image: np.ndarray  # (size, size, 3) uint8
    label: int  # 0 cat, 1 dog
    head_box: tuple  # x0, y0, x1, y1, end exclusive
    head_mask: np.ndarray
    body_mask: np.ndarray
    cue_mask: np.ndarray  # the red ball; nowhere True if there is none


class Drawings(NamedTuple):
    """N drawn pets: the fields of `Drawing`, stacked."""

    images: np.ndarray  # (N, size, size, 3) uint8
    labels: np.ndarray  # (N,)
    head_boxes: np.ndarray  # (N, 4)
    head_masks: np.ndarray  # (N, size, size) bool
    body_masks: np.ndarray
    cue_masks: np.ndarray


class TwoPets(NamedTuple):
    """A picture of a cat and a dog; position 0 of every array is the cat's, position 1 the dog's."""

    image: np.ndarray  # (size, size, 3) uint8
    labels: np.ndarray  # (2,)
    head_boxes: np.ndarray  # (2, 4)
    head_masks: np.ndarray  # (2, size, size) bool


class PetData(NamedTuple):
    """Cats (0) and dogs (1) for a network: three `tf.data.Dataset`s of (images, labels).

    images: float32 (b, S, S, 3) in 0..255; labels: int64 (b,). Every pass over a split gives the same
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

    images: np.ndarray  # (N, S, S, 3) float32 in 0..255
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
    batch_size, seed = _whole_number("batch_size", batch_size, 1), _whole_number("seed", seed, 0)
    n_train = None if n_train is None else _whole_number("n_train", n_train, 1)
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
    if split not in SPLIT_SEEDS:
        raise ValueError(f'split must be "train", "valid" or "test", but {split!r} was given.')
    n = _whole_number("n", n, 1)
    if _resolve("oxford_iiit_pet", source) == "tfds":
        return _boxed_photographs(_SHARES[split], n)
    images, labels, boxes = _draw_seeds(SPLIT_SEEDS[split], 0, n)
    return HeadBoxes(images.astype(np.float32), labels.copy(), boxes.copy(), CLASS_NAMES, "embedded")


def _resolve(name, source):
    """What "auto" comes to: "tfds" if the data set is here and whole, else "embedded"."""
    if source not in ("auto", "tfds", "embedded"):
        raise ValueError(f'source must be "auto", "tfds" or "embedded", but {source!r} was given.')
    if source == "embedded":
        return source
    from course_utils import fetch

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
        return (
            tf.data.Dataset.from_tensor_slices((images, labels))
            .batch(batch_size)
            .map(lambda x, y: (tf.cast(x, tf.float32), y))
            .prefetch(2)
        )

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
                f"{n_train:,} photographs to train on were asked for, but {n_all:,} are here: "
                "take fewer, or leave n_train out for all."
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
    from course_utils import fetch

    import tensorflow_datasets as tfds

    return tfds.builder_from_directory(str(fetch.tfds_path(name)))  # reads what is there, can't download


def _read(builder, split, decoders=None):
    import tensorflow_datasets as tfds

    # Left to itself, TFDS keeps what is below 250 MB on disk in memory, where it is ten times as large.
    streamed = tfds.ReadConfig(try_autocache=False)
    return builder.as_dataset(split=split, decoders=decoders, read_config=streamed)


def _resized(image):
    import tensorflow as tf

    return tf.image.resize(image, (PHOTO_SIZE, PHOTO_SIZE), "bilinear", antialias=True)


# --------------------------------------------------------------------------------------------- drawn pets


def draw_pet(seed, label=None, size=96, *, ears=None, cue=False):
    """Draw the cat or the dog of a seed, as a `Drawing`.

    label: 0 or "cat", 1 or "dog"; None leaves it to the seed (of seeds 2k and 2k + 1, one is a cat).
    ears: "cat" or "dog" for a chimera; None gives each its own. cue: whether a red ball lies there, always
    clear of the head, its place given by the seed alone. Raises ValueError for anything else.
    """
    seed, size = _whole_number("seed", seed, 0), _whole_number("size", size, 32)
    label = _label_of(seed) if label is None else _class_idx("label", label)
    if cue not in (None, True, False):
        raise ValueError(f"cue must be True (a red ball) or False, but {cue!r} was given.")
    ears = label if ears is None else _class_idx("ears", ears)
    pet = _one_pet(seed)
    image, [head], body, ball = _compose(seed, size, [pet], [label], [ears], cue)
    return Drawing(image, label, _tight_box(head), head, body & ~head & ~ball, ball)


def drawn_pets(n, seed=0, size=96, *, label=None, ears=None, cue=False, cue_with_dog=None):
    """Draw the pets of the seeds from `seed` to `seed + n - 1`, as `Drawings`.

    Keep those ranges apart, and training and test pictures are. label, ears, cue: as in `draw_pet`, for all.
    cue_with_dog (0 to 1) plants a shortcut: that share of the dogs has a red ball, and of the cats the rest;
    0.95 means 95 % and 5 %, and at 0.5 the ball tells nothing. Raises ValueError for anything else.
    """
    n, seed = _whole_number("n", n, 1), _whole_number("seed", seed, 0)
    is_share = isinstance(cue_with_dog, (int, float)) and 0 <= cue_with_dog <= 1
    if cue_with_dog is not None and (cue or not is_share):
        raise ValueError(
            f"cue_with_dog must be a number from 0 to 1, and then cue is left out, "
            f"but cue_with_dog={cue_with_dog!r} and cue={cue!r} were given."
        )
    drawings = []
    for s in range(seed, seed + n):
        kind = _label_of(s) if label is None else _class_idx("label", label)
        ball = cue
        if cue_with_dog is not None:
            share = cue_with_dog if kind == animals.DOG else 1 - cue_with_dog
            ball = bool(_stream("cue", s, 1).random() < share)
        drawings.append(draw_pet(s, kind, size, ears=ears, cue=ball))
    return Drawings(*map(np.array, zip(*drawings)))


def draw_two_pets(seed, size=96):
    """Draw a cat and a dog side by side, as `TwoPets`; the seed decides which of them is on the left."""
    seed, size = _whole_number("seed", seed, 0), _whole_number("size", size, 32)
    labels = [animals.CAT, animals.DOG]
    kinds = labels if _label_of(seed) == animals.CAT else labels[::-1]  # from left to right
    image, heads, _, _ = _compose(seed, size, _pets_side_by_side(seed), kinds, kinds, cue=False)
    heads = np.array([heads[kinds.index(label)] for label in labels])
    return TwoPets(image, np.array(labels), np.array([_tight_box(head) for head in heads]), heads)


def contact_sheet(images, columns=8, gap=2):
    """Pictures (N, H, W, 3) uint8 in a grid with white gaps, as one picture (uint8) to look at.

    Raises ValueError for pictures of another kind and for columns or gaps that aren't whole numbers.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or len(images) == 0:
        raise ValueError(
            f"images must be pictures (N, H, W, 3) of type uint8, but {images.shape} of "
            f"{images.dtype} was given: stack them, and bring 0..1 to 0..255 first."
        )
    columns, gap = min(_whole_number("columns", columns, 1), len(images)), _whole_number("gap", gap, 0)
    rows, (h, w) = -(-len(images) // columns), images.shape[1:3]
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return sheet


# ----------------------------------------------------------------------------------- how they are arranged


def _stream(purpose, seed, which=0):
    """The generator for one purpose: what one part of a picture draws from it does not disturb the others."""
    return np.random.default_rng([_STREAMS.index(purpose), which, seed])


def _label_of(seed):
    """The class of a seed, balanced: each of the pairs (0, 1), (2, 3), … has one cat and one dog."""
    return int(_stream("label", seed // 2).integers(2)) ^ (seed % 2)


def _one_pet(seed):
    """A pet whose whole head is in the picture, and mostly also its body."""
    rng = _stream("layout", seed)
    radius = rng.uniform(0.09, 0.155)
    body = animals.POSES[rng.integers(3)](rng)
    x = rng.uniform(1.6 * radius, 1 - 1.6 * radius)
    lowest = 1 - 1.95 * radius
    y = rng.uniform(min(max(1.8 * radius, 0.45 - body.feet * radius), lowest), lowest)
    mirror = x > 0.5 if rng.random() < 0.9 else rng.random() < 0.5  # the body towards the middle
    return animals.choose_pet(_stream("pet", seed), x, y, radius, mirror, body)


def _pets_side_by_side(seed):
    """Two pets that turn towards each other, far enough apart that neither hides the other's head."""
    rng = _stream("layout", seed, 1)
    ground, pets = rng.uniform(0.62, 0.88), []
    for which, x in enumerate((rng.uniform(0.16, 0.21), rng.uniform(0.79, 0.84))):
        radius = rng.uniform(0.08, 0.1)
        body = (animals.sitting if rng.random() < 0.6 else animals.lying)(rng)
        y = ground + rng.uniform(-0.05, 0.05) - body.feet * radius
        pets.append(animals.choose_pet(_stream("pet", seed, 1 + which), x, y, radius, which == 1, body))
    return pets


def _compose(seed, size, pets, kinds, ears, cue):
    """The picture, the masks of the heads, the mask of all bodies and of the ball."""
    canvas, rng = Canvas(size), _stream("scenery", seed)
    horizon, things = scenery.draw_backdrop(canvas, rng, min(pet.feet for pet in pets))
    heads, bodies = [None] * len(pets), [None] * len(pets)

    def draw_one(i):
        bodies[i] = finish_mask(animals.draw_body(canvas, pets[i]))
        heads[i] = finish_mask(animals.draw_head(canvas, pets[i], kinds[i], ears[i]))

    def draw_thing(x, y, thing):
        canvas.frame(x, y)
        thing(canvas, rng)

    queue = [(pet.feet, draw_one, [i]) for i, pet in enumerate(pets)]
    clutter = scenery.choose_clutter(rng, horizon, things, pets)
    queue += [(y, draw_thing, [x, y, thing]) for x, y, thing in clutter]
    for _, draw, what in sorted(queue, key=lambda entry: entry[0]):  # what stands nearer is drawn later
        draw(*what)
    ball = _draw_cue(canvas, seed, pets[0], horizon) if cue else np.zeros((size, size), bool)
    return _light(canvas.finish(), _stream("light", seed)), heads, np.any(bodies, axis=0), ball


def _draw_cue(canvas, seed, pet, horizon):
    """Draw the red ball beside or below the pet, or at the feet of one that fills the picture; its mask."""
    rng = _stream("cue", seed)
    radius = rng.uniform(0.05, 0.068)
    x, y = rng.uniform(0.07, 0.93, 256), rng.uniform(max(0.5, horizon + 0.07), 0.93, 256)
    clear = pet.is_beside(x, radius) | (y - radius > pet.feet)
    off_head = np.hypot(x - pet.x, y - pet.y) > 1.95 * pet.radius + radius
    i = np.where(clear, 1, off_head * y).argmax()  # the first clear spot, or else the lowest off the head
    canvas.frame(x[i], y[i], radius)
    canvas.fill(0.87 * CIRCLE, (214, 30, 36), (110, 8, 16), 0.13)
    canvas.fill(ellipse(-0.26, -0.3, 0.24, 0.17), (255, 190, 190))
    return finish_mask(canvas.mask([CIRCLE]))


def _light(image, rng):
    """The picture (uint8) under light that comes from one side, with a little film grain."""
    size = len(image)
    across = np.linspace(-1, 1, size, dtype=np.float32)
    slope = complex(rng.uniform(0, 0.15) * np.exp(2j * np.pi * rng.random()))
    light = rng.uniform(0.9, 1.06) * (1 + slope.imag * across[:, None] + slope.real * across)
    # The difference of a random byte's two halves is nearly a Gaussian of standard deviation 6.5, at no cost.
    noise = np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape)
    grain = (noise & 15).astype(np.float32) - (noise >> 4)
    return np.clip(image * light[..., None] + 0.5 * grain, 0, 255).astype(np.uint8)


def _tight_box(mask):
    """The smallest box around a mask: x0, y0, x1, y1, end exclusive."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _whole_number(name, value, least):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number, {least} or more, but {value!r} was given.")
    return int(value)


def _class_idx(name, value):
    if isinstance(value, str) and value in CLASS_NAMES:
        return CLASS_NAMES.index(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value < len(CLASS_NAMES):
        return int(value)
    raise ValueError(f'{name} must be 0 or "cat", 1 or "dog", or None, but {value!r} was given.')
