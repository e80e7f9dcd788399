"""Your own photographs: a network and pictures of any size in; classes with a map each, pictures and a table
out.

network = load_network("pets")                    or a file that `save_network` wrote
answer = explain_photo(network, open_image("tom.jpg"))
write([answer], "out")
"""

import functools
import html
import io
import itertools
import os
import re
import sys
import threading
import warnings
from pathlib import Path
from typing import NamedTuple

from course_utils import cam, checks, files, graph, plots
from course_utils.datasets.folder import is_meant, open_image
from course_utils.explain import explain, probabilities
from course_utils.files import plain, shortened
from course_utils.networks import LARGEST, check_network, load_network
from course_utils.networks import Network as Network  # at hand here, too, for whoever explains photographs
from course_utils.networks import save_network as save_network

import numpy as np

SHARPEST = 1600  # pixels of the longer side of the pictures that are written
PER_PAGE, PER_ROW, THUMBNAIL = 24, 4, 384  # photographs on a contact sheet, and pixels of their longer side
NARROWEST = 32  # pixels of the shorter side; with fewer there is nothing to see
UNSCALED = (
    "this network rescales nothing and was shown values of 0 to 255; if it was trained on others, build a "
    "Rescaling layer in: don't believe it"
)
COLUMNS = (
    "file",
    "rank",
    "class",
    "probability",
    "class score",
    "strongest row",
    "strongest column",
    "shown",
    "warning",
    "problem",
)


class Answer(NamedTuple):
    """What a network says about one photograph, its best classes first."""

    image: np.ndarray  # (H, W, 3) uint8, as the network saw it
    class_names: tuple  # the `top` best
    class_scores: np.ndarray  # (top,), logits
    probabilities: np.ndarray  # (top,), by the softmax or the sigmoids that the model ends in
    cams: np.ndarray  # (h, w, top), raw
    file: str
    shown: str = ""  # what was done to the photograph beyond resizing
    warning: str = ""  # why not to believe it, in a sentence
    photo: np.ndarray | None = None  # `image` with the photograph's own pixels, up to 1,600


def explain_photo(network, image, top=3, size=None, file=""):
    """The `top` classes of one photograph with a map each, as `Answer`.

    image (H, W, 3) uint8, see `open_image`; it is brought to `size` pixels on its longer side (the network's
    own unless given, 1024 at most), keeping its proportions. A network of fixed size gets the whole picture
    with bars beside it, and `shown` says so. Of two names for a single score (a sigmoid's) the first is the
    negative class: its map is the negative one. Raises ValueError for what isn't such an image or number.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"image has shape {image.shape} and type {image.dtype}; expected (H, W, 3) of uint8, as "
            "open_image gives it."
        )
    checks.whole_number("top", top)
    check_network(network)
    photo, (image, inside, shown) = image, _as_taken(network, image, size)
    class_scores, cams = explain(network.model, _in_its_colours(network.model, image), verbose=False)
    names, one_score = network.class_names, class_scores.shape[1] == 1
    if one_score:
        network = network._replace(class_names=names[-1:])
    warning = network.warn(_as_taken(network, photo, None)[0]) if network.warn else ""
    if not graph.rescales(network.model):
        warning = warning or UNSCALED
    answer = _best(network, image, class_scores, cams, top, file)
    answer = answer._replace(shown=shown, warning=warning, photo=_sharp(photo, image, inside))
    return _with_opposite(answer, names[0], top) if one_score and len(names) == 2 else answer


def _best(network, image, class_scores, cams, top, file):
    best = np.argsort(-class_scores[0], kind="stable")[:top]
    return Answer(
        image,
        tuple(network.class_names[c] for c in best),
        class_scores[0, best],
        probabilities(network.model, class_scores)[0, best],
        cams[0][..., best],
        file,
    )


def _with_opposite(answer, name, top):
    """The answer of a single score with the negative class, too: what speaks against one speaks for the
    other.
    """
    names, (score,), (share,) = (*answer.class_names, name), answer.class_scores, answer.probabilities
    order = [0, 1][:top] if score >= 0 else [1, 0][:top]
    cams = np.concatenate([answer.cams, -answer.cams], axis=2)
    return answer._replace(
        class_names=tuple(names[i] for i in order),
        class_scores=np.array([score, -score])[order],
        probabilities=np.array([share, 1 - share])[order],
        cams=cams[..., order],
    )


def resized(image, size):
    """The image with `size` pixels on its longer side, its proportions kept: (h, w, 3) uint8.

    A panorama gets more, 1024 at most, so that its shorter side keeps 32 pixels where it can.
    """
    checks.whole_number("size", size, NARROWEST, LARGEST)
    short, long = sorted(image.shape[:2])
    return _scaled(image, max(size / long, min(NARROWEST / short, LARGEST / long)))


def _scaled(image, scale):
    from PIL import Image

    new = [max(1, round(n * scale)) for n in image.shape[1::-1]]
    return np.asarray(Image.fromarray(image).resize(new, Image.Resampling.BILINEAR))


def _as_taken(network, image, size):
    """The whole picture in a size that the network takes; how much it fills; what was done, in words."""
    height, width, _ = _input_shape(network.model)
    if height is None and width is None:
        image = resized(image, network.size if size is None else size)
    elif size is not None and checks.whole_number("size", size) not in (height, width):
        raise ValueError(
            f"size is {size!r}, but the network takes {_sides(height, width)} pixels only; leave size out."
        )
    else:
        image = _scaled(image, min((height or LARGEST) / image.shape[0], (width or LARGEST) / image.shape[1]))
    inside = image.shape[:2]
    outside = tuple(n or max(NARROWEST, given) for n, given in zip((height, width), inside))
    if inside == outside:
        return image, inside, ""
    shown = f"whole, {_sides(*inside)} of {_sides(*outside)} pixels, bars beside it in its mean colour"
    return _with_bars(image, outside), inside, shown


def _sharp(photo, image, inside):
    """The photograph as it is `inside` of `image`, bars and all, with up to 1,600 of its own pixels."""
    scale = max(1, min(max(photo.shape[:2]) / max(inside), SHARPEST / max(image.shape[:2])))
    photo = _scaled(photo, scale * max(inside) / max(photo.shape[:2]))
    if inside == image.shape[:2]:
        return photo
    outside = tuple(max(given, round(n * scale)) for n, given in zip(image.shape, photo.shape[:2]))
    return _with_bars(photo, outside)


def _with_bars(image, outside):
    """The picture in the middle of a larger one of its mean colour, which makes the faintest edges."""
    top, left = ((n - given) // 2 for n, given in zip(outside, image.shape))
    framed = np.empty((*outside, 3), np.uint8)
    framed[:] = image.mean(axis=(0, 1)).round()
    framed[top : top + image.shape[0], left : left + image.shape[1]] = image
    return framed


def _in_its_colours(model, image):
    """One picture as a batch of floats, grey for a network of grey pictures."""
    if _input_shape(model)[2] == 1:
        image = checks.product(image, np.float32([0.299, 0.587, 0.114]))[..., None]
    return image[None].astype(np.float32)


def _input_shape(model):
    """Height, width and channels of the pictures that a model takes, None for any."""
    inputs = getattr(model, "inputs", None)
    shape = tuple(inputs[0].shape)[1:] if inputs else ()
    # Others than grey and colour are refused by `explain`.
    return shape if len(shape) == 3 and shape[2] in (1, 3) else (None, None, None)


def _sides(height, width):
    return f"{height or 'any'} × {width or 'any'}"


def uploader(network, top=3):
    """A button that takes a photograph from your disk and shows its best classes' maps: an ipywidgets box.

    Up to 10 MB: a larger one would end the notebook's connection to its kernel without a word (Jupyter's
    limit of 10 MiB a message, ipywidgets' issue 2522), so the button says so beforehand, and what to do
    instead.
    """
    import io

    from course_utils.widgets import cam_explorer

    import ipywidgets

    button = ipywidgets.FileUpload(
        accept="image/*,.heic,.heif",
        multiple=False,
        description="choose a photograph",
        tooltip="a picture file from your disk; it goes to the machine that runs this notebook, nowhere else",
        layout={"width": "16em"},
    )
    status = ipywidgets.HTML(
        '<div role="status">JPEG, PNG, HEIC and others, up to 10 MB; it goes only to the machine that runs '
        "this notebook. For a larger file: "
        '<code>photos.explain_photo(network, open_image("its path"))</code></div>'
    )
    view = ipywidgets.VBox([button, status])

    def show(_):
        if not button.value:  # the choice was taken back
            return
        [photo] = button.value
        try:
            answer = explain_photo(
                network,
                open_image(io.BytesIO(bytes(photo["content"])), photo["name"]),
                top,
                file=photo["name"],
            )
        except (OSError, ValueError) as error:
            status.value = f'<div role="status">{html.escape(str(error))}</div>'
            view.children = [button, status]
            return
        said = _in_words(answer)
        told = html.escape(f"{photo['name']}: {said}")
        status.value = f'<div role="status" style="font-size:120%">{told}</div>'
        for old in view.children[2:]:
            old.close()
        every_class = len(answer.class_names) == len(network.class_names)  # else nobody knows their mean
        explorer = cam_explorer(
            answer.photo, answer.cams, answer.class_names, answer.class_scores, against=every_class
        )
        view.children = [button, status, explorer]

    button.observe(show, names="value")
    return view


def _in_words(answer):
    said = ", ".join(f"{name} {share:.0%}" for name, share in zip(answer.class_names, answer.probabilities))
    return f"{said} ({answer.warning})" if answer.warning else said


def example_folder(folder, n=40):
    """A folder of class folders, for want of your own: n drawn pets, n other drawings, and three files with
    flaws; its path.

    One photograph lies on its side, as phones store them, one is cut off, and one is a text.
    """
    from course_utils.datasets.drawn import others
    from course_utils.datasets.drawn.pets import draw_pet

    from PIL import Image

    folder = Path(folder)
    for name, pictures in {
        "pet": (draw_pet(seed).image for seed in range(5_000, 5_000 + n)),
        "no pet": (others.draw_other(seed)[0] for seed in range(5_000, 5_000 + n)),
    }.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / name / f"{i:03d}.png")
    turned, exif = (Image.fromarray(draw_pet(6_000).image).transpose(Image.Transpose.ROTATE_90), Image.Exif())
    exif[0x0112] = 6  # "turn me right to see me upright"
    turned.save(folder / "pet" / "from_a_phone.jpg", exif=exif, quality=95)
    whole = (folder / "no pet" / "000.png").read_bytes()
    (folder / "no pet" / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "no pet" / "notes.jpg").write_text("buy milk")
    return folder


# --- pictures and a table --------------------------------------------------------------------


def write(answers, folder, problems=()):
    """Write a PNG for every class of every answer, contact sheets, and table.csv; returns the table's path.

    answers: any iterable, gone through once. problems: (file, what was wrong) of pictures that couldn't be
    explained, looked at afterwards; they get a row and a place, too. Rows and columns in the table are pixels
    of the pictures written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_csv(COLUMNS, _written(answers, folder, problems), folder / "table.csv")
    return folder / "table.csv"


def _written(answers, folder, problems):
    """The rows of the table, while pictures and contact sheets are written: there may be a million."""
    taken, small, pages = set(), [], itertools.count(1)

    def sheet(items):
        number = next(pages)
        name = f"contact_sheet_{number}.png" if number > 1 else "contact_sheet.png"
        (folder / name).write_bytes(_sheet(items).png)

    for answer in answers:
        stem = _free(_file_name(Path(answer.file).stem or "photo"), taken)
        limit = np.abs(answer.cams).max()
        for i, (name, score, share) in enumerate(
            zip(answer.class_names, answer.class_scores, answer.probabilities)
        ):
            picture = plots.overlay(answer.photo, answer.cams[..., i], keep="signed", limit=limit)
            _save(picture, folder / f"{stem}_{i + 1}_{_file_name(name)}.png")
            row, column = cam.peak_cell(cam.upsample(answer.cams[..., i], answer.photo.shape[:2]))
            numbers = round(float(share), 4), round(float(score), 4), row, column
            yield answer.file, i + 1, name, *numbers, answer.shown, answer.warning, ""
        small.append(_small(answer))
        if len(small) == PER_PAGE:
            sheet(small)
            small = []
    for file, problem in problems:
        yield file, *[""] * (len(COLUMNS) - 2), problem
    rest = [*small, *problems]
    for start in range(0, len(rest), PER_PAGE):
        sheet(rest[start : start + PER_PAGE])


def contact_sheet(answers, problems=()):
    """Each photograph by its name under the map of its best class, the names of the rest: a `Picture`."""
    return _sheet([*map(_small, answers), *problems])


def _small(answer):
    """What the contact sheet needs of an answer, so that thousands find room."""
    photo = _scaled(answer.photo, min(1, THUMBNAIL / max(answer.photo.shape[:2])))
    return answer._replace(photo=photo, image=photo, cams=answer.cams[..., :1])


def _sheet(items):
    """Answers and problems in square places: one tall picture would tear gaps into all rows."""
    names = [Path(item.file if isinstance(item, Answer) else item[0]) for item in items]
    often = {path.name for path in names if sum(other.name == path.name for other in names) > 1}
    panels = [
        _place(item, f"{path.parent.name}/{path.name}" if path.name in often else path.name or "photo")
        for item, path in zip(items, names)
    ]
    failed = [plain(path.name) for item, path in zip(items, names) if not isinstance(item, Answer)]
    what = f"{len(items) - len(failed)} photographs, each under the map of the class that was found in it"
    what += f"; not explained: {', '.join(failed)}" if failed else ""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the font lacks some scripts' letters
        sheet = plots.panels(panels, what, columns=min(PER_ROW, len(panels)), panel_size=3)
    return plots.Picture(sheet.png, _in_a_line(sheet.alt), [_in_a_line(line) for line in sheet.fingerprint])


def _place(item, name):
    title = shortened(name, 25) + "\n"
    if not isinstance(item, Answer):
        return plots.Panel(title + "not explained", image=np.full((96, 96, 3), 225, np.uint8))
    best = f"{item.class_names[0]}, {item.probabilities[0]:.0%}"
    photo, evidence = item.photo, item.cams[..., 0]
    height, width = photo.shape[:2]
    if height != width:
        missing = [max(height, width) - n for n in (height, width)]
        beside = [(n // 2, n - n // 2) for n in missing]
        evidence = np.pad(cam.upsample(evidence, (height, width)), beside)
        photo = np.pad(photo, (*beside, (0, 0)), constant_values=255)
    return plots.Panel(title + best, image=photo, cam=evidence)


def _in_a_line(text):
    return text.replace("\n", ": ")


def explain_files(network, files, top=3, size=None, progress=True):
    """(answers, problems) of picture files: one that can't be used becomes (file, why), and the rest go on.

    All answers are in memory, up to 8 MB each.
    """
    problems = []
    return list(_explained(network, files, top, size, progress, problems)), problems


def _explained(network, files, top, size, progress, problems):
    """One answer after the other; what can't be explained is added to `problems`."""
    from tqdm.auto import tqdm

    for file in tqdm(files, "explaining", leave=False, disable=not progress):
        try:
            answer = explain_photo(network, open_image(file), top, size, str(file))
        except (OSError, ValueError) as error:
            problems.append((str(file), str(error)))
        else:
            yield answer


def _explained_elsewhere(model, files, top, size, progress, problems, scheduler):
    """The same, by the workers of a Dask cluster, in the same order; pictures travel as they are on disk."""
    from course_utils.machine import cluster

    from tqdm.auto import tqdm

    def work():
        for file in files:
            try:
                yield file, _explain_bytes, model, Path(file).read_bytes(), top, size, str(file)
            except OSError as error:
                problems.append((str(file), f"{plain(Path(file).name)!r} can't be read: {error.strerror}."))

    with cluster.workers(scheduler) as workers:
        done = cluster.in_turn(workers.submit, work(), 2 * workers.count)
        for file, future in tqdm(done, "explaining", len(files), leave=False, disable=not progress):
            try:
                answer = cluster.result(future)
            except (OSError, ValueError, cluster.Lost) as error:
                problems.append((str(file), str(error)))
            else:
                yield answer


_load_network = functools.lru_cache(1)(load_network)  # of a worker, which explains one after the other
_one_at_a_time = threading.Lock()


def _explain_bytes(model, content, top, size, file):
    with _one_at_a_time:  # TensorFlow has all cores to itself
        image = open_image(io.BytesIO(content), Path(file).name)
        return explain_photo(_load_network(model), image, top, size, file)


def _all_files(paths, out):
    """The files given, and those in folders given, also behind links, without what systems leave behind and
    without the folder `out` inside them, which holds earlier answers.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        seen = {os.path.realpath(out)} - {os.path.realpath(path)}
        for folder, folders, names in os.walk(path, followlinks=True):
            if os.path.realpath(folder) in seen:
                folders.clear()
                continue
            seen.add(os.path.realpath(folder))
            folders[:] = sorted(filter(is_meant, folders))
            yield from (Path(folder, name) for name in sorted(filter(is_meant, names)))


def _file_name(name):
    """A name that every file system takes: most allow 255 bytes, and two such names make one."""
    name = re.sub(r"[^\w.-]+", "_", name).encode()[:60].decode(errors="ignore")
    return name.strip("._") or "photo"


def _free(stem, taken):
    """`stem`, or with a number where another picture has it already."""
    name, n = stem, 2
    while name.casefold() in taken:
        name, n = f"{stem}-{n}", n + 1
    taken.add(name.casefold())
    return name


def _save(pixels, path):
    from PIL import Image

    Image.fromarray(pixels).save(path, "png")


def main(model, paths, folder, top=3, size=None, scheduler=None):
    """The command `python -m course_utils explain`; returns its exit code: 0, or 1 if any picture couldn't be
    explained.

    scheduler: address of a Dask cluster that does the work; `model` lies where its workers find it, too.
    """
    said, problems, progress, files = [], [], sys.stderr.isatty(), list(_all_files(paths, folder))
    if not files:
        raise ValueError(
            f"There is no file in {', '.join(map(str, paths))}; give pictures, or folders of them."
        )
    network = load_network(model)
    if scheduler:
        answers = _explained_elsewhere(str(model), files, top, size, progress, problems, scheduler)
    else:
        answers = _explained(network, files, top, size, progress, problems)

    def noted():
        for answer in answers:
            said.append(f"{answer.file}: {_in_words(answer)}")
            yield answer

    table = write(noted(), folder, problems)
    for line in [*said, *(f"{file}: {why}" for file, why in problems)]:
        print(plain(line))
    print(f"{len(said)} explained, {len(problems)} not; pictures and {table.name} in {table.parent}")
    return 1 if problems else 0
