"""Families: the members that a pattern behind # means."""

from fnmatch import fnmatchcase
from os.path import lexists

from convcalc.graph import as_written
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import open_spec

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
    return [f"{file}#{name}" for name in presets if fnmatchcase(name, pattern)] or [spec]
