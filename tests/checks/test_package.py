"""What a user installs holds what they need, and no more, and Ansible finds it there."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import yaml
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT

SHIPPED = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "changelogs",
    "docs",
    "extensions",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
}
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").glob("*"))


def test_contents(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())
    assert {name.split("/")[0] for name in names} - {"MANIFEST.json", "FILES.json"} <= SHIPPED
    assert not [name for name in names if "__pycache__" in name or "molecule" in name]
    assert {f"plugins/modules/{module}.py" for module in MODULES} <= names


def test_installed(tarball: Path, tmp_path: Path, succeeds: Callable[..., str]) -> None:
    ansible = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / "home")}
    succeeds("ansible-galaxy", "collection", "install", "--offline", "-p", str(tmp_path), str(tarball), **ansible)
    documented = json.loads(
        succeeds("ansible-doc", "--json", "-t", "module", *[f"progressive.delivery.{name}" for name in MODULES], **ansible)
    )
    assert sorted(name.rsplit(".")[-1] for name in documented) == MODULES
    roles = json.loads(succeeds("ansible-doc", "--json", "-t", "role", "--list", "progressive.delivery", **ansible))
    assert sorted(roles) == [f"progressive.delivery.{role}" for role in ROLES]


def test_every_module_is_in_the_action_group() -> None:
    """So that one module_defaults serves all."""
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert [entry for entry in groups["all"] if isinstance(entry, str)] == groups["own"] == MODULES


def test_modules_that_only_read_are_named_so() -> None:
    """The community's requirements for collections want modules that only gather information to be named *_info."""
    documented = {path.stem: path.read_text().partition("EXAMPLES")[0] for path in (ROOT / "plugins" / "modules").glob("*.py")}
    reading = {module for module, text in documented.items() if "Only reads" in text}
    assert reading == {module for module in MODULES if module.endswith("_info")}
    routing = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["plugin_routing"]
    former = {name: target["redirect"].rsplit(".")[-1] for name, target in routing["modules"].items()}
    assert {target for target in former.values() if target not in MODULES} == set()
    actions = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
    assert set(routing["action"]) == {name for name, target in former.items() if target in actions}


def test_requirements_are_stated_once() -> None:
    """In the fragment that every module extends, as requirements.txt has them."""
    stated = {
        path.name
        for folder in ("modules", "doc_fragments")
        for path in (ROOT / "plugins" / folder).glob("*.py")
        if "\nrequirements:" in path.read_text()
    }
    assert stated == {"auth.py"}
    fragment = (ROOT / "plugins" / "doc_fragments" / "auth.py").read_text()
    assert [
        module for module in MODULES if "progressive.delivery.auth" not in (ROOT / "plugins" / "modules" / f"{module}.py").read_text()
    ] == []
    needed = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert {line.replace(">=", " >= ") in fragment for line in needed if not line.startswith("jmespath")} == {True}
