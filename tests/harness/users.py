"""Users of the test cluster who may do just what a test says, and the rules of the Role that is shipped."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import yaml
from ansible_collections.progressive.delivery.tests.harness.application import ROOT
from ansible_collections.progressive.delivery.tests.harness.namespace import Namespace


def user(app: Namespace, rules: list[dict[str, Any]]) -> str:
    """A kubeconfig of one who has just these rights in the namespace."""
    name = f"user-{app.namespace}-{time.time_ns()}"
    made = subprocess.run([ROOT / "tests" / "cluster" / "user", name], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
    binding = {
        **role,
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": subject["apiGroup"], "kind": "Role", "name": name},
        "subjects": [subject],
    }
    del binding["rules"]
    for plural, obj in (("roles", role), ("rolebindings", binding)):
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{app.namespace}/{plural}"
        response = app.transport.request("POST", path, None, obj)
        assert response.status == 201, response.body
    return made


def shipped_rules(file: str = "rbac.yml") -> list[dict[str, Any]]:
    return next(item for item in yaml.safe_load((ROOT / "docs" / file).read_text())["items"] if item["kind"] == "Role")["rules"]


def without(rules: list[dict[str, Any]], verb: str, resource: str) -> list[dict[str, Any]]:
    fewer = [
        {**rule, "verbs": [each for each in rule["verbs"] if each != verb]} if resource in rule["resources"] else rule for rule in rules
    ]
    return [rule for rule in fewer if rule["verbs"]]
