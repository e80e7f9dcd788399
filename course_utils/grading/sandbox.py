"""A room without windows for other people's code: bubblewrap and limits around one kernel (Linux only).

Inside there are Python, the course's package and an empty home; no network, no gradebook, no solutions, no
other submission, no process but its own. `probe` tries to break out before anything is graded; `inside` is
the first thing that runs in the room and sets the limits that bubblewrap doesn't know.
"""

import itertools
import json
import os
import secrets as secrets_of_python
import shutil
import subprocess
import sys
from pathlib import Path

MB = 2**20
LIMITS = {"memory": 6000 * MB, "file": 100 * MB, "processes": 256, "seconds": 600}  # of one submission
# Where the grader is root, each kernel is a user of its own: their limits don't add up, and none owns
# another's files.
USERS = itertools.cycle(range(61_000, 64_000))
PACKAGE = Path(__file__).resolve().parents[2]  # this one grades, wherever else another is installed
HOME, SCRATCH = "/home/student", 200 * MB  # what its files may take altogether

# One thread a process: as many submissions as cores run at once, and sums come out the same each time.
ENVIRONMENT = {
    "MPLBACKEND": "agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONDONTWRITEBYTECODE": "1",
}

PROBE = """
import glob, json, os, socket, sys
found = []
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        with open(path, "rb") as file:
            if sys.argv[3].encode() in file.read():
                found.append(f"the grader's environment can be read in {path}")
    except OSError:
        pass
for place in ("/", "/home", "/etc", "/dev", "/usr", "/proc", "/bin", "/lib"):
    try:
        open(os.path.join(place, "written"), "w").close()
        found.append(f"{place} can be written to")
    except OSError:
        pass
for place in ("/tmp", "/dev/shm", os.environ["HOME"]):
    if os.statvfs(place).f_blocks * os.statvfs(place).f_frsize > 300 * 2**20:
        found.append(f"{place} has no limit")
for place in json.loads(sys.argv[1]):
    if os.path.exists(place):
        found.append(f"{place} can be seen")
if len([name for name in os.listdir("/proc") if name.isdigit()]) > 8:
    found.append("other processes can be seen")
devices = os.listdir("/sys/class/net") if os.path.exists("/sys/class/net") else []
if set(devices) - {"lo"}:
    found.append("the network can be seen")
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=1).close()
    found.append("a server of this machine can be reached")
except OSError:
    pass
try:
    open(os.path.join(sys.prefix, "written"), "w").close()
    found.append("Python's own files can be changed")
except OSError:
    pass
if os.getuid() == 0:
    found.append("it runs as root")
print(json.dumps(found))
"""


def missing():
    """Why there can be no sandbox here, in one sentence; "" where there can."""
    if sys.platform != "linux":
        return f"The sandbox needs Linux, and this is {sys.platform}."
    if not shutil.which("bwrap"):
        return "The sandbox needs bubblewrap; on Debian or Ubuntu: apt-get install bubblewrap."
    return ""


def flaws(secrets):
    """Why nothing may be run on this machine: sentences, none if all is well. secrets: as for `probe`."""
    return [missing()] if missing() else probe(secrets)


def probe(secrets):
    """What code in the sandbox can see or change that it shouldn't: a list of sentences, empty if all is
    well.

    secrets: paths that must not exist in there, such as the solutions and the gradebook.
    """
    import socket

    token = secrets_of_python.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        # The token stands in the environment of bubblewrap's own process, where the grader's secrets would
        # stand.
        done = subprocess.run(
            command(["-c", PROBE, json.dumps([str(s) for s in secrets]), str(port), token]),
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "COURSE_TOKEN": token},
        )
    try:
        return json.loads(done.stdout)
    except ValueError:
        return [f"it doesn't start: {(done.stderr or done.stdout).strip()[-300:] or 'no reason given'}"]


def command(arguments, student="", limits=LIMITS):
    """The command that runs `python ARGUMENTS` in the sandbox, for the submission of a student."""
    limits = {**limits, "user": next(USERS)}
    package = PACKAGE / "course_utils"
    prefixes = dict.fromkeys(
        str(Path(p).resolve()) for p in (sys.base_prefix, sys.prefix) if not str(p).startswith("/usr")
    )
    root = os.getuid() == 0
    # Without an environment: that of bubblewrap's own process can be read from inside, whatever --clearenv
    # does.
    bwrap = [
        "/usr/bin/env",
        "-i",
        shutil.which("bwrap") or "bwrap",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
        *([] if root else ["--unshare-user"]),
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        "--ro-bind",
        "/usr",
        "/usr",
        "--ro-bind-try",
        "/etc/ld.so.cache",
        "/etc/ld.so.cache",
        "--ro-bind-try",
        "/etc/alternatives",
        "/etc/alternatives",
        "--ro-bind-try",
        "/etc/fonts",
        "/etc/fonts",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--size",
        str(SCRATCH),
        "--perms",
        "1777",
        "--tmpfs",
        "/dev/shm",
        "--size",
        str(SCRATCH),
        "--perms",
        "1777",
        "--tmpfs",
        "/tmp",
        "--size",
        str(SCRATCH),
        "--perms",
        "0777",
        "--tmpfs",
        HOME,
        "--chdir",
        HOME,
    ]
    for name in ("bin", "lib", "lib64", "sbin"):
        if Path("/", name).is_symlink():
            bwrap += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).exists():
            bwrap += ["--ro-bind", f"/{name}", f"/{name}"]
    for place in [*prefixes, str(package)]:
        bwrap += [*way_to(place), "--ro-bind", place, place]
    bwrap += ["--remount-ro", "/", "--remount-ro", "/dev"]  # what is left of them is memory, without a limit
    environment = {**ENVIRONMENT, "PATH": "/usr/bin:/bin", "HOME": HOME, "LANG": "C.UTF-8", "TMPDIR": "/tmp"}
    environment |= {"COURSE_GRADED_STUDENT": student, "PYTHONPATH": str(PACKAGE)}
    for name, value in environment.items():
        bwrap += ["--setenv", name, value]
    # By its real name: in there are no links, nor the folders that a path with .. goes through.
    python = Path(sys.executable).parent.resolve() / Path(sys.executable).name
    # This file as a program, without whatever lies beside it.
    room = [str(python), "-I", "-S", str(Path(__file__).resolve()), json.dumps(limits)]
    return [*bwrap, *room, *arguments]


def way_to(place):
    """The folders above a place, open to all: bubblewrap would make them for root alone."""
    above = [str(folder) for folder in reversed(Path(place).parents) if str(folder) not in ("/", "/tmp")]
    return [word for folder in above for word in ("--perms", "0755", "--dir", folder)]


def inside(limits, arguments):
    """First thing in the sandbox: limits, no root, then Python with these arguments."""
    import resource

    kinds = {
        "memory": resource.RLIMIT_AS,
        "file": resource.RLIMIT_FSIZE,
        "seconds": resource.RLIMIT_CPU,
        "processes": resource.RLIMIT_NPROC,
    }
    for name, kind in kinds.items():
        resource.setrlimit(kind, (limits[name], limits[name]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.getuid() == 0:  # root ignores the limit on processes
        os.setgroups([])
        os.setresgid(*[limits["user"]] * 3)
        os.setresuid(*[limits["user"]] * 3)
    os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    inside(json.loads(sys.argv[1]), sys.argv[2:])
