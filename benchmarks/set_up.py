"""From a fresh clone to JupyterLab: how long a newcomer waits. Downloads 0.6 GB."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.table import row

TITLE = "A fresh clone to JupyterLab open"
ROOT = Path(__file__).parent.parent
PATIENCE = 120  # seconds for JupyterLab to answer


def measure(options):
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        # Empty caches, as on a fresh machine; index and certificates stay as they are configured.
        environment = {
            **os.environ,
            "UV_CACHE_DIR": f"{folder}/uv",
            "PIP_CACHE_DIR": f"{folder}/pip",
            "JUPYTER_CONFIG_DIR": f"{folder}/jupyter",
            "JUPYTER_DATA_DIR": f"{folder}/jupyter",
        }
        marks = [time.perf_counter()]
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        marks.append(time.perf_counter())
        subprocess.run(["make", "env"], cwd=clone, env=environment, check=True)
        marks.append(time.perf_counter())
        wait_for_lab(clone, environment)
        marks.append(time.perf_counter())

    steps = [after - before for before, after in zip(marks, marks[1:])]
    return [
        row("`git clone`", steps[:1], "s"),
        row("`make env`", steps[1:2], "s"),
        row("`jupyter lab` to its first page", steps[2:], "s"),
        row("all of it", [sum(steps)], "s", goal=("<=", 90)),
    ], [
        "The last commit, cloned from the same disk; empty package caches. Packages come over the network, "
        "so this depends on the connection."
    ]


def wait_for_lab(clone, environment):
    """Start JupyterLab, return when /lab answers with 200, and stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        clone / ".venv/bin/jupyter",
        "lab",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=benchmark",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = tempfile.TemporaryFile("w+")
    server = subprocess.Popen(command, cwd=clone, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.perf_counter() + PATIENCE
        while not answers(f"http://127.0.0.1:{port}/lab?token=benchmark"):
            if server.poll() is not None or time.perf_counter() > deadline:
                log.seek(0)
                raise RuntimeError(f"JupyterLab didn't answer; it said:\n{log.read()[-2000:]}")
            time.sleep(0.1)
    finally:
        server.terminate()
        server.wait()


def answers(url):
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with no_proxy.open(url, timeout=5) as page:
            return page.status == 200 and "/login" not in page.url
    except (urllib.error.URLError, OSError):
        return False
