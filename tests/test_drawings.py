"""The architecture diagram is the one that its source draws."""

from xml.etree import ElementTree

from drawings import architecture

from explainable_bert.model.configuration import DESIGNS


def test_the_committed_diagram_is_drawn_from_the_source():
    assert architecture.OUTPUT.read_text(encoding="utf-8") == architecture.drawing()


def test_the_diagram_is_well_formed_and_within_its_frame():
    root = ElementTree.fromstring(architecture.drawing())
    _, _, width, height = map(float, root.get("viewBox").split())
    for element in root.iter("{http://www.w3.org/2000/svg}rect"):
        left, top = float(element.get("x")), float(element.get("y"))
        assert 0 <= left <= left + float(element.get("width")) <= width
        assert 0 <= top <= top + float(element.get("height")) <= height


def test_columns_are_stock_bert_and_designs_that_exist():
    first, *others = (column.name for column in architecture.COLUMNS)
    assert first == "Stock BERT"
    assert set(others) <= set(DESIGNS)


def test_words_are_escaped():
    assert "&lt;b&gt;" in architecture._text("<b>", 0, 0, "step")
