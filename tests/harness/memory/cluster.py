"""A cluster in memory: an API server, its controllers, and a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .clock import FakeTime
from .controller import Controller
from .daemon_sets import DaemonSets
from .deployments import Deployments
from .endpoints import EndpointSlices
from .kinds import BY_KIND, POD, REPLICA_SET, REVISION, Object
from .pods import Kubelets
from .replica_sets import ReplicaSets
from .server import NAMESPACE, MemoryServer
from .stateful_sets import StatefulSets
from .store import Change, owner_of

_GARBAGE_STAYS = 0.05  # seconds
_AT_REST = 60.0


class MemoryCluster:
    """time: by which everything waits. server: the transport. pods_go: seconds until a pod is gone that was told to go."""

    def __init__(self, pods_go: float = 0.5) -> None:
        self.time = FakeTime()
        self.server = MemoryServer(self.time)
        self.store = self.server.store
        self.kubelets = Kubelets(self.store, pods_go)
        self.server.delete[POD] = self.kubelets.delete
        self.controllers: list[Controller] = [Deployments(self.store)]
        self.controllers += [each(self.store, self.kubelets) for each in (ReplicaSets, StatefulSets, DaemonSets)]
        self.controllers.append(EndpointSlices(self.store))
        self.store.listeners.append(self._collect)

    def apply(self, *manifests: Object) -> MemoryCluster:
        """Makes the objects and waits until nothing moves any more."""
        for manifest in manifests:
            kind = BY_KIND[manifest["kind"]]
            group, _slash, version = manifest["apiVersion"].rpartition("/")
            path = f"/apis/{group}/{version}" if group else f"/api/{version}"
            made = self.server.request("POST", f"{path}/namespaces/{NAMESPACE}/{kind.plural}", None, manifest)
            assert made.status == 201, made.body
        self.time.sleep(_AT_REST)
        return self

    def get(self, kind: str, name: str) -> Object:
        found = self.store.find(BY_KIND[kind], NAMESPACE, name)
        assert found is not None, f"there is no {kind} {name}"
        return found

    def _collect(self, change: Change) -> None:
        """What belonged to an object that is gone goes, too."""
        if change.type != "DELETED":
            return
        uid = change.after["metadata"]["uid"]
        for kind in (REPLICA_SET, REVISION, POD):
            left = [each for each in self.store.all(kind) if owner_of(each).get("uid") == uid]
            remove: Callable[[Object], None] = self.kubelets.delete if kind is POD else partial(self.store.remove, kind)
            for each in left:
                self.store.time.after(_GARBAGE_STAYS, partial(remove, each))
