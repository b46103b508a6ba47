"""What a switch refuses: one clear line, and nothing written, for real as in check mode."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import NotFound
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION as ORIGINAL
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.switches import ANNOTATION
from ansible_collections.progressive.delivery.tests.unit.deaths.switches import (
    BLUE,
    GREEN,
    PREVIEW,
    PREVIEWED,
    ROUTER,
    SHOP,
    Case,
    service,
    stage,
    virtual_service,
    workload,
)

Object = dict[str, Any]


def bare(name: str, **spec: Any) -> Object:
    """A Service with just this spec."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


def labelled(name: str, *labels: str, port: str = "http", **spec: Any) -> Object:
    """A Deployment whose pods have these labels, all with the value `yes`."""
    wanted = dict.fromkeys(labels, "yes")
    container = {"name": SHOP, "image": "argoproj/rollouts-demo:blue", "ports": [{"name": port, "containerPort": 80}]}
    template = {"metadata": {"labels": wanted}, "spec": {"containers": [container]}}
    whole = {"replicas": 1, "selector": {"matchLabels": wanted}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": whole}


WILD = [
    workload("shop-slow", tag="unready"),
    workload("shop-crashing", tag="crash"),
    workload("shop-none", replicas=0),
    labelled("greedy", "web"),
    labelled("modest", "web", "modest", port="web"),
    labelled("unlabelled", "x", selector={"matchExpressions": [{"key": "x", "operator": "Exists"}]}),
    bare("elsewhere", type="ExternalName", externalName="example.org"),
    bare("manual"),
    bare("both", selector={"web": "yes"}),
]
ISTIO = [{"type": "istio", "name": SHOP}]
SUBSETS = {"stable_subset": "a", "canary_subset": "b", "destination_rule": SHOP}

# What is asked for, beside green and a preview Service, and what is said.
REFUSED: dict[str, tuple[Object, str]] = {
    "no such target": ({"target": "nope"}, "Deployment test/nope does not exist: check its name and the namespace"),
    "no such kind": ({"target_kind": "DaemonSet"}, "DaemonSet test/shop-green does not exist"),
    "no target": ({"target": None}, "target is missing: set it to the name of the workload to activate"),
    "no name": ({"target": "Green"}, "target must be a Kubernetes name, not 'Green'"),
    "no such active Service": ({"active_service": "nope"}, "Service test/nope does not exist"),
    "no such preview Service": ({"preview_service": "nope"}, "Service test/nope does not exist"),
    "one Service for both": ({"preview_service": SHOP}, "preview_service is 'shop', the same Service as active_service"),
    "a pod that is not ready": (
        {"target": "shop-slow"},
        "Deployment test/shop-slow has 0 ready pods, 2 are needed (pod shop-slow-",
    ),
    "a pod that cannot start": (
        {"target": "shop-crashing", "min_ready": 1},
        "container shop restarted 3 times, last exit code 1 (CrashLoopBackOff)",
    ),
    "more pods than there are": ({"min_ready": 3}, "has 2 ready pods, 3 are needed (there are 2 in all): make them ready, or set"),
    "no pods": (
        {"target": "shop-none"},
        "Deployment test/shop-none has no pods (0 replicas, or no node that takes any): scale it up first",
    ),
    "too few": ({"min_ready": 0}, "min_ready must be 1 or more, not 0"),
    "pods of another": (
        {"target": "greedy"},
        "Deployment test/greedy has the selector web=yes, which selects the pods of Deployment/modest, too: give the two",
    ),
    "pods that the active one takes, too": (
        {"target": "modest", "active_service": "both"},
        "Deployment test/greedy has the selector web=yes, which selects the pods of Deployment/modest, too",
    ),
    "no labels": ({"target": "unlabelled"}, "Deployment test/unlabelled has no matchLabels in its selector"),
    "another port": (
        {"target": "modest"},
        "Service shop leads to the port 'http' of its pods, which those of Deployment test/modest do not have (they have: web)",
    ),
    "a name elsewhere": ({"active_service": "elsewhere"}, "Service test/elsewhere is of type ExternalName and has no pods"),
    "no selector": ({"active_service": "manual"}, "Service test/manual has no selector, so another client manages its endpoints"),
    "a preview elsewhere": ({"preview_service": "elsewhere"}, "Service test/elsewhere is of type ExternalName and has no pods"),
    "several at once": (
        {"active_service": "both"},
        "Deployment/greedy, Deployment/modest all have pods behind the active Service, so that it is not clear which one it must leave",
    ),
    "no preview": (
        {"preview_service": None, "routers": ISTIO},
        "preview_service is missing, but routers without subsets need it",
    ),
    "nothing to swap": ({"preview_service": None, "swap_preview": True}, "swap_preview needs preview_service"),
    "no such router": ({"routers": [{"type": "istio", "name": "nope"}]}, "VirtualService test/nope does not exist"),
    "a router that is none": (
        {"routers": [{"type": "replicas", "name": "x"}]},
        "routers[0].type cannot be replicas, which has no router",
    ),
    "a router of no kind": ({"routers": [{"type": "mesh", "name": "x"}]}, "type names the unknown router 'mesh'"),
    "a router twice": ({"routers": ISTIO * 2}, "routers has more than one entry for istio shop: write one entry with all its routes"),
    "an unknown option": ({"routers": [{**ISTIO[0], "weight": 1}]}, "does not take weight"),
    "a route that is not there": ({"routers": [{**ISTIO[0], "routes": ["x"]}]}, "has no HTTP route named 'x' (it has: primary)"),
    "half by subset": (
        {"routers": [{**ISTIO[0], "stable_subset": "a"}]},
        "stable_subset needs canary_subset, destination_rule for",
    ),
    "both ways": ({"routers": [{**ISTIO[0], **SUBSETS}, {"type": "istio", "name": "x"}]}, "use subsets in all entries or in none"),
    "no duration": ({"scale_down_delay": "soon"}, "scale_down_delay must be a duration, not 'soon'"),
    "no grace": ({"grace": "-1s"}, "grace must be a duration, not '-1s'"),
    "no probe": ({"probe": {"url": "http://x"}}, "probe.expect is missing"),
}


@pytest.fixture(scope="module")
def shop() -> Any:
    return stage(Case({"preview_service": PREVIEW}, (*PREVIEWED, virtual_service(), *WILD)))


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(shop: Any, options: Object, message: str, check: bool) -> None:
    version = shop.cluster.store.version
    with pytest.raises((Refused, NotFound)) as refused:
        shop.call(check=check, **options)
    assert message in str(refused.value) and "\n" not in str(refused.value)
    assert shop.cluster.store.version == version


def test_a_preview_service_without_the_port_of_the_routes() -> None:
    route = virtual_service()
    route["spec"]["http"][0]["route"][0]["destination"]["port"] = {"number": 80}
    other = service(PREVIEW, colour="green")
    other["spec"]["ports"][0]["port"] = 81
    place = stage(Case({"preview_service": PREVIEW, "routers": [ROUTER]}, (*PREVIEWED[:-1], other, route)))
    version = place.cluster.store.version
    with pytest.raises(Refused, match="Service test/shop-preview has no port 80, at which the router sends requests"):
        place.call()
    assert place.cluster.store.version == version


def test_a_rollout_of_its_own_is_refused_unless_min_ready_says_that_it_may_be() -> None:
    place = stage(Case({}, PREVIEWED))
    green = workload(GREEN, tag="unready", replicas=3)
    place.cluster.server.request(
        "PATCH", "/apis/apps/v1/namespaces/test/deployments/shop-green", {}, {"spec": green["spec"]}, "application/merge-patch+json"
    )
    place.cluster.time.sleep(10)
    with pytest.raises(Refused, match="Deployment test/shop-green"):
        place.call()
    assert place.call(min_ready=2)["active"] == {"kind": "Deployment", "name": GREEN}


def test_what_an_earlier_call_moved_must_be_named() -> None:
    place = stage(Case({}, (*PREVIEWED, service("other", colour="green"))))
    place.call(preview_service=PREVIEW, target=BLUE)
    with pytest.raises(Refused, match="preview_service must be shop-preview, which earlier calls moved: name that Service, or"):
        place.call(preview_service="other")


def test_nothing_is_handed_back_to_nobody() -> None:
    """The first version is gone for good: its Service would be empty."""
    place = stage(Case({"scale_down": False}, PREVIEWED))
    place.call()
    place.cluster.server.request("DELETE", "/apis/apps/v1/namespaces/test/deployments/shop-blue", {}, {})
    place.cluster.time.sleep(10)
    version = place.cluster.store.version
    with pytest.raises(Refused, match="Service test/shop: 0 ready pods match app=shop,colour=blue, 1 are needed"):
        place.call(state="absent", target=None)
    assert place.cluster.store.version == version
    assert place.call(state="absent", target=None, min_ready=0)["changed"]


UNREADABLE = [
    "?",
    "[]",
    "{}",
    '{"active": "shop-blue", "run": "a"}',
    '{"active": "Deployment/shop-blue"}',
    '{"active": "Deployment/shop-blue", "run": "a", "waiting": []}',
    '{"active": "", "run": "a", "replicas": {"Foo/x": 2}}',
    '{"active": "", "run": "a", "replicas": {"Deployment/x": "2"}}',
    '{"active": "", "run": "a", "more": 1}',
]


@pytest.mark.parametrize("text", UNREADABLE)
@pytest.mark.parametrize("wish", [{}, {"state": "absent", "target": None}], ids=["present", "absent"])
def test_a_memory_that_cannot_be_read(text: str, wish: Object) -> None:
    marked = {**PREVIEWED[2], "metadata": {"name": SHOP, "annotations": {ANNOTATION: text}}}
    place = stage(replace(Case({}), objects=(*PREVIEWED[:2], marked)))
    version = place.cluster.store.version
    with pytest.raises(Refused, match="that cannot be read: scale its workloads as you want them by hand"):
        place.call(**wish)
    assert place.cluster.store.version == version


# What somebody does to a Service after the switch, and what is asked for then.
DRIFTS: dict[str, tuple[str, Object]] = {
    "the active Service": (SHOP, {"target": GREEN}),
    "the preview Service": (PREVIEW, {"target": GREEN}),
    "the active Service, back": (SHOP, {"target": BLUE}),
    "the preview Service, back": (PREVIEW, {"target": BLUE}),
    "the active Service, absent": (SHOP, {"state": "absent", "target": None}),
    "the preview Service, absent": (PREVIEW, {"state": "absent", "target": None}),
}


@pytest.mark.parametrize(("name", "asked"), DRIFTS.values(), ids=DRIFTS)
def test_drift_is_told_before_anything_is_written(name: str, asked: Object) -> None:
    place = stage(Case({"scale_down": False, "preview_service": PREVIEW}, (*PREVIEWED[:-1], service(PREVIEW, colour="blue"))))
    place.call()
    other = {"spec": {"selector": {"app": SHOP, "colour": "red"}}}
    place.cluster.server.request("PATCH", f"/api/v1/namespaces/test/services/{name}", {}, other, "application/merge-patch+json")
    place.cluster.time.sleep(10)
    version = place.cluster.store.version
    with pytest.raises(
        Drifted, match=f'Service test/{name} was changed by somebody else: spec.selector.colour is "red", was set to "green"'
    ):
        place.call(**asked)
    assert place.cluster.store.version == version
    assert place.call(**asked, on_drift="repair")["changed"]


def test_a_service_that_is_under_something_else_is_left_to_that() -> None:
    field = {"path": ["spec", "selector", "colour"], "by": "shop-rollout", "depth": 3, "was": "green", "now": "blue"}
    pinned = {**PREVIEWED[2], "metadata": {"name": SHOP, "annotations": {ORIGINAL: json.dumps({"at": 1, "fields": [field]})}}}
    place = stage(Case({}, (*PREVIEWED[:2], pinned)))
    with pytest.raises(Refused, match="Service shop is managed by shop-rollout: end that first"):
        place.call()
