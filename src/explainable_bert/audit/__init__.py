"""Is a model's explanation of itself to be trusted: checks of the map, the contributions and the path around them."""

from explainable_bert.audit.run import run_audit

__all__ = ["run_audit"]
