"""Quantisers as ONNX nodes: from a map (1, Z, 1, T) to codes, and to their vectors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import nn

from models.networks.onnx_bricks import numbers, write
from models.networks.onnx_writer import WHOLE, Graph
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.hostside import Lookup, lookup, thresholds
from models.quantisers.projected import ProjectedFSQ


class Parts(NamedTuple):
    """A quantiser in three: linear map, then codes, then vectors; two may be absent.

    rule: what gives codes to the map that comes out of `project`
    """

    project: nn.Module | None
    rule: VectorQuantizerEMA2D | FSQ
    expand: nn.Module | None


def parts(quantiser: object) -> Parts:
    """Take a quantiser apart; raise ValueError for one that is not known here."""
    if isinstance(quantiser, (VectorQuantizerEMA2D, FSQ)):
        return Parts(None, quantiser, None)
    if isinstance(quantiser, ProjectedFSQ):
        return Parts(quantiser.project, quantiser.fsq, quantiser.expand)
    raise ValueError(
        f"a {type(quantiser).__name__} is no quantiser that can be exported: "
        "wanted VectorQuantizerEMA2D, FSQ or ProjectedFSQ"
    )


def quantise(graph: Graph, quantiser: object, cut: str) -> tuple[str, str]:
    """Write codes (1, T) int32 of the map at `cut`, and their vectors (1, Z, 1, T)."""
    _, rule, expand = parts(quantiser)
    if isinstance(rule, FSQ):
        codes, vectors = _grid(graph, rule, cut)
    else:
        codes, vectors = _nearest(graph, rule, cut)
    if expand is not None:
        vectors = write(graph, expand, vectors, "expand")
    return codes, vectors


def lookup_of(rule: VectorQuantizerEMA2D) -> Lookup:
    """Give the codebook of moving averages as the host and the graph look it up."""
    return lookup(numbers(rule.codebook))


def _nearest(graph: Graph, rule: VectorQuantizerEMA2D, cut: str) -> tuple[str, str]:
    """Write the index of the best score, and the codebook's row of it."""
    moved, bias = lookup_of(rule)
    hold = graph.hold
    frames = graph.add("Transpose", "codes/frames", cut, perm=[0, 2, 3, 1])
    products = graph.add(
        "MatMul", "codes/products", frames, hold("codes/moved", moved.T.copy())
    )
    scores = graph.add("Add", "codes/scores", products, hold("codes/bias", bias))
    best = graph.add("ArgMax", "codes/best", scores, axis=3, keepdims=0)  # (1, 1, T)
    codes = _codes(graph, best)
    book = hold("codes/codebook", numbers(rule.codebook))
    rows = graph.add("Gather", "codes/rows", book, best)  # (1, 1, T, Z)
    return codes, graph.add("Transpose", "codes/vectors", rows, perm=[0, 3, 1, 2])


def _grid(graph: Graph, rule: FSQ, cut: str) -> tuple[str, str]:
    """Write how many thresholds each entry has reached, and what that stands for."""
    hold = graph.hold
    steps = hold("codes/thresholds", thresholds(rule.grid)[:, :, None, None])
    reached = graph.add("GreaterOrEqual", "codes/reached", cut, steps)  # (R, Z, 1, T)
    counted = graph.add("Cast", "codes/counted", reached, to=1)
    rows, dims = hold("codes/0", np.array([0])), hold("codes/1", np.array([1]))
    level = graph.add("ReduceSum", "codes/level", counted, rows)  # (1, Z, 1, T)
    strides = hold("codes/strides", numbers(rule.strides)[None])
    placed = graph.add("Mul", "codes/placed", level, strides)
    added = graph.add("ReduceSum", "codes/sum", placed, dims, keepdims=0)  # (1, 1, T)
    half = hold("codes/halves", numbers(rule.halves)[None])
    offset = graph.add("Sub", "codes/offset", level, half)
    return _codes(graph, added), graph.add("Div", "codes/vectors", offset, half)


def _codes(graph: Graph, found: str) -> str:
    """Write codes as they are given: (1, 1, T) of any number to (1, T) int32."""
    row = graph.hold("codes/row", np.array([1]))
    flat = graph.add("Squeeze", "codes/flat", found, row)
    return graph.add("Cast", "codes", flat, to=WHOLE)
