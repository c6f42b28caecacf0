"""What several processes do as one: sums, gathering, and rows picked from all of them.

Where torch.distributed is not running, each of these is the plain thing. The joined
batch is that of process 0, then that of process 1, and so on. Every process must call
these alike, with an empty batch too.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed


def is_shared() -> bool:
    """Several processes work on one codebook."""
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )


def total(part: Tensor) -> Tensor:
    """Sum of `part` over the processes, the same bits in each."""
    if is_shared():
        part = part.clone()
        distributed.all_reduce(part)
    return part


def sizes(n_rows: int, device: torch.device) -> list[int]:
    """How many rows each process holds."""
    if not is_shared():
        return [n_rows]
    held = torch.zeros(distributed.get_world_size(), dtype=torch.int64, device=device)
    held[distributed.get_rank()] = n_rows
    found: list[int] = total(held).tolist()
    return found


def picked(rows: Tensor, places: Tensor) -> Tensor:
    """Rows of the joined batch: rows (N, Z), places (P,) in the joined order -> (P, Z).

    Each process gives what it holds and zeros for the rest.
    """
    if not is_shared():
        return rows.index_select(0, places)
    held = sizes(len(rows), rows.device)
    begin = sum(held[: distributed.get_rank()])
    mine = (places >= begin) & (places < begin + len(rows))
    given = rows.new_zeros(len(places), rows.shape[1])
    given[mine] = rows[places[mine] - begin]
    return total(given)


def totals(pulls: Tensor, won: Tensor, mse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums of pulls (C, Z), won (C,) and mse () over the processes, in one message.

    Counts travel in double precision, which holds them exactly.
    """
    if not is_shared():
        return pulls, won, mse
    packed = torch.cat([pulls.flatten(), won, mse[None]]).double()
    distributed.all_reduce(packed)
    n_codes, n_dims = pulls.shape
    pulled, counted, loss = torch.split(packed, [n_codes * n_dims, n_codes, 1])
    return pulled.view_as(pulls).to(pulls.dtype), counted.to(won.dtype), loss[0]


def agree(*parts: Tensor) -> None:
    """Copy what process 0 holds of `parts` into each process's own."""
    if is_shared():
        for part in parts:
            distributed.broadcast(part, src=0)
