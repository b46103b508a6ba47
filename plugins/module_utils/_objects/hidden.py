"""Hides what is secret in objects: what Secrets hold, and the values of environment variables in pod templates."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HIDDEN = "********"
_CHANGED = f"{HIDDEN} (changed)"
_SECRET_PARTS = ("data", "stringData")
# kubectl keeps the whole object in it, as text.
_WHOLE_OBJECT = "kubectl.kubernetes.io/last-applied-configuration"


class Hidden(str):
    """Stands for a secret value wherever it is printed, and still knows it, so that two of them can be compared."""

    secret: Any

    def __new__(cls, secret: Any) -> Hidden:
        """The stars that stand for it."""
        made = super().__new__(cls, HIDDEN)
        made.secret = secret.secret if isinstance(secret, Hidden) else secret
        return made

    def __getnewargs__(self) -> tuple[Any]:
        """What a copy is made from."""
        return (self.secret,)


def hide(data: Any) -> Any:
    """A copy in which secret values are Hidden, without the annotation in which kubectl keeps the whole object."""
    if isinstance(data, Mapping):
        secret = data.get("kind") == "Secret"
        return {key: _hide_part(key, value, secret) for key, value in data.items() if key != _WHOLE_OBJECT}
    if isinstance(data, (list, tuple)):
        return [hide(each) for each in data]
    return data


def plain(data: Any) -> Any:
    """What `hide` made, as it is printed: stars in place of each secret value."""
    if isinstance(data, Mapping):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(each) for each in data]
    return HIDDEN if isinstance(data, Hidden) else data


def compared(before: Any, after: Any) -> Any:
    """`after`, made by `hide`, as it is printed: with a word at those secret values that differ from `before`, made by `hide` too."""
    if isinstance(after, Hidden):
        known = before.secret if isinstance(before, Hidden) else before
        return HIDDEN if before is None or known == after.secret else _CHANGED
    if isinstance(after, Mapping):
        old = before if isinstance(before, Mapping) else {}
        return {key: compared(old.get(key), value) for key, value in after.items()}
    if isinstance(after, (list, tuple)):
        return [compared(old, value) for old, value in zip(_counterparts(before, after), after)]
    return after


def secrets(data: Any) -> Iterator[Any]:
    """Every secret value."""
    yield from _secrets(hide(data))


def _secrets(data: Any) -> Iterator[Any]:
    if isinstance(data, Hidden):
        yield data.secret
    elif isinstance(data, (Mapping, list)):
        for each in data.values() if isinstance(data, Mapping) else data:
            yield from _secrets(each)


def _hide_part(key: Any, value: Any, of_secret: bool) -> Any:
    if of_secret and key in _SECRET_PARTS and isinstance(value, Mapping):
        return {name: Hidden(each) for name, each in value.items()}
    if key == "env" and isinstance(value, (list, tuple)):
        return [_hide_variable(each) for each in value]
    return hide(value)


def _hide_variable(variable: Any) -> Any:
    if not isinstance(variable, Mapping):
        return hide(variable)
    return {key: Hidden(value) if key == "value" else hide(value) for key, value in variable.items()}


def _counterparts(before: Any, after: Any) -> list[Any]:
    """For each entry of a list the one that it had before: of the same name where all have names, else at the same place."""
    old, new = list(before) if isinstance(before, (list, tuple)) else [], list(after)
    names = [[each.get("name") if isinstance(each, Mapping) else None for each in entries] for entries in (old, new)]
    if all(isinstance(name, str) for each in names for name in each):
        by_name = dict(zip(names[0], old))
        return [by_name.get(name) for name in names[1]]
    return (old + [None] * len(new))[: len(new)]
