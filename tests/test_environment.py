"""The files that make the environment say the same thing, and nothing about anybody's machine."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
PINS = {}  # name -> versions; several where markers differ
for name, version in re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ]+)", LOCK, flags=re.M):
    PINS.setdefault(name, []).append(version)


def direct():
    project = PYPROJECT["project"]
    return [
        Requirement(r) for r in project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    ]


@pytest.mark.parametrize("requirement", direct(), ids=lambda r: r.name)
def test_every_direct_dependency_is_locked_within_its_range(requirement):
    versions = PINS.get(requirement.name)
    assert versions, f"{requirement.name} is missing from requirements.lock: run `make lock`"
    assert all(v in requirement.specifier for v in versions)


def test_every_direct_dependency_says_why_it_is_there():
    text = (ROOT / "pyproject.toml").read_text()
    for requirement in direct():
        line = next(
            l for l in text.splitlines() if re.match(rf'\s*"{re.escape(requirement.name)}[^a-z0-9-]', l)
        )
        assert len(line.partition("#")[2].split()) >= 3, f"no reason beside {requirement.name}"


def test_every_locked_version_has_hashes():
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.M)
    assert sum("==" in b for b in blocks) > 100
    assert not [b.split()[0] for b in blocks if "==" in b and "--hash=sha256:" not in b]


def test_the_conda_route_takes_its_packages_from_the_lock():
    lines = [l.strip("- ") for l in (ROOT / "environment.yml").read_text().splitlines()]
    assert "r requirements.lock" in lines
    python = next(l for l in lines if l.startswith("python="))
    assert (
        python.removeprefix("python=") + ".0"
        in Requirement("python" + PYPROJECT["project"]["requires-python"]).specifier
    )


def test_the_installed_versions_are_the_locked_ones():
    from importlib.metadata import version

    for requirement in direct():
        if requirement.marker is None or requirement.marker.evaluate():
            assert version(requirement.name) in PINS[requirement.name]


def test_nothing_private_is_in_any_file():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(files) > 20
    home_or_host = re.compile(
        r"/(?:root|home/\w+|Users/\w+|work)/|[a-z0-9.-]+\.internal\b|--(?:extra-)?index-url[ =]\S*//"
    )
    for name in files:
        path = ROOT / name
        if path.suffix in {".h5", ".npz", ".png"} or not path.is_file() or path == Path(__file__):
            continue
        found = home_or_host.search(path.read_text(encoding="utf-8"))
        assert not found, f"{name} names {found.group()}"


def test_the_lock_names_no_host():
    assert not re.search(r"https?://|file:|--index-url|--find-links", LOCK)


def test_the_readme_s_commands_exist():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z]+)", readme, flags=re.M))
    assert {"lab", "test"} <= targets
    assert not {t for t in targets if not re.search(rf"^{t}:", makefile, flags=re.M)}
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_there_is_one_version_and_a_licence():
    """CITATION.cff repeats the version for those who read only it."""
    import importlib.metadata
    import re

    import course_utils

    about = importlib.metadata.metadata("cam-course")
    assert about["Version"] == course_utils.__version__ and about["License-Expression"] == "MIT AND CC-BY-4.0"
    assert (
        re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.M)[1]
        == course_utils.__version__
    )
    assert f"## {course_utils.__version__}" in (ROOT / "CHANGELOG.md").read_text()
