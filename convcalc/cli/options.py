"""Options that several commands share."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from convcalc.cli.output import Output
from convcalc.diagnostics import ArgumentError
from convcalc.formats import Format
from convcalc.shape import Shape
from convcalc.spec.promises import OPTIMIZERS
from convcalc.spec.values import FieldError, parse_shape

if TYPE_CHECKING:
    from convcalc.analysis.memory import Checkpoint
    from convcalc.analysis.memory.boards import Bank
    from convcalc.analysis.memory.limits import Limit
    from convcalc.graph import Network

    Choice = click.Choice[str]
else:
    Choice = click.Choice  # which is not generic in older versions

F = TypeVar("F", bound=Callable[..., Any])


class NamedPath(click.Path):
    """A path that is named: an empty text, as an unset variable leaves it, would have no effect."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check a path, as click does."""
        if not value:
            self.fail("an empty text names no file", param, ctx)
        return super().convert(value, param, ctx)


class Word(Choice):
    """One of several words; another one is asked for by the word that it may mean."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check a word, as click does."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            from convcalc.nearness import asked

            near = asked([str(value)], map(str, self.choices))
            message = f"{error.message.rstrip('.')}{near}" if near else error.message
            raise click.BadParameter(message, ctx, param) from None


Inputs: TypeAlias = Shape | dict[str, Shape] | None
"""What --input gives: a shape, of several inputs some by their names, or nothing."""
FILE = NamedPath(dir_okay=False)
"""A file that is read or written; who reads it says what is wrong with it."""
FOLDER = NamedPath(file_okay=False)
"""A folder that is written to."""
STANDARD = "-"
"""What standard output is called where the name of a file is asked for."""
DIGITS = 12
"""Digits of a number that is too large for any extent."""


def refuse_idle_force(file: str | None, named: str = "FILE", *, force: bool) -> None:
    """Raise `click.UsageError` for --force where no file is named that it could write over."""
    if force and file is None:
        message = f"--force is about the {named} of --output, and none is named"
        raise click.UsageError(message)


def shape_value(value: str | Shape) -> Shape:
    """A shape on the command line: 384x384x3."""
    if isinstance(value, Shape):
        return value
    try:
        return parse_shape(value)
    except FieldError as error:
        raise click.BadParameter(
            f"{value!r}: {error.problem.message}; write height x width x channels: 384x384x3"
        ) from None


def input_value(value: str | tuple[str, Shape]) -> tuple[str, Shape]:
    """An input on the command line: 384x384x3, or left=64x64x1 of one that has a name."""
    if isinstance(value, tuple):
        return value
    name, equals, shape = value.rpartition("=")
    if equals and not name.strip():
        raise click.BadParameter(f"{value!r} is not NAME=SHAPE, such as left=64x64x1")
    return name.strip(), shape_value(shape)


def _by_name(
    ctx: click.Context, param: click.Parameter, values: tuple[tuple[str, Shape], ...]
) -> Inputs:
    """The shape of the input, or those of several by their names."""
    given: dict[str, Shape] = {}
    for name, shape in values:
        before = given.setdefault(name, shape)
        if before != shape:
            message = f"{name or 'the input'} is given twice, as {before} and as {shape}"
            raise click.BadParameter(message, ctx, param)
    if "" not in given:
        return given or None
    if len(given) > 1:
        message = f"{given['']} is given without a name, and {next(filter(None, given))} has one"
        raise click.BadParameter(message, ctx, param)
    return given[""]


def setting_value(value: str | tuple[str, str]) -> tuple[str, str]:
    """A parameter and its value on the command line: NAME=VALUE."""
    if isinstance(value, tuple):
        return value
    name, equals, text = value.partition("=")
    if not equals or not name.strip() or not text.strip():
        raise click.BadParameter(f"{value!r} is not NAME=VALUE, such as classes=10")
    return name.strip(), text.strip()


def position_value(value: str | tuple[int, ...]) -> tuple[int, ...]:
    """Whole numbers from 0, one an axis: 10,20, or 10x20 as sizes are written."""
    return _numbers(value, 0, "position, which is a whole number for each axis: 10,20")


def input_position(
    value: str | tuple[str, tuple[int, ...]],
) -> tuple[str, tuple[int, ...]]:
    """A position of an input on the command line: 10,20, or left=10,20 of one that has a name."""
    if isinstance(value, tuple):
        return value
    name, equals, position = value.rpartition("=")
    if equals and not name.strip():
        raise click.BadParameter(f"{value!r} is not NAME=POSITION, such as left=10,20")
    return name.strip(), position_value(position)


def size_numbers(value: str | tuple[int, ...]) -> tuple[int, ...]:
    """Whole numbers from 1, one for all axes or one an axis: 55, or 55x27."""
    return _numbers(value, 1, "size, which is a whole number from 1: 55, or 55x27")


def _numbers(value: str | tuple[int, ...], least: int, what: str) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    texts = [part.strip() for part in value.replace("×", "x").replace("x", ",").split(",")]
    if all(part.isascii() and part.isdecimal() and len(part) < DIGITS for part in texts):
        numbers = tuple(map(int, texts))
        if min(numbers) >= least:
            return numbers
    raise click.BadParameter(f"{value!r} is no {what}")


def _each_once(
    ctx: click.Context, param: click.Parameter, values: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """Values of parameters, none of which is given two."""
    given: dict[str, str] = {}
    for name, text in values:
        before = given.setdefault(name, text)
        if before != text:
            message = f"{name} is given twice, as {before} and as {text}"
            raise click.BadParameter(message, ctx, param)
    return values


def each_member(
    ctx: click.Context, param: click.Parameter, specs: tuple[str, ...]
) -> tuple[str, ...]:
    """SPECs, with the members of a family in the place of `family.yaml#*`."""
    del ctx, param
    if not any("#" in spec for spec in specs):
        return specs
    from convcalc.graph.families import members

    return tuple(member for spec in specs for member in members(spec))


def format_option(
    formats: Iterable[str], name: str = "format_name", **settings: Any
) -> Callable[[F], F]:
    """--format, one of `formats`, as the argument `name`; `settings` are click's."""
    return click.option("-f", "--format", name, type=Word([*formats]), **settings)


def output_options(
    formats: Mapping[str, Format],
    package: str = "",
    *,
    default: str | None = None,
    text: str = "How to show it",
) -> Callable[[F], F]:
    """--format of a command, as an `Output`; modules of the formats are in `package`.

    Without a default it is a table on a terminal, and plain text elsewhere.
    """

    def chosen(ctx: click.Context, param: click.Parameter, value: str | None) -> Output:
        del ctx, param
        name = value or ("table" if sys.stdout.isatty() else "plain")
        return Output(name, formats[name], package)

    if default is None:
        text += "; a table on a terminal, plain text in a pipe"
    return format_option(
        formats,
        "output",
        default=default,
        show_default=default is not None,
        callback=chosen,
        help=f"{text}.",
    )


def new_file_options(text: str, name: str = "file", metavar: str = "FILE") -> Callable[[F], F]:
    """--output, a file that is not to be there yet, and --force, which writes over one that is.

    `-` is standard output, as without --output: None.
    """

    def both(function: F) -> F:
        over = f"Write over the {metavar} of --output if it is there."
        function = click.option("--force", is_flag=True, help=over)(function)
        return click.option(
            "-o",
            "--output",
            name,
            type=FILE,
            metavar=metavar,
            callback=_not_dash,
            help=f"{text}; - is standard output, where it goes unless given.",
        )(function)

    return both


def _not_dash(ctx: click.Context, param: click.Parameter, file: str | None) -> str | None:
    """The name of a file; None for standard output."""
    del ctx, param
    return None if file == STANDARD else file


def refuse_beside_standard(ctx: click.Context, option: str) -> None:
    """Raise `click.UsageError` for --format where `option -` has standard output to itself."""
    if ctx.get_parameter_source("output") is click.core.ParameterSource.COMMANDLINE:
        message = f"{option} - has standard output to itself, and --format would have no effect"
        raise click.UsageError(message)


def network_options(function: F) -> F:
    """--input and --set."""
    return input_option(set_option(function))


def set_option(function: F) -> F:
    """--set."""
    return click.option(
        "--set",
        "settings",
        type=setting_value,
        callback=_each_once,
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of one of the spec's parameters; repeatable.",
    )(function)


def input_option(function: F) -> F:
    """--input."""
    return click.option(
        "--input",
        "shape",
        type=input_value,
        callback=_by_name,
        multiple=True,
        metavar="[NAME=]SHAPE",
        help="Shape of one example instead of the spec's: 384x384x3; of one of several inputs "
        "left=64x64x1, repeatable.",
    )(function)


def freeze_option(function: F) -> F:
    """--freeze, beside what the spec says of itself by `frozen`."""
    return click.option(
        "--freeze",
        multiple=True,
        metavar="PATTERN",
        help="Layers whose weights training leaves as they are: stage1, '*.conv?'; repeatable.",
    )(function)


def frozen(network: "Network", patterns: tuple[str, ...]) -> "Network":
    """A network with the layers frozen that `--freeze` names."""
    if not patterns:
        return network
    from convcalc.graph.frozen import with_frozen

    try:
        return with_frozen(network, patterns)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None


def way_value(value: str | tuple[str, str]) -> tuple[str, str]:
    """Layers and how they are written on the command line: PATTERN=WORD."""
    if isinstance(value, tuple):
        return value
    pattern, equals, word = value.rpartition("=")
    if not equals or not pattern.strip() or not word.strip():
        raise click.BadParameter(f"{value!r} is not PATTERN=WORD, such as relu=function")
    return pattern.strip(), word.strip()


def written_option(function: F) -> F:
    """--written, over what the spec says of it."""
    return click.option(
        "--written",
        "ways",
        type=way_value,
        multiple=True,
        metavar="PATTERN=WORD",
        help="How layers are written in code, by kinds or names, where a tool's count hangs on it: "
        "relu=function; repeatable.",
    )(function)


def as_written(network: "Network", ways: tuple[tuple[str, str], ...]) -> "Network":
    """A network whose layers are written as `--written` says."""
    if not ways:
        return network
    from convcalc.graph.written import with_ways

    try:
        return with_ways(network, ways)
    except ArgumentError as error:
        raise click.UsageError(f"--written: {error}") from None


def names_option(function: F) -> F:
    """--names, what layers are called in what is shown."""
    return click.option(
        "--names",
        type=Word(["spec", "origin"]),
        default="spec",
        show_default=True,
        help="What layers are called: as in the spec, or as where they come from (`origin`).",
    )(function)


def named(network: "Network", names: str) -> "Network":
    """A network with its layers called as `--names` says."""
    if names == "spec":
        return network
    if not any(node.origin for node in network.nodes):
        message = f"--names origin: no layer of {network.path} says where it comes from"
        raise click.UsageError(message)
    from convcalc.graph.by_origin import by_origin

    return by_origin(network)


def size_options(function: F) -> F:
    """--batch and --dtype."""
    function = click.option(
        "--dtype",
        type=Word(["float32", "float16", "bfloat16", "float64", "int8"]),
        default="float32",
        show_default=True,
        help="Data type of parameters and activations.",
    )(function)
    return batch_option(function)


def batch_option(function: F) -> F:
    """--batch."""
    return click.option(
        "--batch",
        type=click.IntRange(1, 2**31),
        default=1,
        show_default=True,
        metavar="N",
        help="Examples at once.",
    )(function)


def bytes_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Bytes on the command line, with a unit."""
    if value is None:
        return None
    from convcalc.analysis.memory.amounts import read_bytes

    name = param.name or ""
    try:
        return read_bytes(value, name, unitless=name == "overhead")
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def limits_value(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> "tuple[Limit, ...]":
    """Bytes with a unit, or names of GPUs, each once."""
    if not values:
        return ()
    from convcalc.analysis.memory.limits import read_limit

    try:
        return tuple(dict.fromkeys(map(read_limit, values)))
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def boards_value(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Names of boards, each once."""
    if not values:
        return ()
    from convcalc.analysis.memory.boards import read_board

    try:
        return tuple(dict.fromkeys(map(read_board, values)))
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def banks_value(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> "tuple[Bank, ...]":
    """Banks of memory, each name once."""
    if not values:
        return ()
    from convcalc.analysis.memory.banks import read_banks

    try:
        return read_banks(values)
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def patches_value(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> "str | tuple[int, int] | None":
    """Rows and columns of patches, or `auto`."""
    if value is None:
        return None
    from convcalc.analysis.memory.patches import AUTO, read_grid

    if value == AUTO:
        return AUTO
    try:
        return read_grid(value)
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def patches_options(function: F) -> F:
    """--patches, --until and --input-memory."""
    from convcalc.analysis.memory.patches import INPUT_MEMORY

    for option in (
        click.option(
            "--input-memory",
            type=Word(INPUT_MEMORY),
            help="Whether the arena of --patches has the whole input, or of each patch its region "
            "alone; counted unless given.",
        ),
        click.option(
            "--until", metavar="LAYER", help="The layer whose output the --patches are of."
        ),
        click.option(
            "--patches",
            callback=patches_value,
            metavar="ROWSxCOLUMNS|auto",
            help="Plan the arena with the layers up to --until run patch by patch: 4x4; auto is "
            "the fewest MACs that fit into --limit.",
        ),
    ):
        function = option(function)
    return function


def _checkpoint(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> "Checkpoint | None":
    """every=K, or names of blocks."""
    if not values:
        return None
    from convcalc.analysis.memory.checkpoint import read_checkpoint

    try:
        return read_checkpoint(values)
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def run_options(function: F) -> F:
    """How a network runs, as far as its memory depends on it: --training to --overhead."""
    for option in reversed(_run_options()):
        function = option(function)
    return function


def _run_options() -> list[Callable[[F], F]]:
    return [
        click.option("--training", is_flag=True, help="A training step instead of inference."),
        click.option("--optimizer", type=Word(OPTIMIZERS), help="Of training; sgd unless given."),
        click.option(
            "--fused/--per-tensor",
            default=True,
            help="Whether the optimizer works on all tensors at once, as on CUDA, or on one by "
            "one; fused unless given.",
        ),
        click.option(
            "--mixed-precision", is_flag=True, help="Compute in 2 bytes, as autocast does."
        ),
        click.option(
            "--inplace/--no-inplace",
            default=True,
            help="Whether activation functions overwrite their input where that is right; they do "
            "unless given.",
        ),
        click.option(
            "--device",
            type=Word(["cpu", "cuda"]),
            default="cpu",
            show_default=True,
            help="Matters for the mask of dropout, and for what mixed precision computes in "
            "float32.",
        ),
        click.option(
            "--overhead",
            callback=bytes_value,
            default="0",
            metavar="BYTES",
            help="What else is taken, such as 500MB; part of every peak.",
        ),
    ]


def checkpoint_option(function: F) -> F:
    """--checkpoint."""
    return click.option(
        "--checkpoint",
        callback=_checkpoint,
        multiple=True,
        metavar="auto|every=K|NAMES",
        help="Run K layers at a time, the blocks named, or FIRST..LAST again in the backward "
        "pass; names are repeatable. auto is the fewest MACs again that fit into --limit.",
    )(function)


def checkpoint_options(function: F) -> F:
    """--checkpoint, --data-parallel and --shard."""
    for option in (
        click.option(
            "--shard",
            type=Word(["optimizer", "gradients", "parameters"]),
            help="What the devices share out, and what stands before it in this list: ZeRO stage "
            "1, 2, 3.",
        ),
        click.option(
            "--data-parallel",
            "devices",
            type=click.IntRange(1, 2**31),
            metavar="N",
            help="What one of N devices holds in training, each with the batch.",
        ),
        checkpoint_option,
    ):
        function = option(function)
    return function


TRAINING_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "optimizer": "--optimizer",
        "fused": "--fused or --per-tensor",
        "checkpoint": "--checkpoint",
        "devices": "--data-parallel",
        "shard": "--shard",
        "freeze": "--freeze",
        "loss": "--loss",
    }
)
"""Parameters that say something of a training step → the option's name."""
OF_LARGEST = ("optimizer", "fused")
"""Of these, what the largest training batch below a limit is found with, too."""


def idle_in(given: Collection[str], *, training: bool, limits: bool | None = None) -> str:
    """What is wrong with the parameters of `TRAINING_OPTIONS` that are given: one has no effect.

    Empty where each has one. `limits` is whether there is a limit, None where there cannot be one.
    """
    message = ""
    for name in TRAINING_OPTIONS:
        if name not in given:
            continue
        option = TRAINING_OPTIONS[name]
        if name == "shard":
            message = message if "devices" in given else f"{option} needs --data-parallel N"
        elif name in OF_LARGEST and limits is not None:
            if not training and not limits:
                message = f"{option} needs --training, or a --limit to find the largest batch for"
        elif not training:
            message = f"{option} needs --training"
    return message


def runtime_options(function: F) -> F:
    """--deploy and --arena."""
    function = click.option(
        "--arena",
        is_flag=True,
        help="The static plan of a micro-controller, in int8 unless --dtype is given.",
    )(function)
    return click.option(
        "--deploy", is_flag=True, help="The lower line, of a runtime that folds and fuses."
    )(function)


def attention_option(function: F) -> F:
    """--attention."""
    from convcalc.analysis.memory.terms import ATTENTION

    return click.option(
        "--attention",
        type=Word(ATTENTION),
        help="By one kernel, as PyTorch does, or written out; fused unless given.",
    )(function)


def seed_option(function: F) -> F:
    """--seed."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        metavar="N",
        help="Of random weights and input; 0 unless given.",
    )(function)


def named_weights_options(function: F) -> F:
    """--weights and --weights-map."""
    function = click.option(
        "--weights-map",
        "map_path",
        type=FILE,
        metavar="FILE",
        help="YAML or JSON that says what the file calls layers: 'stage{n}.conv1: layers.{n - 1}'.",
    )(function)
    return click.option(
        "--weights",
        "weights_path",
        type=FILE,
        metavar="FILE",
        help="Weights from an NPZ, safetensors or JSON file, by the names here or as they are "
        "published.",
    )(function)


def weights_options(function: F) -> F:
    """--weights, --weights-map, --image and --normalize."""
    function = click.option(
        "--normalize",
        type=Word(["imagenet", "unit", "signed"]),
        help="What becomes of an image's values; imagenet with three channels, else unit.",
    )(function)
    function = click.option(
        "--image",
        "images",
        type=FILE,
        multiple=True,
        metavar="[NAME=]FILE",
        help="Input from a .png, .jpeg, .npy or .json file; where there are several, each by "
        "its name, repeatable.",
    )(function)
    return named_weights_options(function)
