"""What StatefulSets and DaemonSets say of their updates, and the strategies that hold them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import Edit
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import in_place

TYPE, PARTITION = ("spec", "updateStrategy", "type"), ("spec", "updateStrategy", "rollingUpdate", "partition")


def stateful(replicas: int | None = 3, strategy: Any = None, **status: Any) -> dict[str, Any]:
    spec = {"replicas": replicas, "updateStrategy": strategy or {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "shop", "generation": 2},
        "spec": spec,
        "status": {"observedGeneration": 2, **status},
    }


def daemon(limit: Any = 1, **status: Any) -> dict[str, Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": limit}}
    status = {"observedGeneration": 2, "desiredNumberScheduled": 5, **status}
    return {"kind": "DaemonSet", "metadata": {"name": "shop", "generation": 2}, "spec": {"updateStrategy": strategy}, "status": status}


@pytest.mark.parametrize(
    ("workload", "missing"),
    [
        (stateful(currentRevision="a", updateRevision="a", readyReplicas=3), None),
        (stateful(currentRevision="a", updateRevision="a", readyReplicas=2), "2 of 3 pods are ready"),
        (stateful(currentRevision="a", updateRevision="b", updatedReplicas=1, readyReplicas=3), "1 of 3 pods are updated"),
        (stateful(currentRevision="a", updateRevision="b", readyReplicas=3), "0 of 3 pods are updated"),
        (stateful(observedGeneration=1), "its last change has not been taken up yet"),
        (stateful(replicas=None, currentRevision="a", updateRevision="a", readyReplicas=1), None),
        (daemon(updatedNumberScheduled=5, numberReady=5), None),
        (daemon(updatedNumberScheduled=4, numberReady=5), "4 of 5 pods are updated"),
        (daemon(updatedNumberScheduled=5, numberReady=4), "4 of 5 pods are ready"),
        (daemon(observedGeneration=1, updatedNumberScheduled=5, numberReady=5), "its last change has not been taken up yet"),
    ],
)
def test_rolled_out(workload: dict[str, Any], missing: str | None) -> None:
    assert in_place.not_rolled_out(workload) == missing


@pytest.mark.parametrize(
    ("workload", "count", "edits"),
    [
        (stateful(), 0, [Edit(TYPE, "RollingUpdate"), Edit(PARTITION, 3)]),
        (stateful(), 2, [Edit(TYPE, "RollingUpdate"), Edit(PARTITION, 1)]),
        (stateful(strategy={"type": "OnDelete"}), 1, [Edit(TYPE, "RollingUpdate"), Edit(PARTITION, 2)]),
        (daemon(), 2, [Edit(TYPE, "OnDelete")]),
    ],
)
def test_holding(workload: dict[str, Any], count: int, edits: list[Edit]) -> None:
    assert in_place.holding_edits(workload, count) == edits


@pytest.mark.parametrize(("limit", "batch"), [(1, 1), (3, 3), ("20%", 1), ("50%", 3), (0, 1), ("0%", 1)])
def test_as_many_at_a_time_as_the_users_own_strategy(limit: Any, batch: int) -> None:
    assert in_place.batch_of(daemon(limit)) == batch


def test_pods_go_from_the_last_ordinal_on() -> None:
    names = ["shop-10", "shop-9", "shop-0", "shop-x7zq2"]
    ordered = sorted(({"metadata": {"name": name}} for name in names), key=in_place.ordinal)
    assert [pod["metadata"]["name"] for pod in ordered] == ["shop-0", "shop-x7zq2", "shop-9", "shop-10"]
