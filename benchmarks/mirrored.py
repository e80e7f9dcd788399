"""Do maps lie where they should? Photographs and their mirror images, as in appendix A1."""

from benchmarks import heads
from benchmarks.mnist import REAL_DATA
from benchmarks.table import row
from course_utils import cam, localize, networks
from course_utils.machine import fetch

import numpy as np

TITLE = "Maps of photographs and of their mirror images: pixels of 224 by which they are moved to the right"
N_TRAIN, N_VALID, N_TEST, SIZE = 1000, 250, 250, 224


def measure(options):
    photos = REAL_DATA / "photos" / "cats_dogs_136.npz"
    if not (photos.exists() and fetch.weights_ready("mobilenet")):
        absent = "not measured: photographs or MobileNet's weights aren't on this machine (COURSE_REAL_DATA)"
        return [row("MobileNet", instead=absent)], []
    images, labels = heads._photographs(photos, N_TRAIN + N_VALID + N_TEST)
    splits = np.split(np.arange(len(labels)), [N_TRAIN, N_TRAIN + N_VALID])
    backbone, ours = networks.backbone("mobilenet"), networks.photo_net()
    maps = _maps(backbone, images)
    head, _ = heads._train(heads.HEADS["GAP, Dense(2)"], maps, labels, splits, N_TRAIN, 0)
    test = images[splits[2]]
    rows, notes = [], []
    for name, weights, pair in (
        (
            "MobileNet, kernels of 3",
            head.layers[-1].get_weights()[0],
            (maps[splits[2]], _maps(backbone, test[:, :, ::-1])),
        ),
        (
            "photo_net, kernels of 4 where it halves",
            ours.get_layer("class_scores").get_weights()[0],
            tuple(_maps(_before_its_mean(ours), x) for x in (test, test[:, :, ::-1])),
        ),
    ):
        there, mirrored = (_column(x.astype(np.float32), weights, labels[splits[2]]) for x in pair)
        moved = (there + mirrored - (SIZE - 1)) / 2
        low, high = localize.bootstrap_interval(moved)
        rows.append(row(name, [moved.mean()], "pixels"))
        notes.append(f"{name}: 95 % bootstrap interval {low:+.1f} to {high:+.1f}.")
    return rows, [
        f"The centre of the positive evidence in the centred map of the true class, enlarged; {N_TEST} photographs "
        f"of cats and dogs; MobileNet's head trained on {N_TRAIN:,} others.",
        *notes,
    ]


def _before_its_mean(model):
    import keras

    return keras.Model(model.input, model.get_layer("feature_maps").output)


def _maps(model, images):
    batches = (heads._enlarged(images[i : i + 50], SIZE) for i in range(0, len(images), 50))
    return heads._feature_maps(model, batches)


def _column(feature_maps, weights, labels):
    """Where, from left to right, the evidence for each picture's class has its centre: (B,) pixels."""
    centred = cam.centred(cam.class_activation_maps(feature_maps, weights))
    heat = cam.upsample(np.maximum(centred[np.arange(len(labels)), ..., labels], 0), SIZE).sum(axis=1)
    return heat @ np.arange(SIZE) / heat.sum(axis=1)
