"""Every design of a space worked out, and the ones worth having.

What is asked. The spec is read once (`subject`), `--vary` becomes axes (`values`, `axes`) and
these a space whose designs are numbered (`space`). Names mean measures, axes and parameters
(`measures`, `names`), conditions are asked from cheap to dear (`where`), over arrays of designs
(`arrays`).

What is worked out. An evaluator (`evaluators`) gives measures of a stretch of designs as arrays
(`chunk`): `plain` one by one, `engine` by pieces, and the former is what the latter is held
against. Networks are told apart by digests (`digest`).

What comes of it. A stretch becomes the best, the front and the reasons of invalid designs (`job`,
`kept`, `front`), executors give these in order (`executors`), and `report` merges them. `run` does
so to the end while rows grow in files (`row_file`) and what is done is kept to go on from
(`state`).

Who asks. `library` is `convcalc.sweep`, `review` what is wrong with the `sweep` of a spec,
`wording` what each of these calls things. `fit` asks for one value on one axis, and `fit_page`
shows it.
"""
