"""Hidden semi-Markov models with explicit durations, exact, in log space.

the model       process, edges, stationary, and durations by poisson,
                negative_binomial, histogram (growth, likeliest)
records         records, emission (code_emission, gaussian_emission), simulation
recursion       messages, by blocks (sweep) or in logs where those fail (exact)
its answers     posterior (expected_moves, expected_durations), lasting, sampling,
                viterbi (maxsweep, meeting, following); as segments
fitting         em, maximise, counts; starts, restarts
against others  chain, agreement, changes
with gradients  tensors/
"""
