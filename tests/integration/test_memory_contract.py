"""The cluster in memory does what the real one does: each scenario is played on both, and must tell the same."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.tests.harness.memory.cluster import MemoryCluster
from ansible_collections.progressive.delivery.tests.harness.memory.contract import (
    Api,
    Seen,
    answer,
    deployment_status,
    image,
    pods,
    ready,
    replica_sets,
    service,
    slices,
    workload,
)
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.harness.namespace import fresh_namespace
from ansible_collections.progressive.delivery.tests.integration.contract_of_sets import a_daemon_set, a_stateful_set


@pytest.fixture
def real() -> Iterator[Api]:
    with closing(connect({"kubeconfig": os.environ["KUBECONFIG"]})) as transport, fresh_namespace(transport) as namespace:
        yield Api(transport, namespace, lambda: time.sleep(0.05))


@pytest.fixture
def memory() -> Api:
    cluster = MemoryCluster()
    return Api(cluster.server, NAMESPACE, lambda: cluster.time.sleep(0.05))


def refusals(api: Api) -> Seen:
    api.make("Service", "shop", spec=service())
    api.make("Deployment", "shop", spec=workload(replicas=0))
    api.make("VirtualService", "shop", spec=_route())
    stale = {"metadata": {"resourceVersion": "1"}}
    foreign = {"preconditions": {"uid": "not-this-one"}}
    other_pods = {"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}
    elsewhere = Api(api.transport, "no-such-namespace", api.pass_time)
    seen = {
        "GET what is not there": api.ask("GET", "Service", "nobody"),
        "GET a workload that is not there": api.ask("GET", "Deployment", "nobody"),
        "GET a route that is not there": api.ask("GET", "VirtualService", "nobody"),
        "PATCH what is not there": api.ask("PATCH", "Deployment", "nobody", {"spec": {}}),
        "DELETE what is not there": api.ask("DELETE", "Lease", "nobody"),
        "POST twice": api.make("Service", "shop", spec=service()),
        "POST a workload twice": api.make("Deployment", "shop", spec=workload()),
        "POST in no namespace": elsewhere.make("ConfigMap", "shop"),
        "PATCH a version that is no more": api.ask("PATCH", "Service", "shop", stale),
        "PATCH a version of a route that is no more": api.ask("PATCH", "VirtualService", "shop", stale),
        "DELETE another one of that name": api.ask("DELETE", "Deployment", "shop", foreign),
        "a selector that does not match": api.ask("PATCH", "Deployment", "shop", other_pods),
        "a Service without ports": api.make("Service", "bare", spec={"selector": {"app": "shop"}}),
        "fewer than no replicas": api.patch("Deployment", "shop", spec={"replicas": -1}),
    }
    return {what: answer(response) for what, response in seen.items()}


def successes(api: Api) -> Seen:
    return {
        "POST": api.make("ConfigMap", "shop", data={"a": "1"}).status,
        "PATCH": api.patch("ConfigMap", "shop", data={"a": "2"}).status,
        "DELETE": api.ask("DELETE", "ConfigMap", "shop", {"propagationPolicy": "Background"}).status,
        "then": api.ask("GET", "ConfigMap", "shop").status,
    }


def defaults(api: Api) -> Seen:
    """What the API server makes of manifests."""
    specs: Seen = {}
    for kind, spec in (
        ("Service", service()),
        ("Deployment", workload(replicas=0)),
        ("StatefulSet", workload("set", replicas=0, serviceName="shop")),
        ("VirtualService", _route()),
    ):
        made = api.make(kind, "shop", spec=spec).body
        specs[kind] = {key: value for key, value in made["spec"].items() if key not in ("clusterIP", "clusterIPs")}
        specs[f"{kind}'s own"] = (
            made["kind"],
            made["apiVersion"],
            made["metadata"].get("generation"),
            sorted(made["metadata"].get("labels", {})),
        )
    return specs


def _spec(obj: Seen) -> Seen:
    return {key: value for key, value in obj["spec"].items() if key not in ("clusterIP", "clusterIPs")}


def _route(name: str = "all") -> Seen:
    return {"hosts": ["shop.local"], "http": [{"name": name, "route": [{"destination": {"host": "shop"}}]}]}


def patches(api: Api) -> Seen:
    """Merge patches: what goes with null, what counts as a change, and which changes are counted."""
    api.make("Deployment", "shop", spec=workload(replicas=0), metadata={"labels": {"a": "1", "b": "2"}, "annotations": {"c": "3"}})
    api.at_rest()
    api.until(lambda: "Progressing" in deployment_status(api.get("Deployment", "shop"))["conditions"])
    api.make("Service", "shop", spec=service(), metadata={"annotations": {"c": "3"}})
    api.make("VirtualService", "shop", spec=_route())
    seen: Seen = {}
    for what, kind, patch in (
        ("a label goes", "Deployment", {"metadata": {"labels": {"b": None}}}),
        ("an annotation changes", "Deployment", {"metadata": {"annotations": {"c": "4"}}}),
        ("nothing changes", "Deployment", {"spec": {"replicas": 0}}),
        ("it is paused", "Deployment", {"spec": {"paused": True}}),
        ("it is no longer paused", "Deployment", {"spec": {"paused": None}}),
        ("its status is not the user's", "Deployment", {"status": {"replicas": 7}}),
        ("the last annotation goes", "Service", {"metadata": {"annotations": None}}),
        ("a selector grows", "Service", {"spec": {"selector": {"track": "stable"}}}),
        ("a selector shrinks", "Service", {"spec": {"selector": {"track": None}}}),
        ("a route is replaced", "VirtualService", {"spec": _route("none")}),
        ("a route is annotated", "VirtualService", {"metadata": {"annotations": {"d": "1"}}}),
        ("a route is not changed", "VirtualService", {"metadata": {"annotations": {"d": "1"}}}),
    ):
        api.until(lambda: deployment_status(api.get("Deployment", "shop"))["taken up"])
        before = api.get(kind, "shop")
        after = api.patch(kind, "shop", **patch).body
        generations = [each["metadata"].get("generation", 0) for each in (before, after)]
        metadata = {key: after["metadata"].get(key, {}) for key in ("labels", "annotations")}
        same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
        seen[what] = {"counted": generations[1] - generations[0], "same": same, "metadata": metadata, "spec": _spec(after)}
    return seen


def dry_runs(api: Api) -> Seen:
    api.make("Deployment", "shop", spec=workload(replicas=0))
    template = {"spec": {"containers": [{"name": "shop", "image": "argoproj/rollouts-demo:green"}]}}
    made = api.ask("PATCH", "Deployment", "shop", {"spec": {"template": template}}, dryRun="All").body
    image = api.get("Deployment", "shop")["spec"]["template"]["spec"]["containers"][0]["image"]
    return {"answer": made["spec"]["template"], "image": image}


def lists(api: Api) -> Seen:
    for name, labels in (("one", {"a": "1"}), ("two", {"a": "2"}), ("three", {"b": "1"})):
        api.make("ConfigMap", name, metadata={"labels": labels})
    api.make("VirtualService", "shop", spec=_route())
    selectors = ["a=1", "a!=1,a", "a in (1,2)", "a notin (1),a", "a", "!a,b", "a==2"]
    whole = api.ask("GET", "ConfigMap", labelSelector="a").body
    routes = api.ask("GET", "VirtualService").body
    return {
        **{selector: [each["metadata"]["name"] for each in api.all("ConfigMap", selector)] for selector in selectors},
        "field": [each["metadata"]["name"] for each in api.ask("GET", "ConfigMap", fieldSelector="metadata.name=two").body["items"]],
        "list": (whole["kind"], whole["apiVersion"], sorted(whole), "kind" in whole["items"][0]),
        "routes": (routes["kind"], routes["apiVersion"], routes["items"][0].get("kind")),
        "nothing": api.ask("GET", "Lease").body["items"],
    }


def pages(api: Api) -> Seen:
    """A list in pages shows the state of the first page, whatever is changed in between."""
    for name in ("one", "two", "three", "four", "five"):
        api.make("ConfigMap", name, metadata={"labels": {"a": "1"}}, data={"x": "1"})
    found: list[Seen] = []
    goes_on: Seen = {}
    while not found or goes_on["continue"]:
        found.append(api.ask("GET", "ConfigMap", labelSelector="a=1", limit="2", **goes_on).body)
        goes_on = {"continue": found[-1]["metadata"].get("continue", "")}
        if len(found) == 1:
            api.ask("DELETE", "ConfigMap", "three")
            api.patch("ConfigMap", "two", data={"x": "2"})
            api.make("ConfigMap", "six", metadata={"labels": {"a": "1"}})
    return {
        "pages": [[(each["metadata"]["name"], each["data"]) for each in page["items"]] for page in found],
        "metadata": [sorted(page["metadata"]) for page in found],
        "versions": len({page["metadata"]["resourceVersion"] for page in found}),
        "larger than all": sorted(api.ask("GET", "ConfigMap", labelSelector="a=1", limit="500").body["metadata"]),
    }


def watches(api: Api) -> Seen:
    """What a watch tells since a list: of all, of what a selector takes, and of one object."""
    api.make("ConfigMap", "before", metadata={"labels": {"a": "1"}})
    since = api.ask("GET", "ConfigMap", labelSelector="a=1").body["metadata"]["resourceVersion"]
    api.make("ConfigMap", "one", metadata={"labels": {"a": "1"}}, data={"x": "1"})
    api.patch("ConfigMap", "one", data={"x": "2"})
    api.patch("ConfigMap", "one", metadata={"labels": {"a": "2"}})
    api.patch("ConfigMap", "one", metadata={"labels": {"a": "1"}})
    api.make("ConfigMap", "two", data={"x": "1"})
    api.patch("ConfigMap", "before", data={"x": "1"})
    api.patch("ConfigMap", "before", data={"x": "1"})
    api.ask("DELETE", "ConfigMap", "one")

    def told(**selectors: str) -> list[tuple[str, str, object, object]]:
        events = [
            event for event in api.watch("ConfigMap", since, **selectors) if event["object"]["metadata"]["name"] != "kube-root-ca.crt"
        ]
        versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
        assert versions == sorted(versions)
        return [
            (event["type"], event["object"]["metadata"]["name"], event["object"].get("data"), event["object"]["kind"]) for event in events
        ]

    return {"all": told(), "selected": told(labelSelector="a=1"), "one": told(fieldSelector="metadata.name=one")}


def watch_of_a_rollout(api: Api) -> Seen:
    """A list and the watch from there bring what comes later, until what is waited for is there."""
    api.make("Deployment", "shop", spec=workload(replicas=2))
    found = api.ask("GET", "Deployment").body
    query = {"watch": "1", "resourceVersion": found["metadata"]["resourceVersion"], "timeoutSeconds": "120"}
    first = {"type": "MODIFIED", "object": found["items"][0]}
    available = 0
    for event in itertools.chain([first], api.transport.stream(api.path("Deployment"), query, 120.0)):
        assert event["type"] == "MODIFIED"
        available = event["object"].get("status", {}).get("availableReplicas", 0)
        if available == 2:
            break
    return {"available": available}


def a_deployment_at_rest(api: Api) -> Seen:
    api.make("Service", "shop", spec=service())
    api.make("Service", "all", spec=service(publishNotReadyAddresses=True))
    api.make("Deployment", "shop", spec=workload(replicas=3))
    live = api.at_rest()
    api.until(lambda: ready(api, "shop", 3) and ready(api, "all", 3))
    api.until(lambda: deployment_status(api.get("Deployment", "shop"))["conditions"]["Progressing"][1] == "NewReplicaSetAvailable")
    return {
        "status": deployment_status(api.get("Deployment", "shop")),
        "annotations": sorted(live["metadata"]["annotations"]),
        "sets": replica_sets(api),
        "pods": pods(api),
        "slices": slices(api, "shop"),
        "slices of all": slices(api, "all"),
    }


def a_pause(api: Api) -> Seen:
    """A paused Deployment is scaled, and its template waits."""
    api.make("Deployment", "shop", spec=workload(replicas=1))
    api.at_rest()
    api.patch("Deployment", "shop", spec={"paused": True})
    api.until(lambda: deployment_status(api.get("Deployment", "shop"))["taken up"])
    seen: Seen = {"paused": deployment_status(api.get("Deployment", "shop"))}
    api.patch("Deployment", "shop", spec=image("green"))
    api.until(lambda: deployment_status(api.get("Deployment", "shop"))["taken up"])
    seen["another template"] = (deployment_status(api.get("Deployment", "shop")), replica_sets(api))
    api.patch("Deployment", "shop", spec={"replicas": 3})
    seen["scaled up"] = (deployment_status(api.at_rest()), replica_sets(api))
    api.patch("Deployment", "shop", spec={"replicas": 2})
    seen["scaled down"] = (deployment_status(api.at_rest()), replica_sets(api))
    api.patch("Deployment", "shop", spec={"paused": None})
    _rolled_out(api)
    seen["resumed"] = (deployment_status(api.get("Deployment", "shop")), replica_sets(api), pods(api))
    api.patch("Deployment", "shop", spec=image("blue"))
    _rolled_out(api)
    seen["back"] = (deployment_status(api.get("Deployment", "shop")), replica_sets(api))
    return seen


def _rolled_out(api: Api) -> None:
    def done() -> bool:
        status = deployment_status(api.get("Deployment", "shop"))
        new = status["updatedReplicas"] == status["replicas"] == status["availableReplicas"]
        return bool(new and status["taken up"] and status["conditions"]["Progressing"][1] == "NewReplicaSetAvailable")

    api.until(done)
    api.at_rest()


def a_version_that_does_not_start(api: Api) -> Seen:
    api.make("Service", "shop", spec=service())
    api.make("Deployment", "shop", spec=workload(replicas=2))
    api.at_rest()
    seen: Seen = {}
    for tag in ("crash-1", "oom-1", "missing-1", "invalid-1", "unready-1", "gated-1"):
        api.patch("Deployment", "shop", spec=image(tag))
        api.until(lambda: deployment_status(api.get("Deployment", "shop"))["taken up"])
        api.until(lambda: len(pods(api)) == 3 and all(each["has an address"] for each in pods(api)))
        broken = [each for each in pods(api) if each["ready"] == ["False"]]
        status = deployment_status(api.get("Deployment", "shop"))
        seen[tag] = (
            [each["waits"] for each in broken] if tag not in ("unready-1", "gated-1") else len(broken),
            status["availableReplicas"],
            status["updatedReplicas"],
        )
        api.patch("Deployment", "shop", spec=image("blue"))
        api.at_rest()
    return seen


def a_version_that_recovers(api: Api) -> Seen:
    """How often its container was started again, once it is ready."""
    api.make("Deployment", "shop", spec=workload(replicas=1))
    api.at_rest()
    seen: Seen = {}
    for tag in ("crash-twice-1", "pull-later-1", "config-later-1", "late-1"):
        api.patch("Deployment", "shop", spec=image(tag))
        _rolled_out(api)
        seen[tag] = [each.get("restartCount", 0) for pod in api.all("Pod", "app=shop") for each in pod["status"]["containerStatuses"]]
    return seen


def scaled_while_it_rolls(api: Api) -> Seen:
    """Old and new ReplicaSets grow and shrink alike."""
    api.make("Deployment", "shop", spec=workload(replicas=4))
    api.at_rest()
    api.patch("Deployment", "shop", spec=image("unready-1"))
    seen: Seen = {"rolling": _sizes(api, 3, 2)}
    for replicas, old, new in ((8, 6, 4), (3, 2, 2)):
        api.patch("Deployment", "shop", spec={"replicas": replicas})
        seen[f"{replicas}"] = _sizes(api, old, new)
    return seen


def _sizes(api: Api, old: int, new: int) -> Seen:
    """The counts, once the ReplicaSets have these sizes and the pods are there."""

    def done() -> Seen | None:
        sizes = [each["replicas"] for each in replica_sets(api)]
        status = deployment_status(api.get("Deployment", "shop"))
        counts = {key: status[key] for key in ("replicas", "updatedReplicas", "availableReplicas")}
        return counts if sizes == [old, new] and list(counts.values()) == [old + new, new, old] else None

    return dict(api.until(done))


def selectors_and_slices(api: Api) -> Seen:
    """The slices follow the selector and the pods, and go with the Service."""
    api.make("Service", "shop", spec=service())
    api.make("Deployment", "shop", spec=workload(replicas=1))
    api.make("Deployment", "other", spec=workload("other", replicas=2))
    api.at_rest()
    api.at_rest("other")
    api.until(lambda: ready(api, "shop", 1))
    seen: Seen = {"one": slices(api, "shop")}
    api.patch("Service", "shop", spec={"selector": {"app": "other"}})
    api.until(lambda: ready(api, "shop", 2))
    seen["two"] = slices(api, "shop")
    api.patch("Deployment", "other", spec={"replicas": 0})
    api.until(lambda: not slices(api, "shop")[0]["endpoints"])
    api.ask("DELETE", "Service", "shop")
    api.until(lambda: not slices(api, "shop"))
    return seen


def ends(api: Api) -> Seen:
    """A pod that is deleted comes again; a Deployment takes along what was made for it."""
    api.make("Deployment", "shop", spec=workload(replicas=1))
    api.at_rest()
    pod = api.all("Pod")[0]
    wrong = api.ask("DELETE", "Pod", pod["metadata"]["name"], {"preconditions": {"uid": "not-this-one"}})
    right = api.ask("DELETE", "Pod", pod["metadata"]["name"], {"preconditions": {"uid": pod["metadata"]["uid"]}})
    api.until(lambda: [each["metadata"]["uid"] for each in api.all("Pod")] != [pod["metadata"]["uid"]])
    api.at_rest()
    live = api.get("Deployment", "shop")
    gone = api.ask("DELETE", "Deployment", "shop", {"propagationPolicy": "Background", "preconditions": {"uid": live["metadata"]["uid"]}})
    left = api.ask("GET", "Deployment", "shop").status
    api.until(lambda: not api.all("ReplicaSet") and not api.all("Pod"))
    return {
        "wrong": answer(wrong)["status"],
        "right": right.status,
        "gone": (gone.status, gone.body["kind"], gone.body["status"]),
        "left": left,
    }


SCENARIOS = [
    refusals,
    successes,
    defaults,
    patches,
    dry_runs,
    lists,
    pages,
    watches,
    watch_of_a_rollout,
    a_deployment_at_rest,
    a_pause,
    a_version_that_does_not_start,
    a_version_that_recovers,
    scaled_while_it_rolls,
    selectors_and_slices,
    ends,
    a_stateful_set,
    a_daemon_set,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_same_as_on_the_real_one(scenario: Callable[[Api], Seen], real: Api, memory: Api) -> None:
    assert scenario(memory) == scenario(real)
