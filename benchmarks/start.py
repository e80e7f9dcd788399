"""How long a learner waits: the import of the mathematics, the first picture of a notebook, a whole notebook."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import row, why

TITLE = "Waiting: imports, first pictures, whole notebooks"
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
QUICK_ONES = ("00", "01", "02")
REPEATS = {"imports": 11, "first picture": 5}

IMPORT = """
import sys, time
start = time.perf_counter()
import {module}
ms = 1000 * (time.perf_counter() - start)
print(ms, sum(name.split(".")[0] in ("tensorflow", "keras") for name in sys.modules))
"""


def measure(options):
    rows = imports()
    with tempfile.TemporaryDirectory() as empty:  # embedded data, whatever this machine has
        os.environ.update(TFDS_DATA_DIR=empty, KERAS_HOME=empty)
        whole = {path: _try(run, path) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}  # warms up, too
        quick = [path for path in whole if path.name[:2] in QUICK_ONES]
        first = {path: [] for path in quick}
        for _ in range(REPEATS["first picture"]):
            for path in quick:
                first[path].append(_try(run, path, to_first_picture=True))

    for path in quick:
        rows.append(_seconds(f"`{path.stem}`: kernel start to first picture", first[path], goal=10))
    for path in whole:
        rows.append(_seconds(f"`{path.stem}`: from top to bottom", [whole[path]], goal=120))
    if len(whole) > 1 and all(isinstance(time, float) for time in whole.values()):
        rows.append(_seconds(f"all {len(whole)} notebooks", [sum(whole.values())], goal=600))
    return rows, ["Every run in a fresh process: Python for the imports, a kernel for the notebooks. Its files are in "
                  "the disk cache; embedded data, no pretrained weights.",
                  "The first picture counts when its cell is done."]


def imports():
    """Rows for `import course_utils.cam`, beside NumPy alone, and for what it drags in."""
    ms, heavy = {"numpy": [], "course_utils.cam": []}, []
    for turn in range(REPEATS["imports"] + 1):
        for module in ms:
            out = subprocess.run([sys.executable, "-c", IMPORT.format(module=module)],
                                 capture_output=True, text=True, check=True).stdout.split()
            if turn:  # the first one warms up
                ms[module].append(float(out[0]))
        heavy.append(int(out[1]))
    return [row("`import numpy`", ms["numpy"], "ms"),
            row("`import course_utils.cam`", ms["course_utils.cam"], "ms"),
            row("modules of TensorFlow and Keras that it imports", heavy, goal=("<=", 0))]


def run(path, to_first_picture=False):
    """Seconds from kernel start to the end of a notebook, or of the first cell that shows a picture."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3",
                            resources={"metadata": {"path": str(path.parent)}})
    start = time.perf_counter()
    with client.setup_kernel(stderr=subprocess.DEVNULL):  # greetings of the kernel; errors come as messages
        for i, cell in enumerate(notebook.cells):
            client.execute_cell(cell, i)
            if to_first_picture and shows_picture(cell):
                return time.perf_counter() - start
        if to_first_picture:
            raise LookupError("shows no picture")
        return time.perf_counter() - start


def shows_picture(cell):
    """Has the cell put out a picture, in its HTML or as one?"""
    return any("image/png" in json.dumps(output.get("data", {})) for output in cell.get("outputs", []))


def _try(call, *args, **kwargs):
    """What it returns; or, as text, why it failed: one broken notebook must not cost the others their row."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return why(error)


def _seconds(what, runs, goal):
    failures = [time for time in runs if isinstance(time, str)]
    return row(what, [] if failures else runs, "s", goal=("<=", goal), instead=failures[0] if failures else "")
