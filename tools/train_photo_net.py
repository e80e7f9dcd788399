"""Trains `photo_net` from random weights on photographs of cats and dogs, and measures what it is worth.

    python tools/train_photo_net.py PHOTOS.npz        about 110 minutes on two cores; writes
    weights/photo_net.npz

PHOTOS.npz holds 20,000 JPEGs of 136x136 pixels in one array (jpegs, offsets), their labels (0 cat, 1 dog),
and the scores that a MobileNet with a trained head gives them (teacher_logits). 2,500 of them are never
trained on. Loss: 0.3 of the labels' cross-entropy and 0.7 of the teacher's at temperature 2 (Hinton et al.
2015).
"""

import argparse
import io
from pathlib import Path

from course_utils import networks

import numpy as np

HELD_OUT, TEMPERATURE, BATCH, SEED = 2_500, 2.0, 100, 0
# Two cycles of the learning rate: its peak, and how many epochs at how many pixels. Small pictures first,
# they cost half; the second cycle, at the size of the photographs, gained 0.6 points.
CYCLES = ((3e-3, ((96, 45), (128, 27))), (1e-3, ((144, 20),)))


def photographs(file):
    """(images (N, 136, 136, 3) uint8, labels (N,), teacher's scores (N, 2)) and which are held out."""
    from PIL import Image

    with np.load(file) as stored:
        jpegs, offsets, labels, teacher = (
            stored[k] for k in ("jpegs", "offsets", "labels", "teacher_logits")
        )
    images = np.stack(
        [
            np.asarray(Image.open(io.BytesIO(jpegs[a:b].tobytes())).convert("RGB"))
            for a, b in zip(offsets[:-1], offsets[1:])
        ]
    )
    held_out = np.zeros(len(labels), bool)
    held_out[np.random.default_rng(SEED).permutation(len(labels))[:HELD_OUT]] = True
    return images, labels, teacher.astype(np.float32), held_out


def batches(images, targets, size):
    """One epoch after the other of random crops (half to all of a picture), half of them mirrored, lighter or
    darker.
    """
    import tensorflow as tf

    rng = np.random.default_rng((SEED, size))
    everything, targets = tf.constant(images), tf.constant(targets)

    def batch(chosen):
        n, side = len(chosen), np.sqrt(rng.uniform(0.4, 1, len(chosen)))
        height, width = (np.minimum(1, side * np.exp(rng.uniform(-0.15, 0.15, n))) for _ in range(2))
        top, left = rng.uniform(0, 1 - height), rng.uniform(0, 1 - width)
        boxes = np.stack([top, left, top + height, left + width], axis=1).astype(np.float32)
        mirrored = rng.random(n) < 0.5
        boxes[mirrored] = boxes[mirrored][:, [0, 3, 2, 1]]
        gain, offset = rng.uniform(0.7, 1.3, (n, 1, 1, 1)), rng.uniform(-25, 25, (n, 1, 1, 1))
        tint = rng.uniform(0.9, 1.1, (n, 1, 1, 3))
        return boxes, (gain * tint).astype(np.float32), offset.astype(np.float32)

    def augmented(chosen):
        boxes, gain, offset = tf.numpy_function(batch, [chosen], [tf.float32] * 3)
        crops = tf.image.crop_and_resize(
            tf.gather(everything, chosen), tf.ensure_shape(boxes, (BATCH, 4)), tf.range(BATCH), (size, size)
        )
        crops = (
            (crops - 127.5) * tf.reshape(gain, (BATCH, 1, 1, 3))
            + 127.5
            + tf.reshape(offset, (BATCH, 1, 1, 1))
        )
        return tf.clip_by_value(crops, 0, 255), tf.gather(targets, chosen)

    order = tf.data.Dataset.range(len(images)).shuffle(len(images), seed=SEED).repeat()
    return order.batch(BATCH, drop_remainder=True).map(augmented).prefetch(4)


def labels_and_teacher(targets, scores):
    """0.3 of the cross-entropy with the label, 0.7 of that with the teacher; targets (B, 3): label and two
    scores.
    """
    import keras
    from keras import ops

    hard = keras.losses.sparse_categorical_crossentropy(targets[:, 0], scores, from_logits=True)
    taught = ops.softmax(targets[:, 1:] / TEMPERATURE)
    soft = keras.losses.categorical_crossentropy(taught, scores / TEMPERATURE, from_logits=True)
    return 0.3 * hard + 0.7 * TEMPERATURE**2 * soft


def trained(images, targets):
    """A `photo_net` with batch normalisation, trained by AdamW in two cycles of the learning rate."""
    import keras

    keras.utils.set_random_seed(SEED)
    model, per_epoch = networks.photo_net(trained=False), len(images) // BATCH
    for peak, phases in CYCLES:
        steps = per_epoch * sum(epochs for _, epochs in phases)
        rate = keras.optimizers.schedules.CosineDecay(
            peak / 25, steps * 9 // 10, warmup_target=peak, warmup_steps=steps // 10
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=0.05)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        model.compile(optimizer, loss=labels_and_teacher)
        for size, epochs in phases:
            model.fit(batches(images, targets, size), epochs=epochs, steps_per_epoch=per_epoch, verbose=2)
    return model


def folded(model):
    """Its weights by the names that `photo_net()` gives them, each batch normalisation inside its
    convolution, as float16.
    """
    weights = {}
    for layer in model.layers:
        if layer.name == "class_scores":
            weights[f"{layer.name}/kernel"], weights[f"{layer.name}/bias"] = map(
                np.asarray, layer.get_weights()
            )
        elif type(layer).__name__ == "Conv2D":
            norm = model.get_layer(f"{layer.name}_norm")
            gamma, beta, mean, variance = norm.get_weights()
            scale = gamma / np.sqrt(variance + norm.epsilon)
            weights[f"{layer.name}/kernel"] = layer.get_weights()[0] * scale
            weights[f"{layer.name}/bias"] = beta - mean * scale
    return {name: array.astype(np.float16) for name, array in weights.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    images, labels, teacher, held_out = photographs(parser.parse_args().photos)
    targets = np.column_stack([labels, teacher]).astype(np.float32)
    model = trained(images[~held_out], targets[~held_out])
    np.savez(networks.WEIGHTS / "photo_net.npz", **folded(model))
    for size in (128, 144, 160, 176, 192):
        import tensorflow as tf

        resized = tf.image.resize(images[held_out], (size, size), antialias=True)
        right = networks.photo_net().predict(resized, verbose=0).argmax(1) == labels[held_out]
        print(f"{size} pixels: {right.mean():.1%} of {HELD_OUT:,} held out")


if __name__ == "__main__":
    main()
