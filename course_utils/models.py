"""The networks of the course. All are flat functional Keras models that end in logits and carry the
layer names `feature_maps`, `gap` and `class_scores`, so that a map can be traced back by eye.
"""

from pathlib import Path

from course_utils.datasets.wheels import turned

import numpy as np

WEIGHTS = Path(__file__).parent / "weights"
UNLIKE = 0.17  # see `unlike_drawings`
PHOTO_STAGES = ((32, 1), (64, 2), (120, 2))  # filters and residual blocks behind each halving but the first

# Six epochs reach 99.5 % on the real sevens and nines; the few embedded ones need to be seen more often.
DIGIT_RECIPE = {
    "tfds": dict(epochs=6, peak_lr=0.04, batch_size=64),
    "embedded": dict(epochs=40, peak_lr=0.04, batch_size=32),
}


def digit_net(image_size=28, n_classes=2, trained=False):
    """The small network of notebook 03: grey images (B, S, S, 1) in [0, 1] -> class scores (B, C).

    Two 3x3 convolutions with 32 and 64 filters, each followed by ReLU and 2x2 max-pooling, then the mean
    of each of the 64 maps and one linear layer without bias: 18,944 parameters for two classes.
    trained=True loads the weights that ship with the course (tools/train_digit_net.py made them from the
    embedded digits); they fit any image_size, but two classes only.
    """
    import keras
    from keras import layers

    if image_size < 4:
        raise ValueError(f"image_size is {image_size}; two poolings by 2 need at least 4 pixels.")
    images = keras.Input((image_size, image_size, 1), name="images")
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_1")(images)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="conv_2")(x)
    x = layers.MaxPooling2D(2, name="feature_maps")(x)
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    scores = layers.Dense(n_classes, use_bias=False, name="class_scores")(x)
    model = keras.Model(images, scores, name="digit_net")
    if trained:
        if n_classes != 2:
            raise ValueError(
                f"n_classes is {n_classes}; the shipped weights know two classes, seven and nine."
            )
        with np.load(WEIGHTS / "digit_net.npz") as stored:
            names = ("kernel_1", "bias_1", "kernel_2", "bias_2", "class_weights")
            model.set_weights([stored[name].astype(np.float32) for name in names])
    return model


def pets_net(trained=False, grid=24):
    """The small network for drawn pets: pictures (B, S, S, 3) in 0..255 -> scores of cat and dog (B, 2).

    Two poolings only, so its map is fine: 24x24 cells of 48 maps for 96x96 pixels. Any input size.
    grid=12 or 6: the same layers with one or two poolings more, for comparing maps of other resolutions.
    trained=True loads the weights that ship with the course (tools/train_pets_net.py made them).
    """
    poolings = {24: 2, 12: 3, 6: 4}  # how many of the four convolutions are followed by one
    if grid not in poolings:
        raise ValueError(f"grid is {grid!r}; the maps for drawn pets have 24, 12 or 6 cells a side.")
    import keras

    x = images = keras.Input((None, None, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescaling")(x)
    for i, filters in enumerate((16, 24, 48, 48), start=1):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{i}")(x)
        # Without batch normalisation, training a network this small is a matter of luck.
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
        pooled, last = i <= poolings[grid], "feature_maps" if i == 4 else None
        x = keras.layers.ReLU(name=f"relu_{i}" if pooled else last or f"relu_{i}")(x)
        if pooled:
            x = keras.layers.MaxPooling2D(name=last or f"pool_{i}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
    model = keras.Model(images, keras.layers.Dense(2, name="class_scores")(x), name="pets_net")
    if trained:
        model.load_weights(pets_net_weights(grid))
    return model


def pets_net_weights(grid=24):
    """The file with the shipped weights of `pets_net(grid=grid)`."""
    return WEIGHTS / ("pets_net.weights.h5" if grid == 24 else f"pets_net_{grid}.weights.h5")


def unlike_drawings(pets_net, image):
    """Does a picture (H, W, 3) of about 96 pixels differ from what `pets_net` was trained on, as photographs
    do?

    Batch normalisation remembers how the values before it were distributed in training. Before the third one
    they are more than UNLIKE (Kullback-Leibler, the mean over its channels) away from that for 97 % of 2,100
    photographs, whose edges are softer, and for 1 % of 1,000 drawings.
    """
    import keras

    norm = pets_net.get_layer("norm_3")
    before = keras.Model(pets_net.input, norm.input)
    values = np.asarray(before(image[None].astype(np.float32), training=False))[0]
    mean, variance = values.mean(axis=(0, 1)), values.var(axis=(0, 1)) + norm.epsilon
    remembered, spread = np.asarray(norm.moving_mean), np.asarray(norm.moving_variance) + norm.epsilon
    distance = (np.log(spread / variance) + (variance + (mean - remembered) ** 2) / spread - 1) / 2
    return bool(distance.mean() > UNLIKE)


def quick_net():
    """A network that learns drawn pets in seconds: pictures (B, S, S, 3) in 0..255 -> scores of cat and dog
    (B, 2).

    As `pets_net`, but thinner, and its first convolution takes every second pixel only: 11,298 parameters,
    and again 24x24 cells for 96x96 pixels. Good enough to be caught cheating, and to be trained twice in a
    lesson.
    """
    import keras

    x = images = keras.Input((None, None, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescaling")(x)
    for i, filters in enumerate((12, 16, 24, 24), start=1):
        # With stride 2 an even kernel keeps the maps in place; an odd one moves them by half a pixel.
        size, stride = (4, 2) if i == 1 else (3, 1)
        x = keras.layers.Conv2D(filters, size, stride, padding="same", use_bias=False, name=f"conv_{i}")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
        x = keras.layers.ReLU(name="feature_maps" if i == 4 else f"relu_{i}")(x)
        if i == 1:
            x = keras.layers.MaxPooling2D(name="pool_1")(x)
    x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
    return keras.Model(images, keras.layers.Dense(2, name="class_scores")(x), name="quick_net")


def photo_net(trained=True):
    """Our network for photographs of cats and dogs: pictures (B, H, W, 3) in 0..255 -> scores of cat and dog
    (B, 2).

    Convolutions that halve the picture four times, with residual blocks (He et al. 2016) between them, lead
    to 120 maps with one cell for 16x16 pixels; any input size. Kernels with stride 2 are even, so that maps
    stay in place. trained=True: the weights that ship with the course, made by tools/train_photo_net.py, in
    which each batch normalisation is folded into its convolution. trained=False: random weights, with batch
    normalisation.
    """
    import keras
    from keras import layers

    def convolution(x, name, filters, size, stride=1, relu=True):
        x = layers.Conv2D(filters, size, stride, padding="same", use_bias=trained, name=name)(x)
        if not trained:
            x = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x) if relu else x

    images = keras.Input((None, None, 3), name="images")
    x = layers.Rescaling(1 / 127.5, -1, name="rescaling")(images)
    x = convolution(x, "halve_1", 16, 4, 2)
    for stage, (filters, blocks) in enumerate(PHOTO_STAGES, start=2):
        x = convolution(x, f"halve_{stage}", filters, 2, 2)
        for block in range(1, blocks + 1):
            name, last = f"block_{stage}_{block}", (stage, block) == (len(PHOTO_STAGES) + 1, blocks)
            y = convolution(convolution(x, f"{name}_a", filters, 3), f"{name}_b", filters, 3, relu=False)
            x = layers.ReLU(name="feature_maps" if last else f"{name}_relu")(
                layers.Add(name=f"{name}_add")([x, y])
            )
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    model = keras.Model(images, layers.Dense(2, name="class_scores")(x), name="photo_net")
    if trained:
        with np.load(WEIGHTS / "photo_net.npz") as stored:
            model.set_weights([stored[weight.path].astype(np.float32) for weight in model.weights])
    return model


def wheel_net():
    """The network of notebook 07: pictures of wheels (B, 64, 64, 1) in 0..255 -> one number each (B, 1).

    Two poolings lead to maps of 16x16 cells, each of which sees 40 of the 64 pixels: enough to tell a spoke
    from a hub, not enough for the whole wheel. `class_scores` has a single output, any real number.
    """
    import keras

    x = images = keras.Input((64, 64, 1), name="images")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(x)
    x = keras.layers.AveragePooling2D(2, name="halve")(x)
    for i, (filters, step) in enumerate(((24, 1), (48, 1), (48, 1), (48, 2)), start=1):
        x = keras.layers.Conv2D(
            filters, 3, padding="same", dilation_rate=step, use_bias=False, name=f"conv_{i}"
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
        x = keras.layers.ReLU(name="feature_maps" if i == 4 else f"relu_{i}")(x)
        if i == 1:
            x = keras.layers.MaxPooling2D(2, name="pool_1")(x)
    x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
    return keras.Model(images, keras.layers.Dense(1, name="class_scores")(x), name="wheel_net")


def first_map():
    """What notebook 00 needs before Keras is loaded: one drawn cat, its feature maps, and the scores'
    weights.

    A dict of arrays: image, feature_maps (1, 24, 24, 48), class_weights (48, 2), bias (2,), class_scores (1,
    2).
    """
    return dict(np.load(WEIGHTS / "first_map.npz"))


def train(model, images, labels, epochs, peak_lr=4e-2, batch_size=64, progress=True):
    """Train on (images, labels) with Adam and a one-cycle schedule; returns Keras' History.

    The learning rate rises to `peak_lr` over the first 30 % of all steps and falls along a cosine to
    zero (after L. Smith, "Super-convergence", 2018): a small network gets further in fewer epochs. The
    loss works on logits. One progress bar, in JupyterLab and in a terminal, gone when training is done.
    """
    import keras

    if len(images) != len(labels) or not len(images):
        raise ValueError(
            f"{len(images)} images and {len(labels)} labels; expected one label an image, and some of both."
        )
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; expected at least 1.")
    labels, n_classes = np.asarray(labels), model.output_shape[-1]
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(
            f"labels has shape {labels.shape}, type {labels.dtype} and goes from {labels.min()} to "
            f"{labels.max()}; "
            f"expected one whole number an image, 0 to {n_classes - 1} for {n_classes} classes."
        )
    steps = epochs * -(-len(images) // batch_size)
    warm_up = max(1, 3 * steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        peak_lr / 25, max(1, steps - warm_up), warmup_target=peak_lr, warmup_steps=warm_up
    )
    # So high a rate needs a short memory of past gradients' sizes: beta_2 of 0.95 instead of 0.999.
    model.compile(
        keras.optimizers.Adam(schedule, beta_2=0.95),
        metrics=["accuracy"],
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model.fit(
        images,
        labels,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=_progress_bar(epochs) if progress else None,
    )


def train_on_numbers(
    model,
    images,
    numbers,
    maps=None,
    map_weight=0.1,
    epochs=10,
    peak_lr=1e-2,
    batch_size=32,
    seed=0,
    progress=True,
):
    """Train a network with one output to tell a number, and with `maps` also where it comes from; Keras'
    History.

    images (N, S, S, channels), numbers (N,) about standardised, maps (N, h, w) on the grid of `feature_maps`.
    The loss is mean (prediction - number)^2, with maps plus map_weight * mean (RAM + b - map)^2 over the
    cells. Each batch is shown in one of the 8 ways a square can lie, its maps with it. The learning rate is
    `train`'s one cycle.
    """
    import keras

    images, targets = np.asarray(images), [np.asarray(numbers, np.float32)]
    trained, losses, weights = model, ["mse"], [1.0]
    if model.output_shape[1:] != (1,):
        raise ValueError(
            f"Model '{model.name}' has outputs of shape {model.output_shape[1:]}; expected a single "
            "number, (1,)."
        )
    if maps is not None:
        # The Dense layer, asked in each cell instead of once at the end, gives RAM + b.
        cells = model.get_layer("class_scores")(model.get_layer("feature_maps").output)
        trained = keras.Model(model.input, [model.output, cells])
        losses, weights = ["mse", "mse"], [1.0, map_weight]
        targets.append(np.asarray(maps, np.float32)[..., None])
        if targets[1].shape[1:] != cells.shape[1:]:
            raise ValueError(
                f"maps has shape {np.shape(maps)}; expected (N, {cells.shape[1]}, {cells.shape[2]}), "
                "the grid of "
                "the feature maps."
            )
    if not len(images) or any(len(t) != len(images) for t in targets) or targets[0].ndim != 1:
        raise ValueError(
            f"images has shape {images.shape}, numbers {targets[0].shape}"
            f"{'' if maps is None else f', maps {np.shape(maps)}'}; expected one number "
            f"{'' if maps is None else 'and one map '}an image, and some of each."
        )
    if not all(np.isfinite(t).all() for t in targets):
        raise ValueError("numbers or maps have values that are NaN or infinite; leave those images out.")
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; expected at least 1.")
    steps_per_epoch = -(-len(images) // batch_size)
    steps = epochs * steps_per_epoch
    warm_up = max(1, 3 * steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        peak_lr / 25, max(1, steps - warm_up), warmup_target=peak_lr, warmup_steps=warm_up
    )
    trained.compile(keras.optimizers.Adam(schedule, beta_2=0.95), loss=losses, loss_weights=weights)
    return trained.fit(
        _turned_batches(images, targets, batch_size, seed),
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=_progress_bar(epochs) if progress else None,
    )


def _turned_batches(images, targets, batch_size, seed):
    """Batches without end, in random order, each in one of the 8 ways a square can lie: numbers stay, maps
    turn too.
    """
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    arrays, order = [images.astype(np.float32, copy=False), *targets], []

    def next_batch(_):
        if not order:
            order.extend(
                np.array_split(rng.permutation(len(images)), range(batch_size, len(images), batch_size))
            )
        chosen, how = order.pop(0), rng.integers(8)
        return [a[chosen] if a.ndim == 1 else np.ascontiguousarray(turned(a[chosen], how)) for a in arrays]

    def batch(i):
        x, *y = (
            tf.ensure_shape(t, (None, *a.shape[1:]))
            for t, a in zip(tf.numpy_function(next_batch, [i], [tf.float32] * len(arrays)), arrays)
        )
        return x, tuple(y) if len(y) > 1 else y[0]

    # Not a generator: TensorFlow's from_generator makes the whole process slower (see transfer._batches).
    return tf.data.Dataset.range(2**62).map(batch).prefetch(2)


def accuracy(class_scores, labels):
    """Share of images, 0 to 1, whose largest score (B, C) is that of their label (B,)."""
    if np.ndim(class_scores) != 2 or np.shape(labels) != np.shape(class_scores)[:1] or not len(labels):
        raise ValueError(
            f"class_scores has shape {np.shape(class_scores)} and labels {np.shape(labels)}; "
            "expected (B, C) and (B,), with the same B, at least 1."
        )
    return float((np.asarray(class_scores).argmax(axis=1) == labels).mean())


def _progress_bar(epochs):
    from tqdm.auto import tqdm
    from tqdm.keras import TqdmCallback

    return [TqdmCallback(epochs=epochs, verbose=0, tqdm_class=tqdm, leave=False)]
