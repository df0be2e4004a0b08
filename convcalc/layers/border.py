"""Layers that add to the border or cut it off."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import example, padded, unpadded
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Axes,
    Extents,
    Gradients,
    Growth,
    Layer,
    Padding,
    PaddingMode,
    Plan,
    Run,
    Weights,
    axes,
    choice,
    extents,
    number,
    padding_field,
    tensor,
)
from convcalc.layers.following import first_short, less_offset, unfollowable
from convcalc.layers.sliding import (
    AXIS_NAMES,
    check_axes,
    check_border,
    check_spatial,
    per_axis,
    sides,
)
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Layout, Operation


SIDES = 2
"""Before and behind."""


def _check_words(field: str, padding: Padding) -> Iterator[Problem]:
    if isinstance(padding, str):
        yield Problem(
            "CC302",
            f"{field} `{padding}` depends on a kernel, and this layer has none",
            field,
            "give numbers: 1, [1, 2], or [[1, 2], [1, 2]] for (before, after) per axis",
        )


@final
class Pad(Layer):
    """A border of zeros (or another value), of mirrored, repeated or wrapped values.

    Channels of zeros (or another value) go before and behind those that there are. With `like`, the
    border makes the map as large as another: `offset` rows before, or half of them, an odd one
    behind.
    Shapes: H×W×C → (H + 2P)×(W + 2P)×C, or H×W×(before + C + after).
    Source: ONNX operator Pad; torch.nn.ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d;
    of channels torch.nn.functional.pad, and option A of He et al., arXiv:1512.03385, section 4.1.
    """

    padding: Annotated[Padding | None, padding_field("Padding P.", letter="P")] = None
    mode: Annotated[
        PaddingMode, choice("What the border holds.", "zero", "reflect", "replicate", "circular")
    ] = "zero"
    value: Annotated[
        float, number("The value of a `zero` border and of new channels, if it is not 0.")
    ] = 0.0
    channels: Annotated[
        Extents, extents("Channels put [before, behind] those that there are.", 0, sided=True)
    ] = (0, 0)
    like: Annotated[
        str | None, tensor("A tensor that it is made as large as, instead of padding.")
    ] = None
    offset: Annotated[
        Axes | None, axes("With `like`: rows put before, instead of half of them.", 0)
    ] = None

    @property
    def padding_mode(self) -> PaddingMode:
        """`mode`, by the name that it has where a layer pads for itself."""
        return self.mode

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Padding in numbers, one per axis, no wider than what it mirrors; channels per side."""
        x = xs[0]
        if len(self.channels) != SIDES:
            yield Problem(
                "CC302",
                f"channels are [before, behind], two numbers, and this has {len(self.channels)}",
                "channels",
                "write how many go before, and how many behind",
            )
        elif self.offset is not None:
            yield Problem(
                "CC302",
                "offset is how far from the border the map lies that `like` pads, and like is not "
                "given",
                "offset",
                "write padding as [before, after] per axis, or add `like`",
            )
        elif self.padding is None and not any(self.channels):
            yield Problem(
                "CC302",
                "pad takes padding, channels or both, and has neither",
                None,
                "write `pad: 1` for a border, or `pad: {channels: [0, 16]}` for 16 more channels",
            )
        elif any(self.channels) and self.mode != "zero":
            yield Problem(
                "CC302",
                f"channels are padded with a value, and the mode is {self.mode}",
                "mode",
                "pad the border and the channels in two items",
            )
        if self.padding is None:
            return
        yield from check_spatial("pad", x, self)
        yield from _check_words("padding", self.padding)
        if x.spatial:
            yield from check_axes(x.rank, padding=self.padding)
            yield from check_border(self.padding, self.mode, x)

    def _sides(self, rank: int) -> tuple[tuple[int, int], ...]:
        """(before, after) per spatial axis."""
        return sides(0 if self.padding is None else self.padding, rank)

    def following(self, x: Shape, like: Shape, name: str) -> "Pad | Problem":
        """With the padding that makes it as large as another map."""
        for problem in unfollowable("pad", self, x, like, name, ["padding"]):
            return problem
        short = first_short(x.spatial, like.spatial, self.offset)
        if short is not None:
            axis, least, most, before = short
            return Problem(
                "CC312",
                f"the {axis} {f'offset {before} + ' if before else ''}{least} is more than the "
                f"{most} of {name}",
                "like" if least > most else "offset",
                "cut it with `crop`, or name a larger tensor"
                if least > most
                else less_offset(
                    self.offset or 0,
                    [most - own for most, own in zip(like.spatial, x.spatial, strict=True)],
                ),
            )
        extra = [size - own for size, own in zip(like.spatial, x.spatial, strict=True)]
        offsets = [more // 2 for more in extra]
        if self.offset is not None:
            offsets = [*per_axis(self.offset, x.rank)]
        padding = tuple((off, more - off) for off, more in zip(offsets, extra, strict=True))
        for problem in check_border(padding, self.mode, x):
            advice = "use mode zero or replicate, which a border of any width may have"
            return problem._replace(field="like", help=advice, sizes=None)
        return self.replace(padding=padding, like=None, offset=None)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        x = xs[0]
        channels = x.channels + sum(self.channels)
        if self.padding is None:
            return Plan(x._replace(channels=channels))
        windows = tuple(Window(before=before, after=after) for before, after in self._sides(x.rank))
        output = tuple(window.output(size) for window, size in zip(windows, x.spatial, strict=True))
        return Plan(Shape(channels, output), positions=windows)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A copy with its border; one that mirrors or repeats keeps the input."""
        from convcalc.layers.operations import Operation, padding

        if any(self.channels):
            layout: Layout = "format" if xs[0].rank > 1 else "fresh"
            return (Operation(plan.output.size, layout=layout, back_layout="gradient"),)
        return (padding(xs[0], plan.windows, self.mode),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[c, i] = x[c − before, i − P], `value` or a value of x in the border.

        Source: ONNX operator Pad.
        """
        return padded(xp, xs[0], self._border(xs[0].ndim - 2), self.mode, self.value)

    def _border(self, rank: int) -> tuple[tuple[int, int], ...]:
        """(before, behind) per spatial axis, of the channels in front where there are such."""
        if not any(self.channels):
            return self._sides(rank)
        before, behind = self.channels
        return ((before, behind), *self._sides(rank))

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The border cut off; what stands in it adds to the value that it was taken from."""
        return {0: unpadded(xp, dy, self._border(kept.shapes[0].rank), self.mode)}


@final
class Crop(Layer):
    """The border cut off: by an amount per side, or to a size around the centre or elsewhere.

    Shapes: H×W×C → (H − 2·amount)×(W − 2·amount)×C, or size×C; an odd row is cut behind.
    Source: Keras Cropping2D; Ronneberger et al., arXiv:1505.04597 (the crops of U-Net); Caffe's
    Crop layer, which crops like another tensor, from an offset on.
    """

    storage = "view"

    amount: Annotated[
        Padding | None, padding_field("Rows cut off: per side, as padding is written.")
    ] = None
    size: Annotated[Axes | None, axes("Size left around the centre, instead of an amount.")] = None
    like: Annotated[
        str | None, tensor("A tensor as large as which it is cut, instead of a size.")
    ] = None
    offset: Annotated[
        Axes | None,
        axes("With `size` or `like`: rows cut before, instead of half of what is too much.", 0),
    ] = None

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """An amount or a size, and something left."""
        x = xs[0]
        yield from check_spatial("crop", x, self)
        if (self.amount is None) == (self.size is None):
            takes = "crop takes an amount or a size"
            if self.amount is None:
                advice = "write `crop: 2` to cut 2 from every side, or `crop: {size: 64}`"
                yield Problem("CC302", f"{takes}, and has neither", None, advice)
            else:
                yield Problem("CC302", f"{takes}, and has both", "size", "keep one of the two")
            return
        if self.amount is not None:
            yield from _check_words("amount", self.amount)
            if self.offset is not None:
                yield Problem(
                    "CC302",
                    "offset goes with a size or like, and an amount says itself what is cut before",
                    "offset",
                    "write the amount as [before, after] per axis",
                )
        wrong = list(check_axes(x.rank, amount=self.amount, size=self.size, offset=self.offset))
        yield from wrong
        if wrong or not x.spatial:
            return
        if self.size is not None:
            short = first_short(per_axis(self.size, x.rank), x.spatial, self.offset)
            if short is None:
                return
            name, least, most, before = short
            if least > most:
                message = f"the {name} {most} is smaller than the size {least}"
                yield Problem("CC312", message, "size", self._less_cut(x))
                return
            message = f"the {name} {most} is smaller than offset {before} + size {least}"
            limits = zip(x.spatial, per_axis(self.size, x.rank), strict=True)
            advice = less_offset(self.offset or 0, [own - left for own, left in limits])
            yield Problem("CC312", message, "offset", advice)
            return
        for name, size, (before, after) in zip(
            AXIS_NAMES.get(x.rank, ()), x.spatial, self._cuts(x), strict=False
        ):
            left = size - before - after
            if left < 1:
                message = f"crop leaves nothing of the {name}: {size} − {before} − {after} = {left}"
                yield Problem("CC312", message, "amount", self._less_cut(x))
                return

    def _less_cut(self, x: Shape) -> str:
        """The most that can be cut off."""
        from convcalc.layers.remedies import clipped, shown

        if self.size is not None:
            offsets = per_axis(self.offset or 0, x.rank)
            most = [own - before for own, before in zip(x.spatial, offsets, strict=True)]
            if min(most) < 1:
                return "use a smaller size, and a smaller offset"
            if isinstance(self.size, int):
                return f"leave between 1 and {min(most)}"
            return f"leave {shown(tuple(map(min, self.size, most)))}"
        less = clipped(self.amount or 0, [(size - 1) // 2 for size in x.spatial])
        if isinstance(less, int):
            return f"cut at most {less} from every side"
        return f"cut {shown(less)}"

    def _cuts(self, x: Shape) -> tuple[tuple[int, int], ...]:
        if self.size is None:
            return sides(self.amount if self.amount is not None else 0, x.rank)
        excess = [
            size - left for size, left in zip(x.spatial, per_axis(self.size, x.rank), strict=True)
        ]
        if self.offset is not None:
            offsets = per_axis(self.offset, x.rank)
            return tuple((off, extra - off) for off, extra in zip(offsets, excess, strict=True))
        return tuple((extra // 2, extra - extra // 2) for extra in excess)

    def following(self, x: Shape, like: Shape, name: str) -> "Crop | Problem":
        """With the size of another map."""
        for problem in unfollowable("crop", self, x, like, name, ["amount", "size"]):
            return problem
        short = first_short(like.spatial, x.spatial, self.offset)
        if short is None:
            return self.replace(size=like.spatial, like=None)
        axis, least, most, before = short
        if least > most:
            return Problem(
                "CC312",
                f"the {axis} {most} is smaller than the {least} of {name}",
                "like",
                "cut the larger of the two; `pad` and `upsample` make a map as large as another",
            )
        return Problem(
            "CC312",
            f"the {axis} {most} is smaller than offset {before} + the {least} of {name}",
            "offset",
            less_offset(
                self.offset or 0,
                [own - left for own, left in zip(x.spatial, like.spatial, strict=True)],
            ),
        )

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """None where it cuts to a size."""
        return (Growth(int(self.size is None)),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A view: no weights, no multiply-accumulates, no memory."""
        x = xs[0]
        windows = tuple(Window(before=-before, after=-after) for before, after in self._cuts(x))
        output = tuple(window.output(size) for window, size in zip(windows, x.spatial, strict=True))
        return Plan(Shape(x.channels, output), positions=windows)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A view per axis; the gradient of each is a map of zeros around it."""
        from convcalc.layers.operations import Operation, gaps, view

        layout: Layout = "cut" if gaps(xs[0].axes, plan.output.axes) else "sliced"
        views: list[Operation] = []
        left = xs[0].size
        for size, cut in zip(xs[0].spatial, self._cuts(xs[0]), strict=True):
            if any(cut):
                left = left // size * (size - sum(cut))
                views.append(Operation(left, (len(views),), "view", layout=layout, name="cut"))
        return tuple(views) or (view(left),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[i] = x[i + cut]. Source: Keras Cropping2D."""
        x = example(xs[0])
        sizes = zip(x.spatial, self._cuts(x), strict=True)
        kept = (..., *(slice(before, size - after) for size, (before, after) in sizes))
        return xs[0][kept]

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Zeros where values were cut off, of which nothing was made."""
        return {0: padded(xp, dy, self._cuts(kept.shapes[0]))}
