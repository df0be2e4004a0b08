"""The bundled architectures, found by name: files, and the presets of families."""

import os
import re
from typing import NamedTuple

_PRESETS = rb"(?m)^presets:[^\n]*\n((?:[ #][^\n]*\n|\n)*)"
_WILDCARDS = r"[*?\[\]!-]"
"""Signs of a pattern that no preset fits: `resnet#x*` is told which presets there are."""
_PRESET = rb"(?m)^  ([A-Za-z]\w*):"


class Bundled(NamedTuple):
    """Where a bundled architecture is."""

    path: str
    """The YAML file of the architecture or of its family."""
    preset: str = ""
    """The member of a family; empty for a file by its own name."""


def bundled_folder() -> str:
    """Where the architectures are: beside the package in a checkout, inside it when installed."""
    package = os.path.dirname(os.path.dirname(__file__))
    installed = os.path.join(package, "architectures")
    if os.path.isdir(installed):
        return installed
    return os.path.join(os.path.dirname(package), "architectures")


def bundled_names() -> list[str]:
    """Names of the bundled architectures, families and their presets, sorted."""
    names: set[str] = set()
    for file in _files():
        names.add(file[:-5])
        names.update(preset.decode() for preset in re.findall(_PRESET, _presets(file)))
    return sorted(names)


def bundled_architectures() -> list[str]:
    """Names of the bundled networks, sorted: a family with presets stands for its members only."""
    names: set[str] = set()
    for file in _files():
        presets = re.findall(_PRESET, _presets(file))
        names.update([preset.decode() for preset in presets] or [file[:-5]])
    return sorted(names)


def find_bundled(spec: str) -> Bundled | None:
    """A bundled architecture: `vgg16`, `vgg16.yaml`, `resnet50`, `resnet#50`, `resnet#resnet50`."""
    file, _, preset = spec.partition("#")
    name = file.removesuffix(".yaml")
    bare = re.sub(_WILDCARDS, "", preset)
    if not _is_word(name) or (bare and not _is_word(bare)):
        return None
    path = _path(f"{name}.yaml")
    wanted = f"\n  {name}:".encode()
    if os.path.isfile(path):
        # Of a family with a member of its own name, that member is meant.
        presets = _presets(f"{name}.yaml")
        for called in (f"{name}{preset}", f"{name}_{preset}") if preset else ():
            if f"\n  {preset}:".encode() not in presets and f"\n  {called}:".encode() in presets:
                return Bundled(path, called)
        return Bundled(path, preset or (name if wanted in presets else ""))
    if preset:
        return None
    # Families are laid out alike, so a look at their text will do; reading them all would not.
    for other in _files():
        if wanted in _presets(other):
            return Bundled(_path(other), name)
    return None


def _path(file: str) -> str:
    return os.path.join(bundled_folder(), file)


def _is_word(name: str) -> bool:
    return name.replace("_", "a").isalnum()


def _files() -> list[str]:
    try:
        files = os.listdir(bundled_folder())
    except OSError:
        return []
    return sorted(file for file in files if file.endswith(".yaml"))


def _presets(file: str) -> bytes:
    """The text of a bundled file's presets, a line end first."""
    try:
        with open(_path(file), "rb") as opened:
            text = opened.read()
    except OSError:
        return b""
    if b"\npresets:" not in text:
        return b""
    presets = re.search(_PRESETS, text)
    return b"\n" + presets[1] if presets else b""
