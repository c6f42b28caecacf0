"""What a stage may break around itself, and what is made whole again."""

from __future__ import annotations

import pytest

from tests.laptop import Laptop, wait_until
from tests.test_stage_harm import with_stages


def test_a_script_that_clears_results_is_a_stage_like_any_other(laptop: Laptop) -> None:
    """`rm -rf results` is what scripts do; the story is put back in its place."""
    with_stages(
        laptop,
        "  a: {sh: echo a > $OUT/a, outputs: [a]}\n"
        "  b:\n    after: [a]\n    collect: [results/mine.txt]\n"
        "    sh: rm -rf results artifacts; mkdir results; echo b > results/mine.txt\n"
        "  c: {sh: 'cat {a/a} {b/results/mine.txt} > $OUT/c', outputs: [c]}\n",
    )

    laptop.pipeline("run")

    assert laptop.seals() == ["a", "b", "c"]
    assert laptop.story()[0] == "run_started"
    assert laptop.git("show", f"run/{laptop.run_id}:artifacts/c/c") == "a\nb"


def test_a_changed_input_is_put_back_before_it_is_read(laptop: Laptop) -> None:
    """Killed or not, the next stage reads what was sealed."""
    with_stages(
        laptop,
        "  one: {sh: echo one > $OUT/o, outputs: [o]}\n"
        "  two: {sh: 'echo dirt >> {one/o}'}\n"
        "  three: {sh: 'cat {one/o} > $OUT/t', after: [two], outputs: [t]}\n",
    )

    laptop.pipeline("run")

    assert laptop.git("show", f"run/{laptop.run_id}:artifacts/three/t") == "one"


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_large_input_that_was_changed_is_put_back_or_refused(
    laptop: Laptop, is_stored: bool
) -> None:
    """From the store if that has it; nothing is ever built on what was changed."""
    lose = "" if is_stored else "; rm -f ~/.pipeline/*/store/*"
    with_stages(
        laptop,
        "  one: {sh: head -c 5000 /dev/zero > $OUT/o, outputs: [o]}\n"
        "  two: {sh: 'printf x | dd of={one/o} conv=notrunc 2> /dev/null"
        f"{lose}'}}\n"
        "  three: {sh: 'cat {one/o} > $OUT/t', after: [two], retries: 1, outputs: [t]}"
        "\n",
        head="git: {max_file: 1kB}\n",
    )

    said = laptop.pipeline("run", code=0 if is_stored else 7)

    if is_stored:
        made = laptop.run_folder() / "tree/artifacts/three/t"
        assert made.read_bytes() == bytes(5000)
    else:
        assert "stage 'one' is sealed, but its artifacts are not whole: o" in said


def test_an_endless_message_ends_the_watch_all_the_same(laptop: Laptop) -> None:
    """A failure may say 100 kB; the story stays readable, and is read to its end."""
    laptop.write("stages/__init__.py", "")
    laptop.write(
        "stages/a.py", "def run(p, ctx):\n    raise ValueError('x' * 100000)\n"
    )
    with_stages(laptop, "  a: {run: stages.a}\n")

    said = laptop.pipeline("run", code=4, timeout_s=30)

    assert "ValueError: xxx" in said
    assert (laptop.results / "events.jsonl").stat().st_size < 20_000


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("rmdir $OUT; ln -s $HOME $OUT", 7, "not the folder any more"),
        ("git init -q $OUT/clone", 7, "which git cannot hold"),
        (
            'echo "{\\"x\\": 1$(printf %0400d 0)}" > $RESULTS/metrics.json',
            4,
            "too large for a number",
        ),
        ("rm -r $OUT", 7, "not the folder any more"),
    ],
    ids=["linked", "repository", "huge", "removed"],
)
def test_what_cannot_be_sealed_is_named(
    laptop: Laptop, script: str, code: int, words: str
) -> None:
    """One clear line, and nothing sealed."""
    with_stages(laptop, f"  a:\n    sh: |\n      {script}\n")

    said = laptop.pipeline("run", code=code)

    assert words in said
    assert "a bug of ours" not in said


def test_folders_closed_to_writing_are_published(laptop: Laptop) -> None:
    """A stage may protect what it made."""
    with_stages(
        laptop,
        "  a: {sh: 'mkdir $OUT/d; echo x > $OUT/d/x; chmod -R a-w $OUT'}\n",
    )
    laptop.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "a:published"})
    laptop.wait_for_runner(lives=False)

    laptop.pipeline("resume")

    assert laptop.seals() == ["a"]


def test_a_late_notice_is_ended_with_all_it_started(laptop: Laptop) -> None:
    """What is told to the user's command holds nothing up, and leaves nothing."""
    head = "notify: {command: 'echo $PIPELINE_EVENT $PIPELINE_REASON > ../told'}\n"
    with_stages(laptop, "  a: {sh: exit 5}\n", head=head)

    laptop.pipeline("run", code=4)

    told = laptop.run_folder() / "told"
    laptop.wait_for_runner(lives=False)
    wait_until(told.exists, "the notice")
    assert told.read_text().startswith("failure stage 'a' ended with exit code 5")
