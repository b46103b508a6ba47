"""The documentation of the plan describes each kind of step with its options, as the class of the step says."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.doc_fragments.plan import ModuleDocFragment
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._steps.reading import read_steps
from ansible_collections.progressive.delivery.plugins.module_utils._steps.registry import STEPS

OPTION = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["canary"]["suboptions"]["steps"]


def test_each_kind_is_described_as_its_class_says() -> None:
    _head, *described, _end = OPTION["description"]
    assert described == [each.description for each in STEPS.values()]


def test_steps_are_taken_as_they_are_written() -> None:
    assert (OPTION["type"], OPTION["elements"]) == ("list", "raw")


@pytest.mark.parametrize("key", [key for key, step in STEPS.items() if step.options])
def test_each_step_takes_the_options_that_it_describes(key: str) -> None:
    with pytest.raises(Refused) as refused:
        read_steps([{key: {"no_such_option": 1}}])
    assert [each.name for each in STEPS[key].options if each.name not in refused.value.problem.remedy] == []
    assert [each.name for each in STEPS[key].options if f"C({each.name}" not in STEPS[key].description and each.name != "inherit"] == []


@pytest.mark.parametrize("step", STEPS.values(), ids=list(STEPS))
def test_each_step_is_a_value(step: type) -> None:
    assert dataclasses.is_dataclass(step) and step.__hash__ is not None
