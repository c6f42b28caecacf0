"""The text of a pipeline.yaml: what cannot be read, and what is not of its grammar."""

from __future__ import annotations

import pytest

from tests.refused import BOMB, ONE, said

TEXT = [
    pytest.param(b"", "pipeline.yaml:1:1: is empty", id="empty"),
    pytest.param(
        "# nothing\n", "pipeline.yaml:1:1: holds nothing but comments", id="comments"
    ),
    pytest.param(
        "- a\n",
        "pipeline.yaml:1:1: a pipeline should be a mapping, found a list\n"
        "  it begins with `name:` and `stages:`",
        id="list",
    ),
    pytest.param(
        "hello\n",
        "pipeline.yaml:1:1: a pipeline should be a mapping, found 'hello'\n"
        "  it begins with `name:` and `stages:`",
        id="word",
    ),
    pytest.param(
        b"\xff\xfen\x00", "pipeline.yaml:1:1: is not UTF-8 text: byte 0xff", id="utf16"
    ),
    pytest.param(
        b"name: x\n# caf\xe9\n",
        "pipeline.yaml:2:6: is not UTF-8 text: byte 0xe9",
        id="latin1",
    ),
    pytest.param(
        b"name: x\nsta\x00ges: {}\n",
        "pipeline.yaml:2:4: is not plain text: it holds the character U+0000",
        id="nul",
    ),
    pytest.param(
        "name: x\n\ufeffstages: {}\n",
        "pipeline.yaml:2:1: is not plain text: it holds the character U+FEFF",
        id="bom-inside",
    ),
    pytest.param(
        "name: x\nstages:\n\ta: {sh: x}\n",
        "pipeline.yaml:3:1: is not YAML: found character that cannot start any "
        "token, while scanning for the next token\n"
        "  YAML is indented by spaces, never by tabs",
        id="tab",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x}\n",
        "pipeline.yaml:3:1: is not YAML: did not find expected ',' or '}', "
        "while parsing a flow mapping (line 2)",
        id="unclosed",
    ),
    pytest.param(
        "name: x: y\n",
        "pipeline.yaml:1:8: is not YAML: mapping values are not allowed in "
        "this context",
        id="colons",
    ),
    pytest.param(
        ONE + "---\nname: y\n",
        "pipeline.yaml:3:1: holds a second document",
        id="two-documents",
    ),
    pytest.param(
        "#" * 1000001,
        "pipeline.yaml:1:1: holds 1000001 bytes; more than 1000000 are not read",
        id="huge",
    ),
    pytest.param(
        ONE + 'notify: {command: "a\\0b"}\n',
        "pipeline.yaml:3:19: a text cannot hold the character U+0000",
        id="escaped-nul",
    ),
    pytest.param(
        ONE + "params: {p: !!python/name:os.system x}\n",
        "pipeline.yaml:3:13: tag '!!python/name:os.system' means nothing here",
        id="tag",
    ),
    pytest.param(
        ONE + "params: {[a, b]: 1}\n",
        "pipeline.yaml:3:10: a key should be one word",
        id="complex-key",
    ),
]

ALIASES = [
    pytest.param(
        ONE + "params: &p\n  me: *p\n",
        "pipeline.yaml:4:7: alias 'p' stands inside what it names (line 3)",
        id="recursive-alias",
    ),
    pytest.param(
        ONE + "x-c: &common {}\nparams: *comon\n",
        "pipeline.yaml:4:9: alias 'comon' has no anchor above it\n"
        "  did you mean 'common' (line 3)?",
        id="unknown-alias",
    ),
    pytest.param(
        BOMB,
        "pipeline.yaml:5:11: more than 20000 values once all aliases are written out",
        id="bomb",
    ),
    pytest.param(
        "a: " + "[" * 60 + "]" * 60,
        "pipeline.yaml:1:42: nested more than 40 deep",
        id="deep",
    ),
    pytest.param(
        ONE + "x-a: &a [1]\nparams: {<<: *a}\n",
        "pipeline.yaml:3:10: '<<' should name a mapping to merge",
        id="merge",
    ),
]

KEYS = [
    pytest.param(
        "jobs: 1\n",
        "pipeline.yaml:1:1: a pipeline needs 'name', a name for its folder on "
        "the box\n"
        "pipeline.yaml:1:1: a pipeline needs 'stages', at least one stage",
        id="nothing-said",
    ),
    pytest.param(
        ONE + "stage: {}\n",
        "pipeline.yaml:3:1: unknown key 'stage'\n  did you mean 'stages'?",
        id="unknown-key",
    ),
    pytest.param(
        "name: x\nstages:\n  a: {sh: x, outputz: [f]}\n",
        "pipeline.yaml:3:14: unknown key 'outputz' in stage 'a'\n"
        "  did you mean 'outputs'?",
        id="unknown-inner-key",
    ),
    pytest.param(
        ONE + "notify: {zzz: 1}\n",
        "pipeline.yaml:3:10: unknown key 'zzz' in 'notify'\n  known here: command",
        id="key-like-no-other",
    ),
    pytest.param(
        "name: x\nstages:\n  a: {sh: x}\n  b: {sh: x}\n  a: {sh: y}\n",
        "pipeline.yaml:5:3: key 'a' is there twice; first in line 3",
        id="twice",
    ),
]

TYPES = [
    pytest.param(
        ONE + "notify: {command: [a]}\n",
        "pipeline.yaml:3:19: 'command' of 'notify' should be text, found a list",
        id="list-for-text",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x}, b: {sh: x, after: a}}\n",
        "pipeline.yaml:2:40: 'after' of stage 'b' should be a list of stages, "
        "found 'a'\n"
        "  write after: [a]",
        id="text-for-list",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, outputs: [{f: 1}, ~]}}\n",
        "pipeline.yaml:2:31: 'outputs' of stage 'a' should hold texts, found a "
        "mapping\n"
        "pipeline.yaml:2:39: 'outputs' of stage 'a' should hold texts, found nothing",
        id="mapping-in-list",
    ),
    pytest.param(
        ONE + "git: main\n",
        "pipeline.yaml:3:6: 'git' should be a mapping, found 'main'",
        id="text-for-mapping",
    ),
    pytest.param(
        "name: x\nstages: {}\n",
        "pipeline.yaml:1:1: a pipeline needs 'stages', at least one stage",
        id="no-stages",
    ),
    pytest.param(
        "name: x\nstages: [a]\n",
        "pipeline.yaml:2:9: 'stages' should be a mapping of names, found a list",
        id="list-for-stages",
    ),
    pytest.param(
        "name: x\nstages: {a: python train.py}\n",
        "pipeline.yaml:2:13: stage 'a' should be a mapping, found 'python train.py'",
        id="text-for-stage",
    ),
    pytest.param(
        ONE + "params: seed\n",
        "pipeline.yaml:3:9: 'params' should be a mapping, found 'seed'",
        id="text-for-params",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, gpus: one}}\n",
        "pipeline.yaml:2:27: 'gpus' of stage 'a' should be a whole number from "
        "0 to 9999, found 'one'",
        id="text-for-number",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, retries: true}}\n",
        "pipeline.yaml:2:30: 'retries' of stage 'a' should be a whole number "
        "from 0 to 9999, found true",
        id="true-for-number",
    ),
    pytest.param(
        ONE + "jobs: 1.5\n",
        "pipeline.yaml:3:7: 'jobs' should be a whole number from 1 to 9999, found 1.5",
        id="float-for-number",
    ),
    pytest.param(
        ONE + "jobs: 0\n",
        "pipeline.yaml:3:7: 'jobs' should be a whole number from 1 to 9999, found 0",
        id="no-jobs",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: ' '}}\n",
        "pipeline.yaml:2:18: 'sh' of stage 'a' should be a command, found ' '",
        id="blank",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, on_failure: continu}}\n",
        "pipeline.yaml:2:33: 'on_failure' of stage 'a' should be one of stop, "
        "continue, found 'continu'\n"
        "  did you mean 'continue'?",
        id="choice",
    ),
    pytest.param(
        ONE + "git: {push: dirty}\n",
        "pipeline.yaml:3:13: 'push' of 'git' should be on, off or {dirty: "
        "true}, found 'dirty'",
        id="push",
    ),
    pytest.param(
        ONE + "git: {push: {dirty: perhaps}}\n",
        "pipeline.yaml:3:21: 'dirty' of 'push' of 'git' should be true or "
        "false, found 'perhaps'",
        id="push-dirty",
    ),
]

DURATIONS_SIZES = [
    pytest.param(
        "name: x\nstages: {a: {sh: x, timeout: 1:30}}\n",
        "pipeline.yaml:2:30: 'timeout' of stage 'a' should be a duration such "
        "as 90, 60s, 30min, 6h, 1d or 1h30min, found '1:30'",
        id="sexagesimal",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, timeout: 5m}}\n",
        "pipeline.yaml:2:30: 'timeout' of stage 'a' should be a duration such "
        "as 90, 60s, 30min, 6h, 1d or 1h30min, found '5m'\n"
        "  did you mean '5min'?",
        id="minutes",
    ),
    pytest.param(
        ONE + "sync: {every: [60s]}\n",
        "pipeline.yaml:3:15: 'every' of 'sync' should be a duration such as "
        "90, 60s, 30min, 6h, 1d or 1h30min, found a list",
        id="duration-list",
    ),
    pytest.param(
        ONE + "sync: {every: 0s}\n",
        "pipeline.yaml:3:15: 'every' of 'sync' should be a duration such as "
        "90, 60s, 30min, 6h, 1d or 1h30min, found '0s'",
        id="never",
    ),
    pytest.param(
        ONE + "heartbeat: {every: 5min}\n",
        "pipeline.yaml:3:12: 'stale_after' of 'heartbeat' should be longer "
        "than 'every', found 120 s and 300 s",
        id="stale",
    ),
    pytest.param(
        ONE + "ship: {max_size: 20M}\n",
        "pipeline.yaml:3:18: 'max_size' of 'ship' should be a size such as "
        "500000, 2MB or 1GiB, found '20M'\n"
        "  did you mean '20MB'?",
        id="mega",
    ),
    pytest.param(
        ONE + "ship: {max_size: big}\n",
        "pipeline.yaml:3:18: 'max_size' of 'ship' should be a size such as "
        "500000, 2MB or 1GiB, found 'big'",
        id="size",
    ),
]


@pytest.mark.parametrize(
    ("text", "message"), [*TEXT, *ALIASES, *KEYS, *TYPES, *DURATIONS_SIZES]
)
def test_a_text_that_cannot_be_meant_is_refused(
    text: bytes | str, message: str
) -> None:
    """Each kind of text has one answer, and it is a place and a sentence."""
    assert said(text) == message
