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
    with pytest.raises(Refused, match=r"canary\.min_replicas: .* is not a whole number from 1 to 1000"):
        read(canary={"steps": [], "min_replicas": value})


LONG = "a" * 64
BY_PODS, STABLE = [{"type": "replicas"}], {"stable": "shop"}
# what is changed, what the message begins with, what it says
MALFORMED = [
    ({"workload": REMOVED}, "workload is missing", "it needs name"),
    ({"workload": {}}, "workload:", "name is missing"),
    ({"workload": "shop"}, "workload must be a mapping", "with name, kind, style"),
    ({"workload": []}, "workload must be a mapping", ""),
    ({"workload": False}, "workload must be a mapping", ""),
    ({"workload__name": ""}, "workload:", "name is missing"),
    ({"workload__name": "Shop"}, "workload.name:", "'Shop' is not a name"),
    ({"workload__name": "a/b"}, "workload.name:", "'a/b' is not a name"),
    ({"workload__name": {"a": "b"}}, "workload.name:", "is not a name"),
    ({"workload__kind": "Pod"}, "workload.kind:", "'Pod' is not supported: use Deployment, StatefulSet, DaemonSet"),
    ({"workload__style": "copy"}, "workload.style:", "'copy' is not supported: use clone, revisions, pair, in_place"),
    ({"workload": {"name": "shop", "kind": "DaemonSet", "style": "clone"}}, "workload:", "style clone releases Deployment, not DaemonSet"),
    ({"workload": {"name": "a", "kind": "Deployment", "style": "in_place"}}, "workload:", "use style clone or revisions or pair for that"),
    ({"workload__canary": "other"}, "workload.canary:", "style clone makes what runs the new version itself"),
    ({"canary__scale_down_delay": "30s"}, "canary.scale_down_delay:", "style clone keeps no version that runs without traffic"),
    ({"promotion": "slow"}, "promotion:", "'slow' is not supported: use full, rolling"),
    ({"hold": "perhaps"}, "hold:", "'perhaps' is neither true nor false"),
    (
        {"workload__style": "pair", "hold": True},
        "hold:",
        "style pair pauses no workload between releases: leave it out",
    ),
    ({"workload__style": "revisions", "promotion": "rolling"}, "promotion:", "style revisions never rolls a workload beside a clone"),
    ({"routers": [{"type": "istio", "name": "a"}, {"type": "replicas"}]}, "routers:", "type replicas stands alone"),
    ({"routers": [{"type": "replicas", "name": "other"}]}, "routers, number 1:", "stand behind Service shop (services.stable)"),
    ({"routers": [{"type": "replicas", "routes": ["a"]}]}, "routers, number 1:", "unknown key routes"),
    ({"routers": BY_PODS, "services__canary": "other"}, "services.canary:", "one Service has the pods of both versions"),
    ({"routers": BY_PODS, "workload__style": "pair"}, "routers:", "type replicas takes style clone"),
    ({"routers": BY_PODS, "services": STABLE, "hold": True}, "hold:", "router type replicas does not have that"),
    (
        {"routers": BY_PODS, "services": STABLE, "canary__steps": [{"set_weight": 5}, {"set_canary_scale": {"replicas": 2}}]},
        "canary.steps, step 2, set_canary_scale 2:",
        "has set_weight and pause only",
    ),
    ({"workload__styl": "clone", "workload__x": 1}, "workload:", "unknown key styl, x: it takes name, kind, style"),
    ({"revision__images": {}}, "revision.images", "must map container names to images"),
    ({"revision__images": {"app": None}}, "revision.images", "must map container names to images"),
    ({"revision__restart": "today"}, "revision:", "images and restart name the new version twice"),
    ({"revision": {"restart": ""}}, "revision.restart:", "give a text that differs"),
    ({"revision": {"restart": True}}, "revision.restart:", "give a text that differs"),
    ({"revision": {"template": {}}}, "revision.template", "must be a mapping like spec.template"),
    ({"revision": {"template": {"containers": []}}}, "revision.template:", "unknown key containers: it takes metadata and spec"),
    ({"revision": {"definition": {"spec": {"template": {"spec": {}}}}}}, "revision.definition:", "it has no containers"),
    ({"rollback_window": -1}, "rollback_window:", "-1 is not a whole number from 0 to 100"),
    ({"track_configs": "maybe"}, "track_configs:", "'maybe' is neither true nor false"),
    ({"workload__style": "pair", "revision": REMOVED, "track_configs": True}, "track_configs:", "name the new version in revision"),
    ({"history_limit": 0}, "history_limit:", "0 is not a whole number from 1 to 100"),
    ({"revision__images": "example.org/shop:2"}, "revision.images", "must map container names to images"),
    ({"revision__images": ["a"]}, "revision.images", "must map container names to images"),
    ({"revision__images": {"app": ""}}, "revision.images", "must map container names to images"),
    ({"revision__images": {"app": 2}}, "revision.images", "must map container names to images"),
    ({"revision__image": "x"}, "revision:", "unknown key image: it takes images, template, definition, restart"),
    ({"services": REMOVED}, "services is missing", "it needs stable"),
    ({"services": {"canary": "c"}}, "services:", "stable is missing"),
    ({"services__canary": "shop"}, "services:", "stable and canary are both 'shop'"),
    ({"services__stable": "shop.test"}, "services.stable:", "'shop.test' is not a name: use at most 63 lower-case letters, digits and '-'"),
    ({"services__canary": "-x"}, "services.canary:", "'-x' is not a name"),
    ({"services__stable": LONG}, "services.stable:", "is not a name"),
    ({"services__stable": LONG[:60]}, "services.canary:", "-canary' is not a name: use at most 63"),
    ({"services__preview": "x"}, "services:", "unknown key preview: it takes stable, canary, ports"),
    ({"services__ports": []}, "services.ports must be a list", "for example [{name: http, port: 80"),
    ({"services__ports": {"port": 80}}, "services.ports must be a list", ""),
    ({"services__ports": [80]}, "services.ports, number 1 must be a mapping", "with port, name, targetPort"),
    ({"services__ports": [{"port": 80}, {"name": "x"}]}, "services.ports, number 2:", "port is missing"),
    ({"services__ports": [{"port": "http"}]}, "services.ports, number 1, port:", "'http' is not a whole number from 1 to 65535"),
    ({"services__ports": [{"port": 80, "targetPort": 70000}]}, "services.ports, number 1, targetPort:", "70000 is not a whole number"),
    ({"services__ports": [{"port": 80, "target_port": 80}]}, "services.ports, number 1:", "unknown key target_port: it takes port, name"),
    ({"routers": [{"type": "istio", "name": "a", "spec": {}}]}, "routers, number 1, spec:", "give the object's spec as a mapping"),
    ({"routers": [{"type": "istio", "name": "a", "spec": "x"}]}, "routers, number 1, spec:", "give the object's spec as a mapping"),
    ({"routers": REMOVED}, "routers:", "name at least one in a list"),
    ({"routers": []}, "routers:", "name at least one in a list"),
    ({"routers": {"type": "istio", "name": "shop"}}, "routers:", "name at least one in a list"),
    ({"routers": "istio"}, "routers:", "name at least one in a list"),
    ({"routers": 5}, "routers:", "name at least one in a list"),
    ({"routers": ["istio"]}, "routers, number 1", "must be a mapping with type, name, routes, api_version"),
    ({"routers": [{"type": "istio", "name": "a"}, {"type": "istio"}]}, "routers, number 2:", "name is missing"),
    (
        {"routers": [{"type": "istio", "name": "a", "stable_subset": "v1", "canary_subset": "v2", "destination_rule": "a"}]},
        "routers, number 1:",
        "a rollout splits between two Services",
    ),
    ({"routers": [{"type": "nginx", "name": "a"}]}, "routers, number 1, type:", "unknown router 'nginx': use one of"),
    ({"routers": [{"type": "istio", "name": "A b"}]}, "routers, number 1, name:", "'A b' is not a name"),
    ({"routers": [{"type": "istio", "name": "a", "route": "x"}]}, "routers, number 1:", "unknown key route: it takes type, name, routes"),
    ({"routers": [{"type": "istio", "name": "a", "routes": 5}]}, "routers, number 1, routes:", "5 is not a list of names"),
    ({"routers": [{"type": "istio", "name": "a", "routes": {"x": 1}}]}, "routers, number 1, routes:", "is not a list of names"),
    (
        {"routers": [{"type": "istio", "name": "a", "routes": ["x"]}, {"type": "istio", "name": "a", "routes": ["y"]}]},
        "routers:",
        "istio a stands there more than once: write one entry with all its routes",
    ),
    ({"canary": []}, "canary must be a mapping", "with steps"),
    ({"canary": False}, "canary must be a mapping", ""),
    ({"canary": ""}, "canary must be a mapping", ""),
    ({"canary__step": []}, "canary:", "unknown key step: it takes steps"),
    ({"canary__steps": {"set_weight": 5}}, "canary.steps must be a list", ""),
    ({"canary__steps": [{"set_weight": 5}, {"set_weight": 120}]}, "canary.steps, step 2, set_weight:", "120 is not a weight"),
    ({"grace": "soon"}, "grace:", "'soon' is not a duration"),
    ({"grace": False}, "grace:", "False is not a duration"),
    ({"drain": "-1s"}, "drain:", "'-1s' is not a duration"),
    ({"name": "Shop"}, "name:", "'Shop' is not a name: use at most 56 lower-case letters, digits and '-' and '.'"),
    ({"name": ""}, "name:", "'' is not a name"),
    ({"name": "a" * 57}, "name:", "is not a name"),
    ({"name": "shop\n"}, "name:", "is not a name"),
]


@pytest.mark.parametrize(("changes", "begins", "says"), MALFORMED)
def test_a_malformed_plan_is_refused_by_the_name_of_the_part(changes: Object, begins: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**changes)
    said = str(refused.value)
    assert said.startswith(begins)
    assert says in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["a", "shop", "shop-2.web", "a" * 56, "0"])
def test_names_of_rollouts(name: str) -> None:
    assert read(name).name == name
