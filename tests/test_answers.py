"""What the exercises' test cells ask of an answer, and the networks that exercises 3 to 5 run in NumPy."""

import functools
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from multiprocessing import Pipe

from course_utils import cam
from course_utils.grading import answering, close, examiner, wire
from course_utils.grading.answers import compare, own_work

import numpy as np
import pytest
from exercise import SOLUTIONS, run


def said(call, *args, **kwargs):
    with pytest.raises(AssertionError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


# --- naming mistakes -------------------------------------------------------------------------


def test_a_known_mistake_is_called_by_its_name():
    mistakes = {"that is the sum.": [4, 6], "that is the other class.": 7}
    compare("mean", [2, 3], np.array([2.0, 3.0]), mistakes)
    assert said(compare, "mean", [4.0, 6.0], [2, 3], mistakes) == "mean: that is the sum."
    assert said(compare, "mean", 7, [2, 3], mistakes) == "mean: that is the other class."
    assert "1 of 2 numbers aren't right" in said(compare, "mean", [2, 4], [2, 3], mistakes)
    assert "nothing was given" in said(compare, "mean", None, [2, 3], mistakes)


def test_a_mistake_that_makes_no_difference_here_is_none():
    compare("mean of one cell", 5.0, 5.0, {"that is the sum.": 5.0})


# --- one's own work --------------------------------------------------------------------------


def test_own_work_returns_what_the_function_does_and_leaves_its_arrays_alone():
    given = np.arange(6.0).reshape(2, 3)
    assert (own_work(lambda a, factor: factor * a, given, 2) == 2 * given).all()
    assert (given == np.arange(6.0).reshape(2, 3)).all()


def in_place(a):
    a *= 2
    return a


@pytest.mark.parametrize(
    "function, sentence",
    [
        (cam.softmax, "softmax leaves its work to course_utils"),
        (functools.partial(cam.softmax), "your function leaves its work to course_utils"),
        (lambda a: [cam.softmax(row) for row in a][0], "leaves its work to course_utils"),
        (lambda a: __import__("scipy.special").special.softmax(a), "leaves its work to scipy"),
        (in_place, "in_place changes the arrays it was given"),
        (lambda a: None, "returns nothing"),
        (lambda a: a @ np.ones((2, 2)), "given (2, 3), stops: ValueError: matmul"),
        (lambda a: a[5], "stops: IndexError"),
        (lambda a, b: a, "stops: TypeError"),
        (3, "3 isn't a function"),
    ],
)
def test_own_work_says_what_is_wrong(function, sentence):
    before = sys.getprofile()
    assert sentence in said(own_work, function, np.arange(6.0).reshape(2, 3))
    assert sys.getprofile() is before


def test_an_import_is_no_borrowed_work():
    sys.modules.pop("colorsys", None)
    own_work(lambda a: __import__("colorsys") and a, np.zeros(2))


def test_one_number_may_come_in_many_ways():
    for given in (3, 3.0, [3.0], np.array([[3.0]]), np.float16(3), Fraction(3), "3"):
        close("score", given, 3.0)
    close("thirds", np.array([1, 2, 4], "float16") / np.float16(3), [1 / 3, 2 / 3, 4 / 3])
    assert "2 of 3" in said(close, "thirds", [1 / 3, 0.7, 0.8], [1 / 3, 0.6, 0.9])
    assert said(close, "score", 9.5, 3.0) == "score: 9.5 isn't right."
    assert "a complex was given" in said(close, "score", 3j, 3.0)
    assert "an array of shape (2,) was given" in said(close, "score", [3.0, 3.0], 3.0)


def test_own_work_lets_a_task_allow_a_library_and_stops_at_what_is_not_written_yet():
    own_work(cam.softmax, np.zeros((1, 2)), also=("course_utils",))

    def later(a):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        own_work(later, np.zeros(2))


# --- networks without TensorFlow -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, builder",
    [
        (3, lambda: __import__("course_utils.networks").networks.digit_net()),
        (4, lambda: __import__("course_utils.training").networks.backbone("small")),
        (5, lambda: __import__("course_utils.networks").networks.pets_net(trained=True, grid=12)),
    ],
)
def test_networks_in_numpy_are_those_of_keras(number, builder):
    path = next(p for p in SOLUTIONS if p.stem.startswith(f"ex{number:02d}"))
    names = run(path).namespace
    import keras

    model = builder()
    if number == 3:
        model.set_weights(
            [names["network"][n] for n in ("kernel_1", "bias_1", "kernel_2", "bias_2", "class_weights")]
        )
        images, numpy_maps = names["my_digits"], names["feature_maps"](names["my_digits"], names["network"])
    elif number == 4:
        images, numpy_maps = names["my_test"].images[:4].astype("float32"), names["my_test_maps"][:4]
    else:
        images, numpy_maps = names["my_test"].images[:4].astype("float32"), names["my_test_maps"][:4]
    maps = keras.Model(
        model.input, model.output if number == 4 else model.get_layer("feature_maps").output
    ).predict(images, verbose=0)
    if number == 5:
        class_weights = model.get_layer("class_scores").get_weights()[0]
        maps = cam.class_activation_map(maps, class_weights, names["my_test"].labels[:4])
    np.testing.assert_allclose(numpy_maps, maps, atol=1e-4 * np.abs(maps).max())


# --- plain data between the two processes ----------------------------------------------------


@pytest.mark.parametrize("value", [{3, 6, 10}, frozenset("ab"), set(), {(1, 2), "x"}])
def test_a_set_arrives_as_a_set(value):
    assert wire.decode(json.loads(json.dumps(wire.encode(value)))) == value


def test_a_student_s_function_may_name_the_arguments_of_ours():
    ours, theirs = Pipe()

    def answer():
        question = wire.receive(theirs)
        wire.send(theirs, answering._call(theirs, lambda resize: resize([1, 2], n_out=3), question["given"]))

    def resize(line, n_out):
        return len(line) * n_out

    with ThreadPoolExecutor(1) as pool:
        pool.submit(answer)
        assert examiner.Function(examiner.Student(ours), "enlarge")(resize) == 6
