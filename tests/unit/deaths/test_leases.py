"""A Lease is input: whatever it says, a call takes it, or says why not, and never waits longer than it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import info
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context, Failed
from ansible_collections.progressive.delivery.plugins.module_utils._actions.lease import Held, Lost, RolloutLease
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import LEASE, Ref
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import lease as rules
from ansible_collections.progressive.delivery.tests.harness.memory.clock import FakeTime
from ansible_collections.progressive.delivery.tests.harness.memory.contract import MERGE_PATCH
from ansible_collections.progressive.delivery.tests.harness.memory.kinds import BY_PLACE
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE, MemoryServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

REF = Ref(LEASE, NAMESPACE, "shop.rollout")
KIND = BY_PLACE[(LEASE.group, LEASE.version, LEASE.plural)]
FAR, PAST = "9999-12-31T23:59:59.999999Z", "2020-01-01T00:00:00.000000Z"
HERE = process.fingerprint().split(":", maxsplit=1)[0]
ABSENT = object()


class Place:
    """A server with one Lease, as somebody wrote it, and a call that wants it."""

    def __init__(self, spec: Any = ABSENT, annotations: Any = None, wait_timeout: float = 100.0) -> None:
        self.server = MemoryServer(FakeTime())
        self.time, self.began = self.server.time, self.server.time.now()
        self.client = Client(self.server, self.time)
        if spec is not ABSENT:
            metadata = {"name": REF.name, "namespace": NAMESPACE, "annotations": annotations}
            self.server.store.add(KIND, {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec})
        self.call = RolloutLease(self.client, self.time, REF, "shop", wait_timeout)

    def taken(self, force: bool = False) -> float:
        """Seconds after which the Lease is held."""
        self.call.acquire(force)
        assert rules.holder_of(self.client.find(REF)) == self.call._me
        return self.time.now() - self.began

    def renew_every(self, seconds: float) -> None:
        """Somebody keeps writing the Lease."""

        def renew() -> None:
            self.server.request("PATCH", REF.path, {}, {"spec": {"renewTime": self.time.stamp()}}, MERGE_PATCH)
            self.time.after(seconds, renew)

        self.time.after(seconds, renew)


def held(renewed: Any, seconds: Any = 15, holder: Any = "run-0123456789ab") -> dict[str, Any]:
    return {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": seconds}


@pytest.mark.parametrize(
    ("spec", "annotations", "at_least", "at_most"),
    [
        pytest.param(ABSENT, None, 0, 1, id="no Lease"),
        pytest.param(None, None, 0, 1, id="no spec"),
        pytest.param({}, None, 0, 1, id="nobody holds it"),
        pytest.param(held(PAST), None, 0, 1, id="expired"),
        pytest.param(held(PAST, 2**31 - 1), None, 0, 1, id="expired, with a duration of 68 years"),
        pytest.param(held(PAST, -5), None, 0, 1, id="expired, with a negative duration"),
        pytest.param(held(FAR), None, 15, 16, id="renewed in the year 9999"),
        pytest.param(held(FAR, 2**31 - 1), None, 60, 61, id="the same with a duration of 68 years"),
        pytest.param(held("yesterday"), None, 15, 16, id="a time that cannot be read"),
        pytest.param(held(PAST.replace(".000000", "")), None, 0, 1, id="a time without microseconds"),
        pytest.param(held(FAR), {rules.PROCESS: "²:²:²:²"}, 15, 16, id="odd digits"),
        pytest.param(held(FAR), {rules.PROCESS: f"{HERE}:{'0' * 16}"}, 0, 1, id="a process of this machine that has ended"),
        pytest.param(held(FAR), ["x"], 15, 16, id="annotations that are a list"),
        pytest.param(held(FAR, holder="x" * 200_000), None, 15, 16, id="a huge identity"),
        pytest.param("text", None, 0, 1, id="a spec that is text"),
    ],
)
def test_taken_in_time(spec: Any, annotations: Any, at_least: float, at_most: float) -> None:
    assert at_least <= Place(spec, annotations).taken() <= at_most
    assert Place(spec, annotations).taken(force=True) <= 1


@pytest.mark.parametrize("wait_timeout", [0.0, 3.0, 14.0])
def test_it_is_not_waited_for_longer_than_the_call_may_wait(wait_timeout: float) -> None:
    place = Place(held(FAR), wait_timeout=wait_timeout)
    with pytest.raises(Held, match=r"may still be working after \d+ s: set wait_timeout to 16 s or more"):
        place.taken()
    assert place.time.now() - place.began <= wait_timeout + 0.1


@pytest.mark.parametrize("renewed", [PAST, FAR, "yesterday"])
def test_a_living_holder_keeps_it(renewed: str) -> None:
    place = Place(held("2025-06-15T15:06:40.000000Z" if renewed == PAST else renewed))
    place.renew_every(4.0)
    with pytest.raises(Held, match=r"another run \(run-0123456789ab\) is working on it right now: wait until that run ends") as told:
        place.taken()
    assert "\n" not in str(told.value) and place.time.now() - place.began <= 5


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (process.fingerprint(), "(run-0123456789ab, on this machine, process "),
        (f"{'0' * 16}:{'0' * 16}", "(run-0123456789ab, on another machine)"),
    ],
)
def test_it_says_where_the_holder_runs(mark: str, said: str) -> None:
    place = Place(held(FAR), {rules.PROCESS: mark})
    place.renew_every(4.0)
    with pytest.raises(Held) as told:
        place.taken()
    assert said in str(told.value)


class Contested:
    """Somebody writes the Lease before each write of the call."""

    def __init__(self, place: Place, spec: Any) -> None:
        self.place, self.spec, self.writes = place, spec, 0
        self.namespace, self.stream = NAMESPACE, place.server.stream

    def request(self, method: str, *more: Any) -> Response:
        if method == "PATCH":
            self.writes += 1
            patch = {"metadata": {"labels": {"x": str(self.writes)}}, "spec": self.spec}
            self.place.server.request("PATCH", REF.path, {}, patch, MERGE_PATCH)
        return self.place.server.request(method, *more)


@pytest.mark.parametrize("force", [False, True])
def test_conflicts_do_not_go_on_for_ever(force: bool) -> None:
    place = Place(held(PAST))
    server = Contested(place, held(PAST))
    place.call = RolloutLease(Client(server, place.time), place.time, REF, "shop")  # type: ignore[arg-type]
    with pytest.raises(Failed, match=r"^Lease test/shop.rollout could not be updated after 30 write conflicts: find out which client"):
        place.call.acquire(force)
    assert server.writes == 30 and place.time.now() - place.began < 4


def test_another_run_that_takes_over_is_named() -> None:
    place = Place()
    place.taken()
    other = RolloutLease(place.client, place.time, REF, "shop")
    other.acquire(force=True)
    with pytest.raises(Lost, match=rf"taken over by another run \({other._me}, on this machine, process \d+\) while this run was working"):
        place.call.ensure_held()


ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=30)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=8,
)
TIMES = st.one_of(
    st.sampled_from([PAST, FAR, "", "²026-01-01T00:00:00Z", "2025-06-15T15:06:40Z", "0000-00-00T00:00:00.000000Z"]),
    st.datetimes().map(lambda each: each.strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
    ODD,
)
MARKS = st.one_of(
    st.sampled_from([process.fingerprint(), f"{HERE}:{'0' * 16}", "²:²:²:²", "a:b:c:d", f"{'0' * 16}:{'0' * 16}", "9" * 5000]), ODD
)
SPECS = st.one_of(
    ODD,
    st.fixed_dictionaries(
        {},
        optional={
            "holderIdentity": st.one_of(st.just("run-0123456789ab"), st.text(max_size=40).map(lambda each: each * 50), ODD),
            "renewTime": TIMES,
            "leaseDurationSeconds": st.one_of(st.sampled_from([0, -1, 15, 60, 3600, 2**31 - 1, 10**30]), ODD),
        },
    ),
)
ANNOTATIONS = st.one_of(ODD, st.dictionaries(st.just(rules.PROCESS), MARKS, max_size=1))
FUZZ = settings(max_examples=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@FUZZ
@given(spec=SPECS, annotations=ANNOTATIONS, force=st.booleans(), wait_timeout=st.sampled_from([0.0, 5.0, 100.0]))
def test_any_lease_is_taken_or_refused_in_time(spec: Any, annotations: Any, force: bool, wait_timeout: float) -> None:
    place = Place(spec, annotations, wait_timeout)
    assert isinstance(look(place), dict)
    try:
        place.taken(force)
    except Held as problem:
        said = str(problem)
    else:
        said = ""
        place.call.ensure_held()
        place.call.release()
    assert "\n" not in said and len(said) < 400 and not (said and wait_timeout > rules.LONGEST)
    assert place.time.now() - place.began <= min(wait_timeout, rules.LONGEST) + 1.5


@settings(FUZZ, max_examples=300)
@given(spec=SPECS, annotations=ANNOTATIONS)
def test_any_lease_in_the_middle_ends_the_call_with_one_line(spec: Any, annotations: Any) -> None:
    """Somebody writes something else into the Lease while a call holds it."""
    steps: list[Callable[[RolloutLease], None]] = [RolloutLease.ensure_held, RolloutLease.renew, RolloutLease.release, RolloutLease.remove]
    for step in steps:
        place = Place()
        place.taken()
        live = place.server.store.find(KIND, NAMESPACE, REF.name)
        assert live is not None
        place.server.store.change(KIND, live, {**live, "spec": spec, "metadata": {**live["metadata"], "annotations": annotations}})
        place.time.sleep(5)
        said = ""
        try:
            step(place.call)
        except Lost as problem:
            said = str(problem)
        assert "\n" not in said and len(said) < 400


def look(place: Place) -> Any:
    """What rollout_info says of the rollout."""
    return info.read_status(Context(place.client, place.time, NAMESPACE, ""), "shop")
