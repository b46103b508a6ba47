"""The description of a router: which objects it reads, what must change in them, and what they say."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

from .._objects.edits import Edit
from .._objects.plan_writes import Change
from .._objects.refusal import Refused
from .._objects.resources import Resource
from .target import DesiredTraffic, Split, Target

Object = dict[str, Any]
# The objects of a router by the keys of its parts; None where one is not there.
Objects = Mapping[str, Optional[Object]]


class NotSeen(Refused):
    """No controller has written a status on the object yet: it may be new, or attached to nothing."""


@dataclass(frozen=True)
class Part:
    """One object that a router reads.

    Attributes:
        resource: Its kind.
        name: Its name.
        required: Whether it must exist: users' objects must, those that this collection creates need not.
        has_status: Whether `not_ready_reason` reads its status.
        written: Whether a split writes to it, else it is only read.
        sibling: The annotation and its value that mark an object which this collection created in its place under another name.
    """

    resource: Resource
    name: str
    required: bool = True
    has_status: bool = False
    written: bool = True
    sibling: tuple[str, str] | None = None


@dataclass(frozen=True)
class Backend:
    """Pods that would get traffic and must be ready.

    Attributes:
        service: The Service in front of them, without the namespace.
        namespace: Its namespace.
        share: What they would get, in words.
        labels: Only pods with these labels; empty for all of the Service.
        ports: The Service's ports that the router uses, by number or name; empty where that is unknown.
        subset: The subset of the Service whose labels stand in a DestinationRule that is not one of the router's objects.
    """

    service: str
    namespace: str
    share: str
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[int | str, ...] = ()
    subset: str = ""

    @property
    def pods(self) -> tuple[Any, ...]:
        """What selects the pods."""
        return self.service, self.namespace, self.labels, self.subset


def _always_ready(_objects: Objects, _target: Target) -> str | None:
    """For routers whose objects have no status that says whether they are served."""
    return None


def _no_warnings(_objects: Objects, _target: Target, _desired: DesiredTraffic) -> list[str]:
    """For routers that carry out what they accept, without exceptions."""
    return []


def _in_any_order(_key: str, _before: Object | None, _after: Object | None) -> bool:
    """For routers whose objects need not wait for each other."""
    return False


def _any_owner(_objects: Objects, _target: Target, _by: str) -> None:
    """For routers that can put back every split of theirs."""


def shares_nothing(_objects: Objects, _target: Target, _by: str, _others: Sequence[Object] | None) -> dict[str, list[Edit]]:
    """Says that no other object uses the router's objects beside the first."""
    return {}


def backends_by_service(target: Target, split: Split, desired: DesiredTraffic | None, ports: Iterable[int | str | None]) -> list[Backend]:
    """Returns the stable and the canary Service, where they get a share, as nearly all routers send traffic.

    Args:
        target: The place of the split.
        split: The split.
        desired: How the traffic is to be shared, None where it is put back.
        ports: Of the stable Service, to which the split routes send requests; None where that is unknown.
    """
    texts = shares_in_words(target.stable_service, target.canary_service, split, desired)
    known = tuple(dict.fromkeys(port for port in ports if port is not None))
    return [Backend(*service_and_namespace(service, target), text, ports=known) for service, text in texts.items()]


def leads_to_canary(obj: Object, target: Target) -> bool:
    """Whether the canary's name stands anywhere in an object."""
    service, namespace = service_and_namespace(target.canary_service, target)
    names = {target.canary_subset} if target.canary_subset else {service, f"{service}.{namespace}"}

    def stands_in(part: Any) -> bool:
        if isinstance(part, Mapping):
            return any(map(stands_in, part.values()))
        if isinstance(part, list):
            return any(map(stands_in, part))
        return part in names or (isinstance(part, str) and part.startswith(f"{service}.{namespace}."))

    return stands_in(obj.get("spec"))


def shares_in_words(stable: str, canary: str, split: Split, desired: DesiredTraffic | None) -> dict[str, str]:
    """What the two versions (by names of theirs) would get; without those that would get nothing."""
    shares = ((stable, split.stable), (canary, split.canary))
    texts = {name: f"{share} of {split.total} parts of the traffic" for name, share in shares if share}
    if desired is not None and desired.reaches_canary:
        texts.setdefault(canary, "matching or mirrored requests")
    return texts


def service_and_namespace(service: str, target: Target) -> tuple[str, str]:
    """The name and the namespace of a Service that is given as `name`, `name.namespace` or in full."""
    name, *rest = service.split(".")
    return name, rest[0] if rest else target.namespace


# The options that most routers take.
COMMON_OPTIONS = ("routes", "api_version", "additional_destinations")


@dataclass(frozen=True)
class Router:
    """The description of one kind of router.

    Functions get `objects` by the keys of the parts: as they were before any edit of this owner, and those that this collection created as
    they are.

    Attributes:
        parts: `(target)`: the objects that it reads; the first is the one that users name.
        changes: `(objects, target, desired)`: what must change, in the order of the writes; `desired` None puts everything back. Raises
            Refused where the router cannot express the desired traffic.
        weight: `(objects, target)`: the split that the objects express now.
        backends: `(objects, target, split, desired)`: what must be ready before the objects, as they will be, may take effect.
        grace: Seconds for which proxies may continue with the old split after the status is current.
        options: The options that users may set for it besides its name: fields of Target.
        not_ready_reason: `(objects, target)`: what the status lacks until the router serves the objects, None where nothing is lacking.
            Raises Refused with the controller's message where it rejects them, and NotSeen where no controller has written a status.
        warnings: `(objects, target, desired)`: what users must know about how the objects, as they will be, carry it out.
        drain_changes: `(objects, target)`: the changes that end the canary's traffic before putting back removes an object, or a part of
            one, that the traffic needs.
        first: `(key, before, after)`: whether this write must have taken effect before the next object is written.
        check_ownership: `(objects, target, by)`: raises Refused where the objects were split in a way that this target cannot put back.
        still_needed: `(objects, target, by, others)`: edits, by the key of the part, that keep what this owner put into objects beside the
            first and other objects of the first one's kind still need. `others` is None where they may not be listed.
        beside: `(objects, target, desired, all, together)`: what other objects of the kind in the namespace do to the split. Raises Refused
            where they make it ineffective, or would be split themselves, unless `desired` is None or leads nothing to the canary.
            `together` are the targets of the same call. The field is None where objects do not affect each other.
    """

    parts: Callable[[Target], dict[str, Part]]
    changes: Callable[[Objects, Target, DesiredTraffic | None], list[Change]]
    weight: Callable[[Objects, Target], Split]
    backends: Callable[[Objects, Target, Split, DesiredTraffic | None], list[Backend]]
    grace: float
    options: tuple[str, ...] = COMMON_OPTIONS
    not_ready_reason: Callable[[Objects, Target], str | None] = _always_ready
    warnings: Callable[[Objects, Target, DesiredTraffic], list[str]] = _no_warnings
    drain_changes: Callable[[Objects, Target], list[Change]] | None = None
    first: Callable[[str, Object | None, Object | None], bool] = _in_any_order
    check_ownership: Callable[[Objects, Target, str], None] = _any_owner
    still_needed: Callable[[Objects, Target, str, Sequence[Object] | None], dict[str, list[Edit]]] = shares_nothing
    beside: Callable[[Objects, Target, DesiredTraffic | None, Sequence[Object], Sequence[Target]], list[str]] | None = None


def title(obj: Object) -> str:
    """Names an object in messages: `HTTPRoute test/shop`."""
    return f"{obj['kind']} {obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


def refuse_requests(obj: str, router: str, desired: DesiredTraffic, can: str) -> None:
    """Rejects matches and mirrors on a router that can do neither.

    Args:
        obj: The object of the problem.
        router: The router's name.
        desired: How the traffic is to be shared.
        can: What the router can do, as "it splits by weight".

    Raises:
        Refused: `desired` has matches or a mirror.
    """
    if desired.routes or desired.mirror:
        asked = "matches" if desired.routes else "mirror"
        raise Refused(obj, f"cannot do {asked} with router {router} ({can})", f"leave {asked} out, or use a router that can do it")
