"""Points Services at one version of the pods and proves, by their EndpointSlices, that they are there."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from .._objects.edits import Edit
from .._objects.paths import MISSING
from .._objects.refusal import Refused
from .._objects.resources import ENDPOINT_SLICE, POD, SERVICE
from .._workloads.pods import ready_uids, troubles
from .._workloads.services import Endpoints, Selector, endpoints_of, ports_lacking, selector_of, selector_text
from . import objects
from .apply import Outcome
from .context import Context

Object = dict[str, Any]

# Pods come and go while EndpointSlices follow: how old the list of pods may be with which these are compared.
_PODS_STAY_FRESH = 1.0


def point(ctx: Context, name: str, edits_of: Callable[[Object], Sequence[Edit]], min_ready: int = 1) -> Outcome:
    """Gives a Service another selector, or with no edits its own back; `prove` what comes of it."""

    def check(live: Object, wanted: Object) -> None:
        if selector_of(wanted) != selector_of(live):
            require_ready(ctx, name, selector_of(wanted), min_ready)

    return objects.edit(ctx, ctx.ref(SERVICE, name), edits_of, check)


def has_selected_pods(service: Object) -> bool:
    """Whether the endpoints of the Service are the pods that its selector matches."""
    return bool(selector_of(service)) and (service.get("spec") or {}).get("type") != "ExternalName"


def selector_edits(service: Object, changes: Mapping[str, str | None], merge: bool = True) -> list[Edit]:
    """The edits that merge the changes into a Service's selector (None takes a key away), or that make it exactly so."""
    title = f"Service {service['metadata'].get('namespace', '')}/{service['metadata']['name']}"
    if (service.get("spec") or {}).get("type") == "ExternalName":
        raise Refused(title, "is of type ExternalName and has no pods", "name another Service")
    own = selector_of(service)
    if not own:
        raise Refused(title, "has no selector, so another client manages its endpoints", "name another Service")
    wanted = {**dict.fromkeys(own if merge is False else ()), **changes}
    if all(value is None for value in {**own, **wanted}.values()):
        raise Refused(title, "would have no selector any more, and its endpoints would never change", "keep at least one key")
    return [Edit(("spec", "selector", key), MISSING if value is None else value) for key, value in wanted.items()]


def prove(ctx: Context, service: Object) -> Endpoints:
    """Waits until the Service's EndpointSlices hold just the ready pods that its selector matches."""
    name, selector = service["metadata"]["name"], selector_of(service)
    ports = _ports(service)
    pods = _Pods(ctx, selector)
    seen: list[Endpoints] = []

    def missing(slices: list[Object]) -> str | None:
        found = endpoints_of(name, slices, ports)
        seen[:] = [found]
        if found.ready == pods.ready() or found.ready == pods.ready(fresh=True):
            return None
        wanted = pods.ready()
        there, others = len(found.ready & wanted), len(found.ready - wanted)
        lacking = ports_lacking(name, slices, ports, wanted)
        why = f": not with port {', '.join(lacking)}" if lacking else ""
        return f"{there} of {len(wanted)} ready pods stand in its EndpointSlices with all ports, and {others} others{why}"

    ctx.until(
        f"Service {name} on the pods of {selector_text(selector)}", ENDPOINT_SLICE, missing, labels=f"kubernetes.io/service-name={name}"
    )
    return seen[0]


def _ports(service: Object) -> list[Object]:
    return list((service.get("spec") or {}).get("ports") or [])


class _Pods:
    """The ready pods of a selector, read again when they have grown old."""

    def __init__(self, ctx: Context, selector: Selector) -> None:
        self._ctx, self._selector = ctx, selector
        self._uids: frozenset[str] = frozenset()
        self._read_at: float | None = None

    def ready(self, fresh: bool = False) -> frozenset[str]:
        """The uids; fresh: read again unless that was done just now."""
        now = self._ctx.clock.monotonic()
        if self._read_at is None or (fresh and now - self._read_at > _PODS_STAY_FRESH):
            self._uids, self._read_at = ready_uids(_pods(self._ctx, self._selector)), now
        return self._uids


def _pods(ctx: Context, selector: Selector) -> list[Object]:
    if not selector:
        return []  # Such a Service takes no pods, and such a list request all of the namespace.
    return ctx.client.list(POD, ctx.namespace, selector_text(selector))[0]


def endpoints(ctx: Context, service: Object) -> Endpoints:
    """The endpoints of a Service as they are."""
    name = service["metadata"]["name"]
    slices, _version = ctx.client.list(ENDPOINT_SLICE, ctx.namespace, f"kubernetes.io/service-name={name}")
    return endpoints_of(name, slices, _ports(service))


def require_ready(ctx: Context, name: str, selector: Selector, min_ready: int) -> None:
    """Raises Refused unless the selector, which the Service of that name shall have, takes so many ready pods."""
    pods = _pods(ctx, selector)
    ready = len(ready_uids(pods))
    if ready < min_ready:
        why = "; ".join(troubles(pods)[:3]) or ("no pod matches" if not pods else f"there are {len(pods)} in all")
        raise Refused(
            f"Service {ctx.namespace}/{name}: {ready} ready pods match {selector_text(selector)}, {min_ready} are needed ({why}): "
            "correct the selector, make the pods ready, or set a smaller min_ready"
        )
