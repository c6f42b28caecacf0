"""What the originals' networks got wrong, and a few slips that would be as quiet."""

from __future__ import annotations

from tests.models.fault import Fault

MODULES = "networks/test_forbidden_modules.py"

FAULTS = (
    Fault(
        says="a 1-D convolution passes the rules that bar it",
        file="networks/barred.py",
        ours='return "1-D convolution"',
        theirs="return None",
        test=f"{MODULES}::test_a_functional_call_is_found_where_it_is_made[conv1d]",
    ),
    Fault(
        says="the network itself holds a softmax",
        file="networks/classifier.py",
        ours="Logits(self.frames(hidden), window.flatten(1))",
        theirs="Logits(self.frames(hidden).softmax(1), window.flatten(1))",
        test=f"{MODULES}::test_our_own_networks_hold_nothing_that_is_barred",
    ),
    Fault(
        says="the network itself holds a group norm",
        file="networks/convolution.py",
        ours="nn.BatchNorm2d(n_out, device=generator.device)",
        theirs="nn.GroupNorm(1, n_out)",
        test=f"{MODULES}::test_our_own_networks_hold_nothing_that_is_barred",
    ),
    Fault(
        says="only what is registered is looked at, not what runs",
        file="networks/forbidden.py",
        ours="yield from _judged([record(original, examples)])",
        theirs="record(original, examples)",
        test=f"{MODULES}::test_a_module_kept_out_of_the_tree_is_found_when_it_runs",
    ),
    Fault(
        says="a softmax written in small steps passes the rules",
        file="networks/composed.py",
        ours="if self._is_softmax(call):",
        theirs="if False:",
        test=f"{MODULES}::test_a_functional_call_is_found_where_it_is_made",
    ),
    Fault(
        says="a softmax passes when its exponential is written twice",
        file="networks/composed.py",
        ours="self._is_exp(numerator) and self._is_total_of_exp(divisor)",
        theirs="numerator == divisor",
        test=f"{MODULES}::test_a_functional_call_is_found_where_it_is_made",
    ),
    Fault(
        says="a label out of range reaches the kernel",
        file="networks/objective.py",
        ours="(labels < -1) | (labels >= k)",
        theirs="labels != labels",
        test="networks/test_conv2d_vq.py::test_wrong_labels_are_refused_in_words",
    ),
    Fault(
        says="a batch of any size passes for a static shape",
        file="networks/onnx_graph.py",
        ours='if not size.HasField("dim_value") or size.dim_value <= 0:',
        theirs="if size.dim_value < 0:",
        test="networks/test_forbidden_onnx.py::test_an_open_axis_is_found",
    ),
    Fault(
        says="an unknown checkpoint is loaded as far as it goes",
        file="networks/checkpoint.py",
        ours="differences = [*_names(network, state), *_kinds(network, state)]",
        theirs="differences: list[str] = []",
        test="networks/test_cost.py::test_a_wrong_checkpoint_is_refused_whole",
    ),
    Fault(
        says="a causal convolution is padded on the wrong side",
        file="networks/convolution.py",
        ours="nn.ZeroPad2d((*self.reach, 0, 0))",
        theirs="nn.ZeroPad2d((*self.reach[::-1], 0, 0))",
        test="networks/test_encoder.py::test_the_reach_is_what_gradients_say",
    ),
    Fault(
        says="weights come from torch's global stream",
        file="networks/convolution.py",
        ours="torch.randn(shape, generator=generator, device=device)",
        theirs="torch.randn(shape, device=device)",
        test="networks/test_encoder.py::test_building_leaves_the_global_stream_alone",
    ),
    Fault(
        says="the classifier sees the vector and not its code",
        file="networks/conv2d_vq.py",
        ours="self.classifier(quantised)",
        theirs="self.classifier(latent)",
        test="networks/test_conv2d_vq.py::test_later_parts_know_nothing_but_the_codes",
    ),
    Fault(
        says="a hole in the signal enters the network unnamed",
        file="networks/door.py",
        ours="if not bool(torch.isfinite(tensor).all()):",
        theirs="if False:",
        test="networks/test_door.py::test_the_first_value_that_is_not_finite_is_named",
    ),
    Fault(
        says="the folded norm forgets its running mean",
        file="networks/folding.py",
        ours="module.conv = fuse_conv_bn_eval(module.conv, module.norm)",
        theirs=(
            "module.norm.running_mean.zero_(); "
            "module.conv = fuse_conv_bn_eval(module.conv, module.norm)"
        ),
        test="networks/test_cost.py::test_batch_norms_fold_into_convolutions",
    ),
    Fault(
        says="the exported window is another one: its units are left out",
        file="networks/deployed.py",
        ours='x = graph.add("Div", "standard", centred, deviation)',
        theirs='x = graph.add("Identity", "standard", "windows")',
        test="networks/test_deployed.py::"
        "test_the_whole_graph_gives_codes_and_calibrated_logits",
    ),
    Fault(
        says="the exported padding of a causal network looks ahead",
        file="networks/onnx_bricks.py",
        ours="left, right, _, _ = module.pad.padding",
        theirs="right, left, _, _ = module.pad.padding",
        test="networks/test_deployed.py::"
        "test_the_whole_graph_gives_codes_and_calibrated_logits[causal]",
    ),
)
