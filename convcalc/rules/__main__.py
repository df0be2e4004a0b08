"""`python -m convcalc.rules` prints docs/rules.md."""

import sys

from convcalc.rules.page import markdown

if __name__ == "__main__":
    sys.stdout.write(markdown())
