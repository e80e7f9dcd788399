"""Training: a network from the beginning, or what is new on a frozen one.

    train(model, images, labels, epochs=6)                 all of it, on images
    fit(freeze(gap_classifier("mobilenet")), pets.train)   its head, on features computed once

What is frozen gives the same features in every epoch. `fit` computes them once, keeps them, and trains
what comes behind them, in a fraction of the time.
"""

import io
import time
import warnings
from typing import NamedTuple

from course_utils import checks
from course_utils.datasets.wheels import turned
from course_utils.files import in_words
from course_utils.networks import split_at_frozen

import numpy as np

# Six epochs reach 99.5 % on the real sevens and nines; the few embedded ones need to be seen more often.
DIGIT_RECIPE = {
    "tfds": dict(epochs=6, peak_lr=0.04, batch_size=64),
    "embedded": dict(epochs=40, peak_lr=0.04, batch_size=32),
}
MAP_WEIGHT = 0.1  # what a map's error counts beside a number's
RESERVE = 500_000_000  # bytes of memory that the features leave free


def train(model, images, labels, epochs, peak_lr=4e-2, batch_size=64, progress=True):
    """Train on labelled images with Adam and one cycle of the learning rate.

    model: images -> logits (B, C)
    images: (N, H, W, channels)
    labels: (N,), whole numbers from 0 to C - 1
    epochs: how often each image is seen
    peak_lr: the rate rises to it over the first 30 % of all steps and falls along a cosine to zero (after
        L. Smith, "Super-convergence", 2018)
    batch_size: images a step
    progress: whether a bar is shown, in JupyterLab or a terminal; it leaves a line
    Returns Keras' History. Raises ValueError for labels that don't fit.
    """
    import keras

    if len(images) != len(labels) or not len(images):
        raise ValueError(
            f"{len(images)} images and {len(labels)} labels; expected one label an image, and some of both."
        )
    checks.whole_number("epochs", epochs)
    labels, n_classes = np.asarray(labels), model.output_shape[-1]
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(
            f"labels has shape {labels.shape}, type {labels.dtype} and goes from {labels.min()} to "
            f"{labels.max()}; expected one whole number an image, 0 to {n_classes - 1} for {n_classes} "
            "classes."
        )
    model.compile(
        _one_cycle(peak_lr, epochs * -(-len(images) // batch_size)),
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


def _one_cycle(peak_lr, steps):
    """Adam whose rate rises to `peak_lr` over 30 % of the steps and falls along a cosine to zero."""
    import keras

    warm_up = max(1, 3 * steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        peak_lr / 25, max(1, steps - warm_up), warmup_target=peak_lr, warmup_steps=warm_up
    )
    # So high a rate needs a short memory of past gradients' sizes: beta_2 of 0.95 instead of 0.999.
    return keras.optimizers.Adam(rate, beta_2=0.95)


def train_on_numbers(
    model, images, numbers, maps=None, epochs=10, peak_lr=1e-2, batch_size=32, progress=True
):
    """Train a network with one output to tell a number, and with `maps` also where it comes from.

    model: images -> one number each, (B, 1)
    images: (N, S, S, channels)
    numbers: (N,), about standardised
    maps: (N, h, w) on the grid of `feature_maps`, or None
    epochs, peak_lr, batch_size, progress: as in `train`
    Returns Keras' History. The loss is mean (prediction - number)^2, with maps plus MAP_WEIGHT *
    mean (RAM + b - map)^2 over the cells. Each batch is shown in one of the 8 ways a square can lie, its maps
    with it, and the numbers stay. Raises ValueError for what doesn't fit together.
    """
    import keras

    images, targets = np.asarray(images), [np.asarray(numbers, np.float32)]
    trained, losses, weights = model, ["mse"], [1.0]
    if model.output_shape[1:] != (1,):
        raise ValueError(
            f"Model '{model.name}' has outputs of shape {model.output_shape[1:]}; expected a single number, "
            "(1,)."
        )
    if maps is not None:
        # The Dense layer, asked in each cell instead of once at the end, gives RAM + b.
        cells = model.get_layer("class_scores")(model.get_layer("feature_maps").output)
        trained = keras.Model(model.input, [model.output, cells])
        losses, weights = ["mse", "mse"], [1.0, MAP_WEIGHT]
        targets.append(np.asarray(maps, np.float32)[..., None])
        if targets[1].shape[1:] != cells.shape[1:]:
            raise ValueError(
                f"maps has shape {np.shape(maps)}; expected (N, {cells.shape[1]}, {cells.shape[2]}), the "
                "grid of the feature maps."
            )
    if not len(images) or any(len(t) != len(images) for t in targets) or targets[0].ndim != 1:
        raise ValueError(
            f"images has shape {images.shape}, numbers {targets[0].shape}"
            f"{'' if maps is None else f', maps {np.shape(maps)}'}; expected one number "
            f"{'' if maps is None else 'and one map '}an image, and some of each."
        )
    if not all(np.isfinite(t).all() for t in targets):
        raise ValueError("numbers or maps have values that are NaN or infinite; leave those images out.")
    checks.whole_number("epochs", epochs)
    steps_per_epoch = -(-len(images) // batch_size)
    trained.compile(_one_cycle(peak_lr, epochs * steps_per_epoch), loss=losses, loss_weights=weights)
    return trained.fit(
        _turned_batches(images, targets, batch_size),
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=_progress_bar(epochs) if progress else None,
    )


def _turned_batches(images, targets, batch_size):
    """Batches without end, in random order, each in one of the 8 ways a square can lie; maps turn, too."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
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

    # Not a generator: TensorFlow's from_generator makes the whole process slower (see training._batches).
    return tf.data.Dataset.range(2**62).map(batch).prefetch(2)


def accuracy(class_scores, labels):
    """Share of images, 0 to 1, whose largest score (B, C) is that of their label (B,)."""
    if np.ndim(class_scores) != 2 or np.shape(labels) != np.shape(class_scores)[:1] or not len(labels):
        raise ValueError(
            f"class_scores has shape {np.shape(class_scores)} and labels {np.shape(labels)}; expected (B, "
            "C) and (B,), with the same B, at least 1."
        )
    return float((np.asarray(class_scores).argmax(axis=1) == labels).mean())


def _progress_bar(epochs):
    """A bar while training runs, and a line with its length when it is done."""
    import keras
    from tqdm.auto import tqdm
    from tqdm.keras import TqdmCallback

    start, done = time.perf_counter(), []

    def tell(logs=None):
        print(f"{len(done)} epoch{'s' if len(done) != 1 else ''}, {time.perf_counter() - start:.0f} s")

    line = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: done.append(epoch), on_train_end=tell
    )
    return [TqdmCallback(epochs=epochs, verbose=0, tqdm_class=tqdm, leave=False), line]


# --- features, computed once ------------------------------------------------------------------


class Features(NamedTuple):
    """What a frozen network makes of images, one row an image in the data's order, and labels; read-only."""

    x: np.ndarray  # (N, ...)
    y: np.ndarray  # (N,)


def cached_features(frozen_part, data, dtype="float16", progress=True):
    """`Features` of all images of `data`, from one pass over them.

    data: a tf.data.Dataset of (images (B, H, W, 3) in 0..255, labels (B,)). dtype "float16" halves the room,
    for a relative error of 5e-4. Random changes of the images are frozen, too, with a warning. Raises
    MemoryError, after the first batch, where the features would not fit, and ValueError or TypeError for data
    that don't suit the network.
    """
    from tqdm.auto import tqdm

    checks.one_of("dtype", dtype, ("float16", "float32"))
    first, labels, out = first_batch(data, "data", frozen_part), [], io.BytesIO()
    for i, (images, y) in enumerate(
        tqdm(data.as_numpy_iterator(), "frozen layers, once", len(data), leave=False, disable=not progress)
    ):
        if i == 0 and not all(map(np.array_equal, first, (images, y))):
            warnings.warn(
                "The data differ from one pass to the next (shuffled or changed at random): every epoch "
                "gets the features of one pass.",
                stacklevel=3,
            )
        if not np.isfinite(images).all():
            raise ValueError(
                f"Batch {i} of data has images with values that are NaN or infinite; look into it."
            )
        x = _narrowed(np.asarray(frozen_part.predict_on_batch(images)), dtype)
        _check_room((len(data) - i) * x.nbytes)
        out.write(x)
        labels.append(y)
    x = np.frombuffer(out.getbuffer(), dtype).reshape(-1, *x.shape[1:])
    x.flags.writeable = False
    return Features(x, np.concatenate(labels))


def _narrowed(x, dtype):
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(x.astype(dtype))
    if not np.isfinite(x).all():
        raise ValueError("The features have values that are NaN or infinite; look into the model's weights.")
    if not np.isfinite(narrow).all():
        raise ValueError(
            f'The features reach {np.abs(x).max():.3g}, more than {dtype} can hold; give dtype="float32".'
        )
    return narrow


def _check_room(needed):
    """Refuse now what would end in a dead kernel later."""
    import psutil

    free = psutil.virtual_memory().available
    if needed > free - RESERVE:
        raise MemoryError(
            f"The features need {in_words(needed)} more in memory, where {in_words(free)} are free and "
            f"{in_words(RESERVE)} stay in reserve; take fewer images."
        )


def first_batch(data, what, model):
    """(images, labels) of the first batch, or one sentence on why the model can't be fed with `data`."""
    import tensorflow as tf

    if not isinstance(data, tf.data.Dataset):
        raise TypeError(
            f"{what} is a {type(data).__name__}; expected a tf.data.Dataset of batches (images, labels), "
            "for example tf.data.Dataset.from_tensor_slices((images, labels)).batch(32)."
        )
    spec = data.element_spec
    if not (isinstance(spec, tuple) and len(spec) == 2 and all(isinstance(of, tf.TensorSpec) for of in spec)):
        raise ValueError(f"{what} doesn't give pairs (images, labels); map it so that it does.")
    if spec[0].shape.rank not in (4, None):
        hint = f": make batches first, {what}.batch(32)" if spec[0].shape.rank == 3 else ""
        raise ValueError(
            f"{what} gives images of shape {spec[0].shape}; expected (B, height, width, 3){hint}."
        )
    n_batches = int(data.cardinality())
    if n_batches < 1:
        flaw = {0: "is empty", tf.data.INFINITE_CARDINALITY: "never ends"}.get(n_batches, "hides its length")
        raise ValueError(
            f"{what} {flaw}; expected a known number of batches, at least 1: see take(n), and "
            "apply(tf.data.experimental.assert_cardinality(n))."
        )
    images, labels = next(data.as_numpy_iterator())
    if any(wanted not in (None, given) for given, wanted in zip(images.shape[1:], model.input_shape[1:])):
        height, width, channels = (n or "any" for n in model.input_shape[1:])
        raise ValueError(
            f"{what} gives images of shape {images.shape}, but model '{model.name}' takes (B, {height}, "
            f"{width}, {channels}): resize them, or convert between grey and colour."
        )
    low, high = images.min(), images.max()
    if not (low >= -50 and 1 < high <= 305):  # bicubic resizing overshoots a little
        raise ValueError(
            f"The images of {what} go from {low:.3g} to {high:.3g}; expected 0..255, which the models "
            "rescale inside."
        )
    return images, labels


# --- training what isn't frozen ---------------------------------------------------------------


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

    checks.whole_number("epochs", epochs)
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
        images, labels = first_batch(batches, what, model)
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
            f"The labels of {what} go from {labels.min()} to {labels.max()}; expected 0 to {n_classes - 1} "
            f"for the {n_classes} class scores of model '{model.name}'."
        )


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
