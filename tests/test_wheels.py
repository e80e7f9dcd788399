"""Wheels: drawn the same everywhere, solved as the plate elements say, and shipped as they were made."""

import subprocess
import sys
from pathlib import Path

from course_utils.datasets import wheels
from course_utils.datasets.wheels import (
    CELLS,
    SIZE,
    SPLIT_SEEDS,
    clamped,
    draw_wheel,
    in_cells,
    load,
    partial_correlation,
    pictures,
    solve,
    turned,
    with_hole,
)

import numpy as np
import pytest
from checks import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
FOUR_SPOKES = np.zeros(
    (SIZE, SIZE), bool
)  # straight ones, along the rows and columns: as symmetric as pixels get
_x, _y = np.meshgrid(*2 * [np.arange(SIZE) + 0.5 - SIZE / 2])
_r = np.hypot(_x, _y)
FOUR_SPOKES[(_r < 30) & ((_r > 25) | (_r < 9) | (np.abs(_x) < 3) | (np.abs(_y) < 3))] = True


@pytest.fixture(scope="module")
def data():
    return load()


@pytest.fixture(scope="module")
def solution():
    return solve(FOUR_SPOKES)


# --- drawing ---------------------------------------------------------------------------------


def test_a_seed_is_a_wheel_whatever_was_drawn_before():
    first = draw_wheel(3)
    draw_wheel(4)
    np.testing.assert_array_equal(draw_wheel(3), first)
    assert first.shape == (SIZE, SIZE) and first.dtype == bool
    assert (draw_wheel(4) != first).mean() > 0.02


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_every_wheel_is_one_piece_round_its_shaft_and_inside_its_circle(seed):
    metal = draw_wheel(seed)
    assert ndimage.label(metal)[1] == 1
    assert not metal[_r > wheels.OUTER + 1].any() and metal[_r < wheels.SHAFT].all()
    angle = np.arctan2(_y, _x)[metal & (_r > 25)]
    assert np.diff(np.sort(angle)).max() < 0.2  # the rim goes all the way round


def test_wheels_differ_in_what_matters():
    spokes = []
    for seed in range(30):
        around = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        rows, columns = (np.floor(32 + 20 * f(around)).astype(int) for f in (np.sin, np.cos))
        ring = draw_wheel(seed)[rows, columns]
        spokes.append((ring & ~np.roll(ring, 1)).sum())
    assert {3, 4, 5, 6, 7, 8} <= set(spokes)


# --- physics ---------------------------------------------------------------------------------


def test_the_mode_is_held_at_the_shaft_and_largest_at_the_rim(solution):
    assert (
        solution.mode.shape == (SIZE + 1, SIZE + 1)
        and np.abs(solution.mode).max() == solution.mode.max() == 1
    )
    assert (solution.mode[clamped()] == 0).all()
    row, column = np.unravel_index(solution.mode.argmax(), solution.mode.shape)
    assert np.hypot(row - 32, column - 32) > 28
    assert clamped().sum() == 89 and clamped()[32, 32] and clamped()[32, 37] and not clamped()[32, 38]


def test_a_symmetric_wheel_has_a_symmetric_sensitivity(solution):
    for how in range(8):
        again = turned(solution.sensitivity[None], how)[0]
        np.testing.assert_allclose(
            again, solution.sensitivity, atol=1e-6 * np.abs(solution.sensitivity).max()
        )


def test_turning_a_wheel_turns_its_sensitivity_and_leaves_its_frequency():
    metal = draw_wheel(11)
    plain = solve(metal)
    for how in (1, 6):
        other = solve(turned(metal[None], how)[0])
        assert other.frequency == pytest.approx(plain.frequency, rel=1e-8)
        np.testing.assert_allclose(
            other.sensitivity,
            turned(plain.sensitivity[None], how)[0],
            atol=1e-5 * np.abs(plain.sensitivity).max(),
        )


def test_the_sensitivity_foretells_what_cutting_does(solution):
    """Not exactly, as a missing pixel is no small change; but its sign, and which of two matters more."""
    assert abs(solution.sensitivity.sum()) < 1e-9 * np.abs(solution.sensitivity).sum()
    light_rim, weak_root = FOUR_SPOKES.copy(), FOUR_SPOKES.copy()
    light_rim[2:5, 30:34] = light_rim[-5:-2, 30:34] = light_rim[30:34, 2:5] = light_rim[30:34, -5:-2] = False
    for rows, columns in ((slice(22, 24), (29, 34)), (slice(40, 42), (29, 34))):
        weak_root[rows, columns] = weak_root.T[rows, columns] = False
    assert (
        solution.sensitivity[FOUR_SPOKES & ~light_rim].sum()
        < 0
        < solution.sensitivity[FOUR_SPOKES & ~weak_root].sum()
    )
    assert solve(light_rim).frequency > solution.frequency > solve(weak_root).frequency


def test_frequencies_are_those_of_the_sheet_that_is_described():
    # A full disc, clamped within 5 of 30 pixels: two waves short of nothing, omega a^2 sqrt(rho h / D) near
    # 4.2.
    disc = _r < 30
    stiffness = 210e9 * 1e-3**2 / (12 * (1 - 0.3**2) * 7850)
    expected = 4.2 / (2 * np.pi) * np.sqrt(stiffness) / 0.06**2
    assert solve(disc).frequency == pytest.approx(expected, rel=0.1)
    assert (
        "1 mm thick" in wheels.__doc__
        and "120 mm across" in wheels.__doc__
        and wheels.STEEL["thickness"] == 1e-3
    )
    assert 2 * wheels.OUTER * wheels.STEEL["pixel"] == pytest.approx(0.120)


def test_holes_are_cut_where_they_are_said_to_be():
    disc = np.ones((SIZE, SIZE), bool)
    for angle, (column, row) in {0: (52, 32), 90: (32, 12), 180: (12, 32), 270: (32, 52)}.items():
        rows, columns = np.nonzero(~with_hole(disc, 20, angle, 4))
        assert rows.mean() + 0.5 == pytest.approx(row, abs=0.3) and columns.mean() + 0.5 == pytest.approx(
            column, abs=0.3
        )
        assert len(rows) == pytest.approx(np.pi * 16, rel=0.1)
    assert with_hole(disc, 20, 0, 0).all() and disc.all()


def test_a_hole_that_cuts_a_wheel_is_refused_when_it_is_solved():
    rimless = with_hole(FOUR_SPOKES & (_r < 25), 16, 0, 5)  # one spoke loses its end
    with refused("2 loose parts"):
        solve(rimless)
    with refused("clamped nowhere"):
        solve(with_hole(FOUR_SPOKES, 0, 0, 9))


# --- the shipped wheels ----------------------------------------------------------------------


def test_the_shipped_file_is_small_and_complete(data):
    assert wheels.FILE.stat().st_size <= 500_000
    for part, seeds in zip(data, SPLIT_SEEDS.values()):
        assert part.metal.shape == (len(seeds), SIZE, SIZE) and part.metal.dtype == bool
        assert (
            part.frequencies.shape == (len(seeds),)
            and 50 < part.frequencies.min() < part.frequencies.max() < 400
        )
        assert (
            part.sensitivities.shape == (len(seeds), CELLS, CELLS) and np.isfinite(part.sensitivities).all()
        )
        assert part.images.shape == (len(seeds), SIZE, SIZE, 1) and part.images.dtype == np.uint8
        np.testing.assert_array_equal(part.images[..., 0] == 255, part.metal)
    ranges = list(SPLIT_SEEDS.values())
    assert all(a.stop <= b.start for a, b in zip(ranges, ranges[1:])) and ranges[0].start >= 10_000
    assert "1500, 100, 300" in str(data) and "Hz" in str(data)


@pytest.mark.parametrize(
    "split, i", [("train", 0), ("train", 777), ("train", 1499), ("valid", 42), ("test", 0), ("test", 299)]
)
def test_the_shipped_wheels_are_those_of_their_seeds(data, split, i):
    from make_wheels import make

    part = getattr(data, split)
    metal, frequency, sensitivity = make(SPLIT_SEEDS[split][i])
    np.testing.assert_array_equal(part.metal[i], metal)
    assert part.frequencies[i] == pytest.approx(frequency, rel=1e-6)
    rounding = 0.5 / 63 * np.abs(sensitivity).max()
    np.testing.assert_allclose(part.sensitivities[i], sensitivity, atol=1.01 * rounding)


def test_packing_loses_nothing_but_digits(data):
    some = wheels.Wheels(*(array[:5] for array in data.test))
    for a, b in zip(wheels.unpack(**wheels.pack(some)), some):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_a_missing_file_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(wheels, "FILE", tmp_path / "wheels.npz")
    with refused("wheels.npz", "tools/make_wheels.py", error=FileNotFoundError):
        load()


def test_no_tensorflow_is_needed():
    code = (
        "import sys; from course_utils.datasets import wheels; wheels.solve(wheels.draw_wheel(0)); "
        "wheels.load(); "
        "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# --- cells, turns, partial correlation -------------------------------------------------------


def test_cells_hold_the_sum_of_their_pixels():
    picture = np.arange(64 * 64).reshape(64, 64)
    cells = in_cells(picture)
    assert (
        cells.shape == (16, 16) and cells[2, 3] == picture[8:12, 12:16].sum() and cells.sum() == picture.sum()
    )
    np.testing.assert_array_equal(in_cells(picture[None].repeat(2, 0))[1], cells)
    assert in_cells(picture, 4).shape == (4, 4)


def test_the_eight_ways_a_square_can_lie():
    picture = np.arange(9.0).reshape(1, 3, 3)
    ways = [turned(picture, how) for how in range(8)]
    assert len({way.tobytes() for way in ways}) == 8
    np.testing.assert_array_equal(ways[0], picture)
    np.testing.assert_array_equal(ways[1][0], [[2, 5, 8], [1, 4, 7], [0, 3, 6]])
    np.testing.assert_array_equal(ways[4][0], [[2, 1, 0], [5, 4, 3], [8, 7, 6]])
    colours = np.arange(24.0).reshape(2, 2, 2, 3)
    np.testing.assert_array_equal(turned(colours, 5)[..., 1], turned(colours[..., 1], 5))


def test_partial_correlation_takes_out_what_is_held():
    rng = np.random.default_rng(0)
    cause, noise_a, noise_b, shared = rng.normal(size=(4, 2000))
    a, b = cause + 0.3 * noise_a, -2 * cause + 0.6 * noise_b
    assert np.corrcoef(a, b)[0, 1] < -0.9 and abs(partial_correlation(a, b, [cause])) < 0.06
    a, b = a + 0.5 * shared, b + shared
    expected = 0.5 / np.sqrt(0.25 + 0.09) * 1 / np.sqrt(1 + 0.36)
    assert partial_correlation(a, b, [cause]) == pytest.approx(expected, abs=0.03)
    assert partial_correlation(a, b, []) == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_partial_correlation_is_that_of_the_textbook():
    a, b, c = np.random.default_rng(1).normal(size=(3, 50)) + np.linspace(0, 2, 50)
    r = np.corrcoef([a, b, c])
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    assert partial_correlation(a, b, [c]) == pytest.approx(expected)
    assert partial_correlation(5 * a - 3, b, [c]) == pytest.approx(expected)
    assert partial_correlation(a + 7 * c, b, [2 * c + 1]) == pytest.approx(expected)


# --- bad input -------------------------------------------------------------------------------

V = np.arange(6.0) ** 2


@pytest.mark.parametrize(
    "a, b, held, fragments",
    [
        (V, V[:5], [], ["(6,), (5,)"]),
        (V[None], V[None], [], ["(1, 6)"]),
        (V, V, [V[:4]], ["(4,)"]),
        (V[:2], V[:2], [], ["at least 3"]),
        (V * np.nan, V, [], ["NaN"]),
        (V, np.sqrt(V), [V], ["Nothing is left of a"]),
        (np.sqrt(V), np.ones(6), [], ["Nothing is left of b"]),
    ],
    ids=["lengths", "batch", "held", "few", "NaN", "held itself", "constant"],
)
def test_bad_partial_correlations(a, b, held, fragments):
    with refused(*fragments):
        partial_correlation(a, b, held)


@pytest.mark.parametrize(
    "function", [solve, lambda metal: with_hole(metal, 10, 0, 3)], ids=["solve", "with_hole"]
)
@pytest.mark.parametrize(
    "metal, fragments",
    [
        (FOUR_SPOKES[None], ["(1, 64, 64)", "metal[0]"]),
        (FOUR_SPOKES[:32], ["(32, 64)"]),
        (FOUR_SPOKES.astype(float), ["float64", "bool"]),
        (None, ["one wheel"]),
    ],
    ids=["batch", "half", "float", "none"],
)
def test_bad_wheels(function, metal, fragments):
    with refused(*fragments):
        function(metal)


def test_an_empty_wheel_and_one_in_parts_are_refused():
    with refused("no material"):
        solve(np.zeros((SIZE, SIZE), bool))
    with refused("2 loose parts"):
        solve(FOUR_SPOKES & ~((_r > 12) & (_r < 20)))
    with refused("clamped nowhere"):
        solve(FOUR_SPOKES & (_r > 9))  # spokes and rim, but no hub


@pytest.mark.parametrize("hole", [(-1, 0, 3), (10, np.nan, 3), (10, 0, -3), (np.inf, 0, 3)], ids=str)
def test_bad_holes(hole):
    with refused("finite", "at least 0"):
        with_hole(FOUR_SPOKES, *hole)


@pytest.mark.parametrize(
    "metal", [FOUR_SPOKES[None, None], FOUR_SPOKES[:5], 1.0 * FOUR_SPOKES], ids=["axes", "rows", "float"]
)
def test_bad_pictures(metal):
    with refused("metal", "bool", "(N, 64, 64)"):
        pictures(metal)


def test_bad_cells_and_turns():
    with refused("(10, 10)", "16 cells"):
        in_cells(np.zeros((10, 10)))
    with refused("(64, 32)"):
        in_cells(np.zeros((64, 32)))
    with refused("8", "0 to 7"):
        turned(np.zeros((1, 4, 4)), 8)
