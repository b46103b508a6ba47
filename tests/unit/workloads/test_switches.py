"""What a switch remembers, and how it tells the pods of workloads apart."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.switches import (
    ANNOTATION,
    Memory,
    behind,
    can_be_scaled,
    dump,
    key_of,
    lacking_port,
    load,
    looks_like_version,
    not_at_rest,
    refuse_unclear,
)
from hypothesis import strategies as st

Object = dict[str, Any]
KEYS = st.sampled_from(["Deployment/blue", "StatefulSet/green", "DaemonSet/red"])
TIMES = st.none() | st.floats(1, 2e9, allow_nan=False)
MEMORIES = st.builds(
    Memory,
    active=KEYS | st.just(""),
    run=st.text(min_size=1),
    previous=KEYS | st.just(""),
    at=TIMES,
    waiting=st.dictionaries(KEYS, TIMES),
    replicas=st.dictionaries(KEYS, st.integers(1, 9)),
    retiring=KEYS | st.just(""),
    preview=st.sampled_from(["", "shop-preview"]),
    routers=st.lists(st.text()).map(tuple),
)


def service(text: str | None = None, *target_ports: Any) -> Object:
    annotations = {} if text is None else {ANNOTATION: text}
    metadata = {"name": "shop", "namespace": "test", "annotations": annotations}
    return {"kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80, "targetPort": port} for port in target_ports]}}


def workload(name: str, pods: str, own: str | None = None, size: int = 2, kind: str = "Deployment", **status: Any) -> Object:
    """pods: the labels of its pods. own: those in its selector, by default the same."""
    sidecar = {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "admin"}]}
    containers = {"containers": [{"name": "c", "ports": [{"name": "http"}, {}]}], "initContainers": [sidecar]}
    template = {"metadata": {"labels": labels(pods)}, "spec": containers}
    spec = {"replicas": size, "selector": {"matchLabels": labels(pods if own is None else own)}, "template": template}
    return {"kind": kind, "metadata": {"name": name, "namespace": "test", "generation": 1}, "spec": spec, "status": status}


def labels(text: str) -> dict[str, str]:
    """`a=1,b=2`."""
    return dict(part.split("=", 1) for part in text.split(",") if part)


@hypothesis.given(MEMORIES)
def test_what_is_remembered_is_read_again(memory: Memory) -> None:
    assert load(service(dump(memory))) == memory


@hypothesis.given(MEMORIES, KEYS)
def test_what_is_done_is_forgotten_and_nothing_else(memory: Memory, key: str) -> None:
    retired, running = memory.retired(key), memory.running(key)
    assert key not in retired.waiting and retired.replicas == memory.replicas and not retired.retiring
    assert key not in running.replicas and running.waiting == memory.waiting and running.retiring != key
    assert set(memory.waiting) - {key} == set(retired.waiting) and set(memory.replicas) - {key} == set(running.replicas)


def test_nothing_is_remembered_on_a_service_without_the_annotation() -> None:
    assert load(service()) is None


@pytest.mark.parametrize("text", ["", "?", "[]", "null", "1", '{"run": "x"}', '{"active": "a", "run": "x", "more": 1}'])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"^Service test/shop has an annotation progressive.delivery/bluegreen that cannot be read"):
        load(service(text))


BLUE, GREEN = workload("blue", "app=shop,colour=blue"), workload("green", "app=shop,colour=green")
WIDE = workload("wide", "app=shop,colour=wide", own="app=shop")
UNCLEAR: list[tuple[Object, list[Object], list[Object], str]] = [
    (GREEN, [BLUE, GREEN], [BLUE], ""),
    (GREEN, [BLUE, GREEN], [], ""),
    (workload("none", "a=1", own=""), [BLUE], [], "has no matchLabels in its selector"),
    (WIDE, [BLUE, WIDE], [BLUE], "Deployment test/wide has the selector app=shop, which selects the pods of Deployment/blue, too"),
    (WIDE, [workload("gone", "app=shop,x=1", size=0), WIDE], [], ""),
    (GREEN, [WIDE, GREEN], [WIDE], "Deployment test/wide has the selector app=shop, which selects the pods of Deployment/green, too"),
    (GREEN, [WIDE, GREEN], [], ""),
    (
        GREEN,
        [BLUE, GREEN, workload("red", "colour=red")],
        [BLUE, workload("red", "colour=red")],
        "all have pods behind the active Service, so that it is not clear which one it must leave: narrow its selector",
    ),
]


@pytest.mark.parametrize(("target", "workloads", "leaving", "message"), UNCLEAR)
def test_pods_that_cannot_be_told_apart(target: Object, workloads: list[Object], leaving: list[Object], message: str) -> None:
    if not message:
        refuse_unclear(target, workloads, leaving)
        return
    with pytest.raises(Refused, match=message):
        refuse_unclear(target, workloads, leaving)


@pytest.mark.parametrize(
    ("selector", "names"), [("app=shop", ["blue", "green"]), ("colour=green", ["green"]), ("app=other", []), ("", []), ("colour=grey", [])]
)
def test_who_stands_behind_a_service(selector: str, names: list[str]) -> None:
    resting = workload("grey", "app=shop,colour=grey", size=0)
    assert [each["metadata"]["name"] for each in behind(labels(selector), [BLUE, GREEN, resting])] == names


@pytest.mark.parametrize(("ports", "lacking"), [((8080,), ""), (("http", "admin"), ""), (("http", "grpc"), "'grpc'"), ((None,), "")])
def test_ports_by_name(ports: tuple[Any, ...], lacking: str) -> None:
    problem = lacking_port(service(None, *ports), BLUE)
    assert bool(problem) == bool(lacking)
    assert problem is None or (lacking in problem.what and "(they have: http, admin)" in problem.what)


COMPLETE = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}


@pytest.mark.parametrize(
    ("status", "paused", "rests"),
    [
        (COMPLETE, False, True),
        ({**COMPLETE, "updatedReplicas": 1}, False, False),
        ({**COMPLETE, "updatedReplicas": 1}, True, True),
        ({**COMPLETE, "availableReplicas": 1}, True, False),
        ({**COMPLETE, "observedGeneration": 0}, False, False),
    ],
)
def test_whether_it_is_at_rest(status: Object, paused: bool, rests: bool) -> None:
    live = workload("blue", "a=1", **status)
    live["spec"]["paused"] = paused
    assert (not_at_rest(live) is None) == rests


def test_a_daemon_set_has_no_replicas() -> None:
    daemons = workload("agents", "a=1", kind="DaemonSet")
    assert not can_be_scaled(key_of(daemons)) and can_be_scaled(key_of(BLUE))
    assert behind({"a": "1"}, [daemons]) == []
    assert behind({"a": "1"}, [{**daemons, "status": {"desiredNumberScheduled": 3}}])


@pytest.mark.parametrize(
    ("pods", "switched", "looks"),
    [
        ("app=shop,colour=green", "colour", True),
        ("app=shop,colour=green,more=x", "colour", True),
        ("app=shop,colour=blue", "", True),
        ("app=shop,colour=green", "", True),
        ("app=shop,colour=green", "app", False),
        ("app=shop,tier=db", "colour", False),
        ("app=shop", "colour", False),
        ("app=payments,colour=blue", "colour", False),
        ("app=payments,colour=green", "app,colour", False),
        ("app=payments,colour=green", "", False),
        ("", "", False),
    ],
)
def test_which_pods_look_like_another_version(pods: str, switched: str, looks: bool) -> None:
    """The Service takes app=shop,colour=blue; switched are the keys that a switch has changed."""
    labels = dict(each.split("=") for each in pods.split(",") if each)
    assert looks_like_version(labels, {"app": "shop", "colour": "blue"}, switched.split(",") if switched else []) == looks


def test_a_service_without_selector_has_no_versions() -> None:
    assert not looks_like_version({"app": "shop"}, {}, [])
