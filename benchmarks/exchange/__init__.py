"""Networks from ONNX files and to them: what is imported whole, and whether the numbers agree.

`python -m benchmarks exchange zoo [NAME...]`: every bundled network as an ONNX file and back again;
totals, shapes, receptive fields and groups on both sides, and the values of the file in ONNX
Runtime beside those of the network (up to 2·10⁹ multiply-accumulates).
`python -m benchmarks exchange torchvision [NAME...] [--exporter script|dynamo]`: torchvision's
models by one of PyTorch's two exporters; parameters beside the file's arrays,
multiply-accumulates beside FlopCounterMode's, shapes and values beside ONNX Runtime's.
`python -m benchmarks exchange light`: the models that the package onnx ships for its backend tests.
`python -m benchmarks exchange precision [FOLDER...] [--questions FOLDER]`: what `check` finds in
the bundled networks' own files, the package onnx's and those of torchvision in FOLDER, as
`torchvision --keep FOLDER` leaves them there, beside the verdicts of tests/exchange/verdicts.csv;
and questions for somebody who has not seen these. `precision ANSWERS.csv`: how many answers agree.
`python -m benchmarks exchange mutated [FILES] [SEED]`: files that nobody wrote, each changed in a
few bytes or things, through everything that reads them: a network that reads again as the same and
runs, or findings; no traceback, no wait, no growth. Files that fail are left in this folder.
`python -m benchmarks exchange times [ROUNDS] [--python PATH] [--processor]`: whole processes beside
parsing alone and beside onnx-tool, torchinfo and ONNX Runtime, where that interpreter has them; by
the clock on the wall, or what processors worked, where other programs run beside.

torchvision 0.27.0 is installed with --no-deps and wants pillow, and the dynamo exporter onnxscript.
"""

import sys
from itertools import islice

from benchmarks.arguments import parser, positive
from benchmarks.exchange.mutated import mutated
from benchmarks.exchange.precision import precision
from benchmarks.exchange.scoreboard import light, of_torchvision, scoreboard, zoo
from benchmarks.exchange.times import times


def main(arguments: list[str]) -> int:
    """Print the scoreboard of a set of networks."""
    given = parser("exchange", __doc__)
    given.add_argument(
        "what", choices=("zoo", "torchvision", "light", "precision", "mutated", "times")
    )
    given.add_argument("names", nargs="*", help="these alone; else as the text above says")
    given.add_argument("--part", default="0/1", help="of torchvision's: 2/8 is the third of eight")
    given.add_argument("--exporter", choices=("script", "dynamo"), default="script")
    given.add_argument("--python", default=sys.executable, help="an interpreter that has peers")
    given.add_argument("--processor", action="store_true", help="times of the processor")
    given.add_argument("--keep", help="folder for torchvision's files, without their weights")
    given.add_argument("--questions", help="folder for what somebody else is to judge")
    asked = given.parse_intermixed_args(arguments)  # names may stand behind options
    if asked.what == "precision":
        return int(precision(asked.names, asked.questions) > 0)
    if asked.what == "mutated":
        return int(mutated(*map(positive, asked.names[:2])) > 0)
    if asked.what == "times":
        rounds = positive(asked.names[0]) if asked.names else 5
        times(rounds, asked.python, processor=asked.processor)
        return 0
    rows = {"zoo": zoo, "light": light}
    if asked.what == "torchvision":
        part, parts = map(int, asked.part.split("/"))
        models = islice(of_torchvision(asked.exporter, asked.keep), part, None, parts)
        return int(scoreboard(models, asked.names) > 0)
    return int(scoreboard(rows[asked.what](), asked.names) > 0)
