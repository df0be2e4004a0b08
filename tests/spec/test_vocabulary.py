"""Words from elsewhere: what each layer of other frameworks is here, or what to do instead."""

import re
from collections.abc import Iterator

from paths import DATA
from tabled import tabled

from convcalc.analysis.reference import DESCRIBED
from convcalc.diagnostics import closest
from convcalc.graph import read_text
from convcalc.layers import CATALOGUE
from convcalc.nearness import distance
from convcalc.spec.answers import _FIELDS, _FIELDS_OF, _KINDS
from convcalc.spec.elsewhere import _SPECIAL
from convcalc.spec.text import SourceText
from convcalc.spec.vocabulary import FIELDS, KINDS, native_kind, plain, sure_kind


def elsewhere() -> Iterator[tuple[str, str, str]]:
    """`=` or `~`, the kind or the words, and a name."""
    for line in (DATA / "layers_elsewhere.txt").read_text(encoding="utf-8").splitlines():
        if line[:1] in ("=", "~"):
            said, _, names = line[2:].rpartition(": ")
            yield from ((line[0], said, name) for name in names.split())


def helps(item: str, shape: str = "32x32x64") -> list[str]:
    """The helps of all errors of an item of its own."""
    text = f"input: {shape}\nlayers:\n  - {item}\n"
    found = read_text(SourceText("a.yaml", text)).diagnostics
    return [each.help or each.message for each in found if each.severity == "error"]


def test_what_a_first_argument_means_is_said_only_where_there_is_one() -> None:
    names = [name for sign, _, name in elsewhere() if sign == "=" and plain(name) in _SPECIAL]
    said = {
        item: "first argument" in " ".join(helps(item))
        for name in names
        for item in (name, f"{name}:", f"{name}: 2")
    }
    assert {item for item, there in said.items() if there} >= {"Upsample: 2", "LPPool2d: 2"}
    assert not [item for item, there in said.items() if there and not item.endswith(": 2")]


def test_each_layer_elsewhere_is_a_kind_here_or_is_said_to_be_none() -> None:
    wrong = []
    names = 0
    for sign, said, name in elsewhere():
        names += 1
        near = native_kind(name, [*CATALOGUE])
        if sign == "=" and near != said:
            wrong.append(f"{name} is {said}, and was taken for {near}: {helps(name)}")
        if sign == "~" and not (near is None and any(said in each for each in helps(name))):
            wrong.append(f"{name}: {said}, and it is said {near or helps(name)}")
    assert not wrong, "\n".join(wrong)
    assert names > 350


def test_no_layer_of_other_frameworks_is_taken_for_a_slip_of_ours() -> None:
    """A name is a slip only if nobody has a layer of that name: `GLU` is no `gelu`."""
    kinds = {name: said if sign == "=" else None for sign, said, name in elsewhere()}
    taken = {name: sure_kind(name, [*CATALOGUE]) for name in kinds}

    assert {name for name, kind in taken.items() if kind not in (None, kinds[name])} == set()
    assert sure_kind("maxpol", [*CATALOGUE]) == "maxpool"


def test_every_word_has_one_answer_and_each_is_an_own_word() -> None:
    answered = [word for words in _KINDS.values() for word in words.split()]
    fields = [word for words in _FIELDS.values() for word in words.split()]
    assert len(answered) == len({*answered})
    assert len(fields) == len({*fields})
    assert {word for word in (*answered, *KINDS) if plain(word) != word} == set()
    assert {*KINDS.values()} <= {*DESCRIBED}
    ours = {kind.replace("_", "") for kind in CATALOGUE}
    assert not ours & {*answered}


def test_each_argument_elsewhere_is_a_field_here_or_is_said_to_be_none() -> None:
    silent = []
    arguments = 0
    for line in (DATA / "arguments_elsewhere.txt").read_text(encoding="utf-8").splitlines():
        kind, _, names = line.partition(": ")
        for name in () if line[:1] in ("", "#") else names.split():
            arguments += 1
            item = f"{kind}: {{{name}: 2}}"
            if any(each.startswith(("its fields are", "it has no fields")) for each in helps(item)):
                silent.append(item)
    assert not silent
    assert arguments > 250


ITEM = re.compile(r"`([a-z_]+: [^`]+)`")


def test_what_an_answer_says_to_write_is_right_as_it_stands() -> None:
    wrong = []
    items = 0
    for advice in (*_KINDS, *_FIELDS, *_FIELDS_OF.values()):
        for written in ITEM.findall(advice):
            if written == "affine: false":  # the field of a norm, and a kind that takes numbers
                continue
            if written.partition(":")[0] in (*CATALOGUE, "layers"):
                items += 1
                if all(helps(written, shape) for shape in ("32x32x64", "32x64", "64")):
                    wrong.append(f"{written}: {helps(written)}")
    assert not wrong
    assert items > 20


@tabled(
    ("written", "known", "meant"),
    [
        ("vgg61", ["vgg11", "vgg13", "vgg16", "vgg19"], "vgg16"),  # two digits swapped
        ("resnet81", ["resnet18", "resnet34", "resnet101"], "resnet18"),
        ("VGG16", ["vgg16"], "vgg16"),
        ("stem", ["Stem", "Head"], "Stem"),
        ("params", ["parameters", "name"], "parameters"),
        ("rtx4900", ["rtx3090", "rtx4090", "rtx4080"], "rtx4090"),
        ("minpool", ["maxpool", "avgpool"], None),  # the opposite
        ("downsample", ["upsample"], None),
        ("unflatten", ["flatten"], None),  # undone
        ("pixel_unshufle", ["pixel_shuffle"], None),
        ("max_unpool", ["maxpool"], None),
        ("pointwise_conv", ["depthwise_conv"], None),  # another word
        ("depthwise_separable_conv", ["depthwise_conv"], None),
        ("depthwse_conv", ["depthwise_conv"], "depthwise_conv"),
        ("nonexistent", ["existent"], None),
        ("linaer", ["linear"], "linear"),
        ("bias-before-nrom", ["bias-before-norm"], "bias-before-norm"),
        ("no_bias", ["bias"], None),
    ],
)
def test_what_is_near_is_not_another_thing(
    written: str, known: list[str], meant: str | None
) -> None:
    assert closest(written, known) == meant


def test_distances() -> None:
    assert distance("", "abc") == 3
    assert distance("ab", "ba") == 1
    assert distance("kitten", "sitting") == 3
    assert {*FIELDS} & {"conv"} == set()
