"""When a pod that fails at its start counts as stuck: by its restarts, by the time, and never while it may recover."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.starts import read_start_tolerance
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.starting import StartTolerance, StartWatch, any_fails
from hypothesis import given
from hypothesis import strategies as some

Object = dict[str, Any]

NOW = 1_760_000_000.0
DEFAULT = StartTolerance()
NONE = StartTolerance(0.0, 0)


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(reason: str, age: float = 0.0, count: int = 0, kind: str = "containerStatuses", **status: Any) -> Object:
    """A pod whose second container waits, or has ended where reason is empty. age: seconds since the kubelet took it up."""
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": stamp(NOW)}
    state = {"waiting": {"reason": reason, "message": "why"}} if reason else {"terminated": ended}
    container = {"name": "app", "restartCount": count, "state": state, **({"lastState": {"terminated": ended}} if count else {})}
    whole = {"startTime": stamp(NOW - age), kind: [{"name": "ok", "state": {"running": {}}}, container], **status}
    return {"metadata": {"name": "shop-1", "uid": "u1"}, "status": whole}


def stuck(obj: Object, tolerance: StartTolerance = DEFAULT, seen: float = 0.0, looks_once: bool = False) -> bool:
    """Whether it counts as stuck after it was seen to fail for so long."""
    watch = StartWatch(tolerance, looks_once)
    first = watch.stuck([obj], NOW - seen, 0.0) if seen else None
    return (first or watch.stuck([obj], NOW, seen)) is not None


BY_TIME = (
    *("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "CreateContainerConfigError", "CreateContainerError"),
    *("RunContainerError", "PreStartHookError", "ContainerStatusUnknown"),
)


@pytest.mark.parametrize("kind", ["containerStatuses", "initContainerStatuses"])
@pytest.mark.parametrize(
    ("reason", "age", "count", "seen", "verdict"),
    [
        *((reason, age, 0, seen, False) for reason in BY_TIME for age, seen in ((0, 0), (10, 10), (59, 20), (600, 0), (600, 10))),
        *((reason, age, 0, seen, True) for reason in BY_TIME for age, seen in ((61, 20), (600, 16), (0, 60))),
        *((reason, age, count, 0, False) for reason in ("CrashLoopBackOff", "") for age in (0, 600) for count in (0, 1, 2)),
        *((reason, age, count, 0, True) for reason in ("CrashLoopBackOff", "") for age in (0, 600) for count in (3, 4, 1000)),
        *((reason, 0, 0, 0, True) for reason in ("InvalidImageName", "ErrImageNeverPull")),
        *((reason, 9999, 0, 9999, False) for reason in ("ContainerCreating", "PodInitializing")),
    ],
)
def test_what_is_tolerated(reason: str, age: float, count: int, seen: float, verdict: bool, kind: str) -> None:
    assert stuck(pod(reason, age, count, kind), seen=seen) is verdict


@pytest.mark.parametrize("reason", ["ErrImagePull", "CrashLoopBackOff", "CreateContainerConfigError", ""])
def test_without_tolerance_the_first_failure_counts(reason: str) -> None:
    assert stuck(pod(reason), NONE)


def test_a_call_that_may_not_wait_goes_by_the_times_of_the_pod() -> None:
    assert stuck(pod("ErrImagePull", 61), looks_once=True) and not stuck(pod("ErrImagePull", 59), looks_once=True)


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(
            {"initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 0, "finishedAt": stamp(NOW - 9)}}}]}, id="init"
        ),
        pytest.param({"conditions": [{"type": "Initialized", "status": "True", "lastTransitionTime": stamp(NOW - 9)}]}, id="initialized"),
    ],
)
def test_the_time_counts_from_when_the_container_could_start(status: Object) -> None:
    """An init container that works for ten minutes uses up nothing."""
    assert not stuck(pod("ErrImagePull", 600, **status), seen=20) and stuck(pod("ErrImagePull", 600), seen=20)


@pytest.mark.parametrize("change", [{"phase": "Failed"}, {"phase": "Succeeded"}])
def test_pods_that_are_replaced_do_not_count(change: Object) -> None:
    failing = pod("InvalidImageName")
    going = {**failing, "metadata": {**failing["metadata"], "deletionTimestamp": stamp(NOW)}}
    for each in (going, pod("InvalidImageName", **change)):
        assert not stuck(each) and not any_fails([each])
    assert any_fails([failing])


def test_a_pod_that_recovers_begins_anew() -> None:
    watch = StartWatch(DEFAULT)
    young, runs = pod("ErrImagePull", 0), {**pod("", 0), "status": {"containerStatuses": [{"name": "app", "state": {"running": {}}}]}}
    looks = [watch.stuck([each], NOW, at) for each, at in ((young, 0.0), (runs, 50.0), (young, 55.0), (young, 114.0), (young, 115.0))]
    assert [each is not None for each in looks] == [False, False, False, False, True]
    assert looks[-1] == "pod shop-1: container app is waiting: ErrImagePull (why) for 60 s"


ANY = some.none() | some.booleans() | some.integers(-(10**12), 10**12) | some.text(max_size=30)


@given(count=ANY, start=ANY, end=ANY, code=ANY, reason=some.text(max_size=30), message=ANY, looks_once=some.booleans())
def test_whatever_the_cluster_says_there_is_a_verdict(
    count: Any, start: Any, end: Any, code: Any, reason: str, message: Any, looks_once: bool
) -> None:
    last = {"exitCode": code, "reason": message, "finishedAt": end, "message": message}
    container = {"restartCount": count, "state": {"waiting": {"reason": reason, "message": message}}, "lastState": {"terminated": last}}
    obj = {"metadata": {"name": "shop-1", "creationTimestamp": start}, "status": {"startTime": start, "containerStatuses": [container]}}
    found = StartWatch(DEFAULT, looks_once).stuck([obj], NOW, 0.0)
    assert found is None or (found.isprintable() and len(found) < 1500)


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        (None, DEFAULT),
        ({}, DEFAULT),
        ({"time": "2m"}, StartTolerance(120.0, 3)),
        ({"time": 0, "restarts": "0"}, NONE),
        ({"time": None, "restarts": 10}, StartTolerance(60.0, 10)),
    ],
)
def test_reading(given_: Any, read: StartTolerance) -> None:
    assert read_start_tolerance(given_) == read


@pytest.mark.parametrize(
    ("given_", "option", "what"),
    [
        ("60s", "start_tolerance", "must be a mapping"),
        ({"times": 1}, "start_tolerance", "does not take times"),
        ({"time": "soon"}, "start_tolerance.time", "must be a duration, not 'soon'"),
        ({"restarts": -1}, "start_tolerance.restarts", "must be a whole number from 0 to 1000, not -1"),
        ({"restarts": True}, "start_tolerance.restarts", "must be a whole number from 0 to 1000, not True"),
    ],
)
def test_reading_refuses(given_: Any, option: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        read_start_tolerance(given_)
    assert (refused.value.problem.object, refused.value.problem.what) == (option, what)
