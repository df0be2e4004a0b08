"""What a network starts from: layers that read nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.layers.base import INFERENCE, Arrays, Extents, Layer, Plan, Run, Weights, extents
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.operations import Operation


@final
class Input(Layer):
    """An input of the network, as its spec or whoever runs it gives it."""

    shape: Annotated[Extents, extents("Height × width × channels of one example.")]

    @classmethod
    def of(cls, shape: Shape) -> "Input":
        """The input of a shape.

        >>> Input.of(Shape(3, (224, 224)))
        Input(shape=(224, 224, 3))
        """
        return cls((*shape.spatial, shape.channels))

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """The shape that it has.

        >>> str(Input((224, 224, 3)).plan([]).output)
        '224×224×3'
        """
        *spatial, channels = self.shape
        return Plan(Shape(channels, tuple(spatial)))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """None: whoever runs the network makes it, and holds it."""
        return ()

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """Raise `ValueError`: an input has the values that it is given, and makes none."""
        message = "an input makes no values: whoever runs the network gives them"
        raise ValueError(message)
