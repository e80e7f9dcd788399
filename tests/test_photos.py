"""Your own photographs: any picture in, classes with maps, pictures and a table out; from a notebook or the
shell.
"""

import csv
import datetime
import io

from course_utils import __main__ as command
from course_utils import networks, photos
from course_utils.datasets import pets
from course_utils.datasets.drawn.pets import draw_pet
from course_utils.datasets.folder import load_folder, open_image
from course_utils.files import write_csv

import numpy as np
import pytest
from checks import refused
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    return networks.load_network("pets")


@pytest.fixture
def pictures(tmp_path):
    """Three drawn pets as files: one small, one wide, one large and on its side."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(draw_pet(0).image).save(folder / "a.png")
    Image.fromarray(draw_pet(1).image).crop((0, 20, 96, 80)).save(folder / "wide.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(draw_pet(2, size=1400).image).transpose(Image.Transpose.ROTATE_90).save(
        folder / "large.jpg", exif=exif
    )
    return folder


def made(units, activation=None):
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, strides=4, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(units, activation),
        ]
    )


@pytest.mark.parametrize(
    "units, activation, names", [(3, "softmax", "abc"), (3, "sigmoid", "abc"), (1, "sigmoid", "a")]
)
def test_probabilities_are_those_of_the_network(tmp_path, units, activation, names):
    model, picture = made(units, activation), draw_pet(0).image
    own = np.asarray(model(picture[None].astype("float32")))[0]
    answer = photos.explain_photo(networks.Network(model, tuple(names), 96), picture)
    assert np.allclose(answer.probabilities, np.sort(own)[::-1], atol=1e-6)
    photos.write([answer._replace(file="a.png")], tmp_path)
    with (tmp_path / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        told = [float(row["probability"]) for row in csv.DictReader(file)]
    assert np.allclose(told, np.sort(own)[::-1], atol=1e-4)


def test_one_sigmoid_speaks_for_two_classes_and_their_maps_are_each_others_negative():
    model, picture = made(1, "sigmoid"), draw_pet(0).image
    dog = float(np.asarray(model(picture[None].astype("float32")))[0, 0])
    answer = photos.explain_photo(networks.Network(model, ("cat", "dog"), 96), picture)
    assert np.allclose(dict(zip(answer.class_names, answer.probabilities))["dog"], dog) and np.isclose(
        answer.probabilities.sum(), 1
    )
    assert answer.probabilities[0] >= 0.5
    np.testing.assert_array_equal(answer.cams[..., 0], -answer.cams[..., 1])


def test_the_best_class_comes_first_with_its_own_map(network):
    pet = draw_pet(1)
    answer = photos.explain_photo(network, pet.image)
    assert answer.class_names[0] == pets.CLASS_NAMES[pet.label] and len(answer.class_names) == 2
    assert answer.probabilities[0] > answer.probabilities[1] and np.isclose(answer.probabilities.sum(), 1)
    bias = network.model.get_layer("class_scores").get_weights()[1]
    order = [pets.CLASS_NAMES.index(name) for name in answer.class_names]
    assert np.allclose(answer.cams.mean(axis=(0, 1)) + bias[order], answer.class_scores, atol=1e-4)


def test_proportions_are_kept_and_photographs_are_put_upright(network, pictures):
    answers, problems = photos.explain_files(network, sorted(pictures.iterdir()), size=192, progress=False)
    assert not problems
    assert [a.image.shape for a in answers] == [(192, 192, 3), (192, 192, 3), (120, 192, 3)]
    upright = photos.explain_photo(network, draw_pet(2, size=1400).image, size=192)
    assert np.abs(answers[1].image.astype(int) - upright.image).mean() < 3


def test_1024_pixels_in_one_go(network, pictures):
    [answer], _ = photos.explain_files(network, [pictures / "large.jpg"], size=1024, progress=False)
    assert answer.image.shape == (1024, 1024, 3) and answer.cams.shape == (256, 256, 2)


@pytest.mark.parametrize("size", [31, 1025, 2.5, "large", True])
def test_sizes_have_limits(network, size):
    with refused("size is", "32 to 1024"):
        photos.explain_photo(network, draw_pet(0).image, size=size)


def test_what_is_no_photograph(network):
    with refused("image has shape", "uint8"):
        photos.explain_photo(network, np.zeros((96, 96)))
    with refused("top is 0"):
        photos.explain_photo(network, draw_pet(0).image, top=0)
    with refused("2 classes and 3 names"):
        photos.explain_photo(network._replace(class_names=("a", "b", "c")), draw_pet(0).image)


# --- photographs and networks whose sizes differ ----------------------------------------------


def fixed(size=(96, 96, 3), names=("cat", "dog")):
    """A network that takes one size only, as most that are trained in class."""
    import keras

    keras.utils.set_random_seed(0)
    layers = [
        keras.Input(size),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(6, 3, strides=4, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(len(names)),
    ]
    return networks.Network(keras.Sequential(layers), names, 96)


@pytest.mark.parametrize(
    "shape, inside",
    [
        ((300, 400), (72, 96)),
        ((400, 300), (96, 72)),
        ((60, 40), (96, 64)),
        ((50, 2000), (2, 96)),
        ((3000, 1), (96, 1)),
    ],
)
def test_a_network_of_fixed_size_gets_the_whole_picture(shape, inside):
    image = np.full((*shape, 3), 200, np.uint8)
    image[: shape[0] // 2] = 100
    answer = photos.explain_photo(fixed(), image)
    top, left = (96 - inside[0]) // 2, (96 - inside[1]) // 2
    bars = np.ones((96, 96), bool)
    bars[top : top + inside[0], left : left + inside[1]] = False
    assert answer.image.shape == (96, 96, 3)
    assert (answer.image[bars] == answer.image[~bars].mean().round()).all()
    assert answer.image[~bars].min() < 120 and answer.image[~bars].max() > 180
    assert (
        answer.shown
        == f"whole, {inside[0]} × {inside[1]} of 96 × 96 pixels, bars beside it in its mean colour"
    )


def test_a_square_picture_needs_no_bars():
    assert photos.explain_photo(fixed(), np.full((50, 50, 3), 9, np.uint8)).shown == ""


def test_a_network_of_another_shape_than_square():
    answer = photos.explain_photo(fixed((64, None, 3)), np.full((100, 300, 3), 9, np.uint8))
    assert answer.image.shape == (64, 192, 3)


def test_a_network_of_grey_pictures_gets_them_grey():
    coloured = np.zeros((96, 96, 3), np.uint8)
    coloured[..., 1] = 255
    grey = np.full((96, 96, 3), 150, np.uint8)
    answers = [photos.explain_photo(fixed((96, 96, 1)), image) for image in (coloured, grey)]
    np.testing.assert_allclose(answers[0].class_scores, answers[1].class_scores, rtol=0.01)
    assert (answers[0].image == coloured).all()


def test_a_size_that_the_network_does_not_take():
    with refused("size is 192", "96 × 96 pixels only", "leave size out"):
        photos.explain_photo(fixed(), draw_pet(0).image, size=192)


@pytest.mark.parametrize(
    "shape, seen",
    [((500, 4000), (32, 256)), ((4000, 500), (256, 32)), ((20, 900), (32, 1024)), ((1, 5000), (32, 1024))],
)
def test_panoramas_are_seen_whole(network, shape, seen):
    assert photos.explain_photo(network, np.full((*shape, 3), 90, np.uint8)).image.shape == (*seen, 3)


def test_the_table_tells_of_bars(tmp_path):
    answer = photos.explain_photo(fixed(), np.full((30, 40, 3), 9, np.uint8), file="a.jpg")
    photos.write([answer], tmp_path)
    assert [row["shown"] for row in table(tmp_path)] == 2 * [answer.shown]


# --- pictures of a kind that a network never saw ----------------------------------------------


def test_drawings_are_not_warned_of(network):
    answers = [photos.explain_photo(network, draw_pet(seed).image) for seed in range(20_000, 20_040)]
    assert sum(answer.warning != "" for answer in answers) <= 4


def test_soft_pictures_without_a_drawn_edge_are_warned_of(network, tmp_path):
    """What photographs have in common; they themselves are asked where they are on disk."""
    cells = np.random.default_rng(0).uniform(0, 255, (6, 8, 8, 3)).astype(np.uint8)
    clouds = [np.asarray(Image.fromarray(c).resize((300, 300), Image.Resampling.BICUBIC)) for c in cells]
    answers = [photos.explain_photo(network, cloud, file="a.png") for cloud in clouds]
    assert all("unlike the drawings" in answer.warning for answer in answers)
    photos.write(answers[:1], tmp_path)
    assert [row["warning"] for row in table(tmp_path)] == 2 * [answers[0].warning]


def test_the_command_tells_of_the_warning(tmp_path, capsys):
    Image.new("RGB", (96, 96), "grey").save(tmp_path / "a.png")
    command.main(["explain", "pets", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")])
    assert "unlike the drawings" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.real_data
def test_photographs_are_warned_of(network, real_data):
    data = np.load(real_data / "photos" / "cats_dogs_136.npz")
    jpegs, offsets = data["jpegs"], data["offsets"]
    files = (io.BytesIO(jpegs[offsets[i] : offsets[i + 1]].tobytes()) for i in range(0, 20_000, 200))
    answers = [photos.explain_photo(network, open_image(file)) for file in files]
    assert np.mean([answer.warning != "" for answer in answers]) > 0.9


# --- files -----------------------------------------------------------------------------------


def table(folder):
    with open(folder / "table.csv", newline="") as opened:
        return list(csv.DictReader(opened))


def test_pictures_and_a_table_are_written(network, pictures, tmp_path):
    (tmp_path / "other").mkdir()
    Image.fromarray(draw_pet(3).image).save(tmp_path / "other" / "A.png")
    answers, _ = photos.explain_files(
        network, [pictures / "a.png", tmp_path / "other" / "A.png"], progress=False
    )
    photos.write(answers, tmp_path / "out")
    written = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert (
        len(written) == 6
        and "contact_sheet.png" in written
        and {n[:3] for n in written} >= {"a_1", "a_2", "A-2"}
    )
    rows = table(tmp_path / "out")
    assert [row["rank"] for row in rows] == ["1", "2", "1", "2"]
    answer, row = answers[0], rows[0]
    assert row["class"] == answer.class_names[0] and float(row["probability"]) == pytest.approx(
        answer.probabilities[0], abs=1e-4
    )
    assert Image.open(tmp_path / "out" / f"a_1_{answer.class_names[0]}.png").size == (96, 96)


def test_numbers_in_the_table_are_numbers(network, tmp_path):
    answer = photos.explain_photo(network, draw_pet(1).image, file="=1+1.png")
    assert answer.class_scores[1] < 0  # what a spreadsheet would take for a formula, were it text
    photos.write([answer], tmp_path)
    rows = table(tmp_path)
    assert [float(row["class score"]) for row in rows] == pytest.approx(answer.class_scores, abs=1e-4)
    assert [row["file"] for row in rows] == 2 * ["'=1+1.png"]


NAMES = [
    "a,b.png",
    "two\nlines.png",
    "=1+1.png",
    "äöü ß.png",
    "日本語.png",
    "a$b$c.png",
    "\udcff.png",
    "字" * 80 + ".png",
    'say "x".png',
    "x.tar.png",
    " ",
    "..png",
    "CON.png",
]


def test_names_of_all_kinds(network, tmp_path, recwarn):
    answer = photos.explain_photo(network, draw_pet(1).image, top=1)
    photos.write([answer._replace(file=name) for name in NAMES], tmp_path, [(name, "why") for name in NAMES])
    rows = table(tmp_path)
    expected = [name.replace("\udcff", "?").replace("=1", "'=1") for name in NAMES]
    assert [row["file"] for row in rows] == 2 * expected
    assert len(list(tmp_path.glob("*_1_*.png"))) == len(NAMES)
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize(
    "shape, written",
    [
        ((300, 400), (300, 400)),
        ((2400, 1800), (1600, 1200)),
        ((250, 4000), (100, 1600)),
        ((40, 30), (96, 72)),
    ],
)
def test_pictures_that_are_written_have_the_photographs_pixels(network, tmp_path, shape, written):
    """Up to 1,600 on the longer side, and no fewer than the network saw."""
    image = np.full((*shape, 3), 99, np.uint8)
    photos.write([photos.explain_photo(network, image, top=1, file="a.jpg")], tmp_path)
    [path] = tmp_path.glob("a_1_*.png")
    assert Image.open(path).size == written[::-1]


def test_fine_details_of_a_photograph_are_still_in_the_picture(network):
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    assert (photos.explain_photo(network, stripes).photo == stripes).all()


@pytest.mark.parametrize(
    "shape, framed", [((300, 400), (400, 400)), ((2400, 1800), (1600, 1600)), ((1, 3000), (1600, 1600))]
)
def test_pictures_that_are_written_have_the_bars_that_the_network_saw(shape, framed):
    photo = photos.explain_photo(fixed(), np.full((*shape, 3), 99, np.uint8)).photo
    assert photo.shape == (*framed, 3) and (photo == 99).all()


def test_the_strongest_place_in_the_table_is_one_of_the_picture_written(network, tmp_path):
    pet = draw_pet(1, size=960)
    photos.write([photos.explain_photo(network, pet.image, top=1, file="a.png")], tmp_path)
    [row] = table(tmp_path)
    x0, y0, x1, y1 = pet.head_box
    assert y0 <= int(row["strongest row"]) < y1 and x0 <= int(row["strongest column"]) < x1


def test_the_contact_sheet_names_every_file(network):
    answer = photos.explain_photo(network, draw_pet(1).image)
    files = [f"pets/{i}.png" for i in range(30)] + ["other/7.png"]
    sheet = photos.contact_sheet([answer._replace(file=file) for file in files], [("bad.jpg", "why")])
    names = [line.partition(":")[0] for line in sheet.fingerprint]
    assert names == [f"pets/{i}.png" if i == 7 else f"{i}.png" for i in range(30)] + ["other/7.png"]
    assert sheet.alt.startswith("31 photographs") and "not explained: bad.jpg." in sheet.alt


def test_a_tall_picture_tears_no_gaps_into_the_contact_sheet(network):
    answers = [
        photos.explain_photo(network, np.full((*shape, 3), 99, np.uint8))
        for shape in ((96, 96), (800, 100), (60, 96), (96, 96), (96, 60))
    ]
    sheets = [photos.contact_sheet(some) for some in (answers, 5 * answers[:1])]
    sizes = [Image.open(io.BytesIO(sheet.png)).size for sheet in sheets]
    assert sizes[0] == sizes[1]


def test_contact_sheets_have_as_many_pages_as_needed(network, tmp_path):
    answer = photos.explain_photo(network, draw_pet(1).image, top=1)
    bad = [(f"bad{i}.png", "why") for i in range(24)]
    photos.write((answer._replace(file=f"{i}.png") for i in range(25)), tmp_path, bad)
    assert sorted(path.name for path in tmp_path.glob("contact*")) == [
        "contact_sheet.png",
        "contact_sheet_2.png",
        "contact_sheet_3.png",
    ]


def test_where_nothing_can_be_explained_the_contact_sheet_names_what_could_not(tmp_path):
    photos.write([], tmp_path, [("bad.png", "why")])
    assert (tmp_path / "contact_sheet.png").is_file()


def test_the_command_goes_on_past_bad_files(pictures, tmp_path, capsys):
    (pictures / "bad.jpg").write_text("buy milk")
    (pictures / "empty.png").touch()
    files = [str(p) for p in sorted(pictures.iterdir())] + [str(pictures / "nowhere.png")]
    assert command.main(["explain", "pets", *files, "-o", str(tmp_path / "out"), "--top", "1"]) == 1
    said = capsys.readouterr().out
    assert "3 explained, 3 not" in said and "text, not a picture" in said
    rows = table(tmp_path / "out")
    assert [bool(row["problem"]) for row in rows] == [False, False, False, True, True, True]


def test_the_command_returns_0_if_all_is_well(pictures, tmp_path):
    assert command.main(["explain", "pets", str(pictures / "a.png"), "-o", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize(
    "model, words", [("nowhere.keras", "There is no network"), ("broken.keras", "names the classes")]
)
def test_the_command_explains_wrong_networks(tmp_path, monkeypatch, capsys, model, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.keras").write_text("x")
    assert command.main(["explain", model, "x.png", "-o", "out"]) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_network_comes_back_as_it_was_stored(network, tmp_path):
    path = networks.save_network(network, tmp_path / "mine")
    again = networks.load_network(path)
    image = draw_pet(4).image
    assert again.class_names == network.class_names and again.size == network.size
    assert np.array_equal(photos.explain_photo(again, image).cams, photos.explain_photo(network, image).cams)
    path.write_bytes(path.read_bytes()[:2000])
    with refused("can't be read as a Keras model"):
        networks.load_network(path)


def test_names_with_points_are_names_of_their_own(tmp_path):
    paths = [
        networks.save_network(fixed(names=names), tmp_path / stem)
        for stem, names in (
            ("cats.v1", ("cat", "dog")),
            ("cats.v2", ("a", "b", "c")),
            ("cats.keras", ("x", "y")),
        )
    ]
    assert [path.name for path in paths] == ["cats.v1.keras", "cats.v2.keras", "cats.keras"]
    stored = [networks.load_network(path).class_names for path in paths]
    assert stored == [("cat", "dog"), ("a", "b", "c"), ("x", "y")]


@pytest.mark.parametrize("n, names", [(2, ("cat",)), (2, ("a", "b", "c")), (1, ("a", "b", "c")), (1, ())])
def test_the_number_of_names_is_checked_before_a_network_is_stored(tmp_path, n, names):
    network = fixed(names=("any",) * n)._replace(class_names=names)
    with refused(f"{n} classes and {len(names)} names", "one name a class"):
        networks.save_network(network, tmp_path / "mine")
    assert not list(tmp_path.iterdir())


def test_the_number_of_names_is_checked_when_a_network_is_loaded(tmp_path):
    path = networks.save_network(fixed(), tmp_path / "mine")
    path.with_suffix(".json").write_text('{"class_names": ["cat"], "size": 96}')
    with refused("2 classes and 1 names"):
        networks.load_network(path)


@pytest.mark.parametrize("names", ["ab", (0, 1)])
def test_names_are_strings(names):
    with refused("class_names is", repr(names)):
        photos.explain_photo(fixed()._replace(class_names=names), draw_pet(0).image)


def test_a_single_score_may_have_one_name_or_two(tmp_path):
    """Of two, the negative class comes first, as of a folder's labels 0 and 1; its map is negated."""
    network, image = fixed(names=("dog",)), draw_pet(0).image
    one = photos.explain_photo(network, image)
    two = photos.explain_photo(network._replace(class_names=("cat", "dog")), image)
    assert one.class_names == ("dog",) and sorted(two.class_names) == ["cat", "dog"]
    dog, cat = two.class_names.index("dog"), two.class_names.index("cat")
    assert two.class_scores[dog] == one.class_scores[0] == -two.class_scores[cat] and two.class_scores[0] >= 0
    assert np.array_equal(two.cams[..., dog], one.cams[..., 0])
    assert np.array_equal(two.cams[..., cat], -one.cams[..., 0])
    assert two.probabilities[dog] == one.probabilities[0] == 1 - two.probabilities[cat]


@pytest.mark.parametrize(
    "name, harmless", [("=1+1", "'=1+1"), ("-2", "'-2"), ("@x", "'@x"), ("cat", "cat"), (-2, "-2")]
)
def test_spreadsheets_execute_nothing(tmp_path, name, harmless):
    write_csv(["file"], [[name]], tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == f'"{harmless}"'


# --- the example folder and the upload -------------------------------------------------------


def test_the_example_folder_has_the_flaws_it_should(tmp_path):
    pictures = load_folder(photos.example_folder(tmp_path, n=3), size=96)
    assert pictures.class_names == ("no pet", "pet") and len(pictures.labels) == 3 + 4
    assert [(row.file, row.done) for row in pictures.report] == [
        ("no pet/half.png", "skipped"),
        ("no pet/notes.jpg", "skipped"),
        ("pet/from_a_phone.jpg", "put upright"),
    ]
    upright = draw_pet(6_000).image
    [turned] = [i for i, file in enumerate(pictures.files) if file.endswith("phone.jpg")]
    assert np.abs(np.subtract(pictures.images[turned], upright, dtype=float)).mean() < 4


def upload(content, name="tom.png"):
    return (
        {
            "name": name,
            "type": "image/png",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime.datetime(2031, 5, 1, tzinfo=datetime.UTC),
        },
    )


def test_an_uploaded_photograph_is_explained_and_a_bad_one_is_named(network, pictures):
    view = photos.uploader(network)
    button = view.children[0]
    button.value = upload((pictures / "a.png").read_bytes())
    assert len(view.children) == 3 and "tom.png: " in view.children[1].value
    button.value = upload(b"<b>no picture</b>", "<b>.jpg")
    assert len(view.children) == 2 and "text, not a picture" in view.children[1].value
    assert "<b>" not in view.children[1].value
    button.value = upload((pictures / "wide.png").read_bytes(), "again.png")
    assert len(view.children) == 3


def test_the_upload_says_beforehand_how_large_a_photograph_may_be(network):
    """More than Jupyter's 10 MiB a message ends the connection, and nobody is told."""
    button, status = photos.uploader(network).children
    assert "up to 10 MB" in status.value and "open_image(" in status.value


def test_a_choice_that_is_taken_back(network, pictures):
    view = photos.uploader(network)
    view.children[0].value = upload((pictures / "a.png").read_bytes())
    view.children[0].value = ()
    assert len(view.children) == 3


def test_open_image_takes_an_open_file(pictures):
    with open(pictures / "a.png", "rb") as file:
        assert np.array_equal(open_image(file), open_image(pictures / "a.png"))


# --- found by looking for siblings of known faults ---------------------------------------------


def lambda_net():
    import keras

    layers = keras.layers
    steps = [layers.Lambda(lambda z: z / 255), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((None, None, 3)), *steps, layers.Dense(2)])


def test_what_couldn_t_be_read_back_isn_t_stored_and_replaces_nothing(network, tmp_path):
    stored = photos.save_network(network, tmp_path / "mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for other, words in (
        (networks.Network(lambda_net(), ("a", "b"), 96), "couldn't read it back"),
        (network._replace(size=None), "size is None"),
    ):
        with refused(words):
            photos.save_network(other, stored)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_damaged_network_file_is_told(network, tmp_path):
    stored = photos.save_network(network, tmp_path / "mine")
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 255
    stored.write_bytes(content)
    with refused("mine.keras can't be read as a Keras model"):
        networks.load_network(stored)


@pytest.mark.parametrize("wrong", ["photos", None])
def test_what_is_no_network_is_told(wrong):
    with refused("expected a Network", error=TypeError):
        photos.explain_photo(wrong, draw_pet(0).image)


@pytest.mark.parametrize("name", [None, 5, ""])
def test_what_is_no_name_of_a_network_is_told(name):
    with refused("expected a file's path"):
        networks.load_network(name)


def test_explaining_a_folder_again_finds_the_photographs_only(pictures, tmp_path, capsys):
    (pictures / ".DS_Store").write_bytes(b"x")
    (pictures / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    (pictures / "a.png").rename(tmp_path / "elsewhere" / "a.png")
    (pictures / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "round").symlink_to(pictures)  # a circle
    for _ in range(2):
        assert photos.main("pets", [pictures], pictures / "out") == 0
        assert "3 explained, 0 not" in capsys.readouterr().out


def test_a_broken_link_in_a_folder_is_told(pictures, tmp_path, capsys):
    (pictures / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert photos.main("pets", [pictures], tmp_path / "out") == 1
    assert "3 explained, 1 not" in capsys.readouterr().out


def test_an_empty_folder_is_told(tmp_path):
    with refused("There is no file in"):
        photos.main("pets", [tmp_path], tmp_path / "out")


def test_a_network_that_rescales_nothing_is_doubted():
    import keras

    layers = keras.layers
    steps = [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    scaled = [layers.Rescaling(1 / 255), *steps]
    for behind, doubted in ((steps, True), (scaled, False)):
        model = keras.Sequential([keras.Input((None, None, 3)), *behind])
        answer = photos.explain_photo(networks.Network(model, ("a", "b"), 96), draw_pet(0).image)
        assert ("rescales nothing" in answer.warning) == doubted
