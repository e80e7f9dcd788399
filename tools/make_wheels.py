"""Draw and solve the wheels that ship with the course (three minutes on one core).

    .venv/bin/python tools/make_wheels.py

Writes `wheels.npz` to `course_utils/weights`: 1,900 wheels, their lowest frequencies, and their sensitivities
on 16 x 16 cells. Each wheel depends on its seed alone, so any of them can be made again and compared.
"""

import time
from multiprocessing import Pool

from course_utils.datasets import wheels

import numpy as np


def make(seed):
    """The wheel of a seed, its frequency, and its sensitivity in cells."""
    metal = wheels.draw_wheel(seed)
    solution = wheels.solve(metal)
    return metal, solution.frequency, wheels.in_cells(solution.sensitivity)


def main():
    start = time.perf_counter()
    seeds = [seed for split in wheels.SPLIT_SEEDS.values() for seed in split]
    with Pool() as pool:
        made = wheels.Wheels(*map(np.array, zip(*pool.imap(make, seeds, chunksize=20))))
    np.savez_compressed(wheels.FILE, **wheels.pack(made))
    print(
        f"{len(seeds):,} wheels in {time.perf_counter() - start:.0f} s; {wheels.FILE.name}: "
        f"{wheels.FILE.stat().st_size / 1e3:.0f} kB"
    )
    print(wheels.load())


if __name__ == "__main__":
    main()
