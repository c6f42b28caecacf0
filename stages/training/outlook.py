"""What a trained network says of whole recordings, as stages hand it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from models.leakage.scale import Scale
from models.networks.conv2d_vq import Conv2dVQ
from models.networks.objective import Weights
from models.shapes import IntArray
from models.training.course import Course
from models.training.examination import say
from models.training.transcription import stitched
from stages.exchange import PARTS, Codes, Logits
from stages.reading.herd import Herd, Recorded
from stages.training.cohorts import HOP, SIZE, Cohort, Cohorts, starts


class Outlook(NamedTuple):
    """What the network says of one part.

    logits (B, K): of its windows, in their order
    codes, guesses: for each recording, of each frame (T,)
    """

    logits: npt.NDArray[np.float32]
    codes: list[npt.NDArray[np.int16]]
    guesses: list[IntArray]


def outlook(
    network: Conv2dVQ, scale: Scale, recordings: tuple[Recorded, ...]
) -> Outlook:
    """Look at recordings every half window; a frame counts where it is in the middle.

    The network is on the CPU, at rest.
    """
    course = Course(network.eval(), Weights())
    logits, codes, guesses = [], [], []
    for each in recordings:
        n_frames = len(each.truth)
        at = starts(n_frames, HOP, to_end=True)
        rows = at[:, None] + np.arange(SIZE)
        windows = scale.applied(each.frames[:, :, rows].transpose(2, 0, 1, 3))
        said = say(course, torch.from_numpy(windows))
        logits.append(said.logits.numpy()[at % HOP == 0])
        codes.append(stitched(said.codes.numpy().astype(np.int16), at, n_frames))
        guesses.append(stitched(said.frames.argmax(1).numpy(), at, n_frames))
    return Outlook(np.concatenate(logits), codes, guesses)


def codes_of(
    looked: Mapping[str, tuple[Recorded, ...]],
    said: Mapping[str, Outlook],
    herd: Herd,
    n_codes: int,
) -> Codes:
    """Gather the codes of all recordings that were looked at, part by part."""
    own = [(name, each) for name in PARTS for each in looked[name]]
    found = [each for name in PARTS for each in said[name].codes]
    lengths = np.array([len(each) for each in found], dtype=np.int64)
    shape = (len(found), int(lengths.max()))
    codes, truth = (np.full(shape, -1, dtype=np.int16) for _ in range(2))
    for row, ((_, each), its) in enumerate(zip(own, found, strict=True)):
        codes[row, : len(its)] = its
        truth[row, : len(its)] = each.truth
    return Codes(
        codes,
        truth,
        lengths,
        np.array([name for name, _ in own]),
        np.array([each.subject for _, each in own]),
        np.array([each.name for _, each in own]),
        n_codes,
        herd.rate_hz,
        np.array(herd.labels),
    )


def logits_of(split: Cohorts, said: Mapping[str, Outlook], herd: Herd) -> Logits:
    """Gather the logits of all windows that no weight was learned from."""
    names = PARTS[1:]
    parts: list[Cohort] = [split.parts[name] for name in names]
    return Logits(
        np.concatenate([said[name].logits for name in names]),
        np.concatenate([one.labels for one in parts]).astype(np.int16),
        np.repeat(names, [len(one.labels) for one in parts]),
        np.concatenate([one.origin.subject for one in parts]),
        np.concatenate([one.origin.recording for one in parts]),
        np.concatenate([one.origin.start for one in parts]),
        SIZE,
        HOP,
        herd.rate_hz,
        np.array(herd.labels),
    )


def usage_of(codes: list[npt.NDArray[np.int16]], n_codes: int) -> tuple[float, float]:
    """Give perplexity, and the share of codes that are used at all."""
    won = np.bincount(np.concatenate(codes), minlength=n_codes)
    share = won[won > 0] / won.sum()
    return float(np.exp(-(share * np.log(share)).sum())), float((won > 0).mean())
