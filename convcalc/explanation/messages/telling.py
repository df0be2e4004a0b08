"""A diagnosis as a page: what the message says, what comes of it, and what to write."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.arguments import text
from convcalc.explanation.messages.changes import Change
from convcalc.explanation.messages.clash import NAMED, Clash
from convcalc.explanation.messages.diagnosis import Diagnosis, Suspect, diagnose
from convcalc.explanation.messages.finder import Trial
from convcalc.explanation.messages.writing import in_code
from convcalc.explanation.page import Page, Part, Section
from convcalc.graph import Given, GivenShape, Network, SpecError, read
from convcalc.graph.changed import given_as
from convcalc.layers.sliding import layer_stride
from convcalc.numbers import grouped, plural, times, value_text
from convcalc.shape import Shape
from convcalc.spec.nodes import Value

SCHEMA = 1
MOST_NAMED = 8
"""Most layers that one entry names; JSON has all."""
MOST_CHANGES = 4
"""Most differences that one entry tells; JSON has all."""
MOST_SHOWN = 300
"""Most characters of a message that a title shows."""


class ExplainedError(NamedTuple):
    """What a framework's message leads to in a spec."""

    network: Network
    """The network that the program should be."""
    diagnosis: Diagnosis
    """What kind of answer there is, and the layers that the program may have otherwise."""

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Full names of these layers, the likeliest first; those of one entry look alike."""
        return tuple(suspect.layers for suspect in self.diagnosis.suspects)

    def __repr__(self) -> str:
        """What kind of answer it is, and the layers, in one line; `print` shows everything."""
        names = [name for layers in self.layers for name in layers]
        shown = f": {', '.join(names[:MOST_NAMED])}" if names else ""
        return f"<ExplainedError {self.network.name!r}: {self.diagnosis.verdict}{shown}>"

    def __str__(self) -> str:
        """The text that `convcalc explain --error` prints."""
        return str(page_of(*self)).removesuffix("\n")

    def to_markdown(self) -> str:
        """The same as Markdown."""
        return page_of(*self).to_markdown()

    def to_json(self) -> str:
        """The same as JSON; docs/explain.schema.json has it."""
        return page_of(*self).to_json()


def explain_error(
    spec: Given,
    message: str,
    *,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> ExplainedError:
    """Find where in a spec the numbers of a framework's message meet, or of a text that has one.

    The spec may have errors: they are an answer, too. Raises `SpecError` for one of which no layer
    can be read, `TypeError` for a message that is no text, and what `read` raises.

    >>> said = "mat1 and mat2 shapes cannot be multiplied (32x9216 and 4096x4096)"
    >>> explain_error("alexnet", said).layers
    (('linear1',),)
    """
    told = text(message, "message", "'mat1 and mat2 shapes cannot be multiplied (8x9 and 7x5)'")
    network = read(spec, input=input, parameters=parameters)
    if network.errors and not network.layers:
        raise SpecError(network.errors)
    return ExplainedError(network, diagnose(network, told))


def of_message(network: Network, layers: Sequence[int] = (), *, error: str) -> Page:
    """The page about a framework's message, or about a text that has one."""
    del layers
    return page_of(network, diagnose(network, error))


def page_of(network: Network, diagnosis: Diagnosis) -> Page:
    """The page that shows a diagnosis; out of memory, with where the peak of training is."""
    shown = diagnosis.message[:MOST_SHOWN]
    title = f"{network.name}: {shown}" if shown else f"{network.name}: no message that is known"
    data = _data(network, diagnosis)
    sections = [Section("", tuple(_summary(network, diagnosis)))]
    if diagnosis.verdict == "memory" and not network.errors:
        peak = _peak(network)
        sections += peak.sections
        data["memory"] = dict(peak.data)
    sections += [
        _entry(network, diagnosis, suspect, number)
        for number, suspect in enumerate(diagnosis.suspects, 1)
    ]
    return Page(
        title,
        tuple(sections),
        data,
        answered=diagnosis.verdict not in ("unsure", "unknown"),
    )


def _summary(network: Network, diagnosis: Diagnosis) -> Iterator[Part]:
    """What the message says, and what the answer is, in sentences."""
    said, form = diagnosis.said, diagnosis.form
    if said is None or form is None:
        yield (
            "The text has no message about sizes, weights or memory that is known here. Paste the "
            "last lines of the traceback, with the line that begins with RuntimeError or the like."
        )
        return
    if said.clash is not None:
        yield f"{form.framework} says: {says(said.clash, diagnosis.batch)}."
    verdict = diagnosis.verdict
    if verdict == "layers":
        count = sum(len(each.layers) for each in diagnosis.suspects)
        if network.errors:
            yield (
                f"The spec has {plural(len(network.errors), 'error')} of its own, which may be the "
                "same; what stands behind them is not compared."
            )
        yield (
            "The spec does not have this fault, so the code differs from it in one place. "
            + (
                "It is this layer:"
                if count == 1
                else f"One change to any of these {count} layers gives these numbers, the "
                "likeliest first:"
            )
        )
    elif verdict == "spec":
        yield from _own(network, diagnosis)
    elif verdict == "unsure":
        yield from _unsure(network, diagnosis)
    elif verdict == "memory":
        yield from _memory(network, diagnosis)
    elif verdict == "elsewhere":
        yield from _elsewhere(network, diagnosis)


def says(clash: Clash, batch: int | None) -> str:
    """The numbers of a clash in a sentence, without its end.

    >>> says(Clash("linear", got=6400, wanted=9216, filters=4096, rows=32), 32)
    'a linear layer gets 6,400 features and has weights for 9,216 (batch 32)'
    >>> says(Clash("convolution", got=1, wanted=3), None)
    'a convolution gets 1 channel and has weights for 3'
    """
    what = NAMED[clash.operation]
    of = f" (batch {batch})" if batch else ""
    noun = "feature" if clash.operation == "linear" else "channel"
    if clash.operation == "axes":
        axes = "" if clash.wanted is None else f", and is made for {clash.wanted}"
        got = "other spatial axes" if clash.got is None else plural(clash.got, "spatial axis")
        return f"{what} gets {got.replace('axiss', 'axes')}{axes}{of}"
    if clash.kernel is not None:
        into = clash.padded or (clash.input[1:] if clash.input else None)
        where = f" into {times(into)}" if into else ""
        return f"the kernel of {what}, which spans {times(clash.kernel)}, does not fit{where}{of}"
    if clash.output is not None:
        given = f" of {_shape(clash.input)}" if clash.input else ""
        return f"{what} would make {times(clash.output)}{given}: its map is too small{of}"
    if clash.sizes is not None or clash.branches is not None:
        if clash.branches is not None:
            return f"{what} gets {' and '.join(map(_shape, clash.branches))}{of}"
        one, other = clash.sizes or (0, 0)
        axis = "" if clash.axis is None else f" along {_axis(clash.axis)}"
        return f"{what} gets {grouped(one)} and {grouped(other)}{axis}{of}"
    if clash.operation == "view" and clash.values is not None:
        wanted = "" if clash.wanted is None else f" into rows of {grouped(clash.wanted)}"
        return f"{what} puts {grouped(clash.values)} values{wanted}{of}"
    if clash.operation == "layernorm" and clash.weight is not None:
        given = f" gets {_shape(clash.input)} and" if clash.input else ""
        return f"{what}{given} is over {times(clash.weight)} (channels first){of}"
    if clash.groups is not None and clash.wanted is None:
        number = clash.got if clash.got is not None else (clash.input or (0,))[0]
        return f"{grouped(clash.groups)} groups do not divide {plural(number, 'channel')}{of}"
    if clash.got is not None and clash.wanted is not None:
        numbers = f"{plural(clash.got, noun)} and has weights for {grouped(clash.wanted)}"
        return f"{what} gets {numbers}{of}"
    given = f" {_shape(clash.input)}" if clash.input else " what comes in"
    return f"{what} does not take{given}{of}"


def _shape(axes: Sequence[int] | None) -> str:
    return "?" if not axes else str(Shape.from_axes(tuple(axes)))


def _axis(axis: int) -> str:
    return "the channels" if axis == 0 else f"spatial axis {axis}"


def _own(network: Network, diagnosis: Diagnosis) -> Iterator[Part]:
    """The spec's own fault, where its numbers are those of the message."""
    for index in diagnosis.spec:
        name = _named(network, index)
        problems = [each for each in network.errors if each.layer == network.nodes[index].name]
        yield f"The spec and the code have the same fault: these numbers meet at {name}."
        for problem in problems:
            yield f"{problem.code}: {problem.message}" + (
                f"; {problem.help}." if problem.help else "."
            )


def _unsure(network: Network, diagnosis: Diagnosis) -> Iterator[Part]:
    """Why there is no list."""
    if diagnosis.whole:
        yield (
            "It cannot be told from this which layer it is: no single change of the spec's "
            "layers or input gives these numbers, or too many do."
        )
    else:
        yield "It cannot be told from this which layer it is within the work that is allowed."
    yield (
        f"Compare what your code's layers put out, one after the other, with `convcalc analyze "
        f"{network.path}`: the first that differs is the one."
    )


def _memory(network: Network, diagnosis: Diagnosis) -> Iterator[Part]:
    numbers = diagnosis.said.numbers if diagnosis.said else {}
    asked, capacity = numbers.get("asked"), numbers.get("capacity")
    yield (
        "No layer is at fault: there is not enough memory"
        + (f" for another {asked}" if asked else "")
        + (f" beside what is in the {capacity} already" if capacity else "")
        + "."
    )
    fitting = _fitting(network, capacity)
    if fitting:
        yield fitting
    limit = (capacity or "12GiB").replace(" ", "")
    yield (
        f"`convcalc memory {network.path} --training --batch N --limit {limit}` says what your "
        f"batch and optimizer take and which batch fits, `convcalc explain {network.path} --memory "
        "--training --batch N` what lowers it."
        + (
            ""
            if network.errors
            else " Below is the peak of a training step of one example, by SGD."
        )
    )


def _fitting(network: Network, capacity: str | None) -> str:
    """The largest batch that a capacity has room for; "" where that is not known."""
    from convcalc.analysis.memory import Questions, RunTerms, answer, read_limit

    if capacity is None or network.errors:
        return ""
    try:
        limit = read_limit(capacity.replace(" ", ""))
        (fit,) = answer(network, RunTerms(training=True), 1, Questions((limit,))).fits
    except ValueError:
        return ""
    most = "no batch" if not fit.training else f"a batch of {grouped(fit.training)}"
    return f"By this spec {capacity} hold {most} in training by SGD, nothing else being there."


def _peak(network: Network) -> Page:
    """Where the peak of training one example is; of as many as its layers need."""
    from convcalc.analysis.memory import RunTerms, model
    from convcalc.explanation.peak import explain_peak, page

    terms = RunTerms(training=True)
    return page(explain_peak(network, terms, model(network, terms).fewest))


def _elsewhere(network: Network, diagnosis: Diagnosis) -> Iterator[Part]:
    said = diagnosis.said
    if said is None:
        return
    image, several = network.shown_input, len(network.inputs) > 1
    what = "inputs are" if several else "input is"
    if said.numbers.get("shape"):
        yield (
            f"The model is fed {_shape(said.numbers['shape'])}, and the spec's {what} {image}. "
            f"`convcalc analyze {network.path} --input {'NAME=' if several else ''}SHAPE` shows "
            "what another size leads to."
        )
    elif "image" in said.numbers:
        axis, got, wanted = said.numbers["image"]
        yield (
            f"The model is fed {got} where it is made for {wanted}, on axis {axis}, 0 being the "
            f"batch. The spec's {what} {image}."
        )
    elif said.about == "statistics":
        yield from _statistics(network, said.numbers)
    elif said.answer:
        yield said.answer


def _statistics(network: Network, numbers: Mapping[str, Any]) -> Iterator[Part]:
    """Normalizations that get one value a channel, which a batch of one example has."""
    axes = numbers.get("input")
    names = [
        node.name
        for node in network.nodes
        if node.kind == "batchnorm"
        and (x := network.shape_of(node.inputs[0])) is not None
        and x.axes == axes
    ]
    at = f" at {', '.join(names[:MOST_NAMED])}" if names else ""
    yield (
        f"A batch normalization gets one value for each channel{at}, from which there is no "
        "variance: a batch of 1 meets a map of one position. Train with batches of 2 or more "
        "(`drop_last=True` for the last one), or call `model.eval()` where it is no training."
    )


def _named(network: Network, index: int) -> str:
    """A layer with its line."""
    line = network.lines[index]
    return network.nodes[index].name + (f" (line {line})" if line is not None else "")


def _entry(network: Network, diagnosis: Diagnosis, suspect: Suspect, number: int) -> Section:
    names = [_named(network, index) for index in suspect.indices]
    more = len(names) - MOST_NAMED
    shown = " or ".join(names[:MOST_NAMED]) + (f" or {more} more" if more > 0 else "")
    parts: list[Part] = []
    framework = diagnosis.form.framework if diagnosis.form else ""
    first = suspect.trials[0]
    parts.append(f"{difference(network, first)}: {consequence(network, first)}.")
    others = [*_others(network, suspect.trials)]
    if others:
        parts.append(f"As well possible: {'; '.join(others)}.")
    parts.append(f"Write {to_write(network, suspect.trials[0], framework)}.")
    return Section(f"{number}. {shown}", tuple(parts))


def _others(network: Network, trials: Sequence[Trial]) -> Iterator[str]:
    """What else a layer may have otherwise, the values of one field together."""
    first, *rest = trials
    values: dict[str, list[str]] = {}
    told = {difference(network, first)}
    for trial in rest:
        change = trial.change
        sentence = difference(network, trial)
        if sentence in told:
            continue
        told.add(sentence)
        if change.sort == "field":
            field, value = change.field, value_text(change.value)
        elif change.sort == "input":
            field, value = f"{network.an_input} of", str(change.value)
        else:
            field, value = sentence[0].lower() + sentence[1:], ""
        values.setdefault(field, []).append(value)
    for field, listed in [*values.items()][:MOST_CHANGES]:
        shown = [value for value in listed if value][:MOST_CHANGES]
        more = " …" if len(listed) > len(shown) and shown else ""
        yield (
            f"{field} {', '.join(shown[:-1])}{' or ' if shown[1:] else ''}{shown[-1]}{more}"
            if shown
            else field
        )


def difference(network: Network, trial: Trial) -> str:
    """What a program has otherwise, as the beginning of a sentence."""
    change, node = trial.change, network.nodes[trial.layer]
    layer: Any = node.layer
    if change.sort == "takes":
        if change.value is None:
            return "Its channels are not divided by its groups"
        inputs = [network.shape_of(read) for read in node.inputs]
        given = inputs[0].channels if inputs and inputs[0] else 0
        if node.kind == "flatten" and inputs and inputs[0]:
            given = inputs[0].size
        return f"It is made for {grouped(change.value)} and gets {grouped(given)}, as in the spec"
    if change.sort == "field":
        present = _present(layer, change)
        instead = f" instead of {present}" if present else ""
        value = "another" if change.value is None else value_text(change.value)
        return f"It has {change.field} {value}{instead}"
    if change.sort == "missing":
        if change.value is not None:
            return (
                f"Branch {int(change.value) + 1} is left out"
                if change.field
                else (f"Only branch {int(change.value) + 1} goes on")
            )
        return "It is left out"
    if change.sort == "reads":
        read = _named(network, change.value)
        shape = network.shape_of(change.value)
        place = f"branch {int(change.field) + 1} of it" if len(node.inputs) > 1 else "it"
        return f"{place.capitalize()} reads {read}, {shape}"
    if change.sort == "merges":
        return f"It is `{change.field}` instead of `{node.kind}`"
    if change.sort == "batch":
        return "The input has no batch"
    if change.sort == "input":
        name = f" {network.nodes[network.inputs[0]].name}" if len(network.inputs) > 1 else ""
        return f"The input{name} is {change.value} instead of {network.input}"
    if change.sort == "twice":
        return "It is called twice"
    if change.sort == "weights":
        weight = times(trial.clash.weight or ())
        return f"Its weight is {times(change.value)} in the {change.field} and {weight} in the spec"
    return f"There is another `{change.field}` before it"


def _present(layer: Any, change: Change) -> str:
    value = layer_stride(layer) if change.field == "stride" else getattr(layer, change.field, None)
    return "" if value is None else value_text(value)


def consequence(network: Network, trial: Trial) -> str:
    """What comes of a change, to where the program stops."""
    stops = network.nodes[trial.stops].name
    own = trial.stops == trial.layer
    made = ""
    if trial.makes is not None and not own and trial.change.sort != "input":
        shape = network.shape_of(trial.layer)
        made = f"it makes {trial.makes}" + (f" instead of {shape}" if shape else "") + ", and "
    if trial.change.sort == "weights":
        other = "file" if trial.change.field == "model" else "model"
        return f"the {other} has it as the spec does"
    if trial.change.sort == "batch":
        return f"the channels stand where the batch should be, and {_meets(stops, trial.clash)}"
    return f"{made}{_meets('it' if own else stops, trial.clash)}"


def _meets(name: str, clash: Clash) -> str:
    """What does not meet at a layer."""
    if clash.operation == "axes":
        axes = "axis" if clash.got == 1 else "axes"
        return f"{name} gets {clash.got} spatial {axes} and is made for {clash.wanted}"
    if clash.kernel is not None and clash.padded is not None:
        kernel, padded = times(clash.kernel), times(clash.padded)
        return f"the kernel of {name}, {kernel}, does not fit into {padded}"
    if clash.branches is not None:
        return f"{name} gets {' and '.join(map(_shape, clash.branches))}"
    if clash.operation == "view":
        return f"{name} gets {grouped(clash.values or 0)} values for {grouped(clash.wanted or 0)}"
    if clash.got is not None and clash.wanted is not None:
        noun = "feature" if clash.operation == "linear" else "channel"
        got = plural(clash.got, noun)
        return f"{name} gets {got} and has weights for {grouped(clash.wanted)}"
    if clash.groups is not None:
        return f"{name} gets {plural(clash.got or 0, 'channel')} for {grouped(clash.groups)} groups"
    if clash.output is not None:
        return f"{name} would make {times(clash.output)}"
    return f"{name} does not take {_shape(clash.input)}"


def to_write(network: Network, trial: Trial, framework: str) -> str:
    """What to write where the program differs."""
    change, node = trial.change, network.nodes[trial.layer]
    if change.sort == "weights" and change.field == "file":
        return "or load a file of this network: the model is as the spec has it"
    if change.sort == "batch":
        return "`x.unsqueeze(0)`, which makes a batch of one example"
    if change.sort == "input":
        image: Any = network.input
        if image is not None and change.value.spatial == (*image.spatial[1:], image.channels):
            return "`x.permute(0, 3, 1, 2)`: the channels stand last and should stand first"
        if image is not None and change.value.channels != image.channels:
            return (
                f"images of {plural(image.channels, 'channel')}, or another number of channels "
                "into `input` and the first layer"
            )
        return (
            f"{network.an_input} of {image}, or see what yours leads to by `convcalc analyze "
            f"{network.path} {given_as(network, change.value)}`"
        )
    if change.sort == "reads":
        own = node.inputs[int(change.field)]
        return f"what {_named(network, own)} makes, as the spec reads it"
    if change.sort == "twice":
        return "one call of it"
    if change.sort == "before":
        return f"it without the `{change.field}` before it"
    if change.sort == "merges":
        return f"`{node.kind}` of the branches"
    return f"`{in_code(network, trial.layer, framework)}`"


def _data(network: Network, diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as plain values."""
    said, form = diagnosis.said, diagnosis.form
    clash = said.clash if said else None
    framework = form.framework if form else ""
    return {
        "schema": SCHEMA,
        "mode": "error",
        "name": network.name,
        "spec": network.path,
        "verdict": diagnosis.verdict,
        "message": diagnosis.message[:MOST_SHOWN] or None,
        "form": form.name if form else None,
        "framework": framework or None,
        "says": None
        if clash is None
        else {name: value for name, value in clash._asdict().items() if value is not None},
        "batch": diagnosis.batch or None,
        "complete": diagnosis.whole,
        "spec_layers": [network.nodes[index].name for index in diagnosis.spec],
        "candidates": [
            {
                "layers": [
                    {"name": network.nodes[index].name, "line": network.lines[index]}
                    for index in suspect.indices
                ],
                "changes": [
                    {
                        "sort": trial.change.sort,
                        "field": trial.change.field or None,
                        "value": _plain(network, trial.change),
                        "makes": None if trial.makes is None else str(trial.makes),
                        "stops": network.nodes[trial.stops].name,
                        "text": f"{difference(network, trial)}: {consequence(network, trial)}",
                        "write": to_write(network, trial, framework),
                    }
                    for trial in suspect.trials
                ],
            }
            for suspect in diagnosis.suspects
        ],
    }


def _plain(network: Network, change: Change) -> Any:
    """The value of a change as JSON has it."""
    if change.sort == "reads":
        return network.nodes[change.value].name
    return str(change.value) if isinstance(change.value, Shape) else change.value
