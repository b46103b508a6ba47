"""docs/routers.md tells all that a definition can say, and shows those that come with the collection."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.definition import TABLE
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.shipped.registry import SHIPPED
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import names

TEXT = (Path(__file__).parents[3] / "docs" / "routers.md").read_text()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_definitions(name: str) -> None:
    assert f"```yaml\n# {name}\n{SHIPPED[name]}```\n" in TEXT


def test_every_router_stands_in_the_first_table() -> None:
    rows = [line.split("|")[1] for line in TEXT.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert [name for name in names() if not any(f"`{name}`" in row for row in rows)] == []


def test_every_field_of_a_definition_is_explained() -> None:
    rows = [line.split("|")[1] for line in TEXT.partition("| field |")[2].splitlines() if line.startswith("| `")]
    told = {
        f"{first.split('.')[0]}{name}" if name.startswith(".") else name for first, *more in map(_names, rows) for name in (first, *more)
    }
    keys = {key if isinstance(value, tuple) else f"{key}.{inner}" for key, value in TABLE.items() for inner in value}
    assert told == keys


def _names(cell: str) -> list[str]:
    return [part for part in cell.split("`") if part.strip(" ,")]
