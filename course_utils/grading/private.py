"""Exercises of a lecturer's own: a folder that isn't published, and a secret that gives other numbers.

`--solutions FOLDER` and `--seed FILE` are given once; grading/private.json remembers where both are.
"""

import hashlib
import json
import re
from pathlib import Path

from course_utils import files

import nbformat

GRADING = "grading"  # folder of everything that must not be published


def remember(root, solutions=None, seed=None):
    """Note the folder of private exercises and the file with the secret. ValueError where one is missing."""
    about = _about(root)
    if solutions is not None:
        if not Path(solutions).is_dir():
            raise ValueError(f"{solutions} is no folder; expected one with ex01_…/ex01_….ipynb in it.")
        about["solutions"] = str(Path(solutions).resolve())
    if seed is not None:
        if not Path(seed).is_file() or len(Path(seed).read_bytes().strip()) < 16:
            raise ValueError(
                f"{seed} is no secret: expected a file with at least 16 characters that nobody can guess, "
                "outside the folder of the course."
            )
        if Path(seed).resolve().is_relative_to(Path(root).resolve()):
            raise ValueError(f"{seed} lies in the folder of the course; keep it where it isn't published.")
        about["seed"] = str(Path(seed).resolve())
    Path(root, GRADING).mkdir(exist_ok=True)
    files.write_whole(Path(root, GRADING, "private.json"), json.dumps(about))


def _about(root):
    path = Path(root, GRADING, "private.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def solutions(root):
    """The folder of the exercises' sources."""
    return Path(_about(root).get("solutions") or Path(root, "solutions"))


def with_seed(root, notebook):
    """The full notebook as the secret makes it; as it is where there is none.

    Students' numbers become others (`variant(my_id, "…")`, what stands there may be known), and so do those
    of the hidden tests (`default_rng((…, 1))`, which nobody else knows).
    """
    seed = _about(root).get("seed")
    if not seed:
        return notebook
    secret = Path(seed).read_bytes().strip()
    public = hashlib.sha256(b"numbers of students" + secret).hexdigest()[:12]
    hidden = int.from_bytes(hashlib.sha256(b"hidden tests" + secret).digest()[:8], "big")
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace("variant(my_id)", f'variant(my_id, "{public}")')
            parts = re.split(r"(?s)(### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS)", cell.source)
            parts[1::2] = [
                re.sub(r"np\.random\.default_rng\((\d+)\)", rf"np.random.default_rng(({hidden}, \1))", part)
                for part in parts[1::2]
            ]
            cell.source = "".join(parts)
    return notebook
