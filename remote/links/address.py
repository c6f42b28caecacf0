"""Whom ssh is asked for: what a host of the pipeline.yaml says of where it is."""

from __future__ import annotations

from pipeline.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Whom to ask for: an alias or an address, and what the alias does not say."""

    host: str
    user: str = ""
    port: int = 0

    @property
    def flags(self) -> list[str]:
        """The user and the port, as ssh takes them."""
        user = ["-l", self.user] if self.user else []
        return [*user, *(["-p", str(self.port)] if self.port else [])]

    def path(self, folder: str) -> str:
        """Give `host:folder`, as git and rsync take it."""
        return (
            f"[{self.host}]:{folder}" if ":" in self.host else f"{self.host}:{folder}"
        )
