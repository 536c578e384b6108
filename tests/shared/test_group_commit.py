"""What arrives together is written together, and nobody pays for a neighbour."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest
import structlog

from shared.db import RETRYABLE, Connection, Pool, SiteScope, transaction
from shared.errors import Problem
from shared.group_commit import GroupCommit, GroupSettings, GroupWork
from tests.conftest import Databases, Pools
from tests.waiting import until


@dataclass(frozen=True)
class Letter:
    text: str
    key: str = ""
    site: str = "site-01"


@dataclass
class Post:
    """Writes letters to a table; waits at the door while it is closed, and tells which letters came together."""

    groups: list[list[str]] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    said: list[dict[str, object]] = field(default_factory=list)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, connection: Connection, letters: Sequence[Letter]) -> list[str]:
        self.said.append(structlog.contextvars.get_contextvars())
        self.groups.append([letter.text for letter in letters])
        self.scopes.append(await connection.fetchval("SELECT current_setting('samepage.sites')"))
        await self.is_open.wait()
        if any(letter.text == "slow" for letter in letters):
            await connection.execute("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)")
        await connection.executemany("INSERT INTO letter VALUES ($1)", [(letter.text,) for letter in letters])
        return [letter.text.upper() for letter in letters]

    async def write_apart(self, connection: Connection, letters: Sequence[Letter]) -> list[str]:
        """Knows what to say of a bad letter."""
        if letters[0].text in ("bad", "slow"):
            return ["returned to sender"]
        return await self.write(connection, letters)


@dataclass
class Forgetful(Post):
    """Writes every letter and answers one too few."""

    async def write(self, connection: Connection, letters: Sequence[Letter]) -> list[str]:
        return (await super().write(connection, letters))[1:]


@pytest.fixture
async def pool(database: Databases, pool_of: Pools) -> Pool:
    found = await database("intake")
    await found.run(
        "CREATE TABLE letter (text text PRIMARY KEY CHECK (text <> 'bad')); "
        "GRANT SELECT, INSERT ON letter TO samepage_worker"
    )
    return await pool_of(found)


@pytest.fixture
def post() -> Post:
    return Post()


@dataclass
class Sender:
    """Submits to one database."""

    commit: GroupCommit[Letter, str]
    pool: Pool

    async def submit(self, letter: Letter) -> str:
        return await self.commit.submit(self.pool, letter)


def group_commit(pool: Pool, post: Post, **settings: int) -> Sender:
    work = GroupWork[Letter, str](
        keys=lambda letter: [(letter.site, key) for key in (letter.key or letter.text).split()],
        scope=lambda letter: SiteScope.of(letter.site),
        write=post.write,
        write_apart=post.write_apart,
    )
    return Sender(GroupCommit(work, GroupSettings(**{"writers": 1, **settings})), pool)


async def begun(commit: Sender, post: Post, *letters: Letter) -> list[asyncio.Task[str]]:
    """Submit these; the first stands at the door by itself, and the others come behind it."""
    first = asyncio.create_task(commit.submit(letters[0]))

    async def is_at_the_door() -> bool:
        return bool(post.scopes)

    await until(is_at_the_door)
    return [first, *(asyncio.create_task(commit.submit(letter)) for letter in letters[1:])]


def is_so(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return condition()

    return ask


async def stored(pool: Pool) -> list[str]:
    return [row["text"] for row in await pool.fetch("SELECT text FROM letter ORDER BY text")]


async def test_an_item_that_comes_alone_is_written_alone(pool: Pool, post: Post) -> None:
    post.is_open.set()
    commit = group_commit(pool, post)
    assert [await commit.submit(Letter("a")), await commit.submit(Letter("b"))] == ["A", "B"]
    assert post.groups == [["a"], ["b"]]
    assert await stored(pool) == ["a", "b"]


async def test_what_comes_while_the_writer_is_busy_is_written_in_one_group(pool: Pool, post: Post) -> None:
    tasks = await begun(group_commit(pool, post, group=3), post, *map(Letter, "abcdef"))
    post.is_open.set()
    assert await asyncio.gather(*tasks) == list("ABCDEF")
    assert post.groups == [["a"], ["b", "c", "d"], ["e", "f"]]


async def test_another_writer_begins_when_a_crowd_waits(pool: Pool, post: Post) -> None:
    sender = group_commit(pool, post, writers=2, crowd=3)
    tasks = await begun(sender, post, *map(Letter, "abc"))
    await until(is_so(lambda: sender.commit.queued == 2))
    tasks.append(asyncio.create_task(sender.submit(Letter("d"))))
    await until(is_so(lambda: len(post.groups) == 2))
    assert post.groups == [["a"], ["b", "c", "d"]]
    post.is_open.set()
    assert await asyncio.gather(*tasks) == list("ABCD")


async def test_nobody_waits_behind_something_large(pool: Pool, post: Post) -> None:
    tasks = await begun(group_commit(pool, post, writers=2, keys=3), post, Letter("many", "1 2 3 4"), Letter("a"))
    await until(is_so(lambda: len(post.groups) == 2))
    assert post.groups == [["many"], ["a"]]
    post.is_open.set()
    assert await asyncio.gather(*tasks) == ["MANY", "A"]


async def test_a_group_runs_under_the_sites_of_its_items_and_no_other(pool: Pool, post: Post) -> None:
    letters = [Letter("a", site="site-03"), Letter("b", site="site-02"), Letter("c", site="site-01")]
    tasks = await begun(group_commit(pool, post), post, *letters)
    post.is_open.set()
    await asyncio.gather(*tasks)
    assert post.scopes == ["site-03", "site-01,site-02"]


async def test_items_that_share_a_key_are_written_one_after_the_other_in_order(pool: Pool, post: Post) -> None:
    letters = [Letter("a"), Letter("b", "x"), Letter("c"), Letter("d", "x"), Letter("e"), Letter("f", "x")]
    tasks = await begun(group_commit(pool, post), post, *letters)
    post.is_open.set()
    await asyncio.gather(*tasks)
    assert post.groups == [["a"], ["b", "c", "e"], ["d"], ["f"]]


async def test_what_must_wait_is_not_overtaken_by_what_waits_for_it(pool: Pool, post: Post) -> None:
    letters = [Letter("a"), Letter("b", "x"), Letter("c", "x y"), Letter("d", "y"), Letter("e")]
    tasks = await begun(group_commit(pool, post), post, *letters)
    post.is_open.set()
    await asyncio.gather(*tasks)
    assert post.groups == [["a"], ["b", "e"], ["c"], ["d"]]


async def test_an_item_that_holds_much_is_written_by_itself_and_nobody_overtakes_it(pool: Pool, post: Post) -> None:
    letters = [Letter("a"), Letter("b"), Letter("many", "1 2 3 4"), Letter("c"), Letter("few", "5 6"), Letter("d")]
    tasks = await begun(group_commit(pool, post, keys=3), post, *letters)
    post.is_open.set()
    await asyncio.gather(*tasks)
    assert post.groups == [["a"], ["b"], ["many"], ["c", "few"], ["d"]]


async def test_nobody_waits_for_what_somebody_else_holds_of_another_site(pool: Pool, post: Post) -> None:
    letters = [Letter("a"), Letter("b", site="site-02"), Letter("held", site="site-03"), Letter("c", site="site-01")]
    commit = group_commit(pool, post)
    async with transaction(pool, locks=[("site-03", "held")]):
        tasks = await begun(commit, post, *letters)
        post.is_open.set()
        assert [await tasks[0], await tasks[1], await tasks[3], await commit.submit(Letter("d"))] == list("ABCD")
        assert not tasks[2].done()
    assert await tasks[2] == "HELD"
    assert await stored(pool) == ["a", "b", "c", "d", "held"]


async def test_a_statement_that_takes_too_long_undoes_its_group_and_fails_nobody_else(pool: Pool, post: Post) -> None:
    tasks = await begun(group_commit(pool, post), post, *map(Letter, ("a", "b", "slow", "c")))
    post.is_open.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "returned to sender", "C"]
    assert await stored(pool) == ["a", "b", "c"]


async def test_what_fails_by_itself_too_is_told_to_its_sender(pool: Pool, post: Post) -> None:
    tasks = await begun(group_commit(pool, post), post, *map(Letter, ("a", "b", "b", "c")))
    post.is_open.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["str", "str", "UniqueViolationError", "str"]
    assert await stored(pool) == ["a", "b", "c"]


async def test_a_bad_item_fails_alone(pool: Pool, post: Post) -> None:
    tasks = await begun(group_commit(pool, post), post, *map(Letter, ("a", "b", "bad", "c")))
    post.is_open.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "returned to sender", "C"]
    assert await stored(pool) == ["a", "b", "c"]


async def test_a_lost_connection_is_told_to_everybody_in_the_group_and_writes_nothing(pool: Pool, post: Post) -> None:
    commit = group_commit(pool, post)
    tasks = await begun(commit, post, Letter("a"))
    await pool.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state = 'idle in transaction'"
    )
    post.is_open.set()
    with pytest.raises(RETRYABLE):
        await tasks[0]
    assert await stored(pool) == []
    assert await commit.submit(Letter("a")) == "A"


async def test_a_sender_that_goes_away_takes_nobody_with_it(pool: Pool, post: Post) -> None:
    tasks = await begun(group_commit(pool, post), post, *map(Letter, "abc"))
    tasks[0].cancel()
    tasks[1].cancel()
    post.is_open.set()
    assert await tasks[2] == "C"
    assert await stored(pool) == ["a", "c"]  # a was on its way, b was not


async def test_who_went_away_before_a_failed_group_is_written_again_is_left_out(pool: Pool, post: Post) -> None:
    tasks = await begun(group_commit(pool, post), post, *map(Letter, ("a", "bad", "b", "c")))
    post.is_open.set()
    await tasks[0]
    post.is_open.clear()

    async def are_at_the_door() -> bool:
        return len(post.scopes) == 2

    await until(are_at_the_door)
    tasks[2].cancel()
    post.is_open.set()
    assert [await tasks[1], await tasks[3]] == ["returned to sender", "C"]
    assert await stored(pool) == ["a", "c"]


async def test_an_item_without_an_answer_is_not_written_either(pool: Pool) -> None:
    post = Forgetful()
    post.is_open.set()
    with pytest.raises(ValueError, match="shorter"):
        await group_commit(pool, post).submit(Letter("a"))
    assert await stored(pool) == []


async def test_what_is_said_of_one_request_is_not_said_of_what_is_written_beside_it(pool: Pool, post: Post) -> None:
    commit = group_commit(pool, post)
    with structlog.contextvars.bound_contextvars(request_id="of-the-first"):
        tasks = await begun(commit, post, *map(Letter, "ab"))
    post.is_open.set()
    await asyncio.gather(*tasks)
    assert post.said == [{}, {}]


async def test_what_waits_is_bounded_and_the_rest_is_sent_away(pool: Pool, post: Post) -> None:
    commit = group_commit(pool, post, waiting=2)
    *taken, sent_away = await begun(commit, post, *map(Letter, "abcd"))
    with pytest.raises(Problem) as refused:
        await sent_away
    assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "1"})
    post.is_open.set()
    assert await asyncio.gather(*taken) == list("ABC")
