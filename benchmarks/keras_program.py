"""A network as a Keras model, and that as TensorFlow Lite Micro runs it: a peer of the arena."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers.sliding import layer_stride, per_axis, sides, windows_of
from convcalc.window import Window, same

EXAMPLES = 4
"""Random examples that the converter measures ranges on."""
LOWEST = -100.0
"""What stands around a map before it is pooled: below all that is in it."""
ARENA = 20_000_000
"""Bytes that the interpreter is given."""


class NotRunError(Exception):
    """The runtime does not run what the converter made; the text says why."""


class Measured(NamedTuple):
    """What the runtime made of a network, and took."""

    operators: list[tuple[str, str, tuple[int, ...], int]]
    """Name, fused activation, and the maps that it reads and makes, numbered as they are made."""
    head: int
    """Bytes that it planned."""
    tail: int
    """Bytes that stay beside."""


def measured(network: Planned, dtype: str) -> Measured:
    """Convert a network and run it in the interpreter with its recording allocator."""
    content = converted(network, dtype)
    head, tail = _taken(content)
    return Measured(_operators(content), head, tail)


def converted(network: Planned, dtype: str) -> bytes:
    """The file that TensorFlow's converter makes: float32, or int8 throughout."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import keras
    import numpy as np
    import tensorflow as tf

    keras.backend.clear_session()
    model = _model(network)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if dtype == "int8":
        draw = np.random.default_rng(1)
        shapes = [(1, *each.shape[1:]) for each in model.inputs]
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [draw.normal(size=shape).astype("float32") for shape in shapes] for _ in range(EXAMPLES)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with _said():
        content: bytes = converter.convert()
    return content


def versions() -> str:
    """What it is measured with."""
    from importlib.metadata import PackageNotFoundError, version

    def release(*names: str) -> str:
        for name in names:
            with contextlib.suppress(PackageNotFoundError):
                return version(name)
        return "?"

    return (
        f"TensorFlow {release('tensorflow', 'tensorflow-cpu')}, Keras {release('keras')}, "
        f"tflite-micro {release('tflite-micro')}"
    )


@contextlib.contextmanager
def _said() -> Iterator[Any]:
    """A file of what is said on the process's own standard output and error, by C++, too."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield file
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, own in enumerate(kept, 1):
                os.dup2(own, descriptor)
                os.close(own)


def _model(network: Planned) -> Any:
    import keras
    import numpy as np

    made: list[Any] = []
    inputs = []
    for node, plan in zip(network.nodes, network.plans, strict=True):
        if node.kind == "input":
            shape = (*plan.output.spatial, plan.output.channels)
            made.append(keras.Input(shape, batch_size=1))
            inputs.append(made[-1])
            continue
        xs = [made[read] for read in node.inputs]
        made.append(WORDS[node.kind](_Call(keras.layers, network, node, xs)))
    model = keras.Model(inputs, [made[output] for output in network.outputs])
    draw = np.random.default_rng(0)

    def value(variable: Any) -> Any:
        drawn = draw.normal(size=variable.shape).astype("float32") * 0.3
        positive = "variance" in variable.path or "gamma" in variable.path
        return abs(drawn) + 0.1 if positive else drawn

    model.set_weights([value(each) for each in model.weights])
    return model


class _Call(NamedTuple):
    """A layer that is to be said in Keras."""

    keras: Any
    network: Planned
    node: PlannedNode
    xs: Sequence[Any]

    @property
    def layer(self) -> Any:
        """The layer with its fields, which are those of its kind."""
        return self.node.layer

    @property
    def rank(self) -> int:
        """How many axes its input has beside its channels."""
        return self.network.shape_of(self.node.inputs[0]).rank

    def of(self, name: str, end: str = "", **fields: Any) -> Any:
        """A layer of Keras whose name has the number of axes in it, of what it reads."""
        return getattr(self.keras, f"{name}{self.rank}D{end}")(**fields)(self.xs[0])

    def bordered(
        self, pairs: Sequence[tuple[int, int]], value: float = 0.0, mode: str = "constant"
    ) -> "_Call":
        """The same behind a border, of zeros unless another value is given."""
        if not any(map(any, pairs)):
            return self
        if not value and mode == "constant":
            padding = tuple(pairs) if self.rank > 1 else pairs[0]
            return self._replace(xs=[self.of("ZeroPadding", padding=padding)])
        import tensorflow as tf

        whole = [(0, 0), *pairs, (0, 0)]
        padded = self.keras.Lambda(lambda x: tf.pad(x, whole, mode.upper(), constant_values=value))
        return self._replace(xs=[padded(self.xs[0])])


def _like_same(windows: Sequence[Window], sizes: Sequence[int]) -> bool:
    """Whether windows are those of padding `same` on a map of these sizes."""
    return [*windows] == [
        same(size, each.kernel, each.stride, each.dilation)
        for size, each in zip(sizes, windows, strict=True)
    ]


def _sliding(name: str, end: str = "") -> Callable[[_Call], Any]:
    def said(call: _Call) -> Any:
        layer, rank = call.layer, call.rank
        fields: dict[str, Any] = {
            "kernel_size": per_axis(layer.kernel, rank),
            "strides": per_axis(layer.stride, rank),
            "use_bias": layer.bias,
        }
        if name == "DepthwiseConv":
            fields["depth_multiplier"] = layer.multiplier
        else:
            fields["filters"] = layer.filters
        if name == "Conv" and not end:
            fields["groups"] = layer.groups
        if not end:
            fields["dilation_rate"] = per_axis(layer.dilation, rank)
        before = call.network.shape_of(call.node.inputs[0]).spatial
        like = not end and _like_same(windows_of(layer, before), before)
        if (layer.padding == "same" or like) and (end or layer.padding_mode == "zero"):
            return call.of(name, end, padding="same", **fields)
        if end:
            return call.of(name, end, **fields)
        mode = "constant" if layer.padding_mode == "zero" else layer.padding_mode
        padding = [(each.before, each.after) for each in windows_of(layer, before)]
        return call.bordered(padding, mode=mode).of(name, **fields)

    return said


def _pooling(name: str) -> Callable[[_Call], Any]:
    def said(call: _Call) -> Any:
        layer, rank = call.layer, call.rank
        size, strides = per_axis(layer.kernel, rank), per_axis(layer_stride(layer), rank)
        fields: dict[str, Any] = {"pool_size": size, "strides": strides}
        if rank == 1:
            fields = {"pool_size": size[0], "strides": strides[0]}
        before = call.network.shape_of(call.node.inputs[0]).spatial
        windows = windows_of(layer, before)
        if _like_same(windows, before) and not getattr(layer, "count_include_pad", False):
            return call.of(name, padding="same", **fields)
        lowest = LOWEST if name == "MaxPooling" else 0.0
        pairs = [(each.before, each.after) for each in windows]
        return call.bordered(pairs, lowest).of(name, **fields)

    return said


def _bordering(call: _Call) -> Any:
    mode = "constant" if call.layer.mode == "zero" else call.layer.mode
    return call.bordered([*sides(call.layer.padding, call.rank)], call.layer.value, mode).xs[0]


def _prelu(call: _Call) -> Any:
    shared = [*range(1, call.rank + 1 + (call.layer.slopes == "one"))]
    return call.keras.PReLU(shared_axes=shared)(call.xs[0])


def _permuted(call: _Call) -> Any:
    """Axes of convcalc count the channels first, and those of Keras last."""
    order = call.layer.order
    last = len(order)
    return call.keras.Permute([each - 1 or last for each in (*order[1:], order[0])])(call.xs[0])


def _resized(call: _Call) -> Any:
    """`UpSampling2D` would make a TILE of `nearest`, which the runtime does not run."""
    mode = {"nearest": "nearest", "linear": "bilinear"}[call.layer.mode]
    rows, columns = (
        int(scale) * size
        for scale, size in zip(
            per_axis(call.layer.scale, call.rank), call.xs[0].shape[1:-1], strict=True
        )
    )
    return call.keras.Resizing(rows, columns, interpolation=mode)(call.xs[0])


def _shuffled(call: _Call) -> Any:
    spatial, channels = call.xs[0].shape[1:-1], call.xs[0].shape[-1]
    groups, axes = call.layer.groups, call.rank
    apart = call.keras.Reshape((*spatial, groups, channels // groups))(call.xs[0])
    turned = call.keras.Permute((*range(1, axes + 1), axes + 2, axes + 1))(apart)
    return call.keras.Reshape((*spatial, channels))(turned)


def _to_space(call: _Call) -> Any:
    import tensorflow as tf

    return call.keras.Lambda(lambda x: tf.nn.depth_to_space(x, call.layer.factor))(call.xs[0])


def _reshaped(call: _Call) -> Any:
    shape = call.network.plans[call.network.nodes.index(call.node)].output
    return call.keras.Reshape((*shape.spatial, shape.channels))(call.xs[0])


def _plain(name: str, **fields: Any) -> Callable[[_Call], Any]:
    return lambda call: getattr(call.keras, name)(**fields)(call.xs[0])


def _merging(name: str) -> Callable[[_Call], Any]:
    return lambda call: getattr(call.keras, name)()(call.xs)


WORDS: Mapping[str, Callable[[_Call], Any]] = {
    "conv": _sliding("Conv"),
    "depthwise_conv": _sliding("DepthwiseConv"),
    "conv_transpose": _sliding("Conv", "Transpose"),
    "maxpool": _pooling("MaxPooling"),
    "avgpool": _pooling("AveragePooling"),
    "linear": lambda call: call.keras.Dense(call.layer.features, use_bias=call.layer.bias)(
        call.xs[0]
    ),
    "batchnorm": _plain("BatchNormalization"),
    "relu": _plain("ReLU"),
    "relu6": _plain("ReLU", max_value=6.0),
    "prelu": _prelu,
    "leaky_relu": lambda call: call.keras.LeakyReLU(negative_slope=call.layer.slope)(call.xs[0]),
    "elu": _plain("ELU"),
    "silu": _plain("Activation", activation="silu"),
    "sigmoid": _plain("Activation", activation="sigmoid"),
    "hardsigmoid": _plain("Activation", activation="hard_sigmoid"),
    "hardswish": _plain("Activation", activation="hard_silu"),
    "tanh": _plain("Activation", activation="tanh"),
    "softmax": _plain("Softmax"),
    "log_softmax": _plain("Activation", activation="log_softmax"),
    "dropout": _plain("Dropout", rate=0.5),
    "flatten": _plain("Flatten"),
    "pad": _bordering,
    "permute": _permuted,
    "reshape": _reshaped,
    "slice": lambda call: call.xs[0][..., call.layer.start : call.layer.stop],
    "upsample": _resized,
    "channel_shuffle": _shuffled,
    "pixel_shuffle": _to_space,
    "crop": lambda call: call.of("Cropping", cropping=call.layer.amount),
    "global_avgpool": lambda call: call.of("GlobalAveragePooling", keepdims=True),
    "global_maxpool": lambda call: call.of("GlobalMaxPooling", keepdims=True),
    "add": _merging("Add"),
    "multiply": _merging("Multiply"),
    "concat": _merging("Concatenate"),
}
"""By kind, what says it in Keras."""


def _operators(content: bytes) -> list[tuple[str, str, tuple[int, ...], int]]:
    from tensorflow.lite.python import schema_py_generated as schema

    def names(of: Any) -> dict[int, str]:
        return {code: name for name, code in vars(of).items() if isinstance(code, int)}

    codes, fused = names(schema.BuiltinOperator), names(schema.ActivationFunctionType)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph = model.subgraphs[0]
    made = [*graph.inputs, *(each for step in graph.operators for each in step.outputs)]
    number = {tensor: place for place, tensor in enumerate(made)}
    operators = []
    for step in graph.operators:
        code = model.operatorCodes[step.opcodeIndex].builtinCode
        activation = getattr(step.builtinOptions, "fusedActivationFunction", 0)
        reads = tuple(number[each] for each in step.inputs if each in number)
        name = fused[activation] if activation else ""
        operators.append((codes[code], name, reads, number[step.outputs[0]]))
    return operators


def _taken(content: bytes) -> tuple[int, int]:
    """Head and tail, which the interpreter prints to the process's own standard output."""
    from tflite_micro import runtime

    with _said() as file:
        try:
            runtime.Interpreter.from_bytes(content, arena_size=ARENA).print_allocations()
        except RuntimeError as error:
            file.seek(0)
            why = file.read().decode(errors="replace").strip().splitlines()
            raise NotRunError(why[0] if why else str(error)) from error
        sys.stdout.flush()
        file.seek(0)
        said = file.read().decode()
    taken = dict(re.findall(r"Arena allocation (head|tail) (\d+)", said))
    return int(taken["head"]), int(taken["tail"])
