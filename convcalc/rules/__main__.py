"""`python -m convcalc.rules` prints docs/rules.md."""

import sys

from convcalc.rules.pages import markdown

if __name__ == "__main__":
    sys.stdout.write(markdown())
