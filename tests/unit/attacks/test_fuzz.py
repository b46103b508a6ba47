"""Whatever stands in a record, an annotation or a definition, reading it ends in a Problem or in something usable: 10,000 inputs."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import hypothesis
import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.observed import Observed
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.picture import picture
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.report import report
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.tree import tree
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.trust import bounded
from ansible_collections.progressive.delivery.plugins.module_utils._routing import replicas
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.definition import read_definition
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import switches
from ansible_collections.progressive.delivery.tests.unit.attacks.table import scene
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import NAME
from hypothesis import strategies as st

Object = dict[str, Any]

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**18),
    st.integers(310, 4300).map(lambda digits: 10 ** (digits - 1)),
    st.floats(allow_nan=True),
    st.text(max_size=12),
    st.sampled_from(["", "../x", "a/b", "Service/shop", "²", "1h", "99999d", "release", "abort", "Paused", "\u202e", "{{ x }}", "x" * 300]),
)
JUNK = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below, max_size=3), max_leaves=6
)


def mutated(draw: st.DrawFn, honest: Any) -> Any:
    """The honest data with some of their parts, keys included, replaced by junk."""
    whole: Any = {"": copy.deepcopy(honest)}
    for _time in range(draw(st.integers(1, 3))):
        part, key = whole, ""
        while isinstance(part[key], (dict, list)) and part[key] and draw(st.integers(0, 4)):
            part = part[key]
            key = draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
        if isinstance(part, dict) and part is not whole and draw(st.integers(0, 9)) == 0:
            part[draw(st.text(max_size=8))] = part.pop(key)
        else:
            part[key] = draw(JUNK)
    return whole[""]


@cache
def honest_record() -> Object:
    return scene().record()


HONEST_MEMORY = {
    "at": 1.5,
    "fields": [
        {
            "by": NAME,
            "depth": 4,
            "path": ["spec", "http", {"name": "primary"}, "route", {"destination.host": NAME}, "weight"],
            "was": 100,
            "now": 80,
        },
        {"by": NAME, "depth": 4, "path": ["spec", "http", 0, "route", {"destination.host": "x"}], "now": {"destination": {"host": "x"}}},
    ],
}
HONEST_SWITCH = {
    "active": "Deployment/green",
    "run": "ab12",
    "previous": "Deployment/blue",
    "at": 1.0,
    "waiting": {"Deployment/blue": 1.0},
    "replicas": {"Deployment/red": 2},
    "preview": "shop-preview",
    "routers": ["istio shop"],
}
HONEST_PAIR = {
    "stable": {"name": "a", "was": 3, "now": 2, "seen": [3]},
    "canary": {"name": "b", "was": 0, "now": 1, "seen": []},
    "grown": 1.0,
}
HONEST_DEFINITION = {
    "apiVersion": "example.org/v1",
    "other_versions": ["example.org/v2"],
    "kind": "Road",
    "plural": "roads",
    "destinations": "spec.lanes[].cars[]",
    "destination": {"service": "name", "where": {"kind": "Service"}, "not_copied": ["x"]},
    "weight": {"field": "weight", "default": 1},
    "routes": {"name": "name", "told_apart_by": ["match"]},
    "status": {"wanted": {"Valid": "True"}, "required": False},
    "grace": 3,
}


def read_record(raw: Any) -> None:
    """As rollout_info reads one, and then a call that goes on with it."""
    record = records.load({"record": json.dumps(raw)}, NAME)
    for each in record.originals.values():
        try:
            list(map(edits.load, each))
        except ValueError:  # a call that needs it refuses it
            return
    assert tree(picture(NAME, "test", record, None, Observed(now=1.0)))
    plan = read_plan(NAME, "test", bounded(record.plan))
    decide.refuse_contradiction(record, plan)
    told = report(record, plan, NAME)
    program_of(record, plan)
    assert told["phase"] in ("Progressing", "Paused", "Healthy", "Aborted", "Degraded")
    assert tree(picture(NAME, "test", record, plan, Observed(now=1.0)))
    assert records.load(records.dump(record), NAME) == record


def read_memory(raw: Any) -> None:
    spec = {"http": [{"name": "primary", "route": [{"destination": {"host": NAME}, "weight": 80}]}]}
    metadata = {"name": NAME, "namespace": "test", "annotations": {edits.ANNOTATION: json.dumps(raw)}}
    live = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}
    edits.edited(live, NAME, lambda _base: [], "repair")


def _service(annotation: str, raw: Any) -> Object:
    return {"kind": "Service", "metadata": {"name": NAME, "namespace": "test", "annotations": {annotation: json.dumps(raw)}}}


READERS: dict[str, tuple[Any, Any, int]] = {
    "records": (read_record, None, 5000),
    "memories of edits": (read_memory, HONEST_MEMORY, 2000),
    "memories of switches": (lambda raw: switches.load(_service(switches.ANNOTATION, raw)), HONEST_SWITCH, 750),
    "memories of splits by pods": (lambda raw: replicas.load(_service(replicas.ANNOTATION, raw)), HONEST_PAIR, 750),
    "definitions": (read_definition, HONEST_DEFINITION, 1500),
}


@pytest.mark.parametrize("share", [20, pytest.param(1, marks=pytest.mark.full)], ids=["a part", "all"])
@pytest.mark.parametrize("what", READERS)
def test_whatever_is_there_is_read_or_refused(what: str, share: int) -> None:
    read, given, examples = READERS[what]
    honest = given or honest_record()
    read(honest)

    @hypothesis.settings(max_examples=examples // share, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(st.data())
    def fuzz(data: st.DataObject) -> None:
        try:
            read(data.draw(st.composite(mutated)(honest)))
        except Refused:
            pass

    fuzz()


def test_there_are_ten_thousand_inputs() -> None:
    assert sum(examples for _read, _honest, examples in READERS.values()) == 10_000
