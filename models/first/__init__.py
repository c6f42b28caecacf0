"""The first, numpy-only form, which pipeline.yaml runs until the whole one stands."""
