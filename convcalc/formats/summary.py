"""What is said above and below the table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from convcalc.analysis.report import Report
from convcalc.formats.diagnostics import printable
from convcalc.numbers import both_bytes, grouped, plural, scaled

if TYPE_CHECKING:
    from convcalc.analysis.training import Training


def title(report: Report) -> str:
    """The network, from its input to its output."""
    examples = plural(report.batch, "example") if report.batch > 1 else "one example"
    return f"{printable(report.name)}: {report.ends} ({examples}, {report.dtype})"


def summary(
    report: Report, peak: int | None = None, training: "Training | None" = None
) -> list[tuple[str, str, str]]:
    """Totals as (what, count, in other units).

    `peak` are bytes that inference takes, `training` what training takes, where that is asked for.
    """
    totals = report.totals
    if report.unread:
        return [(name, "?", "") for name in ("Parameters", "MACs", "Activations")]
    least = "" if totals.complete else "at least "
    lines = []
    for what, count, size in (
        ("Parameters", "parameters", "parameter_bytes"),
        ("Buffers", "buffers", "buffer_bytes"),
        ("MACs", "macs", None),
        ("Activations", "activations", "activation_bytes"),
    ):
        value = totals.known(count)
        if size is not None:
            other = both_bytes(totals.known(size))
        else:
            other = f"{_counted(value, 'MACs')}, {_counted(totals.known('flops'), 'FLOPs')}"
        if value or count != "buffers":
            lines.append((what, least + grouped(value), other))
    if report.counted is not None:
        from convcalc.formats.counts import lines as of_count

        lines += of_count(report.counted)
    if peak is not None:
        lines.append(("Inference", f"{grouped(peak)} B", f"{both_bytes(peak)} at its peak"))
    if training is not None:
        lines += _of_training(training, least)
    return lines


def _of_training(training: "Training", least: str) -> Iterator[tuple[str, str, str]]:
    if training.frozen:
        yield "Frozen", grouped(training.frozen), "of the parameters"
    count, flops = training.backward_macs, training.flops
    yield "Backward", least + grouped(count), _counted(count, "MACs")
    size = "an example" if training.batch == 1 else f"{grouped(training.batch)} examples"
    yield "Step", least + grouped(flops), f"{_counted(flops, 'FLOPs')}, both passes of {size}"
    if training.dataset_size is not None and training.run_flops is not None:
        epochs = plural(training.epochs, "epoch")
        run = f"{_counted(training.run_flops, 'FLOPs')}, {plural(training.steps or 0, 'step')}"
        said = f"{run}: {epochs} of {plural(training.dataset_size, 'example')}"
        yield "Run", least + grouped(training.run_flops), said


def _counted(value: int, unit: str) -> str:
    """15.47 GMACs, but 0 MACs."""
    number = scaled(value)
    return f"{number}{unit}" if number[-1].isalpha() else f"{number} {unit}"


def notes(report: Report) -> list[str]:
    """What is to be said of figures that are not what they seem."""
    sentences = []
    placed = [layer for layer in report.layers if any(layer.fields)]
    if any(len(layer.fields) > 1 for layer in placed):
        names = ", ".join(each.name for each in report.inputs)
        sentences.append(
            f"/ A field in each of the inputs that the layer sees, in the order {names}."
        )
    if not all(layer.aligned for layer in placed):
        sentences.append(
            "* Paths of different strides lead to this layer: its outputs see more or fewer "
            "values, and the field is the largest number."
        )
    if not all(
        field.exact for layer in placed for fields in layer.fields for field in fields or ()
    ):
        sentences.append(
            "≤ The field is an upper bound: outputs see no more than this, maybe less."
        )
    if not report.totals.complete:
        unknown = sum(layer.output is None for layer in report.layers)
        what = f"{plural(unknown, 'layer')} unknown" if unknown else "some layers missing"
        so = "unknown" if report.unread else "lower bounds"
        sentences.append(f"Incomplete: {what} because of errors, so the totals are {so}.")
    sentences += [f"{note[:1].upper()}{note[1:]}." for note in report.notes]
    if report.counted is not None:
        from convcalc.formats.counts import missing_notes

        sentences += missing_notes(report.counted)
    return sentences
