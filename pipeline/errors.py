"""All ways to be wrong, drawn once.

    PipelineError          exit  again?  meaning
     +- SpecError            2   no      the YAML is wrong; the user mends it
     +- GateFailed           3   no      the numbers say no
     +- StageFailed          4   no      a stage raised, hung, or was killed
     +- TransportError       5   yes     the network; nothing is known of the far side
     +- HostError            6   no      the far side answered, and refused
     +- IntegrityError       7   no      a file is not what its manifest says

0 is done, 130 interrupted, 70 a bug of ours. A message says what happened and where;
its hint, on the next line, says what to do or what is still true.
"""

from __future__ import annotations

DONE = 0
BUG = 70
INTERRUPTED = 130

NOT_AFFECTED = "runs on a box are not affected"


class PipelineError(Exception):
    """Something a user can understand and act on."""

    exit_code = BUG
    is_transient = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Say what happened, and on the next line what to do."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Give the text as a person should see it."""
        indented = "".join(f"\n  {line}" for line in self.hint.splitlines())
        return self.message + indented


class SpecError(PipelineError):
    """What the user wrote cannot be meant."""

    exit_code = 2


class GateFailed(PipelineError):
    """A stage's numbers do not satisfy its gates."""

    exit_code = 3


class StageFailed(PipelineError):
    """A stage raised, hung, was killed, or left an output unmade."""

    exit_code = 4


class TransportError(PipelineError):
    """The network failed: nothing is known of the far side, and one may ask again."""

    exit_code = 5
    is_transient = True


class HostError(PipelineError):
    """The far side answered, and refused."""

    exit_code = 6


class IntegrityError(PipelineError):
    """A file is not what its manifest says."""

    exit_code = 7


def trouble_here(error: OSError) -> HostError:
    """Say what this machine refused: a full disk, a folder that may not be written."""
    said = error.strerror or str(error) or type(error).__name__
    where = f": {error.filename}" if error.filename is not None else ""
    return HostError(f"this machine: {said}{where}", hint=NOT_AFFECTED)
