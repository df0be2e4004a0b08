"""Names and words from other worlds: kinds, fields, values."""

from slips.slip import Slip

SLIPS = [
    Slip("pytorch", "Conv2d: {filters: 8, kernel: 3}", "CC113", "conv: {filters: 8, kernel: 3}"),
    Slip(
        "pytorch",
        "conv: {out_channels: 16, kernel_size: 3}",
        "CC109",
        "conv: {filters: 16, kernel: 3}",
    ),
    Slip(
        "keras",
        "conv: {filters: 16, kernel: 3, activation: relu}",
        "CC109",
        help="layer of its own: `- relu`",
        then="- conv: {filters: 16, kernel: 3}\n- relu",
    ),
    Slip("keras", "dense: 10", "CC113", "linear: 10", input="64"),
]
