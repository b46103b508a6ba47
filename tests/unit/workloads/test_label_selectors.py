"""Which labels a selector takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.label_selectors import matches

PODS = {"app": "shop", "tier": "web"}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "shop"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        (expression("app", "In", "a", "shop"), True),
        (expression("app", "In", "a"), False),
        (expression("no", "In", "a"), False),
        (expression("app", "NotIn", "a"), True),
        (expression("app", "NotIn", "shop"), False),
        (expression("no", "NotIn", "a"), True),
        (expression("app", "Exists"), True),
        (expression("no", "Exists"), False),
        (expression("no", "DoesNotExist"), True),
        (expression("app", "DoesNotExist"), False),
        (expression("app", "Unheard"), False),
        ({"matchLabels": {"app": "shop"}, **expression("tier", "In", "db")}, False),
    ],
)
def test_matches(selector: Any, taken: bool) -> None:
    assert matches(selector, PODS) is taken
