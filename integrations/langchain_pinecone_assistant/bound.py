"""Bindings, configurable variants, alternatives, fallbacks and retries that keep the options in the model.

The framework keeps bound options *next to* the model: a binding is a model and a dict. Code that unwraps a binding (`generate`,
`with_structured_output`, an agent that looks for the chat model inside) loses the dict, and with it a tenant's filter. Other
tenants' files may then be used for the answer, without an error. A config attached with `with_config` is lost in the same way.

So `bind` writes options that are fields into a copy of the model. It also keeps them in the dict, because tracing and calls read
them there. `hold` reaches the models inside any nesting of the framework's containers, and `configure` does the same for the
values that a config chooses. The containers here subclass the framework's, with methods that call these two functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.runnables.base import (
    RunnableBinding,
    RunnableBindingBase,
    RunnableEachBase,
    RunnableParallel,
    RunnableSequence,
)
from langchain_core.runnables.branch import RunnableBranch
from langchain_core.runnables.config import ensure_config, merge_configs
from langchain_core.runnables.configurable import (
    DynamicRunnable,
    RunnableConfigurableAlternatives,
    RunnableConfigurableFields,
)
from langchain_core.runnables.fallbacks import RunnableWithFallbacks
from langchain_core.runnables.passthrough import RunnableAssign
from langchain_core.runnables.router import RouterRunnable
from langchain_core.runnables.utils import (
    AnyConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
)
from pydantic import BaseModel

from .connection import CALL_FIELDS, GUARD, AssistantConnection, own_copy, unknown_option
from .errors import InvalidRequestError

Input = TypeVar("Input")
Output = TypeVar("Output")
_Change = Callable[[Any], Any]
_DECIDING = ("filter", "context_options", "stop")
_GENERATING = ("generate", "agenerate", "generate_prompt", "agenerate_prompt")


def hold(runnable: Any, options: Mapping[str, Any]) -> Any:
    """Return the runnable with these options set in each of our models, retrievers and tools inside it.

    These options override the config, so they are no longer configurable. Other packages' runnables are not changed.

    Raises:
        InvalidRequestError: An unknown option, or a value that a call would refuse.
    """
    if isinstance(runnable, AssistantConnection):
        return runnable._holding(options)
    changed = _mapped(runnable, partial(hold, options=options))
    if isinstance(changed, RunnableBindingBase):
        again = {name: options[name] for name in changed.kwargs if name in options}
        return changed.model_copy(update={"kwargs": {**changed.kwargs, **again}}) if again else changed
    if isinstance(changed, RunnableConfigurableFields) and isinstance(changed.default, AssistantConnection):
        left = {name: field for name, field in changed.fields.items() if name not in options}
        return changed.model_copy(update={"fields": left})
    return changed


def configure(runnable: Any, configurable: Mapping[str, Any]) -> Any:
    """Return the runnable with the config's choices stored in each configurable container inside it."""
    if not configurable or isinstance(runnable, AssistantConnection):
        return runnable
    if isinstance(runnable, RunnableConfigurableAlternatives):
        config = merge_configs(runnable.config, {"configurable": dict(configurable)})
        named = {
            key: configure(one, _without_prefix(runnable, key, configurable))
            for key, one in runnable.alternatives.items()
            if isinstance(one, Runnable)
        }
        default = configure(runnable.default, _without_prefix(runnable, runnable.default_key, configurable))
        return runnable.model_copy(
            update={"config": config, "default": default, "alternatives": {**runnable.alternatives, **named}}
        )
    if isinstance(runnable, RunnableConfigurableFields) and isinstance(runnable.default, AssistantConnection):
        config = merge_configs(runnable.config, {"configurable": dict(configurable)})
        default = _with_chosen(runnable.default, runnable.fields, config["configurable"])
        return runnable.model_copy(update={"config": config, "default": default})
    return _mapped(runnable, partial(configure, configurable=configurable))


def _mapped(runnable: Any, change: _Change) -> Any:
    """Return a framework container with `change` applied to each runnable inside; return anything else unchanged."""
    if isinstance(runnable, (RunnableBindingBase, RunnableEachBase)):
        return runnable.model_copy(update={"bound": change(runnable.bound)})
    if isinstance(runnable, RunnableWithFallbacks):
        fallbacks = [change(one) for one in runnable.fallbacks]
        return runnable.model_copy(update={"runnable": change(runnable.runnable), "fallbacks": fallbacks})
    if isinstance(runnable, RunnableConfigurableAlternatives):
        others = {key: _changed_alternative(one, change) for key, one in runnable.alternatives.items()}
        return runnable.model_copy(update={"default": change(runnable.default), "alternatives": others})
    if isinstance(runnable, DynamicRunnable):
        return runnable.model_copy(update={"default": change(runnable.default)})
    if isinstance(runnable, RunnableSequence):
        steps = {"first": change(runnable.first), "middle": list(map(change, runnable.middle))}
        return runnable.model_copy(update={**steps, "last": change(runnable.last)})
    # These containers pass options to none or only one of their parts, so as fallbacks they would ask without them.
    if isinstance(runnable, RunnableParallel):
        named = {key: change(step) for key, step in runnable.steps__.items()}
        return runnable.model_copy(update={"steps__": named})
    if isinstance(runnable, RunnableAssign):
        return runnable.model_copy(update={"mapper": change(runnable.mapper)})
    if isinstance(runnable, RunnableBranch):
        branches = [(change(condition), change(one)) for condition, one in runnable.branches]
        return runnable.model_copy(update={"branches": branches, "default": change(runnable.default)})
    if isinstance(runnable, RouterRunnable):
        return runnable.model_copy(update={"runnables": {key: change(one) for key, one in runnable.runnables.items()}})
    return runnable


def _changed_alternative(one: Any, change: _Change) -> Any:
    return change(one) if isinstance(one, Runnable) else partial(_made_and_changed, one, change)


def _made_and_changed(make: Callable[[], Any], change: _Change) -> Any:
    """Make an alternative at its first use, and apply `change` to it."""
    return change(make())


def _without_prefix(runnable: Any, key: str, configurable: Mapping[str, Any]) -> dict[str, Any]:
    if not runnable.prefix_keys:
        return dict(configurable)
    prefix = f"{runnable.which.id}=={key}/"
    return {name.removeprefix(prefix): value for name, value in configurable.items()}


def _with_chosen(default: Any, fields: Mapping[str, AnyConfigurableField], configurable: Mapping[str, Any]) -> Any:
    """Return one of our models with the values that a config chooses for its fields."""
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if isinstance(field, ConfigurableFieldSingleOption):
            values[name] = _option(field, configurable.get(field.id) or field.default)
        elif isinstance(field, ConfigurableFieldMultiOption):
            values[name] = [_option(field, key) for key in configurable.get(field.id, field.default)]
        elif field.id in configurable:
            values[name] = configurable[field.id]
    return default._configured(values) if values else default


def _own_fields(fields: Mapping[str, AnyConfigurableField]) -> dict[str, AnyConfigurableField]:
    """Copy the options of configurable fields, so that changing a filter in place later has no effect on them."""
    return {
        name: field._replace(options=own_copy(field.options, name=name))
        if isinstance(field, (ConfigurableFieldSingleOption, ConfigurableFieldMultiOption))
        else field
        for name, field in fields.items()
    }


def _option(field: ConfigurableFieldSingleOption | ConfigurableFieldMultiOption, key: str) -> Any:
    if key not in field.options:
        raise InvalidRequestError(f"the config chooses {key!r} for {field.id!r}: use one of {', '.join(field.options)}")
    return field.options[key]


def _own_config(config: Mapping[str, Any] | None, others: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a config's choices, so that changing them in place later has no effect."""
    merged = {**(config or {}), **others}
    if "configurable" in merged:
        merged["configurable"] = own_copy(merged["configurable"], name="configurable")
    return merged


def _has_branches(runnable: Any) -> bool:
    """Return whether the runnable holds several models, each with options of its own."""
    if isinstance(runnable, RunnableBindingBase):
        return _has_branches(runnable.bound)
    return isinstance(runnable, (RunnableWithFallbacks, RunnableConfigurableAlternatives))


class KeepsOptions(Runnable[Input, Output]):
    """Base class of runnables: every variant (`bind`, `with_retry` ...) keeps its options in the models inside it."""

    if not TYPE_CHECKING:  # type checkers see the framework's own signatures

        def bind(self, **options):
            """Return a binding whose options are also set in the models inside.

            Raises:
                InvalidRequestError: An unknown option, or a value that a call would refuse.
            """
            options = _own_options(options)
            return Bound(bound=hold(self, options), kwargs=options)

        def with_config(self, config=None, **kwargs):
            """Return a binding of a config; the configurable containers inside store its choices too."""
            config = _own_config(config, kwargs)
            return configure(_ours(super().with_config(config)), config.get("configurable") or {})

        def with_types(self, *args, **kwargs):
            """Return the framework's result, as a class that keeps its options."""
            return _ours(super().with_types(*args, **kwargs))

        def with_listeners(self, **listeners):
            """Return the framework's result, as a class that keeps its options."""
            return _ours(super().with_listeners(**listeners))

        def with_alisteners(self, **listeners):
            """Return the framework's result, as a class that keeps its options."""
            return _ours(super().with_alisteners(**listeners))

        def with_retry(self, **options):
            """Return the framework's result, as a class that keeps its options."""
            made = super().with_retry(**options)
            # A binding, because a retry class of our own would import tenacity even if nobody retries.
            return made if isinstance(made, Bound) else Bound(bound=made)

        def with_fallbacks(self, fallbacks, **options):
            """Return the framework's result, as a class that keeps its options."""
            return _ours(super().with_fallbacks(fallbacks, **options))

        def configurable_alternatives(self, which, **options):
            """Return the framework's result, as a class that keeps its options."""
            return _ours(super().configurable_alternatives(which, **options))

        def configurable_fields(self, **fields):
            """Return a variant whose config may set these fields; a field with a list of options starts at its default.

            Raises:
                InvalidRequestError: A field that does not exist, or that no config may set.
            """
            if not isinstance(self, AssistantConnection):
                return _mapped(self, partial(_configurable, fields=fields))
            self._check_configurable(fields)
            fields = _own_fields(fields)
            return Configurable(default=_with_chosen(self, fields, {}), fields=fields)


def _configurable(runnable: Any, fields: Mapping[str, AnyConfigurableField]) -> Any:
    """Make fields configurable in our models, also inside a framework wrapper such as its retry."""
    if isinstance(runnable, KeepsOptions):
        ours: Any = runnable
        return ours.configurable_fields(**fields)
    return _mapped(runnable, partial(_configurable, fields=fields))


class KeepsChatOptions(KeepsOptions[LanguageModelInput, AIMessage]):
    """A chat model, or a container of chat models, that keeps its options in structured answers too."""

    # with_fallbacks reads these annotations at run time, so they name nothing that is imported for type checkers only.
    # `Any` replaces BaseTool, which takes 12 ms to import.
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | Any],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with options bound; an assistant calls no tools, so `tools` must be empty.

        `create_agent(model, response_format=X)` without tools calls this with `response_format`.

        Raises:
            ToolsNotSupportedError: `tools` is not empty. A NotImplementedError; its text shows how to use the model in agents.
        """
        from .calls import check_call_options  # noqa: PLC0415 - the client, at the first use (55 ms)

        check_call_options({"tools": tools, "tool_choice": tool_choice, **kwargs}, where="bind_tools")
        return self.bind(**kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        include_raw: bool = False,
        method: Literal["json_schema", "json_mode", "function_calling"] = "json_schema",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Return a runnable that answers with JSON of a schema. The prompt asks for it, and the answer is checked here.

        The question goes to POST /chat/{name}, also with `interface="openai"`, because only that endpoint can answer in JSON.

        Args:
            schema: A pydantic class (the answer is an instance), a TypedDict or a JSON Schema (the answer is a dict).
            include_raw: Return `{"raw": message, "parsed": value or None, "parsing_error": error or None}`.
            method: `"json_schema"` appends the schema to the question; `"json_mode"` only asks for JSON, so describe its
                shape in the question; `"function_calling"` falls back to `"json_schema"`.
            strict: Accepted without effect: the service enforces no schema.
            kwargs: No other options exist; any raises.

        Raises:
            ValueError: An unknown method or option, or no schema where one is needed.
            OutputParserException: The answer does not fit the schema. Raised by the call, not here.
        """
        from .structured_output import structured_model  # noqa: PLC0415 - as in bind_tools

        return structured_model(self.bind, schema, include_raw=include_raw, method=method, strict=strict, **kwargs)


def _own_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the filters and similar dicts among the options, so that changing them in place later has no effect."""
    return {name: own_copy(value, name=name) if name in _DECIDING else value for name, value in options.items()}


def _ours(made: Any) -> Any:
    """Convert a framework container to our class that keeps options; our own are returned unchanged."""
    cls = _CONTAINERS.get(type(made))
    return made if cls is None else cls(**_fields_of(made))


def _fields_of(made: Any) -> dict[str, Any]:
    return {name: getattr(made, name) for name in type(made).model_fields}


class _Container(KeepsChatOptions):
    """Base class of our containers. They are serialised as the framework's classes, and `load` returns those."""

    @classmethod
    def lc_id(cls) -> list[str]:
        """Return the id of the framework's class."""
        framework: Any = _framework_class(cls)
        return [*framework.get_lc_namespace(), framework.__name__]

    if not TYPE_CHECKING:  # as above

        def model_copy(self, *, update=None, deep=False):
            """Return a copy. `update` takes fields of this container; pydantic would drop options of the models inside.

            Raises:
                InvalidRequestError: `update` has a name that is no field of the container, such as `filter`.
            """
            self._check_fields(update or {})
            return super().model_copy(update=update, deep=deep)

        def copy(self, **options):
            """Return a copy, with pydantic's older method. Takes and refuses the same names as `model_copy`."""
            self._check_fields(options.get("update") or {})
            return super().copy(**options)

        @classmethod
        def _check_fields(cls, names):
            for name in names:
                if name == GUARD:
                    raise InvalidRequestError(unknown_option(name, (), where="a copy"))
                if name not in cls.model_fields:
                    raise InvalidRequestError(
                        f"a copy of this {cls.__name__} would lose {name!r}, which is an option of the models inside: use "
                        f"bind({name}=...), or copy the model before you bind to it"
                    )


def _framework_class(cls: type) -> Any:
    return next(base for base in cls.__mro__ if base.__module__.startswith("langchain_core."))


# No type arguments: with them pydantic makes a new class, and no model passes its check of the bound runnable.
class Bound(_Container, RunnableBinding):  # type: ignore[type-arg]
    """A model with options or a config bound to it. It may contain several models, each with options of its own."""

    if not TYPE_CHECKING:  # as above

        def bind_tools(self, tools, **options) -> Runnable:
            """Return the same binding with these tools bound inside. `tools` must be empty."""
            if not _has_branches(self.bound):
                return super().bind_tools(tools, **options)
            return self.model_copy(update={"bound": _called(self.bound, "bind_tools", (tools,), options)})

        def with_structured_output(self, schema=None, **options) -> Runnable:
            """Return the framework's binding around the bound runnable's structured output."""
            if not _has_branches(self.bound):
                return super().with_structured_output(schema, **options)
            inside = _called(self.bound, "with_structured_output", (schema,), options)
            return RunnableBinding(**{**_fields_of(self), "bound": inside})

        def bind(self, **options):
            """Return this binding with more options."""
            options = _own_options(options)
            update = {"bound": hold(self.bound, options), "kwargs": {**_own_options(self.kwargs), **options}}
            return self.model_copy(update=update)

        def configurable_fields(self, **fields):
            """Return this binding around a model whose config may set these fields.

            Raises:
                InvalidRequestError: An unknown field, one that no config may set, or one that is bound already.
            """
            if set(fields) <= set(type(self).model_fields):  # the framework's own use: to configure the binding
                return super(KeepsOptions, self).configurable_fields(**fields)
            for name in fields:
                if name in self.kwargs:
                    raise InvalidRequestError(
                        f"{name} is bound, and bound options win over a config: make it configurable and do not bind it"
                    )
            made = super().configurable_fields(**fields)
            return configure(made, self.config.get("configurable") or {})

        def __getattr__(self, name):
            """Return an attribute of the bound runnable. `generate` and the like also get bound options that are not fields."""
            attribute = super().__getattr__(name)
            if name not in _GENERATING or not callable(attribute):
                return attribute
            others = {key: value for key, value in self.kwargs.items() if key not in CALL_FIELDS}

            @wraps(attribute)
            def generating(*args, **kwargs):
                return attribute(*args, **{**others, **kwargs})

            return generating


class Configurable(_Container, RunnableConfigurableFields):  # type: ignore[type-arg]
    """A model with options that the config of a call chooses."""

    if not TYPE_CHECKING:  # as above

        def with_config(self, config=None, **kwargs):
            """Return a variant that defaults to this config's choices; the config of a call overrides them."""
            return _with_config(self, config, kwargs)

        def configurable_fields(self, **fields):
            """Return a variant with more fields that a config may choose."""
            self.default._check_configurable(fields)
            fields = {**self.fields, **_own_fields(fields)}
            default = _with_chosen(self.default, fields, (self.config or {}).get("configurable", {}))
            return self.model_copy(update={"fields": fields, "default": default})

        def _prepare(self, config=None):
            config = ensure_config(config)
            return _with_chosen(self.default, self.fields, config.get("configurable", {})), config


class _Branches(_Container):
    """Base class of containers of several models, each with options of its own."""

    if not TYPE_CHECKING:  # as above

        def bind_tools(self, tools, **options) -> Runnable:
            """Return the same container with these tools bound to each model. `tools` must be empty."""
            return _mapped(self, partial(_called, method="bind_tools", arguments=(tools,), options=options))

        def with_structured_output(self, schema=None, **options) -> Runnable:
            """Return the framework's container around each model's structured output."""
            change = partial(_called, method="with_structured_output", arguments=(schema,), options=options)
            changed = _mapped(self, change)
            return _framework_class(type(self))(**_fields_of(changed))


def _called(runnable: Any, method: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Call a method of the chat model inside; a framework wrapper around it, such as a retry, wraps the result too."""
    if isinstance(runnable, RunnableBindingBase) and not isinstance(runnable, KeepsOptions):
        return runnable.model_copy(update={"bound": _called(runnable.bound, method, arguments, options)})
    function = getattr(runnable, method, None)
    if function is None:
        raise InvalidRequestError(
            f"{method} needs chat models, and a {type(runnable).__name__} among the alternatives or fallbacks is not one: "
            f"call {method} on each model first"
        )
    return function(*arguments, **options)


class Alternatives(_Branches, RunnableConfigurableAlternatives):  # type: ignore[type-arg]
    """A model with alternatives, one of which the config of a call may choose instead."""

    if not TYPE_CHECKING:  # as above

        def with_config(self, config=None, **kwargs):
            """Return a variant that defaults to this config's choices; the config of a call overrides them."""
            return _with_config(self, config, kwargs)

        def configurable_fields(self, **fields):
            """Return a variant in which a config may set these fields in each of our models."""
            return KeepsOptions.configurable_fields(self, **fields)


class WithFallbacks(_Branches, RunnableWithFallbacks):  # type: ignore[type-arg]
    """A model with fallbacks: other models that are asked after it fails."""

    if not TYPE_CHECKING:  # as above

        def __getattr__(self, name):
            """Return an attribute of the first model. The framework's own lookup fails on the annotations of `generate`."""
            return getattr(self.runnable, name) if name in _GENERATING else super().__getattr__(name)


def _with_config(runnable: Any, config: Mapping[str, Any] | None, others: Mapping[str, Any]) -> Any:
    own: Any = _own_config(config, others)
    kept = runnable.model_copy(update={"config": merge_configs(runnable.config, own)})
    return configure(kept, own.get("configurable") or {})


_CONTAINERS: dict[type, Any] = {
    RunnableBinding: Bound,
    RunnableConfigurableFields: Configurable,
    RunnableConfigurableAlternatives: Alternatives,
    RunnableWithFallbacks: WithFallbacks,
}
