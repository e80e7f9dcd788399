"""The course's commands: `python -m course_utils doctor` and `python -m course_utils fetch NAME...`."""

import argparse
import sys

if sys.version_info < (3, 11):      # told here, because older ones cannot even read the rest
    sys.exit("WRONG  Python %d.%d: the course needs 3.11 or newer." % sys.version_info[:2])

from course_utils import doctor, fetch  # noqa: E402


def main(arguments=None):
    """Run one command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="say what is right and wrong with this machine")
    fetching = commands.add_parser("fetch", help="get real data and pretrained weights beforehand")
    fetching.add_argument("names", nargs="+", metavar="NAME", choices=[*fetch.NAMES, "all"],
                          help=", ".join([*fetch.NAMES, "all"]))
    options = parser.parse_args(arguments)
    return doctor.main() if options.command == "doctor" else fetch.main(options.names)


if __name__ == "__main__":
    sys.exit(main())
