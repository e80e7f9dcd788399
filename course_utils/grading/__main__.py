"""python -m course_utils.grading collect | grade | report, called in the folder of the course."""

import argparse
import sys
from collections import Counter
from pathlib import Path


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.grading", description="Grade the exercises, around nbgrader."
    )
    steps = parser.add_subparsers(dest="step", required=True, metavar="collect | grade | report")
    one = steps.add_parser("collect", help="take in what students handed in")
    one.add_argument("folder", type=Path, help="Moodle's or Canvas' export, or a folder with one a student")
    one.add_argument(
        "--names", metavar="REGEXP", help="moodle, canvas, or a pattern as nbgrader's zip_collect has it"
    )
    one.add_argument(
        "--roster", type=Path, help="CSV that tells who is who: the platform's own sheet will do"
    )
    two = steps.add_parser("grade", help="run and grade what was collected; goes on where it was interrupted")
    two.add_argument("--jobs", type=int, help="how many at once (default: one a core)")
    two.add_argument(
        "--again", action="store_true", help="also what has been graded already; points given by hand stay"
    )
    two.add_argument("--cell-seconds", type=int, default=30, help="time for one cell (default 30)")
    two.add_argument(
        "--unsafe", action="store_true", help="without the sandbox: students' code gets all your rights"
    )
    three = steps.add_parser("report", help="one CSV for all, and a page of feedback each")
    three.add_argument("-o", "--output", type=Path, help="default: grading/report.csv")
    three.add_argument("--roster", type=Path, help="CSV with a student a line: who is missing shows")
    three.add_argument(
        "--into", type=Path, metavar="FILE.csv", help="fill the grade column of this sheet, too"
    )
    three.add_argument("--exercise", help="with --into: which one (default: the only one)")
    three.add_argument("--column", help="with --into: the name of the grade column")
    three.add_argument("--scale", action="store_true", help="with --into: convert points to its maximum")
    for step in (one, two, three):
        step.add_argument(
            "--root", type=Path, default=Path.cwd(), help="folder of the course (default: this one)"
        )
    options = parser.parse_args(arguments)

    try:
        from course_utils.grading import exports, feedback, pipeline, sheets
    except ImportError as error:
        sys.exit(f"Grading needs nbgrader ({error}); install it with `pip install -r requirements.lock`.")
    if not pipeline.exercises(options.root):
        sys.exit(
            f"There are no exercises in {options.root}/solutions; go to the folder of the course, or "
            "give --root."
        )
    try:
        if options.step == "collect":
            known = pipeline._outcomes(options.root)
            with exports.laid_out(options.folder, options.names, options.roster, known) as (folder, export):
                outcomes = pipeline.collect(options.root, folder)
                sheets.remember(Path(options.root, pipeline.GRADING), export.students)
            print(*export.said, sep="\n", end="\n" if export.said else "")
            count = Counter(outcome["status"] for theirs in outcomes.values() for outcome in theirs.values())
            print(
                f"{len(outcomes)} students: "
                + ", ".join(f"{n} {status}" for status, n in sorted(count.items()))
            )
        elif options.step == "grade":
            if options.unsafe:
                print("UNPROTECTED: the students' code runs with all your rights.", file=sys.stderr)
            outcomes = pipeline.grade(
                options.root, options.jobs, options.again, not options.unsafe, options.cell_seconds
            )
            failed = [
                (s, n, o["reason"])
                for s, theirs in sorted(outcomes.items())
                for n, o in sorted(theirs.items())
                if o["status"] == "failed"
            ]
            for student, name, why in failed:
                print(f"failed: {student}, {name}: {why}")
            print(
                f"{sum(o['status'] == 'graded' for t in outcomes.values() for o in t.values())} "
                f"graded, {len(failed)} failed"
            )
        else:
            grading = Path(options.root, pipeline.GRADING)
            roster = sheets.roster(options.roster, pipeline._outcomes(options.root)) if options.roster else ()
            rows = sheets.annotate(pipeline.report(options.root, roster), grading)
            target = options.output or Path(options.root, pipeline.GRADING, "report.csv")
            pages = feedback.write(options.root, rows)
            pipeline.write_csv(rows, target)
            print(f"{len(rows)} rows in {target}; {pages} pages of feedback")
            if options.into:
                filled = sheets.fill(
                    options.into, rows, grading, options.exercise, options.column, options.scale
                )
                print(*filled.problems, f"{filled.count} cells filled in {options.into}", sep="\n")
    except KeyboardInterrupt:
        sys.exit("Interrupted; what is done is kept. Call it again to go on.")
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
