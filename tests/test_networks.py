"""The course's networks and their training, in miniature."""

from course_utils import cam, networks, training
from course_utils.datasets import mnist, wheels
from course_utils.explain import explain, find_head

import keras
import numpy as np
import pytest
from checks import refused

DIGITS = mnist.load("embedded")
X, Y = DIGITS.x_train[:60], DIGITS.y_train[:60]


# --- the network of notebook 03 --------------------------------------------------------------


@pytest.fixture(scope="module")
def net():
    return networks.digit_net()


def test_digit_net_is_the_network_of_the_lecture(net):
    assert net.count_params() == 18_944 == sum(w.size for w in net.get_weights())
    assert [layer.name for layer in net.layers] == [
        "images",
        "conv_1",
        "pool_1",
        "conv_2",
        "feature_maps",
        "gap",
        "class_scores",
    ]
    assert net.input_shape == (None, 28, 28, 1) and net.output_shape == (None, 2)
    assert net.get_layer("feature_maps").output.shape == (None, 7, 7, 64)
    assert not net.get_layer("class_scores").use_bias


def test_digit_net_ends_in_logits(net):
    scores = np.asarray(net(10 * X[:8]))
    assert net.get_layer("class_scores").activation is keras.activations.linear
    assert (scores < 0).any() or (scores > 1).any() or np.abs(scores.sum(axis=1) - 1).max() > 0.01


def test_digit_net_has_a_class_activation_map(net):
    assert find_head(net)[:3] == ("feature_maps", "gap", "class_scores")
    scores, cams = explain(net, X[:3], verbose=False)
    assert cams.shape == (3, 7, 7, 2) and cam.identity_gap(cams, scores) < 1e-5


@pytest.mark.parametrize(
    "image_size, n_classes, cells, parameters", [(4, 2, 1, 18_944), (28, 10, 7, 19_456), (57, 3, 14, 19_008)]
)
def test_digit_net_of_other_sizes(image_size, n_classes, cells, parameters):
    net = networks.digit_net(image_size, n_classes)
    assert net.get_layer("feature_maps").output.shape == (None, cells, cells, 64)
    assert net.output_shape == (None, n_classes) and net.count_params() == parameters


@pytest.mark.parametrize("image_size", [3, 0, -28])
def test_digit_net_too_small(image_size):
    with refused("image_size", image_size, "at least 4"):
        networks.digit_net(image_size)


def test_the_shipped_digit_net_tells_sevens_from_nines(net):
    shipped = networks.digit_net(trained=True)
    scores = shipped.predict(DIGITS.x_test, verbose=0)
    assert training.accuracy(scores, DIGITS.y_test) > 0.97
    assert not np.array_equal(shipped.get_weights()[0], net.get_weights()[0])
    with refused("n_classes is 10", "two classes"):
        networks.digit_net(n_classes=10, trained=True)


# --- the network of notebook 08 --------------------------------------------------------------

WHEELS = wheels.load().train
Z = (WHEELS.frequencies - WHEELS.frequencies.mean()) / WHEELS.frequencies.std()
MAPS = Z[:, None, None] + WHEELS.sensitivities / WHEELS.sensitivities.std()


def test_wheel_net_gives_one_number_and_its_map():
    net = networks.wheel_net()
    numbers, maps = explain(net, WHEELS.images[:3], 0, verbose=False)
    assert numbers.shape == (3, 1) and maps.shape == (3, 16, 16)
    bias = net.get_layer("class_scores").bias.numpy()
    np.testing.assert_allclose(maps.mean(axis=(1, 2)) + bias, numbers[:, 0], atol=1e-5)


def test_wheel_net_keeps_its_maps_in_place():
    net = networks.wheel_net()
    spot = np.zeros((1, 64, 64, 1), np.float32)
    spot[0, 24:40, 24:40] = 255  # in the middle: whatever the weights, the maps lie about the middle
    changed = (explain(net, spot, 0, verbose=False)[1] != explain(net, 0 * spot, 0, verbose=False)[1])[0]
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    assert rows[0] + rows[-1] == columns[0] + columns[-1] == 15


@pytest.mark.slow
def test_numbers_are_learned_and_so_are_maps():
    keras.utils.set_random_seed(0)
    few, net = slice(0, 128), networks.wheel_net()
    history = training.train_on_numbers(
        net, WHEELS.images[few], Z[few], maps=MAPS[few], epochs=6, progress=False
    )
    loss = history.history["loss"]
    assert len(loss) == 6 and loss[-1] < 0.5 * loss[0]
    numbers, maps = explain(net, WHEELS.images[few], 0, verbose=False)
    likeness = np.mean(
        [np.corrcoef(m.ravel(), s.ravel())[0, 1] for m, s in zip(maps, WHEELS.sensitivities[few])]
    )
    assert likeness > 0.5
    assert net.output_shape == (None, 1), "the output for the map belongs to the training only"


def test_batches_turn_pictures_and_maps_alike_and_leave_none_out():
    pictures = np.arange(7 * 4 * 4, dtype=np.float32).reshape(7, 4, 4, 1)
    numbers, maps = np.arange(7, dtype=np.float32), 10 * pictures
    seen, ways = [], set()
    for batch, (x, (y, m)) in enumerate(training._turned_batches(pictures, [numbers, maps], 3)):
        x, y, m = x.numpy(), y.numpy(), m.numpy()
        np.testing.assert_array_equal(m, 10 * x)
        fits = [how for how in range(8) if np.array_equal(x, wheels.turned(pictures[y.astype(int)], how))]
        assert len(fits) == 1
        ways.update(fits), seen.extend(y)
        if batch == 20:
            break
    assert len(ways) == 8
    assert all(sorted(seen[i : i + 7]) == list(range(7)) for i in range(0, 49, 7)), (
        "each epoch shows every picture once"
    )


@pytest.mark.parametrize(
    "changes, fragments",
    [
        (dict(images=WHEELS.images[:3]), ["(3, 64, 64, 1)", "(4,)", "one number"]),
        (dict(images=WHEELS.images[:0], numbers=Z[:0]), ["some of each"]),
        (dict(numbers=Z[:4, None]), ["(4, 1)"]),
        (dict(numbers=np.array([0, 1, np.nan, 2])), ["NaN"]),
        (dict(maps=MAPS[:4, :8]), ["(4, 8, 16)", "(N, 16, 16)"]),
        (dict(maps=MAPS[:3]), ["(3, 16, 16)", "one map"]),
        (dict(epochs=0), ["epochs is 0"]),
    ],
    ids=["fewer images", "nothing", "column", "NaN", "grid", "fewer maps", "no epochs"],
)
def test_bad_numbers_and_maps(changes, fragments):
    given = dict(images=WHEELS.images[:4], numbers=Z[:4], epochs=1, progress=False)
    with refused(*fragments):
        training.train_on_numbers(networks.wheel_net(), **{**given, **changes})


def test_a_network_of_classes_learns_no_numbers():
    with refused("(2,)", "a single number"):
        training.train_on_numbers(networks.digit_net(), X[:4], Z[:4], epochs=1)


# --- training --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    net = networks.digit_net()
    return net, training.train(net, X, Y, epochs=14, batch_size=20, progress=False)


def test_training_lowers_the_loss_and_finds_the_digits(trained):
    net, history = trained
    loss = history.history["loss"]
    assert len(loss) == 14 and loss[-1] < 0.5 * loss[0]
    assert training.accuracy(np.asarray(net(X)), Y) > 0.9


def test_training_ends_on_logits_with_the_learning_rate_at_zero(trained):
    net, _ = trained
    assert int(net.optimizer.iterations) == 14 * 3
    assert float(net.optimizer.learning_rate) < 1e-6
    assert net.loss.from_logits if hasattr(net.loss, "from_logits") else net.loss.get_config()["from_logits"]
    scores = np.asarray(net(X))
    by_hand = -np.log(cam.softmax(scores.astype(float))[np.arange(len(Y)), Y]).mean()
    assert float(net.evaluate(X, Y, verbose=0)[0]) == pytest.approx(by_hand, rel=1e-3, abs=1e-5)


def test_one_cycle_rises_and_falls(trained):
    schedule = trained[0].optimizer._learning_rate
    rates = np.array([float(schedule(step)) for step in range(42)])
    peak = int(rates.argmax())
    assert rates.max() == pytest.approx(4e-2, rel=0.05) and 42 * 0.2 < peak < 42 * 0.4
    assert (np.diff(rates[: peak + 1]) > 0).all() and (np.diff(rates[peak:]) < 0).all()
    assert rates[0] < rates.max() / 10


def test_the_progress_bar_can_be_left_out(trained, capfd):
    net = networks.digit_net()
    training.train(net, X[:8], Y[:8], epochs=1, progress=False)
    assert capfd.readouterr() == ("", "")
    training.train(net, X[:8], Y[:8], epochs=1)
    line, bar = capfd.readouterr()
    assert "1/1" in bar and line.startswith("1 epoch, ") and line.endswith(" s\n")


def test_a_single_step_is_enough():
    history = training.train(networks.digit_net(), X[:4], Y[:4], epochs=1, progress=False)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize(
    "images, labels, epochs, fragments",
    [
        (X[:5], Y[:4], 1, ["5 images", "4 labels", "one label an image"]),
        (X[:0], Y[:0], 1, ["0 images", "0 labels", "some of both"]),
        (X[:5], Y[:5], 0, ["epochs is 0", "at least 1"]),
        (X[:5], Y[:5], -1, ["epochs is -1", "at least 1"]),
        (X[:5], np.array([7, 9, 7, 9, 7]), 1, ["labels", "from 7 to 9", "0 to 1"]),
        (X[:5], -Y[:5] - 1, 1, ["labels", "to -1", "0 to 1"]),
        (X[:5], np.eye(2)[Y[:5]], 1, ["labels", "(5, 2)", "one whole number an image"]),
        (X[:5], Y[:5] + 0.5, 1, ["labels", "float64", "one whole number an image"]),
    ],
    ids=[
        "fewer labels",
        "nothing",
        "no epochs",
        "negative epochs",
        "digits as labels",
        "negative",
        "one-hot",
        "floats",
    ],
)
def test_bad_training_data(net, images, labels, epochs, fragments):
    before = net.get_weights()
    with refused(*fragments):
        training.train(net, images, labels, epochs)
    assert all(np.array_equal(a, b) for a, b in zip(net.get_weights(), before))


# --- accuracy --------------------------------------------------------------------------------


def test_accuracy_is_the_share_of_right_answers():
    scores = np.array([[2, 1], [0, 1], [5, -5], [-2, -1.0]])
    assert training.accuracy(scores, np.array([0, 1, 0, 1])) == 1
    assert training.accuracy(scores, np.array([0, 1, 1, 1])) == 0.75
    assert training.accuracy(scores, np.array([1, 0, 1, 0])) == 0
    assert training.accuracy(scores.tolist(), [0, 1, 0, 0]) == 0.75
    assert type(training.accuracy(scores, np.zeros(4))) is float


@pytest.mark.parametrize(
    "scores, labels",
    [
        (np.ones((4, 2)), np.ones((4, 1))),
        (np.ones((4, 2)), np.ones(3)),
        (np.ones(4), np.ones(4)),
        (np.ones((4, 2)), 1),
        (np.ones((0, 2)), np.ones(0)),
    ],
    ids=["column", "fewer", "one axis", "one", "none"],
)
def test_accuracy_of_what_does_not_fit(scores, labels):
    with refused(
        f"class_scores has shape {np.shape(scores)}", f"labels {np.shape(labels)}", "(B, C) and (B,)"
    ):
        training.accuracy(scores, labels)
