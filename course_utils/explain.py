"""A Keras model and images in, class scores and raw class activation maps out, in one forward pass.

    class_scores, cams = explain(model, images)

The model stays as it is: nothing is added to it, cut from it or trained. It may be functional,
`Sequential` or have a backbone nested in it, and end in logits or in a softmax, as long as its scores
are one linear step away from averaged feature maps. Where they are not, there is no CAM and the error
says so; Grad-CAM answers there.
"""

import weakref
from typing import NamedTuple

import numpy as np

from course_utils import cam


class CamHead(NamedTuple):
    """Where a model's maps come from, as `find_head` found it; print it to read it."""

    feature_layer: str  # the layer whose output is averaged: the only place where CAM exists
    pooling_layer: str  # the layer that averages
    scores_layer: str  # the Dense layer; the pooling layer again where there is one map a class
    class_weights: np.ndarray  # (K, C)
    bias: np.ndarray  # (C,)

    def __str__(self):
        K, C = self.class_weights.shape
        if self.scores_layer == self.pooling_layer:
            return f"maps: output of '{self.feature_layer}', one a class ({C}), averaged by '{self.pooling_layer}'"
        return (f"maps: output of '{self.feature_layer}' ({K} maps), averaged by '{self.pooling_layer}', "
                f"weighted by '{self.scores_layer}' ({C} class{'es' if C > 1 else ''})")


def explain(model, images, class_idx=None, target_layer=None, batch_size=32, verbose=True):
    """Scores and raw, signed maps of images, from one forward pass: (class_scores, cams).

    images (B, H, W, channels) of floats, scaled as in training; class_idx None for all classes, else an
    int or one per image. Returns class_scores (B, C), logits also where the model ends in a softmax, and
    cams (B, h, w, C), or (B, h, w) where class_idx is given, on the grid of the feature maps.
    Images go through in batches of `batch_size`, so memory stays bounded. The first time a model is
    seen, one line says which layers were chosen. Raises where no CAM exists or the input doesn't fit.
    """
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected a whole number, at least 1.")
    images = check_images(model, images)
    new = model not in _PARTS
    probe = feature_model(model, images)
    head = find_head(model, target_layer)
    if verbose and new:
        print(head)
    if class_idx is not None:
        class_idx = cam.check_class_idx(class_idx, len(images), head.class_weights.shape[1])

    class_scores, cams = [], []
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        try:
            feature_maps, pooled = (np.asarray(out, np.float32) for out in probe.predict_on_batch(images[batch]))
        except ValueError as error:  # of a model for any size, or check_images would have said it
            height, width = images.shape[1:3]
            raise ValueError(f"Model '{model.name}' can't take images of {height} × {width} pixels, probably because its "
                             "layers shrink them to nothing; give larger ones.") from error
        pooled = pooled.reshape(len(pooled), -1)
        scores = cam.class_scores(pooled[:, None, None], head.class_weights, head.bias)  # means are maps of one cell
        maps = cam.class_activation_maps(feature_maps, head.class_weights)
        _check_mean(feature_maps, pooled, head)
        if class_idx is not None:
            maps = np.take_along_axis(maps, class_idx[batch, None, None, None], axis=3)[..., 0]
        class_scores.append(scores)
        cams.append(maps)
    return np.concatenate(class_scores), np.concatenate(cams)


def find_head(model, target_layer=None):
    """Where the model's maps come from, with the weights as they are now: a `CamHead`.

    Raises ValueError where the scores are not one linear layer away from averaged feature maps, or where
    `target_layer` (a name or a layer) is not the layer that is averaged: only there does CAM exist.
    """
    parts = _parts(model)
    if parts.dense is None:  # one map a class: each map is its class's evidence already
        C = parts.pooled.shape[-1]
        class_weights, bias = np.eye(C, dtype=np.float32), np.zeros(C, np.float32)
    else:
        class_weights, *rest = (np.asarray(w, np.float32) for w in parts.dense.get_weights())
        bias = rest[0] if rest else np.zeros(class_weights.shape[1], np.float32)
    head = CamHead(parts.feature_layer, parts.pooling.name, (parts.dense or parts.pooling).name, class_weights, bias)
    if target_layer is not None:
        _check_target(model, target_layer, head)
    return head


def feature_model(model, images=None):
    """The model with two outputs: images -> feature_maps (B, h, w, K) and their means (B, K).

    It shares the model's layers and weights, so it follows when the model is trained further. `images`
    are needed only for a `Sequential` that has never been called.
    """
    return _parts(model, images).probe


def check_images(model, images):
    """The images as float32 (B, H, W, channels), or one sentence on why the model can't take them."""
    images = np.asarray(images)
    if images.ndim != 4:
        hint = " Add the batch axis: images[None]." if images.ndim == 3 else ""
        raise ValueError(f"images has shape {images.shape}; expected (B, height, width, channels).{hint}")
    if 0 in images.shape:
        raise ValueError(f"images is empty, shape {images.shape}; expected at least one image.")
    if images.dtype.kind in "iub":
        raise TypeError(f"images holds {images.dtype}; scale it as in training and give floats, "
                        "for example images.astype('float32') / 255.")
    if images.dtype.kind != "f" or not np.isfinite(images).all():
        raise ValueError("images has values that are NaN, infinite or no real numbers; expected finite floats.")
    expected = _input_shape(model)
    if expected is not None:
        if any(wanted not in (None, given) for given, wanted in zip(images.shape[1:], expected[1:])):
            height, width, channels = (n or "any" for n in expected[1:])
            raise ValueError(f"images has shape {images.shape}, but model '{model.name}' takes (B, {height}, {width}, "
                             f"{channels}): resize the images, or convert between grey (1) and colour (3).")
    return images.astype(np.float32, copy=False)


def spatial_layers(model):
    """All layers with a (B, h, w, K) output, nested ones too, in order."""
    layers = []
    for layer in model.layers:
        if hasattr(layer, "layers") and getattr(layer, "inputs", None):  # a subclassed model has no graph to look into
            layers += spatial_layers(layer)
        elif type(layer).__name__ != "InputLayer" and len(getattr(layer.output, "shape", ())) == 4:
            layers.append(layer)
    return layers


# --- inside ----------------------------------------------------------------------------------


class _Parts(NamedTuple):
    probe: object  # keras.Model: images -> [feature maps, pooled]
    feature_layer: str  # the layer whose output is averaged
    pooled: object  # the symbolic average
    pooling: object  # the layer in between
    dense: object  # the linear layer behind it, or None


_PARTS = weakref.WeakKeyDictionary()  # searching and compiling are done once a model


def _parts(model, images=None):
    if model not in _PARTS:
        _check_model(model, images)
        dense, pooling, feature_maps, pooled, nesting = _walk_back(model)
        made = feature_maps
        for _, fed in reversed(nesting):  # a nested head has its maps from outside
            made = made if _inputs(made) else fed
        _PARTS[model] = _Parts(_lift(model, nesting, feature_maps, pooled), _maker(made).name, pooled, pooling, dense)
    return _PARTS[model]


def _walk_back(model):
    """From the scores back to the averaged maps: (dense or None, pooling, its input, its output, nesting).

    `nesting` lists the models that had to be entered, outermost first, each with the tensor fed to it.
    """
    import keras

    dense, nesting, tensor = None, [], model.outputs[0]
    while True:
        layer, inputs = _maker(tensor, enter=False), _inputs(tensor)
        if isinstance(layer, keras.Model):
            nesting.append((layer, inputs[0]))
            tensor = layer.outputs[0]
        elif not inputs and nesting:  # the inner model's own input: go on outside
            tensor = nesting.pop()[1]
        elif inputs and (isinstance(layer, keras.layers.GlobalAveragePooling2D) or _pools(inputs[0], tensor)):
            return dense, layer, inputs[0], tensor, nesting
        elif _is_dense(layer) and dense is None and _activation(layer) in _OUTPUTS:
            dense, tensor = layer, inputs[0]
        elif inputs and _changes_nothing(layer, dense):
            tensor = inputs[0]
        else:
            raise ValueError(
                f"Model '{model.name}' has no class activation map: its scores must be one linear step away from "
                f"averaged feature maps (global average pooling, then one Dense layer), but going back from them "
                f"'{layer.name}' ({type(layer).__name__}) comes first. Use Grad-CAM, which needs no such head.")


def _is_dense(layer):
    """A Dense layer, or a subclass that computes the same: one with its own `call` may not be linear."""
    import keras

    return isinstance(layer, keras.layers.Dense) and type(layer).call is keras.layers.Dense.call


_OUTPUTS = ("linear", "softmax", "sigmoid")


def _activation(layer):
    return getattr(getattr(layer, "activation", None), "__name__", None)


def _pools(before, after):
    """Does a step turn K maps into K numbers? (Whether it takes their *mean* is checked on the data.)"""
    numbers = after.shape[1:-1] in ((), (1, 1)) and after.shape[-1] == before.shape[-1]
    return len(before.shape) == 4 and before.shape[1:3] != (1, 1) and numbers


def _changes_nothing(layer, dense):
    """May the layer be skipped between the average and the score, or (no Dense seen yet) behind the score?"""
    kind = type(layer).__name__
    if kind in ("Dropout", "GaussianDropout", "AlphaDropout", "Identity", "Flatten", "Reshape", "Squeeze"):
        return True
    return dense is None and (kind in ("Softmax", "Sigmoid") or kind == "Activation" and _activation(layer) in _OUTPUTS)


def _lift(model, nesting, feature_maps, pooled):
    """A model from the images to two tensors that may lie inside nested models.

    Only new `keras.Model`s around the user's layers are made: none of those layers is called again, so
    nothing is added to their graph.
    """
    import keras

    around = [model] + [inner for inner, _ in nesting]
    probe = keras.Model(around[-1].inputs[0], [feature_maps, pooled])
    for outer, (_, fed) in zip(reversed(around[:-1]), reversed(nesting)):
        images = keras.Input(batch_shape=outer.inputs[0].shape, dtype=outer.inputs[0].dtype)
        probe = keras.Model(images, probe(keras.Model(outer.inputs[0], fed)(images)))
    return probe


def _maker(tensor, enter=True):
    """The layer that made a symbolic tensor; inside nested models if `enter`."""
    layer = tensor._keras_history.operation
    while enter and hasattr(layer, "layers"):
        layer = layer.outputs[0]._keras_history.operation
    return layer


def _inputs(tensor):
    layer, node_index, _ = tensor._keras_history
    return layer._inbound_nodes[node_index].input_tensors


def _check_model(model, images):
    import keras

    if not isinstance(model, keras.Model):
        raise TypeError(f"model is a {type(model).__name__}; expected a Keras model.")
    if isinstance(model, keras.Sequential) and not model.built and images is not None:
        model(images[:1])  # a Sequential without Input learns its shapes from the first images it sees
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise ValueError(f"Model '{model.name}' ({type(model).__name__}) has no layer graph to look into; build it with "
                         "keras.Model(inputs, outputs), or call a Sequential once on a batch of images.")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(f"Model '{model.name}' has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
                         "expected one input, the images, and one output, the class scores.")


def _check_target(model, target_layer, head):
    name = getattr(target_layer, "name", target_layer)
    spatial = [layer.name for layer in spatial_layers(model)]
    if name not in spatial:
        raise ValueError(f"target_layer {name!r} is no layer of model '{model.name}' with a map as output; "
                         f"those are: {', '.join(spatial)}.")
    if name != head.feature_layer:
        raise ValueError(f"CAM exists only at '{head.feature_layer}', the layer that '{head.pooling_layer}' averages, "
                         f"not at {name!r}; Grad-CAM answers for any layer.")


def _input_shape(model):
    inputs = getattr(model, "inputs", None)
    return tuple(inputs[0].shape) if inputs and len(inputs[0].shape) == 4 else None


def _check_mean(feature_maps, pooled, head):
    # 1e-3 leaves room for half precision; a maximum or a sum instead of the mean is off by far more.
    if np.abs(feature_maps.mean(axis=(1, 2)) - pooled).max() > 1e-3 * np.abs(feature_maps).max():
        raise ValueError(f"'{head.pooling_layer}' doesn't take the mean of '{head.feature_layer}', so the map would not "
                         "add up to the score: this model has no class activation map. Use Grad-CAM.")
