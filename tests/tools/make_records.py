"""Write states of rollouts and switches on the cluster in memory as JSON files into a new folder: make_records.py FOLDER.

tests/fixtures/records-0.1.0 was made in this way by release 0.1.0, and must not be made again: test_upgrades.py shows that later
releases go on from these states. There is one file for each case. It holds the objects (snapshots.py says how), and by name the states in
which a call ended or was killed. Each state is written when nothing moves any more in the cluster.

Left out are Events, which nothing reads. Who called, and what is random, is the same each time, so that the files are.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import re
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed, NoProgress
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.tests.harness.memory.snapshots import Pool, snapshot
from ansible_collections.progressive.delivery.tests.unit.deaths import switches
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Case, Object, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import Dead, Mortal, live_until
from ansible_collections.progressive.delivery.tests.unit.deaths.test_configs import configured
from ansible_collections.progressive.delivery.tests.unit.deaths.test_switches import begun

BEGIN, FIRST, UNTOUCHED = "before the release", "before the release, with what is declared", "before all calls"
GREEN = "argoproj/rollouts-demo:green"
LONG = 300  # seconds; more than the cluster is given to come to rest
AT_REST = 60.0


def _guarded() -> Case:
    """With an autoscaler and a disruption budget."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": NAME},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5},
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": NAME},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": NAME}}},
    }
    case = CASES["clone under a share of the traffic"]
    return replace(case, objects=(*case.objects, scaler, budget), more={}, graceful=False)


def _routed() -> Case:
    """With routes for some requests."""
    route: Object = {"name": "testers", "matches": [{"headers": {"x-tester": {"exact": "yes"}}}]}
    return replace(CASES["clone"], steps=[{"set_header_route": route}, {"set_weight": 30}, {"set_weight": 60}])


ALL = {
    **CASES,
    "clone with an autoscaler": _guarded(),
    "clone with a header route": _routed(),
    "clone with its ConfigMaps": replace(configured("clone"), steps=CASES["clone"].steps),
    "StatefulSet with its ConfigMaps": replace(configured("StatefulSet"), steps=CASES["StatefulSet"].steps),
}


@dataclass(frozen=True)
class Moment:
    """What the record says after a write. steps, done: how many have begun and ended. leads: the selector of the stable Service."""

    write: int
    program: str
    revision: int
    steps: int
    done: int
    waits: bool
    leads: str


@dataclass
class Observer:
    """Sends requests on, and notes what the record says after each write."""

    place: Stage
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = self.place.cluster.server
        self.namespace, self.stream = self.server.namespace, self.server.stream
        self.writes = 0

    def request(self, method: str, *more: Any) -> Response:
        answer = self.server.request(method, *more)
        if method != "GET":
            self.writes += 1
            record = self.place.record()
            steps = record.get("steps") or []
            waits = record.get("phase") == "Progressing" and record.get("resume_at") is not None
            done = sum("ended" in each for each in steps)
            leads = str([each["spec"].get("selector") for each in self.place.all("Service") if each["metadata"]["name"] == NAME])
            begun = (str(record.get("program")), int(record.get("revision", 0)))
            self.moments.append(Moment(self.writes, *begun, len(steps), done, waits, leads))
        return answer


@dataclass(frozen=True)
class Call:
    """A call, and the write after which it is killed; 0: it comes to its end."""

    wish: Object
    write: int = 0


Course = tuple[Call, ...]


def play(case: Case, course: Sequence[Call]) -> Stage:
    """The case after these calls, with a rest after each of them."""
    place = stage(case)
    for call in course:
        wish = dict(call.wish)
        if "edit" in wish:
            place.edit(wish.pop("edit"))
        if call.write:
            live_until(place, call.write, **wish)
        else:
            with contextlib.suppress(Failed, NoProgress):
                place.call(**wish)
        place.cluster.time.sleep(AT_REST)
    return place


def observed(case: Case, course: Sequence[Call], wish: Object) -> list[Moment]:
    """The moments of a call after these."""
    place = play(case, course)
    wish = dict(wish)
    if "edit" in wish:
        place.edit(wish.pop("edit"))
    observer = Observer(place)
    place.call(observer, **wish)  # type: ignore[arg-type]
    return observer.moments


def middle(moments: Sequence[Moment], part: float = 0.5) -> int:
    """The write of the moment there; 0 without any."""
    return moments[int(len(moments) * part)].write if moments else 0


def phases(moments: Sequence[Moment]) -> dict[str, int]:
    """By phase of a release the write after which a call that is killed has come there."""
    revision = max(each.revision for each in moments)
    release = [each for each in moments if each.program == "release" and each.revision == revision]
    total = max(each.steps for each in release)
    begun = [each for each in release if each.steps]
    ending = [each for each in begun if each.steps == total and not each.waits]
    before = begun[0].leads
    switched = list(itertools.dropwhile(lambda each: each.leads == before, ending))
    unswitched = ending[: len(ending) - len(switched)]
    found = {
        "killed in the start": middle([each for each in release if not each.steps]),
        "killed in the steps": middle([each for each in begun if each.steps < total or each in unswitched[:1]]),
        # The switch is blue-green's last step, and belongs to the promotion of a canary.
        "killed in the promotion": middle(unswitched, 0.6),
        "killed just after the switch": middle(switched, 0.0),
        "killed while tidying up": middle(switched, 0.75),
        "killed in the delay": middle([each for each in begun if each.waits]),
    }
    return {name: write for name, write in found.items() if write}


def with_pause(case: Case) -> Case:
    """The case with a pause until somebody promotes."""
    if "bluegreen" in case.more:
        part = {key: value for key, value in case.more["bluegreen"].items() if key != "auto_promotion_after"}
        return replace(case, more={**case.more, "bluegreen": {**part, "auto_promotion": False}})
    return replace(case, steps=[case.steps[0], {"pause": {}}, *case.steps[1:]])


def with_delay(case: Case) -> Case | None:
    """The case with a version that runs on for long; None where none does."""
    if "bluegreen" in case.more:
        return replace(case, more={**case.more, "bluegreen": {**case.more["bluegreen"], "scale_down_delay": LONG}})
    if case.workload.get("style") == "revisions":
        return replace(case, more={**case.more, "canary": {"steps": case.steps, "scale_down_delay": LONG}})
    return None


def second(case: Case) -> Object:
    """The call that releases another version after the first one."""
    return {"edit": GREEN} if case.edited else {"options": {"revision": {"images": {NAME: GREEN}}}}


def states(case: Case) -> Iterator[tuple[str, Case, Course]]:
    """Each state by its name, with the case that goes on from it, and the calls that lead there."""
    reached = phases(observed(case, (), {}))
    delayed = with_delay(case)
    if "killed in the delay" in reached and delayed is not None:
        del reached["killed in the delay"]
    for name, write in reached.items():
        yield name, case, (Call({}, write),)
    if delayed is not None:
        write = phases(observed(delayed, (), {}))["killed in the delay"]
        yield "killed in the delay", delayed, (Call({}, write),)
        moments = observed(delayed, (Call({}, write),), {"state": "aborted"})
        yield "killed in an abort in the delay", delayed, (Call({}, write), Call({"state": "aborted"}, middle(moments)))
        moments = observed(delayed, (Call({}, write),), {"undo": "previous"})
        yield "killed in an undo in the delay", delayed, (Call({}, write), Call({"undo": "previous"}, middle(moments)))
    paused = with_pause(case)
    yield "paused", paused, (Call({}),)
    yield "promoted and killed", paused, (Call({}), Call({"promote": {}}, middle(observed(paused, (Call({}),), {"promote": {}}), 0.3)))
    for where, state in itertools.product(("steps", "promotion"), ("aborted", "absent")):
        write = reached.get(f"killed in the {where}", 0)
        if write:
            name = f"killed in {'an abort' if state == 'aborted' else 'a hand-back'} from the {where}"
            moments = [each for each in observed(case, (Call({}, write),), {"state": state}) if each.program == "abort"]
            yield name, case, (Call({}, write), Call({"state": state}, middle(moments)))
    yield "aborted", case, (Call({}, reached["killed in the steps"]), Call({"state": "aborted"}))
    yield "healthy", case, (Call({}),)
    moments = [each for each in observed(case, (Call({}),), {"state": "absent"}) if each.program == "hand back"]
    if len(moments) > 1:
        yield "killed in a hand-back after the release", case, (Call({}), Call({"state": "absent"}, middle(moments)))
    yield "healthy, second revision", case, (Call({}), Call(second(case)))
    write = phases(observed(case, (Call({}),), second(case)))["killed in the steps"]
    yield "killed in the steps, second revision", case, (Call({}), Call(second(case), write))
    write = middle(observed(case, (Call({}),), {"undo": "previous"}))
    yield "killed in an undo", case, (Call({}), Call({"undo": "previous"}, write))
    crashing = "argoproj/rollouts-demo:crash-1"
    broken = replace(case, edited=crashing) if case.edited else replace(case, image="crash-1")
    for name, on_deadline in (("stopped by a deadline", "stop"), ("aborted by a deadline", "abort")):
        more = {**broken.more, "progress_deadline": 60, "on_deadline": on_deadline}
        yield name, replace(broken, more=more), (Call({}),)


def as_file(case: Object, found: Object, pool: Pool) -> str:
    """One line for each state, part and object."""
    packed = pool.packed()
    lists = [[f'"{key}": [', ",\n".join(map(_line, packed[key])), "]"] for key in ("parts", "objects")]
    by_name = ",\n".join(f"{_line(name)}: {_line(state)}" for name, state in found.items())
    return "\n".join(["{", f'"case": {_line(case)},', '"states": {', by_name, "},", *lists[0], ",", *lists[1], "}", ""])


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def of_rollout(case: Case) -> str:
    pool = Pool()
    found: Object = {}
    starts = {BEGIN: stage(case), FIRST: stage(case, *case.declared), UNTOUCHED: stage(replace(case, edited=""), *case.declared)}
    for name, place in starts.items():
        found[name] = {**snapshot(place.cluster, pool, ["Event"]), "case": {}, "calls": []}
    for name, changed, course in states(case):
        with the_same_each_time():
            place = play(changed, course)
        # What is different in the case of this state, and the tag that its last release asks for.
        last = replace(changed, image="green") if name.endswith("second revision") and not case.edited else changed
        differs = {key: value for key, value in asdict(last).items() if value != asdict(case)[key]}
        calls = [{**call.wish, **({"killed after write": call.write} if call.write else {})} for call in course]
        found[name] = {**snapshot(place.cluster, pool, ["Event"]), "case": differs, "calls": calls}
    return as_file(asdict(case), found, pool)


THERE: Object = {"target": switches.GREEN}
BACK: Object = {"target": switches.BLUE}
ABSENT: Object = {"state": "absent", "target": None}


def switch_states(case: str) -> Iterator[tuple[str, list[Call]]]:
    """As `states`."""
    kinds = {each["metadata"]["name"]: each["kind"] for each in switches.CASES[case].objects}
    back = {**BACK, "target_kind": kinds[switches.BLUE]}
    late = {**THERE, "scale_down_delay": LONG, "wait": False}
    yield BEGIN, []
    for name, part in (("early", 0.25), ("in the middle", 0.5), ("late", 0.8)):
        yield f"killed {name}", [Call(THERE, switch_write(case, [], THERE, part))]
    yield "in the delay", [Call(late)]
    yield "not scaled down", [Call({**THERE, "scale_down": False})]
    yield "switched", [Call(THERE)]
    yield "killed on the way back in the delay", [Call(late), Call(back, switch_write(case, [Call(late)], back))]
    yield "killed on the way back", [Call(THERE), Call(back, switch_write(case, [Call(THERE)], back))]
    yield "killed in a hand-back", [Call(THERE), Call(ABSENT, switch_write(case, [Call(THERE)], ABSENT))]
    yield "back again", [Call(THERE), Call(back)]


def switch_play(case: str, course: Sequence[Call]) -> switches.Stage:
    place = begun(case, "there")
    for call in course:
        with contextlib.suppress(Dead):
            place.call(Mortal(place.cluster.server, call.write or 10_000, carried_out=True), **call.wish)  # type: ignore[arg-type]
        place.cluster.time.sleep(AT_REST)
    return place


def switch_write(case: str, course: Sequence[Call], wish: Object, part: float = 0.5) -> int:
    """The write that is so far in the call."""
    place = switch_play(case, course)
    mortal = Mortal(place.cluster.server, 10_000, carried_out=True)
    place.call(mortal, **wish)  # type: ignore[arg-type]
    return max(1, int(mortal.writes * part))


def of_switch(case: str) -> str:
    pool = Pool()
    found: Object = {}
    for name, course in switch_states(case):
        with the_same_each_time():
            place = switch_play(case, course)
        calls = [{**call.wish, **({"killed after write": call.write} if call.write else {})} for call in course]
        found[name] = {**snapshot(place.cluster, pool, ["Event"]), "calls": calls}
    return as_file(asdict(switches.CASES[case]), found, pool)


@contextlib.contextmanager
def the_same_each_time() -> Iterator[None]:
    """With a caller who is nobody in particular, and uuids that are no surprise."""
    numbers = random.Random(0)

    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=numbers.getrandbits(128), version=4)

    who: dict[str, Any] = {
        "actor": lambda: {"user": "deployer", "host": "ci"},
        "holder": lambda: f"deployer@ci pid 4711 ({uuid4().hex[:8]})",
        "fingerprint": lambda: "00000000-0000-4000-8000-000000000000:4026531836:4711:1234",
    }
    with mock.patch.multiple(process, **who), mock.patch.object(uuid, "uuid4", uuid4):
        yield


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def main(folder: Path) -> None:
    if folder.exists():
        sys.exit(f"{folder} exists: name a new folder, since fixtures that are there must stay as they are")
    folder.mkdir(parents=True)
    with the_same_each_time():
        for name, case in ALL.items():
            (folder / f"{slug(name)}.json").write_text(of_rollout(case))
        for name in switches.CASES:
            (folder / f"switch-{slug(name)}.json").write_text(of_switch(name))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
