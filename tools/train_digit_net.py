"""Train the digit network of notebook 03 on the embedded digits, and store it for exercise 3.

    .venv/bin/python tools/train_digit_net.py

Writes `digit_net.npz` to `course_utils/weights`: kernel_1, bias_1, kernel_2, bias_2, class_weights as
float16, and the 8 x 8 test digits (pixels 0 to 16) with their labels, which the network has never seen. So
the exercise needs neither TensorFlow nor scikit-learn.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from course_utils.datasets import mnist
from course_utils.networks import WEIGHTS, digit_net
from course_utils.training import DIGIT_RECIPE, accuracy, train

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

NAMES = ("kernel_1", "bias_1", "kernel_2", "bias_2", "class_weights")


def main():
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    digits, model = mnist.load("embedded"), digit_net()
    train(model, digits.x_train, digits.y_train, **DIGIT_RECIPE["embedded"], progress=False)
    # Rounded to half precision, which is enough: a tenth of a percent of each weight, half of the file.
    arrays = [w.astype(np.float16) for w in model.get_weights()]
    model.set_weights([a.astype(np.float32) for a in arrays])
    scores = model.predict(digits.x_test, verbose=0)
    path = WEIGHTS / "digit_net.npz"
    pixels, kinds = (
        a[np.isin(load_digits().target, (7, 9))][4::5] for a in (load_digits().images, load_digits().target)
    )
    assert ((kinds == 9) == digits.y_test).all(), (
        "mnist.load keeps every fifth digit for testing, in this order"
    )
    np.savez_compressed(
        path,
        digits=pixels.astype(np.uint8),
        labels=digits.y_test.astype(np.uint8),
        **dict(zip(NAMES, arrays, strict=True)),
    )
    print(
        f"{path.name}: {path.stat().st_size / 1e3:.0f} kB; right on {accuracy(scores, digits.y_test):.1%} "
        f"of {len(scores)} unseen digits"
    )


if __name__ == "__main__":
    main()
