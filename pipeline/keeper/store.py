"""The database behind one thread, and whether it answers."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from db.engine import reading, writing
from db.startup import require_head
from pipeline.errors import FolderUnavailable, StoreUnavailable, WrongRevision

logger = logging.getLogger(__name__)

SLOW_S: Final = 4.0
"""A call that takes longer counts as a database that does not answer; with one
call a second or more the plots show it well within 10 s."""
T = TypeVar("T")


class Store:
    """Runs database work off the event loop, one call after the other."""

    def __init__(self, engine: Engine) -> None:
        """Connect to nothing yet.

        Args:
            engine: The database of the deployment.
        """
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="record")
        self._file = _sqlite_file(engine)
        self._identity: tuple[int, int] | None = None
        self._opened = False
        self._begun: float | None = None
        self._failure = ""
        self.answered = 0.0
        """When the database answered last, monotonic seconds."""

    @property
    def away(self) -> str:
        """Say why nothing can be recorded now; empty when the database answers."""
        if self._failure:
            return self._failure
        begun = self._begun
        if begun is not None and time.monotonic() - begun > SLOW_S:
            return f"database away: no answer for more than {SLOW_S:g} s"
        return ""

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run work in one transaction that writes.

        Args:
            work: Called in the thread of the database.

        Returns:
            What the work returns; it is committed then.

        Raises:
            StoreUnavailable: The database or a folder does not answer; nothing is
                written.
            StoreError: The database refuses; nothing is written.
        """
        return await self._run(lambda: self._writing(work))

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run work that only reads; raises as ``write`` does."""
        return await self._run(lambda: self._reading(work))

    async def open(self) -> None:
        """Check that the database is of the revision this release expects.

        Raises:
            WrongRevision: It is not.
            StoreUnavailable: It does not answer.
        """
        await self._run(lambda: require_head(self._engine))
        self._opened = True

    async def probe(self) -> None:
        """Ask the database whether it takes a write; raises as ``write`` does."""
        await self.write(lambda session: session.execute(text("SELECT 1")))

    def close(self) -> None:
        """Let the present call end, drop all others, close the connections."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()

    async def _run(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._thread, self._timed, work)
        except FolderUnavailable:
            # The database itself answers.
            raise
        except StoreUnavailable as error:
            if not self._failure:
                logger.error("stage=Keeper event=database-away text='%s'", error)
            self._failure = f"database away: {error}"
            raise
        if self._failure:
            logger.info("stage=Keeper event=database-back")
        self._failure = ""
        self.answered = time.monotonic()
        return result

    def _timed(self, work: Callable[[], T]) -> T:
        self._begun = time.monotonic()
        try:
            self._check_file()
            return work()
        finally:
            self._begun = None

    def _writing(self, work: Callable[[Session], T]) -> T:
        with writing(self._engine) as session:
            return work(session)

    def _reading(self, work: Callable[[Session], T]) -> T:
        with reading(self._engine) as session:
            return work(session)

    def _check_file(self) -> None:
        """See that the SQLite file still lies where it lay.

        SQLite goes on writing to a file that was removed, and makes an empty
        one where there is none: both would lose the record without a word.
        """
        if self._file is None:
            return
        try:
            found = self._file.stat()
        except OSError as error:
            self._engine.dispose()
            self._identity = None
            raise StoreUnavailable(f"file {self._file}: {error.strerror}") from error
        identity = (found.st_dev, found.st_ino)
        if identity == self._identity:
            return
        self._engine.dispose()
        if self._opened:
            try:
                require_head(self._engine)
            except WrongRevision as error:
                raise StoreUnavailable(f"another file has taken its place: {error}") from error
        self._identity = identity


def _sqlite_file(engine: Engine) -> Path | None:
    name = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)
