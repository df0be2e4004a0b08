"""A layer run as in training: what it keeps is what the memory model says, by name and by bytes."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from kinds import CASES, shape
from recorded import looked_up
from tabled import tabled
from test_forward import BLOCK, IMAGE, LINE, OTHERS, SLIDING, VECTOR, Row

from convcalc.forward.held import storage
from convcalc.forward.observe import LIBRARY, dry
from convcalc.forward.recording import record, recorded
from convcalc.layers import CATALOGUE, Layer, kinds, layer_class
from convcalc.layers import operations as memory
from convcalc.layers.base import INFERENCE
from convcalc.layers.operations import Array, kept, of_batch
from convcalc.shape import Shape

UNEVEN: list[Row] = [
    (kind, {**fields, "kernel": 3, "padding": "same", "stride": 2}, [Shape(6, (8,) * rank)])
    for rank in (1, 2, 3)
    for kind, fields in (
        ("conv", {"filters": 4}),
        ("depthwise_conv", {}),
        ("locally_connected", {"filters": 4}),
        ("maxpool", {}),
        ("avgpool", {}),
        ("lppool", {}),
    )
]
"""More padding behind than in front, which no kernel of PyTorch makes by itself."""
MORE: list[Row] = [
    *(("pad", {"padding": 1, "mode": mode}, [LINE]) for mode in ("zero", "reflect", "circular")),
    *(("linear", {"features": 3, "bias": bias}, [VECTOR]) for bias in (True, False)),
    *(("dropout", {"rate": rate}, [IMAGE]) for rate in (0, 0.5, 1)),
    ("instancenorm", {"affine": True, "track_running_stats": True}, [IMAGE]),
    ("multiply", {}, [IMAGE]),
    ("multiply", {}, [IMAGE, Shape(6, (1, 1)), Shape(1, (7, 9)), IMAGE]),
    ("lrn", {"size": 50}, [IMAGE]),
]
HAND: list[Row] = [
    (row.kind, row.fields, [shape(text) for text in row.inputs.split()])
    for row in CASES
    if max(int(size) for size in re.findall("[0-9]+", row.inputs)) <= 32
]
"""Where every kind has a row; large maps say nothing more."""
ROWS = [*SLIDING, *OTHERS, *UNEVEN, *MORE, *HAND]


def cases(kind: str) -> Iterator[tuple[Layer, Sequence[Shape]]]:
    """The layers of a kind in the tables, on their inputs and on inputs of every rank."""
    for fields, xs in [(fields, xs) for each, fields, xs in ROWS if each == kind]:
        layer = layer_class(kind)(**fields)
        others = [[x] * len(xs) for x in (VECTOR, LINE, IMAGE, BLOCK)]
        for shapes in (xs, *others):
            if not [problem for problem in layer.check(shapes) if problem.severity == "error"]:
                yield layer, shapes


def sizes(arrays: dict[str, Array], batch: int) -> dict[str, int]:
    """Bytes of what is declared, in float32 on the CPU."""
    return {
        name: (array.values * batch + array.constant) * (array.width or 4)
        for name, array in arrays.items()
    }


def compare(layer: Layer, shapes: Sequence[Shape], batch: int) -> tuple[dict[str, int], ...]:
    """What a layer keeps and what its operations declare, by name, in bytes."""
    plan = layer.plan(shapes)
    weights = {weight.name: dry(weight.shape) for weight in plan.weights}
    y, made = recorded(LIBRARY, layer, weights, [dry((batch, *x.axes)) for x in shapes])
    assert y.shape == (batch, *plan.output.axes)
    declared = kept(shapes, of_batch(layer.operations(shapes, plan), batch))
    expected = sizes(declared, batch)
    for name in expected.keys() & layer.unmade:  # its input is kept instead
        del expected[name]
        expected["input"] = 4 * batch * shapes[0].size
    return {name: array.nbytes for name, array in made.items()}, expected


@tabled("kind", CATALOGUE)
def test_what_is_kept_is_no_view_of_more(kind: str) -> None:
    """An array that is kept keeps alive all that it is a view of."""
    for layer, shapes in cases(kind):
        if sum(x.size for x in shapes) <= 400:
            plan = layer.plan(shapes)
            weights = {weight.name: np.ones(weight.shape) for weight in plan.weights}
            xs = [np.ones((2, *x.axes)) for x in shapes]
            _, made = recorded(np, layer, weights, looked_up(layer, xs))
            for name, array in made.items():
                if not name.startswith("input") and name != "output":
                    assert storage(array).nbytes == array.nbytes, (layer, shapes, name)


@tabled("kind", CATALOGUE)
def test_what_a_layer_keeps_in_training_is_what_its_operations_declare(kind: str) -> None:
    declared: set[str] = set()
    for layer, shapes in cases(kind):
        for batch in (1, 2):
            made, expected = compare(layer, shapes, batch)
            assert made == expected, (layer, shapes)
        declared |= kept(shapes, layer.operations(shapes, layer.plan(shapes))).keys()

    for name, reason in layer_class(kind).unmade.items():
        assert name in declared, f"{name} is never kept: its reason is of no use"
        assert len(reason) > 20


def test_every_kind_is_met_and_on_every_rank_that_it_takes() -> None:
    everywhere = kinds("pool", "norm", "activation", "softmax", "identity", "merge")
    for kind in CATALOGUE:
        ranks = {shapes[0].rank for _, shapes in cases(kind)}
        assert ranks, kind
        assert ranks >= {1, 2, 3} or kind not in everywhere - {"matmul", "kmaxpool"}, (kind, ranks)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("maxpool", {"name": "places"}),
        ("maxpool", {"width": 4}),
        ("batchnorm", {"constant": 7}),
        ("groupnorm", {"values": 2}),
        ("dropout", {"kept": False}),
    ],
)
def test_a_wrong_declaration_is_seen(
    kind: str, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, shapes = next(cases(kind))
    made, expected = compare(layer, shapes, 2)
    assert made == expected
    right = type(layer).operations

    def declared(self: Layer, xs: Any, plan: Any) -> Any:
        return tuple(
            each._replace(extra=(each.extra[0]._replace(**wrong), *each.extra[1:]))
            if each.extra
            else each
            for each in right(self, xs, plan)
        )

    monkeypatch.setattr(type(layer), "operations", declared)
    made, expected = compare(layer, shapes, 2)
    assert made != expected


def test_names_of_what_is_made_on_the_way_are_said_once() -> None:
    for kind in CATALOGUE:
        for layer, shapes in cases(kind):
            operations = layer.operations(shapes, layer.plan(shapes))
            extra = [array for each in operations for array in each.extra]
            arrays = [array.name for array in extra if array.kept]  # others are gone at once
            assert all(array.name for array in extra), kind
            assert len({*arrays}) == len(arrays), kind
            outputs = [each.name for each in operations[:-1] if each.storage != "view"]
            wanted = {*outputs} & kept(shapes, operations).keys()
            assert all(outputs.count(name) == 1 for name in wanted), kind
            assert not {*arrays} & wanted, kind


def test_views_are_kept_by_what_they_are_views_of() -> None:
    x = Shape(3, (5,))
    flat = memory.view(15)
    raised = memory.power(15, 1)
    assert kept([x], (flat, raised)) == {"input": Array("input", 15)}
    assert kept([x], (raised._replace(reads=(0,), keeps="output"), flat._replace(reads=(1,)))) == {
        "output": Array("output", 15)
    }
    assert kept([x, x], (memory.Operation(15, (0, 1), keeps="input"),)).keys() == {
        "input 1",
        "input 2",
    }


# Values


def made(kind: str, **fields: Any) -> Layer:
    return layer_class(kind)(**fields)


def random(*shape: int) -> Any:
    return np.random.default_rng(5).standard_normal(shape)


@tabled(
    ("kind", "fields"),
    [
        ("maxpool", {"kernel": 3, "stride": 2, "padding": 1, "rounding": "ceil"}),
        ("maxpool", {"kernel": 2, "dilation": 2, "rounding": "floor"}),
        ("adaptive_maxpool", {"size": 4}),
        ("global_maxpool", {}),
    ],
)
@tabled("spatial", [(7,), (7, 9), (5, 6, 4)])
def test_indices_say_where_the_largest_values_stand(
    kind: str, fields: dict[str, Any], spatial: tuple[int, ...]
) -> None:
    layer, x = layer_class(kind)(**fields), random(2, 3, *spatial)
    y, held = recorded(np, layer, {}, [x])
    indices = held["indices"]
    assert indices.dtype == np.int64
    flat = np.take_along_axis(x.reshape(2, 3, -1), indices.reshape(2, 3, -1), axis=2)
    assert np.array_equal(flat.reshape(y.shape), y)
    assert np.array_equal(layer.forward(np, {}, [x]), y)


@pytest.mark.parametrize("kind", ["maxpool", "adaptive_maxpool", "global_maxpool"])
def test_of_equal_values_the_first_is_the_largest_and_nan_is_larger(kind: str) -> None:
    fields = {"maxpool": {"kernel": 3}, "adaptive_maxpool": {"size": 1}}.get(kind, {})
    layer = layer_class(kind)(**fields)
    x = np.array([[[[0, 1, 2], [0, 2, 1], [2, 0, 0]]]], np.float32)
    assert recorded(np, layer, {}, [x])[1]["indices"].tolist() == [[[[2]]]]
    x[0, 0, 1, 2] = np.nan
    assert recorded(np, layer, {}, [x])[1]["indices"].tolist() == [[[[5]]]]


def test_norms_take_the_statistics_of_the_batch_in_training() -> None:
    x = random(4, 3, 5)
    weights = {"running_mean": np.full(3, 9.0), "running_var": np.full(3, 16.0)}
    weights |= {"weight": np.ones(3), "bias": np.zeros(3)}
    layer = made("batchnorm", eps=0.0)
    y, held = recorded(np, layer, weights, [x])
    assert np.allclose(y.mean(axis=(0, 2)), 0)
    assert np.allclose(y.var(axis=(0, 2)), 1)
    assert np.allclose(held["mean"], x.mean(axis=(0, 2)))
    assert np.allclose(held["variance"], x.var(axis=(0, 2)))
    assert np.allclose(layer.forward(np, weights, [x], INFERENCE), (x - 9) / 4)


def test_running_statistics_move_in_training_and_the_batch_is_not_changed() -> None:
    """By hand: of 1, 3 | 5, 11 the means are 2 and 8, and the variances of a sample 2 and 18."""
    x = np.array([[[1.0, 3.0]], [[5.0, 11.0]]])
    weights = {"running_mean": np.array([1.0]), "running_var": np.array([2.0])}
    layer = made("instancenorm", affine=False, track_running_stats=True, momentum=0.25)
    moved = record(np, layer, weights, [x]).updated
    assert moved == {"running_mean": [1 + 0.25 * (5 - 1)], "running_var": [2 + 0.25 * (10 - 2)]}
    assert [each.tolist() for each in weights.values()] == [[1], [2]]
    # of all four values the mean is 5, and the variance of a sample 56/3
    layer = made("batchnorm", affine=False, track_running_stats=True, momentum=0.25)
    moved = record(np, layer, weights, [x]).updated
    assert moved["running_mean"] == [1 + 0.25 * (5 - 1)]
    assert np.allclose(moved["running_var"], 2 + 0.25 * (56 / 3 - 2))


def test_dropout_zeroes_its_share_in_training_and_keeps_the_mean() -> None:
    x = np.ones((10, 1000), np.float32)
    layer = made("dropout", rate=0.25)
    y, held = recorded(np, layer, {}, [x])
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert np.array_equal(y, x * held["mask"])
    assert y.dtype == held["mask"].dtype == np.float32
    assert np.array_equal(recorded(np, layer, {}, [x])[0], y), "the same seed, the same values"
    assert not np.array_equal(recorded(np, layer, {}, [x], seed=1)[0], y)
    assert layer.forward(np, {}, [x]) is x
    with pytest.raises(TypeError, match="inference draws no numbers"):
        INFERENCE.uniform(np, (2,))


def test_what_lrn_keeps_gives_its_output_back() -> None:
    x = random(2, 6, 3, 3)
    layer = made("lrn", size=3)
    y, held = recorded(np, layer, {}, [x])
    assert np.allclose(held["plus"] ** 0.75, held["power"])
    assert np.array_equal(x / held["power"], y)


def test_indices_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    x = random(2, 4, 8, 9)
    given, pools = torch.from_numpy(x), torch.nn.functional
    pool = made("maxpool", kernel=3, stride=2, padding=1, rounding="ceil")
    _, held = recorded(np, pool, {}, [x])
    _, theirs = pools.max_pool2d(given, 3, 2, 1, ceil_mode=True, return_indices=True)
    assert np.array_equal(held["indices"], theirs.numpy())
    _, held = recorded(np, made("adaptive_maxpool", size=(3, 4)), {}, [x])
    _, theirs = pools.adaptive_max_pool2d(given, (3, 4), return_indices=True)
    assert np.array_equal(held["indices"], theirs.numpy())


@pytest.mark.parametrize(
    ("kind", "peer"), [("batchnorm", "BatchNorm2d"), ("instancenorm", "InstanceNorm2d")]
)
def test_norms_in_training_are_pytorchs(kind: str, peer: str) -> None:
    torch = pytest.importorskip("torch")
    module = getattr(torch.nn, peer)(4, affine=True, track_running_stats=True).double().train()
    x = random(2, 4, 8, 9)
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    weights = {name: value.copy() for name, value in weights.items()}
    layer = made(kind, affine=True, track_running_stats=True, momentum=0.1)
    run = record(np, layer, weights, [x])
    assert np.allclose(run.output, module(torch.from_numpy(x)).detach().numpy())
    state = module.state_dict()
    for name in ("running_mean", "running_var"):
        assert np.allclose(run.updated[name], state[name].numpy(), 1e-12, 0)
