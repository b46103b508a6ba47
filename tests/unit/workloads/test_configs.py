"""What a template names, what the copies are called and hold, and what the template of the new version names instead."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import configs
from hypothesis import given
from hypothesis import strategies as st

Object = dict[str, Any]


def original(kind: str = "ConfigMap", name: str = "app", **more: Any) -> Object:
    metadata = {
        "name": name,
        "namespace": "test",
        "uid": "u",
        "labels": {"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"argocd.argoproj.io/tracking-id": "x"},
        "ownerReferences": [{"uid": "o"}],
        "finalizers": ["f"],
    }
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"a": "b"}, **more}


def template(names: Any = lambda name: name) -> Object:
    """A template that names all that can be named, and what is none of ours."""
    app, key = {"name": names("app")}, {"name": names("key"), "optional": True}
    parts = [{"secret": {"name": names("part")}}, {"configMap": app}, {"serviceAccountToken": {}}]
    of_key = [{"name": "C", "valueFrom": {"secretKeyRef": {**key, "key": "k"}}}]
    of_one = [{"name": "D", "valueFrom": {"configMapKeyRef": {"name": names("one"), "key": "k", "optional": True}}}]
    return {
        "spec": {
            "volumes": [
                {"name": "a", "configMap": {"name": names("files"), "items": []}},
                {"name": "b", "secret": {"secretName": names("key"), "optional": True}},
                {"name": "c", "projected": {"sources": parts}},
                {"name": "d", "emptyDir": {}},
                {"name": "e", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "driver"}}},
            ],
            "containers": [
                {
                    "name": "app",
                    "envFrom": [{"prefix": "X", "configMapRef": {**app, "optional": True}}, {"secretRef": key}],
                    "env": [{"name": "A", "value": "app"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
                }
            ],
            "initContainers": [{"name": "init", "env": of_key}, {"name": "more", "env": of_one}],
            "imagePullSecrets": [{"name": "pull"}],
        }
    }


NAMED = {"ConfigMap/app": True, "ConfigMap/files": True, "ConfigMap/one": False, "Secret/key": False, "Secret/part": True}


def test_what_is_named_and_needed() -> None:
    assert configs.named_in(template()) == NAMED
    assert configs.named_in({}) == configs.named_in({"spec": {"containers": [{"name": "app"}]}}) == {}


def test_all_of_it_gets_other_names_and_nothing_else() -> None:
    before = template()
    kept = copy.deepcopy(before)
    names = {each: [each.partition("/")[2], each.partition("/")[2] + "-1"] for each in NAMED}
    assert configs.renamed(before, names) == template(lambda name: f"{name}-1") and before == kept
    assert configs.renamed(before, {}) == kept


def test_a_copy() -> None:
    secret = original("Secret", "key", type="kubernetes.io/tls", data={"tls.key": "x"})
    made = configs.copy_of(secret, "shop")
    name = configs.copy_name(secret, "shop")
    assert made == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": "test",
            "labels": {"app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": "shop"},
            "annotations": {"progressive.delivery/copy-of": "key"},
        },
        "immutable": True,
        "data": {"tls.key": "x"},
        "type": "kubernetes.io/tls",
    }
    assert configs.original_of(made) == "key" and configs.original_of(secret) is None


@pytest.mark.parametrize(
    ("obj", "rollout", "same"),
    [
        pytest.param(original(), "shop", True, id="the same"),
        pytest.param({**original(), "metadata": {**original()["metadata"], "resourceVersion": "9"}}, "shop", True, id="other metadata"),
        pytest.param({**original(), "metadata": {**original()["metadata"], "uid": "x"}}, "shop", False, id="another object"),
        pytest.param(original(data={"a": "c"}), "shop", False, id="another value"),
        pytest.param(original(binaryData={"x": "eA=="}), "shop", False, id="binary data"),
        pytest.param(original("Secret"), "shop", False, id="another kind"),
        pytest.param(original(), "other", False, id="another rollout"),
    ],
)
def test_the_name_of_a_copy_says_what_it_holds(obj: Object, rollout: str, same: bool) -> None:
    assert (configs.copy_name(obj, rollout) == configs.copy_name(original(), "shop")) == same


@given(st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True))
def test_the_name_of_a_copy_is_a_name(name: str) -> None:
    made = configs.copy_name(original(name=name), "shop")
    stem, _dash, digest = made.rpartition("-")
    assert len(made) <= 253 and len(digest) == 10 and name.startswith(stem) and stem[-1] not in ".-"


@pytest.mark.parametrize(
    ("obj", "tracked"),
    [
        (original(), True),
        (original("Secret", type="Opaque"), True),
        (original("Secret", type="kubernetes.io/service-account-token"), False),
        ({"metadata": {"annotations": {"progressive.delivery/track": "false"}}}, False),
        ({"metadata": {"annotations": {"progressive.delivery/track": "true"}}}, True),
    ],
)
def test_what_is_copied(obj: Object, tracked: bool) -> None:
    assert configs.is_tracked(obj) == tracked


RECORDED = {"ConfigMap/app": ["app", "app-1"], "ConfigMap/app-0": ["app", "app-1"], "Secret/key": ["key", "key"]}


def test_the_copies_that_a_record_knows() -> None:
    assert configs.copies_in(RECORDED) == [("ConfigMap", "app", "app-1")]


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        pytest.param(RECORDED, False, id="the same"),
        pytest.param({"ConfigMap/app": ["app", "app-1"], "ConfigMap/app-1": ["app", "app-1"]}, False, id="the template has changed"),
        pytest.param({"ConfigMap/app": ["app", "app-2"], "ConfigMap/app-1": ["app", "app-2"]}, True, id="another content"),
        pytest.param({"ConfigMap/more": ["more", "more-1"]}, False, id="one more"),
        pytest.param({}, False, id="an old version"),
    ],
)
def test_whether_they_hold_something_else(now: configs.Configs, changed: bool) -> None:
    assert configs.changed_since(RECORDED, now) == changed
