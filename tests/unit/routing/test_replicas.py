"""How many pods both versions must have, what is remembered, and in which order it comes about, whoever dies or scales in between."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing import replicas
from ansible_collections.progressive.delivery.plugins.module_utils._routing.replicas import CANARY, STABLE, Kept, Memory
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Split, split_of
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = {STABLE: "shop", CANARY: "shop-canary"}
WHERE = "Service test/shop"


# weight, weight_total, pods in all: pods of both versions.
@pytest.mark.parametrize(
    ("weight", "total", "pods", "stable", "canary"),
    [
        (0, 100, 5, 5, 0),
        (1, 100, 5, 4, 1),
        (5, 100, 5, 4, 1),
        (20, 100, 5, 4, 1),
        (29, 100, 5, 4, 1),
        (30, 100, 5, 3, 2),
        (50, 100, 5, 2, 3),
        (80, 100, 5, 1, 4),
        (99, 100, 5, 1, 4),
        (100, 100, 5, 0, 5),
        (50, 100, 2, 1, 1),
        (1, 100, 2, 1, 1),
        (100, 100, 1, 0, 1),
        (0, 100, 1, 1, 0),
        (1, 1000, 400, 399, 1),
        (7, 1000, 400, 397, 3),
        (1, 3, 9, 6, 3),
    ],
)
def test_the_nearest_number_of_pods(weight: int, total: int, pods: int, stable: int, canary: int) -> None:
    assert replicas.nearest(split_of(weight, total), pods, WHERE) == Split(stable, canary)


@given(st.integers(1, 1000), st.data())
def test_nothing_is_nearer_and_each_version_that_is_to_have_traffic_has_a_pod(total: int, data: st.DataObject) -> None:
    split = split_of(data.draw(st.integers(0, total)), total)
    pods = data.draw(st.integers(2, 60))
    found = replicas.nearest(split, pods, WHERE)
    assert found.total == pods
    assert (found.canary > 0, found.stable > 0) == (split.canary > 0, split.stable > 0)
    allowed = [count for count in range(pods + 1) if (count > 0, count < pods) == (split.canary > 0, split.stable > 0)]
    assert abs(found.canary * total - split.canary * pods) == min(abs(count * total - split.canary * pods) for count in allowed)


@pytest.mark.parametrize(
    ("weight", "pods", "message"),
    [
        (20, 1, "Service test/shop has 1 pod in all, which cannot be split: scale the two Deployments to 2 or more"),
        (20, 0, "Service test/shop has 0 pods in all, which cannot be split: scale the two Deployments to 2 or more"),
        (100, 0, "Service test/shop has 0 pods in all, which cannot be split: scale the two Deployments to 1 or more"),
    ],
)
def test_too_few_pods_are_refused(weight: int, pods: int, message: str) -> None:
    with pytest.raises(Refused) as refused:
        replicas.nearest(split_of(weight), pods, WHERE)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("asked", "reached", "text"),
    [
        (split_of(20), Split(4, 1), None),
        (split_of(0), Split(5, 0), None),
        (split_of(5), Split(4, 1), "asked 5 %, the nearest with 5 pods is 20 %"),
        (split_of(1, 1000), Split(2, 1), "asked 0.1 %, the nearest with 3 pods is 33.33 %"),
    ],
)
def test_how_far_it_is_from_what_was_asked(asked: Split, reached: Split, text: str | None) -> None:
    assert replicas.deviation(asked, reached) == text


def memory(stable: tuple[int, int], canary: tuple[int, int], at: float | None = 1.0, seen: Any = ((), ())) -> Memory:
    return Memory(Kept("shop", *stable, seen[0]), Kept("shop-canary", *canary, seen[1]), at=at)


def planned(kept: Memory | None, stable: int | None, canary: int | None, split: Split | None, on_drift: str = "fail") -> replicas.Plan:
    return replicas.plan(kept, {STABLE: stable, CANARY: canary}, NAMES, split, on_drift, WHERE)


TWENTY = memory((5, 4), (0, 1))
UNDER_WAY = memory((5, 4), (0, 1), None, ((5,), (0,)))
# What is remembered, the replicas, the split, then the replicas wanted, whether all is done, and what comes next where it is not.
PLANS = [
    ("the first split", None, 5, 0, 20, (4, 1), False, "remember"),
    ("the first split, of what both have", None, 2, 2, 25, (3, 1), False, "remember"),
    ("nothing asked that is not so", None, 5, 0, 0, (5, 0), True, ""),
    ("a split that is there already", None, 4, 1, 20, (4, 1), True, ""),
    ("remembered", UNDER_WAY, 5, 0, 20, (4, 1), False, "grow"),
    ("grown", UNDER_WAY, 5, 1, 20, (4, 1), False, "prove"),
    ("proven", replace(UNDER_WAY, grown=9.0), 5, 1, 20, (4, 1), False, "shrink"),
    ("shrunk", replace(UNDER_WAY, grown=9.0), 4, 1, 20, (4, 1), False, "finish"),
    ("done", TWENTY, 4, 1, 20, (4, 1), True, ""),
    ("the next split is of the pods that there were", TWENTY, 4, 1, 60, (2, 3), False, "remember"),
    ("another split while one is under way", UNDER_WAY, 5, 1, 60, (2, 3), False, "remember"),
    ("back to what was by weight", TWENTY, 4, 1, 0, (5, 0), False, "remember"),
    ("that, done", memory((5, 5), (0, 0)), 5, 0, 0, (5, 0), False, "finish"),
    ("put back", TWENTY, 4, 1, None, (5, 0), False, "remember"),
    ("put back by somebody else", TWENTY, 5, 0, None, (5, 0), False, "finish"),
    ("put back and forgotten", None, 4, 1, None, (4, 1), True, ""),
    ("put back, one is gone", TWENTY, 4, None, None, (5, None), False, "remember"),
    ("put back, both are gone", TWENTY, None, None, None, (None, None), False, "finish"),
]


@pytest.mark.parametrize(
    ("kept", "stable", "canary", "weight", "wanted", "done", "step"), [case[1:] for case in PLANS], ids=[case[0] for case in PLANS]
)
def test_what_must_be_done(kept: Memory | None, stable: Any, canary: Any, weight: int | None, wanted: Any, done: bool, step: str) -> None:
    plan = planned(kept, stable, canary, None if weight is None else split_of(weight))
    assert (plan.wanted[STABLE], plan.wanted[CANARY]) == wanted
    assert (plan.done, plan.drifted) == (done, [])
    assert done or plan.step(kept, {STABLE: stable, CANARY: canary}) == step


DRIFTS = [
    ("fail", 6, 1, 20, None),
    ("repair", 6, 1, 20, (4, 1)),
    ("repair", 6, 1, None, (5, 0)),
    ("accept", 6, 1, 50, (3, 3)),
    ("accept", 6, 1, None, (6, 0)),
    ("fail", 5, 0, 20, None),
    ("repair", 5, 0, 20, (4, 1)),
]


@pytest.mark.parametrize(("on_drift", "stable", "canary", "weight", "wanted"), DRIFTS)
def test_somebody_else_scaled(on_drift: str, stable: int, canary: int, weight: int | None, wanted: tuple[int, int] | None) -> None:
    split = None if weight is None else split_of(weight)
    if wanted is None:
        with pytest.raises(
            Drifted, match=rf"^Deployment shop.* was scaled by another client: spec.replicas is {stable}, was set to 4.*: set on_drift"
        ):
            planned(TWENTY, stable, canary, split, on_drift)
        return
    plan = planned(TWENTY, stable, canary, split, on_drift)
    assert (plan.wanted[STABLE], plan.wanted[CANARY]) == wanted
    assert plan.drifted[0] == "Deployment shop: spec.replicas"
    assert not plan.done


@pytest.mark.parametrize(("stable", "canary"), [(5, 0), (5, 1), (4, 1), (4, 0)])
def test_a_move_that_was_broken_off_is_no_drift(stable: int, canary: int) -> None:
    assert planned(UNDER_WAY, stable, canary, split_of(20)).drifted == []
    assert planned(UNDER_WAY, stable, canary, None).drifted == []
    with pytest.raises(Drifted):
        planned(UNDER_WAY, stable, 7, split_of(20))


def test_other_deployments_are_refused() -> None:
    with pytest.raises(Refused, match=r"^Service test/shop is split between the Deployments shop and shop-canary: use state absent with"):
        replicas.plan(TWENTY, {STABLE: 4, CANARY: 1}, {STABLE: "shop", CANARY: "other"}, split_of(20), "fail", WHERE)


def service(text: str | None) -> dict[str, Any]:
    return {"metadata": {"name": "shop", "namespace": "test", **({} if text is None else {"annotations": {replicas.ANNOTATION: text}})}}


@pytest.mark.parametrize("kept", [TWENTY, UNDER_WAY, replace(UNDER_WAY, grown=12.5)])
def test_memory_survives_the_annotation(kept: Memory) -> None:
    text = replicas.dump(kept)
    assert replicas.load(service(text)) == kept
    assert len(text) < 200 and json.loads(text)["stable"]["was"] == 5
    assert replicas.load(service(None)) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"stable": {}, "canary": {}}', '{"stable": {"name": "a"}, "canary": 1}'])
def test_an_annotation_that_somebody_else_wrote_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"^Service test/shop has an annotation progressive.delivery/replicas that cannot be read"):
        replicas.load(service(text))


# A model of the cluster: a call does steps and may die before, between and after their writes; pods come and go at once.


@dataclass
class Model:
    live: dict[str, int]
    memory: Memory | None = None
    clock: float = 0.0
    fewest: int = field(init=False)

    def __post_init__(self) -> None:
        self.fewest = sum(self.live.values())

    def call(self, split: Split | None, steps: int) -> bool:
        """Does at most so many writes, then dies; whether it came to its end."""
        while True:
            plan = planned(self.memory, self.live[STABLE], self.live[CANARY], split)
            if plan.done:
                return True
            for write in self.writes(plan, plan.step(self.memory, self.live)):
                if steps == 0:
                    return False
                steps -= 1
                self.clock += 1
                write()
                self.fewest = min(self.fewest, sum(self.live.values()))

    def writes(self, plan: replicas.Plan, step: str) -> list[Any]:
        def remember(kept: Memory | None) -> Any:
            return lambda: setattr(self, "memory", None if kept is None else replicas.load(service(replicas.dump(kept))))

        def scale(wanted: dict[str, int]) -> Any:
            return [lambda role=role, count=count: self.live.update({role: count}) for role, count in wanted.items()]

        if step == replicas.GROW:
            return list(scale(plan.growing(self.live)))
        if step == replicas.SHRINK:
            assert not plan.grew() or plan.memory.grown is not None, "pods go before the others are proven"
            return list(scale(plan.shrinking(self.live)))
        if step == replicas.PROVE:
            return [remember(replace(plan.memory, grown=self.clock))]
        return [remember(plan.memory if step == replicas.REMEMBER else replicas.finished(plan, self.clock))]


@settings(max_examples=300, deadline=None)
@given(st.integers(2, 12), st.integers(0, 8), st.lists(st.tuples(st.integers(0, 100) | st.none(), st.integers(0, 9)), max_size=6))
def test_calls_that_die_anywhere_and_ask_for_anything(stable: int, canary: int, calls: list[tuple[int | None, int]]) -> None:
    """No call finds drift in what another left, never are there fewer pods than at first, and in the end all is as it was."""
    model = Model({STABLE: stable, CANARY: canary})
    for weight, steps in calls:
        ended = model.call(None if weight is None else split_of(weight), steps)
        if ended and weight is not None:
            assert Split(model.live[STABLE], model.live[CANARY]) == replicas.nearest(split_of(weight), stable + canary, WHERE)
            assert model.call(split_of(weight), 0), "a second call writes"
    assert model.call(None, 99)
    assert model.live == {STABLE: stable, CANARY: canary}
    assert model.memory is None
    assert model.fewest == stable + canary
