"""What is refused before anything is computed on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from models.hsmm.tensors.laws import Process


def checked(process: Process, log_lik: Tensor, lengths: Tensor | None) -> Tensor:
    """Raise ValueError unless all fits together; give the lengths (N,), int64.

    No lengths means that all records have T frames. That probabilities sum to one is
    not asked for: a climb by gradients may leave that for a moment.
    """
    _alike(process, log_lik, lengths)
    _fields(process)
    n_states = len(process.log_pi)
    if log_lik.dim() != 3 or log_lik.shape[2] != n_states:
        found = tuple(log_lik.shape)
        raise ValueError(f"log_lik has shape {found}: (N, T, {n_states}) is wanted")
    n_records, n_frames, _ = log_lik.shape
    if lengths is None:
        lengths = torch.full((n_records,), n_frames, device=log_lik.device)
    if lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths are of {lengths.dtype}: whole numbers are wanted")
    wrong = (lengths < 0) | (lengths > n_frames)
    if lengths.shape != (n_records,) or bool(wrong.any()):
        raise ValueError(
            f"lengths are {lengths.tolist()}: one of 0 .. {n_frames} "
            f"is wanted for each of {n_records} sequences"
        )
    _finite(log_lik, lengths)
    return lengths.long()


def _alike(process: Process, log_lik: Tensor, lengths: Tensor | None) -> None:
    """Refuse what is no tensor, two devices, and two dtypes."""
    given: list[object] = [
        part for part in (*process, log_lik, lengths) if part is not None
    ]
    tensors = [part for part in given if isinstance(part, Tensor)]
    strange = [type(part).__name__ for part in given if not isinstance(part, Tensor)]
    if strange:
        raise ValueError(f"found {strange[0]} among the arguments: tensors are wanted")
    devices = {str(tensor.device) for tensor in tensors}
    if len(devices) > 1:
        raise ValueError(f"tensors lie on {sorted(devices)}: one device is wanted")
    kinds = {tensor.dtype for tensor in (*process, log_lik) if tensor is not None}
    if kinds not in ({torch.float64}, {torch.float32}):
        raise ValueError(
            f"tensors are of {kinds}: all float64 or all float32 is wanted"
        )


def _fields(process: Process) -> None:
    """Refuse a process whose fields do not fit, or hold what is no log."""
    if process.log_d.dim() != 2 or process.log_d.numel() == 0:
        raise ValueError("a process has at least one state and durations of one frame")
    n = len(process.log_pi)
    shapes = [(n,), (n, n), (len(process.log_d), n), (n,), (n,)]
    for name, field, shape in zip(process._fields, process, shapes, strict=True):
        if field is None:
            continue
        if tuple(field.shape) != shape:
            raise ValueError(
                f"{name} has shape {tuple(field.shape)}: {shape} is wanted"
            )
        wrong = ~(field < torch.inf)
        if bool(wrong.any()):
            at = tuple(wrong.nonzero()[0].tolist())
            raise ValueError(
                f"{name} holds {field[at].item()} at {at}: logs are finite or -inf"
            )


def _finite(log_lik: Tensor, lengths: Tensor) -> None:
    frames = torch.arange(log_lik.shape[1], device=log_lik.device)
    wrong = ~(log_lik < torch.inf) & (frames < lengths[:, None])[..., None]
    if bool(wrong.any()):
        n, t, k = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"log_lik holds {log_lik[n, t, k].item()} at sequence {n}, frame {t}, "
            f"state {k}: likelihoods must be finite or -inf"
        )
