"""Write docs/contributing/state-machine.md, the states of a rollout, from their table; called by state-table."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.progressive.delivery.plugins.module_utils._rollout.state import (
    LEADS_TO,
    PROGRESS,
    TABLE,
    Operation,
    Refusal,
    Request,
    Situation,
)

FILE = Path(__file__).parents[2] / "docs" / "contributing" / "state-machine.md"

HEAD = """# The states of a rollout

`tests/tools/state-table` writes this page from the table in `plugins/module_utils/_rollout/state.py`. A test fails when it is out of date.

A call reads the record, finds where the rollout is (`situation_of`) and what is asked for (`admit` in `_rollout/decide.py`), and looks up
what to do. In the picture, texts in brackets say what happens while a call carries the rollout out; the others are operations. In check
mode the operation is the same: its actions are returned, and not carried out. To end a revision and start the other one means: roll back
what has not switched, finish what has, and then start.

"""


def page() -> str:
    """The text of the page."""
    return HEAD + _diagram() + "\n" + _table() + _refusals()


def _id(situation: Situation) -> str:
    return situation.name.lower()


def _diagram() -> str:
    lines = [f"    {_id(each)}: {each.value}" for each in Situation]
    arrows: dict[tuple[Situation, Situation], list[str]] = {}
    for (situation, _request), outcome in TABLE.items():
        to = LEADS_TO.get(outcome) if isinstance(outcome, Operation) else None
        if isinstance(outcome, Operation) and to is not None and to is not situation:
            arrows.setdefault((situation, to), []).append(outcome.value)
    lines += [f"    {_id(start)} --> {_id(end)}: {' / '.join(dict.fromkeys(names))}" for (start, end), names in arrows.items()]
    for start, ends in PROGRESS.items():
        lines += [f"    {_id(start)} --> {_id(end)}: ({text})" for end, text in ends.items()]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


def _table() -> str:
    notes = _notes()
    head = ["The call asks for", *(each.value for each in Situation)]
    rows = [[request.value, *(_cell(TABLE[situation, request], notes) for situation in Situation)] for request in Request]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)) + "\n"


def _notes() -> dict[Refusal, int]:
    found = dict.fromkeys(outcome for outcome in TABLE.values() if isinstance(outcome, Refusal))
    return {refusal: number for number, refusal in enumerate(found, 1)}


def _cell(outcome: Operation | Refusal, notes: dict[Refusal, int]) -> str:
    return f"refused ({notes[outcome]})" if isinstance(outcome, Refusal) else outcome.value


def _refusals() -> str:
    lines = [f"{number}. rollout `NAME` {each.what}: {each.remedy}" for each, number in _notes().items()]
    return "\nRefused, and nothing is changed:\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(page())
