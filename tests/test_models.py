"""The course's networks and their training, in miniature."""

import numpy as np
import pytest
from checks import refused

from course_utils import cam, models
from course_utils.datasets import mnist
from course_utils.explain import explain, find_head

import keras  # after course_utils, which silences TensorFlow's greetings

DIGITS = mnist.load("embedded")
X, Y = DIGITS.x_train[:60], DIGITS.y_train[:60]


# --- the network of notebook 03 --------------------------------------------------------------


@pytest.fixture(scope="module")
def net():
    return models.digit_net()


def test_digit_net_is_the_network_of_the_lecture(net):
    assert net.count_params() == 18_944 == sum(w.size for w in net.get_weights())
    assert [layer.name for layer in net.layers] == [
        "images", "conv_1", "pool_1", "conv_2", "feature_maps", "gap", "class_scores"]
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


@pytest.mark.parametrize("image_size, n_classes, cells, parameters",
                         [(4, 2, 1, 18_944), (28, 10, 7, 19_456), (57, 3, 14, 19_008)])
def test_digit_net_of_other_sizes(image_size, n_classes, cells, parameters):
    net = models.digit_net(image_size, n_classes)
    assert net.get_layer("feature_maps").output.shape == (None, cells, cells, 64)
    assert net.output_shape == (None, n_classes) and net.count_params() == parameters


@pytest.mark.parametrize("image_size", [3, 0, -28])
def test_digit_net_too_small(image_size):
    with refused("image_size", image_size, "at least 4"):
        models.digit_net(image_size)


# --- training --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    net = models.digit_net()
    return net, models.train(net, X, Y, epochs=14, batch_size=20, progress=False)


def test_training_lowers_the_loss_and_finds_the_digits(trained):
    net, history = trained
    loss = history.history["loss"]
    assert len(loss) == 14 and loss[-1] < 0.5 * loss[0]
    assert models.accuracy(np.asarray(net(X)), Y) > 0.9


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
    assert (np.diff(rates[:peak + 1]) > 0).all() and (np.diff(rates[peak:]) < 0).all()
    assert rates[0] < rates.max() / 10


def test_the_progress_bar_can_be_left_out(trained, capfd):
    net = models.digit_net()
    models.train(net, X[:8], Y[:8], epochs=1, progress=False)
    assert capfd.readouterr() == ("", "")
    models.train(net, X[:8], Y[:8], epochs=1)
    assert "1/1" in capfd.readouterr().err


def test_a_single_step_is_enough():
    history = models.train(models.digit_net(), X[:4], Y[:4], epochs=1, progress=False)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("images, labels, epochs, fragments", [
    (X[:5], Y[:4], 1, ["5 images", "4 labels", "one label an image"]),
    (X[:0], Y[:0], 1, ["0 images", "0 labels", "some of both"]),
    (X[:5], Y[:5], 0, ["epochs is 0", "at least 1"]),
    (X[:5], Y[:5], -1, ["epochs is -1", "at least 1"]),
    (X[:5], np.array([7, 9, 7, 9, 7]), 1, ["labels", "from 7 to 9", "0 to 1"]),
    (X[:5], -Y[:5] - 1, 1, ["labels", "to -1", "0 to 1"]),
    (X[:5], np.eye(2)[Y[:5]], 1, ["labels", "(5, 2)", "one whole number an image"]),
    (X[:5], Y[:5] + 0.5, 1, ["labels", "float64", "one whole number an image"])],
    ids=["fewer labels", "nothing", "no epochs", "negative epochs", "digits as labels", "negative", "one-hot",
         "floats"])
def test_bad_training_data(net, images, labels, epochs, fragments):
    before = net.get_weights()
    with refused(*fragments):
        models.train(net, images, labels, epochs)
    assert all(np.array_equal(a, b) for a, b in zip(net.get_weights(), before))


# --- accuracy --------------------------------------------------------------------------------


def test_accuracy_is_the_share_of_right_answers():
    scores = np.array([[2, 1], [0, 1], [5, -5], [-2, -1.0]])
    assert models.accuracy(scores, np.array([0, 1, 0, 1])) == 1
    assert models.accuracy(scores, np.array([0, 1, 1, 1])) == 0.75
    assert models.accuracy(scores, np.array([1, 0, 1, 0])) == 0
    assert models.accuracy(scores.tolist(), [0, 1, 0, 0]) == 0.75
    assert type(models.accuracy(scores, np.zeros(4))) is float


@pytest.mark.parametrize("scores, labels", [
    (np.ones((4, 2)), np.ones((4, 1))), (np.ones((4, 2)), np.ones(3)), (np.ones(4), np.ones(4)),
    (np.ones((4, 2)), 1), (np.ones((0, 2)), np.ones(0))], ids=["column", "fewer", "one axis", "one", "none"])
def test_accuracy_of_what_does_not_fit(scores, labels):
    with refused(f"class_scores has shape {np.shape(scores)}", f"labels {np.shape(labels)}",
                 "(B, C) and (B,)"):
        models.accuracy(scores, labels)
