"""Thin plates that vibrate: natural frequencies of any flat shape made of square pixels.

Each pixel with material is one plate element, whose deflection w(x, y) is a polynomial fixed by w, dw/dx and
dw/dy at its four corners (the 12 degrees of freedom of Adini, Clough and Melosh, around 1962). Stiffness and
mass of all pixels add up to K and M, and the plate vibrates where K u = eigenvalue * M u.

Lengths are counted in pixels and eigenvalues in D / (rho h a^4), with D the bending stiffness, rho h the mass
per area and a the side of a pixel; `hertz` turns them into frequencies.
"""

from functools import lru_cache
from math import perm, pi, sqrt
from typing import NamedTuple

import numpy as np
import scipy.sparse
from scipy import ndimage
from scipy.sparse import linalg

POISSON = 0.3  # of steel: how much a strip gets narrower when it is stretched

# Round wheels have their modes in pairs of one frequency, and a little metal decides which mode is the
# lowest. So the sensitivity is that of a soft minimum of the frequencies, (sum of f^-50)^(-1/50): a mode that
# is 1 % higher counts 0.6 times as much, one that is 10 % higher hardly at all, and the two of a pair count
# alike.
SHARPNESS = 50


class Vibration(NamedTuple):
    """How a plate of H x W pixels vibrates, lowest mode first."""

    eigenvalues: np.ndarray  # (n_modes,), proportional to the frequency squared
    modes: np.ndarray  # (n_modes, H + 1, W + 1): the deflection at the corners of the pixels, u' M u = 1
    sensitivity: np.ndarray  # (H, W): d ln(frequency) / d ln(material) of each pixel; adds up to zero


def vibrate(material, clamped, n_modes=4):
    """The lowest modes of a plate that is clamped at some corners of its pixels: a `Vibration`.

    material (H, W): 0 where there is none, 1 or True for a full pixel; anything between scales the stiffness
    and the mass of the pixel alike. clamped (H + 1, W + 1) bool: corners that neither move nor tilt.

    The sensitivity is Rayleigh's quotient taken apart: u' K u is the strain energy and eigenvalue * u' M u
    the kinetic energy, so a pixel e whose material grows by a share d changes ln(frequency) by d * u_e' (K_e
    / eigenvalue - M_e) u_e / 2: strain minus kinetic energy density. Material stiffens where the plate bends
    and slows where it only moves. Modes of nearly the lowest frequency count too (SHARPNESS). Raises
    ValueError for a plate in loose parts, or held nowhere.
    """
    material, clamped = _checked(material, clamped)
    if not isinstance(n_modes, (int, np.integer)) or n_modes < 1:
        raise ValueError(f"n_modes is {n_modes!r}; expected a whole number, at least 1.")
    rows, columns = np.nonzero(material)
    share = material[rows, columns]
    corner = np.arange(clamped.size).reshape(clamped.shape)
    corners = np.stack(
        [
            corner[rows, columns],
            corner[rows, columns + 1],
            corner[rows + 1, columns + 1],
            corner[rows + 1, columns],
        ],
        axis=1,
    )
    dof = (3 * corners[:, :, None] + np.arange(3)).reshape(
        -1, 12
    )  # of each element: w, dw/dx, dw/dy, four times

    free = np.zeros(3 * clamped.size, bool)
    free[dof] = True
    free &= ~np.repeat(clamped.ravel(), 3)
    if not free.any():
        raise ValueError("The plate is clamped everywhere: no corner of its material is free to move.")
    number = np.where(free, np.cumsum(free) - 1, -1)[dof]  # counts the free ones only; -1 where clamped
    n_modes = min(n_modes, free.sum() - 1)
    K_e, M_e = element()
    K, M = (_assemble(one, share, number, free.sum()) for one in (K_e, M_e))
    eigenvalues, u = _lowest(K, M, n_modes)

    everywhere = np.zeros((n_modes, free.size))
    everywhere[:, free] = u.T
    u_e = everywhere[:, dof]  # (n_modes, elements, 12)
    strain, kinetic = (np.einsum("mea,ab,meb->me", u_e, one, u_e) * share for one in (K_e, M_e))
    density = (strain / eigenvalues[:, None] - kinetic) / 2
    counts = (eigenvalues[0] / eigenvalues) ** (SHARPNESS / 2)
    sensitivity = np.zeros(material.shape)
    sensitivity[rows, columns] = counts @ density / counts.sum()
    return Vibration(eigenvalues, everywhere[:, ::3].reshape(n_modes, *clamped.shape), sensitivity)


def hertz(eigenvalue, thickness, pixel, youngs_modulus, density):
    """Frequencies in Hz of eigenvalues; thickness and pixel's side in m, modulus in Pa, density in kg/m^3."""
    bending_stiffness = youngs_modulus * thickness**3 / (12 * (1 - POISSON**2))
    return np.sqrt(eigenvalue) * sqrt(bending_stiffness / (density * thickness)) / (2 * pi * pixel**2)


@lru_cache
def element():
    """Stiffness and mass of one full pixel: two (12, 12) matrices, for D = rho h = a = 1."""
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    values = np.array([_terms(x, y, *d) for x, y in corners for d in ((0, 0), (1, 0), (0, 1))])
    to_coefficients = np.linalg.inv(values)  # of the polynomial, from the 12 degrees of freedom
    bending = np.array([[1, POISSON, 0], [POISSON, 1, 0], [0, 0, (1 - POISSON) / 2]])
    points, weights = np.polynomial.legendre.leggauss(4)  # exact up to degree 7; x^3 y squared has 6
    K, M = np.zeros((12, 12)), np.zeros((12, 12))
    for x, weight_x in zip((points + 1) / 2, weights / 2):
        for y, weight_y in zip((points + 1) / 2, weights / 2):
            curvature = (
                np.array([_terms(x, y, 2, 0), _terms(x, y, 0, 2), 2 * _terms(x, y, 1, 1)]) @ to_coefficients
            )
            deflection = _terms(x, y) @ to_coefficients
            K += weight_x * weight_y * curvature.T @ bending @ curvature
            M += weight_x * weight_y * np.outer(deflection, deflection)
    return K, M


# --- inside ----------------------------------------------------------------------------------

# The powers of x and y in the polynomial: all up to degree three, and two of degree four.
_POWERS = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3), (3, 1), (1, 3))


def _terms(x, y, dx=0, dy=0):
    """The polynomial's terms, differentiated dx times by x and dy times by y: (12,)."""
    return np.array(
        [perm(p, dx) * x ** max(p - dx, 0) * perm(q, dy) * y ** max(q - dy, 0) for p, q in _POWERS]
    )


def _assemble(one, share, number, n):
    """The sum of all elements' matrices: sparse (n, n), with clamped degrees of freedom left out."""
    row, column = np.broadcast_arrays(number[:, :, None], number[:, None, :])
    kept = (row >= 0) & (column >= 0)
    value = (share[:, None, None] * one)[kept]
    return scipy.sparse.csc_matrix((value, (row[kept], column[kept])), shape=(n, n))


def _lowest(K, M, n_modes):
    """The lowest eigenvalues (n_modes,) of K u = eigenvalue * M u, and vectors (n, n_modes), u' M u = 1."""
    # K is symmetric and positive: no pivots needed. Lanczos on the inverse finds the lowest first.
    factors = linalg.splu(
        K, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    inverse = linalg.LinearOperator(K.shape, matvec=factors.solve)
    # A fixed start keeps results the same from run to run; a random one has a share of every mode.
    start = np.random.default_rng(0).uniform(-1, 1, K.shape[0])
    eigenvalues, u = linalg.eigsh(K, k=n_modes, M=M, sigma=0, OPinv=inverse, v0=start)
    order = np.argsort(eigenvalues)
    eigenvalues, u = eigenvalues[order], u[:, order]
    return eigenvalues, u / np.sqrt(np.einsum("im,im->m", u, M @ u))


def _checked(material, clamped):
    material, clamped = np.asarray(material), np.asarray(clamped)
    if material.ndim != 2 or material.dtype.kind not in "biuf":
        raise ValueError(
            f"material has shape {material.shape} and type {material.dtype}; expected one plate, (H, W), "
            "True or 1 where there is material."
        )
    if not np.isfinite(material).all() or (material < 0).any():
        raise ValueError(
            "material has values that are NaN, infinite or negative; expected 0 for nothing, 1 for a full "
            "pixel."
        )
    if clamped.shape != (material.shape[0] + 1, material.shape[1] + 1) or clamped.dtype != bool:
        raise ValueError(
            f"clamped has shape {clamped.shape} and type {clamped.dtype}; expected bool, "
            f"{(material.shape[0] + 1, material.shape[1] + 1)}: one for each corner of the pixels."
        )
    parts, n_parts = ndimage.label(material > 0)  # pixels that touch at a corner only don't hold each other
    if n_parts == 0:
        raise ValueError("The plate has no material at all; there is nothing to vibrate.")
    if n_parts > 1:
        sizes = np.bincount(parts.flat)[1:]
        raise ValueError(
            f"The plate is in {n_parts} loose parts (the largest has {sizes.max()} of {sizes.sum()} "
            "pixels); join them, or leave out all but one."
        )
    held = clamped[:-1, :-1] | clamped[:-1, 1:] | clamped[1:, :-1] | clamped[1:, 1:]
    if not (held & (material > 0)).any():
        raise ValueError(
            "The plate is clamped nowhere: no corner of its material is held, so it would fall instead of "
            "vibrate."
        )
    return material.astype(float), clamped
