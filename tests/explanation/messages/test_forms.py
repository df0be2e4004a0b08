"""Forms of messages: each is found in the words that it is written in, and nothing breaks one."""

from random import Random

from tabled import tabled

from convcalc.explanation.messages import diagnose
from convcalc.explanation.messages.clash import Clash, batch_of
from convcalc.explanation.messages.forms import FORMS, PLACE, Said, readings
from convcalc.graph import loads

NETWORK = loads("{input: 8x8x3, layers: [conv: {filters: 4, kernel: 3}, flatten, linear: 10]}")
SAMPLES = {
    "": "7",
    "shape": "[2, 3, 8, 8]",
    "shapes": "(None, 8, 8, 3), (None, 4, 4, 3)",
    "extents": "(kT: 2 kH: 2 kW: 2)",
    "named": "stride_height: 1 stride_width: 1",
    "blob": "10 144 (1440)",
    "word": "linear1.weight",
    "quoted": '"dense"',
    "bytes": "20.00 MiB",
}


def written(words: str, samples: dict[str, str]) -> str:
    """A message of a form, with something in every place."""
    parts = []
    for name, sort, dots, space, fixed in PLACE.findall(words):
        del name
        parts.append(fixed or ("anything" if dots else " " if space else samples[sort]))
    return "".join(parts)


def read(text: str) -> Said:
    """What the last message of a text says."""
    form, match, _ = next(readings(text))
    return form.read(match)


def test_a_form_is_found_in_its_own_words() -> None:
    huge = {**SAMPLES, "": "9" * 12, "shape": "[" + ", ".join(["9" * 12] * 6) + "]"}
    for form in FORMS:
        for samples in (SAMPLES, huge, {**SAMPLES, "": "0", "shape": "[0]"}):
            text = written(form.words, samples)
            for pasted in (f"Traceback\n  E  {text}\n", text.replace(" ", "\n  ")):
                read_of = {each.name: match for each, match, _ in readings(pasted)}
                assert form.name in read_of, text
        assert diagnose(NETWORK, written(form.words, huge)).form is not None


@tabled(
    ("text", "clash", "batch"),
    [
        (
            "mat1 and mat2 shapes cannot be multiplied (32x6400 and 9216x4096)",
            Clash("linear", got=6400, wanted=9216, filters=4096, rows=32),
            None,
        ),
        (
            (
                "Given groups=2, weight of size [8, 2, 3, 3], expected input[5, 6, 9, 7] to have 4 "
                "channels, but got 6 channels instead"
            ),
            Clash("convolution", got=6, wanted=4, input=(6, 9, 7), weight=(8, 2, 3, 3), groups=2),
            5,
        ),
        (
            "Given input size: (8x1x6). Calculated output size: (8x1x0). Output size is too small",
            Clash("pool", input=(8, 6), output=(0,)),
            None,
        ),
        ("expected 4D input (got 2D input)", Clash("axes", got=0, wanted=2), None),
        (
            "shape '[4, 400]' is invalid for input of size 2304",
            Clash("view", wanted=400, values=2304),
            4,
        ),
        (
            (
                "A `Concatenate` layer requires inputs with matching shapes except for the "
                "concatenation axis. Received: input_shape=[(None, 28, 26, 4), (7, 27, 25, 6)]"
            ),
            Clash("concat", branches=((4, 28, 26), (6, 27, 25))),
            7,
        ),
        (
            (
                "Negative dimension size caused by subtracting 3 from 2 for '{{node conv2d}} "
                "= Conv2D[T=DT_FLOAT](x, y)' with input shapes: [?,2,2,64], [3,3,64,128]."
            ),
            Clash("convolution", padded=(2, 2), kernel=(3, 3)),
            None,
        ),
        (
            (
                "Negative dimension size caused by subtracting 2 from 1 for '{{node pool/MaxPool}} "
                '= MaxPool[T=DT_FLOAT, data_format="NHWC", explicit_paddings=[], '
                'ksize=[1, 2, 2, 1], padding="VALID", strides=[1, 2, 2, 1]](Placeholder)\' with '
                "input shapes: [?,1,1,512]."
            ),
            Clash("pool", input=(512, 1, 1), kernel=(2, 2)),
            None,
        ),
        (
            (
                "Input channels C is not equal to kernel channels * group. C: 4 kernel channels: 3 "
                "group: 2"
            ),
            Clash("convolution", got=4, wanted=6, groups=2),
            None,
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_numbers_are_read_as_what_they_are(text: str, clash: Clash, batch: int | None) -> None:
    said = read(text)

    assert (said.clash, said.batch) == (clash, batch)


def test_the_batch_follows_from_what_is_counted_over_it() -> None:
    said = Clash("view", values=2304, wanted=400)

    assert batch_of(said, Clash("view", values=576, wanted=400), None) == 4
    assert batch_of(said, Clash("view", values=576, wanted=400), 8) is None
    assert batch_of(said, Clash("view", values=500, wanted=400), None) is None


def test_no_text_breaks_it() -> None:
    draw = Random(35)  # noqa: S311 (a test repeats)
    pieces = [form.words for form in FORMS] + ["[" * 500, "9" * 5000, "\x00\udcff", "(", "∞", "\n"]
    for _ in range(60):
        text = "".join(draw.choice(pieces)[: draw.randint(0, 300)] for _ in range(5))
        diagnose(NETWORK, text)
    assert diagnose(NETWORK, "").verdict == "unknown"
    assert diagnose(NETWORK, "shape '[" * 20_000).verdict == "unknown"
