"""Notebooks with everything that they show, the widgets' state too, for the book and the decks.

    python tools/executed.py notebooks/*.ipynb

A notebook is executed on embedded data when its code or the package has changed since it last was; an edit
of its text costs nothing. What came out is kept in build/executed.
"""

import copy
import hashlib
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


def executed(path):
    """The notebook of a file with its outputs and, in its metadata, the state of its widgets."""
    notebook = nbformat.read(path, as_version=4)
    kept = KEPT / f"{path.stem}-{_fingerprint(notebook)}.ipynb"
    if not kept.exists():
        ran = copy.deepcopy(notebook)
        with tempfile.TemporaryDirectory() as empty:  # embedded data, whatever this machine has
            NotebookClient(
                ran, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
            ).execute(env={**os.environ, "TFDS_DATA_DIR": empty, "KERAS_HOME": empty})
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob(f"{path.stem}-*.ipynb"):
            old.unlink()
        nbformat.write(ran, kept)
    ran = nbformat.read(kept, as_version=4)
    for cell, new in zip(_code(notebook), _code(ran)):
        cell.outputs, cell.execution_count = new.outputs, new.execution_count
        cell.metadata["seconds"] = _seconds(new)
    notebook.metadata["widgets"] = ran.metadata.get("widgets", {})
    return notebook


def _seconds(cell):
    """How long a cell ran."""
    times = cell.metadata.get("execution", {})
    start, end = (times.get(f"iopub.status.{state}") for state in ("busy", "idle"))
    if not (start and end):
        return 0.0
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _fingerprint(notebook):
    """Of all that decides what a notebook shows: its code, and the package with its weights."""
    digest = hashlib.sha256("\0".join(cell.source for cell in _code(notebook)).encode())
    package = (ROOT / "course_utils").rglob("*")
    for file in sorted(f for f in package if f.suffix in (".py", ".js", ".css", ".npz", ".h5")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    with ThreadPoolExecutor(int(os.environ.get("AT_ONCE", 2))) as pool:  # each is a kernel of its own
        for path, notebook in zip(sys.argv[1:], pool.map(executed, map(Path, sys.argv[1:]))):
            print(f"{path}: {len(notebook.cells)} cells")
