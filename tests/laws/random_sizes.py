"""Random networks whose layers make something of sizes, and their laws beside sizes that are tried.

`benchmarks sizes` draws from here, too.
"""

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from convcalc.graph import Network
from convcalc.graph.inputs import Known
from convcalc.laws import sizes
from convcalc.laws.trying import tried
from convcalc.layers.sliding import AXIS_NAMES

KEEPING = ["relu", "batchnorm", "scale", "instancenorm", {"dropout": 0.5}]
ROUNDINGS = ["exact", "floor", "floor", "ceil"]
SCALES = [2, 3, 0.5, 1.5, 0.75]
"""Of resampling; floats hold them as they are written."""


def drawn(random: Random) -> str:
    """The text of a network with one or two axes, mostly without errors but those of sizes."""
    rank = random.choice([1, 1, 2])
    layers: list[Any] = []
    for _ in range(random.randint(1, 7)):
        layers += _items(random, rank, depth=0)
    if random.random() < 0.3:
        layers += random.choice(
            [["global_avgpool", "flatten"], [{"adaptive_avgpool": 2}, "flatten"], ["flatten"]]
        )
        if layers[-1] == "flatten" and random.random() < 0.7:
            layers.append({"linear": 3})
    size = random.randint(8, 200)
    spec = {
        "input": [*[size] * rank, 4],
        "rounding": random.choice(ROUNDINGS),
        "layers": layers,
    }
    return json.dumps(spec)


def following(text: str, random: Random) -> str:
    """A network that was drawn, with layers that are made as large as maps before them."""
    spec = json.loads(text)
    layers: list[Any] = [{"name": "t0"}]
    names = ["input", "t0"]
    for item in spec["layers"]:
        if item in ("flatten", "global_avgpool"):
            break
        layers.append(item)
        if random.random() < 0.6:
            name = f"t{len(names)}"
            layers += [{"name": name}]
            names.append(name)
        if random.random() < 0.6:
            kind = random.choice(["crop", "crop", "upsample", "upsample", "pad"])
            # maps mostly become smaller: earlier ones are cut, later ones made larger
            name = names[-1] if kind == "crop" else random.choice(names)
            fields: dict[str, Any] = {"like": name}
            if kind != "upsample" and random.random() < 0.4:
                fields["offset"] = random.randint(0, 4)
            if kind == "pad" and random.random() < 0.2:
                fields["mode"] = "replicate"
            start = {"from": random.choice(names)} if kind == "crop" else {}
            layers.append({**start, kind: fields})
    return json.dumps({**spec, "layers": layers})


def joined(text: str, random: Random) -> str:
    """A network that was drawn, with parts cut out of an axis, and maps put behind each other."""
    spec = json.loads(text)
    rank = len(spec["input"]) - 1
    axes = ["length"] if rank == 1 else ["height", "width"]
    layers: list[Any] = []
    for item in spec["layers"]:
        if item in ("flatten", "global_avgpool"):
            break
        layers.append(item)
        axis = random.choice(axes)
        if random.random() < 0.4:
            fields: dict[str, Any] = {"axis": axis, "start": random.choice([0, 1, 3, -4])}
            stop = random.choice([None, -1, -2, 6, 11])
            layers.append({"slice": fields if stop is None else {**fields, "stop": stop}})
        if random.random() < 0.5:
            kernel = [random.choice([1, 2, 3]) if each == axis else 1 for each in axes]
            stride = [random.choice([1, 1, 2]) if each == axis else 1 for each in axes]
            slid = {"maxpool": {"kernel": kernel, "stride": stride, "rounding": "floor"}}
            branches = [[], [slid], [{"slice": {"axis": axis, "stop": 3}}], []]
            chosen = branches[: random.choice([2, 2, 3])] + branches[3:] * random.randint(0, 1)
            layers.append({"concat": {"branches": chosen, "axis": axis}})
    return json.dumps({**spec, "layers": layers})


def _items(random: Random, rank: int, depth: int) -> list[Any]:
    choice = random.random()
    if choice < 0.5:
        return [_sliding(random, rank)]
    if choice < 0.6:
        return [random.choice(KEEPING)]
    if choice < 0.8 or depth > 1:
        return [_resizing(random, rank)]
    return [_merge(random, rank, depth)]


def _sliding(random: Random, rank: int) -> Any:
    kind = random.choice(["conv", "conv", "maxpool", "avgpool", "depthwise_conv"])
    kernel = random.choice([1, 2, 3, 3, 4, 5, 7])
    fields: dict[str, Any] = {"kernel": kernel, "stride": random.choice([1, 1, 2, 2, 3, 4])}
    most = kernel // 2
    fields["padding"] = random.choice([0, 0, most, random.randint(0, most)])
    if random.random() < 0.15:
        fields["padding"] = [[random.randint(0, most), random.randint(0, most)]] * rank
    if random.random() < 0.15:
        fields["padding"] = "same"
    if random.random() < 0.3:
        fields["rounding"] = random.choice(ROUNDINGS)
    if kind == "conv":
        fields["filters"] = 4
        if random.random() < 0.2:
            fields["padding_mode"] = random.choice(["reflect", "circular", "replicate"])
    if "pool" not in kind and random.random() < 0.2:
        fields["dilation"] = random.choice([2, 3])
    if rank == 2 and random.random() < 0.2:
        fields["kernel"] = [kernel, random.choice([kernel, kernel + 1])]
    return {kind: fields}


def _resizing(random: Random, rank: int) -> Any:
    kernel = random.choice([2, 3, 4])
    blocks = [{"space_to_depth": random.choice([1, 2, 3])}, {"conv": {"filters": 4, "kernel": 1}}]
    return random.choice(
        [
            {"layers": blocks},
            {"upsample": random.choice(SCALES)},
            {"upsample": {"size": random.randint(1, 12)}},
            {"pad": random.randint(1, 3)},
            {"pad": {"padding": random.randint(1, 3), "mode": "reflect"}},
            {"crop": random.randint(1, 3)},
            {"crop": {"size": random.randint(1, 12)}},
            {"adaptive_maxpool": random.randint(1, 6)},
            {"conv_transpose": {"filters": 4, "kernel": kernel, "stride": 2, "padding": 1}},
            {
                "conv_transpose": {
                    "filters": 4,
                    "kernel": kernel,
                    "stride": random.choice([1, 2, 3]),
                }
            },
            {"permute": [1, 3, 2] if rank == 2 else [1, 2]},
        ]
    )


def _merge(random: Random, rank: int, depth: int) -> Any:
    stride = random.choice([1, 1, 2, 3])
    branches: list[list[Any]] = []
    for _ in range(random.choice([2, 2, 3])):
        kernel = random.choice([1, 3, 5])
        branch: list[Any] = []
        if stride > 1 or random.random() < 0.6:
            branch.append(
                {
                    "conv": {
                        "filters": 4,
                        "kernel": kernel,
                        "stride": stride,
                        "padding": random.choice([kernel // 2, kernel // 2, kernel // 2, 0]),
                    }
                }
            )
        if random.random() < 0.25:
            branch += [{"maxpool": 2}, {"upsample": 2}]
        if random.random() < 0.15:
            branch += ["global_avgpool"]
        if random.random() < 0.2:
            branch += _items(random, rank, depth + 1)
        branches.append(branch)
    kind = random.choice(["add", "multiply", "concat"])
    merge: list[Any] = [{kind: branches}]
    if kind == "concat":
        merge.append({"conv": {"filters": 4, "kernel": 1}})
    return {"layers": merge}


def differing(network: Network, until: Iterable[int]) -> Iterator[str]:
    """The sizes, one axis at a time, of which a law says otherwise than the network itself."""
    image = network.input
    if image is None:
        return
    report, known = sizes(network), Known()
    names = AXIS_NAMES[image.rank]
    # The axes that are not asked about have a size that does, and drops nothing if there is one.
    usual = list(image.spatial)
    for fit in report.fits:
        if len(fit.axes) == 1 and not fit.held:
            axis = names.index(fit.axes[0])
            law = fit.whole if fit.whole.sizes else fit.accepted
            usual[axis] = law.above(usual[axis]) or law.smallest or usual[axis]
    for fit in report.fits:
        if len(fit.axes) != 1 or fit.parameter:
            continue
        axis = names.index(fit.axes[0])
        others = [other for other in report.fits if other != fit and not other.held]
        if not all(other.accepted.sizes for other in others):
            continue
        dropping = not all(other.whole.sizes for other in others)
        for size in until:
            extents = list(usual)
            extents[axis] = size
            rows = tried(network, image._replace(spatial=tuple(extents)), known)
            there = rows is not None, rows is not None and not rows
            laws = fit.accepted, fit.whole
            ends = [law.until is not None and size > law.until for law in laws]
            said = [not end and size in law for law, end in zip(laws, ends, strict=True)]
            ends[1] |= dropping
            if any(a != b and not end for a, b, end in zip(there, said, ends, strict=True)):
                yield f"{network.path} {fit.name} {size}: is {there}, and the law says {said}"
