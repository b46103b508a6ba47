"""Whether the split that was asked for is the one that is served, judged from answers as they come (pure).

The evidence against a rival, a share that the canary must not have, is the logarithm of how many times likelier the answers are under the
asked share. The asked split is served once there is enough against every rival. Proxies converge while we look, so what speaks for a rival
is forgotten: evidence below nothing begins anew, and with the old split's that of all the others.

The rivals of a move from one share to another:
- the old split: accepted by mistake with a probability of at most 1 % within `most` answers;
- the middle between both, which two proxies serve of which one still has the old split; for 0 and 100 % the share of four proxies of which
  one has it; or where some 300 answers cannot distinguish that, the nearest to it that they can: at most 5 %, for each share from there to
  the old split; the old split itself then far more seldom;
- a share as far on the other side, so that more than what was asked is not taken for it: at most 5 %.
For 0 and 100 % the evidence is an unbroken run. A failed answer may have been either version's, and counts as what speaks against the
asked split: it breaks such a run.

Why the bounds hold: evidence begins anew only at every 25th answer, so it begins at most most / 25 times. From each of these on, answers of
a rival, or of a share beyond it, ever get e**needed times likelier under the asked share with a probability of at most e**-needed (Ville).

A move that 500 answers cannot show (50 to 51 %, 99 to 100 %), or from an unknown split, has no old split to compare: its rivals are the
nearest shares on both sides that can be distinguished soon, and the last 200 answers must rule them out. This shows that roughly the
asked split is served, not that the move has taken effect, and `conclusive` is false: then wait the grace as well.
"""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from math import inf, log
from operator import add, ge

CANARY, STABLE, FAILED = "canary", "stable", "failed"

# How probable a mistake may be within all answers of a probe, and how many answers may be needed on average to rule it out.
_OLD = (0.01, 500)
_BETWEEN = (0.05, 300)
_BEYOND = (0.05, 150)
_BLOCK = 25
_LAST = 200  # answers that decide where there is no old split to compare with
RECENT = 500  # answers that are reported where none decided, and that may still make the asked split likely
_LIKELY = log(3)
_NEVER = 1e-9  # against a rival that never answers as the canary one stray answer would be evidence without end


@dataclass(frozen=True)
class Measured:
    """What a probe saw. The counts are of all requests.

    Attributes:
        share: The canary's percent of the answers that decided, or of the last 500 where none did; None without answers.
        seconds: How long the probe took.
        conclusive: Whether the answers distinguish the asked split from the one before; if not, they replace no grace.
    """

    requests: int
    canary: int
    stable: int
    failed: int
    share: float | None
    seconds: float
    conclusive: bool


@dataclass(frozen=True)
class Rival:
    """A share that the canary must not have.

    Attributes:
        share: The share, 0 to 1.
        needed: The evidence that rules it out.
        adds: What one answer adds to the evidence.
    """

    share: float
    needed: float
    adds: dict[str, float]


@dataclass(frozen=True)
class Question:
    """Whether the canary has the share `asked`.

    Attributes:
        asked: The share, 0 to 1.
        old: The rivals on the old split's side.
        others: The other rivals.
    """

    asked: float
    old: tuple[Rival, ...]
    others: tuple[Rival, ...]

    @property
    def rivals(self) -> tuple[Rival, ...]:
        """All of them, the old ones first."""
        return self.old + self.others


def question(previous: float | None, asked: float, most: int = 3000) -> Question:
    """Chooses the rivals of a share.

    Args:
        previous: The share before the move, None where it is unknown.
        asked: The share that is asked for, 0 to 1.
        most: How many answers there can be in all.
    """
    if not all(0 <= share <= 1 for share in (asked, previous or 0)):
        raise ValueError(f"shares {previous} and {asked}: 0 to 1")
    old = None if previous is None else _rival(asked, previous, _OLD, most)
    if previous is None or old is None:
        near = (_nearest(asked, end, _BEYOND, most) for end in (0.0, 1.0))
        return Question(asked, (), tuple(rival for rival in near if rival))
    # Pods go after moves to 0 and 100, where more certainty costs few answers.
    stale = 1 / 4 if asked in (0, 1) else 1 / 2
    between = _nearest(asked, previous, _BETWEEN, most, at_least=stale * abs(asked - previous))
    end = 1.0 if asked > previous else 0.0
    # Not too near to the end: there, what speaks for the asked share is rare.
    beyond = _nearest(asked, end, _BEYOND, most, at_least=min(abs(asked - previous), 0.75 * abs(asked - end)))
    return Question(asked, (old, between) if between else (old,), (beyond,) if beyond else ())


class Answers:
    """The answers so far.

    Attributes:
        served: Whether they show that the asked split is served.
    """

    def __init__(self, asked: Question) -> None:
        self.served = False
        self._question = asked
        self._needed = [rival.needed for rival in asked.rivals]
        self._adds = {answer: [rival.adds[answer] for rival in asked.rivals] for answer in (CANARY, STABLE, FAILED)}
        self._evidence = [0.0] * len(self._needed)
        self._all: Counter[str] = Counter()
        self._window: Counter[str] = Counter()
        self._recent: deque[str] = deque(maxlen=RECENT)

    def add(self, answer: str) -> None:
        """Takes note of one more answer: CANARY, STABLE or FAILED."""
        self._all[answer] += 1
        self._window[answer] += 1
        self._recent.append(answer)
        whole = sum(self._all.values()) % _BLOCK == 0
        if self.served:
            return
        if self._question.old:
            self._weigh(answer, whole)
        elif whole:
            last = list(self._recent)[-_LAST:]
            self._window = Counter(last)
            self.served = all(sum(rival.adds[each] for each in last) >= rival.needed for rival in self._question.rivals)

    def _weigh(self, answer: str, whole: bool) -> None:
        """Adds to the evidence. whole: a block has ended, and what speaks for a rival is forgotten."""
        self._evidence = list(map(add, self._evidence, self._adds[answer]))
        self.served = all(map(ge, self._evidence, self._needed))
        if whole and any(sofar < 0 for sofar in self._evidence[: len(self._question.old)]):
            self._evidence = [0.0] * len(self._evidence)
            self._window.clear()
        elif whole:
            self._evidence = [max(0.0, sofar) for sofar in self._evidence]

    @property
    def likely(self) -> bool:
        """Whether the last answers at least speak for the asked split: there may have been too few of them to be sure."""
        return all(sum(rival.adds[each] for each in self._recent) >= _LIKELY for rival in self._question.rivals)

    def measured(self, seconds: float) -> Measured:
        """The result, after so many seconds."""
        deciding = self._window if self.served else Counter(self._recent)
        answered = deciding[CANARY] + deciding[STABLE]
        return Measured(
            requests=sum(self._all.values()),
            canary=self._all[CANARY],
            stable=self._all[STABLE],
            failed=self._all[FAILED],
            share=round(100 * deciding[CANARY] / answered, 2) if answered else None,
            seconds=round(seconds, 3),
            conclusive=self.served and bool(self._question.old),
        )


def _rival(asked: float, share: float, limits: tuple[float, int], most: int) -> Rival | None:
    """A rival that answers of the asked share rule out soon enough; None where it is too near for that."""
    mistake, within = limits
    needed = log(max(1.0, most / _BLOCK) / mistake)
    share = min(max(share, _NEVER), 1 - _NEVER)
    adds = {CANARY: _ratio(asked, share), STABLE: _ratio(1 - asked, 1 - share)}
    each_adds = sum(chance * adds[answer] for chance, answer in ((asked, CANARY), (1 - asked, STABLE)) if chance)
    # Where there is less time there are fewer answers, and these must be enough, too.
    if each_adds * min(within, most / 4) < needed:
        return None
    return Rival(share, needed, {**adds, FAILED: min(adds.values())})


def _ratio(asked: float, rival: float) -> float:
    return log(asked / rival) if asked else -inf


def _nearest(asked: float, end: float, limits: tuple[float, int], most: int, at_least: float = 0.0) -> Rival | None:
    """The rival between asked and end that is nearest to asked, but `at_least` so far from it; None where even the end is too near."""
    near, far = asked + (at_least if end > asked else -at_least), end
    for _halving in range(40):
        middle = (near + far) / 2
        near, far = (near, middle) if _rival(asked, middle, limits, most) else (middle, far)
    return _rival(asked, near, limits, most) or _rival(asked, far, limits, most)
