"""The networks of the course. All are flat functional Keras models that end in logits and carry the
layer names `feature_maps`, `gap` and `class_scores`, so that a map can be traced back by eye.
"""

import functools
import itertools
import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from course_utils import checks, files
from course_utils.machine import fetch

import numpy as np

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = ("photos", "pets")  # networks that come with the course
UNLIKE = 0.17  # see `unlike_drawings`
PHOTO_CLASSES, PHOTO_SIZE = ("cat", "dog"), 224  # pixels of the longer side
LARGEST = 1024  # pixels of a picture's longer side; VGG16 then needs about 3 GB
PHOTO_STAGES = ((32, 1), (64, 2), (120, 2))  # filters and residual blocks behind each halving but the first


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
        # With stride 2 an even kernel keeps maps of even sides in place; an odd one moves them half a pixel.
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
    stay in place where the sides are even each time they are halved (224, 288). trained=True: the weights
    that ship with the course, made by tools/train_photo_net.py, in which each batch normalisation is folded
    into its convolution. trained=False: random weights, with batch normalisation.
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
        model.set_weights([photo_net_weights()[weight.path] for weight in model.weights])
    return model


def photo_net_in_numpy(images):
    """What `photo_net` makes of pictures, without TensorFlow: equal to Keras up to rounding, and at once.

    images: (B, H, W, 3) uint8, or floats in 0..255
    Returns class_scores (B, 2) and feature_maps (B, H/16, W/16, 120). Raises ValueError for other shapes and
    FileNotFoundError where the weights are missing.
    """
    images = checks.finite(images, "images")
    if images.ndim != 4 or images.shape[3] != 3 or min(images.shape[:3], default=0) < 1:
        raise ValueError(f"images has shape {images.shape}; expected (B, H, W, 3), none empty.")
    weights = photo_net_weights()
    *_, x = _photo_maps(images)
    means = x.mean(axis=(1, 2), dtype=np.float64)
    scores = checks.product(means, weights["class_scores/kernel"]) + weights["class_scores/bias"]
    return scores.astype(np.float32), x


def _photo_maps(images):
    """The maps of `photo_net` behind its first convolution and behind each stage, one after the other."""
    weights = photo_net_weights()

    def convolution(x, name, stride=1):
        return _convolution(x, weights[f"{name}/kernel"], weights[f"{name}/bias"], stride)

    x = np.maximum(convolution(images.astype(np.float32) / 127.5 - 1, "halve_1", 2), 0)
    yield x
    for stage, (_, blocks) in enumerate(PHOTO_STAGES, start=2):
        x = np.maximum(convolution(x, f"halve_{stage}", 2), 0)
        for block in range(1, blocks + 1):
            name = f"block_{stage}_{block}"
            y = convolution(np.maximum(convolution(x, f"{name}_a"), 0), f"{name}_b")
            x = np.maximum(x + y, 0)
        yield x


def photo_texture(images):
    """Means and standard deviations of `photo_net`'s 32 maps behind its second halving, (B, 64)."""
    _, maps, *_ = itertools.islice(_photo_maps(np.asarray(images)), 2)
    return np.concatenate([maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))], axis=1)


def unlike_photographs(images):
    """Whether pictures (B, H, W, 3) uint8 look drawn, not photographed: (B,) bool.

    A logistic regression on `photo_texture`, fitted by tools/train_photo_probe.py; how often it is wrong
    stands in the model card. It tells drawings from photographs, not pets from anything else.
    """
    with np.load(WEIGHTS / "photo_probe.npz") as probe:
        return checks.product(photo_texture(images), probe["weights"]) + probe["bias"] > 0


def _convolution(x, kernel, bias, stride):
    """A convolution with "same" padding, as TensorFlow places it: what is odd goes to the right and below."""
    size, height, width = len(kernel), *x.shape[1:3]
    beside = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in (height, width)]
    x = np.pad(x, ((0, 0), *((n // 2, n - n // 2) for n in beside), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.tensordot(patches, kernel, ((4, 5, 3), (0, 1, 2))) + bias


@functools.cache
def photo_net_weights():
    """The shipped weights of `photo_net`, {"layer/kernel": array, "layer/bias": array}, float32."""
    with np.load(WEIGHTS / "photo_net.npz") as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def wheel_net():
    """The network of notebook 08: pictures of wheels (B, 64, 64, 1) in 0..255 -> one number each (B, 1).

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


# --- a backbone and a new head ---------------------------------------------------------------

BACKBONES = ("vgg16", "mobilenet", "photos", "small")


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
    for 1024x1024. "mobilenet" (Howard et al. 2017, alpha 0.75): 7x7x768 for 224x224. "photos": ours, the
    convolutions of `photo_net` without the last two, 6x6x120 for 96x96, the size for a folder of your own.
    "small": ours, trained on drawings, see `small_backbone`. Flat, any input size, each rescales the images
    in its first layer as it was trained.
    weights="auto": pretrained, from this disk; None: random. Raises FileNotFoundError where they aren't here.
    """
    if name not in BACKBONES:
        raise ValueError(f"There is no backbone {name!r}; choose from {', '.join(BACKBONES)}.")
    if weights not in ("auto", None):
        raise ValueError(
            f'weights is {weights!r}; it can be "auto" (pretrained, from this disk) or None, random.'
        )
    file = None if weights is None else _weights_file(name)
    return {"vgg16": _vgg16, "mobilenet": _mobilenet, "photos": _photos, "small": _small}[name](file)


def _weights_file(name):
    """The file of pretrained weights; FileNotFoundError says how to get it and what runs meanwhile."""
    ours = {"photos": "photo_net.npz", "small": "small_backbone.weights.h5"}
    if name in ours:
        file = WEIGHTS / ours[name]
        if not file.is_file():
            raise FileNotFoundError(
                f"{file.name} belongs to the course, but isn't in course_utils/weights; get it back with "
                "`git checkout course_utils/weights`, or use random weights meanwhile: "
                f'backbone("{name}", weights=None).'
            )
        return file
    damage = fetch.flaw(name)
    if damage:
        state = "aren't on this machine yet" if damage is fetch.ABSENT else f"can't be used: {damage}"
        raise FileNotFoundError(
            f"The weights of {name} {state}; get them with `{fetch.how_to_get(name)}`, or "
            'use backbone("photos") meanwhile, whose weights come with the course.'
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


def _photos(file):
    import keras

    whole = photo_net(trained=file is not None)
    # Without the last block, which knows little but cats and dogs: a point better for other questions.
    return keras.Model(whole.input, whole.get_layer("block_4_1_relu").output, name="photos")


def _small(file):
    model = small_backbone()
    if file is not None:
        model.load_weights(file)
    return model


def available_backbone(source):
    """Name of the best backbone for pictures of `source` ("tfds", "embedded" or "own") on this disk.

    MobileNet for photographs, else VGG16. Without both, "photos" for a learner's own; not for "tfds", whose
    cats and dogs it was trained on: there, and for drawn pets, our small one.
    """
    checks.one_of("source", source, ("tfds", "embedded", "own"))
    if source == "embedded":
        return "small"
    ready = (name for name in ("mobilenet", "vgg16") if fetch.weights_ready(name))
    return next(ready, "photos" if source == "own" else "small")


def gap_classifier(name, n_classes=2, weights="auto", dropout=0.0):
    """A backbone, the mean of each of its maps, one linear layer: images (B, H, W, 3) -> class scores (B, C).

    Flat, with the layers `feature_maps`, `gap` and `class_scores` (logits) behind the backbone's own;
    `dropout` is the share of the means that training drops. Raises as `backbone` does.
    """
    import keras

    checks.whole_number("n_classes", n_classes)
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
            f"Model '{model.name}' has no layer 'feature_maps', where its head would begin; make the model "
            "with gap_classifier."
        )
    layers = model.layers[1 : layers.index("feature_maps")]  # the first one is the input
    if not isinstance(train_last, int) or isinstance(train_last, bool) or not 0 <= train_last <= len(layers):
        raise ValueError(
            f"train_last is {train_last!r}; expected a whole number from 0 to {len(layers)}, which is all "
            f"layers of the backbone of '{model.name}'."
        )
    model.trainable = True
    for i, layer in enumerate(layers):
        layer.trainable = i >= len(layers) - train_last and type(layer).__name__ != "BatchNormalization"
    return model


def split_at_frozen(model):
    """(frozen_part, trainable_part): trainable_part(frozen_part(images)) = model(images), all layers shared.

    The cut is as far back as it can be: behind the last layer up to which nothing is trained and nothing is
    random, poolings included. So with a frozen backbone the frozen part gives the means (B, K). Where nothing
    is frozen: (None, model). Raises ValueError where nothing is left to train, and where the network branches
    behind the cut; in the frozen part it may.
    """
    import keras

    if not model.trainable_weights:
        raise ValueError(f"All of model '{model.name}' is frozen; freeze(model) leaves its head trainable.")
    if not any(layer.weights and not layer.trainable for layer in model.layers):
        return None, model
    end = next(i for i, layer in enumerate(model.layers) if not _same_every_time(layer))
    _check_chain(model, end)
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


def _check_chain(model, end):
    for before, layer in zip(model.layers[end - 1 :], model.layers[end:]):
        inputs = layer._inbound_nodes[0].input_tensors
        if len(inputs) != 1 or inputs[0]._keras_history.operation is not before:
            raise ValueError(
                f"Model '{model.name}' branches at layer '{layer.name}', so it can't be cut in two; "
                "expected a plain chain of layers behind the frozen ones: freeze all but the head."
            )


# --- networks as files -----------------------------------------------------------------------


class Network(NamedTuple):
    """A model with class activation maps, the names of its classes, and the size it was trained on."""

    model: object  # images (B, H, W, 3) in 0..255 -> class scores (B, C)
    class_names: tuple  # C strings; for a single score also two, the negative class first
    size: int  # pixels of the longer side
    warn: object = None  # picture of that size -> a sentence if the network never saw its kind, else ""


def save_network(network, path):
    """Store a network in PATH.keras and the names of its classes beside it in PATH.json; returns the first
    path.

    Raises ValueError unless there is one name a class (for a single score, as a sigmoid's, also two: the
    negative class first, as folders of labels 0 and 1 are sorted), and where Keras couldn't read the network
    back; what was stored there before then stays.
    """
    import keras

    check_network(network)
    path = _path(path)
    if path.suffix != ".keras":  # "cats.v1" and "cats.v2" are two networks
        path = path.with_name(f"{path.name}.keras")
    about = {
        "class_names": list(network.class_names),
        "size": checks.whole_number("size", network.size, 32, LARGEST),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        new = Path(place, path.name)
        network.model.save(new)
        try:
            keras.saving.load_model(new, compile=False)
        except Exception as error:  # whatever a layer raises that can't be made anew
            raise ValueError(
                f"Model '{network.model.name}' can't be stored, since Keras couldn't read it back: one of "
                "its layers doesn't tell how it was made. Use Keras' own layers (Rescaling in place of "
                "Lambda), or register the layer's class."
            ) from error
        os.replace(new, path)
    files.write_whole(path.with_suffix(".json"), json.dumps(about))
    return path


def _path(name):
    if not isinstance(name, (str, os.PathLike)) or not str(name).strip("."):
        raise ValueError(f"The network's name is {name!r}; expected a file's path.")
    return Path(name)


def name_first(words):
    """(the network's name, the rest) of a command's words; "photos" where the first one names no network."""
    named = len(words) > 1 and (words[0] in SHIPPED or str(words[0]).endswith(".keras"))
    return (words[0], words[1:]) if named else ("photos", list(words))


def load_network(name="photos"):
    """A `Network`, ready to explain pictures.

    name: "photos", cats and dogs on photographs, and "pets", drawn ones, come with the course; or a file that
        `save_network` wrote
    Raises FileNotFoundError or ValueError in one sentence for anything else.
    """
    if name == "photos":

        def doubt(image):
            drawn = unlike_photographs(image[None])[0]
            return "it looks drawn, and this network knows photographs: don't believe it" if drawn else ""

        return Network(photo_net(), PHOTO_CLASSES, PHOTO_SIZE, doubt)
    if name == "pets":
        from course_utils.datasets import pets

        model = pets_net(trained=True)

        def warn(image):
            unlike = unlike_drawings(model, image)
            return "unlike the drawings that this network has seen: don't believe it" if unlike else ""

        return Network(model, pets.CLASS_NAMES, pets.DRAWN_SIZE, warn)
    path = _path(name)
    if not path.is_file():
        raise FileNotFoundError(
            f'There is no network {str(name)!r}; give "photos", "pets", or a file that save_network wrote.'
        )
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        class_names, size = tuple(map(str, about["class_names"])), int(about["size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path.with_suffix('.json').name}, which names the classes of {path.name}, isn't there or "
            "damaged; store the network with save_network."
        ) from None
    import keras

    try:
        network = Network(keras.saving.load_model(path, compile=False), class_names, size)
    except Exception as error:  # of a damaged file Keras and zipfile raise almost anything
        raise ValueError(
            f"{path.name} can't be read as a Keras model; store it anew with save_network."
        ) from error
    check_names(network.model, class_names)
    return network


def check_network(network):
    """Raises in one sentence for what is no `Network` with a name for each class."""
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; expected a Network: what load_network gives, or "
            "Network(model, class_names, size)."
        )
    check_names(network.model, network.class_names)


def check_names(model, class_names):
    """One name a class score; for a single score also two."""
    named = isinstance(class_names, (tuple, list)) and all(isinstance(name, str) for name in class_names)
    if not named:
        raise ValueError(
            f'class_names is {class_names!r}; expected one string a class, for example ("cat", "dog").'
        )
    outputs = getattr(model, "outputs", None)
    n = outputs[0].shape[-1] if outputs else None  # None: `explain` says what is wrong with such a model
    if n is not None and len(class_names) not in ((1, 2) if n == 1 else (n,)):
        also = ", or two for its single score, the negative class first" if n == 1 else ""
        raise ValueError(
            f"The network has {n} classes and {len(class_names)} names; give one name a class{also}."
        )
