"""What a network of this project must not hold, why, and what to take in its place.

The target chip runs 2-D convolutions of one group on shapes known beforehand. It folds
batch norm away, and cannot take the variance or exponentials of what passes through.
Barred by these rules, one kind each: convolutions that are not 2-D or have groups;
norms with statistics of their own input (group, layer and RMS, instance, and batch norm
that was left in training); softmax in any form; attention; recurrence; axes whose
length is open; operators that cannot be looked into. Linear layers and pooling stand.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import nn


class Finding(NamedTuple):
    """One thing that the rules bar.

    kind: a key of RULES. where: the path of the module, or the name of the node.
    what: the class or the operator, as its own form calls it.
    """

    kind: str
    where: str
    what: str

    @property
    def why(self) -> str:
        """Why it is barred."""
        return RULES[self.kind].why

    @property
    def instead(self) -> str:
        """What does its work and is allowed."""
        return RULES[self.kind].instead

    def __str__(self) -> str:
        """Write the finding as one line for a reader."""
        place = self.where or "the network itself"
        return f"{self.kind} at {place} ({self.what}): {self.why}; {self.instead}"


class Rule(NamedTuple):
    """What makes a kind: classes of modules, and names of operators in plain form."""

    why: str
    instead: str
    modules: tuple[type[nn.Module], ...] = ()
    operators: frozenset[str] = frozenset()


def plain(operator: str) -> str:
    """Give an operator's name without case and underscores: one for every form.

    `aten::_log_softmax`, `F.log_softmax` and ONNX `LogSoftmax` are all "logsoftmax".
    """
    return operator.rpartition("::")[2].replace("_", "").lower()


def kind_of_operator(operator: str) -> str | None:
    """Give the kind that bars an operator by its plain name alone, if one does."""
    if operator.startswith("scaleddotproduct"):
        return "attention"
    named = (kind for kind, rule in RULES.items() if operator in rule.operators)
    return next(named, None)


def kind_of_convolution(weight_rank: int | None, groups: int) -> str | None:
    """Give the kind that bars a convolution by its weight's rank and its groups."""
    if weight_rank is None:
        return "convolution of unknown rank"
    if weight_rank == 3:
        return "1-D convolution"
    if weight_rank != 4:
        return "3-D convolution"
    return "grouped convolution" if groups != 1 else None


RULES = {
    "1-D convolution": Rule(
        "the target runs 2-D convolutions alone",
        "use Conv2d with size (1, k) on (B, F, 1, T)",
        (nn.Conv1d, nn.ConvTranspose1d),
    ),
    "3-D convolution": Rule(
        "the target runs 2-D convolutions alone",
        "use Conv2d, with places as rows and time as columns",
        (nn.Conv3d, nn.ConvTranspose3d),
    ),
    "convolution of unknown rank": Rule(
        "that it is 2-D cannot be proved",
        "give it a constant weight or a kernel shape of two numbers",
    ),
    "grouped convolution": Rule(
        "the target wants one group",
        "use groups=1 and fewer channels",
    ),
    "group norm": Rule(
        "its statistics come from the input at hand",
        "use BatchNorm2d, which folds into the convolution",
        (nn.GroupNorm,),
        frozenset({"groupnorm", "nativegroupnorm", "groupnormalization"}),
    ),
    "layer norm": Rule(
        "its statistics come from the input at hand",
        "use BatchNorm2d, which folds into the convolution",
        (nn.LayerNorm, nn.RMSNorm),
        frozenset(
            {
                "layernorm",
                "nativelayernorm",
                "layernormalization",
                "rmsnorm",
                "fusedrmsnorm",
                "rmsnormalization",
                "simplifiedlayernormalization",
                "skiplayernormalization",
                "skipsimplifiedlayernormalization",
                "embedlayernormalization",
            }
        ),
    ),
    "instance norm": Rule(
        "its statistics come from the input at hand",
        "use BatchNorm2d, which folds into the convolution",
        (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
        frozenset(
            {
                "instancenorm",
                "instancenormalization",
                "meanvariancenormalization",
            }
        ),
    ),
    "batch statistics": Rule(
        "a batch norm takes them from the input at hand, so nothing can be folded",
        "call eval() before exporting, and track running statistics",
    ),
    "softmax": Rule(
        "the target does not take exponentials of what passes through",
        "give logits, and let the host or the loss normalise them",
        (
            nn.Softmax,
            nn.Softmax2d,
            nn.LogSoftmax,
            nn.Softmin,
            nn.AdaptiveLogSoftmaxWithLoss,
        ),
        frozenset(
            {
                "softmax",
                "logsoftmax",
                "softmin",
                "safesoftmax",
                "maskedsoftmax",
                "specialsoftmax",
                "speciallogsoftmax",
                "gumbelsoftmax",
                "biassoftmax",
                "crossentropy",
                "crossentropyloss",
                "softmaxcrossentropyloss",
            }
        ),
    ),
    "attention": Rule(
        "it is made of softmax and of products of two inputs",
        "use dilated convolutions to see further",
        (nn.MultiheadAttention,),
        frozenset(
            {
                "attention",
                "multiheadattention",
                "multiheadattentionforward",
                "nativemultiheadattention",
                "groupqueryattention",
                "transformerencoderlayerfwd",
            }
        ),
    ),
    "recurrent layer": Rule(
        "the target has no state from frame to frame",
        "use dilated convolutions, causal ones for a stream",
        (nn.RNNBase, nn.RNNCellBase),
        frozenset(
            {
                "rnn",
                "lstm",
                "gru",
                "rnntanh",
                "rnnrelu",
                "lstmcell",
                "grucell",
                "rnntanhcell",
                "rnnrelucell",
                "mkldnnrnnlayer",
                "cudnnrnn",
                "thnnfusedlstmcell",
                "thnnfusedgrucell",
            }
        ),
    ),
    "dynamic axis": Rule(
        "shapes must be known when the network is compiled for the target",
        "export with fixed sizes, the batch too",
    ),
    "opaque operator": Rule(
        "what it computes cannot be looked into",
        "write it with operators of the standard set",
    ),
}
