"""Work on a Dask cluster: the same as on this machine, in the same order, and nothing is lost with a worker."""

import concurrent.futures
import csv
import os
import signal
import time

from course_utils import __main__ as command
from course_utils.datasets.drawn.pets import draw_pet
from course_utils.grading import __main__ as grading
from course_utils.grading import pipeline, sandbox
from course_utils.machine import cluster

import pytest
from PIL import Image
from toy_course import NAME, PERFECT, hand_in, make

pytestmark = pytest.mark.slow
dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed", reason="Dask isn't installed: pip install distributed")


@pytest.fixture(scope="module")
def address():
    """Four processes, loopback only. What has lost two workers is given up: each takes seconds to come back."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        with distributed.LocalCluster(
            n_workers=4, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as four:
            yield four.scheduler_address


def slowly(number, seconds=0.2):
    time.sleep(seconds)
    return number, os.getpid()


def dies():
    os._exit(1)


def fails():
    raise KeyError("mine")


@pytest.mark.parametrize("scheduler", [False, True])
def test_work_comes_back_in_its_order(address, scheduler):
    with cluster.workers(address if scheduler else None, jobs=3) as workers:
        assert workers.count == (4 if scheduler else 3)
        done = cluster.in_turn(workers.submit, ((n, slowly, n, 0.0) for n in range(20)), 5)
        assert [(n, cluster.result(future)[0]) for n, future in done] == [(n, n) for n in range(20)]
        with pytest.raises(KeyError, match="mine"):
            cluster.result(workers.submit(fails))
        assert set(workers.everywhere(sum, (1, 2))) == {3}


def test_a_worker_that_is_killed_loses_nothing(address):
    with cluster.workers(address) as workers:
        results, killed = [], None
        for n, future in cluster.in_turn(workers.submit, ((n, slowly, n) for n in range(40)), 8):
            results.append(cluster.result(future))
            if n == 15:
                killed = results[-1][1]
                os.kill(killed, signal.SIGKILL)
        assert [number for number, _ in results] == list(range(40))
        assert killed not in {pid for _, pid in results[25:]} and len({pid for _, pid in results}) >= 4


def test_what_kills_every_worker_is_lost_and_said_to_be(address):
    with cluster.workers(address) as workers:
        with pytest.raises(cluster.Lost):
            cluster.result(workers.submit(dies))
        assert cluster.result(workers.submit(slowly, 1))[0] == 1


def test_no_more_is_on_its_way_than_allowed():
    started, futures = [], []

    def submit(number):
        started.append(number)
        futures.append(concurrent.futures.Future())
        return futures[-1]

    turns = cluster.in_turn(submit, ((n, n) for n in range(100)), 4)
    assert next(turns)[0] == 0 and started == [0, 1, 2, 3]
    next(turns)
    turns.close()
    assert started == [0, 1, 2, 3, 4] and [future.cancelled() for future in futures] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_cluster_that_is_not_there_is_told():
    with pytest.raises(RuntimeError, match="no Dask scheduler at tcp://127.0.0.1:9"):
        with cluster.workers("tcp://127.0.0.1:9", timeout="1s"):
            pass


def test_a_cluster_without_workers_and_one_with_another_course(monkeypatch, address):
    with distributed.LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None) as empty:
        with pytest.raises(RuntimeError, match="has no workers"):
            with cluster.workers(empty.scheduler_address):
                pass
    monkeypatch.setattr("course_utils.__version__", "0.0.0")
    with pytest.raises(RuntimeError, match="here it is 0.0.0"):
        with cluster.workers(address):
            pass


def test_photographs_are_explained_as_on_this_machine(address, tmp_path, capsys):
    (tmp_path / "in" / "more").mkdir(parents=True)
    for seed in range(6):
        Image.fromarray(draw_pet(seed).image).save(tmp_path / "in" / "more" / f"{seed}.png")
    (tmp_path / "in" / "bad.jpg").write_text("buy milk")
    tables, said = [], []
    for name, where in (("here", []), ("there", ["--scheduler", address])):
        out = tmp_path / name
        assert command.main(["explain", "pets", str(tmp_path / "in"), "-o", str(out), *where]) == 1
        tables.append((out / "table.csv").read_text())
        said.append(capsys.readouterr().out.replace(str(out), ""))
        assert len(list(out.glob("*.png"))) == 6 * 2 + 1
    assert tables[0] == tables[1] and said[0] == said[1] and "6 explained, 1 not" in said[0]


def test_grading_loses_nothing_when_a_worker_is_killed(address, tmp_path, monkeypatch):
    """Eight submissions on four processes, one of which is killed after the second: the same report as here."""
    protection = ["--unsafe"] if sandbox.missing() else []
    record, records = pipeline._record, []

    def kill_one(*work):
        records.append(work)
        if len(records) == 2:
            with distributed.Client(address, set_as_default=False) as client:
                os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        return record(*work)

    reports = []
    for where in (["--scheduler", address], ["--jobs", "2"]):
        root = make(tmp_path / where[0])
        for i in range(8):
            wrong = {**PERFECT, "total": "def total(maps):\n    return maps.sum()"}
            hand_in(root, f"student{i}", wrong if i % 3 else PERFECT)
        grading.main(["collect", str(root / "inbox"), "--root", str(root)])
        with monkeypatch.context() as patch:
            if where[0] == "--scheduler":
                patch.setattr(pipeline, "_record", kill_one)
            grading.main(["grade", "--root", str(root), *where, *protection])
        grading.main(["report", "--root", str(root)])
        with open(root / "grading" / "report.csv", newline="") as opened:
            reports.append(list(csv.DictReader(opened)))
    assert reports[0] == reports[1] and len(records) == 8
    assert [row["points"] for row in reports[0]] == ["8", "4", "4", "8", "4", "4", "8", "4"], NAME


def test_what_the_cluster_lost_is_graded_the_next_time(tmp_path, monkeypatch):
    root = make(tmp_path)
    hand_in(root, "student")
    pipeline.collect(root, root / "inbox")

    def lost(*_):
        raise cluster.Lost("the cluster went away")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "run_text", lost)
        outcome = pipeline.grade(root, protected=False)["student"][NAME]
    assert outcome["status"] == "collected" and "the cluster went away" in outcome["reason"]
    assert pipeline.grade(root, protected=False)["student"][NAME]["status"] == "graded"
