"""DaemonSets in memory: one pod on every node; old ones are replaced one after the other, or when somebody deletes them.

Follows the DaemonSet controller of Kubernetes. Left out: node selectors, taints, surge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from .controller import Controller, Key
from .history import HASH, present, revisions
from .kinds import DAEMON_SET, POD, Object
from .pods import NODES, Kubelets, is_going, is_ready, made_by
from .store import Change, Store, labels_of, owner_of


class DaemonSets(Controller):
    kind = DAEMON_SET

    def __init__(self, store: Store, kubelets: Kubelets) -> None:
        super().__init__(store)
        self.kubelets = kubelets

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.kind is DAEMON_SET:
            return [change.key]
        owner = owner_of(change.after) if change.kind is POD else {}
        return [(change.key[0], owner["name"])] if owner.get("kind") == "DaemonSet" else []

    def look(self, key: Key) -> None:
        live = self.store.find(DAEMON_SET, *key)
        if live is None:
            return
        pod_hash = labels_of(present(self.store, DAEMON_SET, live, HASH))[HASH]
        # The number is of the templates so far; here there is one revision for each.
        labels = {HASH: pod_hash, "pod-template-generation": str(len(revisions(self.store, live)))}
        taken = {pod["spec"]["nodeName"] for pod in self.store.owned(POD, live)}
        for node in NODES:
            if node not in taken:
                made_by(self.store, DAEMON_SET, live, f"{key[1]}-{next(self.store.numbers):05d}", labels, nodeName=node)
        if live["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._replace(live, pod_hash)
        self._tell(live, pod_hash)

    def _replace(self, live: Object, pod_hash: str) -> None:
        limit = live["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"]
        most = math.ceil(int(limit[:-1]) * len(NODES) / 100) if isinstance(limit, str) else limit
        pods = self.store.owned(POD, live)
        away = sum(is_going(pod) or not is_ready(pod) for pod in pods)
        old = [pod for pod in pods if not is_going(pod) and labels_of(pod)[HASH] != pod_hash]
        for pod in old[: max(0, most - away)]:
            self.kubelets.delete(pod)

    def _tell(self, live: Object, pod_hash: str) -> None:
        pods = [pod for pod in self.store.owned(POD, live) if not is_going(pod)]
        ready = sum(is_ready(pod) for pod in pods)
        counts = {
            "updatedNumberScheduled": sum(labels_of(pod)[HASH] == pod_hash for pod in pods),
            "numberAvailable": ready,
            "numberUnavailable": len(NODES) - ready,
        }
        status = {
            "observedGeneration": live["metadata"]["generation"],
            "desiredNumberScheduled": len(NODES),
            "currentNumberScheduled": len(pods),
            "numberMisscheduled": 0,
            "numberReady": ready,
            **{key: count for key, count in counts.items() if count},
        }
        self.store.set_status(DAEMON_SET, live, status)
