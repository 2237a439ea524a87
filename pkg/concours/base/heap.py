"""What a process that has started tells Python's garbage collector."""

import gc

YOUNG = 10_000  # new objects between two looks at the young ones; Python's own 700 are for programs with little memory


def settle() -> None:
    """Takes all that lives as long as the process (modules, classes, the application) out of the collector's sight.

    It would be walked through again and again and never found to be garbage: a fifth of the processor time of a web
    process that takes votes went there. See docs.python.org/3/library/gc.html, `gc.freeze`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
