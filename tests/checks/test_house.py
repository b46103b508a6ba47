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
_PURE_ROOMS = ["_rollout", "_plan", "_strategies", "_steps", "_workloads", "_routing", "_analysis", "_objects"]
ROOMS = ["modules", "_module", "_actions", "_cluster", *_PURE_ROOMS]
PURE = set(_PURE_ROOMS)
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


# In the package of the strategies the name of a file says what it may do: the other files describe, and what reads the plan imports them.
ROOM_OF_PART = {"handlers": "_actions", "sequence": "_rollout", "preconditions": "_rollout"}


def room_of(path: tuple[str, ...]) -> str:
    """("plugins", "module_utils", "_plan", ...) is in _plan; filters, action plugins and the like stand where modules do."""
    name = path[2] if path[1] == "module_utils" else path[1]
    if name == "_strategies":
        return next((ROOM_OF_PART[part] for part in (PurePosixPath(each).stem for each in path[3:5]) if part in ROOM_OF_PART), name)
    return name if name in ROOMS else "modules"


def parse(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(), name)


def imports(name: str) -> Iterator[tuple[str, ...]]:
    """The full names of all that a file imports, late imports included, those for annotations alone left out.

    Those of this collection begin with plugins.
    """
    package = (*COLLECTION, *PurePosixPath(name).parent.parts)
    tree = parse(name)
    for_types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    unused = {each for node in for_types for each in ast.walk(node)}
    for node in (each for each in ast.walk(tree) if each not in unused):
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
    found = [parts for parts in imports(name) if parts[0] == "plugins" and len(parts) > 2]
    if room == "_strategies":
        at_once = [node.module.split(".")[-1] for node in parse(name).body if isinstance(node, ast.ImportFrom) and node.module]
        assert not set(at_once) & set(ROOM_OF_PART), f"{name}: a description imports the parts of its strategy on demand"
        found = [parts for parts in found if parts[2] != room]
    used = {room_of(parts) for parts in found} - {room}
    assert used <= set(ROOMS[ROOMS.index(room) + 1 :]), f"{name} is in {room}; a room imports only what stands below it: {ROOMS}"
    assert "_cluster" not in used or room in MAY_USE_CLUSTER, f"{name}: only {MAY_USE_CLUSTER} talk to the cluster"


@pytest.mark.parametrize("name", [name for name in PLUGINS if room_of(PurePosixPath(name).parts) in PURE])
def test_pure_rooms_are_pure(name: str) -> None:
    foreign = {".".join(parts[:2]) if parts[0] == "urllib" else parts[0] for parts in imports(name)} - {"plugins"}
    assert foreign <= PURE_LIBRARY
    called = {ast.unparse(node.func) for node in ast.walk(parse(name)) if isinstance(node, ast.Call)}
    assert not [call for call in called if call in IMPURE_CALLS or ".".join(call.split(".")[-2:]) in IMPURE_CALLS]


def _kinds() -> dict[str, str]:
    """Each class of a step or an action, with the file that defines it."""
    found = {"Step": "", "Action": ""}
    # Twice, since a class may stand before the one that it is made from.
    for _round in range(2):
        for name in (name for name in PLUGINS if "/_steps/" in name):
            for node in (node for node in ast.walk(parse(name)) if isinstance(node, ast.ClassDef)):
                if node.name in found or found.keys() & {ast.unparse(base) for base in node.bases}:
                    found[node.name] = name
    return found


def test_nobody_asks_for_the_kind_of_a_step_or_an_action() -> None:
    """What a step or an action is like, it says itself: a new kind changes no other file."""
    kinds = _kinds()
    assert {"SetWeight", "Pause", "Preview", "MoveTraffic", "Drain"} <= kinds.keys()
    asked = [
        f"{name}: {ast.unparse(node)}"
        for name in PLUGINS
        for node in ast.walk(parse(name))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass")
        if any(kinds[_called(part)] != name for part in _named(node.args[1], kinds))
    ]
    assert asked == []


def _called(part: ast.Name | ast.Attribute) -> str:
    return part.id if isinstance(part, ast.Name) else part.attr


def _named(node: ast.AST, kinds: dict[str, str]) -> list[ast.Name | ast.Attribute]:
    return [part for part in ast.walk(node) if isinstance(part, (ast.Name, ast.Attribute)) and _called(part) in kinds]


def caught(name: str) -> set[str]:
    """The names of the exceptions that a file catches."""
    handlers = [node.type for node in ast.walk(parse(name)) if isinstance(node, ast.ExceptHandler) and node.type is not None]
    found = [each for kind in handlers for each in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    return {ast.unparse(each).rpartition(".")[2] for each in found}


def test_one_file_repeats_writes() -> None:
    """What comes of a write conflict is decided in one place: no other file catches one, nor the signal to read again."""
    conflicts = {"Conflict", "ReadAgain"}
    assert [name for name in PLUGINS if caught(name) & conflicts] == ["plugins/module_utils/_actions/apply.py"]


STYLES = {"clone", "revisions", "pair", "in_place"}


def _names_a_strategy(node: ast.expr) -> bool:
    """Whether an operand is a strategy's name: a literal, a tuple with one, or a variable or attribute called style or order."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(map(_names_a_strategy, node.elts))
    if isinstance(node, ast.Constant):
        return node.value in STYLES
    return ast.unparse(node).rsplit(".", maxsplit=1)[-1] in ("style", "order")


@pytest.mark.parametrize("name", [name for name in PLUGINS if "/_strategies/" not in name])
def test_only_strategies_compare_their_names(name: str) -> None:
    compared = [node for node in ast.walk(parse(name)) if isinstance(node, ast.Compare)]
    found = [ast.unparse(node) for node in compared if any(map(_names_a_strategy, (node.left, *node.comparators)))]
    assert not found, f"{name}: ask the strategy's description (_strategies/strategy.py) what it can do"


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
