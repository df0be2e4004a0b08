"""What a package index shows: the project's addresses, and the README with links that lead there.

And what goes into the wheel beside the code: the pages that commands show, without their pictures.

Where the project is stands in `convcalc/documentation.py` and nowhere else.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_ADDRESS = re.compile(r'^REPOSITORY = "([^"]+)"$', re.MULTILINE)
_RELATIVE = re.compile(r"(?<=\]\()(?![a-z]+:|#)(?=[^)\s]+\))")
"""The place in front of the target of a link within the repository."""


class Metadata(MetadataHookInterface):
    """The fields that pyproject.toml calls dynamic, beside the version."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme and the addresses."""
        root = Path(self.root)
        source = (root / "convcalc" / "documentation.py").read_text(encoding="utf-8")
        (address,) = _ADDRESS.findall(source)
        readme = (root / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(readme, address)}
        metadata["urls"] = {
            "Homepage": address,
            "Documentation": f"{address}/tree/main/docs",
            "Changelog": f"{address}/blob/main/CHANGELOG.md",
            "Issues": f"{address}/issues",
        }


class Pages(BuildHookInterface):
    """The files of docs/ that the wheel has: no command shows those of its folders."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the pages and schemas, each by itself."""
        del version
        for path in sorted((Path(self.root) / "docs").iterdir()):
            if path.is_file():
                build_data["force_include"][str(path)] = f"convcalc/docs/{path.name}"


def absolute(text: str, address: str) -> str:
    """Markdown with its links within the repository as links to its main branch."""
    return _RELATIVE.sub(f"{address}/blob/main/", text)
