"""Pictures of networks: a style makes a scene of a network, a writer makes a file of a scene.

A style and a writer are a row of their table here, and a module.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.arguments import one_of
from convcalc.graph import Network, read
from convcalc.pictures.scene import Scene

if TYPE_CHECKING:
    from convcalc.graph import Given


class Style(NamedTuple):
    """A way to draw a network."""

    about: str
    """What it shows, in a few words for a list of styles."""
    options: frozenset[str] = frozenset()
    """What it takes beside the network, by the names of the options of `convcalc draw`."""
    runs: bool = False
    """Whether the network is run for it: then it takes what is in `RUN`, too."""


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "graph": Style(
            "layers as boxes, what they read as arrows",
            frozenset(
                ["direction", "depth", "expand", "collapse", "only_changes", "shade", "names"]
            ),
        ),
        "activations": Style(
            "what layers make of an image", frozenset({"layers", "maps"}), runs=True
        ),
        "volumes": Style("what comes out of layers as slabs", frozenset({"depth", "shade"})),
        "field": Style(
            "what one output position sees of the image, layer by layer", frozenset({"layer", "at"})
        ),
        "window": Style("one axis of a layer, and its windows on it", frozenset({"layer"})),
    }
)
"""Styles; each is a module of this package with a function `scene`."""

RUN = frozenset({"x", "weights", "seed"})
"""What the network is run with, as `convcalc.run` takes it; random where it is not given."""


class Writer(NamedTuple):
    """A format of files."""

    ending: str
    """What their names end with."""
    text: bool = True
    """Whether they are text, which a terminal can show."""
    themes: bool = True
    """Whether they have colours that are a theme's."""
    sizes: bool = True
    """Whether they say how large they are, and are not laid out by what shows them."""


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "svg": Writer(".svg"),
        "png": Writer(".png", text=False),
        "mermaid": Writer(".mmd", sizes=False),
        "tikz": Writer(".tex"),
    }
)
"""Formats; each is a module of this package with a function `render`."""


def draw(spec: "Given", style: str = "graph", **options: Any) -> Scene:
    """A picture of a network, which notebooks show and `to_svg` and `to_png` write.

    `style` is one of `STYLES`, which say what `options` it takes. Errors of the spec are drawn
    where they are. Raises `ValueError` for other styles, and `TypeError` for other options.

    >>> draw("lenet5").title
    'LeNet-5'
    """
    style = one_of(style, "style", STYLES)
    for name in options:
        if name not in STYLES[style].options | (RUN if STYLES[style].runs else frozenset()):
            message = f"a picture of style {style} takes no {name!r}"
            raise TypeError(message)
    return scene_of(read(spec), style, options)


def scene_of(network: Network, style: str, options: Mapping[str, Any]) -> Scene:
    """The scene that a style makes of a network."""
    scene: Scene = import_module(f"convcalc.pictures.{style}").scene(network, **options)
    return scene


def written(scene: Scene, writer: str, theme: str) -> str | bytes:
    """A scene as a file of a format; raises what the writer does."""
    render = import_module(f"convcalc.pictures.{writer}").render
    made: str | bytes = render(scene, theme) if WRITERS[writer].themes else render(scene)
    return made
