"""python -m course_utils.grading release | collect | grade | report, called in the folder of the course."""

import argparse
import sys
from collections import Counter
from pathlib import Path


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        from course_utils.grading import pipeline, private
    except ImportError as error:
        sys.exit(f"Grading needs nbgrader ({error}); install it with `pip install -r requirements.lock`.")
    try:
        if options.solutions or options.seed:
            private.remember(options.root, options.solutions, options.seed)
        if not pipeline.exercises(options.root):
            sys.exit(
                f"There are no exercises in {private.solutions(options.root)}; go to the folder of the "
                "course, or give --root."
            )
        options.step(options)
    except KeyboardInterrupt:
        sys.exit("Interrupted; what is done is kept. Call it again to go on.")
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(str(error))


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.grading", description="Grade the exercises, around nbgrader."
    )
    steps = parser.add_subparsers(required=True, metavar="release | collect | grade | report")
    add = {
        name: steps.add_parser(name, help=text)
        for name, text in {
            "release": "make what students get, where the exercises are your own",
            "collect": "take in what students handed in",
            "grade": "run and grade what was collected; goes on where it was interrupted",
            "report": "one CSV for all, and a page of feedback each",
        }.items()
    }
    for name, function in {"release": release, "collect": collect, "grade": grade, "report": report}.items():
        add[name].set_defaults(step=function)
        add[name].add_argument(
            "--root", type=Path, default=Path.cwd(), help="folder of the course (default: this one)"
        )
        add[name].add_argument(
            "--solutions", type=Path, help="your private folder of exercises; remembered (default: solutions)"
        )
        add[name].add_argument(
            "--seed", type=Path, help="file with a secret that gives other numbers; remembered"
        )
    add["release"].add_argument("folder", type=Path, help="where to put them")
    add["collect"].add_argument(
        "folder", type=Path, help="Moodle's or Canvas' export as it comes, or a folder with one a student"
    )
    add["collect"].add_argument(
        "--names", metavar="REGEXP", help="moodle, canvas, or a pattern as nbgrader's zip_collect has it"
    )
    add["collect"].add_argument(
        "--roster", type=Path, help="CSV that tells who is who: the platform's own sheet will do"
    )
    add["grade"].add_argument("--jobs", type=int, help="how many at once (default: one a core)")
    add["grade"].add_argument(
        "--scheduler", metavar="ADDRESS", help="a Dask cluster that does the work (default: this machine)"
    )
    add["grade"].add_argument(
        "--again", action="store_true", help="also what has been graded already; points given by hand stay"
    )
    add["grade"].add_argument("--cell-seconds", type=int, default=30, help="time for one cell (default 30)")
    add["grade"].add_argument(
        "--unsafe", action="store_true", help="without the sandbox: students' code gets all your rights"
    )
    add["report"].add_argument("-o", "--output", type=Path, help="default: grading/report.csv")
    add["report"].add_argument("--roster", type=Path, help="CSV with a student a line: who is missing shows")
    add["report"].add_argument(
        "--into", type=Path, metavar="FILE.csv", help="fill the grade column of this sheet, too"
    )
    add["report"].add_argument("--exercise", help="with --into: which one (default: the only one)")
    add["report"].add_argument("--column", help="with --into: the name of the grade column")
    add["report"].add_argument("--scale", action="store_true", help="with --into: convert to its maximum")
    return parser


def release(options):
    from course_utils.grading import pipeline

    pipeline.release(options.root, options.folder)
    print(f"{len(pipeline.exercises(options.root))} exercises in {options.folder}")


def collect(options):
    from course_utils.grading import exports, pipeline, private, sheets

    known = pipeline.remembered(options.root)
    with exports.laid_out(options.folder, options.names, options.roster, known) as (folder, export):
        outcomes = pipeline.collect(options.root, folder)
        sheets.remember(Path(options.root, private.GRADING), export.students)
    for said in export.said:
        print(said)
    count = Counter(outcome["status"] for theirs in outcomes.values() for outcome in theirs.values())
    print(f"{len(outcomes)} students: " + ", ".join(f"{n} {status}" for status, n in sorted(count.items())))


def grade(options):
    from course_utils.grading import pipeline

    if options.unsafe:
        print("UNPROTECTED: the students' code runs with all your rights.", file=sys.stderr)
    outcomes = pipeline.grade(
        options.root, options.jobs, options.again, not options.unsafe, options.cell_seconds, options.scheduler
    )
    count = Counter()
    for student, theirs in sorted(outcomes.items()):
        for name, outcome in sorted(theirs.items()):
            count[outcome["status"]] += 1
            if outcome["status"] == "failed":
                print(f"failed: {student}, {name}: {outcome['reason']}")
    print(f"{count['graded']} graded, {count['failed']} failed")


def report(options):
    from course_utils.grading import feedback, pipeline, private, sheets

    grading = Path(options.root, private.GRADING)
    roster = sheets.roster(options.roster, pipeline.remembered(options.root)) if options.roster else ()
    rows = sheets.annotate(pipeline.report(options.root, roster), grading)
    target = options.output or grading / "report.csv"
    pages = feedback.write(options.root, rows)
    pipeline.write_csv(rows, target)
    print(f"{len(rows)} rows in {target}; {pages} pages of feedback")
    if options.into:
        filled = sheets.fill(options.into, rows, grading, options.exercise, options.column, options.scale)
        print(*filled.problems, f"{filled.count} cells filled in {options.into}", sep="\n")


if __name__ == "__main__":
    main()
