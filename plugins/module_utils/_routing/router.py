"""What every router offers: which objects it reads, what must change in them, and what they say."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

from .._objects.edits import Edit
from .._objects.plan_writes import Change as Change
from .._objects.refusal import Refused
from .._objects.resources import Resource
from .target import Split, Target, Wish

Object = dict[str, Any]
# The objects of a router by the keys of its parts; None where one is not there.
Objects = Mapping[str, Optional[Object]]


class NotSeen(Refused):
    """No controller has said anything of an object yet: it may be new, or attached to nothing."""


@dataclass(frozen=True)
class Part:
    """One object that a router reads.

    required: it must be there; the user's objects are, those that are made here need not be. has_status: `missing` looks at its status.
    written: a split writes to it; else it is only read.
    sibling: the annotation, and its value, by which an object is known that was made here in its place under another name.
    """

    resource: Resource
    name: str
    required: bool = True
    has_status: bool = False
    written: bool = True
    sibling: tuple[str, str] | None = None


@dataclass(frozen=True)
class Backend:
    """Pods that would get traffic and must be ready: those behind a Service, of these with labels those that have them.

    subset: the name of a subset of the Service, whose labels a DestinationRule has that is not one of the router's objects.
    share: what they would get, in words. service: its name, without the namespace. ports: those that the router asks the Service for, by
    number or name; empty where that cannot be told.
    """

    service: str
    namespace: str
    share: str
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[int | str, ...] = ()
    subset: str = ""


def _nothing_missing(_objects: Objects, _target: Target) -> str | None:
    """For routers whose objects have no status that says whether they are served."""
    return None


def _nothing_to_say(_objects: Objects, _target: Target, _wish: Wish) -> list[str]:
    """For routers that do what they are told, or refuse."""
    return []


def _in_any_order(_key: str, _before: Object | None, _after: Object | None) -> bool:
    """For routers whose objects need not wait for each other."""
    return False


def _no_other(_objects: Objects, _target: Target, _by: str) -> None:
    """For routers of which a split can be told from another one by its owner."""


def shares_nothing(_objects: Objects, _target: Target, _by: str, _others: Sequence[Object] | None) -> dict[str, list[Edit]]:
    """For routers whose objects beside the first are not used by any other object."""
    return {}


def backends_by_service(target: Target, split: Split, wish: Wish | None, ports: Iterable[int | str | None]) -> list[Backend]:
    """The Services that get a share, as nearly all routers send traffic: to the stable and to the canary Service.

    ports: of the stable Service, to which the routes that are split send requests; None where that cannot be told.
    """
    texts = shares_in_words(target.stable_service, target.canary_service, split, wish)
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


def shares_in_words(stable: str, canary: str, split: Split, wish: Wish | None) -> dict[str, str]:
    """What the two versions (by names of theirs) would get; without those that would get nothing."""
    shares = ((stable, split.stable), (canary, split.canary))
    texts = {name: f"{share} of {split.total} parts of the traffic" for name, share in shares if share}
    if wish is not None and wish.reaches_canary:
        texts.setdefault(canary, "matching or mirrored requests")
    return texts


def service_and_namespace(service: str, target: Target) -> tuple[str, str]:
    """The name and the namespace of a Service that is given as `name`, `name.namespace` or in full."""
    name, *rest = service.split(".")
    return name, rest[0] if rest else target.namespace


# Objects, target, wish, all objects of the first one's kind in the namespace, the targets that the same call moves alike.
Beside = Callable[[Objects, Target, Optional[Wish], Sequence[Object], Sequence[Target]], "list[str]"]
Emptied = Callable[[Objects, Target], list[Change]]


@dataclass(frozen=True)
class Router:
    """A kind of router.

    parts(target): the objects that it reads; the first is the one that users name.
    changes(objects, target, wish): what must change, in the order of the writes; wish None puts everything back. `objects` are as they
        were before any edit of ours (those made here: as they are). Raises Refused where the wish cannot be written down.
    weight(objects, target): the split that the objects say now.
    backends(objects, target, split, wish): what must be ready before the objects, as they will be, may take effect.
    missing(objects, target): what the objects' status still lacks before the router can be said to serve them, None where nothing does;
        raises Refused, with the controller's message, where it will not serve them, and NotSeen where no controller knows of them.
    warnings(objects, target, wish): what users must know about how the objects, as they will be, carry the wish out.
    grace: seconds that proxies may go on with the old split after the status is proven (semantics.md).
    emptied(objects, target): where putting back takes away what traffic needs, an object or what was put into one beside the first: the
        changes that end the canary's traffic before.
    first(key, before, after): whether what was written there must have taken effect before the next object is written.
    still_needed(objects, target, by, others): what this owner put into objects beside the first that other objects of the first one's kind
        still need, as edits that keep it, by the key of the part. others: those of the namespace, None where they may not be listed.
    beside(objects, target, wish, there, together): what other objects of the kind do to the split, which users must know; raises Refused
        where they make it ineffective, or would be split themselves. wish None, or one that leads nothing to the canary, is never refused.
        The field is None where objects do not touch each other.
    refuse_other(objects, target, by): raises Refused where the objects, as they are, were split in a way that this target cannot put back.
    """

    parts: Callable[[Target], dict[str, Part]]
    changes: Callable[[Objects, Target, Wish | None], list[Change]]
    weight: Callable[[Objects, Target], Split]
    backends: Callable[[Objects, Target, Split, Wish | None], list[Backend]]
    grace: float
    missing: Callable[[Objects, Target], str | None] = _nothing_missing
    warnings: Callable[[Objects, Target, Wish], list[str]] = _nothing_to_say
    emptied: Emptied | None = None
    first: Callable[[str, Object | None, Object | None], bool] = _in_any_order
    beside: Beside | None = None
    refuse_other: Callable[[Objects, Target, str], None] = _no_other
    still_needed: Callable[[Objects, Target, str, Sequence[Object] | None], dict[str, list[Edit]]] = shares_nothing


def title(obj: Object) -> str:
    """How an object is called in messages: `HTTPRoute test/shop`."""
    return f"{obj['kind']} {obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


def refuse_all(where: str, router: str, wish: Wish, can: str) -> None:
    """Raises Refused for matches and mirrors on a router that can do neither. can: what it can do."""
    if wish.routes or wish.mirror:
        asked = "matches" if wish.routes else "mirror"
        raise Refused(f"{where}: {router} cannot do {asked}, {can}: leave {asked} out, or use a router that can")
