"""Where things of the repository lie, from whatever folder a test stands in."""

from pathlib import Path

TESTS = Path(__file__).parent
DATA = TESTS / "data"
ROOT = TESTS.parent
PACKAGE = ROOT / "convcalc"
