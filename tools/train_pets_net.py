"""Train the small networks that ship with the course, and store notebook 00's first map.

    .venv/bin/python tools/train_pets_net.py            the three of them, 24, 12 and 6 cells a side
    .venv/bin/python tools/train_pets_net.py 12 6       only those

Writes `pets_net*.weights.h5` and, with 24, `first_map.npz` to `course_utils/weights`. The networks learn from
drawn pets of seeds from 1,000,000 on and are examined on seeds from 2,000,000 on. The notebooks use seeds
below 100,000, so they have seen none of their pictures. The three differ in nothing but poolings.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import time

from course_utils.datasets.drawn.pets import draw_pet, drawn_pets
from course_utils.networks import WEIGHTS, pets_net, pets_net_weights

import keras
import numpy as np
import tensorflow as tf
from on_drawings import train

TRAIN_SEED, N_TRAIN = 1_000_000, 2_000
TEST_SEED, N_TEST = 2_000_000, 500
FIRST_SEED = 74  # the cat on the first page


def look(model, images):
    """feature_maps (B, h, w, 48) and class_scores (B, 2) in one forward pass."""
    both = keras.Model(model.input, [model.get_layer("feature_maps").output, model.output])
    return both.predict(images, batch_size=50, verbose=0)


def pointing(model, pictures):
    """The share of pictures whose map of the true class has its peak in the head's box."""
    feature_maps, _ = look(model, pictures.images)
    class_weights, _ = model.get_layer("class_scores").get_weights()
    cam = np.einsum("bhwk,kb->bhw", feature_maps, class_weights[:, pictures.labels])
    size = pictures.images.shape[1]
    upsampled = tf.image.resize(cam[..., None], (size, size), "bilinear").numpy()  # half-pixel centres
    y, x = np.divmod(upsampled.reshape(len(cam), -1).argmax(1), size)
    x0, y0, x1, y1 = pictures.head_boxes.T
    return np.mean((x0 <= x) & (x < x1) & (y0 <= y) & (y < y1))


def store_first_map(model, path):
    """Store all that a first map needs: a picture, its feature maps, the Dense layer and the scores."""
    pet = draw_pet(FIRST_SEED)
    feature_maps, class_scores = look(model, pet.image[None])
    class_weights, bias = model.get_layer("class_scores").get_weights()
    np.testing.assert_allclose(feature_maps.mean((1, 2)) @ class_weights + bias, class_scores, rtol=1e-4)
    assert class_scores.argmax() == pet.label == 0, "the first map should be a cat's: change FIRST_SEED"
    np.savez_compressed(
        path,
        image=pet.image,
        feature_maps=feature_maps,
        class_weights=class_weights,
        bias=bias,
        class_scores=class_scores,
        label=pet.label,
        seed=FIRST_SEED,
    )


def main(grids):
    tf.config.experimental.enable_op_determinism()
    start = time.perf_counter()
    learnt = drawn_pets(N_TRAIN, TRAIN_SEED)
    unseen = drawn_pets(N_TEST, TEST_SEED)
    print(f"drawing {N_TRAIN + N_TEST:,} pets: {time.perf_counter() - start:.0f} s")
    WEIGHTS.mkdir(exist_ok=True)
    for grid in grids:
        keras.utils.set_random_seed(0)
        start = time.perf_counter()
        model = pets_net(grid=grid)
        train(model, learnt.images, learnt.labels)
        print(
            f"{grid} x {grid} cells: {model.count_params():,} parameters, trained in "
            f"{time.perf_counter() - start:.0f} s"
        )
        _, class_scores = look(model, unseen.images)
        accuracy = np.mean(class_scores.argmax(1) == unseen.labels)
        print(
            f"on {N_TEST} unseen pets: accuracy {accuracy:.3f}, peak of the map in the head's box "
            f"{pointing(model, unseen):.3f}"
        )

        shipped, path = pets_net(grid=grid), pets_net_weights(grid)
        shipped.set_weights(
            model.get_weights()
        )  # never compiled: the optimiser's memory would treble the file
        shipped.save_weights(path)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")
        if grid == 24:
            path = WEIGHTS / "first_map.npz"
            store_first_map(shipped, path)
            print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main([int(grid) for grid in sys.argv[1:]] or [24, 12, 6])
