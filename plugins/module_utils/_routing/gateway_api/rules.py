"""Which rules of a route are split, between which of their backends, and what that changes in them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..._objects.edits import Edit
from ..._objects.paths import Step
from ..._objects.refusal import Refused
from ..router import service_and_namespace, title
from ..target import Split, Target, within

Object = dict[str, Any]

_MOST_WEIGHT = 1_000_000


@dataclass(frozen=True)
class Rule:
    """A rule that is split.

    Attributes:
        where: The rule with its route, in messages.
        title: The rule alone, in messages.
        step: Selects the rule, whatever is put above it.
    """

    index: int
    where: str
    title: str
    step: Step
    body: Object
    stable: Object
    canary: Object | None
    others: tuple[Object, ...]

    @property
    def canary_or_copy(self) -> Object:
        """The canary's backend as the rule has it, or as it would be added."""
        return self.canary if self.canary is not None else self.stable


def rules_of(route: Object) -> list[Object]:
    """All rules of a route."""
    return list((route.get("spec") or {}).get("rules") or [])


def chosen(route: Object, target: Target) -> list[Rule]:
    """Returns the rules to split.

    Raises:
        Refused: The rules or their backends are not clear.
    """
    if service_and_namespace(target.stable_service, target) == service_and_namespace(target.canary_service, target):
        raise Refused(
            "canary_service", f"is the same Service as stable_service: {target.stable_service!r}", "give the canary a Service of its own"
        )
    found = rules_of(route)
    qualifying = [index for index, rule in enumerate(found) if any(is_service(ref, target.stable_service, target) for ref in _refs(rule))]
    if target.routes and "*" not in target.routes:
        indexes = [_named(route, name, qualifying, target) for name in dict.fromkeys(target.routes)]
    else:
        indexes = _only(route, qualifying, target)
    return [_rule(route, found, index, target) for index in indexes]


def every(route: Object, target: Target) -> list[Rule]:
    """The rules to split; none where they are not clear."""
    try:
        return chosen(route, target)
    except Refused:
        return []


def _only(route: Object, qualifying: Sequence[int], target: Target) -> list[int]:
    found = rules_of(route)
    if not qualifying:
        names = sorted({_show(ref, target) for rule in found for ref in _refs(rule)})
        raise Refused(
            title(route),
            f"has no rule that leads to Service {target.stable_service!r} (its backends: {', '.join(names) or 'none'})",
            "correct stable_service, or the name of the route",
        )
    if len(qualifying) > 1 and not target.routes:
        listed = ", ".join(_title(found, index) for index in qualifying)
        raise Refused(
            title(route),
            f"has {len(qualifying)} rules that lead to Service {target.stable_service!r} ({listed})",
            'choose with routes, or routes: ["*"] for all',
        )
    return list(qualifying)


def _named(route: Object, name: str, qualifying: Sequence[int], target: Target) -> int:
    found = rules_of(route)
    indexes = [index for index, rule in enumerate(found) if rule.get("name") == name]
    if not indexes:
        names = ", ".join(str(rule["name"]) for rule in found if rule.get("name")) or "none has a name"
        raise Refused(title(route), f"has no rule named {name!r} (it has: {names})", "correct routes")
    if indexes[0] not in qualifying:
        raise Refused(
            f"{title(route)}, rule {name!r}", f"does not lead to Service {target.stable_service!r}", "correct routes or stable_service"
        )
    return indexes[0]


def _rule(route: Object, found: Sequence[Object], index: int, target: Target) -> Rule:
    body, where = found[index], f"{title(route)}, {_title(found, index)}"
    ours: list[Object | None] = []
    for service in (target.stable_service, target.canary_service):
        refs = [ref for ref in _refs(body) if is_service(ref, service, target)]
        if len(refs) > 1:
            raise Refused(where, f"leads to Service {service!r} more than once", "leave one backendRef for it")
        ours.append(refs[0] if refs else None)
    others = tuple(ref for ref in _refs(body) if not any(ref is each for each in ours))
    foreign = [ref for ref in others if not any(_is_named(ref, each, target) for each in target.additional_destinations)]
    if foreign:
        raise Refused(
            where,
            f"also leads to {', '.join(_show(ref, target) for ref in foreign)}, whose share is not defined",
            "name it in additional_destinations to keep it, remove it from the rule, or choose another rule",
        )
    stable, canary = ours
    return Rule(index, where, _title(found, index), _step(route, found, index), body, stable or {}, canary, others)


def _step(route: Object, found: Sequence[Object], index: int) -> Step:
    """By its name, else by its matches, which no other rule has: others may be put above it."""
    name, matches = found[index].get("name"), found[index].get("matches")
    if name:
        return {"name": name}
    same = [number for number, rule in enumerate(found) if rule.get("matches") == matches]
    if len(same) > 1:
        listed = ", ".join(_title(found, number) for number in same)
        raise Refused(title(route), f"has rules with the same matches ({listed})", "give them names, or leave one")
    return {"matches": matches}


def _title(found: Sequence[Object], index: int) -> str:
    name = found[index].get("name")
    return f"rule {name!r}" if name else f"rule number {index + 1}"


# Backends


def is_service(ref: Object, service: str, target: Target) -> bool:
    """Whether a backendRef is this Service, and not one of its name elsewhere or of another kind."""
    return (ref.get("group") or "", ref.get("kind") or "Service") == ("", "Service") and _is_named(ref, service, target)


def _is_named(ref: Object, service: str, target: Target) -> bool:
    return (ref.get("name"), ref.get("namespace") or target.namespace) == service_and_namespace(service, target)


def to_canary(rule: Rule, target: Target) -> Object:
    """The canary's backendRef: as the rule has it, or the stable one (port, filters and all) with the canary's name."""
    name, namespace = service_and_namespace(target.canary_service, target)
    ref = {"group": "", "kind": "Service", **rule.canary_or_copy, "name": name}
    if namespace != (ref.get("namespace") or target.namespace):
        ref.pop("namespace", None)
        if namespace != target.namespace:
            ref["namespace"] = namespace
    return ref


def weight_of(ref: Object | None) -> int:
    """The weight of a backendRef, 1 where none is given."""
    return 0 if ref is None else int(ref.get("weight", 1))


def _refs(rule: Object) -> list[Object]:
    return list(rule.get("backendRefs") or [])


def _show(ref: Object, target: Target) -> str:
    """As users name it: the namespace and the kind where they are not the usual ones."""
    namespace, kind = ref.get("namespace") or target.namespace, ref.get("kind") or "Service"
    name = str(ref.get("name")) + ("" if namespace == target.namespace else f".{namespace}")
    return name if kind == "Service" else f"{kind} {name}"


# What is changed


def weights(rule: Rule, target: Target, split: Split, introduce: bool = False) -> list[Edit]:
    """Computes the edits of both weights, in parts of their present sum where these can express the split.

    Args:
        rule: The rule.
        target: The place of the split.
        split: The split.
        introduce: Whether to add a canary's backendRef with weight 0 where there is none.

    Raises:
        Refused: The weights cannot express the split.
    """
    shares = _shares(rule, split, target)
    path, canary = ("spec", "rules", rule.step, "backendRefs"), to_canary(rule, target)
    refs = [rule.stable, canary, *rule.others]
    steps = [_select(ref, refs) for ref in (rule.stable, canary)]
    edits = [Edit((*path, steps[0], "weight"), shares.stable)]
    if rule.canary is not None:
        return [*edits, Edit((*path, steps[1], "weight"), shares.canary)]
    return [*edits, Edit((*path, steps[1]), {**canary, "weight": shares.canary})] if shares.canary or introduce else edits


def _shares(rule: Rule, split: Split, target: Target) -> Split:
    parts = weight_of(rule.stable) + weight_of(rule.canary)
    shares = within(split, parts) if parts else None
    if shares is not None:
        return shares
    if rule.others:
        least = parts * split.canary // split.total
        others = ", ".join(_show(ref, target) for ref in rule.others)
        raise Refused(
            rule.where,
            f"cannot give the canary {split.canary} of {split.total} parts: {others} leave {parts} parts of the weight",
            (f"ask for {least} or {least + 1} of {parts} (weight, weight_total), or " if parts else "")
            + "give all backendRefs greater weights",
        )
    if split.total > _MOST_WEIGHT:
        raise Refused("weight_total", f"must be at most {_MOST_WEIGHT}, not {split.total}", "use a smaller one")
    return split


def _select(ref: Object, refs: Sequence[Object]) -> Step:
    """By its name where that is enough."""
    if sum(each.get("name") == ref["name"] for each in refs) == 1:
        return {"name": ref["name"]}
    return {key: ref.get(key) for key in ("name", "namespace", "kind", "group")}


def copies(rule: Rule, target: Target, percent: float) -> list[Edit]:
    """A filter that copies requests of the rule to the canary."""
    if not percent:
        return []
    backend = {key: value for key, value in to_canary(rule, target).items() if key not in ("weight", "filters")}
    for each in rule.body.get("filters") or []:
        if is_service((each.get("requestMirror") or {}).get("backendRef") or {}, target.canary_service, target):
            raise Refused(
                rule.where, f"mirrors to Service {target.canary_service!r} already", "leave mirror out, or remove its RequestMirror"
            )
    step = {"requestMirror.backendRef.name": backend["name"], "requestMirror.backendRef.namespace": backend.get("namespace")}
    value = {"type": "RequestMirror", "requestMirror": {"backendRef": backend, **_share(percent)}}
    return [Edit(("spec", "rules", rule.step, "filters", step), value)]


def _share(percent: float) -> Object:
    """In the field that can say it; all of the requests needs none, which the oldest releases understand too."""
    if percent == 100:
        return {}
    if percent == int(percent):
        return {"percent": int(percent)}
    share = (Fraction(str(percent)) / 100).limit_denominator(_MOST_WEIGHT)
    return {"fraction": {"numerator": share.numerator, "denominator": share.denominator}}
