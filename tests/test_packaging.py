"""What is installed: constraints.txt knows every dependency, at a version that is allowed."""

import sys

import pytest
from packaging.requirements import Requirement
from paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(each for extra in PROJECT["optional-dependencies"].values() for each in extra),
]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def in_force(requirement: Requirement, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


@pytest.mark.parametrize("text", sorted(set(REQUIREMENTS)))
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
