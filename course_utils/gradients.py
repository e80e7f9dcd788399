"""Maps for networks without global average pooling: Grad-CAM and its family, guided backpropagation.

    class_scores, cams = grad_cam(model, images, class_idx)

All of the family but Score-CAM ask two arrays, which `maps_and_gradients` gets from one forward pass:

    feature_maps  A (B, h, w, K)   the output of the target layer
    gradients     G (B, h, w, K)   dy/dA: by how much the class score y rises with each of those numbers

The score is always the logit: where a model ends in a softmax or a sigmoid, the number before it is taken.
The model stays as it is, and is only asked, never trained, cloned or cut.
"""

import functools
import uuid
import warnings
import weakref
from typing import NamedTuple

import numpy as np

from course_utils import cam
from course_utils.explain import _check_model, check_images, spatial_layers


class Gradients(NamedTuple):
    """What the family works with, for B images and one class each."""

    class_scores: np.ndarray  # (B, C), logits
    feature_maps: np.ndarray  # (B, h, w, K)
    gradients: np.ndarray  # (B, h, w, K)


# --- the family: feature maps A and gradients G (B, h, w, K) to raw maps (B, h, w) ------------
# Each gives the sum *before* the last ReLU, signed; `grad_cam` rectifies it, as most of the papers do.


def grad_cam_map(A, G):
    """Grad-CAM: a map's weight is its mean gradient, sum_k alpha_k A_k with alpha_k = 1/Z sum_ij G_k,ij.

    R. Selvaraju et al., "Grad-CAM", ICCV 2017. Behind a GAP head alpha_k = w_k / Z, and this is CAM / Z.
    """
    A, G = _pair(A, G)
    weights = G.mean(axis=(1, 2), dtype=float).astype(A.dtype)  # many equal numbers: rounding would add up
    return np.einsum("bhwk,bk->bhw", A, weights)


def hires_cam_map(A, G):
    """HiResCAM: each cell has its own gradient, sum_k G_k,ij A_k,ij; nothing is averaged.

    R. Draelos, L. Carin, "Use HiResCAM instead of Grad-CAM", 2020. Through linear layers and ReLUs without
    bias the cells add up to the class score.
    """
    A, G = _pair(A, G)
    return (G * A).sum(axis=-1)


def grad_cam_plus_plus_map(A, G):
    """Grad-CAM++: a weighted mean of positive gradients, sum_k w_k A_k, w_k = sum_ij alpha_k,ij ReLU(G_k,ij).

    alpha_k,ij = 1 / (2 + G_k,ij sum A_k) where G isn't zero, over its sum in the map, as in the authors' code
    (with large negative gradients that sum can come near zero, or below). A. Chattopadhay et al., WACV 2018,
    whose score is exp(y): that factor, the same everywhere, is left out.
    """
    A, G = _pair(A, G)
    below = 2 + G * A.sum(axis=(1, 2), keepdims=True)
    alphas = np.divide(1, below, out=np.zeros_like(G), where=(G != 0) & (below != 0))
    total = alphas.sum(axis=(1, 2), keepdims=True)
    alphas = np.divide(alphas, total, out=np.zeros_like(G), where=total != 0)
    weights = (alphas * np.maximum(G, 0)).sum(axis=(1, 2))
    return np.einsum("bhwk,bk->bhw", A, weights)


def layer_cam_map(A, G):
    """LayerCAM: each cell has its own gradient, if positive: sum_k ReLU(G_k,ij) A_k,ij.

    P.-T. Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps", IEEE TIP 2021.
    """
    A, G = _pair(A, G)
    return (np.maximum(G, 0) * A).sum(axis=-1)


def eigen_cam_map(A, G=None):
    """Eigen-CAM: the maps' first principal component, A v, v the first right singular vector of A (hw, K).

    M. Muhammad, M. Yeasin, "Eigen-CAM", IJCNN 2020. It asks neither gradient nor class. A singular vector's
    sign is arbitrary: here the map's sum is never negative.
    """
    A = cam._feature_maps(A)
    flat = A.reshape(len(A), -1, A.shape[-1])
    v = np.linalg.svd(flat, full_matrices=False).Vh[:, 0]
    cams = np.einsum("bhwk,bk->bhw", A, v)
    return np.where(cams.sum(axis=(1, 2), keepdims=True) < 0, -cams, cams)


def _pair(A, G):
    A, G = cam._feature_maps(A), cam._finite(G, "gradients")
    if A.shape != G.shape:
        raise ValueError(f"The feature maps have shape {A.shape} and the gradients {G.shape}; expected the "
                         "same, (B, h, w, K): maps_and_gradients gives both.")
    return A, G


# --- a model and images in, maps out ----------------------------------------------------------


def grad_cam(model, images, class_idx, target_layer=None, relu=True, method=grad_cam_map, batch_size=32,
             verbose=True):
    """Scores and Grad-CAM of images, for any model with class scores: (class_scores (B, C), cams (B, h, w)).

    images (B, H, W, channels) of floats, scaled as in training; class_idx an int or one per image;
    target_layer a layer or its name, the last one with a grid unless given. relu=False keeps the evidence
    against the class. method: `grad_cam_map`, or another function of (A, G), such as `layer_cam_map`. The
    first time a layer is asked, one line says which. Where no gradient arrives, maps are zeros, with a warning.
    Raises where there is no such layer or class, no way back from the score, or where images don't fit.
    """
    class_scores, cams = [], []
    for scores, A, G in _ask(model, images, class_idx, target_layer, batch_size, verbose):
        class_scores.append(scores)
        cams.append(method(A, G))
    cams = np.concatenate(cams)
    return np.concatenate(class_scores), np.maximum(cams, 0) if relu else cams


def maps_and_gradients(model, images, class_idx, target_layer=None, batch_size=32, verbose=True):
    """Scores, feature maps A and gradients dy/dA of the target layer: `Gradients`; otherwise as `grad_cam`."""
    answers = _ask(model, images, class_idx, target_layer, batch_size, verbose)
    return Gradients(*(np.concatenate(parts) for parts in zip(*answers)))


def score_cam(model, images, class_idx, target_layer=None, relu=True, batch_size=32, verbose=True):
    """Score-CAM, without gradients: sum_k w_k A_k, w_k the class's probability if only A_k lights the image.

    The image is multiplied with A_k, enlarged to its size and scaled to [0, 1]: one forward pass a map, and 0
    is what remains where A_k is dark. H. Wang et al., CVPR Workshops 2020. Otherwise as `grad_cam`.
    """
    def ask(images, class_idx, verbose=False):
        answers = _ask(model, images, class_idx, target_layer, batch_size, verbose, what="maps")
        return [np.concatenate(parts) for parts in zip(*answers)]

    class_scores, A = ask(images, class_idx, verbose)
    if class_scores.shape[1] == 1:
        raise ValueError(f"Model '{model.name}' has a single score, whose softmax is always 1; Score-CAM "
                         "needs at least two classes to compare.")
    weights = np.empty((len(A), A.shape[-1]), np.float32)
    for b, (image, c) in enumerate(zip(np.asarray(images), np.broadcast_to(class_idx, len(A)))):
        for start in range(0, A.shape[-1], batch_size):
            some = slice(start, start + batch_size)
            masks = _from_0_to_1(cam.upsample(A[b, ..., some].transpose(2, 0, 1), image.shape[:2]))
            masked_scores, _ = ask(image * masks[..., None], c)
            weights[b, some] = cam.softmax(masked_scores)[:, c]
    cams = np.einsum("bhwk,bk->bhw", A, weights)
    return class_scores, np.maximum(cams, 0) if relu else cams


def _from_0_to_1(masks):
    masks = masks - masks.min(axis=(1, 2), keepdims=True)
    highest = masks.max(axis=(1, 2), keepdims=True)
    return masks / np.where(highest > 0, highest, 1)


# --- down to the pixels -----------------------------------------------------------------------


def guided_backpropagation(model, images, class_idx, batch_size=32):
    """The class score's gradient in the pixels, its negatives dropped at each ReLU: (B, H, W, channels), signed.

    J. Springenberg et al., "Striving for Simplicity", 2014. It draws fine edges that may hardly depend on the
    class (W. Nie et al., 2018; J. Adebayo et al., 2018). Defined for ReLU, wherever it stands, also with a
    maximum of 6: models with other activations, or with none, are refused. Otherwise as `grad_cam`.
    """
    _, pixels = zip(*_ask(model, images, class_idx, None, batch_size, verbose=False, what="guided"))
    return np.concatenate(pixels)


def guided_grad_cam(model, images, class_idx, target_layer=None, batch_size=32, verbose=True):
    """Guided backpropagation times Grad-CAM, number by number: (B, H, W, channels), signed.

    Grad-CAM, rectified and enlarged to the image, says where the class is, guided backpropagation which
    pixels stand out there. R. Selvaraju et al., "Grad-CAM", ICCV 2017. Otherwise as both of them.
    """
    pixels = guided_backpropagation(model, images, class_idx, batch_size)
    _, cams = grad_cam(model, images, class_idx, target_layer, batch_size=batch_size, verbose=verbose)
    return pixels * cam.upsample(cams, pixels.shape[1:3])[..., None]


# --- inside: asking the model -----------------------------------------------------------------


def _ask(model, images, class_idx, target_layer, batch_size, verbose, what="gradients"):
    """Answers batch by batch: (scores, maps, gradients), "maps" (scores, maps), "guided" (scores, pixels)."""
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected a whole number, at least 1.")
    images = check_images(model, images)
    _check_model(model, images)
    class_idx = cam.check_class_idx(class_idx, len(images), _n_classes(model)).astype(np.int32)
    layer = None if what == "guided" else _target(model, target_layer)
    functions = _FUNCTIONS.setdefault(model, {})
    new = all(asked is not layer for asked, _ in functions)
    if (layer, what) not in functions:
        functions[layer, what] = _function(model, layer, what)

    silent = 0
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        answer = _call(functions[layer, what], model, images[batch], class_idx[batch])
        if verbose and new and start == 0:
            print("maps: output of '{}' ({} × {} cells, {} maps)".format(layer.name, *answer[1].shape[1:]))
        if what != "maps":
            silent += (answer[-1] == 0).all(axis=(1, 2, 3)).sum()
        yield answer
    if silent:
        where = f"at '{layer.name}'" if layer else "in the pixels"
        warnings.warn(f"For {silent} of {len(images)} image(s) the class score's gradient is zero everywhere "
                      f"{where}, so it explains nothing; look for an activation that is off, or at its "
                      "limit, on the way to the score.", stacklevel=3)


def _call(function, model, images, class_idx):
    """What a compiled function answers, as NumPy arrays without NaN."""
    import tensorflow as tf

    try:
        scores, *arrays = function(tf.constant(images), tf.constant(class_idx))
    except tf.errors.InvalidArgumentError as error:
        height, width = images.shape[1:3]
        raise ValueError(f"Model '{model.name}' can't take images of {height} × {width} pixels, probably "
                         "because its layers shrink them to nothing; give larger ones.") from error
    scores = cam._finite(scores, "class_scores")
    like_probabilities = (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    if like_probabilities and any(op.type == "Softmax" for op in function.graph.get_operations()):
        warnings.warn(f"The scores of model '{model.name}' look like probabilities, whose gradients vanish "
                      "where it is sure; give a model that ends in logits, or in one softmax.", stacklevel=4)
    return scores, *(cam._finite(array, "what the layers give") for array in arrays)


def _n_classes(model):
    shape = model.outputs[0].shape
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(f"Model '{model.name}' gives shape {shape}; expected class scores, (B, C).")
    return shape[1]


def _target(model, target_layer):
    """The layer meant: by itself, by name, or unless given the last one with a grid of more than one cell."""
    layers = list(dict.fromkeys(spatial_layers(model)))
    if target_layer is None:
        layers = [layer for layer in layers if tuple(layer.output.shape[1:3]) != (1, 1)]
        if not layers:
            raise ValueError(f"Model '{model.name}' has no layer with a map as output, (B, h, w, K), so "
                             "there is nothing to make a map of.")
        return layers[-1]
    found = [layer for layer in layers if target_layer in (layer, layer.name)]
    if not found:
        name, names = getattr(target_layer, "name", target_layer), ", ".join(layer.name for layer in layers)
        raise ValueError(f"target_layer {name!r} is no layer of model '{model.name}' with a map as output; "
                         f"those are: {names}.")
    if len(found) > 1:
        raise ValueError(f"target_layer {target_layer!r} is the name of {len(found)} layers of model "
                         f"'{model.name}'; give the layer itself.")
    return found[0]


# --- inside: what TensorFlow compiles ---------------------------------------------------------

# {model: {(target layer, what): function}}: compiling takes longer than asking.
_FUNCTIONS = weakref.WeakKeyDictionary()


def _function(model, layer, what):
    """Compiled: images (B, H, W, channels) and classes (B,) -> scores, and what `_ask` was asked for.

    The gradient is that of the graph from the score back to the target layer: the layers before it, most of
    the network, are run once, forward.
    """
    import keras
    import tensorflow as tf

    twin = keras.Model(model.inputs, model.outputs)  # the same layers; the model itself must be free to go
    guided = {"Relu": _guided("Relu"), "Relu6": _guided("Relu6")} if what == "guided" else {}

    def answer(images, class_idx):
        maps = []

        def run(one, *args, **options):
            output = one(*args, **options)
            maps.extend([output] if one is layer else [])
            return output

        with tf.compat.v1.get_default_graph().gradient_override_map(guided):
            scores = _logits(_walk(twin, images, run))
        y = tf.gather(scores, class_idx, batch_dims=1)
        if what == "guided":
            _check_activations(model, scores)
            return scores, _gradient(y, images, model, "its images")
        if len(maps) != 1:
            raise ValueError(f"Layer '{layer.name}' of model '{model.name}' is used {len(maps)} times, so it "
                             "has no single map; give another target_layer.")
        gradient = [_gradient(y, maps[0], model, f"'{layer.name}'")] if what == "gradients" else []
        return scores, maps[0], *gradient

    pictures = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)
    classes = tf.TensorSpec((None,), tf.int32)
    return tf.function(answer, autograph=False).get_concrete_function(pictures, classes)


def _walk(graph, x, run):
    """A model's output, every layer called by `run(layer, *inputs)`, those of nested models too."""
    import keras

    def step(layer):
        inner = getattr(layer, "_functional", None) or layer  # what is inside a Sequential
        nested = isinstance(inner, keras.Model) and hasattr(inner, "_run_through_graph")
        return (lambda x, **_: _walk(inner, x, run)) if nested else functools.partial(run, layer)

    output = graph._run_through_graph(x, operation_fn=step)
    return output[0] if isinstance(output, (list, tuple)) and len(output) == 1 else output


def _logits(scores):
    """The scores, or what a softmax or sigmoid at the very end was made of."""
    import tensorflow as tf

    end = scores.op
    while end.type in ("Identity", "Reshape", "Squeeze", "Cast"):
        end = end.inputs[0].op
    if end.type not in ("Softmax", "LogSoftmax", "Sigmoid"):
        return scores
    return tf.reshape(end.inputs[0], tf.shape(scores))


def _gradient(y, x, model, where):
    import tensorflow as tf

    [gradient] = tf.gradients(y, x)
    if gradient is None:
        raise ValueError(f"No gradient leads from the class scores of model '{model.name}' back to {where}: "
                         "something in between has none (rounding, argmax, stop_gradient); give a later "
                         "target_layer.")
    return gradient


@functools.cache
def _guided(kind):
    """The name under which TensorFlow finds the guided gradient of "Relu" or "Relu6"."""
    import tensorflow as tf

    name = f"Guided{kind}-{uuid.uuid4()}"  # TensorFlow refuses a name it has heard before, as after a reload

    @tf.RegisterGradient(name)
    def gradient(op, rising):
        plain = tf.raw_ops.ReluGrad if kind == "Relu" else tf.raw_ops.Relu6Grad
        return plain(gradients=tf.nn.relu(rising), features=op.outputs[0])

    return name


_NOT_RELU = {"LeakyRelu", "Elu", "Selu", "Softplus", "Softsign", "Tanh", "Sigmoid", "Erf", "Erfc",
             "PartitionedCall", "StatefulPartitionedCall", "If", "While", "StatelessIf", "StatelessWhile"}


def _check_activations(model, scores):
    """Guided backpropagation needs ReLUs, and nothing else that bends, between the images and the scores."""
    seen, ahead = set(), [scores.op]
    while ahead:
        op = ahead.pop()
        if op not in seen:
            seen.add(op)
            ahead += [tensor.op for tensor in op.inputs]
    kinds = {op.type for op in seen}
    other = sorted(kinds & _NOT_RELU)
    if other or not kinds & {"Relu", "Relu6"}:
        has = f"has {', '.join(other)}" if other else "has no ReLU"
        raise ValueError("Guided backpropagation is defined for networks whose only activation is ReLU, and "
                         f"model '{model.name}' {has}; use grad_cam.")
