"""What Grad-CAM costs on top of the plain forward pass: ours and a neighbour's."""

from benchmarks.cam_cost import SIZE, version_of, vgg16
from benchmarks.cam_cost import grad_cam as theirs
from benchmarks.stopwatch import ratios, take_turns
from benchmarks.table import row, why

import numpy as np

TITLE = "The cost of Grad-CAM: VGG16 + GAP + Dense(2), 224×224"

# Seconds of rounds, and least number of rounds, for each batch size: four minutes in all on a quiet machine.
OURS = {1: (20, 5), 16: (50, 5)}
THEIRS = {1: (15, 3), 16: (0, 3)}


def measure(options):
    from course_utils.gradients import grad_cam, guided_backpropagation

    model = vgg16()
    rng = np.random.default_rng(0)
    rows = []
    for B in (1, 16):
        images = rng.random((B, SIZE, SIZE, 3), dtype=np.float32)

        def against(limits, warm_up=True, **contestants):
            """Times of the contestants and of the plain forward pass, in turns."""
            contestants["forward"] = lambda: model.predict_on_batch(images)
            return take_turns(contestants, *limits, warm_up)

        def add(what, values=(), unit="×", **more):
            rows.append(row(f"batch of {B}: {what}", values, unit, **more))

        times = against(OURS[B], ours=lambda: grad_cam(model, images, 0, verbose=False))
        add("plain forward pass", times["forward"], "s")
        add("ours, Grad-CAM", ratios(times, "ours", "forward"), goal=("<=", 1.6))

        times = against(THEIRS[B], guided=lambda: guided_backpropagation(model, images, 0))
        add("ours, guided backpropagation", ratios(times, "guided", "forward"))

        try:
            times = against(THEIRS[B], warm_up=B == 1, theirs=theirs(model, images))
            add("tf-keras-vis Grad-CAM", ratios(times, "theirs", "forward"))
        except Exception as error:  # a neighbour that doesn't run here is a finding, not our failure
            add("tf-keras-vis Grad-CAM", instead=f"does not run: {why(error)}")

    return rows, [
        "Ratios are to the plain forward pass (`predict_on_batch`) beside it. Weights are random: they "
        "don't change the work.",
        "Ours: scores and maps of class 0 on the 7×7 grid of the last layer that has one; forward once, "
        "back from the score to that layer only, compiled at the first call.",
        "Guided backpropagation goes back through the whole network, as every gradient in the pixels must.",
        f"tf-keras-vis {version_of('tf-keras-vis')}: `Gradcam` as it comes, made once, for class 0, "
        "enlarged to the image.",
    ]
