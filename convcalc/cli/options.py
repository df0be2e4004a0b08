"""Options that several commands share."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcalc.cli.output import Output
from convcalc.formats import Format
from convcalc.shape import Shape
from convcalc.spec.values import FieldError, parse_shape

if TYPE_CHECKING:
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


FILE = NamedPath(dir_okay=False)
"""A file that is read or written; who reads it says what is wrong with it."""
FOLDER = NamedPath(file_okay=False)
"""A folder that is written to."""


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


def setting_value(value: str | tuple[str, str]) -> tuple[str, str]:
    """A parameter and its value on the command line: NAME=VALUE."""
    if isinstance(value, tuple):
        return value
    name, equals, text = value.partition("=")
    if not equals or not name.strip() or not text.strip():
        raise click.BadParameter(f"{value!r} is not NAME=VALUE, such as classes=10")
    return name.strip(), text.strip()


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


def network_options(function: F) -> F:
    """--input and --set."""
    function = click.option(
        "--set",
        "settings",
        type=setting_value,
        callback=_each_once,
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of one of the spec's parameters; repeatable.",
    )(function)
    return click.option(
        "--input",
        "shape",
        type=shape_value,
        metavar="SHAPE",
        help="Shape of one example instead of the spec's: 384x384x3.",
    )(function)


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
