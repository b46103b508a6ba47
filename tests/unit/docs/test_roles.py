"""What the roles canary and bluegreen document: the options of the module that they take, and what they add, as generated."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._module.plan_options import BLUEGREEN_SPEC, CANARY_SPEC, PLAN_SPEC
from ansible_collections.progressive.delivery.plugins.module_utils._plan import bluegreen, plan, revision
from ansible_collections.progressive.delivery.tests.tools.make_role_specs import ROLES, module_options, path_of, text_of

OWN = {"canary": {*CANARY_SPEC, "promotion"}, "bluegreen": {*BLUEGREEN_SPEC, "checks", "promote"}}
CALL = {"on_drift", "wait_timeout", "record_key", "record_unsealed", "retry"}


def options_of(role: str) -> dict[str, Any]:
    """Without the role's prefix."""
    given = yaml.safe_load(path_of(role).read_text())["argument_specs"]["main"]["options"]
    return {name.removeprefix(f"{role}_"): each for name, each in given.items()}


@pytest.mark.parametrize("role", ROLES)
def test_the_files_are_current(role: str) -> None:
    assert path_of(role).read_text() == text_of(role), "run make role-specs"


@pytest.mark.parametrize("role", ROLES)
def test_the_module_takes_it(role: str) -> None:
    shared = set(PLAN_SPEC) - {"bluegreen", "canary", "promotion"}
    assert set(options_of(role)) == {"name", "namespace", "approval", "hooks", *shared, *CALL, *OWN[role]}


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_documented(role: str) -> None:
    defaults = yaml.safe_load((path_of(role).parents[1] / "defaults" / "main.yml").read_text())
    assert {f"{role}_{name}": each["default"] for name, each in options_of(role).items() if "default" in each} == defaults


def test_a_plan_is_read_as_it_is_documented() -> None:
    options = module_options()
    assert set(plan.PLAN_KEYS) <= set(options) and set(plan.PLAN_KEYS) == set(PLAN_SPEC) - {"probe_hosts"}
    assert set(bluegreen.KEYS) == set(options["bluegreen"]["suboptions"])
    assert set(plan._CANARY) == set(options["canary"]["suboptions"])
    assert set(revision._FORMS) == set(options["revision"]["suboptions"]) - {"number"}
