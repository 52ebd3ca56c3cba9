"""The benchmark behind docs/results.md: protocol, corpora, running, statistics, page."""
