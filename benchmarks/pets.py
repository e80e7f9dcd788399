"""Cats and dogs: how fast they are drawn and learnt, and how well the maps find the heads."""

import importlib.util
import os
import sys
import time
from pathlib import Path

from benchmarks.mnist import REAL_DATA
from benchmarks.table import row
from course_utils import localize, networks, training
from course_utils.datasets import pets
from course_utils.datasets.drawn.pets import draw_two_pets, drawn_pets
from course_utils.explain import explain
from course_utils.machine import fetch

import numpy as np

TITLE = "Cats and dogs: drawing, learning, finding the head; photographs"
N_TEST, N_SCENES, N_PHOTOS = 250, 200, 1000
EPOCHS = 5  # one less than the shipped weights had: a learner can wait for these
RECIPE = Path(__file__).parents[1] / "tools" / "on_drawings.py"


def measure(options):
    start = time.process_time()
    learnt = drawn_pets(2000, 10_000)
    rate = len(learnt.labels) / (time.process_time() - start)
    valid, test = (drawn_pets(N_TEST, seed) for seed in (60_000, 80_000))
    scenes = [draw_two_pets(seed) for seed in range(100, 100 + N_SCENES)]

    def of_drawings(model):
        _, valid_cams = explain(model, valid.images, valid.labels, verbose=False)
        class_scores, cams = explain(model, test.images, test.labels, verbose=False)
        _, both = explain(model, np.array([s.image for s in scenes]), verbose=False)
        chosen = localize.best_fraction(valid_cams, valid.head_boxes, 96)
        heads = np.array([s.head_boxes for s in scenes])
        return {
            "accuracy": class_scores.argmax(axis=1) == test.labels,
            "peak in the head": localize.pointing_hit(cams, test.head_boxes, 96),
            "IoU of the head's box": localize.iou(localize.box_from_map(cams, 96, chosen), test.head_boxes),
            "own pet in two-pet scenes": np.concatenate(
                [localize.pointing_hit(both[..., c], heads[:, c], 96) for c in (0, 1)]
            ),
        }

    goals = {
        "accuracy": 98,
        "peak in the head": 97,
        "IoU of the head's box": 65,
        "own pet in two-pet scenes": 95,
    }
    shipped = of_drawings(networks.pets_net(trained=True))
    elapsed, worked, trained = [], [], []
    for seed in range(options.seeds):
        model, *seconds = _train(seed, learnt)
        elapsed.append(seconds[0])
        worked.append(seconds[1])
        trained.append(of_drawings(model))
    return [
        row("drawn pets a second, one core", [rate], "", (">=", 120)),
        row(f"training the 24×24 network, {EPOCHS} epochs", elapsed, "s", ("<=", 60)),
        row("processor time of that training, all cores together", worked, "s"),
        *(
            row(f"trained here: {what}", [100 * run[what].mean() for run in trained], "%", (">=", goal))
            for what, goal in goals.items()
        ),
        *(
            row(f"shipped weights: {what}", [100 * shipped[what].mean()], "%", (">=", goal))
            for what, goal in goals.items()
        ),
        *_photographs(),
    ], [
        f"{N_TEST} drawn pets nobody trained on, as many others to choose the threshold on, {N_SCENES} "
        "two-pet scenes; a run is a seed of the training on 2,000 drawn pets. IoU in percent.",
        "Shipped weights, 95 % bootstrap intervals: "
        + "; ".join(_in_words(what, shipped[what]) for what in goals)
        + ".",
        "Where every picture is a hit the bootstrap can't see a miss; the rule of three allows up to "
        f"{3 / N_TEST:.1%} of them.",
    ]


def _train(seed, learnt):
    """A fresh network, trained as the shipped one was, the seconds that took, and those it worked."""
    import keras

    spec = importlib.util.spec_from_file_location("on_drawings", RECIPE)
    recipe = importlib.util.module_from_spec(spec)
    sys.modules["on_drawings"] = recipe  # where TensorFlow looks for the source of its functions
    spec.loader.exec_module(recipe)
    keras.utils.set_random_seed(seed)
    model, start, start_of_work = networks.pets_net(), time.perf_counter(), time.process_time()
    recipe.train(model, learnt.images, learnt.labels, EPOCHS)
    return model, time.perf_counter() - start, time.process_time() - start_of_work


def _photographs():
    import keras

    os.environ.setdefault("TFDS_DATA_DIR", str((REAL_DATA / "tfds").resolve()))
    os.environ.setdefault("KERAS_HOME", str((REAL_DATA / "keras_home").resolve()))
    accuracy, seconds = (f"photographs, MobileNet, head only: {what}" for what in ("accuracy", "training"))
    for name, here in (("cats_vs_dogs", fetch.tfds_ready), ("mobilenet", fetch.weights_ready)):
        if not here(name):
            absent = f"not measured: {name} isn't on this machine (`{fetch.how_to_get(name)}`)"
            return [row(accuracy, unit="%", goal=(">=", 97), instead=absent)]
    keras.utils.set_random_seed(0)
    data, start = pets.load("tfds", n_train=N_PHOTOS), time.perf_counter()
    model = networks.freeze(networks.gap_classifier("mobilenet"))
    training.fit(model, data.train, data.valid, epochs=10, progress=False)
    elapsed = time.perf_counter() - start
    labels = np.concatenate([y for _, y in data.test.as_numpy_iterator()])
    right = 100 * training.accuracy(model.predict(data.test, verbose=0), labels)
    return [
        row(f"{accuracy} on {len(labels)} held out", [right], "%", (">=", 97)),
        row(f"{seconds} on {N_PHOTOS:,}, ten epochs", [elapsed], "s"),
    ]


def _in_words(what, values):
    low, high = localize.bootstrap_interval(np.asarray(values, float))
    return f"{what} {np.mean(values):.3f} [{low:.3f}, {high:.3f}]"
