"""Parts of the stage codebook_analysis."""
