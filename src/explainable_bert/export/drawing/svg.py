"""An SVG from matplotlib made self-contained, hoverable and readable without seeing it."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from types import MappingProxyType

from explainable_bert.export.drawing.sheets import Sheet

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"
_ROOT_ATTRIBUTES = MappingProxyType(
    {
        "xmlns": _SVG,
        "xmlns:xlink": _XLINK,
        "role": "img",
        "aria-labelledby": "title description",
        "style": "stroke-linejoin: round; stroke-linecap: butt",
    }
)


def finished(drawn: bytes, sheet: Sheet, titles: Mapping[str, str]) -> bytes:
    """The drawing with words for screen readers, provenance, and a title on each element whose id has one.

    Parsing drops matplotlib's document type, which names an address elsewhere.
    """
    root = ET.fromstring(drawn)
    for element in root.iter():
        _plain(element)
    _drop_head(root)
    root.attrib.update(_ROOT_ATTRIBUTES)
    for element in root.iter("g"):
        title = titles.get(element.get("id", ""))
        if title is not None:
            element.insert(0, _element("title", title))
    head = [_element("title", sheet.title, id="title"), _element("desc", sheet.description, id="description")]
    if sheet.metadata:
        head.append(_element("metadata", sheet.metadata))
    root[:0] = head
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _drop_head(root: ET.Element) -> None:
    """Without matplotlib's own metadata, and its style sheet, which would reach beyond the drawing."""
    for found in root.findall("metadata"):
        root.remove(found)
    for definitions in root.findall("defs"):
        for style in definitions.findall("style"):
            definitions.remove(style)


def _plain(element: ET.Element) -> None:
    """The element with names that need no prefix, but for the one of references, which old viewers ask for."""
    element.tag = re.sub(r"\{.*\}", "", element.tag)
    reference = element.attrib.pop(_HREF, None)
    if reference is not None:
        element.set("xlink:href", re.sub(r"\s", "", reference))


def _element(name: str, text: str, **attributes: str) -> ET.Element:
    element = ET.Element(name, attributes)
    element.text = text
    element.tail = "\n"
    return element
