"""Real data and pretrained weights, got beforehand: whole and checked, or not at all.

    python -m course_utils fetch mnist cats_vs_dogs oxford_iiit_pet vgg16 mobilenet      (or: all)

`download` gets each file whole. TFDS then finds the archives in its download cache and prepares
them itself, in a staging directory whose data set takes its final place in one step. So whatever
stops a fetch, nothing is left that this module, TFDS or Keras would take for whole.

`tfds_ready` and `weights_ready` are cheap and import neither TensorFlow nor TFDS.
"""

import contextlib
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from course_utils.machine.download import (
    FetchError,
    download,
    free_space,
    hash_of,
    in_words,
    is_full,
    length,
    part_of,
)

ROOT = Path(__file__).resolve().parents[2]
MB = 1_000_000
RESERVE = 300 * MB  # what a fetch leaves free on the disk
ABSENT = "absent"


class DataSet(NamedTuple):
    version: str  # the one that TFDS prepares
    room: int  # bytes that preparing takes beside the archives: extracted, shuffled and written


class Weights(NamedTuple):
    file: str  # Keras' name for it, in `models/`
    size: int
    algorithm: str
    digest: str


# URLs, sizes and hashes of the archives are TFDS' own (`builder.url_infos`).
DATA_SETS = {
    "mnist": DataSet("3.0.1", 100 * MB),
    "cats_vs_dogs": DataSet("4.0.1", 2400 * MB),
    "oxford_iiit_pet": DataSet("4.0.0", 1700 * MB),
}
# VGG16's hash is the one in Keras' source. Keras has none for MobileNet, and so would load a torn file.
WEIGHTS = {
    "vgg16": Weights(
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        58_889_256,
        "md5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "mobilenet": Weights(
        "mobilenet_7_5_224_tf_no_top.h5",
        7_623_200,
        "sha256",
        "f7e84ddcac38138c0569ba25d3b1a915297aa30b8a448bf8baf5081fc345da51",
    ),
}
NAMES = (*DATA_SETS, *WEIGHTS)


# ---- what is here ----


def tfds_dir():
    """Directory of the TFDS data sets: TFDS_DATA_DIR or TFDS' default."""
    return _directory("TFDS_DATA_DIR", "tensorflow_datasets")


def keras_home():
    """Keras' directory, with the weights in `models/`: KERAS_HOME or Keras' default."""
    return _directory("KERAS_HOME", ".keras")


def _directory(variable, default):
    given = os.environ.get(variable)
    if not given:
        return Path.home() / default
    path = Path(given).expanduser()
    # A relative path is typed in the project's root, but the notebooks' kernels run one level below.
    if not path.exists() and (ROOT / path).exists():
        path = ROOT / path
    return Path(os.path.abspath(path))


def tfds_path(name):
    """Directory of the prepared data set `name`, whether it is there or not."""
    return tfds_dir() / name / DATA_SETS[name].version


def weights_path(name):
    """File of the pretrained weights `name`, whether it is there or not."""
    return keras_home() / "models" / WEIGHTS[name].file


def how_to_get(name):
    """The one-line command that gets `name`; raises ValueError for an unknown one."""
    if name not in NAMES:
        raise ValueError(f"There is no {name!r} to fetch: choose from {', '.join(NAMES)}.")
    return f"python -m course_utils fetch {name}"


def tfds_ready(name):
    """True if the data set is prepared and complete on this disk (a torn one is not)."""
    return flaw(name) is None


def weights_ready(name):
    """True if the pretrained weights are on this disk with the right size and hash."""
    return flaw(name) is None


def flaw(name):
    """What keeps `name` from being used: None if it is whole, ABSENT, or a description of the damage."""
    how_to_get(name)  # raises for an unknown name
    if name in DATA_SETS:
        return _data_set_flaw(tfds_path(name), name)
    path, weights = weights_path(name), WEIGHTS[name]
    if not path.is_file():
        return ABSENT
    if length(path) != weights.size:
        return f"{path.name} has {length(path):,} bytes and should have {weights.size:,}"
    if hash_of(path, weights.algorithm) != weights.digest:
        return f"{path.name} has the right size but the wrong {weights.algorithm} hash"
    return None


def _data_set_flaw(directory, name):
    if not directory.exists():
        return ABSENT
    try:
        info = json.loads((directory / "dataset_info.json").read_text(encoding="utf-8"))
        file_format = info.get("fileFormat", "tfrecord")
        splits = [
            (
                split["name"],
                split["filepathTemplate"],
                [int(n) for n in split["shardLengths"]],
                int(split["numBytes"]),
            )
            for split in info["splits"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "its dataset_info.json is missing or torn"
    if not splits:
        return "its dataset_info.json lists no data"
    for split, template, shards, payload in splits:
        files = []
        for i in range(len(shards)):
            shard = f"{i:05d}-of-{len(shards):05d}"
            fields = {"DATASET": name, "SPLIT": split, "FILEFORMAT": file_format, "SHARD_X_OF_Y": shard}
            parts = re.split(r"{(\w+)}", template)  # texts and, between them, names of fields
            parts[1::2] = [fields.get(field, f"{{{field}}}") for field in parts[1::2]]
            files.append(directory / "".join(parts))
        for file in files:
            if not file.is_file():
                return f"{file.name} is missing"
        # A TFRecord file holds the examples and, for each, 16 bytes of length and checksums.
        size, expected = sum(map(length, files)), payload + 16 * sum(shards)
        if file_format == "tfrecord" and size != expected:
            return f"the files of its {split} split have {size:,} bytes and should have {expected:,}"
    return None


# ---- getting it ----


def fetch(name):
    """Get `name` (one of NAMES) unless it is here and whole; raises FetchError."""
    if flaw(name) is None:
        print(f"{name}: here and whole, nothing to do.")
        return
    place, get = (
        (tfds_dir() / "downloads", _fetch_data_set)
        if name in DATA_SETS
        else (keras_home() / "models", _fetch_weights)
    )
    try:
        place.mkdir(parents=True, exist_ok=True)
        with _alone(place / f"{name}.lock"):
            get(name)
    except ImportError as error:
        package = (error.name or str(error)).partition(".")[0]
        raise FetchError(f"{package} is not installed", "See `python -m course_utils doctor`.") from error
    except OSError as error:
        raise FetchError(f"{place} cannot be used ({error.strerror or error})", _elsewhere(name)) from error
    print(f"{name}: ready.")


def _fetch_weights(name):
    from keras.src.applications import mobilenet, vgg16

    weights, path = WEIGHTS[name], weights_path(name)
    url = vgg16.WEIGHTS_PATH_NO_TOP if name == "vgg16" else mobilenet.BASE_WEIGHT_PATH + weights.file
    _check_room(name, {path: weights.size}, to_prepare=0)
    download(url, path, weights.size, weights.digest, weights.algorithm)


def _fetch_data_set(name):
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import resource

    infos = tfds.builder_cls(name).url_infos  # sizes are of a class of TFDS' own, hence the int() below
    # The names under which TFDS looks for what it has already downloaded.
    archives = {
        url: tfds_dir() / "downloads" / name / resource.get_dl_fname(url, info.checksum)
        for url, info in infos.items()
    }
    _check_room(name, {archives[url]: int(info.size) for url, info in infos.items()}, DATA_SETS[name].room)
    for url, info in infos.items():
        download(url, archives[url], int(info.size), info.checksum)
        # With this note beside it TFDS believes in an archive without hashing it: so it comes last.
        resource.get_info_path(archives[url]).unlink(missing_ok=True)
        resource.write_info_file(url, archives[url], name, info.filename, info)
    print(f"{name}: everything has arrived, TFDS prepares it.")
    _prepare(name)


def _prepare(name):
    """Let TFDS prepare `name` from the downloaded archives, in a staging directory; move it into place."""
    import tensorflow_datasets as tfds

    downloads = tfds_dir() / "downloads"
    staging = downloads / f"incomplete.{name}"
    shutil.rmtree(staging, ignore_errors=True)  # of a fetch that was killed
    config = tfds.download.DownloadConfig(
        extract_dir=staging / "extracted", manual_dir=staging / "manual", force_checksums_validation=True
    )
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS announces a download that will not happen
            builder = tfds.builder(name, data_dir=staging)
            builder.download_and_prepare(download_dir=downloads, download_config=config)
        fresh, final = staging / name / DATA_SETS[name].version, tfds_path(name)
        if damage := _data_set_flaw(fresh, name):
            raise FetchError(f"TFDS left it incomplete: {damage}")
        final.parent.mkdir(exist_ok=True)
        if final.exists():  # torn, or fetch() would not have come here
            os.replace(final, staging / "torn")
        os.replace(fresh, final)
    except FetchError:
        raise
    except Exception as error:  # whatever TFDS and TensorFlow may raise, the reader gets a sentence
        if is_full(error):
            needed, free = DATA_SETS[name].room, free_space(downloads)
            raise FetchError(
                f"the disk is full: preparing needs {in_words(needed)}, has {in_words(free)}",
                _elsewhere(name),
            ) from error
        advice = "The archives are kept: run the same command again."
        if os.name == "nt" and name == "cats_vs_dogs":
            advice = "On Windows this may fail (tfds #3918): copy the prepared directory from another system."
        raise FetchError(
            f"TFDS could not prepare it: {type(error).__name__}, {str(error).split(chr(10))[0]}", advice
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_room(name, sizes, to_prepare):
    """Say how much is to come; raises FetchError if the disk has too little space for it."""
    home = tfds_dir() if name in DATA_SETS else keras_home()
    missing = sum(size - min(size, max(length(path), length(part_of(path)))) for path, size in sizes.items())
    free, needed = free_space(home), missing + to_prepare + RESERVE
    preparing = f", {in_words(to_prepare)} more to prepare it" if to_prepare else ""
    print(f"{name}: {in_words(missing)} to download{preparing}; {in_words(free)} free in {home}.")
    if free < needed:
        raise FetchError(
            f"the disk is too full: {name} needs {in_words(needed)}, with {in_words(RESERVE)} in reserve, "
            f"and it has {in_words(free)}",
            _elsewhere(name),
        )


def _elsewhere(name):
    variable = "TFDS_DATA_DIR" if name in DATA_SETS else "KERAS_HOME"
    return f"Make room, or let {variable} name a directory of yours on another disk; then run this again."


@contextlib.contextmanager
def _alone(path):
    """Keep a second fetch of the same thing out; the system lifts this lock even if we are killed."""
    with open(path, "w") as file:
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise FetchError("another fetch of it is running", "Wait for that one.") from None
        yield


def main(names):
    """Fetch each of `names` ("all" for all of NAMES), going on after a failure; returns the exit code."""
    names = list(NAMES) if "all" in names else list(dict.fromkeys(names))
    failed = []
    for name in names:
        try:
            fetch(name)
        except FetchError as error:
            failed.append(name)
            print(
                f"WRONG  {name}: {error}. Every notebook runs on embedded data meanwhile. {error.advice}",
                file=sys.stderr,
            )
        except KeyboardInterrupt:
            print(
                f"Stopped at {name}. What has arrived is kept: the same command goes on from there.",
                file=sys.stderr,
            )
            return 1
    if len(names) > 1:
        here = f"{len(names) - len(failed)} of {len(names)} are here"
        print(f"{here}; failed: {', '.join(failed)}." if failed else f"{here}.")
    return 1 if failed else 0
