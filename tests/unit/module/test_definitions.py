"""A definition may be given as a mapping, as YAML, or as the path of a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._module.definitions import given_definition, with_definitions
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused


@pytest.mark.parametrize("value", [None, "", {}, {"kind": "Road"}, 7])
def test_what_is_no_text_stays_as_it_is(value: Any) -> None:
    assert given_definition(value) == value


def test_text_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "road.yml"
    file.write_text("kind: Road  # süß\n", encoding="utf-8")
    assert given_definition("kind: Road\n") == given_definition(str(file)) == {"kind": "Road"}
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_definition("~/road.yml") == {"kind": "Road"}


def test_trouble_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=rf"^definition: {tmp_path}/no.yml cannot be read \(.*No such file.*\): give the path of a YAML file"):
        given_definition(f"{tmp_path}/no.yml")
    with pytest.raises(Refused, match=r"^routers, number 2, definition: not YAML: "):
        with_definitions([{"type": "istio"}, {"type": "road", "definition": "a: [\n"}])
    (tmp_path / "latin.yml").write_bytes(b"\xfc")
    with pytest.raises(Refused, match=r"^definition: .*latin.yml cannot be read"):
        given_definition(f"{tmp_path}/latin.yml")


def test_the_routers_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "road.yml").write_text("kind: Road")
    plain, named = {"type": "istio", "definition": None}, {"type": "road", "definition": str(tmp_path / "road.yml")}
    assert with_definitions([plain, named]) == [plain, {"type": "road", "definition": {"kind": "Road"}}]
    assert with_definitions(None) is None
    assert named["definition"] == str(tmp_path / "road.yml")
