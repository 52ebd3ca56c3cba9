"""Explanations as pictures: self-contained pages, terminal text, the demo's report."""
