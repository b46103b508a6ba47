"""Pods that do not become ready, in memory: what heals is waited for, and whatever ends the wait names the reason."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed, NoProgress, NotYet, TimedOut
from ansible_collections.progressive.delivery.tests.harness.memory.kinds import DEPLOYMENT, POD
from ansible_collections.progressive.delivery.tests.unit.deaths import switches
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Object, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import at_first, undisturbed, wrong
from ansible_collections.progressive.delivery.tests.unit.deaths.switches import BLUE, GREEN, SHOP

GATE = "example.org/registered"
PATIENT = {"start_tolerance": {"time": "1h", "restarts": 1000}}  # so that the time is up before a pod counts as stuck
# By cause: the pods of the new version (its tag, and more of their spec), and what every message must say of them.
CAUSES: dict[str, tuple[str, Object, str]] = {
    "unready": ("unready-1", {}, f"container {NAME} runs and is not ready"),
    "gate": ("gated-1", {"readinessGates": [{"conditionType": GATE}]}, f"waits for its readiness gate {GATE}: nothing has set it"),
    "unschedulable": ("green", {"nodeSelector": {"disk": "fast"}}, "cannot be scheduled: 0/2 nodes are available: 2 node(s) didn't match"),
    "crash": ("crash-1", {}, f"container {NAME} restarted 3 times, last exit code 1 (CrashLoopBackOff)"),
    "out of memory": ("oom-1", {}, f"container {NAME} restarted 3 times, last exit code 137, OOMKilled (CrashLoopBackOff)"),
    "image": ("missing-1", {}, f"container {NAME} is waiting: ImagePullBackOff (Back-off pulling image)"),
    "evicted": ("evicted-1", {}, "was evicted: The node was low on resource: memory"),
}
# In 20 s pods that serve on for a while have ended, too.
STYLES = ["clone", "revisions", "pair", "StatefulSet", "clone, shares of pods", "blue-green, clone", "blue-green, StatefulSet"]


def release(cause: str, **options: Any) -> Object:
    tag, spec, _said = CAUSES[cause]
    container = {"name": NAME, "image": f"argoproj/rollouts-demo:{tag}"}
    return {"revision": {"template": {"spec": {**spec, "containers": [container]}}}, **PATIENT, **options}


def events(place: Stage, reason: str) -> list[str]:
    return [each["message"] for each in place.all("Event") if each["reason"] == reason]


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("style", STYLES)
def test_a_wait_that_runs_out_says_why(style: str, cause: str) -> None:
    """In the message, in the record, and in the Event."""
    place, said = stage(CASES[style]), CAUSES[cause][2]
    with pytest.raises(TimedOut) as ended:
        place.call(options=release(cause), wait_timeout=20)
    assert said in str(ended.value) and "was not reached in 20 s" in str(ended.value)
    assert said in place.record()["msg"] and place.phase() == "Progressing"
    [event] = events(place, "RolloutTimedOut")
    assert said in event


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("on_deadline", ["abort", "stop"])
@pytest.mark.parametrize("style", STYLES)
def test_a_deadline_says_why(style: str, on_deadline: str, cause: str) -> None:
    place, said = stage(CASES[style]), CAUSES[cause][2]
    ends = pytest.raises(NoProgress, match=re.escape(said)) if on_deadline == "stop" else nullcontext()
    with ends:
        place.call(options=release(cause, progress_deadline=20, on_deadline=on_deadline))
    record = place.record()
    assert said in record["msg"] and record["phase"] == ("Aborted" if on_deadline == "abort" else "Degraded")
    [event] = events(place, "RolloutAborted" if on_deadline == "abort" else "RolloutDegraded")
    assert said in event


# A StatefulSet deletes a pod that was evicted, and a call that looks once sees the next one start.
LASTING = [(style, cause) for style in STYLES for cause in CAUSES if (style.endswith("StatefulSet"), cause) != (True, "evicted")]


@pytest.mark.parametrize(("style", "cause"), LASTING)
def test_a_call_that_may_not_wait_says_why(style: str, cause: str) -> None:
    place, said = stage(CASES[style]), CAUSES[cause][2]
    texts = []
    for _call in range(40):
        with pytest.raises((NotYet, Failed)) as ended:
            place.call(options=release(cause), wait=False)
        texts.append(str(ended.value))
        place.cluster.time.sleep(1.0)
    assert said in texts[-1], texts[-1]


@pytest.mark.parametrize("tag", ["crash-twice-1", "pull-later-1", "config-later-1", "late-1"])
@pytest.mark.parametrize("style", [style for style, case in CASES.items() if not case.edited])
def test_what_heals_is_waited_for(style: str, tag: str) -> None:
    """As a plain Deployment lives through it; and nothing of the release changes by it but the version."""
    place = stage(CASES[style])
    place.call(options={"revision": {"images": {NAME: f"argoproj/rollouts-demo:{tag}"}}})
    assert place.phase() == "Healthy" and not place.judge.complaints
    assert len(place.end_state()["pods"]) == len(undisturbed(style)[0]["pods"])


@pytest.mark.parametrize(
    ("tag", "seconds", "said"),
    [
        ("crash-1", 10, f"container {NAME} restarted 3 times, last exit code 1 (CrashLoopBackOff)"),
        ("oom-1", 10, "last exit code 137, OOMKilled"),
        ("missing-1", 75, f"container {NAME} is waiting: ImagePullBackOff (Back-off pulling image) for 6"),
        ("invalid-1", 10, "InvalidImageName"),
    ],
)
@pytest.mark.parametrize("style", STYLES)
def test_what_does_not_heal_ends_long_before_the_deadline(style: str, tag: str, seconds: float, said: str) -> None:
    place = stage(CASES[style])
    began = place.cluster.time.now()
    options = {"revision": {"images": {NAME: f"argoproj/rollouts-demo:{tag}"}}, "progress_deadline": "10m", "on_deadline": "stop"}
    with pytest.raises(NoProgress, match="does not get ready") as ended:
        place.call(options=options)
    assert said in str(ended.value), ended.value
    assert place.cluster.time.now() - began < seconds + 20  # which the moves before took


@pytest.mark.parametrize("style", STYLES)
def test_the_time_goes_on_over_calls_that_die(style: str) -> None:
    """Each call waits less than the tolerance, and they do not begin it anew."""
    place = stage(CASES[style])
    options = {"revision": {"images": {NAME: "argoproj/rollouts-demo:missing-1"}}}
    for _call in range(5):
        with pytest.raises(Failed) as ended:
            place.call(options=options, wait_timeout=20)
        if isinstance(ended.value, NoProgress):
            break
    assert isinstance(ended.value, NoProgress) and "ImagePullBackOff" in str(ended.value)


def test_the_tolerance_may_change_in_the_middle() -> None:
    place = stage(CASES["clone"])
    with pytest.raises(TimedOut):
        place.call(options=release("crash"), wait_timeout=10)
    with pytest.raises(NoProgress, match="restarted 3 times"):
        place.call(options=release("crash", start_tolerance={"restarts": 3}))
    place.call(state="aborted")
    assert not wrong(place, {**at_first("clone"), "phase": "Aborted"})


def test_a_pod_that_was_evicted_is_in_nobodys_way() -> None:
    """It stays, phase Failed, when its version is scaled to 0."""
    place = stage(CASES["revisions"])
    place.call(until="step")
    pod = next(each for each in place.all("Pod") if each["metadata"]["labels"].get("progressive.delivery/revision"))
    status = {"phase": "Failed", "reason": "Evicted", "conditions": [{"type": "Ready", "status": "False"}]}
    place.cluster.store.set_status(POD, pod, {**pod["status"], **status})
    place.cluster.time.sleep(20.0)
    place.call()
    assert place.phase() == "Healthy" and any(each["status"]["phase"] == "Failed" for each in place.all("Pod"))


@pytest.mark.parametrize(
    ("tag", "options", "said"),
    [
        ("crash-twice-1", {}, None),
        ("pull-later-1", {}, None),
        ("crash-twice-1", {"start_tolerance": {"restarts": 1}}, "container shop restarted 1 time, last exit code 1"),
        ("missing-1", {}, "container shop is waiting: ImagePullBackOff (Back-off pulling image) for 6"),
        ("missing-1", {"start_tolerance": {"time": "5s"}}, "container shop is waiting: ImagePullBackOff (Back-off pulling image) for"),
    ],
)
def test_a_switch_back_is_as_patient(tag: str, options: Object, said: str | None) -> None:
    """The version that was scaled down starts again, from a registry or beside a database that has trouble just then."""
    place = switches.stage(switches.Case({}, (switches.workload(BLUE), switches.workload(GREEN), switches.service(SHOP, colour="blue"))))
    place.call()
    live = place.cluster.get("Deployment", BLUE)
    assert live["spec"]["replicas"] == 0
    container = {**live["spec"]["template"]["spec"]["containers"][0], "image": f"argoproj/rollouts-demo:{tag}"}
    template = {**live["spec"]["template"], "spec": {**live["spec"]["template"]["spec"], "containers": [container]}}
    place.cluster.store.change(DEPLOYMENT, live, {**live, "spec": {**live["spec"], "template": template}})
    place.cluster.time.sleep(5.0)
    if said is None:
        assert place.call(target=BLUE, **options)["active"] == {"kind": "Deployment", "name": BLUE}
    else:
        with pytest.raises(NoProgress, match=re.escape(said)):
            place.call(target=BLUE, **options)
    assert not place.judge.complaints
