"""Every network of keras.applications, as it is published but with random weights: where maps come from needs
no others.
"""

import gc

from course_utils.explain import explain, probabilities
from course_utils.gradients import grad_cam

import keras
import numpy as np
import pytest
from checks import refused

pytestmark = pytest.mark.slow

PUBLISHED = sorted(name for name in dir(keras.applications) if name[0].isupper())
# A normalisation that isn't linear stands behind the mean (ConvNeXt), an activation (MobileNetV3), or nothing
# is averaged (VGG).
WITHOUT_CAM = ("ConvNeXt", "MobileNetV3", "VGG")
# One of each kind of head: a Dense layer, a 1×1 convolution, no linear head, nothing averaged. `make long` tries all.
KINDS = {"MobileNet", "MobileNetV3Small", "ResNet50", "VGG16"}
SIZES = {
    "NASNetMobile": 224,
    "NASNetLarge": 331,
    "InceptionV3": 160,
    "InceptionResNetV2": 160,
}  # else one cell is left


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in KINDS else pytest.mark.long) for name in PUBLISHED]
)
def test_networks_of_keras_applications(name):
    """CAM where the head is linear, and there un-rectified Grad-CAM is CAM / Z; a refusal where it isn't."""
    keras.backend.clear_session()
    gc.collect()
    keras.utils.set_random_seed(0)
    size = SIZES.get(name, 96)
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(size, size, 3), classes=7, classifier_activation=None
    )
    images = np.random.default_rng(0).uniform(0, 255, (2, size, size, 3)).astype("float32")
    if name.startswith(WITHOUT_CAM):
        with refused("no class activation map", "Grad-CAM"):
            explain(model, images)
        return
    scores, cams = explain(model, images, verbose=False)
    _, grad_cams = grad_cam(model, images, [3, 5], relu=False, verbose=False)
    expected = np.stack([cams[0, ..., 3], cams[1, ..., 5]]) / cams[0, ..., 0].size
    np.testing.assert_allclose(grad_cams, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["MobileNet", "ResNet50"])  # a 1×1 convolution, and a Dense layer
def test_their_own_tops_end_in_a_softmax(name):
    model = getattr(keras.applications, name)(weights=None, input_shape=(96, 96, 3), classes=7)
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 96, 3)).astype("float32")
    scores, _ = explain(model, images, verbose=False)
    np.testing.assert_allclose(probabilities(model, scores), np.asarray(model(images)), atol=1e-4)
