"""Train the backbone `small` of the transfer lesson on ten kinds of drawings, none of them a cat or a dog.

    .venv/bin/python tools/train_small_backbone.py

Writes `small_backbone.weights.h5` to `course_utils/weights`. It learns from drawings of seeds from 3,000,000
on and is examined on seeds from 3,900,000 on; their random streams are others than those of the pets.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import time

from course_utils.datasets.drawn.others import KINDS, drawn_others
from course_utils.networks import WEIGHTS, small_backbone

import keras
import numpy as np
import tensorflow as tf
from on_drawings import train

TRAIN_SEED, N_TRAIN = 3_000_000, 4_000
TEST_SEED, N_TEST = 3_900_000, 500


def main():
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    start = time.perf_counter()
    learnt, unseen = drawn_others(N_TRAIN, TRAIN_SEED), drawn_others(N_TEST, TEST_SEED)
    drawn = time.perf_counter()
    backbone = small_backbone()
    x = keras.layers.GlobalAveragePooling2D(name="gap")(backbone.output)
    model = keras.Model(backbone.input, keras.layers.Dense(len(KINDS), name="class_scores")(x))
    train(model, learnt.images, learnt.labels, jit_compile=False)  # compiling costs more than it saves here
    trained = time.perf_counter()

    guesses = model.predict(unseen.images, batch_size=50, verbose=0).argmax(1)
    print(
        f"drawing {N_TRAIN + N_TEST:,} pictures: {drawn - start:.0f} s; training: {trained - drawn:.0f} s; "
        f"{backbone.count_params():,} parameters"
    )
    print(
        f"on {N_TEST} unseen drawings: accuracy {np.mean(guesses == unseen.labels):.3f}; "
        + ", ".join(f"{kind} {np.mean(guesses[unseen.labels == i] == i):.2f}" for i, kind in enumerate(KINDS))
    )

    shipped = small_backbone()  # never compiled: the optimiser's memory would treble the file
    shipped.set_weights(backbone.get_weights())
    path = WEIGHTS / "small_backbone.weights.h5"
    shipped.save_weights(path)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
