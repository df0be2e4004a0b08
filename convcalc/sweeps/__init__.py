"""Every design of a space worked out, and the ones worth having.

The spec is read once (`subject`), `--vary` becomes axes (`axes`, `values`) and these a space whose
designs are numbered (`space`). An evaluator gives measures (`measures`) of stretches of them as
arrays (`chunk`): `plain` does so one by one and is what every other one is held against.
"""
