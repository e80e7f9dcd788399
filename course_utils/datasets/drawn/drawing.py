"""Colours, shapes and a canvas: what the drawn pets and their surroundings are made with.

Points are complex numbers, x to the right and i·y downwards: to move is to add, to turn is to multiply.
An outline is a closed array of points, a path an open one.
"""

import colorsys

import numpy as np
from PIL import Image, ImageChops, ImageDraw

SUPERSAMPLING = 3  # everything is drawn this many times larger, then averaged: smooth edges

# ---------------------------------------------------------------------------------------------- colours

INK, BLACK, CREAM, WHITE = (20, 12, 16), (14, 11, 14), (255, 250, 240), (255, 255, 255)


def hsv(hue, saturation, value):
    """The RGB colour (0 to 255) of a hue (once round is 1), a saturation and a value (both 0 to 1)."""
    return tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value))


def random_colour(rng, saturation=(0.35, 0.8), value=(0.5, 0.95), hue=(0, 1)):
    """A colour whose hue, saturation and value are drawn from these ranges."""
    return hsv(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))


def blend(colour, other, share):
    """`colour` with the given share of `other` mixed in."""
    return tuple(int(a + (b - a) * share) for a, b in zip(colour, other))


def darker(colour, share=0.4):
    return blend(colour, INK, share)


def lighter(colour, share=0.3):
    return blend(colour, CREAM, share)


# ----------------------------------------------------------------------------------------------- shapes

CIRCLE = np.exp(2j * np.pi * np.arange(28) / 28)
HALF_TURN = np.exp(1j * np.linspace(np.pi / 2, -np.pi / 2, 7))


def _weights(t, *polynomials):
    """One row for each t: the polynomials (constant first) that weight four control points."""
    return np.polynomial.polynomial.polyval(t, np.transpose(polynomials)).T


BEZIER = _weights(np.linspace(0, 1, 12), (1, -3, 3, -1), (0, 3, -6, 3), (0, 0, 3, -3), (0, 0, 0, 1))
CATMULL_ROM = _weights(
    np.arange(5) / 5, (0, -0.5, 1, -0.5), (1, 0, -2.5, 1.5), (0, 0.5, 2, -1.5), (0, 0, -0.5, 0.5)
)


def polygon(*points):
    """The outline with straight edges through (x, y) pairs."""
    return np.array(points, float).view(complex)[:, 0]


def rectangle(left, top, right, bottom):
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


def ellipse(x, y, rx, ry, tilt=0.0):
    """An ellipse around (x, y) with radii rx and ry, turned by `tilt` radians."""
    return complex(x, y) + (rx * CIRCLE.real + 1j * ry * CIRCLE.imag) * np.exp(1j * tilt)


def rounded(*points):
    """The smooth outline through (x, y) pairs: a closed Catmull-Rom spline."""
    p = polygon(*points)
    neighbours = np.stack([np.roll(p, 1), p, np.roll(p, -1), np.roll(p, -2)], axis=1)
    return (neighbours @ CATMULL_ROM.T).ravel()


def segment(x0, y0, x1, y1):
    """The straight path from (x0, y0) to (x1, y1)."""
    return np.array([complex(x0, y0), complex(x1, y1)])


def curve(*points):
    """The path from the first (x, y) pair to the fourth, drawn towards the two between: a Bézier curve."""
    return BEZIER @ polygon(*points)


def tube(path, width, end_width=None):
    """The outline of a brush stroke along a path; its width may go to `end_width`, and its end is round."""
    along = np.empty_like(path)
    along[1:-1], along[0], along[-1] = path[2:] - path[:-2], path[1] - path[0], path[-1] - path[-2]
    along /= np.abs(along) + 1e-9
    along *= width if end_width is None else np.linspace(width, end_width, len(path))
    sideways, cap = 0.5j * along, path[-1] + 0.5 * along[-1] * HALF_TURN
    return np.concatenate([path + sideways, cap, (path - sideways)[::-1]])


def grow(outline, width):
    """The outline moved outwards by `width` everywhere; very sharp corners become blunt."""
    edges = np.concatenate([outline[1:], outline[:1]]) - outline
    twice_the_area = (outline.conj() * edges).imag.sum()  # its sign tells which side is outside
    outwards = -1j * np.sign(twice_the_area) * edges / (np.abs(edges) + 1e-9)
    before = np.concatenate([outwards[-1:], outwards[:-1]])
    opening = 1 + (outwards * before.conj()).real  # 2 on a straight line, 0 at a needle's point
    return outline + width * (outwards + before) / np.maximum(opening, 0.4)


def flipped(outline):
    """The mirror image, left and right exchanged."""
    return -outline.conj()


# ----------------------------------------------------------------------------------------------- canvas


class Canvas:
    """A square picture to draw on, `size` pixels wide when it is finished."""

    def __init__(self, size):
        self.width = size * SUPERSAMPLING
        self.image = Image.new("RGB", (self.width, self.width))
        self.pen = ImageDraw.Draw(self.image)
        self.frame()

    def frame(self, x=0.0, y=0.0, unit=1.0, mirror=False, tilt=0.0):
        """From now on draw around (x, y) in this unit (shares of the picture's width), mirrored or tilted."""
        self.origin, self.mirror = complex(x, y) * self.width, mirror
        self.unit = unit * self.width * complex(np.exp(-1j * tilt if mirror else 1j * tilt))

    def place(self, outline):
        """The outline in pixels of the canvas, as Pillow takes it: x, y, x, y, …"""
        return (self.origin + self.unit * (flipped(outline) if self.mirror else outline)).view(float).tolist()

    def fill(self, outline, colour, edge=None, width=0.0):
        """Fill an outline; if it has an edge, that lies outside of it."""
        if edge is not None:
            self.pen.polygon(self.place(grow(outline, width)), fill=edge)
        self.pen.polygon(self.place(outline), fill=colour)

    def fill_as_one(self, outlines, colour, edge, width):
        """Fill overlapping outlines as one shape with one edge around it; return them grown by that edge."""
        outer = [grow(outline, width) for outline in outlines]
        for outline in outer:
            self.pen.polygon(self.place(outline), fill=edge)
        for outline in outlines:
            self.pen.polygon(self.place(outline), fill=colour)
        return outer

    def stroke(self, path, colour, width):
        """Draw a line along a path."""
        self.fill(tube(path, width), colour)

    def mask(self, outlines, strength=255):
        """A mask of the canvas: `strength` (up to 255) inside any of the outlines, 0 elsewhere."""
        mask = Image.new("L", (self.width, self.width))
        pen = ImageDraw.Draw(mask)
        for outline in outlines:
            pen.polygon(self.place(outline), fill=strength)
        return mask

    def fill_mask(self, mask, colour, within=None):
        """Paint where the mask is set and, if given, within another one: markings stay on the coat."""
        box = mask.getbbox()  # pasting through a mask of the whole canvas would take ten times as long
        if box is not None:
            stencil = mask.crop(box)
            if within is not None:
                stencil = ImageChops.multiply(stencil, within.crop(box))
            self.image.paste(colour, box, stencil)

    def finish(self):
        """The picture (size, size, 3), uint8."""
        return np.asarray(self.image.reduce(SUPERSAMPLING))


def finish_mask(mask):
    """A canvas's mask as (size, size) bool: pixels that are at least half covered."""
    return np.asarray(mask.reduce(SUPERSAMPLING)) > 127
