"""A mutating webhook on the real API server that rewrites images: releases end, the same call changes nothing, undo and abort work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.styles import NAME, STYLES, Styled
from ansible_collections.progressive.delivery.tests.harness.webhook import mirroring

SOURCE, TARGET = "argoproj/", "mirror.test/argoproj/"
HALF: list[Any] = [{"set_weight": 50}]


def images(app: Application, kind: str) -> set[str]:
    """Of the workload's template and of its pods that stay."""
    template = app.get(kind)["spec"]["template"]
    pods = [each for each in app.request("GET", "Pod")["items"] if not each["metadata"].get("deletionTimestamp")]
    return {container["image"] for spec in (template, *pods) for container in spec["spec"]["containers"]}


@pytest.mark.parametrize("under_load", [pytest.param(True, id="clone"), pytest.param(False, id="StatefulSet")])
def test_images_are_rewritten(app: Application, tmp_path: Path, under_load: bool) -> None:
    """The webhook comes when the application is there already, so that the first write of the release meets it."""
    options, prepare = STYLES["clone" if under_load else "StatefulSet"]
    prepare(app)
    place = Styled(app, options)
    router, services = app.snapshot("VirtualService"), app.snapshot("Service")
    with mirroring(app, tmp_path, SOURCE, TARGET):
        if under_load:
            with app.load() as load:
                _lived(place)
            assert not load.results().failures, load.results().failures[:3]
        else:
            _lived(place)
    assert app.snapshot("VirtualService") == router and app.snapshot("Service") == services


def _lived(place: Styled) -> None:
    app = place.app
    done = place.release("yellow", *HALF)
    assert (done.get("failed"), done["phase"], done["revision"]) == (None, "Healthy", 1), done["msg"]
    assert images(app, place.kind) == {f"{TARGET}{NAME}:yellow"}

    same = place.release("yellow", *HALF)
    assert (same.get("failed"), same["changed"], same["revision"]) == (None, False, 1), same["msg"]

    undone = app.module("rollout_step", {"name": NAME, "undo": "previous", "until": "end"})
    assert (undone.get("failed"), undone["phase"]) == (None, "Healthy"), undone["msg"]
    until("blue runs alone", lambda: images(app, place.kind) == {f"{TARGET}{NAME}:blue"})

    failed = place.release("crash-red", *HALF)
    assert failed["failed"] and "does not get ready" in failed["msg"], failed
    aborted = app.module("rollout_step", {"name": NAME, "state": "aborted"})
    assert (aborted.get("failed"), aborted["phase"]) == (None, "Aborted"), aborted["msg"]
    assert "changed its template" not in str(aborted.get("warnings")), aborted["warnings"]
    until("no crashing pod is left", lambda: images(app, place.kind) == {f"{TARGET}{NAME}:blue"})
    assert set(app.ask(20)) == {"blue"}
