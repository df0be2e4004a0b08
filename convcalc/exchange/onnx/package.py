"""Parts of the package onnx by themselves: all of it, with NumPy, takes long to import.

Reading a file wants the messages that it is made of and the table of operators. Where the package
is imported later, it finds these parts and takes them for its own, which they are.
"""

import sys
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

WHOLE = "onnx"


def messages() -> Any:
    """The module with `ModelProto`; raises `ImportError` where onnx is not installed."""
    return _part("onnx_ml_pb2")


@cache
def operators() -> Any:
    """The module with `get_schema`."""
    _part("onnx_cpp2py_export")
    return sys.modules[f"{WHOLE}.onnx_cpp2py_export.defs"]


def _part(name: str) -> Any:
    """A module of the package without the package; with it where that is no module by itself."""
    full = f"{WHOLE}.{name}"
    if WHOLE in sys.modules and sys.modules[WHOLE] is None:
        message = f"No module named {WHOLE!r}"
        raise ModuleNotFoundError(message, name=WHOLE)
    if full in sys.modules or WHOLE in sys.modules:
        return import_module(full)
    package = find_spec(WHOLE)
    folders = None if package is None else package.submodule_search_locations
    spec = None if folders is None else PathFinder.find_spec(full, [*folders])
    if spec is None or spec.loader is None:
        return import_module(full)
    made = sys.modules[full] = module_from_spec(spec)
    try:
        spec.loader.exec_module(made)
    except Exception:  # noqa: BLE001 (of whatever it wants of the package)
        del sys.modules[full]
        return import_module(full)
    return made
