"""Releases over ingress-nginx beside other Ingresses: what would leave the canary without its share is refused, by preflight too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import neighbours, preflight
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, LAG, NAME, Case, Object, Stage, ingress, stage

PAUSING: list[Any] = [{"set_weight": 50}, {"pause": {}}]
CANARY = f"{NAME}-canary"
PLAIN = replace(CASES["clone, ingress-nginx"], steps=PAUSING)
SEVERAL = replace(CASES["clone, ingress-nginx, clients that stay"], steps=PAUSING)


def leading(name: str, service: str, port: Any = 80, host: str | None = None, **annotations: str) -> Object:
    """Another Ingress. host: empty for none."""
    found = ingress(name, **annotations)
    [rule] = found["spec"]["rules"]
    rule["host"] = f"{name}.local" if host is None else host
    if not rule["host"]:
        del rule["host"]
    rule["http"]["paths"][0]["backend"] = {"service": {"name": service, "port": {"name" if isinstance(port, str) else "number": port}}}
    return found


def catch_all() -> Object:
    found = ingress()
    [rule] = found["spec"].pop("rules")
    return {**found, "spec": {**found["spec"], "defaultBackend": rule["http"]["paths"][0]["backend"]}}


def over(case: Case, *objects: Object) -> Case:
    """The case with another Ingress in place of its own."""
    return replace(case, objects=(*(each for each in case.objects if each["kind"] != "Ingress"), *objects), ingresses=(NAME,))


# The case, the other Ingresses, and what preflight finds.
FOUND: dict[str, tuple[Case, Sequence[Object], str, str]] = {
    "a default backend beside another Service's rules": (
        over(PLAIN, {**leading(NAME, "other"), "spec": {**leading(NAME, "other")["spec"], **catch_all()["spec"]}}),
        [],
        "fatal",
        f"Ingress test/{NAME} has a defaultBackend to Service '{NAME}' and no rule that leads to the same port",
    ),
    "a preview host": (PLAIN, [leading("preview", CANARY)], "fatal", f"Ingress test/preview leads to Service {CANARY}, and ingress-nginx"),
    "a canary Ingress that was left": (
        PLAIN,
        [leading("left", CANARY, host=f"{NAME}.local", canary="true", canary_weight="0")],
        "fatal",
        f"Ingress test/left is a canary Ingress for Service {CANARY} already, and older",
    ),
    "another host": (PLAIN, [leading("b", NAME)], "warning", f"Ingress test/b leads to Service {NAME} by the same port"),
    "a path without a host": (
        over(PLAIN, catch_all()),
        [leading("admin", "other", host="")],
        "fatal",
        "Ingress test/admin leads (any host)/ to Service other, and the canary of a lone defaultBackend takes a share",
    ),
    "a header that nginx drops": (
        replace(PLAIN, steps=[{"set_header_route": {"name": "qa", "matches": [{"headers": {"x_team": "qa"}}]}}]),
        [],
        "fatal",
        f"Ingress test/{NAME} cannot carry header 'x_team' (nginx drops headers with '_'",
    ),
    "a mirror": (
        replace(PLAIN, steps=[{"set_mirror_route": {"name": "shadow", "percent": 100}}]),
        [],
        "fatal",
        f"Ingress test/{NAME} would get annotations for a mirror, for which ingress-nginx reloads",
    ),
}


def look(place: Stage) -> list[Object]:
    ctx = Context(Client(place.cluster.server, place.cluster.time), place.cluster.time, NAMESPACE, NAME)
    found = preflight.run(ctx, NAME, place.case.plan())["findings"]
    return [each for each in found if each["object"].startswith("Ingress") or "ingress_nginx" in each["problem"]]


@pytest.mark.parametrize("case", FOUND)
def test_preflight_names_it_and_a_start_refuses_or_warns(case: str) -> None:
    of, others, severity, said = FOUND[case]
    place = stage(of, *others)
    before = place.end_state()
    finding = look(place)[0]
    told = f"{finding['object']} {finding['problem']}: {finding['remedy']}"
    assert finding["severity"] == severity and said.partition(": ")[0] in told and finding["remedy"], finding
    if severity == "fatal":
        with pytest.raises(Refused) as refused:
            place.call()
        assert said in str(refused.value) and place.end_state() == before
        return
    run = place.call()
    assert [text for text in run.ctx.journal.warnings if text.startswith(said)] and place.phase() == "Paused"


def test_a_mirror_that_is_allowed_is_warned_of() -> None:
    case = FOUND["a mirror"][0]
    routers = [{"type": "ingress_nginx", "name": NAME, "allow_mirror_reload": True}]
    [finding] = look(stage(replace(case, more={"routers": routers})))
    assert finding["severity"] == "warning" and finding["problem"].startswith("mirrors its requests to Service")


def test_a_mirror_alone_stands_beside_a_preview_host() -> None:
    """It needs no canary Ingress: blue-green with copies and a host for the preview Service."""
    place = stage(CASES["blue-green, clone, mirrored by ingress-nginx"], leading("preview", CANARY))
    assert {each["severity"] for each in look(place)} == {"warning"}
    place.call()
    assert place.phase() == "Healthy" and not place.judge.complaints


def test_those_of_the_plan_are_not_named() -> None:
    place = stage(SEVERAL)
    assert [each["problem"][:20] for each in look(place)] == ["has session affinity"]
    assert not [text for text in place.call().ctx.journal.warnings if "by the same port" in text]


HARMLESS = [leading("preview", CANARY, "http"), leading("b", NAME, "http"), {**leading("c", CANARY), "spec": {}}]
HARMLESS[2]["spec"] = {**leading("c", CANARY)["spec"], "ingressClassName": "internal"}


@pytest.mark.parametrize("state", ["present", "aborted"])
def test_a_release_beside_those_that_ingress_nginx_keeps_apart(state: str) -> None:
    place = stage(PLAIN, *HARMLESS)
    place.call()
    place.call(**({"promote": {"full": True}} if state == "present" else {"state": state}))
    assert place.phase() == ("Healthy" if state == "present" else "Aborted") and not place.judge.complaints


LOSING = {"nobody beside it": [], **{name: FOUND[name][1] for name in ("a preview host", "a canary Ingress that was left")}}


@pytest.mark.parametrize("case", LOSING)
def test_without_the_look_a_step_reports_a_share_that_the_canary_does_not_get(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the judge sees what the look prevents."""
    monkeypatch.setattr(neighbours, "look", lambda *_given: [])
    place = stage(PLAIN, *LOSING[case])
    place.call()
    assert "50" in str(place.cluster.get("Ingress", CANARY)["metadata"]["annotations"]) and place.phase() == "Paused"
    pods = {pod for entrance, views in place.judge._views.items() if entrance.startswith("Ingress") for pod in views[-1].pods}
    assert any(pod.startswith(CANARY) for pod in pods) == (not LOSING[case])


def test_an_abort_takes_clients_away_from_the_canary_with_its_first_write_to_a_router() -> None:
    """With session affinity, those that have its cookie too: as soon as proxies know, and no grace later."""
    place = stage(SEVERAL)
    place.call()
    began = place.cluster.time.now()
    place.call(state="aborted")
    ends = {view.until for entrance, views in place.judge._views.items() if entrance.startswith("Ingress") for view in views[:-1]}
    assert max(ends) - began < 1.0 < LAG and place.phase() == "Aborted" and not place.judge.complaints


def test_a_preview_host_that_comes_later_stops_neither_the_promotion_nor_an_abort() -> None:
    for wish in ({"promote": {"full": True}}, {"state": "aborted"}):
        place = stage(PLAIN)
        place.call()
        place.cluster.apply(leading("preview", CANARY))
        run = place.call(**wish)
        assert place.phase() in ("Healthy", "Aborted") and not place.judge.complaints
        told = [text for text in run.ctx.journal.warnings if "answers its requests with 404" in text]
        assert len(told) == ("promote" in wish)
