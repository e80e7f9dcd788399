"""photo_net: how often it is right about photographs it never saw, where its maps peak, how fast it is."""

import importlib.util
import os
import time
from pathlib import Path

from benchmarks.localization import pets_with_heads
from benchmarks.mnist import REAL_DATA
from benchmarks.table import row
from course_utils import localize, networks
from course_utils.cam import centred, upsample
from course_utils.explain import explain
from course_utils.machine import fetch
from course_utils.photos import resized

import numpy as np

TITLE = "photo_net: photographs of cats and dogs"
SIZES = (128, 144, 160, 176, 192, 224)  # pixels a side, for saying cat or dog
MAP_SIZES = (192, 224, 256, 288)  # for finding the head
RECIPE = Path(__file__).parents[1] / "tools" / "train_photo_net.py"


def measure(options):
    photos = REAL_DATA / "photos" / "cats_dogs_136.npz"
    if not photos.exists() or not fetch.tfds_ready("oxford_iiit_pet"):
        absent = "not measured: the photographs aren't on this machine (COURSE_REAL_DATA)"
        return [row("photographs it never saw: right", unit="%", goal=(">=", 96.5), instead=absent)], []
    model = networks.photo_net()
    right, labels = _held_out(model, photos)
    found = {size: _pointing(model, size) for size in MAP_SIZES}
    sizes = {size: values.mean() for size, values in right.items()}
    best = max(found, key=lambda size: found[size]["head"].mean())
    at = f"at {best} pixels"
    return [
        *(
            row(f"{len(labels):,} photographs it never saw, {size} pixels: right", [100 * share], "%")
            for size, share in sizes.items()
        ),
        row("the same, at its best size", [100 * max(sizes.values())], "%", (">=", 96.5)),
        row(
            f"Oxford pets, {at}: peak in the head's box", [100 * found[best]["head"].mean()], "%", (">=", 90)
        ),
        row(f"Oxford pets, {at}: peak on the animal", [100 * found[best]["animal"].mean()], "%", (">=", 98)),
        row(
            "file of weights", [(networks.WEIGHTS / "photo_net.npz").stat().st_size / 1e6], "MB", ("<=", 1.5)
        ),
        *_speed(model),
    ], [
        "95 % bootstrap intervals: "
        + "; ".join(
            f"{what} {np.mean(values):.3f} [{low:.3f}, {high:.3f}]"
            for what, values in (
                ("right at the best size", right[max(sizes, key=sizes.get)]),
                ("peak in the head", found[best]["head"]),
                ("peak on the animal", found[best]["animal"]),
            )
            for low, high in [localize.bootstrap_interval(values)]
        )
        + ".",
        f"{len(found[best]['head'])} photographs of the Oxford pets with head boxes; the map is that of the "
        "true class against the other, enlarged; no pixel is forgiven.",
    ]


def _held_out(model, photos):
    import tensorflow as tf

    spec = importlib.util.spec_from_file_location("train_photo_net", RECIPE)
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    images, labels, _, held_out = recipe.photographs(photos)
    images, labels = images[held_out], labels[held_out]
    right = {}
    for size in SIZES:
        resized = tf.image.resize(images, (size, size), antialias=True)
        right[size] = model.predict(resized, verbose=0).argmax(axis=1) == labels
    return right, labels


def _pointing(model, size):
    """Where the centred map of the true class peaks, for each photograph with a head box, {what: (N,) bool}."""
    hits = {"head": [], "animal": []}
    for image, c, (x0, y0, x1, y1), trimap in pets_with_heads():
        height, width = image.shape[:2]
        _, cams = explain(model, resized(image, size)[None], verbose=False)
        large = upsample(centred(cams)[0, ..., c], (height, width))
        y, x = np.unravel_index(large.argmax(), large.shape)
        hits["head"].append(x0 <= x < x1 and y0 <= y < y1)
        hits["animal"].append(trimap[y, x] != 2)  # 1 animal, 2 background, 3 its edge
    return {what: np.array(values, float) for what, values in hits.items()}


def _speed(model):
    image = np.zeros((1, 224, 224, 3), np.uint8)
    rows = []
    for what, look, goal in (
        ("Keras", model.predict_on_batch, 60),
        ("NumPy", networks.photo_net_in_numpy, 250),
    ):
        look(image)
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            look(image)
            seconds.append(1000 * (time.perf_counter() - start))
        rows.append(row(f"one photograph of 224 pixels, {what}", seconds, "ms", ("<=", goal)))
    return rows


os.environ.setdefault("TFDS_DATA_DIR", str((REAL_DATA / "tfds").resolve()))
