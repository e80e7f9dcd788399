"""A class on a real JupyterHub: released, fetched, handed in, collected, graded, given back. Six students and a
lecturer are users of this machine, each with a home of their own; all traffic stays on it.
"""

import contextlib
import csv
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conftest import missing
from course_utils.grading import hub, sandbox

import pytest
import requests
from exercise import ROOT
from toy_course import NAME, PERFECT, make

pytestmark = pytest.mark.slow
pytest.importorskip("jupyterhub", reason="JupyterHub isn't installed: pip install jupyterhub")

PROXY = "configurable-http-proxy@5"
PATIENCE = 600  # seconds; a server takes ten, and on a busy machine minutes
WRONG = {**PERFECT, "total": "def total(maps):\n    return maps.sum()"}
# Who hands in what, and the points for it. "hasty" hands in twice; two others try what they shouldn't.
CLASS = {
    "ada": (PERFECT, "8"),
    "ben": (WRONG, "4"),
    "hasty": (PERFECT, "8"),
    "renames": (PERFECT, "8"),
    "links": ({}, ""),
    "forges": (WRONG, "4"),
}

CONFIG = """
c = get_config()
load_subconfig({shipped!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.ip = "127.0.0.1"
c.Spawner.environment.update({{"PYTHONPATH": {package!r}}})
c.Spawner.start_timeout = c.Spawner.http_timeout = {patience}
c.Spawner.mem_limit = None
"""


@pytest.fixture(scope="module")
def users():
    """{role: name} of new users of this machine, with homes in a folder that all may enter."""
    if sys.platform != "linux" or os.getuid() != 0:
        missing("hub", "only root can make users of this machine")
    if not shutil.which("npm"):
        missing("hub", "JupyterHub's proxy comes from npm, and there is none")
    place, tag = Path(tempfile.mkdtemp(prefix="hub")), secrets.token_hex(3)
    place.chmod(0o755)
    names = {role: f"{role[:8]}{tag}" for role in (*CLASS, "lecturer")}
    try:
        for name in names.values():
            home = place / "home" / name
            home.parent.mkdir(exist_ok=True)
            subprocess.run(
                ["useradd", "--create-home", "--home-dir", home, "--shell", "/bin/bash", name], check=True
            )
            home.chmod(0o700)
        yield place, names
    finally:
        for name in names.values():
            subprocess.run(["userdel", "--force", name], check=False, capture_output=True)
        shutil.rmtree(place, ignore_errors=True)


def reachable(place):
    """A command's beginning that lets users reach this Python: where it lies in a folder that is closed to them,
    a mount of its own over that folder, which only these processes see.
    """
    steps, prefixes = [], {str(Path(prefix).resolve()) for prefix in (sys.base_prefix, sys.prefix)}
    closed = {prefix: _closed(Path(prefix)) for prefix in sorted(prefixes)}
    for number, (prefix, folder) in enumerate(closed.items()):
        if folder:
            (place / f"python{number}").mkdir()
            steps.append(f"mount --bind '{prefix}' '{place}/python{number}'")
    steps += [f"mount -t tmpfs -o mode=0755 tmpfs '{folder}'" for folder in set(closed.values()) - {None}]
    for number, (prefix, folder) in enumerate(closed.items()):
        if folder:
            steps += [f"mkdir -p '{prefix}'", f"mount --bind '{place}/python{number}' '{prefix}'"]
    return [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        "\n".join([*steps, 'exec "$@"']),
        "sh",
    ]


def _closed(path):
    """The topmost folder on the way to a path that others can't enter, or None."""
    return next((f for f in reversed(path.parents) if not f.stat().st_mode & stat.S_IXOTH), None)


@pytest.fixture(scope="module")
def running(users):
    """(folder, {role: name}, address of the hub, its password, function that runs a lecturer's command)."""
    place, names = users
    inside = reachable(place)
    done = subprocess.run([*inside, "true"], capture_output=True, text=True)
    if done.returncode:
        missing("hub", f"this machine doesn't let its folders be mounted: {done.stderr.strip()}")
    npm = ROOT / "build" / "npm"
    npm.mkdir(parents=True, exist_ok=True)
    quiet = ["--silent", "--no-audit", "--no-fund", "--prefix", str(npm)]
    subprocess.run(["npm", "install", *quiet, PROXY], check=True, timeout=PATIENCE)
    package, exchange, course = (
        place / "package",
        place / "exchange",
        place / "home" / names["lecturer"] / "course",
    )
    shutil.copytree(
        ROOT / "course_utils", package / "course_utils", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "deploy", place / "deploy")
    make(course)
    shutil.rmtree(course / "exercises")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    subprocess.run(["chown", "-R", f"{names['lecturer']}:", str(course)], check=True)
    ports, password = free_ports(3), secrets.token_hex(16)
    config = place / "hub" / "jupyterhub_config.py"
    config.parent.mkdir(mode=0o700)
    values = dict(zip(("port", "hub_port", "proxy_port"), ports), password=password, patience=PATIENCE)
    proxy = [
        shutil.which("node"),
        str(npm / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"),
    ]
    shipped = str(place / "deploy" / "jupyterhub_config.py")
    config.write_text(
        CONFIG.format(shipped=shipped, proxy=proxy, python=sys.executable, package=str(package), **values)
    )
    environment = {
        name: os.environ[name] for name in ("PATH", "LANG", "OPENBLAS_CORETYPE") if name in os.environ
    }
    environment |= {
        "COURSE_EXCHANGE": str(exchange),
        "COURSE_LECTURERS": names["lecturer"],
        "COURSE_DEPLOY": str(place / "deploy"),
        "PYTHONPATH": str(package),
    }
    with open(place / "hub.log", "wb") as log:
        process = subprocess.Popen(
            [*inside, sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=config.parent, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

    def lecturer(*arguments):
        """What the lecturer types in the folder of the course."""
        who = pwd.getpwnam(names["lecturer"])
        their = {
            **environment,
            "HOME": who.pw_dir,
            "USER": who.pw_name,
            "LOGNAME": who.pw_name,
            "JUPYTER_CONFIG_PATH": str(place / "deploy"),
        }
        enter = ["nsenter", f"--mount=/proc/{process.pid}/ns/mnt", f"--wdns={course}"]
        as_user = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
        done = subprocess.run(
            [*enter, *as_user, sys.executable, *arguments], env=their, capture_output=True, text=True, timeout=PATIENCE
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    try:
        address = f"http://127.0.0.1:{ports[0]}"
        until(lambda: requests.get(f"{address}/hub/health", timeout=5).ok, process, place / "hub.log")
        yield place, names, address, password, lecturer
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def until(ready, process, log):
    """Wait for it; fails with the hub's own words."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            if ready():
                return
        time.sleep(1)
    pytest.fail(f"the hub doesn't answer: {log.read_text(errors='replace')[-3000:]}")


class Student:
    """Somebody in a browser: logs in, starts a server, clicks in the list of assignments."""

    def __init__(self, address, name, password):
        self.web, self.name, self.base = requests.Session(), name, f"{address}/user/{name}"
        page = self.web.get(f"{address}/hub/login", timeout=PATIENCE)
        form = {"username": name, "password": password, "_xsrf": self.token("/hub/")}
        page = self.web.post(f"{address}/hub/login", data=form, timeout=PATIENCE)
        assert page.ok, page.text
        self.address = address

    def token(self, path):
        return next(c.value for c in self.web.cookies if c.name == "_xsrf" and c.path == path)

    def start(self):
        """Start the server and wait until it is there."""
        self.web.get(f"{self.address}/hub/spawn/{self.name}", timeout=PATIENCE)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.web.get(f"{self.base}/lab", timeout=PATIENCE)  # a page logs in, an answer of the API doesn't
            page = self.web.get(f"{self.base}/api/status", timeout=PATIENCE)
            if page.ok and "json" in page.headers["content-type"]:
                return
            time.sleep(2)
        pytest.fail(f"{self.name}'s server doesn't start: {page.text[-500:]}")

    def __call__(self, method, path, **content):
        headers = {"X-XSRFToken": self.token(f"/user/{self.name}/")}
        page = self.web.request(method, f"{self.base}/{path}", headers=headers, timeout=PATIENCE, **content)
        assert page.ok, f"{path}: {page.status_code} {page.text[-500:]}"
        return page.json()

    def assignment(self, action):
        """A click in the list of assignments: fetch, submit or fetch_feedback."""
        about = {"course_id": "cam_course", "assignment_id": NAME}
        found = self("POST", f"assignments/{action}", json=about)
        assert found["success"], found
        return found["value"]

    def write(self, answers):
        """Answer in the notebook that was fetched, and save it."""
        notebook = self("GET", f"api/contents/{NAME}/{NAME}.ipynb")["content"]
        for cell in notebook["cells"]:
            cell["source"] = answers.get(cell["metadata"].get("nbgrader", {}).get("grade_id"), cell["source"])
        self("PUT", f"api/contents/{NAME}/{NAME}.ipynb", json={"type": "notebook", "content": notebook})


@pytest.fixture(scope="module")
def loop(running):
    """The whole loop: ({role: Student}, rows of the report by role, what the lecturer was told, folder)."""
    place, names, address, password, lecturer = running
    inbound, home = place / "exchange" / "cam_course" / "inbound", place / "home"
    lecturer("-m", "nbgrader", "generate_assignment", NAME)
    lecturer("-m", "nbgrader", "release_assignment", NAME)
    students = {role: Student(address, names[role], password) for role in CLASS}
    for student in students.values():
        student.start()
    before = time.time()
    for role, student in students.items():
        assert [a["status"] for a in student("GET", "assignments?course_id=cam_course")["value"]] == [
            "released"
        ]
        student.assignment("fetch")
        student.write(WRONG if role == "hasty" else CLASS[role][0])
        if role == "renames":
            student("PATCH", f"api/contents/{NAME}/{NAME}.ipynb", json={"path": f"{NAME}/{NAME} final.ipynb"})
        student.assignment("submit")
    students["hasty"].write(PERFECT)
    students["hasty"].assignment("submit")
    # One puts a link to what only the lecturer may read, one hands in in the name of another, and under a name
    # that is none.
    (theirs,) = inbound.glob(f"{names['links']}+*")
    as_user(
        names["links"],
        "ln",
        "-sf",
        home / names["lecturer"] / "course" / "solutions" / NAME / f"{NAME}.ipynb",
        theirs / f"{NAME}.ipynb",
    )
    (own,) = inbound.glob(f"{names['forges']}+*")
    as_user(
        names["forges"], "cp", "-r", own, inbound / f"{names['ada']}+{NAME}+2099-01-01 00:00:00.000000 UTC+x"
    )
    as_user(names["forges"], "cp", "-r", own, inbound / f"a b+{NAME}+2099-01-01 00:00:00.000000 UTC+x")
    as_user(names["forges"], "mkdir", inbound / f"{names['forges']}+{NAME}+yesterday or so+x")
    said = lecturer("-m", "nbgrader", "collect", NAME)
    protection = ["--unsafe"] if sandbox.missing() else []
    said += lecturer("-m", "course_utils.grading", "grade", *protection)
    said += lecturer("-m", "course_utils.grading", "report")
    said += lecturer("-m", "nbgrader", "release_feedback", NAME)
    course = home / names["lecturer"] / "course"
    with open(course / "grading" / "report.csv", newline="") as opened:
        rows = {row["student"]: row for row in csv.DictReader(opened)}
    return students, {role: rows.pop(names[role]) for role in CLASS} | rows, said, place, before


def as_user(name, *command):
    who = pwd.getpwnam(name)
    drop = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
    subprocess.run([*drop, *map(str, command)], check=True, cwd="/")


def test_everybody_is_graded_by_what_was_handed_in_last(loop):
    _, rows, said, _, _ = loop
    assert set(rows) == set(CLASS), said
    points = {role: rows[role]["points"] for role in CLASS}
    assert points == {role: points for role, (_, points) in CLASS.items()}, said


def test_the_time_of_handing_in_is_known(loop):
    from dateutil import parser

    _, rows, _, _, before = loop
    for role in set(CLASS) - {"links"}:
        when = parser.parse(rows[role]["handed in"]).timestamp()
        assert before - 1 <= when <= time.time(), rows[role]


@pytest.mark.parametrize("role", ["ada", "ben", "hasty", "renames", "forges"])
def test_each_student_fetches_their_own_feedback(loop, role):
    students, rows, _, _, _ = loop
    student = students[role]
    (assignment,) = [a for a in student.assignment("fetch_feedback") if a["status"] == "submitted"]
    found = [s for s in assignment["submissions"] if s["has_local_feedback"]]
    assert len(found) == 1 and len(assignment["submissions"]) == (2 if role == "hasty" else 1)
    folder = student("GET", f"api/contents/{found[0]['local_feedback_path']}")
    (page,) = [student("GET", f"api/contents/{file['path']}")["content"] for file in folder["content"]]
    assert f"{CLASS[role][1]} of 10 points" in page and "secret" not in page


def test_what_a_student_points_at_is_not_read_with_the_rights_of_the_lecturer(loop):
    _, rows, said, place, _ = loop
    assert rows["links"]["status"] == "not submitted" and "no notebook that is a file" in said
    for path in (place / "home").glob("lecturer*/course/grading/**/*"):
        if path.is_file() and path.suffix == ".ipynb" and "links" in str(path):
            pytest.fail(f"{path} was made of a link")


def test_nobody_hands_in_for_another(loop):
    students, rows, said, place, _ = loop
    assert rows["ada"]["points"] == "8" and rows["ada"]["handed in"] < "2099"
    assert said.count("is no submission") == 3, said
    (handed_in,) = (place / "home").glob("lecturer*/course/grading/handed_in")
    assert {path.name for path in handed_in.iterdir()} == {student.name for student in students.values()}


def test_students_see_no_formgrader_and_no_submission_of_another(loop):
    students, _, _, place, _ = loop
    page = students["ada"].web.get(f"{students['ada'].base}/formgrader", timeout=PATIENCE)
    assert page.status_code == 404
    ada = pwd.getpwnam(students["ada"].name)
    drop = ["setpriv", f"--reuid={ada.pw_uid}", f"--regid={ada.pw_gid}", "--clear-groups"]
    for where in ("inbound", "feedback"):
        done = subprocess.run(
            [*drop, "ls", str(place / "exchange" / "cam_course" / where)], capture_output=True
        )
        assert done.returncode != 0, where


def test_the_exchange_is_the_lecturers_to_change(running):
    """Whoever may write into a folder may also take away what is in it, unless it is sticky."""
    place, names, *_ = running
    with pytest.raises(subprocess.CalledProcessError):
        as_user(names["forges"], "mv", place / "exchange" / "cam_course", place / "exchange" / "mine")


# --- what is shipped ---------------------------------------------------------------------------


def test_what_is_shipped_can_be_read():
    import yaml

    values = yaml.safe_load((ROOT / "deploy" / "values.yaml").read_text())
    assert {"hub", "singleuser"} <= set(values)
    for name in ("jupyterhub_config.py", "nbgrader_config.py"):
        compile((ROOT / "deploy" / name).read_text(), name, "exec")
    words = (ROOT / "deploy" / "README.md").read_text()
    assert all(re.search(rf"\b{n}\b", words) for n in ("20", "200", "2,000"))
    steps = (ROOT / "deploy" / "Dockerfile").read_text()
    assert (
        "NB_UID" in steps and "requirements.lock" in steps and json.dumps(["jupyterhub-singleuser"]) in steps
    )


def test_only_files_are_taken(tmp_path):
    source, target = tmp_path / "source", tmp_path / "handed_in" / "eve" / NAME
    source.mkdir()
    (tmp_path / "secret").write_text("secret")
    (source / "a.ipynb").write_text("{}")
    (source / "b.ipynb").symlink_to(tmp_path / "secret")
    (source / hub.SECRET).symlink_to(tmp_path / "secret")
    (source / hub.TIME).write_text("2026-05-01 10:00:00 UTC")
    (source / "tool.py").write_text("")
    os.mkfifo(source / "c.ipynb")
    (source / "d.ipynb").mkdir()
    hub._take(source, target)
    assert sorted(path.name for path in target.iterdir()) == ["a.ipynb", hub.TIME]
    (source / "a.ipynb").write_text("newer")
    hub._take(source, target)
    assert (target / "a.ipynb").read_text() == "newer"
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(OSError):
        hub._take(tmp_path / "link", target)
