"""What the roles canary and bluegreen document: what they have in common is the same, and the rest is what the module takes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._module.plan_options import BLUEGREEN_SPEC, CANARY_SPEC, PLAN_SPEC
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT

OWN = {"canary": set(CANARY_SPEC), "bluegreen": {*BLUEGREEN_SPEC, "checks", "promote"}}
# What the strategies word differently, and what only one of them has.
DIFFERENT = {"workload", "services", "routers", "rollback_window", "approval", "hooks", *OWN["canary"], *OWN["bluegreen"], "promotion"}


def options_of(role: str) -> dict[str, Any]:
    """Without the role's prefix, in the descriptions, too."""
    text = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text()
    given = yaml.safe_load(text.replace(f"C({role}_", "C("))["argument_specs"]["main"]["options"]
    return {name.removeprefix(f"{role}_"): each for name, each in given.items()}


def defaults_of(role: str) -> dict[str, Any]:
    given = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    return {name.removeprefix(f"{role}_"): each for name, each in given.items()}


def test_what_they_share_is_the_same() -> None:
    canary, bluegreen = options_of("canary"), options_of("bluegreen")
    assert set(canary) - OWN["canary"] - {"promotion"} == set(bluegreen) - OWN["bluegreen"]
    assert {name: each for name, each in canary.items() if name not in DIFFERENT} == {
        name: each for name, each in bluegreen.items() if name not in DIFFERENT
    }
    assert set(canary["hooks"]["options"]) == set(bluegreen["hooks"]["options"])


@pytest.mark.parametrize("role", OWN)
def test_the_module_takes_it(role: str) -> None:
    options = options_of(role)
    assert OWN[role] | (set(PLAN_SPEC) - {"bluegreen", "promotion"}) <= set(options)
    assert {name: each["default"] for name, each in options.items() if "default" in each} == defaults_of(role)
