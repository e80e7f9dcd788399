"""How long a learner waits: the import of the mathematics, the first map of a notebook, a whole notebook."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import row, why

TITLE = "Waiting: imports, first maps, whole notebooks"
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
QUICK_ONES = ("00", "01", "02")
REPEATS = {"imports": 11, "first map": 5}

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
        whole = {path: _try(run, path) for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))}  # warms up, too
        quick = {path: [] for path in whole if path.name[:2] in QUICK_ONES}
        for _ in range(REPEATS["first map"]):
            for path, runs in quick.items():
                runs.append(_try(run, path, to_first_map=True))

    for path, runs in quick.items():
        rows += [
            _seconds(f"`{path.stem}`: kernel start to first picture", runs, "picture"),
            _seconds(f"`{path.stem}`: kernel start to first map", runs, "map", goal=10),
        ]
    for path, marks in whole.items():
        rows.append(_seconds(f"`{path.stem}`: from top to bottom", [marks], "end", goal=120))
    if whole and not any(isinstance(marks, str) for marks in whole.values()):
        total = sum(marks["end"] for marks in whole.values())
        rows.append(row(f"all {len(whole)} notebooks", [total], "s", goal=("<=", 600)))
    return rows, [
        "Every run in a fresh process: Python for the imports, a kernel for the notebooks. Its files are in "
        "the disk cache; embedded data, no pretrained weights.",
        "A picture counts when its cell is done. The first map is the first picture that calls itself a "
        "class activation map in its alt text.",
    ]


def imports():
    """Rows for `import course_utils.cam`, beside NumPy alone, and for what it drags in."""
    ms, heavy = {"numpy": [], "course_utils.cam": []}, []
    for turn in range(REPEATS["imports"] + 1):
        for module in ms:
            out = subprocess.run(
                [sys.executable, "-c", IMPORT.format(module=module)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            if turn:  # the first one warms up
                ms[module].append(float(out[0]))
        heavy.append(int(out[1]))
    return [
        row("`import numpy`", ms["numpy"], "ms"),
        row("`import course_utils.cam`", ms["course_utils.cam"], "ms"),
        row("modules of TensorFlow and Keras that it imports", heavy, goal=("<=", 0)),
    ]


def run(path, to_first_map=False):
    """Seconds from kernel start to the first "picture" of a notebook, the first "map" and the "end"."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    marks, start = {}, time.perf_counter()
    with client.setup_kernel(stderr=subprocess.DEVNULL):  # greetings of the kernel; errors come as messages
        for i, cell in enumerate(notebook.cells):
            client.execute_cell(cell, i)
            for kind in kinds_of_picture(cell):
                marks.setdefault(kind, time.perf_counter() - start)
            if to_first_map and "map" in marks:
                return marks
        marks["end"] = time.perf_counter() - start
    if to_first_map:
        raise LookupError("no picture calls itself a class activation map")
    return marks


def kinds_of_picture(cell):
    """What a cell shows: nothing, {"picture"}, or {"picture", "map"} where it is a class activation map."""
    shown = [json.dumps(output.get("data", {})) for output in cell.get("outputs", [])]
    pictures = [data for data in shown if "image/png" in data]
    return {"picture" for data in pictures} | {"map" for data in pictures if "class activation map" in data}


def _try(call, *args, **kwargs):
    """What it returns; or, as text, why it failed: one broken notebook must not cost the others their row."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return why(error)


def _seconds(what, runs, mark, goal=None):
    failures = [marks for marks in runs if isinstance(marks, str)]
    return row(
        what,
        [] if failures else [marks[mark] for marks in runs],
        "s",
        goal=goal and ("<=", goal),
        instead=failures[0] if failures else "",
    )
