"""Reads which router carries the traffic, and where in it the split stands."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._objects.refusal import Refused
from .._routing import ROUTERS
from .._routing.target import Level4Route, Target
from .reading import MAX_OBJECT, choice, keys, named, texts

# The options that each router takes besides those that all take.
_COMMON = ("routes", "api_version", "additional_destinations")
OPTIONS: dict[str, tuple[str, ...]] = {
    "istio": (*_COMMON, "stable_subset", "canary_subset", "destination_rule", "stable_labels", "canary_labels", "tls_routes", "tcp_routes"),
    "gateway_api": (*_COMMON, "kind"),
    "ingress_nginx": ("api_version", "canary_ingress", "annotation_prefix"),
}
_DEFINED = (*_COMMON, "definition")
ALL_OPTIONS = tuple(dict.fromkeys(option for options in (*OPTIONS.values(), _DEFINED) for option in options))


@dataclass(frozen=True)
class Between:
    """The two Services between which every router splits."""

    namespace: str
    stable_service: str
    canary_service: str


def read_router(kind: str, name: str, raw: Mapping[str, Any], where: str, between: Between) -> Target:
    """The target that the options of one router name. raw: those of ALL_OPTIONS; None and empty ones count as not given."""
    given = {key: value for key, value in raw.items() if value not in (None, "", [], {})}
    choice(f"{where}, type" if where else "router", kind, tuple(sorted(ROUTERS)))
    foreign = sorted(set(given) - set(OPTIONS.get(kind, _DEFINED)))
    if foreign:
        takers = {option: [router for router, options in OPTIONS.items() if option in options] for option in foreign}
        told = "; ".join(f"{option} is for {', '.join(routers) or 'routers with a definition'}" for option, routers in takers.items())
        raise Refused(f"{_at(where)}{', '.join(foreign)} cannot be used with {kind}: {told}")
    return Target(
        router=kind,
        name=named(f"{_at(where)}name", name, MAX_OBJECT),
        namespace=between.namespace,
        stable_service=between.stable_service,
        canary_service=between.canary_service,
        routes=texts(f"{_at(where)}routes", given.get("routes", ())),
        api_version=given.get("api_version"),
        kind=str(given.get("kind", "")),
        stable_subset=str(given.get("stable_subset", "")),
        canary_subset=str(given.get("canary_subset", "")),
        destination_rule=str(given.get("destination_rule", "")),
        stable_labels=_labels(f"{_at(where)}stable_labels", given.get("stable_labels", {})),
        canary_labels=_labels(f"{_at(where)}canary_labels", given.get("canary_labels", {})),
        tls_routes=_level_4(f"{_at(where)}tls_routes", given.get("tls_routes", ())),
        tcp_routes=_level_4(f"{_at(where)}tcp_routes", given.get("tcp_routes", ())),
        additional_destinations=texts(f"{_at(where)}additional_destinations", given.get("additional_destinations", ())),
        canary_ingress=str(given.get("canary_ingress", "")),
        annotation_prefix=str(given.get("annotation_prefix", Target.annotation_prefix)),
    )


def _at(where: str) -> str:
    return f"{where}, " if where else ""


def _labels(where: str, raw: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(raw, Mapping):
        raise Refused(f"{where} must map labels to values")
    return tuple(sorted((str(key), str(value)) for key, value in raw.items()))


def _level_4(where: str, raw: Any) -> tuple[Level4Route, ...]:
    if not isinstance(raw, (list, tuple)):
        raise Refused(f"{where} must be a list, for example [{{port: 443, sni_hosts: [shop.example.org]}}]")
    return tuple(_level_4_route(f"{where}, number {number}", each) for number, each in enumerate(raw, 1))


def _level_4_route(where: str, raw: Any) -> Level4Route:
    given = keys(where, raw, (), ("port", "sni_hosts"))
    try:
        port = int(given["port"]) if "port" in given else None
    except (TypeError, ValueError):
        raise Refused(f"{where}, port: {given['port']!r} is not a number") from None
    return Level4Route(port, texts(f"{where}, sni_hosts", given.get("sni_hosts", ())))
