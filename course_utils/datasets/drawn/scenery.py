"""Rooms and gardens with things in them, for the drawn pets to be in; see `drawing` for the tools.

Each thing is drawn around the origin of the canvas's frame, in units of the picture's width, with what
the generator it is given decides. Nothing here knows which animal the picture is for.
"""

from course_utils.datasets.drawn.drawing import (
    CIRCLE,
    WHITE,
    blend,
    curve,
    darker,
    ellipse,
    lighter,
    polygon,
    random_colour,
    rectangle,
    rounded,
    segment,
    tube,
)

import numpy as np

# --------------------------------------------------------------- on the wall and hanging from the ceiling


def window(canvas, rng):
    w, h = rng.uniform(0.08, 0.14, 2)
    frame = lighter(random_colour(rng, (0.3, 0.3), (0.8, 0.8), (0.05, 0.1)), rng.uniform(0.2, 0.8))
    canvas.fill(rectangle(-w, -h, w, h), random_colour(rng, (0.2, 0.5), (0.75, 1), (0.5, 0.62)), frame, 0.016)
    canvas.stroke(segment(0, -h, 0, h), frame, 0.013)
    canvas.stroke(segment(-w, 0, w, 0), frame, 0.013)


def picture(canvas, rng):
    w, h = rng.uniform(0.06, 0.11, 2)
    frame = random_colour(rng, (0.3, 0.7), (0.35, 0.7), (0.05, 0.12))
    canvas.fill(rectangle(-w, -h, w, h), random_colour(rng, (0.1, 0.4), (0.75, 1)), frame, 0.015)
    motifs = [
        ellipse(0, 0, 0.55 * w, 0.5 * h),
        rectangle(-0.6 * w, -0.4 * h, 0.6 * w, 0.4 * h),
        polygon((-0.8 * w, 0.7 * h), (0, -0.6 * h), (0.8 * w, 0.7 * h)),
    ]
    canvas.fill(motifs[rng.integers(3)], random_colour(rng, (0.4, 0.8), (0.4, 0.9)))


def shelf(canvas, rng):
    left, right = -0.11, rng.uniform(0.1, 0.15)
    canvas.fill(rectangle(left, 0, right, 0.02), random_colour(rng, (0.5, 0.5), (0.4, 0.7), (0.07, 0.07)))
    x = left + 0.01
    while x < right - 0.04:
        thick, tall = rng.uniform(0.02, 0.042), rng.uniform(0.07, 0.12)
        canvas.fill(rectangle(x, -tall, x + thick, 0), random_colour(rng, (0.3, 0.75), (0.45, 0.9)))
        x += thick + 0.003


def lamp(canvas, rng):
    cord, s, shade = rng.uniform(0.06, 0.2), rng.uniform(0.05, 0.08), random_colour(rng)
    canvas.stroke(segment(0, 0, 0, cord), (70, 60, 60), 0.01)
    canvas.fill(ellipse(0, cord + 1.25 * s, 0.3 * s, 0.3 * s), (255, 244, 190))
    canvas.fill(
        polygon((-0.4 * s, cord), (0.4 * s, cord), (s, cord + 1.2 * s), (-s, cord + 1.2 * s)),
        shade,
        darker(shade),
        0.006,
    )


def bunting(canvas, rng):
    flags = int(rng.integers(5, 9))
    for i in range(flags):
        left, right = (i + 0.06) / flags, (i + 0.94) / flags
        tip = (left + right) / 2, rng.uniform(0.1, 0.14)
        canvas.fill(polygon((left, 0), (right, 0), tip), random_colour(rng))
    canvas.stroke(segment(0, 0, 1, 0), (90, 80, 80), 0.009)


# ------------------------------------------------------------------------ in the sky and on the horizon


def sun(canvas, rng):
    canvas.fill(rng.uniform(0.045, 0.07) * CIRCLE, (255, 222, 90))


def cloud(canvas, rng):
    s = rng.uniform(0.04, 0.07)
    for x, y, r in ((-1.2, 0.2, 0.7), (1.2, 0.2, 0.75), (0, 0, 1)):
        canvas.fill(ellipse(x * s, y * s, 1.2 * r * s, 0.8 * r * s), (250, 250, 252))


def tree(canvas, rng):
    s, leaves = rng.uniform(0.08, 0.12), random_colour(rng, (0.4, 0.7), (0.4, 0.7), (0.2, 0.38))
    canvas.fill(polygon((-0.024, 0), (0.024, 0), (0.016, -0.16), (-0.016, -0.16)), (112, 78, 52))
    for x, y in ((-0.6, -0.3), (0.6, -0.35), (-0.25, -1), (0.35, -0.95), (0, -0.5)):
        green = blend(leaves, (255, 255, 200), rng.uniform(0, 0.16))
        canvas.fill(ellipse(x * s, y * s - 0.16, 0.75 * s, 0.65 * s), green)


def fir(canvas, rng):
    s, needles = rng.uniform(0.07, 0.11), random_colour(rng, (0.4, 0.7), (0.3, 0.55), (0.32, 0.42))
    canvas.fill(rectangle(-0.013, -0.06, 0.013, 0), (92, 62, 42))
    for i in range(3):
        low, half = -0.04 - 0.7 * s * i, s * (1 - 0.22 * i)
        canvas.fill(polygon((-half, low), (half, low), (0, low - 1.2 * s)), lighter(needles, 0.07 * i))


def fence(canvas, rng):
    wood = lighter(random_colour(rng, (0.1, 0.45), (0.65, 0.95), (0.07, 0.07)))
    pales, tall = int(rng.integers(8, 13)), rng.uniform(0.1, 0.16)
    for rail in (0.3, 0.75):
        canvas.stroke(segment(0, -rail * tall, 1, -rail * tall), darker(wood, 0.16), 0.018)
    pale = polygon((0.15, 0.01), (0.15, -tall), (0.48, -tall - 0.03), (0.8, -tall), (0.8, 0.01))
    for i in range(pales):
        canvas.fill((i + pale.real) / pales + 1j * pale.imag, wood)


def house(canvas, rng):
    s, walls = rng.uniform(0.07, 0.1), random_colour(rng, (0.1, 0.4), (0.7, 0.95), (0, 0.15))
    roof = random_colour(rng, (0.6, 0.6), (0.4, 0.8), (0, 0.08))
    canvas.fill(s * rectangle(-1, -1.2, 1, 0), walls)
    canvas.fill(s * polygon((-1.25, -1.15), (1.25, -1.15), (0, -2.1)), roof)
    canvas.fill(s * rectangle(-0.6, -0.7, -0.1, 0), darker(walls, 0.6))
    canvas.fill(s * rectangle(0.25, -0.75, 0.7, -0.35), (190, 222, 240))


# -------------------------------------------------------------------------------- standing on the ground
# Nothing here is round and red: that is the planted ball's privilege (`pets`).


def plant(canvas, rng):
    s, leaf = rng.uniform(0.045, 0.065), random_colour(rng, (0.4, 0.7), (0.4, 0.7), (0.27, 0.42))
    pot = random_colour(rng, hue=(0, 0.1))
    for lean in np.linspace(-1.1, 1.1, 6) - np.pi / 2:
        half = 0.5 * s * rng.uniform(1.8, 2.6)
        green = blend(leaf, (255, 255, 160), rng.uniform(0, 0.25))
        middle = half * np.exp(1j * lean)
        blade = ellipse(middle.real, middle.imag - 1.3 * s, half, 0.33 * half, lean)
        canvas.fill(blade, green, darker(leaf), 0.005)
    canvas.fill(s * polygon((-1, -1.5), (1, -1.5), (0.7, 0), (-0.7, 0)), pot, darker(pot), 0.006)


def bush(canvas, rng):
    s, leaves = rng.uniform(0.05, 0.08), random_colour(rng, (0.4, 0.7), (0.35, 0.65), (0.23, 0.38))
    for x, y in ((-1, -0.5), (1, -0.5), (0, -1), (0, -0.45)):
        canvas.fill(s * ellipse(x, y, 1, 0.7), blend(leaves, (255, 255, 180), rng.uniform(0, 0.15)))


def ball(canvas, rng):
    s, colour = rng.uniform(0.032, 0.05), random_colour(rng, (0.5, 0.85), (0.6, 0.95), (0.14, 0.82))
    canvas.fill(s * ellipse(0, -1, 1, 1), colour, darker(colour), 0.007)
    seam = curve((-0.85, -0.8), (-0.3, -1.4), (0.3, -1.4), (0.85, -0.8))
    canvas.stroke(s * seam, lighter(colour, 0.65), 0.011)


def yarn(canvas, rng):
    s, colour = rng.uniform(0.036, 0.05), random_colour(rng, (0.3, 0.75), (0.55, 0.9), (0.14, 0.82))
    canvas.stroke(s * curve((0.4, -0.2), (1.6, 0.3), (1.6, -0.6), (2.3, 0)), colour, 0.01)
    canvas.fill(s * ellipse(0, -1, 1, 1), colour, darker(colour), 0.007)
    for tilt in (0, 0.8, 2):
        canvas.fill(s * ellipse(0, -1, 0.85, 0.3, tilt), colour, darker(colour, 0.25), 0.006)


def bowl(canvas, rng):
    s, colour = rng.uniform(0.045, 0.065), random_colour(rng, (0.4, 0.85), (0.5, 0.95))
    canvas.fill(s * polygon((-1, -0.8), (1, -0.8), (1.2, 0), (-1.2, 0)), colour, darker(colour), 0.007)
    canvas.fill(s * ellipse(0, -0.8, 1, 0.28), darker(colour))
    canvas.fill(s * ellipse(0, -0.78, 0.75, 0.16), (150, 104, 66))


def bone(canvas, rng):
    s, colour = rng.uniform(0.035, 0.05), lighter((232, 222, 202), rng.uniform(0, 0.6))
    shaft = s * np.exp(1j * rng.uniform(-0.6, 0.6)) * np.array([-1, 1]) - 0.03j
    knobs = [0.016 * CIRCLE + end + side for end in shaft for side in (-0.012j, 0.012j)]
    canvas.fill_as_one([tube(shaft, 0.022), *knobs], colour, darker(colour), 0.006)


def cushion(canvas, rng):
    s, colour = rng.uniform(0.055, 0.08), random_colour(rng)
    outline = rounded(
        (-1.1, -1.3), (0, -1.2), (1.1, -1.3), (1, -0.6), (1.1, 0.1), (0, 0), (-1.1, 0.1), (-1, -0.6)
    )
    canvas.fill(s * outline, colour, darker(colour), 0.007)
    canvas.fill(s * ellipse(0, -0.6, 0.12, 0.12), darker(colour))


def crate(canvas, rng):
    w, h = rng.uniform(0.045, 0.075, 2)
    colour = random_colour(rng, (0.3, 0.6), (0.55, 0.9), (0.05, 0.12) if rng.random() < 0.5 else (0, 1))
    lid = polygon((-w, -h), (w, -h), (0.75 * w, -1.45 * h), (-0.75 * w, -1.45 * h))
    canvas.fill(rectangle(-w, -h, w, 0), colour, darker(colour), 0.007)
    canvas.fill(lid, lighter(colour), darker(colour), 0.006)


def books(canvas, rng):
    w = rng.uniform(0.055, 0.08)
    for i in range(int(rng.integers(1, 4))):
        shift, colour = rng.uniform(-0.015, 0.015), random_colour(rng, (0.3, 0.75), (0.45, 0.9))
        canvas.fill(shift + rectangle(-w, -0.026 * (i + 1), w, -0.026 * i), colour, darker(colour), 0.005)


def flower(canvas, rng):
    s, petals = rng.uniform(0.018, 0.026), random_colour(rng, (0.4, 0.8), (0.85, 1), (0.7, 1.15))
    canvas.stroke(segment(0, 0, 0, -3 * s), (70, 130, 60), 0.01)
    for turn in np.exp(2j * np.pi * np.arange(5) / 5):
        canvas.fill(s * (0.7 * turn + 0.55 * CIRCLE - 3j), petals)
    canvas.fill(s * (0.45 * CIRCLE - 3j), (250, 210, 70))


# ----------------------------------------------------------------------------------------- whole scenes
# How high the middle of a thing hangs, or None for what stands on the horizon.

INDOORS = {
    window: (0.14, 0.28),
    picture: (0.12, 0.28),
    shelf: (0.18, 0.3),
    lamp: (0, 0),
    bunting: (0.02, 0.08),
}
OUTDOORS = {sun: (0.07, 0.17), cloud: (0.07, 0.2), tree: None, fir: None, house: None, fence: None}
FROM_SIDE_TO_SIDE = {bunting, fence}
ON_THE_FLOOR = (plant, crate, ball, yarn, bowl, bone, cushion, books)
ON_THE_GRASS = (bush, crate, ball, flower, flower, bowl, bone)
TALL = {plant, bush}  # never in front of a pet
LOW, BESIDE = 0.13, 0.13  # how far everything else reaches upwards and sidewards, at most


def draw_room(canvas, rng, horizon):
    """A wall with or without some paper, a floor with boards or a rug, and a skirting board between them."""
    wall = random_colour(rng, (0.08, 0.36), (0.68, 0.97))
    canvas.fill(rectangle(0, 0, 1, horizon), wall)
    paper, n = rng.choice(["plain", "stripes", "dots", "panels"]), int(rng.integers(5, 10))
    if paper == "stripes":
        for i in range(n):
            canvas.fill(rectangle(i / n, 0, (i + 0.5) / n, horizon), blend(wall, WHITE, 0.25))
    elif paper == "dots":
        colour, dot = blend(wall, random_colour(rng, (0.3, 0.3), (0.9, 0.9)), 0.4), 0.014 * CIRCLE[::3]
        for row in range(int(horizon * n)):
            for column in range(n):
                canvas.fill(dot + complex(column + 0.25 + 0.5 * (row % 2), row + 0.5) / n, colour)
    elif paper == "panels":
        for y in horizon * np.arange(1, n) / n:
            canvas.stroke(segment(0, y, 1, y), darker(wall, 0.1), 0.006)

    floor, deep = random_colour(rng, (0.2, 0.5), (0.5, 0.85), (0.04, 0.12)), 1 - horizon
    canvas.fill(rectangle(0, horizon, 1, 1), floor)
    if rng.random() < 0.55:
        for y in horizon + deep * np.linspace(0.2, 1, 5) ** 1.4:  # boards are wider where they are nearer
            canvas.stroke(segment(0, y, 1, y), darker(floor, 0.14), 0.006)
    else:
        rug = random_colour(rng, (0.2, 0.55), (0.55, 0.95))
        shape = ellipse(
            rng.uniform(0.25, 0.75),
            horizon + 0.6 * deep,
            rng.uniform(0.28, 0.45),
            rng.uniform(0.25, 0.36) * deep,
        )
        canvas.fill(shape, rug, darker(rug, 0.15), 0.012)
    canvas.fill(rectangle(0, horizon - 0.012, 1, horizon + 0.012), lighter(wall, 0.5))


def draw_garden(canvas, rng, horizon):
    """Sky, perhaps hills, and a lawn with tufts."""
    sky = random_colour(rng, (0.15, 0.5), (0.8, 1), (0.5, 0.63))
    grass = random_colour(rng, (0.3, 0.6), (0.5, 0.85), (0.2, 0.36))
    canvas.fill(rectangle(0, 0, 1, horizon), sky)
    for _ in range(int(rng.integers(0, 3))):
        hill = ellipse(rng.uniform(0, 1), horizon + 0.04, rng.uniform(0.25, 0.5), rng.uniform(0.1, 0.24))
        canvas.fill(hill, blend(grass, sky, rng.uniform(0.3, 0.6)))
    canvas.fill(rectangle(0, horizon, 1, 1), grass)
    tuft = polygon((-0.5, 0), (-1, -2), (0, -0.7), (1, -2), (0.5, 0))
    for _ in range(int(rng.integers(5, 11))):
        spot = complex(rng.uniform(0, 1), rng.uniform(horizon + 0.05, 1))
        canvas.fill(spot + rng.uniform(0.012, 0.022) * tuft, darker(grass, 0.2))


def draw_backdrop(canvas, rng, feet):
    """Draw a room or a garden; return its horizon, above the `feet`, and the things for its ground."""
    horizon = min(rng.uniform(0.35, 0.75), feet - rng.uniform(0.04, 0.12))  # else pets would float
    indoors = rng.random() < 0.6
    canvas.frame()
    (draw_room if indoors else draw_garden)(canvas, rng, horizon)
    things = list((INDOORS if indoors else OUTDOORS).items())
    some = [things[i] for i in rng.permutation(len(things))[: rng.integers(1, 4)]]
    some.sort(key=lambda entry: entry[0] in FROM_SIDE_TO_SIDE)  # bunting and fences in front of the rest
    for third, (thing, heights) in zip(rng.permutation(3), some):  # no window behind a shelf
        x = 0 if thing in FROM_SIDE_TO_SIDE else (third + rng.uniform(0.3, 0.7)) / 3
        y = horizon + rng.uniform(0.01, 0.04) if heights is None else min(rng.uniform(*heights), horizon / 2)
        canvas.frame(x, y)
        thing(canvas, rng)
    return horizon, ON_THE_FLOOR if indoors else ON_THE_GRASS


def choose_clutter(rng, horizon, things, pets):
    """At most four things on the ground, as (x, y, thing); none of them will hide any part of a pet."""
    clutter = []
    for quarter in rng.permutation(4)[: rng.integers(2, 5)]:
        x, y = (quarter + rng.uniform(0.2, 0.8)) / 4, rng.uniform(horizon + 0.05, 0.97)
        thing = things[rng.integers(len(things))]
        if all(
            y < pet.feet or (thing not in TALL and (y > pet.feet + LOW or pet.is_beside(x, BESIDE)))
            for pet in pets
        ):
            clutter.append((x, y, thing))
    return clutter
