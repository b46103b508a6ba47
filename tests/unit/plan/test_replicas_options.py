"""What a split by replicas takes, and what it refuses by name because only a router can do it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.replicas import read_pair, read_split
from ansible_collections.progressive.delivery.plugins.module_utils._plan.routers import ALL_OPTIONS
from ansible_collections.progressive.delivery.plugins.module_utils._routing.replicas import Pair
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Split

Object = dict[str, Any]
# As Ansible gives options that were not given.
NONE: Object = {**dict.fromkeys(ALL_OPTIONS), "routes": [], "matches": [], "mirror": 0.0, "canary_service": None, "canary_workload": None}
LEAST: Object = {**NONE, "name": ["shop"], "stable_service": "web", "weight": None, "weight_total": 100}


def test_what_is_read() -> None:
    assert read_pair(LEAST) == Pair("web", "shop", "shop-canary")
    assert read_pair({**LEAST, "canary_workload": "next"}) == Pair("web", "shop", "next")
    assert read_split({**LEAST, "weight": 5, "weight_total": 1000}) == Split(995, 5)


BAD: list[tuple[Object, str]] = [
    (
        {"canary_service": "shop-canary"},
        "canary_service cannot be used with router replicas, because stable_service leads to the pods of both versions: remove it",
    ),
    (
        {"matches": [{"path": "/"}]},
        "matches cannot be used with router replicas, because every pod behind",
    ),
    ({"mirror": 5.0}, "mirror cannot be used with router replicas, because no router copies requests: remove it"),
    ({"routes": ["a"]}, "routes cannot be used with router replicas, because it needs another router"),
    ({"definition": {"kind": "x"}}, "definition cannot be used with router replicas, because it needs another router"),
    ({"name": ["a", "b"]}, "name must have exactly one name with router replicas, not 2: name the stable Deployment"),
    ({"name": []}, "name must have exactly one name with router replicas, not 0"),
    ({"name": ["A"]}, "name must be a Kubernetes name, not 'A'"),
    ({"canary_workload": "a_b"}, "canary_workload must be a Kubernetes name, not 'a_b'"),
    ({"canary_workload": "shop"}, "canary_workload is 'shop', the same Deployment as name"),
    ({"stable_service": "a.b"}, "stable_service must be a Kubernetes name, not 'a.b'"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_what_is_refused(changes: Object, message: str) -> None:
    with pytest.raises(Refused) as refused:
        read_pair({**LEAST, **changes})
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({}, "weight is missing"), ({"weight": 101}, "weight must be a whole number from 0 to 100, not 101: correct it")],
)
def test_weights_that_are_refused(changes: Object, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read_split({**LEAST, **changes})
