"""The part `bluegreen` of a plan."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan

Object = dict[str, Any]

ISTIO = [{"type": "istio", "name": "shop"}]


def read(bluegreen: Any = None, **changes: Any) -> Plan:
    given: Object = {
        "workload": {"name": "shop"},
        "revision": {"images": {"app": "example.org/shop:2"}},
        "services": {"active": "shop"},
        "bluegreen": {} if bluegreen is None else bluegreen,
    }
    return read_plan("shop", "test", {**given, **changes})


def texts(plan: Plan) -> list[str]:
    return [str(step) for step in plan.steps]


def test_a_plan_as_short_as_can_be() -> None:
    plan = read()
    assert (plan.strategy, plan.order, plan.routers) == ("bluegreen", "clone", ())
    assert (plan.stable_service, plan.canary_service, plan.words) == ("shop", "shop-preview", ("active", "preview"))
    assert (plan.scale_down_delay, plan.abort_scale_down_delay) == (30.0, 30.0)
    assert texts(plan) == ["preview", "pause until promoted", "switch"]


STEPS: list[tuple[Object, list[str]]] = [
    ({"auto_promotion": True}, ["preview", "switch"]),
    ({"auto_promotion": True, "auto_promotion_after": 90}, ["preview", "pause 1m30s", "switch"]),
    ({"auto_promotion_after": "10m"}, ["preview", "pause 10m", "switch"]),
    ({"preview_replicas": "2"}, ["preview in 2 pods", "pause until promoted", "switch"]),
    ({"mirror": 10.0}, ["preview", "set_mirror_route preview: 10 %", "pause until promoted", "switch"]),
]


@pytest.mark.parametrize(("part", "wanted"), STEPS)
def test_the_steps_follow_from_it(part: Object, wanted: list[str]) -> None:
    assert texts(read(part, routers=ISTIO)) == wanted


def test_in_place_the_preview_is_one_pod() -> None:
    assert texts(read(workload={"name": "shop", "kind": "StatefulSet"}))[0] == "preview in 1 pod"


# what is changed, the option that the message names, what it says of it
MALFORMED: list[tuple[Object, str, str]] = [
    ({"canary": {"steps": []}}, "bluegreen", "cannot be used together with canary"),
    ({"bluegreen": "yes"}, "bluegreen", "must be a mapping"),
    ({"bluegreen": {"steps": []}}, "bluegreen", "does not take steps"),
    ({"bluegreen": {"preview_replicas": 0}}, "bluegreen.preview_replicas", "must be a whole number from 1 to 100000, not 0"),
    ({"bluegreen": {"auto_promotion": "perhaps"}}, "bluegreen.auto_promotion", "must be true or false, not 'perhaps'"),
    ({"bluegreen": {"auto_promotion_after": "soon"}}, "bluegreen.auto_promotion_after", "must be a duration, not 'soon'"),
    ({"bluegreen": {"scale_down_delay": -1}}, "bluegreen.scale_down_delay", "must be a duration, not -1"),
    ({"bluegreen": {"mirror": 200}, "routers": ISTIO}, "bluegreen.mirror", "200"),
    ({"bluegreen": {"mirror": 10}}, "bluegreen.mirror", "needs a router that copies requests"),
    (
        {"bluegreen": {"mirror": 10, "auto_promotion": True}, "routers": ISTIO},
        "bluegreen.mirror",
        "has no effect if auto_promotion switches at once",
    ),
    ({"bluegreen": {"active_labels": {"role": True}}}, "bluegreen.active_labels.role", "must be a string, not True"),
    ({"bluegreen": {"preview_labels": ["role"]}}, "bluegreen.preview_labels", "must be a mapping of labels to values"),
    ({"services": {"stable": "shop"}}, "services", "does not take stable"),
    ({"services": {"active": "shop", "preview": "shop"}}, "services.preview", "is 'shop', the same Service as services.active"),
    ({"services": {}}, "services.active", "is missing"),
    ({"routers": [{"type": "replicas"}]}, "routers", "cannot be of type replicas with blue-green, which does not split traffic"),
    ({"promotion": "rolling"}, "promotion", "cannot be used with blue-green"),
]


@pytest.mark.parametrize(("changes", "option", "what"), MALFORMED)
def test_a_malformed_plan_is_refused_by_the_name_of_the_part(changes: Object, option: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**changes)
    problem = refused.value.problem
    assert (problem.object or str(refused.value)).startswith(option)
    assert what in problem.what
    assert "\n" not in str(refused.value)


def test_the_hash_differs_where_what_is_done_differs() -> None:
    parts: list[Object] = [{}, {"auto_promotion": True}, {"preview_replicas": 1}, {"active_labels": {"role": "active"}}]
    assert len({read(part).hash for part in parts}) == len(parts)
    assert read({"scale_down_delay": 5}).hash == read({"abort_scale_down_delay": 7}).hash == read().hash
