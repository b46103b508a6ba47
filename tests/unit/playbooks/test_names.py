"""Every playbook accepts the name and namespace of the rollout as rollout_*, canary_* and bluegreen_*."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.unit.playbooks.runs import NO_ANSWER, PLAYBOOKS, PREFIXES, base, failures, run

SPELLINGS = ("rollout", "canary", "bluegreen")
OPTIONAL_NAME = ("status", "sweep")


def given(prefix: str, name: str = "shop", namespace: str = "test") -> dict[str, Any]:
    return {f"{prefix}_name": name, f"{prefix}_namespace": namespace}


GOOD: dict[str, dict[str, Any]] = {
    **{prefix: given(prefix) for prefix in SPELLINGS},
    "every": {key: value for prefix in SPELLINGS for key, value in given(prefix).items()},
    "empty-others": {**given("rollout", "", ""), **given("canary", "", ""), **given("bluegreen")},
    "mixed": {"canary_name": "shop", "rollout_namespace": "test"},
}
BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "names": ({**given("rollout"), "canary_name": "cart"}, ["rollout_name=shop", "canary_name=cart", ": these are names of one variable"]),
    "namespaces": ({**given("rollout"), "bluegreen_namespace": "live"}, ["rollout_namespace=test", "bluegreen_namespace=live"]),
    "none": ({}, ["not given: ", "_namespace"]),
    "empty": (given("rollout", "", ""), ["not given: ", "_namespace"]),
}


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_each_spelling_is_taken(playbook: str, tmp_path: Path) -> None:
    hosts = {host: {**base(playbook), **variables} for host, variables in GOOD.items()}
    messages = failures(run(tmp_path, playbook, hosts, {"rollout_hosts": "all"}))
    assert {host: NO_ANSWER in text for host, text in messages.items()} == dict.fromkeys(GOOD, True), messages


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_two_that_differ_are_refused(playbook: str, tmp_path: Path) -> None:
    hosts = {host: {**base(playbook), **variables} for host, (variables, _said) in BAD.items()}
    messages = failures(run(tmp_path, playbook, hosts, {"rollout_hosts": "all"}))
    name = f"{PREFIXES.get(playbook, 'rollout')}_name,"
    for host, (_variables, said) in BAD.items():
        assert [part for part in said if part not in messages[host]] == [], (host, messages[host])
        assert ("not given: " in said and playbook not in OPTIONAL_NAME) == (name in messages[host])


@pytest.mark.parametrize("playbook", PREFIXES)
def test_an_empty_extra_variable_hides_no_other(playbook: str, tmp_path: Path) -> None:
    """Extra variables have the highest precedence: an AWX survey leaves canary_name empty, and the workflow passes rollout_name."""
    empty = given(PREFIXES[playbook], "", "")
    done = run(tmp_path, playbook, {}, {**base(playbook), **empty, **given("rollout")})
    assert NO_ANSWER in failures(done)["localhost"] and "rollout test/shop: the call was refused" in done.stdout, done.stdout
