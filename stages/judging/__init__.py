"""Parts of the stage calibration: what is fitted, judged and told."""
