"""The option probe: where requests go that show which version answers, and how an answer is read."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Union

from .._objects.durations import seconds
from .._objects.reading import keys, members, truth
from .._objects.refusal import Refused
from .._objects.shown import echo, names, shown
from .._routing.served import CANARY, FAILED, STABLE

_TIMEOUT = 30.0
# Characters.
_LONGEST_PATTERN = 1000
_LONGEST_HEAD = 65536
_URL = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?:[/?][^\s#]*)?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_PORT = re.compile(r"(.*):(\d+|\*)")
# Where clouds answer with the credentials of a machine, besides the link-local addresses.
_METADATA = tuple(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")))
# IPv6 networks whose addresses end in the IPv4 address that they lead to: NAT64, IPv4-compatible and IPv4-translated ones.
_EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
# Each network operator decides for its own addresses where the IPv4 address stands in them (RFC 8215).
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# Says which of the patterns of `expect` a text has, by version.
Search = Callable[[str], "frozenset[str]"]


@dataclass(frozen=True)
class Probe:
    """expect: what tells an answer of a version, by CANARY and STABLE; one may be missing. timeout: seconds for all requests together.

    missing: names of headers whose values are not known, since records never store them. Without them the probe cannot be sent.
    """

    url: str
    headers: dict[str, str]
    expect: dict[str, re.Pattern[str]]
    timeout: float = _TIMEOUT
    validate_certs: bool = True
    missing: tuple[str, ...] = ()

    @property
    def needs_headers(self) -> bool:
        """Whether only the caller can send it, who knows the values of its headers."""
        return bool(self.missing)

    @property
    def host(self) -> str:
        """The host of the URL in lower case, IPv6 addresses without brackets."""
        found = _URL.fullmatch(self.url)
        return _plain(found[1]) if found else ""

    @property
    def port(self) -> int:
        """The port of the URL, or that of its scheme."""
        found = _URL.fullmatch(self.url)
        return int(found[2]) if found and found[2] else 443 if self.url.lower().startswith("https:") else 80


def read_probe(raw: Any, where: str = "probe") -> Probe | None:
    """Reads and validates the option; None where it is not given. Raises Refused naming the key.

    A header without a value is one whose value is not stored: it is remembered as missing.
    """
    if raw is None:
        return None
    value = keys(where, raw, ("url", "expect"), ("headers", "timeout", "validate_certs"))
    headers, missing = _headers(f"{where}.headers", value.get("headers") or {})
    return Probe(
        url=_url(f"{where}.url", value["url"]),
        headers=headers,
        missing=missing,
        expect=_expect(f"{where}.expect", value["expect"]),
        timeout=_timeout(f"{where}.timeout", value.get("timeout", _TIMEOUT)),
        validate_certs=truth(f"{where}.validate_certs", value.get("validate_certs", True)),
    )


def without_header_values(raw: Any) -> Any:
    """The option as a record may store it: of its headers only the names, each with null."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("headers"), Mapping):
        return raw
    return {**raw, "headers": dict.fromkeys(raw["headers"])}


def read_hosts(raw: Any, where: str = "probe_hosts") -> tuple[str, ...] | None:
    """Reads the option probe_hosts: hosts, or host:port, in which `*` stands for any text; None where it is not given."""
    if raw is None:
        return None
    if not isinstance(raw, (list, tuple)):
        raise Refused(where, f"must be a list of hosts, not {echo(raw)}", "write for example [gateway.example, '*.shop.example:8443']")
    for each_where, each in members(where, raw):
        if not isinstance(each, str) or not re.fullmatch(r"[A-Za-z0-9._*-]+(:(\d+|\*))?|\[[0-9A-Fa-f:.*]+\](:(\d+|\*))?", each.strip()):
            remedy = "write for example gateway.example, *.shop.example:8443 or [2001:db8::1]:80"
            raise Refused(each_where, f"must be a host or host:port, not {echo(each)}", remedy)
    return tuple(each.strip() for each in raw)


def allowed(probe: Probe, hosts: Sequence[str] | None) -> bool:
    """Whether one of the hosts, as `read_hosts` returns them, names the host of the probe's URL; None names none."""
    return any(_names(each, probe) for each in hosts or ())


def refuse_other_hosts(probe: Probe | None, hosts: Sequence[str] | None, where: str = "probe") -> None:
    """Raises Refused for a probe of a host that probe_hosts does not name; without probe_hosts every host may be asked."""
    if probe is not None and hosts is not None and not allowed(probe, hosts):
        problem = f"has the host {shown(probe.host, 253)}, which probe_hosts does not allow"
        raise Refused(f"{where}.url", problem, "add the host to probe_hosts, or use one of its hosts")


def refuse_missing_headers(probe: Probe | None, where: str = "probe") -> None:
    """Raises Refused for a probe that cannot be sent, since the values of some of its headers are missing."""
    if probe is not None and probe.missing:
        raise Refused(
            f"{where}.headers.{shown(probe.missing[0])}", "has no value", f"set the values of {names(probe.missing)}, or remove them"
        )


def link_local(address: str) -> bool:
    """Whether no probe may be sent to this IP address: link-local ones, however they are written, and those of cloud metadata."""
    try:
        meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return any(each.is_link_local or each in _METADATA or each in _LOCAL_NAT64 for each in meant)


def _meant(address: _Address) -> list[_Address]:
    """The address, and the IPv4 address that an IPv6 address leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    within: list[_Address | None] = [address.ipv4_mapped, address.sixtofour]
    if any(address in network for network in _EMBEDDING):
        within.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *(each for each in within if each is not None)]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        return False


def _plain(host: str) -> str:
    """A host as hosts are compared: in lower case, IPv6 addresses in their shortest form."""
    text = host.lower().strip("[]")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.rstrip(".")


def _names(pattern: str, probe: Probe) -> bool:
    with_port = _PORT.fullmatch(pattern) if pattern.startswith("[") or pattern.count(":") == 1 else None
    if with_port and pattern.startswith("[") and not with_port[1].endswith("]"):
        with_port = None
    host, port = (with_port[1], with_port[2]) if with_port else (pattern, "*")
    wanted = ".*".join(re.escape(part) for part in _plain(host).split("*"))
    return port in ("*", str(probe.port)) and re.fullmatch(wanted, probe.host) is not None


def read_answer(probe: Probe, status: int, head: Mapping[str, str], body: str, search: Search) -> tuple[str, str]:
    """The version that answered: CANARY, STABLE, or FAILED; and why it is FAILED. search: looks for the patterns of `expect`."""
    if status >= 400:
        return FAILED, f"HTTP status {status}"
    found = search("".join(f"{name}: {value}\n" for name, value in head.items())[:_LONGEST_HEAD] + "\n" + body)
    seen = [version for version in probe.expect if version in found]
    if len(seen) > 1:
        return FAILED, f"HTTP status {status} that shows both what expect says of canary and of stable"
    if seen:
        return seen[0], ""
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
        raise Refused(where, "must not contain credentials", "send them as a header, for example {Authorization: Basic ...}")
    if not found or int(found[2] or 1) not in range(1, 65536) or (found[1].startswith("[") and not _is_address(_plain(found[1]))):
        remedy = "write for example http://shop.example/version or https://192.0.2.1:8443/"
        raise Refused(where, f"must be a URL, not {echo(value)}", remedy)
    host = _plain(found[1])
    if link_local(host):
        problem = f"has the host {host}, a link-local or metadata address, which no probe may ask"
        raise Refused(where, problem, "use the address of the gateway")
    return text


def _headers(where: str, value: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    """The headers with a value, and the names of those without."""
    if not isinstance(value, Mapping):
        raise Refused(where, "must map names to values", "write for example {Host: shop.example}")
    read = {_header_name(where, name): None if text is None else _header_value(f"{where}.{name}", text) for name, text in value.items()}
    return {name: text for name, text in read.items() if text is not None}, tuple(name for name, text in read.items() if text is None)


def _header_name(where: str, name: Any) -> str:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise Refused(where, f"has the key {echo(name)}, which is not the name of a header", "use letters, digits and '-'")
    return name


def _header_value(where: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        # The value itself may be secret.
        raise Refused(where, f"must be a string, not a value of type {type(value).__name__}", "put the value between quotes")
    text = str(value).strip()
    if not _HEADER_VALUE.fullmatch(text):
        raise Refused(where, "contains line breaks or other characters that no header can have", "remove these characters")
    return text


def _expect(where: str, value: Any) -> dict[str, re.Pattern[str]]:
    given = keys(where, value, (), (CANARY, STABLE))
    if not given:
        problem = "has no pattern that identifies answers of the canary or the stable version"
        raise Refused(where, problem, "write for example {canary: 'x-version: 2'}")
    if len({str(pattern) for pattern in given.values()}) < len(given):
        raise Refused(where, f"has the same pattern for canary and stable, {echo(given[CANARY])}", "use patterns that differ")
    return {version: _pattern(f"{where}.{version}", pattern) for version, pattern in given.items()}


def _pattern(where: str, value: Any) -> re.Pattern[str]:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused(where, f"must be a regular expression, not {echo(value)}", "put the expression between quotes")
    text = str(value)
    if not text:
        raise Refused(where, "is empty and would match every answer", "use a pattern that only this version matches")
    if len(text) > _LONGEST_PATTERN:
        raise Refused(where, f"has {len(text)} characters", f"use at most {_LONGEST_PATTERN}")
    try:
        # Headers' names come in any case.
        return re.compile(text, re.IGNORECASE | re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        problem = f"must be a regular expression, not {echo(value)} ({error})"
        raise Refused(where, problem, "correct the expression") from None


def _timeout(where: str, value: Any) -> float:
    duration = seconds(value, where)
    if duration < 1:
        raise Refused(where, f"is {echo(value)}, too short for enough requests", "use at least 1s")
    return duration
