"""Limits that are GPUs: names in every spelling, totals that were published, and CUDA contexts."""

import csv
import io
import json
import re
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from click.testing import CliRunner, Result
from draws import examples
from tabled import tabled

import convcalc
from convcalc.analysis.memory import CONTEXT, GPUS, gpu_memory, gpu_names, read_limit
from convcalc.analysis.memory.gpus import _slips, nearest_gpu
from convcalc.cli import convcalc as command_line
from convcalc.formats.memory import MEMORY_FORMATS

GIB = 2**30

PRINTED = {
    # GeForce, from Pascal to Blackwell; Max-Q is how Turing's laptops are called.
    "GeForce GTX 1080 Ti": 11,
    "NVIDIA GeForce GTX 1660 Ti": 6,
    "GeForce RTX 2060": 6,
    "NVIDIA GeForce RTX 2060 SUPER": 8,
    "GeForce RTX 2070 with Max-Q Design": 8,
    "NVIDIA GeForce RTX 2070 SUPER": 8,
    "GeForce RTX 2080": 8,
    "NVIDIA GeForce RTX 2080 SUPER": 8,
    "NVIDIA GeForce RTX 2080 Super with Max-Q Design": 8,
    "GeForce RTX 2080 Ti": 11,
    "NVIDIA GeForce RTX 3050": 8,
    "NVIDIA GeForce RTX 3050 Laptop GPU": 4,
    "NVIDIA GeForce RTX 3050 Ti Laptop GPU": 4,
    "NVIDIA GeForce RTX 3060": 12,
    "NVIDIA GeForce RTX 3060 Laptop GPU": 6,
    "NVIDIA GeForce RTX 3060 Ti": 8,
    "NVIDIA GeForce RTX 3070": 8,
    "NVIDIA GeForce RTX 3070 Laptop GPU": 8,
    "NVIDIA GeForce RTX 3070 Ti": 8,
    "NVIDIA GeForce RTX 3070 Ti Laptop GPU": 8,
    "NVIDIA GeForce RTX 3080": 10,
    "NVIDIA GeForce RTX 3080 Laptop GPU": 8,
    "NVIDIA GeForce RTX 3080 Ti": 12,
    "NVIDIA GeForce RTX 3080 Ti Laptop GPU": 16,
    "NVIDIA GeForce RTX 3090": 24,
    "NVIDIA GeForce RTX 3090 Ti": 24,
    "NVIDIA GeForce RTX 4050 Laptop GPU": 6,
    "NVIDIA GeForce RTX 4060": 8,
    "NVIDIA GeForce RTX 4060 Laptop GPU": 8,
    "NVIDIA GeForce RTX 4060 Ti": 8,
    "NVIDIA GeForce RTX 4070": 12,
    "NVIDIA GeForce RTX 4070 Laptop GPU": 8,
    "NVIDIA GeForce RTX 4070 SUPER": 12,
    "NVIDIA GeForce RTX 4070 Ti": 12,
    "NVIDIA GeForce RTX 4070 Ti SUPER": 16,
    "NVIDIA GeForce RTX 4080": 16,
    "NVIDIA GeForce RTX 4080 Laptop GPU": 12,
    "NVIDIA GeForce RTX 4080 SUPER": 16,
    "NVIDIA GeForce RTX 4090": 24,
    "NVIDIA GeForce RTX 4090 D": 24,
    "NVIDIA GeForce RTX 4090 Laptop GPU": 16,
    "NVIDIA GeForce RTX 5050": 8,
    "NVIDIA GeForce RTX 5060": 8,
    "NVIDIA GeForce RTX 5060 Laptop GPU": 8,
    "NVIDIA GeForce RTX 5060 Ti": 8,
    "NVIDIA GeForce RTX 5070": 12,
    "NVIDIA GeForce RTX 5070 Laptop GPU": 8,
    "NVIDIA GeForce RTX 5070 Ti": 16,
    "NVIDIA GeForce RTX 5070 Ti Laptop GPU": 12,
    "NVIDIA GeForce RTX 5080": 16,
    "NVIDIA GeForce RTX 5080 Laptop GPU": 16,
    "NVIDIA GeForce RTX 5090": 32,
    "NVIDIA GeForce RTX 5090 D": 32,
    "NVIDIA GeForce RTX 5090 Laptop GPU": 24,
    "NVIDIA GeForce GTX 1060 6GB": 6,
    "NVIDIA GeForce GTX 1070": 8,
    "NVIDIA GeForce GTX 1080": 8,
    "NVIDIA GeForce GTX 1650": 4,
    "NVIDIA GeForce RTX 2050": 4,
    "NVIDIA GeForce RTX 5050 Laptop GPU": 8,
    # Titan
    "GeForce GTX TITAN X": 12,
    "TITAN X (Pascal)": 12,
    "NVIDIA TITAN Xp": 12,
    "TITAN V": 12,
    "NVIDIA TITAN RTX": 24,
    # Workstations
    "Quadro RTX 4000": 8,
    "Quadro RTX 5000": 16,
    "Quadro RTX 6000": 24,
    "Quadro RTX 8000": 48,
    "NVIDIA RTX A1000": 8,
    "NVIDIA RTX A1000 Laptop GPU": 4,
    "NVIDIA RTX A1000 6GB Laptop GPU": 6,
    "NVIDIA RTX A4000 Laptop GPU": 8,
    "NVIDIA RTX A4500 Laptop GPU": 16,
    "NVIDIA RTX A5000 Laptop GPU": 16,
    "NVIDIA RTX A5500 Laptop GPU": 16,
    "NVIDIA RTX 2000 Ada Generation": 16,
    "NVIDIA RTX 2000 Ada Generation Laptop GPU": 8,
    "NVIDIA RTX 3000 Ada Generation Laptop GPU": 8,
    "NVIDIA RTX 3500 Ada Generation Laptop GPU": 12,
    "NVIDIA RTX 4000 Ada Generation": 20,
    "NVIDIA RTX 4000 Ada Generation Laptop GPU": 12,
    "NVIDIA RTX 4500 Ada Generation": 24,
    "NVIDIA RTX 5000 Ada Generation": 32,
    "NVIDIA RTX 5000 Ada Generation Laptop GPU": 16,
    "NVIDIA RTX PRO 4000 Blackwell": 24,
    "NVIDIA RTX PRO 4500 Blackwell": 32,
    "NVIDIA RTX PRO 5000 Blackwell": 48,
    "NVIDIA RTX A2000": 6,
    "NVIDIA RTX A2000 12GB": 12,
    "NVIDIA RTX A2000 Laptop GPU": 4,
    "NVIDIA RTX A2000 8GB Laptop GPU": 8,
    "NVIDIA RTX A3000 Laptop GPU": 6,
    "NVIDIA RTX A3000 12GB Laptop GPU": 12,
    "NVIDIA RTX A4000": 16,
    "NVIDIA RTX A4500": 20,
    "RTX A5000": 24,
    "NVIDIA RTX A5500": 24,
    "RTX A6000": 48,
    "NVIDIA RTX A6000": 48,
    "NVIDIA RTX 6000 Ada Generation": 48,
    "NVIDIA RTX PRO 6000 Blackwell Workstation Edition": 96,
    # Data centres
    "Tesla K80": 12,
    "Tesla P100-PCIE-16GB": 16,
    "Tesla P100-PCIE-12GB": 12,
    "Tesla V100-SXM2-16GB": 16,
    "Tesla V100-PCIE-32GB": 32,
    "Tesla V100S-PCIE-32GB": 32,
    "Tesla T4": 16,
    "NVIDIA A2": 15,  # of 16, 48 and 16 a GPU: a sixteenth holds the error correction
    "NVIDIA A40": 45,
    "NVIDIA A16": 15,
    "NVIDIA A10": 24,
    "NVIDIA A10G": 24,
    "NVIDIA A30": 24,
    "A100-SXM4-40GB": 40,
    "NVIDIA A100-PCIE-40GB": 40,
    "NVIDIA A100-SXM4-80GB": 80,
    "NVIDIA A100 80GB PCIe": 80,
    "NVIDIA L4": 24,
    "NVIDIA L40": 48,
    "NVIDIA L40S": 48,
    "NVIDIA A800 80GB PCIe": 80,
    "NVIDIA H800": 80,
    "NVIDIA H20": 96,
    "NVIDIA GB200": 186,
    "NVIDIA H100 80GB HBM3": 80,
    "NVIDIA H100 PCIe": 80,
    "NVIDIA H100 NVL": 94,
    "NVIDIA H200": 141,
    "NVIDIA B200": 180,
}
"""Names as `nvidia-smi` prints them → GiB of the card's data sheet.

Where sizes share a name, of the one that is sold under it alone.
"""

PUBLISHED = {
    "t4": 14.56,
    "rtx3080": 9.78,
    "rtx4090": 23.64,
    "a30": 23.53,
    "rtxa4000": 15.61,
    "v100": 15.77,
    "a100-40gb": 39.4,
    "a100-80gb": 79.15,
    "h100": 79.1,
    # Out-of-memory messages on Linux: noonghunna/club-3090#58, Wan-Video/Wan2.1#465,
    # google-research/semivl#18, zai-org/CogVLM#236, rhymes-ai/Aria#24, antirez/ds4#431.
    "rtx3090": 23.56,
    "rtx5090": 31.37,
    "rtxa6000": 47.54,
    "a10": 21.99,
    "l4": 21.96,
    "rtxpro6000": 94.97,
}
"""Totals in GiB that PyTorch was published to have found: none may be promised more."""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, ["memory", *arguments], prog_name="convcalc")


def limits(*arguments: str) -> Any:
    result = run(*arguments, "-f", "json")
    assert result.exit_code in (0, 1), result.stderr
    return json.loads(result.stdout)["limits"]


@tabled("name", PRINTED)
def test_names_that_nvidia_smi_prints(name: str) -> None:
    (known,) = gpu_names(name)

    assert GPUS[known].nominal == PRINTED[name]
    assert gpu_memory(name) == GPUS[known].bytes


def test_every_name_of_the_table_is_taken_in_every_spelling() -> None:
    for known, gpu in GPUS.items():
        for spelling in (known, known.upper(), known.replace("-", " "), f"NVIDIA {known}"):
            assert gpu_names(spelling) == [known], spelling
        assert gpu_names(f"{known} {gpu.nominal}GB") == [known]
        for printed in gpu.printed:
            meant = gpu_names(printed)
            assert meant, printed
            # One size is meant, or it is asked which.
            assert meant == [meant[0]] or known in meant, printed
            assert {re.sub(r"-?[0-9]+gb$", "", each) for each in meant}, printed


@tabled("name", sorted(PRINTED))
def test_case_and_signs_do_not_matter(name: str) -> None:
    for sign in ("", " ", "-", "_", "  "):
        for cased in (str.lower, str.upper, str.title):
            assert gpu_names(re.sub(r"[^A-Za-z0-9]+", sign, cased(name))) == gpu_names(name)


def test_spellings_by_hand() -> None:
    for name in ("T4", "nvidia-t4", "Tesla T4", "tesla_t4"):
        assert gpu_names(name) == ["t4"]
    assert gpu_names("A100 80GB") == gpu_names("NVIDIA A100-80GB") == ["a100-80gb"]
    assert gpu_names("H100 80GB") == gpu_names("h100-80gb") == ["h100"]
    assert gpu_names("V100 32GB") == ["v100-32gb"]
    assert gpu_names("a6000") == gpu_names("RTX A6000") == ["rtxa6000"]
    assert gpu_names("RTX 3080 12GB") == ["rtx3080-12gb"]
    assert gpu_names("RTX 3080 Laptop 16GB") == ["rtx3080-laptop-16gb"]


@tabled(
    "name",
    # A part of a card (MIG), other makers, cards that are none, and nothing at all.
    ["NVIDIA A100-SXM4-40GB MIG 1g.5gb", "MI300X", "RTX 3065", "NVIDIA", "GeForce", "", " ", "16"],
)
def test_no_other_name_is_a_card(name: str) -> None:
    assert gpu_names(name) == []
    assert gpu_memory(name) is None


def test_a_name_that_leaves_the_size_open_is_asked_for_it() -> None:
    assert gpu_names("NVIDIA A100") == ["a100-40gb", "a100-80gb"]
    assert len(gpu_names("Orin (nvgpu)")) > 2
    assert gpu_memory("a100") is None
    for ask in (run("lenet5", "--limit", "A100"), run("lenet5", "--limit", "jetson-orin-nano")):
        assert ask.exit_code == 2
        assert re.search(r"may be \S+gb or \S+gb\n", ask.stderr)


@tabled(
    ("slip", "meant"),
    [
        ("rtx4900", "rtx4090"),
        ("rtx3800", "rtx3080"),
        ("RTX 4070 TI SUPR", "rtx4070tisuper"),
        ("RTX 7090", "rtx3090"),
        ("GTX 1080 Tii", "gtx1080ti"),
        ("tesla t40", "t4"),
        ("Radeon RX 7900 XTX", None),
        ("abacus", None),
        ("x", None),
    ],
)
def test_did_you_mean(slip: str, meant: str | None) -> None:
    near = nearest_gpu(slip)
    said = run("lenet5", "--limit", slip).stderr

    assert near == meant
    assert ("did you mean" in said) == (near is not None)
    if near:
        assert f"did you mean {near}?" in said


# -- totals ------------------------------------------------------------------------------------


@tabled("name", PUBLISHED)
def test_no_card_is_promised_more_than_pytorch_found(name: str) -> None:
    published = PUBLISHED[name]

    assert GPUS[name].reported
    assert 0.99 * published * GIB <= GPUS[name].bytes <= published * GIB


def test_totals_are_below_the_nominal_memory_and_have_a_source() -> None:
    for name, gpu in GPUS.items():
        assert 0.8 * gpu.nominal * GIB < gpu.bytes < gpu.nominal * GIB, name
        if gpu.reported:
            assert float(gpu.least) <= float(gpu.most), name
            assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/issues/\d+", gpu.url), name
        else:
            assert (gpu.most, gpu.source, gpu.url) == ("", "", ""), name
            assert gpu.bytes == gpu.nominal * GIB * 96 // 100, name


def test_what_is_assumed_is_marked() -> None:
    both = run("lenet5", "--limit", "T4", "--limit", "rtx4080").stdout

    assert "t4 has 16 GiB: the smallest total that PyTorch was reported to find is 14.56" in both
    assert "rtx4080 has 16 GiB: no total was found published, and 0.96 of it is assumed" in both
    known, assumed = limits("lenet5", "--limit", "T4", "--limit", "rtx4080")
    assert known["gpu"] == {"name": "t4", "nominal": 16 * GIB, "reported": True}
    assert assumed["gpu"] == {"name": "rtx4080", "nominal": 16 * GIB, "reported": False}


# -- the context -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "context"),
    [([], 500_000_000), (["--context", "300MB"], 300_000_000), (["--context", "0"], 0)],
)
def test_the_context_is_a_line_of_its_own(options: list[str], context: int) -> None:
    card, number = limits("lenet5", "--limit", "T4", "--limit", "8GiB", *options)

    assert (card["context"], number["context"]) == (context, 0)
    assert number["gpu"] is None
    for name in ("plain", "table", "markdown"):
        shown = run("lenet5", "--limit", "T4", "--limit", "8GiB", *options, "-f", name).stdout
        assert "CUDA context" in shown
    text = run("lenet5", "--limit", "8GiB", "-f", "csv").stdout
    assert "CUDA context" not in text


@tabled("overhead", [0, 700_000_000])
@tabled("training", [False, True])
@tabled("limit", ["T4", "rtx3050 laptop", "8GiB", "100MB"])
def test_no_figure_is_counted_twice(limit: str, overhead: int, *, training: bool) -> None:
    options = ["--training"] if training else []
    options += ["--overhead", str(overhead), "--limit", limit, "--batch", "7"]
    result = run("vgg16", *options, "-f", "json")
    answer = json.loads(result.stdout)
    (found,) = answer["limits"]
    net, memory = convcalc.load("vgg16"), answer["memory"]
    bare = convcalc.memory(net, batch=7, training=training)

    # A peak is what the tensors take and the overhead, once; the context is in none of its lines.
    assert memory["peak"] == bare.peak + overhead == found["peak"]
    assert sum(memory["at_peak"].values()) == memory["peak"]
    assert memory["at_peak"].get("overhead", 0) == overhead
    context = 0 if limit[-1] == "B" else CONTEXT
    assert found["context"] == context
    assert found["fits"] == (found["peak"] + context <= found["bytes"])
    assert result.exit_code == 1 - found["fits"]
    for key, how in (("largest_inference_batch", False), ("largest_training_batch", True)):
        batch = found[key]
        peaks = [
            convcalc.memory(net, batch=max(n, 1), training=how).peak for n in (batch, batch + 1)
        ]
        if batch:
            assert peaks[0] + overhead + context <= found["bytes"]
        assert peaks[1] + overhead + context > found["bytes"]
        given = None if limit[-1] == "B" else context
        assert batch == convcalc.largest_batch(
            net, limit, training=how, overhead=overhead, context=given
        )
    rows = list(csv.DictReader(io.StringIO(run("vgg16", *options, "-f", "csv").stdout)))
    contexts = [int(row["value"]) for row in rows if row["section"] == "CUDA context"]
    assert contexts == ([context] if context else [])


def test_what_does_not_fit_names_the_context() -> None:
    result = run("resnet50", "--limit", "T4", "--context", "15GB", "--batch", "64")

    assert "and a CUDA context of 15.00 GB, and the limit T4 is 15.63 GB" in result.stderr
    result = run("resnet50", "--limit", "T4", "--context", "15.6GB")
    said = " ".join(result.stdout.split())
    assert "Not even one example fits into T4 beside the CUDA context's 15.60 GB: it takes" in said
    (found,) = limits("resnet50", "--limit", "T4", "--context", "16GB")
    assert (found["fits"], found["largest_inference_batch"]) == (False, 0)


@tabled(
    ("options", "said"),
    [
        (["--limit", "16"], "'16' has no unit: write 16GiB or 16MB, or 16B for bytes"),
        (["--limit", "1.5"], "'1.5' has no unit"),
        (["--limit", "T4", "--context", "300"], "'300' has no unit"),
        (["--limit", "T4", "--context", "x"], "'x' is no number of bytes"),
        (["--limit", "T4", "--context", "-1MB"], "is no number of bytes"),
        (["--limit", "8GiB", "--context", "0"], "--context needs a --limit that is a GPU"),
        (["--context", "300MB"], "--context needs a --limit that is a GPU"),
        (["--limit", ""], "is neither a number of bytes"),
    ],
)
def test_limits_there_are_not(options: list[str], said: str) -> None:
    result = run("lenet5", *options)

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(("text", "count"), [("1.9B", 1), ("0.0015kB", 1), ("1KiB", 1024)])
def test_of_a_byte_that_is_not_whole_no_part_is_promised(text: str, count: int) -> None:
    assert read_limit(text).bytes == count


@pytest.fixture(scope="module")
def relu(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A spec of which there is little to say beside its limit."""
    path = tmp_path_factory.mktemp("limits") / "relu.yaml"
    path.write_text("input: 8\nlayers: [relu]\n", encoding="utf-8")
    return str(path)


@examples(60, text=lambda draw: draw.any_text(24))
def test_any_limit_is_read_or_refused_with_a_reason(relu: str, text: str) -> None:
    with suppress(ValueError):
        limit = read_limit(text)
        assert limit.bytes >= 0
        assert bool(limit.gpu) == bool(gpu_names(text))
    result = run(relu, "--limit", text)
    assert result.exit_code in (0, 1, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit)


# -- the library -------------------------------------------------------------------------------


def test_the_library_takes_what_the_command_line_takes() -> None:
    net = convcalc.load("lenet5")
    t4 = 1456 * GIB // 100
    assert convcalc.largest_batch(net, "8GiB") == convcalc.largest_batch(net, 8 * GIB)
    assert convcalc.largest_batch(net, "t4") == convcalc.largest_batch(net, t4 - CONTEXT)
    assert convcalc.largest_batch(net, "T4", context=0) == convcalc.largest_batch(net, t4)
    assert convcalc.largest_batch(net, "T4", context="300MB") == convcalc.largest_batch(
        net, t4 - 300_000_000
    )
    assert convcalc.memory(net, overhead="1MB").peak == convcalc.memory(net).peak + 1_000_000
    for limit, said in (
        ("16", "no unit"),
        ("rtx4900", "did you mean rtx4090"),
        ("a100", "may be"),
        (-1, "below 0"),
    ):
        with pytest.raises(ValueError, match=said):
            convcalc.largest_batch(net, limit)
    with pytest.raises(ValueError, match="no GPU's name"):
        convcalc.largest_batch(net, "8GiB", context="300MB")
    with pytest.raises(ValueError, match="no GPU's name"):
        convcalc.largest_batch(net, 8 * GIB, context=0)


@pytest.mark.parametrize("name", MEMORY_FORMATS)
def test_every_gpu_is_a_limit_in_every_format(name: str) -> None:
    words = [word for known in GPUS for word in ("--limit", known)]
    result = run("lenet5", *words, "-f", name)

    assert result.exit_code == 0, result.stderr
    for known in GPUS:
        assert known in result.stdout


def recursive_slips(one: str, other: str) -> int:
    """The same distance by its definition, from the ends of both words."""
    if not one or not other:
        return len(one) + len(other)
    ways = [
        recursive_slips(one[:-1], other) + 1,
        recursive_slips(one, other[:-1]) + 1,
        recursive_slips(one[:-1], other[:-1]) + (one[-1] != other[-1]),
    ]
    if one[-2:] == other[-2:][::-1] and len(one) > 1 < len(other):
        ways.append(recursive_slips(one[:-2], other[:-2]) + 1)
    return min(ways)


def test_slips_of_gpus_are_counted_as_they_are_defined() -> None:
    words = ["".join(word) for length in range(4) for word in product("ab4", repeat=length)]

    for one, other in product(words, repeat=2):
        assert _slips(one, other) == recursive_slips(one, other), (one, other)
    assert _slips("ca", "abc") == 3, "nothing is changed twice"
    assert _slips("rtx4900", "rtx4090") == 1
    assert _slips("kitten", "sitting") == 3


@tabled("name", [name for name in GPUS if name.startswith("rtxa")])
def test_gpus_of_the_a_series_go_without_rtx(name: str) -> None:
    bare = name.removesuffix(f"-{GPUS[name].nominal}gb")

    for spelling in (name, bare, *GPUS[name].printed):
        assert name in gpu_names(spelling.lower().replace("rtx", "").strip())
    assert all(name in gpu_names(spelling) for spelling in (name, *GPUS[name].printed))


def test_gpus_that_a_name_leaves_open_are_all_listed() -> None:
    several = {
        tuple(gpu_names(printed)): printed for gpu in GPUS.values() for printed in gpu.printed
    }
    assert max(map(len, several)) > 3
    for names, printed in several.items():
        if len(names) > 1:
            with pytest.raises(ValueError, match="may be") as error:
                read_limit(printed)
            *most, last = names
            assert str(error.value) == f"{printed!r} may be {', '.join(most)} or {last}"
