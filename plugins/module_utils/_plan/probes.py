"""The option probe: where requests go that show which version answers, and how an answer is read."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._objects.refusal import Refused
from .._routing.served import CANARY, FAILED, STABLE
from .durations import seconds
from .reading import keys, truth

_TIMEOUT = 30.0
_URL = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d+))?(?:[/?][^\s#]*)?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True)
class Probe:
    """expect: what tells an answer of a version, by CANARY and STABLE; one may be missing. timeout: seconds for all requests together."""

    url: str
    headers: dict[str, str]
    expect: dict[str, re.Pattern[str]]
    timeout: float = _TIMEOUT
    validate_certs: bool = True


def read_probe(raw: Any, where: str = "probe") -> Probe | None:
    """Reads and validates the option; None where it is not given. Raises Refused naming the key."""
    if raw is None:
        return None
    value = keys(where, raw, ("url", "expect"), ("headers", "timeout", "validate_certs"))
    return Probe(
        url=_url(f"{where}.url", value["url"]),
        headers=_headers(f"{where}.headers", value.get("headers") or {}),
        expect=_expect(f"{where}.expect", value["expect"]),
        timeout=_timeout(f"{where}.timeout", value.get("timeout", _TIMEOUT)),
        validate_certs=truth(f"{where}.validate_certs", value.get("validate_certs", True)),
    )


def allowed(probe: Probe, hosts: Sequence[str]) -> bool:
    """Whether the probe asks one of these hosts."""
    return False


def read_answer(probe: Probe, status: int, head: Mapping[str, str], body: str) -> tuple[str, str]:
    """The version that answered: CANARY, STABLE, or FAILED; and why it is FAILED."""
    if status >= 400:
        return FAILED, f"HTTP status {status}"
    text = "".join(f"{name}: {value}\n" for name, value in head.items()) + "\n" + body
    shown = [version for version, pattern in probe.expect.items() if pattern.search(text)]
    if len(shown) > 1:
        return FAILED, f"HTTP status {status} that shows both what expect says of canary and of stable"
    if shown:
        return shown[0], ""
    if len(probe.expect) > 1:
        return FAILED, f"HTTP status {status} that shows neither what expect says of canary nor of stable"
    if status >= 300:
        # Often the proxy's own answer, sent whichever version would have got the request.
        return FAILED, f"HTTP status {status} that does not show what expect says of {next(iter(probe.expect))}"
    return (STABLE if CANARY in probe.expect else CANARY), ""


def _url(where: str, value: Any) -> str:
    text = str(value).strip()
    found = _URL.fullmatch(text)
    if "@" in re.split("[/?#]", text.partition("://")[2])[0]:
        raise Refused(f"{where}: there are credentials in it: give them as a header, for example {{Authorization: Basic ...}}")
    if not found or int(found[1] or 1) not in range(1, 65536):
        raise Refused(f"{where}: {value!r} is not a URL: use one such as http://shop.example/version or https://192.0.2.1:8443/")
    return text


def _headers(where: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise Refused(f"{where} must map names to values, for example {{Host: shop.example}}")
    return {_header_name(where, name): _header_value(f"{where}, {name}", text) for name, text in value.items() if text is not None}


def _header_name(where: str, name: Any) -> str:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise Refused(f"{where}: {name!r} is not a header's name: use letters, digits and '-'")
    return name


def _header_value(where: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused(f"{where}: {value!r} is not a text: write it in quotes")
    text = str(value).strip()
    if not _HEADER_VALUE.fullmatch(text):
        raise Refused(f"{where}: it has line breaks or other characters that no header can have")
    return text


def _expect(where: str, value: Any) -> dict[str, re.Pattern[str]]:
    given = keys(where, value, (), (CANARY, STABLE))
    if not given:
        raise Refused(f"{where}: say what an answer of canary shows, or of stable, or both, for example {{canary: 'x-version: 2'}}")
    if len({str(pattern) for pattern in given.values()}) < len(given):
        raise Refused(f"{where}: canary and stable are both {given[CANARY]!r}: say what tells them apart")
    return {version: _pattern(f"{where}.{version}", pattern) for version, pattern in given.items()}


def _pattern(where: str, value: Any) -> re.Pattern[str]:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused(f"{where}: {value!r} is not a regular expression: write it in quotes")
    try:
        # Headers' names come in any case.
        pattern = re.compile(str(value), re.IGNORECASE | re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise Refused(f"{where}: {value!r} is not a regular expression: {error}") from None
    if pattern.search(""):
        raise Refused(f"{where}: {value!r} is in every answer, since nothing at all matches it: say what only this version shows")
    return pattern


def _timeout(where: str, value: Any) -> float:
    duration = seconds(value, where)
    if duration < 1:
        raise Refused(f"{where}: {value!r} is too short to ask often enough: give at least 1s")
    return duration
