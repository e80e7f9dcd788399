"""A real JupyterLab on loopback and a real browser, for the benchmarks of the explorers and for the tests."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

# Chromium asks the world for nothing, and needs neither a graphics card nor a user of its own.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def jupyterlab(folder, started_in=ROOT):
    """The address of a JupyterLab that serves `folder`, with settings of its own in `folder`/lab.

    started_in: the folder whose nbgrader_config.py it reads.
    """
    port, own = _free_port(), folder / "lab"
    own.mkdir()
    settings = {
        "JUPYTER_CONFIG_DIR": own / "config",
        "JUPYTER_DATA_DIR": own / "data",
        "JUPYTER_RUNTIME_DIR": own / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": own / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": own / "workspaces",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.open_browser=False",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with _serving(
        command, port, own / "log.txt", {k: str(v) for k, v in settings.items()}, started_in
    ) as address:
        yield address


@contextlib.contextmanager
def demo(log):
    """The address of the page that `make demo` opens."""
    port = _free_port()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["make", "--old-file=env", "demo", f"DEMO=--no-browser --Voila.ip=127.0.0.1 --port={port}"]
    with _serving(command, port, log, {"PATH": path}) as address:
        yield address


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def _serving(command, port, log, environment, folder=ROOT):
    """The address that a command serves on loopback, from a folder; what it says goes into `log`."""
    # Under pytest a kernel doesn't show what native code writes to stderr; a learner's does.
    ours = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    with log.open("w") as said:
        server = subprocess.Popen(
            command, cwd=folder, env=ours | environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            address = f"http://127.0.0.1:{port}"
            if not _answers(f"{address}/api"):
                raise TimeoutError(f"{command[0]} didn't answer within a minute:\n" + log.read_text()[-2000:])
            yield address
        finally:  # with all it has started
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def _answers(url):
    for _ in range(120):
        try:
            urllib.request.urlopen(url, timeout=2)
            return True
        except urllib.error.HTTPError:  # an answer, too
            return True
        except OSError:
            time.sleep(0.5)
    return False


def chromium():
    """Where Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def browser():
    """Chromium, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield browser
        browser.close()


def run_all(page, address, path):
    """Open a notebook, run all its cells, wait until all have run."""
    page.goto(f"{address}/lab/tree/{path}?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.set_default_timeout(300_000)
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.sessionContext"
    )  # the notebook comes to the front
    page.evaluate("""async () => {
        await window.jupyterapp.restored;
        await window.jupyterapp.shell.currentWidget.sessionContext.ready;
        await window.jupyterapp.commands.execute('notebook:run-all-cells');
    }""")
    page.set_default_timeout(30_000)
