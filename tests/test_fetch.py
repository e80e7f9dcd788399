"""Fetching under fire: a local server that cuts, lies and refuses; full disks; kill -9. No network."""

import contextlib
import errno
import gzip
import hashlib
import http.server
import inspect
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from course_utils import __main__ as command
from course_utils.machine import download as download_module
from course_utils.machine import fetch
from course_utils.machine.download import FetchError, download, part_of

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT / os.environ.get("COURSE_REAL_DATA", "../shared/data")
CHUNK = download_module.CHUNK
CONTENT = bytes(range(256)) * 1200  # 307,200 bytes: 18.75 chunks


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` by name. Each request uses up one of `faults`; `requests` logs (name, first byte)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.faults, self.requests, self.hold = {}, [], [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, address):  # the client may hang up on us: nothing to print
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, name = self.server, self.path.rpartition("/")[2]
        fault = server.faults.pop(0) if server.faults else None
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        server.requests.append((name, start))
        body = server.files[name]
        if isinstance(fault, int) and fault >= 300:
            return self.send_error(fault)
        if fault == "ignore range":
            start = 0
        if fault == "other range":
            start -= 1
        if fault == "wrong":
            body = bytes(len(body))
        if fault == "short":
            body = body[:-1]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", len(body) - start)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if fault == "web page":
            self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if fault == "cut":
            fault = (len(body) - start) // 2 / len(body)
        if isinstance(fault, float):  # the share of the file after which the line goes dead
            return self.wfile.write(body[start : start + int(fault * len(body))])
        if fault == "hold":
            self.wfile.write(body[start : len(body) // 2])
            self.wfile.flush()
            return server.hold.wait(60)
        self.wfile.write(body[start:])


@pytest.fixture
def server(monkeypatch):
    """A Server; requests to it pass by any proxy, and nobody waits between tries."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download_module, "PAUSES", (0, 0, 0))
    server = Server()
    server.files["file"] = CONTENT
    yield server
    server.hold.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Empty TFDS and Keras directories."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path


@pytest.fixture
def weights(server, home, monkeypatch):
    """`fetch mobilenet` gets CONTENT from the server; .path is where it goes."""
    from keras.src.applications import mobilenet

    server.files[fetch.WEIGHTS["mobilenet"].file] = CONTENT
    monkeypatch.setattr(mobilenet, "BASE_WEIGHT_PATH", server.url)
    monkeypatch.setitem(
        fetch.WEIGHTS,
        "mobilenet",
        fetch.WEIGHTS["mobilenet"]._replace(size=len(CONTENT), digest=sha256(CONTENT)),
    )
    path = fetch.weights_path("mobilenet")
    return SimpleNamespace(path=path, part=part_of(path))


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def get(server, path, content=CONTENT):
    download(server.url + "file", path, len(content), sha256(content))


def keras_would_download(server, path):
    """Does Keras' get_file, without a hash as for MobileNet, ask the server and not take what is here?"""
    import keras

    copy = path.parent.parent / "copy_for_keras"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path.parent, copy / "models")
    server.faults, asked = [], len(server.requests)
    found = keras.utils.get_file(
        path.name, server.url + path.name, cache_dir=str(copy), cache_subdir="models"
    )
    assert Path(found).read_bytes() == CONTENT
    return len(server.requests) > asked


def wait_until(true, process):
    """Wait for a child process to come so far."""
    for _ in range(6000):
        if true():
            return
        assert process.poll() is None, "the process ended too early"
        time.sleep(0.02)
    raise AssertionError("the process did not come so far in two minutes")


# ---- one file ----


def test_a_file_arrives_whole(server, tmp_path):
    get(server, tmp_path / "deep" / "file")
    assert (tmp_path / "deep" / "file").read_bytes() == CONTENT
    assert os.listdir(tmp_path / "deep") == ["file"]
    get(server, tmp_path / "deep" / "file")
    assert server.requests == [("file", 0)]  # the second time nobody is asked


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.one_of(st.floats(0, 0.9), st.sampled_from(["ignore range", 503])), max_size=3),
    kept=st.integers(0, len(CONTENT)),
)
def test_whatever_is_cut_the_file_ends_up_whole(server, tmp_path, cuts, kept):
    path = tmp_path / "file"
    path.unlink(missing_ok=True)
    part_of(path).write_bytes(CONTENT[:kept])
    server.faults = list(cuts)
    get(server, path)
    assert path.read_bytes() == CONTENT and not part_of(path).exists()


def test_goes_on_where_the_line_was_cut(server, tmp_path):
    server.faults = ["cut"]
    get(server, tmp_path / "file")
    assert server.requests == [("file", 0), ("file", 9 * CHUNK)]  # the tenth chunk was half here


def test_starts_anew_when_the_server_ignores_ranges(server, tmp_path):
    server.faults = ["cut", "ignore range"]
    get(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_starts_anew_when_what_was_kept_is_not_the_beginning(server, tmp_path):
    part_of(tmp_path / "file").write_bytes(b"of another version")
    get(server, tmp_path / "file")
    assert server.requests == [("file", 18), ("file", 0)]


def test_a_part_that_is_too_long_is_thrown_away(server, tmp_path):
    part_of(tmp_path / "file").write_bytes(CONTENT + b"and more")
    get(server, tmp_path / "file")
    assert server.requests == [("file", 0)]


def test_tries_as_long_as_bytes_arrive_then_gives_up(server, tmp_path):
    server.faults = [0.1] * 6 + [0.0] * 3  # a tenth of the file: one chunk and a bit
    with pytest.raises(FetchError, match="broke off; 0.1 MB of 0.3 MB are here"):
        get(server, tmp_path / "file")
    assert [first for _, first in server.requests] == [i * CHUNK for i in (0, 1, 2, 3, 4, 5, 6, 6, 6)]
    get(server, tmp_path / "file")
    assert server.requests[-1] == ("file", 6 * CHUNK)


@pytest.mark.parametrize(
    "fault, sentence, kept",
    [
        (
            "wrong",
            f"hash of file differs: expected {sha256(CONTENT)}, got {sha256(bytes(len(CONTENT)))}",
            False,
        ),
        ("short", "size of .* differs: expected 307,200 bytes, got 307,199", False),
        ("web page", "a web page came instead", False),
        (403, "the server said 403 Forbidden", False),
        (404, "the server said 404 Not Found", False),
        ("other range", "the server sent byte 99 of .* when asked for byte 100", True),
    ],
)
def test_a_final_answer_is_told_at_once(server, tmp_path, fault, sentence, kept):
    if kept:
        part_of(tmp_path / "file").write_bytes(CONTENT[:100])
    server.faults = [fault]
    with pytest.raises(FetchError, match=sentence) as failure:
        get(server, tmp_path / "file")
    assert failure.value.advice
    assert len(server.requests) == 1
    assert not (tmp_path / "file").exists() and part_of(tmp_path / "file").exists() == kept
    get(server, tmp_path / "file")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, tmp_path, status):
    server.faults = [status] * 3
    get(server, tmp_path / "file")
    server.faults, server.files["other"] = [status] * 4, CONTENT
    with pytest.raises(FetchError, match=f"said {status} "):
        download(server.url + "other", tmp_path / "other", len(CONTENT), sha256(CONTENT))


def test_offline(server, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file"
    with pytest.raises(FetchError, match="this machine is offline, or a firewall is in between"):
        download(url, tmp_path / "file", 1, "")
    assert not list(tmp_path.iterdir())


def test_a_connection_that_cannot_be_trusted(server, tmp_path):
    with pytest.raises(FetchError, match="certificate could not be verified") as failure:
        download(server.url.replace("http", "https") + "file", tmp_path / "file", 1, "")
    assert "REQUESTS_CA_BUNDLE" in failure.value.advice


def test_the_disk_fills_up_meanwhile(server, tmp_path, monkeypatch):
    class Full:
        """A file on a disk with room for one more chunk."""

        def __init__(self, file):
            self.file, self.room = file, CHUNK

        def write(self, chunk):
            if len(chunk) > self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.room -= len(chunk)
            self.file.write(chunk)

    @contextlib.contextmanager
    def open_full(path, mode="r"):
        with open(path, mode) as file:
            yield Full(file) if "wb" in mode or "ab" in mode else file

    monkeypatch.setattr(download_module, "open", open_full, raising=False)
    with pytest.raises(FetchError, match="the disk is full: 0.3 MB more needed, .* free"):
        get(server, tmp_path / "file")
    assert not (tmp_path / "file").exists()
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    get(server, tmp_path / "file")
    assert server.requests == [("file", 0), ("file", CHUNK)]


# ---- pretrained weights, and what Keras makes of the leftovers ----


@pytest.mark.parametrize("faults", [["cut", 404], [0.3] + [0.0] * 4, ["wrong"], ["short"], [403], [500] * 4])
def test_a_failed_fetch_leaves_no_weights(server, weights, faults, capsys):
    server.faults = list(faults)
    assert command.main(["fetch", "mobilenet"]) == 1
    said = capsys.readouterr().err
    assert "WRONG  mobilenet: " in said and "Every notebook runs on embedded data meanwhile." in said
    assert "Traceback" not in said
    assert not fetch.weights_ready("mobilenet") and not weights.path.exists()
    assert keras_would_download(server, weights.path)
    server.faults = []
    assert command.main(["fetch", "mobilenet"]) == 0 and fetch.weights_ready("mobilenet")
    assert not keras_would_download(server, weights.path)  # Keras finds ours where it looks


def test_fetching_twice_asks_once(server, weights, capsys):
    assert command.main(["fetch", "mobilenet"]) == 0
    said = capsys.readouterr().out
    assert "mobilenet: 0.3 MB to download; " in said and "mobilenet: ready." in said
    assert command.main(["fetch", "mobilenet"]) == 0
    assert "here and whole, nothing to do" in capsys.readouterr().out
    assert len(server.requests) == 1


@pytest.mark.parametrize("torn, asked_from", [(CONTENT[:1000], 1000), (bytes(len(CONTENT)), 0)])
def test_weights_torn_by_another_program_are_replaced(server, weights, torn, asked_from):
    weights.path.parent.mkdir(parents=True)
    weights.path.write_bytes(torn)  # as Keras leaves it when it is killed: final name, half the bytes
    assert not fetch.weights_ready("mobilenet") and weights.path.name in fetch.flaw("mobilenet")
    assert command.main(["fetch", "mobilenet"]) == 0
    assert server.requests[0][1] == asked_from and fetch.weights_ready("mobilenet")


def test_refuses_when_the_disk_has_too_little_room(server, weights, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300 * fetch.MB))
    assert command.main(["fetch", "mobilenet"]) == 1
    said = capsys.readouterr()
    assert "0.3 MB to download; 300.0 MB free" in said.out
    assert "needs 300.3 MB, with 300.0 MB in reserve, and it has 300.0 MB" in said.err
    assert "KERAS_HOME" in said.err and not server.requests


def test_ctrl_c_keeps_what_has_arrived(server, weights, monkeypatch, capsys):
    import tqdm

    def interrupt(bar, n):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tqdm.tqdm, "update", interrupt)
        assert command.main(["fetch", "mobilenet"]) == 1
    assert "the same command goes on from there" in capsys.readouterr().err
    assert not fetch.weights_ready("mobilenet") and weights.part.stat().st_size == CHUNK
    assert command.main(["fetch", "mobilenet"]) == 0 and server.requests[-1][1] == CHUNK


def test_a_directory_that_cannot_be_used(home, capsys):
    (home / "keras").write_text("a file where a directory should be")
    assert command.main(["fetch", "vgg16"]) == 1
    assert "cannot be used" in capsys.readouterr().err


def test_kill_9_in_the_middle(server, weights):
    server.faults = ["hold"]
    code = (
        "import sys, pathlib; from course_utils.machine.download import download; "
        "download(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])"
    )
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            code,
            server.url + weights.path.name,
            str(weights.path),
            str(len(CONTENT)),
            sha256(CONTENT),
        ],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: weights.part.exists() and weights.part.stat().st_size, process)
    finally:
        process.kill()
        process.wait()
    kept = weights.part.stat().st_size
    assert 0 < kept < len(CONTENT)
    assert not fetch.weights_ready("mobilenet") and keras_would_download(server, weights.path)
    assert command.main(["fetch", "mobilenet"]) == 0 and fetch.weights_ready("mobilenet")
    assert server.requests[-1] == (weights.path.name, kept)


@pytest.mark.skipif(os.name == "nt", reason="flock is POSIX")
def test_a_second_fetch_of_the_same_waits_its_turn(server, weights, capsys):
    import fcntl

    weights.path.parent.mkdir(parents=True)
    with open(weights.path.parent / "mobilenet.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command.main(["fetch", "mobilenet"]) == 1
    assert "another fetch of it is running" in capsys.readouterr().err and not server.requests
    assert command.main(["fetch", "mobilenet"]) == 0


def test_all_goes_on_after_a_failure_and_sums_up(monkeypatch, capsys):
    tried = []

    def try_it(name):
        tried.append(name)
        if name in ("mnist", "vgg16"):
            raise FetchError("the cable is out")

    monkeypatch.setattr(fetch, "fetch", try_it)
    assert command.main(["fetch", "all"]) == 1
    assert tried == list(fetch.NAMES)
    said = capsys.readouterr()
    assert said.err.count("the cable is out") == 2
    assert said.out.endswith("3 of 5 are here; failed: mnist, vgg16.\n")


def test_an_unknown_name(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["fetch", "imagenet"])
    assert stop.value.code == 2 and "choose from" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no 'imagenet' to fetch: choose from mnist, "):
        fetch.how_to_get("imagenet")
    assert [fetch.how_to_get(name).split()[-1] for name in fetch.NAMES] == list(fetch.NAMES)


def test_our_table_is_what_keras_and_tfds_have():
    import tensorflow_datasets as tfds
    from keras.src.applications import mobilenet, vgg16

    source = inspect.getsource(vgg16.VGG16)
    assert vgg16.WEIGHTS_PATH_NO_TOP.endswith("/" + fetch.WEIGHTS["vgg16"].file)
    assert f'file_hash="{fetch.WEIGHTS["vgg16"].digest}"' in source.partition("WEIGHTS_PATH_NO_TOP")[2]
    assert mobilenet.BASE_WEIGHT_PATH.startswith("https://")
    assert fetch.WEIGHTS["mobilenet"].file == "mobilenet_7_5_224_tf_no_top.h5"
    assert '"mobilenet_%s_%d_tf_no_top.h5" % (alpha_text, rows)' in inspect.getsource(mobilenet.MobileNet)
    for name, data_set in fetch.DATA_SETS.items():
        builder = tfds.builder_cls(name)
        assert str(builder.VERSION) == data_set.version and not builder.BUILDER_CONFIGS
        assert all(len(info.checksum) == 64 and info.filename for info in builder.url_infos.values())


# ---- prepared data sets ----


@pytest.fixture
def prepared(home):
    """A small, whole `mnist` in two shards and a split of one, as TFDS would describe it."""
    directory = home / "tfds" / "mnist" / "3.0.1"
    directory.mkdir(parents=True)
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    splits = [
        dict(name="train", filepathTemplate=template, shardLengths=["3", "2"], numBytes="500"),
        dict(name="test", filepathTemplate=template, shardLengths=["1"], numBytes="90"),
    ]
    (directory / "dataset_info.json").write_text(json.dumps(dict(fileFormat="tfrecord", splits=splits)))
    for name, size in (
        ("train.tfrecord-00000-of-00002", 348),
        ("train.tfrecord-00001-of-00002", 232),
        ("test.tfrecord-00000-of-00001", 106),
    ):
        (directory / f"mnist-{name}").write_bytes(b"x" * size)
    return directory


def test_a_whole_data_set_is_ready(prepared):
    assert fetch.tfds_ready("mnist") and not fetch.tfds_ready("cats_vs_dogs")
    assert fetch.flaw("cats_vs_dogs") == fetch.ABSENT


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_torn_data_set_is_not_ready(prepared, data):
    path = data.draw(st.sampled_from(sorted(prepared.iterdir())))
    content = path.read_bytes()
    kept = data.draw(st.integers(-1, len(content) - 1))  # -1: the file is missing
    try:
        path.unlink() if kept < 0 else path.write_bytes(content[:kept])
        assert not fetch.tfds_ready("mnist")
        assert fetch.flaw("mnist") not in (None, fetch.ABSENT)
    finally:
        path.write_bytes(content)
    assert fetch.tfds_ready("mnist")


@pytest.mark.parametrize("info", ["{}", "[]", '{"splits": []}', '{"splits": [{}]}', "\x00" * 900])
def test_a_damaged_description_is_not_ready(prepared, info):
    (prepared / "dataset_info.json").write_text(info)
    assert "dataset_info.json" in fetch.flaw("mnist")


def test_where_data_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for variable, of, default in (
        ("TFDS_DATA_DIR", fetch.tfds_dir, "tensorflow_datasets"),
        ("KERAS_HOME", fetch.keras_home, ".keras"),
    ):
        monkeypatch.delenv(variable, raising=False)
        assert of() == tmp_path / default
        monkeypatch.setenv(variable, "~/data")
        assert of() == tmp_path / "data"
        monkeypatch.setenv(variable, "tests")  # typed in the project's root, read in a notebook
        monkeypatch.chdir(ROOT / "course_utils")
        assert of() == ROOT / "tests"


@pytest.mark.real_data
def test_the_real_data_is_ready_without_tensorflow():
    if not REAL.exists():
        pytest.skip("the real data sets are not on this machine (COURSE_REAL_DATA)")
    code = (
        "import sys; from course_utils.machine import fetch; "
        "print([name for name in fetch.NAMES if fetch.flaw(name) is None], "
        "{'tensorflow', 'tensorflow_datasets', 'keras', 'numpy'} & set(sys.modules))"
    )
    where = dict(TFDS_DATA_DIR=str(REAL / "tfds"), KERAS_HOME=str(REAL / "keras_home"))
    ready = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **where},
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    assert ready == "['mnist', 'cats_vs_dogs', 'oxford_iiit_pet', 'mobilenet'] set()\n"


# ---- the real MNIST builder of TFDS, from end to end ----


def idx(content, *shape):
    """An IDX file, as MNIST is published: magic number, shape, bytes; gzipped."""
    header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    return gzip.compress(header + content, 1, mtime=0)


@pytest.fixture
def published_mnist(server, home, monkeypatch):
    """Blank digits labelled 0, 1, ... 9, 0, ... on the server, with checksums known to TFDS.

    A tenth of MNIST, because TFDS takes 20 s for all of it; the builder's code is the real one.
    """
    import tensorflow_datasets as tfds
    from tensorflow_datasets.image_classification import mnist

    for prefix, n in (("train", 6_000), ("t10k", 1_000)):
        server.files[f"{prefix}-images-idx3-ubyte.gz"] = idx(bytes(n * 28 * 28), n, 28, 28)
        server.files[f"{prefix}-labels-idx1-ubyte.gz"] = idx(bytes(range(10)) * (n // 10), n)
    del server.files["file"]
    infos = {
        server.url + name: tfds.core.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(len(body)), checksum=sha256(body), filename=name
        )
        for name, body in server.files.items()
    }
    monkeypatch.setattr(mnist, "_TRAIN_EXAMPLES", 6_000)
    monkeypatch.setattr(mnist, "_TEST_EXAMPLES", 1_000)
    monkeypatch.setattr(mnist.MNIST, "URL", server.url)
    monkeypatch.setattr(mnist.MNIST, "url_infos", infos)
    return infos


def tfds_would_download(server, infos):
    """The files that TFDS' own download manager fetches, instead of taking what is in its cache."""
    import tensorflow_datasets as tfds

    copy = fetch.tfds_dir().parent / "copy_for_tfds"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(fetch.tfds_dir() / "downloads", copy)
    server.faults, asked = [], len(server.requests)
    manager = tfds.download.DownloadManager(
        download_dir=copy, url_infos=infos, dataset_name="mnist", force_checksums_validation=True
    )
    manager.download(list(infos))
    return {name for name, _ in server.requests[asked:]}


@pytest.mark.parametrize("faults", [["cut", 404], ["wrong"], [None, "short"], [None, None, 403], [500] * 4])
def test_tfds_takes_no_leftover_of_a_failed_download(server, published_mnist, faults, capsys):
    names = list(server.files)
    server.faults = list(faults)
    assert command.main(["fetch", "mnist"]) == 1
    assert "WRONG  mnist: " in capsys.readouterr().err
    assert not fetch.tfds_ready("mnist") and not fetch.tfds_path("mnist").exists()
    whole = faults.count(None)  # these had arrived before the fault
    assert tfds_would_download(server, published_mnist) == set(names[whole:])


def test_what_stops_tfds_leaves_nothing_behind(server, published_mnist, monkeypatch, capsys):
    from tensorflow_datasets.image_classification.mnist import MNIST

    def fail_with(error):
        def generate(*_, **__):
            raise error
            yield

        monkeypatch.setattr(MNIST, "_generate_examples", generate)

    for error, sentence in (
        (OSError(errno.ENOSPC, "No space left"), "the disk is full: preparing needs"),
        (KeyError("no such picture"), "TFDS could not prepare it: KeyError"),
        (KeyboardInterrupt(), "Stopped at mnist"),
    ):
        fail_with(error)
        assert command.main(["fetch", "mnist"]) == 1
        assert sentence in capsys.readouterr().err
        assert fetch.flaw("mnist") == fetch.ABSENT
        assert not (fetch.tfds_dir() / "downloads" / "incomplete.mnist").exists()
    assert len(server.requests) == 4 and not tfds_would_download(server, published_mnist)


# Fetches MNIST as the fixture has published it, and hangs when the training shard is already written.
HANGING_FETCH = """
import json, sys, time
import tensorflow_datasets as tfds
from tensorflow_datasets.image_classification import mnist
from course_utils.machine import fetch

generate = mnist.MNIST._generate_examples
def generate_or_hang(self, num_examples, **paths):
    if num_examples == 1000:
        time.sleep(600)
    yield from generate(self, num_examples, **paths)

mnist._TRAIN_EXAMPLES, mnist._TEST_EXAMPLES = 6000, 1000
mnist.MNIST._generate_examples = generate_or_hang
mnist.MNIST.URL = sys.argv[1]
mnist.MNIST.url_infos = {url: tfds.core.download.checksums.UrlInfo(**info)
                         for url, info in json.loads(sys.argv[2]).items()}
fetch.main(["mnist"])
"""


@pytest.mark.slow
def test_mnist_from_server_to_tensors_with_a_kill_9_between(server, published_mnist, capsys):
    import tensorflow_datasets as tfds

    staging = fetch.tfds_dir() / "downloads" / "incomplete.mnist"
    infos = json.dumps({url: info.asdict() for url, info in published_mnist.items()})
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING_FETCH, server.url, infos],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: list(staging.glob("mnist/*/mnist-train.tfrecord-00000-of-00001")), process)
    finally:
        process.kill()
        process.wait()
    assert staging.exists() and fetch.flaw("mnist") == fetch.ABSENT
    with pytest.raises(AssertionError, match="could not find data"):
        tfds.load("mnist", data_dir=fetch.tfds_dir(), download=False)

    # A torn copy in the final place, which TFDS would take for whole, is not believed either.
    fetch.tfds_path("mnist").mkdir(parents=True)
    (fetch.tfds_path("mnist") / "dataset_info.json").write_text('{"name": "mnist", "version": "3.0.1"')
    assert not fetch.tfds_ready("mnist")

    assert command.main(["fetch", "mnist"]) == 0, capsys.readouterr().err
    assert len(server.requests) == 4 and fetch.tfds_ready("mnist") and not staging.exists()
    assert os.listdir(fetch.tfds_dir() / "mnist") == ["3.0.1"]
    (images, labels), info = tfds.load(
        "mnist",
        split="test",
        data_dir=fetch.tfds_dir(),
        download=False,
        as_supervised=True,
        batch_size=-1,
        with_info=True,
    )
    assert info.splits["train"].num_examples == 6_000 and images.shape == (1_000, 28, 28, 1)
    assert [(labels.numpy() == digit).sum() for digit in range(10)] == [100] * 10
