"""What the controllers of a route's parents say of it: whether they serve it as it is."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._objects.refusal import Refused
from ..router import NotSeen, title

Object = dict[str, Any]
Parent = tuple[str, str, str, str, str, int]

_GROUP = "gateway.networking.k8s.io"
_NEEDED = ("Accepted", "ResolvedRefs")
_REMEDIES = {
    "Accepted": "correct the route or its parent",
    "ResolvedRefs": "correct its backendRefs (those in other namespaces need a ReferenceGrant there)",
    "PartiallyInvalid": "correct the route: its status does not say which of its rules are served",
}
# Traefik 3.7 answers 500 to every request of a rule with a RequestMirror, and reports the route as accepted.
_NO_MIRROR = {"traefik.io/gateway-controller": "Traefik"}


def not_ready_reason(route: Object, namespace: str) -> str | None:
    """Says what is missing until every parent serves the route at its present generation.

    Of several controllers that speak for a parent one must serve the route and none reject it: others may have written about older
    generations only, and be gone.

    Returns:
        What is missing, None where nothing is.

    Raises:
        Refused: A parent rejects this generation, or there is no parent.
        NotSeen: No controller has written a status for a parent.
    """
    parents = list(_parents(route, namespace))
    if not parents:
        raise Refused(title(route), "has no parentRefs and is attached to nothing", "name the Gateway or Service that shall serve it")
    texts = [_missing_at(route, parent, namespace) for parent in parents]
    unseen = ", ".join(_show(parent) for parent in parents if not _entries_of(route, parent, namespace))
    if unseen:
        raise NotSeen(
            title(route), f"has no status from a controller for {unseen}", "check that this exists, and that its class has a controller"
        )
    return "; ".join(text for text in texts if text) or None


def refuse_mirror(route: Object) -> None:
    """Rejects a mirror where the controller is known to break rules that mirror.

    Raises:
        Refused: It is.
    """
    for entry in _entries(route):
        if entry.get("controllerName") in _NO_MIRROR:
            raise Refused(
                title(route),
                f"is served by {_NO_MIRROR[entry['controllerName']]}, which cannot mirror and answers requests of such a rule with 500",
                "leave mirror out",
            )


def _parents(route: Object, namespace: str) -> Iterator[Parent]:
    spec = route.get("spec") or {}
    yield from (_key(ref, namespace) for ref in spec.get("parentRefs") or [])
    if spec.get("useDefaultGateways") == "All":
        yield from (_key(entry.get("parentRef") or {}, namespace) for entry in _entries(route))


def _missing_at(route: Object, parent: Parent, namespace: str) -> str | None:
    entries = _entries_of(route, parent, namespace)
    said = [_said(route, parent, entry) for entry in entries]
    if any(set(_NEEDED) <= each for each in said):
        return None
    speakers = ", ".join(str(entry.get("controllerName")) for entry in entries)
    lacking = [kind for kind in _NEEDED if kind not in set().union(*said)]
    return f"{speakers} has not said {' and '.join(lacking or _NEEDED)} of its present generation for {_show(parent)}"


def _said(route: Object, parent: Parent, entry: Object) -> set[str]:
    """What a controller says to be true of the present generation; raises Refused for what it says to be wrong."""
    generation = route["metadata"].get("generation")
    true = set()
    for condition in entry.get("conditions") or []:
        # Some controllers (Linkerd, older ones of APISIX) leave the generation out; there the grace has to do.
        if (condition.get("observedGeneration") or generation) != generation:
            continue
        kind, holds = condition.get("type"), condition.get("status")
        if holds == "True":
            true.add(kind)
        wrong = holds == "True" if kind == "PartiallyInvalid" else kind in _NEEDED and holds == "False"
        if wrong and condition.get("reason") != "Pending":
            message = " ".join(str(condition.get("message") or "").split())
            raise Refused(
                title(route),
                f"is not served by {_show(parent)}: {entry.get('controllerName')} reports {kind}={holds}, {condition.get('reason')}"
                + (f" ({message})" if message else ""),
                _REMEDIES[kind],
            )
    return true


def _entries_of(route: Object, parent: Parent, namespace: str) -> list[Object]:
    return [entry for entry in _entries(route) if _key(entry.get("parentRef") or {}, namespace) == parent]


def _entries(route: Object) -> list[Object]:
    return list((route.get("status") or {}).get("parents") or [])


def _key(ref: Object, namespace: str) -> Parent:
    group = ref.get("group", _GROUP)
    return (
        "" if group == "core" else group,  # as Linkerd writes it
        ref.get("kind") or "Gateway",
        ref.get("namespace") or namespace,
        str(ref.get("name")),
        ref.get("sectionName") or "",
        ref.get("port") or 0,
    )


def _show(parent: Parent) -> str:
    _group, kind, namespace, name, section, port = parent
    return f"{kind} {namespace}/{name}" + (f", section {section}" if section else "") + (f", port {port}" if port else "")
