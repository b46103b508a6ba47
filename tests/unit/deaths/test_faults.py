"""Requests that go wrong in the middle of a rollout: it goes on, or stops with a reason and goes on next time; nobody's request is lost."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed
from ansible_collections.progressive.delivery.plugins.module_utils._actions.lease import Lost
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, TransportError
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.faulty import FAULTS, LONG_OUTAGE, OF_WATCHES, OUTAGE, OUTAGES, Faulty
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import undisturbed, wrong

# Every fault for one case, and some for each of the others; all of them, at more places, in the full run.
PAIRS = [(case, fault, zlib.crc32(f"{case} {fault}".encode())) for case in CASES for fault in FAULTS]
EACH_TIME = [pytest.param(case, fault, 97, id=f"{case}-{fault}") for case, fault, number in PAIRS if case == "clone" or number % 4 == 0]
FULL = [pytest.param(case, fault, 9, id=f"{case}-{fault}-more", marks=pytest.mark.full) for case, fault, _number in PAIRS]
ENDS_THE_CALL = "a long outage"  # all others have nothing to stop for: the call that meets them goes on by itself


@pytest.fixture(autouse=True)
def _ended_calls_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that could not give its Lease back names this very process in it."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


def call(place: Stage, fault: str, number: int) -> tuple[bool, str]:
    """Whether the fault came, and the message with which the call ended, if it did."""
    faulty = Faulty(place.cluster.server, fault, number)
    try:
        place.call(faulty)  # type: ignore[arg-type]
    except (Refused, Failed, Lost, ApiError, TransportError) as problem:
        return True, str(problem)
    return faulty.came, ""


@pytest.mark.parametrize(("case", "fault", "step"), EACH_TIME + FULL)
def test_a_fault_in_a_release(case: str, fault: str, step: int) -> None:
    wanted, _writes = undisturbed(case)
    found: dict[int, object] = {}
    # The first request of all is not tried again: it may have found the wrong server. Elsewhere each case begins at another place.
    crc = zlib.crc32(f"{case} {fault}".encode())
    number = 1 + crc % 2 if fault in OF_WATCHES else 2 + crc % 25
    while True:
        place = stage(CASES[case])
        came, message = call(place, fault, number)
        if not came:
            break
        if message:
            assert "\n" not in message
            place.cluster.time.sleep(LONG_OUTAGE)
            place.call()
        found[number] = wrong(place, wanted) or (fault != ENDS_THE_CALL and message)
        number += step
    assert found and not {number: problem for number, problem in found.items() if problem}


def test_outages_are_shorter_and_longer_than_a_call_is_patient() -> None:
    """Else one of the two would prove nothing."""
    messages = {fault: call(stage(CASES["clone"]), fault, 50)[1] for fault in OUTAGES}
    assert not messages["an outage"] and "refuses connections" in messages["a long outage"]


@pytest.mark.parametrize("number", range(30, 160, 40))
def test_controllers_are_given_time_to_come_back_after_an_outage(number: int) -> None:
    """What they do not know yet is not built upon; one write may have been under way already."""
    place = stage(CASES["clone"])
    time, written = place.cluster.time, []

    class Noting(Faulty):
        def request(self, method: str, *more: Any) -> Response:
            answer = super().request(method, *more)
            if method != "GET" and not any(own in more[0] for own in ("/configmaps", "/leases", "/events")):
                written.append(time.now())
            return answer

    faulty = Noting(place.cluster.server, "an outage", number)
    place.call(faulty)  # type: ignore[arg-type]
    assert faulty.came and place.phase() == "Healthy" and not place.judge.complaints
    assert len([at for at in written if faulty.away_until <= at < faulty.away_until + 2 * OUTAGE]) <= 1
