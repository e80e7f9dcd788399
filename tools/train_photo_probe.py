"""Fits what tells drawings from photographs (`networks.unlike_photographs`); says how often it is wrong.

    python tools/train_photo_probe.py TFDS_DATA_DIR        a minute; writes weights/photo_probe.npz

A logistic regression on the means and standard deviations of `photo_net`'s maps behind its second halving.
Photographs: cats_vs_dogs; tried on others of them and on Oxford-IIIT pets, another source. Drawings: our
pets, animals and things, and enlarged digits; each kind is also tried on a probe that never saw it. All
come in many sizes, enlarged to 224 pixels, so that it can't go by sharpness.
"""

import sys

from course_utils import networks
from course_utils.datasets import examples
from course_utils.datasets.drawn.others import drawn_others
from course_utils.datasets.drawn.pets import draw_two_pets, drawn_pets

import numpy as np
from PIL import Image, ImageOps
from scipy.stats import binomtest

SIZE, STRENGTH = 224, 0.3


def in_some_size(image, rng):
    """The middle of a picture, shrunk to 64 pixels or more, enlarged to SIZE; without rng, at its best."""
    image = Image.fromarray(image).convert("RGB")
    best = min(*image.size, SIZE)
    size = int(rng.integers(64, best + 1)) if rng and best > 64 else best
    return np.asarray(ImageOps.fit(image, (size, size)).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def textures(images, rng=None):
    """`networks.photo_texture` of pictures of any size, (N, 64)."""
    return np.concatenate([networks.photo_texture(in_some_size(x, rng)[None]) for x in images])


def digits():
    from sklearn.datasets import load_digits

    for digit in load_digits().images[:400]:
        yield np.asarray(Image.fromarray((15.9 * digit).astype(np.uint8)).resize((SIZE, SIZE)))


def fit(photographs, drawings):
    """(weights (64,), bias): above 0 means drawn."""
    from sklearn.linear_model import LogisticRegression

    texture = np.concatenate([photographs, drawings])
    drawn = np.arange(len(texture)) >= len(photographs)
    mean, spread = texture.mean(axis=0), texture.std(axis=0)
    probe = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    probe.fit((texture - mean) / spread, drawn)
    weights = probe.coef_[0] / spread
    return weights, probe.intercept_[0] - mean @ weights


def say(name, probe, texture):
    flagged = texture @ probe[0] + probe[1] > 0
    low, high = binomtest(int(flagged.sum()), len(flagged)).proportion_ci(method="wilson")
    print(f"{name:44} {flagged.mean():6.1%} look drawn, {low:.1%} to {high:.1%} of {len(flagged)}")


def main(data):
    import tensorflow_datasets as tfds

    def stored(name, split):
        for example in tfds.load(name, split=split, data_dir=data, download=False).as_numpy_iterator():
            yield example["image"]

    rng = np.random.default_rng(0)
    photographs = textures(stored("cats_vs_dogs", "train[:2000]"), rng)
    drawings = {
        "pets": textures(
            [*drawn_pets(400, seed=1, size=SIZE).images, *drawn_pets(300, seed=1_000).images], rng
        ),
        "other animals and things": textures(drawn_others(500, seed=1, size=SIZE).images, rng),
        "enlarged digits": textures(digits(), rng),
    }
    probe = fit(photographs, np.concatenate(list(drawings.values())))
    np.savez(networks.WEIGHTS / "photo_probe.npz", weights=probe[0], bias=probe[1])
    tried = {
        "photographs, cats_vs_dogs, many sizes": textures(stored("cats_vs_dogs", "train[2000:]"), rng),
        "photographs, cats_vs_dogs, as they are": textures(stored("cats_vs_dogs", "train[2000:]")),
        "photographs, Oxford pets, many sizes": textures(stored("oxford_iiit_pet", "train+test"), rng),
        "photographs, Oxford pets, as they are": textures(stored("oxford_iiit_pet", "train+test")),
        "photographs of examples.py": textures(map(examples.photograph, examples.PHOTOGRAPHS)),
        "drawn pets": textures(drawn_pets(500, seed=90_000).images),
        "drawn animals and things": textures(drawn_others(500, seed=90_000).images),
        "drawn pairs of pets": textures(draw_two_pets(seed).image for seed in range(90_000, 90_200)),
    }
    for name, texture in tried.items():
        say(name, probe, texture)
    for kind in drawings:
        without = fit(photographs, np.concatenate([t for k, t in drawings.items() if k != kind]))
        say(f"{kind}, of which that probe saw none", without, drawings[kind])


if __name__ == "__main__":
    main(sys.argv[1])
