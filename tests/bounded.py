"""Runs of the command with bounds on memory and time, each in a process of its own.

The processes are forks of one that has everything imported: starting is not what is looked at.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

MEMORY = 1 << 30
"""Bytes of address space that a run may have."""
SECONDS = 60
"""Processor time that a run may take, which ends a loop without an end."""
OUTPUTS = ("stdout", "stderr")

SERVER = f"""
import json, os, resource, sys
from click.testing import CliRunner
from convcalc.cli import convcalc, main
for options in ((), ("--format", "json")):
    CliRunner().invoke(convcalc, ["analyze", "-", *options], input="input: 8\\nlayers: [relu, a]")
while request := os.read(0, 1 << 20):
    arguments, folder = json.loads(request)
    child = os.fork()
    if not child:
        for number, name in enumerate({OUTPUTS}, 1):
            mode = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(f"{{folder}}/{{name}}", mode), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
        resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
        sys.argv = ["convcalc", *arguments]
        main()
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Takes arguments and a folder for the output, and says how the run ended, one after another."""


class Done(NamedTuple):
    """How a run ended: below 0 by a signal."""

    returncode: int
    stdout: bytes
    stderr: bytes


Run = Callable[..., Done]


@contextmanager
def processes() -> Iterator[Run]:
    """What runs the command on arguments, once after another, with nothing on standard input."""
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as server,
    ):
        requests, answers = server.stdin, server.stdout
        assert requests is not None
        assert answers is not None

        def run(*arguments: str) -> Done:
            requests.write(json.dumps([arguments, folder]).encode())
            requests.flush()
            code = answers.readline()
            assert code, "the process that the others are forks of is gone"
            return Done(int(code), *(Path(folder, name).read_bytes() for name in OUTPUTS))

        yield run
