"""One chain, as a process of its own: python -m stages.sampling.chain FOLDER INDEX.

It goes on from its last sweep, tells each on a line, and ends when nobody listens.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from models.hdp import chains, fitting
from stages.sampling import job as jobs
from stages.sampling.job import Job, Sampled


def main(folder: Path, index: int) -> None:
    """Sweep until the job is done; each sweep is written down before it is told."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job = jobs.kept_job(folder)
    now = jobs.kept_chain(folder, index) or begun(job, index)
    while now.done < job.sweeps:
        now = swept(job, now)
        jobs.keep_chain(folder, index, now)
        log_evidence, occupied = now.chain.traces[-1, :2]
        sys.stdout.write(f"{now.done} {log_evidence!s} {occupied!s}\n")
        sys.stdout.flush()


def begun(job: Job, index: int) -> Sampled:
    """Begin a chain."""
    chain = chains.begin(job.prior, job.words, job.lengths, seed=job.seed, index=index)
    return Sampled(chain, ())


def swept(job: Job, now: Sampled) -> Sampled:
    """Sweep once; keep the draw in the later half."""
    chain, drawn = chains.advance(job.prior, now.chain, job.words, job.lengths)
    is_kept = len(chain.traces) > job.sweeps // 2
    return Sampled(chain, (*now.kept, fitting.keep(drawn)) if is_kept else now.kept)


def _end_with_parent() -> None:
    """Stop at once when the pipe from the stage closes: killed, it leaves nobody."""
    # Not through sys.stdin: its lock would be held when the chain ends.
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
