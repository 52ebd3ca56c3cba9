"""The benchmark behind docs/performance.md: serving, explanation methods, training, phases, growth, whole commands."""
