"""A module that is sent to a host brings no file that it cannot need."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
COLLECTION = ("ansible_collections", "progressive", "delivery", "plugins")
ENGINE = ("_strategies/", "_rollout/", "_plan/plan.py")
LEASE = {"_rollout/__init__.py", "_rollout/lease.py"}  # the error that every module knows


def imported(file: Path) -> Iterator[Path]:
    """As AnsiballZ finds them: imports of the collection anywhere in a file, late ones included."""
    package = (*COLLECTION, *file.relative_to(PLUGINS).parent.parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base = (*base, *filter(None, (node.module or "").split(".")))
            for parts in (base, *((*base, alias.name) for alias in node.names)):
                place = PLUGINS.joinpath(*parts[len(COLLECTION) :])
                if parts[: len(COLLECTION)] == COLLECTION:
                    yield from (each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file())


def packed(module: str) -> set[str]:
    """The module_utils that the module brings, by name."""
    found: set[Path] = set()
    todo = [PLUGINS / "modules" / f"{module}.py"]
    while todo:
        new = set(imported(todo.pop())) - found
        found |= new
        todo += new
    return {str(file.relative_to(PLUGINS / "module_utils")) for file in found if "module_utils" in file.parts}


@pytest.mark.parametrize("module", ["canary_weight", "bluegreen_switch", "service_selector"])
def test_what_does_not_release_brings_no_engine(module: str) -> None:
    assert "_cluster/client.py" in packed(module)
    assert {name for name in packed(module) if name.startswith(ENGINE)} - LEASE == set()


def test_a_selector_needs_no_router() -> None:
    assert [name for name in packed("service_selector") if name.startswith("_routing/") and name != "_routing/__init__.py"] == []


@pytest.mark.parametrize("module", sorted(path.stem for path in (PLUGINS / "modules").glob("*.py")))
def test_no_module_brings_what_runs_it_in_process(module: str) -> None:
    assert "_module/in_process.py" not in packed(module)
