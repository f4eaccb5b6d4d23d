"""Signals that ask for a stop: noted when they come, obeyed when an iteration has ended.

Whoever trains looks for them between two iterations, so that what is kept is the state of a whole one. Children are
told in turn. A second Ctrl-C stops at once.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

BEFORE_THE_LIMIT = (signal.SIGUSR1, signal.SIGUSR2)
"""What a scheduler is asked to send some time before it ends a job."""

SECONDS_BETWEEN_WORDS = 1.0

SECONDS_TO_SAVE = 60.0
"""Left to a process that has noted a signal to keep its state, when its launcher is gone."""

_received: signal.Signals | None = None
_is_ready: Callable[[int], bool] | None = None


class Interrupted(Exception):
    """Training was asked to stop, and its state has been kept: neither a result nor a fault."""


def watch_signals() -> None:
    """Note the signals that ask for a stop from now on, but for those that are ignored, as under ``nohup``.

    Only a main thread can, and only of it they are expected.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _note)


def ignore_signals() -> None:
    """From now on a process pays no heed to them: one that reads data, or one that ends.

    Python would die in its last moments of a signal that it watched.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_watched() -> Iterator[None]:
    """Within it signals are noted; afterwards they do what they did before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    watch_signals()
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def received_signal() -> signal.Signals | None:
    """The first signal that has asked this process for a stop."""
    return _received


def note_signal(number: int) -> None:
    """Let this process know of a signal that another one of its run has received."""
    global _received
    if _received is None:
        _received = signal.Signals(number)


def forget_signal() -> None:
    """From now on this process has not been asked for a stop: it goes on to something else, as a notebook does."""
    global _received
    _received = None


def exit_code(number: signal.Signals) -> int:
    """Of a program that a signal has ended, as shells have it: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + number


@cache
def end_with_parent(*, launched: bool = False) -> None:
    """From now on, end this process within a second of its parent's end, if it is the child of a Python program.

    A program that somebody typed outlives the shell that it was typed into.

    Args:
        launched: whether the parent is a launcher that keeps watch over this process, as torchrun does.
    """
    parent = multiprocessing.parent_process()
    if parent is not None or launched:
        watched = os.getppid() if parent is None else parent.pid
        threading.Thread(target=_end_after, args=(watched, launched), daemon=True).start()


def pass_on() -> None:
    """Ask the children for a stop, those that read data aside; to be repeated, since new ones do not know yet."""
    for child in multiprocessing.active_children():
        # Daemons read data, until nobody wants any.
        if child.pid is not None and not child.daemon and (_is_ready is None or _is_ready(child.pid)):
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)


@contextmanager
def children_told(is_ready: Callable[[int], bool] | None = None) -> Iterator[None]:
    """Within it the children learn of a signal that has come, also those that are started after it.

    Args:
        is_ready: whether the child of a process number watches signals already, of which it would die before; ``None``
            where all do from their start.
    """
    global _is_ready
    _is_ready, before = is_ready, _is_ready
    over = threading.Event()

    def tell() -> None:
        while not over.wait(SECONDS_BETWEEN_WORDS):
            if received_signal() is not None:
                pass_on()

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        _is_ready = before


def _end_after(parent: int, launched: bool) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    if launched and received_signal() is not None:  # which has ended the launcher, as SIGUSR1 does torchrun
        time.sleep(SECONDS_TO_SAVE)
    os._exit(1)


def _note(number: int, frame: FrameType | None) -> None:
    global _received
    if _received == number == signal.SIGINT:
        raise SystemExit(exit_code(signal.SIGINT))
    if _received is None:
        note_signal(number)
        pass_on()
