"""Notebooks with everything that they show, the widgets' state too, for the book and the decks.

    python tools/executed.py notebooks/*.ipynb

A notebook is executed on embedded data when its code, or what it loads of the package, has changed since it
last was; an edit of its text costs nothing. What came out is kept in build/executed.
"""

import copy
import hashlib
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "executed"
AS_SAVED = set()  # stems of notebooks that are taken as they are saved, with still pictures for widgets
STATE = "application/vnd.jupyter.widget-state+json"
LOADED = """import json, sys
print(json.dumps([m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "course_utils"]))"""


def executed(path):
    """The notebook of a file with its outputs and, in its metadata, the state of its widgets."""
    notebook, kept = nbformat.read(path, as_version=4), KEPT / path.name
    if path.stem in AS_SAVED:
        notebook.metadata["widgets"] = {STATE: {"state": {}}}
        return notebook
    ran = nbformat.read(kept, as_version=4) if kept.exists() else None
    if ran is None or not _holds(ran.metadata.get("made_from", {}), notebook):
        ran = _run(notebook, path.parent)
        KEPT.mkdir(parents=True, exist_ok=True)
        nbformat.write(ran, kept)
    for cell, new in zip(_code(notebook), _code(ran)):
        cell.outputs, cell.execution_count = new.outputs, new.execution_count
        cell.metadata["seconds"] = _seconds(new)
    notebook.metadata["widgets"] = ran.metadata.get("widgets", {})
    return notebook


def _run(notebook, folder):
    ran = copy.deepcopy(notebook)
    ran.cells.append(nbformat.v4.new_code_cell(LOADED))
    with tempfile.TemporaryDirectory() as empty:  # embedded data, whatever this machine has
        NotebookClient(
            ran, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute(env={**os.environ, "TFDS_DATA_DIR": empty, "KERAS_HOME": empty})
    modules = [Path(name).relative_to(ROOT) for name in json.loads(ran.cells.pop().outputs[0].text)]
    texts = "".join((ROOT / name).read_text(encoding="utf-8") for name in modules)
    scripts = [f.relative_to(ROOT) for f in (ROOT / "course_utils").rglob("*.js") if f.name in texts]
    weights = [f.relative_to(ROOT) for f in (ROOT / "course_utils" / "weights").iterdir()]
    ran.metadata["made_from"] = {
        "code": _digest(_source(ran)),
        **{name.as_posix(): _digest((ROOT / name).read_bytes()) for name in [*modules, *scripts, *weights]},
    }
    return ran


def _holds(made_from, notebook):
    """Whether the code and all that it loaded of the package are still what they were."""
    files = {name: ROOT / name for name in made_from if name != "code"}
    return made_from.get("code") == _digest(_source(notebook)) and all(
        file.exists() and _digest(file.read_bytes()) == made_from[name] for name, file in files.items()
    )


def _source(notebook):
    return "\0".join(cell.source for cell in _code(notebook)).encode()


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def _seconds(cell):
    """How long a cell ran."""
    times = cell.metadata.get("execution", {})
    start, end = (times.get(f"iopub.status.{state}") for state in ("busy", "idle"))
    if not (start and end):
        return 0.0
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


if __name__ == "__main__":
    with ThreadPoolExecutor(int(os.environ.get("AT_ONCE", 2))) as pool:  # each is a kernel of its own
        for path, notebook in zip(sys.argv[1:], pool.map(executed, map(Path, sys.argv[1:]))):
            print(f"{path}: {len(notebook.cells)} cells")
