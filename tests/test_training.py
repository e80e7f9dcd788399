"""Backbones, freezing, features computed once, and training on them, mostly in miniature."""

import functools
import signal

from course_utils import cam, networks, training
from course_utils.explain import explain, find_head
from course_utils.machine import fetch
from course_utils.networks import freeze, gap_classifier, split_at_frozen
from course_utils.training import cached_features, fit

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import refused

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (22, 8, 8, 3)).astype(np.float32)
Y = np.arange(22) % 2
X[Y == 1, :4] *= 0.6


def batches(x=X, y=Y, size=4):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(size)


DATA, VALID = batches(X[:14], Y[:14]), batches(X[14:], Y[14:])
WHOLE = batches(X[:14], Y[:14], 14)  # one batch: in whatever order its images come, its gradient is the same
# Three labels of eight are wrong: what is learnt soon does harm here, after two epochs of six at this rate.
MISLABELLED, RATE = batches(X[14:], np.array([0, 1, 1, 0, 0, 0, 0, 1])), 6.0


def net(seed=0, dropout=0.0):
    """A gap_classifier in miniature: seven layers of backbone, 8x8 pixels -> 4x4 cells of 6 maps."""
    keras.utils.set_random_seed(seed)
    x = images = keras.Input((None, None, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescaling")(x)
    for i in (1, 2):
        x = keras.layers.Conv2D(6, 3, padding="same", name=f"conv_{i}")(x)
        x = keras.layers.BatchNormalization(name=f"norm_{i}")(x)
        x = keras.layers.MaxPooling2D(name="pool")(x) if i == 1 else keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Identity(name="feature_maps")(x)
    x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x) if dropout else x
    return keras.Model(images, keras.layers.Dense(2, name="class_scores")(x), name="tiny")


def by_keras(model, data=WHOLE, valid=VALID, epochs=4, optimizer="rmsprop"):
    """What everybody writes: all layers in every epoch."""
    model.compile(
        optimizer, metrics=["accuracy"], loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model.fit(data, validation_data=valid, epochs=epochs, shuffle=False, verbose=0).history


def quietly(model, data=WHOLE, valid=VALID, **kwargs):
    return fit(model, data, valid, **{"progress": False, "dtype": "float32", "epochs": 4, **kwargs})


@functools.cache
def expected(train_last, optimizer="rmsprop", epochs=4, valid=True):
    """The losses that everybody gets; train_last None freezes nothing."""
    model = net() if train_last is None else freeze(net(), train_last)
    return by_keras(model, valid=VALID if valid else None, optimizer=optimizer, epochs=epochs)


def same(a, b, tolerance=1e-4):
    assert a.keys() == b.keys() and len(a["loss"]) > 0
    for key in a:
        np.testing.assert_allclose(a[key], b[key], atol=tolerance)


@pytest.fixture
def passes(monkeypatch):
    """A list that grows by one with every batch that goes through a network outside training."""
    seen, predict = [], keras.Model.predict_on_batch
    monkeypatch.setattr(
        keras.Model, "predict_on_batch", lambda model, x: seen.append(len(x)) or predict(model, x)
    )
    return seen


# --- backbones -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifiers():
    return {name: gap_classifier(name, weights=None) for name in networks.BACKBONES}


@pytest.mark.parametrize(
    "name, parameters, cells, large, maps",
    [
        ("vgg16", 14_714_688, 14, 64, 512),
        ("mobilenet", 1_832_976, 7, 32, 768),
        ("small", 209_520, 14, 64, 80),
        ("photos", 469984, 14, 64, 120),
    ],
)
def test_backbones_have_the_known_sizes(classifiers, name, parameters, cells, large, maps):
    model = classifiers[name]
    assert model.count_params() == parameters + 2 * maps + 2
    assert model.input_shape == (None, None, None, 3) and model.output_shape == (None, 2)
    base = keras.Model(model.input, model.get_layer("feature_maps").output)
    assert base.compute_output_shape((1, 224, 224, 3)) == (1, cells, cells, maps)
    assert base.compute_output_shape((1, 1024, 1024, 3)) == (1, large, large, maps)


@pytest.mark.parametrize("name", networks.BACKBONES)
def test_classifiers_are_flat_and_named(classifiers, name):
    model = classifiers[name]
    assert not any(hasattr(layer, "layers") for layer in model.layers)
    assert [layer.name for layer in model.layers][-3:] == ["feature_maps", "gap", "class_scores"]
    assert find_head(model)[:3] == ("feature_maps", "gap", "class_scores")
    assert isinstance(model.layers[1], keras.layers.Rescaling)


def test_a_class_activation_map_adds_up_to_the_score(classifiers):
    images = RNG.uniform(0, 255, (2, 64, 96, 3)).astype(np.float32)
    scores, cams = explain(classifiers["small"], images, verbose=False)
    assert cams.shape == (2, 4, 6, 2)
    bias = classifiers["small"].get_layer("class_scores").get_weights()[1]
    assert cam.identity_gap(cams, scores, bias) < 1e-5


def test_small_backbone_fits_into_a_megabyte():
    model = networks.small_backbone()
    assert sum(w.nbytes for w in model.get_weights()) < 1e6
    assert model.compute_output_shape((None, 96, 96, 3)) == (None, 6, 6, 80)
    blocks = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [name[:6] for name in blocks] == [
        "block1",
        "block2",
        "block3",
        "block3",
        "block4",
        "block4",
        "block5",
        "block5",
    ]


def test_the_shipped_weights_are_loaded():
    file = networks.WEIGHTS / "small_backbone.weights.h5"
    assert file.stat().st_size < 1e6
    trained, fresh = networks.backbone("small"), networks.small_backbone()
    fresh.load_weights(file)
    assert all(np.array_equal(a, b) for a, b in zip(trained.get_weights(), fresh.get_weights()))
    assert np.abs(trained.get_layer("block5_norm2").get_weights()[2]).max() > 0  # it has seen pictures


def test_small_rescales_inside(classifiers):
    base = keras.Model(classifiers["small"].input, classifiers["small"].get_layer("rescaling").output)
    np.testing.assert_allclose(base(np.float32([[[[0, 127.5, 255]]]])), [[[[-1, 0, 1]]]], atol=1e-6)


@pytest.mark.slow
def test_vgg16_on_rgb_in_0_255_is_keras_vgg16_on_its_own_preprocessing(monkeypatch, tmp_path):
    theirs = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    theirs.save_weights(tmp_path / "vgg16.weights.h5")
    monkeypatch.setattr(fetch, "flaw", lambda name: None)
    monkeypatch.setattr(fetch, "weights_path", lambda name: tmp_path / "vgg16.weights.h5")
    # Random weights are no legacy file by layer order, so they are given by name.
    ours = networks.backbone("vgg16", weights=None)
    for layer in theirs.layers:
        if layer.weights and layer.name == "block1_conv1":
            kernel, bias = layer.get_weights()
            ours.get_layer(layer.name).set_weights([kernel[:, :, ::-1], bias])
        elif layer.weights:
            ours.get_layer(layer.name).set_weights(layer.get_weights())
    images = RNG.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    cut = keras.Model(theirs.input, theirs.get_layer("block5_conv3").output)
    expected = np.asarray(cut(keras.applications.vgg16.preprocess_input(images.copy())))
    np.testing.assert_allclose(ours(images), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.real_data
def test_mobilenet_on_0_255_is_keras_mobilenet_on_its_own_preprocessing(real_data, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(real_data / "keras_home"))
    file = fetch.weights_path("mobilenet")
    theirs = keras.applications.MobileNet(
        alpha=0.75, include_top=False, weights=file, input_shape=(96, 96, 3)
    )
    images = RNG.uniform(0, 255, (2, 96, 96, 3)).astype(np.float32)
    expected = np.asarray(theirs(keras.applications.mobilenet.preprocess_input(images.copy())))
    np.testing.assert_allclose(networks.backbone("mobilenet")(images), expected, atol=1e-4)
    assert (
        networks.available_backbone("tfds") == "mobilenet"
        and networks.available_backbone("embedded") == "small"
    )


@pytest.mark.parametrize(
    "ready, source, expected",
    [
        ({"mobilenet", "vgg16"}, "tfds", "mobilenet"),
        ({"vgg16"}, "tfds", "vgg16"),
        (set(), "tfds", "small"),
        (set(), "own", "photos"),
        ({"mobilenet", "vgg16"}, "embedded", "small"),
    ],
)
def test_the_best_backbone_that_is_here(monkeypatch, ready, source, expected):
    monkeypatch.setattr(fetch, "weights_ready", lambda name: name in ready)
    assert networks.available_backbone(source) == expected


@pytest.mark.parametrize("name", ["vgg16", "mobilenet"])
def test_missing_weights_say_what_to_run_and_what_runs_meanwhile(name):
    with refused(
        name,
        "aren't on this machine yet",
        f"`python -m course_utils fetch {name}`",
        'backbone("photos")',
        error=FileNotFoundError,
    ):
        gap_classifier(name)


def test_torn_weights_say_so(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    fetch.weights_path("mobilenet").parent.mkdir()
    fetch.weights_path("mobilenet").write_bytes(b"torn")
    with refused("4 bytes and should have 7,623,200", "fetch mobilenet", error=FileNotFoundError):
        networks.backbone("mobilenet")


def test_our_own_weights_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(networks, "WEIGHTS", tmp_path)
    with refused("small_backbone.weights.h5", "git checkout", "weights=None", error=FileNotFoundError):
        networks.backbone("small")


@pytest.mark.parametrize(
    "call, fragments",
    [
        (lambda: networks.backbone("vgg19"), ["'vgg19'", "vgg16, mobilenet, photos, small"]),
        (lambda: gap_classifier(None), ["None", "vgg16, mobilenet, photos, small"]),
        (lambda: networks.backbone("small", weights="imagenet"), ["'imagenet'", '"auto"', "None"]),
        (lambda: gap_classifier("small", n_classes=0), ["n_classes is 0", "at least 1"]),
        (lambda: gap_classifier("small", n_classes=2.0), ["n_classes is 2.0", "whole number"]),
        (lambda: gap_classifier("small", dropout=1), ["dropout is 1", "less than 1"]),
        (lambda: networks.available_backbone("auto"), ["'auto'", "own"]),
    ],
)
def test_bad_wishes(call, fragments):
    with refused(*fragments):
        call()


# --- freezing and cutting --------------------------------------------------------------------


def trainable(model):
    return [layer.name for layer in model.layers if layer.trainable_weights]


def test_the_seeds_last_four_layers_of_vgg16_are_block_5(classifiers):
    model = freeze(classifiers["vgg16"], train_last=4)
    assert trainable(model) == ["block5_conv1", "block5_conv2", "block5_conv3", "class_scores"]
    frozen_part, trainable_part = split_at_frozen(model)
    assert frozen_part.layers[-1].name == "block4_pool"
    assert trainable_part.input_shape == (None, None, None, 512)


def test_head_only_is_the_default_and_can_be_come_back_to():
    model = net()
    assert trainable(freeze(model)) == ["class_scores"]
    assert trainable(freeze(model, 3)) == ["conv_2", "class_scores"]
    assert trainable(freeze(model, 7)) == ["conv_1", "conv_2", "class_scores"]
    assert freeze(model) is model and trainable(model) == ["class_scores"]


@pytest.mark.slow
def test_batch_normalisation_stays_in_inference_mode():
    model = freeze(net(), 7)
    before = [layer.get_weights() for layer in model.layers if "norm" in layer.name]
    assert len(before) == 2
    quietly(model)
    after = [layer.get_weights() for layer in model.layers if "norm" in layer.name]
    np.testing.assert_equal(after, before)
    np.testing.assert_allclose(model(X, training=True), model(X, training=False), atol=1e-6)


@pytest.mark.parametrize(
    "train_last, last_frozen, first_trained",
    [(0, "gap", "class_scores"), (2, "gap", "class_scores"), (3, "pool", "conv_2"), (6, "rescaling", None)],
)
def test_the_cut_is_as_far_back_as_it_can_be(train_last, last_frozen, first_trained):
    model = freeze(net(), train_last)
    frozen_part, trainable_part = split_at_frozen(model)
    if first_trained is None:  # a cut would have nothing but the rescaling in front of it
        assert frozen_part is None and trainable_part is model
        return
    assert frozen_part.layers[-1].name == last_frozen
    assert trainable_part.layers[1] is model.get_layer(first_trained)
    np.testing.assert_allclose(trainable_part(frozen_part(X)), model(X), atol=1e-6)


def test_what_is_random_is_done_anew_every_time():
    frozen_part, trainable_part = split_at_frozen(freeze(net(dropout=0.5)))
    assert frozen_part.layers[-1].name == "gap"
    assert [layer.name for layer in trainable_part.layers[1:]] == ["dropout", "class_scores"]


def test_cutting_leaves_the_model_as_it_is():
    model = freeze(net())
    before = np.asarray(model(X)), [layer.name for layer in model.layers]
    for _ in range(2):
        split_at_frozen(model)
    assert np.array_equal(model(X), before[0]) and [layer.name for layer in model.layers] == before[1]
    assert explain(model, X, verbose=False)[1].shape == (22, 4, 4, 2)


def test_nothing_frozen():
    model = net()
    assert split_at_frozen(model) == (None, model)


def test_all_frozen():
    model = net()
    model.trainable = False
    with refused("All of model 'tiny' is frozen", "freeze(model)"):
        split_at_frozen(model)
    with refused("All of model 'tiny' is frozen"):
        fit(model, DATA)


def test_a_network_that_branches():
    images = keras.Input((8, 8, 3))
    a, b = (keras.layers.Conv2D(2, 1, name=name)(images) for name in "ab")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add(name="sum")([a, b]))
    model = keras.Model(images, keras.layers.Dense(2)(x), name="forked")
    model.get_layer("a").trainable = False
    with refused("'forked' branches at layer", "plain chain"):
        split_at_frozen(model)


@pytest.mark.slow
def test_a_frozen_part_may_branch():
    """As the residual blocks of `photo_net`, a learner's backbone where nothing was fetched."""
    model = freeze(gap_classifier("photos"))
    frozen_part, trainable_part = split_at_frozen(model)
    assert frozen_part.layers[-1].name == "gap"
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype("float32")
    np.testing.assert_allclose(trainable_part(frozen_part(pictures)), model(pictures), atol=1e-5)
    with refused("branches at layer", "freeze all but the head"):
        split_at_frozen(freeze(model, train_last=4))


@pytest.mark.parametrize("train_last", [8, -1, 2.0, True, None])
def test_freezing_what_is_not_there(train_last):
    with refused(f"train_last is {train_last!r}", "0 to 7", "'tiny'"):
        freeze(net(), train_last)


def test_freezing_another_kind_of_network():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="dense")
    with refused("'dense' has no layer 'feature_maps'", "gap_classifier"):
        freeze(model)


# --- features --------------------------------------------------------------------------------


def frozen(seed=0):
    return split_at_frozen(freeze(net(seed), 3))[0]


def compute(part, data=DATA, dtype="float32"):
    return cached_features(part, data, dtype, progress=False)


def test_features_are_what_the_network_says_in_the_datas_order():
    part = frozen()
    x, y = compute(part)
    assert x.dtype == np.float32 and x.shape == (14, 4, 4, 6) and np.array_equal(y, Y[:14])
    np.testing.assert_allclose(x, part(X[:14]), atol=1e-6)
    assert not x.flags.writeable


def test_half_precision_is_close_and_half_the_size():
    part = frozen()
    full, half = compute(part).x, cached_features(part, DATA, progress=False).x
    assert half.dtype == np.float16 and half.nbytes == full.nbytes / 2
    np.testing.assert_allclose(half, full, rtol=5e-4, atol=1e-6)


def test_batches_may_differ_in_size():
    part = frozen()
    x, y = compute(part, batches(X[:5], Y[:5], 5).concatenate(batches(X[5:14], Y[5:14], 8)))
    np.testing.assert_allclose(x, compute(part).x, atol=1e-6)
    assert np.array_equal(y, Y[:14])


def test_images_with_nan():
    images = X.copy()
    images[13, 0, 0] = np.nan
    with refused("Batch 3", "NaN or infinite"):
        compute(frozen(), batches(images[:14], Y[:14]))


def test_too_little_room_is_said_before_it_is_too_late(monkeypatch, passes):
    monkeypatch.setattr(training, "RESERVE", 10**18)
    with pytest.raises(MemoryError, match="need .* more in memory, .* take fewer images"):
        compute(frozen())
    assert passes == [4]


def test_training_on_kept_features_uses_no_generator():
    # TensorFlow 2.21's generators change malloc for the whole process, which doubles the time of all that
    # follows.
    batches = training._batches(training.Features(np.zeros((5, 3), np.float16), np.arange(5)), 2, True)
    graph = tf.raw_ops.DatasetToGraphV2(
        input_dataset=batches._variant_tensor, external_state_policy=1
    ).numpy()
    assert b"RangeDataset" in graph and b"GeneratorDataset" not in graph


def test_shuffled_data_are_taken_from_one_pass():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(22, seed=1).batch(4)
    part = frozen()
    with pytest.warns(UserWarning, match="differ from one pass to the next"):
        x, y = compute(part, data)
    order = [int(np.abs(part(X) - row).reshape(22, -1).sum(1).argmin()) for row in x]
    assert sorted(order) == list(range(22)) and np.array_equal(y, Y[order])


def test_features_too_large_for_half_precision():
    part = frozen()
    kernel, bias = part.get_layer("conv_1").get_weights()
    part.get_layer("conv_1").set_weights([kernel * 1e6, bias])
    with refused("more than float16 can hold", 'dtype="float32"'):
        compute(part, dtype="float16")
    assert np.isfinite(compute(part).x).all()


@pytest.mark.parametrize("dtype", ["float64", "int8", np.float16, None])
def test_other_precisions(dtype):
    with refused(f"dtype is {dtype!r}", '"float16" or "float32"'):
        compute(frozen(), dtype=dtype)


# --- training --------------------------------------------------------------------------------


@pytest.mark.parametrize("train_last", [3, pytest.param(0, marks=pytest.mark.slow)])
def test_cached_and_uncached_training_have_equal_losses(train_last):
    history = quietly(freeze(net(), train_last))
    same(history.history, expected(train_last))
    assert history.epoch == [0, 1, 2, 3]


@pytest.mark.slow
def test_data_sorted_by_class_are_learnt_as_shuffled_ones():
    x = RNG.integers(0, 256, (200, 8, 8, 3)).astype(np.float32)
    y = np.repeat([0, 1], 100)
    x[y == 1, :4] *= 0.8
    mixed = RNG.permutation(200)
    how = {"valid": None, "epochs": 8, "optimizer": keras.optimizers.Adam(0.03)}
    losses = [
        quietly(freeze(net()), data, **how).history["loss"][-1]
        for data in (batches(x, y, 10), batches(x[mixed], y[mixed], 10))
    ]
    assert losses[0] == pytest.approx(losses[1], abs=0.02)


def test_every_epoch_has_another_order_and_every_image_its_label():
    kept = training.Features(np.arange(10, dtype=np.float16)[:, None], np.arange(10))
    data = training._batches(kept, 4, shuffle=True)
    epochs = []
    for _ in range(3):
        x, y = (np.concatenate(part) for part in zip(*data.as_numpy_iterator()))
        assert np.array_equal(x[:, 0], y) and sorted(y) == list(range(10))
        epochs.append(tuple(y))
    assert len(set(epochs)) == 3


@pytest.mark.slow
def test_cached_and_uncached_training_end_at_equal_weights():
    ours, theirs = freeze(net(), 3), freeze(net(), 3)
    before = ours.get_weights()
    quietly(ours, valid=None)
    by_keras(theirs, valid=None)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-5)
    changed = [w.path for w, old in zip(ours.weights, before) if not np.array_equal(w, old)]
    assert changed == ["conv_2/kernel", "conv_2/bias", "class_scores/kernel", "class_scores/bias"]


@pytest.mark.slow
def test_half_precision_trains_alike():
    same(quietly(freeze(net(), 3), dtype="float16").history, expected(3), tolerance=5e-3)


@pytest.mark.slow
def test_with_nothing_frozen_it_trains_end_to_end(passes):
    model = net()
    same(quietly(model).history, expected(None))
    assert passes == [] and len(trainable(model)) == 5


def test_frozen_layers_run_once_a_training(passes):
    model = freeze(net())
    quietly(model, DATA, epochs=5)
    assert passes == [4, 4, 4, 2, 4, 4]


@pytest.mark.slow
def test_training_is_deterministic():
    a, b = (quietly(freeze(net(dropout=0.5), 3), DATA, epochs=3).history for _ in range(2))
    assert a == b


def overfitted(model, **kwargs):
    return quietly(
        model, WHOLE, MISLABELLED, **{"epochs": 6, "optimizer": keras.optimizers.SGD(RATE), **kwargs}
    )


@functools.cache
def overfitting():
    return overfitted(freeze(net())).history["val_loss"]


def test_the_best_weights_are_kept():
    model = freeze(net())
    losses = overfitted(model).history["val_loss"]
    assert len(losses) == 6 and np.argmin(losses) == 1 and losses[-1] > losses[1] + 0.01
    assert model.evaluate(MISLABELLED, verbose=0)[0] == pytest.approx(losses[1], abs=1e-5)


@pytest.mark.slow
def test_without_validation_the_last_weights_stay():
    model = freeze(net())
    history = quietly(model, valid=None)
    same(history.history, expected(0, valid=False))
    theirs = freeze(net())
    by_keras(theirs, valid=None)
    np.testing.assert_allclose(model(X), theirs(X), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.Adam()], ids=["name", "object"])
def test_an_optimizer_can_serve_twice(optimizer):
    for train_last in (0, 3):
        same(quietly(freeze(net(), train_last), optimizer=optimizer).history, expected(train_last, "adam"))
    assert isinstance(optimizer, str) or not optimizer.built


@pytest.mark.slow
def test_a_schedule_survives():
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    same(
        quietly(freeze(net()), optimizer=keras.optimizers.SGD(rate)).history,
        by_keras(freeze(net()), optimizer=keras.optimizers.SGD(rate)),
    )


def test_progress_is_shown_or_not(capfd):
    fit(freeze(net()), DATA, epochs=2, progress=False)
    assert capfd.readouterr() == ("", "")
    fit(freeze(net(1)), DATA, epochs=2)
    shown = capfd.readouterr().err
    assert "frozen layers, once" in shown and "/2 [" in shown and "loss=" in shown


# --- stopping -------------------------------------------------------------------


class Disturbance(keras.callbacks.Callback):
    """Does something in the first batch of an epoch, counted from 1."""

    def __init__(self, epoch, what):
        super().__init__()
        self.at, self.what, self.epoch = epoch, what, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.at:
            self.what()


def disturbed(monkeypatch, epoch, what):
    monkeypatch.setattr(training, "_progress_bar", lambda epochs: [Disturbance(epoch, what)])


def interrupt():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started in the background ignores it
    signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_an_interrupt_keeps_the_best_weights(monkeypatch, capsys):
    model = freeze(net())
    disturbed(monkeypatch, 6, interrupt)
    losses = overfitted(model, progress=True).history["val_loss"]
    np.testing.assert_allclose(losses, overfitting()[:5], atol=1e-5)
    assert model.evaluate(MISLABELLED, verbose=0)[0] == pytest.approx(losses[1], abs=1e-5)
    assert (
        "Stopped after 5 of 6 epochs; the model has the weights of epoch 2, the best"
        in capsys.readouterr().out
    )


@pytest.mark.slow
def test_an_interrupt_end_to_end(monkeypatch, capsys):
    model = net()
    disturbed(monkeypatch, 4, interrupt)
    losses = quietly(model, progress=True).history["val_loss"]
    np.testing.assert_allclose(losses, expected(None)["val_loss"][:3], atol=1e-4)
    assert model.evaluate(VALID, verbose=0)[0] == pytest.approx(min(losses), abs=1e-5)
    assert "Stopped after 3 of 4" in capsys.readouterr().out


@pytest.mark.slow
def test_an_interrupt_in_the_first_epoch(monkeypatch, capsys):
    disturbed(monkeypatch, 1, interrupt)
    history = quietly(freeze(net()), progress=True)
    assert history.history == {} and history.epoch == []
    assert "Stopped after 0 of 4 epochs" in capsys.readouterr().out


# --- bad input -------------------------------------------------------------------------------


def every(images, labels):
    return True


def softmax_net():
    model = net()
    model.get_layer("class_scores").activation = keras.activations.softmax
    return model


@pytest.mark.parametrize(
    "data, error, fragments",
    [
        ((X, Y), TypeError, ["data is a tuple", "tf.data.Dataset", ".batch(32)"]),
        (X, TypeError, ["data is a ndarray", "tf.data.Dataset"]),
        (None, TypeError, ["data is a NoneType"]),
        (tf.data.Dataset.from_tensor_slices(X).batch(4), ValueError, ["pairs (images, labels)"]),
        (tf.data.Dataset.from_tensor_slices((X, Y)), ValueError, ["(8, 8, 3)", "data.batch(32)"]),
        (batches(X[..., 0], Y), ValueError, ["make batches first"]),
        (DATA.repeat(), ValueError, ["never ends", "take(n)"]),
        (DATA.filter(every), ValueError, ["hides its length", "assert_cardinality"]),
        (DATA.take(0), ValueError, ["is empty", "at least 1"]),
        (batches(X[..., :1], Y), ValueError, ["(4, 8, 8, 1)", "(B, any, any, 3)", "colour"]),
        (batches(X / 255, Y), ValueError, ["go from 0 to 1", "0..255"]),
        (batches(X / 127.5 - 1, Y), ValueError, ["go from -1 to 1", "0..255"]),
        (batches(X * 257, Y), ValueError, ["to 6.55e+04", "0..255"]),
        (batches(X * np.nan, Y), ValueError, ["go from nan to nan", "0..255"]),
        (batches(X, Y + 1), ValueError, ["labels of data", "from 1 to 2", "0 to 1", "'tiny'"]),
        (batches(X, np.where(np.arange(22) == 21, 2, Y)), ValueError, ["labels of data", "to 2", "0 to 1"]),
        (batches(X, Y - 1), ValueError, ["from -1"]),
        (batches(X, np.eye(2)[Y]), ValueError, ["labels of shape (4, 2)", "one whole number an image"]),
        (batches(X, Y + 0.5), ValueError, ["float64", "one whole number an image"]),
    ],
    ids=[
        "arrays",
        "images only",
        "none",
        "no labels",
        "no batches",
        "grey without channel",
        "endless",
        "unknown length",
        "empty",
        "grey",
        "0..1",
        "-1..1",
        "16 bit",
        "nan",
        "labels from 1",
        "last label",
        "negative",
        "one-hot",
        "floats",
    ],
)
@pytest.mark.parametrize("what", ["data", "valid"])
def test_data_that_cannot_be_trained_on(data, error, fragments, what):
    model = freeze(net())
    before = model.get_weights()
    if what == "valid" and data is None:
        return  # no validation is no mistake
    expected = [
        f.replace("data is", f"{what} is")
        .replace("data.batch", f"{what}.batch")
        .replace("of data", f"of {what}")
        for f in fragments
    ]
    with refused(*expected, error=error):
        fit(model, *(data,) if what == "data" else (DATA, data), progress=False)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before))


def test_labels_are_checked_without_a_frozen_part_too():
    with refused("labels of data", "to 2", "0 to 1"):
        fit(net(), batches(X, np.where(np.arange(22) == 21, 2, Y)), progress=False)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, True, None])
def test_bad_epochs(epochs):
    with refused(f"epochs is {epochs!r}", "at least 1"):
        fit(freeze(net()), DATA, epochs=epochs)


@pytest.mark.parametrize("optimizer", ["adamm", 3, object])
def test_bad_optimizers(optimizer):
    with refused("optimizer is", "adam"):
        fit(freeze(net()), DATA, optimizer=optimizer)


def test_probabilities_are_no_logits():
    with refused("'tiny' ends in probabilities", "logits", "'class_scores'"):
        fit(softmax_net(), DATA)
    model = net()
    model = keras.Model(model.input, keras.layers.Softmax(name="p")(model.output))
    with refused("ends in probabilities", "'p'"):
        fit(model, DATA)
