"""The repository keeps its own rules: rooms that know only what they may, files that say what they do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT, tracked

pytestmark = pytest.mark.quick

# A room may import only what stands below it.
ROOMS = ["modules", "_module", "_actions", "_cluster", "_rollout", "_plan", "_workloads", "_routing", "_analysis", "_objects"]
PURE = {"_rollout", "_plan", "_workloads", "_routing", "_analysis", "_objects"}
MAY_USE_CLUSTER = {"_actions", "_module"}

# What a pure room may import of others: nothing that reads a clock, a file, the network or the environment.
PURE_LIBRARY = {
    *(
        "__future__",
        "abc",
        "base64",
        "collections",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fractions",
        "functools",
        "hmac",
    ),
    *(
        "gzip",
        "hashlib",
        "ipaddress",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "reprlib",
        "statistics",
        "string",
        "textwrap",
        "types",
    ),
    *("typing", "urllib.parse", "zlib"),
    *("jmespath", "yaml"),
}
IMPURE_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open", "print", "input", "exec", "eval"}

LONGEST = 450
HOMES = re.compile("|".join(f"/{folder}/" for folder in ("root", "home", "Users", "work")))

FILES = tracked()
PYTHON = [name for name in FILES if name.endswith(".py")]
SHELL = [name for name in FILES if (ROOT / name).is_file() and (ROOT / name).open("rb").readline().startswith(b"#!")]
PLUGINS = [name for name in PYTHON if name.startswith("plugins/")]
COLLECTION = ("ansible_collections", "progressive", "delivery")


def room_of(path: tuple[str, ...]) -> str:
    """("plugins", "module_utils", "_plan", ...) is in _plan; filters, action plugins and the like stand where modules do."""
    name = path[2] if path[1] == "module_utils" else path[1]
    return name if name in ROOMS else "modules"


def parse(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(), name)


def imports(name: str) -> Iterator[tuple[str, ...]]:
    """The full names of all that a file imports, late imports included; those of this collection begin with plugins."""
    package = (*COLLECTION, *PurePosixPath(name).parent.parts)
    for node in ast.walk(parse(name)):
        if isinstance(node, ast.Import):
            found = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            found = [(*base, *(node.module or "").split("."), alias.name) for alias in node.names]
            found = [tuple(filter(None, parts)) for parts in found]
        else:
            continue
        for parts in found:
            yield parts[3:] if parts[:3] == COLLECTION else parts


@pytest.mark.parametrize("name", PLUGINS)
def test_imports_point_one_way(name: str) -> None:
    room = room_of(PurePosixPath(name).parts)
    used = {room_of(parts) for parts in imports(name) if parts[0] == "plugins" and len(parts) > 2} - {room}
    assert used <= set(ROOMS[ROOMS.index(room) + 1 :]), f"{name} is in {room}; a room imports only what stands below it: {ROOMS}"
    assert "_cluster" not in used or room in MAY_USE_CLUSTER, f"{name}: only {MAY_USE_CLUSTER} talk to the cluster"


@pytest.mark.parametrize("name", [name for name in PLUGINS if room_of(PurePosixPath(name).parts) in PURE])
def test_pure_rooms_are_pure(name: str) -> None:
    foreign = {".".join(parts[:2]) if parts[0] == "urllib" else parts[0] for parts in imports(name)} - {"plugins"}
    assert foreign <= PURE_LIBRARY
    called = {ast.unparse(node.func) for node in ast.walk(parse(name)) if isinstance(node, ast.Call)}
    assert not [call for call in called if call in IMPURE_CALLS or ".".join(call.split(".")[-2:]) in IMPURE_CALLS]


@pytest.mark.parametrize("name", [name for name in PYTHON if (ROOT / name).stat().st_size])
def test_python_says_what_it_does(name: str) -> None:
    tree = parse(name)
    documented = any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION" for node in tree.body)
    said = ast.get_docstring(tree) or ""
    assert documented or said.split("\n")[0].strip(), f"{name} needs a docstring whose first line says what the file does"


@pytest.mark.parametrize("name", SHELL)
def test_commands_say_what_they_do(name: str) -> None:
    assert (ROOT / name).read_text().split("\n")[1].startswith("# "), f"{name} needs a comment below its first line"


def test_no_file_is_too_long() -> None:
    counted = {
        name: (ROOT / name).read_bytes().count(b"\n") for name in FILES if Path(name).suffix in (".py", ".go", ".md") or name in SHELL
    }
    assert {name: lines for name, lines in counted.items() if lines > LONGEST} == {}, f"more than {LONGEST} lines: does each do one thing?"


def test_no_path_of_somebodys_machine() -> None:
    texts = {name: (ROOT / name).read_text(errors="replace") for name in FILES if (ROOT / name).is_file()}
    assert {name: HOMES.findall(text) for name, text in texts.items() if HOMES.search(text)} == {}


def test_packages_hold_no_code() -> None:
    """`ansible-test sanity` of ansible-core 2.16 and 2.17 (rule empty-init) refuses an `__init__.py` that is not empty."""
    packages = [name for name in PLUGINS if PurePosixPath(name).name == "__init__.py"]
    assert packages
    assert [name for name in packages if (ROOT / name).stat().st_size] == []
