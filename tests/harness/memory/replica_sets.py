"""ReplicaSets in memory: as many pods as they ask for."""

from __future__ import annotations

from collections.abc import Iterable

from .controller import Controller, Key
from .kinds import POD, REPLICA_SET, Object
from .pods import Kubelets, has_failed, is_going, is_ready, made_by
from .store import Change, Store, owner_of


class ReplicaSets(Controller):
    kind = REPLICA_SET

    def __init__(self, store: Store, kubelets: Kubelets) -> None:
        super().__init__(store)
        self.kubelets = kubelets

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.kind is REPLICA_SET:
            return [change.key]
        owner = owner_of(change.after) if change.kind is POD else {}
        return [(change.key[0], owner["name"])] if owner.get("kind") == "ReplicaSet" else []

    def look(self, key: Key) -> None:
        live = self.store.find(REPLICA_SET, *key)
        if live is None:
            return
        pods = [pod for pod in self.store.owned(POD, live) if not is_going(pod) and not has_failed(pod)]
        wanted = live["spec"]["replicas"]
        for _number in range(wanted - len(pods)):
            made_by(self.store, REPLICA_SET, live, f"{key[1]}-{next(self.store.numbers):05d}", {})
        # Those that are not ready go first, then the youngest.
        for pod in sorted(pods, key=lambda pod: (is_ready(pod), -_number_of(pod)))[: max(0, len(pods) - wanted)]:
            self.kubelets.delete(pod)
        self.store.set_status(REPLICA_SET, live, self._status(live))

    def _status(self, live: Object) -> Object:
        pods = [pod for pod in self.store.owned(POD, live) if not is_going(pod) and not has_failed(pod)]
        ready = sum(is_ready(pod) for pod in pods)
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        generation = live["metadata"]["generation"]
        return {"replicas": len(pods), **{key: count for key, count in counts.items() if count}, "observedGeneration": generation}


def _number_of(pod: Object) -> int:
    return int(pod["metadata"]["uid"].rpartition("-")[2])
