"""A router that is described by a definition: the split between two Services in lists of weighted destinations (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from ..._objects import paths
from ..._objects.edits import Edit
from ..._objects.paths import MISSING, Path, Step
from ..._objects.plan_writes import Change
from ..._objects.refusal import Refused
from ..._objects.resources import Resource
from ..router import Backend, Object, Objects, Part, Router, backends_by_service, refuse_requests, service_and_namespace, title
from ..target import DesiredTraffic, Split, Target, within
from .definition import Definition, Keys, Pairs

_PART = "object"


@cache
def router(definition: Definition) -> Router:
    """The router that a definition describes."""
    return Router(
        parts=partial(_parts, definition),
        changes=partial(_changes, definition),
        weight=partial(_weight, definition),
        backends=partial(_backends, definition),
        grace=definition.grace,
        not_ready_reason=partial(_not_ready_reason, definition),
        warnings=partial(_warnings, definition),
    )


def _parts(definition: Definition, target: Target) -> dict[str, Part]:
    version = target.api_version or definition.api_versions[0]
    if version not in definition.api_versions:
        # The version alone is enough where it is that of one group.
        full = [each for each in definition.api_versions if each.endswith(f"/{version}")]
        if len(full) != 1:
            raise Refused(
                "api_version", f"{version!r} does not serve {definition.kind}", f"use one of {', '.join(definition.api_versions)}"
            )
        version = full[0]
    group, _slash, number = version.partition("/")
    return {
        _PART: Part(Resource(group, number, definition.kind, definition.plural), target.name, has_status=bool(definition.status_wanted))
    }


def _changes(definition: Definition, objects: Objects, target: Target, desired: DesiredTraffic | None) -> list[Change]:
    """The weights of the stable and the canary destination in every route asked for; a canary destination that is not there is added."""
    if desired is None:
        return [Change(_PART)]
    obj = objects[_PART] or {}
    refuse_requests(title(obj), target.router, desired, "its definition says where weights stand, and nothing else")
    return [Change(_PART, [edit for route in _chosen(definition, obj, target) for edit in _edits(definition, route, target, desired)])]


def _weight(definition: Definition, objects: Objects, target: Target) -> Split:
    """The split of the first route asked for."""
    route = _chosen(definition, objects[_PART] or {}, target)[0]
    return _shares(definition, route, target)


def _backends(definition: Definition, objects: Objects, target: Target, split: Split, desired: DesiredTraffic | None) -> list[Backend]:
    """The Services that get a share, at the ports of the routes asked for, where the definition says where these stand."""
    try:
        routes = _chosen(definition, objects[_PART] or {}, target) if definition.destination_port else []
    except Refused:
        routes = []  # The object is put back, whatever was asked for.
    stable = [each for route in routes for each in _find(definition, route, target.stable_service, target)]
    return backends_by_service(target, split, desired, [_get(each, definition.destination_port) for each in stable])


@dataclass(frozen=True)
class _Route:
    """path: to its list of destinations. name: None where it has none. where: what it is called in messages."""

    path: Path
    entry: Mapping[str, Any]
    destinations: Sequence[Object]
    name: str | None
    where: str


def _routes(definition: Definition, obj: Object) -> Iterator[_Route]:
    """All lists of destinations, in the order of the object."""
    *outer, last = definition.destinations

    def within_lists(part: Any, path: tuple[Step, ...], lists: Sequence[Keys]) -> Iterator[tuple[Any, tuple[Step, ...]]]:
        if not lists:
            yield part, path
            return
        found = _list(part, lists[0])
        for index in range(len(found)):
            step = _step(definition, found, index)
            yield from within_lists(found[index], (*path, *lists[0], step), lists[1:])

    for entry, path in within_lists(obj, (), outer):
        name = _get(entry, definition.routes_name) if outer and definition.routes_name else None
        called = "" if not outer else f", route {name}" if name else f", {paths.show(path)}"
        yield _Route((*path, *last), entry, _list(entry, last), name, f"{title(obj)}{called}")


def _step(definition: Definition, elements: Sequence[Any], index: int) -> Step:
    """Selects an element of a list by what tells it apart, so that elements put before it do not matter; else by its place."""
    for keys in (definition.routes_name, *definition.routes_told_apart_by):
        value = _get(elements[index], keys)
        if keys and sum(_get(each, keys) == value for each in elements) == 1:
            return {".".join(keys): value}
    return index


def _chosen(definition: Definition, obj: Object, target: Target) -> list[_Route]:
    """The routes to move."""
    routes = list(_routes(definition, obj))
    qualifying = [route for route in routes if _find(definition, route, target.stable_service, target)]
    if target.routes and "*" not in target.routes:
        return [_named(definition, obj, name, routes, qualifying, target) for name in dict.fromkeys(target.routes)]
    if not qualifying:
        found = sorted({_shown(definition, each) for route in routes for each in _sharing(definition, route)})
        raise Refused(
            title(obj),
            f"has no route to Service {target.stable_service!r} (its destinations: {', '.join(found) or 'none'})",
            f"correct stable_service, or the name of the {definition.kind}",
        )
    if len(qualifying) > 1 and not target.routes:
        listed = ", ".join(route.name or paths.show(route.path[: -len(definition.destinations[-1])]) for route in qualifying)
        raise Refused(
            title(obj),
            f"has {len(qualifying)} routes to Service {target.stable_service!r} ({listed})",
            'choose with routes, or routes: ["*"] for all' if definition.routes_name else 'set routes to ["*"] to move all of them',
        )
    return qualifying


def _named(
    definition: Definition, obj: Object, name: str, routes: Sequence[_Route], qualifying: Sequence[_Route], target: Target
) -> _Route:
    if not definition.routes_name:
        raise Refused(
            title(obj), "has routes without names", 'leave routes out, or set it to ["*"] to move all that lead to stable_service'
        )
    found = [route for route in routes if route.name == name]
    if not found:
        names = ", ".join(route.name for route in routes if route.name) or "none has a name"
        raise Refused(title(obj), f"has no route named {name!r} (it has: {names})", "correct routes")
    if len(found) > 1:
        raise Refused(title(obj), f"has {len(found)} routes named {name!r}", "give them different names")
    if found[0] not in qualifying:
        raise Refused(
            f"{title(obj)}, route {name}", f"does not lead to Service {target.stable_service!r}", "correct routes or stable_service"
        )
    return found[0]


def _edits(definition: Definition, route: _Route, target: Target, desired: DesiredTraffic) -> list[Edit]:
    split = desired.split
    _refuse_others(definition, route, target)
    stable, canary = (_find(definition, route, service, target) for service in (target.stable_service, target.canary_service))
    if not canary and split.canary == 0 and not desired.introduce:
        return []  # Without a canary destination nothing goes there already.
    wanted = _parts_of(definition, route, target, split)
    edits = [*_weighted(definition, route, stable[0], wanted.stable)]
    if canary:
        return edits + _weighted(definition, route, canary[0], wanted.canary)
    if not definition.add_canary:
        raise Refused(route.where, f"has no destination for Service {target.canary_service!r}", "add one with weight 0")
    added = _canary_destination(definition, route, stable[0], target)
    return [*edits, Edit((*route.path, _selector(definition, added)), paths.replace(added, definition.weight_field, wanted.canary))]


def _weighted(definition: Definition, route: _Route, destination: Object, weight: int) -> list[Edit]:
    if _raw_weight(definition, route, destination) == weight:
        return []
    return [Edit((*route.path, _selector(definition, destination), *definition.weight_field), weight)]


def _parts_of(definition: Definition, route: _Route, target: Target, split: Split) -> Split:
    """The split in the weights to write: their sum stays what it is where whole numbers can say the split with it, or must."""
    ours = [each for each in _sharing(definition, route) if _is_ours(definition, each, target)]
    others = [each for each in _sharing(definition, route) if not _is_ours(definition, each, target)]
    if definition.weight_total is not None:
        present = definition.weight_total - sum(_raw_weight(definition, route, each) for each in others)
    elif others:
        present = sum(_raw_weight(definition, route, each) for each in ours)
    else:
        present = _shares(definition, route, target).total
    kept = within(split, present) if present > 0 else None
    if kept:
        return kept
    if not others and definition.weight_total is None:
        return split
    if present < 1:
        raise Refused(route.where, "gives all of the weight to its other destinations", f"give Service {target.stable_service!r} some")
    nearest = min(range(present + 1), key=lambda parts: abs(parts * split.total - present * split.canary))
    raise Refused(
        route.where,
        f"cannot give the canary {split.canary} of {split.total} parts: stable and canary have {present} parts of its weight",
        f"ask for the nearest, {nearest} of {present} ({100 * nearest / present:.4g} %)",
    )


def _shares(definition: Definition, route: _Route, target: Target) -> Split:
    """What the two destinations have now. A single destination takes everything, whatever its weight."""
    sharing = _sharing(definition, route)
    stable, canary = (_find(definition, route, service, target) for service in (target.stable_service, target.canary_service))
    if len(sharing) == 1:
        return Split(_raw_weight(definition, route, sharing[0]) or 1, 0)
    raw = [sum(_raw_weight(definition, route, each) for each in ours) for ours in (stable, canary)]
    if definition.weight_even_when_all_zero and not any(_raw_weight(definition, route, each) for each in sharing):
        raw = [len(stable), len(canary)]
    return Split(*raw) if any(raw) else Split(1, 0)  # nothing goes to either


def _raw_weight(definition: Definition, route: _Route, destination: Object) -> int:
    value = _get(destination, definition.weight_field)
    if value is None:
        return definition.weight_default
    if isinstance(value, bool) or not isinstance(value, int):
        name, at = _shown(definition, destination), ".".join(definition.weight_field)
        raise Refused(route.where, f"gives {name} the weight {value!r}, and only whole numbers can be split", f"correct {at} there")
    return value


def _refuse_others(definition: Definition, route: _Route, target: Target) -> None:
    for keys in definition.routes_refuse_with:
        if _get(route.entry, keys):
            raise Refused(
                route.where, f"shares its traffic with {'.'.join(keys)}, so that the split is not defined", f"remove {'.'.join(keys)} there"
            )
    sharing = _sharing(definition, route)
    others = [each for each in sharing if not _is_ours(definition, each, target)]
    foreign = [_shown(definition, each) for each in others if not _is_additional(definition, each, target)]
    if foreign:
        raise Refused(
            route.where,
            f"also leads to {', '.join(foreign)}, whose share is not defined",
            "name it in additional_destinations to keep it, remove it from the route, or choose another route",
        )
    if others and definition.weight_even_when_all_zero and not any(_raw_weight(definition, route, each) for each in sharing):
        raise Refused(route.where, "has no destination with a weight, so that the others would lose their share", "give them weights first")
    for service in (target.stable_service, target.canary_service):
        if len(_find(definition, route, service, target)) > 1:
            raise Refused(route.where, f"leads to Service {service!r} more than once", "leave one destination for it")


def _canary_destination(definition: Definition, route: _Route, stable: Object, target: Target) -> Object:
    """The stable destination, port and all, with the canary's Service."""
    name, namespace = service_and_namespace(target.canary_service, target)
    added = paths.replace(copy.deepcopy(dict(stable)), definition.destination_service, name)
    if _namespace(definition, added, target) != namespace:
        if not definition.destination_namespace:
            raise Refused(
                route.where,
                f"cannot lead to Service {target.canary_service!r} in another namespace",
                f"use a Service in {target.namespace}",
            )
        added = paths.replace(added, definition.destination_namespace, namespace)
    for keys in definition.destination_not_copied:
        added = paths.replace(added, keys, MISSING)
    return dict(added)


def _find(definition: Definition, route: _Route, service: str, target: Target) -> list[Object]:
    """The destinations that are this Service."""
    return [each for each in _sharing(definition, route) if _is(definition, each, service, target)]


def _is(definition: Definition, destination: Object, service: str, target: Target) -> bool:
    found = (_get(destination, definition.destination_service), _namespace(definition, destination, target))
    return found == service_and_namespace(service, target) and _fits(destination, definition.destination_where, absent=True)


def _is_ours(definition: Definition, destination: Object, target: Target) -> bool:
    return any(_is(definition, destination, service, target) for service in (target.stable_service, target.canary_service))


def _is_additional(definition: Definition, destination: Object, target: Target) -> bool:
    found = (_get(destination, definition.destination_service), _namespace(definition, destination, target))
    return any(found == service_and_namespace(name, target) for name in target.additional_destinations)


def _namespace(definition: Definition, destination: Object, target: Target) -> str:
    keys = definition.destination_namespace
    return (_get(destination, keys) if keys else None) or target.namespace


def _sharing(definition: Definition, route: _Route) -> list[Object]:
    """The destinations that have a share of the traffic."""
    ignore = definition.destination_ignore
    return [each for each in route.destinations if not (ignore and _fits(each, ignore))]


def _fits(destination: Object, wanted: Pairs, absent: bool = False) -> bool:
    """Whether it has these values. absent: having none will do."""
    return all(_get(destination, keys) == value or (absent and _get(destination, keys) is None) for keys, value in wanted)


def _selector(definition: Definition, destination: Object) -> Step:
    """Selects the destination by all that makes it the one that is meant."""
    marks = [definition.destination_service, definition.destination_namespace]
    marks += [keys for keys, _value in (*definition.destination_where, *definition.destination_ignore)]
    return {".".join(keys): _get(destination, keys) for keys in marks if keys}


def _shown(definition: Definition, destination: Object) -> str:
    name, kind = _get(destination, definition.destination_service), _get(destination, ("kind",))
    return f"{kind} {name}" if kind and kind != "Service" else str(name)


def _list(part: Any, keys: Keys) -> list[Any]:
    found = _get(part, keys)
    return found if isinstance(found, list) else []


def _get(part: Any, keys: Keys) -> Any:
    """The value, None where there is none."""
    value = paths.get(part, keys)
    return None if value is MISSING else value


def _warnings(definition: Definition, objects: Objects, _target: Target, _desired: DesiredTraffic) -> list[str]:
    obj = objects[_PART] or {}
    return [
        f"{title(obj)} keeps clients at the version that they got first ({'.'.join(keys)}), whatever the weight: only new clients are split"
        for keys in definition.sticky
        if _get(obj, keys) is not None
    ]


def _not_ready_reason(definition: Definition, objects: Objects, _target: Target) -> str | None:
    obj = objects[_PART] or {}
    if not definition.status_wanted:
        return None
    reported = {str(each.get("type")): each for each in _list(obj, definition.status_conditions) if isinstance(each, Mapping)}
    types = list(dict.fromkeys(kind for alternative in definition.status_wanted for kind, _value in alternative))
    if not any(kind in reported for kind in types):
        if not definition.status_required:
            return None
        raise Refused(
            title(obj),
            f"has no status from a controller (no condition {' or '.join(types)} in {'.'.join(definition.status_conditions)})",
            "check that its controller runs, and that it reads objects of this class",
        )
    present = {kind: each for kind, each in reported.items() if _is_present(definition, obj, each)}
    if any(all(kind in present and str(present[kind].get("status")) == value for kind, value in each) for each in definition.status_wanted):
        return None
    for kind, value in (pair for alternative in definition.status_wanted for pair in alternative):
        if kind in present and str(present[kind].get("status")) not in (value, "Unknown"):
            raise Refused(title(obj), f"is not served: {_said(definition, kind, present[kind])}", "correct it")
    return f"its controller has not said {' or '.join(_wanted(each) for each in definition.status_wanted)} of its present state"


def _is_present(definition: Definition, obj: Object, condition: Mapping[str, Any]) -> bool:
    """Whether the condition is about the object as it is; where nothing says so it is taken for that."""
    keys = definition.status_generation
    observed = _get(obj, keys) if keys[0] == "status" else _get(condition, keys)
    return observed is None or int(observed) >= int(obj["metadata"].get("generation") or 0)


def _said(definition: Definition, kind: str, condition: Mapping[str, Any]) -> str:
    """A condition in one line, with the controller's own words."""
    details = _list(condition, definition.status_details) if definition.status_details else []
    words = [str(each.get("message")) for each in (condition, *details) if isinstance(each, Mapping) and each.get("message")]
    return " ".join(f"{kind} is {condition.get('status')} ({condition.get('reason')}): {'; '.join(words)}".split())


def _wanted(alternative: Sequence[tuple[str, str]]) -> str:
    return json.dumps(dict(alternative)).strip("{}").replace('"', "")
