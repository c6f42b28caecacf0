"""Make a HEF of encoder.onnx with Hailo's own compiler, where that is installed.

    python hailo/compile.py OUT.hef [hailo8|hailo8l|hailo10h|hailo15h]

It needs hailo_sdk_client (the Dataflow Compiler), which Hailo gives to those who have
an account. calibration.npy holds windows in standard units, in the layout of the graph,
(N, V, P, T); the compiler wants channels last. Write OUT outside of the bundle, whose
manifest lists all it holds. What runs on the device is decoded by host_decode.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def main(out: str, chip: str = "hailo8") -> int:
    """Translate, quantise by the calibration windows, compile, write."""
    from hailo_sdk_client import ClientRunner

    here = Path(__file__).resolve().parent
    windows = np.load(here / "calibration.npy", allow_pickle=False)
    runner = ClientRunner(hw_arch=chip)
    runner.translate_onnx_model(str(here.parent / "encoder.onnx"), "encoder")
    runner.optimize(np.moveaxis(windows, 1, -1).copy())
    Path(out).write_bytes(runner.compile())
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
