"""Sevens and nines: real MNIST where it is on disk, the digits that scikit-learn ships everywhere else."""

from typing import NamedTuple

from course_utils import cam, checks

import numpy as np

CLASS_NAMES = ("7", "9")


class Digits(NamedTuple):
    """Grey images (N, 28, 28, 1) in [0, 1] and labels (N,): 0 for a seven, 1 for a nine."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str  # "tfds" or "embedded"

    def __str__(self):
        what = {
            "tfds": "MNIST, 28 x 28 pixels",
            "embedded": "the 8 x 8 digits that scikit-learn ships, enlarged and framed to 28 x 28 pixels",
        }[self.source]
        return (
            f"Sevens and nines of {what}: {len(self.y_train):,} to train on, {len(self.y_test):,} to test on."
        )


def load(source="auto"):
    """The sevens and nines as `Digits`.

    source="tfds": MNIST through TensorFlow Datasets, from disk only (12,214 and 2,037 images);
    "embedded": scikit-learn's 359, every fifth for testing; "auto": the first where it is present.
    Raises FileNotFoundError when MNIST is asked for and isn't there: nothing is downloaded unasked.
    """
    checks.one_of("source", source, ("auto", "tfds", "embedded"))
    from course_utils.machine import fetch

    if source == "embedded" or (source == "auto" and not fetch.tfds_ready("mnist")):
        return _embedded()
    if not fetch.tfds_ready("mnist"):
        raise FileNotFoundError(
            f"MNIST isn't on this machine yet; get it with `{fetch.how_to_get('mnist')}`, "
            'or use load("embedded") meanwhile.'
        )
    return _from_tfds(fetch.tfds_dir())


def _from_tfds(folder):
    import tensorflow_datasets as tfds

    arrays = []
    for split in ("train", "test"):
        data = tfds.as_numpy(
            tfds.load("mnist", split=split, data_dir=str(folder), download=False, batch_size=-1)
        )
        arrays += _sevens_and_nines(data["image"] / np.float32(255), data["label"])
    return Digits(*arrays, source="tfds")


def _embedded():
    from sklearn.datasets import load_digits

    digits = load_digits()
    enlarged = cam.upsample(digits.images.astype(np.float32) / 16, 20)
    framed = np.pad(enlarged, ((0, 0), (4, 4), (4, 4)))[
        ..., None
    ]  # a digit fills 20 x 20 pixels, as in MNIST
    images, labels = _sevens_and_nines(framed, digits.target)
    test = np.arange(len(labels)) % 5 == 4
    return Digits(images[~test], labels[~test], images[test], labels[test], source="embedded")


def _sevens_and_nines(images, labels):
    chosen = np.isin(labels, (7, 9))
    return images[chosen], (labels[chosen] == 9).astype(np.int64)
