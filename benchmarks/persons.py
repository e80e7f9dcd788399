"""Person or no person, from forty pictures of each: photographs of persons that can be had without an account.

Faces: 100 of them and 100 patches without, 25 x 25 grey pixels, come with scikit-image. Walkers: the video of
persons crossing a campus (PETS 2009) and the photographs without persons of Debian's package opencv-doc, for which
this benchmark needs that package and `pip install opencv-python-headless`; neither belongs to the course.
"""

import os
from pathlib import Path

from benchmarks.own_folder import PER_CLASS, SEEDS, _resized, _right
from benchmarks.table import row

import numpy as np

TITLE = "Person or no person, 40 pictures per class"
EXAMPLES = Path("/usr/share/doc/opencv-doc/examples")
# Photographs without a person, and those in the folder of texts.
WITHOUT = (
    "aloeL apple board box_in_scene building butterfly cards fruits graf1 home leuvenA licenseplate_motion "
    "rubberwhale1 smarties stuff squirrel_cls pic2 orange ela_original blox baboon"
).split()
NETWORKS = (("photos", 96), ("photos", 224), ("small", 96), ("mobilenet", 224))


def measure(options):
    data = Path(os.environ.get("COURSE_REAL_DATA", "../shared/data"))
    os.environ.setdefault("KERAS_HOME", str((data / "keras_home").resolve()))
    rows, faces = [], _faces()
    for name, means in _means(faces):
        right = [100 * _right(means[0], np.repeat([1, 0], 100), seed) for seed in range(SEEDS)]
        rows.append(row(f"faces: {name}", right, unit="%", goal=_goal(name)))
    try:
        walkers, times, without, sources = _walkers()
    except (ImportError, OSError) as error:
        return [*rows, row("walkers", unit="%", instead=f"not measured: {error}")], []
    for name, (persons, others) in _means(walkers, without):
        right = [100 * _right_later(persons, times, others, sources, seed) for seed in range(SEEDS)]
        rows.append(row(f"walkers: {name}", right, unit="%", goal=_goal(name)))
    return rows, [
        f"Mean over both classes, {SEEDS} draws. Walkers: {len(walkers)} pictures of persons, trained on the "
        f"first half of the video, asked about the last; {len(without)} patches of the empty campus and of "
        f"{len(set(sources[sources >= 0]))} photographs, asked about others than those trained on."
    ]


def _goal(name):
    return (">=", 90) if "photos" in name else None


def _means(*groups):
    """What each backbone says of each group of pictures: its name and the means of its maps, (N, K) a group."""
    from course_utils import networks

    for name, size in NETWORKS:
        try:
            backbone = networks.backbone(name)
        except FileNotFoundError:
            continue
        means = []
        for pictures in groups:
            images = np.array([_resized(picture, size) for picture in pictures])
            batches = [np.asarray(backbone(images[i : i + 32])) for i in range(0, len(images), 32)]
            means.append(np.concatenate(batches).mean(axis=(1, 2)))
        yield f"`{name}` at {size} pixels", means


def _faces():
    import skimage

    grey = np.load(Path(skimage.__file__).parent / "data" / "lfw_subset.npy")
    return (255 * grey[..., None].repeat(3, axis=3)).round().astype(np.uint8)


def _walkers():
    """Patches with one person and the frame each is from; patches without and their photograph, -1 the campus."""
    import cv2
    from scipy import ndimage

    video, frames = cv2.VideoCapture(str(EXAMPLES / "data" / "vtest.avi")), []
    while (frame := video.read()[1]) is not None:
        frames.append(frame[..., ::-1])
    if not frames:
        raise FileNotFoundError("Debian's package opencv-doc isn't installed")
    empty, rng = np.median(frames[::10], axis=0), np.random.default_rng(0)
    walkers, times, without, sources = [], [], [], []
    for t in range(0, len(frames), 8):
        moved = np.abs(frames[t] - empty).max(axis=2) > 35
        moved = ndimage.binary_closing(ndimage.binary_opening(moved, np.ones((2, 2))), np.ones((9, 5)))
        for rows, columns in ndimage.find_objects(ndimage.label(moved)[0]):
            height, width = rows.stop - rows.start, columns.stop - columns.start
            if not (50 <= height <= 130 and 1.6 <= height / width <= 4) or moved[rows, columns].mean() < 0.35:
                continue  # not one person, upright
            centre = (rows.start + rows.stop) / 2, (columns.start + columns.stop) / 2
            patch = _around(frames[t], centre, int(1.25 * height))
            if patch is not None:
                walkers.append(patch), times.append(t)
        patch, still = _anywhere(rng, 62, 160, frames[t], moved)
        if still.mean() < 0.005:
            without.append(patch), sources.append(-1)
    paths = [p for name in WITHOUT for p in (EXAMPLES / "data").glob(f"{name}.*")]
    for source, path in enumerate([*paths, *sorted((EXAMPLES / "text").glob("scenetext0*.jpg"))]):
        image = cv2.imread(str(path))[..., ::-1]
        for _ in range(14):
            most = int(0.7 * min(image.shape[0], 2 * image.shape[1]))
            without.append(_anywhere(rng, 80, max(81, most), image)[0]), sources.append(source)
    return walkers, np.array(times), without, np.array(sources)


def _around(image, centre, height):
    """The patch of an image around a place, half as wide as high; None where it would reach outside."""
    top, left = int(centre[0] - height / 2), int(centre[1] - height / 4)
    inside = (
        top >= 0 and left >= 0 and top + height <= image.shape[0] and left + height // 2 <= image.shape[1]
    )
    return image[top : top + height, left : left + height // 2] if inside else None


def _anywhere(rng, least, most, *images):
    """The same patch of each image, somewhere, half as wide as high."""
    height = int(rng.integers(least, most))
    top, left = (rng.integers(0, n - m) for n, m in zip(images[0].shape, (height, height // 2)))
    return [image[top : top + height, left : left + height // 2] for image in images]


def _right_later(persons, times, others, sources, seed):
    """The share of right answers about later persons and other places than those trained on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(seed)
    photographs = rng.permutation(np.unique(sources[sources >= 0]))
    early, late = times < 0.45 * times.max(), times > 0.55 * times.max()
    campus = rng.permutation(np.flatnonzero(sources < 0))
    seen = np.isin(sources, photographs[::2])
    trained = [rng.permutation(np.flatnonzero(early))[:PER_CLASS]]
    trained.append(np.r_[campus[: PER_CLASS // 2], rng.permutation(np.flatnonzero(seen))[: PER_CLASS // 2]])
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000))
    head.fit(np.concatenate([persons[trained[0]], others[trained[1]]]), np.repeat([1, 0], PER_CLASS))
    asked = np.r_[campus[PER_CLASS // 2 :], np.flatnonzero(np.isin(sources, photographs[1::2]))]
    return np.mean([head.predict(persons[late]).mean(), 1 - head.predict(others[asked]).mean()])
