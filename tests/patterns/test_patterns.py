"""Patterns to specs and back."""

import random

import pytest
from click.testing import CliRunner

import convcalc
from convcalc.cli import convcalc as program
from convcalc.diagnostics import ArgumentError
from convcalc.layers import CATALOGUE, layer_class
from convcalc.patterns import made_of
from convcalc.patterns.chosen import chosen_for
from convcalc.patterns.grammar import PatternError, everything, parse, written
from convcalc.patterns.recognition import NoPatternError, pattern_of
from convcalc.patterns.repeats import folded
from convcalc.patterns.templates import FOLDER, TEMPLATES, text_of
from convcalc.shape import Shape

SEQUENTIAL = {
    # LeCun et al. 1998, figure 2: two of convolution and subsampling, then C5, F6 and the output.
    "lenet5": "INPUT -> [CONV -> TANH -> AVGPOOL]*2 -> [FC -> TANH]*2 -> FC",
    # Krizhevsky et al. 2012, section 3.5, and torchvision's, which drops before.
    "alexnet": "INPUT -> [CONV -> RELU -> LRN -> POOL]*2 -> [CONV -> RELU]*3 -> POOL -> "
    "[FC -> RELU -> DROPOUT]*2 -> FC",
    # Simonyan and Zisserman 2014, table 1, columns A and D.
    "vgg11": "INPUT -> [CONV -> RELU -> POOL]*2 -> [[CONV -> RELU]*2 -> POOL]*3 -> "
    "[FC -> RELU -> DROPOUT]*2 -> FC",
    "vgg16": "INPUT -> [[CONV -> RELU]*2 -> POOL]*2 -> [[CONV -> RELU]*3 -> POOL]*3 -> "
    "[FC -> RELU -> DROPOUT]*2 -> FC",
    # Howard et al. 2017, table 1: 13 of depthwise and 1×1 convolution behind a first convolution.
    "mobilenet_v1": "INPUT -> CONV -> BATCHNORM -> RELU6 -> [DEPTHWISE_CONV -> BATCHNORM -> RELU6 "
    "-> CONV -> BATCHNORM -> RELU6]*13 -> GLOBAL_AVGPOOL -> DROPOUT -> FC",
    # Radford et al. 2015, figure 1.
    "dcgan_generator": "INPUT -> [CONV_TRANSPOSE -> BATCHNORM -> RELU]*4 -> CONV_TRANSPOSE -> TANH",
    # The notes' example, and ConvNetJS's.
    "cifar_cs231n": "INPUT -> CONV -> RELU -> POOL -> FC",
    "cifar_convnetjs": "INPUT -> [CONV -> RELU -> POOL]*3 -> FC -> SOFTMAX",
    "cifar_tiny_vgg": "INPUT -> [[CONV -> RELU]*2 -> POOL]*3 -> FC",
}
"""Network → its pattern, by the paper."""


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_a_network_has_the_pattern_of_its_paper(name: str) -> None:
    assert convcalc.pattern(name) == SEQUENTIAL[name]


@pytest.mark.parametrize(
    "name",
    [
        *SEQUENTIAL,
        "zfnet",
        "nin",
        "all_cnn_c",
        "fcn32s",
        "tdnn",
        "idcnn",
        "resnet18",
        "dcnn",
        "densenet121",
        "squeezenet1_0",
    ],
)
def test_a_spec_of_a_networks_pattern_has_its_pattern(name: str) -> None:
    text = convcalc.pattern(name)
    shape = convcalc.read(name).input
    assert shape is not None
    made = made_of(parse(text), shape, chosen_for(shape))
    assert not made.network.errors
    assert pattern_of(made.network) == text


def test_what_a_pattern_leaves_open_is_as_the_notes_advise() -> None:
    text = "INPUT -> [[CONV -> RELU]*2 -> POOL]*3 -> [FC -> RELU]*2 -> FC"
    network = convcalc.new(text, input=Shape(3, (32, 32)), classes=10).network()
    shapes = [str(plan.output) for plan in network.plans]
    # By hand: (32 − 3 + 2·1)/1 + 1 = 32, halved by each pool; 32, 64 and 128 filters.
    assert [shapes[at] for at in (1, 5, 10, 15)] == ["32×32×32", "16×16×32", "8×8×64", "4×4×128"]
    assert [shape for shape in shapes if "×" not in shape] == [
        "2048",
        "512",
        "512",
        "512",
        "512",
        "10",
    ]
    # 3·9·32 + 32 + 32·9·32 + 32 = 10,144 of the first stage
    report = convcalc.analyze(network)
    assert sum(layer.parameters or 0 for layer in report.layers[:5]) == 10_144


def test_names_are_parameters_and_what_may_be_left_out_asks_one() -> None:
    spec = convcalc.new("[[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC", times={"N": 3})
    assert {name: spec.parameters[name] for name in ("N", "M", "K", "pool")} == {
        "N": 3,
        "M": 2,
        "K": 2,
        "pool": True,
    }
    kinds = [node.kind for node in spec.network(M=1, K=1, pool=False).layers]
    assert kinds == ["conv", "relu"] * 3 + ["flatten", "linear", "relu", "linear"]


def test_filters_double_behind_every_pool_however_groups_are_nested() -> None:
    spec = convcalc.new("[[CONV -> POOL]*2 -> CONV]*2 -> CONV", filters=8, input=Shape(3, (64, 64)))
    filters = [
        plan.output.channels
        for node, plan in zip(spec.network().nodes, spec.network().plans, strict=True)
        if node.kind == "conv"
    ]
    assert filters == [8, 16, 32, 32, 64, 128, 128]


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("CONV -> [RELU", 9, "] is missing for this"),
        ("CONV ->", 8, "a layer is missing at the end"),
        ("CONV RELU", 6, "-> is missing before this"),
        ("CONV ]", 6, "] closes nothing"),
        ("CONV*0", 6, "from 1 to 100,000"),
        ("CONV*-1", 6, "a number, or a name such as N"),
        ("CONVV -> RELU", 1, "did you mean CONV?"),
        ("ADD", 1, "ADD merges branches: ADD(CONV, )"),
        ("ADD(CONV", 4, ") is missing for this"),
        ("CONV(3)", 5, "CONV merges nothing"),
        ("FC -> INPUT", 7, "INPUT stands at the start alone"),
        ("INPUT FC", 7, "INPUT is followed by ->"),
        ("[" * 30, 22, "groups are at most 20 deep"),
        ("", 1, "a layer is missing at the end"),
    ],
)
def test_what_is_no_pattern_is_shown_where_it_stops(text: str, column: int, said: str) -> None:
    with pytest.raises(PatternError) as raised:
        parse(text)
    message = str(raised.value)
    assert message.startswith(f"pattern, column {column}: ")
    assert said in message


def test_any_text_is_a_pattern_or_is_refused() -> None:
    words = ["CONV", "->", "[", "]", "*", "?", "2", "N", "(", ")", ",", "ADD", "INPUT", "é", "FC"]
    draw = random.Random(5)  # noqa: S311 (reproducible)
    patterns = 0
    for _ in range(3_000):
        text = " ".join(draw.choices(words, k=draw.randint(1, 8)))
        try:
            tree = parse(text)
        except PatternError:
            continue
        patterns += 1
        assert parse(written(tree)) == tree
    assert patterns > 20


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_kind_is_written_or_refused_with_what_it_lacks(kind: str) -> None:
    merges = layer_class(kind).inputs == "many"
    text = f"CONV -> {kind}(CONV, CONV)" if merges else f"CONV -> {kind}"
    sequence = ("lstm", "gru", "kmaxpool", "matmul")
    shape = Shape(4, (32,)) if kind in sequence else Shape(4, (32, 32))
    try:
        made = made_of(parse(text), shape, chosen_for(shape))
    except ArgumentError as error:
        assert "which a pattern does not say" in str(error)  # noqa: PT017 (either is right)
        return
    assert [str(error) for error in made.network.errors] == []


def test_folding_changes_no_layer() -> None:
    draw = random.Random(3)  # noqa: S311 (reproducible)
    for _ in range(60):
        tree = parse(" -> ".join(draw.choices(["CONV", "RELU", "POOL"], k=draw.randint(1, 40))))
        assert _flat(folded(tree)) == [element.kind for element in tree]  # type: ignore[union-attr]


def _flat(pattern: object) -> list[str]:
    """The kinds of a pattern, groups written out."""
    made: list[str] = []
    for element in pattern:  # type: ignore[attr-defined]
        rounds = getattr(element, "times", None)
        made += _flat(element.inside) * rounds if rounds else [element.kind]
    return made


def test_a_network_that_is_wired_by_names_has_no_pattern() -> None:
    for name in ("unet", "siamese", "fpn"):
        with pytest.raises(NoPatternError):
            convcalc.pattern(name)


def test_a_pattern_that_does_not_fit_says_so() -> None:
    with pytest.raises(convcalc.SpecError, match="CC303"):
        convcalc.new("[CONV -> POOL]*6")
    with pytest.raises(ArgumentError, match="no padding that keeps"):
        convcalc.new("CONV", kernel=4)
    with pytest.raises(ArgumentError, match="has no Q"):
        convcalc.new("CONV*N", times={"Q": 3})


def test_an_input_that_halves_badly_is_rounded_down_and_told() -> None:
    shape = Shape(3, (30, 30))
    made = made_of(parse("[CONV -> POOL]*3"), shape, chosen_for(shape))
    # 30 = 2·15: 15, 7, 3; 32 is the next multiple of 2³.
    assert made.network.plans[-1] is not None
    assert made.network.plans[-1].output.spatial == (3, 3)
    assert made.notes[0] == (
        "30×30 can be halved 1 time, and there are 3 pools: the map is rounded down to 3×3; "
        "replace 30 by 32, and nothing is dropped"
    )


def test_templates_are_whole_and_have_no_warning() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*TEMPLATES}
    for name in TEMPLATES:
        network = convcalc.loads(text_of(name))
        assert not [each for each in network.diagnostics if each.severity != "note"]
        assert "#" in text_of(name)


def test_the_cifar_templates_sizes_are_those_of_the_papers() -> None:
    # He et al. 2015, table 6: ResNet-20 has 0.27 M parameters and ResNet-56 0.85 M.
    for blocks, millions in ((3, 0.27), (9, 0.85)):
        report = convcalc.analyze(convcalc.parse(text_of("resnet-cifar")).network(blocks=blocks))
        assert round((report.totals.parameters or 0) / 1e6, 2) == pytest.approx(millions, abs=0.011)
    # Bai et al. 2018: 1 + 2·(kernel − 1)·(2^blocks − 1).
    fields = convcalc.analyze(convcalc.loads(text_of("tcn"))).layers[-1].receptive_field
    assert fields is not None
    assert fields[0].size == 1 + 2 * 2 * 63


def test_the_commands_end_as_they_say() -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(program, arguments)
        return result.exit_code, result.output

    assert run("pattern", "vgg16") == (0, f"{SEQUENTIAL['vgg16']}\n")
    assert run("pattern", "unet")[0] == 2
    assert run("new", "[CONV -> POOL]*6")[0] == 1
    assert run("new", "CONV ->")[0] == 2
    assert run("new")[0] == 2
    assert run("new", "FC", "--template", "unet")[0] == 2
    assert run("new", "--template", "unet", "--classes", "3")[0] == 2
    assert run("new", "--template", "unet") == (0, text_of("unet"))


def test_everything_goes_through_groups_and_branches() -> None:
    tree = parse("ADD(CONV -> [RELU]*2, ) -> FC")
    assert len([*everything(tree)]) == 5


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("layers: [*, relu, {*, from: input}]", "conv reads input by its name"),
        ("layers: [*, add: [[*], [from: input]]]", "reads input by its name"),
        ("layers: [{maxpool: 2, name: p}, maxunpool: p]", "maxunpool undoes a pool by its name"),
        ("outputs: [c], layers: [{*, name: c}, relu]", "the network's output is c"),
    ],
)
def test_what_reads_the_input_again_or_ends_before_the_last_is_no_pattern(
    spec: str, said: str
) -> None:
    conv = "conv: {filters: 4, kernel: 1}"
    layers = spec.replace("{*", "{" + conv).replace("*", "{" + conv + "}")
    with pytest.raises(NoPatternError, match=said):
        pattern_of(convcalc.loads(f"{{input: 6x6x4, {layers}}}"))


def test_the_first_layer_may_say_that_it_reads_the_input() -> None:
    conv = "conv: {filters: 4, kernel: 1}"
    for layers in (f"add: [[{{{conv}}}], [from: input]]", f"add: [[{{{conv}, from: input}}], []]"):
        network = convcalc.loads(f"{{input: 6x6x4, layers: [{layers}, relu]}}")
        assert pattern_of(network) == "INPUT -> ADD(CONV, ) -> RELU"


def test_along_one_axis_a_stack_saves_nothing_and_nothing_is_said_of_it() -> None:
    def said(shape: Shape) -> bool:
        made = made_of(parse("CONV*2 -> POOL"), shape, chosen_for(shape))
        return any("in a row" in note for note in made.notes)

    # 2·3 = 6 weights against 5 along one axis; 2·9 = 18 against 25 along two.
    assert (said(Shape(3, (32,))), said(Shape(3, (32, 32)))) == (False, True)


@pytest.mark.parametrize(
    "text", ["[CONV -> POOL]*M -> UPSAMPLE*M -> CONV", "POOL*2 -> CONV", "[POOL -> RELU]*N -> FC"]
)
def test_what_is_written_has_no_finding_of_what_is_not_used(text: str) -> None:
    spec = convcalc.new(text)
    assert {each.code for each in convcalc.check(spec).diagnostics} <= {"CC405", "CC416"}
    assert "-1" not in spec.to_yaml()
