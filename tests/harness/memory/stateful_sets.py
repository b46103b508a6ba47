"""StatefulSets in memory: pods with numbers, made and replaced one after the other, down to the partition.

Follows the StatefulSet controller of Kubernetes. Left out: parallel pod management, maxUnavailable, volumes.
"""

from __future__ import annotations

from collections.abc import Iterable

from .controller import Controller, Key
from .history import HASH, present, revisions, with_template
from .kinds import POD, STATEFUL_SET, Object
from .pods import Kubelets, has_failed, is_going, is_ready, made_by
from .store import Change, Store, labels_of, owner_of

_LABEL = "controller.kubernetes.io/hash"


class StatefulSets(Controller):
    kind = STATEFUL_SET

    def __init__(self, store: Store, kubelets: Kubelets) -> None:
        super().__init__(store)
        self.kubelets = kubelets

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.kind is STATEFUL_SET:
            return [change.key]
        owner = owner_of(change.after) if change.kind is POD else {}
        return [(change.key[0], owner["name"])] if owner.get("kind") == "StatefulSet" else []

    def look(self, key: Key) -> None:
        live = self.store.find(STATEFUL_SET, *key)
        if live is None:
            return
        wanted = present(self.store, STATEFUL_SET, live, _LABEL)
        name = (live.get("status") or {}).get("currentRevision", wanted["metadata"]["name"])
        current = next((each for each in revisions(self.store, live) if each["metadata"]["name"] == name), wanted)
        self._work(live, current, wanted)
        self._tell(live, current, wanted)

    def _pods(self, live: Object) -> dict[int, Object]:
        return {int(pod["metadata"]["name"].rpartition("-")[2]): pod for pod in self.store.owned(POD, live)}

    def _work(self, live: Object, current: Object, wanted: Object) -> None:
        """One step: the first pod that is missing, one too many, or one that is to be replaced."""
        pods, replicas = self._pods(live), live["spec"]["replicas"]
        partition = self._partition(live)
        for number in range(replicas):
            if number not in pods:
                revision = current if partition is not None and number < partition else wanted
                name = f"{live['metadata']['name']}-{number}"
                labels = {HASH: revision["metadata"]["name"], "apps.kubernetes.io/pod-index": str(number)}
                labels["statefulset.kubernetes.io/pod-name"] = name
                made_by(self.store, STATEFUL_SET, with_template(live, revision), name, labels)
                return
            if has_failed(pods[number]):
                self.kubelets.delete(pods[number])
            if is_going(pods[number]) or not is_ready(pods[number]):
                return
        condemned = [number for number in sorted(pods, reverse=True) if number >= replicas]
        if condemned:
            self.kubelets.delete(pods[condemned[0]])
            return
        for number in range(replicas - 1, replicas if partition is None else partition - 1, -1):
            if labels_of(pods[number])[HASH] != wanted["metadata"]["name"]:
                self.kubelets.delete(pods[number])
                return

    @staticmethod
    def _partition(live: Object) -> int | None:
        """None where pods are replaced only when somebody deletes them."""
        strategy = live["spec"]["updateStrategy"]
        return int(strategy.get("rollingUpdate", {}).get("partition", 0)) if strategy["type"] == "RollingUpdate" else None

    def _tell(self, live: Object, current: Object, wanted: Object) -> None:
        pods = [pod for pod in self._pods(live).values() if not is_going(pod)]
        names = [labels_of(pod)[HASH] for pod in pods]
        ready = sum(is_ready(pod) for pod in pods)
        counts = {"readyReplicas": ready, "currentReplicas": names.count(current["metadata"]["name"])}
        counts["updatedReplicas"] = updated = names.count(wanted["metadata"]["name"])
        if self._partition(live) is not None and updated == ready == len(pods) == live["spec"]["replicas"]:
            current, counts["currentReplicas"] = wanted, updated
        status = {
            "observedGeneration": live["metadata"]["generation"],
            "replicas": len(pods),
            "availableReplicas": ready,
            **{key: count for key, count in counts.items() if count},
            "currentRevision": current["metadata"]["name"],
            "updateRevision": wanted["metadata"]["name"],
            "collisionCount": 0,
        }
        self.store.set_status(STATEFUL_SET, live, status)
