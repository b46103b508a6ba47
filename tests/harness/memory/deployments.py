"""Deployments in memory: their ReplicaSets, one for each template, and rolling from one to the other.

Follows the Deployment controller of Kubernetes: each look makes one ReplicaSet bigger, or old ones smaller; a paused Deployment is scaled,
and its template waits. Left out: adoption of orphans, rollbacks by annotation.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from .controller import Controller, Key
from .kinds import DEPLOYMENT, POD, REPLICA_SET, Object
from .store import Change, Store, owner_of, reference_to

HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAX = "deployment.kubernetes.io/max-replicas"


class Deployments(Controller):
    kind = DEPLOYMENT

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._got_further: dict[str, float] = {}  # when, by uid

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.kind is DEPLOYMENT:
            return [change.key]
        owner = owner_of(change.after) if change.kind is REPLICA_SET else {}
        return [(change.key[0], owner["name"])] if owner else []

    def look(self, key: Key) -> None:
        live = self.store.find(DEPLOYMENT, *key)
        if live is None:
            return
        paused = bool(live["spec"].get("paused"))
        live = self._note_pause(live, paused)
        sets = self._sets(live)
        if paused or self._scaled(live, sets):
            self._scale(live, sets)
        elif live["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(live, sets)
        else:
            self._roll(live, sets)
        live = self._number(live)
        self._tell(live, paused)

    # ReplicaSets

    def _sets(self, live: Object) -> list[Object]:
        """The oldest first."""
        return sorted(self.store.owned(REPLICA_SET, live), key=lambda each: int(each["metadata"]["uid"].rpartition("-")[2]))

    def _split(self, live: Object, sets: Sequence[Object]) -> tuple[Object | None, list[Object]]:
        """The ReplicaSet of the present template, and the others."""
        new = next((each for each in sets if _template(each) == _template(live)), None)
        return new, [each for each in sets if each is not new]

    def _scaled(self, live: Object, sets: Sequence[Object]) -> bool:
        wanted = str(live["spec"]["replicas"])
        return any(each["spec"]["replicas"] and each["metadata"]["annotations"].get(_DESIRED) != wanted for each in sets)

    def _resize(self, live: Object, replica_set: Object, replicas: int) -> bool:
        """Whether the size was another."""
        annotations = {**replica_set["metadata"]["annotations"], **_sizes(live)}
        metadata = {**replica_set["metadata"], "annotations": annotations}
        after = {**replica_set, "metadata": metadata, "spec": {**replica_set["spec"], "replicas": replicas}}
        self.store.change(REPLICA_SET, replica_set, after)
        return bool(replica_set["spec"]["replicas"] != replicas)

    def _made(self, live: Object, sets: Sequence[Object]) -> Object:
        template = live["spec"]["template"]
        pod_hash = hashlib.sha256(json.dumps(_template(live), sort_keys=True).encode()).hexdigest()[:10]
        labels = {**(template.get("metadata") or {}).get("labels", {}), HASH: pod_hash}
        number = 1 + max((_revision(each) for each in sets), default=0)
        selector = {**live["spec"]["selector"], "matchLabels": {**(live["spec"]["selector"].get("matchLabels") or {}), HASH: pod_hash}}
        metadata = {
            "name": f"{live['metadata']['name']}-{pod_hash}",
            "namespace": live["metadata"]["namespace"],
            "labels": labels,
            "annotations": {**_own(live), **_sizes(live), _REVISION: str(number)},
            "ownerReferences": [reference_to(DEPLOYMENT, live)],
        }
        template = {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}}
        spec = {"replicas": _room(live, sets, 0), "selector": selector, "template": template}
        return self.store.add(REPLICA_SET, {"metadata": metadata, "spec": spec, "status": {"replicas": 0}})

    # Ways of changing them

    def _scale(self, live: Object, sets: Sequence[Object]) -> None:
        active = [each for each in sets if each["spec"]["replicas"]]
        new, old = self._split(live, sets)
        latest = active[0] if len(active) == 1 else (new or (old[-1] if old else None)) if not active else None
        if latest is not None:
            if latest["spec"]["replicas"] != live["spec"]["replicas"]:
                self._resize(live, latest, live["spec"]["replicas"])
            return
        for each, size in _shares(live, new, active):
            self._resize(live, each, size)

    def _roll(self, live: Object, sets: list[Object]) -> None:
        new, old = self._split(live, sets)
        if new is None:
            new = self._made(live, sets)
            sets = [*sets, new]
        elif _revision(new) < max(_revision(each) for each in sets):  # One that comes back has the highest number.
            number = str(1 + max(_revision(each) for each in sets))
            metadata = {**new["metadata"], "annotations": {**new["metadata"]["annotations"], _REVISION: number}}
            new = self.store.change(REPLICA_SET, new, {**new, "metadata": metadata})
            sets = [*old, new]
        wanted, present = live["spec"]["replicas"], new["spec"]["replicas"]
        if present != wanted and self._resize(live, new, wanted if present > wanted else _room(live, sets, present)):
            return
        if not self._shrink_old(live, new, old) and _is_complete(live, self._counts(live)):
            self._forget(live, old)

    def _shrink_old(self, live: Object, new: Object, old: Sequence[Object]) -> bool:
        least = live["spec"]["replicas"] - _surge_and_unavailable(live)[1]
        sets = [new, *old]
        asked = sum(each["spec"]["replicas"] for each in sets)
        may_go = asked - least - (new["spec"]["replicas"] - _available(new))
        if not any(each["spec"]["replicas"] for each in old) or may_go <= 0:
            return False
        sizes = {each["metadata"]["name"]: each["spec"]["replicas"] for each in old}
        for each in old:  # First those that are not available anyway.
            gone = min(may_go, max(0, each["spec"]["replicas"] - _available(each)))
            sizes[each["metadata"]["name"]] -= gone
            may_go -= gone
        spare = sum(_available(each) for each in sets) - least
        for each in old:
            gone = max(0, min(spare, sizes[each["metadata"]["name"]]))
            sizes[each["metadata"]["name"]] -= gone
            spare -= gone
        resized = [self._resize(live, each, sizes[each["metadata"]["name"]]) for each in old]
        return any(resized)

    def _recreate(self, live: Object, sets: list[Object]) -> None:
        new, old = self._split(live, sets)
        if sum(self._resize(live, each, 0) for each in old):
            return
        if any(self.store.owned(POD, each) for each in old):
            return
        if new is None:
            new = self._made(live, sets)
        self._resize(live, new, live["spec"]["replicas"])

    def _forget(self, live: Object, old: Sequence[Object]) -> None:
        empty = [each for each in old if not each["spec"]["replicas"] and not each["status"]["replicas"]]
        for each in empty[: max(0, len(old) - live["spec"]["revisionHistoryLimit"])]:
            self.store.remove(REPLICA_SET, each)

    # What it tells

    def _number(self, live: Object) -> Object:
        """Gives the Deployment the number of its present ReplicaSet."""
        new, _old = self._split(live, self._sets(live))
        if new is None:
            return live
        annotations = {**(live["metadata"].get("annotations") or {}), _REVISION: new["metadata"]["annotations"][_REVISION]}
        return self.store.change(DEPLOYMENT, live, {**live, "metadata": {**live["metadata"], "annotations": annotations}})

    def _counts(self, live: Object) -> Object:
        sets = self._sets(live)
        new, _old = self._split(live, sets)
        asked, available = sum(each["spec"]["replicas"] for each in sets), sum(_available(each) for each in sets)
        counts = {
            "replicas": sum(each["status"]["replicas"] for each in sets),
            "updatedReplicas": new["status"]["replicas"] if new else 0,
            "readyReplicas": sum(each["status"].get("readyReplicas", 0) for each in sets),
            "availableReplicas": available,
            "unavailableReplicas": max(0, asked - available),
        }
        return {key: count for key, count in counts.items() if count}

    def _tell(self, live: Object, paused: bool) -> None:
        counts = self._counts(live)
        enough = counts.get("availableReplicas", 0) >= live["spec"]["replicas"] - _surge_and_unavailable(live)[1]
        available = (
            _condition("Available", "True", "MinimumReplicasAvailable")
            if enough
            else _condition("Available", "False", "MinimumReplicasUnavailable")
        )
        progressing = _of_type(live, "Progressing") if paused else self._progress(live, counts)
        status = {
            "observedGeneration": live["metadata"]["generation"],
            **counts,
            "conditions": [available, *([progressing] if progressing else [])],
        }
        if progressing.get("status") == "True" and progressing["reason"] != "NewReplicaSetAvailable":
            self.look_later((live["metadata"]["namespace"], live["metadata"]["name"]), live["spec"]["progressDeadlineSeconds"] + 1.0)
        self.store.set_status(DEPLOYMENT, live, status)

    def _progress(self, live: Object, counts: Object) -> Object:
        """The condition Progressing."""
        before, now, uid = _of_type(live, "Progressing"), self.store.time.now(), live["metadata"]["uid"]
        if _is_complete(live, counts):
            return _condition("Progressing", "True", "NewReplicaSetAvailable")
        old = live.get("status") or {}
        better = (
            counts.get("updatedReplicas", 0) > old.get("updatedReplicas", 0)
            or counts.get("readyReplicas", 0) > old.get("readyReplicas", 0)
            or counts.get("availableReplicas", 0) > old.get("availableReplicas", 0)
            or counts.get("replicas", 0) - counts.get("updatedReplicas", 0) < old.get("replicas", 0) - old.get("updatedReplicas", 0)
        )
        if better or not before or before["reason"] in ("NewReplicaSetAvailable", "DeploymentResumed"):
            self._got_further[uid] = now
            return _condition("Progressing", "True", "ReplicaSetUpdated")
        # A controller that was started again does not know when; it counts from its first look.
        if now - self._got_further.setdefault(uid, now) > live["spec"]["progressDeadlineSeconds"]:
            return _condition("Progressing", "False", "ProgressDeadlineExceeded")
        return before

    def _note_pause(self, live: Object, paused: bool) -> Object:
        condition = _of_type(live, "Progressing")
        if paused == (condition.get("reason") == "DeploymentPaused") or condition.get("reason") == "ProgressDeadlineExceeded":
            return live
        reason = "DeploymentPaused" if paused else "DeploymentResumed"
        noted = _condition("Progressing", "Unknown", reason)
        status = live.get("status") or {}
        others = [each for each in status.get("conditions") or [] if each["type"] != "Progressing"]
        return self.store.set_status(DEPLOYMENT, live, {**status, "conditions": [*others, noted]})


def _shares(live: Object, new: Object | None, active: Sequence[Object]) -> list[tuple[Object, int]]:
    """How big each ReplicaSet becomes when a Deployment that is rolling is scaled: in proportion to what it had."""
    wanted, surge = live["spec"]["replicas"], _surge_and_unavailable(live)[0]
    if new is not None and _available(new) == new["spec"]["replicas"] == wanted:
        return [(each, wanted if each is new else 0) for each in active]
    left = (wanted + surge if wanted else 0) - sum(each["spec"]["replicas"] for each in active)
    # The biggest first; of equals the newest when there is more to give, else the oldest.
    ordered = sorted(active, key=lambda each: (-each["spec"]["replicas"], -_revision(each) if left > 0 else _revision(each)))
    shares = []
    for each in ordered:
        size, before = each["spec"]["replicas"], int(each["metadata"]["annotations"][_MAX])
        part = (round(size * (wanted + surge) / before) if wanted else 0) - size
        part = min(part, left) if left > 0 else max(part, left)
        left -= part
        shares.append((each, size + part))
    first, size = shares[0]
    return [(first, max(0, size + left)), *shares[1:]]


def _condition(kind: str, status: str, reason: str) -> Object:
    return {"type": kind, "status": status, "reason": reason}


def _of_type(live: Object, kind: str) -> Object:
    return next((each for each in (live.get("status") or {}).get("conditions") or [] if each["type"] == kind), {})


def _is_complete(live: Object, counts: Object) -> bool:
    wanted = live["spec"]["replicas"]
    here = [counts.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    return here == [wanted] * 3 and (live.get("status") or {}).get("observedGeneration", 0) >= live["metadata"]["generation"]


def _template(obj: Object) -> Any:
    """The pod template without the label of its hash."""
    template = obj["spec"]["template"]
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**{key: value for key, value in metadata.items() if value}, "labels": labels}}


def _own(live: Object) -> dict[str, str]:
    """The Deployment's annotations that its ReplicaSets get."""
    not_copied = (_REVISION, _DESIRED, _MAX, "kubectl.kubernetes.io/last-applied-configuration")
    return {key: value for key, value in (live["metadata"].get("annotations") or {}).items() if key not in not_copied}


def _sizes(live: Object) -> dict[str, str]:
    wanted = live["spec"]["replicas"]
    return {_DESIRED: str(wanted), _MAX: str(wanted + _surge_and_unavailable(live)[0])}


def _surge_and_unavailable(live: Object) -> tuple[int, int]:
    rolling, wanted = live["spec"]["strategy"].get("rollingUpdate") or {}, live["spec"]["replicas"]
    surge = _resolved(rolling.get("maxSurge", 0), wanted, math.ceil)
    unavailable = min(wanted, _resolved(rolling.get("maxUnavailable", 0), wanted, math.floor))
    return (surge, 1) if rolling and surge == unavailable == 0 else (surge, unavailable)


def _resolved(value: Any, whole: int, rounded: Any) -> int:
    return int(rounded(int(value[:-1]) * whole / 100)) if isinstance(value, str) else int(value)


def _room(live: Object, sets: Sequence[Object], present: int) -> int:
    """To what size the new ReplicaSet may grow."""
    wanted = live["spec"]["replicas"]
    if live["spec"]["strategy"]["type"] == "Recreate":
        return int(wanted)
    room = wanted + _surge_and_unavailable(live)[0] - sum(each["spec"]["replicas"] for each in sets)
    return int(present + max(0, min(room, wanted - present)))


def _available(replica_set: Object) -> int:
    return int(replica_set["status"].get("availableReplicas", 0))


def _revision(replica_set: Object) -> int:
    return int(replica_set["metadata"]["annotations"].get(_REVISION, 0))
