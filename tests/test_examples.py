"""Photographs that come with libraries: they are there, and they are what the course says they are."""

import subprocess
import sys

from course_utils.datasets import examples

import numpy as np
import pytest
from checks import refused


@pytest.mark.parametrize("name", examples.PHOTOGRAPHS)
def test_it_is_a_photograph_in_colour(name):
    photo = examples.photograph(name)
    assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3
    assert min(photo.shape[:2]) >= 300 and photo.std(axis=(0, 1)).min() > 20


def test_another_name():
    with refused("name is 'dog'", '"cat"', '"temple"'):
        examples.photograph("dog")


def test_none_of_the_libraries_is_imported_for_it():
    code = (
        "import sys; from course_utils.datasets import examples; examples.photograph('cat'); "
        "sys.exit(bool({'skimage', 'sklearn', 'tensorflow'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
