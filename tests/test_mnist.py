"""Sevens and nines: the embedded ones always, the real ones where they are on disk."""

import subprocess
import sys

from course_utils.datasets import mnist

import numpy as np
import pytest
import scipy.ndimage
from checks import refused
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def digits():
    return mnist.load("embedded")


def check(digits, n_train, n_test):
    """What holds for both sources."""
    for images, labels, n in (
        (digits.x_train, digits.y_train, n_train),
        (digits.x_test, digits.y_test, n_test),
    ):
        assert images.shape == (n, 28, 28, 1) and images.dtype == np.float32
        assert images.min() == 0 and 0.9 < images.max() <= 1
        assert (images.max(axis=(1, 2, 3)) > 0.5).all()  # no image is empty
        assert labels.shape == (n,) and labels.dtype.kind == "i" and set(labels) == {0, 1}
        assert 0.45 < labels.mean() < 0.55
    train, test = ({image.tobytes() for image in images} for images in (digits.x_train, digits.x_test))
    assert not train & test
    return train, test


def test_embedded_digits(digits):
    train, test = check(digits, 288, 71)
    assert len(train) + len(test) == 359 and digits.source == "embedded"


def test_embedded_labels_are_those_of_scikit_learn(digits):
    """Each picture is looked up among all ten digits, enlarged by SciPy instead of us."""
    source = load_digits()
    known = scipy.ndimage.zoom(source.images, (1, 2.5, 2.5), order=1, grid_mode=True, mode="nearest")
    assert known.shape[1:] == (20, 20)
    known = known.reshape(len(known), -1)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    for images, labels in ((digits.x_train, digits.y_train), (digits.x_test, digits.y_test)):
        inner = images[:, 4:24, 4:24, 0].reshape(len(images), -1)
        found = source.target[(inner @ known.T).argmax(axis=1)]
        np.testing.assert_array_equal(found, np.where(labels == 0, 7, 9))
    assert mnist.CLASS_NAMES == ("7", "9")


def test_embedded_digits_stand_in_a_frame_as_in_mnist(digits):
    frame = np.ones((28, 28), bool)
    frame[4:24, 4:24] = False
    assert not digits.x_train[:, frame].any() and not digits.x_test[:, frame].any()
    assert digits.x_train[:, ~frame].any(axis=0).mean() > 0.9


def test_each_call_gives_the_same_digits_to_keep(digits):
    again = mnist.load("embedded")
    np.testing.assert_array_equal(again.x_train, digits.x_train)
    again.x_train[:] = 0
    assert mnist.load("embedded").x_train.any() and digits.x_train.any()


def test_the_source_is_told(digits):
    assert "scikit-learn" in str(digits) and "288 to train on, 71 to test on" in str(digits)
    told = str(digits._replace(source="tfds", y_train=np.zeros(12214)))
    assert "MNIST" in told and "12,214 to train on" in told and "scikit-learn" not in told


def test_embedded_digits_need_no_tensorflow():
    listing = "import sys; from course_utils.datasets import mnist; mnist.load(); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    assert "sklearn" in result.stdout.split()
    assert not {"tensorflow", "keras", "tensorflow_datasets"} & set(result.stdout.split())


# --- the source argument ---------------------------------------------------------------------


def test_auto_takes_the_embedded_ones_where_mnist_is_absent(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert mnist.load().source == mnist.load("auto").source == "embedded"


def test_mnist_asked_for_and_absent(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with refused("python -m course_utils fetch mnist", 'load("embedded")', error=FileNotFoundError):
        mnist.load("tfds")
    assert not list(tmp_path.iterdir())  # nothing is downloaded unasked


def test_a_torn_mnist_is_not_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    torn = tmp_path / "mnist" / "3.0.1"
    torn.mkdir(parents=True)
    (torn / "dataset_info.json").write_text('{"name": "mnist", "splits": [')
    assert mnist.load("auto").source == "embedded"
    with refused("fetch mnist", error=FileNotFoundError):
        mnist.load("tfds")


@pytest.mark.parametrize("source", ["TFDS", "mnist", "", None, True])
def test_unknown_sources(source):
    with refused(repr(source), '"auto"', '"tfds"', '"embedded"'):
        mnist.load(source)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.real_data
def test_real_mnist(real_data, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(real_data / "tfds"))
    digits = mnist.load("tfds")
    check(digits, 12_214, 2_037)
    # 7 -> 0 and 9 -> 1: MNIST has 6,265 and 1,028 sevens, 5,949 and 1,009 nines.
    assert np.bincount(digits.y_train).tolist() == [6265, 5949]
    assert np.bincount(digits.y_test).tolist() == [1028, 1009]
    assert str(digits) == "Sevens and nines of MNIST, 28 x 28 pixels: 12,214 to train on, 2,037 to test on."
    assert mnist.load("embedded").source == "embedded"
    monkeypatch.setattr(mnist, "_from_tfds", lambda folder: digits)  # loaded once is enough
    assert mnist.load("auto").source == "tfds"
