"""How much is done under each profile."""

from __future__ import annotations

from typing import Any, NamedTuple

from models.networks.objective import Weights
from models.training.architecture import Architecture
from models.training.course import Precision
from models.training.learner import Recipe
from stages.exchange import PARTS


class Size(NamedTuple):
    """What a profile stands for.

    subjects: how many of each part are simulated. seconds: of each.
    epochs of `windows` windows, the first `opening` without the quantiser
    coded: recordings of the training part of which codes are handed on
    observed: subjects that the Bayes limit is estimated from
    """

    subjects: dict[str, int]
    seconds: float
    width: int
    epochs: int
    opening: int
    windows: int
    batch: int
    rate: float
    coded: int
    observed: int
    precision: Precision = "float32"
    compiled: bool = False

    @property
    def steps(self) -> int:
        """Give the batches of an epoch."""
        return self.windows // self.batch

    def recipe(self, plan: Architecture, patience: int) -> Recipe:
        """Give how it is learned; a fixed grid needs no opening."""
        opening = min(self.opening, self.epochs // 2)
        return Recipe(
            epochs=self.epochs,
            steps=self.steps,
            batch=self.batch,
            opening=opening if plan.quantiser == "ema" else 0,
            rate=self.rate,
            patience=patience,
            seed=plan.seed,
            precision=self.precision,
            weights=WEIGHTS,
        )


# A third of the signal's weight: codes then say what is done as well as how it looks.
WEIGHTS = Weights(reconstruction=0.3)


def sized(profile: str, asked: Any, device: str) -> Size:
    """Give the size of a profile; what is `asked` for and not None goes before it.

    Half precision and compiling are a GPU's, unless they are asked for.
    """
    if profile not in SIZES:
        known = ", ".join(SIZES)
        raise ValueError(f"profile is {profile!r}: it must be one of {known}")
    size = SIZES[profile]
    if device == "cpu":
        size = size._replace(precision="float32", compiled=False)
    names = ("width", "epochs", "batch", "rate", "precision", "compiled")
    given = {name: getattr(asked, name) for name in names}
    if asked.subjects is not None:
        size = size._replace(subjects={**size.subjects, "train": asked.subjects})
    size = size._replace(**{k: v for k, v in given.items() if v is not None})
    if not 1 <= size.batch <= size.windows:
        raise ValueError(
            f"batch is {size.batch}: it must be 1 to {size.windows}, "
            "the windows of an epoch"
        )
    return size


def _parts(*counts: int) -> dict[str, int]:
    return dict(zip(PARTS, counts, strict=True))


SIZES = {
    "tiny": Size(
        subjects=_parts(16, 2, 3, 3),
        seconds=40.0,
        width=16,
        epochs=4,
        opening=1,
        windows=576,
        batch=16,
        rate=1e-2,
        coded=3,
        observed=20,
    ),
    "small": Size(
        subjects=_parts(512, 12, 40, 40),
        seconds=60.0,
        width=32,
        epochs=16,
        opening=5,
        windows=4096,
        batch=64,
        rate=6e-3,
        coded=32,
        observed=60,
    ),
    "full": Size(
        subjects=_parts(1000, 40, 80, 80),
        seconds=120.0,
        width=48,
        epochs=40,
        opening=10,
        windows=65536,
        batch=512,
        rate=6e-3,
        coded=40,
        observed=200,
        precision="bfloat16",
        compiled=True,
    ),
}
