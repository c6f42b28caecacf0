"""The quantiser of moving averages: what a step does, and in which order."""

from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.quantisers.ema import VectorQuantizerEMA2D

ROOT = Path(__file__).resolve().parents[3]
HANDOFF = """
import torch
from pathlib import Path
from models.vq_ema_2d import VectorQuantizerEMA2D
B,D,H,T = 32,64,1,100
z = torch.randn(B,D,H,T)
vq = VectorQuantizerEMA2D(num_codes=512, code_dim=D, decay=0.99, commitment_cost=0.25)
vq.train()
zq, losses, info = vq(z)
print("OK shape:", zq.shape, "loss:", float(losses["vq"]), "usage:",
      float(info["usage"]))
Path("analysis/codebook_results").mkdir(parents=True, exist_ok=True)
with open("analysis/codebook_results/selftest.txt","w") as f:
    f.write(str({"shape": tuple(zq.shape), "loss": float(losses["vq"]),
                 "usage": float(info["usage"])}))
"""
KEYS = {
    "indices",
    "perplexity",
    "usage",
    "active_codes",
    "code_histogram",
    "dead_codes",
    "entropy",
}


def _map(seed: int = 0, shape: tuple[int, ...] = (4, 3, 2, 10)) -> Tensor:
    """A map of normal noise."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _rows(z: Tensor) -> Tensor:
    """Frames of a map as rows."""
    return z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])


def _state(quantiser: VectorQuantizerEMA2D) -> dict[str, Tensor]:
    """A copy of all that is kept."""
    return {name: held.clone() for name, held in quantiser.state_dict().items()}


def _same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Two states are the same to the last bit."""
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_block_users_run_first_works(tmp_path: Path) -> None:
    """The self-test of the handoff instructions, but for line breaks, in a folder."""
    ended = subprocess.run(
        [sys.executable, "-c", HANDOFF],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    written = tmp_path / "analysis" / "codebook_results" / "selftest.txt"
    found = ast.literal_eval(written.read_text(encoding="utf-8"))
    assert ended.stdout.startswith("OK shape: torch.Size([32, 64, 1, 100]) loss: ")
    assert found["shape"] == (32, 64, 1, 100)
    assert math.isfinite(found["loss"])
    assert 0.0 < found["usage"] <= 1.0


def test_what_is_given_has_the_known_names_and_shapes() -> None:
    """Three things come back, with the keys that users of the original read."""
    z_q, losses, info = VectorQuantizerEMA2D(7, 3)(_map())

    assert z_q.shape == (4, 3, 2, 10)
    assert set(losses) == {"commitment", "codebook", "vq"}
    assert set(info) == KEYS
    assert (info["indices"].shape, info["indices"].dtype) == ((4, 2, 10), torch.int64)
    assert int(info["code_histogram"].sum()) == 80


def test_the_codebook_is_no_parameter() -> None:
    """No optimiser can move what averages move; all is in the state."""
    quantiser = VectorQuantizerEMA2D(7, 3)

    assert list(quantiser.parameters()) == []
    assert set(quantiser.state_dict()) == {"codebook", "counts", "steps"}


def test_values_are_codes_of_before_the_update() -> None:
    """A training step quantises first: each frame is a code the step began with."""
    quantiser = VectorQuantizerEMA2D(7, 3, init_scale=1.0, decay=0.5)
    before = quantiser.codebook.clone()

    z_q, losses, info = quantiser(_map())

    assert torch.equal(_rows(z_q), before[info["indices"].flatten()])
    assert float(losses["codebook"]) == pytest.approx(
        float((z_q - _map()).square().mean()), rel=1e-5
    )
    assert not torch.equal(before, quantiser.codebook)


def test_codes_are_running_sums_over_running_counts() -> None:
    """Twenty steps follow m <- decay m + (1 - decay) s and e = m / N in double.

    Single precision rounds each step by 2^-24 of the codes' size, which is about 3.
    """
    quantiser = VectorQuantizerEMA2D(6, 3, init_scale=1.0, decay=0.9)
    sums, counts = quantiser.sums.double(), quantiser.counts.double()

    for seed in range(20):
        z = _map(seed)
        index = quantiser(z)[2]["indices"].flatten()
        hot = torch.nn.functional.one_hot(index, 6).double()
        sums = 0.9 * sums + 0.1 * hot.T @ _rows(z).double()
        counts = 0.9 * counts + 0.1 * hot.sum(0)

    torch.testing.assert_close(quantiser.counts.double(), counts, rtol=1e-5, atol=0)
    wanted = sums / counts[:, None]
    torch.testing.assert_close(
        quantiser.codebook.double(), wanted, rtol=0, atol=20 * 3 * 2.0**-22
    )


@pytest.mark.parametrize("init", ["kmeans", "points"])
def test_the_first_batch_gives_codes_with_their_counts(init: str) -> None:
    """Counts add up to the batch, and one more step of it moves no code far.

    With codes at the means of what they win the pull is zero; a count of zero would
    throw a code away by the first update.
    """
    quantiser = VectorQuantizerEMA2D(8, 3, init=init)  # type: ignore[arg-type]
    z = _map(shape=(8, 3, 1, 100))

    quantiser(z)

    assert float(quantiser.counts.sum()) == pytest.approx(800.0, rel=1e-4)
    assert float(quantiser.codebook.norm(dim=1).max()) <= float(
        _rows(z).norm(dim=1).max()
    )
    assert int(quantiser(z)[2]["active_codes"]) == 8


def test_a_code_that_wins_nothing_stays_to_the_last_bit() -> None:
    """After 1,500 steps without a frame it has neither drifted nor blown up."""
    quantiser = VectorQuantizerEMA2D(
        3, 2, init_scale=1.0, enable_dead_code_refresh=False
    )
    quantiser.codebook.copy_(torch.tensor([[0.0, 0.1], [0.3, 0.0], [777.0, 888.0]]))

    for seed in range(1500):
        quantiser(_map(seed % 7, (2, 2, 1, 5)))

    assert quantiser.codebook[2].tolist() == [777.0, 888.0]
    assert float(quantiser.counts[2]) == pytest.approx(1e-5)


def test_unused_codes_come_back_from_a_random_start() -> None:
    """On normal data 300 steps leave nearly all codes in use, and none far away."""
    quantiser = VectorQuantizerEMA2D(128, 8, init_scale=1.0, decay=0.95)
    farthest = 0.0

    for seed in range(300):
        z = _map(seed, (8, 8, 1, 100))
        info = quantiser(z)[2]
        farthest = max(farthest, float(_rows(z).norm(dim=1).max()))

    assert float(info["usage"]) > 0.9
    assert float(quantiser.codebook.norm(dim=1).max()) <= farthest


def test_evaluation_changes_nothing() -> None:
    """A pass in evaluation leaves the state as it was, to the last bit."""
    quantiser = VectorQuantizerEMA2D(7, 3)
    quantiser(_map())
    before = _state(quantiser.eval())

    quantiser(_map(1))
    quantiser.codes_of(_map(1, (2, 3, 1, 5)))
    quantiser.running()

    assert _same(before, _state(quantiser))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("begun", [True, False], ids=["later", "at the start"])
def test_what_is_no_number_is_refused_and_changes_nothing(
    wrong: float, begun: bool
) -> None:
    """The entry is named by its place, and the codebook is what it was."""
    quantiser = VectorQuantizerEMA2D(7, 3)
    if begun:
        quantiser(_map())
    before, z = _state(quantiser), _map(1)
    z[2, 1, 0, 5] = wrong
    says = "z reaches 1e" if wrong == 1e30 else r"z holds .* at \[2, 1, 0, 5\]"

    with pytest.raises(ValueError, match=says):
        quantiser(z)

    assert _same(before, _state(quantiser))


@pytest.mark.parametrize(
    ("z", "says"),
    [
        (torch.zeros(2, 4, 1, 5), r"z is \(2, 4, 1, 5\): wanted \(B, 3, H, T\)"),
        (torch.zeros(2, 3, 5), r"z is \(2, 3, 5\): wanted \(B, 3, H, T\)"),
        (torch.zeros(2, 3, 1, 5).int(), "z holds torch.int32: wanted floating point"),
    ],
    ids=["channels", "axes", "integers"],
)
def test_a_wrong_map_is_refused(z: Tensor, says: str) -> None:
    """What was found and what was wanted are both said."""
    with pytest.raises(ValueError, match=says):
        VectorQuantizerEMA2D(7, 3)(z)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"decay": 1.0}, r"decay is 1.0: it must be in \[0, 1\)"),
        ({"num_codes": 0}, "num_codes is 0: it must be at least 1"),
        ({"epsilon": 0.0}, r"epsilon is 0.0: it must be in \(0, 1\)"),
        ({"commitment_cost": -1.0}, "commitment_cost is -1.0"),
        ({"commitment_cost": math.inf}, "commitment_cost is inf"),
        ({"init_scale": 0.0}, "init_scale is 0.0"),
        ({"init_scale": math.inf}, "init_scale is inf"),
        ({"dead_code_threshold": 2.0}, "dead_code_threshold is 2.0"),
        ({"init": "zeros"}, "init is 'zeros': it must be one of kmeans, points"),
        ({"gradient": "none"}, "gradient is 'none'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_senseless_setting_is_refused(setting: dict[str, object], says: str) -> None:
    """Each is named, with what it was and what it must be."""
    with pytest.raises(ValueError, match=says):
        VectorQuantizerEMA2D(**setting)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(
        st.integers(0, 3), st.just(3), st.integers(1, 3), st.integers(0, 6)
    ),
    dtype=st.sampled_from(
        [torch.float16, torch.bfloat16, torch.float32, torch.float64]
    ),
    layout=st.sampled_from(["plain", "channels last", "every second", "turned"]),
    begin=st.sampled_from(["kmeans", "points", "random"]),
)
def test_any_map_gives_finite_answers(
    shape: tuple[int, int, int, int], dtype: torch.dtype, layout: str, begin: str
) -> None:
    """Empty, one frame, any precision and strides: as from a plain copy, and finite."""
    z = _map(shape=shape).to(dtype)
    if layout == "channels last":
        z = z.contiguous(memory_format=torch.channels_last)
    elif layout == "every second":
        z = z.repeat_interleave(2, dim=3)[..., ::2]
    elif layout == "turned":
        z = z.transpose(0, 3).contiguous().transpose(0, 3)
    options: dict[str, Any]
    options = {"init_scale": 1.0} if begin == "random" else {"init": begin}
    quantiser = VectorQuantizerEMA2D(4, 3, **options)
    twin = VectorQuantizerEMA2D(4, 3, **options)

    z_q, losses, info = quantiser(z)

    again, _, other = twin(z.clone(memory_format=torch.contiguous_format))
    assert z_q.shape == z.shape
    assert z_q.dtype == dtype
    assert torch.equal(z_q, again)
    assert torch.equal(info["indices"], other["indices"])
    parts = [*losses.values(), *info.values(), *quantiser.state_dict().values()]
    assert all(part.isfinite().all() for part in parts)
    assert quantiser.codebook.dtype == torch.float32


def test_an_empty_batch_changes_nothing() -> None:
    """There is nothing to learn from it, not even how rare codes are."""
    quantiser = VectorQuantizerEMA2D(4, 3)
    quantiser(_map())
    before = _state(quantiser)

    quantiser(torch.zeros(0, 3, 1, 5))

    assert _same(before, _state(quantiser))


@pytest.mark.parametrize("cast", [torch.float16, torch.bfloat16])
def test_a_cast_of_the_network_leaves_averages_precise(cast: torch.dtype) -> None:
    """In half precision 0.99 of a count is that count: it would never fall."""
    quantiser = VectorQuantizerEMA2D(4, 3, init_scale=1.0)
    twin = VectorQuantizerEMA2D(4, 3, init_scale=1.0).to(cast)

    z = _map().to(cast)
    quantiser(z)
    z_q, _, _ = twin(z)

    assert z_q.dtype == cast
    assert _same(_state(quantiser), _state(twin))


def test_autocast_changes_no_code() -> None:
    """Inside autocast the assignment is single precision all the same."""
    plain, cast = (VectorQuantizerEMA2D(16, 3, init_scale=1.0) for _ in range(2))

    wanted = plain(_map())[2]["indices"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = cast(_map())[2]["indices"]

    assert torch.equal(found, wanted)
    assert _same(_state(plain), _state(cast))


def test_codes_of_frames_are_what_later_rooms_read() -> None:
    """(B, T) int32, and their vectors are the values themselves."""
    quantiser = VectorQuantizerEMA2D(7, 3)
    quantiser(_map())
    z = _map(1, (4, 3, 1, 10))

    codes = quantiser.eval().codes_of(z)
    z_q, _, info = quantiser(z)

    assert (codes.shape, codes.dtype) == ((4, 10), torch.int32)
    assert torch.equal(codes.long(), info["indices"].squeeze(1))
    assert torch.equal(quantiser.embed(codes), z_q.squeeze(2))


def test_codes_want_one_row_and_embedding_wants_codes() -> None:
    """Two rows are no sequence, and a code beyond the last is named."""
    quantiser = VectorQuantizerEMA2D(7, 3)

    with pytest.raises(ValueError, match=r"codes .* want a height of 1"):
        quantiser.codes_of(_map())
    with pytest.raises(ValueError, match=r"codes hold 7 at \[0, 1\]: .* in 0..6"):
        quantiser.embed(torch.tensor([[0, 7]]))
    with pytest.raises(ValueError, match=r"codes hold -1 at \[0, 0\]"):
        quantiser.embed(torch.tensor([[-1, 2]]))


@pytest.mark.parametrize(
    ("far", "dtype"), [(3e38, torch.float32), (1e300, torch.float64)]
)
def test_frames_too_far_to_compare_have_no_codes(
    far: float, dtype: torch.dtype
) -> None:
    """Their scores are infinities, of which the first would win."""
    z = torch.full((1, 3, 1, 4), far, dtype=dtype)

    with pytest.raises(ValueError, match="its square is no finite number"):
        VectorQuantizerEMA2D(7, 3).codes_of(z)


def test_usage_of_a_batch_is_counted() -> None:
    """Histogram, perplexity, entropy and usage agree with the indices."""
    quantiser = VectorQuantizerEMA2D(9, 3)

    info = quantiser(_map())[2]

    counted = torch.bincount(info["indices"].flatten(), minlength=9)
    share = counted[counted > 0] / counted.sum()
    entropy = float(-(share * share.log()).sum())
    assert torch.equal(info["code_histogram"], counted)
    assert float(info["entropy"]) == pytest.approx(entropy, rel=1e-5)
    assert float(info["perplexity"].log()) == pytest.approx(entropy, rel=1e-5)
    assert int(info["active_codes"]) == int((counted > 0).sum())
    assert float(quantiser.running().perplexity) <= 9.0


def test_training_compiles() -> None:
    """A traced module learns what the plain one learns."""
    plain, traced = (VectorQuantizerEMA2D(5, 3, init_scale=1.0) for _ in range(2))
    compiled = torch.compile(traced, backend="eager")

    for seed in range(3):
        plain(_map(seed))
        compiled(_map(seed))

    assert _same(_state(plain), _state(traced))


def test_evaluation_compiles_as_one_graph() -> None:
    """No refusal and no branch breaks it, and the codes are the same."""
    quantiser = VectorQuantizerEMA2D(16, 3, init_scale=1.0).eval()
    compiled = torch.compile(quantiser, backend="eager", fullgraph=True)

    z_q, _, info = compiled(_map())

    wanted, _, plain = quantiser(_map())
    assert torch.equal(z_q, wanted)
    assert torch.equal(info["indices"], plain["indices"])


@settings(max_examples=20, deadline=None)
@given(
    decay=st.sampled_from([0.0, 0.5, 0.99]),
    n_codes=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_codes_stay_within_the_data(decay: float, n_codes: int, seed: int) -> None:
    """Every code is an average of frames seen: none leaves the box around them.

    Each of 8 steps rounds by 2^-24 of values of about 4, a few times.
    """
    quantiser = VectorQuantizerEMA2D(n_codes, 3, decay=decay, dead_code_threshold=0.3)
    low, high = torch.full((3,), torch.inf), torch.full((3,), -torch.inf)

    for step in range(8):
        z = _map(1000 * seed + step, (2, 3, 1, 20))
        quantiser(z)
        low = torch.minimum(low, _rows(z).min(0).values)
        high = torch.maximum(high, _rows(z).max(0).values)

    assert (quantiser.codebook >= low - 1e-5).all()
    assert (quantiser.codebook <= high + 1e-5).all()
