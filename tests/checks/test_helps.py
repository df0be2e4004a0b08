"""Every help helps: what it says to write is written, and what it was said of is gone."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from slips import text as yaml
from slips import words
from slips.slip import Slip
from test_fixes import PROMISED, findings, said, texts

from convcalc.diagnostics import Diagnostic
from convcalc.spec.edit import applied
from convcalc.spec.text import SourceText

SLIPS = [*words.SLIPS, *yaml.SLIPS]
"""A slip is a row in one of these tables."""


def edited(text: str, item: Diagnostic, written: str | None = None) -> str:
    """A text with a finding's edits made, or with something written at its place."""
    edits = item.edits
    if written is not None:
        edits = ((item.span, written),) if item.span else ()
    return applied(SourceText("a.yaml", text), edits)


def errors(text: str) -> list[Diagnostic]:
    return [item for item in findings(text) if item.severity == "error"]


# Slips of people who come from elsewhere


def faults(slip: Slip) -> Iterator[str]:
    """What is wrong with the answer to a slip."""
    text = slip.spec(slip.text)
    about = [item for item in findings(text) if item.code == slip.code]
    others = {item.code for item in errors(text)} - {slip.code}
    if not about:
        yield f"no {slip.code}, but {sorted({item.code for item in findings(text)})}"
    elif others:
        yield f"beside {slip.code} there is {sorted(others)}"
    fixes = [str(item.fix) for item in about if item.fix]
    if slip.fixed is None and fixes:
        yield f"nothing is sure, and it has a fix: {fixes}"
    if slip.fixed is not None and fixing(text, slip.code) != slip.spec(slip.fixed):
        yield f"it is fixed so:\n{fixing(text, slip.code)}and not so:\n{slip.spec(slip.fixed)}"
    helps = [item.help or "" for item in about]
    if slip.help is not None and not any(slip.help in each for each in helps):
        yield f"the help says {helps} and not {slip.help!r}"
    for meant in filter(None, (slip.fixed, slip.then)):
        left = [item.message for item in errors(slip.spec(meant))]
        left += {said(item)[2] for item in findings(slip.spec(meant))} & {
            said(item)[2] for item in about
        }
        if left:
            yield f"what is meant, {meant!r}, is wrong: {left}"
    for part in re.findall(r"`([^`]+)`", slip.help or "") if slip.then else ():
        if part not in slip.spec(slip.then or ""):
            yield f"the help says to write {part!r}, and {slip.then!r} is without it"


def fixing(text: str, code: str) -> str:
    """A text once all fixes of a code are made."""
    for _ in range(9):
        fixable = [item for item in findings(text) if item.code == code and item.edits]
        if not fixable:
            break
        text = edited(text, fixable[0])
    return text


def test_each_slip_is_answered_with_what_was_meant() -> None:
    wrong = [f"{slip.by}: {slip.text}\n  {fault}" for slip in SLIPS for fault in faults(slip)]
    assert not wrong, "\n\n" + "\n\n".join(wrong)


def test_slips_of_all_sorts_of_people_are_looked_at() -> None:
    assert {slip.by for slip in SLIPS} <= {"pytorch", "keras", "caffe", "yolo", "yaml"}
    assert len(SLIPS) >= 300
    assert all(slip.fixed or slip.help for slip in SLIPS), "a row without an answer"
    times = Counter((slip.text, slip.input) for slip in SLIPS)
    assert [text for text, number in times.items() if number > 1] == []


# Whatever any help says to write

Way = Callable[[str, Diagnostic, "re.Match[str]"], list[str]]
"""Makes of a text, a finding and the words of its help the texts that the help asks for."""


def in_place(text: str, item: Diagnostic, words: "re.Match[str]") -> list[str]:
    """Each of the words stands in the place of what is at fault."""
    assert item.span is not None
    quote = item.source_line[item.span.column - 1]
    quote = quote if quote in "'\"" else ""
    return [edited(text, item, f"{quote}{each}{quote}") for each in filter(None, words.groups())]


def as_written(text: str, item: Diagnostic, words: "re.Match[str]") -> list[str]:
    """The words stand in the place of what is at fault, without its quotes."""
    return [edited(text, item, words[1])]


def with_key(text: str, item: Diagnostic, words: "re.Match[str]") -> list[str]:
    """Each of the words stands in the place of what is at fault and of the key before it."""
    assert item.span is not None
    source = SourceText("a.yaml", text)
    start = source.offset(item.span.line, item.span.column)
    end = source.offset(item.span.end_line, item.span.end_column)
    key = re.search(r"(?:\w+:[ ]*)?\Z", text[:start])
    assert key is not None
    end = end if key[0] else end + len(re.match(r":?", text[end:])[0])  # type: ignore[index]
    return [f"{text[: key.start()]}{each}{text[end:]}" for each in filter(None, words.groups())]


def added(text: str, item: Diagnostic, words: "re.Match[str]") -> list[str]:
    """The fields stand in the braces at fault, or the whole in the place of the kind."""
    assert item.span is not None
    at = SourceText("a.yaml", text).offset(item.span.line, item.span.column)
    fields = re.sub(r".*\{|\}", "", words[1])
    if text[at] == "{":
        return [f"{text[: at + 1]}{fields}, {text[at + 1 :]}"]
    return with_key(text, item, words)


def above(text: str, _: Diagnostic, words: "re.Match[str]") -> list[str]:
    """The line stands above all others."""
    return [f"{words[1]}\n{text}"]


def in_braces(text: str, item: Diagnostic, words: "re.Match[str]") -> list[str]:
    """The field stands in braces in the place of what is at fault."""
    return [edited(text, item, f"{{{words[1]}}}")]


def in_following(text: str, item: Diagnostic, words: "re.Match[str]") -> list[str]:
    """The field stands in the place of the one at fault, or in braces behind the kind."""
    assert item.span is not None
    before = item.source_line[: item.span.column - 1]
    alone = item.layer is not None and re.search(
        rf"\b{item.layer.rstrip('0123456789')}: \Z", before
    )
    return in_braces(text, item, words) if alone else with_key(text, item, words)


def with_quotes(text: str, _: Diagnostic, words: "re.Match[str]") -> list[str]:
    """The name behind the `from` that has none has quotes."""
    return [text.replace(f"from: {words[1][1:-1]}", f"from: {words[1]}")]


OWN = "what stands in the place of … is for the person to say"
CHOICE = "one of several things, and each changes the network"
ELSEWHERE = "what it says to move stands elsewhere, in a form of its own"
TRIED = "the whole item changes: tried in tests/slips, where rows say how"
NOTHING = "there is nothing here that it would be"
SIZES = "inputs, paddings and roundings are tried where layers are planned again"

WAYS: dict[str, Way | str] = {
    r"^did you mean `([^`]+)`\?$": in_place,
    r"^it is called `([^`]+)` here$": in_place,
    r"^write `(incoming.channels)` or `incoming.length` or ": in_place,
    r"^write (\d+)(?: or (\d+))?$": in_place,
    r"^write (\d+); `(?:upsample: |conv` with a stride of )": in_place,
    r"^write its fields by name: `([^`]+)`$": with_key,
    r"^write (\d+GiB) or (\d+MB), or (\d+B) for bytes$": in_place,
    r"^write ([\d.]+): it is a share of 1$": in_place,
    r"^leave the batch out: `([^`]+)`$": in_place,
    r"^write ([\dx]+), or \d+ if a vector is meant$": in_place,
    r"^write it as a list: `([^`]+)`$": in_place,
    r"^write (\d+), or `[^`]+` in its place for one number per axis$": in_place,
    r"^an image has its channels behind: write ([\dx]+) if it": in_place,
    r"^shapes are height × width × channels: write ([\dx]+) if": in_place,
    r"^write height × width × channels: ([\dx]+)$": in_place,
    r"^write `\w+: (\[\[\], \[[^`…]+\]\])`; `\[\]` passes": in_place,
    r"^write `branches: (\[\[\], \[relu\]\])`$": in_place,
    r"^give each a size: `(into: \{[^`]+\})`$": in_braces,
    r"^put quotes around the name: `like: (\"[^`]+\")`$": in_place,
    r"^use (-?[\d.e+]+) or more; to cut rows off, use `crop`$": in_place,
    r"^if the change is meant, write `([^`]+)`$": with_key,
    r"^if the change is meant, write (\S+)$": in_place,
    r"^write the sign of a product: (.+)$": in_place,
    r"^write `- (\w+)`, or fields by name:": with_key,
    r"^write `(upsample: 2)`, or `(upsample: \{size: 64x64\})`$": with_key,
    r"^add it: `([^`…]+)`$": added,
    r"^add the shape of one example: `([^`]+)`": above,
    r"^(add it:|write) `[^`]*…": OWN,
    r"^start with `input: 224x224x3` and `layers:`": OWN,
    r"^write `layers:` and items under it": OWN,
    r"^write a kind of layer, such as `relu`$": OWN,
    r"^write `kind: \{fields\}`": OWN,
    r"^write `add: \[\[\], \[relu\]\]`$": OWN,
    r"^write names, or several with braces: `\[": OWN,
    r"^write `\w+`, which takes no value here, if it is that$": CHOICE,
    r"^add `training: true`, or remove it$": CHOICE,
    r"^write a second branch; `": OWN,
    r"^`pad` or `crop` it to a multiple of \d+$": CHOICE,
    r"^leave out what makes one of its positions, or `reshape` it": CHOICE,
    r"^`reshape` it(?:s positions into one axis)?: ": "it stands in the branch, before the merge",
    r"^give branch 1 \d+ channels, or `reshape`": CHOICE,
    r"^write one `\w+` behind another$": "which is taken first is for the person to say",
    r"^write one name; several tensors are merged": OWN,
    r"^write one name$": OWN,
    r"^write \[a, b\], or \{a: 16, b: 48\}$": OWN,
    r"^write `split: \{into: \[a, b\]\}`, or `": OWN,
    r"^write (the amount|padding) as \[before, after\] per axis": OWN,
    r"^write what is to have the weights$": OWN,
    r"^write what comes from it$": OWN,
    r"^write a name: `origin: ": OWN,
    r"^write one (name; a list has one )?for each round": OWN,
    r"^write `# convcalc: ignore\[CC401\] reason`$": OWN,
    r"^write a number for `": OWN,
    r"^write two branches, or three where values are another tensor's": OWN,
    r"^give `window`, too$": OWN,
    r"^leave `relative_bias` out, or the branches$": CHOICE,
    r"^write height × width × channels in one: `": OWN,
    r"^a spec is YAML with `input: ": OWN,
    r"^write `layers:` under it$": OWN,
    r"^write the missing `[)}]`": "where it belongs is for the person to say",
    r"^several have a name each: ": "what each is called is for the person to say",
    r"^write `input: 224x224x3`, or a name and a shape for each: ": OWN,
    r"^write a list of names: `": OWN,
    r"^leave `outputs` out: ": "which tensors are meant is for the person to say",
    r"^give the item that makes it this `name`, or list": ELSEWHERE,
    r"^put quotes around the name: `from: (\"[^`]+\")`$": with_quotes,
    r"^braces hold one expression: `": OWN,
    r"^those before it are `": CHOICE,
    r"^remove it, or open it with `": CHOICE,
    r"^keep one of them, or put the `when` beside `": CHOICE,
    r"^write `pad: 1` for a border, or `": CHOICE,
    r"^axes have names here: write `(channels)`$": in_place,
    r"^axes have names here: \S+ is `": CHOICE,
    r"^write `'\*'` for an axis that is left as it comes, in a list of one for each axis: (.*)$": (
        as_written
    ),
    r"^write `('\*')` for an axis that is left as it comes$": in_place,
    r"^it is a tensor's name: write `(like: \w+)` to make the map as large$": in_following,
    r"^write how many go before, and how many behind$": OWN,
    r"^begin its list with the condition: `": OWN,
    r"^write `\{1 if .* else 2\}`, or two items": CHOICE,
    r"^hand over the number or word alone": ELSEWHERE,
    r"^declare it under `parameters:`": "whether it is text or a number is for the person to say",
    r"^put it in brackets: `(\[from: [^`]+\])`$": in_place,
    r"^write `(conv: [^`]+)`$": in_place,
    r"^(`upsample` has its shapes|`conv` with kernel 1 is it|`maximum` has its shapes)": TRIED,
    r"^it (is \(kernel − 1\)·dilation|says how much, as)": TRIED,
    r"^write (both in one, height × width|it as a layer of its own): `": TRIED,
    r"^functions are none of a spec": NOTHING,
    r"^`lstm` and `gru` go along a sequence; ": NOTHING,
    r"^leave it out; as a branch, `\[\]` passes": NOTHING,
    r"^a block is defined under `blocks:`": OWN,
    r"^`convcalc kinds` lists the kinds of layers": OWN,
    r"^it stands at the top of a spec": ELSEWHERE,
    r"^it stands beside (block )?`\w+`, not in it$": ELSEWHERE,
    r"^indent it under `\w+:`": ELSEWHERE,
    r"^inside \{ \} a comma ends the value": ELSEWHERE,
    r"^a parameter in quotes is text": ELSEWHERE,
    r"^a group of items is written `- layers": ELSEWHERE,
    r"^write the shared layers once under `blocks:`": ELSEWHERE,
    r"^write the activation as a layer of its own": ELSEWHERE,
    r"^PyTorch's first argument is the size of the output: ": CHOICE,
    r"^PyTorch's first argument is the norm: ": OWN,
    r"^a branch starts from another tensor by its name, `\[from: \w+\]`, and nothing": OWN,
    r"^give the item to start from a `name`": ELSEWHERE,
    r"^give the item that (is as large|pools|has the weights) a `name`, before this one": ELSEWHERE,
    r"^put a `maxpool` with a `name` before this item$": OWN,
    r"^write it at the item$": ELSEWHERE,
    r"; names with sizes stand under `into`$": ELSEWHERE,
    r"^cut it with `crop`, or name a larger tensor$": CHOICE,
    r"^cut the larger of the two; `pad` and `upsample` make": CHOICE,
    r"^name a part for each, or use `slice` for one alone$": CHOICE,
    r"^write a number, or read it in a field of a layer": CHOICE,
    r"^compare it: `": CHOICE,
    r"^`\w+` is given, too: keep one of the two$": CHOICE,
    r"^add `repeat: 2`, or leave `shared` out$": CHOICE,
    r"^merge it by `add` or `concat`": CHOICE,
    r"^put a non-linearity such as `relu` between": CHOICE,
    r"^use an activation such as `relu` here": CHOICE,
    r"^use `linear` here, or `reshape` the vector": CHOICE,
    r"^put `flatten` at the end of branch \d+$": "it stands in the branch, before the merge",
    r"^write `bias: false`$": "it goes among the fields of the item, which are named by its kind",
    r"^set `bias: false`$": "where not every layer that the item makes wants it",
    r"^set `align_corners: false` in ": "in several items at once",
    r"^put `global_avgpool` before the flatten": CHOICE,
    r"^use kernel \d+ .*or `upsample` and an ordinary convolution$": CHOICE,
    r"^write `(rounding: floor)` once at the top of the spec": above,
    r"^use an? (input of )?[\d×]+": SIZES,
    r"^(put|write) `(crop|pad|upsample|conv_transpose): ": SIZES,
    r"^use kernel \d+ or \d+, or say which side gets more": SIZES,
    r"^leave output_padding out for": SIZES,
    r"^(`reshape` the vector|give the branches the same) ": SIZES,
    r"^use a padding of at most \d+, .*or use `replicate`$": CHOICE,
    r"^`embedding` gives a row for each number; ": NOTHING,
    r"^values need an input of their own: `": OWN,
    r"^numbers are an input: `": OWN,
    r"^give each of the \d+ channels an input and an embedding of its own, `": OWN,
    r"^(one number a position is|write \d+ numbers in a row as) `input: ": ELSEWHERE,
}
"""A pattern of helps → how one does what it says, or why no program can.

A help with a fix needs no row: the tree writes the fix.
"""
NEXT = {"CC110": "CC111", "CC113": "CC109"}
"""Codes, and what only comes to light where theirs is mended: another name in the same place."""


def way(item: Diagnostic) -> tuple[Way | str, "re.Match[str]"] | None:
    for pattern, done in WAYS.items():
        match = re.search(pattern, item.help or "")
        if match:
            return done, match
    return None


def everything() -> Iterator[tuple[str, str]]:
    """The name of a text and the text: all that fixes are tried on, and slips without an answer.

    What one writes of other slips stands in their rows, and is tried there.
    """
    yield from texts()
    for slip in SLIPS:
        if slip.fixed is None and slip.then is None:
            yield slip.text, slip.spec(slip.text)


def unfixed() -> Iterator[tuple[str, str, Diagnostic]]:
    """The findings whose help says to write something and which have no fix."""
    for name, text in everything():
        for item in findings(text):
            if item.fix is None and re.search(r"`|\bwrite\b", item.help or ""):
                yield name, text, item


def test_what_a_help_says_to_write_mends_its_finding_and_breaks_nothing() -> None:
    wrong = []
    for name, text, item in unfixed():
        found = way(item)
        if found is None:
            wrong.append(f"{name}: {item.code} {item.help}\n  no row in WAYS")
        elif not isinstance(found[0], str):
            for after in found[0](text, item, found[1]):
                old, new = (
                    Counter((each.code, each.message) for each in errors(spec))
                    for spec in (text, after)  # names of items count the items of a kind
                )
                came = {code for code, *_ in new - old if code[:3] != PROMISED}
                came -= {NEXT.get(item.code)}
                if said(item) in {*map(said, findings(after))} or came:
                    wrong.append(f"{name}: {item.code} {item.help}\n  {came or ''}, after\n{after}")
    assert not wrong, "\n\n" + "\n\n".join(wrong)


def test_each_way_is_gone_and_each_reason_wanted() -> None:
    used = {
        pattern
        for _, _, item in unfixed()
        for pattern in WAYS
        if re.search(pattern, item.help or "")
    }
    assert {*WAYS} == used
