"""Normalization; statistics are not counted as a view of the input (docs/definitions.md)."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import (
    batch_statistics,
    moments,
    normalized,
    over_positions,
    padded,
    per_channel,
)
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Precision,
    Reasons,
    Run,
    Weight,
    Weights,
    choice,
    flag,
    number,
    whole,
)
from convcalc.layers.sliding import decimal
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Layout, Operation

EPS = number("Added to the variance.", minimum=0)
AFFINE = flag("Learn a factor and a summand per channel.")
MOMENTUM = number("Share of the new batch in the running statistics.", minimum=0, maximum=1)
TRACK = flag("Keep running means and variances.")


def _weights(
    shape: tuple[int, ...], *, affine: bool, bias: bool = True, statistics: bool = False
) -> tuple[Weight, ...]:
    learned = (Weight("weight", shape), *((Weight("bias", shape),) if bias else ()))
    kept = (Weight("running_mean", shape, buffer=True), Weight("running_var", shape, buffer=True))
    return (*(learned if affine else ()), *(kept if statistics else ()))


def _keep(run: Run, moments: tuple[Any, Any]) -> tuple[Any, Any]:
    """Mean and variance, kept for the backward pass."""
    mean, variance = moments
    return run.keep("mean", mean), run.keep("variance", variance)


def _affine(y: Any, weights: Weights) -> Any:
    """y·w + b per channel, as far as these are learned, in the memory of y."""
    if "weight" in weights:
        y *= per_channel(weights["weight"], y)
    if "bias" in weights:
        y += per_channel(weights["bias"], y)
    return y


def _affine_back(kept: "Kept", unit: Any, dy: Any) -> Gradients:
    """Gradients of the factor and the summand of each channel, of normalized values `unit`."""
    gradients: Gradients = {}
    if kept.asks("weight"):
        gradients["weight"] = over_positions(dy * unit)
    if kept.asks("bias"):
        gradients["bias"] = over_positions(dy)
    return gradients


def _factored(dy: Any, weights: Weights) -> Any:
    """The gradient of normalized values, before their channels' factors."""
    return dy * per_channel(weights["weight"], dy) if "weight" in weights else dy


def _centred(dy: Any, unit: Any, axes: tuple[int, ...]) -> Any:
    """A gradient less what it changes of the mean and of the variance over `axes`."""
    along = (dy * unit).mean(axis=axes, keepdims=True)
    return dy - dy.mean(axis=axes, keepdims=True) - unit * along


def _move(
    run: Run, weights: Weights, momentum: float, mean: Any, variance: Any, count: int
) -> None:
    """The running statistics move towards a batch's, whose variance is of `count` − 1 values."""
    unbiased = variance * (count / max(count - 1, 1))
    for name, new in (("running_mean", mean), ("running_var", unbiased)):
        old = weights[name]
        run.update(name, old + momentum * (new - old))


@final
class BatchNorm(Layer):
    """Batch normalization: each channel by its mean and variance over the batch.

    Shapes: unchanged. Parameters 2C, buffers 2C.
    Source: Ioffe and Szegedy, arXiv:1502.03167; torch.nn.BatchNorm2d.
    """

    stands_alone: ClassVar[bool] = False

    keeps = "input"
    layout = "format"

    eps: Annotated[float, EPS] = 1e-5
    momentum: Annotated[float, MOMENTUM] = 0.1
    affine: Annotated[bool, AFFINE] = True
    track_running_stats: Annotated[bool, TRACK] = True

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A factor, a summand and two statistics per channel."""
        shape = (xs[0].channels,)
        return Plan(xs[0], _weights(shape, affine=self.affine, statistics=self.track_running_stats))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept, and the mean and deviation of each channel."""
        from convcalc.layers.operations import Array, statistics

        (norm,) = super().operations(xs, plan)
        when: Literal["always", "training"] = "training" if self.track_running_stats else "always"
        beside = self.affine or self.track_running_stats
        each = Array("", constant=xs[0].channels, beside_weights=beside, when=when)
        return (norm._replace(extra=statistics(each)),)

    def fewest(self, xs: Sequence[Shape], *, training: bool) -> int:
        """Two of a single position where the batch's statistics count: one has no variance."""
        single = xs[0].size == xs[0].channels
        return 2 if single and (training or not self.track_running_stats) else 1

    @property
    def folds(self) -> bool:
        """With running statistics: those of a batch are not known before it."""
        return self.track_running_stats

    def integers(self, xs: Sequence[Shape]) -> Mapping[str, tuple[int, ...]]:
        """The number of batches seen."""
        return {"num_batches_tracked": ()} if self.track_running_stats else {}

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """(x − mean)/√(var + eps)·w + b, by the running statistics. Source: torch.nn.BatchNorm2d.

        In training, and without running statistics, by those of the batch.
        """
        x = xs[0]
        if self.track_running_stats and not run.training:
            mean, variance = weights["running_mean"], weights["running_var"]
        else:
            mean, variance = _keep(run, batch_statistics(x))
            if self.track_running_stats and run.training:
                _move(run, weights, self.momentum, mean, variance, x.size // x.shape[1])
        y = normalized(xp, x, per_channel(mean, x), per_channel(variance, x), self.eps)
        return _affine(y, weights)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Through the batch's mean and variance. Source: arXiv:1502.03167, section 3."""
        x = kept["input"]
        mean, variance = (per_channel(kept[name], x) for name in ("mean", "variance"))
        deviation = xp.sqrt(variance + self.eps)
        unit = (x - mean) / deviation
        gradients = _affine_back(kept, unit, dy)
        if kept.asks(0):
            back = _factored(dy, weights)
            gradients[0] = _centred(back, unit, (0, *range(2, x.ndim))) / deviation
        return gradients


@final
class GroupNorm(Layer):
    """Group normalization: groups of channels by their mean and variance in one example.

    Shapes: unchanged. Parameters 2C. Source: Wu and He, arXiv:1803.08494; torch.nn.GroupNorm.
    """

    keeps = "input"
    precision = "full_on_cuda"

    groups: Annotated[int, whole("Number of groups G.", 1, letter="G")]
    eps: Annotated[float, EPS] = 1e-5
    affine: Annotated[bool, AFFINE] = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups that divide the channels, and more than one value in each."""
        x = xs[0]
        channels = x.channels
        if channels % self.groups:
            yield Problem(
                "CC305",
                f"{self.groups} groups do not divide the {channels} channels: "
                f"{channels}/{self.groups} = {decimal(channels, self.groups)}",
                "groups",
                f"use a divisor of {channels}",
            )
        elif x.size == self.groups:
            yield Problem(
                "CC314",
                f"groupnorm needs more than one value per group, and its input {x} has "
                f"{x.size}/{self.groups} = 1",
                "groups",
                "use fewer groups",
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A factor and a summand per channel."""
        return Plan(xs[0], _weights((xs[0].channels,), affine=self.affine))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept, and the mean and deviation of each group."""
        from convcalc.layers.operations import Array, statistics

        (norm,) = super().operations(xs, plan)
        extra = statistics(Array("", self.groups, beside_weights=self.affine))
        return (
            norm._replace(wants_back="output", contiguous="format", layout="format", extra=extra),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """(x − mean)/√(var + eps)·w + b over a group of channels. Source: torch.nn.GroupNorm."""
        x = xs[0].reshape(xs[0].shape[0], self.groups, -1)
        y = normalized(xp, x, *_keep(run, moments(x, (2,))), self.eps)
        return _affine(y.reshape(xs[0].shape), weights)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """As of a batch norm, over the values of a group in one example."""
        x = kept["input"]
        grouped = (x.shape[0], self.groups, -1)
        deviation = xp.sqrt(kept["variance"] + self.eps)
        unit = (x.reshape(grouped) - kept["mean"]) / deviation
        gradients = _affine_back(kept, unit.reshape(x.shape), dy)
        if kept.asks(0):
            back = _factored(dy, weights).reshape(grouped)
            gradients[0] = (_centred(back, unit, (2,)) / deviation).reshape(x.shape)
        return gradients


@final
class LayerNorm(Layer):
    """Layer normalization: each example, or each position, by its mean and variance.

    Shapes: unchanged. Over `channels`, 2C parameters; over `all`, two per value of an example.
    Source: Ba et al., arXiv:1607.06450; torch.nn.LayerNorm; over channels as in ConvNeXt,
    arXiv:2201.03545.
    """

    keeps = "input"
    precision = "full_on_cuda"

    over: Annotated[
        Literal["channels", "all"],
        choice("Normalize the channels of each position, or all values.", "channels", "all"),
    ] = "channels"
    eps: Annotated[float, EPS] = 1e-5
    affine: Annotated[bool, flag("Learn a factor per normalized value.")] = True
    bias: Annotated[bool, flag("Learn a summand per normalized value too.")] = True

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A factor and a summand per normalized value."""
        x = xs[0]
        shape = (x.channels,) if self.over == "channels" else x.axes
        return Plan(x, _weights(shape, affine=self.affine, bias=self.bias))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept, and the mean and deviation of each row."""
        from convcalc.layers.operations import Array, statistics, view

        x, (norm,) = xs[0], super().operations(xs, plan)
        rows = 1 if self.over == "all" else prod(x.spatial)
        norm = norm._replace(extra=statistics(Array("", rows, beside_weights=self.affine)))
        if self.over == "all" or not x.spatial:
            return (norm,)
        there = back = view(x.size)
        wide = x.channels > 1 and prod(x.spatial) > 1
        if wide:
            there = view(x.size)._replace(layout="turned", back_layout="last")
        layout: Layout = "channels_last" if x.rank > 1 else "turned"
        back = view(x.size)._replace(layout=layout if wide else "both")
        return (there, norm._replace(reads=(1,)), back._replace(reads=(2,)))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """(x − mean)/√(var + eps)·w + b over channels or an example. Source: torch.nn.LayerNorm."""
        x = xs[0]
        y = normalized(xp, x, *_keep(run, moments(x, self._axes(x))), self.eps)
        if self.over == "channels":
            return _affine(y, weights)
        y = y * weights["weight"] if self.affine else y
        return y + weights["bias"] if "bias" in weights else y

    def _axes(self, x: Any) -> tuple[int, ...]:
        """The axes of a batch over which it takes statistics."""
        return (1,) if self.over == "channels" else tuple(range(1, x.ndim))

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """As of a batch norm, over the channels of a position or over an example."""
        x = kept["input"]
        deviation = xp.sqrt(kept["variance"] + self.eps)
        unit = (x - kept["mean"]) / deviation
        gradients: Gradients = {}
        if self.over == "channels":
            gradients, back = _affine_back(kept, unit, dy), _factored(dy, weights)
        else:  # a factor and a summand for each value of an example
            if kept.asks("weight"):
                gradients["weight"] = (dy * unit).sum(axis=0)
            if kept.asks("bias"):
                gradients["bias"] = dy.sum(axis=0)
            back = dy * weights["weight"] if self.affine else dy
        if kept.asks(0):
            gradients[0] = _centred(back, unit, self._axes(x)) / deviation
        return gradients


@final
class InstanceNorm(Layer):
    """Instance normalization: each channel of each example by its mean and variance.

    Shapes: unchanged. Parameters 2C when `affine`.
    Source: Ulyanov et al., arXiv:1607.08022; torch.nn.InstanceNorm2d.
    """

    stands_alone: ClassVar[bool] = False

    keeps = "input"
    unmade: ClassVar[Reasons] = {
        "repeated weight": "weights are spread over the examples without a copy for each",
        "repeated statistics": "training takes those of the batch",
    }

    eps: Annotated[float, EPS] = 1e-5
    momentum: Annotated[float, MOMENTUM] = 0.1
    affine: Annotated[bool, AFFINE] = False
    track_running_stats: Annotated[bool, TRACK] = False

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """More than one position to take statistics of."""
        x = xs[0]
        if x.size == x.channels:
            yield Problem(
                "CC314",
                f"instancenorm needs more than one position per channel, and its input is {x}",
                help="use `layernorm` on a vector",
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A factor and a summand per channel, if any are learned."""
        shape = (xs[0].channels,)
        return Plan(xs[0], _weights(shape, affine=self.affine, statistics=self.track_running_stats))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A batch norm of one example with N·C channels, its weights repeated for each."""
        from convcalc.layers.operations import Array, Operation, learned, statistics, view

        size, channels = plan.output.size, xs[0].channels
        repeated = tuple(
            Operation(
                channels, (), learns=(weight,), gradient="same", name=f"repeated {weight.name}"
            )
            for weight in learned(plan)
        )
        flat, tracks = len(repeated) + 1, self.track_running_stats
        when: Literal["always", "training"] = "training" if tracks else "always"
        moments = statistics(Array("", channels, beside_weights=self.affine, when=when))
        copies: tuple[Array, ...] = ()
        update: tuple[Array, ...] = ()
        if tracks:
            # Running statistics are repeated in the weights' precision, or else in the input's, and
            # what the batch makes of them is made theirs again.
            copies = (
                Array(
                    "repeated statistics",
                    2 * channels,
                    kind="parameter",
                    beside_weights=self.affine,
                ),
            )
            mean = copies[0]._replace(
                name="new mean", values=0, constant=channels, when="training", kept=False
            )
            update = (mean, mean._replace(name="change of the mean", kind="change"))
        norm = Operation(
            size,
            (flat, *range(1, flat)),
            keeps=(flat, 1) if repeated else (flat,),
            extra=(*copies, *moments),
            promotes=False,
            name="norm",
        )
        held = tuple(range(1, flat))
        return (
            *repeated,
            view(size)._replace(contiguous="order"),
            norm,
            view(size, flat + 1)._replace(extra=update, holds=held, wants_back="order"),
        )

    def integers(self, xs: Sequence[Shape]) -> Mapping[str, tuple[int, ...]]:
        """The number of batches seen."""
        return {"num_batches_tracked": ()} if self.track_running_stats else {}

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """(x − mean)/√(var + eps)·w + b over the positions. Source: torch.nn.InstanceNorm2d.

        By the running statistics where they are tracked, but not in training, where these move
        towards the mean of the examples'.
        """
        x = xs[0]
        if self.track_running_stats and not run.training:
            mean = per_channel(weights["running_mean"], x)
            variance = per_channel(weights["running_var"], x)
        else:
            mean, variance = _keep(run, moments(x, tuple(range(2, x.ndim))))
            if self.track_running_stats and run.training:
                of_all, spread = (each.mean(axis=0).reshape(-1) for each in (mean, variance))
                _move(run, weights, self.momentum, of_all, spread, prod(x.shape[2:]))
        return _affine(normalized(xp, x, mean, variance, self.eps), weights)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """As of a batch norm, over the positions of a channel in one example."""
        x = kept["input"]
        deviation = xp.sqrt(kept["variance"] + self.eps)
        unit = (x - kept["mean"]) / deviation
        gradients = _affine_back(kept, unit, dy)
        if kept.asks(0):
            back = _factored(dy, weights)
            gradients[0] = _centred(back, unit, tuple(range(2, x.ndim))) / deviation
        return gradients


def _neighbours(xp: Any, x: Any, before: int, after: int) -> Any:
    """For each channel of (N, C, positions) the sum of those from `before` it to `after` it."""
    channels = x.shape[1]
    x = padded(xp, x, [(before, after), (0, 0)])
    return sum(x[:, first : first + channels] for first in range(before + after + 1))


@final
class LocalResponseNorm(Layer):
    """Local response normalization: each value by those of neighbouring channels.

    y = x / (k + alpha/size · Σ x²)^beta over `size` channels. Shapes: unchanged, no parameters.
    Source: Krizhevsky et al., NeurIPS 2012, section 3.3; ONNX operator LRN;
    torch.nn.LocalResponseNorm.
    """

    unmade: ClassVar[Reasons] = {
        "pad": "the mean's gradient needs no values, though PyTorch's mean keeps what it is of"
    }

    size: Annotated[int, whole("Number of neighbouring channels.", 1)]
    alpha: Annotated[float, number("Weight of the squares.")] = 1e-4
    beta: Annotated[float, number("Exponent.")] = 0.75
    k: Annotated[float, number("Added to the sum.")] = 1.0

    def _around(self, channels: int) -> tuple[int, int]:
        """How many channels before and behind it count, no more than there are."""
        return min(self.size // 2, channels - 1), min((self.size - 1) // 2, channels - 1)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights; its multiplications are not counted as MACs."""
        return Plan(xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """x/(alpha·mean(x²) + k)^beta over a padded copy: each step keeps what it needs."""
        from convcalc.layers.operations import Operation, power, view

        size, channels = xs[0].size, xs[0].channels
        # PyTorch takes the mean of images and volumes as that of a volume's neighbouring slices.
        precision: Precision = "full_on_cpu" if xs[0].rank > 1 else "same"
        return (
            Operation(
                size,
                (0, 0),
                keeps="factors",
                gradient="product",
                back_layout="gradient",
                name="square",
            ),
            view(size, 1),
            Operation(size // channels * (channels + self.size - 1), (2,), name="pad"),
            Operation(size, (3,), keeps="input", precision=precision, name="mean"),
            view(size, 4),
            Operation(size, (5,), name="times"),
            Operation(size, (6,), gradient="same", name="plus"),
            power(size, 7)._replace(holds=(5,)),
            Operation(
                size,
                (0, 8),
                keeps="input",
                scratch=2 * size,
                layout="kept",
                back_layout="gradient",
                name="divide",
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[c] = x[c]/(k + alpha/size·Σ x[c']²)^beta. Source: torch.nn.LocalResponseNorm.

        c' runs from c − ⌊size/2⌋ on over `size` channels, absent ones being 0; ONNX operator LRN
        starts one later when `size` is even.
        """
        x = xs[0]
        squares = (x * x).reshape(*x.shape[:2], -1)
        total = _neighbours(xp, squares, *self._around(x.shape[1]))
        base = total.reshape(x.shape) * (self.alpha / self.size) + self.k
        return x / run.keep("power", run.keep("plus", base) ** self.beta)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """With s = k + …, dx = dy/s^beta − 2·alpha·beta/size·x·Σ dy[c']·x[c']/s[c']^(beta + 1).

        The sum is over the channels c' whose own sum this one is in: the window turned round.
        """
        x, base, power = kept["input"], kept["plus"], kept["power"]
        pulls = (dy * x / power / base).reshape(*x.shape[:2], -1)
        before, after = self._around(x.shape[1])
        total = _neighbours(xp, pulls, after, before).reshape(x.shape)
        return {0: dy / power - x * total * (2 * self.beta * self.alpha / self.size)}
