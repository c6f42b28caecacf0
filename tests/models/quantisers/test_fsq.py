"""Scalar quantisation: torch, numpy and the definition say the same."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.quantisers import hostside
from models.quantisers.fsq import FSQ
from models.quantisers.grid import grid
from models.quantisers.projected import ProjectedFSQ

ROOT = Path(__file__).resolve().parents[3]
LEVELS = [8, 6, 5]
# Frames with the level of each entry, worked out by hand from the formula.
GOLDEN = (
    ((0.0, 0.0, 0.0), (4, 3, 2), 4 + 8 * 3 + 48 * 2),
    ((-9.0, -9.0, -9.0), (0, 0, 0), 0),
    ((9.0, 9.0, 9.0), (7, 5, 4), 239),
    ((1.0, -1.0, 0.5), (6, 1, 3), 6 + 8 * 1 + 48 * 3),
    ((-0.2, 0.3, -0.3), (3, 3, 1), 3 + 8 * 3 + 48 * 1),
)
ANY_LEVELS = st.lists(st.integers(2, 9), min_size=1, max_size=4)


def _as_map(frames: list[tuple[float, ...]]) -> Tensor:
    """Frames as a map (1, Z, 1, T)."""
    return torch.tensor(frames).T[None, :, None]


@pytest.mark.parametrize(("frame", "levels", "code"), GOLDEN)
def test_golden_frames_have_their_codes(
    frame: tuple[float, ...], levels: tuple[int, ...], code: int
) -> None:
    """Torch and numpy give what was worked out by hand, values included."""
    z = _as_map([frame])

    values, codes = FSQ(LEVELS).quantise(z)
    decoded = hostside.decode(z[:, :, 0].numpy(), LEVELS)

    wanted = [2 * i / (n - 1) - 1 for i, n in zip(levels, LEVELS, strict=True)]
    assert codes.item() == decoded.codes.item() == code
    assert values.flatten().tolist() == pytest.approx(wanted, abs=1e-7)
    assert values.flatten().tolist() == decoded.values.flatten().tolist()


@settings(max_examples=60, deadline=None)
@given(
    levels=ANY_LEVELS,
    seed=st.integers(0, 999),
    scale=st.sampled_from([1e-30, 0.3, 1.0, 30.0, 1e30]),
    dtype=st.sampled_from([torch.float16, torch.float32, torch.float64]),
)
def test_torch_and_numpy_agree_to_the_last_bit(
    levels: list[int], seed: int, scale: float, dtype: torch.dtype
) -> None:
    """Any levels, any size and any precision of values."""
    draw = torch.Generator().manual_seed(seed)
    z = scale * torch.randn(2, len(levels), 1, 20, generator=draw, dtype=torch.float64)
    z = z.clamp(-6e4, 6e4).to(dtype)
    quantiser = FSQ(levels)

    values, codes = quantiser.quantise(z)
    decoded = hostside.decode(z[:, :, 0].numpy(), levels)

    assert np.array_equal(codes[:, 0].numpy(), decoded.codes)
    assert np.array_equal(
        values[:, :, 0].numpy(), decoded.values.astype(values.numpy().dtype)
    )
    assert (decoded.codes >= 0).all()
    assert (decoded.codes < math.prod(levels)).all()


@settings(max_examples=30, deadline=None)
@given(levels=ANY_LEVELS, seed=st.integers(0, 999))
def test_levels_are_those_of_the_formula(levels: list[int], seed: int) -> None:
    """Away from thresholds, floor((L-1)/2 tanh z + L/2) in double says the same."""
    draw = np.random.default_rng(seed)
    z = draw.normal(size=(1, len(levels), 50))
    counts = np.array(levels)[:, None]
    exact = (counts - 1) / 2 * np.tanh(z) + counts / 2
    is_clear = np.abs(exact - np.round(exact)) > 1e-5

    found = hostside.levels_of(z.astype(np.float32), grid(levels))

    assert np.array_equal(found[is_clear], np.floor(exact)[is_clear].astype(int))


@pytest.mark.parametrize("levels", [[8, 6, 5], [2], [2, 2, 2], [3, 2], [7, 4, 2, 5]])
def test_a_threshold_itself_belongs_to_the_level_above(levels: list[int]) -> None:
    """On a tie, and one step of single precision to each side, all sides agree."""
    quantiser = FSQ(levels)
    for axis, n_levels in enumerate(levels):
        for j in range(1, n_levels):
            tie = np.float32(grid(levels).thresholds[j - 1][axis])
            near = [np.nextafter(tie, -np.inf, dtype=np.float32), tie]
            z = np.zeros((1, len(levels), 2), np.float32)
            z[0, axis] = near

            host = hostside.levels_of(z, grid(levels))[0, axis]
            torches = quantiser.levels_of(torch.tensor(z)[:, :, None])[0, axis, 0]

            assert host.tolist() == torches.tolist() == [j - 1, j]


@pytest.mark.parametrize("levels", [[8, 6, 5], [2], [2, 3], [4, 4, 4]])
def test_codes_and_values_are_one_to_one(levels: list[int]) -> None:
    """Every code has its own values, lies in [-1, 1], and comes back from them."""
    quantiser = FSQ(levels)
    codes = torch.arange(quantiser.num_codes, dtype=torch.int32)[None]

    values = quantiser.embed(codes)

    # The values are tanh of some frame: that frame must have the code again.
    frames = values.double().clamp(-1 + 1e-9, 1 - 1e-9).atanh()
    assert torch.equal(quantiser.codes_of(frames[:, :, None]), codes)
    assert len({tuple(row) for row in values[0].T.tolist()}) == quantiser.num_codes
    assert (float(values.min()), float(values.max())) == (-1.0, 1.0)
    assert np.array_equal(values.numpy(), hostside.embed(codes.numpy(), levels))


def test_infinities_are_the_ends_of_the_grid_in_a_graph() -> None:
    """Where nothing can be refused, they still have a level that exists."""
    z = _as_map([(math.inf,) * 3, (-math.inf,) * 3, (math.nan,) * 3])

    level = FSQ(LEVELS).levels_of(z)[0, :, 0].T

    assert level.tolist() == [[7, 5, 4], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    """Torch and the host both name the entry."""
    z = _as_map([(0.0, 0.0, 0.0), (0.0, wrong, 0.0)])

    with pytest.raises(ValueError, match=r"z holds .* at \[0, 1, 0, 1\]"):
        FSQ(LEVELS)(z)
    with pytest.raises(ValueError, match=r"projected holds .* at \[0, 1, 1\]"):
        hostside.decode(z[:, :, 0].numpy(), LEVELS)


def test_wrong_shapes_are_refused() -> None:
    """A channel too many, integers, codes out of range."""
    with pytest.raises(ValueError, match=r"z is \(1, 4, 1, 2\): wanted \(B, 3, H, T\)"):
        FSQ(LEVELS)(torch.zeros(1, 4, 1, 2))
    with pytest.raises(ValueError, match=r"projected is \(4, 2\): wanted \(B, 3, T\)"):
        hostside.decode(np.zeros((4, 2)), LEVELS)
    with pytest.raises(ValueError, match="projected holds int64"):
        hostside.decode(np.zeros((1, 3, 2), int), LEVELS)
    with pytest.raises(ValueError, match=r"codes hold 240 at \[0, 0\]: .* in 0..239"):
        hostside.embed(np.array([[240]]), LEVELS)
    with pytest.raises(ValueError, match=r"codes hold -1 at \[0, 0\]"):
        FSQ(LEVELS).embed(torch.tensor([[-1]]))
    for codes in (np.array([[1.5]]), np.array([1]), np.array([[True]])):
        with pytest.raises(ValueError, match=r"codes are .*: wanted integers \(B, T\)"):
            hostside.embed(codes, LEVELS)
        with pytest.raises(ValueError, match=r"codes are .*: wanted integers \(B, T\)"):
            FSQ(LEVELS).embed(torch.tensor(codes))


@pytest.mark.parametrize("kind", [torch.uint8, torch.int8, torch.int16, torch.int64])
def test_codes_of_any_whole_type_are_codes(kind: torch.dtype) -> None:
    """240 fits no int8 and 512 no uint8: limits must not wrap around in there."""
    codes = torch.tensor([[0, 100]]).to(kind)

    for levels in (LEVELS, [8, 8, 8]):
        wanted = FSQ(levels).embed(codes.int())
        assert torch.equal(FSQ(levels).embed(codes), wanted)
        assert np.array_equal(hostside.embed(codes.numpy(), levels), wanted.numpy())


def test_a_host_takes_lists_too() -> None:
    """Plain numbers have the codes and values of an array."""
    decoded = hostside.decode([[[9.0], [9.0], [9.0]]], LEVELS)  # type: ignore[arg-type]

    assert decoded.codes.tolist() == [[239]]
    assert np.array_equal(hostside.embed([[239]], LEVELS), decoded.values)  # type: ignore[arg-type]


def test_a_grid_gives_what_the_other_quantiser_gives() -> None:
    """The same three things with the same keys, losses of zero, nothing to train."""
    quantiser, z = FSQ(LEVELS), torch.randn(4, 3, 2, 10)

    values, losses, info = quantiser(z)

    assert values.shape == z.shape
    assert {name: float(loss) for name, loss in losses.items()} == {
        "commitment": 0.0,
        "codebook": 0.0,
        "vq": 0.0,
    }
    assert info["indices"].shape == (4, 2, 10)
    assert int(info["code_histogram"].sum()) == 80
    assert float(info["usage"]) == pytest.approx(float(info["active_codes"]) / 240)
    assert list(quantiser.parameters()) == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_cast_of_the_network_moves_no_threshold(dtype: torch.dtype) -> None:
    """Thresholds stay single precision, so that a cast frame has the same code."""
    z = torch.randn(4, 3, 1, 50, generator=torch.Generator().manual_seed(0)).to(dtype)

    values, codes = FSQ(LEVELS).to(dtype).quantise(z)

    assert values.dtype == dtype
    assert torch.equal(codes, FSQ(LEVELS).quantise(z.float())[1])


def test_an_empty_map_has_no_codes() -> None:
    """Nothing in, nothing out, and all finite."""
    values, _, info = FSQ(LEVELS)(torch.zeros(0, 3, 1, 5))

    assert values.shape == (0, 3, 1, 5)
    assert all(part.isfinite().all() for part in info.values())


def test_wide_frames_become_codes_and_embeddings() -> None:
    """(B, F, 1, T) to codes (B, T) int32, projected frames, embeddings (B, E, T)."""
    quantiser = ProjectedFSQ(LEVELS, feature_dim=16, embedding_dim=8).eval()
    z = torch.randn(4, 16, 1, 10)

    result = quantiser.encode(z)
    values, _, info = quantiser(z)

    assert (result.codes.shape, result.codes.dtype) == ((4, 10), torch.int32)
    assert (result.features.shape, result.embeddings.shape) == ((4, 3, 10), (4, 8, 10))
    assert torch.equal(result.codes.long(), info["indices"].squeeze(1))
    torch.testing.assert_close(result.embeddings, values.squeeze(2))
    assert torch.equal(result.codes, quantiser.codes_of(z))


def test_the_gradient_reaches_the_projection() -> None:
    """A contract without straight-through would leave it untrained."""
    quantiser = ProjectedFSQ(LEVELS, feature_dim=16, embedding_dim=8)

    quantiser(torch.randn(4, 16, 1, 10))[0].square().sum().backward()

    assert quantiser.project.weight.grad is not None
    assert float(quantiser.project.weight.grad.abs().max()) > 0.0


def test_a_host_needs_no_torch() -> None:
    """A box that only decodes, or only judges, imports numpy and nothing heavier."""
    rooms = "from models.quantisers import health, hostside"
    work = "hostside.decode(numpy.zeros((1, 3, 4)), [8, 6, 5])"
    program = f"import sys, numpy; {rooms}; {work}; print('torch' in sys.modules)"

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout == "False\n"
