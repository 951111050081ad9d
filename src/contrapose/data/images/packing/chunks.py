"""Work on many pictures in threads: in order, a bounded number at a time, and with a bar to watch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def in_chunks(pictures: Sequence[Any], work: Callable[[range, list[Any]], T], workers: int, chunk: int) -> Generator[T]:
    """What `work` makes of some rows and their pictures, in order, with a bounded number of them under way."""
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for start in range(0, len(pictures), chunk):
            rows = range(start, min(start + chunk, len(pictures)))
            # fetched here, as lazy sources (tables, data sets) need not be safe to share between threads
            waiting.append(pool.submit(work, rows, [pictures[row] for row in rows]))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def bar(total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; what it gives is called with how many pictures were done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not (shown and console.is_terminal)) as shown_bar:
        task = shown_bar.add_task("Decoding pictures", total=total)
        yield lambda count: shown_bar.update(task, advance=count)
