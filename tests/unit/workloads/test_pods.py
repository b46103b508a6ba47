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


def container(state: Object, name: str = "app", count: int = 0, last: Object | None = None, **more: Any) -> Object:
    """One container's status. last: how it ended the last time."""
    ended = {"lastState": {"terminated": last}} if last else {}
    return {"name": name, "ready": False, "restartCount": count, "state": state, **ended, **more}


def of(*containers: Object, **more: Any) -> Object:
    return {"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "containerStatuses": list(containers), **more}


RUNNING: Object = {"running": {}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container=app"}}
OOM = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:40Z"}
GATE = "example.org/registered"
GATED_READY = {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"}
GATED = {"conditions": [{"type": "ContainersReady", "status": "True"}, GATED_READY]}
EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. "}
NOT_READY = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers with unready status: [app]"}]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (UNREADY, "Running and not ready"),
        ({}, "Pending and not ready"),
        (None, "Pending and not ready"),
        ({"phase": "Running", "conditions": NOT_READY}, "is not ready: containers with unready status: [app]"),
        (of(container(RUNNING), container(RUNNING, "log", ready=True)), "container app runs and is not ready"),
        (of(container(RUNNING), container(RUNNING, "log")), "container app runs and is not ready, and 1 more"),
        (UNSCHEDULABLE, "cannot be scheduled: 0/3 nodes are available"),
        (NO_WORDS, "cannot be scheduled: SchedulingGated"),
        ({"conditions": [{"type": "PodScheduled", "status": "False"}]}, "is not scheduled yet"),
        (waiting("ContainerCreating"), "container app is waiting: ContainerCreating"),
        (waiting("ImagePullBackOff", "Back-off pulling\n image"), "container app is waiting: ImagePullBackOff (Back-off pulling image)"),
        (waiting("CrashLoopBackOff", kind="initContainerStatuses"), "init container app is waiting: CrashLoopBackOff"),
        (
            of(container(BACK_OFF, count=3, last=OOM)),
            "container app restarted 3 times in 40 s, last exit code 137, OOMKilled (CrashLoopBackOff)",
        ),
        (of(container(BACK_OFF, count=1, last={"exitCode": 1, "reason": "Error"})), "container app restarted 1 time, last exit code 1 "),
        (
            of(container(BACK_OFF, count=1, last={"exitCode": 128, "reason": "StartError", "message": "exec: no\nsuch file"})),
            "container app restarted 1 time, last exit code 128, StartError (CrashLoopBackOff: exec: no such file)",
        ),
        (of(container({"terminated": {"exitCode": 2, "reason": "Error"}})), "container app ended, exit code 2"),
        # It runs again, and why it ended still matters.
        (of(container(RUNNING, count=2, last=OOM)), "container app restarted 2 times in 40 s, last exit code 137, OOMKilled"),
        (of(initContainerStatuses=[container(RUNNING, "migrate")]), "init container migrate is still running"),
        (
            of(initContainerStatuses=[container({"terminated": {"exitCode": 1}}, "migrate", 2)]),
            "init container migrate restarted 2 times, last exit code 1",
        ),
        (EVICTED, "was evicted: The node was low on resource: memory"),
        ({"phase": "Failed"}, "has ended (Failed)"),
        ({"phase": "Failed", "reason": "OutOfcpu", "message": "too much"}, "has ended (OutOfcpu): too much"),
        (of(container({"terminated": OOM}), phase="Failed"), "has ended (Failed): container app ended, exit code 137, OOMKilled"),
        (GATED, f"waits for its readiness gate {GATE}: nothing has set it"),
        ({"conditions": [GATED_READY, {"type": GATE, "status": "False"}]}, f"waits for its readiness gate {GATE}: it is False"),
        (
            {"conditions": [*GATED["conditions"], {"type": GATE, "status": "False", "reason": "Initial", "message": "Target is\nnew"}]},
            f"waits for its readiness gate {GATE}: Initial: Target is new",
        ),
        # The containers come before the gates.
        (of(container(RUNNING), conditions=NOT_READY), "container app runs and is not ready"),
    ],
)
def test_troubles(status: Any, said: str) -> None:
    found = pods.troubles([pod(READY, "shop-0"), gated(pod(status)), pod(status, "shop-2", going=True)])
    assert len(found) == 1 and found[0].startswith(f"pod shop-1: {said}"), found


def gated(obj: Object) -> Object:
    return {**obj, "spec": {"readinessGates": [{"conditionType": GATE}]}}


def test_a_pod_that_was_evicted_is_named_after_those_that_may_become_ready() -> None:
    found = pods.troubles([pod(EVICTED, "old"), pod(waiting("ContainerCreating"), "new")])
    assert [each.split(":")[0] for each in found] == ["pod new", "pod old"]


@pytest.mark.parametrize(("status", "word"), [(EVICTED, "Evicted"), ({"phase": "Failed"}, "Failed"), (UNSCHEDULABLE, "Unschedulable")])
def test_status_in_one_word(status: Any, word: str) -> None:
    assert pods.status_of(pod(status)) == word


def test_a_message_of_the_cluster_is_one_line_and_not_too_long() -> None:
    [said] = pods.troubles([pod(waiting("ErrImagePull", "\x1b[31m" + "no\r\n" * 1000))])
    assert len(said) < 400 and said.isprintable()


def test_nothing_is_said_of_no_pods() -> None:
    assert (pods.ready_uids([]), pods.troubles([])) == (frozenset(), [])
