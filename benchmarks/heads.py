"""What a GAP head costs and buys: one frozen MobileNet under photographs, heads with and without averaging."""

import io
import os

from benchmarks.mnist import REAL_DATA
from benchmarks.table import row
from course_utils import cam, localize, networks
from course_utils.machine import fetch

import numpy as np

TITLE = "What a GAP head costs and buys: photographs, frozen MobileNet"
N_TRAIN, N_VALID, N_TEST, FEW = 2000, 500, 2500, 100
SIZE, LARGE, CELL = 224, 448, 32  # pixels; MobileNet's cells are 32 pixels wide
RATES, EPOCHS = (1e-4, 1e-3, 1e-2), 30  # each head gets the rate that suits it on the validation data
HEADS = {
    "GAP, Dense(2)": (True, 0),
    "flatten, Dense(2)": (False, 0),
    "flatten, Dense(64), Dense(2)": (False, 64),
}

os.environ.setdefault("TFDS_DATA_DIR", str((REAL_DATA / "tfds").resolve()))
os.environ.setdefault("KERAS_HOME", str((REAL_DATA / "keras_home").resolve()))


def measure(options):
    photos = REAL_DATA / "photos" / "cats_dogs_136.npz"
    if not (photos.exists() and fetch.weights_ready("mobilenet") and fetch.tfds_ready("oxford_iiit_pet")):
        absent = "not measured: photographs or MobileNet's weights aren't on this machine (COURSE_REAL_DATA)"
        return [row("GAP, Dense(2): right", unit="%", instead=absent)], []
    images, labels = _photographs(photos, N_TRAIN + N_VALID + N_TEST)
    backbone = networks.backbone("mobilenet")
    maps = _feature_maps(backbone, (_enlarged(images[i : i + 50], SIZE) for i in range(0, len(images), 50)))
    splits = np.split(np.arange(len(labels)), [N_TRAIN, N_TRAIN + N_VALID])
    rows, right, trained = [], {}, {}
    for name, head in HEADS.items():
        for n in (N_TRAIN, FEW):
            runs = [_train(head, maps, labels, splits, n, seed) for seed in range(options.seeds)]
            right[name, n] = np.mean([known for _, known in runs], axis=0)
            trained[name, n] = runs[0][0]
            shares = [100 * known.mean() for _, known in runs]
            rows.append(row(f"{name}, {n:,} to train on: right", shares, "%"))
        rows.append(row(f"{name}: parameters trained", [trained[name, N_TRAIN].count_params()]))
    gap, flat = (trained[name, N_TRAIN] for name in list(HEADS)[:2])
    found, notes = _on_the_head(backbone, gap, flat)
    price = "; ".join(
        f"{name} against GAP, {n:,} to train on: "
        + _in_words(100 * (right[name, n] - right[next(iter(HEADS)), n]), "{:+.2f}")
        for name in list(HEADS)[1:]
        for n in (N_TRAIN, FEW)
    )
    return rows + found, [
        f"{N_TEST:,} photographs of cats and dogs that no head saw, {N_TRAIN:,} or {FEW} to train on, {N_VALID} "
        f"to choose among rates of {', '.join(map(str, RATES))} and {EPOCHS} epochs of Adam; 136 pixels, enlarged "
        f"to {SIZE}. A run is a seed of the head's training.",
        f"Differences in percentage points, paired by photograph, 95 % bootstrap intervals: {price}.",
        *notes,
    ]


def _photographs(file, n):
    """The first n photographs of a fixed random order: uint8 (n, 136, 136, 3), labels (n,)."""
    from PIL import Image

    stored = np.load(file)
    jpegs, offsets, labels = stored["jpegs"], stored["offsets"], stored["labels"]
    chosen = np.random.default_rng(0).permutation(len(labels))[:n]
    pictures = [
        Image.open(io.BytesIO(jpegs[offsets[i] : offsets[i + 1]].tobytes())).convert("RGB") for i in chosen
    ]
    return np.array([np.asarray(picture) for picture in pictures]), labels[chosen].astype(np.int64)


def _enlarged(images, size):
    import tensorflow as tf

    return tf.image.resize(images, (size, size), antialias=True)


def _feature_maps(backbone, batches):
    return np.concatenate([backbone.predict_on_batch(batch).astype(np.float16) for batch in batches])


def _train(head, maps, labels, splits, n, seed):
    """The head with the rate that did best on the validation data, and which test photographs it knows."""
    import keras

    averaged, hidden = head
    train, valid, test = splits[0][:n], *splits[1:]
    x = {name: maps[part].astype(np.float32) for name, part in zip("tve", (train, valid, test))}
    if averaged:
        x = {name: values.mean(axis=(1, 2)) for name, values in x.items()}
    best = None
    for rate in RATES:
        keras.utils.set_random_seed(seed)
        layers = [keras.Input(x["t"].shape[1:]), keras.layers.Flatten()]
        layers += [keras.layers.Dense(hidden, activation="relu")] if hidden else []
        model = keras.Sequential([*layers, keras.layers.Dense(2)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss)
        keep = keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)
        known = dict(validation_data=(x["v"], labels[valid]), callbacks=[keep])
        model.fit(x["t"], labels[train], batch_size=32, epochs=EPOCHS, verbose=0, **known)
        reached = model.evaluate(x["v"], labels[valid], batch_size=250, verbose=0)
        if best is None or reached < best[0]:
            best = reached, model
    return best[1], best[1].predict(x["e"], verbose=0).argmax(axis=1) == labels[test]


def _on_the_head(backbone, gap, flat):
    """Where the maps of the two heads with one layer peak on Oxford pets, and what one cell's shift does."""
    pictures, labels, boxes = _oxford()
    small = [_enlarged(picture[None], SIZE) for picture in pictures]
    maps = _feature_maps(backbone, small)
    shifted = _feature_maps(backbone, (np.roll(np.asarray(one), CELL, axis=2) for one in small))
    large = _feature_maps(backbone, (_enlarged(picture[None], LARGE) for picture in pictures))
    weights, bias = gap.layers[-1].get_weights()
    places, flat_bias = flat.layers[-1].get_weights()
    places = places.reshape(*maps.shape[1:], 2) * maps[0, ..., 0].size  # so that its mean is the score
    looks = {
        f"GAP, {SIZE} pixels": cam.class_activation_maps(maps.astype(np.float32), weights),
        f"flatten, {SIZE} pixels": np.einsum("nhwk,hwkc->nhwc", maps.astype(np.float32), places),
        f"GAP, {LARGE} pixels": cam.class_activation_maps(large.astype(np.float32), weights),
    }
    rows, hits = [], {}
    for name, cams in looks.items():
        scores = cams.mean(axis=(1, 2)) + (flat_bias if "flat" in name else bias)
        rows.append(row(f"Oxford pets, {name}: right", [100 * np.mean(scores.argmax(axis=1) == labels)], "%"))
        centred = cam.centred(cams)[np.arange(len(labels)), ..., labels]
        hits[name] = localize.pointing_hit(centred, boxes, 1000).astype(float)
        rows.append(row(f"Oxford pets, {name}: peak in the head's box", [100 * hits[name].mean()], "%"))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    others = np.rint((centres.sum(axis=0) - centres) / (len(centres) - 1)).astype(
        int
    )  # of all heads but the picture's own
    for name, points in {
        "centre of all other heads": others,
        "picture's centre": np.full((len(boxes), 2), 500),
    }.items():
        hits[name] = localize.point_hit(points, boxes).astype(float)
        rows.append(row(f"Oxford pets, {name}: in the head's box", [100 * hits[name].mean()], "%"))
    moved = {}
    for name, weigh in {
        "GAP": lambda x: x.mean(axis=(1, 2)) @ weights,
        "flatten": lambda x: flat.predict(x, verbose=0),
    }.items():
        before, after = (np.asarray(weigh(x.astype(np.float32))) for x in (maps, shifted))
        margin = before[:, 1] - before[:, 0]
        moved[name] = np.abs(after[:, 1] - after[:, 0] - margin) / margin.std()
        rows.append(
            row(
                f"{name}: change of dog − cat for a shift by one cell, in its standard deviations",
                [moved[name].mean()],
                "×",
            )
        )
    first, second, finer = looks
    return rows, [
        f"{len(labels)} photographs of the Oxford pets with head boxes, both sides brought to {SIZE} or {LARGE} pixels; the "
        "map is that of the true class against the other; a flattened head's map is its account, cell by cell.",
        "Peak in the head's box, 95 % bootstrap intervals: "
        + "; ".join(f"{name} {_in_words(values, '{:.2f}')}" for name, values in hits.items())
        + f"; paired: GAP less flatten {_in_words(hits[first] - hits[second], '{:+.2f}')}, {LARGE} less {SIZE} pixels "
        f"{_in_words(hits[finer] - hits[first], '{:+.2f}')}.",
    ]


def _oxford():
    """Oxford pets with a head box: pictures as they are, labels, boxes in thousandths of the picture."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(fetch.tfds_path("oxford_iiit_pet")))
    pictures, labels, boxes = [], [], []
    for example in builder.as_dataset(split="train").as_numpy_iterator():
        y0, x0, y1, x1 = np.rint(1000 * example["head_bbox"]).astype(np.int64)
        if y1 > y0 and x1 > x0:
            pictures.append(example["image"])
            labels.append(int(example["species"]))
            boxes.append((x0, y0, x1, y1))
    return pictures, np.array(labels), np.array(boxes)


def _in_words(values, form):
    low, high = localize.bootstrap_interval(np.asarray(values, float))
    return f"{form.format(np.mean(values))} [{form.format(low)}, {form.format(high)}]"
