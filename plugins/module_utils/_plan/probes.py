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
from .._objects.reading import keys, truth
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
# Of its addresses each network operator decides himself where the IPv4 address stands in them (RFC 8215).
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
        raise Refused(f"{where}: {echo(raw)} is not a list of hosts: write for example [gateway.example, '*.shop.example:8443']")
    for number, each in enumerate(raw, 1):
        if not isinstance(each, str) or not re.fullmatch(r"[A-Za-z0-9._*-]+(:(\d+|\*))?|\[[0-9A-Fa-f:.*]+\](:(\d+|\*))?", each.strip()):
            raise Refused(
                f"{where}, number {number}: {echo(each)} is neither a host nor host:port: use one such as gateway.example, "
                "*.shop.example:8443 or [2001:db8::1]:80"
            )
    return tuple(each.strip() for each in raw)


def allowed(probe: Probe, hosts: Sequence[str] | None) -> bool:
    """Whether one of the hosts, as `read_hosts` returns them, names the host of the probe's URL; None names none."""
    return any(_names(each, probe) for each in hosts or ())


def refuse_other_hosts(probe: Probe | None, hosts: Sequence[str] | None, where: str = "probe") -> None:
    """Raises Refused for a probe of a host that probe_hosts does not name; without probe_hosts every host may be asked."""
    if probe is not None and hosts is not None and not allowed(probe, hosts):
        raise Refused(f"{where}.url: host {shown(probe.host, 253)} is not in probe_hosts: add it there, or ask one of its hosts")


def refuse_missing_headers(probe: Probe | None, where: str = "probe") -> None:
    """Raises Refused for a probe that cannot be sent, since the values of some of its headers are missing."""
    if probe is not None and probe.missing:
        raise Refused(f"{where}.headers: {names(probe.missing)} has no value: give one, or leave the header out")


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
        raise Refused(f"{where}: there are credentials in it: give them as a header, for example {{Authorization: Basic ...}}")
    if not found or int(found[2] or 1) not in range(1, 65536) or (found[1].startswith("[") and not _is_address(_plain(found[1]))):
        raise Refused(f"{where}: {echo(value)} is not a URL: use one such as http://shop.example/version or https://192.0.2.1:8443/")
    host = _plain(found[1])
    if link_local(host):
        raise Refused(f"{where}: {host} is a link-local or metadata address, which no probe may ask: use the address of the gateway")
    return text


def _headers(where: str, value: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    """The headers with a value, and the names of those without."""
    if not isinstance(value, Mapping):
        raise Refused(f"{where} must map names to values, for example {{Host: shop.example}}")
    read = {_header_name(where, name): None if text is None else _header_value(f"{where}, {name}", text) for name, text in value.items()}
    return {name: text for name, text in read.items() if text is not None}, tuple(name for name, text in read.items() if text is None)


def _header_name(where: str, name: Any) -> str:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise Refused(f"{where}: {echo(name)} is not a header's name: use letters, digits and '-'")
    return name


def _header_value(where: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        # The value itself may be secret.
        raise Refused(f"{where}: its value is not a text but of type {type(value).__name__}: write it in quotes")
    text = str(value).strip()
    if not _HEADER_VALUE.fullmatch(text):
        raise Refused(f"{where}: it has line breaks or other characters that no header can have")
    return text


def _expect(where: str, value: Any) -> dict[str, re.Pattern[str]]:
    given = keys(where, value, (), (CANARY, STABLE))
    if not given:
        raise Refused(f"{where}: say what an answer of canary shows, or of stable, or both, for example {{canary: 'x-version: 2'}}")
    if len({str(pattern) for pattern in given.values()}) < len(given):
        raise Refused(f"{where}: canary and stable are both {echo(given[CANARY])}: say what tells them apart")
    return {version: _pattern(f"{where}.{version}", pattern) for version, pattern in given.items()}


def _pattern(where: str, value: Any) -> re.Pattern[str]:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused(f"{where}: {echo(value)} is not a regular expression: write it in quotes")
    text = str(value)
    if not text:
        raise Refused(f"{where}: it is empty, and so in every answer: say what only this version shows")
    if len(text) > _LONGEST_PATTERN:
        raise Refused(f"{where}: it has {len(text)} characters: use at most {_LONGEST_PATTERN}")
    try:
        # Headers' names come in any case.
        return re.compile(text, re.IGNORECASE | re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise Refused(f"{where}: {echo(value)} is not a regular expression: {error}") from None


def _timeout(where: str, value: Any) -> float:
    duration = seconds(value, where)
    if duration < 1:
        raise Refused(f"{where}: {echo(value)} is too short to ask often enough: give at least 1s")
    return duration
