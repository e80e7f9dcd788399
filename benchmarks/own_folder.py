"""A learner's own folder: forty pictures per class, a frozen backbone, a new head, right answers on the others.

No photographs of persons come with this project; the task is of that kind: patches of the Oxford pets' pictures,
with an animal in them or without, by the pictures' masks.
"""

import os
from pathlib import Path

from benchmarks.table import row

import numpy as np

TITLE = "A folder of one's own: animal or none, 40 patches per class"
PER_CLASS, SEEDS = 40, 20


def measure(options):
    from course_utils import networks

    data = Path(os.environ.get("COURSE_REAL_DATA", "../shared/data"))
    if not (data / "tfds" / "oxford_iiit_pet").is_dir():
        return [row("right answers", unit="%", instead=f"not measured: no photographs in {data}")], []
    os.environ.setdefault("KERAS_HOME", str((data / "keras_home").resolve()))
    patches, labels = _patches(data)
    rows = []
    for name, size in (("photos", 96), ("photos", 224), ("small", 96), ("mobilenet", 224)):
        try:
            backbone = networks.backbone(name)
        except FileNotFoundError:
            continue
        images = np.array([_resized(patch, size) for patch in patches])
        means = np.concatenate(
            [np.asarray(backbone(images[i : i + 32])).mean(axis=(1, 2)) for i in range(0, len(images), 32)]
        )
        right = [100 * _right(means, labels, seed) for seed in range(SEEDS)]
        rows.append(row(f"`{name}` at {size} pixels", right, unit="%"))
    return rows, [f"Mean over both classes of {len(labels)} patches without those trained on, {SEEDS} draws."]


def _patches(data):
    import tensorflow_datasets as tfds

    rng, patches, labels = np.random.default_rng(0), [], []
    pets = tfds.load("oxford_iiit_pet", split="train+test", data_dir=data / "tfds", download=False)
    for example in pets.as_numpy_iterator():
        image, mask, found = example["image"], example["segmentation_mask"][..., 0], set()
        for _ in range(60):
            height = int(rng.integers(80, max(81, 0.7 * min(mask.shape))))
            width = height // 2 if rng.random() < 0.5 else height
            if height >= mask.shape[0] or width >= mask.shape[1]:
                continue
            top, left = (rng.integers(0, n - m) for n, m in zip(mask.shape, (height, width)))
            part = mask[top : top + height, left : left + width]
            label = 1 if (part == 1).mean() > 0.5 else 0 if (part != 2).mean() < 0.02 else None
            if label is not None and label not in found:
                found.add(label)
                patches.append(image[top : top + height, left : left + width])
                labels.append(label)
    return patches, np.array(labels)


def _resized(image, size):
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))


def _right(means, labels, seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(seed)
    train = np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:PER_CLASS] for c in (0, 1)])
    rest = np.setdiff1d(np.arange(len(labels)), train)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000))
    says = head.fit(means[train], labels[train]).predict(means[rest])
    return np.mean([(says[labels[rest] == c] == c).mean() for c in (0, 1)])
