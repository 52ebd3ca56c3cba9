"""Self-contained HTML pages: strips as text with colours behind the words, maps as embedded drawings."""

import base64
import functools
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from explainable_bert.export.origins import Origin, origin
from explainable_bert.export.panels import Panel, Row, panels, row
from explainable_bert.export.strips import notes, visible
from explainable_bert.records import Explanation


def heatmap_html(explanations: Sequence[Explanation], versus: Sequence[Explanation] | None, *, values: bool) -> str:
    """The page of `render`: a section per text."""
    shown = panels(explanations, versus)
    return page_html(
        "heatmap.html.j2",
        [*explanations, *(versus or ())],
        panels=shown,
        values=values,
        row_html=row_html,
        maps_source=maps_source,
        is_compared=versus is not None,
        is_signed=any(item.legend.signed for panel in shown for item in panel.rows),
    )


def strip_html(explanation: Explanation) -> Markup:
    """The text with each unit coloured by its score, its strongest units and its scale, as an HTML fragment.

    The fragment needs the style sheet of a page made by `page_html`.
    """
    return row_html(row(explanation), values=False)


def row_html(shown: Row, *, values: bool) -> Markup:
    """A row without its heading, facts and notes, as an HTML fragment."""
    return Markup(_environment().get_template("strip.html.j2").render(row=shown, strip=shown.strip, values=values))


def page_html(name: str, sources: Sequence[Explanation], **context: Any) -> str:
    """A whole page from the named template, with the provenance of all `sources` in its head and foot."""
    return page_from(name, origin(sources), **context)


def page_from(name: str, came_from: Origin, **context: Any) -> str:
    """A whole page or drawing from the named template, which may need no explanation, with `came_from` on it."""
    return _environment().get_template(name).render(origin=came_from, strip_html=strip_html, notes=notes, **context)


def maps_source(panel: Panel) -> str:
    """The drawing of a panel's maps as a data address."""
    from explainable_bert.export.drawing.sheets import map_sheet
    from explainable_bert.export.figures import svg_bytes

    return "data:image/svg+xml;base64," + base64.b64encode(svg_bytes(map_sheet(panel))).decode("ascii")


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("explainable_bert.export"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=harmless,
    )


def harmless(value: Any) -> Any:
    """Every string that a template prints is made visible; only fragments that a template made pass as they are."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
