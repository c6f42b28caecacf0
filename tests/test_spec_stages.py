"""Stages that cannot be meant: their names, their parts, and what they need."""

from __future__ import annotations

import pytest

from tests.refused import ONE, said

NAMES = [
    pytest.param(
        "name: My Project\nstages: {a: {sh: x}}\n",
        "pipeline.yaml:1:7: the name 'My Project' may hold only letters, "
        "digits, '_', '-' and single dots\n"
        "  did you mean 'My_Project'?",
        id="project-name",
    ),
    pytest.param(
        "name: x\nstages: {../up: {sh: x}}\n",
        "pipeline.yaml:2:10: the name of stage '../up' may hold only letters, "
        "digits, '_', '-' and single dots\n"
        "  did you mean 'up'?",
        id="stage-name",
    ),
    pytest.param(
        "name: x\nstages: {..: {sh: x}}\n",
        "pipeline.yaml:2:10: the name of stage '..' may hold only letters, "
        "digits, '_', '-' and single dots",
        id="dots",
    ),
    pytest.param(
        f"name: x\nstages: {{{'a' * 65}: {{sh: x}}}}\n",
        "pipeline.yaml:2:10: the name of stage "
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' "
        "is longer than 64",
        id="long-name",
    ),
    pytest.param(
        "name: x\nstages: {latest: {sh: x}, Progress.txt: {sh: x}}\n",
        "pipeline.yaml:2:10: stage 'latest' needs another name: results/latest "
        "is taken\n"
        "pipeline.yaml:2:27: stage 'Progress.txt' needs another name: "
        "results/Progress.txt is taken",
        id="taken",
    ),
    pytest.param(
        "name: x\nstages:\n  train: {sh: x}\n  Train: {sh: x}\n",
        "pipeline.yaml:4:3: stage 'Train' and 'train' (line 3) differ only in case",
        id="case",
    ),
    pytest.param(
        ONE + "params: {a.b: 1}\n",
        "pipeline.yaml:3:10: param 'a.b' should be named by letters, digits, "
        "'_' and '-'",
        id="param-name",
    ),
]

STAGES = [
    pytest.param(
        "name: x\nstages: {a: {sh: x, run: y}}\n",
        "pipeline.yaml:2:10: stage 'a' should have either 'run' or 'sh', found both",
        id="run-and-sh",
    ),
    pytest.param(
        "name: x\nstages: {a: {gpus: 1}}\n",
        "pipeline.yaml:2:10: stage 'a' should have either 'run' or 'sh', found neither",
        id="no-run-nor-sh",
    ),
    pytest.param(
        "name: x\nstages: {a: {run: stages/train.py}}\n",
        "pipeline.yaml:2:19: 'run' of stage 'a' should be a module such as "
        "stages.train, found 'stages/train.py'\n"
        "  did you mean 'stages.train'?",
        id="file-for-module",
    ),
    pytest.param(
        "name: x\nstages: {a: {run: stages.class}}\n",
        "pipeline.yaml:2:19: 'run' of stage 'a' should be a module such as "
        "stages.train, found 'stages.class'",
        id="keyword-module",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, gates: [accuracy => 0.8]}}\n",
        "pipeline.yaml:2:29: stage 'a': gate 'accuracy => 0.8' does not parse\n"
        "  a gate is 'metric >= 0.8' (or <=, <, >, ==, !=) or 'metric is finite'",
        id="gate",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, gates: [loss < 1e999]}}\n",
        "pipeline.yaml:2:29: stage 'a': gate 'loss < 1e999' has a limit that "
        "is not finite",
        id="endless-gate",
    ),
    pytest.param(
        'name: x\nstages: {a: {sh: x, commit: "a\\n\\nStage: b"}}\n',
        "pipeline.yaml:2:29: 'commit' of stage 'a' should be one line, found "
        "'a\\n\\nStage: b'",
        id="two-line-commit",
    ),
    pytest.param(
        "name: x\nstages:\n  a:\n    sh: x\n    outputs: [f, g/, g, f]\n",
        "pipeline.yaml:5:22: stage 'a' makes 'g' twice; first in line 5\n"
        "pipeline.yaml:5:25: stage 'a' makes 'f' twice; first in line 5",
        id="output-twice",
    ),
    pytest.param(
        "name: x\n"
        "stages: {a: {sh: x, outputs: [/f, ../f, a/../f, ./f, a//b/, "
        ".git/hooks/x, ., ~/f]}}\n",
        "pipeline.yaml:2:31: '/f' in 'outputs' of stage 'a' is absolute\n"
        "pipeline.yaml:2:35: '../f' in 'outputs' of stage 'a' holds '..'\n"
        "pipeline.yaml:2:41: 'a/../f' in 'outputs' of stage 'a' holds '..'\n"
        "pipeline.yaml:2:49: './f' in 'outputs' of stage 'a' is not in its "
        "plain form\n"
        "  did you mean 'f'?\n"
        "pipeline.yaml:2:54: 'a//b/' in 'outputs' of stage 'a' is not in its "
        "plain form\n"
        "  did you mean 'a/b/'?\n"
        "pipeline.yaml:2:61: '.git/hooks/x' in 'outputs' of stage 'a' reaches "
        "into '.git'\n"
        "pipeline.yaml:2:75: '.' in 'outputs' of stage 'a' names nothing\n"
        "pipeline.yaml:2:78: '~/f' in 'outputs' of stage 'a' is absolute",
        id="paths",
    ),
    pytest.param(
        "name: x\n"
        'stages: {a: {sh: x, outputs: ["a\\nb"], collect: [../*], code: [/etc]}}\n',
        "pipeline.yaml:2:31: 'a\\nb' in 'outputs' of stage 'a' holds a "
        "character that cannot be seen\n"
        "pipeline.yaml:2:50: '../*' in 'collect' of stage 'a' holds '..'\n"
        "pipeline.yaml:2:64: '/etc' in 'code' of stage 'a' is absolute",
        id="invisible",
    ),
]

EDGES = [
    pytest.param(
        "name: x\n"
        "stages:\n"
        "  encode:\n"
        "    sh: x\n"
        "    outputs: [code.npy]\n"
        "  fit:\n"
        "    sh: x\n"
        "    inputs: [encode/codes.npy]\n",
        "pipeline.yaml:8:14: stage 'fit' needs 'encode/codes.npy', which no "
        "stage makes\n"
        "  did you mean 'encode/code.npy' (line 5)?",
        id="near-file",
    ),
    pytest.param(
        "name: x\n"
        "stages:\n"
        "  encode: {sh: x, outputs: [code.npy]}\n"
        "  fit: {sh: x, inputs: [encoder/things]}\n",
        "pipeline.yaml:4:25: stage 'fit' needs 'encoder/things', which no "
        "stage makes\n"
        "  did you mean 'encode' (line 3)?",
        id="near-stage",
    ),
    pytest.param(
        "name: x\n"
        "stages:\n"
        "  encode: {sh: x, outputs: [code.npy]}\n"
        "  fit: {sh: x, inputs: [code.npy]}\n",
        "pipeline.yaml:4:25: stage 'fit' needs 'code.npy', which is neither "
        "'stage/file' nor 'data:name'\n"
        "  did you mean 'encode/code.npy' (line 3)?",
        id="bare-file",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x}, b: {sh: x, inputs: [a/zzz, a/, a/../f]}}\n",
        "pipeline.yaml:2:42: stage 'b' needs 'a/zzz', which no stage makes\n"
        "pipeline.yaml:2:49: stage 'b' needs 'a/', which is neither "
        "'stage/file' nor 'data:name'\n"
        "pipeline.yaml:2:53: stage 'b' needs 'a/../f', which holds '..'",
        id="no-such-file",
    ),
    pytest.param(
        "name: x\n"
        "stages:\n"
        "  a: {sh: x, outputs: [bundle]}\n"
        "  b: {sh: x, inputs: [a/bundle/m.json]}\n",
        "pipeline.yaml:4:23: stage 'b' needs 'a/bundle/m.json', which no stage "
        "makes\n"
        "  line 3 promises a file; a folder would be 'bundle/'",
        id="no-folder",
    ),
    pytest.param(
        "name: x\nstages:\n  encode: {sh: x}\n  fit: {sh: x, after: [encod]}\n",
        "pipeline.yaml:4:24: stage 'fit' comes after 'encod', which is no stage\n"
        "  did you mean 'encode' (line 3)?",
        id="after",
    ),
    pytest.param(
        "name: x\ndata:\n  dogs: {path: d}\nstages: {a: {sh: x, inputs: [data:dog]}}\n",
        "pipeline.yaml:4:30: stage 'a' needs 'data:dog', which 'data' does not name\n"
        "  did you mean 'data:dogs' (line 3)?",
        id="data-name",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, after: [a]}}\n",
        "pipeline.yaml:2:10: stage 'a' needs itself",
        id="itself",
    ),
    pytest.param(
        "name: x\n"
        "stages:\n"
        "  c: {sh: x, after: [d]}\n"
        "  a: {sh: x, inputs: [b/f]}\n"
        "  b: {sh: x, outputs: [f], after: [c, a]}\n"
        "  d: {sh: x}\n",
        "pipeline.yaml:4:3: stage 'a' needs 'b' (line 5), which needs 'a'",
        id="circle",
    ),
]

PLACEHOLDERS = [
    pytest.param(
        "name: x\nparams: {seed: 0}\nstages: {a: {sh: 'x {sede}'}}\n",
        "pipeline.yaml:3:18: stage 'a' uses {sede} in 'sh', and has no such param\n"
        "  did you mean 'seed' (line 2)?",
        id="near-param",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: \"awk '{print}' f\"}}\n",
        "pipeline.yaml:2:18: stage 'a' uses {print} in 'sh', and has no such param\n"
        "  to keep the braces, write {{print}}",
        id="no-param",
    ),
    pytest.param(
        "name: x\n"
        "stages: {a: {sh: x, outputs: [f.pt]}, b: {sh: 'x {a/g.pt} {data:dogs} "
        "{q/q}'}}\n",
        "pipeline.yaml:2:47: stage 'b' needs 'a/g.pt', which no stage makes\n"
        "  did you mean 'a/f.pt' (line 2)?\n"
        "pipeline.yaml:2:47: stage 'b' needs 'data:dogs', which 'data' does "
        "not name\n"
        "  to keep the braces, write {{data:dogs}}\n"
        "pipeline.yaml:2:47: stage 'b' needs 'q/q', which no stage makes\n"
        "  to keep the braces, write {{q/q}}",
        id="named-file",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: 'x \"{n}\"', params: {n: 1}}}\n",
        "pipeline.yaml:2:18: stage 'a' puts {n} inside quotes in 'sh'\n"
        "  values arrive quoted; let the quotes end before it",
        id="quotes",
    ),
]

PARAMS = [
    pytest.param(
        ONE + "params: {a: .nan, b: [{c: -.inf}], d: 1e999}\n",
        "pipeline.yaml:3:13: param 'a' should be finite, found .nan\n"
        "pipeline.yaml:3:27: param 'b' should be finite, found -.inf\n"
        "pipeline.yaml:3:39: param 'd' should be finite, found 1e999",
        id="not-finite",
    ),
    pytest.param(
        ONE + "params: {seed: zero}\n",
        "pipeline.yaml:3:10: param 'seed' should be a whole number from 0, "
        "found 'zero'",
        id="seed",
    ),
]


@pytest.mark.parametrize(
    ("text", "message"), [*NAMES, *STAGES, *EDGES, *PLACEHOLDERS, *PARAMS]
)
def test_a_stage_that_cannot_be_meant_is_refused(text: str, message: str) -> None:
    """Each mistake has its place, and where it can be computed the near name."""
    assert said(text) == message
