"""The pages of codes that are no advice, and what a page is; an advice rule's is its docstring.

A page is Markdown: one sentence, why, of what is no error why it is a warning or a note, a
`Flagged` spec that gives exactly this code and an `Instead` spec that does not. The tests run both.
"""

import re
from inspect import cleandoc
from typing import NamedTuple

STAGES = {
    "CC1": "Spec",
    "CC2": "Wiring",
    "CC3": "Shapes and hyperparameters",
    "CC4": "Advice",
    "CC5": "Expectations and budgets",
    "CC9": "The check itself",
}
"""Prefix of codes → what they are about."""

WARNINGS = frozenset({"CC119", "CC306", "CC901", "CC902", "CC903"})
"""Codes outside the advice that do not make a spec invalid; CC116 is a warning of an empty list."""

_SPEC = re.compile(r"^\*\*(Flagged|Instead)\*\*\n\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Page(NamedTuple):
    """What there is to say about one code."""

    code: str
    name: str
    """What an advice rule finds, in words joined by `-`; empty for other codes."""
    severity: str
    default: bool
    """Whether it is reported unless selected otherwise."""
    text: str
    """Markdown, without a heading."""

    @property
    def summary(self) -> str:
        """Its first paragraph, on one line."""
        return " ".join(self.text.split("\n\n", 1)[0].split())

    @property
    def stage(self) -> str:
        """What codes like this are about."""
        return STAGES[self.code[:3]]

    @property
    def specs(self) -> dict[str, str]:
        """The specs under `Flagged` and `Instead`, where it has them."""
        return dict(_SPEC.findall(self.text))

    @property
    def heading(self) -> str:
        """Code and name."""
        return f"{self.code} {self.name}".strip()

    @property
    def markdown(self) -> str:
        """The whole page."""
        kind = self.severity if self.default else f"{self.severity}, off unless selected"
        return f"### {self.heading}\n\n*{self.stage}, {kind}.*\n\n{self.text}\n"


def pages() -> dict[str, Page]:
    """Every page, by code."""
    from convcalc.rules import RULES

    found = {
        code: Page(code, "", "warning" if code in WARNINGS else "error", True, cleandoc(text))
        for code, text in TEXTS.items()
    }
    for code, rule in RULES.items():
        found[code] = Page(code, rule.name, rule.severity, rule.default, cleandoc(rule.text))
    return dict(sorted(found.items()))


def markdown() -> str:
    """docs/rules.md."""
    everything = pages()
    lines = [
        "# Rules",
        "",
        "Every finding has a code; its first digit says at which stage it comes up.",
        "An error makes the spec invalid or breaks a promise, a warning is probably a mistake,",
        "and a note is a matter of taste or budget, which fails a run only with `--fail-on note`.",
        "`convcalc rule CC401` prints these pages, and the specs on them are run by the tests.",
        "This file is written by `python -m convcalc.rules > docs/rules.md`.",
        "",
        "| Code | | What it says |",
        "|:--|:--|:--|",
    ]
    for page in everything.values():
        state = page.severity if page.default else f"{page.severity}, off"
        lines.append(f"| [{page.code}](#{_anchor(page.heading)}) | {state} | {page.summary} |")
    stage = ""
    for page in everything.values():
        if page.stage != stage:
            stage = page.stage
            lines += ["", f"## {stage}"]
        lines += ["", _marked(page).rstrip("\n")]
    return "\n".join(lines) + "\n"


def _marked(page: Page) -> str:
    """The page, its flagged spec marked with the code that reading it gives."""
    if page.code > "CC4":
        return page.markdown
    flagged = "**Flagged**\n\n```yaml"
    return page.markdown.replace(flagged, f"{flagged} {page.code}")


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


TEXTS = {
    "CC100": """
    convcalc itself failed on the file.

    **Why.** Whatever a file holds, the answer should be findings about it; this one made convcalc
    stop in the middle, which is a mistake of convcalc. The other files of the run are checked all
    the same. Please report it, with the file.
    """,
    "CC101": """
    The file or architecture cannot be found or read.

    **Why.** A SPEC is a path, `-` for standard input, or the name of a bundled architecture; a
    member of a family is `resnet50` or `family.yaml#member`. The exit code is 2, because nothing
    was looked at.

    ```console
    $ convcalc analyze vgg61
    vgg61:1:1: error[CC101] is neither a file nor a bundled architecture
    …
    Found 1 error.
    ```
    """,
    "CC102": """
    The file is not UTF-8 text.

    **Why.** YAML is text, and a byte that is no UTF-8 has no certain meaning; binary files and
    UTF-16 are told apart from it. Save the file as UTF-8. The exit code is 2.
    """,
    "CC103": """
    The spec is beyond a limit of size, depth or number.

    **Why.** A few lines can ask for more layers, digits or nesting than any machine has room for,
    because blocks call blocks and repeats multiply. The limits lie far above real networks:
    16 MiB of text, 64 levels, 200,000 layers, integers up to 10^18. The exit code is 2.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - {relu: , repeat: 1000000}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - {conv: {filters: 3, kernel: 3, padding: same}, repeat: 1}
    ```
    """,
    "CC104": """
    Anchors, aliases, merge keys and tags are not used in specs.

    **Why.** Aliases let a few lines stand for endless ones, merge keys left YAML with version 1.2,
    and tags run code in some readers. What they are used for, `blocks:` and `defaults:` do, with
    parameters. The exit code is 2.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: &three {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: *three
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    defaults: {conv: {kernel: 3, padding: 1}}
    layers:
      - conv: 16
      - relu
      - conv: 16
    ```
    """,
    "CC105": """
    The file is not YAML, or more than one document.

    **Why.** The text breaks YAML's own rules at this place: often a tab, unequal indentation, an
    open bracket, or text with `: ` that needs quotes.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3
      - relu
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
    ```
    """,
    "CC106": """
    A key is given twice.

    **Why.** Most readers let the last one win and say nothing, so that half of what was written
    has no effect. Here it is an error, with both places.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, filters: 32, padding: 1}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 32, kernel: 3, padding: 1}
    ```
    """,
    "CC107": """
    A value is of another form than its field takes.

    **Why.** Text where a number should be, a list where a mapping should be. YAML 1.1's surprises
    (`no`, `1:30`, `010`) are read as they are written, and land here instead of becoming another
    number.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1, bias: no}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1, bias: false}
    ```
    """,
    "CC108": """
    A shape has too few or too many numbers, or an extent out of range.

    **Why.** A shape is height × width × channels, length × channels or one number; never the batch.

    **Flagged**

    ```yaml
    input: 0x32x3
    layers: [relu]
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers: [relu]
    ```
    """,
    "CC109": """
    A key or field is not known.

    **Why.** A misspelt field would be without effect. Names from other frameworks are answered with
    the one that is used here: `out_channels` is `filters`, `kernel_size` is `kernel`.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1, activation: relu}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
    ```
    """,
    "CC110": """
    An expression cannot be read.

    **Why.** Wherever a number is expected, arithmetic over the parameters may stand: `4*width`,
    `divisible(32*alpha, 8)`, `2 if wide else 1`. This text is none.

    **Flagged**

    ```yaml
    input: 784
    parameters: {width: 16}
    layers:
      - linear: 4*(width
    ```

    **Instead**

    ```yaml
    input: 784
    parameters: {width: 16}
    layers:
      - linear: 4*width
    ```
    """,
    "CC111": """
    An expression uses a name that stands for nothing.

    **Why.** In a block, expressions know its own parameters and the spec's; `index` counts the
    rounds of a `repeat`. Text in quotes is text.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 4*width
    ```

    **Instead**

    ```yaml
    input: 784
    parameters: {width: 16}
    layers:
      - linear: 4*width
    ```
    """,
    "CC112": """
    An expression has no value, or none that the field takes.

    **Why.** A division by zero, or 37.5 filters. Nothing is rounded silently: frameworks differ in
    how they do it, and a parameter count with them.

    **Flagged**

    ```yaml
    input: 784
    parameters: {width: 75}
    layers:
      - linear: width/2
    ```

    **Instead**

    ```yaml
    input: 784
    parameters: {width: 75}
    layers:
      - linear: floor(width/2)
    ```
    """,
    "CC113": """
    An item is no kind of layer and no block.

    **Why.** `convcalc schema` and docs/spec.md list the kinds; names from other frameworks are
    answered with the one that is used here.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - dense: 10
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 10
    ```
    """,
    "CC114": """
    A block calls itself.

    **Why.** Blocks are written out where they are called, and this one would never end.

    **Flagged**

    ```yaml
    input: 784
    blocks:
      unit:
        layers: [{linear: 784}, relu, unit]
    layers:
      - unit
    ```

    **Instead**

    ```yaml
    input: 784
    blocks:
      unit:
        layers: [{linear: 784}, relu]
    layers:
      - {unit: , repeat: 3}
    ```
    """,
    "CC115": """
    Something that is needed is missing.

    **Why.** A layer without a field that has no default, a block without an argument, a spec
    without `input` or `layers`.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, padding: 1}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
    ```
    """,
    "CC116": """
    An item or list says nothing that can be built.

    **Why.** An empty item, an item of two kinds, a list in place of an item, or `shared` without
    `repeat`. An empty `layers` is only a warning.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - {linear: 10, relu: }
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 10
      - relu
    ```
    """,
    "CC117": """
    A name is not allowed, or taken.

    **Why.** `from` and reports refer to names, so each stands for one tensor. A name starts with a
    letter; kinds of layers, `input` and the words of expressions have a meaning of their own.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - {linear: 100, name: hidden}
      - relu
      - {linear: 10, name: hidden}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - {linear: 100, name: hidden}
      - relu
      - {linear: 10, name: scores}
    ```
    """,
    "CC118": """
    A parameter to set does not exist.

    **Why.** `--set classes=10` gives another value to a parameter under the spec's `parameters:`;
    this spec declares none of that name, and the setting would be without effect.

    ```console
    $ convcalc analyze vgg16 --set clases=10
    …
    Found 1 error.
    ```
    """,
    "CC119": """
    A shape or size reads as something else than what is mostly meant by it.

    **Why.** Shapes are height × width × channels, without the batch. 3x224x224 would be an image 3
    pixels high with 224 channels; PyTorch writes the same image so that the 3 comes first. 28x28 is
    a sequence of 28 positions with 28 channels, and a grey image is 28x28x1. 3*3 is 9, and a kernel
    of three by three is 3x3.

    **Why a warning.** Nobody means an image of three rows, but a spec may say so and is worked out
    as it stands. What cannot be meant, such as an `--input` of other axes than the spec's own, is
    CC108.

    **Flagged**

    ```yaml
    input: 3x224x224
    layers: [relu]
    ```

    **Instead**

    ```yaml
    input: 224x224x3
    layers: [relu]
    ```
    """,
    "CC120": """
    A promise cannot be read.

    **Why.** `expect` and `budget` take numbers with units (`138.4M`, `12GiB`), limits (`<= 16G`)
    and ranges (`138.4M ± 0.1M`, `1M..2M`).

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 10
    expect: {parameters: 2M..1M}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 10
    expect: {parameters: 7k..8k}
    ```
    """,
    "CC201": """
    An item starts from a name that nothing before it has.

    **Why.** `from` goes back to a tensor that exists already, looked for from the inside out:
    first in the same block, then around it. `input` is the network's input.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - {linear: 784, name: first}
      - relu
      - add: [[], [from: frist]]
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - {linear: 784, name: first}
      - relu
      - add: [[], [from: first]]
    ```
    """,
    "CC202": """
    Layers that share their weights differ.

    **Why.** With `shared: true` every round of a repeat uses the same weights, so every round must
    have the same layers, with the same channels coming in.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - layers:
          - conv: {filters: 16, kernel: 3, padding: 1}
          - relu
        repeat: 4
        shared: true
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - layers:
          - conv: {filters: 16, kernel: 3, padding: 1}
          - relu
        repeat: 4
        shared: true
    ```
    """,
    "CC203": """
    A merge has no branches.

    **Why.** `add`, `multiply` and `concat` take a list of branches, each a list of items; `[]` is
    the branch that passes the tensor on as it is.

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - add: []
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - add:
          - []
          - - conv: {filters: 16, kernel: 3, padding: 1}
    ```
    """,
    "CC301": """
    A stride does not tile the input.

    **Why.** (W − F + 2P)/S + 1 must be a whole number; otherwise the neurons do not fit, and
    frameworks drop rows, or make some up, without a word. The AlexNet paper's 224×224 input with
    11×11 filters and stride 4 gives 54.25. `rounding: floor` and `rounding: ceil` say that what
    frameworks do is meant.
    Source: [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Constraints on
    strides".

    **Flagged**

    ```yaml
    input: 224x224x3
    layers:
      - conv: {filters: 96, kernel: 11, stride: 4}
    ```

    **Instead**

    ```yaml
    input: 227x227x3
    layers:
      - conv: {filters: 96, kernel: 11, stride: 4}
    ```
    """,
    "CC302": """
    A value is outside the bounds of its field.

    **Why.** A kernel of 0, a dropout of 150%, fields that exclude each other.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 10
      - dropout: 1.5
      - linear: 10
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 10
      - relu
      - dropout: 0.5
      - linear: 10
    ```
    """,
    "CC303": """
    A kernel is larger than the padded input, or padding cuts the output away.

    **Why.** There is no position at which the kernel fits, so there is no output. Often the map
    was halved once too often.
    Source: Dumoulin and Visin, [arXiv:1603.07285](https://arxiv.org/abs/1603.07285), relationship
    6.

    **Flagged**

    ```yaml
    input: 4x4x16
    layers:
      - conv: {filters: 16, kernel: 7}
    ```

    **Instead**

    ```yaml
    input: 4x4x16
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
    ```
    """,
    "CC304": """
    Padding is more than half the pooling kernel.

    **Why.** Some windows would then hold padding alone, and the largest of no values is nothing.
    PyTorch refuses it too.
    Source: torch.nn.MaxPool2d.

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - maxpool: {kernel: 2, stride: 2, padding: 2}
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - maxpool: {kernel: 2, stride: 2, padding: 1}
    ```
    """,
    "CC305": """
    Groups or a factor do not divide the channels.

    **Why.** Each group takes the same number of channels in and makes the same number.
    Source: torch.nn.Conv2d; Wu and He, [arXiv:1803.08494](https://arxiv.org/abs/1803.08494).

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - conv: {filters: 32, kernel: 3, padding: 1, groups: 3}
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - conv: {filters: 32, kernel: 3, padding: 1, groups: 4}
    ```
    """,
    "CC306": """
    Rows or columns of the input are never read.

    **Why.** With `rounding: floor` the windows that do not fit are left out, and what only they
    would have read is lost. Padding that is left over costs nothing, and is not reported.
    Source: [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Constraints on
    strides".

    **Why a warning.** Frameworks drop the rows without a word, and the spec allowed it by its
    `rounding`; hardly anybody wants part of the input to be unseen.

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - maxpool: {kernel: 3, stride: 2, rounding: floor}
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - maxpool: {kernel: 3, stride: 2, rounding: ceil}
    ```
    """,
    "CC307": """
    `same` padding needs an odd kernel.

    **Why.** With stride 1, P = (F − 1)/2 keeps the size, and an even F has no such P: one side
    gets more than the other. TensorFlow, PyTorch and JAX put the odd one behind, and ONNX has both,
    SAME_UPPER and SAME_LOWER. `rounding: floor` and `ceil` do as those three; under `exact` a spec
    says which side it means.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 4, padding: same}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 4, padding: [[1, 2], [1, 2]]}
    ```
    """,
    "CC308": """
    A linear layer is fed an image.

    **Why.** Frameworks would either multiply the last axis only, or flatten without a word; these
    are different layers. `flatten`, a global pool, or `conv` with kernel 1 says which is meant.

    **Flagged**

    ```yaml
    input: 8x8x16
    layers:
      - linear: 10
    ```

    **Instead**

    ```yaml
    input: 8x8x16
    layers:
      - flatten
      - linear: 10
    ```
    """,
    "CC309": """
    Branches of an addition or product differ in shape.

    **Why.** They are merged value by value; only an extent of 1 is spread over the other's.

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - add:
          - []
          - - conv: {filters: 32, kernel: 3, padding: 1}
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - add:
          - - conv: {filters: 32, kernel: 1}
          - - conv: {filters: 32, kernel: 3, padding: 1}
    ```
    """,
    "CC310": """
    Branches of a concat differ in more than their channels.

    **Why.** A concat puts channels behind one another, position by position, so heights and widths
    must agree. U-Net crops its encoder's maps for that.

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - concat:
          - []
          - - maxpool: 2
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - concat:
          - - maxpool: 2
          - - conv: {filters: 16, kernel: 2, stride: 2}
    ```
    """,
    "CC311": """
    A layer does not take an input of this rank, or has no such axis.

    **Why.** A field with one value per axis needs as many as the input has spatial axes; axes are
    numbered from 1, the channels.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3x3x3, padding: 1}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3x3, padding: 1}
    ```
    """,
    "CC312": """
    The numbers of values before and after do not agree.

    **Why.** A reshape keeps every value, a crop leaves some, a slice lies within the channels, and
    a border repeats no more rows than there are.

    **Flagged**

    ```yaml
    input: 1000
    layers:
      - reshape: 32x32x1
    ```

    **Instead**

    ```yaml
    input: 1024
    layers:
      - reshape: 32x32x1
    ```
    """,
    "CC313": """
    A tensor is too large to be counted.

    **Why.** More than 2^62 values in one tensor are no network, and would overflow in whatever
    reads the numbers.

    **Flagged**

    ```yaml
    input: 1000000000x1000000000x3
    layers:
      - conv: {filters: 1000, kernel: 1}
    ```

    **Instead**

    ```yaml
    input: 1000x1000x3
    layers:
      - conv: {filters: 1000, kernel: 1}
    ```
    """,
    "CC314": """
    A layer needs another kind of input: spatial axes, or more values to normalize.

    **Why.** A kernel cannot slide over a vector, and one value alone has no variance: normalized,
    it is 0 whatever it was.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - reshape: 28x28x1
      - conv: {filters: 16, kernel: 3, padding: 1}
    ```
    """,
    "CC501": """
    A number is not what the spec expects.

    **Why.** `expect` holds what is known of the network, from its paper or a framework; a spec that
    no longer gives it was changed, on purpose or not. The message has the difference and the layers
    that count most.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 10
    expect: {parameters: 7840}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 10
    expect: {parameters: 7850}
    ```
    """,
    "CC502": """
    A shape is not what the spec expects.

    **Why.** `expect` may give the output's shape, and those of layers by name; a shape that changed
    breaks whatever was to be fed by it.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
    expect: {output: 32x32x32}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
    expect: {output: 32x32x16}
    ```
    """,
    "CC503": """
    A receptive field is not what the spec expects.

    **Why.** `expect` may give what one position of the last layer with positions sees of the input,
    per axis or for all. Where only an upper bound of that is known, and it does not tell whether
    the expectation holds, this is a warning.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 1}
    expect: {receptive_field: 7}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 1}
    expect: {receptive_field: 5}
    ```
    """,
    "CC504": """
    Memory is not what the spec expects.

    **Why.** `expect` may give the bytes that inference, or training at a batch with an optimizer,
    takes; docs/definitions.md says what is counted.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 1000
    expect: {memory: <= 1MiB}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 1000
    expect: {memory: <= 16MiB}
    ```
    """,
    "CC505": """
    An expectation names a layer that does not exist.

    **Why.** A promise about nothing would always hold. `convcalc analyze` shows the names.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - {linear: 10, name: scores}
    expect: {layers: {score: 10}}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - {linear: 10, name: scores}
    expect: {layers: {scores: 10}}
    ```
    """,
    "CC511": """
    A number is over its budget.

    **Why.** `budget` limits parameters, MACs, FLOPs, activations and the largest tensor, in the
    spec, in the configuration for a whole team, or on the command line (`--max-parameters 5M`).

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 1000
    budget: {parameters: 100k}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 100
    budget: {parameters: 100k}
    ```
    """,
    "CC512": """
    Memory is over its budget.

    **Why.** A network that trained yesterday and no longer fits the device is found here, before a
    job waits in a queue for it.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 1000
    budget: {memory: {limit: 1MiB, batch: 32, training: true, optimizer: adam}}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 1000
    budget: {memory: {limit: 1GiB, batch: 32, training: true, optimizer: adam}}
    ```
    """,
    "CC513": """
    A batch is too small for a layer.

    **Why.** A batch norm takes its mean and variance over the batch and all positions. Where one
    position is left, as behind a global pooling or in a vector, a batch of one has a single value
    per channel, which has no variance: PyTorch refuses it in training, and without running
    statistics always. `instancenorm` and `groupnorm` of single values are `CC314`, whatever the
    batch.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: {features: 16, bias: false}
      - batchnorm
      - relu
      - linear: 10
    budget: {memory: {limit: 1MiB, batch: 1, training: true}}
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: {features: 16, bias: false}
      - batchnorm
      - relu
      - linear: 10
    budget: {memory: {limit: 1MiB, batch: 2, training: true}}
    ```
    """,
    "CC901": """
    An ignore silences nothing.

    **Why.** It outlived what it was written for, or stands at the wrong line; left there, it would
    hide the next finding of this code.

    **Why a warning.** A comment without effect is a mistake of the comment; the network is what it
    was.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}  # convcalc: ignore[CC403] as in FCN
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 100}  # convcalc: ignore[CC403] as in FCN
    ```
    """,
    "CC902": """
    An ignore cannot be read.

    **Why.** `# convcalc: ignore[CC401] reason` at the end of a line or alone above an item, or
    `ignore-file[CC401] reason` at the top. Anything else would silence nothing, unnoticed.

    **Why a warning.** Its author meant to silence something, and nothing is silenced.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}  # convcalc: ignore the padding
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 100}  # convcalc: ignore[CC403] as in FCN
    ```
    """,
    "CC903": """
    The baseline has an entry that is no longer needed.

    **Why.** A baseline counts the findings that a repository started with; as they are mended the
    counts must shrink, or new findings would slip in under the old ones. `--update-baseline`
    writes it anew.

    **Why a warning.** Left as it is, the entry would hide a new finding.
    """,
}
"""Code → page, for all codes but those of the advice."""
