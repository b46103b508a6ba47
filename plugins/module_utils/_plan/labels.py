"""Reads labels and selectors from options, as the API server will accept them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
from collections.abc import Mapping
from typing import Any

from .._objects import names
from .._objects.refusal import Refused
from .._objects.shown import echo


def read_labels(where: str, raw: Any) -> dict[str, str]:
    """Labels by key. Whole numbers are taken for their digits; other values that are no texts are refused, since YAML changed them."""
    if not isinstance(raw, Mapping):
        raise Refused(where, "must be a mapping of labels to values", "write for example {version: blue}")
    return {_key(where, key): _value(f"{where}.{key}", value) for key, value in raw.items()}


def read_selector(where: str, raw: Any) -> dict[str, str | None]:
    """Changes to a selector; a key with None is to go."""
    if not isinstance(raw, Mapping):
        raise Refused(where, "must be a mapping of labels to values", "write for example {version: blue}")
    kept = read_labels(where, {key: value for key, value in raw.items() if value is not None})
    return {_key(where, key): kept.get(key) for key in raw}


def _key(where: str, key: Any) -> str:
    if not names.is_label_key(key):
        allowed = "letters, digits, '-', '_' and '.', with an optional prefix such as example.org/"
        raise Refused(where, f"has the key {echo(key)}, which no label can have", f"use {allowed}")
    return str(key)


def _value(where: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Refused(where, f"must be a string, not {echo(value)}", "put the value between quotes")
    if not names.is_label_value(str(value)):
        raise Refused(where, f"is {echo(value)}, which no label can have as its value", "use at most 63 letters, digits, '-', '_' and '.'")
    return str(value)
