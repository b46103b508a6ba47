"""A definition may be given as a mapping, as YAML, or as the path of a YAML file."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._module.definitions import given_definition, with_definitions
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from hypothesis import given, settings
from hypothesis import strategies as st


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
    with pytest.raises(
        Refused, match=rf"^definition names {tmp_path}/no.yml, which cannot be read \(.*No such file.*\): give the path of a YAML file"
    ):
        given_definition(f"{tmp_path}/no.yml")
    with pytest.raises(Refused, match=r"^routers\[1\].definition is not YAML of plain values \(line 2, column 1\): correct it"):
        with_definitions([{"type": "istio"}, {"type": "road", "definition": "a: [\n"}])
    (tmp_path / "latin.yml").write_bytes(b"\xfc")
    with pytest.raises(Refused, match=r"^definition names .*latin.yml, which cannot be read"):
        given_definition(f"{tmp_path}/latin.yml")


PLAIN = "is not YAML of plain values"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x\n", "definition has an anchor or an alias (& or *) in line 1: write the value out in each place"),
        ("a: 1\nb: *s3cret\n", "definition has an anchor or an alias (& or *) in line 2: write the value out in each place"),
        (
            "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
            "definition has an anchor or an alias (& or *) in line 1: write the value out in each place",
        ),
        ("&x a: 1\n", "definition has an anchor or an alias (& or *) in line 1: write the value out in each place"),
        ("a: !!python/object/apply:os.system [s3cret]\n", f"definition {PLAIN} (line 1, column 4): correct it there"),
        ("a: !s3cret 1\n", f"definition {PLAIN} (line 1, column 4)"),
        ("a: 1\n\ts3cret: 2\n", "definition is not YAML of plain values (line 2, column 1): correct it there"),
        ("s3cret\n: s3cret: x: y\n", f"definition {PLAIN} (line 2, column 1)"),
        ("a: 's3cret\n", "definition is not YAML of plain values (line 2, column 1): correct it there"),
        ("a: 2001-99-99\n", f"definition {PLAIN}: use text"),
        ("{[s3cret]: 1}\n", "definition is not YAML of plain values (line 1, column 2): correct it there"),
        ("{{a: 1}: 1}\n", "definition is not YAML of plain values (line 1, column 2): correct it there"),
        ("a: 1\n---\ns3cret: 1\n", "definition is not YAML of plain values (line 2, column 1): correct it there"),
        ("a: \x00s3cret\n", f"definition {PLAIN}"),
        ("[" * 21 + "]" * 21 + "\n", "definition is more than 20 levels deep"),
        ("[" * 5000 + "\n", "definition is more than 20 levels deep"),
        ("- s3cret\n" * 501, "definition has more than 500 keys and values"),
        ("a: " + "x" * 65536 + "\n", "definition has more than 65536 bytes"),
        ("a: " + "1" * 5000 + "\n", f"definition {PLAIN}: use text"),
    ],
)
def test_text_that_is_too_much_or_wrong_is_refused_without_repeating_it(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "road.yml"
    file.write_text(text)
    for value in (text, str(file)):
        with pytest.raises(Refused) as refused:
            given_definition(value)
        problem = str(refused.value).replace(str(file), "road.yml").replace("names road.yml, which cannot be read (it has", "has")
        assert problem.startswith(said) and "s3cret" not in problem and len(problem) < 250


@pytest.mark.parametrize("value", [[[[]] * 300] * 2, {"a": [0] * 500}, {str(each): each for each in range(300)}])
def test_a_mapping_that_is_too_much_is_refused(value: Any) -> None:
    with pytest.raises(Refused, match=r"^definition has more than 500 keys and values: write a definition, which is much shorter"):
        given_definition(value)


def test_a_mapping_that_is_too_deep_is_refused() -> None:
    deep: Any = []
    for _each in range(100_000):
        deep = [deep]
    with pytest.raises(Refused, match=r"^definition is more than 20 levels deep"):
        given_definition(deep)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), "~nobody-such/x", "a\x00b", "x" * 5000):
        with pytest.raises(Refused, match="cannot be read") as refused:
            given_definition(str(name))
        assert len(str(refused.value)) < 600 and "\x00" not in str(refused.value)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@`, \n\t\x00\u2028é01.~?<"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        json.dumps(given_definition(f"{text}\n"), default=str)


def test_the_routers_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "road.yml").write_text("kind: Road")
    plain, named = {"type": "istio", "definition": None}, {"type": "road", "definition": str(tmp_path / "road.yml")}
    assert with_definitions([plain, named]) == [plain, {"type": "road", "definition": {"kind": "Road"}}]
    assert with_definitions(None) is None
    assert named["definition"] == str(tmp_path / "road.yml")
