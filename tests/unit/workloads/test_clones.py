"""The clone: the user's Deployment with another template, told apart by one label, and nobody else's."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import clones, marks
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.marks import REVISION

Object = dict[str, Any]
NEW: Object = {
    "metadata": {"labels": {"app": "shop", "app.kubernetes.io/instance": "shop"}, "annotations": {"a": "b"}},
    "spec": {"containers": [{"name": "app", "image": "2"}]},
}
DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "shop",
        "namespace": "test",
        "uid": "u",
        "resourceVersion": "3",
        "labels": {
            "team": "shop",
            "app.kubernetes.io/instance": "shop",
            "helm.sh/chart": "shop-1",
            "kustomize.toolkit.fluxcd.io/name": "apps",
        },
        "annotations": {
            "deployment.kubernetes.io/revision": "4",
            "meta.helm.sh/release-name": "shop",
            "argocd.argoproj.io/tracking-id": "x",
        },
        "ownerReferences": [{"uid": "o"}],
        "finalizers": ["f"],
        "managedFields": [{}],
    },
    "spec": {
        "replicas": 7,
        "paused": True,
        "minReadySeconds": 3,
        "revisionHistoryLimit": 2,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"app": "shop"}, "matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]},
        "template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [{"name": "app", "image": "1"}]}},
    },
    "status": {"replicas": 7},
}


def test_a_clone() -> None:
    kept = copy.deepcopy((DEPLOYMENT, NEW))
    made = clones.clone_of(DEPLOYMENT, "shop-canary", NEW, "0123456789", 3, "release")
    assert made == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "shop-canary",
            "namespace": "test",
            "labels": {"team": "shop", "app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": "release"},
        },
        "spec": {
            "replicas": 3,
            "minReadySeconds": 3,
            "revisionHistoryLimit": 2,
            "strategy": {"type": "Recreate"},
            "selector": {
                "matchLabels": {"app": "shop", REVISION: "0123456789"},
                "matchExpressions": [{"key": "x", "operator": "DoesNotExist"}],
            },
            "template": {
                "metadata": {
                    "labels": {"app": "shop", "app.kubernetes.io/instance": "shop", REVISION: "0123456789"},
                    "annotations": {"a": "b"},
                },
                "spec": NEW["spec"],
            },
        },
    }
    made["spec"]["selector"]["matchExpressions"][0]["key"] = made["spec"]["template"]["spec"]["containers"][0]["image"] = "changed"
    assert kept == (DEPLOYMENT, NEW)


@pytest.mark.parametrize("metadata", [{}, {"labels": None}])
def test_a_clone_of_a_bare_deployment(metadata: Any) -> None:
    bare = {"metadata": {"name": "shop", "namespace": "test"}, "spec": {"selector": {}}}
    made = clones.clone_of(bare, "shop-canary", {"metadata": metadata, "spec": {}}, "r", 1, "x")
    assert made["spec"]["selector"] == {"matchLabels": {REVISION: "r"}}
    assert made["spec"]["template"]["metadata"]["labels"] == {REVISION: "r"}


@pytest.mark.parametrize(
    ("weight", "live", "replicas"),
    [
        (5, 1, 1),
        (5, 3, 1),
        (33, 3, 1),
        (34, 3, 2),
        (50, 3, 2),
        (50, 4, 2),
        (99, 4, 4),
        (100, 4, 4),
        (1, 100, 1),
        (2, 100, 2),
        (100, 1, 1),
        (0, 5, 1),
        (20, 0, 1),
    ],
)
def test_canary_replicas_are_rounded_up_and_at_least_one(weight: int, live: int, replicas: int) -> None:
    assert clones.canary_replicas(weight, live) == replicas


@pytest.mark.parametrize(
    ("key", "copied"),
    [
        ("team", True),
        ("app.kubernetes.io/name", True),
        ("app.kubernetes.io/part-of", True),
        ("app.kubernetes.io/managed-by", False),
        ("app.kubernetes.io/instance", False),
        ("helm.sh/chart", False),
        ("argocd.argoproj.io/instance", False),
        ("kustomize.toolkit.fluxcd.io/name", False),
        ("helm.toolkit.fluxcd.io/name", False),
        ("progressive.delivery/rollout", False),
    ],
)
def test_labels_by_which_other_tools_know_their_objects_are_not_copied(key: str, copied: bool) -> None:
    assert (key in marks.own_labels({key: "x"})) is copied
