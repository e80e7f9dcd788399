"""The seed's training recipe and ours: the same network, the same real digits."""

import os
import time
from pathlib import Path

from benchmarks.stopwatch import ratios
from benchmarks.table import row
from course_utils import cam, networks, training
from course_utils.datasets import mnist
from course_utils.explain import explain
from course_utils.machine import fetch

import numpy as np

TITLE = "Sevens and nines of MNIST: the seed's recipe and ours"
REAL_DATA = Path(os.environ.get("COURSE_REAL_DATA", Path(__file__).parent / ".." / ".." / "shared" / "data"))

SEED = dict(epochs=10, batch_size=32)  # Adam as it comes, rate 1e-3 throughout
OURS = training.DIGIT_RECIPE["tfds"]


def measure(options):
    os.environ.setdefault("TFDS_DATA_DIR", str((REAL_DATA / "tfds").resolve()))
    if not fetch.tfds_ready("mnist"):
        absent = f"not measured: MNIST isn't on this machine (`{fetch.how_to_get('mnist')}`)"
        return [
            row("accuracy, ours", unit="%", goal=(">=", 99.5), instead=absent),
            row("time, ours / the seed's", unit="×", goal=("<=", 0.7), instead=absent),
        ], []

    digits = mnist.load("tfds")
    for train in (train_as_the_seed, train_as_we_do):
        train(0, digits.x_train[:640], digits.y_train[:640])

    accuracy, elapsed, worked = ({"seed": [], "ours": []} for _ in range(3))
    log, places = {epoch: [] for epoch in (1, 4, 10)}, {"row 3": [], "rows 5 and 6": [], "without ink": []}
    for seed in range(options.seeds):
        turn = [("seed", train_as_the_seed), ("ours", train_as_we_do)]
        for who, train in turn if seed % 2 == 0 else reversed(turn):
            start, start_of_work = time.perf_counter(), time.process_time()
            model, history = train(seed, digits.x_train, digits.y_train)
            elapsed[who].append(time.perf_counter() - start)
            worked[who].append(time.process_time() - start_of_work)
            class_scores = model.predict(digits.x_test, verbose=0)
            accuracy[who].append(100 * training.accuracy(class_scores, digits.y_test))
            if who == "ours":
                for place, share in where_it_decides(model, digits).items():
                    places[place].append(100 * share)
            else:
                for epoch in log:
                    log[epoch].append(100 * history.history["accuracy"][epoch - 1])

    untrained = [
        100 * where_it_decides(_fresh_net(seed), digits)["without ink"] for seed in range(options.seeds)
    ]
    ours = ", ".join(f"{name} {value}" for name, value in OURS.items())
    return [
        row("accuracy, the seed's recipe", accuracy["seed"], "%"),
        row("accuracy, ours", accuracy["ours"], "%", goal=(">=", 99.5)),
        *(
            row(f"the seed's log: epoch {epoch}, right of the training digits", log[epoch], "%")
            for epoch in log
        ),
        *(
            row(f"ours: share of the average nine's decision, {place}", places[place], "%")
            for place in places
        ),
        row("untrained: the same without ink", untrained, "%"),
        row("cells without ink", [100 * without_ink(digits).mean()], "%"),
        row("training, the seed's recipe", elapsed["seed"], "s"),
        row("training, ours", elapsed["ours"], "s"),
        row("time, ours / the seed's", ratios(elapsed, "ours", "seed"), "×", ("<=", 0.7)),
        row("processor time, ours / the seed's", ratios(worked, "ours", "seed"), "×"),
    ], [
        f"The same network, {len(digits.y_train):,} digits to train on and {len(digits.y_test):,} to test; "
        "a run is a random seed for initial weights and order.",
        "The seed's recipe: Adam with its default rate, 10 epochs, batches of 32. Ours: Adam with a "
        f"one-cycle schedule, `training.train` with {ours}.",
        "The decision is the absolute value of the centred map (lesson 03): of the average nine by rows of the "
        "7×7 cells, and over all test digits in cells whose own 4×4 pixels hold no ink.",
        "Processor time is what the trainings themselves worked: other programs hardly change it.",
    ]


def train_as_the_seed(seed, images, labels):
    import keras

    model = _fresh_net(seed)
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model, model.fit(images, labels, verbose=0, **SEED)


def train_as_we_do(seed, images, labels):
    model = _fresh_net(seed)
    return model, training.train(model, images, labels, progress=False, **OURS)


def where_it_decides(model, digits):
    """Shares of the decision for nine, by place: the numbers that lesson 03 gives for the real MNIST."""
    decides = cam.centred(explain(model, digits.x_test, verbose=False)[1])[..., 1]
    rows = np.abs(decides[digits.y_test == 1].mean(axis=0)).sum(axis=1)
    return {
        "row 3": rows[3] / rows.sum(),
        "rows 5 and 6": rows[5:].sum() / rows.sum(),
        "without ink": np.abs(decides)[without_ink(digits)].sum() / np.abs(decides).sum(),
    }


def without_ink(digits):
    """Which of the 7×7 cells of each test digit hold no ink in their own 4×4 pixels: (N, 7, 7) bool."""
    return digits.x_test.reshape(-1, 7, 4, 7, 4).max(axis=(2, 4)) <= 0.1


def _fresh_net(seed):
    import keras

    keras.utils.set_random_seed(seed)
    return networks.digit_net()
