"""The models, the mathematics and the pictures behind the course on class activation maps.

Importing this package imports nothing heavy: `course_utils.cam` needs NumPy only, and TensorFlow
is loaded by the first module that really uses it.
"""

import logging
import os

# TensorFlow greets every import with log lines on stderr, and warns when many models are tried in a row;
# in a notebook both look like errors. Real errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
logging.getLogger("tensorflow").setLevel(logging.ERROR)

__version__ = "0.1.0"
