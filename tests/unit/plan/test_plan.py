"""A plan is read whole or refused in one line that names the part that is wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import PLAN_KEYS, Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target
from ansible_collections.progressive.delivery.plugins.module_utils._steps.pause import Pause
from ansible_collections.progressive.delivery.plugins.module_utils._steps.set_weight import SetWeight

Object = dict[str, Any]
REMOVED = object()


def options(**changes: Any) -> Object:
    """A complete plan with some parts changed; a key with dots reaches below."""
    given: Object = {
        "workload": {"name": "shop"},
        "revision": {"images": {"app": "example.org/shop:2"}},
        "services": {"stable": "shop"},
        "routers": [{"type": "istio", "name": "shop"}],
        "canary": {"steps": [{"set_weight": 5}, {"pause": {}}]},
    }
    for dotted, value in changes.items():
        at = given
        *above, last = dotted.split("__")
        for key in above:
            at = at[key]
        if value is REMOVED:
            del at[last]
        else:
            at[last] = value
    return given


def read(name: str = "shop", **changes: Any) -> Plan:
    return read_plan(name, "test", options(**changes))


def test_a_plan_as_short_as_can_be() -> None:
    plan = read(canary=REMOVED)
    assert (plan.name, plan.namespace, plan.workload) == ("shop", "test", "shop")
    assert (plan.stable_service, plan.canary_service) == ("shop", "shop-canary")
    assert plan.routers == (Target("istio", "shop", "test", "shop", "shop-canary"),)
    assert (plan.revision.images, plan.steps, plan.grace, plan.drain) == ({"app": "example.org/shop:2"}, (), None, None)


def test_a_plan_with_everything_in_it() -> None:
    routers = [{"type": "istio", "name": "a", "routes": ["x", "y"], "api_version": "v1"}, {"type": "istio", "name": "b", "routes": "z"}]
    plan = read(
        workload={"name": "shop", "kind": "Deployment", "style": "clone"},
        services={"stable": "s", "canary": "c"},
        routers=routers,
        grace="1m",
        drain=0,
    )
    assert (plan.stable_service, plan.canary_service, plan.grace, plan.drain) == ("s", "c", 60.0, 0.0)
    assert [(each.name, each.routes, each.api_version) for each in plan.routers] == [("a", ("x", "y"), "v1"), ("b", ("z",), None)]
    assert plan.steps == (SetWeight(5), Pause(None))


def test_what_ansible_fills_in_counts_as_left_out() -> None:
    filled = options(
        workload__kind=None,
        services__canary=None,
        grace=None,
        routers=[{"type": "istio", "name": "shop", "routes": None, "api_version": None}],
    )
    plan = read_plan("shop", "test", {**dict.fromkeys(PLAN_KEYS), **filled})
    assert plan == read()
    assert plan.hash == read().hash


@pytest.mark.parametrize("steps", [[{"pause": None}], [{"pause": {"duration": "5s"}}], [{"set_weight": "20"}], []])
def test_a_plan_out_of_the_record_is_the_plan(steps: Any) -> None:
    plan = read(canary={"steps": steps}, grace="3s")
    again = read_plan("shop", "test", json.loads(json.dumps(plan.raw)))
    assert again == plan
    assert again.hash == plan.hash


def test_what_is_declared_of_objects_that_are_not_there() -> None:
    spec = {"hosts": ["a"], "http": [{"name": None, "route": []}]}
    plan = read(
        services={"stable": "shop", "ports": [{"port": "80", "targetPort": "8080"}, {"port": 81, "targetPort": "http", "name": None}]},
        routers=[{"type": "istio", "name": "a"}, {"type": "istio", "name": "b", "spec": spec}],
    )
    assert plan.ports == ({"port": 80, "targetPort": 8080}, {"port": 81, "targetPort": "http"})
    assert plan.specs == {plan.routers[1]: {"hosts": ["a"], "http": [{"route": []}]}}
    again = read_plan("shop", "test", json.loads(json.dumps(plan.raw)))
    assert again == plan and again.hash == plan.hash


def test_reading_changes_nothing() -> None:
    given = options()
    kept = copy.deepcopy(given)
    read_plan("shop", "test", given)
    assert given == kept


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"revision__images": {"app": "example.org/shop:3"}}, True),
        ({"grace": "1s"}, True),
        ({"drain": "1s"}, True),
        ({"start_tolerance": {"time": "2m", "restarts": 5}}, True),
        ({"canary": {"steps": [{"set_weight": 5}, {"pause": {}}], "min_replicas": 1}}, False),
        ({"canary": {"steps": [{"set_weight": 6}, {"pause": {}}]}}, False),
        ({"canary": {"steps": [{"pause": {}}, {"set_weight": 5}]}}, False),
        ({"canary": REMOVED}, False),
        ({"workload__name": "other"}, False),
        ({"services__canary": "other"}, False),
        ({"routers": [{"type": "istio", "name": "other"}]}, False),
        ({"routers": [{"type": "istio", "name": "shop", "spec": {"hosts": ["a"]}}]}, False),
        ({"services__ports": [{"port": 80}]}, False),
    ],
)
def test_the_hash_differs_when_what_is_done_differs(changes: Object, same: bool) -> None:
    assert (read(**changes).hash == read().hash) is same


def test_the_hash_of_a_plan_that_a_former_version_has_begun() -> None:
    """A record holds it, and a plan with another one is refused while the release is under way."""
    steps = [{"set_weight": 5}, {"pause": {"duration": "30s"}}, {"set_weight": 20}, {"pause": {}}, {"set_weight": 80}, {"set_weight": 100}]
    plan = read(routers=[{"type": "istio", "name": "shop"}], canary={"steps": steps}, services={"stable": "shop", "canary": "shop-canary"})
    assert plan.hash == "ef59e785f0"


@pytest.mark.parametrize("value", [0, -1, "two", True, 1001])
def test_too_few_pods_are_refused(value: Any) -> None:
    with pytest.raises(Refused, match=r"canary\.min_replicas must be a whole number from 1 to 1000"):
        read(canary={"steps": [], "min_replicas": value})


LONG = "a" * 64
BY_PODS, STABLE = [{"type": "replicas"}], {"stable": "shop"}
# what is changed, the option that the message names, what it says of it
MALFORMED = [
    ({"workload": REMOVED}, "workload", "is missing"),
    ({"workload": {}}, "workload.name", "is missing"),
    ({"workload": "shop"}, "workload", "must be a mapping"),
    ({"workload": []}, "workload", "must be a mapping"),
    ({"workload": False}, "workload", "must be a mapping"),
    ({"workload__name": ""}, "workload.name", "is missing"),
    ({"workload__name": "Shop"}, "workload.name", "must be a Kubernetes name, not 'Shop'"),
    ({"workload__name": "a/b"}, "workload.name", "must be a Kubernetes name, not 'a/b'"),
    ({"workload__name": {"a": "b"}}, "workload.name", "must be a Kubernetes name, not {'a': 'b'}"),
    ({"workload__kind": "Pod"}, "workload.kind", "cannot be 'Pod'"),
    ({"workload__style": "copy"}, "workload.style", "cannot be 'copy'"),
    (
        {"workload": {"name": "shop", "kind": "DaemonSet", "style": "clone"}},
        "workload.kind",
        "cannot be DaemonSet with style clone, only Deployment",
    ),
    (
        {"workload": {"name": "a", "kind": "Deployment", "style": "in_place"}},
        "workload.kind",
        "cannot be Deployment with style in_place, only StatefulSet or DaemonSet",
    ),
    ({"workload__canary": "other"}, "workload.canary", "cannot be used with style clone"),
    ({"canary__scale_down_delay": "30s"}, "canary.scale_down_delay", "cannot be used with style clone"),
    ({"promotion": "slow"}, "promotion", "cannot be 'slow'"),
    ({"hold": "perhaps"}, "hold", "must be true or false, not 'perhaps'"),
    (
        {"workload__style": "pair", "hold": True},
        "hold",
        "cannot be used with style pair",
    ),
    ({"workload__style": "revisions", "promotion": "rolling"}, "promotion", "cannot be used with style revisions"),
    ({"routers": [{"type": "istio", "name": "a"}, {"type": "replicas"}]}, "routers", "cannot combine type replicas with another router"),
    ({"routers": [{"type": "replicas", "name": "other"}]}, "routers[0].name", "must be the stable Service (shop) with type replicas"),
    ({"routers": [{"type": "replicas", "routes": ["a"]}]}, "routers[0]", "does not take routes"),
    (
        {"routers": BY_PODS, "services__canary": "other"},
        "services.canary",
        "cannot be used with router type replicas, which needs only the stable Service",
    ),
    ({"routers": BY_PODS, "workload__style": "pair"}, "workload.style", "cannot be pair with router type replicas"),
    ({"routers": BY_PODS, "services": STABLE, "hold": True}, "hold", "cannot be used with router type replicas"),
    (
        {"routers": BY_PODS, "services": STABLE, "canary__steps": [{"set_weight": 5}, {"set_canary_scale": {"replicas": 2}}]},
        "canary.steps[1]",
        "(set_canary_scale 2) cannot be used with router type replicas",
    ),
    ({"workload__styl": "clone", "workload__x": 1}, "workload", "does not take styl, x"),
    ({"revision__images": {}}, "revision.images", "must map container names to images"),
    ({"revision__images": {"app": None}}, "revision.images", "must map container names to images"),
    ({"revision__restart": "today"}, "revision", "names the new version by images and by restart"),
    ({"revision": {"restart": ""}}, "revision.restart", "must be a string that is not empty"),
    ({"revision": {"restart": True}}, "revision.restart", "must be a string that is not empty"),
    ({"revision": {"template": {}}}, "revision.template", "must be a pod template"),
    ({"revision": {"template": {"containers": []}}}, "revision.template", "does not take containers"),
    ({"revision": {"definition": {"spec": {"template": {"spec": {}}}}}}, "revision.definition", "has no containers"),
    ({"rollback_window": -1}, "rollback_window", "must be a whole number from 0 to 100, not -1"),
    ({"track_configs": "maybe"}, "track_configs", "must be true or false, not 'maybe'"),
    (
        {"workload__style": "pair", "revision": REMOVED, "track_configs": True},
        "track_configs",
        "cannot be used with style pair if the second Deployment already has the template of the new version",
    ),
    ({"history_limit": 0}, "history_limit", "must be a whole number from 1 to 100, not 0"),
    ({"revision__images": "example.org/shop:2"}, "revision.images", "must map container names to images"),
    ({"revision__images": ["a"]}, "revision.images", "must map container names to images"),
    ({"revision__images": {"app": ""}}, "revision.images", "must map container names to images"),
    ({"revision__images": {"app": 2}}, "revision.images", "must map container names to images"),
    ({"revision__image": "x"}, "revision", "does not take image"),
    ({"services": REMOVED}, "services", "is missing"),
    ({"services": {"canary": "c"}}, "services.stable", "is missing"),
    ({"services__canary": "shop"}, "services.canary", "is 'shop', the same Service as services.stable"),
    ({"services__stable": "shop.test"}, "services.stable", "must be a Kubernetes name, not 'shop.test'"),
    ({"services__canary": "-x"}, "services.canary", "must be a Kubernetes name, not '-x'"),
    (
        {"services__stable": LONG},
        "services.stable",
        "must be a Kubernetes name, not 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
    ),
    (
        {"services__stable": LONG[:60]},
        "services.canary",
        "must be a Kubernetes name, not 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-canary'",
    ),
    ({"services__preview": "x"}, "services", "does not take preview"),
    ({"services__ports": []}, "services.ports", "must be a list with at least one port"),
    ({"services__ports": {"port": 80}}, "services.ports", "must be a list with at least one port"),
    ({"services__ports": [80]}, "services.ports[0]", "must be a mapping"),
    ({"services__ports": [{"port": 80}, {"name": "x"}]}, "services.ports[1].port", "is missing"),
    ({"services__ports": [{"port": "http"}]}, "services.ports[0].port", "must be a whole number from 1 to 65535, not 'http'"),
    (
        {"services__ports": [{"port": 80, "targetPort": 70000}]},
        "services.ports[0].targetPort",
        "must be a whole number from 1 to 65535, not 70000",
    ),
    ({"services__ports": [{"port": 80, "target_port": 80}]}, "services.ports[0]", "does not take target_port"),
    ({"routers": [{"type": "istio", "name": "a", "spec": {}}]}, "routers[0].spec", "must be a mapping"),
    ({"routers": [{"type": "istio", "name": "a", "spec": "x"}]}, "routers[0].spec", "must be a mapping"),
    ({"routers": REMOVED}, "routers", "must be a list with at least one router"),
    ({"routers": []}, "routers", "must be a list with at least one router"),
    ({"routers": {"type": "istio", "name": "shop"}}, "routers", "must be a list with at least one router"),
    ({"routers": "istio"}, "routers", "must be a list with at least one router"),
    ({"routers": 5}, "routers", "must be a list with at least one router"),
    ({"routers": ["istio"]}, "routers[0]", "must be a mapping"),
    ({"routers": [{"type": "istio", "name": "a"}, {"type": "istio"}]}, "routers[1].name", "is missing"),
    (
        {"routers": [{"type": "istio", "name": "a", "stable_subset": "v1", "canary_subset": "v2", "destination_rule": "a"}]},
        "routers[0]",
        "cannot split between subsets, because a rollout splits between two Services",
    ),
    ({"routers": [{"type": "nginx", "name": "a"}]}, "routers[0].type", "names the unknown router 'nginx'"),
    ({"routers": [{"type": "istio", "name": "A b"}]}, "routers[0].name", "must be a Kubernetes name, not 'A b'"),
    ({"routers": [{"type": "istio", "name": "a", "route": "x"}]}, "routers[0]", "does not take route"),
    ({"routers": [{"type": "istio", "name": "a", "routes": 5}]}, "routers[0].routes", "must be a list of names, not 5"),
    ({"routers": [{"type": "istio", "name": "a", "routes": {"x": 1}}]}, "routers[0].routes", "must be a list of names, not {'x': 1}"),
    (
        {"routers": [{"type": "istio", "name": "a", "routes": ["x"]}, {"type": "istio", "name": "a", "routes": ["y"]}]},
        "routers",
        "has more than one entry for istio a",
    ),
    ({"canary": []}, "canary", "must be a mapping"),
    ({"canary": False}, "canary", "must be a mapping"),
    ({"canary": ""}, "canary", "must be a mapping"),
    ({"canary__step": []}, "canary", "does not take step"),
    ({"canary__steps": {"set_weight": 5}}, "canary.steps", "must be a list"),
    ({"canary__steps": [{"set_weight": 5}, {"set_weight": 120}]}, "canary.steps", "120"),
    ({"grace": "soon"}, "grace", "must be a duration, not 'soon'"),
    ({"grace": False}, "grace", "must be a duration, not False"),
    ({"drain": "-1s"}, "drain", "must be a duration, not '-1s'"),
    ({"name": "Shop"}, "name", "must be a Kubernetes name, not 'Shop'"),
    ({"name": ""}, "name", "must be a Kubernetes name, not ''"),
    ({"name": "a" * 57}, "name", "must be a Kubernetes name, not 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"),
    ({"name": "shop\n"}, "name", "must be a Kubernetes name, not 'shop\\n'"),
]


@pytest.mark.parametrize(("changes", "option", "what"), MALFORMED)
def test_a_malformed_plan_is_refused_by_the_name_of_the_part(changes: Object, option: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**changes)
    problem = refused.value.problem
    assert (problem.object or str(refused.value)).startswith(option)
    assert what in problem.what
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["a", "shop", "shop-2.web", "a" * 56, "0"])
def test_names_of_rollouts(name: str) -> None:
    assert read(name).name == name
