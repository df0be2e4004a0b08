"""Parts of the package onnx by themselves, and the whole where they are not to be had so."""

import sys
from importlib.machinery import ModuleSpec
from types import SimpleNamespace
from typing import Any

import pytest

from convcalc.exchange.onnx import package

onnx = pytest.importorskip("onnx")


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An interpreter that has not imported onnx."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "onnx"]:
        monkeypatch.delitem(sys.modules, name)
    return monkeypatch


def test_a_part_that_is_no_module_by_itself_comes_with_the_whole(
    absent: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def imported(name: str) -> Any:
        asked.append(name)
        return onnx.onnx_ml_pb2

    absent.setattr(f"{package.__name__}.import_module", imported)
    absent.setattr(f"{package.__name__}.PathFinder", SimpleNamespace(find_spec=lambda *_: None))
    assert package.messages() is onnx.onnx_ml_pb2
    assert asked == ["onnx.onnx_ml_pb2"]


def test_a_part_that_wants_the_package_comes_with_the_whole(absent: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Loader:
        def create_module(self, spec: Any) -> None:
            del spec

        def exec_module(self, module: Any) -> None:
            del module
            raise ImportError

    def found(name: str, folders: list[str]) -> Any:
        del folders
        return ModuleSpec(name, Loader())  # type: ignore[arg-type]

    def imported(name: str) -> Any:
        assert name not in sys.modules
        asked.append(name)
        return onnx.onnx_ml_pb2

    absent.setattr(f"{package.__name__}.import_module", imported)
    absent.setattr(f"{package.__name__}.PathFinder", SimpleNamespace(find_spec=found))
    assert package.messages() is onnx.onnx_ml_pb2
    assert asked == ["onnx.onnx_ml_pb2"]


def test_what_is_not_installed_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="onnx"):
        package.messages()
