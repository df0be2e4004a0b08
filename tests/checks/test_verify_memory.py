"""What `verify` needs: too much is refused with what would fit; and GPUs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from verified import Command, verified, written

from convcalc import forward
from convcalc.checks import resources
from convcalc.checks.resources import Needs
from convcalc.checks.verify import Run, verify
from convcalc.forward import values
from convcalc.graph import load, loads
from convcalc.layers import arrays, special


@pytest.fixture
def run() -> Command:
    return verified


@pytest.fixture
def net(tmp_path: Path) -> str:
    return written(tmp_path)


# -- Memory ------------------------------------------------------------------------------------


def test_too_large_is_refused_with_a_batch_that_fits(
    run: Command, net: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = Needs(load(net), dtype="float32", engine=False, threads=1, keep=False, drawn=True)
    limit = needs.batch(7).total
    monkeypatch.setattr("convcalc.cli.running.available", lambda: limit)
    monkeypatch.setattr(values, "random_inputs", lambda *_: pytest.fail("something was allocated"))
    result = run(net, "--batch", "100", "--threads", "1")

    assert result.exit_code == 2
    assert "needs up to" in result.stderr
    assert "are available" in result.stderr
    assert result.stderr.rstrip().endswith("a batch of 7 would fit: --batch 7")
    assert needs.batch(8).total > limit


def test_too_large_is_refused_with_an_input_that_fits(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 60_000_000)
    result = run("mobilenet_v2", "--input", "1024x1024x3", "--threads", "1")

    assert result.exit_code == 2
    assert "a smaller input would fit: --input 192x192x3" in result.stderr
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 1000)
    assert "no batch would fit" in run("mobilenet_v2").stderr
    monkeypatch.setattr("convcalc.cli.running.available", lambda: None)
    assert run("lenet5").exit_code == 0


def test_weights_of_a_file_are_counted_and_drawn_ones_are_not(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 150_000_000)
    result = run("alexnet_torchvision", "--weights", "absent.npz", "--threads", "1")

    assert result.exit_code == 2
    assert "244.40 MB" in result.stderr  # 61,100,840 parameters of 4 bytes
    assert run("alexnet_torchvision", "--threads", "1", "--engine").exit_code == 0
    # Its largest layer, 9216 × 4096 and 4096 of 4 bytes, is 151.01 MB alone.
    assert "(151.01 MB" in run("alexnet_torchvision").stderr


DENSE = """\
input: 64x64x8
layers:
  - layers:
      - concat: [[], [batchnorm, relu, conv: {filters: 8, kernel: 3, padding: 1}]]
    repeat: 8
"""
SHARED = """\
input: 4x4x256
layers:
  - layers: [conv: {filters: 256, kernel: 3, padding: 1}]
    repeat: 40
    shared: true
"""
NEEDS = {
    "large linear layers and Winograd's filtering": ("vgg11", True, False),
    "linear layers that are drawn block by block": ("vgg11", True, True),
    "weights of one layer at a time": ("vgg11", False, True),
    "norms in the weights of depthwise convolutions": ("mobilenet_v2", True, True),
    "residual branches by their definitions": ("resnet18", False, True),
    "outputs kept that are more than all else": (DENSE, True, False),
    "weights that are shared, prepared for each use": (SHARED, True, True),
}


@pytest.mark.parametrize(("spec", "engine", "drawn"), NEEDS.values(), ids=NEEDS)
def test_what_is_needed_covers_what_is_taken(spec: str, *, engine: bool, drawn: bool) -> None:
    if "input:" in spec:
        network = loads(spec)
    else:
        network = load(spec, input="64x64x3", parameters={"classes": 10})
    threads = 2 if engine else 1
    need = Needs(network, dtype="float32", engine=engine, threads=threads, keep=True, drawn=drawn)
    run = Run(batch=2, engine=engine, threads=threads, keep=True, profile=not drawn)
    _, peak = forward.measure_peak(verify, network, run)

    assert peak <= need.batch(2).total <= 6 * peak


LONG = [
    *(
        f"upsample: {{{size}, mode: {mode}{corners}}}"
        for size in ("scale: 3", "size: 9001")
        for mode, corners in [
            ("nearest", ""),
            ("linear", ""),
            ("linear", ", align_corners: true"),
        ]
    ),
    "adaptive_avgpool: 2500",
    "adaptive_maxpool: 2500",
    *(f"pad: {{padding: 2500, mode: {mode}}}" for mode in ("zero", "reflect", "circular")),
    "crop: 3",
    "avgpool: {kernel: 3, stride: 1, padding: 1, count_include_pad: false}",
    "maxpool: {kernel: 3, stride: 1, padding: 1}",
    "lppool: {kernel: 3, stride: 1}",
    "conv: {filters: 1, kernel: 3, padding: same}",
    "conv_transpose: {filters: 1, kernel: 2, stride: 2}",
    "lrn: 3",
    "gelu",
    "softmax",
]


@pytest.mark.parametrize("item", LONG)
def test_what_is_noted_of_each_of_many_outputs_is_counted(
    item: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "PIECES", 2**16)
    monkeypatch.setattr(arrays, "PIECE", 64)
    monkeypatch.setattr(special, "PIECE", 64)
    network = loads(f"input: 3000x1\nlayers:\n  - {item}\n")
    need = Needs(network, dtype="float32", engine=False, threads=1, keep=False, drawn=True)
    x = np.ones((1, 1, 3000), np.float32)
    forward.run(network, x, reference=True)  # what is imported and remembered once
    _, peak = forward.measure_peak(forward.run, network, x, reference=True)

    assert peak <= need.batch(1).total


def test_rows_of_weights_that_are_drawn_whole_are_counted() -> None:
    network = loads("input: 1400x1400x3\nlayers: [flatten, linear: 2]\n")
    need = Needs(network, dtype="float32", engine=True, threads=2, keep=False, drawn=True)
    _, peak = forward.measure_peak(verify, network, Run(threads=2, engine=True))

    assert peak <= need.batch(1).total <= 2 * peak


def test_limits_of_control_groups_are_read(tmp_path: Path) -> None:
    def group(path: str, **contents: str) -> None:
        folder = tmp_path / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (folder / f"memory.{name}").write_text(text, encoding="ascii")

    group("a", max="5000", current="1000")
    group("a/b", max="max", current="900")
    group("memory", limit_in_bytes="7000", usage_in_bytes="500")
    own = tmp_path / "own"
    own.write_text("5:cpu,memory:/\n3:cpu:/x\n0::/a/b\n", encoding="utf-8")

    assert sorted(resources._control_groups(str(tmp_path), str(own))) == [4000, 6500]
    assert list(resources._control_groups(str(tmp_path), str(tmp_path / "absent"))) == []


def test_something_is_available_here() -> None:
    found = resources.available()

    assert found is None or found > 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit is not enforced")
def test_a_limit_on_the_address_space_is_respected(net: str) -> None:
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "sys.argv = ['convcalc', 'verify', 'vgg16', '--batch', '64', '--threads', '1']\n"
        "from convcalc.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 2
    assert "vgg16 needs up to" in done.stderr


# -- CuPy --------------------------------------------------------------------------------------


def test_without_cupy_it_is_said(run: Command, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    result = run(net, "--backend", "cupy")

    assert result.exit_code == 2
    assert "needs CuPy" in result.stderr
    assert "numpy reference" in run(net, "--backend", "auto").stdout


class FakeRuntimeError(Exception):
    """CUDA's."""


def fake_cupy(count: Callable[[], int]) -> ModuleType:
    """NumPy in the place of CuPy: what is shared by both, with the parts that CuPy has."""
    module = ModuleType("cupy")
    vars(module).update({name: getattr(np, name) for name in np.__all__ if name != "test"})
    stream = SimpleNamespace(synchronize=lambda: None)
    runtime = SimpleNamespace(
        getDeviceCount=count,
        CUDARuntimeError=FakeRuntimeError,
        memGetInfo=lambda: (80_000_000, 85_000_000_000),
    )
    cuda = SimpleNamespace(runtime=runtime, get_current_stream=lambda: stream)
    pool = SimpleNamespace(total_bytes=lambda: 4096)
    vars(module).update(
        cuda=cuda, asnumpy=np.asarray, get_default_memory_pool=lambda: pool, newaxis=None
    )
    return module


def test_without_a_gpu_it_is_said(run: Command, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> int:
        raise FakeRuntimeError("no driver")

    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(no_driver))
    result = run(net, "--backend", "cupy")

    assert result.exit_code == 2
    assert "needs a CUDA GPU" in result.stderr
    assert run(net, "--backend", "auto").exit_code == 0


def test_a_gpu_runs_the_reference(
    run: Command, net: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(lambda: 1))
    result = run(net, "--backend", "auto", "--save", str(tmp_path), "--top", "1", "-f", "json")
    found = json.loads(result.stdout)

    assert (found["backend"], found["tier"], found["verified"]) == ("cupy", "reference", True)
    assert found["totals"]["allocated_bytes"] == 4096


def test_too_large_for_a_gpu_is_refused(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(lambda: 1))
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 1 << 40)
    result = run("vgg11", "--backend", "cupy")

    assert result.exit_code == 2
    # Weights are drawn layer by layer; the largest has 25,088 × 4,096 and 4,096 of 4 bytes.
    assert "411.06 MB (392.02 MiB) of weights" in result.stderr
    assert "80.00 MB (76.29 MiB) are available" in result.stderr
