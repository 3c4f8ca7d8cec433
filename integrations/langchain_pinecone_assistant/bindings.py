"""What `bind` and `configurable_fields` of a model give: the framework's own, with options kept as `bound` tells."""

from __future__ import annotations

from langchain_core.runnables.base import RunnableBinding
from langchain_core.runnables.configurable import RunnableConfigurableFields

from .bound import KeepsOptions


# Without type arguments: pydantic would check what is inside against a class made for them, which no model is.
class BoundChat(KeepsOptions, RunnableBinding):  # type: ignore[type-arg]
    """A model with options bound to it."""

    @classmethod
    def lc_id(cls) -> list[str]:
        """The framework's own binding, which is what `load` brings back."""
        return [*cls.get_lc_namespace(), "RunnableBinding"]


class ConfigurableChat(KeepsOptions, RunnableConfigurableFields):  # type: ignore[type-arg]
    """A model with options that the config of a call chooses."""

    @classmethod
    def lc_id(cls) -> list[str]:
        """As for `BoundChat`."""
        return [*cls.get_lc_namespace(), "RunnableConfigurableFields"]
