"""Releases that track ConfigMaps and Secrets: each version keeps its own, calls may die anywhere, and no copy stays that nobody needs."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import preflight
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context, Failed
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.configs import named_in, original_of
from ansible_collections.progressive.delivery.tests.harness.memory.contract import Api
from ansible_collections.progressive.delivery.tests.harness.memory.kinds import BY_KIND
from ansible_collections.progressive.delivery.tests.harness.memory.pods import is_going
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.harness.memory.store import Change
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Case, Object, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import NEVER, live_until

STYLES = ["clone", "clone, held", "revisions", "pair", "StatefulSet", "DaemonSet"]
STEPS = [{"set_weight": 50}, {"pause": {}}]
KINDS = ("ConfigMap", "Secret")
_HELD = {"hold": True, "revision": None}


@pytest.fixture(autouse=True)
def _dead_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead run's Lease names this very process, which lives on."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


def _configured(obj: Object) -> Object:
    """A workload whose pods read a ConfigMap, a Secret, and one that need not be there."""
    if "template" not in obj["spec"]:
        return obj
    obj = copy.deepcopy(obj)
    spec = obj["spec"]["template"]["spec"]
    spec["containers"][0]["envFrom"] = [{"configMapRef": {"name": "app"}}, {"secretRef": {"name": "extra", "optional": True}}]
    spec["volumes"] = [{"name": "key", "secret": {"secretName": "key"}}]
    return obj


def configured(style: str) -> Case:
    """A case whose plan tracks what its pods read."""
    name, _comma, held = style.partition(", ")
    of_style = CASES[name]
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"colour": "blue"}}
    key = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "type": "Opaque", "data": {"key": "czNjcjN0"}}
    objects = (config, key, *map(_configured, of_style.objects))
    return replace(of_style, steps=STEPS, objects=objects, more={"track_configs": True, **(_HELD if held else {})})


class Place:
    """A cluster with that application, and an eye on its pods: what a pod needs has to be there as long as the pod."""

    def __init__(self, style: str) -> None:
        self.stage: Stage = stage(configured(style))
        self.kind = self.stage.case.workload.get("kind", "Deployment")
        self.api = Api(self.stage.cluster.server, NAMESPACE, lambda: self.stage.cluster.time.sleep(0.05))
        self.missed: list[str] = []
        self.stage.cluster.store.listeners.append(self._told)

    def _all(self, kind: str) -> list[Object]:
        return list(self.stage.cluster.store.all(BY_KIND[kind], NAMESPACE))

    def _told(self, change: Change) -> None:
        if change.kind.kind not in (*KINDS, "Pod"):
            return
        there = {f"{kind}/{each['metadata']['name']}" for kind in KINDS for each in self._all(kind)}
        for pod in self._pods():
            needed = {named for named, needed in named_in(pod).items() if needed}
            self.missed += [f"{pod['metadata']['name']} misses {named}" for named in needed - there]

    def _pods(self) -> list[Object]:
        return [pod for pod in self._all("Pod") if not is_going(pod)]

    def copies(self) -> dict[str, Object]:
        """By `ConfigMap/name`."""
        return {f"{kind}/{each['metadata']['name']}": each for kind in KINDS for each in self._all(kind) if original_of(each)}

    def colours(self, *templates: Object) -> set[str]:
        """Those that the templates read, without templates those of all copies."""
        named = {each for template in templates for each in named_in(template)} if templates else set(self.copies())
        names = [each.partition("/")[2] for each in named if each.startswith("ConfigMap/")]
        return {str(self.stage.cluster.get("ConfigMap", name)["data"]["colour"]) for name in names}

    def template(self) -> Object:
        return dict(self.stage.cluster.get(self.kind, NAME)["spec"]["template"])

    def read(self) -> set[str]:
        """The colours that pods read."""
        return self.colours(*self._pods())

    def set(self, colour: str) -> None:
        self.api.patch("ConfigMap", "app", data={"colour": colour})

    def release(self, colour: str) -> None:
        """What the ConfigMap holds then is all that is new."""
        self.set(colour)
        self.stage.call()
        assert self.stage.phase() == "Paused"
        self.promote()

    def promote(self) -> None:
        self.stage.call(promote={}, undo=None)
        assert self.stage.phase() == "Healthy"

    def at_rest(self) -> None:
        self.stage.cluster.time.sleep(60.0)
        assert not [*self.missed, *self.stage.judge.complaints]


@pytest.mark.parametrize("style", STYLES)
def test_each_version_keeps_its_own(style: str) -> None:
    place = Place(style)
    place.release("red")
    assert not place.stage.call().ctx.journal.changed
    first = place.template()
    place.set("green")
    place.stage.call()
    place.at_rest()
    assert place.read() == {"red", "green"} == place.colours()
    place.promote()
    assert place.read() == place.colours(place.template()) == {"green"} and place.colours() == {"red", "green"}

    place.stage.call(undo="previous")
    place.promote()
    assert place.template() == first and place.read() == {"red"}
    place.set("gold")
    place.stage.call()
    assert place.colours() == {"red", "green", "gold"}
    place.stage.call(state="aborted")
    place.at_rest()
    assert place.read() == {"red"} and place.colours() == {"red", "green"}

    place.stage.call(state="absent")
    place.at_rest()
    assert place.template() == first and set(place.copies()) == {each for each in named_in(first) if each != "Secret/extra"}


# Every death is tried in the full run; each time, those of one write in so many.
EXTENT = [pytest.param(23, id="some"), pytest.param(1, id="all", marks=pytest.mark.full)]


def in_one_go(style: str) -> Place:
    """The same without a pause."""
    place = Place(style)
    place.stage.case = replace(place.stage.case, steps=STEPS[:1])
    return place


def dies(place: Place, write: int, **wish: Any) -> bool:
    """Whether a call had so many writes that it died at this one."""
    return live_until(place.stage, write, carried_out=bool(write % 2), **wish) >= write


@pytest.mark.parametrize("step", EXTENT)
@pytest.mark.parametrize("style", ["clone", "revisions", "StatefulSet"])
def test_death_in_a_release(style: str, step: int) -> None:
    """The next call goes on with it, or where the ConfigMap was changed meanwhile, releases that instead."""
    for write in range(3, NEVER, step):
        place = in_one_go(style)
        if not dies(place, write):
            break
        colour = "blue" if write % 3 else "green"
        place.set(colour)
        place.stage.call()
        place.at_rest()
        assert place.stage.phase() == "Healthy" and place.read() == place.colours(place.template()) == {colour}, write
        assert len(place.colours()) == len([each for each in place.stage.record()["history"] if each["phase"] == "Healthy"]), write


@pytest.mark.parametrize("step", EXTENT)
@pytest.mark.parametrize(("style", "state"), [("clone", "aborted"), ("revisions", "aborted"), ("pair", "absent"), ("DaemonSet", "absent")])
def test_death_on_the_way_back(style: str, state: str, step: int) -> None:
    for write in range(1, NEVER, step):
        place = Place(style)
        first = place.template()
        place.stage.call()
        if not dies(place, write, state=state):
            break
        place.stage.call(state=state)
        place.at_rest()
        assert place.template() == first and not place.copies(), write


@pytest.mark.parametrize("step", EXTENT)
def test_death_in_a_hand_back(step: int) -> None:
    for write in range(1, NEVER, step // 2 or 1):
        place = in_one_go("revisions")
        for colour in ("red", "green"):
            place.set(colour)
            place.stage.call()
        if not dies(place, write, state="absent"):
            break
        place.stage.call(state="absent")
        place.at_rest()
        assert place.colours() == place.read() == {"green"} and not place.stage.phase(), write


def test_what_a_call_takes_that_names_no_version() -> None:
    """It goes on with the revision as it was begun, a call with the plan with what the ConfigMap holds now."""
    place = Place("clone")
    place.stage.call()
    place.set("green")
    assert not place.stage.call(revision=1).ctx.journal.changed
    place.stage.call(promote={}, undo=None)
    assert place.stage.phase() == "Healthy" and place.read() == {"blue"}
    place.stage.call()
    place.set("gold")
    place.stage.call()
    assert place.read() == {"blue", "gold"} and place.stage.record()["history"][0]["msg"].startswith("replaced by template ")


def test_a_change_before_the_copy_is_made() -> None:
    place = Place("clone")
    key: Object = {"key": "a long enough secret"}  # Without one the record alone would not be believed here.
    live_until(place.stage, 4, **key)  # the dry run of the new template, the review of rights, the Lease, the record
    place.set("green")
    with pytest.raises(Failed, match="ConfigMap test/app was changed after this revision had begun, and before it was copied"):
        place.stage.call(promote={}, undo=None, **key)
    place.stage.call(**key)
    assert place.stage.phase() == "Paused" and "green" in place.colours()


def test_without_the_option_again_the_originals_are_named() -> None:
    place = in_one_go("clone")
    first = place.template()
    place.stage.call()
    place.stage.case = replace(place.stage.case, more={})
    place.stage.call()
    yellow = copy.deepcopy(first)
    yellow["spec"]["containers"][0]["image"] = "argoproj/rollouts-demo:yellow"
    assert place.template() == yellow and place.copies()  # to which one can go back
    place.stage.call(state="absent")
    place.at_rest()
    assert not place.copies()


def _refused(place: Place, *said: str) -> None:
    """Before any write, and told by preflight in one finding."""
    version = place.stage.cluster.store.version
    with pytest.raises(Refused) as refused:
        place.stage.call()
    assert place.stage.cluster.store.version == version and all(each in str(refused.value) for each in said)
    ctx = Context(Client(place.stage.cluster.server, place.stage.cluster.time), place.stage.cluster.time, NAMESPACE, NAME)
    found = [each for each in preflight.run(ctx, NAME, place.stage.case.plan())["findings"] if each["severity"] == "fatal"]
    assert len(found) == 1 and all(each in " ".join(found[0].values()) for each in said), found


@pytest.mark.parametrize(("kind", "name"), [("ConfigMap", "app"), ("Secret", "key")])
def test_what_is_missing(kind: str, name: str) -> None:
    place = Place("clone")
    place.api.ask("DELETE", kind, name)
    _refused(place, f"{kind} test/{name}", "does not exist", "create it first")


def test_an_old_version_whose_copies_are_gone() -> None:
    place = in_one_go("clone")
    for colour in ("red", "green"):
        place.set(colour)
        place.stage.call()
    red = next(named for named in place.copies() if named.startswith("ConfigMap/") and place.colours({"spec": _reads(named)}) == {"red"})
    place.api.ask("DELETE", *red.split("/"))
    with pytest.raises(Refused, match="does not exist"):
        place.stage.call(undo="previous")


def _reads(named: str) -> Object:
    return {"containers": [{"envFrom": [{"configMapRef": {"name": named.partition("/")[2]}}]}]}
