"""Texts that are not YAML, or other YAML than was meant, and expressions."""

from slips.slip import Slip

HEAD = "input: 32x32x8\nlayers:\n"
"""What most whole specs begin with."""
CONV = "- conv: {filters: 8, kernel: 3}"
"""What is meant by many."""

BLANKS_COLONS_COMMAS = [
    Slip("yaml", "conv: {filters: 8, kernel 3}", "CC109", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: {filters:8, kernel:3}", "CC109", "conv: {filters: 8, kernel: 3}"),
    Slip("pytorch", "conv: {filters=8, kernel=3}", "CC109", "conv: {filters: 8, kernel: 3}"),
    Slip("pytorch", "conv: {filters = 8, kernel = 3}", "CC109", "conv: {filters: 8, kernel: 3}"),
    Slip("pytorch", "conv: filters=8, kernel=3", "CC110", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: filters=8, kernel=3}", "CC110", "conv: {filters: 8, kernel: 3}"),
    Slip("pytorch", "maxpool: kernel=2", "CC110", "maxpool: {kernel: 2}"),
    Slip("caffe", "conv: filters:8 kernel:3", "CC110", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: {filters: 8 kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip(
        "yaml", "conv: {filters: 8, kernel: [3, 3]]", "CC105", "conv: {filters: 8, kernel: [3, 3]}"
    ),
    Slip("caffe", "conv: {filters: 8; kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: {filters: 8,, kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: {, filters: 8, kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv:{filters: 8, kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv {filters: 8, kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "maxpool {kernel: 2}", "CC113", "maxpool: {kernel: 2}"),
    Slip("yaml", "maxpool:2", "CC113", "maxpool: 2"),
    Slip("yaml", "maxpool 2", "CC113", "maxpool: 2"),
    Slip("pytorch", "maxpool = 2", "CC113", "maxpool: 2"),
    Slip("yaml", "conv: filters: 8, kernel: 3", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: filters: 8, kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("keras", "conv: (filters: 8, kernel: 3)", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv, filters: 8, kernel: 3", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv filters: 8 kernel: 3", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "maxpool: 2 stride: 2", "CC105", "maxpool: {kernel: 2, stride: 2}"),
    Slip("yaml", "maxpool: 2, stride: 2", "CC105", "maxpool: {kernel: 2, stride: 2}"),
    Slip("yaml", "- relu:\n- maxpool: kernel: 2", "CC105", "- relu:\n- maxpool: {kernel: 2}"),
    Slip(
        "yaml",
        "- conv: filters: 8\n        kernel: 3",
        "CC105",
        "- conv:\n        filters: 8\n        kernel: 3",
    ),
    Slip(
        "yaml",
        "- conv\n    filters: 8\n    kernel: 3",
        "CC105",
        "- conv:\n    filters: 8\n    kernel: 3",
    ),
    Slip(
        "yaml",
        "- conv\n    filters 8\n    kernel: 3",
        "CC105",
        "- conv:\n    filters: 8\n    kernel: 3",
    ),
    Slip(
        "yaml",
        "- conv:\n      filters: 8\n      kernel 3\n      padding: 1",
        "CC105",
        "- conv:\n      filters: 8\n      kernel: 3\n      padding: 1",
    ),
    Slip("yaml", "- relu\n  name: a", "CC105", "- relu:\n  name: a"),
    Slip("yaml", "- name: a\n  relu", "CC105", "- name: a\n  relu:"),
    Slip("yaml", "- from: input\n  sigmoid", "CC105", "- from: input\n  sigmoid:"),
    Slip(
        "pytorch",
        "maxpool: {kernel: (3, 3), stride: 2, padding: 1, rounding: floor}",
        "CC110",
        "maxpool: {kernel: 3x3, stride: 2, padding: 1, rounding: floor}",
    ),
    Slip(
        "keras",
        "conv: {filters: 8, kernel: ( 3,5 ), padding: same}",
        "CC110",
        "conv: {filters: 8, kernel: 3x5, padding: same}",
    ),
    Slip(
        "yaml", "input:32x32x8\nlayers:\n  - relu\n", "CC105", "input: 32x32x8\nlayers:\n  - relu\n"
    ),
    Slip(
        "yaml", "input: 32x32x8\nlayers\n  - relu\n", "CC105", "input: 32x32x8\nlayers:\n  - relu\n"
    ),
    Slip("yaml", "input: 32x32x8\nlayers:[relu]\n", "CC105", "input: 32x32x8\nlayers: [relu]\n"),
    Slip(
        "pytorch", "input: 32x32x8\nlayers = [relu]\n", "CC105", "input: 32x32x8\nlayers: [relu]\n"
    ),
    Slip("pytorch", "input = 32x32x8\nlayers:\n  - relu\n", "CC105", HEAD + "  - relu\n"),
    Slip("pytorch", "input = 32x32x8\nlayers =\n  - relu\n", "CC107", HEAD + "  - relu\n"),
    Slip("yaml", "input: 32x32x8 layers: [relu]\n", "CC105", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("caffe", "input: 32x32x8; layers: [relu]\n", "CC105", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("keras", "input: 32x32x8, layers: [relu]\n", "CC105", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("keras", "input: 32x32x8,\nlayers: [relu]\n", "CC110", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("caffe", "input: 32x32x8;\nlayers: [relu]\n", "CC110", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("keras", "maxpool: 2,", "CC110", "maxpool: 2"),
    Slip("keras", "- relu,\n- tanh", "CC113", "- relu\n- tanh"),
    Slip("caffe", "- relu;\n- tanh;", "CC113", "- relu\n- tanh"),
    Slip("pytorch", "relu()", "CC113", "relu"),
    Slip(
        "keras",
        "conv: {filters: 8,\nkernel: 3\nbias: false}",
        "CC105",
        "conv: {filters: 8,\nkernel: 3,\nbias: false}",
    ),
]
"""A blank, colon or comma too few, or a sign in its place."""

DASHES = [
    Slip("yaml", HEAD + "  -relu\n", "CC107", HEAD + "  - relu\n"),
    Slip("yaml", HEAD + "  -relu\n  -tanh\n", "CC107", HEAD + "  - relu\n  - tanh\n"),
    Slip(
        "yaml",
        HEAD + "  - relu\n  -tanh\n  - relu\n",
        "CC105",
        HEAD + "  - relu\n  - tanh\n  - relu\n",
    ),
    Slip(
        "yaml",
        HEAD + "  - relu\n  -conv: {filters: 8, kernel: 3}\n",
        "CC105",
        HEAD + f"  - relu\n  {CONV}\n",
    ),
    Slip("yaml", HEAD + "  -conv: {filters: 8, kernel: 3}\n", "CC107", HEAD + f"  {CONV}\n"),
    Slip("yaml", HEAD + "  - relu\n  tanh\n", "CC105", HEAD + "  - relu\n  - tanh\n"),
    Slip(
        "yaml",
        HEAD + "  - relu\n  conv: {filters: 8, kernel: 3}\n",
        "CC105",
        HEAD + f"  - relu\n  {CONV}\n",
    ),
    Slip("yaml", HEAD + "  conv: {filters: 8, kernel: 3}\n", "CC107", HEAD + f"  {CONV}\n"),
    Slip(
        "yaml",
        HEAD + "  conv: {filters: 8, kernel: 3}\n  relu:\n",
        "CC107",
        HEAD + f"  {CONV}\n  - relu:\n",
    ),
    Slip("yaml", HEAD + "  * relu\n  * tanh\n", "CC105", HEAD + "  - relu\n  - tanh\n"),
    Slip("yaml", HEAD + "  • relu\n", "CC107", HEAD + "  - relu\n"),
    Slip("yaml", HEAD + "  – relu\n  – tanh\n", "CC107", HEAD + "  - relu\n  - tanh\n"),
    Slip("yaml", HEAD + "  1. relu\n  2. tanh\n", "CC107", HEAD + "  - relu\n  - tanh\n"),
    Slip("yaml", "input: 32x32x8\nlayers: relu\n", "CC107", "input: 32x32x8\nlayers: [relu]\n"),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: relu, tanh\n",
        "CC107",
        "input: 32x32x8\nlayers: [relu, tanh]\n",
    ),
    Slip(
        "pytorch",
        "input: 32x32x8\nlayers: (relu, tanh)\n",
        "CC107",
        "input: 32x32x8\nlayers: [relu, tanh]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: {relu, tanh}\n",
        "CC107",
        "input: 32x32x8\nlayers: [relu, tanh]\n",
    ),
    Slip("yaml", "input: 32x32x8\nlayers: - relu\n", "CC105", HEAD + "  - relu\n"),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: - relu\n        - tanh\n",
        "CC105",
        HEAD + "        - relu\n        - tanh\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu tanh]\n",
        "CC113",
        "input: 32x32x8\nlayers: [relu, tanh]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu maxpool: 2]\n",
        "CC113",
        "input: 32x32x8\nlayers: [relu, maxpool: 2]\n",
    ),
    Slip(
        "yaml",
        "- relu - tanh",
        "CC113",
        help="indent the items of a list alike",
        then="- relu\n- tanh",
    ),
    Slip(
        "yaml",
        HEAD + "  - relu\n   - tanh\n",
        "CC113",
        help="indent the items of a list alike",
        then=HEAD + "  - relu\n  - tanh\n",
    ),
    Slip(
        "yaml",
        HEAD + "  - relu\n - tanh\n",
        "CC105",
        help="indent it by 2",
        then=HEAD + "  - relu\n  - tanh\n",
    ),
]
"""Dashes that are missing, have no blank, or are something else."""

INDENTATION = [
    Slip("yaml", " input: 32x32x8\nlayers:\n  - relu\n", "CC105", HEAD + "  - relu\n"),
    Slip(
        "yaml",
        "input: 32x32x8\n layers:\n  - relu\n",
        "CC105",
        help="at the start of its line",
        then=HEAD + "  - relu\n",
    ),
    Slip(
        "yaml",
        "- conv:\n      filters: 8\n     kernel: 3",
        "CC105",
        help="indent it by 8",
        then="- conv:\n      filters: 8\n      kernel: 3",
    ),
    Slip(
        "yaml",
        "- conv:\n    filters: 8\n      kernel: 3",
        "CC105",
        help="indent it by 6",
        then="- conv:\n    filters: 8\n    kernel: 3",
    ),
    Slip(
        "yaml",
        "- maxpool: 2\n   name: a",
        "CC105",
        help="indent it by 4",
        then="- maxpool: 2\n  name: a",
    ),
    Slip(
        "yaml",
        "- maxpool: 2\n name: a",
        "CC105",
        help="indent it by 4",
        then="- maxpool: 2\n  name: a",
    ),
    Slip(
        "yaml",
        "- maxpool: 2\n    name: a",
        "CC105",
        help="indent it by 4",
        then="- maxpool: 2\n  name: a",
    ),
    Slip(
        "yaml",
        "- conv:\n  filters: 8\n  kernel: 3",
        "CC109",
        help="indent it under `conv:`",
        then="- conv:\n    filters: 8\n    kernel: 3",
    ),
    Slip("yaml", HEAD + "\t- relu\n", "CC105", help="indent with spaces", then=HEAD + "  - relu\n"),
    Slip(
        "yaml",
        HEAD + "  - conv:\n\t\tfilters: 8\n\t\tkernel: 3\n",
        "CC105",
        help="indent with spaces",
        then=HEAD + "  - conv:\n      filters: 8\n      kernel: 3\n",
    ),
    Slip("yaml", HEAD + "  -\trelu\n", "CC105", HEAD + "  - relu\n"),
    Slip("yaml", HEAD + "  - relu\n  -tanh\n", "CC105", HEAD + "  - relu\n  - tanh\n"),
    Slip(
        "yaml",
        HEAD + "  - {relu: , name: a1}\n  - {from: a{1}, tanh: }\n  - {from: a{1}, relu: }\n",
        "CC105",
        HEAD + '  - {relu: , name: a1}\n  - {from: "a{1}", tanh: }\n  - {from: "a{1}", relu: }\n',
    ),
    Slip("yaml", HEAD + "    relu\n    tanh\n", "CC107", HEAD + "    - relu\n    - tanh\n"),
    Slip(
        "yaml",
        HEAD + "  - {relu: }\n expect: {output: 32x32x8}\n",
        "CC105",
        HEAD + "  - {relu: }\nexpect: {output: 32x32x8}\n",
    ),
]
"""Lines that are indented otherwise than is meant, or with tabs."""

BRACKETS = [
    Slip("yaml", "conv: {filters: 8, kernel: 3", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "- conv: {filters: 8, kernel: 3\n- relu", "CC105", f"{CONV}\n- relu"),
    Slip("yaml", "conv: {filters: 8, kernel: 3]", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip(
        "yaml",
        "conv: {filters: 8, kernel: [3, 3], stride: 1]",
        "CC105",
        "conv: {filters: 8, kernel: [3, 3], stride: 1}",
    ),
    Slip("yaml", "conv: {filters: 8, kernel: 3}}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: {filters: 8, kernel: 3,}}", "CC105", "conv: {filters: 8, kernel: 3,}"),
    Slip("yaml", "input: 32x32x8\nlayers: [relu]]\n", "CC105", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("yaml", "input: 32x32x8\nlayers: [relu}\n", "CC105", "input: 32x32x8\nlayers: [relu]\n"),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu\nname: x\n",
        "CC105",
        "input: 32x32x8\nlayers: [relu]\nname: x\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [maxpool: {kernel: 2]\n",
        "CC105",
        "input: 32x32x8\nlayers: [maxpool: {kernel: 2}]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [maxpool: {kernel: 2}\n",
        "CC105",
        "input: 32x32x8\nlayers: [maxpool: {kernel: 2}]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nexpect: {output: 32x32x8\n",
        "CC105",
        "input: 32x32x8\nlayers: [relu]\nexpect: {output: 32x32x8}\n",
    ),
    Slip(
        "keras",
        '{"input": "32x32x8" "layers": ["relu"]}\n',
        "CC105",
        '{"input": "32x32x8", "layers": ["relu"]}\n',
    ),
    Slip(
        "keras",
        '{"input": "32x32x8"\n "layers": ["relu"]}\n',
        "CC105",
        '{"input": "32x32x8",\n "layers": ["relu"]}\n',
    ),
    Slip(
        "keras",
        '{"input": "32x32x8", "layers": ["relu"]\n',
        "CC105",
        '{"input": "32x32x8", "layers": ["relu"]}\n',
    ),
]
"""Brackets and braces that are open, too many or of the other sort."""

QUOTES = [
    Slip(
        "yaml", 'input: "32x32x8\nlayers: [relu]\n', "CC105", 'input: "32x32x8"\nlayers: [relu]\n'
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: ['relu, tanh]\n",
        "CC105",
        "input: 32x32x8\nlayers: ['relu', tanh]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nname: 'it's'\n",
        "CC105",
        'input: 32x32x8\nlayers: [relu]\nname: "it\'s"\n',
    ),
    Slip(
        "yaml",
        'input: 32x32x8\nlayers: [relu]\nname: "net" v2\n',
        "CC105",
        "input: 32x32x8\nlayers: [relu]\nname: '\"net\" v2'\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nname: Net: small\n",
        "CC105",
        'input: 32x32x8\nlayers: [relu]\nname: "Net: small"\n',
    ),
    Slip(
        "yaml",
        'input: 32x32x8\nlayers: [relu]\nname: "a\\d"\n',
        "CC105",
        "input: 32x32x8\nlayers: [relu]\nname: 'a\\d'\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nname: @net\n",
        "CC105",
        "input: 32x32x8\nlayers: [relu]\nname: '@net'\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nname: %net\n",
        "CC105",
        "input: 32x32x8\nlayers: [relu]\nname: '%net'\n",
    ),
    Slip("yaml", "`relu`", "CC105", "relu"),
    Slip("yaml", "@relu", "CC105", "relu"),
    Slip("yaml", "%relu", "CC105", "relu"),
    Slip("yaml", "'maxpool: 2'", "CC113", "maxpool: 2"),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nexpect: {parameters: >= 0}\n",
        "CC105",
        "input: 32x32x8\nlayers: [relu]\nexpect: {parameters: '>= 0'}\n",
    ),
    Slip("yaml", "maxpool: {kernel: “2”}", "CC110", "maxpool: {kernel: 2}"),
    Slip("yaml", "maxpool: {“kernel”: 2}", "CC109", "maxpool: {kernel: 2}"),
    Slip("yaml", "input: 32x32x8\nlayers: [“relu”]\n", "CC113", "input: 32x32x8\nlayers: [relu]\n"),
]
"""Quotes that are open, curly or missing, and signs that no value begins with."""

SIGNS = [
    Slip("yaml", "input：32x32x8\nlayers：\n  - relu\n", "CC107", HEAD + "  - relu\n"),
    Slip("yaml", "input: 32x32x8\nlayers: ［relu］\n", "CC107", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("yaml", "maxpool：2", "CC113", "maxpool: 2"),
    Slip("yaml", "maxpool: {kernel：2}", "CC109", "maxpool: {kernel: 2}"),
    Slip("yaml", "conv: {filters: 8，kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", "conv: ｛filters: 8, kernel: 3｝", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip("yaml", HEAD + "\u3000- relu\n", "CC105", HEAD + "  - relu\n"),
    Slip("yaml", HEAD + "\u00a0\u00a0- relu\n", "CC105", HEAD + "  - relu\n"),
    Slip("yaml", "-\u00a0relu", "CC107", "- relu"),
    Slip("yaml", "conv:\u00a0{filters: 8, kernel: 3}", "CC105", "conv: {filters: 8, kernel: 3}"),
    Slip(
        "pytorch",
        "input: 32x32x8  // an image\nlayers: [relu]\n",
        "CC110",
        help="a comment begins with `#`",
        then="input: 32x32x8  # an image\nlayers: [relu]\n",
    ),
    Slip(
        "pytorch",
        "input: 32x32x8\n// layers\nlayers: [relu]\n",
        "CC105",
        "input: 32x32x8\n# layers\nlayers: [relu]\n",
    ),
    Slip(
        "caffe",
        "input: 32x32x8\nlayers: [relu]  /* one */\n",
        "CC105",
        "input: 32x32x8\nlayers: [relu]  # one\n",
    ),
    Slip(
        "yaml",
        "%YAML 1.2\ninput: 32x32x8\nlayers: [relu]\n",
        "CC105",
        "input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "```yaml\ninput: 32x32x8\nlayers: [relu]\n```\n",
        "CC105",
        help="leave out the lines",
        then="input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "~~~\ninput: 32x32x8\nlayers: [relu]\n~~~\n",
        "CC105",
        help="leave out the lines",
        then="input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "Here it is:\n```yaml\ninput: 32x32x8\nlayers: [relu]\n```\n",
        "CC105",
        help="leave out the lines",
        then="input: 32x32x8\nlayers: [relu]\n",
    ),
]
"""Signs that look like those of YAML, comments of other languages, and what stands around."""

NUMBERS = [
    Slip(
        "yaml",
        "conv: {filters: 8, kernel: 3, stride: 0.5}",
        "CC112",
        help="write 1; `upsample: 2`",
        then="upsample: 2",
    ),
    Slip(
        "yaml",
        "conv_transpose: {filters: 8, kernel: 2, stride: 0.5}",
        "CC112",
        help="`conv` with a stride of 2",
        then="conv: {filters: 8, kernel: 2, stride: 2}",
    ),
    Slip(
        "yaml",
        "conv: {filters: 0.5, kernel: 3}",
        "CC112",
        help="write 1",
        then="conv: {filters: 1, kernel: 3}",
    ),
    Slip("keras", "maxpool: (2, 2)", "CC110", "maxpool: 2x2"),
    Slip("keras", "maxpool: 2, 2", "CC110", "maxpool: 2x2"),
    Slip("yolo", "maxpool: 2 2", "CC110", "maxpool: 2x2"),
    Slip("yaml", "maxpool: 2X2", "CC110", "maxpool: 2x2"),
    Slip("yaml", "maxpool: 2 x 2", "CC110", "maxpool: 2x2"),
    Slip("yaml", "maxpool: [2x2]", "CC110", "maxpool: 2x2"),
    Slip("yaml", "dropout: 50%", "CC110", "dropout: 0.5"),
    Slip("yaml", "dropout: 0,5", "CC110", "dropout: 0.5"),
    Slip("yaml", "dropout: 50", "CC302", help="write 0.5", then="dropout: 0.5"),
    Slip("yaml", "- flatten\n- linear: 1,000", "CC110", "- flatten\n- linear: 1000"),
    Slip("yaml", "- flatten\n- linear: 1k", "CC110", "- flatten\n- linear: 1000"),
    Slip("yaml", "- flatten\n- linear: 1.5K", "CC110", "- flatten\n- linear: 1500"),
    Slip("yaml", "- maxpool: 2px", "CC110", "- maxpool: 2"),
    Slip("yaml", "- flatten\n- linear: 1 000", "CC110", "- flatten\n- linear: 1000"),
    Slip("pytorch", "- flatten\n- linear: 1_000", "CC110", "- flatten\n- linear: 1000"),
    Slip("keras", "reshape: (32, 32, 8)", "CC110", "reshape: 32x32x8"),
    Slip("pytorch", "adaptive_avgpool: [*, 7]", "CC105", "adaptive_avgpool: ['*', 7]"),
    Slip(
        "pytorch", "adaptive_maxpool: {size: [7, *]}", "CC105", "adaptive_maxpool: {size: [7, '*']}"
    ),
    Slip("yaml", "reshape: 32x32x(4*2)", "CC110", "reshape: [32, 32, (4*2)]"),
    Slip("yaml", "reshape: 1x*x512", "CC110", help="`[1, -1, 512]`", then="reshape: [1, -1, 512]"),
    Slip(
        "keras", "input: (32, 32, 8)\nlayers: [relu]\n", "CC110", "input: 32x32x8\nlayers: [relu]\n"
    ),
    Slip(
        "keras",
        "input: (None, 32, 32, 8)\nlayers: [relu]\n",
        "CC110",
        "input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "keras",
        "input: [None, 32, 32, 8]\nlayers: [relu]\n",
        "CC111",
        "input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "keras",
        "input: [null, 32, 32, 8]\nlayers: [relu]\n",
        "CC107",
        "input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "pytorch",
        "input: -1x32x32x8\nlayers: [relu]\n",
        "CC110",
        "input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "pytorch",
        "input: [-1, 3, 224, 224]\nlayers: [relu]\n",
        "CC108",
        help="leave the batch out: `224x224x3`",
        then="input: 224x224x3\nlayers: [relu]\n",
    ),
    Slip("keras", "input: ?x?x3\nlayers: [relu]\n", "CC110", help="write a number for `?`"),
    Slip("keras", "input: Nonex224x3\nlayers: [relu]\n", "CC111", help="write a number for `None`"),
    Slip("yaml", "input: [1, null]\nlayers: [relu]\n", "CC107", help="write a number for `null`"),
    Slip(
        "keras",
        "input: {height: 32, width: 32, channels: 8}\nlayers: [relu]\n",
        "CC107",
        "input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "keras",
        "input: {shape: [32, 32, 8]}\nlayers: [relu]\n",
        "CC107",
        "input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip(
        "keras",
        "input: [105x105x1, 105x105x1]\nlayers: [relu]\n",
        "CC110",
        help="several have a name each: `{a: 105x105x1, b: 105x105x1}`",
    ),
]
"""Numbers and sizes as they are written elsewhere."""

STRUCTURE = [
    Slip(
        "yaml",
        HEAD + "  - relu\nlayers:\n  - tanh\n",
        "CC106",
        help="keep one of them",
        then=HEAD + "  - relu\n",
    ),
    Slip(
        "yaml",
        "conv: {filters: 8, kernel: 3, filters: 9}",
        "CC106",
        help="keep one of them",
        then="conv: {filters: 8, kernel: 3}",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nblocks: {b: [relu]}\nlayers: [b]\n",
        "CC107",
        "input: 32x32x8\nblocks: {b: {layers: [relu]}}\nlayers: [b]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nblocks:\n  b:\n    - relu\n    - tanh\nlayers: [b]\n",
        "CC107",
        "input: 32x32x8\nblocks:\n  b:\n    layers:\n    - relu\n    - tanh\nlayers: [b]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nbudget: {memory: {limit: 16}}\n",
        "CC120",
        help="write 16GiB or 16MB",
        then="input: 32x32x8\nlayers: [relu]\nbudget: {memory: {limit: 16GiB}}\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nbudget: {memory: 16}\n",
        "CC120",
        help="write 16GiB or 16MB",
        then="input: 32x32x8\nlayers: [relu]\nbudget: {memory: 16GiB}\n",
    ),
]
"""What stands twice, is a list where a mapping is wanted, or lacks its unit."""

SLIPS = [
    *BLANKS_COLONS_COMMAS,
    *DASHES,
    *INDENTATION,
    *BRACKETS,
    *QUOTES,
    *SIGNS,
    *NUMBERS,
    *STRUCTURE,
]
