"""The course's commands: `python -m course_utils doctor`, `fetch NAME...` and `explain MODEL IMAGE...`."""

import argparse
import sys

if sys.version_info < (3, 11):  # told here, because older ones cannot even read the rest
    sys.exit("WRONG  Python %d.%d: the course needs 3.11 or newer." % sys.version_info[:2])

from course_utils.machine import doctor, fetch


def main(arguments=None):
    """Run one command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="say what is right and wrong with this machine")
    fetching = commands.add_parser("fetch", help="get real data and pretrained weights beforehand")
    fetching.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        choices=[*fetch.NAMES, "all"],
        help=", ".join([*fetch.NAMES, "all"]),
    )
    explaining = commands.add_parser("explain", help="classes of your own pictures, with a map each")
    explaining.add_argument(
        "images",
        nargs="+",
        metavar="[MODEL] IMAGE",
        help='pictures, or folders of them; before them "photos" (the default: cats and dogs), "pets" (drawn '
        "ones), or a .keras file that lesson 11 has stored",
    )
    explaining.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="where pictures and table.csv go"
    )
    explaining.add_argument("--top", type=int, default=3, help="how many classes (default 3)")
    explaining.add_argument(
        "--size", type=int, help="pixels of the longer side (default: as in training; 1024 at most)"
    )
    explaining.add_argument(
        "--scheduler", metavar="ADDRESS", help="a Dask cluster that does the work (default: this machine)"
    )
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        return doctor.main()
    if options.command == "fetch":
        return fetch.main(options.names)
    from course_utils import networks, photos  # TensorFlow comes with it

    try:
        model, images = networks.name_first(options.images)
        return photos.main(model, images, options.output, options.top, options.size, options.scheduler)
    except (OSError, RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
