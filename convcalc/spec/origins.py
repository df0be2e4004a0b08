"""Origins: what layers are called where they come from, as `layer1.0.conv1` or `/layer1/Conv`.

An item says the part of it that is its own; a group or the call of a block says what stands in
front of those inside it. Braces hold expressions, as in `from`, and are written twice where they
are letters of the name.
"""

from collections.abc import Sequence

from convcalc.spec.expressions import MAX_LENGTH
from convcalc.spec.nodes import List, Node, ScalarNode
from convcalc.spec.values import Scope, fail, quoted

SHORTER = "give a shorter one: it is what tables show and weights are found by"
MAX_SHOWN = 100
"""Letters of a name that a message repeats."""


def joined(outer: str, own: str) -> str:
    """An origin behind that of what is around it: a dot parts letters and digits, nothing signs.

    >>> joined("layer1.0", "conv1"), joined("/layer1/", "Conv"), joined("stage1_", "conv0")
    ('layer1.0.conv1', '/layer1/Conv', 'stage1_conv0')
    """
    if outer and own and outer[-1].isalnum() and own[0].isalnum():
        return f"{outer}.{own}"
    return outer + own


def literal(name: str) -> str:
    """A name as an item says it, where braces are letters of it.

    >>> literal("Conv{0}")
    'Conv{{0}}'
    """
    return name.replace("{", "{{").replace("}", "}}")


def origin_of(node: Node, scope: Scope, outer: str, round_: int = 0, rounds: int = 0) -> str:
    """What the layers of an item come from, behind the origin of what is around it.

    `round_` is the round of a repeat, from 1, of `rounds`; 0 where there is none. Raises
    `FieldError` for what is no origin.
    """
    if isinstance(node, List):
        node = _of_round(node, round_, rounds)
    if not isinstance(node, ScalarNode) or not node.text:
        advice = "write a name: `origin: layer1.0.conv1`"
        fail("CC107", f"origin is text, and this is {quoted(node)}", node, advice)
    text = node.text
    own = _written_out(node, scope) if "{" in text or "}" in text else text
    made = joined(outer, own) if outer else own
    if len(made) > MAX_LENGTH:
        message = f"an origin of {len(made):,} characters, and the limit is {MAX_LENGTH:,}"
        fail("CC103", message, node, SHORTER)
    if not made.isprintable():
        fail("CC107", f"origin holds a character that cannot be shown: {made[:MAX_SHOWN]!r}", node)
    return made


def _of_round(names: List, round_: int, rounds: int) -> Node:
    """The origin of one round, of a list that has one for each."""
    if not rounds:
        message = "origin is a list, and the item has no `repeat`"
        fail("CC107", message, names, "write one name; a list has one for each round")
    if len(names.items) != rounds:
        said = f"{len(names.items):,} name{'' if len(names.items) == 1 else 's'}"
        message = f"origin lists {said}, and there are {rounds:,} rounds"
        fail("CC107", message, names, 'write one for each round, or one for all: "layer{index}"')
    return names.items[round_ - 1]


def _written_out(node: ScalarNode, scope: Scope) -> str:
    """A name with its braces worked out; those that are doubled are letters."""
    text = node.text
    if "{{" not in text and "}}" not in text:
        return _calculated(node, scope)
    made = []
    at = 0
    while at < len(text):
        if text[at : at + 2] in ("{{", "}}"):
            made.append(text[at])
            at += 2
        elif text[at] in "{}":
            # A brace that closes nothing, or is never closed, is told of by who works it out.
            end = text.find("}", at) + 1 or len(text)
            part = ScalarNode(text[at:end], node.start, node.length, node.plain)
            made.append(_calculated(part, scope))
            at = end
        else:
            made.append(text[at])
            at += 1
    return "".join(made)


def _calculated(node: ScalarNode, scope: Scope) -> str:
    from convcalc.spec.braces import calculated  # few origins have any

    return calculated(node, scope)


def unlike(names: Sequence[str]) -> list[str]:
    """The names, each with a number behind it where one before it is the same.

    A module that is called twice gives its name to two layers.

    >>> unlike(["conv1", "relu", "conv2", "relu"])
    ['conv1', 'relu', 'conv2', 'relu (2)']
    """
    taken = set(names)
    counts: dict[str, int] = {}
    made = []
    for name in names:
        count = counts.get(name, 0) + 1
        shown = name
        while count > 1 and (shown := f"{name} ({count})") in taken:
            count += 1
        counts[name] = count
        taken.add(shown)
        made.append(shown)
    return made
