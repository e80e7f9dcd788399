"""Execute notebooks from top to bottom on embedded data and save them with what they show.

    python tools/run_notebooks.py notebooks/*.ipynb

Saved files carry nothing of the machine: no execution metadata, and no widget models, whose still pictures
stand in their place. Stops at the first error and leaves that file untouched.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def executed(path):
    """The notebook with what its cells show, run in its own folder; raises at the first error."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=where).execute()
    return notebook


def run(path):
    start = time.perf_counter()
    notebook = executed(path)
    seconds = time.perf_counter() - start
    notebook.metadata = {
        "kernelspec": KERNELSPEC,
        "language_info": {"name": "python"},
        **{k: v for k, v in notebook.metadata.items() if k == "course"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in map(_without_widget, cell.outputs) if o is not None]
            stderr = "".join(o.text for o in cell.outputs if o.get("name") == "stderr")
            if stderr:
                raise SystemExit(
                    f"{path}: a cell writes to stderr, which learners would read as an error:\n{stderr}"
                )
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    print(f"{path}: {seconds:.0f} s")


def _without_widget(output):
    """The output as a saved notebook can show it: without its live widget, whose still picture stays."""
    data = output.get("data", {})
    if data.pop("application/vnd.jupyter.widget-view+json", None):
        text = data.get("text/plain", "")
        if re.search(r"\d+%\|", text) or text == "HBox()":
            return None  # a progress bar, gone when its cell is done
        if "text/html" not in data:
            data["text/plain"] = "This part is there when the cell is run."
    return output


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:  # embedded data, whatever this machine has
        os.environ.update(TFDS_DATA_DIR=empty, KERAS_HOME=empty)
        for name in sys.argv[1:]:
            run(Path(name))
