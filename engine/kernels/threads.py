"""Threads that begin one piece of work together, and end together."""

import threading
from collections.abc import Callable


def together(n_threads: int, work: Callable[[int, int], int], give_up: Callable[[], None] = lambda: None) -> int:
    """What `work(number, size)` returns for number 0, called for each number below `size` by as many threads at once.

    They may wait for one another inside, so none begins before all are there; where the system has no more threads,
    those that there are do the work. Whatever ends one of them (`give_up` tells the others) ends all, and is raised.
    """
    gate, n_started = threading.Event(), 1
    errors: list[BaseException] = []

    def follow(number: int) -> None:
        gate.wait()
        try:
            work(number, n_started)
        except BaseException as error:
            errors.append(error)
            give_up()

    followers: list[threading.Thread] = []
    try:
        for number in range(1, n_threads):
            follower = threading.Thread(target=follow, args=(number,), daemon=True)
            try:
                follower.start()
            except RuntimeError:
                break
            followers.append(follower)
            n_started += 1
        gate.set()
        found = work(0, n_started)
    except BaseException:
        give_up()
        raise
    finally:
        gate.set()
    for follower in followers:
        follower.join()
    if errors:
        raise errors[0]
    return found
