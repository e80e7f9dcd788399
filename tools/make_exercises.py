"""Generate exercises/ from solutions/, and with --bundle a zip of it to hand out.

    python tools/make_exercises.py [--bundle]

The same sources give the same bytes, so what changed shows in `git diff`.
"""

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from course_utils.grading import pipeline

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "build" / "exercises.zip"


def main(arguments):
    with tempfile.TemporaryDirectory() as folder:
        pipeline.release(
            ROOT, Path(folder, "exercises")
        )  # all or nothing: a mistake in one leaves the old ones
        for old in (ROOT / "exercises").glob("ex*"):
            shutil.rmtree(old)
        shutil.copytree(Path(folder, "exercises"), ROOT / "exercises", dirs_exist_ok=True)
    files = sorted(path for path in (ROOT / "exercises").rglob("*.ipynb"))
    print(f"{len(files)} exercises in exercises/")
    if "--bundle" in arguments:
        BUNDLE.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(BUNDLE, "w", zipfile.ZIP_DEFLATED) as bundle:
            for path in files:
                about = zipfile.ZipInfo(
                    str(path.relative_to(ROOT))
                )  # 1980, not now: the same bytes every time
                about.external_attr = 0o644 << 16
                bundle.writestr(about, path.read_bytes(), zipfile.ZIP_DEFLATED)
        print(f"handed out: {BUNDLE.relative_to(ROOT)}, {BUNDLE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
