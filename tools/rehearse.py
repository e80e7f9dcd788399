"""Ten minutes before a lecture: runs a lesson's cells, says what takes how long, what fails, what is missing.

python tools/rehearse.py 05       the lesson whose name begins so
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
LONG = 5  # seconds that a room notices


def rehearse(path):
    """Whether every cell of a notebook ran, on the data of this machine; times are printed."""
    notebook, started = nbformat.read(path, as_version=4), time.perf_counter()
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    )
    heading, whole = "", True
    with client.setup_kernel():
        for i, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown" and cell.source.startswith("#"):
                heading = cell.source.splitlines()[0].lstrip("# ")
            if cell.cell_type != "code":
                continue
            before = time.perf_counter()
            try:
                client.execute_cell(cell, i)
            except CellExecutionError as error:
                whole = False
                print(f"FAILS  cell {i} under '{heading}': {error.ename}: {error.evalue}")
            seconds = time.perf_counter() - before
            if seconds > LONG:
                print(f"{seconds:5.0f} s  cell {i} under '{heading}'; run it before they come in")
    print(
        f"{path.stem}: {time.perf_counter() - started:.0f} s in all, "
        + ("every cell runs." if whole else "NOT every cell runs.")
    )
    return whole


def main():
    begins = sys.argv[1] if len(sys.argv) > 1 else ""
    found = sorted((ROOT / "notebooks").glob(f"{begins}*.ipynb"))
    if not begins or len(found) != 1:
        names = ", ".join(path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb")))
        raise SystemExit(
            f"LESSON is {begins!r}; expected the beginning of one of {names}: make rehearse LESSON=05"
        )
    from course_utils.machine import doctor

    doctor.summary()
    print("On the projector: 1280×720 or more, and the first map's zero must look neutral.")
    raise SystemExit(0 if rehearse(found[0]) else 1)


if __name__ == "__main__":
    main()
