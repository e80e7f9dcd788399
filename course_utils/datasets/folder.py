"""Your own pictures: a folder with one sub-folder a class, whatever the files in it are like.

    photos/person/…     photos/not person/…

`load_folder` makes all of them the same size and kind. What needed something, and what could not be used,
is named in a report; the rest of the folder works. Nothing here trusts a file: not its name, not its
contents, not the size it claims to have.
"""

import contextlib
import os
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from course_utils.checks import whole_number
from course_utils.files import plain, shortened

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

MAX_PIXELS = 64_000_000  # 8,000 x 8,000: 200 MB when decoded
# What phones take at most, 108 or 200 million, is decoded at a half: JPEG can do that.
MAX_JPEG = 4 * MAX_PIXELS
MIN_SIDE = 8  # with fewer pixels there is nothing to see
# Formats that declare themselves in their first bytes. PostScript is left out: Pillow would run a program.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO")

_NOT_MEANT = ("Thumbs.db", "desktop.ini", "__MACOSX")  # left behind by systems, as what begins with a dot
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_SMALL = 4  # enlarging more than this is worth a line in the report
_KINDS = {
    "1": "black and white",
    "L": "grey",
    "P": "palette",
    "CMYK": "CMYK",
    "I": "32-bit grey",
    "F": "floating-point grey",
}


class Row(NamedTuple):
    """One line of the report."""

    file: str  # class folder/file
    found: str
    done: str


class Report(list):
    """What was found and what was done about it: a list of `Row`s that prints as a table."""

    most = 40  # rows to print

    def __str__(self):
        if not self:
            return "Every file was fine as it is."
        rows = [
            [shortened(cell, width) for cell, width in zip(row, (40, 70, 60))] for row in self[: self.most]
        ]
        header = ["file", "what was found", "what was done"]
        widths = [max(map(len, column)) for column in zip(header, *rows)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (header, *rows)]
        lines.insert(1, "  ".join("-" * width for width in widths))
        if len(self) > self.most:
            lines.append(f"… and {len(self) - self.most:,} more")
        return "\n".join(lines)

    __repr__ = __str__


class Photos(NamedTuple):
    """The pictures of a folder, ready for a network."""

    images: np.ndarray  # (N, S, S, 3) uint8
    labels: np.ndarray  # (N,) int64, positions in class_names
    class_names: tuple  # the names of the sub-folders, sorted; all of them, also those without pictures
    report: Report
    files: tuple  # "class folder/file" of each image

    def __str__(self):
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        each = ", ".join(f"{count:,} {name}" for name, count in zip(self.class_names, counts))
        size, classes = self.images.shape[1], "1 class" if len(counts) == 1 else f"{len(counts)} classes"
        pictures = "1 picture" if len(self.labels) == 1 else f"{len(self.labels):,} pictures"
        return f"{pictures} of {classes} ({each}), {size} x {size} pixels."

    def for_training(self):
        """images, labels; raises ValueError unless at least two classes have pictures."""
        present = [self.class_names[k] for k in np.unique(self.labels)]
        if len(present) < 2:
            raise ValueError(
                f"Only {present[0]!r} has pictures, and one class alone can't be told from anything: add a "
                "second sub-folder, with pictures of what isn't it."
            )
        return self.images, self.labels


# ---- a folder ----


def load_folder(folder, size=224, per_class=None):
    """The pictures of a folder with one sub-folder a class, as `Photos` of size x size pixels.

    Of each picture the square in its middle is used, reduced with antialiasing as the photographs of `pets`
    are. Bars around the whole picture would be in no photograph a network has seen, and their edges would
    turn up in its maps; what a wide picture loses is reported instead.
    per_class: take the first so many usable pictures of each class; None takes all that memory holds.
    Files that can't be used are skipped and reported, hidden ones ignored. Raises FileNotFoundError for a
    folder that isn't there, and ValueError if nothing in it can be used or if it is too much for memory.
    """
    size = whole_number("size", size, MIN_SIDE)
    per_class = None if per_class is None else whole_number("per_class", per_class, 1)
    folder = _path(folder, "folder")
    name = plain(os.path.basename(os.path.abspath(folder)))
    if not os.path.isdir(folder):
        raise ValueError(f"{name!r} is a file: give the folder that has one sub-folder a class.")
    class_names, files, skipped = _find(folder)
    if not class_names:
        raise ValueError(
            f"The folder {name!r} has no sub-folders, and {len(skipped):,} files: put the pictures of each "
            "class into a sub-folder with the name of the class."
        )
    images, labels, used, not_used, changed = _read_all(folder, files, size, per_class)
    skipped += not_used
    if not used:
        first = f" (the first, {shortened(skipped[0].file, 40)}: {skipped[0].found})" if skipped else ""
        raise ValueError(
            f"The folder {name!r} has no picture that can be used, and {len(skipped):,} other files{first}: "
            "put pictures, JPEG or PNG say, into the sub-folders."
        )
    classes = [
        Row(f"{plain(name)}/", "no picture that can be used", "kept as a class without pictures")
        for k, name in enumerate(class_names)
        if k not in labels
    ]
    if len(class_names) - len(classes) == 1:
        classes.append(Row("(the folder)", "only one class with pictures", "loaded; training needs two"))
    return Photos(images, labels, class_names, Report(classes + skipped + changed), used)


def _find(folder):
    """The class names, the files as (label, "class/file"), and rows for what is neither."""
    entries, problem = _listing(folder)
    if problem:
        raise ValueError(f"The folder {plain(folder.name)!r} {problem}: change its permissions or copy it.")
    class_names = tuple(name for name in entries if (folder / name).is_dir())
    files, skipped = (
        [],
        [
            Row(plain(name), "outside the class folders", "skipped")
            for name in entries
            if name not in class_names
        ],
    )
    for label, class_name in enumerate(class_names):
        names, problem = _listing(folder / class_name)
        if problem:
            skipped.append(Row(f"{plain(class_name)}/", problem, "skipped"))
        for name in names:
            if (folder / class_name / name).is_dir():
                skipped.append(Row(plain(f"{class_name}/{name}/"), "a folder in a class folder", "skipped"))
            else:
                files.append((label, f"{class_name}/{name}"))
    return class_names, files, skipped


def _listing(folder):
    """The names in a folder, sorted, without hidden ones; and what keeps it from being read."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        return [], f"can't be read: {error.strerror}"
    return list(filter(is_meant, names)), None


def is_meant(name):
    """Is a file or folder of this name the learner's own, and not left behind by a system?"""
    return not name.startswith(".") and name not in _NOT_MEANT


def _read_all(folder, files, size, per_class):
    """images, labels, names of the files used; rows for those skipped; rows for those changed."""
    from tqdm.auto import tqdm

    counts = Counter(label for label, _ in files).values()
    images = _room_for(sum(min(count, per_class or count) for count in counts), size)
    labels, used, skipped, changed, taken = [], [], [], [], Counter()
    for label, name in tqdm(files, "reading pictures", leave=False, disable=len(files) < 100):
        if taken[label] == per_class:
            continue
        try:
            image, notes = _read(folder / name, size)
        except _Unusable as reason:
            skipped.append(Row(plain(name), str(reason), "skipped"))
            continue
        images[len(used)] = image
        taken[label] += 1
        labels.append(label)
        used.append(name)
        if notes:
            changed.append(Row(plain(name), *map("; ".join, zip(*notes))))
    return images[: len(used)], np.array(labels, np.int64), tuple(used), skipped, changed


def _room_for(n, size):
    import psutil

    needed, free = n * size * size * 3, psutil.virtual_memory().available
    if needed > 0.7 * free:
        raise ValueError(
            f"{n:,} pictures of {size} x {size} pixels take {needed / 1e9:.1f} GB of memory, and "
            f"{free / 1e9:.1f} GB are free: take fewer (per_class=…) or a smaller size."
        )
    return np.empty((n, size, size, 3), np.uint8)


# ---- a file ----


class _Unusable(Exception):
    """Why a file can't be used, as a phrase."""


def open_image(path, name=None):
    """The picture in a file: (H, W, 3) uint8, RGB, upright, transparent parts white; of several, the first.

    path: of a file, or an open binary one, which messages then call `name`. A JPEG of more than 64 million
    pixels comes at a half of its height and width. Raises FileNotFoundError if there is no such file, and
    ValueError with the reason if it isn't a picture that can be read, or one of more than 64 million pixels
    (a JPEG: 256).
    """
    if not hasattr(path, "read"):
        path = _path(path, "file")
        if path.is_dir():
            raise ValueError(f"{plain(path.name)!r} is a folder: give one of its files, or use load_folder.")
        name = path.name
    try:
        image, _ = _read(path)
    except _Unusable as reason:
        raise ValueError(
            f"{plain(name or 'the file')!r} can't be opened as a picture ({reason}): save it anew as an "
            "ordinary JPEG or PNG, or leave it out."
        ) from reason
    return image


def _read(path, size=None):
    """The picture as uint8, square if a size is given, and notes (what was found, what was done).

    Raises nothing but _Unusable, whatever is in the file.
    """
    opened = hasattr(path, "read")
    if not opened and not os.path.isfile(path):  # a pipe, say, would be waited for without end
        raise _Unusable("a folder" if os.path.isdir(path) else "not a file, or a link to nowhere")
    try:
        with contextlib.nullcontext(path) if opened else open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata and on size
            start = file.read(512)
            if not start:
                raise _Unusable("empty (0 bytes)")
            image, notes = _decode(file, start, size)
            if size:
                image = _square(image, size)
            return np.array(image), notes
    except _Unusable:
        raise
    except UnidentifiedImageError:
        raise _Unusable(_what_else(start)) from None
    except Image.DecompressionBombError as error:  # Pillow's own limit, 180 million pixels
        raise _Unusable(_too_large(int(re.search(r"\d+", str(error))[0]), MAX_PIXELS)) from None
    except MemoryError:
        raise _Unusable("too large for this machine's memory") from None
    except Exception as error:  # damaged files make Pillow's decoders raise almost anything
        if isinstance(error, OSError) and error.errno:
            raise _Unusable(f"can't be read: {error.strerror}") from None
        raise _Unusable(f"damaged or rare: {shortened(str(error) or type(error).__name__, 53)}") from None


def _decode(file, start, size):
    """The picture of an open file, upright and RGB, and notes; roughly reduced already if a size is given."""
    image, notes = _opened(file, start), []
    width, height = image.size
    allowed = MAX_JPEG if image.format in ("JPEG", "MPO") else MAX_PIXELS
    if width * height > allowed:  # the header tells; nothing is decoded yet
        raise _Unusable(_too_large(width * height, allowed))
    if width * height > MAX_PIXELS:
        image.draft(None, (width // 2, height // 2))
    if size:
        short, long = sorted(image.size)
        if short < MIN_SIDE:
            raise _Unusable(f"{width} x {height} pixels, too small to see anything")
        if _SMALL * short < size:
            notes.append((f"{width} x {height} pixels", "enlarged"))
        if long > 2 * short:
            notes.append((f"{width} x {height} pixels", f"only the {short / long:.0%} in its middle used"))
        image.draft(None, (2 * size, 2 * size))  # JPEG only: decode at a half, a quarter or an eighth
    if image.format != "MPO" and getattr(image, "is_animated", False):  # MPO: a phone's JPEG with extras
        notes.append(("several frames or pages", "first one used"))
    image.load()
    try:
        lies = image.getexif().get(0x0112) in range(2, 9)  # not in a TIFF: Pillow has turned it already
    except Exception:  # of damaged EXIF data Pillow raises almost anything; the picture is whole
        lies = False
    if lies:
        image.info.pop("exif", None)  # what is wrong in it is of no use here, and would be written anew
        image = ImageOps.exif_transpose(image)
    image, *note = _as_rgb(image)
    if lies:
        notes.append(("turned, says its EXIF data", "put upright"))
    return image, notes + note


def _opened(file, start):
    """The picture that a file declares itself to be in its first bytes, `start`; not decoded yet."""
    formats = FORMATS
    if _is_heic(start):
        import pillow_heif

        pillow_heif.register_heif_opener()
        formats += ("HEIF",)
    try:
        return Image.open(file, formats=formats)
    except Image.DecompressionBombError:
        if not start.startswith(b"\xff\xd8"):
            raise
        file.seek(0)
        return JpegImagePlugin.jpeg_factory(file)  # the same without Pillow's limit; ours comes next


def _as_rgb(image):
    """The picture as 8-bit RGB; and, if it wasn't that, a note."""
    mode = image.mode
    if mode == "RGB" and not image.has_transparency_data:
        return (image,)
    if mode.startswith("I;16") or (mode == "I" and image.format == "PPM"):
        # Pillow's own conversion would cut off what is brighter than 255.
        grey = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((grey + 128) // 257).astype(np.uint8))
        return image.convert("RGB"), ("16-bit grey", "brought to 8-bit RGB")
    if mode in ("I", "F"):  # any range: nothing says what is white
        grey = np.nan_to_num(np.array(image, np.float64), copy=False, posinf=0, neginf=0)
        grey -= grey.min()
        grey *= 255 / (grey.max() or 1)
        image = Image.fromarray(np.rint(grey, out=grey).astype(np.uint8))
        return image.convert("RGB"), (_KINDS[mode], "darkest made black, brightest white, 8-bit RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        on_white = Image.new("RGB", image.size, "white")
        on_white.paste(image, mask=image)
        return on_white, ("transparency", "put on white")
    return image.convert("RGB"), (_KINDS.get(mode, mode), "converted to RGB")


def _square(image, size):
    """The square in the middle of a picture, size x size pixels."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return image.resize(
        (size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side), reducing_gap=3
    )


# ---- words ----


def _what_else(start):
    """What a file is that isn't a picture, from its first bytes."""
    if _is_heic(start):
        return "HEIC, damaged or of a rare kind"
    if start.startswith(b"%PDF"):
        return "PDF, not a picture"
    if all(byte >= 32 or byte in b"\t\n\f\r" for byte in start):
        return "text, not a picture"
    return "no picture, in an unknown format, or damaged at its beginning"


def _is_heic(start):
    return start[4:8] == b"ftyp" and start[8:12] in _HEIC


def _too_large(pixels, allowed):
    jpeg = f", {MAX_JPEG / 1e6:.0f} in a JPEG" if allowed < MAX_JPEG else ""
    return f"{pixels / 1e6:,.0f} million pixels, more than the {allowed / 1e6:.0f} million allowed{jpeg}"


def _path(path, kind):
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise ValueError(f"Give the {kind}'s path, as text or as a Path, instead of {path!r}.")
    if not os.path.lexists(path):
        raise FileNotFoundError(
            f"There is no {kind} {plain(str(path))!r}: check the path, which starts from the folder the "
            "notebook is in."
        )
    return Path(path)
