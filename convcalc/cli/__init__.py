"""The table of commands; each is imported when it is called."""

import atexit
import gc
import os
from importlib import import_module
from typing import Any

# Imports and reports make hardly any garbage: looking for it after every 700 objects took 4 to 9 %
# of the time of `analyze vgg16` (`python -m benchmarks startup`).
gc.set_threshold(500_000, 20, 20)
# What is left at the end goes with the process: to look through that once more took 8 to 12 %.
atexit.register(gc.freeze)

import click  # noqa: E402 (the line above is for this import, too)

from convcalc import __version__  # noqa: E402
from convcalc.cli.output import prepare  # noqa: E402

GROUPS = {
    "Look at networks": {
        "analyze": "Show layers: shape, parameters, MACs, receptive field, memory.",
        "memory": "Show what inference and training take, and which batch fits.",
        "diff": "Show what changed between two specs, and what that costs.",
        "explain": "Show where each number of a layer comes from, as formulas.",
        "sweep": "Work out every design of a space: a front, the best, rows.",
        "report": "Write networks as one HTML file: charts, tables, formulas.",
    },
    "Draw networks": {
        "draw": "Draw a network: its graph, volumes, windows and fields.",
    },
    "Check specs": {
        "check": "Find all that is invalid or doubtful, and mend what can be.",
        "format": "Write specs in one style; comments and meaning stay.",
        "fold": "Write a spec with what comes again in it written once, or flat.",
        "verify": "Run a network, and hold what happens against the prediction.",
    },
    "Start from patterns": {
        "new": "Write the spec of a pattern such as [CONV -> RELU]*2 -> FC.",
        "pattern": "Print the pattern of a network's layers.",
    },
    "Change networks": {
        "convert": "Make a network into another one, with its weights: net surgery.",
    },
    "Exchange with others": {
        "import": "Print the spec of an ONNX file; each command takes one as it is.",
        "export": "Write a network with its weights as an ONNX file.",
    },
    "Find out": {
        "size": "Work out an output size, or what makes one, without a file.",
        "sizes": "Show which input sizes fit a network, as exact laws.",
        "fit": "Find the largest width, depth or input that keeps limits.",
        "list": "List the bundled architectures.",
        "show": "Print a bundled architecture, to read or to start from.",
        "kinds": "Show kinds of layers: fields, formulas, an example, the source.",
        "rule": "Show what a code means, why, and what to write instead.",
        "docs": "Show a page of the documentation.",
        "schema": "Print the JSON Schema of specs, for editors.",
        "completion": "Print the script that completes words in a shell.",
    },
}
"""What commands are for → commands with a summary; each is in one group, and a module of its name
with `command`."""
COMMANDS = {name: summary for group in GROUPS.values() for name, summary in group.items()}
"""Command → summary, in the order of their groups."""
COMPLETED = "_CONVCALC_COMPLETE"
"""The variable by which a shell asks what may stand where its cursor is."""


class Commands(click.Group):
    """A group whose commands are loaded by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names of the commands, in the order of their table."""
        return [*COMMANDS]  # not list(): the module of that name is an attribute of this package

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Load a command."""
        if name not in COMMANDS:
            return None
        module = import_module(f"convcalc.cli.{name}")
        command: click.Command = module.command
        del ctx
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command that is called, or say which one was probably meant."""
        name = args[0] if args else ""
        if name not in COMMANDS and (name == "-" or not name.startswith("-")):
            from convcalc.cli.words import instead_of

            ctx.fail(instead_of(name, args[1:]))
        resolved = super().resolve_command(ctx, args)
        if resolved[1] is not None:
            _refuse_repeated(ctx, resolved[1], resolved[2])
        return resolved

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command line; both streams take any text from here on."""
        prepare()
        if COMPLETED in os.environ:
            import_module("convcalc.cli.shells")  # instead of click's own
        return super().main(*arguments, **options)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; whatever goes wrong in here ends in one line and exit code 2."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("convcalc: interrupted", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("CONVCALC_DEBUG"):
                raise
            click.echo(
                f"convcalc: internal error, which is a bug: {type(error).__name__}: {error}\n"
                "Please report it with the spec; CONVCALC_DEBUG=1 shows where it happened.",
                err=True,
            )
            ctx.exit(2)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any of them."""
        del ctx
        widest = max(map(len, COMMANDS))
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{widest}}", each) for name, each in group.items()])


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="convcalc %(version)s")
def convcalc() -> None:
    """Work out convolutional networks from a YAML file, without a deep-learning framework.

    A SPEC is a path, - for standard input, or the name of a bundled architecture (vgg16).
    Exit codes: 0 fine, 1 findings, 2 could not run. `convcalc docs` has the documentation.

    \b
    Example: convcalc analyze vgg16
    """


def _refuse_repeated(ctx: click.Context, command: click.Command, args: list[str]) -> None:
    """Refuse an option that takes one value and is given twice: one would have no effect."""
    if sum(argument.startswith("-") for argument in args) < 2:  # there is no second one
        return
    own = click.Context(command, info_name=command.name, parent=ctx)
    try:
        _, _, order = command.make_parser(own).parse_args([*args])
    except click.UsageError:  # which is said when the command is called
        return
    for option in order:
        if not isinstance(option, click.Option) or option.multiple:
            continue
        plain = option.is_flag and not option.secondary_opts
        if not plain and order.count(option) > 1:
            names = " or ".join([*option.opts[-1:], *option.secondary_opts])
            raise click.UsageError(f"{names} is given twice, and one would have no effect", own)


def main() -> None:
    """Run the command line."""
    convcalc(prog_name="convcalc")
