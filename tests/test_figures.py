"""The drawn figures: made by code, with alt text, readable on any page, and true to the networks."""

import re
from pathlib import Path
from xml.etree import ElementTree

from course_utils import networks
from tools import make_figures

import pytest

ROOT = Path(__file__).parents[1]
SAVED = sorted((ROOT / "notebooks" / "figures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=SAVED, ids=lambda path: path.stem)
def figure(request):
    return ElementTree.parse(request.param).getroot()


def test_there_is_a_figure_for_each_function():
    assert len(SAVED) == len(make_figures.DRAW) >= 8


def test_a_figure_has_a_title_a_description_and_its_own_ground(figure):
    title, words = figure.find(f"{SVG}title"), figure.find(f"{SVG}desc")
    assert (
        figure.get("role") == "img"
        and figure.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    )
    assert len(title.text) > 10 and len(words.text.split()) > 20
    ground = figure.find(f"{SVG}rect")
    assert (ground.get("width"), ground.get("height")) == (figure.get("width"), figure.get("height"))
    assert not re.search(r"(href|src)=.https?:", ElementTree.tostring(figure, "unicode"))


def test_letters_can_be_read_and_lie_inside(figure):
    width = float(figure.get("width"))
    for text in figure.iter(f"{SVG}text"):
        size, x, letters = float(text.get("font-size")), float(text.get("x")), "".join(text.itertext())
        assert size >= 16 or size * 1200 / width >= 16, letters
        long = 0.5 * size * len(letters)  # about, in a sans-serif font
        left = {"start": x, "middle": x - long / 2, "end": x - long}[text.get("text-anchor")]
        assert left > 0 and left + long < width, letters


def test_saved_figures_say_what_the_code_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(make_figures, "FIGURES", tmp_path)
    for draw in make_figures.DRAW:
        draw()
    for path in SAVED:
        saved, drawn = (ElementTree.parse(folder / path.name).getroot() for folder in (path.parent, tmp_path))
        said = [
            ["".join(e.itertext()) for e in root.iter() if e.tag != f"{SVG}svg"] for root in (saved, drawn)
        ]
        assert said[0] == said[1], f"{path.name} is out of date: python tools/make_figures.py"


def test_the_numbers_in_the_figures_are_the_networks():
    first = networks.first_map()
    [score] = re.findall(r"score of cat, ([\d.]+)\.", (make_figures.FIGURES / "cam.svg").read_text())
    assert score == f"{first['class_scores'][0, 0]:.2f}"
    model = networks.digit_net()
    field, stride = 1, 1
    for layer in model.layers:
        for size, step in (
            (getattr(layer, "kernel_size", None), getattr(layer, "strides", (1, 1))),
            (getattr(layer, "pool_size", None), getattr(layer, "strides", (1, 1))),
        ):
            if size:
                field, stride = field + (size[0] - 1) * stride, stride * step[0]
    words = (make_figures.FIGURES / "receptive_field.svg").read_text()
    assert f"looks at {field} × {field} pixels; the next one begins {stride} further on" in words
