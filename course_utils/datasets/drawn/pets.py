"""Drawn cats and dogs, with the truth that photographs lack: where head, body and a planted red ball are.

Only the head depends on the class. The cat and the dog of one seed are the same picture elsewhere, so
whatever a map shows outside the head, the class did not put it there.

A seed fixes a picture. NumPy generators of its own decide, one each for layout, pets, scenery, ball and
light, and Pillow fills polygons; there are no fonts, no files and no clock in it. How many are drawn, in
which order and where doesn't matter (though another Pillow may round a pixel at an edge differently).
"""

from typing import NamedTuple

from course_utils.checks import whole_number
from course_utils.datasets.drawn import animals, scenery
from course_utils.datasets.drawn.drawing import CIRCLE, Canvas, ellipse, finish_mask

import numpy as np

CLASS_NAMES = ("cat", "dog")
_STREAMS = ("label", "layout", "pet", "scenery", "cue", "light")


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


def draw_pet(seed, label=None, size=96, *, ears=None, cue=False):
    """Draw the cat or the dog of a seed, as a `Drawing`.

    label: 0 or "cat", 1 or "dog"; None leaves it to the seed (of seeds 2k and 2k + 1, one is a cat).
    ears: "cat" or "dog" for a chimera; None gives each its own. cue: whether a red ball lies there, always
    clear of the head, its place given by the seed alone. Raises ValueError for anything else.
    """
    seed, size = whole_number("seed", seed, 0), whole_number("size", size, 32)
    label = _label_of(seed) if label is None else _class_idx("label", label)
    if cue not in (None, True, False):
        raise ValueError(f"cue is {cue!r}; expected True, a red ball, or False.")
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
    n, seed = whole_number("n", n, 1), whole_number("seed", seed, 0)
    is_share = isinstance(cue_with_dog, (int, float)) and 0 <= cue_with_dog <= 1
    if cue_with_dog is not None and (cue or not is_share):
        raise ValueError(
            f"cue_with_dog is {cue_with_dog!r} and cue {cue!r}; expected a number from 0 to 1, then no cue."
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
    seed, size = whole_number("seed", seed, 0), whole_number("size", size, 32)
    labels = [animals.CAT, animals.DOG]
    kinds = labels if _label_of(seed) == animals.CAT else labels[::-1]  # from left to right
    image, heads, _, _ = _compose(seed, size, _pets_side_by_side(seed), kinds, kinds, cue=False)
    heads = np.array([heads[kinds.index(label)] for label in labels])
    return TwoPets(image, np.array(labels), np.array([_tight_box(head) for head in heads]), heads)


# --- how they are arranged -------------------------------------------------------------------


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
    return light(canvas.finish(), _stream("light", seed)), heads, np.any(bodies, axis=0), ball


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


def light(image, rng):
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


def _class_idx(name, value):
    if isinstance(value, str) and value in CLASS_NAMES:
        return CLASS_NAMES.index(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value < len(CLASS_NAMES):
        return int(value)
    raise ValueError(f'{name} is {value!r}; expected 0 or "cat", 1 or "dog", or None.')
