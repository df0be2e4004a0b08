"""Files of `verify`: weights and images that are read, activations that are saved."""

import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from verified import Command, verified, written

from convcalc import Shape, forward
from convcalc.cli.running import ending_cleanly
from convcalc.forward import files, values
from convcalc.forward.files import save_arrays, whole_file
from convcalc.forward.foreign import KERAS, FileError
from convcalc.forward.images import DEVIATION, MEAN, read_image
from convcalc.forward.named import read_weights
from convcalc.graph import load, loads
from convcalc.graph.planned import planned


@pytest.fixture
def run() -> Command:
    return verified


@pytest.fixture
def net(tmp_path: Path) -> str:
    return written(tmp_path)


# -- Weights -----------------------------------------------------------------------------------


def safetensors(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def as_safetensors(weights: dict[str, Any]) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in weights.items():
        part = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(part)],
        }
        data += part
    return safetensors(header, data)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_weights_of_files_are_used(run: Command, net: str, tmp_path: Path, suffix: str) -> None:
    network = load(net)
    weights = forward.random_weights(network, 4)
    path = tmp_path / f"weights.{suffix}"
    if suffix == "npz":
        save_arrays(path, weights)
    else:
        path.write_bytes(as_safetensors(weights))
    found, unused, _ = read_weights(str(path), network)

    assert unused == ()
    assert set(found) == set(weights)
    assert all((found[name] == weights[name]).all() for name in weights)
    result = run(net, "--weights", str(path))
    assert result.exit_code == 0, result.output
    assert "weights of a file" in result.stdout


class KerasWeight(np.ndarray):
    """An array with the path that a Keras variable has."""

    path = ""


def test_the_line_that_converts_keras_weights_turns_filters_and_leaves_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras has filters as height × width × in × out, matrices as in × out, and tables by rows."""
    shapes = {"embedding/embeddings": (9, 4), "conv1d/kernel": (3, 4, 2), "dense/kernel": (2, 5)}
    held = []
    for path, shape in shapes.items():
        held.append(np.arange(np.prod(shape), dtype="f4").reshape(shape).view(KerasWeight))
        held[-1].path = path
    model = SimpleNamespace(weights=held)
    saving = SimpleNamespace(load_model=lambda _: model)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(saving=saving))
    out = str(tmp_path / "w.npz")
    exec(KERAS.format(path="m.keras", out=out), {})  # noqa: S102 (the line is what is tested)

    with np.load(out) as found:
        assert {name: found[name].shape for name in found} == {
            "embedding.weight": (9, 4),
            "conv1d.weight": (2, 4, 3),
            "dense.weight": (5, 2),
        }
        assert np.array_equal(found["embedding.weight"], held[0])
        assert np.array_equal(found["conv1d.weight"][1, 3], held[1][:, 3, 1])


def test_foreign_names_are_mapped(run: Command, net: str, tmp_path: Path) -> None:
    network = load(net)
    weights = forward.random_weights(network)
    names = {name: f"module.{number}" for number, name in enumerate(weights)}
    foreign = {names[name]: each for name, each in weights.items()}
    save_arrays(tmp_path / "w.npz", {"extra": np.zeros(3), **foreign})
    for file, text in (
        ("map.json", json.dumps(names)),
        ("map.yaml", "".join(f"{ours}: {theirs}\n" for ours, theirs in names.items())),
    ):
        (tmp_path / file).write_text(text, encoding="utf-8")
        arguments = ("--weights", str(tmp_path / "w.npz"), "--weights-map", str(tmp_path / file))
        result = run(net, *arguments)

        assert result.exit_code == 0, result.output
        assert "1 array not used: extra" in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a, b]", "must be a mapping of names"),
        ("conv1.weight: [a]", "must be a mapping of names"),
        ("", "must be a mapping of names"),
        ("wibble.weight: x", "wibble.weight"),
        ("conv1.weight: x", "no array 'x'"),
        ("a: b: c", "no mapping that can be read"),
    ],
)
def test_wrong_mappings_are_said(
    run: Command, net: str, tmp_path: Path, text: str, message: str
) -> None:
    save_arrays(tmp_path / "w.npz", forward.random_weights(load(net)))
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
    arguments = ("--weights", str(tmp_path / "w.npz"), "--weights-map", str(tmp_path / "map.yaml"))
    result = run(net, *arguments)

    assert result.exit_code == 2
    assert message in result.stderr


def test_all_that_does_not_fit_is_said_at_once(run: Command, net: str, tmp_path: Path) -> None:
    weights = forward.random_weights(load(net))
    weights["conv1.weight"] = weights["conv1.weight"].transpose(2, 3, 1, 0)
    weights["fc.weight"] = weights.pop("linear1.weight")
    weights["batchnorm1.num_batches_tracked"] = np.array(7)
    save_arrays(tmp_path / "w.npz", weights)
    result = run(net, "--weights", str(tmp_path / "w.npz"))

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == "convcalc: 3 weights do not fit the network:"
    assert "conv1.weight: is 3×3×3×4, expected 4×3×3×3" in result.stderr
    assert "linear1.weight: missing, expected 5×144" in result.stderr
    assert "fc.weight: no such weight" in result.stderr


def entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "header"),
    "short": (b"\1\2", "header"),
    "endless header": (safetensors({}, length=2**64 - 1), "header"),
    "header beyond the file": (safetensors({}, length=100), "header"),
    "no header": (safetensors(b""), "header"),
    "no JSON": (safetensors(b"{{{{"), "no JSON"),
    "no text": (safetensors(b"\xff\xff\xff"), "no JSON"),
    "nested": (safetensors(b"[" * 100_000), "no JSON"),
    "a list": (safetensors([1]), "no JSON object"),
    "twice": (safetensors(b'{"a": {}, "a": {}}'), "twice"),
    "entry is no object": (safetensors({"a": 3}), "no JSON object"),
    "unknown type": (safetensors({"a": entry(dtype="F9")}, bytes(8)), "type"),
    "type is a list": (safetensors({"a": entry(dtype=["F32"])}, bytes(8)), "type"),
    "shape is negative": (safetensors({"a": entry(shape=[-2])}, bytes(8)), "shape"),
    "shape has fractions": (safetensors({"a": entry(shape=[2.0])}, bytes(8)), "shape"),
    "shape is true": (safetensors({"a": entry(shape=[True])}, bytes(8)), "shape"),
    "shape is huge": (safetensors({"a": entry(shape=[2**62, 2**62])}, bytes(8)), "shape needs"),
    "shape of 99 axes": (safetensors({"a": entry(shape=[1] * 99)}, bytes(8)), "shape"),
    "beyond the end": (safetensors({"a": entry(data_offsets=[8, 16])}, bytes(8)), "lies at"),
    "backwards": (safetensors({"a": entry(data_offsets=[8, 0])}, bytes(8)), "lies at"),
    "before the start": (safetensors({"a": entry(data_offsets=[-8, 0])}, bytes(8)), "offsets"),
    "three offsets": (safetensors({"a": entry(data_offsets=[0, 4, 8])}, bytes(8)), "offsets"),
    "too few bytes": (safetensors({"a": entry(data_offsets=[0, 4])}, bytes(8)), "shape needs"),
    "overlapping": (
        safetensors({"a": entry(), "b": entry(data_offsets=[4, 12])}, bytes(12)),
        "overlap",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_safetensors_are_refused(run: Command, net: str, tmp_path: Path, name: str) -> None:
    content, message = HOSTILE[name]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)

    with pytest.raises(FileError, match=message):
        read_weights(str(path), load(net))
    assert run(net, "--weights", str(path)).exit_code == 2


def test_safetensors_of_other_types_are_read(tmp_path: Path) -> None:
    network = loads("input: 2x1x2\nlayers: [scale, flatten, linear: {features: 2, bias: false}]\n")
    header = {
        "scale1.weight": {"dtype": "BF16", "shape": [2], "data_offsets": [1, 5]},
        "linear1.weight": {"dtype": "F64", "shape": [2, 4], "data_offsets": [5, 69]},
        "empty": {"dtype": "I64", "shape": [0], "data_offsets": [1, 1]},
        "empty.num_batches_tracked": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]},
    }
    data = b"\7" + struct.pack("<2H", 0x3F80, 0xC000) + np.arange(8.0).tobytes()
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors(header, data))
    with pytest.raises(ValueError, match="empty: no such weight"):
        read_weights(str(path), network)
    found, unused, _ = read_weights(str(path), network, {"scale1.weight": "scale1.weight"})

    assert unused == ("empty",)
    assert found["scale1.weight"].tolist() == [1.0, -2.0]
    assert found["linear1.weight"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}


class Trap:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("trapped",)


def test_what_is_no_npz_file_is_said_plainly(run: Command, net: str, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    absent = run(net, "--weights", str(path)).stderr
    path.write_text("weights", encoding="ascii")
    junk = run(net, "--weights", str(path)).stderr

    assert absent == f"convcalc: {path} cannot be read: No such file or directory\n"
    assert junk == f"convcalc: {path} is no NPZ file: it is no ZIP archive\n"


@pytest.mark.parametrize("kind", ["pickle", "text", "one array", "cut off", "words"])
def test_hostile_npz_files_are_refused(
    run: Command, net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.npz"
    if kind == "pickle":
        np.savez(path, np.array([Trap()], dtype=object))
    elif kind == "text":
        path.write_text("no archive", encoding="utf-8")
    elif kind == "one array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif kind == "words":
        save_arrays(path, {"conv1.weight": np.array(["a"])})
    else:
        save_arrays(path, forward.random_weights(load(net)))
        path.write_bytes(path.read_bytes()[:-30])
    result = run(net, "--weights", str(path))

    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert not (tmp_path / "trapped").exists()


def test_an_archive_that_unpacks_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch, net: str, tmp_path: Path
) -> None:
    np.savez_compressed(tmp_path / "w.npz", np.zeros(1 << 20))
    monkeypatch.setattr(files, "PACKED", 4)

    with pytest.raises(FileError, match="would unpack to"):
        read_weights(str(tmp_path / "w.npz"), load(net))


# -- Images and classes ------------------------------------------------------------------------

IMAGE_SHAPE = Shape(3, (6, 8))


def test_numbers_of_an_array_file_are_the_input(tmp_path: Path) -> None:
    path = str(tmp_path / "x.npy")
    given = np.random.default_rng(0).random((1, 3, 6, 8))
    np.save(path, given)

    assert np.array_equal(read_image(path, IMAGE_SHAPE, batch=2)[1], given[0].astype(np.float32))
    with pytest.raises(FileError, match="3×6×8 numbers, and the input is 3×6×9"):
        read_image(path, Shape(3, (6, 9)))


def test_an_array_of_pixels_is_normalized(tmp_path: Path) -> None:
    path = str(tmp_path / "x.npy")
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    np.save(path, pixels)
    unit = pixels.transpose(2, 0, 1) / 255

    assert np.allclose(read_image(path, IMAGE_SHAPE, "unit")[0], unit, atol=1e-6)
    assert np.allclose(read_image(path, IMAGE_SHAPE, "signed")[0], 2 * unit - 1, atol=1e-6)
    expected = (pixels / 255 - MEAN) / DEVIATION
    assert np.allclose(read_image(path, IMAGE_SHAPE)[0], expected.transpose(2, 0, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("array", "shape", "message"),
    [
        (np.zeros((6, 8, 3), np.int64), IMAGE_SHAPE, "int64"),
        (np.zeros((6, 8, 3), np.uint8), Shape(2, (6, 8)), "1 or 3 channels"),
        (np.array([{}]), IMAGE_SHAPE, "no NPY file"),
    ],
)
def test_arrays_that_are_no_image_are_refused(
    tmp_path: Path, array: Any, shape: Shape, message: str
) -> None:
    np.save(tmp_path / "x.npy", array)

    with pytest.raises(FileError, match=message):
        read_image(str(tmp_path / "x.npy"), shape)


def test_grey_pixels_are_normalized_to_one(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((6, 8), 255, np.uint8))

    assert (read_image(str(tmp_path / "x.npy"), Shape(1, (6, 8))) == 1).all()
    with pytest.raises(FileError, match="three channels"):
        read_image(str(tmp_path / "x.npy"), Shape(1, (6, 8)), "imagenet")


def test_without_pillow_it_is_said(
    run: Command, net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    path = tmp_path / "cat.png"
    path.write_bytes(b"")
    result = run(net, "--image", str(path))

    assert result.exit_code == 2
    assert "needs Pillow" in result.stderr
    assert "pip install pillow" in result.stderr


def test_images_are_scaled_and_cropped(run: Command, net: str, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, 40:88] = 255  # the crop from the middle is white
    image.fromarray(pixels).save(tmp_path / "x.png")
    found = read_image(str(tmp_path / "x.png"), Shape(3, (32, 16)), "unit")

    assert found.shape == (1, 3, 32, 16)
    assert (found == 1).all()
    assert run(net, "--image", str(tmp_path / "x.png")).exit_code == 0
    (tmp_path / "y.png").write_bytes((tmp_path / "x.png").read_bytes()[:60])
    assert run(net, "--image", str(tmp_path / "y.png")).exit_code == 2


def test_the_likeliest_classes_are_named(run: Command, net: str, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("cat\ndog\nowl\nfox\nbee\n", encoding="utf-8")
    arguments = (net, "--top", "3", "--classes", str(names), "--batch", "2", "-f", "json")
    best = json.loads(run(*arguments).stdout)["top"]
    output = forward.run(
        load(net), values.random_inputs(planned(load(net)), 2, 0), seed=0, keep="output"
    )["linear1"]
    shares = np.exp(output) / np.exp(output).sum(axis=1, keepdims=True)

    for example, row in zip(best, shares, strict=True):
        assert [each["class"] for each in example] == list(np.argsort(-row)[:3])
        for each in example:
            assert each["probability"] == pytest.approx(row[each["class"]], rel=1e-4)
            assert each["name"] == ["cat", "dog", "owl", "fox", "bee"][each["class"]]
    assert "Probability" in run(net, "--top", "1").stdout
    names.write_text("cat\n", encoding="utf-8")
    wrong = run(net, "--top", "1", "--classes", str(names))
    assert wrong.exit_code == 2
    assert "1 class, and the output has 5" in wrong.stderr


def test_probabilities_are_not_made_twice() -> None:
    scores = np.log(np.array([[0.5, 0.3, 0.2]]))

    for kind, given in (("softmax", np.exp(scores)), ("linear", scores), ("log_softmax", scores)):
        ((first, share), (second, _)) = values.top(given, kind, 2)[0]
        assert (first, second) == (0, 1)
        assert share == pytest.approx(0.5)


def test_only_scores_have_a_top(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 8x8x3\nlayers: [relu]\n", encoding="utf-8")
    result = run(str(path), "--top", "1")

    assert result.exit_code == 2
    assert "needs scores of classes" in result.stderr


# -- Saving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [(), ("--engine",)])
def test_activations_are_saved(
    run: Command, net: str, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    folder = tmp_path / "out"
    result = run(net, "--save", str(folder), *extra)
    assert result.exit_code == 0, result.output
    network = load(net)
    expected = forward.run(
        network, values.random_inputs(planned(network), 1, 0), reference=True, keep="all"
    )
    with np.load(folder / "activations.npz") as found:
        assert sorted(found.files) == sorted(expected)
        for name, array in expected.items():
            assert np.allclose(found[name], array, atol=1e-4), name
    assert run(net, "--save", str(folder), "--layers", "conv1").exit_code == 0
    with np.load(folder / "activations.npz") as found:
        assert found.files == ["conv1"]


def test_an_interrupted_save_leaves_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "activations.npz"
    path.write_bytes(b"before")

    def interrupted(file: Any, *_: Any, **__: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_arrays(path, {"a": np.zeros(3)})

    assert [each.name for each in tmp_path.iterdir()] == ["activations.npz"]
    assert path.read_bytes() == b"before"


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without asking them")
def test_a_terminated_save_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from convcalc.cli.running import ending_cleanly\n"
        "from convcalc.forward.files import whole_file\n"
        "with ending_cleanly(), whole_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "a.npz")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM

    assert list(tmp_path.iterdir()) == []


def test_the_library_leaves_signals_to_whose_process_it_is(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with whole_file(tmp_path / "a.npz") as file:
        file.write(b"whole")
        assert signal.getsignal(signal.SIGTERM) is before
    with ending_cleanly():
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before


def test_layers_may_have_any_name(tmp_path: Path) -> None:
    arrays = {"file": np.zeros(2), "allow_pickle": np.ones(3), "a.b": np.float32(2)}
    save_arrays(tmp_path / "deep" / "x.npz", arrays)

    with np.load(tmp_path / "deep" / "x.npz") as found:
        assert {name: found[name].shape for name in found.files} == {
            "file": (2,),
            "allow_pickle": (3,),
            "a.b": (),
        }


def test_what_is_no_file_stays_what_it_is(tmp_path: Path) -> None:
    """A pipe is written to, and a link is followed: neither gives way to a file of its name."""
    mkfifo = getattr(os, "mkfifo", None)
    if mkfifo is None:
        pytest.skip("there are no named pipes")
    mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(tmp_path / "pipe") as file:
        file.write(b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "file").write_bytes(b"before")
    (tmp_path / "link").symlink_to("file")
    with whole_file(tmp_path / "link") as file:
        file.write(b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"after"
