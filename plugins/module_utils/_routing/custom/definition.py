"""What a router is like, as data: where in its object destinations and weights stand, and what its status says (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Callable

from ..._objects import names as kube_names
from ..._objects import pages
from ..._objects.refusal import Refused
from ..._objects.restorable import WEIGHT_WORDS, is_described, is_weight_key
from ..._objects.shown import echo, names

Keys = tuple[str, ...]  # a path of keys of mappings
Pairs = tuple[tuple[Keys, Any], ...]


@dataclass(frozen=True)
class Definition:
    """The definition of a custom router: its fields are the keys of docs/routers.md, joined by `_`.

    Attributes:
        destinations: The keys to each list on the way, the last of which is the list of destinations.
        status_wanted: Alternatives; one is fulfilled when all its conditions (type, status) are.
    """

    api_versions: tuple[str, ...]
    kind: str
    plural: str
    destinations: tuple[Keys, ...]
    destination_service: Keys
    destination_namespace: Keys = ()
    destination_port: Keys = ()
    destination_where: Pairs = ()
    destination_ignore: Pairs = ()
    destination_not_copied: tuple[Keys, ...] = ()
    weight_field: Keys = ("weight",)
    weight_default: int = 1
    weight_total: int | None = None
    weight_even_when_all_zero: bool = False
    routes_name: Keys = ()
    routes_told_apart_by: tuple[Keys, ...] = ()
    routes_refuse_with: tuple[Keys, ...] = ()
    add_canary: bool = True
    sticky: tuple[Keys, ...] = ()
    status_conditions: Keys = ("status", "conditions")
    status_wanted: tuple[tuple[tuple[str, str], ...], ...] = ()
    status_generation: Keys = ("observedGeneration",)
    status_details: Keys = ()
    status_required: bool = True
    grace: float = 5.0

    def __str__(self) -> str:
        """What differs from the defaults, so that fields which come later do not make it another definition."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return str({each.name: values[each.name] for each in fields(self) if values[each.name] != each.default})


Reader = Callable[[str, Any], Any]


def _text(where: str, raw: Any) -> str:
    if not isinstance(raw, str) or not raw:
        raise Refused(where, f"must be a text, not {echo(raw)}", "write one")
    return raw


def _keys(where: str, raw: Any) -> Keys:
    if not isinstance(raw, str) or not re.fullmatch(r"[\w-]+(\.[\w-]+)*", raw):
        raise Refused(where, f"must be a path of keys, not {echo(raw)}", "write for example destination.host")
    return tuple(raw.split("."))


def _weight(where: str, raw: Any) -> Keys:
    """Only fields that are called like a weight are put back, whatever a memory on the object says."""
    keys = _keys(where, raw)
    if not is_weight_key(keys[-1]):
        raise Refused(
            where,
            f"must end in a word that means a weight, not {echo(raw)}",
            f"use a field whose last word is one of {', '.join(WEIGHT_WORDS)}",
        )
    return keys


def _lists(where: str, raw: Any) -> tuple[Keys, ...]:
    if not isinstance(raw, str) or not re.fullmatch(r"([\w-]+(\.[\w-]+)*\[\]\.?)+(?<!\.)", raw):
        raise Refused(
            where,
            f"must be a path that leads through lists to the destinations, not {echo(raw)}",
            "write for example spec.routes[].services[]",
        )
    return tuple(tuple(part.strip(".").split(".")) for part in raw.split("[]") if part)


def _several(read: Reader) -> Reader:
    def several(where: str, raw: Any) -> tuple[Any, ...]:
        if not isinstance(raw, (list, tuple)):
            raise Refused(where, f"must be a list, not {echo(raw)}", "write one")
        return tuple(read(f"{where}[{number}]", each) for number, each in enumerate(raw))

    return several


def _values(where: str, raw: Any) -> Pairs:
    if not isinstance(raw, Mapping) or any(isinstance(value, (Mapping, list)) for value in raw.values()):
        raise Refused(where, f"must map fields to values, not {echo(raw)}", "write for example {kind: Service}")
    return tuple((_keys(where, key), value) for key, value in raw.items())


def _flag(where: str, raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise Refused(where, f"must be true or false, not {echo(raw)}", "use one of these")
    return raw


def _number(least: int) -> Reader:
    def number(where: str, raw: Any) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or raw < least:
            raise Refused(where, f"must be a whole number of {least} or more, not {echo(raw)}", "correct it")
        return raw

    return number


def _seconds(where: str, raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw < float("inf"):
        raise Refused(where, f"must be a number of seconds, not {echo(raw)}", "correct it")
    return float(raw)


def _api_version(where: str, raw: Any) -> str:
    group, slash, version = raw.partition("/") if isinstance(raw, str) else ("", "", "")
    if not (slash and kube_names.is_group(group) and kube_names.is_version(version)):
        raise Refused(where, f"must be group/version, not {echo(raw)}", "write for example example.org/v1")
    if not is_described(group):
        # Those kinds decide what runs in the cluster and who may do what there; none of them is a router.
        raise Refused(
            where, f"is in {group}, an API group of Kubernetes itself, which a definition cannot describe", "use the router for that kind"
        )
    return str(raw)


def _plural(where: str, raw: Any) -> str:
    if not kube_names.is_plural(raw):
        raise Refused(where, f"must be the plural of a kind as in API paths, not {echo(raw)}", "write for example virtualservers")
    return str(raw)


def _conditions(where: str, raw: Any) -> tuple[tuple[tuple[str, str], ...], ...]:
    alternatives = raw if isinstance(raw, (list, tuple)) else [raw]
    for each in alternatives:
        if not isinstance(each, Mapping) or not each or not all(isinstance(value, (str, bool)) for value in each.values()):
            raise Refused(where, f"must map types of conditions to what they must be, not {echo(raw)}", "write for example {Valid: 'True'}")
    # True without quotes is a boolean in YAML, and means the same.
    return tuple(tuple((str(key), str(value)) for key, value in each.items()) for each in alternatives)


# The keys of a definition, what reads each, and the field that it fills; those that must be there have no default in Definition.
TABLE: dict[str, Any] = {
    "apiVersion": ("", _api_version),
    "other_versions": ("", _several(_api_version)),
    "kind": ("kind", _text),
    "plural": ("plural", _plural),
    "destinations": ("destinations", _lists),
    "destination": {
        "service": ("destination_service", _keys),
        "namespace": ("destination_namespace", _keys),
        "port": ("destination_port", _keys),
        "where": ("destination_where", _values),
        "ignore": ("destination_ignore", _values),
        "not_copied": ("destination_not_copied", _several(_keys)),
    },
    "weight": {
        "field": ("weight_field", _weight),
        "default": ("weight_default", _number(0)),
        "total": ("weight_total", _number(1)),
        "even_when_all_zero": ("weight_even_when_all_zero", _flag),
    },
    "routes": {
        "name": ("routes_name", _keys),
        "told_apart_by": ("routes_told_apart_by", _several(_keys)),
        "refuse_with": ("routes_refuse_with", _several(_keys)),
    },
    "add_canary": ("add_canary", _flag),
    "sticky": ("sticky", _several(_keys)),
    "status": {
        "conditions": ("status_conditions", _keys),
        "wanted": ("status_wanted", _conditions),
        "generation": ("status_generation", _keys),
        "details": ("status_details", _keys),
        "required": ("status_required", _flag),
    },
    "grace": ("grace", _seconds),
}
_REQUIRED: dict[str, Keys] = {
    "": ("apiVersion", "kind", "plural", "destinations", "destination"),
    "destination": ("service",),
    "status": ("wanted",),
}


def read_definition(raw: Any, where: str = "definition") -> Definition:
    """Reads a definition.

    Args:
        raw: The definition as users write it.
        where: The option, in messages.

    Raises:
        Refused: A key is missing, unknown, or has a wrong value.
    """
    found = _read(where, raw, TABLE, _REQUIRED[""])
    versions = (found.pop("apiVersion"), *found.pop("other_versions", ()))
    return Definition(api_versions=versions, **found)


def _read(where: str, raw: Any, table: Mapping[str, Any], required: Keys = ()) -> dict[str, Any]:
    """The fields of Definition that a mapping fills; what belongs to apiVersion goes by its key."""
    if not isinstance(raw, Mapping):
        raise Refused(where, f"must be a mapping, not {echo(raw)}", f"use the keys {', '.join(table)} ({pages.ROUTERS})")
    unknown = sorted(str(key) for key in raw if key not in table)
    if unknown:
        raise Refused(where, f"has unknown keys: {names(unknown)}", f"use {', '.join(table)}")
    missing = [key for key in required if raw.get(key) is None]
    if missing:
        raise Refused(where, f"lacks {', '.join(missing)}", "add it")
    filled: dict[str, Any] = {}
    for key, value in raw.items():
        if value is None:
            continue
        entry = table[key]
        if isinstance(entry, Mapping):
            filled.update(_read(f"{where}.{key}", value, entry, _REQUIRED.get(key, ())))
        else:
            field, read = entry
            filled[field or key] = read(f"{where}.{key}", value)
    return filled
