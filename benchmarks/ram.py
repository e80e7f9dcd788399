"""Where a wheel's frequency comes from: the regression activation map, the network's own sensitivity, and controls.

Each is correlated with the physics, wheel by wheel, over the cells that hold metal; then again with what the cell's
radius and its amount of metal explain taken out of both. Three networks, as lesson 08 trains one.
"""

from benchmarks.table import row

import numpy as np

TITLE = "Regression activation maps of wheels against the physics"
SEEDS = 3


def measure(options):
    from course_utils import networks, training
    from course_utils.datasets import wheels

    import keras

    train, _, test = wheels.load()
    mean, spread = train.frequencies.mean(), train.frequencies.std()
    y, x = np.mgrid[:16, :16] - 7.5
    radius = np.hypot(x, y)
    area = wheels.in_cells(1.0 * test.metal)
    found = {"minus the radius": [(-radius + np.zeros_like(area))]}
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        network = networks.wheel_net()
        untrained = sensitivity(network, test.images)
        training.train_on_numbers(
            network, train.images, (train.frequencies - mean) / spread, epochs=8, progress=False
        )
        of_trained = sensitivity(network, test.images)
        for name, maps in {
            "regression activation map": activation(network, test.images),
            "the network's own sensitivity": of_trained,
            "another wheel's sensitivity": np.roll(of_trained, -1, axis=0),
            "an untrained network's sensitivity": untrained,
        }.items():
            found.setdefault(name, []).append(maps)
    rows = []
    for name, runs in found.items():
        for what, given in (("correlation", False), ("given radius and metal", True)):
            if name == "minus the radius" and given:
                continue
            values = [likeness(m, test.sensitivities, area, radius if given else None) for m in runs]
            rows.append(row(f"{name}: {what}", values, unit="r"))
    return rows, [f"Means over {len(test.metal)} wheels that no network has seen; {SEEDS} trainings."]


def in_all_ways(images, ask):
    """The mean of `ask`'s maps over the eight ways in which a square can lie, each turned back."""
    from course_utils.datasets import wheels

    maps = []
    for way in range(8):
        back = -way % 4 if way < 4 else way  # a mirrored turn undoes itself
        maps.append(wheels.turned(ask(wheels.turned(images, way)), back))
    return np.mean(maps, axis=0)


def activation(network, images):
    from course_utils.explain import explain

    return in_all_ways(images, lambda x: explain(network, x, 0, verbose=False)[1])


def sensitivity(network, images):
    """Gradient times metal in cells: by how much the answer rises with a share more of what is there."""
    import tensorflow as tf

    def ask(x):
        x = tf.convert_to_tensor(np.asarray(x, np.float32))
        with tf.GradientTape() as tape:
            tape.watch(x)
            answer = network(x, training=False)
        parts = (tape.gradient(answer, x) * x).numpy()[..., 0]
        return parts.reshape(len(parts), 16, 4, 16, 4).sum(axis=(2, 4))

    return in_all_ways(images, ask)


def likeness(maps, physics, area, radius=None):
    """The mean over wheels of each one's correlation of map and physics."""
    from course_utils.datasets import wheels

    if radius is None:
        return np.mean([np.corrcoef(m[a > 0], s[a > 0])[0, 1] for m, s, a in zip(maps, physics, area)])
    return np.mean(
        [
            wheels.partial_correlation(m[a > 0], s[a > 0], [radius[a > 0], a[a > 0]])
            for m, s, a in zip(maps, physics, area)
        ]
    )
