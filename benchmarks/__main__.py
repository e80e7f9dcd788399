"""Measure the course's budgets and write `benchmarks/RESULTS.md`.

python -m benchmarks                  all but set_up, which downloads 0.6 GB
python -m benchmarks mnist start      these only; the other tables stay
python -m benchmarks mnist --seeds 1  quicker
"""

import argparse
import importlib
import os
import subprocess
import sys

from benchmarks import table

NAMES = table.NAMES
DEFAULT = [name for name in NAMES if name != "set_up"]


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each recipe in mnist (default 3)")
    parser.add_argument("--here", action="store_true", help="in this process, not in a fresh one each")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; choose from {', '.join(NAMES)}")
    if options.seeds < 1:
        parser.error(f"--seeds is {options.seeds}; expected at least 1")

    failed = []
    for name in options.names or DEFAULT:
        if options.here:
            measure(name, options)
        elif not in_fresh_process(name, options):
            failed.append(name)
    if failed:
        sys.exit(f"Failed, and left as they were: {', '.join(failed)}.")


def in_fresh_process(name, options):
    print(f"{name} ...", flush=True)
    # Learners' Python keeps its compiled modules; without them TensorFlow takes twice as long to import.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "benchmarks", "--here", name, "--seeds", str(options.seeds)]
    return subprocess.run(command, env=environment).returncode == 0


def measure(name, options):
    """Measure one benchmark, keep its result, write `RESULTS.md` anew and print the new table."""
    benchmark = importlib.import_module(f"benchmarks.{name}")
    before = table.work()
    rows, notes = benchmark.measure(options)
    table.save(name, benchmark.TITLE, rows, notes, table.circumstances(before))
    (table.HERE / "RESULTS.md").write_text(table.markdown(), encoding="utf-8")
    print(table.section(name), flush=True)


if __name__ == "__main__":
    main()
