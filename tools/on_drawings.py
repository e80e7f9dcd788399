"""How the networks that know drawings were trained: by one recipe, used by two tools."""

import keras
import tensorflow as tf

EPOCHS, BATCH_SIZE, LEARNING_RATE = 6, 32, 3e-3


def train(model, images, labels, epochs=EPOCHS, **compiling):
    """Adam with warm-up and cosine decay on pictures (N, S, S, 3) uint8, half of which are flipped."""
    batches = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images), seed=0)
        .batch(BATCH_SIZE)
        .map(lambda x, y: (tf.image.random_flip_left_right(tf.cast(x, tf.float32), seed=0), y))
        .prefetch(2)
    )
    steps, warm_up = epochs * len(batches), len(batches) // 2
    rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 10, steps - warm_up, alpha=0.0, warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], **compiling)
    model.fit(batches, epochs=epochs, shuffle=False, verbose=2)  # the batches are shuffled already
