"""What is installed and built: versions that are allowed, and what a package index shows."""

import re
import runpy
import sys
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from paths import PACKAGE, ROOT
from tabled import tabled

from convcalc import __version__
from convcalc.documentation import REPOSITORY

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
SDIST = SETTINGS["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(each for extra in PROJECT["optional-dependencies"].values() for each in extra),
]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def in_force(requirement: Requirement, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


@tabled("text", sorted(set(REQUIREMENTS)))
def test_constraints_hold_an_allowed_version_of_every_dependency_on_every_python(text: str) -> None:
    requirement = Requirement(text)
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line[:1] not in ("#", " ", "")]
    for python in PYTHONS:
        if in_force(requirement, python):
            versions = [
                next(iter(pin.specifier)).version
                for pin in pins
                if pin.name.lower() == requirement.name.lower() and in_force(pin, python)
            ]

            assert len(versions) == 1, f"renew constraints.txt: CONTRIBUTING.md says how ({python})"
            assert requirement.specifier.contains(versions[0])


# What a package index shows


def recipes() -> dict[str, str]:
    """Pages and messages that say how to install something, by their file."""
    pages = [ROOT / "README.md", ROOT / "action.yml", *(ROOT / "docs").glob("*.md")]
    files = [*pages, *PACKAGE.rglob("*.py")]
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(files)}


def test_nothing_is_installed_from_an_index_before_it_is_published() -> None:
    # Of what is installed already, an extra needs no index that has convcalc.
    index = re.compile(r"pip install [^\n`]*(?<![\w./+-])convcalc(?![\w/@\[])")
    if "OWNER" in REPOSITORY:
        assert not [name for name, text in recipes().items() if index.search(text)]
    else:
        assert not [name for name, text in recipes().items() if "OWNER" in text]


def test_recipes_name_the_version_that_this_is() -> None:
    named = re.findall(r"(?:convcalc@v|rev: v)([\d.]+\d)", "".join(recipes().values()))

    assert named
    assert {*named} == {__version__}


def test_the_readme_of_a_package_has_no_link_that_leads_nowhere() -> None:
    absolute = hook()["absolute"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = absolute(readme, "https://example.org/us/convcalc")

    assert not re.search(r"\]\((?!https?:|#)", shown)
    assert "](https://example.org/us/convcalc/blob/main/docs/spec.md)" in shown
    assert absolute("[a](https://b.c) [d](#e)", "f") == "[a](https://b.c) [d](#e)"


def test_the_address_of_the_project_stands_in_one_place() -> None:
    text = (PACKAGE / "documentation.py").read_text(encoding="utf-8")

    assert hook()["_ADDRESS"].findall(text) == [REPOSITORY]
    assert {"readme", "urls", "version"} == {*PROJECT["dynamic"]}
    assert "hatch_build.py" in SDIST
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert PROJECT["authors"]


def test_the_pages_are_in_the_wheel_and_their_pictures_are_not() -> None:
    pages = hook()["Pages"]()
    pages.root = str(ROOT)
    data: dict[str, Any] = {"force_include": {}}
    pages.initialize("standard", data)

    included = {name.removeprefix("convcalc/docs/") for name in data["force_include"].values()}
    assert included == {path.name for path in (ROOT / "docs").iterdir() if path.is_file()}
    assert "hooks" in SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]


def hook() -> dict[str, Any]:
    """The names of hatch_build.py, without hatchling, which only who builds has."""
    with pytest.MonkeyPatch.context() as patch:
        for name, interface in (
            ("hatchling.metadata.plugin.interface", "MetadataHookInterface"),
            ("hatchling.builders.hooks.plugin.interface", "BuildHookInterface"),
        ):
            plugin = ModuleType(name)
            vars(plugin)[interface] = object
            patch.setitem(sys.modules, name, plugin)
        return runpy.run_path(str(ROOT / "hatch_build.py"))
