"""Fragments of the page's HTML from templates in which every word of a visitor is escaped and made visible."""

import functools
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from explainable_bert.export.pages import harmless, row_html


def fragment(name: str, **context: Any) -> str:
    """The named template, filled in."""
    return _environment().get_template(name).render(row_html=row_html, **context)


def message(error: Exception) -> str:
    """A mistake as the page tells it: what was given and what is accepted, in one paragraph."""
    what, separator, why = str(error).partition(": ")
    return fragment("message.html.j2", what=what if separator else "", why=why if separator else what)


@functools.cache
def _environment() -> Environment:
    own, shared = PackageLoader("explainable_bert.interfaces.page"), PackageLoader("explainable_bert.export")
    return Environment(
        loader=ChoiceLoader([own, shared]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=harmless,
    )


def style() -> str:
    """The style sheet of the page, the colours and strips being those of every exported page."""
    return str(Markup(_environment().get_template("page.css").render()))
