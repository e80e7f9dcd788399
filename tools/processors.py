"""Is it green on other processors too? All notebooks and the numerical tests, in five modes; a table; 1 if
any is red.

    python tools/processors.py                        all five
    python tools/processors.py --modes avx2 one-core

One machine stands for several: TensorFlow's and NumPy's kernels are told to be those of another processor.
What a mode can't imitate (another number of vector lanes than this processor has, say) it can't test either.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 30 * 60  # seconds of one part in one mode
MODES = {
    "as-it-is": {},
    "no-onednn": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "sse41": {"ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem"},
    "one-core": {},
}
PARTS = {
    "notebooks": ["notebooks"],
    "numbers": [
        f"tests/test_{name}.py"
        for name in (
            "cam",
            "explain",
            "gradients",
            "faithfulness",
            "localize",
            "networks",
            "training",
            "plates",
            "wheels",
            "photos",
        )
    ],
}


def run(mode, part, report):
    """(passed, names of what isn't green, minutes) of one part of the suite in one mode."""
    workers = "1" if mode == "one-core" else "auto"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        workers,
        "--maxprocesses",
        "4",
        "--dist",
        "loadfile",
        "--no-loadscope-reorder",
        "-m",
        "not browser and not real_data",
        f"--junitxml={report}",
        *PARTS[part],
    ]
    one = {next(iter(os.sched_getaffinity(0)))} if mode == "one-core" else os.sched_getaffinity(0)
    start = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **MODES[mode]},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            preexec_fn=lambda: os.sched_setaffinity(0, one),
        )
    except subprocess.TimeoutExpired:  # a worker that crashed may leave the others waiting
        return 0, [f"{part} didn't end within {LONGEST / 60:.0f} minutes"], LONGEST / 60
    minutes = (time.monotonic() - start) / 60
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return (
            0,
            [f"pytest didn't come to its end ({done.returncode}): {done.stdout[-300:]}{done.stderr[-300:]}"],
            minutes,
        )
    red = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    if not red and done.returncode:
        red = [f"pytest ended with {done.returncode}: {done.stdout[-300:]}"]
    return len(cases) - len(red) - skipped, red, minutes


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--modes", nargs="+", choices=MODES, default=list(MODES), metavar="MODE", help=", ".join(MODES)
    )
    modes = parser.parse_args().modes
    if not hasattr(os, "sched_setaffinity"):
        modes = [mode for mode in modes if mode != "one-core"]
        print("one-core is left out: this system can't keep a process on one core.")
    print(f"{'mode':<12}" + "".join(f"{part:>34}" for part in PARTS))
    red = {}
    with tempfile.TemporaryDirectory() as folder:
        for mode in modes:
            print(f"{mode:<12}", end="", flush=True)
            for part in PARTS:
                passed, bad, minutes = run(mode, part, Path(folder, f"{mode}-{part}.xml"))
                red.update({f"{mode}: {name}": None for name in bad})
                print(f"{f'{passed} passed, {len(bad)} failed, {minutes:.1f} min':>34}", end="", flush=True)
            print()
    for name in red:
        print("RED", name)
    print("All green." if not red else f"{len(red)} red.")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
