"""The pages of docs/, which are installed with the package, and where the project is on the web."""

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = "https://github.com/OWNER/convcalc"
"""The one place that says where the project is: links of the package index are made of it.

Nothing is published yet, so OWNER stands for whoever hosts the copy that is used.
"""

_FENCED = re.compile(r"^( *)(`{3,}).*?^\1\2$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def documentation_folder() -> Path:
    """Where the pages are: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent
    installed = package / "docs"
    return installed if installed.is_dir() else package.parent / "docs"


def files() -> list[str]:
    """Names of the pages and schemas, sorted."""
    folder = documentation_folder()
    return sorted(path.name for path in (*folder.glob("*.md"), *folder.glob("*.json")))


def topics() -> list[str]:
    """What the pages are called: `spec` of docs/spec.md.

    >>> "definitions" in topics()
    True
    """
    return [name.removesuffix(".md") for name in files() if name.endswith(".md")]


def find_file(topic: str) -> str | None:
    """The file of a topic, however it is written: `spec`, `spec.md`, `docs/spec.md`.

    >>> find_file("docs/report.schema.json"), find_file("Spec"), find_file("nothing")
    ('report.schema.json', 'spec.md', None)
    """
    name = topic.strip().lower().removeprefix("docs/")
    return next((each for each in files() if name in (each, each.removesuffix(".md"))), None)


def read_file(name: str) -> str:
    """The text of a page or schema. Raises `OSError` where it cannot be read."""
    return (documentation_folder() / name).read_text(encoding="utf-8")


def title(text: str) -> str:
    """The first heading of a page, or the title of a schema."""
    heading = _HEADING.search(text)
    described = re.search(r'"title": "([^"]*)"', text)
    return heading[2] if heading else described[1] if described else ""


def sections(text: str) -> Iterator[tuple[str, str]]:
    r"""Each heading's anchor, as in `spec.md#rounding`, and its text down to the next as high.

    >>> [anchor for anchor, _ in sections("# A page\n\n## Of `this`\n")]
    ['a-page', 'of-this']
    """
    bare = _FENCED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    headings = [(len(each[1]), each.start(), each[2]) for each in _HEADING.finditer(bare)]
    for index, (level, start, heading) in enumerate(headings):
        later = (at for other, at, _ in headings[index + 1 :] if other <= level)
        yield anchor(heading), text[start : next(later, len(text))].rstrip() + "\n"


def anchor(heading: str) -> str:
    """What a link calls a heading, as GitHub makes it.

    >>> anchor("CC401 odd-size-halved"), anchor("Kinds of layers")
    ('cc401-odd-size-halved', 'kinds-of-layers')
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
