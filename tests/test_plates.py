"""Plate elements against what is known in closed form, and against themselves."""

from course_utils.datasets.drawn.plates import POISSON, element, hertz, vibrate

import numpy as np
import pytest
from checks import refused
from scipy.optimize import brentq
from scipy.special import ivp, jvp, kvp, yvp


def square(n):
    """A plate of n x n pixels, clamped all round."""
    clamped = np.zeros((n + 1, n + 1), bool)
    clamped[[0, -1]] = clamped[:, [0, -1]] = True
    return np.ones((n, n), bool), clamped


def ring(n, outer, inner):
    """A round plate of radius `outer`, clamped within the radius `inner`, all in pixels, on n x n of them."""
    pixels, corners = np.arange(n) + 0.5 - n / 2, np.arange(n + 1) - n / 2
    # Of the corners within a circle the outermost lie a third of a pixel inside it, on average.
    return np.hypot(pixels, pixels[:, None]) < outer, np.hypot(corners, corners[:, None]) <= inner + 0.3


# --- closed forms ----------------------------------------------------------------------------


def test_a_clamped_square_plate_rings_as_leissa_has_it():
    n = 40  # A. W. Leissa, "Vibration of Plates", 1969, table 4.24: omega a^2 sqrt(rho h / D)
    omega = np.sqrt(vibrate(*square(n)).eigenvalues) * n**2
    assert omega[0] == pytest.approx(35.985, rel=1e-3)
    np.testing.assert_allclose(omega[1:], [73.39, 73.39, 108.2], rtol=3e-3)
    assert omega[1] == pytest.approx(omega[2], rel=1e-9)  # the same mode, turned


def test_finer_pixels_come_closer():
    errors = [abs(np.sqrt(vibrate(*square(n)).eigenvalues[0]) * n**2 / 35.985 - 1) for n in (10, 20, 40)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def annulus(inner, waves):
    """omega of a ring with outer radius 1, free there and clamped at `inner`, with `waves` round its rim.

    w = (a J(kr) + b Y(kr) + c I(kr) + d K(kr)) cos(waves * angle), omega = k^2: the four conditions have a
    solution where their determinant is zero.
    """

    def determinant(k):
        columns = []
        for f in (jvp, yvp, ivp, kvp):
            w, slope, second, third = (k**d * f(waves, k, d) for d in range(4))  # at r = 1
            moment = second + POISSON * (slope - waves**2 * w)
            shear = third + second - slope * (1 + waves**2 * (2 - POISSON)) + waves**2 * (3 - POISSON) * w
            columns.append([f(waves, k * inner, 0), k * f(waves, k * inner, 1), moment, shear])
        return np.linalg.det(np.array(columns).T / np.abs(columns).max(axis=1))

    grid = np.linspace(0.8, 6, 500)
    signs = np.sign([determinant(k) for k in grid])
    first = np.flatnonzero(signs[:-1] != signs[1:])[0]
    return brentq(determinant, grid[first], grid[first + 1]) ** 2


def test_a_ring_rings_within_three_percent_of_bessel():
    omega = np.sqrt(vibrate(*ring(64, 30, 9), n_modes=5).eigenvalues) * 30**2
    exact = [annulus(0.3, waves) for waves in (1, 1, 0, 2, 2)]  # with waves, always in pairs
    np.testing.assert_allclose(omega, exact, rtol=0.03)


def test_a_strip_held_at_one_end_bends_as_a_beam():
    n = 50
    clamped = np.zeros((2, n + 1), bool)
    clamped[:, 0] = True
    omega = np.sqrt(vibrate(np.ones((1, n), bool), clamped).eigenvalues[0] / (1 - POISSON**2)) * n**2
    assert omega == pytest.approx(3.516, rel=2e-3)  # Euler and Bernoulli: 1.875 squared


def test_the_element_knows_flat_motions_and_its_mass():
    K, M = element()
    assert np.allclose(K, K.T) and np.allclose(M, M.T)
    assert np.linalg.eigvalsh(M).min() > 0
    up = np.tile([1, 0, 0], 4)
    tilt = np.array([[x, 1, 0] for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]).ravel()
    assert np.abs(K @ up).max() < 1e-12 and np.abs(K @ tilt).max() < 1e-12  # nothing bends
    assert up @ M @ up == pytest.approx(1) and tilt @ M @ tilt == pytest.approx(1 / 3)
    bent = np.array([[x**2 / 2, x, 0] for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]).ravel()
    assert bent @ K @ bent == pytest.approx(1)  # curvature 1 costs D


def test_hertz():
    # A clamped square steel plate, 1 m, 10 mm: 35.985 / (2 pi) * sqrt(D / (rho h)) / a^2
    expected = 35.985 / (2 * np.pi) * np.sqrt(210e9 * 0.01**2 / (12 * (1 - 0.09) * 7850))
    eigenvalue = vibrate(*square(40)).eigenvalues[0]
    assert hertz(eigenvalue, 0.01, 1 / 40, 210e9, 7850) == pytest.approx(expected, rel=1e-3)
    assert hertz(eigenvalue, 0.02, 1 / 40, 210e9, 7850) == pytest.approx(2 * expected, rel=1e-3)
    assert hertz(eigenvalue, 0.01, 2 / 40, 210e9, 7850) == pytest.approx(expected / 4, rel=1e-3)


# --- the sensitivity -------------------------------------------------------------------------


def lopsided():
    """A plate whose lowest mode stands alone, with grey pixels too."""
    rng = np.random.default_rng(0)
    material = np.ones((12, 14))
    material[3:6, 8:11] = 0
    material[9:, :4] = rng.uniform(0.3, 1, (3, 4))
    clamped = np.zeros((13, 15), bool)
    clamped[:4, 0] = True
    return material, clamped


def test_the_sensitivity_is_what_a_little_more_material_does():
    material, clamped = lopsided()
    start = vibrate(material, clamped)
    step = 1e-3
    for pixel in ((0, 0), (2, 5), (10, 1), (11, 13), (7, 7)):
        changed = []
        for sign in (1, -1):
            more = material.copy()
            more[pixel] *= 1 + sign * step
            changed.append(np.log(vibrate(more, clamped).eigenvalues[0]) / 2)  # ln of the frequency
        assert (changed[0] - changed[1]) / (2 * step) == pytest.approx(
            start.sensitivity[pixel], rel=1e-3, abs=1e-9
        )


def test_the_sensitivity_adds_up_to_zero_and_is_nothing_where_nothing_is():
    material, clamped = lopsided()
    sensitivity = vibrate(material, clamped).sensitivity
    assert (
        abs(sensitivity.sum()) < 1e-9 * np.abs(sensitivity).sum()
    )  # stiffer and heavier alike: nothing changes
    assert (sensitivity[material == 0] == 0).all() and (sensitivity[material > 0] != 0).all()
    assert (
        sensitivity[:3, 0].min() > 0 > sensitivity[10:, 11:].max()
    )  # stiffen where it bends, not where it swings


def test_symmetric_plates_have_symmetric_sensitivities():
    for plate in (ring(32, 15, 4), ring(48, 22, 7), square(16)):
        s = vibrate(*plate).sensitivity
        for turned in (s.T, s[::-1], s[:, ::-1]):
            np.testing.assert_allclose(turned, s, atol=1e-6 * np.abs(s).max())


def test_scaling_all_material_changes_nothing():
    material, clamped = lopsided()
    one, two = vibrate(material, clamped), vibrate(0.25 * material, clamped)
    np.testing.assert_allclose(two.eigenvalues, one.eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(two.sensitivity, one.sensitivity, atol=1e-9)


# --- shape, repetition, input ----------------------------------------------------------------


def test_modes_are_zero_where_clamped_and_largest_where_free():
    material, clamped = lopsided()
    result = vibrate(material, clamped, n_modes=3)
    assert result.modes.shape == (3, 13, 15) and result.sensitivity.shape == (12, 14)
    assert (result.modes[:, clamped] == 0).all()
    row, column = np.unravel_index(np.abs(result.modes[0]).argmax(), clamped.shape)
    assert row > 8 and column > 11  # the corner far from where it is held
    assert (np.diff(result.eigenvalues) > 0).all()


def test_the_same_twice_to_the_last_bit():
    for a, b in zip(vibrate(*lopsided()), vibrate(*lopsided())):
        np.testing.assert_array_equal(a, b)


def test_inputs_are_left_alone():
    material, clamped = lopsided()
    copies = material.copy(), clamped.copy()
    vibrate(material, clamped)
    np.testing.assert_array_equal(material, copies[0])
    np.testing.assert_array_equal(clamped, copies[1])


def changed(where, value):
    material = square(4)[0].astype(float)
    material[where] = value
    return material


ONE_PIXEL = np.array([[True]])


@pytest.mark.parametrize(
    "material, clamped, fragments",
    [
        (square(4)[0][None], square(4)[1], ["(1, 4, 4)", "(H, W)"]),
        (changed((1, 1), np.nan), square(4)[1], ["NaN"]),
        (changed((1, 1), np.inf), square(4)[1], ["infinite"]),
        (changed((1, 1), -1), square(4)[1], ["negative"]),
        (square(4)[0].astype(str), square(4)[1], ["type", "(H, W)"]),
        (square(4)[0], square(3)[1], ["(4, 4)", "(5, 5)", "corner"]),
        (square(4)[0], square(4)[1].astype(float), ["float64", "bool"]),
        (np.zeros((4, 4)), square(4)[1], ["no material"]),
        (np.zeros((0, 4)), np.zeros((1, 5), bool), ["no material"]),
        (changed(1, 0), square(4)[1], ["2 loose parts", "8 of 12 pixels"]),
        (np.eye(2), np.ones((3, 3), bool), ["2 loose parts"]),  # they touch at a corner only
        (square(4)[0], np.zeros((5, 5), bool), ["clamped nowhere"]),
        (changed(0, 0), np.arange(25).reshape(5, 5) < 5, ["clamped nowhere"]),  # what was held is gone
        (ONE_PIXEL, np.ones((2, 2), bool), ["clamped everywhere"]),
    ],
    ids=[
        "batch",
        "NaN",
        "infinite",
        "negative",
        "text",
        "corners",
        "float corners",
        "nothing",
        "empty",
        "two parts",
        "corner to corner",
        "free",
        "hub missing",
        "no freedom",
    ],
)
def test_bad_plates(material, clamped, fragments):
    with refused(*fragments):
        vibrate(material, clamped)


@pytest.mark.parametrize("n_modes", [0, -1, 1.5, "2"])
def test_bad_numbers_of_modes(n_modes):
    with refused("n_modes", repr(n_modes)):
        vibrate(*square(4), n_modes=n_modes)


def test_few_degrees_of_freedom_give_few_modes():
    clamped = np.array([[True, True], [False, False]])  # two free corners, three degrees of freedom each
    assert len(vibrate(ONE_PIXEL, clamped, n_modes=50).eigenvalues) == 5
