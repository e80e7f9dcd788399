"""Folders of pictures, however ill-treated: what can be used is used, and the rest is named with a reason."""

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib

from course_utils.datasets import folder
from course_utils.datasets.drawn.pets import draw_pet
from course_utils.datasets.folder import load_folder, open_image

import numpy as np
import pillow_heif
import psutil
import pytest
from checks import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

DRAWING = Image.fromarray(draw_pet(74).image)  # 96 x 96
WIDE = DRAWING.resize((120, 80))
many = settings(max_examples=150, deadline=None, derandomize=True)


pillow_heif.register_heif_opener()  # and what writes HEIC, which `folder` doesn't need


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


JPEG = encoded(WIDE, "JPEG")


def photos(root, **files):
    """Write files, class="…" as {name: bytes or picture}, below root, and return it."""
    for class_name, contents in files.items():
        (root / class_name).mkdir(exist_ok=True)
        for name, content in contents.items():
            if isinstance(content, Image.Image):
                content = encoded(content, "PNG")
            (root / class_name / name).write_bytes(content)
    return root


def with_row(report, file):
    rows = [row for row in report if row.file == file]
    assert len(rows) == 1, report
    return rows[0].found, rows[0].done


def png(width, height, bits, colours, rows):
    """A PNG made by hand; rows are compressed already."""
    data = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data


def black_png(width, height):
    """A black-and-white PNG of any size that takes no memory to make."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(2 + width // 8)) for _ in range(height)) + packer.flush()
    return png(width, height, 1, 0, rows)


# --- a well-kept folder ------------------------------------------------------------------------


def test_a_folder_a_class(tmp_path):
    photos(tmp_path, dog={"b.png": WIDE, "a.png": DRAWING}, cat={"x.png": DRAWING.rotate(90)})
    loaded = load_folder(tmp_path, size=96)
    assert loaded.images.shape == (3, 96, 96, 3) and loaded.images.dtype == np.uint8
    assert loaded.class_names == ("cat", "dog") and loaded.labels.tolist() == [0, 1, 1]
    assert loaded.labels.dtype == np.int64
    assert loaded.files == ("cat/x.png", "dog/a.png", "dog/b.png")
    np.testing.assert_array_equal(loaded.images[1], np.asarray(DRAWING))  # 0..255, nothing done to it
    assert loaded.report == [] and str(loaded.report) == "Every file was fine as it is."
    assert str(loaded) == "3 pictures of 2 classes (1 cat, 2 dog), 96 x 96 pixels."
    images, labels = loaded.for_training()
    assert images is loaded.images and labels is loaded.labels


def test_the_default_size_is_that_of_photographs(tmp_path):
    assert load_folder(photos(tmp_path, cat={"a.png": DRAWING})).images.shape == (1, 224, 224, 3)


@pytest.mark.parametrize(
    "kind", ["JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO", "MPO", "HEIF"]
)
def test_formats_are_told_by_their_contents(tmp_path, kind):
    photos(tmp_path, cat={"holiday.txt": encoded(DRAWING, kind)}, dog={"a.png": DRAWING})
    loaded = load_folder(tmp_path, size=96)
    assert loaded.labels.tolist() == [0, 1]
    assert np.abs(np.subtract(*loaded.images, dtype=float)).mean() < 10  # they lose a little, GIF most


def test_the_square_in_the_middle_is_used(tmp_path):
    """A red, a green and a blue part of 100 x 100 pixels side by side, then one above the other."""
    stripes = np.zeros((100, 300, 3), np.uint8)
    for k in range(3):
        stripes[:, 100 * k : 100 * (k + 1), k] = 255
    upright = Image.fromarray(stripes.swapaxes(0, 1).copy())
    photos(tmp_path, cat={"lying.png": Image.fromarray(stripes), "standing.png": upright})
    loaded = load_folder(tmp_path, size=50)
    assert (loaded.images[:, 1:-1, 1:-1] == (0, 255, 0)).all()
    for name in ("lying", "standing"):
        size, done = with_row(loaded.report, f"cat/{name}.png")
        assert size == ("300 x 100 pixels" if name == "lying" else "100 x 300 pixels")
        assert done == "only the 33% in its middle used"


def test_proportions_are_kept(tmp_path):
    """A disc in a wide picture stays a disc."""
    y, x = np.mgrid[:120, :200]
    disc = np.hypot(x - 99.5, y - 59.5) < 40
    picture = Image.fromarray((disc * 255).astype(np.uint8)).convert("RGB")
    image = load_folder(photos(tmp_path, cat={"disc.png": picture}), size=60).images[0, ..., 0]
    assert abs((image[30] > 127).sum() - (image[:, 30] > 127).sum()) <= 1
    assert (image[30] > 127).sum() == pytest.approx(40, abs=1)


def test_reducing_does_not_alias(tmp_path):
    """Fine stripes turn grey, in a PNG and in a JPEG that is decoded at a fraction of its size."""
    stripes = np.zeros((960, 960, 3), np.uint8)
    stripes[:, ::2] = 255
    stripes = Image.fromarray(stripes)
    photos(tmp_path, cat={"a.png": stripes, "b.jpg": encoded(stripes, "JPEG", quality=95)})
    assert np.abs(load_folder(tmp_path, size=96).images - 127.5).max() < 6


def test_a_photograph_decoded_at_a_fraction_is_the_same(tmp_path):
    big = DRAWING.resize((960, 960), Image.Resampling.BICUBIC)
    jpeg = encoded(big, "JPEG", quality=95)
    photos(tmp_path, cat={"a.png": encoded(Image.open(io.BytesIO(jpeg)), "PNG"), "b.jpg": jpeg})
    png, fraction = load_folder(tmp_path, size=100).images
    assert np.abs(np.subtract(png, fraction, dtype=float)).mean() < 1


def test_per_class_takes_the_first_usable_ones(tmp_path):
    photos(
        tmp_path,
        cat={"a.png": b"", "b.png": DRAWING, "c.png": DRAWING, "d.png": b"looked at by nobody"},
        dog={"e.png": DRAWING},
    )
    loaded = load_folder(tmp_path, size=32, per_class=2)
    assert loaded.files == ("cat/b.png", "cat/c.png", "dog/e.png")
    assert [row.file for row in loaded.report] == ["cat/a.png"]
    assert load_folder(tmp_path, size=32, per_class=1).files == ("cat/b.png", "dog/e.png")


# --- pictures of other kinds -------------------------------------------------------------------

GREY = WIDE.convert("L")
DEEP = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)  # the same in 16 bits
KINDS = {  # the bytes, the RGB picture they stand for, how far from it rounding may lead, what is found
    "cmyk.jpg": (encoded(WIDE.convert("CMYK"), "JPEG", quality=95), WIDE, 3, "CMYK"),
    "cmyk.tif": (encoded(WIDE.convert("CMYK"), "TIFF"), WIDE, 1, "CMYK"),
    "lab.tif": (encoded(WIDE.convert("LAB"), "TIFF"), WIDE, 6, "LAB"),
    "palette.png": (encoded(WIDE.quantize(200), "PNG"), WIDE.quantize(200).convert("RGB"), 0, "palette"),
    "grey.png": (encoded(GREY, "PNG"), GREY, 0, "grey"),
    "bilevel.png": (encoded(WIDE.convert("1"), "PNG"), WIDE.convert("1"), 0, "black and white"),
    "deep.png": (encoded(DEEP, "PNG"), GREY, 0, "16-bit grey"),
    "deep.tif": (encoded(DEEP, "TIFF"), GREY, 0, "16-bit grey"),
    "deep.pgm": (encoded(DEEP, "PPM"), GREY, 0, "16-bit grey"),
}


@pytest.mark.parametrize("name", KINDS)
def test_other_kinds_become_rgb(tmp_path, name):
    data, meant, tolerance, found = KINDS[name]
    photos(tmp_path, cat={name: data})
    image = open_image(tmp_path / "cat" / name)
    assert image.dtype == np.uint8 and image.shape == (80, 120, 3)
    assert np.abs(image - np.asarray(meant.convert("RGB"), float)).mean() <= tolerance
    assert with_row(load_folder(tmp_path, size=64).report, f"cat/{name}")[0] == found


@pytest.mark.parametrize(
    "values, grey",
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([-7.0, 3.0, 13.0], [0, 128, 255]),
        ([2.0, 2.0, 2.0], [0, 0, 0]),
        ([np.nan, 0, 3e38], [0, 0, 255]),
        ([np.inf, 0, 10], [0, 0, 255]),
    ],
)
def test_floating_point_pictures_are_stretched(tmp_path, values, grey):
    path = tmp_path / "a.tif"
    Image.fromarray(np.array([values], np.float32)).save(path)
    assert open_image(path)[0].tolist() == [[g, g, g] for g in grey]


def test_32_bit_grey_is_stretched(tmp_path):
    Image.fromarray(np.array([[-100, 0, 70_000, 100_000]], np.int32)).save(tmp_path / "a.tif")
    assert open_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 0, 179, 255]


def test_sixteen_bit_colours(tmp_path):
    """Pillow can't write these, so the PNG is made by hand: one row of red, half green and blue."""
    row = b"\0" + struct.pack(">9H", 65535, 0, 0, 0, 32896, 0, 0, 0, 65535)
    (tmp_path / "a.png").write_bytes(png(3, 1, 16, 2, zlib.compress(row)))
    assert open_image(tmp_path / "a.png")[0].tolist() == [[255, 0, 0], [0, 128, 0], [0, 0, 255]]


def test_sixteen_bits_are_rounded(tmp_path):
    """White is 65,535 = 255 * 257."""
    deep = np.array([[0, 128, 129, 257 * 100 + 128, 257 * 100 + 129, 65_535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png")[0, :, 1].tolist() == [0, 0, 1, 100, 101, 255]


def test_transparent_parts_are_white(tmp_path):
    """Whatever hides under them: with an alpha channel, in grey, in a palette, as a colour key."""
    red = np.zeros((20, 20, 4), np.uint8)
    red[..., 0], red[:10, :, 3] = 255, 255  # the upper half is opaque
    rgba = Image.fromarray(red)
    keyed = np.full((20, 20, 3), (0, 0, 255), np.uint8)
    keyed[:10] = 255, 0, 0
    palette = Image.fromarray(np.repeat([[0], [1]], 10, axis=0).astype(np.uint8).repeat(20, 1), "P")
    palette.putpalette([255, 0, 0, 0, 255, 0])
    files = {
        "rgba.png": encoded(rgba, "PNG"),
        "rgba.webp": encoded(rgba, "WEBP", lossless=True),
        "rgba.heic": encoded(rgba, "HEIF", quality=-1, chroma=444, matrix_coefficients=0),
        "keyed.png": encoded(Image.fromarray(keyed), "PNG", transparency=(0, 0, 255)),
        "palette.png": encoded(palette, "PNG", transparency=1),
        "palette.gif": encoded(palette, "GIF", transparency=1),
    }
    photos(tmp_path, cat=files, dog=files)
    for name in files:
        image = open_image(tmp_path / "cat" / name)
        assert (image[:10] == (255, 0, 0)).all() and (image[10:] == 255).all(), name
    assert {row.found for row in load_folder(tmp_path, size=8).report} == {"transparency"}
    half = Image.new("LA", (10, 10), (0, 128))
    half.save(tmp_path / "half.png")
    assert (open_image(tmp_path / "half.png") == 127).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_of_moving_pictures_the_first(tmp_path, kind):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    photos(tmp_path, cat={"a": encoded(frames[0], kind, save_all=True, append_images=frames[1:])})
    loaded = load_folder(tmp_path, size=20)
    assert np.abs(loaded.images[0] - (255, 0, 0)).max() < 5
    found, done = with_row(loaded.report, "cat/a")
    assert "several frames" in found and "first one used" in done


def test_a_phones_picture_with_extras_is_one_picture(tmp_path):
    """MPO: a JPEG with, say, a depth map behind it."""
    phone = encoded(DRAWING, "MPO", save_all=True, append_images=[Image.new("L", (48, 48))])
    photos(tmp_path, cat={"a.jpg": phone}, dog={"b.jpg": encoded(DRAWING, "JPEG")})
    loaded = load_folder(tmp_path, size=96)
    assert loaded.report == [] and np.abs(loaded.images[0] - loaded.images[1]).max() < 5


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(tmp_path, kind, orientation):
    """The EXIF standard: the stored row 0 is at the top, top, bottom, bottom, left, right, right, left."""
    row_0, column_0 = {
        1: "top left",
        2: "top right",
        3: "bottom right",
        4: "bottom left",
        5: "left top",
        6: "right top",
        7: "right bottom",
        8: "left bottom",
    }[orientation].split()
    stored = np.zeros((40, 60, 3), np.uint8)
    stored[:12, :, 0], stored[:, :12, 1] = 255, 255  # red along row 0, green along column 0
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind in ("JPEG", "WEBP", "AVIF") else {}
    exif = (
        exif.tobytes() if kind == "HEIF" else exif
    )  # only from bytes its writer notes the turn as cameras do
    (tmp_path / "a").write_bytes(encoded(Image.fromarray(stored), kind, exif=exif, **options))
    image = open_image(tmp_path / "a").astype(float)
    edges = {"top": np.s_[:8], "bottom": np.s_[-8:], "left": np.s_[:, :8], "right": np.s_[:, -8:]}
    for channel, edge in ((0, row_0), (1, column_0)):
        means = {name: image[where][..., channel].mean() for name, where in edges.items()}
        assert max(means, key=means.get) == edge and means[edge] > 230, means


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II",
        b"XXXXXXXX",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0\0\0",
    ],
)  # an orientation of 99
def test_a_picture_with_damaged_exif_data_is_used_as_it_is(tmp_path, exif):
    exif = struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "b.jpg").write_bytes(JPEG[:2] + b"\xff\xe1" + exif + JPEG[2:])
    np.testing.assert_array_equal(open_image(tmp_path / "a.jpg"), open_image(tmp_path / "b.jpg"))


def test_small_ones_are_enlarged_and_said_so(tmp_path):
    photos(tmp_path, cat={"a.png": WIDE.resize((20, 16))}, dog={"b.png": DRAWING.resize((16, 16))})
    loaded = load_folder(tmp_path, size=64)
    assert len(loaded.files) == 2 and loaded.report == []
    loaded = load_folder(tmp_path, size=80)
    assert with_row(loaded.report, "cat/a.png") == ("20 x 16 pixels", "enlarged")


# --- files that can't be used ------------------------------------------------------------------

BROKEN = {
    "empty.jpg": (b"", "empty (0 bytes)"),
    "text.jpg": (b"Dear diary,\n", "text, not a picture"),
    "korean.jpg": ("고양이와 개\n".encode(), "text, not a picture"),
    "latin.jpg": ("<html>déjà vu</html>".encode("latin-1"), "text, not a picture"),
    "paper.jpg": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\0\1\2", "PDF, not a picture"),
    "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "HEIC, damaged"),
    "noise.jpg": (bytes(range(256)), "unknown format"),
    "half.jpg": (JPEG[: len(JPEG) // 2], "damaged or rare: image file is truncated"),
    "start.jpg": (JPEG[:30], "damaged"),
    "half.png": (encoded(WIDE, "PNG")[:2000], "damaged"),
    "dot.png": (encoded(Image.new("RGB", (1, 1)), "PNG"), "1 x 1 pixels, too small"),
    "line.png": (encoded(Image.new("RGB", (300, 2)), "PNG"), "300 x 2 pixels, too small"),
    "90m.png": (black_png(10_000, 9_000), "90 million pixels, more than the 64 million allowed"),
    "70m.png": (
        black_png(10_000, 7_000),
        "70 million pixels, more than the 64 million allowed, 256 in a JPEG",
    ),
    "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\nshowpage\n", "text"),
}


@pytest.fixture(scope="module")
def mess(tmp_path_factory):
    """A folder with every kind of broken file beside two good ones."""
    root = photos(tmp_path_factory.mktemp("mess"), cat={name: data for name, (data, _) in BROKEN.items()})
    photos(
        root,
        cat={"good.png": DRAWING, ".DS_Store": b"\0\1", "Thumbs.db": b"\0"},
        dog={"good.png": DRAWING},
        owl={},
        **{".hidden": {"a.png": DRAWING}},
    )
    (root / "cat" / "kittens").mkdir()
    (root / "cat" / "lost.jpg").symlink_to("nowhere")
    (root / "notes.txt").write_text("these are mine")
    return root


def test_the_rest_of_the_folder_works(mess):
    loaded = load_folder(mess, size=96)
    assert loaded.files == ("cat/good.png", "dog/good.png") and loaded.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(loaded.images, [np.asarray(DRAWING)] * 2)
    assert loaded.class_names == ("cat", "dog", "owl")
    assert str(loaded) == "2 pictures of 3 classes (1 cat, 1 dog, 0 owl), 96 x 96 pixels."


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named_with_the_reason(mess, name):
    found, done = with_row(load_folder(mess, size=16).report, f"cat/{name}")
    assert BROKEN[name][1] in found and done == "skipped"
    if "too small" not in found:
        with refused(repr(name), BROKEN[name][1], "JPEG or PNG"):
            open_image(mess / "cat" / name)


def test_every_other_oddity_is_in_the_report_and_hidden_files_are_not(mess):
    report = load_folder(mess, size=16).report
    assert with_row(report, "owl/") == ("no picture that can be used", "kept as a class without pictures")
    assert with_row(report, "notes.txt") == ("outside the class folders", "skipped")
    assert with_row(report, "cat/kittens/") == ("a folder in a class folder", "skipped")
    assert with_row(report, "cat/lost.jpg") == ("not a file, or a link to nowhere", "skipped")
    assert len(report) == len(BROKEN) + 4
    assert not any("hidden" in row.file or "DS_Store" in row.file or "Thumbs" in row.file for row in report)


def test_the_report_prints_as_a_table(mess):
    report = load_folder(mess, size=16).report
    lines = str(report).splitlines()
    assert len(lines) == len(report) + 2 and repr(report) == str(report)
    starts = [lines[0].index(title) for title in ("file", "what was found", "what was done")]
    for line, row in zip(lines[2:], report, strict=True):
        cells = [line[a:b].rstrip() for a, b in zip(starts, (*starts[1:], None))]
        assert cells == list(row)
    assert max(map(len, lines)) < 150


def test_a_long_report_is_cut_and_says_so():
    rows = [folder.Row(f"cat/{i}.png", "grey", "converted to RGB") for i in range(5000)]
    lines = str(folder.Report(rows)).splitlines()
    assert len(lines) == 43 and lines[-1] == "… and 4,960 more"
    long = str(folder.Report([folder.Row("cat/" + 300 * "x" + ".png", "grey", "converted")])).splitlines()
    assert max(map(len, long)) < 80 and "cat/xx" in long[-1] and "xx.png" in long[-1]


def test_names_that_would_break_the_table_or_the_terminal(tmp_path):
    root = photos(tmp_path, cat={"good.png": DRAWING, "two\nlines\t\x1b[31m.jpg": b""})
    try:
        (root / "cat" / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(b"")
    except OSError:
        pass  # this file system has UTF-8 names only
    report = load_folder(root, size=16).report
    assert all(row.file.isprintable() for row in report) and len(report) >= 2
    str(report).encode()
    with refused("can't be opened as a picture"):
        open_image(root / "cat" / "two\nlines\t\x1b[31m.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path):
    photos(tmp_path, cat={"good.png": DRAWING})
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")
    assert with_row(load_folder(tmp_path, size=16).report, "cat/pipe.jpg")[1] == "skipped"


def test_files_and_folders_that_may_not_be_read(tmp_path, monkeypatch):
    """Refused by a stand-in for the system: as root, everything may be read."""

    def refusing(function):
        def checked(path, *mode):
            if "secret" in str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return function(path, *mode)

        return checked

    photos(tmp_path, cat={"good.png": DRAWING, "secret.png": DRAWING}, secret={"a.png": DRAWING})
    monkeypatch.setattr(folder, "open", refusing(open), raising=False)
    monkeypatch.setattr(folder.os, "listdir", refusing(os.listdir))
    report = load_folder(tmp_path, size=16).report
    assert with_row(report, "cat/secret.png") == ("can't be read: Permission denied", "skipped")
    assert folder.Row("secret/", "can't be read: Permission denied", "skipped") in report
    with refused("'secret.png'", "Permission denied"):
        open_image(tmp_path / "cat" / "secret.png")
    with refused("'secret'", "Permission denied"):
        load_folder(tmp_path / "secret")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(12_000, 9_000), (16_320, 12_240), (40_000, 1_700)])
def test_what_large_phones_take_is_decoded_at_a_half(tmp_path, size):
    """108 and 200 million pixels, the latter beyond Pillow's own limit, and a panorama."""
    grey = Image.new("L", size, 200)
    grey.paste(50, (0, 0, size[0] // 2, size[1]))
    path = photos(tmp_path, cat={"a.jpg": encoded(grey, "JPEG")}) / "cat" / "a.jpg"
    image, width = open_image(path), size[0] // 2
    assert image.shape == (size[1] // 2, width, 3)
    assert (image[:, : width // 2 - 8] == 50).all() and (image[:, width // 2 + 8 :] == 200).all()
    assert len(load_folder(tmp_path, size=64).files) == 1


@pytest.mark.parametrize("kind", ["JPEG", "HEIF"])
def test_the_header_is_enough_to_refuse_what_is_larger(tmp_path, kind):
    data = bytearray(encoded(Image.new("L", (640, 480)), kind))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")  # start of frame: length, bits, height, width
        data[at + 5 : at + 9] = struct.pack(">HH", 40_000, 40_000)
    else:
        at = data.index(b"ispe")  # version, width, height
        data[at + 8 : at + 16] = struct.pack(">II", 40_000, 40_000)
    (tmp_path / "a").write_bytes(data)
    with refused("1,600 million pixels" if kind == "JPEG" else "'a'", "can't be opened as a picture"):
        open_image(tmp_path / "a")


def test_400_million_pixels_cost_no_memory(tmp_path):
    """With 100 MB to spare it is refused for what it is, and not by the system."""
    pytest.importorskip("resource", reason="Windows has no such limit")
    photos(tmp_path, cat={"bomb.png": black_png(20_000, 20_000), "good.png": DRAWING})
    code = (
        "import resource, sys, psutil; from course_utils.datasets.folder import load_folder; "
        "limit = psutil.Process().memory_info().vms + 100_000_000; "
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit)); "
        "print(load_folder(sys.argv[1], size=16).report)"
    )
    told = subprocess.check_output([sys.executable, "-c", code, tmp_path], text=True)
    assert "400 million pixels, more than the 64 million allowed" in told


def test_a_picture_too_large_for_memory(tmp_path, monkeypatch):
    def open_(file, **options):
        raise MemoryError

    DRAWING.save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", open_)
    with refused("'a.png'", "too large for this machine's memory"):
        open_image(tmp_path / "a.png")


def test_limits_of_pillow_set_by_others_change_nothing(tmp_path, monkeypatch):
    photos(tmp_path, cat={"bomb.png": black_png(10_000, 9_000), "good.png": DRAWING})
    for limit in (None, 10**12):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert "90 million pixels" in load_folder(tmp_path, size=16).report[-1].found


# --- whatever is in a file ---------------------------------------------------------------------

EXIF = Image.Exif()
EXIF[0x0112] = 6
SMALL = DRAWING.resize((40, 30))
VALID = [
    encoded(SMALL, "JPEG", exif=EXIF),
    encoded(SMALL, "JPEG", progressive=True),
    encoded(SMALL.convert("CMYK"), "JPEG"),
    encoded(SMALL, "PNG", exif=EXIF),
    encoded(SMALL.quantize(9), "PNG", transparency=2),
    encoded(SMALL, "BMP"),
    encoded(SMALL, "GIF", save_all=True, append_images=[SMALL.rotate(180)]),
    encoded(SMALL, "WEBP", exif=EXIF),
    encoded(SMALL, "TIFF", exif=EXIF),
    encoded(SMALL.convert("F"), "TIFF"),
    encoded(SMALL, "TIFF", compression="tiff_lzw"),
    encoded(SMALL, "AVIF"),
    encoded(SMALL, "HEIF"),
    encoded(SMALL, "JPEG2000"),
    encoded(SMALL, "PPM"),
    encoded(SMALL, "ICO"),
]
BEGINNINGS = [b"", *(data[:n] for data in VALID for n in (4, 12, 40))]


def only_documented(path):
    """A file is opened as a picture, or refused in one sentence; and a folder never minds it."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            image = open_image(path)
            assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size
        except ValueError as error:
            assert type(error) is ValueError and "can't be opened as a picture (" in str(error)
            assert str(error).isprintable() and len(str(error)) < 250
        loaded = load_folder(path.parents[1], size=16)
    assert not heard  # nor does anybody have to read Pillow's warnings
    assert "cat/good.png" in loaded.files
    assert (f"cat/{path.name}" in loaded.files) != any(
        row.file == f"cat/{path.name}" and row.done == "skipped" for row in loaded.report
    )
    assert ((loaded.images >= 0) & (loaded.images <= 255)).all()


@pytest.fixture(scope="module")
def suspect(tmp_path_factory):
    return photos(tmp_path_factory.mktemp("fuzz"), cat={"good.png": SMALL}) / "cat" / "suspect.jpg"


@many
@given(start=st.sampled_from(BEGINNINGS), rest=st.binary(max_size=600))
def test_random_bytes(suspect, start, rest):
    suspect.write_bytes(start + rest)
    only_documented(suspect)


@many
@given(data=st.sampled_from(VALID), share=st.floats(0, 1))
def test_truncated_pictures(suspect, data, share):
    suspect.write_bytes(data[: int(share * len(data))])
    only_documented(suspect)


@settings(many, max_examples=300)
@given(
    data=st.sampled_from(VALID),
    within=st.sampled_from([32, 200, None]),
    flips=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_pictures_with_wrong_bytes(suspect, data, within, flips):
    data = bytearray(data)
    for where, byte in flips:
        data[int(where * min(within or len(data), len(data)))] = byte
    suspect.write_bytes(data)
    only_documented(suspect)


# --- folders that can't be used ----------------------------------------------------------------


def test_one_class_loads_but_does_not_train(tmp_path):
    loaded = load_folder(photos(tmp_path, person={"a.png": DRAWING}), size=16)
    assert str(loaded) == "1 picture of 1 class (1 person), 16 x 16 pixels."
    row = with_row(loaded.report, "(the folder)")
    assert row == ("only one class with pictures", "loaded; training needs two")
    with refused("'person'", "a second sub-folder"):
        loaded.for_training()


def test_two_classes_one_of_them_empty_do_not_train(tmp_path):
    loaded = load_folder(photos(tmp_path, cat={}, dog={"a.png": DRAWING}), size=16)
    assert loaded.labels.tolist() == [1]  # dog stays class 1, as in a folder where cat has pictures
    assert [row.file for row in loaded.report] == ["cat/", "(the folder)"]
    with refused("'dog'"):
        loaded.for_training()


def test_nothing_usable(tmp_path):
    photos(tmp_path, cat={"a.jpg": b"", "b.jpg": b"text"}, dog={})
    with refused(repr(tmp_path.name), "2 other files", "cat/a.jpg: empty (0 bytes)"):
        load_folder(tmp_path)


def test_empty_class_folders_only(tmp_path):
    with refused("has no picture that can be used"):
        load_folder(photos(tmp_path, cat={}, dog={}))


def test_pictures_without_class_folders(tmp_path):
    DRAWING.save(tmp_path / "a.png")
    with refused("no sub-folders", "1 files", "name of the class"):
        load_folder(tmp_path)


def test_folders_that_are_none(tmp_path):
    DRAWING.save(tmp_path / "a.png")
    with refused("'a.png' is a file"):
        load_folder(tmp_path / "a.png")
    with refused("There is no folder", "nowhere", error=FileNotFoundError):
        load_folder(tmp_path / "nowhere")
    with refused("There is no folder", error=FileNotFoundError):
        load_folder("nul\0byte")
    for given_ in (None, 3, "", b"photos"):
        with refused(repr(given_), "path"):
            load_folder(given_)


def test_files_that_are_none(tmp_path):
    with refused("There is no file", "nowhere.jpg", error=FileNotFoundError):
        open_image(tmp_path / "nowhere.jpg")
    with refused("is a folder"):
        open_image(tmp_path)
    with refused("None", "path"):
        open_image(None)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"size": 7},
        {"size": 96.0},
        {"size": True},
        {"size": "96"},
        {"per_class": 0},
        {"per_class": 1.5},
        {"per_class": "all"},
    ],
)
def test_arguments(tmp_path, options):
    [(name, value)] = options.items()
    with refused(name, repr(value), "whole number"):
        load_folder(photos(tmp_path, cat={"a.png": DRAWING}), **options)


def test_more_than_memory_holds_is_refused_before_it_is_read(tmp_path, monkeypatch):
    photos(tmp_path, cat={f"{i}.png": DRAWING for i in range(10)})
    little = psutil.virtual_memory()._replace(available=10 * 100 * 100 * 3)  # ten pictures and no more
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    with refused("10 pictures of 100 x 100 pixels", "per_class"):
        load_folder(tmp_path, size=100)
    assert len(load_folder(tmp_path, size=100, per_class=5).files) == 5
    assert len(load_folder(tmp_path, size=50).files) == 10


def test_no_tensorflow_is_needed(tmp_path):
    photos(tmp_path, cat={"a.png": DRAWING})
    code = (
        "import sys; from course_utils.datasets import folder; folder.load_folder(sys.argv[1]); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_damaged_notes_in_a_whole_picture_cost_nothing(tmp_path, kind):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"a.{kind}", exif=b"garbagegarbage", lossless=True)
    np.testing.assert_array_equal(open_image(tmp_path / f"a.{kind}"), pixels)
