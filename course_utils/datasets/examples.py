"""Real photographs that are on every machine, because libraries that the course needs bring them along."""

import importlib.util
from pathlib import Path

from course_utils.checks import one_of
from course_utils.datasets.folder import open_image

# name: the library, the file in it
_FILES = {
    "cat": ("skimage", "data/chelsea.png"),  # Chelsea; CC0
    "astronaut": ("skimage", "data/astronaut.png"),  # Eileen Collins; NASA, public domain
    "portrait": (
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
    ),  # Grace Hopper; U.S. Navy, public domain
    "flower": ("sklearn", "datasets/images/flower.jpg"),  # vultilion on Flickr, CC BY 2.0
    "temple": ("sklearn", "datasets/images/china.jpg"),  # danielbuechele on Flickr, CC BY 2.0
}
PHOTOGRAPHS = tuple(_FILES)


def photograph(name):
    """A photograph by its name, one of PHOTOGRAPHS: (H, W, 3) uint8; raises ValueError for any other name."""
    library, file = _FILES[one_of("name", name, PHOTOGRAPHS)]
    [folder] = importlib.util.find_spec(library).submodule_search_locations
    return open_image(Path(folder, file))
