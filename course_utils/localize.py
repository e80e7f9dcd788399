"""How good a map is, in numbers: boxes, overlaps, hits, and what guessing without looking would get.

A box is x0, y0, x1, y1 in pixels of the input image, **end exclusive**: x1 is the first column outside, so
the box is x1 - x0 columns wide, and the whole image is (0, 0, width, height). Functions take one image, with
cam (h, w), box (4,) and mask (H, W), or N of them, with (N, h, w), (N, 4) and (N, H, W). `size` is that of
the input image: an int, or height and width. Maps are raw and enlarged first, by `cam.upsample` (centres
matched), so a threshold is a share of the enlarged map's maximum.
"""

import warnings
from collections.abc import Sequence

from course_utils import checks
from course_utils.cam import upsample

import numpy as np
from scipy import ndimage, stats

FRACTIONS = tuple(round(0.05 * i, 2) for i in range(1, 20))  # 0.05, 0.10, ... 0.95

# --- from a map to a box ---------------------------------------------------------------------


def box_from_map(cam: np.ndarray, size: int | tuple[int, int], fraction: float = 0.2) -> np.ndarray:
    """The box around the largest connected part of the thresholded map.

    cam: (h, w) or (N, h, w), raw
    size: of the image, pixels
    fraction: of the map's maximum that a pixel must reach; 20 % is the rule of the CAM paper (Zhou et al.,
        2016, section 3.2)
    Returns (4,) or (N, 4) whole pixels. Pixels that touch at a corner only are not connected; of two parts as
    large, the one that comes first in reading order counts. A map without positive evidence says nothing of
    where: the whole image is its box, with a warning.
    """
    large = upsample(checks.cams(cam), size)
    _warn_if_silent(large)
    return _boxes_around(_mask(large, checks.share("fraction", fraction)))


def _mask(cam, fraction):
    peak = cam.max(axis=(-2, -1), keepdims=True)
    return (cam >= fraction * peak) & (peak > 0)


def _boxes_around(mask):
    if mask.ndim == 3:
        return np.array([_boxes_around(one) for one in mask])
    parts, n = ndimage.label(mask)
    if n == 0:
        return np.array([0, 0, mask.shape[1], mask.shape[0]])
    largest = np.bincount(parts.ravel())[1:].argmax()
    rows, columns = ndimage.find_objects(parts)[largest]
    return np.array([columns.start, rows.start, columns.stop, rows.stop])


def _warn_if_silent(cam):
    silent = cam.max(axis=(-2, -1)) <= 0
    if silent.any():
        warnings.warn(
            f"{silent.sum()} of {silent.size} maps have no positive evidence: nothing in them reaches a "
            "threshold, and their box is the whole image.",
            stacklevel=3,
        )


# --- boxes against boxes ---------------------------------------------------------------------


def iou(a: np.ndarray, b: np.ndarray) -> float | np.ndarray:
    """Intersection over union: the share of the pixels in either box that are in both, 0 to 1.

    a, b: (4,), or (N, 4) for N numbers; one box may be compared with N
    Returns a float, or (N,). Raises ValueError for boxes without area.
    """
    a, b = check_boxes(a, "a"), check_boxes(b, "b")
    if a.ndim == b.ndim == 2 and len(a) != len(b):
        raise ValueError(f"a holds {len(a)} boxes and b {len(b)}; give as many, or a single one against all.")
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    both = sides.clip(0).prod(axis=-1)
    return _plain(both / (_area(a) + _area(b) - both))


def _area(boxes):
    return (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)


def ious_by_fraction(
    cams: np.ndarray, boxes: np.ndarray, size: int | tuple[int, int], fractions: Sequence[float] = FRACTIONS
) -> np.ndarray:
    """IoU of each map's box with the true one, for each threshold.

    cams: (N, h, w), raw
    boxes: (N, 4), end exclusive
    size: of the images, pixels
    fractions: F thresholds, shares of a map's maximum
    Returns (F, N).
    """
    cams, boxes, fractions = checks.cams(cams), check_boxes(boxes, "boxes", size), _fractions(fractions)
    if cams.shape[:-2] != boxes.shape[:-1] or cams.ndim != 3:
        raise ValueError(
            f"There are maps of shape {cams.shape} and boxes of shape {boxes.shape}; expected (N, h, w) and "
            "(N, 4), one box a map."
        )
    large = upsample(cams, size)
    _warn_if_silent(large)
    return np.array([iou(_boxes_around(_mask(large, f)), boxes) for f in fractions])


def best_fraction(
    cams: np.ndarray, boxes: np.ndarray, size: int | tuple[int, int], fractions: Sequence[float] = FRACTIONS
) -> float:
    """The threshold with the largest mean IoU; arguments as in `ious_by_fraction`.

    Choose it on validation data: on test data it flatters.
    """
    return _fractions(fractions)[ious_by_fraction(cams, boxes, size, fractions).mean(axis=1).argmax()]


def max_box_acc(
    cams: np.ndarray,
    boxes: np.ndarray,
    size: int | tuple[int, int],
    fractions: Sequence[float] = FRACTIONS,
    min_iou: float = 0.5,
) -> tuple[float, float]:
    """MaxBoxAcc: the largest share of images whose box has IoU >= min_iou, over all thresholds.

    cams, boxes, size, fractions: as in `ious_by_fraction`
    min_iou: from where on a box counts as right
    Returns (share, the threshold that gets it). Every threshold may be tried, on the data measured, so that
    maps are compared and not thresholds (J. Choe et al., "Evaluating Weakly Supervised Object Localization
    Methods Right", CVPR 2020). There a threshold is a share of the map's range; here of its maximum, because
    zero means something in a raw map.
    """
    shares = (ious_by_fraction(cams, boxes, size, fractions) >= checks.share("min_iou", min_iou)).mean(axis=1)
    return float(shares.max()), _fractions(fractions)[shares.argmax()]


# --- points and heat -------------------------------------------------------------------------


def peak_pixel(cam: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """The pixel x, y under the centre of the map's largest cell, where the enlarged map peaks.

    cam: (h, w) or (N, h, w)
    size: of the image, pixels
    Returns (2,) or (N, 2). Of several cells as large, the first in reading order counts.
    """
    cam, (height, width) = checks.cams(cam), checks.size(size)
    h, w = cam.shape[-2:]
    row, column = np.divmod(cam.reshape(*cam.shape[:-2], h * w).argmax(axis=-1), w)
    return np.stack([(2 * column + 1) * width // (2 * w), (2 * row + 1) * height // (2 * h)], axis=-1)


def point_hit(point: np.ndarray, box_or_mask: np.ndarray, tolerance: float = 0) -> bool | np.ndarray:
    """Does a point lie in the box or mask, or at most `tolerance` pixels away?

    point: x, y, whole pixels, (2,) or (N, 2)
    box_or_mask: (4,) or (N, 4), or bool (H, W) or (N, H, W)
    tolerance: pixels
    Returns a bool, or (N,).
    """
    point, target = np.asarray(point), np.asarray(box_or_mask)
    if point.dtype.kind not in "iu" or point.ndim not in (1, 2) or point.shape[-1] != 2:
        raise ValueError(
            f"point has shape {point.shape} and holds {point.dtype}; expected whole pixels x, y: (2,) or "
            "(N, 2)."
        )
    checks.pixels("tolerance", tolerance, zero=True)
    is_mask = target.dtype == bool
    target = _masks(target) if is_mask else check_boxes(target, "box")
    if point.shape[:-1] != target.shape[: -2 if is_mask else -1]:
        points = "one point" if point.ndim == 1 else f"{len(point)} points"
        raise ValueError(
            f"There are {points} and a target of shape {target.shape}; expected one box or mask for each "
            "point."
        )
    distance = _distance_to_mask(point, target) if is_mask else _distance_to_box(point, target)
    return _plain(distance <= tolerance)


def _distance_to_box(point, box):
    off = np.maximum(box[..., :2] - point, point - (box[..., 2:] - 1)).clip(0)  # x1 - 1 is its last column
    return np.hypot(off[..., 0], off[..., 1])


def _distance_to_mask(point, mask):
    if point.ndim == 2:
        return np.array([_distance_to_mask(*both) for both in zip(point, mask)])
    (height, width), (x, y) = mask.shape, point
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(
            f"Point ({x}, {y}) lies outside its mask of {height} × {width} pixels; give both in pixels of "
            "the same image."
        )
    rows, columns = np.nonzero(mask)
    return np.hypot(columns - x, rows - y).min(initial=np.inf)


def pointing_hit(
    cam: np.ndarray, box_or_mask: np.ndarray, size: int | tuple[int, int], tolerance: float = 0
) -> bool | np.ndarray:
    """The pointing game: is the map's peak in the object's box or mask?

    cam: (h, w) or (N, h, w)
    box_or_mask: (4,) or (N, 4), or bool (H, W) or (N, H, W)
    size: of the image, pixels
    tolerance: pixels that are forgiven; J. Zhang et al., "Top-down Neural Attention by Excitation Backprop",
        ECCV 2016, forgive 15, here it is none
    Returns a bool, or (N,). A map that is the same everywhere points nowhere: a miss, with a warning.
    """
    cam, target, (height, width) = checks.cams(cam), np.asarray(box_or_mask), checks.size(size)
    if target.dtype != bool:
        target = check_boxes(target, "box", size)
    elif target.shape[-2:] != (height, width):
        raise ValueError(
            f"The mask has shape {target.shape}, but the image {height} × {width} pixels; expected the same."
        )
    flat = np.ptp(cam, axis=(-2, -1)) == 0
    if flat.any():
        warnings.warn(
            f"{flat.sum()} of {flat.size} maps are the same everywhere and point nowhere: a miss.",
            stacklevel=2,
        )
    return _plain(point_hit(peak_pixel(cam, size), target, tolerance) & ~flat)


def heat_inside(cam: np.ndarray, mask: np.ndarray) -> float | np.ndarray:
    """The share of a map's positive evidence that lies in the mask, 0 to 1.

    cam: (h, w) or (N, h, w), enlarged to the mask
    mask: bool, (H, W) or (N, H, W)
    Returns a float, or (N,). Compare it with the share of the *area*, `mask.mean()`: that is what a map gets
    that is the same everywhere. A map without positive evidence gets 0, with a warning.
    """
    mask, cam = _masks(mask), checks.cams(cam)
    if mask.shape[:-2] != cam.shape[:-2]:
        raise ValueError(f"cam has shape {cam.shape} and mask {mask.shape}; expected one mask for each map.")
    heat = np.maximum(upsample(cam, mask.shape[-2:]), 0)
    total = heat.sum(axis=(-2, -1))
    if (total == 0).any():
        warnings.warn(
            f"{(total == 0).sum()} of {total.size} maps have no positive evidence: their share of it is "
            "given as 0.",
            stacklevel=2,
        )
    return _plain((heat * mask).sum(axis=(-2, -1)) / np.where(total == 0, 1, total))


# --- what guessing gets, and how sure a number is --------------------------------------------


def baseline_points(n: int, size: int | tuple[int, int], seed: int = 0) -> dict[str, np.ndarray]:
    """Points that no network was asked for: {"centre": (n, 2), "random": (n, 2)}, x, y in pixels."""
    n, (height, width) = checks.whole_number("n", n), checks.size(size)
    return {
        "centre": np.tile([width // 2, height // 2], (n, 1)),
        "random": np.random.default_rng(seed).integers(0, [width, height], (n, 2)),
    }


def baseline_boxes(
    n: int, size: int | tuple[int, int], train_boxes: np.ndarray, seed: int = 0
) -> dict[str, np.ndarray]:
    """Boxes that no network was asked for, n of each kind.

    n: how many
    size: of the image, pixels
    train_boxes: (N, 4), from which the mean box is taken
    seed: of the random places
    Returns {name: (n, 4)}, not rounded to whole pixels: "whole image"; "mean box", each edge the mean of
    `train_boxes`; "centre" and "random", as large as the mean box, so they know how large objects are, but
    not where.
    """
    n, (height, width), train_boxes = (
        checks.whole_number("n", n),
        checks.size(size),
        check_boxes(train_boxes, "train_boxes", size),
    )
    if train_boxes.ndim != 2:
        raise ValueError(f"train_boxes has shape {train_boxes.shape}; expected (N, 4), one box an image.")
    mean = train_boxes.mean(axis=0)
    side = mean[2:] - mean[:2]
    room = [width, height] - side
    corners = {
        "centre": np.tile(room / 2, (n, 1)),
        "random": room * np.random.default_rng(seed).random((n, 2)),
    }
    return {"whole image": np.tile([0, 0, width, height], (n, 1)), "mean box": np.tile(mean, (n, 1))} | {
        name: np.concatenate([corner, corner + side], axis=1) for name, corner in corners.items()
    }


def bootstrap_interval(
    values: np.ndarray, n: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """What the mean might have been with other images: a percentile interval (B. Efron, 1979).

    values: (N,), one number for each image
    n: samples of N values, drawn with replacement
    seed: of the drawing
    level: share of the samples' means that lie between the two numbers
    Returns (low, high). It knows the values only: if all are 1, it is 1 to 1, however few they are.
    """
    values = checks.finite(values, "values")
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"values has shape {values.shape}; expected (N,), one number for each image.")
    if len(values) == 1:  # SciPy wants two; drawn from one, every sample is that one
        values = values.repeat(2)
    found = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=checks.whole_number("n", n),
        confidence_level=checks.share("level", level),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


# --- what goes wrong, said in one sentence ---------------------------------------------------


def check_boxes(boxes, name, size=None):
    """Boxes (4,) or (N, 4) as floats, with area and inside an image of `size`; raises in one sentence."""
    boxes = checks.finite(boxes, name)
    if boxes.ndim not in (1, 2) or boxes.shape[-1] != 4 or boxes.size == 0:
        raise ValueError(f"{name} has shape {boxes.shape}; expected x0, y0, x1, y1: (4,) or (N, 4).")
    boxes = boxes.astype(float)
    for x0, y0, x1, y1 in boxes[~(boxes[..., :2] < boxes[..., 2:]).all(axis=-1)].reshape(-1, 4):
        raise ValueError(
            f"{name} has box ({x0:g}, {y0:g}, {x1:g}, {y1:g}), which has no area; expected x0 < x1 and y0 < "
            "y1, where x1 and y1 are the first column and row outside."
        )
    if size is not None:
        height, width = checks.size(size)
        outside = ((boxes < 0) | (boxes > [width, height, width, height])).any(axis=-1)
        for x0, y0, x1, y1 in boxes[outside].reshape(-1, 4):
            raise ValueError(
                f"{name} has box ({x0:g}, {y0:g}, {x1:g}, {y1:g}), which leaves the image of {height} × "
                f"{width} pixels; give boxes in pixels of the network's image."
            )
    return boxes


def _masks(mask):
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.ndim not in (2, 3) or mask.size == 0:
        raise ValueError(
            f"mask has shape {mask.shape} and holds {mask.dtype}; expected True inside and False outside: "
            "(H, W) or (N, H, W)."
        )
    return mask


def _fractions(fractions):
    fractions = fractions.tolist() if isinstance(fractions, np.ndarray) else fractions
    if not isinstance(fractions, (list, tuple)) or not fractions:
        raise ValueError(f"fractions is {fractions!r}; expected some between 0 and 1, such as [0.2, 0.5].")
    return [float(checks.share("fraction", f)) for f in fractions]


def _plain(result):
    """A Python float or bool for one image, the array for N."""
    return result.item() if np.ndim(result) == 0 else result
