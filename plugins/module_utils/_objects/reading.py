"""Reads values of options: parts with known keys, names, choices; every error names the part."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import names as kube_names
from .refusal import Refused
from .shown import echo, names

MAX_SERVICE = kube_names.MAX_LABEL
MAX_OBJECT = kube_names.MAX_NAME


def keys(where: str, value: Any, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    """A mapping with these keys and no others, without those whose value is None. where: the option, as `routers[0]`."""
    allowed = ", ".join(required + optional)
    if not isinstance(value, Mapping):
        raise Refused(where, "must be a mapping", f"use the keys {allowed}")
    unknown = sorted(str(key) for key in set(value) - set(required) - set(optional))
    if unknown:
        raise Refused(where, f"does not take {names(unknown)}", f"use {allowed}")
    missing = [key for key in required if value.get(key) in (None, "", {})]
    if missing:
        raise Refused(f"{where}.{missing[0]}", "is missing", f"set {', '.join(missing)}")
    return {key: each for key, each in value.items() if each is not None}


def named(where: str, value: Any, most: int, dots: str = ".") -> str:
    """The name of an object, as the API server will accept it; Services have no dots in theirs."""
    text = str(value)
    if not (kube_names.is_name if dots else kube_names.is_namespace)(text) or len(text) > most:
        allowed = f"at most {most} lower-case letters, digits and '-'" + (" and '.'" if dots else "")
        raise Refused(where, f"must be a Kubernetes name, not {echo(value, 80)}", f"use {allowed}")
    return text


def choice(where: str, value: Any, choices: tuple[str, ...]) -> None:
    """One of the choices."""
    if value not in choices:
        raise Refused(where, f"cannot be {echo(value)}", f"use {', '.join(choices)}")


def texts(where: str, value: Any) -> tuple[str, ...]:
    """A list of texts; one text stands for a list of it."""
    if not isinstance(value, (str, list, tuple)):
        raise Refused(where, f"must be a list of names, not {echo(value)}", "write it as a list, for example [first, second]")
    return tuple(str(each) for each in ([value] if isinstance(value, str) else value))


def whole(where: str, value: Any, least: int, most: int) -> int:
    """A whole number, which Jinja may have made a text."""
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isdecimal() and text.isascii()) or not least <= int(text) <= most:
        raise Refused(where, f"must be a whole number from {least} to {most}, not {echo(value)}", "correct the number")
    return int(text)


_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def truth(where: str, value: Any) -> bool:
    """True or false, which Jinja may have made a text (ansible-core 2.16 does so in mappings)."""
    read = value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower())
    if read is None:
        raise Refused(where, f"must be true or false, not {echo(value)}", "use one of the two")
    return read


def members(where: str, values: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """The values of a list, each with the name that messages give it: `canary.steps[0]` is the first one, as in Kubernetes."""
    return ((f"{where}[{index}]", value) for index, value in enumerate(values))
