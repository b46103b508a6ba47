"""Whatever stands in an object, and whatever its router's definition: splits change weights and nothing else, and leave no trace."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits, paths
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.definition import Definition, read_definition
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.shipped.registry import SHIPPED, shipped
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Split, Target
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .moves import carried_out

Object = dict[str, Any]

DEEP = read_definition(
    {
        "apiVersion": "example.org/v1",
        "kind": "Road",
        "plural": "roads",
        "destinations": "spec.hosts[].paths[].to[]",
        "destination": {"service": "leads.to", "namespace": "leads.where", "where": {"kind": "Service"}, "ignore": {"shadow": True}},
        "weight": {"field": "share.parts", "total": 100},
        "routes": {"name": "title", "told_apart_by": ["host"]},
    }
)
DEFINITIONS: dict[str, Definition | None] = {**dict.fromkeys(SHIPPED), "road": DEEP}
JSON = st.recursive(
    st.one_of(st.none(), st.integers(), st.text("ab", max_size=3)),
    lambda below: st.dictionaries(st.sampled_from("ab"), below, max_size=2) | st.lists(below, max_size=2),
    max_leaves=4,
)
UNKNOWN = st.dictionaries(st.sampled_from(["unknown", "port", "timeout"]), JSON, max_size=2)


def put(obj: Object, keys: tuple[str, ...], value: Any) -> Object:
    return dict(paths.replace(obj, keys, value))


@st.composite
def destinations(draw: st.DrawFn, definition: Definition, name: str) -> Object:
    made = put(draw(UNKNOWN), definition.destination_service, name)
    for keys, value in definition.destination_where:
        made = put(made, keys, value) if draw(st.booleans()) else made
    if draw(st.booleans()) and definition.destination_namespace:
        made = put(made, definition.destination_namespace, "test")
    return put(made, definition.weight_field, draw(st.integers(0, 120))) if draw(st.booleans()) else made


@st.composite
def lists_of_destinations(draw: st.DrawFn, definition: Definition, leads: bool) -> list[Object]:
    made = [draw(destinations(definition, "shop"))] if leads else []
    if leads and draw(st.booleans()):
        made.insert(draw(st.integers(0, 1)), draw(destinations(definition, "shop-canary")))
    if draw(st.booleans()):
        made.append(draw(destinations(definition, "else")))
    if draw(st.booleans()) and definition.destination_ignore:
        shadow = draw(destinations(definition, "shop-canary"))
        for keys, value in definition.destination_ignore:
            shadow = put(shadow, keys, value)
        made.insert(0, shadow)
    return made


@st.composite
def objects(draw: st.DrawFn, definition: Definition) -> Object:
    """With at least one list that leads to the stable Service."""

    def below(obj: Object, at: tuple[tuple[str, ...], ...], leads: bool) -> Object:
        here, *rest = at
        if not rest:
            return put(obj, here, draw(lists_of_destinations(definition, leads)))
        count = draw(st.integers(1, 2))
        elements = []
        for number in range(count):
            entry = draw(UNKNOWN)
            for keys in filter(None, (definition.routes_name, *definition.routes_told_apart_by)):
                entry = put(entry, keys, draw(st.sampled_from("xyz"))) if draw(st.booleans()) else entry
            elements.append(below(entry, tuple(rest), leads and (number == 0 or draw(st.booleans()))))
        return put(obj, here, elements)

    metadata = {"name": "shop", "namespace": "test", **draw(st.sampled_from([{}, {"annotations": {"team": "shop"}}]))}
    made = below(
        {"apiVersion": definition.api_versions[0], "kind": definition.kind, "metadata": metadata, "spec": draw(UNKNOWN)},
        definition.destinations,
        True,
    )
    return dict(json.loads(json.dumps(made)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Target, Definition, Object, list[Split]]:
    name = draw(st.sampled_from(sorted(DEFINITIONS)))
    own = DEFINITIONS[name]
    definition = own or shipped(name)
    splits = []
    for _number in range(draw(st.integers(1, 4))):
        total = draw(st.sampled_from([1, 10, 100, 1000]))
        canary = draw(st.integers(0, total))
        splits.append(Split(total - canary, canary))
    place = Target(name, "shop", "test", "shop", "shop-canary", ("*",), additional_destinations=("else",), definition=own)
    return place, definition, draw(objects(definition)), splits


def lists(part: Any, at: tuple[tuple[str, ...], ...]) -> list[list[Object]]:
    """All lists of destinations of an object."""
    found = paths.get(part, at[0])
    if found is paths.MISSING:
        return []
    return [found] if len(at) == 1 else [each for element in found for each in lists(element, at[1:])]


def shares(definition: Definition, each: list[Object]) -> dict[str, int]:
    """The weights by Service of those that share the traffic, defaults filled in."""
    found = {}
    for one in each:
        if definition.destination_ignore and all(paths.get(one, keys) == value for keys, value in definition.destination_ignore):
            continue
        weight = paths.get(one, definition.weight_field)
        found[str(paths.get(one, definition.destination_service))] = definition.weight_default if weight is paths.MISSING else weight
    return found


def without_weights(definition: Definition, obj: Object) -> Object:
    """The object without what a split may change: the weights of stable and canary, and canaries that were added."""
    plain = copy.deepcopy(obj)
    for each in lists(plain, definition.destinations):
        named = [one for one in each if paths.get(one, definition.destination_service) == "shop-canary"]
        for one in list(each):
            name = paths.get(one, definition.destination_service)
            if definition.destination_ignore and all(paths.get(one, keys) == value for keys, value in definition.destination_ignore):
                continue
            if name == "shop-canary" and one is named[-1]:
                each.remove(one)
            elif name == "shop":
                index = each.index(one)
                each[index] = paths.prune(put(one, definition.weight_field, paths.MISSING), definition.weight_field, 0)
    return plain


@settings(max_examples=150, deadline=None)
@given(cases())
def test_any_splits_one_after_the_other(case: tuple[Target, Definition, Object, list[Split]]) -> None:
    place, definition, original, splits = case
    live, moved = {"object": original}, 0
    for split in splits:
        try:
            after = carried_out(live, place, DesiredTraffic(split))
        except Refused:
            continue  # which the tables are about; that nothing was written is what the end shows
        moved += 1
        after = json.loads(json.dumps(after))
        assert edits.same(after["object"], carried_out(after, place, DesiredTraffic(split))["object"]), "a second call writes"
        plain = edits._without_annotation(after["object"])
        assert without_weights(definition, plain) == without_weights(definition, original)
        for old, new in zip(lists(original, definition.destinations), lists(plain, definition.destinations), strict=True):
            was, now = shares(definition, old), shares(definition, new)
            assert was.get("else") == now.get("else")
            if "shop" not in was:
                assert was == now
            elif "shop-canary" in now:
                assert now["shop-canary"] * split.total == split.canary * (now["shop"] + now["shop-canary"])
            else:
                assert split.canary == 0
            if "shop" in was and "else" in was and (len(now) > len(was) or "shop-canary" in was):
                assert sum(now.values()) == (definition.weight_total or sum(was.values()))
        live = after
    assume(moved)
    assert carried_out(live, place, None)["object"] == original
    assert router_of(place).weight({"object": original}, place).total > 0
