"""Templates: when two are the same version, which ReplicaSet runs one, and what other images make of one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import revisions

Object = dict[str, Any]


def template(image: str = "shop:1", **metadata: Any) -> Object:
    containers = [{"name": "app", "image": image}, {"name": "proxy", "image": "proxy:1"}]
    return {
        "metadata": {"labels": {"app": "shop"}, **metadata},
        "spec": {"initContainers": [{"name": "init", "image": "init:1"}], "containers": containers},
    }


def replica_set(name: str, tpl: Object, at: str | None = "2026-01-01T00:00:00Z", owner: str = "u", **spec: Any) -> Object:
    pods = copy.deepcopy(tpl)
    pods["metadata"].setdefault("labels", {})["pod-template-hash"] = name
    metadata: Object = {
        "name": f"shop-{name}",
        "labels": {"app": "shop", "pod-template-hash": name},
        "ownerReferences": [{"uid": owner, "controller": True}],
    }
    return {"metadata": {**metadata, **({"creationTimestamp": at} if at else {})}, "spec": {"template": pods, **spec}}


SAME = [
    pytest.param(template(creationTimestamp=None), id="creationTimestamp null"),
    pytest.param(template(labels={"app": "shop", "pod-template-hash": "abc"}), id="the hash label"),
    pytest.param(template(annotations={}), id="empty annotations"),
    pytest.param(template(annotations=None), id="annotations null"),
    pytest.param(dict(reversed(template().items())), id="another order of keys"),
]
OTHER = [
    pytest.param(template("shop:2"), id="image"),
    pytest.param(template(labels={"app": "shop", "v": "1"}), id="labels"),
    pytest.param(template(annotations={"kubectl.kubernetes.io/restartedAt": "now"}), id="a restart"),
    pytest.param(
        {**template(), "spec": {**template()["spec"], "containers": template()["spec"]["containers"][::-1]}}, id="order of containers"
    ),
]


@pytest.mark.parametrize("same", SAME)
def test_what_makes_no_other_version(same: Object) -> None:
    kept = copy.deepcopy(same)
    assert revisions.template_hash(same) == revisions.template_hash(template())
    assert revisions.matching([replica_set("x", template())], same)
    assert same == kept


@pytest.mark.parametrize("other", OTHER)
def test_what_makes_another_version(other: Object) -> None:
    assert revisions.template_hash(other) != revisions.template_hash(template())
    assert revisions.matching([replica_set("x", template())], other) is None


@pytest.mark.parametrize(
    "bare", [{"spec": {}}, {"spec": {}, "metadata": None}, {"spec": {}, "metadata": {}}, {"spec": {}, "metadata": {"labels": {}}}]
)
def test_a_template_without_metadata(bare: Object) -> None:
    assert revisions.template_hash(bare) == revisions.template_hash({"spec": {}})
    assert len(revisions.template_hash(bare)) == 10


@pytest.mark.parametrize(
    ("sets", "found"),
    [
        pytest.param([], None, id="none"),
        pytest.param(
            [("a", "2026-01-02T00:00:00Z"), ("b", "2026-01-01T00:00:00Z"), ("c", "2026-01-03T00:00:00Z")], "b", id="the oldest of equals"
        ),
        pytest.param([("b", "2026-01-01T00:00:00Z"), ("a", "2026-01-01T00:00:00Z")], "a", id="of the same age the first by name"),
    ],
)
def test_matching(sets: list[tuple[str, str]], found: str | None) -> None:
    others = [replica_set("z", template("shop:0"), "2020-01-01T00:00:00Z")]
    live = revisions.matching([*others, *(replica_set(name, template(), at) for name, at in sets)], template())
    assert (live and revisions.hash_of(live)) == found


def test_the_template_comes_back_as_the_deployment_had_it() -> None:
    live = replica_set("x", template())
    assert revisions.template_of(live) == template()
    assert live["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] == "x"
    unlabelled: Object = {"metadata": {}, "spec": {"containers": []}}
    assert revisions.template_of(replica_set("x", unlabelled)) == unlabelled


def test_by_hash() -> None:
    sets = [replica_set("a", template()), replica_set("b", template("shop:2"))]
    assert revisions.by_hash(sets, "b") is sets[1]
    assert revisions.by_hash(sets, "c") is None
    assert revisions.hash_of({"metadata": {"name": "x"}}) == ""


@pytest.mark.parametrize(
    ("spec", "status", "runs"),
    [
        ({"replicas": 0}, {"replicas": 0}, False),
        ({"replicas": 0}, {}, False),
        ({"replicas": 1}, {}, True),
        ({"replicas": 0}, {"replicas": 1}, True),
        ({}, None, False),
    ],
)
def test_running(spec: Object, status: Any, runs: bool) -> None:
    live = {**replica_set("x", template()), "spec": spec, "status": status}
    assert revisions.running([live]) == ([live] if runs else [])


def test_owned() -> None:
    deployment = {"metadata": {"name": "shop", "uid": "u"}}
    mine, foreign, orphan = replica_set("a", template()), replica_set("b", template(), owner="clone"), replica_set("c", template())
    orphan["metadata"]["ownerReferences"] = None
    assert revisions.owned([mine, foreign, orphan], deployment) == [mine]


@pytest.mark.parametrize(
    ("images", "after"),
    [
        ({}, {"app": "shop:1", "proxy": "proxy:1", "init": "init:1"}),
        ({"app": "shop:2"}, {"app": "shop:2", "proxy": "proxy:1", "init": "init:1"}),
        ({"init": "init:2", "proxy": "proxy:2"}, {"app": "shop:1", "proxy": "proxy:2", "init": "init:2"}),
    ],
)
def test_with_images(images: dict[str, str], after: dict[str, str]) -> None:
    before = template()
    changed = revisions.with_images(before, images, "Deployment test/shop")
    assert revisions.images_of(changed) == after
    assert before == template()
    assert revisions.with_images(changed, revisions.images_of(before), "x") == before


@pytest.mark.parametrize(("images", "named"), [({"web": "x"}, "'web'"), ({"web": "x", "app": "y", "db": "z"}, "'db', 'web'")])
def test_images_for_containers_that_are_not_there(images: dict[str, str], named: str) -> None:
    with pytest.raises(Refused) as refused:
        revisions.with_images(template(), images, "Deployment test/shop")
    assert str(refused.value) == f"Deployment test/shop has no container {named} (it has: app, proxy, init): correct revision.images"


def test_images_of_a_template_without_any() -> None:
    assert revisions.images_of({}) == {}
    assert revisions.images_of({"spec": {"containers": [{"name": "app"}]}}) == {"app": ""}
