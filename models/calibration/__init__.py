"""Whether probabilities mean what they say, and what to do when they do not.

report        every metric with its interval, over subjects or over frames
bins          ece, mce: confidence against being right, in bins of one width
mass          adaptive_ece: in bins of equal mass
classwise     classwise_ece, and the parts of a Brier score
bias          what of an error is chance: its floor, debiased_ece
verdict       brier, nll, and each frame by itself
confusion     counts, precision, recall, F1
reliability   the bars of a reliability diagram
temperature   fit, and scaled: logits to probabilities
conformity    lac, aps, raps: scores of classes
threshold     split, by_class, by_subject, by_sequence: how far scores may go
selective     error against the share of frames that are offered
sets          within, outcome: conformal sets, and how they fared
uncertainty   entropy, mutual information
"""
