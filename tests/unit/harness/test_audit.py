"""Counting requests by an audit log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count


def event(number: int, user: str = "admin", verb: str = "get", resource: str = "services", **more: object) -> str:
    target = {"resource": resource, "namespace": "test", "name": "shop", **{k: v for k, v in more.items() if k == "subresource"}}
    rest = {key: value for key, value in more.items() if key != "subresource"}
    entry = {"auditID": str(number), "user": {"username": user}, "verb": verb, "requestURI": "/x", "objectRef": target, **rest}
    return json.dumps(entry) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    path = tmp_path / "audit.log"
    path.write_text(event(1))
    return AuditLog(path)


def test_only_what_comes_after_the_mark(log: AuditLog) -> None:
    mark = log.mark()
    with log.path.open("a") as file:
        file.write(event(2, verb="patch", responseStatus={"code": 409}) + event(3))
    assert [(entry.verb, entry.code) for entry in log.since(mark)] == [("patch", 409), ("get", 0)]


@pytest.mark.parametrize(
    ("lines", "user", "expected"),
    [
        ([event(2), event(3)], None, {("get", "services"): 2}),
        ([event(2, "system:apiserver"), event(3, "bob")], None, {("get", "services"): 1}),
        ([event(2, "bob"), event(3)], "bob", {("get", "services"): 1}),
        ([event(2, verb="watch", stage=stage) for stage in ("ResponseStarted", "ResponseComplete")], None, {("watch", "services"): 1}),
        ([event(2, verb="update", subresource="scale")], None, {("update", "services/scale"): 1}),
        ([event(2, impersonatedUser={"username": "bob"})], "bob", {("get", "services"): 1}),
    ],
    ids=["two", "components are left out", "one user", "a watch is one request", "subresource", "impersonated"],
)
def test_count(log: AuditLog, lines: list[str], user: str | None, expected: dict[tuple[str, str], int]) -> None:
    mark = log.mark()
    with log.path.open("a") as file:
        file.writelines(lines)
    assert count(log.since(mark, user)) == expected
