"""What is said above and below the table."""

from convcalc.analysis.report import Report
from convcalc.formats.diagnostics import printable
from convcalc.formats.numbers import both_bytes, grouped, plural, scaled


def title(report: Report) -> str:
    """The network, from its input to its output."""
    shapes = f"{report.input or '?'} → {report.output or '?'}"
    examples = plural(report.batch, "example") if report.batch > 1 else "one example"
    return f"{printable(report.name)}: {shapes} ({examples}, {report.dtype})"


def summary(report: Report) -> list[tuple[str, str, str]]:
    """Totals as (what, count, in other units)."""
    totals = report.totals
    least = "" if totals.complete else "at least "
    lines = [
        ("Parameters", least + grouped(totals.parameters), both_bytes(totals.parameter_bytes)),
    ]
    if totals.buffers:
        lines.append(("Buffers", least + grouped(totals.buffers), both_bytes(totals.buffer_bytes)))
    lines.append(
        (
            "MACs",
            least + grouped(totals.macs),
            f"{_counted(totals.macs, 'MACs')}, {_counted(totals.flops, 'FLOPs')}",
        )
    )
    lines.append(
        ("Activations", least + grouped(totals.activations), both_bytes(totals.activation_bytes))
    )
    return lines


def _counted(value: int, unit: str) -> str:
    """15.47 GMACs, but 0 MACs."""
    number = scaled(value)
    return f"{number}{unit}" if number[-1].isalpha() else f"{number} {unit}"


def incomplete(report: Report) -> str | None:
    """What is to be said of totals that errors keep incomplete."""
    if report.totals.complete:
        return None
    unknown = sum(layer.output is None for layer in report.layers)
    what = f"{plural(unknown, 'layer')} unknown" if unknown else "some layers missing"
    return f"Incomplete: {what} because of errors, so the totals are lower bounds."
