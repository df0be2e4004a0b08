"""The backward pass: time of a training step beside PyTorch, identities, and mutations of its code.

    python -m benchmarks backward [times] [--batch N] [NETWORK …]
    python -m benchmarks backward identities [--count N] [--seed N] [KIND …]
    python -m benchmarks backward mutation [--changes N] [--seed N] [linear] [curved]

`times`: forward, cross-entropy, backward and a step of SGD of ResNet-50 at batch 1 and of CIFAR's
network at batch 64, by the readable definitions, and the same in PyTorch, in turn; seconds, and
processor seconds, which tell where the machine has other work.

`identities`: ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩ for layers at random of every kind that is linear in what it
reads, in small integers, so that both sides are equal and not close.

`mutation`: single changes of the code that goes back, and whether its tests alone notice each: of
linear kinds those identities, as many as the tests try, of all others, which are curved,
differences and the rules at a tie.
"""

from benchmarks.arguments import parser as arguments_of
from benchmarks.arguments import positive

COUNT = 100_000
"""Identities that are tried, over all kinds."""


def main(arguments: list[str]) -> int:
    """Do one of the three; 1 where an identity fails, or too few changes are noticed."""
    parser = arguments_of("backward", __doc__)
    parser.add_argument("what", nargs="?", choices=("times", "identities", "mutation"))
    parser.add_argument("names", nargs="*", help="networks, kinds or groups; the usual, if none")
    parser.add_argument("--batch", type=positive, default=None, help="of the networks named")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--count", type=positive, default=COUNT, help="how many identities")
    parser.add_argument("--changes", type=positive, default=None, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_intermixed_args(arguments)  # names may stand behind options
    if given.what == "identities":
        from benchmarks.backward.identities import tried

        return tried(given.names, given.seed, given.count)
    if given.what == "mutation":
        from benchmarks.backward.mutation import COUNTS, judged

        if unknown := sorted({*given.names} - COUNTS.keys()):
            parser.error(f"{', '.join(unknown)}: the groups of kinds are {', '.join(COUNTS)}")
        return judged(given.names, given.seed, given.changes)
    from benchmarks.backward.times import measured

    return measured(given.names, given.batch, given.rounds)
