"""Label and field selectors, as the API reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
Matches = Callable[[Object], bool]

_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")


def selecting(labels: str, fields: str) -> Matches:
    """Whether an object is taken by both selectors; empty ones take all."""
    tests = [_of_labels(text.strip()) for text in re.split(r",(?![^(]*\))", labels) if text.strip()]
    tests += [_of_fields(text.strip()) for text in fields.split(",") if text.strip()]
    return lambda obj: all(test(obj) for test in tests)


def _of_labels(text: str) -> Matches:
    found = _SET.match(text)
    if found:
        key, word, values = found[1], found[2], {each.strip() for each in found[3].split(",")}
        return lambda obj: (_labels(obj).get(key) in values) == (word == "in")
    if "!=" in text:
        key, _sign, value = text.partition("!=")
        return lambda obj: _labels(obj).get(key.strip()) != value.strip()
    if "=" in text:
        key, _sign, value = text.partition("=")
        return lambda obj: _labels(obj).get(key.strip()) == value.strip(" =")
    if text.startswith("!"):
        return lambda obj: text[1:] not in _labels(obj)
    return lambda obj: text in _labels(obj)


def _of_fields(text: str) -> Matches:
    key, _sign, value = text.partition("=")
    if key not in ("metadata.name", "metadata.namespace"):
        raise ValueError(f"field label not supported: {key}")
    return lambda obj: obj["metadata"].get(key.removeprefix("metadata.")) == value.strip("=")


def _labels(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def matching(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a workload's selector takes pods with these labels."""
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        _expression(each, labels) for each in selector.get("matchExpressions") or []
    )


def _expression(expression: Object, labels: dict[str, str]) -> bool:
    there, values = expression["key"] in labels, expression.get("values") or []
    if expression["operator"] in ("Exists", "DoesNotExist"):
        return there == (expression["operator"] == "Exists")
    return (labels.get(expression["key"]) in values) == (expression["operator"] == "In")
