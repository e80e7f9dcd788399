"""From measurements to `RESULTS.md`: one JSON a benchmark in `results/`, one table a JSON.

The JSON keeps every single run; medians, spreads and verdicts are worked out when the tables are written.
"""

import datetime
import importlib.metadata
import json
import math
import os
import platform
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
RESULTS = HERE / "results"
# The benchmarks, in the order of the tables.
NAMES = (
    "mnist",
    "cam_cost",
    "gradients",
    "caching",
    "pets",
    "photos",
    "own_folder",
    "persons",
    "localization",
    "heads",
    "mirrored",
    "ram",
    "grading",
    "explorers",
    "book",
    "start",
    "set_up",
)

DECIMALS = {"pixels": 1, "s": 2, "ms": 0, "%": 2, "×": 2, "·10⁻⁴": 4, "r": 2}
PACKAGES = ("keras", "tensorflow", "numpy")
QUIET = 0.1  # share of the processor that others may take before we doubt the seconds


# --- what a benchmark hands over -------------------------------------------------------------


def row(what, values=(), unit="", goal=None, instead=""):
    """One line of a table: `values` are the runs, `goal` is ("<=", 0.7) or (">=", 99.5) for their median.

    Where nothing could be measured, `instead` says why.
    """
    values = [float(f"{value:.5g}") for value in values]
    return {"what": what, "values": values, "unit": unit, "goal": goal, "instead": instead}


def met(row):
    """Is the goal met? True or False, None where there is no goal; what wasn't measured isn't met."""
    if row["goal"] is None:
        return None
    if not row["values"]:
        return False
    sign, limit = row["goal"]
    return median(row["values"]) <= limit if sign == "<=" else median(row["values"]) >= limit


def why(error):
    """An error in one line without the folders of this machine, to stand in a table."""
    name, text = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", str(error))
    words = (text.strip().splitlines() or [""])[0].split()
    return f"{name}: {' '.join(word for word in words if '/' not in word)}".replace("|", "¦")[:150]


# --- under what circumstances ----------------------------------------------------------------


def circumstances(work_before):
    """Date, machine and versions; `work_before` is what `work()` said before the benchmark."""
    elapsed, idle, ours = (after - before for before, after in zip(work_before, work()))
    others = 1 - (idle + ours) / (_cores() * elapsed)
    return {
        "date": datetime.date.today().isoformat(),
        "machine": _machine(),
        "versions": _versions(),
        "others": round(min(1, max(0, others)), 2),
    }


def work():
    """Seconds so far: by the clock, idle of all cores, worked by us and our children."""
    import psutil

    times = psutil.cpu_times()
    return time.perf_counter(), times.idle + getattr(times, "iowait", 0), sum(os.times()[:4])


def _machine():
    import psutil

    gigabytes = math.ceil(psutil.virtual_memory().total / 2**30)
    return f"{_cores()} cores ({platform.machine()}), {gigabytes} GB of memory, CPU only, {platform.system()}"


def _cores():
    return os.cpu_count() or 1


def _versions():
    import course_utils

    versions = {"Python": platform.python_version()}
    for name in PACKAGES:
        for package in (name, f"{name}-cpu"):  # tensorflow-cpu is TensorFlow too
            try:
                versions[name] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                continue
    return {**versions, "course": course_utils.__version__}


# --- the file --------------------------------------------------------------------------------


def save(name, title, rows, notes, circumstances, folder=RESULTS):
    """Keep one benchmark's result as `results/NAME.json`; the others' stay as they are."""
    folder.mkdir(exist_ok=True)
    result = {"title": title, **circumstances, "notes": notes, "rows": rows}
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def markdown(folder=RESULTS):
    """The text of `RESULTS.md`: the table of every benchmark that has a result, each with its own date."""
    there = [name for name in NAMES if (folder / f"{name}.json").exists()]
    return "\n".join([HEAD, *(section(name, folder) for name in there)])


HEAD = """# Benchmarks

`make bench` measures and writes this file; `python -m benchmarks NAME ...` measures only the named ones
and keeps the other tables. Contestants take turns in one process (A B A B ...), after a warm-up. A ratio (×) is the
median of the ratios of neighbouring runs. Spread: smallest to largest. All runs are in `results/`.
"""


def section(name, folder=RESULTS):
    """One benchmark's table with what it was measured on, as Markdown."""
    result = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    notes = result["notes"] + [f"`{name}`, {result['date']}; {result['machine']}; {versions}."]
    if result["others"] > QUIET:
        notes.append(
            f"**The machine was not quiet**: other programs took {result['others']:.0%} of it meanwhile. "
            "Trust ratios more than seconds."
        )
    lines = [
        f"## {result['title']}",
        "",
        "| What | Median | Spread | Runs | Goal | Met |",
        "|---|---:|---:|---:|---:|---|",
        *map(_line, result["rows"]),
        "",
        *(f"- {note}" for note in notes),
    ]
    return "\n".join(lines) + "\n"


def _line(row):
    values, unit, goal = row["values"], row["unit"], ""
    if row["goal"]:
        sign, limit = row["goal"]
        goal = f"{ {'<=': '≤', '>=': '≥'}[sign] } {limit:g} {unit}".rstrip()
    middle, spread = row["instead"], ""
    if values:
        decimals = DECIMALS.get(unit, 0)
        shown = [f"{value:,.{decimals}f}" for value in (median(values), min(values), max(values))]
        middle, spread = f"{shown[0]} {unit}".rstrip(), f"{shown[1]} – {shown[2]}" if len(values) > 1 else ""
    verdict = {True: "yes", False: "**no**", None: ""}[met(row)]
    return f"| {row['what']} | {middle} | {spread} | {len(values)} | {goal} | {verdict} |"
