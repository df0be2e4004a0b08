"""Random small specs with random axes are the same by pieces and one by one."""

import random

import pytest
from engine_held import COMPOSED, both, loaded, told

AXES = {"a": ("1..3", "0..2", "1,2,4"), "b": ("1..2", "2,4", "0..1"), "c": ("1..4", "3,5")}
"""Whole numbers, with what their axes may be."""
DERIVED = {"d": ("a + b", "max(a, c)", "2 * c", "3"), "e": ("d - a", "b", "a if f else c")}
"""What others are worked out from these by."""


class Writer:
    """Writes a spec, of which half the designs or so have errors."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.named: list[str] = []

    def number(self, own: tuple[str, ...] = ()) -> str:
        """A whole number, made of names as often as not."""
        pick = self.chance.choice
        names = ["a", "b", "c", "d", "e", *own]
        forms = (
            pick(names),
            pick(names),
            f"{pick(names)} + {pick(names)}",
            f"divisible({pick(names)} * 3, 2)",
            f"{pick(names)} if f else {pick(names)}",
            f"max({pick(names)}, 2)",
            str(self.chance.randint(1, 4)),
        )
        return f'"{pick(forms)}"'

    def condition(self, own: tuple[str, ...] = ()) -> str:
        """A condition."""
        names = ("a", "b", "c", "d", *own)
        return self.chance.choice(
            (
                "f",
                "not f",
                f"{self.chance.choice(names)} > 1",
                f"f and {self.chance.choice(names)} < 3",
            )
        )

    def layer(self, own: tuple[str, ...] = ()) -> str:
        """A layer, most of which keep the extents."""
        number = self.number(own)
        return self.chance.choice(
            (
                f"conv: {{filters: {number}, kernel: 1}}",
                f"conv: {{filters: {number}, kernel: 3, padding: same}}",
                f"conv: {{filters: {number}}}",
                "depthwise_conv: {kernel: 3, padding: 1}",
                "batchnorm: {}",
                "layernorm: {}",
                "relu: {}",
                "sigmoid: {}",
                "dropout: 0.5",
                f"maxpool: {{kernel: {number}, stride: 1}}",
                "conv: {filters: incoming.channels, kernel: 1}",
                "groupnorm: {groups: 1}",
            )
        )

    def item(self, depth: int, own: tuple[str, ...] = (), *, top: bool = False) -> str:
        """An item of a list."""
        chance = self.chance
        kind = chance.random()
        if kind < 0.45 or not depth:
            text = self.layer(own)
        elif kind < 0.6:
            inside = ", ".join(
                self.item(depth - 1, (*own, "index")) for _ in range(chance.randint(1, 2))
            )
            text = f"layers: [{inside}], repeat: {chance.choice(('a', 'b', '2'))}"
            if chance.random() < 0.3:
                text += ", shared: f"
            return f"{{{text}}}"
        elif kind < 0.75:
            text = f"block: {{x: {self.number(own)}}}"
        elif kind < 0.85:
            branch = self.layer(own)
            text = f"concat: [[{{{branch}}}], [], [when: {self.condition(own)}, sigmoid]]"
        elif kind < 0.9 and self.named:
            return f"{{concat: [[], [from: {chance.choice(self.named)}]]}}"
        elif kind < 0.93:
            return f"{{{self.layer(own)}, from: {chance.choice(('input', 'conv1', *self.named))}}}"
        else:
            return f"{{add: [[], [{{{self.layer(own)}}}]], when: {self.condition(own)}}}"
        if chance.random() < 0.2:
            text += f", when: {self.condition(own)}"
        if top and chance.random() < 0.25:
            name = chance.choice(("n1", "n2", "n3", "conv2"))
            self.named.append(name)
            text += f", name: {name}"
        if chance.random() < 0.1:
            text += ", frozen: f"
        return f"{{{text}}}"

    def spec(self) -> tuple[str, list[tuple[str, str]]]:
        """A spec, and the axes of a sweep of it."""
        chance = self.chance
        derived = {name: chance.choice(forms) for name, forms in DERIVED.items()}
        said = ", ".join(f"{name}: {text}" for name, text in derived.items())
        size = chance.choice(("6x6x2", "[c + 3, 6, 2]", "8x7x4"))
        inner = [self.item(1, ("x", "y")) for _ in range(chance.randint(1, 3))]
        lines = [
            f"input: {size}",
            f"parameters: {{a: 1, b: 2, c: 3, f: true, {said}}}",
            f"defaults: {{conv: {{kernel: {chance.choice(('1', '3', 'b'))}, padding: same}}}}",
            "blocks:",
            "  deep:",
            f"    layers: [{self.item(0, ('x',) if chance.random() < 0.1 else ())}]",
            "  block:",
            f"    parameters: {{x, y: {chance.choice(('x', 'a', 'x + c', '1'))}}}",
            f"    layers: [{', '.join(inner)}, {{deep: {{}}, repeat: b}}]",
            "layers:",
            *(f"  - {self.item(2, top=True)}" for _ in range(chance.randint(2, 5))),
        ]
        if chance.random() < 0.2:
            lines.append("expect: {output: 8 // b}")
        axes = [(name, chance.choice(values)) for name, values in AXES.items()]
        axes = chance.sample(axes, chance.randint(1, 3))
        if chance.random() < 0.5:
            axes.append(("f", "true,false"))
        if chance.random() < 0.4 and "c + 3" not in size:
            axes.append(("input", "6x6x2,5x5x2,8x8x4"))
        if chance.random() < 0.3:
            axes.append(("batch", "1,3"))
        return "\n".join(lines), axes


def compared(seed: int, most: int) -> tuple[int, int]:
    """Hold a random spec; how many of its designs are valid, and how many there are."""
    text, vary = Writer(seed).spec()
    _, one, other = both(loaded(text), vary, COMPOSED, most=most, seed=seed)
    assert told(one) == told(other), f"{text}\n\n{vary}"
    return int((other.reason < 0).sum()), len(other.reason)


def test_random_specs_are_the_same_by_pieces() -> None:
    counts = [compared(seed, 8) for seed in range(8)]

    assert sum(valid for valid, _ in counts) > sum(every for _, every in counts) // 8


@pytest.mark.thorough
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_more_random_specs_are_the_same_by_pieces(start: int) -> None:
    for seed in range(start, start + 100):
        compared(seed, 24)
