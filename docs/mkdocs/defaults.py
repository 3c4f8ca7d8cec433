"""Extension of griffe for the API reference: signatures show the defaults of the imported code as values, not as names.

Griffe reads the source, where a default is a name such as `DEFAULT_TIMEOUT`, and where a Pydantic model takes `**options`.
"""

from __future__ import annotations

import enum
import inspect
import re
from importlib import import_module
from typing import Annotated, Any, get_args, get_origin

import griffe
from pydantic import BaseModel


def as_shown(default: Any) -> str:
    """Return the text of a default: its value, or the name of a class."""
    if isinstance(default, type):
        return default.__name__
    plain = isinstance(default, enum.Enum) and isinstance(default, str)
    return repr(default.value if plain else default)


def runtime(path: str) -> Any:
    """Return the object at a dotted path, or None where the source alone has it."""
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for name in parts[count:]:
            found = getattr(found, name, None)
        return found
    return None


def parameters_of(model: type[BaseModel]) -> griffe.Parameters:
    """Return the options that a Pydantic model takes, with their types and defaults."""
    fields = {name: field for key, field in model.model_fields.items() for name in (key, field.alias)}
    found = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
    for each in inspect.signature(model).parameters.values():
        default = None if each.default is each.empty else as_shown(each.default)
        if default == "<factory>":
            default = f"{type(fields[each.name].get_default(call_default_factory=True)).__name__}()"
        kind = getattr(griffe.ParameterKind, each.kind.name.lower())
        found.append(griffe.Parameter(each.name, kind=kind, annotation=_type_text(each.annotation), default=default))
    return griffe.Parameters(*found)


def _type_text(annotation: Any) -> str | None:
    """Return a type without the modules of its parts and without what Pydantic adds."""
    if annotation is inspect.Parameter.empty:
        return None
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    text = plain if isinstance(plain, str) else inspect.formatannotation(plain)
    return re.sub(r"\b(?:[A-Za-z_]\w*\.)+(\w+)", r"\1", text)


class Defaults(griffe.Extension):
    """Put the values of the running code into the signatures."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change a package once all of its source was read."""
        self._visit(pkg)

    def _visit(self, thing: griffe.Object) -> None:
        for name, member in thing.members.items():
            if isinstance(member, griffe.Function):
                self._function(member)
            elif isinstance(member, griffe.Attribute) and re.fullmatch(r"_?[A-Z_]+", str(member.value)):
                member.value = as_shown(runtime(f"{member.module.path}.{member.value}"))
            elif isinstance(member, griffe.Module | griffe.Class) and name != "__main__":
                self._visit(member)
        kind = runtime(thing.path) if isinstance(thing, griffe.Class) else None
        init = thing.members.get("__init__")
        if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(init, griffe.Function):
            init.parameters = parameters_of(kind)
            for parameter in init.parameters:
                attribute = thing.members.get(parameter.name)
                if isinstance(attribute, griffe.Attribute) and str(attribute.value).startswith("Field("):
                    attribute.value = parameter.default

    def _function(self, function: griffe.Function) -> None:
        if all(parameter.default is None for parameter in function.parameters):
            return
        found = runtime(function.path)
        values = inspect.signature(found).parameters if callable(found) else {}
        for parameter in function.parameters:
            value = values.get(parameter.name)
            if value is not None and value.default is not value.empty and repr(value.default) != "<factory>":
                parameter.default = as_shown(value.default)
