"""Weights with other libraries' names: taken where it is certain what is what, and never else."""

import json
import re
import shlex
import struct
from collections.abc import Mapping
from functools import cache
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from draws import Draw, examples
from kinds import RUN, Case
from paths import ROOT
from tabled import tabled

import convcalc
from convcalc import forward
from convcalc.cli import convcalc as convcalc_command
from convcalc.diagnostics import ArgumentError
from convcalc.forward.foreign import FileError
from convcalc.forward.mapping import bundled_maps, lines_of, read_mapping
from convcalc.forward.matching import Slot, match
from convcalc.forward.named import Fitted, fitted, given_weights, read_weights
from convcalc.forward.weights import expected_weights
from convcalc.graph import Network, loads

PUBLISHED: dict[str, dict[str, list[str]]] = json.loads(
    (ROOT / "tests" / "data" / "published_names.json").read_text(encoding="utf-8")
)
"""Network and library → what the library calls its layers, in the order that they have here."""

TWO = (
    "input: 8x8x4\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - conv: {filters: 4, kernel: 3}\n"
)


def renamed(network: Network, modules: list[str]) -> dict[str, Any]:
    """Arrays by a library's names, each filled with the number of the weight that it is."""
    layers: dict[str, str] = {}
    arrays = {}
    for number, (name, index, weight) in enumerate(expected_weights(network)):
        layer, _, leaf = name.rpartition(".")
        module = layers.setdefault(layer, modules[len(layers)] if layer not in layers else "")
        bare = network.nodes[index].kind in ("scale", "learned")
        full = module if bare else f"{module}.{leaf}"
        arrays[full] = np.broadcast_to(np.float32(number), weight.shape)
    return arrays


def numbers(weights: Mapping[str, Any], network: Network) -> list[int]:
    return [int(weights[name].flat[0]) for name, _, _ in expected_weights(network)]


def save_safetensors(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays as the library does that is called so: sorted by name."""
    header, at = {}, 0
    for name in sorted(arrays):
        array = arrays[name]
        header[name] = {
            "dtype": "F32",
            "shape": [*array.shape],
            "data_offsets": [at, at + 4 * array.size],
        }
        at += 4 * array.size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(arrays):
            file.write(np.ascontiguousarray(arrays[name], "<f4").tobytes())


@cache
def published(name: str) -> tuple[Network, Fitted]:
    """A network, and its weights by a library's names, in the order of the alphabet."""
    network = convcalc.load(name.partition(" of ")[0])
    arrays = renamed(network, PUBLISHED[name]["modules"])
    arrays |= {f"{each}.weight": np.zeros(3) for each in PUBLISHED[name].get("unused", ())}
    arrays["bn.num_batches_tracked"] = np.array(7)
    ordered = {each: arrays[each] for each in sorted(arrays)}
    return network, fitted(ordered, network, path="w.safetensors")


@pytest.mark.thorough
@tabled("name", PUBLISHED)
def test_published_names_are_known_in_any_order(name: str) -> None:
    network, found = published(name)

    assert numbers(found.weights, network) == [*range(len(found.weights))]
    assert [each.removesuffix(".weight") for each in found.unused] == PUBLISHED[name].get(
        "unused", []
    )
    assert "w.safetensors has other names, " in found.notes[0]


@pytest.mark.thorough
@tabled("case", [case for case in RUN if case.parameters and len(case.shapes) == 1], ids=str)
def test_a_layer_of_any_kind_is_known_by_order_and_shape(case: Case) -> None:
    """Or it is told that its arrays may be several, where they are of one shape."""
    network = convcalc.loads(f"input: {case.inputs}\nlayers: [{{{case.item}, name: own}}]")
    names = [name for name, _, _ in expected_weights(network)]
    arrays = {
        name.replace("own", "theirs.0"): np.full(weight.shape, number, np.float32)
        for number, (name, _, weight) in enumerate(expected_weights(network))
    }
    try:
        found = fitted(arrays, network, path="w.safetensors")
    except ArgumentError as error:
        told = "which do not tell which array is which" in str(error)
        assert told, error  # noqa: PT017 (a layer may be clear, too)
        assert len({array.shape for array in arrays.values()}) < len(names)
    else:
        assert numbers(found.weights, network) == [*range(len(names))]


def test_a_line_about_attention_leaves_its_out_projection_to_be_matched() -> None:
    network = convcalc.loads("input: 5x4\nlayers: [attention: 2, attention: 2]")
    arrays = {
        name.replace("attention", "x.a"): np.full(weight.shape, number, np.float32)
        for number, (name, _, weight) in enumerate(expected_weights(network))
    }
    found = fitted(arrays, network, {"attention{n}": "x.a{n}"}, "w.safetensors")
    assert numbers(found.weights, network) == [*range(len(arrays))]


def test_every_line_of_every_bundled_map_is_used() -> None:
    for bundled in bundled_maps():
        used = set()
        for network, found in map(published, PUBLISHED):
            if f"the bundled map {bundled.name} (" not in found.notes[0]:
                continue
            layers = {name.rpartition(".")[0] for name in found.weights}
            for layer in layers:
                used.add(next(x.name for x in bundled.lines if x.pattern.fullmatch(layer)))
            assert (bundled.differs != "") == (len(found.notes) > 1), network.name
        assert {line.name for line in bundled.lines} == used, bundled.name
        assert bundled.about


def test_the_docs_list_every_bundled_map() -> None:
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE)

    assert rows == [(bundled.name, bundled.about) for bundled in bundled_maps()]


def test_a_file_of_published_weights_runs_as_in_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch says what the outputs are")
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.downsample = nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8))
            self.conv1, self.bn1 = nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8)

        def forward(self, x: Any) -> Any:
            return self.downsample(x) + torch.relu(self.bn1(self.conv1(x)))

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), Block(), Block(), nn.Flatten(), nn.Linear(288, 5))
    for each in model.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.running_mean.normal_()
            each.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(each.weight, 0.5, 1.5)
    state = {name: array.numpy() for name, array in model.eval().state_dict().items()}
    save_safetensors(tmp_path / "w.safetensors", state)
    network = convcalc.loads(
        "input: 8x8x3\nblocks:\n  block:\n    layers:\n      - add:\n"
        "          - [{conv: {filters: 8, kernel: 1, bias: false}}, batchnorm]\n"
        "          - [{conv: {filters: 8, kernel: 1, bias: false}}, batchnorm, relu]\n"
        "layers:\n  - conv: {filters: 8, kernel: 3}\n  - {block: {}, repeat: 2}\n  - flatten\n"
        "  - linear: 5\n"
    )
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
    with pytest.raises(ValueError, match=r"do not tell which array is which") as caught:
        convcalc.run(network, x, tmp_path / "w.safetensors")
    assert "block1.conv1, block1.conv2: weight 8×8 may be" in str(caught.value)
    (tmp_path / "map.yaml").write_text(
        '"block{n}.conv1": "{n}.downsample.0"\n"block{n}.batchnorm1": "{n}.downsample.1"\n'
    )
    names = read_mapping(str(tmp_path / "map.yaml"))
    found = read_weights(str(tmp_path / "w.safetensors"), network, names)
    out = convcalc.run(network, x, found.weights)["linear1"]
    with torch.no_grad():
        wanted = model(torch.from_numpy(x)).numpy()

    assert np.abs(out - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert "what the mapping leaves out was matched" in found.notes[0]


def in_order(one: str, other: str) -> bool | None:
    """Whether names count one before the other, said once more: by their first difference."""
    for mine, theirs in zip(re.split(r"(\d+)", one), re.split(r"(\d+)", other), strict=False):
        if mine != theirs:
            return int(mine) < int(theirs) if mine.isdigit() and theirs.isdigit() else None
    return None


def modules(draw: Draw) -> list[tuple[str, int, int]]:
    """Stem, number and shape of one to six modules."""
    named = draw.sample([*product(["a", "b", "a.c", "b.c"], range(3))], draw.randint(1, 6))
    return [(stem, number, draw.randint(1, 2)) for stem, number in named]


@examples(60, drawn=modules, random=lambda draw: draw)
def test_what_is_certain_is_so_in_every_order_that_there_is(
    drawn: list[tuple[str, int, int]], random: Draw
) -> None:
    """All orders are tried: those that keep what names count, and every shape."""
    there = [Slot(f"{stem}{number}", (("weight", (size,)),)) for stem, number, size in drawn]
    wanted = [Slot(f"layer{place}", slot.signature) for place, slot in enumerate(there)]
    random.shuffle(there)
    possible = [
        order
        for order in permutations(there)
        if all(slot.signature == layer.signature for slot, layer in zip(order, wanted, strict=True))
        and not any(
            in_order(later.name, earlier.name)
            for place, later in enumerate(order)
            for earlier in order[:place]
        )
    ]
    answer = match(wanted, there)

    if not possible:
        assert answer.impossible or answer.unclear
    for place, layer in enumerate(wanted):
        if layer.name in answer.names:
            assert {order[place].name for order in possible} == {answer.names[layer.name]}
    open_ones = {name for each in answer.unclear for name in each.layers}
    assert answer.impossible or open_ones | {*answer.names} == {layer.name for layer in wanted}
    if len(possible) == 1:
        assert not answer.unclear, "the only order is found"


def test_a_thousand_layers_alike_take_no_time() -> None:
    many = [Slot(f"blocks.{number}.conv", (("weight", (8, 8)),)) for number in range(3000)]
    answer = match([Slot(f"layer{n}", slot.signature) for n, slot in enumerate(many)], many[::-1])

    assert answer.names["layer2999"] == "blocks.2999.conv"
    assert not answer.unclear
    endless = [Slot("a." * 5000 + str(number), many[0].signature) for number in range(3000)]
    assert len(match(many, endless).unclear) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("front", "back"), "conv1, conv2: bias 4, weight 4×4×3×3 may be front, back"),
        (("features.1.a", "features.0.b"), None),
        (("x.conv2", "x.conv1"), None),
        (("conv2d_1", "conv2d"), None),
    ],
)
def test_names_that_do_not_count_are_refused_with_what_to_write(
    names: tuple[str, str], said: str | None
) -> None:
    network = convcalc.loads(TWO)
    arrays = renamed(network, [*names])
    if said is None:
        arrays = {name: arrays[name] for name in sorted(arrays)}
        found = fitted(arrays, network)
        assert numbers(found.weights, network) == [2, 3, 0, 1]
        return
    with pytest.raises(ValueError, match="do not tell which array is which") as caught:
        fitted(arrays, network)
    assert said in str(caught.value)
    # Which is the first is what is not known: no name is suggested.
    assert str(caught.value).endswith(
        "for --weights-map, a line a layer, the name here and the one there (conv1: …); the rest "
        "is matched"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays: arrays.pop("m.0.weight"), "conv1: bias 4, weight 4×4×3×3 is wanted"),
        (
            lambda arrays: arrays.update({"m.2.weight": np.zeros((7, 7))}),
            "m.2: weight 7×7 is there",
        ),
        (
            lambda arrays: arrays.update({"m.0.weight": np.zeros((3, 3, 4, 4))}),
            "there are such with axes in another order: PyTorch's is filters first",
        ),
    ],
)
def test_a_file_of_other_shapes_is_told_what_is_missing_and_what_is_turned(
    change: Any, said: str
) -> None:
    network = convcalc.loads(TWO)
    arrays = renamed(network, ["m.0", "m.1"])
    change(arrays)

    with pytest.raises(ValueError, match="its shapes are not the network's") as caught:
        fitted(arrays, network)
    assert said in str(caught.value)


def test_own_names_with_turned_axes_say_so() -> None:
    network = convcalc.loads(TWO)
    arrays = renamed(network, ["conv1", "conv2"])
    arrays["conv2.weight"] = np.zeros((3, 3, 4, 4))

    with pytest.raises(ValueError, match="is 3×3×4×4, expected 4×4×3×3: its axes are in another"):
        convcalc.verify(network, weights=arrays)


def test_a_convolution_over_a_whole_map_is_the_linear_layer_that_it_is() -> None:
    network = convcalc.loads("input: 2x2x3\nlayers: [flatten, linear: 5]\n")
    weight = np.arange(60, dtype=np.float32).reshape(5, 3, 2, 2)
    found = fitted({"head.fc.weight": weight, "head.fc.bias": np.zeros(5)}, network)

    assert (found.weights["linear1.weight"] == weight.reshape(5, 12)).all()


@pytest.mark.parametrize(
    ("name", "theirs", "asked", "called"),
    [
        ("conv{n}", "features.{3 * (n - 1)}", "conv4", "features.9"),
        ("s{s}.b{b}.conv1", "layer{s}.{b - 1}.c", "s2.b10.conv1", "layer2.9.c"),
        ("mixed_{unit:text}.conv{n}", "{unit}.{n}", "mixed_5b.conv2", "5b.2"),
        ("m{n}", "b{4 + (n - 1) // 3}.{(n - 1) % 3}", "m5", "b5.1"),
        ("conv{n}", "x", "conv_a", None),
        ("mixed_{unit:text}", "{unit}", "mixed_5b.conv", None),
    ],
)
def test_a_line_of_a_map_has_groups(name: str, theirs: str, asked: str, called: str | None) -> None:
    (line,) = lines_of({name: theirs})

    assert line.called(asked) == called


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("'conv{}': a", "has {}, and a group is a name of its own"),
        ("'conv{1}': a", "has {1}, and a group is a name of its own"),
        ("'conv{n}{n}': a", "and a group is a name of its own"),
        ("'conv{n': a", "a brace that is not closed"),
        ("'conv{n}': 'a{n'", "a brace that is not closed"),
        ("'conv{n}': 'a{m}'", "cannot be worked out"),
        ("'conv{n}': 'a{n - 5}'", "gives -4 for {n - 5}"),
        ("'conv{n}': 'a{n / 2}'", "gives 0.5 for {n / 2}"),
        ("'wibble{n}': 'a{n}'", "weights that the network does not have: wibble{n}"),
        ("'conv{n}': 'a{n}'", "has no array 'a1.weight', which the mapping names for conv1.weight"),
    ],
)
def test_a_map_that_says_nothing_is_refused(tmp_path: Path, line: str, said: str) -> None:
    network = convcalc.loads(TWO)
    (tmp_path / "map.yaml").write_text(line, encoding="utf-8")
    save_safetensors(tmp_path / "w.safetensors", renamed(network, ["m.0", "m.1"]))

    with pytest.raises(FileError, match=re.escape(said)):
        read_weights(
            str(tmp_path / "w.safetensors"), network, read_mapping(str(tmp_path / "map.yaml"))
        )


def test_files_are_told_by_their_content_whatever_they_are_called(tmp_path: Path) -> None:
    network = convcalc.loads(TWO)
    arrays = renamed(network, ["m.0", "m.1"])
    np.savez(tmp_path / "w.npz", **arrays)
    (tmp_path / "w.npz").rename(tmp_path / "w.safetensors")
    save_safetensors(tmp_path / "w.bin", arrays)

    for file in ("w.safetensors", "w.bin"):
        found = read_weights(str(tmp_path / file), network)
        assert numbers(found.weights, network) == [0, 1, 2, 3]


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_is_never_unpickled_and_its_line_converts_it(
    tmp_path: Path, *, legacy: bool
) -> None:
    torch = pytest.importorskip("torch", reason="it writes the checkpoint and converts it")
    network = convcalc.loads(TWO)
    arrays = renamed(network, ["m.0", "m.1"])
    state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    path = tmp_path / "it's $mine.safetensors"
    torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=not legacy)

    with pytest.raises(FileError, match="reading one can run code, so it is never done") as caught:
        convcalc.verify(network, weights=path)
    command = shlex.split(str(caught.value).splitlines()[1])
    assert command[:2] == ["python", "-c"]
    exec(command[2], {})  # noqa: S102 (the line that is printed)
    found = read_weights(str(path.with_suffix(".npz")), network)
    assert numbers(found.weights, network) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5, as Keras writes weights"),
        (b"\x93NUMPY" + bytes(20), "one array without a name"),
        (b"GGUF" + bytes(20), "is GGUF"),
        (b"wibble wibble wibble", "neither NPZ nor safetensors, by what it begins with"),
        (b"", "neither NPZ nor safetensors"),
    ],
)
def test_other_files_are_told_what_they_are(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "w.pth").write_bytes(content)

    with pytest.raises(FileError, match=said):
        convcalc.run(convcalc.loads(TWO), np.zeros((1, 4, 8, 8)), tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "w.json is no JSON that can be read"),
        (b"\xff\xfe", "w.json is no JSON that can be read"),
        (b"[" * 100_000, "w.json is no JSON that can be read"),
        (b'{"a": [1], "a": [2]}', "a name stands twice"),
        (b"[1, 2]", "w.json must be arrays by name"),
        (b'{"a": [[1], [1, 2]]}', "'a' must be numbers, in lists of equal length"),
        (b'{"a": ["1"]}', "'a' must be numbers"),
        (b'{"a": [true]}', "'a' must be numbers"),
        (b'{"a": [null]}', "'a' must be numbers"),
        (b'{"a": {"b": 1}}', "'a' must be numbers"),
        (b'{"a": []}', "'a' must be numbers"),
        (b'{"a": [1' + b"0" * 400 + b"]}", "'a' must be numbers"),
        (b" " * (16 * 2**20 + 1), "has more than 16,777,216 bytes"),
    ],
)
def test_a_text_of_numbers_that_is_none_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "w.json").write_bytes(content)

    with pytest.raises(FileError, match=re.escape(said)):
        convcalc.run(convcalc.loads(TWO), np.zeros((1, 4, 8, 8)), tmp_path / "w.json")


def test_weights_written_as_text_are_those_of_the_arrays(tmp_path: Path) -> None:
    network = convcalc.loads(TWO)
    arrays = forward.random_weights(network, 3)
    text = json.dumps({name: each.tolist() for name, each in arrays.items()})
    (tmp_path / "w.json").write_text(text)
    x = np.ones((1, 4, 8, 8), "float32")
    (given,) = convcalc.run(network, x, tmp_path / "w.json").values()
    (expected,) = convcalc.run(network, x, arrays).values()

    assert np.array_equal(given, expected)


@tabled("kind", ["int8", "uint8", "int64", "bool"])
def test_whole_numbers_in_a_file_are_said_to_be_taken_as_they_stand(
    kind: str, tmp_path: Path
) -> None:
    network = convcalc.loads(TWO)
    real = forward.random_weights(network, 3)
    first, *others = real
    for whole, said in (([first], f"{first} holds"), ([*real], f"{first} and {len(others)} other")):
        arrays = {name: real[name].astype(kind if name in whole else "float32") for name in real}
        np.savez(tmp_path / "w.npz", **arrays)
        [note] = read_weights(str(tmp_path / "w.npz"), network).notes
        assert note.startswith(said), note
        assert f"whole numbers ({kind})" in note
        assert "scale * (array - zero_point)" in note
    np.savez(tmp_path / "w.npz", **{name: each.astype("float16") for name, each in real.items()})
    assert not read_weights(str(tmp_path / "w.npz"), network).notes
    (tmp_path / "w.json").write_text(
        json.dumps({name: each.astype(int).tolist() for name, each in real.items()})
    )
    assert not read_weights(str(tmp_path / "w.json"), network).notes


def test_the_example_of_the_help_runs_on_published_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pytest.importorskip("PIL.Image", reason="the example has a photograph")
    (example,) = (
        line.split()[1:]
        for line in CliRunner().invoke(convcalc_command, ["verify", "--help"]).stdout.splitlines()
        if "--weights " in line and line.split()[0] == "convcalc"
    )
    name, path = example[1], example[example.index("--weights") + 1]
    network = convcalc.load(name)
    modules = PUBLISHED[f"{name} of torchvision"]["modules"]
    drawn = forward.random_weights(network).values()
    state = dict(zip(renamed(network, modules), drawn, strict=True))
    monkeypatch.chdir(tmp_path)
    save_safetensors(Path(path), state)
    image.new("RGB", (320, 240), "orange").save(example[example.index("--image") + 1])
    result = CliRunner().invoke(convcalc_command, example)

    assert result.exit_code == 0, result.output
    assert f"Note: {path} has other names, " in result.stdout
    assert "Probability" in result.stdout


def test_the_library_takes_published_names_and_says_so() -> None:
    network = convcalc.loads(TWO)
    drawn = forward.random_weights(network).values()
    arrays = dict(zip(renamed(network, ["features.0", "features.3"]), drawn, strict=True))
    verdict = convcalc.verify(network, weights=arrays)

    assert verdict.good
    repeated = {name: np.broadcast_to(np.float32(1), each.shape) for name, each in arrays.items()}
    assert convcalc.verify(network, weights=repeated).good
    assert verdict.notes[0] == (
        "the dictionary has other names, matched by the order that they count and by shape "
        "(conv1 is features.0, conv2 is features.3)"
    )


@tabled("prefix", ["module.", "backbone.", "model.", "state_dict.", "a.b."])
@tabled("name", [*PUBLISHED][:3])
def test_what_all_names_begin_with_is_left_out_and_said(prefix: str, name: str) -> None:
    """As wrappers of a whole model write it; own names and those of bundled maps alike."""
    network, plain = published(name)
    arrays = renamed(network, PUBLISHED[name]["modules"])
    own = {each: np.asarray(array) for each, array in plain.weights.items()}
    by_map = any("the bundled map" in note for note in plain.notes)
    for named in (arrays, own) if by_map else (own,):
        fit = fitted({f"{prefix}{each}": array for each, array in named.items()}, network)
        assert numbers(fit.weights, network) == [*range(len(fit.weights))]
        assert fit.notes[0] == (
            f"every name in the dictionary begins with {prefix!r}, which was left out"
        )
    other = next(iter(own))
    mixed = {f"{prefix}{each}": array for each, array in own.items() if each != other}
    with pytest.raises(ValueError, match=r"names|missing|has no"):
        fitted({**mixed, "else.x": np.zeros(3)}, network)


@tabled(
    ("first", "second"),
    [
        ("layer1.0.conv1", "layer1.0.conv2"),
        ("/layer1/layer1.0/conv1/Conv", "/layer1/layer1.0/conv2/Conv"),
    ],
)
def test_weights_are_found_by_where_layers_come_from(first: str, second: str) -> None:
    """Two layers of the same shapes, whose names count the other way round in the file."""
    conv = "{{conv: {{filters: 2, kernel: 1}}, origin: {0}}}"
    items = f"{conv.format(first)}, {conv.format(second)}"
    network = loads(f"{{input: 4x4x2, layers: [{items}]}}")
    arrays = {
        f"layer1.0.{name}.{leaf}": np.full(shape, value, np.float32)
        for value, name in ((2, "conv2"), (1, "conv1"))
        for leaf, shape in (("weight", (2, 2, 1, 1)), ("bias", (2,)))
    }
    known = given_weights(arrays, network)
    assert {name: float(array.flat[0]) for name, array in known.weights.items()} == {
        "conv1.weight": 1.0,
        "conv1.bias": 1.0,
        "conv2.weight": 2.0,
        "conv2.bias": 2.0,
    }
    assert not known.unused
    assert "has the names that layers come from" in known.notes[0]
