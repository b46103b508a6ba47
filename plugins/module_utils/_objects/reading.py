"""Reads values of options: parts with known keys, names, choices; every error names the part."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import names as kube_names
from .refusal import Refused
from .shown import echo, names

MAX_SERVICE = kube_names.MAX_LABEL
MAX_OBJECT = kube_names.MAX_NAME


def keys(where: str, value: Any, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    """A mapping with these keys and no others, without those whose value is None."""
    if not isinstance(value, Mapping):
        raise Refused(f"{where} must be a mapping with {', '.join(required + optional)}")
    unknown = sorted(str(key) for key in set(value) - set(required) - set(optional))
    if unknown:
        raise Refused(f"{where}: unknown key {names(unknown)}: it takes {', '.join(required + optional)}")
    missing = [key for key in required if value.get(key) in (None, "", {})]
    if missing:
        raise Refused(f"{where}: {', '.join(missing)} is missing")
    return {key: each for key, each in value.items() if each is not None}


def named(where: str, value: Any, most: int, dots: str = ".") -> str:
    """The name of an object, as the API server will accept it; Services have no dots in theirs."""
    text = str(value)
    if not (kube_names.is_name if dots else kube_names.is_namespace)(text) or len(text) > most:
        raise Refused(
            f"{where}: {echo(value, 80)} is not a name: use at most {most} lower-case letters, digits and '-'"
            + (" and '.'" if dots else "")
        )
    return text


def choice(where: str, value: Any, choices: tuple[str, ...]) -> None:
    """One of the choices."""
    if value not in choices:
        raise Refused(f"{where}: {echo(value)} is not supported: use {', '.join(choices)}")


def texts(where: str, value: Any) -> tuple[str, ...]:
    """A list of texts; one text stands for a list of it."""
    if not isinstance(value, (str, list, tuple)):
        raise Refused(f"{where}: {echo(value)} is not a list of names")
    return tuple(str(each) for each in ([value] if isinstance(value, str) else value))


def whole(where: str, value: Any, least: int, most: int) -> int:
    """A whole number, which Jinja may have made a text."""
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isdecimal() and text.isascii()) or not least <= int(text) <= most:
        raise Refused(f"{where}: {echo(value)} is not a whole number from {least} to {most}")
    return int(text)


_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def truth(where: str, value: Any) -> bool:
    """True or false, which Jinja may have made a text (ansible-core 2.16 does so in mappings)."""
    told = value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower())
    if told is None:
        raise Refused(f"{where}: {echo(value)} is neither true nor false")
    return told
