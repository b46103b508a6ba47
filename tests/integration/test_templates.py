"""Changes of a pod template on the real API server: the keys are those of its own reference, the result is that of `kubectl patch`."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.patches import merge_patch
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.templates import MERGE_KEYS, MERGED_SETS, merged
from ansible_collections.progressive.delivery.tests.harness.application import Application

Object = dict[str, Any]

_DEFINITIONS = "/openapi/v3/apis/apps/v1"
_TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"
STRATEGIC, MERGE = "application/strategic-merge-patch+json", "application/merge-patch+json"

CONTAINER: Object = {
    "name": "shop",
    "image": "argoproj/rollouts-demo:blue",
    "env": [{"name": "X", "value": "1"}, {"name": "Y", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "http", "containerPort": 8080}],
    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    "args": ["--one"],
    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 3},
    "resources": {"requests": {"cpu": "1m"}},
}
ZONE = "topology.kubernetes.io/zone"
SPREAD: Object = {
    "topologyKey": ZONE,
    "whenUnsatisfiable": "ScheduleAnyway",
    "maxSkew": 1,
    "labelSelector": {"matchLabels": {"app": "shop"}},
}
TEMPLATE: Object = {
    "metadata": {"labels": {"app": "shop"}, "annotations": {"a": "b"}},
    "spec": {
        "containers": [CONTAINER, {"name": "side", "image": "argoproj/rollouts-demo:blue"}],
        "initContainers": [{"name": "first", "image": "argoproj/rollouts-demo:blue"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": ["a"]}],
        "imagePullSecrets": [{"name": "one"}],
        "topologySpreadConstraints": [SPREAD],
        "nodeSelector": {"disk": "fast"},
    },
}


def of_shop(**fields: Any) -> Object:
    return {"spec": {"containers": [{"name": "shop", **fields}]}}


CHANGES: dict[str, Object] = {
    "an image": of_shop(image="argoproj/rollouts-demo:red"),
    "a variable": of_shop(env=[{"name": "X", "value": "2"}]),
    "a new variable": of_shop(env=[{"name": "Z", "value": "2"}]),
    "a variable less": of_shop(env=[{"name": "X", "$patch": "delete"}]),
    "a port": of_shop(ports=[{"containerPort": 8080, "protocol": "TCP", "hostPort": 8081}]),
    "a new port": of_shop(ports=[{"containerPort": 9090, "name": "metrics"}]),
    "arguments": of_shop(args=["--two", "--three"]),
    "no arguments": of_shop(args=None),
    "resources": of_shop(resources={"requests": {"memory": "1Mi"}}),
    "a probe's period": of_shop(readinessProbe={"periodSeconds": 5}),
    "another probe": of_shop(readinessProbe={"tcpSocket": None, "httpGet": {"port": 8080}}),
    "a mount": {"spec": {"containers": [{"name": "side", "volumeMounts": [{"name": "v", "mountPath": "/w"}]}]}},
    "a container more": {"spec": {"containers": [{"name": "third", "image": "argoproj/rollouts-demo:blue"}]}},
    "a container less": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}},
    "all containers": {"spec": {"containers": [{"$patch": "replace"}, {"name": "other", "image": "argoproj/rollouts-demo:blue"}]}},
    "an init container": {"spec": {"initContainers": [{"name": "first", "image": "argoproj/rollouts-demo:red"}]}},
    "a volume": {"spec": {"volumes": [{"name": "w", "emptyDir": {"medium": "Memory"}}]}},
    "tolerations": {"spec": {"tolerations": [{"key": "other", "operator": "Exists"}]}},
    "hosts": {"spec": {"hostAliases": [{"ip": "127.0.0.1", "hostnames": ["b"]}, {"ip": "127.0.0.2", "hostnames": ["c"]}]}},
    "pull secrets": {"spec": {"imagePullSecrets": [{"name": "two"}]}},
    "a constraint": {"spec": {"topologySpreadConstraints": [{**SPREAD, "maxSkew": 2}]}},
    "labels and annotations": {"metadata": {"labels": {"version": "2"}, "annotations": {"a": None, "c": "d"}}},
    "nodes": {"spec": {"nodeSelector": {"disk": None, "zone": "a"}}},
    "nodes anew": {"spec": {"nodeSelector": {"$patch": "replace", "zone": "a"}}},
}

# Where the result of `kubectl patch` is not what was asked for: the changes, the list (of the first container) and what stands in it.
BETTER: dict[str, tuple[Object, str, list[Object]]] = {
    "the other protocol of a port": (
        of_shop(ports=[{"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"}]),
        "ports",
        [
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"name": "http", "containerPort": 8080, "protocol": "TCP"},
            {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
        ],
    ),
    "another source of a value": (
        of_shop(env=[{"name": "Y", "value": "2"}]),
        "env",
        [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}],
    ),
    "a named port that moves": (
        of_shop(ports=[{"name": "http", "containerPort": 8090}]),
        "ports",
        [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "http", "containerPort": 8090, "protocol": "TCP"}],
    ),
}


@pytest.fixture(scope="module")
def live(still_app: Application) -> Object:
    """A Deployment without pods that has all of it."""
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "shop"}}, "template": TEMPLATE}
    return still_app.make({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec})


def test_the_keys_are_those_of_the_api_reference(still_app: Application) -> None:
    answer = still_app.transport.request("GET", _DEFINITIONS)
    assert answer.status == 200
    keyed, sets = _merged_in(answer.body["components"]["schemas"])
    assert keyed == {key: set(keys) for key, keys in MERGE_KEYS.items()} and sets == set(MERGED_SETS)


def _merged_in(schemas: Object) -> tuple[dict[str, set[str]], set[str]]:
    """The lists below the pod template that are merged: those of objects with their keys, and those of plain values."""
    keyed: dict[str, set[str]] = {}
    sets: set[str] = set()
    left, seen = [_TEMPLATE], {_TEMPLATE}
    while left:
        for name, field in (schemas[left.pop()].get("properties") or {}).items():
            if "merge" in str(field.get("x-kubernetes-patch-strategy", "")).split(","):
                key = field.get("x-kubernetes-patch-merge-key")
                if key is None:
                    sets.add(name)
                else:
                    keyed.setdefault(name, set()).update({key, *field.get("x-kubernetes-list-map-keys", [])})
            new = _references(field) - seen
            seen |= new
            left.extend(new)
    return keyed, sets


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for each in schema for name in _references(each)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rsplit("/", 1)[-1]} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(_references, schema.values()))


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_the_result_is_that_of_kubectl_patch(still_app: Application, live: Object, changes: Object) -> None:
    asked = _tried(still_app, {"spec": {"template": changes}}, STRATEGIC)
    ours = _tried(still_app, _ours(live, changes), MERGE)
    assert asked != live["spec"]["template"] and _in_any_order(ours) == _in_any_order(asked)


@pytest.mark.parametrize(("changes", "name", "wanted"), BETTER.values(), ids=BETTER)
def test_what_was_asked_for_where_kubectl_patch_differs(
    still_app: Application, live: Object, changes: Object, name: str, wanted: list[Object]
) -> None:
    ours = _tried(still_app, _ours(live, changes), MERGE)
    assert ours["spec"]["containers"][0][name] == wanted
    response = _try(still_app, {"spec": {"template": changes}}, STRATEGIC)
    assert response.status == 422 or response.body["spec"]["template"]["spec"]["containers"][0][name] != wanted


def _ours(live: Object, changes: Object) -> Object:
    wanted = {**live, "spec": {**live["spec"], "template": merged(live["spec"]["template"], changes)}}
    return merge_patch(live, wanted)


def _try(app: Application, patch: Object, content_type: str) -> Any:
    return app.transport.request(
        "PATCH", app.path("Deployment", "shop"), {"dryRun": "All", "fieldValidation": "Strict"}, patch, content_type
    )


def _tried(app: Application, patch: Object, content_type: str) -> Object:
    response = _try(app, patch, content_type)
    assert response.status == 200, response.body
    return dict(response.body["spec"]["template"])


def _in_any_order(value: Any, name: str = "") -> Any:
    """`kubectl patch` puts the elements that a change names before the others."""
    if isinstance(value, dict):
        return {key: _in_any_order(each, key) for key, each in value.items()}
    if isinstance(value, list):
        items = [_in_any_order(each) for each in value]
        return sorted(items, key=str) if name in MERGE_KEYS else items
    return value


def test_another_client_writes_labels_all_the_time(app: Application) -> None:
    """As operators do that keep a heartbeat in a label, 15 times a second: a template is tried as the workload is, whatever it is like."""
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(1 / 15):
            app.patch("Deployment", app.name, {"metadata": {"labels": {"written": str(time.monotonic_ns())}}})

    template = {"spec": {"containers": [{"name": app.name, "env": [{"name": "COLOUR", "value": "red"}]}]}}
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _number in range(8):
            result = app.module("rollout_step", {**app.plan(steps=[], grace=0), "revision": {"template": template}}, check=True)
            assert result.get("phase") and not result.get("failed"), result["msg"]
    finally:
        ended.set()
        writer.join()
