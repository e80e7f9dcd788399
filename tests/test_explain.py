"""explain: right for every architecture with a CAM, a sentence for those without, and nothing changed."""

import gc
import os
import warnings
import weakref
from typing import Any, NamedTuple

from course_utils import cam, graph
from course_utils.explain import explain, feature_model, find_head, probabilities

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import refused
from keras import layers

IMAGES = np.random.default_rng(0).uniform(size=(5, 12, 12, 3)).astype("float32")


# --- small networks of every kind ------------------------------------------------------------


class Case(NamedTuple):
    model: keras.Model
    steps: list  # layers that lead from the images to the feature maps, called one by one by the tests
    dense: Any  # the linear head, or None
    ends: str = "logits"
    feature_layer: str = "feature_maps"
    images: np.ndarray = IMAGES
    built: bool = True
    tolerance: float = 1e-5


def random(seed):
    return keras.initializers.RandomNormal(stddev=0.5, seed=seed)


def conv(filters, name):
    return layers.Conv2D(
        filters, 3, activation="relu", kernel_initializer=random(1), bias_initializer=random(2), name=name
    )


def body():
    return [conv(4, "conv_1"), layers.MaxPooling2D(2, name="pool_1"), conv(6, "feature_maps")]


def gap(**options):
    return layers.GlobalAveragePooling2D(name="gap", **options)


def linear(classes=3, **options):
    return layers.Dense(
        classes, kernel_initializer=random(3), bias_initializer=random(4), name="class_scores", **options
    )


def through(x, *steps):
    for step in steps:
        x = step(x)
    return x


def functional(*steps, size=(12, 12, 3), name=None):
    inputs = keras.Input(size)
    return keras.Model(inputs, through(inputs, *steps), name=name)


class HandMadeGAP(layers.Layer):
    def call(self, x):
        return keras.ops.mean(x, axis=(1, 2))


def simple(*behind_the_maps, ends="logits", **options):
    """Convolutions, then the given layers, one of them perhaps a Dense one."""
    steps = body()
    dense = [layer for layer in behind_the_maps if isinstance(layer, layers.Dense)]
    return Case(functional(*steps, *behind_the_maps), steps, dense[0] if dense else None, ends, **options)


def nested(outside, inside="maps"):
    """A functional backbone that gives maps or their means, in a model of the kind `outside`."""
    steps, dense = body(), linear()
    backbone = functional(*steps, *[gap()] * (inside == "means"), name="backbone")
    behind = [gap()] * (inside == "maps") + [dense]
    if outside == "Sequential":
        return Case(keras.Sequential([keras.Input((12, 12, 3)), backbone, *behind]), steps, dense)
    return Case(
        functional(layers.Rescaling(0.5, offset=0.1), backbone, *behind),
        [layers.Rescaling(0.5, offset=0.1), *steps],
        dense,
    )


def sequential(built):
    steps, dense = body(), linear()
    start = [keras.Input((12, 12, 3))] * (built == "by Input")
    model = keras.Sequential([*start, *steps, gap(), dense])
    if built == "by a call":
        model(IMAGES[:2])
    return Case(model, steps, dense, built=built != "not yet")


def two_levels():
    steps, dense = body(), linear()
    deepest = functional(steps[1], steps[2], gap(), size=(10, 10, 4), name="deepest")
    middle = keras.Sequential(
        [keras.Input((12, 12, 3)), steps[0], deepest, layers.Dropout(0.5)], name="middle"
    )
    return Case(functional(middle, dense), steps, dense)


def nested_head(kind):
    steps, dense = body(), linear()
    head = (
        keras.Sequential([gap(), dense], name="head")
        if kind == "Sequential"
        else functional(gap(), dense, size=(3, 3, 6), name="head")
    )
    return Case(functional(functional(*steps, name="backbone"), head), steps, dense)


def shared_backbone(which):
    steps, denses = body(), [linear(), linear(2, use_bias=False)]
    backbone = functional(*steps, name="backbone")
    models = [
        functional(layers.Rescaling(1.0, offset=k), backbone, gap(), dense) for k, dense in enumerate(denses)
    ]
    return Case(models[which], [layers.Rescaling(1.0, offset=which), *steps], denses[which])


def one_map_a_class(*behind, ends="logits"):
    steps = body()[:2] + [conv(3, "feature_maps")]
    return Case(functional(*steps, gap(), *behind), steps, None, ends)


def any_size():
    steps, dense = body(), linear()
    images = np.random.default_rng(1).uniform(size=(3, 20, 15, 3)).astype("float32")
    return Case(functional(*steps, gap(), dense, size=(None, None, 3)), steps, dense, images=images)


def skip_where_half_precision_is_not_imitated():
    if "ONEDNN_MAX_CPU_ISA" in os.environ:
        pytest.skip(
            "ONEDNN_MAX_CPU_ISA: TensorFlow goes by the real processor and oneDNN by the imitated "
            "one; on half precision "
            "their disagreement aborts the process, in Keras' own call too"
        )


def half_precision(policy="mixed_float16", tolerance=1e-2):
    skip_where_half_precision_is_not_imitated()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return simple(gap(), linear(), tolerance=tolerance)
    finally:
        keras.config.set_dtype_policy(before)


def head_of(*head, pooling=None, maps=(), ends="logits"):
    """Any linear head; no single Dense layer shows what it is, so the model itself is asked."""
    steps = [*body(), *maps]
    model = functional(*steps, *(pooling or [gap()]), *head)
    names = [one.name for one in model.operations if type(one).__name__ == "Relu"] or ["feature_maps"]
    return Case(model, steps, "asked", ends, feature_layer=names[-1])


def normalisation():
    return layers.BatchNormalization(
        gamma_initializer=random(8),
        beta_initializer=random(9),
        moving_mean_initializer=random(10),
        name="norm",
    )


class TwiceItsKernel(layers.Dense):
    def call(self, x):
        return 2 * super().call(x)


def two_heads_added():
    inputs = keras.Input((12, 12, 3))
    steps = body()
    means = gap()(through(inputs, *steps))
    both = layers.Add(name="both")(
        [linear()(means), layers.Dense(3, name="other", kernel_initializer=random(7))(means)]
    )
    return Case(keras.Model(inputs, both), steps, "asked")


def maps_added():
    """A residual block, written with `+`."""
    first, branch = (
        conv(6, "first"),
        layers.Conv2D(6, 3, padding="same", kernel_initializer=random(7), name="branch"),
    )
    inputs = keras.Input((12, 12, 3))
    x = first(inputs)
    x = x + branch(x)
    return Case(
        keras.Model(inputs, linear()(gap()(x))),
        [first, lambda x: x + branch(x)],
        "asked",
        feature_layer=x._keras_history.operation.name,
    )


def maps_as_input():
    """Notebook 02's network: no convolution, the images are the feature maps."""
    dense = linear()
    inputs = keras.Input((12, 12, 3), name="given_maps")
    return Case(keras.Model(inputs, through(inputs, gap(), dense)), [], dense, feature_layer="given_maps")


def subclass_of_dense():
    class NamedDense(layers.Dense):
        pass

    return simple(gap(), NamedDense(3, name="class_scores"))


ARCHITECTURES = {
    "functional": lambda: simple(gap(), linear()),
    "no bias": lambda: simple(gap(), linear(use_bias=False)),
    "one class": lambda: simple(gap(), linear(1)),
    "softmax in the Dense": lambda: simple(gap(), linear(activation="softmax"), ends="softmax"),
    "softmax layer": lambda: simple(gap(), linear(), layers.Softmax(), ends="softmax"),
    "softmax activation": lambda: simple(gap(), linear(), layers.Activation("softmax"), ends="softmax"),
    "sigmoid, one class": lambda: simple(gap(), linear(1, activation="sigmoid"), ends="sigmoid"),
    "sigmoid activation": lambda: simple(gap(), linear(), layers.Activation("sigmoid"), ends="sigmoid"),
    "Dropout between": lambda: simple(gap(), layers.Dropout(0.5), linear()),
    "pooling by hand": lambda: simple(HandMadeGAP(name="gap"), linear()),
    "pooling by an operation": lambda: simple(lambda x: keras.ops.mean(x, axis=(1, 2)), linear()),
    "pooling keeps axes": lambda: simple(gap(keepdims=True), layers.Flatten(), linear()),
    "average pooling": lambda: simple(layers.AveragePooling2D(3), layers.Reshape((6,)), linear()),
    "subclass of Dense": subclass_of_dense,
    "one map a class": one_map_a_class,
    "one map a class, softmax": lambda: one_map_a_class(layers.Softmax(), ends="softmax"),
    "Sequential with Input": lambda: sequential("by Input"),
    "Sequential, called": lambda: sequential("by a call"),
    "Sequential, never called": lambda: sequential("not yet"),
    "backbone in Sequential": lambda: nested("Sequential"),
    "backbone in functional": lambda: nested("functional"),
    "backbone with pooling in Sequential": lambda: nested("Sequential", inside="means"),
    "backbone with pooling in functional": lambda: nested("functional", inside="means"),
    "two levels deep": two_levels,
    "head is a Sequential": lambda: nested_head("Sequential"),
    "head is functional": lambda: nested_head("functional"),
    "backbone shared, first": lambda: shared_backbone(0),
    "backbone shared, second": lambda: shared_backbone(1),
    "any input size": any_size,
    "half precision": half_precision,
    "maps as input": maps_as_input,
    "two Dense": lambda: head_of(layers.Dense(4, name="hidden", kernel_initializer=random(5)), linear()),
    "normalised means": lambda: head_of(normalisation(), linear()),
    "rescaled means": lambda: head_of(layers.Rescaling(3.0, offset=-1.0), linear()),
    "1×1 convolution": lambda: head_of(
        layers.Reshape((1, 1, 6)),
        layers.Dropout(0.1),
        layers.Conv2D(3, 1, kernel_initializer=random(3), bias_initializer=random(4), name="class_scores"),
        layers.Flatten(),
    ),
    "1×1 convolution, softmax": lambda: head_of(
        layers.Reshape((1, 1, 6)),
        layers.Conv2D(3, 1, kernel_initializer=random(3), name="class_scores"),
        layers.Flatten(),
        layers.Softmax(),
        ends="softmax",
    ),
    "ReLU of means that are positive": lambda: head_of(layers.ReLU(), linear()),
    "two heads added": two_heads_added,
    "mean as a sum": lambda: head_of(
        linear(), pooling=[lambda x: keras.ops.sum(x, axis=(1, 2)), layers.Rescaling(1 / 9)]
    ),
    "mean of a mean": lambda: head_of(
        linear(), pooling=[lambda x: keras.ops.mean(x, axis=1), lambda x: keras.ops.mean(x, axis=1)]
    ),
    "weights that are not the kernel": lambda: head_of(
        TwiceItsKernel(3, kernel_initializer=random(3), name="class_scores")
    ),
    "spectral normalisation": lambda: head_of(layers.SpectralNormalization(linear())),
    "maps added": maps_added,
    "maps rectified by an operation": lambda: head_of(linear(), maps=[keras.ops.relu]),
    "bfloat16": lambda: half_precision("mixed_bfloat16", 5e-2),
}


def snapshot(model, images=IMAGES):
    """Everything about a model that explaining might have touched."""
    parts = list(model._flatten_layers())
    return dict(
        config=model.get_config(),
        weights=model.get_weights(),
        compiled=model.compiled,
        names=[layer.name for layer in parts],
        trainable=[layer.trainable for layer in parts],
        nodes=[(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in parts],
        outputs=[layer.output for layer in parts if layer._inbound_nodes],
        predictions=np.asarray(model(images)),
    )


class Explained(NamedTuple):
    case: Case
    before: dict
    class_scores: np.ndarray
    cams: np.ndarray


@pytest.fixture(scope="session", params=ARCHITECTURES)
def explained(request):
    case = ARCHITECTURES[request.param]()
    if not case.built:  # its weights don't exist before
        explain(case.model, case.images[:1], verbose=False)
    before = snapshot(case.model, case.images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Explained(case, before, *explain(case.model, case.images, verbose=False))


def head_weights(case):
    """W and b, read off the Dense layer; of heads that can't be read (test_gradients has a second opinion) as
    found.
    """
    if case.dense == "asked":
        return find_head(case.model)[-2:]
    if case.dense is None:
        return np.eye(case.model.output.shape[1]), None
    return [*case.dense.get_weights(), None][:2]


@pytest.fixture
def model():
    return simple(gap(), linear()).model


@pytest.fixture(scope="session")
def ready():
    """One model whose search and compilation are done; for tests that don't change it."""
    return simple(gap(), linear()).model


# --- right -----------------------------------------------------------------------------------


def test_scores_are_those_of_the_model(explained):
    case, scores = explained.case, explained.class_scores
    outputs = case.model.predict(case.images, verbose=0).astype("float64")
    if case.ends == "softmax":  # fixes the scores but for a number a picture
        np.testing.assert_allclose(cam.softmax(scores), outputs, atol=case.tolerance)
        np.testing.assert_allclose(np.ptp(np.log(outputs) - scores, axis=1), 0, atol=1e-4)
    elif case.ends == "sigmoid":
        np.testing.assert_allclose(np.log(outputs / (1 - outputs)), scores, atol=1e-4)
    else:
        np.testing.assert_allclose(scores, outputs, rtol=case.tolerance, atol=case.tolerance)


def test_maps_equal_slow_loops(explained):
    case, cams = explained.case, explained.cams
    f = np.asarray(through(tf.constant(case.images), *case.steps), "float64")
    w = head_weights(case)[0].astype("float64")
    expected = np.zeros((*f.shape[:3], w.shape[1]))
    for y in range(f.shape[1]):
        for x in range(f.shape[2]):
            for k in range(f.shape[3]):
                expected[:, y, x] += f[:, y, x, k, None] * w[k]
    assert cams.shape == expected.shape and np.ptp(expected) > 0.1
    np.testing.assert_allclose(cams, expected, rtol=case.tolerance, atol=case.tolerance)


def test_maps_add_up_to_the_scores(explained):
    case = explained.case
    bias = head_weights(case)[1]
    gap_ = cam.identity_gap(explained.cams, explained.class_scores, bias)
    assert gap_ <= case.tolerance * (1 + np.abs(explained.class_scores).max())
    assert explained.class_scores.dtype == explained.cams.dtype == np.float32


def test_the_layers_found_are_named(explained):
    case, head = explained.case, find_head(explained.case.model)
    assert head.feature_layer == case.feature_layer
    assert case.dense in (None, "asked") or head.scores_layer == case.dense.name
    assert f"'{head.feature_layer}'" in str(head) and f"'{head.pooling_layer}'" in str(head)
    K, C = head.class_weights.shape
    assert head.bias.shape == (C,) and str(C) in str(head) and str(K) in str(head)
    assert "\n" not in str(head)


def test_nothing_about_the_model_changes(explained):
    before, after = explained.before, snapshot(explained.case.model, explained.case.images)
    for what in ("config", "compiled", "names", "trainable", "nodes"):
        assert after[what] == before[what], what
    for what in ("weights", "predictions"):
        assert all(np.array_equal(a, b) for a, b in zip(after[what], before[what], strict=True)), what
    assert all(a is b for a, b in zip(after["outputs"], before["outputs"], strict=True))


def test_one_class_an_image(explained):
    case, every = explained.case, explained.cams
    C = every.shape[3]
    classes = np.arange(len(case.images)) % C
    scores, cams = explain(case.model, case.images, class_idx=classes, batch_size=2, verbose=False)
    picked = np.stack([every[b, ..., c] for b, c in enumerate(classes)])
    np.testing.assert_allclose(cams, picked, rtol=case.tolerance, atol=case.tolerance)
    np.testing.assert_allclose(scores, explained.class_scores, rtol=case.tolerance, atol=case.tolerance)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_chunks_change_nothing(ready, batch_size):
    scores, cams = explain(ready, IMAGES, verbose=False)
    in_chunks = explain(ready, IMAGES, batch_size=batch_size, verbose=False)
    np.testing.assert_allclose(in_chunks[0], scores, atol=1e-6)
    np.testing.assert_allclose(in_chunks[1], cams, atol=1e-6)
    one = explain(ready, IMAGES, class_idx=2, batch_size=batch_size, verbose=False)[1]
    np.testing.assert_allclose(one, cams[..., 2], atol=1e-6)


def test_a_model_for_any_size_takes_any_size():
    case = any_size()
    for height, width in ((12, 12), (33, 9), (9, 40)):
        images = np.random.default_rng(height).uniform(size=(2, height, width, 3))
        scores, cams = explain(case.model, images, verbose=False)
        assert cams.shape == (2, (height - 2) // 2 - 2, (width - 2) // 2 - 2, 3)
        np.testing.assert_allclose(scores, np.asarray(case.model(images.astype("float32"))), atol=1e-5)


def test_the_target_layer_may_be_said(ready):
    scores, cams = explain(ready, IMAGES, verbose=False)
    for target in ("feature_maps", ready.get_layer("feature_maps")):
        np.testing.assert_array_equal(explain(ready, IMAGES, target_layer=target, verbose=False)[1], cams)


def test_the_target_layer_may_lie_in_a_nested_model():
    for architecture in ("backbone in functional", "two levels deep", "head is a Sequential"):
        model = ARCHITECTURES[architecture]().model
        explain(model, IMAGES, target_layer="feature_maps", verbose=False)


def test_lists_and_double_precision_are_taken(ready):
    scores, cams = explain(ready, IMAGES, verbose=False)
    for given in (IMAGES.astype("float64"), IMAGES.tolist(), tf.constant(IMAGES)):
        np.testing.assert_allclose(explain(ready, given, verbose=False)[1], cams, atol=1e-6)


def test_images_are_left_alone(ready):
    images = IMAGES.copy()
    images.flags.writeable = False
    explain(ready, images, verbose=False)
    np.testing.assert_array_equal(images, IMAGES)


def test_feature_model_gives_maps_and_their_means():
    for architecture in ("functional", "backbone with pooling in Sequential"):
        case = ARCHITECTURES[architecture]()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            f, pooled = feature_model(case.model)(IMAGES)
        expected = np.asarray(through(tf.constant(IMAGES), *case.steps))
        np.testing.assert_allclose(np.asarray(f), expected, atol=1e-6)
        np.testing.assert_allclose(np.asarray(pooled), np.asarray(f).mean(axis=(1, 2)), atol=1e-5)


# --- the model goes on living, and then it doesn't -------------------------------------------


def test_explain_follows_the_training(model):
    before = explain(model, IMAGES, verbose=False)
    model.set_weights([w * 1.5 - 0.01 for w in model.get_weights()])
    scores, cams = explain(model, IMAGES, verbose=False)
    np.testing.assert_allclose(scores, np.asarray(model(IMAGES)), rtol=1e-5, atol=1e-5)
    assert np.abs(cams - before[1]).max() > 0.1
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(IMAGES, np.arange(5) % 3, verbose=0)
    scores, _ = explain(model, IMAGES, verbose=False)
    np.testing.assert_allclose(scores, np.asarray(model(IMAGES)), rtol=1e-5, atol=1e-5)


def new_layer_in_sequential():
    model = sequential("by Input").model
    explain(model, IMAGES, verbose=False)
    model.pop()
    model.add(layers.Dense(5))
    return model


def new_layer_in_nested_sequential():
    backbone = keras.Sequential([keras.Input((12, 12, 3)), *body()])
    model = keras.Sequential([keras.Input((12, 12, 3)), backbone, gap(), linear()])
    explain(model, IMAGES, verbose=False)
    backbone.pop()
    backbone.add(layers.Conv2D(6, 3, kernel_initializer=random(11)))
    return model


def new_activation():
    """As tutorials do before they ask for a gradient."""
    model = simple(gap(), linear(activation="softmax")).model
    explain(model, IMAGES, verbose=False)
    model.layers[-1].activation = keras.activations.linear
    return model


def new_activation_inside():
    model = nested("functional").model
    explain(model, IMAGES, verbose=False)
    model.get_layer("backbone").get_layer("feature_maps").activation = keras.activations.elu
    return model


def new_setting():
    model = functional(layers.Rescaling(0.5), *body(), gap(), linear())
    explain(model, IMAGES, verbose=False)
    model.layers[1].scale = 2.0
    return model


class Own(layers.Layer):
    """Times what it holds: a plain number, an array, a tensor, or something in a list."""

    def __init__(self, held, name_of_it):
        super().__init__()
        setattr(self, name_of_it, held)
        self.get = lambda: getattr(self, name_of_it)

    def call(self, x):
        held = self.get()
        return x * keras.ops.convert_to_tensor(held[0] if isinstance(held, list) else held, x.dtype)


def new_constant(before, after, name="held"):
    def change():
        layer = Own(before, name)
        model = functional(layer, *body(), gap(), linear())
        explain(model, IMAGES, verbose=False)
        setattr(layer, name, after)
        return model

    return change


def changed_in_place():
    held = np.ones(3, np.float32)
    model = functional(Own(held, "held"), *body(), gap(), linear())
    explain(model, IMAGES, verbose=False)
    held *= 2
    return model


def new_variable():
    model = simple(gap(), linear()).model
    explain(model, IMAGES, verbose=False)
    model.layers[1].enable_lora(2)
    model.layers[1].lora_kernel_b.assign(np.ones(model.layers[1].lora_kernel_b.shape))
    return model


@pytest.mark.parametrize(
    "change",
    [
        new_layer_in_sequential,
        new_layer_in_nested_sequential,
        new_activation,
        new_activation_inside,
        new_setting,
        new_variable,
        changed_in_place,
        new_constant(1.0, 2.0),
        new_constant(1.0, 2.0, "_held"),
        new_constant([1.0], [2.0]),
        new_constant(np.ones(3), np.arange(3)),
        new_constant(tf.ones(3), tf.zeros(3)),
    ],
)
def test_a_model_that_was_changed_is_seen_as_it_is_now(change):
    model = change()
    scores, cams = explain(model, IMAGES, verbose=False)
    np.testing.assert_allclose(scores, np.asarray(model(IMAGES)), atol=1e-5)
    assert cam.identity_gap(cams, scores, find_head(model).bias) < 1e-4


class OwnCall(keras.Model):
    """A functional model that computes something else than its layers."""

    def call(self, x):
        return super().call(2 * x)


def test_a_model_with_a_call_of_its_own_is_not_looked_into():
    inputs = keras.Input((12, 12, 3))
    model = OwnCall(inputs, through(inputs, *body(), gap(), linear()))
    with refused("no layer graph"):
        explain(model, IMAGES)
    inside = OwnCall(inputs, through(inputs, *body()), name="own_call")
    scores, _ = explain(functional(inside, gap(), linear()), IMAGES, target_layer="own_call", verbose=False)
    assert scores.shape == (5, 3)


class Noisy(layers.Layer):
    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x))


def test_scores_that_are_not_those_of_the_model_are_refused():
    with refused("itself says", "something random"):
        explain(functional(*body(), Noisy(), gap(), linear()), IMAGES)


@pytest.mark.parametrize(
    "step",
    [
        layers.RandomFlip(),
        layers.RandomContrast(0.5),
        layers.GaussianNoise(1.0),
        layers.BatchNormalization(),
        lambda x: layers.Dropout(0.5)(x, training=True),
        lambda x: keras.Sequential([layers.RandomRotation(0.2)])(x),
    ],
    ids=lambda step: getattr(step, "name", "written otherwise"),
)
def test_augmentation_and_dropout_are_off_as_in_predict(step):
    model = functional(step, *body(), gap(), linear())
    scores, _ = explain(model, IMAGES, verbose=False)
    np.testing.assert_allclose(scores, model.predict(IMAGES, verbose=0), atol=1e-5)


@pytest.mark.parametrize(
    "inputs, outputs",
    [
        (lambda x: {"image": x}, lambda y: y),
        (lambda x: [x], lambda y: [y]),
        (lambda x: x, lambda y: {"scores": y}),
    ],
    ids=["dict in", "lists", "dict out"],
)
def test_inputs_and_outputs_may_be_in_a_list_or_a_dict(inputs, outputs):
    x = keras.Input((12, 12, 3), name="image")
    y = through(x, *body(), gap(), linear())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores, _ = explain(keras.Model(inputs(x), outputs(y)), IMAGES, verbose=False)
    np.testing.assert_allclose(scores, np.asarray(keras.Model(x, y)(IMAGES)), atol=1e-5)


@pytest.mark.parametrize("size", [(3, 12, 12), (3, None, None)], ids=str)
def test_channels_first_is_refused(size):
    first = dict(data_format="channels_first")
    model = functional(
        layers.Conv2D(12, 1, name="conv", **first),
        layers.GlobalAveragePooling2D(**first),
        linear(),
        size=size,
    )
    with refused("channels first", "'conv'", 'data_format="channels_last"'):
        explain(model, np.ones((2, 3, 12, 12), "float32"))


@pytest.mark.parametrize(
    "architecture",
    [
        "functional",
        "Sequential with Input",
        "Sequential, never called",
        "backbone in functional",
        "backbone in Sequential",
        "two levels deep",
    ],
)
def test_models_are_freed(architecture):
    model = ARCHITECTURES[architecture]().model
    explain(model, IMAGES, verbose=False)
    gone, kept = weakref.ref(model), len(graph._KNOWN)
    del model
    gc.collect()
    assert gone() is None
    assert len(graph._KNOWN) < kept


def test_each_image_goes_through_once_and_never_more_than_a_chunk():
    seen = []

    class Spy(layers.Layer):
        supports_jit = False

        def call(self, x):
            def note(batch):
                seen.append(len(batch))
                return batch

            noted = tf.numpy_function(note, [x], x.dtype)
            noted.set_shape(x.shape)
            return noted

        def compute_output_shape(self, shape):
            return shape

    model = functional(Spy(), *body(), gap(), linear())
    images = np.repeat(IMAGES, 10, axis=0)
    explain(model, images[:1], verbose=False)  # the first time, the model itself is asked, too
    seen.clear()
    explain(model, images, batch_size=16, verbose=False)
    assert seen == [16, 16, 16, 2]
    seen.clear()
    explain(model, images, verbose=False)
    assert max(seen) <= 32 and sum(seen) == 50


def test_one_line_says_once_which_layers_were_chosen(model, capsys):
    explain(model, IMAGES)
    said = capsys.readouterr().out
    assert said == f"{find_head(model)}\n" and said.count("\n") == 1
    for name in ("'feature_maps' (6 maps)", "'gap'", "'class_scores' (3 classes)"):
        assert name in said
    explain(model, IMAGES[:2], class_idx=1)
    assert capsys.readouterr() == ("", "")
    explain(simple(gap(), linear()).model, IMAGES)  # another one of the same name
    assert "'feature_maps'" in capsys.readouterr().out


def test_nothing_is_said_with_verbose_false(model, capsys):
    explain(model, IMAGES, verbose=False)
    assert capsys.readouterr() == ("", "")


def test_one_map_a_class_is_reported_as_such(capsys):
    explain(one_map_a_class().model, IMAGES)
    assert "one a class (3)" in capsys.readouterr().out


# --- models without a class activation map ---------------------------------------------------


def flattened():
    return functional(*body(), layers.Flatten(name="flat"), linear())


def two_dense_relu():
    return functional(*body(), gap(), layers.Dense(4, activation="relu", name="hidden"), linear())


def rectified_scores():
    return functional(*body(), gap(), linear(activation="relu"))


def softmax_before():
    return functional(*body(), gap(), layers.Softmax(name="early"), linear())


def only_convolutions():
    return functional(*body())


def two_branches():
    inputs = keras.Input((12, 12, 3))
    x = through(inputs, *body())
    both = layers.Concatenate(name="both")([gap()(x), layers.GlobalMaxPooling2D()(x)])
    return keras.Model(inputs, linear()(both))


@pytest.mark.parametrize(
    "build, culprit",
    [
        (flattened, "flat"),
        (two_dense_relu, "gap"),
        (rectified_scores, "gap"),
        (softmax_before, "gap"),
        (two_branches, "both"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_models_without_a_linear_head_are_sent_to_grad_cam(build, culprit):
    model = build()
    nodes = snapshot(model)["nodes"]
    with refused(
        f"'{model.name}'",
        "no class activation map",
        "a linear function of averaged",
        f"'{culprit}'",
        "Grad-CAM",
    ):
        explain(model, IMAGES)
    with refused("Grad-CAM"):
        find_head(model)
    assert snapshot(model)["nodes"] == nodes


def test_outputs_that_are_no_class_scores():
    with refused("(None, 3, 3, 6)", "class scores, (B, C)"):
        explain(only_convolutions(), IMAGES)


@pytest.mark.parametrize("scale", [1, 1e-3, 1e-6], ids=["", "small weights", "tiny weights"])
@pytest.mark.parametrize("bias", [0, 1000], ids=["", "large bias"])
@pytest.mark.parametrize(
    "pooling",
    [
        layers.GlobalMaxPooling2D,
        lambda name: lambda x: keras.ops.sum(x, axis=(1, 2)),
        lambda name: lambda x: x[:, 1, 1],
    ],
    ids=["maximum", "sum", "one cell"],
)
def test_pooling_that_takes_no_mean_is_caught_on_the_data(pooling, scale, bias):
    model = functional(*body(), pooling(name="pool"), linear())
    *before, w, b = model.get_weights()
    model.set_weights([*before, w * scale, b * 0 + bias])
    with refused("mean", "'feature_maps'", "no class activation map", "Grad-CAM"):
        explain(model, IMAGES, verbose=False)


def test_a_dense_layer_with_a_call_of_its_own_is_not_taken_for_a_linear_one():
    class Cosine(layers.Dense):
        def call(self, inputs):
            return super().call(inputs / (1 + keras.ops.norm(inputs, axis=-1, keepdims=True)))

    model = functional(*body(), gap(), Cosine(3, name="cosine"))
    with refused("'gap' isn't linear", "no class activation map", "Grad-CAM"):
        explain(model, IMAGES)


def test_a_subclassed_model():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__(name="subclassed")
            self.steps = [*body(), gap(), linear()]

        def call(self, x):
            return through(x, *self.steps)

    model = Subclassed()
    model(IMAGES)
    with refused("'subclassed'", "Subclassed", "keras.Model(inputs, outputs)"):
        explain(model, IMAGES)


def test_several_outputs_and_inputs():
    inputs, other = keras.Input((12, 12, 3)), keras.Input((4,))
    f = through(inputs, *body())
    with refused("1 inputs and 2 outputs", "one input", "one output"):
        explain(keras.Model(inputs, [f, linear()(gap()(f))]), IMAGES)
    with refused("2 inputs and 1 outputs", "one input", "one output"):
        explain(keras.Model([inputs, other], linear()(layers.Concatenate()([gap()(f), other]))), IMAGES)


@pytest.mark.parametrize("no_model", [None, 3, "vgg16", keras.layers.Dense(3)], ids=str)
def test_no_model_at_all(no_model):
    with refused(type(no_model).__name__, "Keras model", error=TypeError):
        explain(no_model, IMAGES)


def test_a_sequential_never_called_has_no_graph_without_images():
    with refused("no layer graph", "call a Sequential once"):
        find_head(sequential("not yet").model)


# --- other bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["conv_9", 3, layers.Conv2D(2, 3, name="stranger"), "gap", "class_scores"], ids=str
)
def test_unknown_or_flat_target_layers_list_the_valid_ones(ready, target):
    name = getattr(target, "name", target)
    with refused(repr(name), "conv_1, pool_1, feature_maps"):
        explain(ready, IMAGES, target_layer=target)


def test_valid_target_layers_include_nested_ones():
    model = nested("functional").model
    with refused("'backbone_9'", "conv_1, pool_1, feature_maps"):
        explain(model, IMAGES, target_layer="backbone_9")


@pytest.mark.parametrize("target", ["conv_1", "pool_1"])
def test_other_spatial_layers_have_no_cam(ready, target):
    with refused(repr(target), "only at 'feature_maps'", "Grad-CAM"):
        explain(ready, IMAGES, target_layer=target)


BAD_IMAGES = {
    "one image": (IMAGES[0], ValueError, ["(12, 12, 3)", "(B, height, width, channels)", "images[None]"]),
    "a row": (IMAGES[0, 0, 0], ValueError, ["(3,)", "(B, height, width, channels)"]),
    "no images": (IMAGES[:0], ValueError, ["(0, 12, 12, 3)", "at least one image"]),
    "no pixels": (IMAGES[:, :0], ValueError, ["(5, 0, 12, 3)", "empty"]),
    "whole numbers": (
        (IMAGES * 255).astype("uint8"),
        TypeError,
        ["uint8", "no layer that rescales", "astype('float32') / 255"],
    ),
    "signed whole numbers": ((IMAGES * 255).astype(int), TypeError, ["int64", "floats"]),
    "booleans": (IMAGES > 0.5, TypeError, ["bool", "floats"]),
    "NaN": (np.where(IMAGES > 0.9, np.nan, IMAGES), ValueError, ["NaN", "finite"]),
    "infinity": (np.where(IMAGES > 0.9, np.inf, IMAGES), ValueError, ["infinite", "finite"]),
    "complex": (IMAGES + 1j, ValueError, ["real numbers", "floats"]),
    "text": (IMAGES.astype(str), ValueError, ["real numbers", "floats"]),
    "nothing": (None, ValueError, ["()", "(B, height, width, channels)"]),
    "too large": (np.ones((2, 24, 24, 3), "f4"), ValueError, ["(2, 24, 24, 3)", "(B, 12, 12, 3)", "resize"]),
    "on its side": (
        np.ones((2, 12, 11, 3), "f4"),
        ValueError,
        ["(2, 12, 11, 3)", "(B, 12, 12, 3)", "resize"],
    ),
    "grey": (IMAGES[..., :1], ValueError, ["(5, 12, 12, 1)", "(B, 12, 12, 3)", "grey (1) and colour (3)"]),
    "transparent": (np.ones((2, 12, 12, 4), "f4"), ValueError, ["(2, 12, 12, 4)", "(B, 12, 12, 3)"]),
    "channels first": (np.ones((2, 3, 12, 12), "f4"), ValueError, ["(2, 3, 12, 12)", "(B, 12, 12, 3)"]),
}


@pytest.mark.parametrize("what", BAD_IMAGES)
def test_bad_images(ready, what):
    images, error, fragments = BAD_IMAGES[what]
    with refused(*fragments, error=error):
        explain(ready, images)


def test_wrong_channels_for_a_model_of_any_size():
    with refused("(5, 12, 12, 1)", "(B, any, any, 3)", "grey (1) and colour (3)"):
        explain(any_size().model, IMAGES[..., :1])


@pytest.mark.parametrize("part", range(6))
def test_a_diverged_model(model, part):
    """Whether the maps show it or not: a maximum, or a ReLU, makes 0 of NaN on some processors."""
    weights = model.get_weights()
    weights[part].flat[0] = [np.nan, np.inf][part % 2]
    model.set_weights(weights)
    with refused("NaN", ["conv_1", "feature_maps", "class_scores"][part // 2], "learning rate"):
        explain(model, IMAGES)


def test_images_too_small_for_the_layers():
    with refused("3 × 3", "larger"):
        explain(any_size().model, IMAGES[:, :3, :3])


class Fails(layers.Layer):
    def call(self, x):
        if not isinstance(x, keras.KerasTensor):
            raise ValueError("this layer was not adapted")
        return x

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize("size", [(12, 12, 3), (None, None, 3)], ids=str)
def test_another_failure_is_not_blamed_on_the_size(size):
    with refused("fails when it is called: this layer was not adapted"):
        explain(functional(*body(), Fails(), gap(), linear(), size=size), IMAGES)
    never_called = keras.Sequential([*body(), Fails(), gap(), linear()])
    with refused("fails when it is called"):
        explain(never_called, IMAGES)


def test_a_failure_with_these_numbers_is_not_blamed_on_the_size():
    class Bounded(layers.Layer):
        def call(self, x):
            with tf.control_dependencies(
                [tf.debugging.assert_less(x, 100.0)] if not isinstance(x, keras.KerasTensor) else []
            ):
                return tf.identity(x)

        def compute_output_shape(self, shape):
            return shape

    model = functional(Bounded(), *body(), gap(), linear(), size=(None, None, 3))
    explain(model, IMAGES, verbose=False)
    with refused("fails on images of shape (5, 12, 12, 3)"):
        explain(model, IMAGES + 1000, verbose=False)


@pytest.mark.parametrize(
    "classes, error, fragments",
    [
        (3, ValueError, ["3", "out of range", "0 to 2"]),
        (-1, ValueError, ["-1", "out of range", "0 to 2"]),
        ([0, 1, 2, 3, 0], ValueError, ["3", "out of range"]),
        ([0, 1], ValueError, ["(2,)", "5 image(s)", "one per image"]),
        ([0] * 6, ValueError, ["(6,)", "5 image(s)"]),
        (1.0, TypeError, ["1.0", "whole number"]),
        (True, TypeError, ["True", "whole number"]),
        ("cat", TypeError, ["cat", "whole number"]),
    ],
    ids=str,
)
def test_bad_class_idx(ready, classes, error, fragments):
    for batch_size in (2, 32):
        with refused(*fragments, error=error):
            explain(ready, IMAGES, class_idx=classes, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None, "all"])
def test_bad_batch_size(ready, batch_size):
    with refused("batch_size", repr(batch_size), "at least 1"):
        explain(ready, IMAGES, batch_size=batch_size)


# --- what kind of scores ---------------------------------------------------------------------

ENDS = {
    "logits": [linear()],
    "softmax": [linear(activation="softmax")],
    "softmax layer": [linear(), layers.Softmax()],
    "one sigmoid": [linear(1, activation="sigmoid")],
    "three sigmoids": [linear(activation="sigmoid")],
    "sigmoid by an operation": [linear(), keras.ops.sigmoid],
}


@pytest.mark.parametrize("ends", ENDS)
def test_probabilities_are_what_the_model_says(ends):
    model = functional(*body(), gap(), *ENDS[ends])
    scores, _ = explain(model, IMAGES, verbose=False)
    own = np.asarray(model(IMAGES))
    expected = cam.softmax(own) if ends == "logits" else own
    np.testing.assert_allclose(probabilities(model, scores), expected, atol=1e-6)


def test_a_single_logit_is_read_as_that_of_a_sigmoid():
    model = functional(*body(), gap(), linear(1))
    np.testing.assert_allclose(probabilities(model, [[0.0], [np.log(3)]]), [[0.5], [0.75]], atol=1e-6)


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_pictures_as_they_are_where_the_model_rescales_them(nested):
    body = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    x = images = keras.Input((12, 12, 3))
    model = keras.Model(images, body(x)) if nested else body
    pictures = (IMAGES * 255).astype("uint8")
    for got, expected in zip(explain(model, pictures), explain(model, pictures.astype("float32"))):
        np.testing.assert_array_equal(got, expected)


def test_a_layer_that_rescales_behind_the_first_convolution_is_too_late():
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    with refused("uint8", "no layer that rescales", error=TypeError):
        explain(model, (IMAGES * 255).astype("uint8"))


# --- found by looking for siblings of known faults ---------------------------------------------


def test_a_model_isn_t_blamed_on_images_that_float32_can_t_hold(model):
    with refused("NaN, infinite"):
        explain(model, np.full((1, 12, 12, 3), 1e300))


def test_pictures_of_two_sizes_are_no_batch(model):
    with refused("images can't be one array", "same shape"):
        explain(model, [IMAGES[0], IMAGES[0][:, :5]])


def test_a_model_that_takes_whole_numbers_takes_pictures():
    def steps(x):
        x = keras.ops.cast(x, "float32")
        return layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(x)))

    images = keras.Input((12, 12, 3), dtype="uint8")
    takes_uint8 = keras.Model(images, steps(images))
    pictures = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
    scores, _ = explain(takes_uint8, pictures, verbose=False)
    np.testing.assert_allclose(scores, takes_uint8(pictures), rtol=1e-4)


def test_a_failed_question_leaves_a_sequential_as_it_was():
    model = keras.Sequential(
        [layers.Conv2D(4, 3), layers.MaxPooling2D(8), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    with refused("fails when it is called"):
        explain(model, np.zeros((1, 6, 6, 3), np.float32))
    scores, _ = explain(model, np.zeros((3, 40, 40, 3), np.float32), verbose=False)
    assert scores.shape == (3, 2) and model.input_shape == (None, 40, 40, 3)


def test_channels_first_is_said_before_the_images_are_blamed():
    first = {"data_format": "channels_first"}
    model = keras.Sequential(
        [
            keras.Input((3, 12, 12)),
            layers.Conv2D(4, 3, **first),
            layers.GlobalAveragePooling2D(**first),
            layers.Dense(2),
        ]
    )
    with refused("channels first"):
        explain(model, IMAGES)


def test_a_model_of_flat_inputs_is_told_what_is_expected():
    flat = keras.Input((432,))
    x = layers.Conv2D(4, 3)(layers.Reshape((12, 12, 3))(flat))
    model = keras.Model(flat, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    with refused("takes inputs of shape (None, 432)", "expected pictures"):
        explain(model, IMAGES)


def test_one_softmax_alone_is_always_sure():
    images = keras.Input((12, 12, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(images))
    with warnings.catch_warnings(action="ignore"):  # Keras warns of such a model, too
        model = keras.Model(images, layers.Dense(1, activation="softmax")(x))
    scores, _ = explain(model, IMAGES, verbose=False)
    np.testing.assert_array_equal(probabilities(model, scores), 1)
