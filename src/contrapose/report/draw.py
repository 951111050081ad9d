"""A `Page` as one HTML file with everything inside: it needs no other file and asks no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from contrapose.report.attacked import AttackPage
from contrapose.report.charts import SHAPES, chart_id, charts_of, javascript
from contrapose.report.page import Absent, Map, Page
from contrapose.version import __version__
from contrapose.words import counted

_ADDRESS = re.compile(r"https?://[^\s,;<>\"')]+")


def render(page: Page | AttackPage) -> str:
    """The page of a run, or of an attack, as HTML.

    Everything that came from the user is escaped, and a content security policy allows the page's own scripts (by
    their digests) and embedded pictures, nothing else: no address is ever loaded.

    Errors:
        MissingExtraError: altair or vl-convert-python is not installed (extra `report`).
    """
    charts = _json(charts_of(page))
    drawn = page.map if isinstance(page, Page) and isinstance(page.map, Map) else None
    scripts = [_script(javascript()), _script(_file("page.js"))]
    return (
        environment()
        .get_template("page.html" if isinstance(page, Page) else "attack.html")
        .render(
            page=page,
            version=__version__,
            style=Markup(style()),
            scripts=[Markup(script) for script in scripts],
            policy=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
            charts=Markup(charts),
            near=Markup(_json([] if drawn is None else [point.near for point in drawn.points])),
            chart_id=chart_id,
            shapes=[_outline(shape) for shape in SHAPES],
            colour_by_class=drawn is not None and _few_classes(drawn),
        )
    )


def environment() -> Environment:
    """Where templates come from; everything that is put into one is escaped."""
    made = Environment(
        loader=PackageLoader("contrapose.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"counted": counted, "linked": linked, "breakable": breakable}
    made.tests["absent"] = lambda section: isinstance(section, Absent)
    return made


def style() -> str:
    """The style sheet of all pages."""
    return _file("page.css")


def linked(text: str) -> Markup:
    """`text`, escaped, its web addresses made into links."""
    parts, end = [], 0
    for found in _ADDRESS.finditer(text):
        address = escape(found.group().rstrip("."))
        parts += [escape(text[end : found.start()]), Markup(f'<a href="{address}" rel="noreferrer">{address}</a>')]
        end = found.start() + len(found.group().rstrip("."))
    return Markup("").join([*parts, escape(text[end:])])


def breakable(text: str) -> Markup:
    """`text`, escaped, that may be broken after `/` and `_`: names of files and classes are long words."""
    return Markup(re.sub(r"([/_])", r"\1<wbr>", str(escape(text))))


def _few_classes(drawn: Map) -> bool:
    """Whether every class has a colour of its own: then the map starts coloured by class."""
    return bool(drawn.classes) and len(drawn.classes) == len(drawn.every_class)


def _json(values: Any) -> str:
    """JSON that can stand inside a script element: nothing in it can close the element."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _script(text: str) -> str:
    """A script that can stand inside its element."""
    return re.sub(r"</(?=script)|<!--", lambda found: found.group().replace("<", "\\x3c"), text, flags=re.IGNORECASE)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _file(name: str) -> str:
    return (resources.files("contrapose.report") / name).read_text(encoding="utf-8")


def _outline(shape: str) -> str:
    """A mark of the map as an SVG path in the square from -1 to 1, for the legend."""
    named = {
        "circle": "M-0.9,0A0.9,0.9 0 1,1 0.9,0A0.9,0.9 0 1,1 -0.9,0Z",
        "square": "M-0.8,-0.8L0.8,-0.8L0.8,0.8L-0.8,0.8Z",
        "triangle-up": "M0,-0.9L0.95,0.8L-0.95,0.8Z",
        "diamond": "M0,-1L0.8,0L0,1L-0.8,0Z",
        "cross": "M-0.3,-0.9L0.3,-0.9L0.3,-0.3L0.9,-0.3L0.9,0.3L0.3,0.3L0.3,0.9L-0.3,0.9L-0.3,0.3L-0.9,0.3L-0.9,-0.3"
        "L-0.3,-0.3Z",
        "triangle-down": "M0,0.9L0.95,-0.8L-0.95,-0.8Z",
    }
    return named.get(shape, shape)
