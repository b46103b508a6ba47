"""Calls that die at one of their writes, and what comes of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.server import MemoryServer
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Object, Stage, stage

NEVER = 10_000


class Dead(BaseException):
    """Stands for SIGKILL: no handler runs, and nothing is written any more."""


class Mortal:
    """Sends requests on up to a certain write, which is the last that is carried out, or the first that is not."""

    def __init__(self, server: MemoryServer, write: int, carried_out: bool) -> None:
        self.server, self.write, self.carried_out = server, write, carried_out
        self.writes = 0
        self.namespace, self.stream = server.namespace, server.stream

    def request(self, method: str, *more: Any) -> Response:
        if self.writes >= self.write:
            raise Dead
        self.writes += method != "GET"
        if self.writes == self.write and not self.carried_out:
            raise Dead
        answer = self.server.request(method, *more)
        if self.writes == self.write:
            raise Dead
        return answer


def live_until(place: Stage, write: int, carried_out: bool = True, **wish: Any) -> int:
    """A call that dies at that write; how many there were."""
    mortal = Mortal(place.cluster.server, write, carried_out)
    try:
        place.call(mortal, **wish)  # type: ignore[arg-type]
    except Dead:
        pass
    return mortal.writes


@cache
def at_first(case: str) -> Object:
    """The state before the release, but with what the plan declares, which stays whatever becomes of the release."""
    return stage(CASES[case], *CASES[case].declared).end_state()


@cache
def untouched(case: str) -> Object:
    """The application's own state."""
    return stage(replace(CASES[case], edited=""), *CASES[case].declared).end_state()


@cache
def undisturbed(case: str) -> tuple[Object, int]:
    """The end state of a release, and how many writes it takes."""
    place = stage(CASES[case])
    writes = live_until(place, NEVER)
    assert not place.judge.complaints, place.judge.complaints
    return place.end_state(), writes


@cache
def way_back(case: str, state: str, begun: int) -> int:
    """How many writes the way back takes from a release that died after so many; 0 where there is none. It ends as it was at first."""
    place = stage(CASES[case])
    live_until(place, begun)
    if place.phase() == "Healthy":
        return 0
    try:
        writes = live_until(place, NEVER, state=state)
    except Refused:
        return 0
    problem = wrong(place, back(case, state))
    assert not problem, f"{state} after write {begun}: {problem}"
    return writes


def back(case: str, state: str) -> Object:
    """What a way back must end in: for a Deployment that is held, with what waits, or no longer held."""
    first = untouched(case) if state == "absent" else at_first(case)
    return {**first, "phase": "Aborted" if state == "aborted" else None}


def different(end: Object, wanted: Object) -> Object:
    """What is there, and what should be."""
    return {key: (end.get(key), wanted.get(key)) for key in {*end, *wanted} if end.get(key) != wanted.get(key)}


def wrong(place: Stage, wanted: Object) -> object:
    """What is wrong at the end, if anything. A call that died very early may not have come to make what is declared."""
    end = place.end_state()
    if place.case.declared and end["phase"] != "Healthy" and f"VirtualService/{NAME}" not in end:
        end = {**end, **{key: wanted[key] for key in (f"VirtualService/{NAME}", f"Service/{NAME}", "behind")}}
    return place.judge.complaints or (different(end, wanted) and different(end, _rolled_back(place, wanted)))


def _rolled_back(place: Stage, wanted: Object) -> Object:
    """The same where the Deployment had rolled to what waited in it, before the release was aborted: it has its old template again."""
    key, case = f"Deployment/{NAME}", place.case
    if not case.edited or wanted["phase"] != "Aborted":
        return wanted
    old = stage(replace(case, edited=""), *case.declared).end_state()[key]["spec"]["template"]
    return {**wanted, key: {**wanted[key], "spec": {**wanted[key]["spec"], "template": old}}}
