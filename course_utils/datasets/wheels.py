"""Wheels cut from a sheet of steel, and the lowest frequency at which each of them rings.

A wheel is a picture of 64 x 64 pixels, True where there is metal, drawn from a seed: three to eight spokes,
straight or bent, tapered, with holes or without. Its shaft is clamped and it vibrates as a thin plate; the
frequency comes from the plate elements in `plates`, so it is computed, not measured and not invented.

    the sheet   steel, 1 mm thick: 210 GPa, 7,850 kg/m^3, Poisson's ratio 0.3
    the wheel   120 mm across (60 pixels of 2 mm), clamped within 10.6 mm of its centre

`load` gives 1,500 wheels to learn from and 400 others, with their frequencies and sensitivities, from the
file that tools/make_wheels.py made. No TensorFlow is needed here.
"""

from pathlib import Path
from typing import NamedTuple

from course_utils.datasets.drawn import plates

import numpy as np
from scipy import ndimage

SIZE = 64  # pixels a side
OUTER = 30.0  # the wheel's radius, in pixels
SHAFT = 5.3  # the radius within which it is clamped
STEEL = dict(thickness=1e-3, pixel=2e-3, youngs_modulus=210e9, density=7850.0)
CELLS = 16  # sensitivities are kept for 16 x 16 cells of 4 x 4 pixels

# No wheel is in two splits; seeds below 10,000 are for showing.
SPLIT_SEEDS = {"train": range(10_000, 11_500), "valid": range(60_000, 60_100), "test": range(80_000, 80_300)}
FILE = Path(__file__).parents[1] / "weights" / "wheels.npz"


class Wheels(NamedTuple):
    """N wheels, what they ring at, and what each part of them has to do with it."""

    metal: np.ndarray  # (N, 64, 64) bool
    frequencies: np.ndarray  # (N,) Hz, the lowest of each wheel
    sensitivities: (
        np.ndarray
    )  # (N, 16, 16): by how many percent the frequency changes with a percent of the cell's metal

    @property
    def images(self):
        """The wheels as a network takes them: uint8 (N, 64, 64, 1), 255 where there is metal."""
        return pictures(self.metal)


class WheelData(NamedTuple):
    """Wheels to learn from, to choose with and to report on."""

    train: Wheels
    valid: Wheels
    test: Wheels

    def __str__(self):
        f = np.concatenate([part.frequencies for part in self])
        return (
            f"Steel wheels, {SIZE} x {SIZE} pixels, computed: "
            f"{', '.join(str(len(part.metal)) for part in self)} to learn from, to choose with and to "
            f"report on; they ring at {f.min():.0f} to {f.max():.0f} Hz."
        )


class Solution(NamedTuple):
    """What the plate elements say about one wheel."""

    frequency: float  # Hz, the lowest
    mode: (
        np.ndarray
    )  # (65, 65): how far the corners of the pixels swing, the largest 1; one of two if modes come in pairs
    sensitivity: (
        np.ndarray
    )  # (64, 64): by how many percent the frequency changes with a percent of the pixel's metal


# --- drawing ---------------------------------------------------------------------------------


def draw_wheel(seed):
    """The wheel of a seed: (64, 64) bool, True where there is metal, always in one piece."""
    rng = np.random.default_rng([7, seed])
    while True:
        metal = _cut(rng)
        if ndimage.label(metal)[1] == 1:  # holes or thin spokes may cut it: draw again
            return metal


def _cut(rng):
    fine = 4  # each pixel is cut as 4 x 4 smaller ones, and is metal if half of them are
    x, y = (c / fine for c in _centres(SIZE * fine))
    radius, angle = np.hypot(x, y), np.arctan2(y, x)

    n_spokes = rng.integers(3, 9)
    turn = 2 * np.pi / n_spokes
    hub, rim = rng.uniform(6.3, 14), OUTER - rng.uniform(2.2, 9)
    width_at_hub = rng.uniform(2.2, min(12, 0.85 * turn * hub))
    width_at_rim = width_at_hub * rng.uniform(0.6, 1.4)
    bend = rng.uniform(-0.5, 0.5) * rng.integers(2)
    first = rng.uniform(0, 2 * np.pi)

    way = np.clip((radius - hub) / (rim - hub), 0, 1)  # from hub to rim
    off_spoke = np.abs((angle - first - bend * way + turn / 2) % turn - turn / 2)
    half_width = (width_at_hub + (width_at_rim - width_at_hub) * way) / 2
    spokes = radius * np.sin(np.minimum(off_spoke, np.pi / 2)) < half_width
    metal = ((radius < hub) | (radius > rim) | spokes) & (radius < OUTER)

    if rng.integers(2):
        place = rng.integers(3)  # in the spokes, in the rim, or between hub and shaft
        far = ((hub + rim) / 2, (rim + OUTER) / 2, (hub + SHAFT) / 2 + 0.2)[place]
        room = (min(width_at_hub, width_at_rim), OUTER - rim, hub - SHAFT)[place]
        hole = room * rng.uniform(0.2, 0.36)
        start = first + (bend / 2 if place == 0 else turn / 2)
        if hole > 0.8:  # smaller ones would hardly be seen
            for a in start + turn * np.arange(n_spokes):
                metal &= np.hypot(x - far * np.cos(a), y - far * np.sin(a)) >= hole
    return metal.reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3)) >= 0.5


def with_hole(metal, distance, angle, hole):
    """The wheel with a round hole of radius `hole` (pixels), its centre `distance` pixels from the wheel's.

    angle in degrees, 0 to the right, anticlockwise. metal (64, 64) bool; a new array is returned. Crumbs of
    up to nine pixels that the hole leaves loose fall off; larger parts stay, for `solve` to complain of.
    """
    metal = _one_wheel(metal)
    if not (np.isfinite([distance, angle, hole]).all() and distance >= 0 and hole >= 0):
        raise ValueError(
            f"distance is {distance}, angle {angle} and hole {hole}; expected finite numbers, the distance "
            "and the hole's radius at least 0 pixels."
        )
    x, y = _centres(SIZE)
    a = np.radians(angle)
    cut = metal & (np.hypot(x - distance * np.cos(a), y + distance * np.sin(a)) >= hole)
    parts, _ = ndimage.label(cut)
    return cut & (np.bincount(parts.flat)[parts] > 9)


def pictures(metal):
    """One wheel (64, 64) bool or several (N, 64, 64) as pictures, uint8 (N, 64, 64, 1), 0 or 255."""
    metal = np.asarray(metal)
    if metal.dtype != bool or metal.ndim not in (2, 3) or metal.shape[-2:] != (SIZE, SIZE):
        raise ValueError(
            f"metal has shape {metal.shape} and type {metal.dtype}; expected wheels, bool, ({SIZE}, {SIZE}) "
            f"or (N, {SIZE}, {SIZE})."
        )
    return np.uint8(255) * metal.reshape(-1, SIZE, SIZE, 1)


def _centres(n):
    """x to the right and y downwards of the centres of n x n pixels, from the wheel's centre."""
    return np.meshgrid(*2 * [np.arange(n) + 0.5 - n / 2])


# --- the physics -----------------------------------------------------------------------------


def clamped():
    """Where the shaft holds the sheet: (65, 65) bool, one for each corner of the pixels."""
    at = np.arange(SIZE + 1) - SIZE / 2
    return np.hypot(at, at[:, None]) <= SHAFT


def solve(metal):
    """Frequency, mode and sensitivity of one wheel, metal (64, 64) bool: a `Solution`, in a fifteenth of a
    second.

    Raises ValueError for a wheel in loose parts, or without metal where it is clamped.
    """
    vibration = plates.vibrate(_one_wheel(metal), clamped())
    mode = vibration.modes[0]
    return Solution(
        float(plates.hertz(vibration.eigenvalues[0], **STEEL)),
        mode / mode.flat[np.abs(mode).argmax()],
        vibration.sensitivity,
    )


def in_cells(picture, cells=CELLS):
    """Sums over the square cells of a picture: (S, S) or (N, S, S) -> (cells, cells) or (N, cells, cells)."""
    picture = np.asarray(picture)
    if picture.ndim not in (2, 3) or picture.shape[-1] != picture.shape[-2] or picture.shape[-1] % cells:
        raise ValueError(
            f"picture has shape {picture.shape}; expected squares, (S, S) or (N, S, S), with a side that "
            f"{cells} cells divide."
        )
    side = picture.shape[-1] // cells
    return picture.reshape(*picture.shape[:-2], cells, side, cells, side).sum(axis=(-3, -1))


def _one_wheel(metal):
    metal = np.asarray(metal)
    if metal.shape != (SIZE, SIZE) or metal.dtype != bool:
        raise ValueError(
            f"metal has shape {metal.shape} and type {metal.dtype}; expected one wheel, bool, ({SIZE}, "
            f"{SIZE}): True where there is metal. Take one of several: metal[0]."
        )
    return metal


# --- the shipped wheels ----------------------------------------------------------------------

_STEPS = 63  # sensitivities are kept in this many steps up to the wheel's largest, of either sign


def load():
    """The shipped wheels: a `WheelData` with 1,500 to learn from, 100 to choose with, 300 to report on."""
    if not FILE.exists():
        raise FileNotFoundError(
            f"{FILE.name} is missing beside the course's weights; make it with `python "
            "tools/make_wheels.py` (three minutes), or install the course again."
        )
    with np.load(FILE) as stored:
        everything = unpack(**stored)
    ends = np.cumsum([len(seeds) for seeds in SPLIT_SEEDS.values()])[:-1]
    return WheelData(*(Wheels(*part) for part in zip(*(np.split(array, ends) for array in everything))))


def pack(wheels):
    """`Wheels` as the file holds them: a pixel a bit, sensitivities in 63 steps of each wheel's largest. A
    dict.

    Eight pixels of a column make a byte, and a cell's steps of all wheels lie side by side: like is next to
    like, and the file gets a third smaller.
    """
    largest = np.abs(wheels.sensitivities).max(axis=(1, 2)).astype(np.float32)
    steps = np.round(wheels.sensitivities / largest[:, None, None] * _STEPS).astype(np.int8)
    return {
        "metal": np.packbits(wheels.metal, axis=1),
        "frequencies": wheels.frequencies.astype(np.float32),
        "largest": largest,
        "steps": steps.transpose(1, 2, 0),
    }


def unpack(metal, frequencies, largest, steps):
    """The reverse of `pack`: `Wheels`, but for the rounding."""
    return Wheels(
        np.unpackbits(metal, axis=1).astype(bool),
        frequencies.astype(np.float64),
        steps.transpose(2, 0, 1) * (largest[:, None, None] / np.float32(_STEPS)),
    )


# --- for the lesson --------------------------------------------------------------------------


def turned(pictures, how):
    """Pictures (N, S, S, ...) in one of the 8 ways a square can lie, how 0 to 7: quarter turns, from 4 on
    mirrored.
    """
    if how not in range(8):
        raise ValueError(f"how is {how!r}; a square can lie in 8 ways, 0 to 7.")
    pictures = np.rot90(pictures, how % 4, axes=(1, 2))
    return pictures[:, :, ::-1] if how >= 4 else pictures


def partial_correlation(a, b, held):
    """How a and b still go together when what `held` explains is taken out of both: -1 to 1.

    a, b (n,); held: a list of arrays (n,). Each is replaced by what is left of it after the best linear
    prediction from `held` (least squares, with a constant); then they are correlated as usual.
    """
    a, b, *held = (np.asarray(v, float) for v in (a, b, *held))
    if a.ndim != 1 or any(v.shape != a.shape for v in (b, *held)) or len(a) < len(held) + 3:
        raise ValueError(
            f"a, b and held have shapes {', '.join(str(v.shape) for v in (a, b, *held))}; expected (n,) "
            f"each, with n at least {len(held) + 3}."
        )
    if not all(np.isfinite(v).all() for v in (a, b, *held)):
        raise ValueError(
            "a, b or held has values that are NaN or infinite; leave those cells out of all of them."
        )
    known = np.column_stack([np.ones(len(a)), *held])
    left_a, left_b = (v - known @ np.linalg.lstsq(known, v, rcond=None)[0] for v in (a, b))
    for name, left, v in (("a", left_a, a), ("b", left_b, b)):
        if left.std() <= 1e-9 * np.abs(v).max():
            raise ValueError(
                f"Nothing is left of {name} once the held ones are taken out: no correlation exists."
            )
    return float(left_a @ left_b / np.sqrt((left_a @ left_a) * (left_b @ left_b)))
