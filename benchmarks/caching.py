"""Frozen work done once: ten epochs on kept features against ten epochs through the whole network."""

import time

from benchmarks.table import row

import numpy as np

TITLE = "Ten epochs of VGG16 with frozen layers: features computed once, or in every epoch"
SIZE, N_IMAGES, BATCH_SIZE, EPOCHS = 224, 32, 32, 10

# How many of the backbone's last layers are trained: (name, layers, goal for the ratio).
RECIPES = [("the seed's, last four layers and head", 4, 0.35), ("head only", 0, 0.15)]


def measure(options):
    from course_utils.datasets.drawn.pets import drawn_pets

    import tensorflow as tf

    drawn = drawn_pets(N_IMAGES, size=SIZE)
    data = tf.data.Dataset.from_tensor_slices((drawn.images.astype(np.float32), drawn.labels)).batch(
        BATCH_SIZE
    )
    for train in (in_every_epoch, once):
        train(data.take(1), train_last=0, epochs=1)

    rows, notes = (
        [],
        [
            "VGG16 up to its last convolution, GAP, Dense(2), random weights; RMSprop with rate 1e-3, "
            f"{EPOCHS} epochs over {N_IMAGES} drawn pets of {SIZE}×{SIZE} pixels in batches of {BATCH_SIZE}.",
            "In every epoch: `model.fit`, the frozen layers untrainable. Once: `training.fit` with features "
            "of 32 bits in memory; its time includes computing them.",
            "Processor time is what the trainings themselves worked: other programs hardly change it.",
        ],
    )
    for what, train_last, goal in RECIPES:
        (slow, slow_work, expected), (quick, quick_work, losses) = (
            timed(train, data, train_last, EPOCHS) for train in (in_every_epoch, once)
        )
        rows += [
            row(f"{what}: in every epoch", [slow], "s"),
            row(f"{what}: once", [quick], "s"),
            row(f"{what}: time, once / in every epoch", [quick / slow], "×", ("<=", goal)),
            row(f"{what}: processor time, once / in every epoch", [quick_work / slow_work], "×"),
            row(
                f"{what}: largest difference between the losses of an epoch",
                [1e4 * np.abs(np.subtract(losses, expected)).max()],
                "·10⁻⁴",
                ("<=", 1),
            ),
        ]
        notes.append(f"Losses of {what}: {in_words(expected)} in every epoch; {in_words(losses)} once.")
    return rows, notes


def in_every_epoch(data, train_last, epochs):
    """The losses of Keras' own training, every image through all layers in every epoch."""
    import keras

    model = network(train_last)
    model.compile(
        keras.optimizers.RMSprop(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model.fit(data, epochs=epochs, verbose=0).history["loss"]


def once(data, train_last, epochs):
    """The losses of ours; all images are one batch, so that their order makes no difference."""
    from course_utils import training

    return training.fit(network(train_last), data, epochs=epochs, progress=False, dtype="float32").history[
        "loss"
    ]


def network(train_last):
    from course_utils import networks

    import keras

    keras.utils.set_random_seed(0)
    return networks.freeze(networks.gap_classifier("vgg16", weights=None), train_last)


def timed(train, *args):
    """(seconds by the clock, seconds of work, what it returns)"""
    start, start_of_work = time.perf_counter(), time.process_time()
    result = train(*args)
    return time.perf_counter() - start, time.process_time() - start_of_work, result


def in_words(losses):
    return " ".join(f"{loss:.5f}" for loss in losses)
