"""When answers show that the asked split is served: the bounds on mistakes, how soon, and what is measured."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from math import exp, inf, isclose
from statistics import median

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._routing.served import (
    CANARY,
    FAILED,
    RECENT,
    STABLE,
    Answers,
    Measured,
    Question,
    question,
)
from hypothesis import given
from hypothesis import strategies as st

# Moves with the share of the canary before and after, in percent, that are told from the old split and from half of the proxies having it.
FAR = [(0, 20), (20, 0), (0, 50), (50, 100), (100, 0), (80, 100), (95, 100), (5, 20), (20, 40), (25, 50), (50, 75), (20, 80)]
# Moves that are only told from the old split.
NEAR = [(0, 1), (1, 5), (5, 10), (20, 30)]
# Moves that cannot be told within the answers that there can be.
UNTOLD = [(10, 5), (50, 51), (99, 100), (1, 0), (20, 20), (0, 0), (100, 100), (None, 0), (None, 1), (None, 20), (None, 50), (None, 100)]

Answer = Callable[[random.Random, int], str]


def asks(move: tuple[float | None, float], most: int = 3000) -> Question:
    return question(None if move[0] is None else move[0] / 100, move[1] / 100, most)


def share(percent: float) -> Answer:
    return lambda dice, number: CANARY if dice.random() < percent / 100 else STABLE


def feed(answers: Answers, given: Iterable[str]) -> Answers:
    for each in given:
        answers.add(each)
    return answers


def first_served(asked: Question, answer: Answer, most: int, seed: int) -> int | None:
    """After which answer the split counts as served; None: after none."""
    dice, answers = random.Random(seed), Answers(asked)
    for number in range(1, most + 1):
        answers.add(answer(dice, number))
        if answers.served:
            return number
    return None


def accepted(asked: Question, answer: Answer, runs: int, most: int) -> int:
    return sum(first_served(asked, answer, most, seed) is not None for seed in range(runs))


@pytest.mark.parametrize("move", [(0, 20), (80, 100), (5, 10)], ids=str)
def test_the_old_split_is_taken_for_the_asked_one_in_fewer_than_one_of_a_hundred_moves(move: tuple[int, int]) -> None:
    # A tenth of the answers for which the bound of 1 % holds, and so a tenth of it.
    assert accepted(asks(move), share(move[0]), runs=2000, most=300) <= 2


@pytest.mark.parametrize("move", FAR + NEAR, ids=str)
def test_nor_is_it_in_the_whole_time(move: tuple[int, int]) -> None:
    assert accepted(asks(move), share(move[0]), runs=10, most=3000) == 0


@pytest.mark.parametrize(("move", "served"), [((0, 50), 25), ((50, 0), 12.5), ((20, 0), 5), ((80, 100), 95)], ids=str)
def test_a_stale_proxy_of_two_or_of_four_is_overlooked_in_fewer_than_one_of_twenty_moves(move: tuple[int, int], served: float) -> None:
    # Here, too, a tenth: 10 of 2,000, and three standard deviations.
    assert accepted(asks(move), share(served), runs=2000, most=300) <= 10 + 3 * 10**0.5


@pytest.mark.parametrize("move", FAR, ids=str)
def test_two_proxies_that_take_turns_are_told_from_one(move: tuple[int, int]) -> None:
    def turns(dice: random.Random, number: int) -> str:
        return share(move[number % 2])(dice, number)

    assert accepted(asks(move), turns, runs=20, most=1000) <= 1


@pytest.mark.parametrize(("move", "served"), [((0, 20), 50), ((0, 10), 100), ((50, 20), 0), ((80, 50), 20), ((5, 20), 40)], ids=str)
def test_more_than_was_asked_is_not_taken_for_it(move: tuple[int, int], served: int) -> None:
    def after_the_old_one(dice: random.Random, number: int) -> str:
        return share(move[0] if number <= 500 else served)(dice, number)

    assert accepted(asks(move), share(served), runs=100, most=500) <= 1
    assert accepted(asks(move), after_the_old_one, runs=50, most=1000) <= 1


@pytest.mark.parametrize(
    ("move", "soon"),
    [
        ((0, 1), 400),
        ((0, 5), 350),
        ((1, 5), 350),
        ((5, 10), 450),
        ((0, 20), 200),
        ((20, 40), 300),
        ((0, 50), 60),
        ((25, 50), 250),
        ((20, 80), 75),
        ((95, 100), 300),
        ((80, 100), 152),
        ((50, 100), 59),
        ((0, 100), 28),
        ((100, 0), 28),
        ((20, 0), 152),
        ((None, 20), 225),
        ((None, 0), 150),
        ((50, 51), 225),
    ],
    ids=str,
)
def test_the_asked_split_is_soon_known(move: tuple[int, int], soon: int) -> None:
    after = [first_served(asks(move), share(move[1]), 3000, seed) or inf for seed in range(100)]
    assert median(after) <= soon
    assert max(after) < inf


@pytest.mark.parametrize("move", [(0, 20), (20, 80), (50, 100), (5, 0)], ids=str)
@pytest.mark.parametrize("before", [10, 190, 1000], ids=lambda count: f"after {count}")
def test_so_it_is_when_proxies_converge_while_we_look(move: tuple[int, int], before: int) -> None:
    def converging(dice: random.Random, number: int) -> str:
        return share(move[number > before])(dice, number)

    after = [(first_served(asks(move), converging, 4000, seed) or inf) - before for seed in range(20)]
    at_once = [first_served(asks(move), share(move[1]), 3000, seed) or inf for seed in range(20)]
    assert min(after) > 0
    assert median(after) <= median(at_once) + 60


@pytest.mark.parametrize(("asked", "before"), [(20, 60), (20, 0), (0, 50), (100, 50), (50, 0)], ids=str)
def test_an_unknown_old_split_is_forgotten(asked: int, before: int) -> None:
    dice, answers, after = random.Random(1), Answers(asks((None, asked))), 0
    feed(answers, [share(before)(dice, number) for number in range(1000)])
    assert not answers.served
    while not answers.served:
        answers.add(share(asked)(dice, after))
        after += 1
    assert after < 500
    assert answers.measured(1.0).share == pytest.approx(asked, abs=8 if 0 < asked < 100 else 0)


def test_more_than_was_asked_for_a_while_is_forgotten() -> None:
    def too_much_at_first(dice: random.Random, number: int) -> str:
        return share(60 if number <= 1000 else 20)(dice, number)

    assert median(first_served(asks((0, 20)), too_much_at_first, 3000, seed) or inf for seed in range(20)) < 1300


@pytest.mark.parametrize("previous", [0.5, None], ids=["told apart", "untold"])
def test_what_was_known_stays_known(previous: float | None) -> None:
    answers = feed(Answers(question(previous, 1)), [CANARY] * 200)
    assert answers.served
    feed(answers, [STABLE] * 50)
    assert answers.served
    assert answers.measured(1.0).share == 80


def test_what_is_seldom_is_seen_in_what_decided() -> None:
    dice = random.Random(1)
    for _run in range(100):
        answers = Answers(asks((0, 1)))
        while not answers.served:
            answers.add(share(1)(dice, 0))
        assert 0 < (answers.measured(1.0).share or 0) < 5


@pytest.mark.parametrize(("move", "every"), [((0, 20), 5), ((50, 20), 5), ((0, 1), 100), ((0, 50), 2)], ids=str)
def test_a_proxy_that_takes_turns_instead_of_chances_is_known_too(move: tuple[int, int], every: int) -> None:
    assert (first_served(asks(move), lambda dice, number: STABLE if number % every else CANARY, 600, 0) or inf) < 500


@pytest.mark.parametrize(("asked", "right"), [(1.0, CANARY), (0.0, STABLE)], ids=["100 %", "0 %"])
@given(
    previous=st.sampled_from([0.3, 0.5, 0.7]),
    stretches=st.lists(st.tuples(st.sampled_from([CANARY, STABLE, FAILED]), st.integers(1, 150)), max_size=9),
)
def test_none_and_all_want_an_unbroken_run(asked: float, right: str, previous: float, stretches: list[tuple[str, int]]) -> None:
    asking = question(previous, asked)
    run = first_served(asking, lambda dice, number: right, 500, 0) or 0
    answers, seen = Answers(asking), ""
    for answer, count in stretches:
        for _number in range(count):
            answers.add(answer)
            seen = seen + "+" if answer == right else ""
            if answers.served:
                assert len(seen) >= run > 10
                return
    assert len(seen) < run + 25  # at most a block longer, since a run may have begun within one


@pytest.mark.parametrize(
    ("failing", "known"),
    [(0.0, True), (0.02, True), (0.5, False), (1.0, False)],
    ids=["none fails", "few fail", "half fails", "all fail"],
)
def test_failed_answers_speak_against_the_asked_split(failing: float, known: bool) -> None:
    def answer(dice: random.Random, number: int) -> str:
        return FAILED if dice.random() < failing else share(20)(dice, number)

    assert accepted(asks((0, 20)), answer, runs=20, most=1500) == (20 if known else 0)


PERCENT = st.integers(0, 1000).map(lambda each: each / 1000)


@given(previous=st.none() | PERCENT, asked=PERCENT, most=st.integers(100, 40_000))
def test_rivals_surround_the_asked_share_and_keep_the_bounds(previous: float | None, asked: float, most: int) -> None:
    found = question(previous, asked, most)
    assert found.rivals
    for rival in found.rivals:
        assert 0 < rival.share < 1
        # Under the rival's own share the odds stay the same on average: what bounds the mistakes.
        assert isclose(rival.share * exp(rival.adds[CANARY]) + (1 - rival.share) * exp(rival.adds[STABLE]), 1, rel_tol=1e-6)
        assert rival.adds[FAILED] == min(rival.adds[CANARY], rival.adds[STABLE])
        assert exp(-rival.needed) * max(1, most / 25) <= 0.05 * 1.000001
    if found.old:
        assert previous is not None
        assert isclose(found.old[0].share, previous, abs_tol=1e-8)
        assert exp(-found.old[0].needed) * max(1, most / 25) <= 0.01 * 1.000001
        assert all((rival.share > asked) == (previous > asked) for rival in found.old)
        assert all((rival.share < asked) == (previous > asked) for rival in found.others)


@pytest.mark.parametrize(("moves", "told"), [(FAR, True), (NEAR, True), (UNTOLD, False)], ids=["far", "near", "untold"])
def test_what_can_be_told_apart(moves: list[tuple[float | None, float]], told: bool) -> None:
    assert {move: bool(asks(move).old) for move in moves} == dict.fromkeys(moves, told)


@pytest.mark.parametrize("move", UNTOLD, ids=str)
def test_where_it_cannot_the_asked_split_is_still_looked_for(move: tuple[float | None, float]) -> None:
    answers = Answers(asks(move))
    dice = random.Random(1)
    while not answers.served:
        answers.add(share(move[1])(dice, 0))
    assert answers.measured(1.0).conclusive is False
    assert accepted(asks(move), share(move[1] - 50 if move[1] >= 50 else move[1] + 50), runs=50, most=500) == 0


@pytest.mark.parametrize("move", [(0, 20), (20, 50), (50, 100), (5, 10)], ids=str)
def test_the_versions_are_alike(move: tuple[int, int]) -> None:
    mirrored = (100 - move[0], 100 - move[1])
    after = [first_served(asks(move), share(move[1]), 3000, seed) for seed in range(30)]
    other = {CANARY: STABLE, STABLE: CANARY}
    assert [
        first_served(asks(mirrored), lambda dice, number: other[share(move[1])(dice, number)], 3000, seed) for seed in range(30)
    ] == after


@pytest.mark.parametrize("most", [100, 500, 3000])
def test_with_less_time_less_is_told_but_it_is_told_in_time(most: int) -> None:
    moves = [(0, 100), (0, 20), (5, 10), (50, 51)]
    told = [bool(asks(move, most).old) for move in moves]
    assert told == [True, True, most == 3000, False]
    assert accepted(asks((0, 20), most), share(20), runs=100, most=most) >= 90


@pytest.mark.parametrize(
    ("given", "likely"),
    [
        ([], False),
        ([CANARY], False),
        ([STABLE] * 8 + [CANARY] * 2, False),
        ([STABLE] * 40 + [CANARY] * 10, True),
        ([STABLE] * 50, False),
        ([STABLE] * 25 + [CANARY] * 25, False),
        ([STABLE] * 40 + [CANARY] * 10 + [FAILED] * 20, False),
        ([STABLE] * 1000 + ([STABLE] * 4 + [CANARY]) * (RECENT // 5), True),
        (([STABLE] * 4 + [CANARY]) * 100 + [STABLE] * RECENT, False),
    ],
    ids=["none", "one", "ten", "fifty", "the old split", "more than was asked", "failures", "only of late", "no longer"],
)
def test_too_few_answers_may_still_speak_for_it(given: list[str], likely: bool) -> None:
    assert feed(Answers(question(0, 0.2)), given).likely is likely


@pytest.mark.parametrize(
    ("given", "measured"),
    [
        ([], Measured(0, 0, 0, 0, None, 1.235, False)),
        ([FAILED] * 3, Measured(3, 0, 0, 3, None, 1.235, False)),
        ([STABLE] * 3 + [CANARY], Measured(4, 1, 3, 0, 25.0, 1.235, False)),
        ([STABLE] * RECENT + [STABLE, CANARY] * (RECENT // 2), Measured(1000, 250, 750, 0, 50.0, 1.235, False)),
        ([STABLE] * 50 + [FAILED] + [STABLE] * 24 + [CANARY] * 59, Measured(134, 59, 74, 1, 100.0, 1.235, True)),
    ],
    ids=["none", "failures", "few", "the last ones", "served"],
)
def test_what_was_measured(given: list[str], measured: Measured) -> None:
    assert feed(Answers(question(0.5, 1)), given).measured(1.23456) == measured


@pytest.mark.parametrize("shares", [(0, 20), (20, 1), (-0.1, 0.5), (0.5, 1.1), (None, 2)], ids=str)
def test_a_share_is_no_percentage(shares: tuple[float | None, float]) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        question(*shares)
