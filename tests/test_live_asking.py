"""One question for many who wait, and many things at the same time."""

import asyncio

import pytest

from live.asking import Asking, at_the_same_time


def ask(scenario, seconds=1.0):
    """Run scenario(asking, asked) with a question that takes time; its answer is the number of the question."""

    async def main():
        asked = []

        async def question():
            asked.append("begun")
            number = len(asked)
            assert asked.count("ended") == asked.count("begun") - 1  # never two at the same time
            await asyncio.sleep(seconds / 100)
            asked.append("ended")
            return number

        return await scenario(Asking(question), asked)

    return asyncio.run(main())


def test_those_that_ask_together_ask_once():
    async def scenario(asking, asked):
        answers = await at_the_same_time(asking.answer() for _ in range(50))
        assert set(answers) == {1}
        assert asked == ["begun", "ended"]

    ask(scenario)


def test_nobody_gets_an_answer_to_an_earlier_question():
    async def scenario(asking, _asked):
        first = asyncio.create_task(asking.answer())
        await asyncio.sleep(0.005)  # it is under way
        later = [asyncio.create_task(asking.answer()) for _ in range(3)]
        assert await first == 1
        assert set(await asyncio.gather(*later)) == {3}
        assert await asking.answer() == 5

    ask(scenario)


def test_a_question_that_fails_fails_for_all_and_the_next_is_asked():
    async def main():
        answers = iter([ValueError("lost"), "found"])

        async def question():
            await asyncio.sleep(0.001)
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        asking = Asking(question)
        first = [asyncio.create_task(asking.answer()) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        second = asyncio.create_task(asking.answer())
        assert [str(one) for one in await asyncio.gather(*first, return_exceptions=True)] == ["lost", "lost"]
        assert await second == "found"

    asyncio.run(main())


def test_one_who_gives_up_leaves_the_others_their_answer():
    async def scenario(asking, _asked):
        impatient, patient = (asyncio.create_task(asking.answer()) for _ in range(2))
        await asyncio.sleep(0.002)
        impatient.cancel()
        assert await patient == 1

    ask(scenario)


def test_a_failure_does_not_keep_others_from_their_end():
    done = []

    async def work(number):
        await asyncio.sleep(0.001 * number)
        if number == 1:
            raise ValueError("first")
        done.append(number)
        return number

    with pytest.raises(ValueError, match="first"):
        asyncio.run(at_the_same_time_of(work, range(4)))
    assert done == [0, 2, 3]
    assert asyncio.run(at_the_same_time_of(work, [3, 2, 0])) == [3, 2, 0]


async def at_the_same_time_of(work, numbers):
    return await at_the_same_time(map(work, numbers))
