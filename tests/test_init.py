"""A first pipeline.yaml, from what a repository seems to hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import schema
from pipeline.reading import spec
from tests.laptop import Laptop

MAIN = "if __name__ == '__main__':\n    main()\n"


def argparse_script(options: str, body: str = "    pass") -> str:
    """Write a program that takes options."""
    lines = "".join(f"    p.add_argument({line})\n" for line in options.splitlines())
    return (
        "import argparse\nimport os\nimport numpy as np\n\ndef main():\n"
        "    p = argparse.ArgumentParser()\n"
        f"{lines}    args = p.parse_args()\n{body}\n\n" + MAIN
    )


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    """An empty repository without a commit."""
    return Laptop(tmp_path)


def proposed(laptop: Laptop, **files: str) -> schema.Pipeline:
    """Put files there and give what is proposed; it passes `check`."""
    for name, text in files.items():
        laptop.write(name, text)
    laptop.pipeline("init")
    laptop.pipeline("check")
    return spec.load(laptop.repo / "pipeline.yaml")


def test_an_empty_repository_gets_a_template_that_works(laptop: Laptop) -> None:
    """Two stages that teach, and the next two commands."""
    said = laptop.pipeline("init")

    assert "a template of two stages" in said
    assert said.endswith("next: pipeline check\n      pipeline run\n")
    laptop.pipeline("check")
    assert "the total is 5050" in laptop.pipeline("run")


def test_the_first_line_is_for_editors(laptop: Laptop) -> None:
    """It names a schema that is there."""
    laptop.pipeline("init", "--yes")

    first = (laptop.repo / "pipeline.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=.pipeline/schema.json"
    assert (laptop.repo / ".pipeline/schema.json").is_file()
    assert laptop.git("status", "--porcelain", "-uall") == "?? pipeline.yaml"


@pytest.mark.parametrize("there", ["name: mine\n", "", "link"])
def test_what_is_there_is_never_written_over(laptop: Laptop, there: str) -> None:
    """Not even an empty one, nor a link to nothing."""
    path = laptop.repo / "pipeline.yaml"
    if there == "link":
        path.symlink_to("nowhere")
    else:
        path.write_text(there)

    said = laptop.pipeline("init", code=2)

    assert said == (
        "pipeline.yaml is here already, and is not written over\n"
        "  see what it would be: pipeline init --print\n"
    )
    assert path.is_symlink() or path.read_text() == there
    assert "stages:" in laptop.pipeline("init", "--print")


def test_without_git_it_says_how_to_begin(laptop: Laptop, tmp_path: Path) -> None:
    """A run begins with a snapshot, and a snapshot with a repository."""
    bare = tmp_path / "bare"
    bare.mkdir()
    laptop.repo = bare

    said = laptop.pipeline("init", code=2)

    assert "is in no git repository\n  make one first: git init" in said
    assert not list(bare.iterdir())


def test_a_subfolder_may_have_its_own(laptop: Laptop) -> None:
    """Paths in it begin there."""
    laptop.write("deep/er/train.py", argparse_script("'--epochs', type=int, default=3"))
    laptop.commit()
    laptop.repo = laptop.repo / "deep" / "er"

    laptop.pipeline("init")

    (stage,) = spec.load(laptop.repo / "pipeline.yaml").stages
    assert stage.sh == "python train.py --epochs {epochs}"
    assert stage.params == {"epochs": 3}


OPTIONS: dict[str, tuple[str, str]] = {
    "a seed": ("'--seed', type=int, default=1", " --seed {seed}"),
    "a number to tune": ("'--lr', default=0.1", " --lr {lr}"),
    "a number of another kind": ("'--port', type=int, default=80", ""),
    "a flag": ("'--fast', action='store_true'", ""),
    "a choice": ("'--optimizer', default='sgd', choices=['sgd', 'adam']", ""),
    "an output folder": ("'--output-dir', default='out'", " --output-dir $OUT"),
    "a short name first": ("'-o', '--out'", " --out $OUT"),
    "a file": ("'--save-path', default='out/model.pt'", " --save-path $OUT/model.pt"),
    "required": ("'--out', required=True", " --out $OUT"),
    "a computed default": ("'--lr', default=1 / 3", ""),
    "a computed name": ("f'--{x}', default=3", ""),
}


@pytest.mark.parametrize(("options", "words"), OPTIONS.values(), ids=OPTIONS)
def test_what_an_option_becomes(laptop: Laptop, options: str, words: str) -> None:
    """Each row: an add_argument, and what is said of it on the command line."""
    (stage,) = proposed(laptop, **{"train.py": argparse_script(options)}).stages

    assert stage.sh == f"python train.py{words}"


def test_an_option_says_where_a_script_writes_and_another_reads(laptop: Laptop) -> None:
    """The file goes through $OUT, and the order follows from it."""
    train = argparse_script(
        "'--out', default='runs'",
        "    np.save(os.path.join(args.out, 'model.npy'), 1)",
    )
    test = argparse_script(
        "'--model', default='runs/model.npy'", "    np.load(args.model)"
    )

    one, two = proposed(laptop, **{"train.py": train, "eval.py": test}).stages

    assert one.sh == "python train.py --out $OUT"
    assert one.outputs == ("model.npy",)
    assert two.sh == "python eval.py --model {train/model.npy}"
    assert two.needs == ("train",)


def test_a_file_read_by_a_fixed_path_stays_where_it_is_written(laptop: Laptop) -> None:
    """The one who reads it knows no option, so $OUT would hide it."""
    train = argparse_script(
        "'--out', default='runs'",
        "    np.save(os.path.join(args.out, 'model.npy'), 1)",
    )
    test = "import numpy as np\ndef main():\n    np.load('runs/model.npy')\n" + MAIN

    one, two = proposed(laptop, **{"train.py": train, "eval.py": test}).stages

    assert one.sh == "python train.py"
    assert one.collect == ("runs/model.npy",)
    assert [str(ref) for ref in two.inputs] == ["train/runs/model.npy"]


def test_what_it_must_be_told_is_left_as_a_comment(laptop: Laptop) -> None:
    """Nobody can guess a path; so the file still works, and says what is missing."""
    laptop.write("train.py", argparse_script("'corpus'"))

    said = laptop.pipeline("init")

    assert "train.py: left as a comment: say corpus first" in said
    text = (laptop.repo / "pipeline.yaml").read_text()
    assert "#   sh: python train.py CORPUS" in text
    laptop.pipeline("check")


def test_stages_come_in_the_order_of_their_names(laptop: Laptop) -> None:
    """Tests, data, training, evaluation, figures; servers are no stages."""
    names = ("plot_all", "train", "evaluate", "prepare_data", "serve", "util")
    files = {f"{name}.py": f"def main():\n    pass\n{MAIN}" for name in names}
    files["tests/test_it.py"] = "def test_it(): pass\n"

    stages = proposed(laptop, **files).stages

    assert [stage.name for stage in stages] == [
        *("tests", "prepare_data", "train", "evaluate", "plot_all"),
    ]
    text = (laptop.repo / "pipeline.yaml").read_text()
    assert "#   serve.py" in text


def test_a_makefile_serves_where_no_program_is_found(laptop: Laptop) -> None:
    """Its targets that are called like stages; not those that clean."""
    make = "all: train\nX := 1\ntrain: data\n\techo\neval:\n\techo\nclean:\n\trm x\n"

    stages = proposed(laptop, Makefile=make, **{"run.sh": "echo\n"}).stages

    assert [stage.sh for stage in stages] == ["make train", "sh run.sh", "make eval"]


def test_data_that_git_ignores_is_linked(laptop: Laptop) -> None:
    """It stays where it is; who speaks of it has it as an input."""
    (laptop.repo / "data").mkdir()
    laptop.write("data/x.csv", "1\n")
    laptop.write(".gitignore", "/data/\n")
    train = "def main():\n    open('data/x.csv')\n" + MAIN

    pipeline = proposed(laptop, **{"train.py": train})

    assert [data.path for data in pipeline.data] == ["data"]
    assert [str(ref) for ref in pipeline.stages[0].inputs] == ["data:data"]
    laptop.pipeline("run")


ENVIRONMENTS: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, "stages:"),
    "requirements": (
        {"requirements.txt": "numpy\n"},
        "# env: {lock: requirements.txt}",
    ),
    "uv": ({"uv.lock": "", "requirements.txt": ""}, "# env: {lock: uv.lock}"),
    "conda": ({"environment.yml": "name: mine\n"}, "# env: {conda: mine}"),
    "a venv": ({".venv/bin/python": ""}, "env: {python: .venv/bin/python}"),
}


@pytest.mark.parametrize(("files", "line"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_what_the_stages_run_in(
    laptop: Laptop, files: dict[str, str], line: str
) -> None:
    """Each row: what lies there, and what is proposed."""
    proposed(laptop, **{".gitignore": ".venv\n"}, **files)

    lines = (laptop.repo / "pipeline.yaml").read_text().splitlines()
    assert any(found.startswith(line) for found in lines)


ODD: dict[str, dict[str, str]] = {
    "no Python": {"train.py": "print 'old'\n"},
    "noughts": {"train.py": "\0\0\0"},
    "deep": {"train.py": "x = " + "(" * 3000 + ")" * 3000 + "\n" + MAIN},
    "spaces": {"my train.py": f"def main():\n    pass\n{MAIN}"},
    "quotes": {"train'\".py": f"def main():\n    pass\n{MAIN}"},
    "braces": {"train_{x}.py": f"def main():\n    pass\n{MAIN}"},
    "letters": {"träin.py": f"def main():\n    pass\n{MAIN}"},
    "a dash": {"-train.py": f"def main():\n    pass\n{MAIN}"},
    "dots": {"train.v1.2.py": f"def main():\n    pass\n{MAIN}"},
    "a name of ours": {"latest.py": f"def main():\n    pass\n{MAIN}"},
    "a broken notebook": {
        "a.ipynb": "{",
        "b.ipynb": '{"cells": [1]}',
        "c.ipynb": "[" * 50_000,
    },
    "twins": {"a/train.py": f"def main():\n    pass\n{MAIN}", "b/train.py": MAIN},
    "a file of two": {
        "train.py": f"def main():\n    open('x', 'w')\n{MAIN}",
        "eval.py": f"def main():\n    open('x', 'w')\n{MAIN}",
    },
    "a folder called like a stage": {
        "train.py": f"def main():\n    open('results/train/x', 'w')\n{MAIN}",
    },
    "paths that leave": {
        "train.py": "def main():\n    open('/tmp/x', 'w')\n    open('../y', 'w')\n"
        "    open('~/z', 'w')\n    open('.git/x', 'w')\n    open('a/../b', 'w')\n"
        + MAIN
    },
    "patterns": {
        "train.py": "def main():\n    open('x[1]?.txt', 'w')\n    open('a b', 'w')\n"
        + MAIN
    },
    "odd params": {
        "train.py": argparse_script(
            "'--lr', default=float('inf')\n'--n_a', default=-1e-9"
        )
    },
}


@pytest.mark.parametrize("files", ODD.values(), ids=ODD)
def test_whatever_lies_there_the_result_is_a_pipeline(
    laptop: Laptop, files: dict[str, str]
) -> None:
    """Each row: odd files; what is written passes `check` all the same."""
    assert proposed(laptop, **files).stages


def test_a_name_that_is_no_text_is_passed_over(laptop: Laptop) -> None:
    """Nothing can be written of it in YAML, which is text."""
    laptop.write("train.py", f"def main():\n    pass\n{MAIN}")
    path = os.fsencode(laptop.repo) + b"/tr\xffain.py"
    with open(path, "w") as file:
        file.write(MAIN)

    laptop.pipeline("init")
    laptop.pipeline("check")


def test_a_folder_that_runs_come_home_to_is_named(laptop: Laptop) -> None:
    """`run` would refuse it; so it is said now."""
    laptop.write("results/old.csv", "1\n")
    laptop.commit()

    assert "results/ is tracked in git" in laptop.pipeline("init")
