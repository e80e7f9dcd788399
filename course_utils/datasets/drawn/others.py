"""Ten kinds of drawings that are neither cats nor dogs: what the backbone `small` learnt to see with.

Rabbits, bears, pigs, mice and foxes have the bodies of the drawn pets, with heads and tails of their own;
cars, fish in their bowls, boats, sunflowers and houses stand by themselves. All are in the rooms and gardens
of the pets, in the same hand. Whoever knows these ten has seen ears, snouts, wheels and petals, but no cat
and no dog: notebook 04 asks what that is worth when only fifty pictures of those are at hand.

A seed fixes a picture, as in `pets`.
"""

from typing import NamedTuple

from course_utils.checks import whole_number
from course_utils.datasets.drawn import animals, scenery
from course_utils.datasets.drawn.animals import LINE, PINK, ROSE, SIDES
from course_utils.datasets.drawn.drawing import (
    BLACK,
    CIRCLE,
    HALF_TURN,
    INK,
    WHITE,
    Canvas,
    blend,
    curve,
    darker,
    ellipse,
    flipped,
    lighter,
    polygon,
    random_colour,
    rectangle,
    rounded,
    segment,
    tube,
)
from course_utils.datasets.drawn.pets import light

import numpy as np

KINDS = ("rabbit", "bear", "pig", "mouse", "fox", "car", "fish", "boat", "sunflower", "house")
_STREAMS = ("label", "layout", "subject", "scenery", "light")


class Others(NamedTuple):
    """N drawings of the ten kinds."""

    images: np.ndarray  # (N, size, size, 3) uint8
    labels: np.ndarray  # (N,) positions in KINDS


def draw_other(seed, kind=None, size=96):
    """Draw what a seed shows: the picture (size, size, 3), uint8, and its label, a position in KINDS.

    kind: one of KINDS or its position; None leaves it to the seed (each ten from 10k on show all ten).
    Raises ValueError for anything else.
    """
    seed, size = whole_number("seed", seed, 0), whole_number("size", size, 32)
    label = _label_of(seed) if kind is None else _position_of(kind)
    layout = _stream("layout", seed)
    subject = (_one_animal if KINDS[label] in HEADS else _one_object)(layout, seed, KINDS[label])
    canvas, rng = Canvas(size), _stream("scenery", seed)
    horizon, things = scenery.draw_backdrop(canvas, rng, subject.feet)
    clutter = sorted(scenery.choose_clutter(rng, horizon, things, [subject]), key=lambda entry: entry[1])
    behind = [entry for entry in clutter if entry[1] < subject.feet]
    _draw_clutter(canvas, rng, behind)
    _draw_subject(canvas, subject, KINDS[label], _stream("subject", seed, 1))
    _draw_clutter(canvas, rng, clutter[len(behind) :])
    return light(canvas.finish(), _stream("light", seed)), label


def drawn_others(n, seed=0, size=96):
    """Draw the seeds from `seed` to `seed + n - 1`, as `Others`: images (n, size, size, 3) uint8, labels
    (n,).

    Balanced: of the seeds from 10k to 10k + 9, one shows each kind. Raises ValueError for anything but
    whole numbers, n from 1, seed from 0 and size from 32 on.
    """
    n, seed = whole_number("n", n, 1), whole_number("seed", seed, 0)
    images, labels = zip(*(draw_other(s, size=size) for s in range(seed, seed + n)))
    return Others(np.array(images), np.array(labels))


# ----------------------------------------------------------------------------------- how they are arranged


class Object(NamedTuple):
    """Where an object stands: with `clutter` and backdrop it gets along like a `Pet`."""

    x: float  # its middle, as a share of the picture's width
    feet: float  # where it stands, as a share of the picture's height
    unit: float
    mirror: bool
    half_width: float  # in units

    def is_beside(self, x, margin):
        """Whether x is further than `margin` to the left or to the right of it."""
        return abs(x - self.x) > self.half_width * self.unit + margin


def _stream(purpose, seed, which=0):
    """The generator for one purpose; the first number keeps it apart from those of the pets."""
    return np.random.default_rng([10, _STREAMS.index(purpose), which, seed])


def _label_of(seed):
    """The kind of a seed, balanced: the seeds from 10k to 10k + 9 show all ten."""
    return int(_stream("label", seed // 10).permutation(10)[seed % 10])


def _position_of(kind):
    if isinstance(kind, str) and kind in KINDS:
        return KINDS.index(kind)
    if isinstance(kind, (int, np.integer)) and not isinstance(kind, bool) and 0 <= kind < len(KINDS):
        return int(kind)
    raise ValueError(
        f"kind is {kind!r}; expected one of {', '.join(KINDS)}, its position from 0 to 9, or None."
    )


def _one_animal(rng, seed, kind):
    """An animal whose whole head is in the picture, and mostly also its body."""
    radius = rng.uniform(0.09, 0.15)
    body = animals.POSES[rng.integers(3)](rng)
    x = rng.uniform(1.65 * radius, 1 - 1.65 * radius)
    highest, lowest = HEADS[kind].reach * radius + 0.02, 1 - 1.95 * radius
    y = rng.uniform(min(max(highest, 0.45 - body.feet * radius), lowest), lowest)
    mirror = x > 0.5 if rng.random() < 0.9 else rng.random() < 0.5  # the body towards the middle
    animal = animals.choose_pet(_stream("subject", seed), x, y, radius, mirror, body)
    tail = TAILS[kind](_middle_line(body.near[0]))
    colour, share = TINTS.get(kind, (WHITE, 0))
    return animal._replace(
        body=body._replace(near=[tail, *body.near[1:]]),
        coat=animal.coat._replace(main=blend(animal.coat.main, colour, share)),
    )


def _one_object(rng, seed, kind):
    """An object, all of it in the picture; its longer side takes three to six tenths of it."""
    half_width, height = OBJECTS[kind][1]
    unit = rng.uniform(0.3, 0.6) / max(2 * half_width, height)
    margin = half_width * unit + 0.035
    feet = rng.uniform(max(0.5, height * unit + 0.03), 0.93)
    return Object(rng.uniform(margin, 1 - margin), feet, unit, rng.random() < 0.5, half_width)


def _draw_clutter(canvas, rng, clutter):
    for x, y, thing in clutter:
        canvas.frame(x, y)
        thing(canvas, rng)


def _draw_subject(canvas, subject, kind, rng):
    if kind in HEADS:
        animals.draw_body(canvas, subject)
        draw_head(canvas, subject, HEADS[kind])
        return
    canvas.frame(subject.x, subject.feet, subject.unit, subject.mirror)
    shadow = ellipse(0, -0.02, subject.half_width, 0.16)
    canvas.fill_mask(canvas.mask([shadow], strength=90), (30, 26, 40))
    OBJECTS[kind][0](canvas, rng)


# -------------------------------------------------------------------------------------------- tails


def _middle_line(tail):
    """The path along which `tube` drew a pet's tail, from the body outwards."""
    n = (len(tail) - len(HALF_TURN)) // 2
    return (tail[:n] + tail[::-1][:n]) / 2


def _curl(path):
    """A pig's: a spiral that starts where the tail does."""
    turn = np.linspace(0, 1, 14)
    away = 1 if path[-1].real > path[0].real else -1
    spiral = 0.5 + (0.45 - 0.3 * turn) * np.exp(1j * (np.pi + 10 * turn))
    return tube(path[1] + away * spiral, 0.22, 0.14)


TAILS = {
    "rabbit": lambda path: path[2] + 0.42 * CIRCLE,
    "bear": lambda path: path[2] + 0.3 * CIRCLE,
    "pig": _curl,
    "mouse": lambda path: tube(path, 0.2, 0.1),
    "fox": lambda path: tube(path, 0.3 + 0.55 * np.sin(np.linspace(0, 2.7, len(path)))),  # bushy
}
TINTS = {"pig": ((246, 160, 160), 0.65), "fox": ((226, 110, 40), 0.4), "mouse": ((150, 150, 158), 0.3)}


# -------------------------------------------------------------------------------------------- heads


class Head(NamedTuple):
    """A head in units of its radius: outlines, and the function that draws the face upon them."""

    reach: float  # how far the ears reach above the middle
    skull: np.ndarray
    ear: np.ndarray  # the right one; the other is its mirror image
    inside: tuple | None  # the colour inside the ears; None for ears darker than the coat, in front
    face: object


def draw_head(canvas, animal, head):
    """Draw the head of an animal; ears and width vary with its `Face`, markings with its `Coat`."""
    coat, face = animal.coat, animal.face
    canvas.frame(animal.x, animal.y, animal.radius, animal.mirror, animal.tilt)
    skull = head.skull.real * face.width + 1j * head.skull.imag
    ear = head.ear * np.exp(1j * face.ear_out) * (1 - 0.8 * face.ear_up)
    ears, colour = [ear, flipped(ear)], coat.marks if coat.marking == "eye patch" else coat.main
    canvas.fill_as_one([*ears, skull], coat.main, coat.line, LINE)
    if head.inside:
        for ear in ears:
            canvas.fill(ear, colour)
            canvas.fill(ear.mean() + 0.6 * (ear - ear.mean()), head.inside)
        canvas.fill(skull, coat.main)
    colours = {"stripes": blend(coat.main, (30, 20, 20), 0.42), "blaze": coat.second}
    canvas.fill_mask(
        canvas.mask(animals.MARKINGS[coat.marking]),
        colours.get(coat.marking, coat.marks),
        within=canvas.mask([skull]),
    )
    if not head.inside:
        for ear in ears:
            canvas.fill_as_one([ear], darker(colour, 0.16), coat.line, LINE)
    head.face(canvas, coat, face)


def draw_eyes(canvas, x, y, rx, ry, colour):
    """Two shining eyes with round pupils."""
    for s in SIDES:
        canvas.fill(ellipse(s * x, y, rx, ry), colour, INK, 0.045)
        canvas.fill(ellipse(s * x, y, 0.62 * rx, 0.62 * ry), BLACK)
        canvas.fill(s * x + 0.3 * rx + 1j * (y - 0.4 * ry) + 0.36 * rx * CIRCLE, WHITE)


def draw_teeth(canvas, y):
    """Two long front teeth."""
    for s in SIDES:
        canvas.fill(rectangle(0.075 * s - 0.07, y, 0.075 * s + 0.07, y + 0.24), (255, 253, 244), INK, 0.03)


def rabbit_face(canvas, coat, face):
    draw_teeth(canvas, 0.62)
    for s in SIDES:
        canvas.fill(ellipse(s * 0.24, 0.46, 0.28, 0.23), lighter(coat.main, 0.5))
    animals.draw_smile(canvas, 0.44, 0.3)
    canvas.fill(ellipse(0, 0.3, 0.14, 0.1), ROSE, (120, 50, 60), 0.03)
    draw_eyes(canvas, 0.46, -0.1, 0.19, 0.26, face.brown)


def bear_face(canvas, coat, face):
    canvas.fill(ellipse(0, 0.42, 0.48, 0.38), lighter(coat.main, 0.5))
    canvas.stroke(segment(0, 0.3, 0, 0.56), animals.MOUTH, 0.06)
    animals.draw_smile(canvas, 0.54, 0.26)
    canvas.fill(ellipse(0, 0.24, 0.22, 0.15), (32, 26, 30))
    canvas.fill(ellipse(0.06, 0.19, 0.07, 0.04), (196, 196, 206))
    draw_eyes(canvas, 0.4, -0.14, 0.14, 0.15, face.brown)


def pig_face(canvas, coat, face):
    pink = blend(coat.main, (250, 130, 140), 0.55)
    smile = curve((-0.34, 0.66), (-0.18, 0.84), (0.18, 0.84), (0.34, 0.66))
    canvas.stroke(smile, animals.MOUTH, 0.06)
    canvas.fill(ellipse(0, 0.34, 0.42, 0.3), pink, darker(pink, 0.5), 0.05)
    for s in SIDES:
        canvas.fill(ellipse(s * 0.15, 0.34, 0.075, 0.13), darker(pink, 0.7))
        canvas.fill(ellipse(s * 0.66, 0.3, 0.16, 0.11), pink)
    draw_eyes(canvas, 0.42, -0.14, 0.16, 0.18, (248, 246, 240))


def mouse_face(canvas, coat, face):
    draw_teeth(canvas, 0.84)
    canvas.fill(ellipse(0, 0.7, 0.34, 0.3), lighter(coat.main, 0.5))
    whiskers = (250, 250, 250) if sum(coat.main) < 420 else (62, 52, 52)
    for s in SIDES:
        for slope in (-0.3, 0, 0.3):
            canvas.stroke(segment(s * 0.2, 0.74 + 0.2 * slope, s * 0.9, 0.68 + slope), whiskers, 0.04)
    canvas.fill(ellipse(0, 0.72, 0.17, 0.14), PINK, (120, 50, 60), 0.035)
    draw_eyes(canvas, 0.33, 0.02, 0.18, 0.2, face.brown)


FOX_CHEEK = rounded((0.1, 0.3), (0.5, 0.1), (1, 0.16), (0.6, 0.52), (0.1, 0.94), (0, 0.7))


def fox_face(canvas, coat, face):
    white = lighter(coat.second, 0.6)
    for cheek in (FOX_CHEEK, flipped(FOX_CHEEK)):
        canvas.fill(cheek, white)
    animals.draw_smile(canvas, 0.66, 0.3)
    canvas.fill(rounded((0, 0.94), (-0.19, 0.74), (-0.12, 0.64), (0.12, 0.64), (0.19, 0.74)), (32, 26, 30))
    canvas.fill(ellipse(0.05, 0.7, 0.06, 0.035), (196, 196, 206))
    draw_eyes(canvas, 0.4, -0.1, 0.2, 0.15, face.iris)


def _symmetric(*half):
    """The smooth outline through these (x, y) pairs, from top to bottom, and their mirror images."""
    return rounded(*half, *[(-x, y) for x, y in half[::-1] if x])


HEADS = {
    "rabbit": Head(
        2.35,
        _symmetric((0, -0.78), (0.5, -0.68), (0.84, -0.15), (0.9, 0.35), (0.5, 0.8), (0, 0.9)),
        rounded((0.14, -0.6), (0.14, -1.3), (0.34, -1.98), (0.56, -2), (0.7, -1.3), (0.56, -0.55)),
        PINK,
        rabbit_face,
    ),
    "bear": Head(
        1.25,
        _symmetric((0, -0.84), (0.6, -0.7), (0.98, 0), (0.86, 0.55), (0.4, 0.86), (0, 0.9)),
        ellipse(0.72, -0.7, 0.38, 0.38),
        (120, 84, 76),
        bear_face,
    ),
    "pig": Head(
        1.2,
        _symmetric((0, -0.8), (0.55, -0.7), (0.92, -0.1), (0.9, 0.45), (0.5, 0.84), (0, 0.9)),
        rounded((0.3, -0.76), (0.62, -1.06), (1.02, -0.98), (1.14, -0.5), (0.98, -0.22), (0.74, -0.5)),
        None,
        pig_face,
    ),
    "mouse": Head(
        1.4,
        _symmetric((0, -0.68), (0.5, -0.56), (0.74, -0.05), (0.56, 0.5), (0.24, 0.92), (0, 0.98)),
        ellipse(0.8, -0.68, 0.56, 0.56),
        PINK,
        mouse_face,
    ),
    "fox": Head(
        1.6,
        _symmetric((0, -0.74), (0.55, -0.62), (0.82, -0.1), (1.08, 0.2), (0.6, 0.56), (0.16, 0.96), (0, 1)),
        np.concatenate(
            [
                curve((0.92, 0), (1.04, -0.5), (1.02, -1), (0.84, -1.42)),
                curve((0.84, -1.42), (0.56, -1.2), (0.3, -0.95), (0.16, -0.6))[1:],
            ]
        ),
        (46, 36, 40),
        fox_face,
    ),
}


# -------------------------------------------------------------------------------------------- objects
# Each stands on the origin and reaches upwards, about as high and as wide as OBJECTS says.

GLASS = (190, 222, 240)


def car(canvas, rng):
    paint, top = random_colour(rng, (0.4, 0.9), (0.45, 0.95)), rng.uniform(-1.75, -1.4)
    front, back = rng.uniform(0.5, 0.9), rng.uniform(0.5, 1.6)  # how far the roof reaches: a saloon or a van
    roof = rounded((-back - 0.35, -0.8), (-back, top), (front - 0.3, top), (front + 0.25, -0.8))
    hull = rounded((-1.9, -0.35), (-1.85, -0.85), (-1, -1), (0.9, -1), (1.75, -0.8), (1.9, -0.35))
    line = darker(paint, 0.75)
    canvas.fill_as_one([roof, hull], paint, line, LINE)
    high, low, door = top + 0.16, -0.92, (front - back) / 2 - 0.1
    for pane in (
        polygon((-back - 0.05, high), (door - 0.07, high), (door - 0.07, low), (-back - 0.17, low)),
        polygon((door + 0.07, high), (front - 0.2, high), (front + 0.05, low), (door + 0.07, low)),
    ):
        canvas.fill(pane, GLASS, line, 0.04)
    if rng.random() < 0.5:
        canvas.fill(rectangle(-1.85, -0.62, 1.86, -0.5), lighter(paint, 0.6))
    canvas.stroke(segment(door + 0.15, -0.74, door + 0.4, -0.74), line, 0.06)
    canvas.fill(ellipse(1.68, -0.62, 0.14, 0.16), (255, 240, 170), line, 0.04)
    for x in (-1.1, 1.1):
        canvas.fill(ellipse(x, -0.4, 0.4, 0.4), (44, 40, 46), INK, 0.05)
        canvas.fill(ellipse(x, -0.4, 0.2, 0.2), (206, 206, 212))


def fish(canvas, rng):
    body, fin = random_colour(rng, (0.6, 0.95), (0.8, 1)), random_colour(rng, (0.5, 0.9), (0.7, 1))
    line, glass = darker(body, 0.75), (216, 234, 240)
    canvas.fill(1.25 * CIRCLE - 1.22j, glass, (120, 146, 160), 0.07)
    water = 1.25 * np.exp(1j * np.linspace(-0.35, np.pi + 0.35, 24)) - 1.22j
    canvas.fill(water, blend((150, 206, 232), (120, 220, 200), rng.uniform()))
    gravel = 1.2 * np.exp(1j * np.linspace(0.75, np.pi - 0.75, 12)) - 1.22j
    canvas.fill(gravel, random_colour(rng, (0.2, 0.5), (0.6, 0.9)))
    for x in rng.uniform(-0.6, 0.6, 2):
        weed = curve((x, -0.25), (x + 0.25, -0.6), (x - 0.25, -0.9), (x + 0.05, -1.2))
        canvas.stroke(weed, (76, 150, 84), 0.13)

    middle = complex(rng.uniform(-0.08, 0.08), rng.uniform(-1.3, -0.95))
    turn = np.exp(1j * rng.uniform(-0.2, 0.2))
    tail = polygon((-0.5, 0), (-0.95, -0.42), (-0.82, 0), (-0.95, 0.42))
    back_fin = polygon((-0.25, -0.34), (0, -0.66), (0.3, -0.34))
    trunk = rounded((0.72, 0), (0.35, -0.38), (-0.2, -0.36), (-0.6, 0), (-0.2, 0.36), (0.35, 0.38))
    stripe = rounded((-0.08, -0.3), (0.08, -0.3), (0.12, 0), (0.08, 0.3), (-0.08, 0.3), (-0.04, 0))
    for part, colour, edge in (
        (tail, fin, line),
        (back_fin, fin, line),
        (trunk, body, line),
        *((stripe + x, WHITE, None) for x in (-0.25, 0.03)[: rng.integers(3)]),
        (ellipse(0.36, -0.1, 0.13, 0.13), WHITE, INK),
        (ellipse(0.39, -0.1, 0.07, 0.07), BLACK, None),
    ):
        canvas.fill(middle + turn * part, colour, edge, 0.05)
    for y, r in ((-1.45, 0.07), (-1.7, 0.05)):  # bubbles
        canvas.fill(ellipse(0.85, y, r, r), WHITE)
    rim = ellipse(0, -2.34, 0.72, 0.12)
    canvas.fill(rim, (236, 246, 250), (120, 146, 160), 0.06)
    canvas.stroke(1.05 * np.exp(1j * np.linspace(3.5, 4.2, 8)) - 1.22j, WHITE, 0.09)


def boat(canvas, rng):
    hull, sail = random_colour(rng, (0.4, 0.85), (0.4, 0.9)), lighter(random_colour(rng), rng.uniform(0, 1))
    other, line, top = lighter(random_colour(rng), rng.uniform(0.3, 1)), (48, 38, 40), rng.uniform(-2.9, -2.4)
    canvas.fill(ellipse(0, -0.02, 1.75, 0.3), (110, 176, 216), (84, 146, 190), 0.06)
    canvas.fill(polygon((-0.05, top), (0.05, top), (0.05, -0.6), (-0.05, -0.6)), (110, 78, 52), line, 0.03)
    canvas.fill(polygon((0.06, top), (0.5, top + 0.14), (0.06, top + 0.3)), random_colour(rng, (0.7, 1)))
    wind = rng.uniform(0.9, 1.3)
    main = np.concatenate(
        [
            curve((0.12, top + 0.35), (0.5, top + 0.8), (wind, -1.3), (wind, -0.78)),
            segment(wind, -0.78, 0.12, -0.78),
        ]
    )
    canvas.fill(main, sail, line, 0.06)
    if rng.random() < 0.5:
        stripe = [polygon((0, -1.5), (2, -1.5), (2, -1.2), (0, -1.2))]
        canvas.fill_mask(canvas.mask(stripe), hull, within=canvas.mask([main]))
    canvas.fill(polygon((-0.12, top + 0.5), (-0.12, -0.78), (-0.95, -0.78)), other, line, 0.06)
    side = rounded((-1.5, -0.66), (1.5, -0.66), (1.3, -0.3), (1, 0), (-1, 0), (-1.25, -0.3))
    canvas.fill(side, hull, line, LINE)
    canvas.fill(rectangle(-1.35, -0.6, 1.35, -0.46), lighter(hull, 0.6))
    for x in np.linspace(-0.6, 0.6, int(rng.integers(2, 4))):
        canvas.fill(ellipse(x, -0.24, 0.1, 0.1), GLASS, line, 0.035)
    ripple = curve((-0.3, 0.06), (-0.1, -0.02), (0.1, 0.14), (0.3, 0.06))
    for x in (-1, 0.1, 1.1):
        canvas.stroke(x + ripple, (214, 236, 246), 0.07)


def sunflower(canvas, rng):
    petals = random_colour(rng, (0.6, 0.95), (0.85, 1), (0.02, 0.17) if rng.random() < 0.7 else (0.8, 1))
    green, pot = random_colour(rng, (0.4, 0.7), (0.4, 0.65), (0.25, 0.38)), random_colour(rng)
    middle = complex(rng.uniform(-0.35, 0.35), rng.uniform(-2.6, -2.2))
    stem = curve((0, -0.6), (-0.1, -1.1), (middle.real, -1.4), (middle.real, middle.imag))
    canvas.fill_as_one([tube(stem, 0.16)], green, darker(green, 0.6), 0.05)
    for s in SIDES:
        y = rng.uniform(-1.25, -0.95)
        leaf = rounded((0, y), (s * 0.4, y - 0.4), (s * 1, y - 0.35), (s * 0.6, y - 0.02))
        canvas.fill(leaf, green, darker(green, 0.6), 0.05)
    n, seeds = int(rng.integers(10, 15)), random_colour(rng, (0.4, 0.6), (0.25, 0.45), (0.04, 0.1))
    for ring, colour in ((0.5, darker(petals, 0.12)), (0, petals)):
        for turn in np.exp(2j * np.pi * (np.arange(n) + ring) / n):
            canvas.fill(middle + turn * ellipse(0.62, 0, 0.36, 0.16), colour, darker(petals, 0.5), 0.035)
    canvas.fill(middle + 0.5 * CIRCLE, seeds, darker(seeds, 0.6), 0.05)
    for r, m in ((0.32, 8), (0.13, 3)):
        for turn in np.exp(2j * np.pi * np.arange(m) / m):
            canvas.fill(middle + r * turn + 0.05 * CIRCLE[::4], lighter(seeds, 0.4))
    canvas.fill(polygon((-0.6, -0.7), (0.6, -0.7), (0.45, 0), (-0.45, 0)), pot, darker(pot, 0.7), 0.06)
    canvas.fill(rectangle(-0.68, -0.85, 0.68, -0.64), lighter(pot), darker(pot, 0.7), 0.05)


def house(canvas, rng):
    walls, roof = random_colour(rng, (0.1, 0.6), (0.7, 0.97)), random_colour(rng, (0.4, 0.8), (0.35, 0.8))
    door, line, wide = random_colour(rng, (0.4, 0.8), (0.3, 0.7)), darker(roof, 0.7), rng.uniform(0.95, 1.25)
    eaves, top, x = -1.35, rng.uniform(-2.6, -2.2), rng.uniform(0.3, 0.6)
    canvas.fill(rectangle(x, top, x + 0.3, -1.6), darker(walls), line, 0.06)
    for i in range(int(rng.integers(0, 4))):
        puff = 0.1 + 0.03 * i
        canvas.fill(ellipse(x + 0.15 + 0.1 * i, top - 0.2 - 0.2 * i, puff, puff), (240, 240, 244))
    canvas.fill(rectangle(-wide, eaves, wide, 0), walls, line, LINE)
    canvas.fill(polygon((-wide - 0.3, eaves), (wide + 0.3, eaves), (0, top)), roof, line, LINE)
    gable = eaves + 0.4 * (top - eaves)
    canvas.fill(1j * gable + 0.2 * CIRCLE, GLASS, line, 0.06)
    canvas.fill(rectangle(-0.26, -0.85, 0.26, 0), door, line, 0.06)
    canvas.fill(0.14 - 0.42j + 0.05 * CIRCLE, (245, 205, 80))
    for s in SIDES:
        middle = s * (wide + 0.26) / 2
        canvas.fill(rectangle(middle - 0.2, -1, middle + 0.2, -0.55), GLASS, line, 0.06)
        canvas.stroke(segment(middle, -1, middle, -0.55), line, 0.05)
        canvas.fill(rectangle(middle - 0.28, -0.5, middle + 0.28, -0.36), door)
        for k in (-0.16, 0, 0.16):
            canvas.fill(middle + k - 0.54j + 0.08 * CIRCLE[::3], blend(roof, WHITE, 0.5))


OBJECTS = {
    "car": (car, (2, 1.8)),
    "fish": (fish, (1.3, 2.5)),
    "boat": (boat, (1.8, 2.9)),
    "sunflower": (sunflower, (1.3, 3.5)),
    "house": (house, (1.55, 3.2)),
}
