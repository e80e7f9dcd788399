"""What maps cost on top of the plain forward pass: ours, the seeds' way, and a neighbour's Grad-CAM."""

from benchmarks.stopwatch import ratios, take_turns
from benchmarks.table import row, why

import numpy as np

TITLE = "The cost of maps: VGG16 + GAP + Dense(2), 224×224"
SIZE = 224

# Seconds of rounds, and least number of rounds, for each batch size: five minutes in all on a quiet machine.
OURS = {1: (25, 5), 16: (60, 5)}
GRAD_CAM = {1: (10, 3), 16: (0, 2)}
SEEDS = {1: (15, 3), 16: (0, 1)}


def measure(options):
    from course_utils import cam
    from course_utils.explain import explain

    model = vgg16()
    rng = np.random.default_rng(0)
    rows = []
    for B in (1, 16):
        images = rng.random((B, SIZE, SIZE, 3), dtype=np.float32)
        one_map = explain(model, images, verbose=False)[1][..., 0]

        def against(limits, warm_up=True, **contestants):
            """Times of the contestants and of the plain forward pass, in turns."""
            contestants["forward"] = lambda: model.predict_on_batch(images)
            return take_turns(contestants, *limits, warm_up)

        def add(what, values=(), unit="×", **more):
            rows.append(row(f"batch of {B}: {what}", values, unit, **more))

        times = against(
            OURS[B],
            ours=lambda: explain(model, images, verbose=False),
            enlarging=lambda: cam.upsample(one_map, SIZE),
        )
        times["enlarged"] = [a + b for a, b in zip(times["ours"], times["enlarging"])]
        add("plain forward pass", times["forward"], "s")
        add("ours, all classes' maps", ratios(times, "ours", "forward"), goal=("<=", 1.05))
        add("ours, and one class's map enlarged", ratios(times, "enlarged", "forward"))

        try:
            times = against(GRAD_CAM[B], warm_up=B == 1, theirs=grad_cam(model, images))
            add("tf-keras-vis Grad-CAM", ratios(times, "theirs", "forward"))
        except Exception as error:  # a neighbour that doesn't run here is a finding, not our failure
            add("tf-keras-vis Grad-CAM", instead=f"does not run: {why(error)}")

        # Only the network needs warming up, and enlarging 16 images takes more than a minute.
        seeds_maps = enlarge_then_weight(model, images)
        seeds_maps(only_forward=True)
        times = against(SEEDS[B], warm_up=False, seeds=seeds_maps)
        add("the seeds' way, enlarge 512 maps, then weight", ratios(times, "seeds", "forward"))

    return rows, [
        "Ratios are to the plain forward pass (`predict_on_batch`) beside it. Weights are random: they "
        "don't change the work.",
        "Ours gives scores and the raw maps of both classes on the 7×7 grid; the row below it adds "
        "`cam.upsample` of one map an image to 224×224, which the two others include.",
        f"tf-keras-vis {version_of('tf-keras-vis')}: `Gradcam` as it comes, made once, for class 0.",
        "The seeds' way: a model with two outputs, `scipy.ndimage.zoom` of order 2, one class.",
    ]


def vgg16():
    import keras

    backbone = keras.applications.VGG16(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="gap")(backbone.output)
    return keras.Model(backbone.input, keras.layers.Dense(2, name="class_scores")(pooled))


def enlarge_then_weight(model, images):
    """The seeds' recipe as a callable: all 512 feature maps to full size, then their weighted sum."""
    import keras
    from scipy.ndimage import zoom

    both = keras.Model(model.input, [model.get_layer("gap").input, model.output])
    class_weights = model.get_layer("class_scores").get_weights()[0]

    def maps(only_forward=False):
        feature_maps, class_scores = both.predict_on_batch(images)
        if only_forward:
            return class_scores
        factor = SIZE // feature_maps.shape[1]
        return [
            zoom(maps_of_one, (factor, factor, 1), order=2) @ class_weights[:, scores.argmax()]
            for maps_of_one, scores in zip(feature_maps, class_scores)
        ]

    return maps


def grad_cam(model, images):
    """tf-keras-vis' Grad-CAM of class 0, as a callable."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    explainer, score = Gradcam(model), CategoricalScore([0] * len(images))
    return lambda: explainer(score, images, penultimate_layer=-1)


def version_of(package):
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
