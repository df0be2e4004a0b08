"""How whoever asks for a sweep writes what it takes: on a command line, in a spec, in Python."""

from typing import NamedTuple


class Wording(NamedTuple):
    """What messages call the keys of a sweep, and how they say to write one."""

    form: str
    """How one is written with a value, of which {key} and {value} are put in."""
    true: str
    """How one that is on or off is switched on."""
    vary: str
    """What to do where nothing is varied."""
    limit: str
    """How one of `fit`'s limits is given."""
    nearest: str
    """How it is asked what comes nearest to a figure."""
    mark: str = ""
    """What stands before the name of one."""
    parameters: str = "set"
    """What gives values of parameters for all designs."""

    def key(self, name: str) -> str:
        """What one is called.

        >>> COMMAND.key("all_rows"), SPEC.key("all_rows"), LIBRARY.key("set")
        ('--all-rows', 'all_rows', 'parameters')
        """
        called = self.parameters if name == "set" else name
        return f"{self.mark}{called.replace('_', '-') if self.mark else called}"

    def given(self, name: str, value: object) -> str:
        """What one is to be written as.

        >>> COMMAND.given("training", True), LIBRARY.given("sample", 100)
        ('--training', 'sample=100')
        >>> SPEC.given("training", True)
        '`training: true` under `sweep`'
        """
        form = self.true if value is True else self.form
        return form.format(key=self.key(name), value=value)

    def asked(self, measure: str, figure: str, *, limit: bool) -> str:
        """What `fit` is asked: a limit, or what comes nearest.

        >>> COMMAND.asked("macs", "1G", limit=True), LIBRARY.asked("macs", "1G", limit=False)
        ('--max-macs 1G', "nearest={'macs': '1G'}")
        """
        if self.mark:
            option = f"--max-{measure.replace('_', '-')} " if limit else f"--nearest {measure}="
            return f"{option}{figure[:60]}"
        return f"{'limits' if limit else 'nearest'}={{{measure!r}: {figure[:60]!r}}}"


COMMAND = Wording(
    "{key} {value}",
    "{key}",
    "write --vary NAME=VALUES, such as width=16..64:16",
    "--max-parameters 5M",
    "--nearest parameters=25557032",
    mark="--",
)
"""Options of a command line."""
SPEC = Wording(
    "`{key}: {value}` under `sweep`",
    "`{key}: true` under `sweep`",
    "write `vary: {width: 16..64:16}`",
    "",
    "",
)
"""Keys of `sweep` in a spec."""
LIBRARY = Wording(
    "{key}={value}",
    "{key}=True",
    "give vary={'width': '16..64:16'}",
    "limits={'parameters': '5M'}",
    "nearest={'parameters': 25557032}",
    parameters="parameters",
)
"""Arguments of `convcalc.sweep`."""
