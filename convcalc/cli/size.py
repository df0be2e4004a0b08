"""`convcalc size`: the calculator without a file."""

import shutil
import sys
from typing import Any, NoReturn

import click

from convcalc.cli.options import Word, output_options
from convcalc.cli.output import Output, colors
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.calculator import page_of, read_extents, read_field, size
from convcalc.formats.explanation import EXPLANATION_FORMATS

ORDER = ("input", "kernel", "stride", "padding")
"""What four numbers are: W, F, S and P of the notes."""


def _value(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A value as a spec has it, refused here where it is none."""
    del ctx
    if value is not None:
        _checked(str(param.name), value)
    return value


def _checked(name: str, value: str, hint: str | None = None) -> None:
    try:
        if name in ("input", "output_size"):
            read_extents(name, value)
        else:
            read_field(name, value, transposed=name == "output_padding")
    except ArgumentError as error:
        reason = str(error).removeprefix(f"{name} ")
        raise click.BadParameter(reason, param_hint=hint) from None


@click.command("size")
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--kernel", callback=_value, metavar="F", help="Kernel size: 11, or 3x5.")
@click.option("--stride", callback=_value, metavar="S", help="Stride; 1 unless it is given.")
@click.option(
    "--padding",
    callback=_value,
    metavar="P",
    help="Padding: 1, 1x2, '[[0, 1], [1, 2]]' for (before, after) per axis, or same.",
)
@click.option("--same", is_flag=True, help="Padding with which the output is the input by stride.")
@click.option("--dilation", callback=_value, metavar="D", help="Distance between taps.")
@click.option(
    "--rounding",
    type=Word(["exact", "floor", "ceil"]),
    help="What to do when the stride does not tile the input; exact refuses that.",
)
@click.option("--floor", is_flag=True, help="The same as --rounding floor, as frameworks do.")
@click.option("--ceil", is_flag=True, help="The same as --rounding ceil, as Caffe's pooling does.")
@click.option("--transposed", is_flag=True, help="A transposed convolution.")
@click.option(
    "--output-padding",
    callback=_value,
    metavar="O",
    help="Of --transposed: rows added behind the output.",
)
@click.option(
    "--output-size",
    callback=_value,
    metavar="SIZE",
    help="Solve for what is missing: the input, the kernel, else stride, padding, dilation and "
    "output padding.",
)
@output_options(EXPLANATION_FORMATS, "convcalc.formats.explanation")
def command(
    numbers: tuple[str, ...],
    kernel: str | None,
    stride: str | None,
    padding: str | None,
    dilation: str | None,
    rounding: str | None,
    output_padding: str | None,
    output_size: str | None,
    output: Output,
    *,
    same: bool,
    floor: bool,
    ceil: bool,
    transposed: bool,
) -> None:
    """Work out the size that one layer makes of an input, or what makes a size; needs no spec.

    One NUMBER is the input, its extents without channels: 224 or 224x320. Four are an input, a
    kernel, a stride and a padding, as W, F, S and P in the CS231n notes. With --output-size it is
    solved for what is missing. The exit code is 1 where the layer is invalid, or nothing does.

    \b
    Examples:
      convcalc size 227 11 4 0
      convcalc size 224x320 --kernel 3 --stride 2 --same
      convcalc size --output-size 55 --kernel 11 --stride 4
    """
    options = {"kernel": kernel, "stride": stride, "padding": padding}
    given: dict[str, Any] = {**_positional(numbers, options), "dilation": dilation}
    given = {name: value for name, value in given.items() if value is not None}
    _same(given, padding, same=same)
    given["rounding"] = _rounding(rounding, floor=floor, ceil=ceil, transposed=transposed)
    given["transposed"] = transposed
    if output_padding is not None:
        if not transposed:
            raise click.UsageError("--output-padding is of a transposed layer: --transposed")
        given["output_padding"] = output_padding
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    try:
        if output_size is not None:
            _solve(output, output_size, given)
        if "input" not in given or "kernel" not in given:
            missing = "an input, such as 224," if "input" not in given else "--kernel"
            message = f"{missing} is missing; with --output-size, it is solved for"
            raise click.UsageError(message)
        answer = size(**given)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None
    page = page_of(answer, columns - 4)
    _end(output, page, answer.diagnostics)


def _solve(output: Output, wanted: str, given: dict[str, Any]) -> NoReturn:
    from convcalc.explanation.backwards import page_of_solved, solve_size

    solved = solve_size(wanted, **given)
    _end(output, page_of_solved(solved), (), failed=not solved.solves)


def _end(output: Output, page: Any, diagnostics: Any, *, failed: bool = False) -> NoReturn:
    if output.format.form == "values":
        from convcalc.formats.json import diagnostic_value

        listed = [diagnostic_value(each) for each in diagnostics]
        page = page._replace(data={**page.data, "diagnostics": listed})
    output.end([output.renderer.render(page, color=colors(sys.stdout))], diagnostics, failed=failed)


def _positional(numbers: tuple[str, ...], options: dict[str, str | None]) -> dict[str, str | None]:
    """What the numbers without a name are, with the options."""
    if len(numbers) in (2, 3) or len(numbers) > len(ORDER):
        shown = " ".join(numbers[:5])
        first, *others = numbers
        message = (
            f"{len(numbers)} numbers may be several things: {shown}. Write one, the input, and "
            f"options (convcalc size {first} --kernel {others[0]}), all four, input, kernel, "
            f"stride and padding (convcalc size 227 11 4 0), or one with its extents "
            f"({'x'.join(numbers[:3])})"
        )
        raise click.UsageError(message)
    named = dict(zip(ORDER, numbers, strict=False))
    for name, value in named.items():
        if options.get(name) is not None:
            message = f"the {name} is given twice, as {value} and as --{name} {options[name]}"
            raise click.UsageError(message)
        _checked(name, value, f"the {name}")
    return {**options, **named}


def _same(given: dict[str, Any], padding: str | None, *, same: bool) -> None:
    if not same:
        return
    if "padding" in given:
        what = f"--padding {padding}" if padding is not None else f"a padding of {given['padding']}"
        message = f"--same says what the padding is, and so does {what}"
        raise click.UsageError(message)
    given["padding"] = "same"


def _rounding(rounding: str | None, *, floor: bool, ceil: bool, transposed: bool) -> str:
    """What the options say of rounding; they are one choice."""
    said = {"--floor": floor, "--ceil": ceil, f"--rounding {rounding}": rounding is not None}
    options = [option for option, given in said.items() if given]
    if len(options) > 1:
        raise click.UsageError(f"{' and '.join(options)} say the same thing twice: write one")
    if options and transposed:
        message = f"{options[0]} has no effect: a transposed convolution has nothing to round"
        raise click.UsageError(message)
    return rounding or ("floor" if floor else "ceil" if ceil else "exact")
