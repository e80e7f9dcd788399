"""Cats and dogs for a network: drawn ones always, photographs where they are on disk."""

import subprocess
import sys

from course_utils.datasets import folder, pets
from course_utils.datasets.drawn import pets as drawing
from course_utils.datasets.drawn.pets import draw_pet, drawn_pets
from course_utils.machine import fetch

import numpy as np
import pytest
from checks import refused
from PIL import Image

SPLITS = ("train", "valid", "test")


def all_of(split):
    images, labels = zip(*split.as_numpy_iterator())
    return np.concatenate(images), np.concatenate(labels)


def check(data, size, n_images, batch_size):
    """What holds for both sources; returns the pictures and labels of each split."""
    assert data.class_names == ("cat", "dog") and data.image_size == size and data.n_images == n_images
    contents = []
    for split, n in zip((data.train, data.valid, data.test), n_images):
        image_spec, label_spec = split.element_spec
        assert image_spec.shape.as_list() == [None, size, size, 3] and image_spec.dtype.name == "uint8"
        assert label_spec.shape.as_list() == [None] and label_spec.dtype.name == "int64"
        assert len(split) == -(-n // batch_size)
        images, labels = all_of(split)
        assert images.shape == (n, size, size, 3) and labels.shape == (n,)
        assert images.min() >= 0 and 100 < images.max() <= 255 and set(labels) <= {0, 1}
        contents.append((images, labels))
    return contents


# --- drawn pets --------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch):
    """20 pets to validate on and 20 to test on take a moment to draw, 250 each take a few."""
    monkeypatch.setattr(pets, "DRAWN_NUMBERS", (40, 20, 20))


@pytest.fixture
def drawn(few):
    return pets.load("embedded", batch_size=16)


def test_drawn_splits(drawn):
    (images, labels), *others = check(drawn, 96, (40, 20, 20), 16)
    np.testing.assert_array_equal(images, drawn_pets(40, pets.SPLIT_SEEDS["train"][0]).images)
    assert labels.mean() == 0.5 and [y.mean() for _, y in others] == [0.5, 0.5]
    together = np.concatenate([images, *(x for x, _ in others)])
    assert len({image.tobytes() for image in together}) == 80  # no picture twice
    assert drawn.source == "embedded"


def test_seeds_of_the_splits_are_nobody_elses():
    """Not below 10,000, where notebooks show pictures; not from 100,000 on, where shipped networks learnt."""
    seeds = [seed for split in SPLITS for seed in pets.SPLIT_SEEDS[split]]
    assert len(set(seeds)) == len(seeds) and min(seeds) == 10_000 and max(seeds) == 99_999


def test_every_pass_gives_the_same(drawn):
    for split in (drawn.train, drawn.valid):
        for first, second in zip(all_of(split), all_of(split)):
            np.testing.assert_array_equal(first, second)


def test_another_seed_trains_on_others_and_is_judged_on_the_same(drawn, monkeypatch):
    start = pets.SPLIT_SEEDS["train"][0]
    other = pets.load("embedded", n_train=40, seed=3)
    np.testing.assert_array_equal(all_of(other.train)[0], drawn_pets(40, start + 120).images)
    for mine, yours in ((drawn.valid, other.valid), (drawn.test, other.test)):
        np.testing.assert_array_equal(all_of(mine)[0], all_of(yours)[0])
    monkeypatch.setattr(pets, "SPLIT_SEEDS", {**pets.SPLIT_SEEDS, "train": range(start, start + 6)})
    images, _ = all_of(pets.load("embedded", n_train=4, seed=1).train)  # the last two, then the first two
    expected = [draw_pet(start + i).image for i in (4, 5, 0, 1)]
    np.testing.assert_array_equal(images, expected)


def test_pictures_are_drawn_once_and_kept_as_bytes(drawn, monkeypatch):
    def draw_pet(*args, **kwargs):
        raise AssertionError("drawn again")

    monkeypatch.setattr(drawing, "draw_pet", draw_pet)
    all_of(drawn.train)
    again = pets.load("embedded", n_train=40)
    np.testing.assert_array_equal(all_of(again.train)[1], all_of(drawn.train)[1])
    images, _, _ = pets._draw_seeds(pets.SPLIT_SEEDS["valid"], 0, 20)
    assert images.dtype == np.uint8 and not images.flags.writeable


def test_the_sentence(drawn):
    assert str(drawn) == (
        "Drawn cats and dogs, 96 x 96 pixels: 40 to train on, 20 to validate on, 20 to test on."
    )
    photographs = drawn._replace(source="tfds", image_size=224, n_images=(18_610, 2_326, 2_326))
    assert str(photographs) == (
        "Photographs of cats and dogs (TFDS cats_vs_dogs), 224 x 224 pixels: "
        "18,610 to train on, 2,326 to validate on, 2,326 to test on."
    )


@pytest.mark.slow
@pytest.mark.long
def test_by_default_2000_are_drawn():
    [(_, labels), _, (images, _)] = check(pets.load("embedded"), 96, (2_000, 250, 250), 32)
    assert labels.mean() == 0.5
    np.testing.assert_array_equal(pets.load_head_boxes("embedded").images, images)


def test_heads_of_drawn_pets():
    by_split = {split: pets.load_head_boxes("embedded", split, n=6) for split in SPLITS}
    for split, data in by_split.items():
        plain = drawn_pets(6, pets.SPLIT_SEEDS[split][0])
        assert data.images.dtype == np.uint8 and data.head_boxes.dtype == np.int64
        np.testing.assert_array_equal(data.images, plain.images)
        np.testing.assert_array_equal(data.labels, plain.labels)
        np.testing.assert_array_equal(data.head_boxes, plain.head_boxes)
        assert data.class_names == ("cat", "dog") and data.source == "embedded"
        assert str(data) == "Drawn cats and dogs, 96 x 96 pixels: 6 with a box around the head."
        data.labels[:] = data.head_boxes[:] = 0  # they are the caller's
    assert pets.load_head_boxes("embedded", "test", n=6).head_boxes.any()
    assert pets.load_head_boxes("embedded", n=6).images.tobytes() == by_split["test"].images.tobytes()


def test_judged_on_the_same_pets(drawn):
    for split, batches in (("valid", drawn.valid), ("test", drawn.test)):
        judged = pets.load_head_boxes("embedded", split, n=20)
        np.testing.assert_array_equal(judged.images, all_of(batches)[0])


def test_heads_need_no_tensorflow():
    code = (
        "import sys; from course_utils.datasets import pets; pets.load_head_boxes('embedded', n=2); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "load, name", [(pets.load, "cats_vs_dogs"), (pets.load_head_boxes, "oxford_iiit_pet")]
)
def test_photographs_asked_for_and_absent_or_torn(monkeypatch, tmp_path, load, name):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with refused(
        name,
        "isn't on this machine yet",
        f"`python -m course_utils fetch {name}`",
        "embedded",
        error=FileNotFoundError,
    ):
        load("tfds")
    assert not list(tmp_path.iterdir())  # nothing is downloaded unasked
    fetch.tfds_path(name).mkdir(parents=True)
    (fetch.tfds_path(name) / "dataset_info.json").write_text('{"splits": [')
    with refused(name, "damaged", "dataset_info.json", f"fetch {name}", error=FileNotFoundError):
        load("tfds")


def test_auto_takes_the_drawn_ones_where_photographs_are_absent(few, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert pets.load().source == "embedded"
    assert pets.load_head_boxes(n=2).source == "embedded"


@pytest.mark.parametrize("source", ["TFDS", "pets", "", None, True])
@pytest.mark.parametrize("load", [pets.load, pets.load_head_boxes])
def test_unknown_sources(load, source):
    with refused(repr(source), '"auto"', '"tfds"', '"embedded"'):
        load(source)


@pytest.mark.parametrize(
    "load, options",
    [
        (pets.load, {"n_train": 0}),
        (pets.load, {"n_train": 2.5}),
        (pets.load, {"n_train": "all"}),
        (pets.load, {"batch_size": 0}),
        (pets.load, {"batch_size": None}),
        (pets.load, {"seed": -1}),
        (pets.load, {"seed": True}),
        (pets.load_head_boxes, {"n": 0}),
        (pets.load_head_boxes, {"n": None}),
    ],
)
def test_arguments(load, options):
    [(name, value)] = options.items()
    with refused(name, repr(value), "whole number"):
        load("embedded", **options)


def test_more_drawings_than_there_are_seeds():
    with refused("50,001", "50,000"):
        pets.load("embedded", n_train=50_001)
    with refused("20,001", "20,000"):
        pets.load_head_boxes("embedded", "valid", n=20_001)


@pytest.mark.parametrize("split", ["validation", "", None, 0])
def test_unknown_splits(split):
    with refused(repr(split), '"train"', '"valid"', '"test"'):
        pets.load_head_boxes("embedded", split)


# --- TFDS' own builders on small sets made here ------------------------------------------------


def prepared(name, patches, tmp_path_factory):
    """Prepare the data set as TFDS does, in three files, with parts of its builder replaced."""
    import tensorflow_datasets as tfds

    root = tmp_path_factory.mktemp(name)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for attribute, replacement in patches.items():
            monkeypatch.setattr(tfds.builder_cls(name), attribute, replacement)
        monkeypatch.setenv("TFDS_DATA_DIR", str(root))
        builder = tfds.builder(name, data_dir=root)
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=3))
        assert fetch.tfds_ready(name)
    return root


def ten_times(example):
    """What makes a builder prepare one example ten times over."""
    examples = [(str(i), example) for i in range(10)]
    return {"_split_generators": lambda self, manager: {"train": iter(examples)}}


SIDES = [(40 + 10 * (i % 4), 60) for i in range(40)]  # heights and widths


@pytest.fixture(scope="module")
def small_cats_vs_dogs(tmp_path_factory):
    """40 grey pictures whose left half tells which one it is; every other one is a dog."""

    def examples(self):
        for i, (height, width) in enumerate(SIDES):
            image = np.full((height, width, 3), 200, np.uint8)
            image[:, : width // 2] = 5 * i
            yield str(i), {"image": image, "image/filename": f"{i}.jpg", "label": i % 2}

    splits = {"_split_generators": lambda self, manager: {"train": examples(self)}}
    return prepared("cats_vs_dogs", splits, tmp_path_factory)


def which(images):
    """The numbers of the pictures made above."""
    return np.rint(images[:, 112, 20].mean(-1) / 5).astype(int).tolist()


@pytest.mark.slow
def test_photographs_are_split_and_resized(small_cats_vs_dogs, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_cats_vs_dogs))
    data = pets.load(batch_size=7)
    assert data.source == "tfds"
    contents = check(data, 224, (32, 4, 4), 7)
    numbers = [which(images) for images, _ in contents]
    assert sorted(sum(numbers, [])) == list(range(40))  # each in one split
    for (images, labels), split_numbers in zip(contents, numbers):
        assert labels.tolist() == [i % 2 for i in split_numbers]
        assert np.abs(images[:, :, :100] - 5.0 * np.reshape(split_numbers, (-1, 1, 1, 1))).max() <= 2.5
        assert np.abs(images[:, :, 124:] - 200).max() <= 2.5


@pytest.mark.slow
def test_photographs_come_in_the_same_order(small_cats_vs_dogs, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_cats_vs_dogs))
    data, again = pets.load("tfds", batch_size=5), pets.load("tfds", batch_size=9)
    order = which(all_of(data.train)[0])
    assert order == which(all_of(data.train)[0]) == which(all_of(again.train)[0])
    for seed, expected in ((0, order[:12]), (1, order[12:24]), (2, order[24:] + order[:4]), (3, order[4:16])):
        part = pets.load("tfds", n_train=12, seed=seed)
        assert which(all_of(part.train)[0]) == expected and part.n_images == (12, 4, 4)
        assert which(all_of(part.test)[0]) == which(all_of(data.test)[0])
    assert which(all_of(pets.load("tfds", n_train=32, seed=5).train)[0]) == order
    with refused("33", "32"):
        pets.load("tfds", n_train=33)


@pytest.mark.slow
def test_few_to_train_on_are_judged_on_few(small_cats_vs_dogs, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_cats_vs_dogs))
    everything = pets.load("tfds")
    monkeypatch.setattr(pets, "DRAWN_NUMBERS", (40, 2, 2))  # instead of 250 each
    for n_train, n_judged in ((12, 2), (31, 3)):
        data = pets.load("tfds", n_train=n_train)
        assert data.n_images == (n_train, n_judged, n_judged)
        for part, whole in ((data.valid, everything.valid), (data.test, everything.test)):
            assert which(all_of(part)[0]) == which(all_of(whole)[0])[:n_judged]


@pytest.mark.slow
def test_reduced_photographs_do_not_alias(monkeypatch, tmp_path_factory):
    """Fine stripes turn grey, as they do in Pillow."""
    stripes = np.random.default_rng(0).integers(0, 256, (640, 900, 3), np.uint8)
    example = {"image": stripes, "image/filename": "0.jpg", "label": 0}
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared("cats_vs_dogs", ten_times(example), tmp_path_factory)))
    [image], _ = all_of(pets.load("tfds", n_train=1).train)
    expected = np.asarray(Image.fromarray(stripes).resize((224, 224), Image.Resampling.BILINEAR), float)
    assert np.abs(image - expected).max() < 1.5


PET_SIDES = (192, 144)  # width and height


@pytest.fixture(scope="module")
def small_oxford(tmp_path_factory):
    """30 drawn pets as the Oxford pets are published: photograph, outline, and a box for two of three."""
    raw = tmp_path_factory.mktemp("archives")
    for part in ("images", "annotations/trimaps", "annotations/xmls"):
        (raw / part).mkdir(parents=True)
    lines = []
    for seed in range(30):
        pet = draw_pet(seed)
        name = f"{('Bengal', 'pug')[pet.label]}_{seed}"
        Image.fromarray(pet.image).resize(PET_SIDES).save(raw / "images" / f"{name}.jpg", quality=95)
        Image.fromarray(pet.head_mask.astype(np.uint8) + 1).save(raw / f"annotations/trimaps/{name}.png")
        if seed % 3:
            x0, y0, x1, y1 = np.multiply(pet.head_box, (2, 1.5, 2, 1.5))
            (raw / f"annotations/xmls/{name}.xml").write_text(
                f"<annotation><size><width>{PET_SIDES[0]}</width><height>{PET_SIDES[1]}</height></size>"
                f"<object><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
                "</bndbox></object></annotation>"
            )
        lines.append(f"{name} {(6, 26)[pet.label]} {pet.label + 1} 1")
    (raw / "annotations/trainval.txt").write_text("\n".join(lines))
    (raw / "annotations/test.txt").write_text("\n".join(lines[:3]))
    archives = {"images": str(raw), "annotations": str(raw)}

    import tensorflow_datasets as tfds

    with pytest.MonkeyPatch.context() as monkeypatch:
        manager = tfds.download.DownloadManager
        monkeypatch.setattr(manager, "download_and_extract", lambda self, urls: archives)
        return prepared("oxford_iiit_pet", {}, tmp_path_factory)


@pytest.mark.slow
def test_heads_of_photographs(small_oxford, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_oxford))
    drawings, found = drawn_pets(30), []
    enlarged = np.array([Image.fromarray(image).resize((224, 224)) for image in drawings.images], float)
    for split in SPLITS:
        data = pets.load_head_boxes("auto", split)
        n = len(data.labels)
        assert data.source == "tfds" and data.class_names == ("cat", "dog") and n >= 1
        assert data.images.shape == (n, 224, 224, 3) and data.images.dtype == np.uint8
        assert data.head_boxes.shape == (n, 4) and data.head_boxes.dtype == data.labels.dtype == np.int64
        assert str(data) == (
            "Photographs of cats and dogs (TFDS oxford_iiit_pet), 224 x 224 pixels: "
            f"{n} with a box around the head."
        )
        for image, label, box in zip(*data[:3]):
            differences = np.abs(enlarged - image).mean((1, 2, 3))
            seed = int(differences.argmin())
            assert differences[seed] < 6 and label == drawings.labels[seed]
            assert np.abs(box - drawings.head_boxes[seed] * 224 / 96).max() <= 0.5
            found.append(seed)
    assert sorted(found) == [seed for seed in range(30) if seed % 3]
    assert len(pets.load_head_boxes("tfds", "train", n=3).labels) == 3


@pytest.mark.slow
def test_no_heads_at_all(monkeypatch, tmp_path_factory):
    import tensorflow_datasets as tfds

    example = {
        "image": np.zeros((9, 9, 3), np.uint8),
        "label": 0,
        "species": 0,
        "file_name": "a",
        "segmentation_mask": np.zeros((9, 9, 1), np.uint8),
        "head_bbox": tfds.features.BBox(0.0, 0.0, 0.0, 0.0),
    }
    root = prepared("oxford_iiit_pet", ten_times(example), tmp_path_factory)
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))
    with refused("has a head box", "embedded"):
        pets.load_head_boxes("tfds")


# --- real photographs --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.real_data
def test_real_photographs(real_data, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(real_data / "tfds"))
    data = pets.load()
    assert str(data) == (
        "Photographs of cats and dogs (TFDS cats_vs_dogs), 224 x 224 pixels: "
        "2,400 to train on, 300 to validate on, 300 to test on."
    )
    seen = []
    for split, n in zip((data.train, data.valid, data.test), (2400, 300, 300)):
        prints, labels = [], []
        for images, answers in split.as_numpy_iterator():
            assert images.shape[1:] == (224, 224, 3) and images.dtype == np.uint8
            assert images.min() >= 0 and images.max() <= 255
            prints += [image.tobytes() for image in images[:, ::8, ::8]]
            labels += answers.tolist()
        assert len(prints) == n and 0.45 < np.mean(labels) < 0.55
        seen.append(prints)
    assert len(set().union(*seen)) == 3000  # each in one split


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.real_data
def test_a_folder_of_photographs_looks_the_same(real_data, monkeypatch, tmp_path):
    """The same photographs through TensorFlow and through Pillow; these are square, so nothing is cut off."""
    import tensorflow_datasets as tfds

    monkeypatch.setenv("TFDS_DATA_DIR", str(real_data / "tfds"))
    photographs = tfds.load("cats_vs_dogs", split="train[:20]", data_dir=real_data / "tfds", download=False)
    for i, example in enumerate(photographs.as_numpy_iterator()):
        path = tmp_path / pets.CLASS_NAMES[example["label"]] / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(example["image"]).save(path)
    loaded = folder.load_folder(tmp_path)
    images, labels = all_of(pets.load("tfds", n_train=20).train)
    order = np.argsort(labels, kind="stable")
    np.testing.assert_array_equal(loaded.labels, labels[order])
    assert np.abs(loaded.images.astype(int) - images[order]).max() < 2


STREAM = """
import sys, psutil
from course_utils.datasets import pets
data = pets.load("tfds")
memory = lambda: psutil.Process().memory_info().rss / 1e6
for _ in data.valid:
    pass
before, most = memory(), 0
for _ in range(2):
    for _ in data.train:
        most = max(most, memory())
print(round(most - before))
"""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.real_data
def test_real_photographs_are_streamed(real_data, monkeypatch):
    """2,400 photographs are 361 MB. A few batches and what the allocators keep are 150 to 200 MB;
    with TFDS' own cache of what it decodes (288 MB) it would be 550 MB."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(real_data / "tfds"))
    grown = int(subprocess.check_output([sys.executable, "-c", STREAM], text=True))
    assert grown < 350, f"two passes took {grown} MB more"
