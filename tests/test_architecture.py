"""The map of the code is true: who imports whom, and that every table is complete."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest
from formatted import FORMATTED, PACKAGES
from paths import PACKAGE
from statements import statements
from tabled import tabled

from convcalc import __all__ as public
from convcalc.cli import COMMANDS
from convcalc.formats.columns import COLUMNS, DEFAULT_COLUMNS
from convcalc.layers import CATALOGUE, GIVEN, NAMING, Layer, layer_class
from convcalc.layers.base import declarations
from convcalc.methods import METHODS

LINES = (
    {"cli"},
    {"formats"},
    {"checks"},
    {"sweeps"},
    {"pictures"},
    {"rules", "exchange", "explanation", "patterns", "surgery"},
    {"analysis", "forward"},
    {"laws"},
    {"graph"},
    {"spec"},
    {"layers"},
    {
        "shape",
        "window",
        "spans",
        "stretches",
        "reasons",
        "numbers",
        "methods",
        "nearness",
        "diagnostics",
        "findings",
        "collector",
        "arguments",
        "documentation",
    },
)
"""From the top down; a part may import what stands on lines below its own, and itself.

The parts of the last line build on one another; elsewhere those of one line do not.
"""

THIRD_PARTIES = {
    "click": ("cli",),
    "yaml": ("spec",),
    "rich": (
        *("formats/table.py", "formats/summaries/table.py", "formats/counts/table.py"),
        *("formats/sweep/table.py", "cli"),
    ),
    "numpy": (
        *("forward", "exchange", "surgery", "sweeps"),
        *(f"analysis/memory/{each}.py" for each in ("bounds", "cheapest", "paths")),
    ),
    "threadpoolctl": ("forward/threads.py",),
    "pathspec": ("checks/ignored.py", "checks/globs.py"),
    "cupy": ("forward",),
    "onnx": ("exchange",),
    "PIL": ("forward/images.py",),
    "resvg_py": ("pictures/png.py",),
    "pandas": ("sweeps/library.py",),
    "pyarrow": ("sweeps/library.py", "formats/sweep/parquet.py"),
    "fsspec": ("formats/sweep/parquet.py",),
    "dask": ("sweeps/executors/cluster.py",),
    "distributed": ("sweeps/executors/cluster.py",),
}
"""Package → where it may be imported."""

HELPERS = {"columns", "diagnostics", "html", "rows", "summary"}
"""Modules of formats/ that are no format of `--format`: html is the notebook's."""

LAYER_HELPERS = {
    "__init__",
    "arrays",
    "base",
    "following",
    "kept",
    "letters",
    "courses",
    "crossing",
    "cutting",
    "operations",
    "relative",
    "remedies",
    "sequence",
    "sliding",
    "special",
    "steps",
    "tapwise",
    "windows",
    "written",
    "within",
}
"""Modules of layers/ without a kind of layer."""

CLI_HELPERS = {
    *(
        "__init__",
        "candidates",
        "checking",
        "counting",
        "explained_memory",
        "explained_value",
        "fixing",
    ),
    *("effective", "pictured"),
    *("options", "output", "pager", "pasted", "paths", "running", "shells", "training", "words"),
}
"""Modules of cli/ without a command."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(path)))


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Trees of all modules are large, and no other file of tests asks for them."""
    yield
    nodes.cache_clear()
    parsed.cache_clear()


class Import(NamedTuple):
    """One import statement."""

    file: str
    line: int
    module: str
    late: bool
    """Inside a function."""


def imports(path: Path) -> Iterator[Import]:
    file = path.relative_to(PACKAGE).as_posix()
    for node, late in statements(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, late)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: imports are absolute"
            module = node.module or ""
            yield Import(file, node.lineno, module, late)
            if module == "convcalc":
                for alias in node.names:
                    if alias.name in {*parts(), "cli"}:
                        yield Import(file, node.lineno, f"convcalc.{alias.name}", late)


def parts() -> set[str]:
    """The parts that the package has."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    return modules | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


@cache
def every_import() -> list[Import]:
    return [found for path in sorted(PACKAGE.rglob("*.py")) for found in imports(path)]


def part_of(file: str) -> str:
    return file.partition("/")[0].removesuffix(".py")


def line_of(part: str) -> int:
    return next(number for number, line in enumerate(LINES) if part in line)


def test_every_part_has_a_place() -> None:
    assert parts() <= set().union(*LINES)


def test_the_map_shows_the_same_lines() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## Who imports whom\n.*?```text\n(.*?)```", text, re.DOTALL)

    assert tuple({*line.split(" · ")} for line in block.splitlines()) == LINES


def test_imports_go_downward_only() -> None:
    wrong = []
    for found in every_import():
        part = part_of(found.file)
        root, _, rest = found.module.partition(".")
        if root != "convcalc" or not rest or part in ("__init__", "__main__"):
            continue
        target = rest.partition(".")[0]
        allowed = target == part or line_of(part) < line_of(target)
        bottom = line_of(part) == line_of(target) == len(LINES) - 1
        if not allowed and not bottom:
            wrong.append(f"{found.file}:{found.line} imports {found.module}")

    assert not wrong, "\n".join(wrong)


SEAM = "convcalc.forward.engine"
"""All that others import of the engine, which they may leave alone."""


def test_the_engine_is_behind_one_seam() -> None:
    offered = {f"{SEAM}.{name}" for name in import_module(SEAM).__all__}
    inside = SEAM.removeprefix("convcalc.").replace(".", "/")
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        for node, _ in statements(parsed(path)):
            if file.startswith(f"{inside}/") or not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names = {f"{module}{alias.name}" for alias in node.names} - offered
            past = sorted(name for name in names if name.startswith(f"{SEAM}."))
            wrong += [f"{file}:{node.lineno} imports {name}" for name in past]

    assert not wrong, "\n".join(wrong)


def test_every_method_of_the_table_is_done_on_a_floor_above_its_value() -> None:
    homes = {
        value.name: path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for value, _ in statements(parsed(path))
        if isinstance(value, ast.ClassDef)
    }
    for method, (module, name) in METHODS.items():
        part = module.split(".")[1]

        assert callable(getattr(import_module(module), name)), method
        assert line_of(part) < line_of(part_of(homes[method.partition(".")[0]])), method


def test_every_method_of_the_table_stands_on_its_value_and_asks_for_itself() -> None:
    asked: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for value, _ in statements(parsed(path)):
            if not isinstance(value, ast.ClassDef):
                continue
            for method in value.body:
                calls = [node for node in ast.walk(method) if isinstance(node, ast.Call)]
                names = [ast.unparse(call.args[0]) for call in calls if _is_above(call)]
                if names and isinstance(method, ast.FunctionDef):
                    asked.setdefault(f"{value.name}.{method.name}", []).extend(names)

    assert asked == {method: [repr(method)] for method in METHODS}


def _is_above(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "above"


def test_modules_are_named_where_they_are_imported_late() -> None:
    """A module whose name is put together is out of sight of the test of imports."""
    homes = {
        "__init__.py",  # names of the library, by `_HOMES`
        "analysis/memory/__init__.py",  # the same
        "analysis/conventions/__init__.py",  # tools, by their table
        "analysis/memory/runtimes/__init__.py",  # runtimes, by their table
        "methods.py",
        "cli/__init__.py",
        "cli/checking.py",
        "cli/explain.py",  # modes, by the table that the options name
        "cli/output.py",
        "cli/sweep.py",  # who writes files, by the tables that endings name
        "exchange/__init__.py",  # formats, by the table
        "exchange/onnx/package.py",  # parts of the package onnx, which is no module of this one
        "exchange/onnx/rows.py",  # operators, by the table
        "explanation/value/__init__.py",  # explainers, by the kind
        "layers/__init__.py",
        "pictures/__init__.py",  # styles and writers, by their tables
        "rules/__init__.py",
        "surgery/__init__.py",  # conversions, by their table
        "spec/source.py",  # libyaml's parser, which need not be there
    }
    late = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "import_module(" in path.read_text(encoding="utf-8")
    }

    assert late == homes


def test_third_parties_stay_where_they_belong() -> None:
    wrong = []
    for found in every_import():
        places = THIRD_PARTIES.get(found.module.partition(".")[0])
        if places is None:
            continue
        if not any(found.file == place or found.file.startswith(f"{place}/") for place in places):
            wrong.append(f"{found.file}:{found.line} imports {found.module}")

    assert not wrong, "\n".join(wrong)


def test_nothing_else_is_needed() -> None:
    import sys

    known = {*sys.stdlib_module_names, *THIRD_PARTIES, "convcalc", "__future__"}
    # tomllib is the standard library's from 3.11 on, and tomli before that.
    known |= {"tomllib", "tomli"}
    # Type checkers bring it along; nothing else reads what stands for them alone.
    known |= {"typing_extensions"}
    others = {found.module.partition(".")[0] for found in every_import()} - known

    assert not others


@pytest.mark.parametrize(
    "file", ["graph/__init__.py", "shape.py", "window.py", "spans.py", "diagnostics.py"]
)
def test_what_everything_builds_on_imports_no_array_library(file: str) -> None:
    assert not [
        each for each in every_import() if each.file == file and each.module in THIRD_PARTIES
    ]


# Values


MANY = 8
"""Fields from which on two that are swapped are not seen."""
MOST = 5
"""Fields of such a value that may be given by position."""
HOT = {"LayerReport"}
"""Made once a layer on the way of `analyze`, where keywords would be felt."""


def many_fields(tree: ast.Module) -> dict[str, bool]:
    """The values that a module defines, and whether they have many fields."""
    return {
        node.name: sum(isinstance(each, ast.AnnAssign) for each in node.body) >= MANY
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases)
    }


def test_values_of_many_fields_are_built_by_keyword() -> None:
    trees = {path: parsed(path) for path in PACKAGE.rglob("*.py")}
    own = {path: many_fields(tree) for path, tree in trees.items()}
    everywhere = {name for values in own.values() for name, many in values.items() if many}
    assert {"Network", "MemoryReport", "Verdict", "Row"} <= everywhere
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.func.id}"
        for path in trees
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and own[path].get(node.func.id, node.func.id in everywhere - HOT)
        and (len(node.args) > MOST or any(isinstance(one, ast.Starred) for one in node.args))
    ]

    assert not wrong, "\n".join(wrong)


def test_no_constant_is_a_negative_whole_number() -> None:
    """As an index that is the other end of a list; what is not there is None, or has a type.

    Places in a text are no indices, and one that there is not is compared with 0; nor are what an
    axis of a tensor from elsewhere is, if none of a layer's; in an array of reasons a valid design
    has the one that every array has room for, as has what is not known yet in a table of numbers.
    """
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node, _ in statements(parsed(path)):
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            value, targets = (
                node.value,
                [node.target] if isinstance(node, ast.AnnAssign) else node.targets,
            )
            if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
                whole = isinstance(getattr(value.operand, "value", None), int)
                names = [each.id for each in targets if isinstance(each, ast.Name)]
                found += [name for name in names if whole and name.isupper()]

    assert set(found) <= {"NOWHERE", "BATCH", "ONE", "VALID", "UNKNOWN"}


def test_nothing_asserts_that_a_network_has_no_errors() -> None:
    """`graph.planned` gives one without, whose plans are there by their type."""
    asserted = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node, _ in statements(parsed(path))
        if isinstance(node, ast.Assert) and "is not None" in ast.unparse(node.test)
    }

    # Not both sides of a difference are None, which a tuple cannot say.
    assert asserted == {"cli/diff.py"}


def test_no_shape_stands_in_for_one_that_cannot_be() -> None:
    """`network.shape_of(index) or Shape(0)` is silently wrong on the day that it can be."""
    stand_ins = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.BoolOp | ast.IfExp)
        and re.search(r"Shape\(\d\)$", ast.unparse(node))
    ]

    assert not stand_ins, "\n".join(stand_ins)


# Tables


def modules(folder: str) -> set[str]:
    return {path.stem for path in (PACKAGE / folder).glob("*.py")}


def test_every_format_has_a_row_and_a_renderer() -> None:
    memory = {"html", "timeline", "arena_picture", "plan_file"}
    files = {"picture", "parquet", "html"}
    helpers = {"analyze": HELPERS, "diff": {"html"}, "memory": memory, "sweep": files}
    for command, package in PACKAGES.items():
        formats = FORMATTED[command]
        folder = f"formats{package}".replace(".", "/")
        assert modules(folder) - {"__init__"} == {*formats} | helpers.get(command, set())
        for name in formats:
            assert callable(import_module(f"convcalc.formats{package}.{name}").render)
    for command, formats in FORMATTED.items():
        # Those of check are phrases of a table that says what each is for.
        assert all(row.doc.endswith(".") == (command != "check") for row in formats.values())


def test_the_table_of_a_commands_formats_is_what_its_option_takes() -> None:
    offered = {
        name: option.type.choices
        for name in COMMANDS
        for option in import_module(f"convcalc.cli.{name}").command.params
        if "--format" in option.opts
    }

    without = sorted(offered.keys() - FORMATTED.keys())
    assert not without, f"{without} have no row in FORMATTED of tests/formatted.py"
    assert offered == {name: (*formats,) for name, formats in FORMATTED.items()}


def test_nothing_outside_the_tables_asks_what_a_format_is_called() -> None:
    """What holds of a format is in its row, so that one more needs a file and a row.

    `list` and `rule`, which make their few formats themselves, ask a name only to tell `names`.
    """
    names = {name for formats in FORMATTED.values() for name in formats}
    asked = [
        f"{path.relative_to(PACKAGE)}: {ast.unparse(node)}"
        for path in (*(PACKAGE / "cli").glob("*.py"), *(PACKAGE / "formats").rglob("*.py"))
        for node in nodes(path)
        if isinstance(node, ast.Compare)
        and re.search(r"\b(format|name|format_name)\b", ast.unparse(node))
        and names & {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    ]

    assert asked == ["cli/list.py: output.name == 'names'"]


def test_every_command_has_a_row_and_a_module() -> None:
    assert modules("cli") - CLI_HELPERS == {*COMMANDS}
    for name, summary in COMMANDS.items():
        command = import_module(f"convcalc.cli.{name}").command

        assert summary.endswith(".")
        text = command.help or ""
        assert re.search("\x08\n *Example", text), f"`convcalc {name} --help` shows no example"


@pytest.mark.parametrize(
    ("said", "home"),
    [
        ('"--format"', "options.py"),
        ("write_all(", "output.py"),
        ('"table" if ', "options.py"),
        ("def end(", "output.py"),
    ],
)
def test_the_format_and_the_end_of_a_command_are_said_once(said: str, home: str) -> None:
    files = [path for path in (PACKAGE / "cli").glob("*.py") if said in path.read_text("utf-8")]

    assert [path.name for path in files] == [home]


def test_every_command_with_formats_ends_in_one_way() -> None:
    for name in COMMANDS:
        command = import_module(f"convcalc.cli.{name}").command
        chosen = [one.name for one in command.params if "--format" in one.opts]

        # check writes several formats at once, and its exit code is a matter of configuration.
        assert chosen in ([], ["format_name" if name == "check" else "output"])


def test_every_layer_has_a_row() -> None:
    classes = {
        (path.stem, node.name)
        for path in (PACKAGE / "layers").glob("*.py")
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(each, ast.Name) and each.id == "final" for each in node.decorator_list)
    }

    assert {(row.module, row.name) for row in (*GIVEN.values(), *CATALOGUE.values())} == classes
    assert modules("layers") - {module for module, _ in classes} == LAYER_HELPERS


def test_kinds_that_name_a_tensor_are_known_with_the_field() -> None:
    naming = {
        kind: {
            name for name, each in declarations(layer_class(kind)).items() if each.form == "tensor"
        }
        for kind in CATALOGUE
    }

    assert {kind: fields for kind, fields in naming.items() if fields} == {
        kind: {field} for kind, field in NAMING.items()
    }


@tabled("kind", CATALOGUE)
def test_every_layer_is_documented_with_its_source(kind: str) -> None:
    layer = layer_class(kind)

    assert issubclass(layer, Layer)
    assert "Source:" in (layer.__doc__ or "")
    for name, declared in declarations(layer).items():
        assert declared.doc.endswith("."), f"{kind}.{name}"


def test_every_column_is_documented_and_some_are_shown() -> None:
    assert {*DEFAULT_COLUMNS} <= {*COLUMNS}
    for name, column in COLUMNS.items():
        assert column.title, name
        assert column.doc.endswith("."), name


@pytest.mark.parametrize("name", ["convcalc", "convcalc.analysis.memory"])
def test_type_checkers_are_told_the_same_public_names(name: str) -> None:
    package = import_module(name)
    tree = ast.parse(Path(package.__file__ or "").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    told = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, "without `as` it is not exported"
            told[alias.name] = (node.module or "").removeprefix(f"{name}.")

    assert told == package._HOMES
    assert package.__all__ == sorted(package.__all__)


@tabled("package", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_no_name_of_a_package_is_that_of_a_module_in_it(package: Path) -> None:
    """An import of the one would give the other, by who was imported last."""
    tree = ast.parse(package.read_text(encoding="utf-8"))
    modules = {path.stem for path in package.parent.glob("*.py")}
    modules |= {path.parent.name for path in package.parent.glob("*/__init__.py")}
    names = {*public} if package.parent == PACKAGE else set()
    inner = [each for node in tree.body if isinstance(node, ast.If) for each in node.body]
    for node in [*tree.body, *inner]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom) and not is_package(node.module or ""):
            names |= {alias.asname or alias.name for alias in node.names}

    assert not names & modules


def is_package(module: str) -> bool:
    """Whether names imported from it may be modules."""
    return (PACKAGE.parent / module.replace(".", "/") / "__init__.py").is_file()


@tabled("name", public)
def test_every_public_name_can_be_imported_and_is_documented(name: str) -> None:
    found = getattr(import_module("convcalc"), name)

    assert found.__doc__, name


def test_every_module_says_first_what_it_is_for() -> None:
    first = {
        path: (ast.get_docstring(parsed(path)) or "").split("\n")[0]
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.stat().st_size
    }

    assert len(first) > 100
    assert not [path for path, line in first.items() if not line.endswith((".", ":"))]


def test_no_module_gives_a_name_twice() -> None:
    twice = []
    for path in sorted(PACKAGE.rglob("*.py")):
        names: set[str] = set()
        for node in parsed(path).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            for target in targets:
                if isinstance(target, ast.Name):
                    twice += [f"{path}: {target.id}"] if target.id in names else []
                    names.add(target.id)

    assert not twice
