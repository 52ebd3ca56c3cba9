"""Fuzzing of every parser that reads files from outside: `python -m fuzz`; no part of what is installed."""
