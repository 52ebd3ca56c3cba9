"""Is a model's explanation of itself to be trusted: checks of the map, the contributions and the path around them."""

from explainable_bert.audit.run import audit_request, run_audit

__all__ = ["audit_request", "run_audit"]
