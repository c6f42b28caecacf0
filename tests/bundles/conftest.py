"""The small bundle, for all tests of bundles."""

from tests.bundles.made import bundle, given, made
from tests.bundles.packing import packing

__all__ = ["bundle", "given", "made", "packing"]
