"""A variable that is given and cannot be rendered is an error that names it; an empty variable counts as not given."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.tests.unit.playbooks.runs import (
    NO_ANSWER,
    PLAYBOOKS,
    PREFIXES,
    ROLE_VARIABLES,
    ROOT,
    base,
    failures,
    named,
    run,
)

BROKEN = "{{ nope.x }}"
NESTED: dict[str, Any] = {
    "canary_revision": {"images": {"shop": BROKEN}},
    "canary_workload": {"name": "shop", "style": BROKEN},
    "canary_routers": [{"type": "istio", "name": BROKEN}],
    "canary_hooks": {"on_abort": BROKEN},
    "canary_probe": {"url": BROKEN},
    "canary_steps": [{"set_weight": BROKEN}],
    "bluegreen_services": {"active": "shop", "preview": BROKEN},
    "bluegreen_checks": {"before_switch": [{"command": BROKEN}]},
    "rollout_auth": {"kubeconfig": BROKEN},
}
# The variables that each playbook reads besides the name and the namespace.
PROBES = ["rollout_probe", "rollout_probe_hosts"]
SEALS = ["rollout_record_key", "rollout_record_unsealed"]
READ = {
    "promote": ["rollout_revision", "rollout_at_step", "rollout_full", "rollout_on_drift", "rollout_workload", *PROBES, *SEALS],
    "abort": ["rollout_revision", "rollout_on_drift", "rollout_workload", *SEALS],
    "hand_back": ["rollout_revision", "rollout_on_drift", "rollout_workload", *SEALS],
    "undo": ["rollout_revision", "rollout_on_drift", "rollout_workload", *PROBES, *SEALS],
    "status": ["rollout_watch", "rollout_watch_timeout", "rollout_idle_timeout", *SEALS],
    "sweep": ["rollout_on_drift", *PROBES, *SEALS],
}
OWN = {
    name: f"{{{{ lookup('progressive.delivery.given', 'rollout_{name}', default=omit) }}}}" for name in ("record_key", "record_unsealed")
}
NAMES = ["rollout_name", "canary_name", "bluegreen_name", "rollout_namespace", "canary_namespace", "bluegreen_namespace"]
ANSIBLE = [
    pytest.param(None, id="ansible-core of the tests"),
    pytest.param(("3.10", "2.16", "28.1"), id="ansible-core 2.16", marks=pytest.mark.full),
]


def variables(playbook: str) -> list[str]:
    if playbook in ROLE_VARIABLES:
        specs = yaml.safe_load((ROOT / "roles" / playbook / "meta" / "argument_specs.yml").read_text())
        return [name for name in specs["argument_specs"]["main"]["options"] if name not in named(playbook)]
    return READ[playbook]


def cases(playbook: str) -> dict[str, dict[str, Any]]:
    """One host per case: one variable, or a value inside it, cannot be rendered."""
    broken = dict.fromkeys([*variables(playbook), *NAMES, "rollout_auth"], BROKEN)
    nested = {f"{name}-nested": {name: value} for name, value in NESTED.items() if name in broken}
    plain = {name: {name: value} for name, value in broken.items()}
    return {host: {**base(playbook), **named(playbook), **given} for host, given in {**plain, **nested}.items()}


@pytest.mark.parametrize("ansible", ANSIBLE)
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_one_that_cannot_be_rendered_is_named(playbook: str, ansible: tuple[str, ...] | None, tmp_path: Path) -> None:
    binary = "ansible-playbook"
    if ansible is not None:
        venv = subprocess.run([ROOT / "tests" / "tools" / "venv-for", *ansible], check=True, stdout=subprocess.PIPE, text=True)
        binary = f"{venv.stdout.strip()}/bin/ansible-playbook"
    hosts = cases(playbook)
    done = run(tmp_path, playbook, hosts, {"rollout_hosts": "all"}, binary=binary)
    messages = failures(done)
    assert set(messages) == set(hosts), done.stdout + done.stderr
    wrong = {host: text for host, text in messages.items() if host.removesuffix("-nested") not in text or "'nope' is undefined" not in text}
    assert wrong == {}
    assert NO_ANSWER not in done.stdout, "no host called the cluster"


@pytest.mark.parametrize("name", ["rollout_hosts", "rollout_serial"])
def test_one_of_the_play_itself(name: str, tmp_path: Path) -> None:
    """Without the check the play would run on localhost instead of the given hosts."""
    done = run(tmp_path, "abort", {}, {**base("abort"), **named("abort"), name: BROKEN})
    assert done.returncode != 0 and f"variable {name} cannot be rendered: 'nope' is undefined" in done.stdout + done.stderr
    assert NO_ANSWER not in done.stdout


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_play_reads_its_own_variables_so(playbook: str) -> None:
    [play] = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text())
    assert (play["hosts"], play["serial"], play["module_defaults"]) == (
        "{{ lookup('progressive.delivery.given', 'rollout_hosts', default='localhost') }}",
        "{{ lookup('progressive.delivery.given', 'rollout_serial', default='100%') }}",
        {
            "group/progressive.delivery.all": "{{ lookup('progressive.delivery.given', 'rollout_auth', default={}) }}",
            "group/progressive.delivery.own": OWN,
        },
    )


def test_every_variable_that_a_playbook_reads_is_known() -> None:
    """And every known variable is read by a playbook, so that a misspelled one is rejected."""
    read = {name for path in (ROOT / "playbooks").glob("*.yml") for name in re.findall(r"'(rollout_[a-z_]+)'", path.read_text())}
    tasks = yaml.safe_load((ROOT / "playbooks" / "tasks" / "require.yml").read_text())
    [known] = [task["vars"]["__rollout_known"] for task in tasks if isinstance(task.get("vars", {}).get("__rollout_known"), list)]
    assert set(known) == read | {"rollout_name", "rollout_namespace"}


EMPTY = {
    "promote": ["rollout_revision", "rollout_at_step", "rollout_full", "rollout_on_drift"],
    "abort": ["rollout_revision", "rollout_on_drift"],
    "canary": ["canary_grace", "canary_drain", "canary_progress_deadline", "canary_scale_down_delay", "canary_wait_timeout"],
    "bluegreen": ["bluegreen_grace", "bluegreen_auto_promotion_after"],
}


@pytest.mark.parametrize("playbook", EMPTY)
def test_an_empty_one_is_not_given(playbook: str, tmp_path: Path) -> None:
    """AWX passes an unanswered question of a survey as an empty text."""
    done = run(tmp_path, playbook, {}, {**base(playbook), **named(playbook), **dict.fromkeys(EMPTY[playbook], "")})
    assert NO_ANSWER in failures(done)["localhost"], done.stdout


SWALLOWS = re.compile(r"\b(?<!__)(?:canary|bluegreen|rollout)_[a-z_]+\b(?<!_result)[^|{}\n]*\|\s*(?:default|d)\(|ansible\.builtin\.vars'")
GUARD = "lookup('progressive.delivery.given', each, default=''"  # renders every variable, whatever its name
YAML_FILES = [path for folder in ("playbooks", "roles") for path in sorted((ROOT / folder).rglob("*.yml"))]


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_one_way_to_read_a_variable(path: Path) -> None:
    """Lookup given: default(), and lookup vars with a default, replace a given value that contains an undefined variable."""
    assert SWALLOWS.findall(path.read_text()) == []


@pytest.mark.parametrize("role", ROLE_VARIABLES)
def test_every_variable_of_a_role_is_read_by_its_name(role: str) -> None:
    """So that a search for the variable finds its reader. The shared tasks read none."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    for entry in ("main", "abort"):
        read = set(re.findall(rf"'({role}_[a-z_]+)'", (ROOT / "roles" / role / "tasks" / f"{entry}.yml").read_text()))
        assert set(specs[entry]["options"]) - read <= ({f"{role}_track_configs"} if entry == "abort" else set())


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_of_a_variable_is_computed(path: Path) -> None:
    computed = re.findall(r"lookup\('progressive\.delivery\.given', (?!')[^)]*", path.read_text())
    assert computed == ([GUARD] if path.name == "require.yml" else [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{ rollout_revision | default(omit) }}", True),
        ("{{ (canary_revision.images).shop | default('') }}", True),
        ("{{ lookup('ansible.builtin.vars', __rollout_prefix ~ '_grace', default=omit) }}", True),
        ("{{ lookup('progressive.delivery.given', 'rollout_revision', default=omit) }}", False),
        ("{{ __rollout_result.phase | default('') }}", False),
    ],
)
def test_what_is_found(text: str, found: bool) -> None:
    assert bool(SWALLOWS.search(text)) == found


def test_every_playbook_is_in_the_table() -> None:
    assert {*READ, *PREFIXES} == {*PLAYBOOKS}
