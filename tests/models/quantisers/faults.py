"""What originals and others got wrong about quantisers, to be put back in."""

from __future__ import annotations

from tests.models.fault import Fault

EMA = "quantisers/ema.py"
GRADIENTS = "quantisers/test_gradients.py"
STEPS = "quantisers/test_ema.py"
REVIVAL = "quantisers/test_revival.py"
GRID = "quantisers/test_fsq.py"
HEALTH = "quantisers/test_health.py"

FAULTS = (
    Fault(
        says="the commitment loss detaches the encoder",
        file="quantisers/straight.py",
        ours="return grad_codes + pull.to(z.dtype), None, None",
        theirs="return grad_codes, None, None",
        test=f"{GRADIENTS}::test_the_commitment_pulls_the_encoder_to_its_codes",
    ),
    Fault(
        says="the codebook is normalised each step and its input is not",
        file=EMA,
        ours="        self.counts.copy_(counts)\n        if any_dead",
        theirs="        self.codebook.div_(self.codebook.norm(dim=1, keepdim=True))\n"
        "        self.counts.copy_(counts)\n        if any_dead",
        test=f"{STEPS}::test_codes_are_running_sums_over_running_counts",
    ),
    Fault(
        says="a revived code is written without its count and sum",
        file=EMA,
        ours="        self.counts[which] = self.counts.mean()\n",
        theirs="",
        test=f"{REVIVAL}::test_a_dead_code_moves_onto_a_frame_with_a_mean_count",
    ),
    Fault(
        says="averages start at a count of zero",
        file=EMA,
        ours="self.counts.copy_(counts.clamp_min(self.epsilon))",
        theirs="self.counts.zero_()",
        test=f"{STEPS}::test_the_first_batch_gives_codes_with_their_counts",
    ),
    Fault(
        says="smoothed counts throw unused codes away",
        file=EMA,
        ours="self.codebook.add_(pulls * (rate / counts)[:, None])",
        theirs="self.codebook.mul_((counts / (counts + 1e-3))[:, None]).add_("
        "pulls * (rate / counts)[:, None])",
        test=f"{STEPS}::test_a_code_that_wins_nothing_stays_to_the_last_bit",
    ),
    Fault(
        says="commitment and codebook loss are swapped",
        file=EMA,
        ours="commitment = self.commitment_cost * graded",
        theirs="commitment, mse = self.commitment_cost * mse, graded",
        test=f"{GRADIENTS}::test_the_whole_loss_has_the_gradient_of_the_commitment",
    ),
    Fault(
        says="the codebook is a parameter under averages as well",
        file=EMA,
        ours='self.register_buffer("codebook", first * scale)',
        theirs="self.codebook = torch.nn.Parameter(first * scale)",
        test=f"{STEPS}::test_the_codebook_is_no_parameter",
    ),
    Fault(
        says="the lowest tenth is revived, dead or alive",
        file=EMA,
        ours="return counts < self.dead_code_threshold * counts.mean()",
        theirs="return counts <= counts.quantile(0.1)",
        test=f"{REVIVAL}::test_living_codes_are_left_alone",
    ),
    Fault(
        says="codes are revived though that is off",
        file=EMA,
        ours="if any_dead and self.enable_dead_code_refresh:",
        theirs="if any_dead:",
        test=f"{REVIVAL}::test_no_code_is_revived_when_that_is_off",
    ),
    Fault(
        says="frames are quantised with the codebook of after the update",
        file=EMA,
        ours="quantised = _as_map(codes, z)",
        theirs="quantised = _as_map(self.codebook.index_select(0, index), z)",
        test=f"{STEPS}::test_values_are_codes_of_before_the_update",
    ),
    Fault(
        says="a batch with nan reaches the averages",
        file=EMA,
        ours="        if not is_finite:\n",
        theirs="        if is_finite is None:\n",
        test=f"{STEPS}::test_what_is_no_number_is_refused_and_changes_nothing",
    ),
    Fault(
        says="evaluation moves the averages",
        file=EMA,
        ours="            if self.training:\n",
        theirs="            if self.steps.dim() == 0:\n",
        test=f"{STEPS}::test_evaluation_changes_nothing",
    ),
    Fault(
        says="revival draws from the global stream",
        file=EMA,
        ours="generator = draws.stream(self.seed, int(self.steps) + 1)",
        theirs="generator = torch.default_generator",
        test=f"{REVIVAL}::test_which_frames_are_taken_depends_on_the_seed_alone",
    ),
    Fault(
        says="a loaded module does not know that it has not begun",
        file=EMA,
        ours="        super()._load_from_state_dict(*args, **kwargs)\n"
        "        self._has_begun = False\n",
        theirs="        super()._load_from_state_dict(*args, **kwargs)\n",
        test=f"{REVIVAL}::test_a_state_from_before_the_start_starts_anew",
    ),
    Fault(
        says="each process keeps a codebook of its own",
        file=EMA,
        ours="        pulls, won, mse = collective.totals(pulls, won, mse)\n",
        theirs="",
        test="quantisers/test_collective.py::test_processes_agree_to_the_last_bit",
    ),
    Fault(
        says="codes from k-means come without their counts",
        file="quantisers/seeding.py",
        ours="return Start(codes, won.to(sample.dtype))",
        theirs="return Start(codes, torch.ones(n_codes))",
        test=f"{STEPS}::test_the_first_batch_gives_codes_with_their_counts",
    ),
    Fault(
        says="counts are kept in half precision after a cast",
        file="quantisers/precision.py",
        ours="after.dtype.itemsize >= 4",
        theirs="after.dtype.itemsize >= 2",
        test=f"{STEPS}::test_a_cast_of_the_network_leaves_averages_precise",
    ),
    Fault(
        says="the assignment runs in half precision under autocast",
        file="quantisers/nearest.py",
        ours="enabled=False",
        theirs="enabled=torch.is_autocast_enabled(frames.device.type)",
        test="quantisers/test_nearest.py::test_autocast_is_kept_out",
    ),
    Fault(
        says="distances are taken about the origin",
        file="quantisers/nearest.py",
        ours="middle = codes.mean(0)",
        theirs="middle = 0 * codes.mean(0)",
        test="quantisers/test_nearest.py::"
        "test_codes_far_from_the_origin_are_told_apart",
    ),
    Fault(
        says="of equal scores the last wins",
        file="quantisers/nearest.py",
        ours="within.argmax(1)",
        theirs="(width - 1 - within.flip(1).argmax(1))",
        test="quantisers/test_nearest.py::test_of_equal_scores_the_first_wins",
    ),
    Fault(
        says="rows are added in no fixed order",
        file="quantisers/tally.py",
        ours="order = index.argsort(stable=True)",
        theirs="order = index.argsort(stable=True).flip(0)",
        test="quantisers/test_tally.py::test_sums_are_those_of_a_loop",
    ),
    Fault(
        says="the rotation is not scaled",
        file="quantisers/rotation.py",
        ours="scale * turned",
        theirs="turned",
        test=f"{GRADIENTS}::test_rotation_turns_and_scales_the_gradient",
    ),
    Fault(
        says="the rotation is turned forward instead of back",
        file="quantisers/rotation.py",
        ours="2 * to_z * _dot(to_q, back)",
        theirs="2 * to_q * _dot(to_z, back)",
        test=f"{GRADIENTS}::test_rotation_turns_and_scales_the_gradient",
    ),
    Fault(
        says="entropy is in bits beside a perplexity of nats",
        file="quantisers/statistics.py",
        ours=".clamp_min(least).log()",
        theirs=".clamp_min(least).log2()",
        test="quantisers/test_statistics.py::"
        "test_equal_use_has_the_perplexity_of_its_size",
    ),
    Fault(
        says="unequal levels cannot be stacked",
        file="quantisers/grid.py",
        ours="rows = range(1, max(self.levels))",
        theirs="rows = range(1, min(self.levels))",
        test=f"{GRID}::test_golden_frames_have_their_codes",
    ),
    Fault(
        says="missing thresholds are reached by an infinite value",
        file="quantisers/grid.py",
        ours="return math.nan",
        theirs="return math.inf",
        test=f"{GRID}::test_infinities_are_the_ends_of_the_grid_in_a_graph",
    ),
    Fault(
        says="the host has one level more than was trained",
        file="quantisers/hostside.py",
        ours="level = levels_of(projected, made)",
        theirs="level = np.round((np.tanh(projected) + 1)"
        " * np.array(made.levels)[:, None] / 2).astype(np.int32)",
        test=f"{GRID}::test_golden_frames_have_their_codes",
    ),
    Fault(
        says="values on the host go beyond one",
        file="quantisers/hostside.py",
        ours="return (level.astype(np.float32) - half) / half",
        theirs="return 2 * level.astype(np.float32) / half - 1",
        test=f"{GRID}::test_golden_frames_have_their_codes",
    ),
    Fault(
        says="the grid is lopsided for even levels",
        file="quantisers/fsq.py",
        ours="        return (level - self.halves) / self.halves\n",
        theirs="        return (level - self.bases // 2) / (self.bases // 2)\n",
        test=f"{GRID}::test_golden_frames_have_their_codes",
    ),
    Fault(
        says="a tie belongs to another level on the host than in torch",
        file="quantisers/fsq.py",
        ours="reached = z.detach() >= self.thresholds",
        theirs="reached = z.detach() > self.thresholds",
        test=f"{GRID}::test_a_threshold_itself_belongs_to_the_level_above",
    ),
    Fault(
        says="levels are rounded from tanh, by each library's own last digit",
        file="quantisers/fsq.py",
        ours="        reached = z.detach() >= self.thresholds\n"
        "        return reached.sum(0, dtype=torch.int32).to(self.thresholds.dtype)\n",
        theirs="        bound = z.detach().tanh() * self.halves + self.bases / 2\n"
        "        return bound.floor()\n",
        test=f"{GRID}::test_a_threshold_itself_belongs_to_the_level_above",
    ),
    Fault(
        says="the grid has no straight-through",
        file="quantisers/fsq.py",
        ours="            values = pass_on(z, values)\n",
        theirs="            values = pass_on(z, values).detach()\n",
        test=f"{GRID}::test_the_gradient_reaches_the_projection",
    ),
    Fault(
        says="the gradient passes a saturated bound undiminished",
        file="quantisers/fsq.py",
        ours="return grad * (1.0 - z.tanh().square()), None",
        theirs="return grad, None",
        test=f"{GRADIENTS}::test_the_grid_has_the_gradient_of_tanh",
    ),
    Fault(
        says="codes on the host are numbered the other way round",
        file="quantisers/grid.py",
        ours="accumulate((1, *self.levels[:-1]), mul)",
        theirs="accumulate((1, *self.levels[:0:-1]), mul)",
        test=f"{GRID}::test_golden_frames_have_their_codes",
    ),
    Fault(
        says="the health check looks for lost codes a step too early",
        file="quantisers/health.py",
        ours="books[steps + 2, codes] - onto",
        theirs="books[steps + 1, codes] - onto",
        test=f"{HEALTH}::test_a_fault_is_named",
    ),
    Fault(
        says="the health check takes nan for a small value",
        file="quantisers/health.py",
        ours="np.size(part) - np.isfinite(part).sum()",
        theirs="np.isinf(part).sum()",
        test=f"{HEALTH}::test_a_fault_is_named",
    ),
    Fault(
        says="the health check trains the module it looks at",
        file="quantisers/watching.py",
        ours="copy.deepcopy(quantiser).train()",
        theirs="quantiser.train()",
        test=f"{HEALTH}::test_what_is_watched_is_not_touched",
    ),
)
