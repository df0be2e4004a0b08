"""A training step by the readable definitions and in PyTorch: same weights, same batch, in turn."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from benchmarks.timing import print_table
from benchmarks.torch_program import UnknownKindError, torch_program
from convcalc.graph import Network, load
from convcalc.graph.planned import planned

USUAL = (("resnet50", 1), ("cifar_cs231n", 64), ("cifar_tiny_vgg", 64), ("mobilenet_v2", 1))
RATE = 1e-3
Step = Callable[[], float]
"""A step of training, which gives the loss before it."""


def measured(names: Sequence[str], batch: int | None, rounds: int) -> int:
    """Print what a step takes."""
    rows = [["network", "batch", "s", "CPU s", "PyTorch s", "CPU s", "CPU ratio", "loss", "apart"]]
    networks = [(name, batch or 1) for name in names] or USUAL
    for name, size in networks:
        network = load(name)
        try:
            ours, theirs = _steps(network, size)
        except UnknownKindError as error:
            print(f"{name}: skipped, it has {error}")
            continue
        loss, other = ours(), theirs()
        times = _in_turn((ours, theirs), rounds)
        (wall, processor), (their_wall, their_processor) = (
            [median(each) for each in zip(*some, strict=True)] for some in times
        )
        apart = f"{abs(loss - other) / abs(other):.0e}"
        if any(node.kind == "dropout" for node in network.nodes):
            apart = "dropout"  # each draws masks of its own
        ratio = median(mine / other for (_, mine), (_, other) in zip(*times, strict=True) if other)
        cells = (wall, processor, their_wall, their_processor)
        rows.append(
            [
                *(network.name, str(size), *(f"{cell:.3f}" for cell in cells)),
                *(f"{ratio:.2f}", f"{loss:.4f}", apart),
            ]
        )
    print_table(rows)
    return 0


def _in_turn(steps: Sequence[Step], rounds: int) -> list[list[tuple[float, float]]]:
    """Seconds on the clock, and of processors, of each step, round by round."""
    times: list[list[tuple[float, float]]] = [[] for _ in steps]
    for _ in range(rounds):
        for step, some in zip(steps, times, strict=True):
            time.sleep(0.04)  # threads of the one before have stopped spinning
            clock, processor = time.perf_counter(), time.process_time()
            step()
            some.append((time.perf_counter() - clock, time.process_time() - processor))
    return times


def _steps(network: Network, batch: int) -> tuple[Step, Step]:
    """Forward, cross-entropy, backward and SGD, here and in PyTorch."""
    import numpy as np
    import torch

    from convcalc.forward.training import Terms, prepared

    trainer = prepared(planned(network), "cross-entropy", Terms(learning_rate=RATE), batch=batch)
    (given,) = trainer.given.values()
    ((_, target),) = trainer.objectives.values()

    program: dict[str, Any] = {}
    text = torch_program(network).replace(".eval()", ".train()").replace("inplace=True", "")
    exec(text, program)  # noqa: S102 (written above, from the network)
    torch.set_grad_enabled(True)
    modules = program["modules"]
    for name, module in modules.items():
        state = {
            key: torch.from_numpy(np.array(trainer.weights[f"{name}.{key}"]))
            for key in module.state_dict()
            if key != "num_batches_tracked"
        }
        module.load_state_dict(state, strict=False)
    parameters = [each for module in modules.values() for each in module.parameters()]
    for each in parameters:
        each.requires_grad_()
    optimizer = torch.optim.SGD(parameters, RATE)
    x, classes = torch.from_numpy(np.array(given)), torch.from_numpy(np.array(target))

    def ours() -> float:
        loss, _, layers, gradients = trainer.forward()
        trainer.update(trainer.backward(layers, gradients))
        return loss

    def theirs() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(program["forward"](x), classes)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return ours, theirs
