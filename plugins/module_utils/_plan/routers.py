"""Reads which router carries the traffic, and where in it the split stands."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._objects import pages
from .._objects.reading import MAX_OBJECT, keys, members, named, texts, truth
from .._objects.refusal import Refused
from .._objects.shown import echo
from .._routing.custom.definition import read_definition
from .._routing.registry import ROUTERS, names
from .._routing.router import COMMON_OPTIONS
from .._routing.target import Level4Route, Target
from .labels import read_labels

# The options that each router takes.
OPTIONS: dict[str, tuple[str, ...]] = {name: router.options for name, router in ROUTERS.items()}
_DEFINED = (*COMMON_OPTIONS, "definition")
REPLICAS = "replicas"  # no router, so it has no target
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
    _refuse_unknown(kind, where, "definition" in given)
    foreign = sorted(set(given) - set(OPTIONS.get(kind, _DEFINED)))
    if foreign:
        takers = {**OPTIONS, "routers with a definition": _DEFINED}
        others = ", ".join(each for each in takers if foreign[0] in takers[each])
        raise Refused(_at(where, foreign[0]), f"cannot be used with router {kind}, only with {others}", f"remove {', '.join(foreign)}")
    ours = sorted({between.stable_service, between.canary_service} & set(texts("", given.get("additional_destinations", ()))))
    if ours:
        problem = f"names {', '.join(ours)}, which is one of the two Services that the traffic is split between"
        raise Refused(_at(where, "additional_destinations"), problem, "name only other destinations")
    return Target(
        router=kind,
        name=named(_at(where, "name"), name, MAX_OBJECT),
        namespace=between.namespace,
        stable_service=between.stable_service,
        canary_service=between.canary_service,
        routes=texts(_at(where, "routes"), given.get("routes", ())),
        api_version=given.get("api_version"),
        kind=str(given.get("kind", "")),
        stable_subset=str(given.get("stable_subset", "")),
        canary_subset=str(given.get("canary_subset", "")),
        destination_rule=str(given.get("destination_rule", "")),
        stable_labels=_labels(_at(where, "stable_labels"), given.get("stable_labels", {})),
        canary_labels=_labels(_at(where, "canary_labels"), given.get("canary_labels", {})),
        tls_routes=_level_4(_at(where, "tls_routes"), given.get("tls_routes", ())),
        tcp_routes=_level_4(_at(where, "tcp_routes"), given.get("tcp_routes", ())),
        additional_destinations=texts(_at(where, "additional_destinations"), given.get("additional_destinations", ())),
        canary_ingress=_named(_at(where, "canary_ingress"), given.get("canary_ingress", "")),
        annotation_prefix=_named(_at(where, "annotation_prefix"), given.get("annotation_prefix", Target.annotation_prefix)),
        definition=read_definition(given["definition"], _at(where, "definition")) if "definition" in given else None,
        allow_mirror_reload=_flag(_at(where, "allow_mirror_reload"), given.get("allow_mirror_reload", False)),
    )


def title_of(target: Target) -> str:
    """A router, as messages and memories name it."""
    return f"{target.router} {target.name}"


def refuse_twice(targets: Sequence[Target]) -> None:
    """Raises Refused where two entries name one object: the split of each is computed without the other's, and would undo it."""
    titles = [title_of(each) for each in targets]
    twice = next((each for each in titles if titles.count(each) > 1), None)
    if twice:
        raise Refused("routers", f"has more than one entry for {twice}", "write one entry with all its routes")


def _refuse_unknown(kind: str, where: str, defined: bool) -> None:
    key = f"{where}.type" if where else "router"
    if defined and kind in ROUTERS:
        raise Refused(key, f"is {echo(kind)}, which takes no definition", "remove definition, or use another name for the router")
    if not defined and kind not in names():
        known = ", ".join(sorted([*names(), REPLICAS]))
        remedy = f"use one of {known}, or describe the router with definition ({pages.ROUTERS})"
        raise Refused(key, f"names the unknown router {echo(kind)}", remedy)


def _named(where: str, name: Any) -> str:
    return named(where, name, MAX_OBJECT) if name else ""


def _flag(where: str, raw: Any) -> bool:
    return truth(where, {"1": True, "0": False}.get(str(raw), raw))


def _at(where: str, option: str) -> str:
    """An option of a router, as messages name it: `routers[0].routes` in a plan, `routes` where it is an option of the module."""
    return f"{where}.{option}" if where else option


def _labels(where: str, raw: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(read_labels(where, raw).items())) if raw else ()


def _level_4(where: str, raw: Any) -> tuple[Level4Route, ...]:
    if not isinstance(raw, (list, tuple)):
        raise Refused(where, "must be a list", "write for example [{port: 443, sni_hosts: [shop.example.org]}]")
    return tuple(_level_4_route(each_where, each) for each_where, each in members(where, raw))


def _level_4_route(where: str, raw: Any) -> Level4Route:
    given = keys(where, raw, (), ("port", "sni_hosts"))
    try:
        port = int(given["port"]) if "port" in given else None
    except (TypeError, ValueError):
        raise Refused(f"{where}.port", f"must be a number, not {echo(given['port'])}", "correct the number") from None
    return Level4Route(port, texts(f"{where}.sni_hosts", given.get("sni_hosts", ())))
