"""Which values k-max pooling takes where some are equal."""

import numpy as np

import convcalc


def test_of_equal_values_the_first_are_taken() -> None:
    network = convcalc.loads("{input: 5x1, layers: [kmaxpool: 3]}")
    # By hand, after ONNX's TopK, whose lower index comes first: of 0, 7, 0, 5, 0 the first 0 stays.
    x = np.array([[[0, 7, 0, 5, 0]]], np.float32)
    for reference in (True, False):
        (y,) = convcalc.run(network, x, reference=reference).values()
        assert y.tolist() == [[[0, 7, 5]]]
