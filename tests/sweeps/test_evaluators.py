"""How many designs there are makes no difference to what is said of one."""

import pytest

from convcalc.sweeps.evaluators import FEW
from convcalc.sweeps.job import Job
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import read_space
from convcalc.sweeps.subject import Subject


@pytest.mark.parametrize("name", ["vgg16", "mobilenet_v2", "googlenet"])
def test_one_design_alone_is_what_it_is_among_many(name: str) -> None:
    subject = Subject(name)
    sizes = [f"{224 + 32 * number}" for number in range(FEW + 1)]
    few, many = (
        Job(subject, read_space(subject, [("input", ",".join(each))]), columns="memory,layers")
        for each in (sizes[:1], sizes)
    )
    assert isinstance(few.evaluator, PlainEvaluator)
    assert not isinstance(many.evaluator, PlainEvaluator)
    few.with_rows = many.with_rows = True
    alone, among = few.run(0, 1).rows, many.run(0, len(sizes)).rows

    assert alone is not None
    assert among is not None
    assert alone.digest.tolist() == among.digest[:1].tolist()
    for column, values in alone.columns.items():
        assert values.tolist() == among.columns[column][:1].tolist()
