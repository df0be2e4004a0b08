"""The bundled architectures, found by name."""

import os
from pathlib import Path


def bundled_folder() -> Path:
    """Where the architectures are: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    installed = package / "architectures"
    return installed if installed.is_dir() else package.parent / "architectures"


def bundled_names() -> list[str]:
    """Names of the bundled architectures, sorted."""
    try:
        files = os.listdir(bundled_folder())  # noqa: PTH208 (start-up: names will do)
    except OSError:
        return []
    return sorted(name[:-5] for name in files if name.endswith(".yaml"))


def find_bundled(spec: str) -> Path | None:
    """The file of a bundled architecture: `vgg16` or `vgg16.yaml`."""
    name = spec.removesuffix(".yaml")
    if not name or not all(character.isalnum() or character == "_" for character in name):
        return None
    path = bundled_folder() / f"{name}.yaml"
    return path if path.is_file() else None
