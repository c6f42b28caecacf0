"""What was declared of a verb: the places and options that may be said to it.

The one place that looks inside argparse, for the manual and for completion.
"""

from __future__ import annotations

import argparse


def actions(verb: argparse.ArgumentParser) -> list[argparse.Action]:
    """Give what may be said to a verb, in the order in which it was declared."""
    return verb._actions  # noqa: SLF001 - argparse has no other way to ask


def is_rest(action: argparse.Action) -> bool:
    """Tell whether it takes all words that are left, whatever they are."""
    return action.nargs == argparse.REMAINDER


def is_repeatable(action: argparse.Action) -> bool:
    """Tell whether an option may be given again."""
    return isinstance(action.default, list)


def flag_of(action: argparse.Action) -> str:
    """Give the long name of an option."""
    return max(action.option_strings, key=len)


def value_of(action: argparse.Action) -> str:
    """Say what a value is: RUN, or a choice of words; nothing for a switch."""
    if action.nargs == 0:
        return ""
    if action.choices is not None and action.metavar is None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())
