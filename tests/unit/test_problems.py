"""Every message that the plugins can raise or report, read from their source: object, predicate and remedy have the agreed form."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "plugins"
# Functions and classes that take object, what and remedy, besides the exceptions that are derived from ProblemError.
MAKERS = {"Problem", "fatal", "warning", "info"}
# How many messages of a room are still one text. These numbers only fall.
ONE_TEXT = {"module_utils/_actions": 6}
VERBS = re.compile(
    r"(abort|accept|add|allow|answer|apply|approve|ask|begin|change|check|choose|clear|convert|copy|correct|create|declare|define|delete|describe|"
    r"detach|disable|do|draw|drop|edit|end|ensure|find|finish|fix|free|give|go|grant|hand|include|increase|install|keep|leave|let|list|"
    r"look|make|map|mend|merge|move|name|narrow|omit|open|pass|pause|pin|point|promote|put|raise|read|release|remove|rename|renew|"
    r"repair|repeat|replace|report|restore|resume|retry|return|roll|run|save|say|scale|see|select|send|set|shorten|show|simplify|split|start|"
    r"state|stop|switch|take|tell|turn|undo|unset|update|upgrade|use|wait|widen|write)\b"
)


@dataclass(frozen=True)
class Message:
    """A message as the source makes it, with {} for what is known at run time only; a part that a variable brings is None."""

    place: str
    room: str
    parts: tuple[str | None, ...]

    def __str__(self) -> str:
        return " | ".join("{}" if part is None else part for part in self.parts)


def problem_classes(trees: dict[Path, ast.Module]) -> set[str]:
    """The names of all exceptions that carry a problem."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"ProblemError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    own = {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body)
    }
    return found - own  # those take arguments of their own, and make the parts of them


def template(node: ast.expr, names: dict[str, ast.expr]) -> str | None:
    """The text of an expression with {} for its variables; None where it is a variable as a whole."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return "".join(template(side, names) or "{}" for side in (node.left, node.right))
    if isinstance(node, ast.Name) and node.id in names:
        return template(names[node.id], {})
    return None


def messages() -> Iterator[Message]:
    trees = {path: ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}
    kinds = problem_classes(trees) | MAKERS
    for path, tree in trees.items():
        relative = path.relative_to(ROOT)
        if path.name == "problem.py":
            continue
        room = str(Path(*relative.parts[:-1][:2]))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            names = {
                node.targets[0].id: node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
            }
            for node in ast.walk(function):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds):
                    continue
                if not any(isinstance(each, ast.Starred) for each in node.args):
                    parts = tuple(template(each, names) for each in [*node.args, *(each.value for each in node.keywords)])
                    yield Message(f"{relative}:{node.lineno}", room, parts)


MESSAGES = sorted({message.place: message for message in messages()}.values(), key=lambda message: (message.room, str(message)))
WHOLE = [message for message in MESSAGES if len(message.parts) == 3]


def test_the_messages_are_found() -> None:
    assert len(WHOLE) > 200


@pytest.mark.parametrize("message", WHOLE, ids=str)
def test_a_message_has_the_form(message: Message) -> None:
    about, what, remedy = message.parts
    assert about != "" and not (about or "").endswith((":", ",", ".")), message.place
    if what is not None:
        assert what == what.strip() and "\n" not in what and not what.endswith((".", ":")), message.place
        assert re.match(r"[a-z({]", what), f"{message.place}: the predicate of a sentence, in lower case"
    if remedy is not None:
        assert remedy == remedy.strip() and "\n" not in remedy and not remedy.endswith("."), message.place
        assert remedy.startswith("{}") or VERBS.match(remedy), f"{message.place}: begins with no verb as an order: {remedy}"


def test_no_message_is_one_text() -> None:
    found = Counter(message.room for message in MESSAGES if len(message.parts) == 1)
    places = "\n".join(f"{message.place}: {message}" for message in MESSAGES if len(message.parts) == 1)
    assert all(number <= ONE_TEXT.get(room, 0) for room, number in found.items()), f"split these into object, what and remedy:\n{places}"


def test_no_message_is_of_two_parts() -> None:
    assert [str(message) for message in MESSAGES if len(message.parts) == 2 or not message.parts] == []
