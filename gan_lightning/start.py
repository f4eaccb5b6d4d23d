"""What every program imports first: Ctrl-C ends it without a traceback, also in the seconds that libraries load in.

Programs that go on to watch signals, or to say what an interruption means, do so from then on.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def train() -> None:
    """``gan-train``."""
    from gan_lightning.cli import main

    main()
