"""JupyterHub for this course on one machine: what it needs beyond its authenticator.

The Littlest JupyterHub reads it from /opt/tljh/config/jupyterhub_config.d/; a JupyterHub of your own from
jupyterhub_config.py, or by load_subconfig. Settings are in the environment of the hub, see README.md.
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821, JupyterHub defines it

HERE = Path(os.environ.get("COURSE_DEPLOY", Path(__file__).parent))  # with nbgrader_config.py
EXCHANGE = Path(os.environ.get("COURSE_EXCHANGE", "/srv/nbgrader/exchange"))
DATA = os.environ.get("COURSE_DATA", "")  # real data and weights, read-only; none: the drawings
LECTURERS = set(os.environ.get("COURSE_LECTURERS", "").split())

# Everybody may hand in, and nobody may take away what is somebody else's.
EXCHANGE.mkdir(parents=True, exist_ok=True)
EXCHANGE.chmod(0o1777)

c.Spawner.default_url = "/lab"
c.Spawner.mem_limit = "4G"  # TensorFlow and one network; where the spawner can enforce it
c.Spawner.cpu_limit = 2
c.Spawner.environment.update({"JUPYTER_CONFIG_PATH": str(HERE), "COURSE_EXCHANGE": str(EXCHANGE)})
if DATA:
    c.Spawner.environment.update({"TFDS_DATA_DIR": f"{DATA}/tfds", "KERAS_HOME": f"{DATA}/keras"})


def students_without_formgrader(spawner):
    """Students have their list of exercises; the formgrader is the lecturers'."""
    if spawner.user.name not in LECTURERS:
        parts = dict.fromkeys(("formgrader", "course_list"), False)
        off = {f"nbgrader.server_extensions.{part}": on for part, on in parts.items()}
        spawner.args = [*spawner.args, f"--ServerApp.jpserver_extensions={off}"]


c.Spawner.pre_spawn_hook = students_without_formgrader
