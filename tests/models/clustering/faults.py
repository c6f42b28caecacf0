"""What the originals' clustering got wrong, and slips that would be as quiet."""

from __future__ import annotations

from tests.models.fault import Fault

FAULTS = (
    Fault(
        says="labels are renamed and the centroids keep their old order",
        file="clustering/clustering.py",
        ours="named = model.renamed(matching.names)",
        theirs="named = model.renamed(np.sort(matching.names))",
        test="clustering/test_strategies.py::test_earlier_labels_are_kept",
    ),
    Fault(
        says="centroids are put in another order and names are not",
        file="clustering/centroids.py",
        ours="means=self.means[kept]",
        theirs="means=self.means[: len(kept)]",
        test=(
            "clustering/test_support.py::"
            "test_merging_takes_the_name_the_weight_and_the_mean_together"
        ),
    ),
    Fault(
        says="clusters are merged by the centroids of before",
        file="clustering/centroids.py",
        ours="return replace(self, weights=weights, means=means)",
        theirs="return replace(self, weights=weights)",
        test=(
            "clustering/test_support.py::"
            "test_a_small_cluster_goes_to_the_nearest_of_the_current_centres"
        ),
    ),
    Fault(
        says="a merged mean forgets how much each part weighs",
        file="clustering/centroids.py",
        ours="np.average(self.means[pair], axis=0, weights=self.weights[pair])",
        theirs="np.average(self.means[pair], axis=0)",
        test=(
            "clustering/test_support.py::"
            "test_merging_takes_the_name_the_weight_and_the_mean_together"
        ),
    ),
    Fault(
        says="a merged covariance forgets how far the means lay apart",
        file="clustering/gaussians.py",
        ours="within + block * (1.0 - block) * between",
        theirs="within",
        test=(
            "clustering/test_support.py::"
            "test_merging_conserves_weight_mean_and_second_moment"
        ),
    ),
    Fault(
        says="a mixture predicts by the nearest centroid",
        file="clustering/gaussians.py",
        ours="given: Array = constant - 0.5 * squared(rows)",
        theirs=("given: Array = -np.square(rows[:, None] - self.means).sum(axis=2)"),
        test=(
            "clustering/test_em.py::"
            "test_a_row_goes_by_its_posterior_and_not_to_the_nearest_mean"
        ),
    ),
    Fault(
        says="fitting seeds the stream that all share",
        file="clustering/gmm.py",
        ours="given = points(features, sample_weight)",
        theirs="np = __import__('numpy'); np.random.seed(self.random_state); "
        "given = points(features, sample_weight)",
        test=(
            "clustering/test_strategies.py::"
            "test_the_same_rows_give_the_same_bits_again[gmm]"
        ),
    ),
    Fault(
        says="labels differ between runs under one seed",
        file="clustering/kmeans.py",
        ours='rng = stream(self.random_state, "k-means")',
        theirs="rng = __import__('numpy').random.default_rng()",
        test=(
            "clustering/test_strategies.py::"
            "test_the_same_rows_give_the_same_bits_again[k-means]"
        ),
    ),
    Fault(
        says="labels depend on the order in which rows came",
        file="clustering/points.py",
        ours="    _, first, place = np.unique(as_bytes, return_index=True, "
        "return_inverse=True)\n",
        theirs="    first = place = np.arange(len(as_bytes))\n",
        test=(
            "clustering/test_strategies.py::"
            "test_another_order_of_rows_gives_the_same_labels"
        ),
    ),
    Fault(
        says="a row's score depends on the rows beside it",
        file="clustering/blocks.py",
        ours="given[start : start + BLOCK] = score(block)[: len(part)]",
        theirs="given[start : start + BLOCK] = score(part)",
        test=(
            "clustering/test_strategies.py::"
            "test_a_rows_label_does_not_depend_on_the_rows_beside_it"
        ),
    ),
    Fault(
        says="a cluster that shares nothing takes an old label",
        file="clustering/matching.py",
        ours="shares = overlap[rows, columns] > 0",
        theirs="shares = overlap[rows, columns] >= 0",
        test=(
            "clustering/test_matching.py::"
            "test_a_cluster_that_shares_nothing_is_not_forced_on_an_old_label"
        ),
    ),
    Fault(
        says="labels are matched one after the other and not together",
        file="clustering/matching.py",
        ours="rows, columns = linear_sum_assignment(overlap, maximize=True)",
        theirs=(
            "rows, columns = np.arange(n_clusters), overlap.argmax(axis=1) "
            "if overlap.size else np.arange(0)"
        ),
        test="clustering/test_matching.py::test_no_other_assignment_keeps_more",
    ),
    Fault(
        says="the label of a vanished cluster is given to a new one",
        file="clustering/matching.py",
        ours="first = max(next_label, int(labels.max(initial=-1)) + 1)",
        theirs="first = max(next_label, len(labels))",
        test=(
            "clustering/test_matching.py::"
            "test_a_new_cluster_gets_a_label_that_nobody_had"
        ),
    ),
    Fault(
        says="a code that came often makes a density without end",
        file="clustering/em.py",
        ours="scatter = _scatter(x, counted, means, covariance) + prior.scale",
        theirs="scatter = _scatter(x, counted, means, covariance) + 1e-9 * prior.scale",
        test=(
            "clustering/test_em.py::"
            "test_one_code_that_came_often_makes_no_density_without_end"
        ),
    ),
    Fault(
        says="a sum has other bits on another count of threads",
        file="threads.py",
        ours="with _pools().limit(limits=1):",
        theirs="if True:",
        test=(
            "clustering/test_strategies.py::"
            "test_runs_and_counts_of_threads_give_the_same_bits"
        ),
    ),
    Fault(
        says="a column in small units is taken for flat",
        file="clustering/em.py",
        ours="FLAT = 1e-12",
        theirs="FLAT = 1e-6",
        test="clustering/test_em.py::test_units_of_measure_do_not_change_a_density",
    ),
    Fault(
        says="weights that sum to one make BIC count nothing",
        file="clustering/gmm.py",
        ours="        _refuse_total(given)\n",
        theirs="",
        test=(
            "clustering/test_refusals.py::"
            "test_a_mixture_refuses_weights_that_are_no_counts"
        ),
    ),
    Fault(
        says="BIC forgets the numbers in the covariances",
        file="clustering/em.py",
        ours="return k - 1 + k * n_dims + k * of_each",
        theirs="return k - 1 + k * n_dims",
        test=("clustering/test_em.py::test_bic_is_that_of_its_equation"),
    ),
)
