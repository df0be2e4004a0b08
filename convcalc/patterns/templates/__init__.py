"""Commented specs to start a network from, one file each."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where they are."""
TEMPLATES = ("resnet-cifar", "unet", "mobilenet", "dcgan", "tcn")
"""Their names; each is a file with the ending .yaml."""


def text_of(name: str) -> str:
    """The text of a template."""
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
