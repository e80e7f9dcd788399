"""The benchmarks' tables, verdicts and turns. Nothing is timed here."""

import json
import platform
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from benchmarks import mnist, start, stopwatch, table
from benchmarks.table import met, row

import pytest

ROOT = Path(__file__).parents[1]
CIRCUMSTANCES = {
    "date": "2031-05-17",
    "machine": "2 cores, 8 GB of memory",
    "versions": {"Python": "3.11", "keras": "3.15"},
    "others": 0.01,
}


def saved(folder, name="mnist", rows=(), **changes):
    table.save(name, f"Title of {name}", list(rows), ["a note"], {**CIRCUMSTANCES, **changes}, folder)


def cells(text, what):
    line = next(line for line in text.splitlines() if line.startswith(f"| {what} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_line_shows_median_spread_runs_goal_and_verdict(tmp_path):
    saved(
        tmp_path,
        rows=[
            row("ratio", [0.9, 0.6, 0.65], "×", ("<=", 0.7)),
            row("accuracy", [99.41], "%", (">=", 99.5)),
            row("seconds", [1234.5, 2], "s"),
            row("modules", [0, 0], goal=("<=", 0)),
        ],
    )
    text = table.markdown(tmp_path)
    assert cells(text, "ratio") == ["0.65 ×", "0.60 – 0.90", "3", "≤ 0.7 ×", "yes"]
    assert cells(text, "accuracy") == ["99.41 %", "", "1", "≥ 99.5 %", "**no**"]
    assert cells(text, "seconds") == ["618.25 s", "2.00 – 1,234.50", "2", "", ""]
    assert cells(text, "modules") == ["0", "0 – 0", "2", "≤ 0", "yes"]


def test_a_table_tells_when_on_what_and_with_which_versions(tmp_path):
    saved(tmp_path)
    assert "- `mnist`, 2031-05-17; 2 cores, 8 GB of memory; Python 3.11, keras 3.15." in table.markdown(
        tmp_path
    )


@pytest.mark.parametrize("others, warned", [(0.05, False), (0.4, True)])
def test_a_busy_machine_is_confessed(tmp_path, others, warned):
    saved(tmp_path, others=others)
    assert ("not quiet" in table.markdown(tmp_path)) == warned


@pytest.mark.parametrize(
    "values, goal, verdict",
    [
        ([0.7], ("<=", 0.7), True),
        ([0.71], ("<=", 0.7), False),
        ([99.5], (">=", 99.5), True),
        ([99.4], (">=", 99.5), False),
        ([1, 1, 9], ("<=", 2), True),
        ([9, 9, 1], ("<=", 2), False),
        ([5], None, None),
        ([], ("<=", 1), False),
    ],
)
def test_the_median_decides(values, goal, verdict):
    assert met(row("it", values, goal=goal)) is verdict


def test_what_was_not_measured_says_why_and_is_not_met(tmp_path):
    saved(tmp_path, rows=[row("accuracy", unit="%", goal=(">=", 99.5), instead="no data here")])
    assert cells(table.markdown(tmp_path), "accuracy") == ["no data here", "", "0", "≥ 99.5 %", "**no**"]


def test_a_new_result_keeps_the_others_and_replaces_its_own(tmp_path):
    saved(tmp_path, "start", [row("wait", [3], "s")], date="2030-01-01")
    saved(tmp_path, "mnist", [row("old", [1], "s")])
    before = table.section("start", tmp_path)
    saved(tmp_path, "mnist", [row("new", [2], "s")])
    text = table.markdown(tmp_path)
    assert before in text and "2030-01-01" in before
    assert "| new |" in text and "| old |" not in text
    assert text.index("Title of mnist") < text.index("Title of start")  # always in the same order


def test_results_keep_every_run(tmp_path):
    saved(tmp_path, rows=[row("wait", [3, 1, 2], "s")])
    assert json.loads((tmp_path / "mnist.json").read_text())["rows"][0]["values"] == [3, 1, 2]


def test_the_table_in_the_repository_is_what_its_results_say():
    assert (table.HERE / "RESULTS.md").read_text(encoding="utf-8") == table.markdown()


@pytest.mark.parametrize(
    "file", [table.HERE / "RESULTS.md", *sorted(table.RESULTS.glob("*.json"))], ids=lambda file: file.name
)
def test_results_name_no_machine(file):
    text = file.read_text(encoding="utf-8")
    assert platform.node() not in text.split()
    assert str(ROOT) not in text and f"{Path.home()}/" not in text


def test_turns_alternate_and_each_round_starts_with_another():
    calls = []
    contestants = {name: lambda name=name: calls.append(name) for name in "ABC"}
    times = stopwatch.take_turns(contestants, limit=0, least=4)
    assert "".join(calls) == "ABC" + "ABC" + "BCA" + "CAB" + "ABC"  # the first three warm up
    assert {name: len(runs) for name, runs in times.items()} == {"A": 4, "B": 4, "C": 4}


def test_without_warm_up_every_call_counts():
    calls = []
    stopwatch.take_turns({"A": lambda: calls.append("A")}, limit=0, least=1, warm_up=False)
    assert calls == ["A"]


def test_ratios_pair_the_runs_of_a_round():
    assert stopwatch.ratios({"plain": [1.0, 2.0], "maps": [2.0, 2.0]}, "maps", "plain") == [2.0, 1.0]


def test_an_error_fits_into_a_cell_and_shows_no_folders():
    error = ImportError("cannot import 'zoom' from 'scipy' (/somewhere/lib/scipy.py) | sorry\nmore lines")
    assert table.why(error) == "ImportError: cannot import 'zoom' from 'scipy' ¦ sorry"


def test_mnist_says_so_where_its_data_is_absent():
    rows, _ = mnist.measure(Namespace(seeds=1))  # conftest points TFDS_DATA_DIR to an empty folder
    assert rows and all("MNIST isn't on this machine" in r["instead"] and not met(r) for r in rows)


PNG = '<img src="data:image/png;base64,AAAA" alt="{}">'


@pytest.mark.parametrize(
    "output, kinds",
    [
        ({"data": {"text/html": PNG.format("A drawn cat.")}}, {"picture"}),
        ({"data": {"image/png": "AAAA"}}, {"picture"}),
        ({"data": {"text/html": PNG.format("The class activation map of cat.")}}, {"picture", "map"}),
        ({"data": {"text/html": "<b>A class activation map in words</b>"}}, set()),
        ({"text": "image/png"}, set()),
    ],
)
def test_pictures_and_maps_are_told_apart(output, kinds):
    assert start.kinds_of_picture({"outputs": [output]}) == kinds


def test_a_broken_notebook_costs_only_its_own_row():
    def broken():
        raise NameError("name 'cam' is not defined")

    row_of_02 = start._seconds("02", [start._try(broken)], "end")
    assert row_of_02["instead"] == "NameError: name 'cam' is not defined" and not row_of_02["values"]
    assert start._seconds("01", [start._try(lambda: {"end": 2.5})], "end")["values"] == [2.5]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["mnits"], f"there is no benchmark 'mnits'; choose from {', '.join(table.NAMES)}"),
        (["mnist", "--seeds", "0"], "--seeds is 0; expected at least 1"),
    ],
)
def test_the_command_explains_wrong_arguments(arguments, message):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and message in done.stderr
