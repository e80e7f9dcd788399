"""The models, the mathematics and the pictures behind the course on class activation maps.

Importing this package imports nothing heavy: `course_utils.cam` needs NumPy only, and TensorFlow
is loaded by the first module that really uses it.
"""

import logging
import os

from course_utils import quiet

# TensorFlow greets every import, and warns when a notebook tries several models in a row; both look like
# errors and are none. (A level would not last: TensorFlow sets its own on import.)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())
quiet.install()

__version__ = "0.2.0"
