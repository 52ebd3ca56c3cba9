"""docs/scale.md: its tables are those of the saved results."""

from benchmarks.corpus import PAGE, page


def test_the_tables_are_those_of_the_saved_results():
    content = PAGE.read_text(encoding="utf-8")
    assert page(content) == content
    assert content.count("| reached |") + content.count("| missed |") == 4
