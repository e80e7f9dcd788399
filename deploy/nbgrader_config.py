"""nbgrader for everybody on the hub: which course, and where it is exchanged. Lies in a folder of
JUPYTER_CONFIG_PATH, or in /etc/jupyter.

The lecturer's folder of the course has another one, which adds how it is graded.
"""

import os

c = get_config()  # noqa: F821, nbgrader defines it

c.CourseDirectory.course_id = "cam_course"
if os.environ.get("NGSHARE"):  # a service instead of a folder, where servers share no disk
    from ngshare_exchange import configureExchange

    configureExchange(c, os.environ["NGSHARE"])
else:
    c.Exchange.root = os.environ.get("COURSE_EXCHANGE", "/srv/nbgrader/exchange")
