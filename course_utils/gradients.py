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
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from course_utils import cam, checks, graph
from course_utils.explain import probabilities

import numpy as np

if TYPE_CHECKING:
    import keras


class Gradients(NamedTuple):
    """What the family works with, for B images and one class each."""

    class_scores: np.ndarray  # (B, C), logits
    feature_maps: np.ndarray  # (B, h, w, K)
    gradients: np.ndarray  # (B, h, w, K)


# --- the family: feature maps A and gradients G (B, h, w, K) to raw maps (B, h, w) ------------
# Each gives the sum *before* the last ReLU, signed; `grad_cam` rectifies it, as most of the papers do.


def grad_cam_map(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Grad-CAM: a map's weight is its mean gradient, sum_k alpha_k A_k with alpha_k = 1/Z sum_ij G_k,ij.

    A, G: feature maps and gradients, (B, h, w, K)
    Returns (B, h, w), signed. Behind a GAP head alpha_k = w_k / Z, and this is CAM / Z.
    R. Selvaraju et al., "Grad-CAM", ICCV 2017.
    """
    A, G = _pair(A, G)
    weights = G.mean(axis=(1, 2), dtype=float).astype(A.dtype)  # many equal numbers: rounding would add up
    return np.einsum("bhwk,bk->bhw", A, weights)


def hires_cam_map(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    """HiResCAM: each cell has its own gradient, sum_k G_k,ij A_k,ij; nothing is averaged.

    A, G: feature maps and gradients, (B, h, w, K)
    Returns (B, h, w), signed. Through linear layers without bias and ReLUs the cells add up to the score.
    R. Draelos, L. Carin, "Use HiResCAM instead of Grad-CAM", 2020.
    """
    A, G = _pair(A, G)
    return (G * A).sum(axis=-1)


def grad_cam_plus_plus_map(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Grad-CAM++: sum_k w_k A_k, w_k = sum_ij alpha_k,ij ReLU(G_k,ij), alpha = G^2 / (2 G^2 + G^3 sum A_k).

    A, G: feature maps and gradients, (B, h, w, K)
    Returns (B, h, w), signed. alpha comes from the second and third derivatives of exp(y) where the network
    is piecewise linear; it damps maps that are large all over. The paper's w_k has a factor exp(y) more, the
    same everywhere: it is left out. (The authors' code divides alpha by its sum over the map; the paper
    doesn't.) A. Chattopadhay et al., WACV 2018, eq. 19.
    """
    A, G = _pair(A, G)
    below = 2 + G * A.sum(axis=(1, 2), keepdims=True)
    alphas = np.divide(1, below, out=np.zeros_like(G), where=(G != 0) & (below != 0))
    weights = (alphas * np.maximum(G, 0)).sum(axis=(1, 2))
    return np.einsum("bhwk,bk->bhw", A, weights)


def layer_cam_map(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    """LayerCAM: each cell has its own gradient, if positive: sum_k ReLU(G_k,ij) A_k,ij.

    A, G: feature maps and gradients, (B, h, w, K)
    Returns (B, h, w), signed.
    P.-T. Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps", IEEE TIP 2021.
    """
    A, G = _pair(A, G)
    return (np.maximum(G, 0) * A).sum(axis=-1)


def eigen_cam_map(A: np.ndarray, G: np.ndarray | None = None) -> np.ndarray:
    """Eigen-CAM: the maps' first principal component, A v, v the first right singular vector of A (hw, K).

    A: feature maps, (B, h, w, K); G is not asked, nor is the class
    Returns (B, h, w). A singular vector's sign is arbitrary: here the map's sum is never negative.
    M. Muhammad, M. Yeasin, "Eigen-CAM", IJCNN 2020.
    """
    A = checks.feature_maps(A)
    flat = A.reshape(len(A), -1, A.shape[-1])
    v = np.linalg.svd(flat, full_matrices=False).Vh[:, 0]
    cams = np.einsum("bhwk,bk->bhw", A, v)
    return np.where(cams.sum(axis=(1, 2), keepdims=True) < 0, -cams, cams)


def _pair(A, G):
    A, G = checks.feature_maps(A), checks.finite(G, "gradients")
    if A.shape != G.shape:
        raise ValueError(
            f"The feature maps have shape {A.shape} and the gradients {G.shape}; expected the same, (B, h, "
            "w, K): maps_and_gradients gives both."
        )
    return A, G


# --- a model and images in, maps out ----------------------------------------------------------


def grad_cam(
    model: "keras.Model",
    images: np.ndarray,
    class_idx: int | np.ndarray,
    target_layer: Any = None,
    relu: bool = True,
    method: Callable[[np.ndarray, np.ndarray], np.ndarray] = grad_cam_map,
    batch_size: int = 32,
    verbose: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and Grad-CAM of images, for any Keras model with class scores.

    model: a Keras model
    images: (B, H, W, channels), uint8 where the model rescales pictures inside, else floats as in training
    class_idx: an int, or one per image
    target_layer: a layer or another operation, or its name (`find_head` prints one); unless given, the last
        one with a grid that all of the way to the scores goes through
    relu: False keeps the evidence against the class
    method: `grad_cam_map`, or another function of (A, G), such as `layer_cam_map`
    batch_size: images that go through at once
    verbose: whether, the first time a layer is asked, one line says which
    Returns class_scores (B, C) and cams (B, h, w). Where no gradient arrives, maps are zeros, with a warning.
    Raises ValueError or TypeError where there is no such layer or class, no way back from the score, or where
    images don't fit.
    """
    if not callable(method):
        raise TypeError(f"method is {method!r}; expected a function of (A, G), such as layer_cam_map.")
    class_scores, maps = [], []
    for scores, A, G in _ask_gradients(model, images, class_idx, target_layer, batch_size, verbose):
        class_scores.append(scores)
        maps.append(np.asarray(method(A, G)))
        if maps[-1].shape != A.shape[:3]:
            raise ValueError(
                f"method made shape {maps[-1].shape} of feature maps of shape {A.shape}; expected a map for "
                "each image, (B, h, w)."
            )
    cams = np.concatenate(maps)
    return np.concatenate(class_scores), np.maximum(cams, 0) if relu else cams


def maps_and_gradients(
    model: "keras.Model",
    images: np.ndarray,
    class_idx: int | np.ndarray,
    target_layer: Any = None,
    batch_size: int = 32,
    verbose: bool = True,
) -> Gradients:
    """What the family works with, from one forward and one backward pass; arguments as in `grad_cam`.

    Returns `Gradients`: class_scores (B, C), feature_maps and gradients dy/dA (B, h, w, K).
    """
    answers = _ask_gradients(model, images, class_idx, target_layer, batch_size, verbose)
    return Gradients(*(np.concatenate(parts) for parts in zip(*answers)))


def score_cam(
    model: "keras.Model",
    images: np.ndarray,
    class_idx: int | np.ndarray,
    target_layer: Any = None,
    relu: bool = True,
    batch_size: int = 32,
    verbose: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Score-CAM, without gradients: sum_k w_k A_k, w_k the class's probability if only A_k lights the image.

    The image is multiplied with A_k, enlarged to its size and scaled to [0, 1]: one forward pass per map, and
    0 is what remains where A_k is dark. Arguments and returns as in `grad_cam`.
    H. Wang et al., CVPR Workshops 2020.
    """
    images, class_idx = _checked(model, images, class_idx, batch_size)
    place = _target(model, target_layer)

    def ask(some):
        return graph.ask(model, some, ("maps", place), lambda at, scores: [at[place]])

    answers = [ask(images[start : start + batch_size]) for start in range(0, len(images), batch_size)]
    class_scores, A = (np.concatenate(parts) for parts in zip(*answers))
    _say_once(model, place, A, verbose)
    if class_scores.shape[1] == 1 and graph.ends_in(model) != "sigmoid":
        raise ValueError(
            f"Model '{model.name}' has a single score, whose softmax is always 1; Score-CAM needs at least "
            "two classes to compare, or one that ends in a sigmoid."
        )
    weights = np.empty((len(A), A.shape[-1]), np.float32)
    for b, (image, c) in enumerate(zip(images, class_idx)):
        for start in range(0, A.shape[-1], batch_size):
            some = slice(start, start + batch_size)
            masks = _from_0_to_1(cam.upsample(A[b, ..., some].transpose(2, 0, 1), image.shape[:2]))
            weights[b, some] = probabilities(model, ask(image * masks[..., None])[0])[:, c]
    _check_not_probabilities(model, class_scores)
    cams = np.einsum("bhwk,bk->bhw", A, weights)
    return class_scores, np.maximum(cams, 0) if relu else cams


def _from_0_to_1(masks):
    masks = masks - masks.min(axis=(1, 2), keepdims=True)
    highest = masks.max(axis=(1, 2), keepdims=True)
    return masks / np.where(highest > 0, highest, 1)


# --- down to the pixels -----------------------------------------------------------------------


def guided_backpropagation(
    model: "keras.Model", images: np.ndarray, class_idx: int | np.ndarray, batch_size: int = 32
) -> np.ndarray:
    """The class score's gradient in the pixels, its negatives dropped at each ReLU.

    model, images, class_idx, batch_size: as in `grad_cam`
    Returns (B, H, W, channels), signed. It draws fine edges that may hardly depend on the class (W. Nie et
    al., 2018; J. Adebayo et al., 2018). Raises ValueError for models with anything but ReLU, also with a
    maximum of 6, between linear operations and maxima. J. Springenberg et al., 2014.
    """
    images, class_idx = _checked(model, images, class_idx, batch_size)

    def pixels_gradient(at, scores, class_idx):
        start = next(iter(at.values()))  # the images
        gradient = _gradient(scores, class_idx, start, model, "its images")
        _check_operations(model, scores, start)
        return [gradient]

    overrides, parts = {"Relu": _guided("Relu"), "Relu6": _guided("Relu6")}, []
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        _, gradients = graph.ask(
            model, images[batch], "guided", pixels_gradient, [class_idx[batch]], overrides
        )
        parts.append(gradients)
    pixels = np.concatenate(parts)
    _warn_of_silence((pixels == 0).all(axis=(1, 2, 3)), "in the pixels", stacklevel=3)
    return pixels


def guided_grad_cam(
    model: "keras.Model",
    images: np.ndarray,
    class_idx: int | np.ndarray,
    target_layer: Any = None,
    batch_size: int = 32,
    verbose: bool = True,
) -> np.ndarray:
    """Guided backpropagation times Grad-CAM, number by number: which pixels stand out where the class is.

    Arguments as in `grad_cam`, which is rectified and enlarged to the image.
    Returns (B, H, W, channels), signed. R. Selvaraju et al., "Grad-CAM", ICCV 2017.
    """
    pixels = guided_backpropagation(model, images, class_idx, batch_size)
    _, cams = grad_cam(model, images, class_idx, target_layer, batch_size=batch_size, verbose=verbose)
    return pixels * cam.upsample(cams, pixels.shape[1:3])[..., None]


# --- inside: asking the model -----------------------------------------------------------------


def _checked(model, images, class_idx, batch_size) -> tuple[np.ndarray, np.ndarray]:
    checks.whole_number("batch_size", batch_size)
    images = graph.check_images(model, images)
    graph.check_model(model, images)
    return images, checks.class_idx(class_idx, len(images), graph.n_classes(model)).astype(np.int32)


def _ask_gradients(model, images, class_idx, target_layer, batch_size, verbose):
    """Batch by batch: class scores, feature maps A and gradients G of the target layer."""
    images, class_idx = _checked(model, images, class_idx, batch_size)
    place = _target(model, target_layer)
    silent = []

    def maps_and_gradient(at, scores, class_idx):
        return [at[place], _gradient(scores, class_idx, at[place], model, f"'{place.name}'")]

    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        scores, A, G = graph.ask(
            model, images[batch], ("gradients", place), maps_and_gradient, [class_idx[batch]]
        )
        _say_once(model, place, A, verbose)
        _check_not_probabilities(model, scores)
        silent += [(G == 0).all(axis=(1, 2, 3))]
        yield scores, A, G
    _warn_of_silence(np.concatenate(silent), f"at '{place.name}'", stacklevel=4)


def _target(model, target_layer):
    """The place meant; unless given the last grid that all of the way goes through, the images themselves
    excepted.
    """
    if target_layer is not None:
        return graph.find_place(model, target_layer)
    way = graph.graph_of(model).way
    made = [place for place in way if place.is_grid and graph.makes_something(place)]
    if not made:
        raise ValueError(
            f"Model '{model.name}' has no layer with a map as output, (B, h, w, K), so there is nothing to "
            "make a map of."
        )
    certain = [place for place in graph.bottlenecks(way) if place in made]
    return (certain or made)[-1]


def _warn_of_silence(silent, where, stacklevel):
    """silent (B,): has an image no gradient at all?"""
    if silent.any():
        warnings.warn(
            f"For {silent.sum()} of {len(silent)} image(s) the class score's gradient is zero everywhere "
            f"{where}, so it explains nothing; look for an activation that is off, or at its limit, on the "
            "way to the score.",
            stacklevel=stacklevel,
        )


def _check_not_probabilities(model, scores):
    sure = "Softmax" in graph.kinds(model) or "Sigmoid" in graph.kinds(model)
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-5) and sure:
        warnings.warn(
            f"The scores of model '{model.name}' look like probabilities, whose gradients vanish where it "
            "is sure; give a model that ends in logits, or in one softmax.",
            stacklevel=4,
        )


def _say_once(model, place, A, verbose):
    found = graph.graph_of(model).found
    if verbose and ("said", place) not in found:
        print("maps: output of '{}' ({} × {} cells, {} maps)".format(place.name, *A.shape[1:]))
    found["said", place] = True


def _gradient(scores, class_idx, x, model, where):
    """Compiled: how the score of each image's class rises with x; asked of the graph in between only."""
    import tensorflow as tf

    [gradient] = tf.gradients(tf.gather(scores, class_idx, batch_dims=1), x)
    if gradient is None:
        raise ValueError(
            f"No gradient leads from the class scores of model '{model.name}' back to {where}: something in "
            "between has none (rounding, argmax, stop_gradient); give a later target_layer."
        )
    return gradient


# --- inside: guided backpropagation -----------------------------------------------------------


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


# What may stand between the images and a score: ReLUs and maxima, what moves numbers about, what adds them.
_RELUS = {"Relu", "Relu6"}
_LINEAR = set(
    "Identity IdentityN Cast Reshape Squeeze ExpandDims Transpose Pad PadV2 MirrorPad ConcatV2 Concat Pack "
    "Unpack Split SplitV Slice StridedSlice GatherV2 ReverseV2 Tile BroadcastTo SpaceToBatchND "
    "BatchToSpaceND SpaceToDepth DepthToSpace ResizeBilinear ResizeNearestNeighbor ResizeBicubic "
    "BiasAdd Add AddV2 AddN Sum Mean AvgPool FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 MaxPool "
    "MaxPoolV2 Max".split()
)
_LINEAR_IN_ONE = set(  # of two inputs that come from the images they are a product
    "Conv2D DepthwiseConv2dNative Conv2DBackpropInput MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum "
    "Mul".split()
)
_LINEAR_IN_FIRST = {"Sub", "RealDiv"}
_SHAPES = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}  # they don't look at the numbers


def _check_operations(model, scores, images):
    """Guided backpropagation needs ReLUs, and nothing else that bends, between the images and the scores."""
    needed, ahead = [], [scores.op]
    while ahead:
        op = ahead.pop()
        if op not in needed:
            needed.append(op)
            ahead += [tensor.op for tensor in op.inputs if op.type not in _SHAPES]
    follows, kinds, other = {images.ref()}, set(), set()
    for op in scores.graph.get_operations():  # in the order in which they were made: inputs first
        from_images = [tensor.ref() in follows for tensor in op.inputs]
        if not any(from_images) or op.type in _SHAPES:
            continue
        follows |= {tensor.ref() for tensor in op.outputs}
        if op in needed:
            kinds.add(op.type)
            linear = (
                op.type in _RELUS | _LINEAR
                or op.type in _LINEAR_IN_ONE
                and sum(from_images) == 1
                or op.type in _LINEAR_IN_FIRST
                and from_images == [True, False]
            )
            other |= set() if linear else {op.type}
    # Written with a ReLU, and yet another activation.
    other |= {
        "HardSigmoid"
        for place in graph.graph_of(model).way
        if type(place.operation).__name__ == "HardSigmoid"
        or getattr(getattr(place.operation, "activation", None), "__name__", "") == "hard_sigmoid"
    }
    if other or not kinds & _RELUS:
        _refuse_guided(model, ", ".join(sorted(other)))


def _refuse_guided(model, other):
    raise ValueError(
        "Guided backpropagation is defined for networks whose only activation is ReLU, and model "
        f"'{model.name}' has {other or 'no ReLU'}; use grad_cam."
    )
