"""The filter that reads the checks of a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.filter.checks import FilterModule

checks = FilterModule().filters()["checks"]
HERE = str(Path(__file__).resolve())

GOOD: list[tuple[Any, dict[str, Any]]] = [
    (HERE, {"title": HERE, "file": HERE}),
    ({"command": "curl -f 'a b'"}, {"title": "curl", "argv": ["curl", "-f", "a b"], "timeout": 60}),
    ({"command": ["sleep", 3], "timeout": "1m"}, {"title": "sleep", "argv": ["sleep", "3"], "timeout": 60}),
    (
        {"command": "/opt/bin/smoke --token s3cret", "name": None},
        {"title": "smoke", "argv": ["/opt/bin/smoke", "--token", "s3cret"], "timeout": 60},
    ),
    ({"command": "curl x", "name": " health\x1b[2J "}, {"title": "health\\x1b[2J", "argv": ["curl", "x"], "timeout": 60}),
    ({"command": "/"}, {"title": "/", "argv": ["/"], "timeout": 60}),
    ({"command": "true", "timeout": 0.5}, {"title": "true", "argv": ["true"], "timeout": 1}),
]
BAD: list[tuple[Any, str]] = [
    ("check.yml", "'check.yml' must be the absolute path of a task file"),
    ("/no/such/file.yml", "must be the absolute path of a task file"),
    (7, "7 must be the absolute path"),
    ({}, "command is missing"),
    ({"command": []}, "the command is empty"),
    ({"command": " "}, "the command is empty"),
    ({"command": "say 'no"}, "is not a command line (No closing quotation)"),
    ({"command": 7}, "is not a command line"),
    ({"command": "true", "name": ""}, "name: '' is not a name: use a text of at most 100 characters"),
    ({"command": "true", "name": ["s"]}, "name: ['s'] is not a name"),
    ({"command": "true", "name": "x" * 101}, "is not a name"),
    ({"command": "true", "timeout": "soon"}, "timeout: 'soon' is not a duration"),
    ({"command": "true", "timeout": 0}, "timeout: without any time it cannot succeed"),
    ({"command": "true", "shell": True}, "unknown key shell"),
]


@pytest.mark.parametrize(("one", "read"), GOOD)
def test_what_is_run(one: Any, read: dict[str, Any]) -> None:
    assert checks({"after_switch": [one, one]}) == {"after_switch": [read, read]}


@pytest.mark.parametrize(("one", "said"), BAD)
def test_what_cannot_be_run_is_named(one: Any, said: str) -> None:
    [_good, found] = checks({"before_switch": [HERE, one]}, "bluegreen_checks")["before_switch"]
    assert list(found) == ["problem"] and "\n" not in found["problem"]
    assert "say 'no" not in found["problem"]
    assert found["problem"].startswith("bluegreen_checks.before_switch, number 2") and said in found["problem"]


def test_a_moment_has_a_list() -> None:
    [found] = checks({"after_switch": "check.yml"})["after_switch"]
    assert found == {"problem": "checks.after_switch must be a list of task files and commands, not 'check.yml'"}
