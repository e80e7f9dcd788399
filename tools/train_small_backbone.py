"""Train the backbone `small` of the transfer lesson on ten kinds of drawings, none of them a cat or a dog.

    .venv/bin/python tools/train_small_backbone.py

Writes `small_backbone.weights.h5` to `course_utils/weights`. It learns from drawings of seeds from 3,000,000
on and is examined on seeds from 3,900,000 on; their random streams are others than those of the pets.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import time

from course_utils.datasets.drawn.others import KINDS, drawn_others
from course_utils.networks import WEIGHTS
from course_utils.training import small_backbone

import keras
import numpy as np
import tensorflow as tf

TRAIN_SEED, N_TRAIN = 3_000_000, 4_000
TEST_SEED, N_TEST = 3_900_000, 500
EPOCHS, BATCH_SIZE, LEARNING_RATE = 6, 32, 3e-3


def train(model, images, labels):
    """Adam with warm-up and cosine decay; half of the pictures are flipped."""
    batches = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images), seed=0)
        .batch(BATCH_SIZE)
        .map(lambda x, y: (tf.image.random_flip_left_right(tf.cast(x, tf.float32), seed=0), y))
        .prefetch(2)
    )
    steps = EPOCHS * len(batches)
    warm_up = steps // (2 * EPOCHS)
    rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 10, steps - warm_up, alpha=0.0, warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )  # compiling costs more than it saves here
    model.fit(batches, epochs=EPOCHS, shuffle=False, verbose=2)  # the batches are shuffled already


def main():
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    start = time.perf_counter()
    learnt, unseen = drawn_others(N_TRAIN, TRAIN_SEED), drawn_others(N_TEST, TEST_SEED)
    drawn = time.perf_counter()
    backbone = small_backbone()
    x = keras.layers.GlobalAveragePooling2D(name="gap")(backbone.output)
    model = keras.Model(backbone.input, keras.layers.Dense(len(KINDS), name="class_scores")(x))
    train(model, learnt.images, learnt.labels)
    trained = time.perf_counter()

    guesses = model.predict(unseen.images.astype(np.float32), batch_size=50, verbose=0).argmax(1)
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
