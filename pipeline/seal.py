"""A seal: what a commit that makes a stage done says in its trailers. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import HostError
from pipeline.frozen import dataclass
from pipeline.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

SEAL_FORMAT = 1
_COUNT = re.compile(r"[0-9]{1,9}")
_DURATION = re.compile(r"([0-9]+)s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A stage's commit, as its trailers tell it."""

    run: str
    stage: str
    attempt: int
    fingerprint: str
    verdict: Verdict
    duration_s: float
    host: str
    manifest: str
    subject: str
    reuses: str = ""
    commit: str = ""
    at: int = 0  # when it was committed, in seconds

    def message(self) -> str:
        """Write the commit message."""
        trailers = {
            "Run": self.run,
            "Stage": self.stage,
            "Attempt": str(self.attempt),
            "Fingerprint": self.fingerprint,
            "Verdict": self.verdict,
            "Duration": f"{self.duration_s:.0f}s",
            "Host": self.host,
            "Manifest": self.manifest,
            **({"Reuses": self.reuses} if self.reuses else {}),
            "Seal-Format": str(SEAL_FORMAT),
        }
        lines = [f"{key}: {one_line(value)}" for key, value in trailers.items()]
        return f"{one_line(self.subject)}\n\n" + "\n".join(lines) + "\n"


def one_line(text: str) -> str:
    """Make `text` fit for one line of a commit message."""
    return " ".join(text.split()) or "-"


def parse_seal(commit: str, message: str, at: int = 0) -> Seal | None:
    """Read a seal from a commit message; None for a commit that is none."""
    subject, _, body = message.partition("\n\n")
    pairs = (line.partition(": ") for line in body.splitlines())
    said = {key: value for key, colon, value in pairs if colon}
    verdict = said.get("Verdict")
    counts = (said.get("Attempt", ""), said.get("Seal-Format", ""))
    if "Stage" not in said or not all(map(_COUNT.fullmatch, counts)):
        return None
    if verdict not in ("pass", "fail"):
        return None
    if int(said["Seal-Format"]) > SEAL_FORMAT:
        text = f"seal {commit[:7]} has format {said['Seal-Format']}"
        raise HostError(text, hint="read it with the version that made it")
    duration = _DURATION.fullmatch(said.get("Duration", ""))
    return Seal(
        run=said.get("Run", ""),
        stage=said["Stage"],
        attempt=int(said["Attempt"]),
        fingerprint=said.get("Fingerprint", ""),
        verdict="pass" if verdict == "pass" else "fail",
        duration_s=float(duration[1]) if duration else 0.0,
        host=said.get("Host", ""),
        manifest=said.get("Manifest", ""),
        subject=subject,
        reuses=said.get("Reuses", ""),
        commit=commit,
        at=at,
    )


LOG_FORMAT = "--format=%H %ct%n%B"  # with -z: what `parse_log` reads


def parse_log(listing: bytes) -> Iterator[tuple[str, str, int]]:
    """Give the commits of a `git log -z`: name, message, and when it was made."""
    for record in listing.decode("utf-8", "replace").split("\0"):
        head, _, message = record.lstrip("\n").partition("\n")
        commit, _, at = head.partition(" ")
        if at.isdigit():
            yield commit, message, int(at)
