"""What a failed playbook prints, and the statistics that it passes to later jobs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.filter.statistics import statistics
from ansible_collections.progressive.delivery.tests.unit.playbooks.runs import NO_ANSWER, PLAYBOOKS, base, named, run, times
from hypothesis import given
from hypothesis import strategies as st

RELEASING = ["canary", "bluegreen", "promote", "undo"]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_where_no_cluster_answers_the_reason_is_printed_once(playbook: str, tmp_path: Path) -> None:
    done = run(tmp_path, playbook, {}, {**base(playbook), **named(playbook)})
    assert done.returncode == 2
    assert times(NO_ANSWER, done.stdout) == 1, done.stdout
    outcome = "rollout shop/shop: the call was refused and changed nothing, so nothing was aborted (the error is printed above)"
    assert times(outcome, done.stdout) == (playbook in RELEASING)


def test_statistics_after_a_refused_call_name_no_revision(tmp_path: Path) -> None:
    """With show_custom_stats Ansible prints them at the end."""
    (tmp_path / "ansible.cfg").write_text("[defaults]\nshow_custom_stats = true\n")
    done = run(tmp_path, "promote", {}, {**base("promote"), **named("promote")}, settings=tmp_path / "ansible.cfg")
    shown = done.stdout.partition("CUSTOM STATS")[2]
    assert '"shop/shop@localhost": {"refused": true}' in " ".join(shown.split()).replace("{ ", "{").replace(" }", "}"), done.stdout


TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'touch rendered') }}"
RESULT: dict[str, Any] = {
    "phase": "Paused",
    "revision": 7,
    "step": {"index": 1, "total": 4, "current": "pause until promoted"},
    "weight": {"stable": 80, "canary": 20},
    "resume_at": 1.5,
    "msg": "rollout shop, revision 7: paused",
    "refused": False,
}
EXPECTED = {
    "refused": False,
    "phase": "Paused",
    "revision": 7,
    "step": {"index": 1, "total": 4},
    "weight": {"stable": 80, "canary": 20},
    "resume_at": 1.5,
}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (RESULT, EXPECTED),
        ({**RESULT, "step": None, "resume_at": None}, {**EXPECTED, "step": None, "resume_at": None}),
        ({**RESULT, "refused": True}, {"refused": True}),
        ({}, {"refused": True}),
        ({"failed": True, "msg": "promote is of type str"}, {"refused": True}),
        ({"failed": True, "msg": "MODULE FAILURE", "rc": 1}, {"refused": False}),
        ({**RESULT, "phase": TEMPLATE}, {**EXPECTED, "phase": "Unknown"}),
        ({**RESULT, "revision": TEMPLATE}, {**EXPECTED, "revision": None}),
    ],
)
def test_statistics(result: dict[str, Any], expected: dict[str, Any]) -> None:
    assert statistics(result) == expected


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(TEMPLATE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RESULT, *RESULT["step"], *RESULT["weight"]]), inner),
)


@given(st.fixed_dictionaries({}, optional={key: ANYTHING | st.just(value) for key, value in RESULT.items()}))
def test_no_text_of_the_cluster_gets_into_statistics(result: dict[str, Any]) -> None:
    assert "{{" not in json.dumps(statistics(result))


def test_a_stats_file_as_extra_variables_renders_nothing(tmp_path: Path) -> None:
    """AWX passes them as extra variables, which Ansible renders. Each release has a template in a different place of its result."""
    broken: dict[str, Any] = {key: {**RESULT, key: TEMPLATE} for key in RESULT if key != "refused"}
    broken.update({f"{key}.{part}": {**RESULT, key: {**RESULT[key], part: TEMPLATE}} for key in ("step", "weight") for part in RESULT[key]})
    expected = {"progressive_delivery": {name: statistics(result) for name, result in broken.items()}}
    (tmp_path / "stats.json").write_text(json.dumps(expected))
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.debug": {"msg": "read {{ progressive_delivery | length }}: {{ progressive_delivery | to_json }}"}}],
    }
    (tmp_path / "play.json").write_text(json.dumps([play]))
    command = ["ansible-playbook", "play.json", "-e", "@stats.json"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert f"read {len(broken)}: " in done.stdout and not (tmp_path / "rendered").exists()
