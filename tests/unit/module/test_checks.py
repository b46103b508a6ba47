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
    ("check.yml", "must be the absolute path of a task file or a mapping with command, not 'check.yml'"),
    ("/no/such/file.yml", "must be the absolute path of a task file"),
    (7, "must be the absolute path of a task file or a mapping with command, not 7"),
    ({}, "command is missing"),
    ({"command": []}, ".command is empty"),
    ({"command": " "}, ".command is empty"),
    ({"command": "say 'no"}, "is not a command line (No closing quotation)"),
    ({"command": 7}, "is not a command line"),
    ({"command": "true", "name": ""}, ".name must be a name, not '': use a string of at most 100 characters"),
    ({"command": "true", "name": ["s"]}, ".name must be a name, not ['s']"),
    ({"command": "true", "name": "x" * 101}, ".name must be a name"),
    ({"command": "true", "timeout": "soon"}, ".timeout must be a duration, not 'soon'"),
    ({"command": "true", "timeout": 0}, ".timeout must be longer than 0"),
    ({"command": "true", "shell": True}, "does not take shell"),
]


@pytest.mark.parametrize(("one", "read"), GOOD)
def test_what_is_run(one: Any, read: dict[str, Any]) -> None:
    assert checks({"after_switch": [one, one]}) == {"after_switch": [read, read]}


@pytest.mark.parametrize(("one", "said"), BAD)
def test_what_cannot_be_run_is_named(one: Any, said: str) -> None:
    [_good, found] = checks({"before_switch": [HERE, one]}, "bluegreen_checks")["before_switch"]
    assert list(found) == ["problem"] and "\n" not in found["problem"]
    assert "say 'no" not in found["problem"]
    assert found["problem"].startswith("bluegreen_checks.before_switch[1]") and said in found["problem"]


def test_a_moment_has_a_list() -> None:
    [found] = checks({"after_switch": "check.yml"})["after_switch"]
    assert found == {"problem": "checks.after_switch must be a list, not 'check.yml': write a list of task files and commands"}
