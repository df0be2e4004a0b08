"""The laws of whole networks, held against every size tried on the network itself."""

import pytest

from convcalc.graph import Network, load
from convcalc.laws import sizes
from convcalc.laws.trying import tried
from convcalc.shape import Shape

PUBLISHED = {
    "vgg16": ("32·k, k ≥ 1", "32·k, k ≥ 1"),
    # Krizhevsky's 227: (227 − 11)/4 + 1 = 55, then 3×3 pools of stride 2: 27, 13, 6.
    "alexnet": ("67 + 32·k, k ≥ 0", "67 + 32·k, k ≥ 0"),
    # Szegedy et al., arXiv:1512.00567: 299 = 75 + 7·32.
    "inception_v3": ("75 + 32·k, k ≥ 0", "75 + 32·k, k ≥ 0"),
    "zfnet": ("8·k, k ≥ 6 or 50 + 8·k, k ≥ 0",) * 2,
    "densenet121": ("k, k ≥ 29", "(29…32) + 32·k, k ≥ 0"),
    "fcn8s": ("(19…26) + 32·k, k ≥ 0",) * 2,
    "resnet50": ("k, k ≥ 1", "k, k ≥ 1"),
}
"""Network → its laws, accepted and drops nothing, along both axes of its image."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_laws_of_bundled_networks(name: str) -> None:
    report = sizes(name)

    assert [(fit.accepted.text(), fit.whole.text()) for fit in report.fits] == [PUBLISHED[name]] * 2


def differing(network: Network, sizes_tried: range) -> list[str]:
    """The sizes of which a law says otherwise than the network itself."""
    image = network.input
    assert image is not None
    known: dict[object, object] = {}
    wrong = []
    for axis, fit in enumerate(sizes(network).fits):
        for size in sizes_tried:
            spatial = list(image.spatial)
            spatial[axis] = size
            dropping = tried(network, Shape(image.channels, tuple(spatial)), known)  # type: ignore[arg-type]
            there = dropping is not None, dropping is not None and axis not in dropping
            if there != (size in fit.accepted, size in fit.whole):
                wrong.append(f"{network.name} {fit.name} {size}: {there}")
    return wrong


@pytest.mark.parametrize(
    "name",
    ["alexnet", "zfnet", "fcn8s", "densenet121", "c3d", "sentence_cnn", "lenet5", "nin", "unet"],
)
def test_laws_are_what_the_network_takes(name: str) -> None:
    assert differing(load(name), range(1, 130)) == []
