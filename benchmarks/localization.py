"""How well maps find heads: drawings and photographs side by side, each number with its control."""

import os
from typing import NamedTuple

from benchmarks.mnist import REAL_DATA
from benchmarks.table import row
from course_utils import localize, networks
from course_utils.cam import centred, upsample
from course_utils.datasets import pets
from course_utils.explain import explain
from course_utils.machine import fetch
from course_utils.photos import resized

import numpy as np

TITLE = "Heads found by maps: drawings and photographs"
SIZES = (224, 288)  # pixels of a photograph's longer side
FORGIVEN = 15  # pixels, in the pointing game of Zhang et al. (2016)


class Found(NamedTuple):
    """N pictures with the centred map of their true class, and the box of the head."""

    cams: list  # N maps (h, w)
    boxes: np.ndarray  # (N, 4), in pixels of the picture as the network saw it
    sizes: list  # N times (height, width) of that picture
    scales: np.ndarray  # (N,) pixels of the original per pixel of that picture


def measure(options):
    os.environ.setdefault("TFDS_DATA_DIR", str((REAL_DATA / "tfds").resolve()))
    rows, notes = _rows("drawings", *(_drawings(net) for net in (networks.pets_net(trained=True), _fresh())))
    if not fetch.tfds_ready("oxford_iiit_pet"):
        absent = f"not measured: the photographs aren't here (`{fetch.how_to_get('oxford_iiit_pet')}`)"
        return [*rows, row("photographs, peak in the head", unit="%", instead=absent)], notes
    trained, untrained = networks.photo_net(), _untrained()
    for size in SIZES:
        found = _photographs(trained, size)
        control = _photographs(untrained, size) if size == SIZES[0] else None
        more, said = _rows(f"photographs at {size}", found, control)
        rows, notes = rows + more, notes + said
    return rows, [
        f"{len(found.boxes)} photographs of the Oxford pets and 250 drawings, none seen in training. The map is the "
        "centred one of the true class. *Heat* is the share of its positive evidence; the truth is the head's box. "
        "The threshold is chosen on one half and used on the other, both ways.",
        "95 % intervals (bootstrap; of differences, picture by picture): " + "; ".join(notes) + ".",
    ]


def pets_with_heads():
    """(picture, class, head box x0 y0 x1 y1 in pixels, trimap) of each Oxford photograph with a head box."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(fetch.tfds_path("oxford_iiit_pet")))
    for example in builder.as_dataset(split="train").as_numpy_iterator():
        height, width = example["image"].shape[:2]
        y0, x0, y1, x1 = example["head_bbox"] * [height, width, height, width]
        if y1 > y0 and x1 > x0:
            box = np.array([x0, y0, x1, y1])
            yield example["image"], int(example["species"]), box, example["segmentation_mask"][..., 0]


def _photographs(model, size):
    cams, boxes, sizes, scales = [], [], [], []
    for image, c, box, _ in pets_with_heads():
        small = resized(image, size)
        _, maps = explain(model, small[None], verbose=False)
        scale = np.divide(image.shape[1::-1], small.shape[1::-1])
        cams.append(centred(maps)[0, ..., c])
        boxes.append(box / np.tile(scale, 2))
        sizes.append(small.shape[:2])
        scales.append(scale.mean())
    return Found(cams, np.array(boxes), sizes, np.array(scales))


def _drawings(model):
    data = pets.load_head_boxes("embedded", "test")
    _, maps = explain(model, data.images, verbose=False)
    n = len(data.labels)
    cams = centred(maps)[np.arange(n), ..., data.labels]
    return Found(list(cams), data.head_boxes, [data.images.shape[1:3]] * n, np.ones(n))


def _untrained():
    """photo_net with random weights, its batch normalisation set by photographs' statistics once."""
    images = [resized(image, SIZES[0]) for image, _ in zip((p[0] for p in pets_with_heads()), range(64))]
    side = min(min(image.shape[:2]) for image in images)
    return _normalised(networks.photo_net, np.array([image[:side, :side] for image in images]))


def _fresh():
    """pets_net with random weights, its batch normalisation set by drawings' statistics once."""
    return _normalised(networks.pets_net, pets.load_head_boxes("embedded", "valid").images[:64])


def _normalised(network, images):
    import keras

    keras.utils.set_random_seed(0)
    model = network(trained=False)
    for _ in range(60):  # momentum 0.9 or more
        model(images.astype(np.float32), training=True)
    return model


def _rows(what, found, control):
    hits, area, boxes = _hits(found), _area(found), _overlaps(found)
    heat, others = _heat(found), _heat(found._replace(cams=found.cams[1:] + found.cams[:1]))
    centre = _hits(found, [np.ones((1, 1))] * len(found.cams))
    numbers = {
        "peak in the head": hits,
        f"peak at most {FORGIVEN} pixels from it": _hits(found, tolerance=FORGIVEN),
        "picture's centre in the head": centre,
        "heads' mean place in the head": boxes["mean place"],
        "heat in the head": heat,
        "heat in the head, another picture's map": others,
        "head's share of the area": area,
        "mean IoU": boxes["map"],
        "mean IoU of the mean box": boxes["mean box"],
        "IoU of the mean box at least 0.5": 1.0 * (boxes["mean box"] >= 0.5),
    }
    if control is not None:
        numbers["peak in the head, untrained network"] = _hits(control)
        numbers["heat in the head, untrained network"] = _heat(control)
    rows = [row(f"{what}: {name}", [100 * values.mean()], "%") for name, values in numbers.items()]
    rows.append(row(f"{what}: heat / area", [heat.mean() / area.mean()], "×"))
    rows += [row(f"{what}: MaxBoxAcc, {name}", [100 * share], "%") for name, share in _max_box_acc(found)]
    said = [f"{what}: {name} {_interval(values)}" for name, values in numbers.items()]
    differences = {
        "peak minus centre": hits - centre,
        "heat minus another picture's map": heat - others,
        "IoU minus mean box": boxes["map"] - boxes["mean box"],
    }
    return rows, said + [f"{what}: {name} {_interval(values)}" for name, values in differences.items()]


def _interval(values):
    low, high = localize.bootstrap_interval(values)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def _hits(found, cams=None, tolerance=0):
    return np.array(
        [
            localize.point_hit(localize.peak_pixel(one, size), box, tolerance / scale)
            for one, box, size, scale in zip(cams or found.cams, found.boxes, found.sizes, found.scales)
        ],
        float,
    )


def _masks(found):
    for (x0, y0, x1, y1), (height, width) in zip(found.boxes, found.sizes):
        x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
        yield (x0 <= x) & (x < x1) & (y0 <= y) & (y < y1)


def _heat(found):
    return np.array([_heat_inside(one, mask) for one, mask in zip(found.cams, _masks(found))])


def _heat_inside(one, mask):
    heat = np.maximum(upsample(one, mask.shape), 0)
    return (heat * mask).sum() / heat.sum() if heat.any() else 0.0  # nothing for the class, nothing inside


def _area(found):
    return np.array([mask.mean() for mask in _masks(found)])


def _ious(found, fractions=localize.FRACTIONS, of_range=False):
    """(F, N). of_range: thresholds as shares of the map's range, as Choe et al. take them."""
    shift = [one - one.min() if of_range else one for one in found.cams]
    return np.concatenate(
        [
            localize.ious_by_fraction(one[None], box[None], size, fractions)
            for one, box, size in zip(shift, found.boxes, found.sizes)
        ],
        axis=1,
    )


def _overlaps(found):
    """IoU of each picture's box, its threshold and the mean box taken from the other half of the pictures."""
    ious, sides = _ious(found), np.array([[w, h, w, h] for h, w in found.sizes])
    half = np.arange(len(found.boxes)) % 2 == 0
    of_map, of_mean, of_place = np.empty((3, len(half)))
    for here in (half, ~half):
        of_map[here] = ious[ious[:, ~here].mean(axis=1).argmax(), here]
        mean = (found.boxes[~here] / sides[~here]).mean(axis=0)
        of_mean[here] = localize.iou(mean * sides[here], found.boxes[here])
        middle = ((mean[:2] + mean[2:]) / 2 * sides[here, :2]).astype(int)
        of_place[here] = localize.point_hit(middle, found.boxes[here])
    return {"map": of_map, "mean box": of_mean, "mean place": of_place}


def _max_box_acc(found):
    yield "share of the maximum", (_ious(found) >= 0.5).mean(axis=1).max()
    fine = [float(f) for f in np.arange(1, 100) / 100]
    ious = _ious(found, fine, of_range=True)
    yield "share of the range (Choe et al.)", (ious >= 0.5).mean(axis=1).max()
    shares = [(ious >= least).mean(axis=1).max() for least in (0.3, 0.5, 0.7)]
    yield "the same, mean of IoU 0.3, 0.5, 0.7", np.mean(shares)
