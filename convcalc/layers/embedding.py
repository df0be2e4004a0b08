"""The layer that looks rows of a table up: its input is whole numbers, and not values."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Run,
    Weight,
    Weights,
    whole,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class Embedding(Layer):
    """The row of a learned table that each whole number of a sequence names, counted from 0.

    Shapes: L×1 → L×features. Its input is one of the network's, which holds int64.
    Source: Bengio et al., 2003, "A Neural Probabilistic Language Model"; ONNX operator Gather;
    torch.nn.Embedding.
    """

    entries: Annotated[int, whole("Rows of the table V: numbers are 0 … V − 1.", 1, letter="V")]
    features: Annotated[int, whole("Values of a row E.", 1, letter="E")]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A sequence of single numbers."""
        (x,) = xs
        if x.rank == 1 and x.channels == 1:
            return
        kind, help_text = f"its input is {x}", f"one number a position is `input: {x.size}x1`"
        if not x.spatial:
            kind = f"its input is a vector of {x.channels}"
            help_text = f"write {x.channels} numbers in a row as `input: {x.channels}x1`"
        elif x.rank == 1:
            help_text = (
                f"give each of the {x.channels} channels an input and an embedding of its own, "
                f"`input: {{first: {x.spatial[0]}x1, second: {x.spatial[0]}x1}}`"
            )
        message = f"embedding looks up one number a position, and {kind}"
        yield Problem("CC314", message, help=help_text)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One table; nothing is multiplied."""
        (x,) = xs
        table = Weight("weight", (self.entries, self.features))
        return Plan(Shape(self.features, x.spatial), (table,))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Rows, then a view of them with channels first.

        The numbers have no gradient, and whoever runs the network holds them, so that they are
        neither read as values nor kept. The table's gradient is as large as the table.
        """
        from convcalc.layers.operations import Operation, view

        output = plan.output
        rows = Operation(output.size, (), keeps=(0,), learns=plan.weights, holds=(0,), name="rows")
        wide = 1 < output.channels < output.size
        return rows, view(output.size, 1)._replace(layout="turned" if wide else "both")

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[l, c] = w[x[l], c]. Source: ONNX operator Gather; torch.nn.Embedding."""
        (x,) = xs
        return xp.take(weights["weight"], x[:, 0].astype("int64"), axis=0).transpose(0, 2, 1)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """dw[r, c] = Σ dy[l, c] where x[l] = r: a row that is read twice gets both gradients.

        The numbers have none.
        """
        dw = xp.zeros((self.entries, self.features), dtype=dy.dtype)
        rows = kept["input"][:, 0].astype("int64").reshape(-1)
        xp.add.at(dw, rows, dy.transpose(0, 2, 1).reshape(-1, self.features))
        return {"weight": dw}
