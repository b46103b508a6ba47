"""What is said of pods: ready, on their way out, stuck, and why."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import pods

Object = dict[str, Any]
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
UNREADY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}


def pod(status: Any, name: str = "shop-1", going: bool = False) -> Object:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})},
        "status": status,
    }


def waiting(reason: str, message: str | None = None, kind: str = "containerStatuses") -> Object:
    return {
        "phase": "Pending",
        kind: [{"name": "ok", "state": {"running": {}}}, {"name": "app", "state": {"waiting": {"reason": reason, "message": message}}}],
    }


@pytest.mark.parametrize(
    ("obj", "ready"),
    [
        (pod(READY), True),
        (pod(READY, going=True), False),
        (pod(UNREADY), False),
        (pod({"conditions": [{"type": "ContainersReady", "status": "True"}]}), False),
        (pod({"conditions": None}), False),
        (pod(None), False),
    ],
)
def test_ready(obj: Object, ready: bool) -> None:
    assert pods.is_ready(obj) is ready
    assert pods.ready_uids([obj]) == (frozenset(["uid-shop-1"]) if ready else frozenset())


UNSCHEDULABLE = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}],
}
NO_WORDS = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (UNREADY, "pod shop-1 is Running and not ready"),
        ({}, "pod shop-1 is Pending and not ready"),
        (None, "pod shop-1 is Pending and not ready"),
        ({"phase": "Failed"}, "pod shop-1 is Failed and not ready"),
        (UNSCHEDULABLE, "pod shop-1 cannot be scheduled: 0/3 nodes are available"),
        (NO_WORDS, "pod shop-1 cannot be scheduled: SchedulingGated"),
        (waiting("ContainerCreating"), "pod shop-1 is not ready: ContainerCreating"),
        (waiting("ImagePullBackOff", "Back-off pulling\n image"), "pod shop-1 is not ready: ImagePullBackOff (Back-off pulling image)"),
        (waiting("CrashLoopBackOff", kind="initContainerStatuses"), "pod shop-1 is not ready: CrashLoopBackOff"),
    ],
)
def test_troubles(status: Any, said: str) -> None:
    assert pods.troubles([pod(READY, "shop-0"), pod(status), pod(status, "shop-2", going=True)]) == [said]


@pytest.mark.parametrize(
    ("reason", "is_stuck"),
    [
        ("CrashLoopBackOff", True),
        ("ImagePullBackOff", True),
        ("ErrImagePull", True),
        ("ErrImageNeverPull", True),
        ("InvalidImageName", True),
        ("CreateContainerConfigError", True),
        ("CreateContainerError", True),
        ("RunContainerError", True),
        ("ContainerCreating", False),
        ("PodInitializing", False),
    ],
)
@pytest.mark.parametrize("kind", ["containerStatuses", "initContainerStatuses"])
def test_stuck(reason: str, is_stuck: bool, kind: str) -> None:
    status = waiting(reason, "why", kind)
    found = pods.stuck([pod(READY, "shop-0"), pod(UNREADY, "shop-2"), pod(status)])
    assert found == (f"pod shop-1 is not ready: {reason} (why)" if is_stuck else None)
    # A pod of the version that is being replaced goes with all its troubles.
    assert pods.stuck([pod(status, going=True)]) is None


def test_nothing_is_said_of_no_pods() -> None:
    assert (pods.ready_uids([]), pods.troubles([]), pods.stuck([])) == (frozenset(), [], None)
