"""What nobody but a stage may know: its values, how they are spelled, and blotted."""
