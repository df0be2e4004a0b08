"""Families: the members that a pattern behind # means."""

from fnmatch import fnmatchcase
from os.path import lexists
from typing import TYPE_CHECKING

from convcalc.graph import as_written
from convcalc.spec.bundled import find_bundled
from convcalc.spec.nodes import Map
from convcalc.spec.source import open_spec

if TYPE_CHECKING:
    from convcalc.spec.tree import Spec

PATTERN = frozenset("*?[")
"""Signs that make a pattern of the name of a preset."""


def members(spec: str) -> list[str]:
    """The SPECs that `family.yaml#*` means; whatever is no such pattern, or fits none, is itself.

    >>> members("vgg.yaml#vgg1?_bn")
    ['vgg.yaml#vgg11_bn', 'vgg.yaml#vgg13_bn', 'vgg.yaml#vgg16_bn', 'vgg.yaml#vgg19_bn']
    >>> members("vgg16")
    ['vgg16']
    """
    file, sign, pattern = spec.rpartition("#")
    if not sign or not PATTERN & {*pattern} or lexists(spec):
        return [spec]
    opened = open_spec(file, find_bundled)
    tree = as_written(opened.text, opened.problems).spec
    presets = tree.presets if tree else ()
    own = [] if tree is None else _main(file, tree, pattern)
    chosen = [*own, *(f"{file}#{name}" for name in presets if fnmatchcase(name, pattern))]
    return chosen or [spec]


def _text(preset: Map) -> str | None:
    """The name that a preset gives, as it is written."""
    name = preset.get("name")
    return None if name is None else str(getattr(name, "text", name))


def _main(file: str, tree: "Spec", pattern: str) -> list[str]:
    """The network of a family without a preset, where no member of it is the same.

    That is where the family has a name, and every preset another: VGG-16 in `vgg.yaml`, which is
    the bundled `vgg16`. A pattern fits its name in small letters, without signs.
    """
    title = tree.name
    own = [_text(preset) for preset in tree.presets.values() if isinstance(preset, Map)]
    if not title or not own or None in own or title in own:
        return []
    word = "".join(letter for letter in title.lower() if letter.isalnum())
    if not fnmatchcase(word, pattern):
        return []
    bundled = find_bundled(word) if find_bundled(file) and not lexists(file) else None
    return [word if bundled else file]
