"""Transfer learning: a network trained on something else, its maps averaged, one new linear layer on top.

    model = freeze(gap_classifier("mobilenet"))
    history = fit(model, pets.train, valid=pets.valid, epochs=10)

What is frozen gives the same features in every epoch. `fit` computes them once, keeps them, and trains
what comes behind them, in a fraction of the time.
"""

from course_utils import features, fetch
from course_utils.features import Features, cached_features  # noqa: F401, for whoever looks for them here
from course_utils.models import WEIGHTS, _progress_bar

import numpy as np

BACKBONES = ("vgg16", "mobilenet", "small")


# --- networks --------------------------------------------------------------------------------


def small_backbone():
    """Our own small VGG: images (B, H, W, 3) in 0..255 -> feature maps (B, H/16, W/16, 80), 210k parameters.

    Five blocks of 3x3 convolutions (1, 1, 2, 2, 2 of them), each followed by batch normalisation and
    ReLU, with max-pooling between the blocks: 96x96 pixels give 6x6 cells. Any input size; random weights.
    """
    import keras

    x = images = keras.Input((None, None, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescaling")(x)
    for block, (filters, convolutions) in enumerate([(16, 1), (32, 1), (48, 2), (64, 2), (80, 2)], start=1):
        if block > 1:
            x = keras.layers.MaxPooling2D(name=f"block{block - 1}_pool")(x)
        for i in range(1, convolutions + 1):
            name = f"block{block}_{{}}{i}".format
            x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name("conv"))(x)
            x = keras.layers.BatchNormalization(momentum=0.9, name=name("norm"))(x)
            x = keras.layers.ReLU(name=name("relu"))(x)
    return keras.Model(images, x, name="small")


def backbone(name, weights="auto"):
    """A convolutional network without its head: images (B, H, W, 3) in 0..255 -> feature maps (B, h, w, K).

    "vgg16" (Simonyan & Zisserman 2014), cut before its last pooling: 14x14x512 for 224x224 pixels, 64x64
    for 1024x1024. "mobilenet" (Howard et al. 2017, alpha 0.75): 7x7x768 for 224x224. "small": ours, see
    `small_backbone`. Flat, any input size, each rescales the images in its first layer as it was trained.
    weights="auto": pretrained, from this disk; None: random. Raises FileNotFoundError where they aren't here.
    """
    if name not in BACKBONES:
        raise ValueError(f"There is no backbone {name!r}; choose from {', '.join(BACKBONES)}.")
    if weights not in ("auto", None):
        raise ValueError(
            f'weights is {weights!r}; it can be "auto" (pretrained, from this disk) or None, random.'
        )
    file = None if weights is None else _weights_file(name)
    return {"vgg16": _vgg16, "mobilenet": _mobilenet, "small": _small}[name](file)


def _weights_file(name):
    """The file of pretrained weights; FileNotFoundError says how to get it and what runs meanwhile."""
    if name == "small":
        file = WEIGHTS / "small_backbone.weights.h5"
        if not file.is_file():
            raise FileNotFoundError(
                f"{file.name} belongs to the course, but isn't in course_utils/weights; get it back "
                "with `git checkout course_utils/weights`, or use random weights meanwhile: "
                'backbone("small", weights=None).'
            )
        return file
    damage = fetch.flaw(name)
    if damage:
        state = "aren't on this machine yet" if damage is fetch.ABSENT else f"can't be used: {damage}"
        raise FileNotFoundError(
            f"The weights of {name} {state}; get them with `{fetch.how_to_get(name)}`, or "
            'use backbone("small") meanwhile, whose weights come with the course.'
        )
    return fetch.weights_path(name)


def _vgg16(file):
    import keras

    images = keras.Input((None, None, 3), name="images")
    x = keras.layers.Rescaling(1.0, [-123.68, -116.779, -103.939], name="rescaling")(images)
    whole = keras.applications.VGG16(include_top=False, weights=file, input_tensor=x)
    if file is not None:
        # It was trained on blue, green, red. Turning its first filters round once spares turning every image.
        first = whole.get_layer("block1_conv1")
        kernel, bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], bias])
    return keras.Model(images, whole.get_layer("block5_conv3").output, name="vgg16")


def _mobilenet(file):
    import keras

    images = keras.Input((None, None, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescaling")(images)
    whole = keras.applications.MobileNet(alpha=0.75, include_top=False, weights=file, input_tensor=x)
    return keras.Model(images, whole.output, name="mobilenet")


def _small(file):
    model = small_backbone()
    if file is not None:
        model.load_weights(file)
    return model


def available_backbone(source):
    """Name of the best backbone for pictures of `source` ("tfds" or "embedded") whose weights are on this
    disk.

    MobileNet for photographs, else VGG16; our small one, trained on drawings, for drawn pets and for want of
    a better one.
    """
    if source not in ("tfds", "embedded"):
        raise ValueError(f'source is {source!r}; it can be "tfds" or "embedded".')
    ready = [name for name in ("mobilenet", "vgg16") if source == "tfds" and fetch.weights_ready(name)]
    return [*ready, "small"][0]


def gap_classifier(name, n_classes=2, weights="auto", dropout=0.0):
    """A backbone, the mean of each of its maps, one linear layer: images (B, H, W, 3) -> class scores (B, C).

    Flat, with the layers `feature_maps`, `gap` and `class_scores` (logits) behind the backbone's own;
    `dropout` is the share of the means that training drops. Raises as `backbone` does.
    """
    import keras

    if not _is_whole(n_classes) or n_classes < 1:
        raise ValueError(f"n_classes is {n_classes!r}; expected a whole number, at least 1.")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout!r}; expected a share from 0 to less than 1.")
    base = backbone(name, weights)
    x = keras.layers.Identity(name="feature_maps")(base.output)
    x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    scores = keras.layers.Dense(n_classes, name="class_scores")(x)
    return keras.Model(base.input, scores, name=f"{name}_gap")


# --- freezing --------------------------------------------------------------------------------


def freeze(model, train_last=0):
    """Freeze the backbone of a `gap_classifier` but for its last `train_last` layers; returns the model.

    The head stays trainable. Layers without weights count, as in Keras: the seed's last four layers of
    VGG16 are a pooling and the three convolutions of block 5. Batch normalisation stays frozen, that is in
    inference mode, in all of the backbone: the statistics of a few images would spoil those of many.
    """
    layers = [layer.name for layer in model.layers]
    if "feature_maps" not in layers:
        raise ValueError(
            f"Model '{model.name}' has no layer 'feature_maps', where its head would begin; make the "
            "model with gap_classifier."
        )
    layers = model.layers[1 : layers.index("feature_maps")]  # the first one is the input
    if not _is_whole(train_last) or not 0 <= train_last <= len(layers):
        raise ValueError(
            f"train_last is {train_last!r}; expected a whole number from 0 to {len(layers)}, which is "
            f"all layers of the backbone of '{model.name}'."
        )
    model.trainable = True
    for i, layer in enumerate(layers):
        layer.trainable = i >= len(layers) - train_last and type(layer).__name__ != "BatchNormalization"
    return model


def split_at_frozen(model):
    """(frozen_part, trainable_part): trainable_part(frozen_part(images)) = model(images), all layers shared.

    The cut is as far back as it can be: behind the last layer up to which nothing is trained and nothing is
    random, poolings included. So with a frozen backbone the frozen part gives the means (B, K). Where nothing
    is frozen: (None, model). Raises ValueError where nothing is left to train or the network branches.
    """
    import keras

    if not model.trainable_weights:
        raise ValueError(f"All of model '{model.name}' is frozen; freeze(model) leaves its head trainable.")
    if not any(layer.weights and not layer.trainable for layer in model.layers):
        return None, model
    _check_chain(model)
    end = next(i for i, layer in enumerate(model.layers) if not _same_every_time(layer))
    if not any(layer.weights for layer in model.layers[:end]):
        return None, model
    cut = model.layers[end - 1].output
    x = features = keras.Input(cut.shape[1:], name="features")
    for layer in model.layers[end:]:
        x = layer(x)
    return keras.Model(model.input, cut, name="frozen_part"), keras.Model(features, x, name="trainable_part")


def _same_every_time(layer):
    random = len(layer.variables) > len(layer.weights)  # its generator's state is a variable, but no weight
    return not random and not (layer.weights and layer.trainable)


def _check_chain(model):
    for before, layer in zip(model.layers, model.layers[1:]):
        inputs = layer._inbound_nodes[0].input_tensors
        if len(inputs) != 1 or inputs[0]._keras_history.operation is not before:
            raise ValueError(
                f"Model '{model.name}' branches at layer '{layer.name}', so it can't be cut in two; "
                "expected a plain chain of layers, as gap_classifier makes it."
            )


# --- training --------------------------------------------------------------------------------


def fit(model, data, valid=None, epochs=10, optimizer=None, progress=True, dtype="float16"):
    """Train what isn't frozen, on features computed once (see `cached_features`); returns Keras' History.

    data and valid are tf.data.Datasets of (images (B, H, W, 3) in 0..255, labels (B,)), the model gives
    logits. Every epoch sees the features in another order, in batches as large as the data's first.
    optimizer: one of Keras' or its name, of which each call uses a fresh copy; unless given RMSprop with rate
    1e-3. In the end the model has the weights of the epoch with the lowest validation loss. Interrupting the
    training keeps the best so far and returns the history so far. With nothing frozen it trains end to end,
    with the batches in the data's order. Raises ValueError or TypeError for what can't be trained.
    """
    import keras

    if not _is_whole(epochs) or epochs < 1:
        raise ValueError(f"epochs is {epochs!r}; expected a whole number, at least 1.")
    last = model.layers[-1]
    if {type(last).__name__.lower(), getattr(getattr(last, "activation", ""), "__name__", "")} & {
        "softmax",
        "sigmoid",
    }:
        raise ValueError(
            f"Model '{model.name}' ends in probabilities; expected logits: leave out the activation in "
            f"'{last.name}', the loss has it inside."
        )
    optimizer = _fresh(optimizer)
    frozen_part, trainable_part = split_at_frozen(model)
    sets = {"data": data} if valid is None else {"data": data, "valid": valid}
    batch_sizes = {}
    for what, batches in sets.items():  # all that can be wrong early is said early
        images, labels = features.first_batch(batches, what, model)
        _check_labels(labels, model, what)
        batch_sizes[what] = len(images)
    for what, batches in sets.items():
        if frozen_part is None:
            labels = np.concatenate([y for _, y in batches.as_numpy_iterator()])
        else:
            kept = cached_features(frozen_part, batches, dtype, progress)
            labels, sets[what] = kept.y, _batches(kept, batch_sizes[what], shuffle=what == "data")
        _check_labels(labels, model, what)

    how = dict(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.compile(**how)  # for model.evaluate; this optimizer is never used
    trainable_part.compile(optimizer, **how)
    return _train(trainable_part, **sets, epochs=epochs, progress=progress)


def _train(part, data, epochs, progress, valid=None):
    """Keras' fit that ends, or is interrupted, with the weights of the best epoch."""
    import keras

    watchers = _progress_bar(epochs) if progress else []
    if valid is not None:  # with so much patience it never stops, but it remembers
        best = keras.callbacks.EarlyStopping("val_loss", patience=epochs, restore_best_weights=True)
        watchers = [best, *watchers]
    watchers = keras.callbacks.CallbackList(watchers, add_history=True, model=part, epochs=epochs)
    try:
        part.fit(data, epochs=epochs, validation_data=valid, shuffle=False, verbose=0, callbacks=watchers)
    except KeyboardInterrupt:
        if not hasattr(part.history, "epoch"):
            raise  # before the first step: there is nothing to keep
        watchers.on_train_end()
        done = len(part.history.epoch)
        known = valid is not None and done
        which = f"epoch {best.best_epoch + 1}, the best so far" if known else "that moment"
        print(f"Stopped after {done} of {epochs} epochs; the model has the weights of {which}.")
    return part.history


def _batches(kept, size, shuffle):
    """Features as batches; if `shuffle`, in another order every epoch, the same in every training."""
    import tensorflow as tf

    x, y = kept

    def rows(which):
        return np.asarray(x[which], np.float32), y[which]

    def batch(which):
        features, labels = tf.numpy_function(rows, [which], [tf.float32, y.dtype])
        return tf.ensure_shape(features, (None, *x.shape[1:])), tf.ensure_shape(labels, (None,))

    # Not from_generator: since TensorFlow 2.21 its first use makes glibc give every freed buffer back to the
    # system, which from then on makes the whole process up to twice as slow.
    order = tf.data.Dataset.range(len(y))
    order = order.shuffle(len(y), seed=0) if shuffle else order
    return order.batch(size).map(batch).prefetch(2)


def _check_labels(labels, model, what):
    n_classes = model.output_shape[-1]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{what} gives labels of shape {labels.shape} and type {labels.dtype}; expected one whole "
            f"number an image, 0 to {n_classes - 1}."
        )
    if labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(
            f"The labels of {what} go from {labels.min()} to {labels.max()}; expected 0 to "
            f"{n_classes - 1} for the {n_classes} class scores of model '{model.name}'."
        )


def _is_whole(number):
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _fresh(optimizer):
    import keras

    if optimizer is None:
        optimizer = keras.optimizers.RMSprop(1e-3)
    try:
        optimizer = keras.optimizers.get(optimizer)
        # Keras numbers the names of its optimizers; the same training has the same configuration, always.
        return type(optimizer).from_config({**optimizer.get_config(), "name": "optimizer"})
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f'optimizer is {optimizer!r}; expected one of Keras\' or its name, for example "adam".'
        ) from error
