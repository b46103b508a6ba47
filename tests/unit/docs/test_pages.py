"""Messages and documentation name pages that a user of the installed collection can reach."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._objects import pages
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT, tracked

GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
ADDRESSES = {name: value for name, value in vars(pages).items() if name.isupper() and not name.startswith("_")}
FILES = tracked()


def is_shipped(name: str) -> bool:
    """Whether build_ignore of galaxy.yml leaves the file in: its patterns stand for files, and for folders with all in them."""
    wholes = {name, *map(str, Path(name).parents), *Path(name).parts} - {"."}
    return not any(fnmatch(each, rule) for rule in GALAXY["build_ignore"] for each in wholes)


SHIPPED = [name for name in FILES if is_shipped(name)]
TEXTS = [name for name in SHIPPED if name.endswith(".md")]
BARE = re.compile(r"(?<![\w/])docs/[\w-]+\.(?:md|yml)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_leads_to_a_page(name: str) -> None:
    page, _hash, anchor = ADDRESSES[name].partition("#")
    assert page.startswith(f"{GALAXY['documentation']}/") and GALAXY["documentation"].startswith(GALAXY["repository"])
    path = ROOT / "docs" / page.removeprefix(f"{GALAXY['documentation']}/")
    assert path.is_file() and (not anchor or anchor in anchors(path))


@pytest.mark.parametrize("name", [name for name in FILES if re.match(r"(plugins|roles|playbooks)/.*\.(py|yml)$", name)])
def test_no_text_names_a_page_by_its_file(name: str) -> None:
    """An installed collection is not at hand as files. Comments and docstrings are for those who read the source."""
    text = (ROOT / name).read_text()
    if name.endswith(".py"):
        tree = ast.parse(text)
        holders = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
        said = {id(node.body[0].value) for node in holders if node.body and isinstance(node.body[0], ast.Expr)}
        text = "\n".join(str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in said)
    assert BARE.findall(text) == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_relative_link_leads_to_what_is_shipped(name: str) -> None:
    folder = (ROOT / name).parent
    for link in LINK.findall((ROOT / name).read_text()):
        if "://" in link:
            continue
        path, _hash, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / name
        shipped = str(target.relative_to(ROOT.resolve()))
        assert shipped in SHIPPED or any(each.startswith(f"{shipped}/") for each in SHIPPED), f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: {link}"


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".md") and name not in TEXTS])
def test_every_relative_link_for_contributors_leads_to_a_file(name: str) -> None:
    for link in LINK.findall((ROOT / name).read_text()):
        path, _hash, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert "://" in link or target.exists(), f"{name}: {link}"
        assert "://" in link or not anchor or anchor in anchors(target), f"{name}: {link}"


def test_links_into_the_repository_lead_to_a_file() -> None:
    inside = re.compile(rf"{re.escape(GALAXY['repository'])}/(?:blob|tree)/main/([\w./-]+\w)")
    named = {path for name in FILES if name.endswith((".md", ".py", ".yml")) for path in inside.findall((ROOT / name).read_text())}
    assert {path for path in named if not (ROOT / path).exists()} == set()
