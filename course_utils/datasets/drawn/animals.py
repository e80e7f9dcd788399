"""Cats and dogs, drawn so that only the head tells one from the other; see `drawing` for the tools.

Everything is in units of the head: its middle is the origin, its radius 1. `choose_pet` takes all the
chances: a pet is the same whether a cat's or a dog's head is drawn on it afterwards.
"""

from typing import NamedTuple

from course_utils.datasets.drawn.drawing import (
    BLACK,
    INK,
    WHITE,
    blend,
    curve,
    darker,
    ellipse,
    flipped,
    lighter,
    polygon,
    random_colour,
    rounded,
    segment,
    tube,
)

import numpy as np

CAT, DOG = 0, 1
LINE = 0.075  # the dark line around everything, in head radii
SIDES = (-1, 1)
PINK, ROSE, MOUTH = (238, 160, 160), (234, 112, 126), (52, 36, 42)
COATS = (  # the coat, and the colour of bib, socks and markings
    ((224, 140, 62), (250, 226, 190)),
    ((196, 110, 48), (246, 214, 176)),
    ((120, 120, 128), (226, 226, 230)),
    ((66, 62, 68), (240, 238, 236)),
    ((235, 222, 200), (176, 120, 76)),
    ((146, 98, 62), (232, 206, 170)),
    ((98, 66, 48), (214, 176, 130)),
    ((214, 178, 126), (250, 238, 216)),
    ((104, 116, 138), (222, 228, 236)),
    ((240, 236, 230), (92, 84, 84)),
    ((240, 236, 230), (216, 136, 66)),
    ((168, 150, 132), (240, 232, 220)),
)


class Body(NamedTuple):
    """A body without its head."""

    far: list  # outlines of the legs on the far side, drawn darker
    near: list  # outlines of trunk, tail and near legs, filled as one shape
    front: list  # outlines of forelegs that lie in front, each with its own line
    creases: list  # paths of the lines that tell a leg from the trunk
    bib: np.ndarray  # outline of the chest
    paws: list  # outlines of those that may wear socks
    feet: float  # how far below the head's middle the ground is
    left: float
    right: float


class Coat(NamedTuple):
    """Colours and markings."""

    main: tuple
    second: tuple
    line: tuple
    marks: tuple  # the colour of stripes, patches and an eye patch
    pattern: list  # outlines of stripes or patches on the body
    marking: str  # of the head: "plain", "stripes", "blaze" or "eye patch"
    socks: bool  # and a bib
    collar: tuple | None


class Face(NamedTuple):
    """What differs from head to head, for either kind of head."""

    width: float
    ear_out: float
    ear_up: float
    iris: tuple
    brown: tuple
    tongue: bool


class Pet(NamedTuple):
    """A pet before it is decided whether it is a cat or a dog."""

    x: float  # middle and radius of the head, as shares of the picture's width
    y: float
    radius: float
    mirror: bool
    tilt: float
    body: Body
    coat: Coat
    face: Face

    @property
    def feet(self):
        """Where it stands, as a share of the picture's height."""
        return self.y + self.body.feet * self.radius

    def is_beside(self, x, margin):
        """Whether x (an array, too) is further than `margin` to the left or to the right of the pet."""
        x = (self.x - x if self.mirror else x - self.x) / self.radius
        margin = margin / self.radius
        return (x < self.body.left - margin) | (x > self.body.right + margin)


# ------------------------------------------------------------------------------------------ chances


def sitting(rng):
    """A body that sits and faces us."""
    u = rng.uniform
    tail = curve((0.8, 2.7), (u(1.5, 2), 2.95), (u(1.4, 2), u(1.3, 2)), (u(1.4, 2.2), u(0.9, 1.7)))
    trunk = rounded(
        (-0.5, 0.5),
        (0.5, 0.5),
        (0.82, 1.5),
        (0.98, 2.5),
        (0.5, 2.95),
        (-0.5, 2.95),
        (-0.98, 2.5),
        (-0.82, 1.5),
    )
    haunches = [ellipse(s * 0.88, 2.42, 0.48, 0.55) for s in SIDES]
    hind_paws = [ellipse(s * 1.02, 2.93, 0.4, 0.16) for s in SIDES]
    paws = [ellipse(s * 0.33, 2.95, 0.3, 0.18) for s in SIDES]
    creases = [curve((s * 0.5, 1.75), (s * 0.66, 2.1), (s * 0.6, 2.5), (s * 0.62, 2.85)) for s in SIDES]
    creases.append(segment(0, 2.05, 0, 2.9))
    return Body(
        [],
        [tube(tail, 0.4, 0.28), trunk, *haunches, *hind_paws, *paws],
        [],
        creases,
        ellipse(0, 1.4, 0.42, 0.72),
        paws,
        feet=3.1,
        left=-1.5,
        right=2.4,
    )


def standing(rng):
    """A body that stands, seen from the side."""
    u, long = rng.uniform, rng.uniform(2.2, 2.8)
    tail = curve(
        (long + 0.2, 0.9), (long + 0.7, 0.85), (long + 0.9, u(-0.1, 0.5)), (long + u(0.4, 1.2), u(-0.8, 0))
    )
    trunk = rounded(
        (-0.3, 0.35),
        (0.5, 0.45),
        (long * 0.6, 0.55),
        (long, 0.6),
        (long + 0.45, 1.1),
        (long + 0.12, 1.75),
        (long * 0.5, 1.8),
        (0.2, 1.9),
        (-0.45, 1.4),
    )

    def leg(x, bend):
        shin = curve((x, 1.4), (x + bend, 1.9), (x - bend, 2.4), (x, 2.85))
        return [tube(shin, 0.54, 0.42), ellipse(x - 0.06, 2.92, 0.29, 0.17)]

    fore, hind = leg(0.05, 0.03), leg(long + 0.1, -0.1)
    far = leg(0.58, 0.03) + leg(long - 0.42, -0.1)
    creases = [
        curve((0.32, 1.9), (0.34, 1.75), (0.32, 1.6), (0.26, 1.45)),
        curve((long - 0.14, 1.85), (long - 0.28, 1.65), (long - 0.3, 1.4), (long - 0.1, 1.15)),
    ]
    return Body(
        far,
        [tube(tail, 0.4, 0.26), trunk, *fore, *hind],
        [],
        creases,
        ellipse(-0.1, 1.25, 0.36, 0.55),
        [fore[1], hind[1]],
        feet=3.1,
        left=-1.5,
        right=long + 1.4,
    )


def lying(rng):
    """A body that lies, its forelegs stretched out."""
    u, long = rng.uniform, rng.uniform(2.3, 2.9)
    tail = curve(
        (long + 0.1, 1.25), (long + 0.9, 1.35), (long + 1.1, 0.9), (long + u(0.8, 1.4), u(-0.1, 0.7))
    )
    trunk = rounded(
        (-0.5, 0.4),
        (0.5, 0.2),
        (long * 0.55, 0.15),
        (long, 0.4),
        (long + 0.35, 1.0),
        (long, 1.52),
        (long * 0.5, 1.55),
        (0, 1.55),
        (-0.6, 1.2),
    )
    haunch = curve((long - 0.85, 1.42), (long - 1.15, 1.0), (long - 0.75, 0.5), (long - 0.2, 0.68))
    forelegs = [
        tube(curve((0.2, 1.3), (-0.1, 1.4), (-0.5, 1.42), (-0.8, 1.42)), 0.4, 0.36),
        tube(curve((0.9, 1.38), (0.5, 1.45), (0.2, 1.46), (-0.1, 1.46)), 0.4, 0.36),
    ]
    paws = [ellipse(-0.82, 1.43, 0.26, 0.18), ellipse(-0.14, 1.47, 0.26, 0.18)]
    hind_paw = ellipse(long - 0.6, 1.48, 0.42, 0.16)
    return Body(
        [],
        [tube(tail, 0.38, 0.26), trunk, hind_paw],
        forelegs,
        [haunch],
        ellipse(-0.05, 1.05, 0.42, 0.36),
        paws,
        feet=1.66,
        left=-1.5,
        right=long + 1.6,
    )


POSES = (sitting, standing, lying)


def choose_pattern(rng, body):
    """Outlines of stripes, of patches, or of nothing, all over a body."""
    pattern, every = rng.choice(["plain", "stripes", "patches"]), np.concatenate(body.near)
    left, right, top, bottom = every.real.min(), every.real.max(), every.imag.min() + 0.4, every.imag.max()
    u, high = rng.uniform, bottom - top
    if pattern == "stripes":
        return [
            tube(
                curve(
                    (x, top - 0.1),
                    (x + 0.15, top + 0.3 * high),
                    (x - 0.1, top + 0.4 * high),
                    (x + u(-0.1, 0.1), top + u(0.45, 0.7) * high),
                ),
                0.22,
                0.06,
            )
            for x in np.arange(left + 0.2, right, 0.42)
        ]
    if pattern == "patches":
        return [
            ellipse(u(left, right), u(top, bottom), u(0.3, 0.65), u(0.25, 0.55), u(0, 3))
            for _ in range(rng.integers(2, 6))
        ]
    return []


def choose_coat(rng, body):
    main, second = COATS[rng.integers(len(COATS))]
    main = tuple(int(part) for part in np.clip(main + rng.normal(0, 7, 3), 0, 255))
    if rng.random() < 0.25:
        main, second = second, main
    marks = blend(main, (30, 20, 20), 0.38) if rng.random() < 0.6 else second
    collar = random_colour(rng, (0.6, 0.95), (0.5, 0.95))
    return Coat(
        main,
        second,
        line=darker(main, 0.75) if sum(main) > 260 else (24, 19, 24),
        marks=marks,
        pattern=choose_pattern(rng, body),
        marking=str(rng.choice(list(MARKINGS))),
        socks=rng.random() < 0.45,
        collar=collar if rng.random() < 0.45 else None,
    )


def choose_face(rng):
    return Face(
        width=rng.uniform(0.95, 1.05),
        ear_out=rng.uniform(-0.08, 0.12),
        ear_up=rng.uniform(-0.08, 0.1),
        iris=random_colour(rng, (0.5, 0.8), (0.75, 0.95), (0.12, 0.38)),
        brown=random_colour(rng, (0.4, 0.7), (0.25, 0.5), (0.03, 0.09)),
        tongue=rng.random() < 0.7,
    )


def choose_pet(rng, x, y, radius, mirror, body):
    """A pet with this body, its head at (x, y); chance decides on coat, face and the tilt of the head."""
    tilt = float(rng.normal(0, 0.09))
    return Pet(x, y, radius, mirror, tilt, body, choose_coat(rng, body), choose_face(rng))


# -------------------------------------------------------------------------------------------- body


def draw_body(canvas, pet):
    """Draw shadow, body, markings and collar, and return the mask of the body (its shadow apart)."""
    body, coat = pet.body, pet.coat
    canvas.frame(pet.x, pet.y, pet.radius, pet.mirror)
    trunk = np.concatenate(body.near[1:])  # all but the tail
    left, right = trunk.real.min(), trunk.real.max()
    shadow = ellipse((left + right) / 2, body.feet - 0.05, 0.58 * (right - left), 0.2)
    canvas.fill_mask(canvas.mask([shadow], strength=90), (30, 26, 40))

    drawn = canvas.fill_as_one(body.far, darker(coat.main, 0.2), coat.line, LINE)
    drawn += canvas.fill_as_one(body.near, coat.main, coat.line, LINE)
    silhouette = canvas.mask(body.near)
    canvas.fill_mask(canvas.mask(coat.pattern), coat.marks, within=silhouette)
    if coat.socks:
        canvas.fill_mask(canvas.mask([body.bib]), coat.second, within=silhouette)
    for crease in body.creases:
        canvas.stroke(crease, coat.line, 0.06)
    for foreleg in body.front:
        drawn += canvas.fill_as_one([foreleg], coat.main, coat.line, LINE)
    for paw in body.paws:
        if coat.socks:
            drawn += canvas.fill_as_one([paw], coat.second, coat.line, LINE)
        middle = paw.mean()
        for gap in (middle - 0.1, middle + 0.1):
            canvas.stroke(np.array([gap, gap + 0.15j]), coat.line, 0.045)
    if coat.collar:
        strap = tube(curve((-0.62, 0.72), (-0.3, 1.12), (0.3, 1.12), (0.62, 0.72)), 0.24)
        drawn += canvas.fill_as_one([strap], coat.collar, darker(coat.collar, 0.5), 0.05)
        canvas.fill(ellipse(0, 1.12, 0.13, 0.13), (245, 205, 80), (120, 90, 20), 0.04)
    return canvas.mask(drawn)


# -------------------------------------------------------------------------------------------- head

SKULLS = {
    CAT: rounded(
        (0, -0.84),
        (0.55, -0.72),
        (0.98, -0.1),
        (1, 0.3),
        (0.6, 0.74),
        (0, 0.88),
        (-0.6, 0.74),
        (-1, 0.3),
        (-0.98, -0.1),
        (-0.55, -0.72),
    ),
    DOG: rounded(
        (0, -0.9),
        (0.5, -0.82),
        (0.82, -0.35),
        (0.78, 0.2),
        (0.62, 0.7),
        (0.3, 0.98),
        (-0.3, 0.98),
        (-0.62, 0.7),
        (-0.78, 0.2),
        (-0.82, -0.35),
        (-0.5, -0.82),
    ),
}
EAR_ROOTS = {CAT: 0.98, DOG: 0.84}  # where ears are fixed, from the middle of the head
DOG_MUZZLE = rounded(
    (0, 0.1), (0.3, 0.2), (0.52, 0.55), (0.36, 0.92), (0, 1), (-0.36, 0.92), (-0.52, 0.55), (-0.3, 0.2)
)
DOG_NOSE = rounded((0, 0.16), (0.2, 0.18), (0.25, 0.3), (0.1, 0.46), (-0.1, 0.46), (-0.25, 0.3), (-0.2, 0.18))
TONGUE = rounded((-0.17, 0.72), (0.17, 0.72), (0.19, 1.02), (0, 1.24), (-0.19, 1.02))
MARKINGS = {
    "plain": [],
    "stripes": [
        tube(curve((x, -1), (0.9 * x, -0.7), (0.8 * x, -0.55), (0.7 * x, -0.42)), 0.18, 0.06)
        for x in (-0.35, 0, 0.35)
    ],
    "blaze": [
        rounded(
            (0, -0.95), (0.16, -0.5), (0.2, 0), (0.45, 0.5), (0, 0.9), (-0.45, 0.5), (-0.2, 0), (-0.16, -0.5)
        )
    ],
    "eye patch": [ellipse(0.42, -0.15, 0.4, 0.45)],
}


def cat_ears(face, root):
    """Outlines of two pointed ears, and of their pink insides."""
    x, y = 0.82 + face.ear_out, -1.42 + face.ear_up
    ear = np.concatenate(
        [
            curve((root, 0.02), (1.02, -0.5), (0.98, -1), (x, y)),
            curve((x, y), (0.6, -1.2), (0.3, -0.95), (0.14, -0.72))[1:],
        ]
    )
    x, y = 0.97 * x, 0.9 * y
    inside = np.concatenate(
        [
            curve((root - 0.12, -0.35), (0.9, -0.6), (0.88, -0.9), (x, y)),
            curve((x, y), (0.64, -1.05), (0.48, -0.9), (0.4, -0.72))[1:],
        ]
    )
    return [ear, flipped(ear)], [inside, flipped(inside)]


def dog_ears(face, root):
    """Outlines of two ears that hang down the sides of the head."""
    x, e = root - 0.84, face.ear_out
    ear = rounded(
        (0.42, -0.86),
        (x + 0.8, -0.88),
        (x + 1.16, -0.45),
        (x + 1.26 + e / 2, 0.2),
        (x + 1.12 + e / 3, 0.62 + e),
        (x + 0.88, 0.5 + e),
        (x + 0.8, 0),
        (x + 0.7, -0.4),
    )
    return [ear, flipped(ear)]


def draw_head(canvas, pet, kind, ears):
    """Draw a cat's or a dog's head with the ears of either, and return its mask (without the whiskers)."""
    coat, face = pet.coat, pet.face
    canvas.frame(pet.x, pet.y, pet.radius, pet.mirror, pet.tilt)
    skull = SKULLS[kind].real * face.width + 1j * SKULLS[kind].imag
    patched = coat.marking == "eye patch"

    if ears == CAT:  # behind the skull
        outsides, insides = cat_ears(face, EAR_ROOTS[kind])
        drawn = canvas.fill_as_one([*outsides, skull], coat.main, coat.line, LINE)
        for outside, inside in zip(outsides, insides):
            canvas.fill(outside, coat.marks if patched else coat.main)
            canvas.fill(inside, PINK)
        canvas.fill(skull, coat.main)
    else:
        drawn = canvas.fill_as_one([skull], coat.main, coat.line, LINE)
    colours = {"stripes": blend(coat.main, (30, 20, 20), 0.42), "blaze": coat.second}
    canvas.fill_mask(
        canvas.mask(MARKINGS[coat.marking]),
        colours.get(coat.marking, coat.marks),
        within=canvas.mask([skull]),
    )
    if ears == DOG:  # in front of it
        colour = coat.marks if patched else darker(coat.main, 0.28)
        for ear in dog_ears(face, EAR_ROOTS[kind]):
            drawn += canvas.fill_as_one([ear], colour, coat.line, LINE)
    drawn += (draw_cat_face if kind == CAT else draw_dog_face)(canvas, coat, face)
    return canvas.mask(drawn)


def draw_cat_face(canvas, coat, face):
    """Slit pupils, a pink nose and whiskers; returns the outlines that reach beyond the skull: none."""
    muzzle = coat.second if coat.socks else lighter(coat.main, 0.45)
    whiskers = (250, 250, 250) if sum(coat.main) < 420 else (62, 52, 52)
    for s in SIDES:
        canvas.fill(ellipse(s * 0.3, 0.46, 0.34, 0.25), muzzle)
    for s in SIDES:
        canvas.fill(ellipse(s * 0.43, -0.06, 0.25, 0.25), face.iris, INK, 0.045)
        canvas.fill(ellipse(s * 0.43, -0.06, 0.09, 0.21), BLACK)
        canvas.fill(ellipse(s * 0.43 + 0.07, -0.15, 0.065, 0.065), WHITE)
        for slope in (-0.16, 0.02, 0.2):
            whisker = segment(s * 0.42, 0.42 + 0.4 * slope, s * 1.25, 0.36 + 1.4 * slope)
            canvas.stroke(whisker, whiskers, 0.045)
    draw_smile(canvas, 0.42, 0.36)
    canvas.fill(polygon((-0.15, 0.22), (0.15, 0.22), (0, 0.4)), ROSE, (120, 50, 60), 0.035)
    return []


def draw_dog_face(canvas, coat, face):
    """Brown eyes with brows, a large nose, often a tongue; returns what reaches beyond the skull."""
    canvas.fill(DOG_MUZZLE, coat.second if coat.socks else lighter(coat.main, 0.45))
    tongue = []
    if face.tongue:
        tongue = canvas.fill_as_one([TONGUE], ROSE, (150, 50, 64), 0.045)
        canvas.stroke(segment(0, 0.85, 0, 1.05), (190, 76, 90), 0.045)
    draw_smile(canvas, 0.6, 0.34)
    canvas.stroke(segment(0, 0.4, 0, 0.64), MOUTH, 0.06)
    canvas.fill(DOG_NOSE, (32, 26, 30))
    canvas.fill(ellipse(0.07, 0.25, 0.07, 0.045), (196, 196, 206))
    for s in SIDES:
        canvas.fill(ellipse(s * 0.36, -0.14, 0.2, 0.21), (250, 248, 244), INK, 0.04)
        canvas.fill(ellipse(s * 0.35, -0.12, 0.15, 0.17), face.brown)
        canvas.fill(ellipse(s * 0.35, -0.12, 0.09, 0.1), BLACK)
        canvas.fill(ellipse(s * 0.35 + 0.06, -0.19, 0.06, 0.06), WHITE)
        brow = curve((s * 0.2, -0.46), (s * 0.3, -0.54), (s * 0.42, -0.52), (s * 0.5, -0.42))
        canvas.stroke(brow, coat.line, 0.06)
    return tongue


def draw_smile(canvas, y, width):
    """Two bows below the nose."""
    for s in SIDES:
        bow = curve((0, y), (s * 0.06, y + 0.24), (s * 0.8 * width, y + 0.24), (s * width, y + 0.06))
        canvas.stroke(bow, MOUTH, 0.07)
