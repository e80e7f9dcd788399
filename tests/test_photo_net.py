"""photo_net: the same in Keras and NumPy, right about photographs, and its map on the animal."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from course_utils import __main__ as command
from course_utils import cam, networks
from course_utils.datasets import examples
from course_utils.datasets.drawn.pets import drawn_pets
from course_utils.explain import explain
from course_utils.photos import explain_photo, resized

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import refused
from PIL import Image

RECIPE = Path(__file__).parents[1] / "tools" / "train_photo_net.py"
CAT = resized(examples.photograph("cat"), networks.PHOTO_SIZE)


@pytest.fixture(scope="module")
def network():
    return networks.photo_net()


@pytest.mark.parametrize("shape", [(1, 224, 224), (2, 137, 201), (1, 33, 50), (1, 16, 16)])
def test_numpy_and_keras_say_the_same(network, shape):
    images = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    both = keras.Model(network.input, [network.output, network.get_layer("feature_maps").output])
    for ours, theirs in zip(networks.photo_net_in_numpy(images), both.predict(images, verbose=0)):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * max(1, np.abs(theirs).max()))


def test_the_mean_of_the_map_is_the_score(network):
    class_scores, cams = explain(network, CAT[None], verbose=False)
    assert cam.identity_gap(cams, class_scores, network.get_layer("class_scores").get_weights()[1]) < 1e-4


def test_a_cat_is_a_cat_and_the_map_is_on_it():
    class_scores, feature_maps = networks.photo_net_in_numpy(CAT[None])
    assert cam.softmax(class_scores)[0, 0] > 0.9
    maps = feature_maps @ networks.photo_net_weights()["class_scores/kernel"]
    large = cam.upsample(cam.centred(maps)[0, ..., 0], CAT.shape[:2])
    y, x = np.unravel_index(large.argmax(), large.shape)
    assert 0.1 < y / len(large) < 0.9 and 0.2 < x / large.shape[1] < 0.8  # the head fills that part


def test_no_tensorflow_is_needed():
    code = (
        "import sys, numpy as np; from course_utils import networks; "
        "networks.photo_net_in_numpy(np.zeros((1, 32, 32, 3), np.uint8)); "
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("shape", [(32, 32, 3), (1, 32, 32, 1), (1, 0, 32, 3)])
def test_pictures_of_another_shape(shape):
    with refused(str(shape), "(B, H, W, 3)"):
        networks.photo_net_in_numpy(np.zeros(shape, np.uint8))


def test_its_weights_are_small():
    assert (networks.WEIGHTS / "photo_net.npz").stat().st_size <= 1_500_000


def test_folding_the_batch_normalisation_changes_nothing():
    spec = importlib.util.spec_from_file_location("train_photo_net", RECIPE)
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    model = networks.photo_net(trained=False)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.endswith("_norm"):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    images = rng.integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    whole = networks.photo_net()
    folded = recipe.folded(model)
    whole.set_weights([folded[weight.path].astype(np.float32) for weight in whole.weights])
    before, after = (m.predict(images, verbose=0) for m in (model, whole))
    np.testing.assert_allclose(after, before, atol=0.01 * np.abs(before).max())  # half precision


def test_it_is_what_the_shell_uses(tmp_path, capsys):
    Image.fromarray(examples.photograph("cat")).save(tmp_path / "chelsea.png")
    assert command.main(["explain", str(tmp_path / "chelsea.png"), "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "chelsea.png: cat " in said


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.real_data
def test_it_is_right_about_photographs_it_never_saw(network, real_data):
    spec = importlib.util.spec_from_file_location("train_photo_net", RECIPE)
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    images, labels, _, held_out = recipe.photographs(real_data / "photos" / "cats_dogs_136.npz")
    pictures = tf.image.resize(images[held_out], (160, 160), antialias=True)
    right = network.predict(pictures, verbose=0).argmax(axis=1) == labels[held_out]
    assert len(right) == 2_500 and right.mean() >= 0.96  # 97.1 %, with room for another processor


# --- photographs and drawings ----------------------------------------------------------------


def test_photographs_don_t_look_drawn():
    for name in examples.PHOTOGRAPHS:
        assert not networks.unlike_photographs(resized(examples.photograph(name), networks.PHOTO_SIZE)[None])


def test_drawings_look_drawn():
    drawings = [resized(image, networks.PHOTO_SIZE) for image in drawn_pets(20, seed=90_000).images]
    assert networks.unlike_photographs(np.array(drawings)).mean() > 0.8


def test_an_answer_about_a_drawing_warns_and_one_about_a_photograph_does_not():
    network = networks.load_network("photos")
    assert "drawn" in explain_photo(network, drawn_pets(1, seed=90_001).images[0]).warning
    assert not explain_photo(network, examples.photograph("cat")).warning


@pytest.mark.long
@pytest.mark.real_data
def test_shares_of_the_model_card_hold_on_photographs(real_data):
    import tensorflow_datasets as tfds

    pets = tfds.load("oxford_iiit_pet", split="test", data_dir=real_data / "tfds", download=False)
    photographs = [resized(example["image"], 224) for example in pets.take(200).as_numpy_iterator()]
    assert np.mean([networks.unlike_photographs(photo[None])[0] for photo in photographs]) < 0.04
