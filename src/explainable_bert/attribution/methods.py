"""The table of explainers by name; a new method is one row here and one module."""

from collections.abc import Mapping
from types import MappingProxyType

from explainable_bert.attribution.built_in import built_in
from explainable_bert.attribution.explainer import Explainer

EXPLAINERS: Mapping[str, Explainer] = MappingProxyType({"built-in": built_in})
