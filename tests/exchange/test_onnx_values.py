"""Files that PyTorch exported run as their layers do, with their own weights and values."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from onnx_files import model, node, onnx, saved, taken, weight
from tabled import tabled

from convcalc import run as run_network
from convcalc.analysis import analyze
from convcalc.checks.library import verify
from convcalc.cli import convcalc
from convcalc.graph import read

runtime: Any = pytest.importorskip("onnxruntime")
FOLDER = Path(__file__).parents[1] / "data" / "onnx"

SWIN = "add layernorm attention add layernorm linear gelu linear"
KINDS = {
    "mha.dynamo18": "attention",
    "mha_seq.ts17": "attention",
    "encoder.dynamo18": "add attention layernorm add linear gelu linear layernorm",
    "timm.ts11": "add layernorm attention",
    "timm_sdpa.ts17": "add layernorm attention",
    "hug.ts17": "attention",
    "hug.dynamo18": "attention",
    "gelu.ts11": "conv gelu conv gelu",
    "gelu.dynamo18": "conv gelu conv gelu",
    "acts.ts11": "conv silu conv hardswish conv hardsigmoid conv mish conv elu conv selu conv "
    "softplus conv leaky_relu conv prelu conv prelu conv relu6 conv tanh",
    "acts.dynamo18": "conv silu conv hardswish conv hardsigmoid conv mish conv elu conv selu conv "
    "softplus conv leaky_relu conv prelu conv prelu conv relu6 conv tanh",
    "ln.ts11": "layernorm",
    "ln_noaff.ts11": "layernorm",
    "ln_all.ts17": "layernorm",
    "gn.ts17": "groupnorm",
    "gn_noaff.ts17": "groupnorm",
    "gn.dynamo18": "groupnorm",
    "in.ts17": "instancenorm",
    "in_noaff.ts17": "instancenorm",
    "ln2d.ts17": "layernorm",
    "shuffle.dynamo18": "channel_shuffle pixel_shuffle space_to_depth",
    "up.ts11": "concat upsample upsample upsample upsample",
    "up.dynamo18": "concat upsample upsample upsample upsample",
    "upt.ts17": "conv_transpose conv_transpose",
    "se.ts17": "multiply global_avgpool conv relu conv sigmoid",
    "se_lin.ts17": "multiply global_avgpool flatten linear relu linear sigmoid reshape",
    "pools.ts17": "maxpool avgpool global_avgpool",
    "pools.dynamo18": "maxpool avgpool global_avgpool",
    "pad.ts17": "pad pad pad concat slice slice concat slice slice conv",
    "pad.dynamo18": "pad pad pad pad conv",
    "conv1d.ts17": "conv relu maxpool",
    "conv3d.ts17": "conv relu avgpool",
    "cls.ts17": "add concat learned learned slice flatten linear",
    "cls.dynamo18": "add concat learned learned slice flatten linear",
    "lstm.ts17": "lstm",
    "bilstm.dynamo18": "lstm lstm",
    "gru.ts11": "gru",
    "l2.ts17": "l2norm",
    "l2.dynamo18": "l2norm",
    "mixer.ts17": "add linear gelu linear",
    "nhwc.ts17": "linear",
    "focus.ts11": "space_to_depth conv",
    "unet.ts17": "concat maxpool conv relu conv_transpose conv",
    "siam.ts17": "subtract conv affine conv abs",
    **dict.fromkeys(
        ("swin.ts17", "swin.dynamo20"),
        f"conv layernorm {SWIN} {SWIN} pad space_to_depth layernorm linear {SWIN} {SWIN} layernorm "
        "global_avgpool flatten linear",
    ),
    **dict.fromkeys(
        ("maxvit.ts17", "maxvit.dynamo20"),
        "conv gelu conv add avgpool conv batchnorm conv gelu depthwise_conv gelu multiply "
        f"global_avgpool conv silu conv sigmoid conv {SWIN} {SWIN} global_avgpool layernorm "
        "flatten linear tanh linear",
    ),
    **dict.fromkeys(("lrn.ts17", "lrn.dynamo20"), "conv lrn"),
    "adaptive.dynamo20": "conv adaptive_avgpool",
    "sdpa.dynamo23": "attention",
    "unpool.dynamo20": "conv maxpool maxpool maxunpool conv maxunpool",
    "logsm.ts17": "softmax global_avgpool log_softmax flatten",
}
"""File → the kinds that its module is, in the order of the spec, a merge before its branches."""


def kinds_of(path: str) -> list[str]:
    """The kinds of all items, a merge before what is in its branches."""
    spec = taken(path).spec
    assert spec is not None
    kinds = []
    stack = [*spec.layers[::-1]]
    while stack:
        item = stack.pop()
        if item.kind is not None:
            kinds.append(item.kind)
        stack += [each for branch in item.branches for each in branch][::-1]
    return kinds


def answers(path: str) -> list[tuple[Any, Any]]:
    """What ONNX Runtime and the layers give for one input, laid out alike."""
    network = read(path)
    assert not network.errors, network.errors
    assert network.complete
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    shape = network.shape_of(network.inputs[0])
    assert shape is not None
    x = np.random.default_rng(3).standard_normal((1, *shape.axes)).astype(np.float32)
    theirs = x if list(x.shape) == given.shape else np.moveaxis(x, 1, -1)
    assert list(theirs.shape) == given.shape
    wanted = session.run(None, {given.name: theirs})
    outputs = run_network(network, x, reference=True)
    pairs = []
    for want, y in zip(wanted, outputs.values(), strict=True):
        last = want.ndim == y.ndim and want.shape != y.shape
        pairs.append((want, np.moveaxis(y, 1, -1) if last else y))
    return pairs


@tabled("name", KINDS)
def test_a_module_is_recognised_and_gives_its_values(name: str) -> None:
    path = str(FOLDER / f"{name}.onnx")

    assert " ".join(kinds_of(path)) == KINDS[name]
    for want, y in answers(path):
        assert y.size == want.size
        error = np.abs(y.reshape(-1) - want.reshape(-1)).max() / np.abs(want).max()
        assert error <= 1e-5


@tabled("name", KINDS)
def test_what_a_module_takes_is_what_its_file_holds(name: str) -> None:
    """Each float array is a parameter, but for ones of GroupNorm and numbers of formulas."""
    path = FOLDER / f"{name}.onnx"
    made = onnx.load(path)
    used = {read for node in made.graph.node for read in node.input}
    held = sum(
        int(np.prod(tensor.dims))
        for tensor in made.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.name in used
        and int(np.prod(tensor.dims)) > 1
    )  # fmt: skip
    totals = analyze(read(str(path))).totals
    assert totals.parameters is not None
    extra = totals.parameters + (totals.buffers or 0) - held

    assert extra == EXTRA.get(name, 0), f"{totals.parameters} of {held}"


EXTRA = {
    "acts.ts11": 1,  # a slope of PReLU that is one number
    "acts.dynamo18": 1,
    "gn.dynamo18": -2 * 2,  # ones and zeros of the instance norm of two groups
    "up.dynamo18": -4,  # factors of Resize
    "adaptive.dynamo20": -9,  # how many positions each region has
    # Biases of 16² pairs, of which tables have 7² for each of six heads; and parts of masks.
    "swin.ts17": (49 - 256) * 6,
    "swin.dynamo20": (49 - 256) * 6 - 64,
    # The same of 4² pairs and four heads; and one bias of an excitation of one channel.
    "maxvit.ts17": (9 - 16) * 4 + 1,
    "maxvit.dynamo20": (9 - 16) * 4 + 1,
    "bilstm.dynamo18": -2 * 8,  # first states of zeros, one array for all
}
"""What a network counts more than the file's arrays of more than one number."""


OF_SEVERAL = {
    "cross.ts17": "attention",
    "decoder.dynamo20": "attention add layernorm attention add layernorm linear relu linear add",
}
"""Files of several inputs → all the kinds there are in each, in any order."""


@tabled("name", OF_SEVERAL)
def test_attention_to_other_tensors_gives_its_values(name: str) -> None:
    path = str(FOLDER / f"{name}.onnx")
    network = read(path)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    draw = np.random.default_rng(4)
    given = {
        each.name: draw.standard_normal(each.shape).astype(np.float32)
        for each in session.get_inputs()
    }
    (want,) = session.run(None, given)
    x = {
        name: np.moveaxis(each, -1, 1)
        for name, each in zip(network.named_inputs, given.values(), strict=True)
    }
    (y,) = run_network(network, x, reference=True).values()

    assert network.complete
    assert {node.kind for node in network.layers} == {*OF_SEVERAL[name].split()}
    assert sum(node.kind == "attention" for node in network.layers) == OF_SEVERAL[name].count("att")
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), want, atol=1e-5 * np.abs(want).max())


def test_verify_runs_the_file_with_its_own_weights() -> None:
    path = str(FOLDER / "unet.ts17.onnx")
    result = CliRunner().invoke(convcalc, ["verify", path])

    assert result.exit_code == 0, result.output
    assert "weights are the file's own" in result.output
    assert verify(path).good
    assert any("the file's own" in note for note in verify(path).notes)
    assert not any("the file's own" in note for note in verify(path, seed=1).notes)


def test_a_spec_that_is_written_and_read_again_is_the_same_network(tmp_path: Path) -> None:
    for name in KINDS:
        path = str(FOLDER / f"{name}.onnx")
        spec = taken(path).spec
        assert spec is not None
        (tmp_path / "net.yaml").write_text(spec.to_yaml())
        first, second = analyze(path), analyze(str(tmp_path / "net.yaml"))
        assert first.totals == second.totals, name
        assert [each.output for each in first.nodes] == [each.output for each in second.nodes]


def test_names_of_the_file_are_kept() -> None:
    network = read(str(FOLDER / "unet.ts17.onnx"))

    assert [node.origin for node in network.nodes if node.kind == "conv"] == [
        "/d/Conv",
        "/o/Conv",
    ]


def test_weights_are_found_whatever_names_are_like(tmp_path: Path) -> None:
    long, held = "{n}\t" * 300, "k{" * 900
    nodes = [
        node("Conv", "x w1", "a", f"1{long}", pads=[1, 1, 1, 1]),
        node("Conv", "a w2", "b", f"2{long}", pads=[1, 1, 1, 1]),
        node("Add", f"b {held}1", "c"),
        node("Sub", f"c 2{held}", "d"),
        node("Mul", f"d 3{held}", "y"),
    ]
    arrays = {f"{held}1": 3, f"2{held}": 4, f"3{held}": 5}
    weights = {"w1": weight(3, 3, 3, 3, seed=1), "w2": weight(3, 3, 3, 3, seed=2)}
    weights |= {name: weight(1, 3, 8, 8, seed=seed) for name, seed in arrays.items()}
    made = model(nodes, weights, outputs=())
    made.graph.output.append(onnx.helper.make_tensor_value_info("y", 1, (1, 3, 8, 8)))

    ((want, y),) = answers(saved(made, tmp_path))
    assert np.allclose(y, want, atol=1e-4)
