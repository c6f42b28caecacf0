"""Mathematics is tested on one thread, and without a hurry.

Many tests run side by side on few cores. A machine under load is slow at times, which
proves nothing of what is tested.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# onnxruntime sends nothing from here, and keeps nothing in a home. It asks when it is
# imported, and only then.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")
