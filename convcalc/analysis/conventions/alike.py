"""What holds of every tool for PyTorch: kinds that none counts, and layers that PyTorch has not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from convcalc.analysis.conventions.terms import Condition, Reasons, Rule, Uncounted

MOVING = (
    "flatten", "reshape", "permute", "pixel_shuffle", "space_to_depth", "channel_shuffle", "pad",
    "crop", "slice", "concat", "dropout", "identity", "learned",
)  # fmt: skip
"""Views and copies of values, parameters that are read, and what is skipped in inference."""

REASONS: Reasons = MappingProxyType(
    {
        "locally_connected": "PyTorch has no locally connected layer, and how one is put together "
        "is not known",
    }
)
"""Why it is not known what a tool for PyTorch counts of a kind."""


def nothing(*kinds: str) -> Mapping[str, Rule]:
    """Rules of kinds that count nothing beside their multiply-accumulates.

    Those that move values are among them anyway.
    """
    return dict.fromkeys((*MOVING, *kinds), ())


def _resized_otherwise(layer: Any) -> bool:
    """Whether a resizing is none of torch.nn.functional.interpolate's."""
    usual = {
        "nearest": ("by_mode", "asymmetric"),
        "linear": ("by_mode", "half_pixel", "pytorch_half_pixel"),
        "cubic": ("by_mode", "half_pixel", "pytorch_half_pixel"),
    }
    return (
        layer.coefficient is not None
        or layer.border != "by_mode"
        or layer.positions not in usual[layer.mode]
        or (layer.mode == "nearest" and layer.round != "floor")
    ) and not _nearest_exact(layer)


def _nearest_exact(layer: Any) -> bool:
    """Whether a resizing is interpolate's `nearest-exact`; see `Upsample`."""
    ways = (layer.mode, layer.positions, layer.round)
    return ways == ("nearest", "half_pixel", "round_prefer_ceil")


NEAREST = Condition(
    "mode nearest",
    lambda site: site.layer.mode == "nearest" and not _nearest_exact(site.layer),
)
"""Of a resizing: not `nearest-exact`, which is another operation and another word."""
RESIZING = Condition("other positions than PyTorch's", lambda site: _resized_otherwise(site.layer))
RESIZED_OTHERWISE = Uncounted(
    "PyTorch resizes in none of these ways, so what a tool counts is not known", (RESIZING,)
)
"""Of a resizing that PyTorch has no function for."""
ON_A_GRID = Uncounted(
    "PyTorch has no attention over a grid, and how its products are written is not known",
    (Condition("over a grid", lambda site: site.layer.grid is not None),),
)
"""Of attention as in MaxViT. Windows are those of Swin, as torchvision writes them."""
DILATED = Condition(
    "with a dilation", lambda site: any(window.dilation > 1 for window in site.plan.windows)
)
POOLED_APART = Uncounted(
    "PyTorch's average pooling has no dilation, and how it is put together is not known",
    (DILATED,),
)
"""Of an average pooling that PyTorch has no layer for."""
TRACED_UNPOOL = Uncounted("PyTorch 2.13 stops where it traces max unpooling")
"""Of tools that trace a model by `torch.jit`."""
