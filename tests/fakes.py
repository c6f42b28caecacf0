"""What stands in for the world: a clock that is moved by hand, programs on a PATH."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

BEGAN = datetime(2026, 11, 20, 17, 10, 3, tzinfo=timezone.utc)


class FakeClock:
    """A clock whose time passes only when somebody sleeps."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.passed_s = 0.0

    def now(self) -> datetime:
        """Give the time of day, in UTC."""
        return BEGAN + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        """Give the seconds slept so far."""
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.passed_s += seconds


def put_program(folder: Path, name: str, text: str) -> Path:
    """Put a program into a folder that will be on a PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path
