"""Make foreign text safe to show: what a stage printed is never an order to a terminal.

Logs, reasons and names come from a box. They may hold escape sequences that move the
cursor or set the window title, signs that turn the reading direction, and bytes that
were no text at all.
"""

from __future__ import annotations

import re
import unicodedata

_MOST = 4000  # characters; no terminal shows more of one line
_TAB = 4
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC
    r"|\x1b[ -/]*[0-~]"  # the short ones
)
# It asks for the wide, coloured form of the sign before it, and terminals disagree
# with every table about how wide that is.
_EMOJI_FORM = "\N{VARIATION SELECTOR-16}"


def tame(text: str) -> str:
    """Give `text` as one line that moves nothing and draws only where it stands.

    Colours and other escapes go; of a progress bar its last state stays; what has no
    shape becomes a replacement character. Markup brackets are left as they are.
    """
    text = text.rstrip("\r\n").rpartition("\r")[2][:_MOST]
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPE.sub("", text).expandtabs(_TAB)
    return "".join(map(_shown, text))


def tame_text(text: str) -> str:
    """Give `text` with each of its lines tamed."""
    return "\n".join(map(tame, text.split("\n")))


def tame_lines(text: str, most: int = 20) -> list[str]:
    """Give the lines of `text`, each tamed; of a long text the last `most`."""
    return [tame(line) for line in text.splitlines() if line.strip()][-most:]


def _shown(sign: str) -> str:
    if sign == _EMOJI_FORM:
        return ""
    if sign.isprintable():
        return sign
    kind = unicodedata.category(sign)
    if kind.startswith("Z") or sign == "\n":
        return " "
    # Format signs have no width of their own; some reverse all that follows them.
    return "" if kind == "Cf" else "\N{REPLACEMENT CHARACTER}"
