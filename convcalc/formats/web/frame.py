"""What a page stands in: one HTML file that loads nothing, and runs nothing but its own script."""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from convcalc import __version__

BUILT = Path(__file__).parent / "built"
"""Scripts and styles, which `npm run build` makes in web/."""


class WebPage(NamedTuple):
    """A page, as it is put into a frame."""

    name: str
    """Which script and style it has: `report` of `built/report.js`."""
    title: str
    """What stands on the tab of a browser."""
    body: str
    """HTML that is there without the script, and which the script may replace."""
    data: dict[str, Any]
    """What the script reads, as JSON."""
    licences: bool = True
    """Whether its script has libraries in it, whose terms are to be shown."""
    style: str = ""
    """Rules of its own, beside those of its style."""


def document(page: WebPage) -> str:
    """The file. It holds all that it shows, and its policy lets it load nothing else."""
    script, style = built(f"{page.name}.js"), built(f"{page.name}.css") + page.style
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    # No text may end the element that it stands in.
    data = json.dumps(page.data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    licences = (
        '<details class="licences"><summary>Licences of what this page is made with</summary>'
        f"<pre>{escape(built('licences.txt'))}</pre></details>\n"
    )
    return (
        "<!doctype html>\n"
        f'<html lang="en" class="page-{page.name}">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="convcalc {__version__}">\n'
        f"<title>{escape(page.title)}</title>\n"
        f"<style>{style}</style>\n"
        "</head>\n"
        "<body>\n"
        f"{page.body}\n"
        f"{licences if page.licences else ''}"
        f'<script type="application/json" id="data">{data}</script>\n'
        f"<script>{script}</script>\n"
        "</body>\n"
        "</html>\n"
    )


@cache
def built(name: str) -> str:
    """A file that the sources in web/ build."""
    return (BUILT / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a policy calls a script or a style."""
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"
