"""What other tools count, beside the tools themselves, those of them that are installed.

`python -m benchmarks counts`: the small networks of tests/conventions.py that are PyTorch beside
their spec, in each tool, for one and two examples, beside what convcalc says that it counts.
`--write` puts what they said into tests/data/conventions.json. `--networks` asks them about the
networks of torchvision that are bundled instead, or about those that are named behind it.

thop and ultralytics-thop are one package's name, so one of them can be there at a time.
"""

import json
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from importlib.metadata import distributions
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.arguments import parser
from convcalc.analysis.conventions import CONVENTIONS, count

TESTS = Path(__file__).parent.parent / "tests"
DATA = TESTS / "data" / "conventions.json"


def _fvcore(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis

    flops, activations = FlopCountAnalysis(model, inputs), ActivationCountAnalysis(model, inputs)
    for each in (flops, activations):
        each.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
    return [int(flops.total()), _parameters(model), int(activations.total())]


def _torchinfo(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    from torchinfo import summary

    told = summary(model, input_data=list(inputs), verbose=0)
    return [told.total_mult_adds, told.total_params]


def _thop(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    from thop import profile

    total, parameters = profile(model, inputs, verbose=False)
    return [int(total), int(parameters)]


def _torchprofile(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    from torchprofile import profile_macs

    return [profile_macs(model, inputs)]


def _ptflops(backend: str) -> Callable[[Any, tuple[Any, ...]], list[Any]]:
    def measured(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
        from ptflops import get_model_complexity_info

        # by name, where there are several; it then takes the batch for one example
        several = dict(zip("xyz", inputs, strict=False))
        given = inputs[0] if len(inputs) == 1 else several
        total, parameters = get_model_complexity_info(
            model,
            (1,),
            print_per_layer_stat=False,
            as_strings=False,
            input_constructor=lambda _: given,
            backend=backend,
        )
        return [total, parameters]

    return measured


def _calflops(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    from calflops import calculate_flops

    flops, macs, parameters = calculate_flops(
        model, args=list(inputs), print_results=False, output_as_string=False
    )
    return [flops, parameters, None, macs]


def _deepspeed(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    from deepspeed.profiling.flops_profiler import get_model_profile

    flops, macs, parameters = get_model_profile(
        model, args=list(inputs), print_profile=False, warm_up=0, as_string=False
    )
    return [int(flops), int(parameters), None, int(macs)]


def _flop_counter(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(*inputs)
    return [counter.get_total_flops()]


def _flop_counter_meta(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    return _flop_counter(model.to("meta"), tuple(each.to("meta") for each in inputs))


def _parameters(model: Any) -> int:
    return sum(each.numel() for each in model.parameters())


MEASURED: dict[str, tuple[str, Callable[[Any, tuple[Any, ...]], list[Any]]]] = {
    "fvcore": ("fvcore", _fvcore),
    "torchinfo": ("torchinfo", _torchinfo),
    "thop": ("thop", _thop),
    "ultralytics": ("ultralytics-thop", _thop),
    "ptflops": ("ptflops", _ptflops("pytorch")),
    "ptflops:aten": ("ptflops", _ptflops("aten")),
    "calflops": ("calflops", _calflops),
    "deepspeed": ("deepspeed", _deepspeed),
    "torchprofile": ("torchprofile", _torchprofile),
    "flopcounter": ("torch", _flop_counter_meta),
    "flopcounter:cpu": ("torch", _flop_counter),
}
"""By tool the distribution that it is in, and what it says: its total, then as in the tests' data
parameters, activations and MACs."""


def installed() -> dict[str, str]:
    """The tools that are there, with their versions.

    Of thop and its successor, which are one package, that is the one that is imported.
    """
    there = {each.metadata["Name"]: each.version for each in distributions()}
    found = {tool: there[name] for tool, (name, _) in MEASURED.items() if name in there}
    if "thop" in found or "ultralytics" in found:
        import thop

        found.pop("ultralytics" if thop.__version__.startswith("0.") else "thop", None)
    return found


def asked(tool: str, code: str, sizes: list[tuple[int, ...]], mode: str, no_grad: bool) -> Any:  # noqa: FBT001
    """What a tool says of a module, for one and two examples; None where it raises."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Whole(nn.Module):  # type: ignore[misc]
        """A network that a layer is in, as is usual: tools treat the outermost module apart."""

        def __init__(self, layer: Any) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any, y: Any = None) -> Any:
            return self.layer(*[each for each in (x, y) if each is not None])

    class Apply(nn.Module):  # type: ignore[misc]
        """A function as a module."""

        def __init__(self, function: Any, **arrays: Any) -> None:
            super().__init__()
            self.function = function
            for name, each in arrays.items():
                setattr(self, name, each)

        def forward(self, x: Any, y: Any = None) -> Any:
            return self.function(self, *[each for each in (x, y) if each is not None])

    said: list[Any] = []
    for batch in (1, 2):
        torch.manual_seed(0)
        names = {"nn": nn, "F": functional, "torch": torch, "Apply": Apply}
        names |= {"of_torchvision": of_torchvision}
        model = Whole(eval(code, names))  # noqa: S307 (the tests' own code)
        if tool == "calflops":  # which stops where there is no parameter at all
            model.frozen = nn.Parameter(torch.zeros(1), requires_grad=False)
        model.train(mode == "train")
        whole = "Embedding" in code
        inputs = tuple(
            torch.zeros(batch, *size, dtype=torch.long) if whole else torch.rand(batch, *size)
            for size in sizes
        )
        with (
            torch.no_grad() if no_grad else nullcontext(),
            redirect_stdout(StringIO()),
            redirect_stderr(StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            try:
                said.append(MEASURED[tool][1](model, inputs))
            except Exception:  # noqa: BLE001 (a tool's crash is an answer)
                said.append([None])
    first, second = said
    row = [first[0], second[0], *first[1:]]
    while len(row) > len("ab") and row[-1] is None:
        row.pop()
    return row


def of_torchvision(name: str) -> Any:
    """A network of torchvision with random weights; of several outputs the one that counts."""
    import torch

    try:
        from torchvision.models import get_model, list_models, segmentation
    except RuntimeError:  # built for a GPU, it loads no operators without one
        for each in [each for each in sys.modules if each.startswith("torchvision")]:
            del sys.modules[each]
        _OPERATORS.append(torch.library.Library("torchvision", "DEF"))
        for operator in ("nms", "qnms"):
            _OPERATORS[-1].define(f"{operator}(Tensor a, Tensor b, float c) -> Tensor")
        from torchvision.models import get_model, list_models, segmentation

    options: dict[str, Any] = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False}
    if name in list_models(module=segmentation):
        options |= {"weights_backbone": None, "aux_loss": False}
    model = get_model(name, **options)
    if name not in list_models(module=segmentation):
        return model

    class Only(torch.nn.Module):  # type: ignore[misc]
        """A network without the names of its outputs."""

        def __init__(self) -> None:
            super().__init__()
            self.network = model

        def forward(self, x: Any) -> Any:
            return self.network(x)["out"]

    return Only()


_OPERATORS: list[Any] = []
"""What declares operators that no network here runs, for as long as it is kept."""


def about_networks(names: list[str]) -> int:
    """Print what differs for networks of torchvision, all that are bundled if none is named."""
    from conventions import BEYOND, NETWORKS

    tools = [tool for tool in installed() if tool in CONVENTIONS]
    print(", ".join(f"{tool} {installed()[tool]}" for tool in tools), flush=True)
    compared = differing = 0
    for name in names or NETWORKS:
        row = NETWORKS[name]
        network = row.network
        size = next((shape.channels, *shape.spatial) for shape in [network.input] if shape)
        for tool in tools:
            code = f"of_torchvision({name.partition('@')[0]!r})"
            said = asked(tool, code, [size], row.mode, row.no_grad)
            beyond, _ = BEYOND.get((tool, name), (0, ""))
            for batch, total in enumerate(said[:2], 1):
                ours = count(network, tool, batch=batch, **row.conditions).total
                compared += 1
                if ours != (None if total is None else total - beyond):
                    differing += 1
                    print(f"{name}: {tool} says {total} for {batch}, convcalc {ours}", flush=True)
        print(f"{name}: asked, {differing} differences so far", flush=True)
    print(f"{compared} totals of {len(names or NETWORKS)} networks, {differing} differences")
    return 1 if differing else 0


def main(arguments: list[str]) -> int:
    """Print what differs."""
    given = parser("counts", __doc__)
    given.add_argument("--write", action="store_true", help="renew the tests' data")
    given.add_argument("--networks", nargs="*", help="ask about networks of torchvision")
    options = given.parse_args(arguments)
    write: bool = options.write
    sys.path.insert(0, str(TESTS))
    if options.networks is not None:
        return about_networks(options.networks)
    from conventions import MORE

    data = json.loads(DATA.read_text("utf-8"))
    more = data.setdefault("more", {})
    tools = installed()
    print(", ".join(f"{tool} {found}" for tool, found in tools.items()))
    differing = 0
    for name, row in MORE.items():
        network = row.written.network
        sizes = [
            (shape.channels, *shape.spatial) if row.first else (*shape.spatial, shape.channels)
            for shape in (network.plans[index].output for index in network.inputs)  # type: ignore[union-attr]
        ]
        sizes = [tuple(size[:1]) if "Embedding" in row.torch else size for size in sizes]
        for tool in tools:
            said = asked(tool, row.torch, sizes, row.written.mode, row.written.no_grad)
            more.setdefault(name, {})[tool] = said
            if tool not in CONVENTIONS:
                continue
            for batch in (1, 2):
                ours = count(network, tool, batch=batch, **row.written.conditions).total
                if ours != said[batch - 1]:
                    differing += 1
                    print(f"{name}: {tool} says {said[batch - 1]} for {batch}, convcalc {ours}")
    print(f"{len(MORE)} networks, {differing} differences")
    if write:
        dump = json.JSONEncoder(separators=(",", ":")).encode
        text = ",\n".join(
            f"{dump(key)}:"
            + (
                "{\n" + ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in value.items()) + "}"
                if key not in {"versions", "timm"}
                else dump(value)
            )
            for key, value in data.items()
        )
        DATA.write_text(f"{{{text}}}\n", "utf-8")
    return 1 if differing else 0
