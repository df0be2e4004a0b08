"""Designs worked out all at once: every piece of a network once, and gathered by index.

`names` has what the names at the top are in each design. Items of `layers` are pieces (`pieces`),
and what a piece becomes hangs on the answers to questions (`watched`), by codes of axes (`radix`).
What it adds hangs on what comes in, too (`worked`), and is numbered and put into tables
(`results`, `tables`). Receptive fields (`fields`) and peaks (`peaks`) compose along a chain. A
stretch of designs is gathered from these by index (`gathered`), which `evaluator` does for all of
them.
"""
