"""`convcalc completion`: the script that completes words in a shell."""

import click

from convcalc.cli.output import write
from convcalc.cli.shells import SHELLS, script


@click.command("completion")
@click.argument("shell", type=click.Choice([*SHELLS]), metavar="bash|zsh|fish")
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, names and files in a shell.

    It goes where the shell starts, and asks convcalc itself each time.

    \b
    Examples:
      echo 'eval "$(convcalc completion bash)"' >> ~/.bashrc
      echo 'eval "$(convcalc completion zsh)"' >> ~/.zshrc
      convcalc completion fish > ~/.config/fish/completions/convcalc.fish
    """
    write(script(shell, context.find_root().command), machine=True)
