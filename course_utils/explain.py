"""A Keras model and images in, class scores and raw class activation maps out, in one forward pass.

    class_scores, cams = explain(model, images)

The model stays as it is: nothing is added to it, cut from it or trained. It may be functional,
`Sequential` or have a backbone nested in it, and end in logits, a softmax or sigmoids, as long as its scores
are a linear function of averaged feature maps. That function is found by asking: b = f(0), W = f(e_k) - b, so
it may be a Dense layer, several, a 1×1 convolution, or a normalisation before them. Where it isn't linear, or
nothing is averaged, there is no CAM and the error says so; Grad-CAM answers there.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from course_utils import cam, checks, graph

import numpy as np

if TYPE_CHECKING:
    import keras


class CamHead(NamedTuple):
    """Where a model's maps come from, as `find_head` found it; print it to read it."""

    feature_layer: (
        str  # the layer, or other operation, whose output is averaged: the only place where CAM exists
    )
    pooling_layer: str  # the one that averages
    scores_layer: (
        str  # the last one with weights behind it; the pooling layer again where there is one map a class
    )
    class_weights: np.ndarray  # (K, C)
    bias: np.ndarray  # (C,)

    def __str__(self):
        K, C = self.class_weights.shape
        if self.scores_layer == self.pooling_layer:
            maps = f"maps: output of '{self.feature_layer}', one a class ({C})"
            return f"{maps}, averaged by '{self.pooling_layer}'"
        return (
            f"maps: output of '{self.feature_layer}' ({K} maps), averaged by '{self.pooling_layer}', "
            f"weighted by '{self.scores_layer}' ({C} class{'es' if C > 1 else ''})"
        )


def explain(
    model: "keras.Model",
    images: np.ndarray,
    class_idx: int | np.ndarray | None = None,
    target_layer: Any = None,
    batch_size: int = 32,
    verbose: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and raw, signed class activation maps of images, from one forward pass.

    model: a Keras model whose scores are a linear function of averaged feature maps
    images: (B, H, W, channels), uint8 where the model rescales pictures inside, else floats as in training
    class_idx: None for all classes, else an int or one per image
    target_layer: a name, a layer or another operation, if it shall be made sure of; there is one CAM only
    batch_size: images that go through at once, so memory stays bounded
    verbose: whether, the first time a model is seen, one line says which layers were chosen
    Returns class_scores (B, C), logits also where the model ends in a softmax or sigmoids, and cams
    (B, h, w, C), or (B, h, w) for a class_idx, on the grid of the feature maps. Where there is one score for
    two classes (a single sigmoid), evidence for the second, the negative class, is the negative map.
    Raises ValueError or TypeError where no CAM exists, where the input doesn't fit, where weights are NaN,
    and where the maps would not add up to what the model itself says.
    """
    checks.whole_number("batch_size", batch_size)
    images = graph.check_images(model, images)
    graph.check_model(model, images)
    new = graph.is_new(model)
    head = _head(model, target_layer)
    if class_idx is not None:
        class_idx = checks.class_idx(class_idx, len(images), head.class_weights.shape[1])

    class_scores, cams = [], []
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        own, feature_maps, pooled = graph.ask(model, images[batch], "cam", _maps_and_means(model))
        if verbose and new and start == 0:
            print(head)
        _check_mean(model, head, feature_maps, pooled)
        if not _explains(model, pooled, head.class_weights, head.bias, own):
            raise _not_linear(model, head.pooling_layer)
        scores = cam.class_scores(
            pooled[:, None, None], head.class_weights, head.bias
        )  # means are maps of one cell
        class_scores.append(scores)
        cams.append(
            cam.class_activation_maps(feature_maps, head.class_weights)
            if class_idx is None
            else cam.class_activation_map(feature_maps, head.class_weights, class_idx[batch])
        )
    return np.concatenate(class_scores), np.concatenate(cams)


def find_head(model: "keras.Model", target_layer: Any = None) -> CamHead:
    """Where the model's maps come from, with the weights as they are now.

    model: a Keras model
    target_layer: a name, a layer or another operation; only what is averaged is accepted
    Returns a `CamHead`. Raises ValueError where the scores are no linear function of averaged feature maps.
    """
    graph.check_model(model)
    return _head(model, target_layer)


def feature_model(model: "keras.Model", images: np.ndarray | None = None) -> "keras.Model":
    """The model with two outputs; it shares layers and weights, so it follows when those are trained further.

    model: a Keras model with a CAM
    images: needed only for a `Sequential` that has never been called
    Returns a Keras model: images -> feature_maps (B, h, w, K) and their means (B, K).
    """
    graph.check_model(model, images)
    return graph.part_model(model, _places(model)[:2])


def probabilities(model: "keras.Model", class_scores: np.ndarray) -> np.ndarray:
    """Logits as probabilities, through the softmax or the sigmoids that the model ends in.

    model: a Keras model; one that ends in logits is taken to mean a softmax, or a sigmoid for a single score
    class_scores: (B, C), logits
    Returns (B, C), 0 to 1.
    """
    graph.check_model(model)
    class_scores = checks.finite(class_scores, "class_scores")
    ending = graph.ends_in(model)
    one = class_scores.shape[-1] == 1 and ending == "logits"
    return cam.sigmoid(class_scores) if one or ending == "sigmoid" else cam.softmax(class_scores)


# --- inside ----------------------------------------------------------------------------------


def _head(model, target_layer):
    graph.n_classes(model)
    places, found = _places(model), graph.graph_of(model).found
    weights = graph.weights_behind(model, places.pooled)
    if "head" not in found or not all(
        map(np.array_equal, found["head"][0], weights)
    ):  # asked again only after training
        found["head"] = weights, _ask_head(model, places)
    class_weights, bias = found["head"][1]
    head = CamHead(*(place.name for place in places), class_weights.copy(), bias.copy())
    if target_layer is not None and graph.find_place(model, target_layer).name != head.feature_layer:
        raise ValueError(
            f"CAM exists only at '{head.feature_layer}', the layer that '{head.pooling_layer}' averages, "
            f"not at {getattr(target_layer, 'name', target_layer)!r}; Grad-CAM answers for any layer."
        )
    return head


class _Places(NamedTuple):
    feature_maps: graph.Place
    pooled: graph.Place
    scores: graph.Place


def _places(model):
    """The last maps that all of the way goes through, their means, and what weighs these."""
    found = graph.graph_of(model).found
    if "cam" not in found:
        found["cam"] = _search(model)
    return found["cam"]


def _search(model):
    import tensorflow as tf

    way = graph.graph_of(model).way
    all_of_it = graph.bottlenecks(way)
    grids = [i for i, place in enumerate(all_of_it) if place.is_grid]
    if not grids:
        raise ValueError(
            f"Model '{model.name}' has no class activation map: nothing in it has cells, (B, h, w, K). "
            f"{_INSTEAD}"
        )
    feature_maps, behind = all_of_it[grids[-1]], all_of_it[grids[-1] + 1 :]
    _, height, width, K = feature_maps.shape
    flat = [place for place in behind if len(place.shape) in (2, 4) and place.shape[-1] == K]
    if not flat:
        step = next((place.name for place in behind if graph.makes_something(place)), feature_maps.name)
        raise ValueError(
            f"Model '{model.name}' has no class activation map: its scores must be a linear function of "
            f"averaged feature maps (global average pooling, then one Dense layer, say), but '{step}' "
            f"follows the maps of '{feature_maps.name}'. {_INSTEAD}"
        )
    maps = np.random.default_rng(0).random((2, height or 4, width or 3, K), dtype=np.float32)
    at = graph.run(way, {feature_maps: tf.cast(maps, feature_maps.tensor.dtype)})
    for place in flat:
        if np.allclose(checks.widened(at[place]).reshape(2, K), maps.mean(axis=(1, 2)), rtol=graph.room(way)):
            after = [one for one in behind[behind.index(place) + 1 :] if graph.makes_something(one)]
            weighted = any(one.has_weights for one in way[way.index(place) + 1 :])
            weighing = [one for one in after if one.has_weights] or (after[:1] if weighted else [place])
            return _Places(feature_maps, place, weighing[-1])
    raise _no_mean(model, flat[0].name, feature_maps.name)


_INSTEAD = "Use Grad-CAM, which needs no such head."


def _maps_and_means(model):
    places = _places(model)
    return lambda at, class_scores: [at[places.feature_maps], _flat(at[places.pooled])]


def _flat(means):
    import tensorflow as tf

    return tf.reshape(means, (-1, means.shape[-1]))


def _ask_head(model, places):
    """W (K, C) and b (C,) of scores = means @ W + b, by asking: b = f(0), W = (f(s e_k) - b) / s."""
    f, K = graph.scores_behind(model, places.pooled), places.pooled.shape[-1]
    bias = f(np.zeros((1, K)))[0]
    if not np.isfinite(bias).all():
        graph.check_weights(model)
    for step in np.float32(
        [1, 2**10] if places.pooled.tensor.dtype == "float16" else [1, 2**10, 2**20, 2**30]
    ):
        class_weights = (f(step * np.eye(K)) - bias) / step
        if not np.abs(step * class_weights).max() < np.abs(bias).max():
            break  # a step so long that b doesn't swallow W
    some = np.random.default_rng(0).random((4, K), dtype=np.float32)
    if not _explains(model, some, class_weights, bias, f(some)):
        graph.check_weights(model)
        raise _not_linear(model, places.pooled.name)
    return class_weights, bias


def _explains(model, means, class_weights, bias, scores):
    """Are the scores means @ class_weights + bias, up to rounding?"""
    most = np.dot(np.abs(means), np.abs(class_weights)) + np.abs(bias)
    return (
        np.abs(np.dot(means, class_weights) + bias - scores) <= graph.room(graph.graph_of(model).way) * most
    ).all()


def _check_mean(model, head, feature_maps, pooled):
    if (
        np.abs(feature_maps.mean(axis=(1, 2)) - pooled).max()
        > graph.room(graph.graph_of(model).way) * np.abs(feature_maps).max()
    ):
        raise _no_mean(model, head.pooling_layer, head.feature_layer)


def _no_mean(model, pooling_layer, feature_layer):
    return ValueError(
        f"'{pooling_layer}' doesn't take the mean of '{feature_layer}', so the map would not add up to the "
        f"score: model '{model.name}' has no class activation map. {_INSTEAD}"
    )


def _not_linear(model, pooling_layer):
    return ValueError(
        f"Model '{model.name}' has no class activation map: its scores must be a linear function of "
        f"averaged feature maps, but what follows '{pooling_layer}' isn't linear. {_INSTEAD}"
    )
