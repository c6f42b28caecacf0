"""Someone else's code: three repositories go through every verb, unchanged."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.laptop import Laptop

FOREIGN = Path(__file__).parent / "foreign"


def guest(tmp_path: Path, name: str) -> Laptop:
    """Put a foreign repository on a laptop, as a clone of it would lie there."""
    laptop = Laptop(tmp_path)
    shutil.copytree(FOREIGN / name, laptop.repo, dirs_exist_ok=True)
    laptop.commit("as it was cloned")
    if name == "hydra_like":
        rows = "".join(f"{n / 30},{2 * n / 30 + 1}\n" for n in range(30))
        laptop.write("data/measurements.csv", rows)
    return laptop


def scripts(laptop: Laptop) -> dict[str, str]:
    """Give the texts of what was cloned."""
    return {
        name: hashlib.sha256((laptop.repo / name).read_bytes()).hexdigest()
        for name in laptop.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    }


def sealed(laptop: Laptop, stage: str) -> list[str]:
    """Name what the latest run sealed of a stage."""
    manifest = json.loads((laptop.results / stage / "manifest.json").read_text())
    return sorted(manifest["artifacts"])


MAKES: dict[str, dict[str, list[str]]] = {
    "argparse_trainer": {
        "train": ["checkpoints/model.npz", "results/log.csv"],
        "evaluate": ["results/report.json"],
    },
    "notebook": {
        "growth": ["figures/growth.svg", "figures/summary.json", "growth.ipynb"]
    },
}


@pytest.mark.parametrize("name", ["argparse_trainer", "hydra_like", "notebook"])
def test_it_goes_through_init_check_and_run(tmp_path: Path, name: str) -> None:
    """What init writes can be run as it is, and not one file of theirs is changed."""
    laptop = guest(tmp_path, name)
    before = scripts(laptop)

    laptop.pipeline("init")
    laptop.pipeline("check")
    said = laptop.pipeline("run")

    assert "run ended: done" in said
    assert scripts(laptop) == before
    assert laptop.git("status", "--porcelain", "-uall") == "?? pipeline.yaml"
    for stage, files in MAKES.get(name, {}).items():
        assert sealed(laptop, stage) == files


def test_a_config_tree_finds_its_data_and_leaves_its_run_folder(tmp_path: Path) -> None:
    """It reads data/ by a fixed path, changes its folder, and names one by the date."""
    laptop = guest(tmp_path, "hydra_like")
    laptop.pipeline("init")
    laptop.write(
        "pipeline.yaml",
        (laptop.repo / "pipeline.yaml")
        .read_text()
        .replace("epochs={epochs}", "epochs={epochs} model=linear optimizer.lr=0.1"),
    )

    laptop.pipeline("run", "--set", "train.epochs=2")

    names = [name.split("/", 3) for name in sealed(laptop, "train")]
    assert {name[0] for name in names} == {"outputs"}
    assert [name[3] for name in names] == [
        ".hydra/config.yaml",
        "model.txt",
        "train.log",
    ]
    home = laptop.run_folder() / "tree/artifacts/train"
    (config,) = home.glob("outputs/*/*/.hydra/config.yaml")
    assert "epochs: 2" in config.read_text()
    assert "name: linear" in config.read_text()


def test_a_bar_is_kept_to_its_last_state(tmp_path: Path) -> None:
    """Of hundreds of redraws, one line an epoch; and nothing that moves a terminal."""
    laptop = guest(tmp_path, "argparse_trainer")
    laptop.pipeline("init")

    laptop.pipeline("run")

    log = (laptop.results / "train" / "stage.log").read_text()
    bars = [line for line in log.splitlines() if "%|" in line]
    assert len(bars) == 3
    assert all("100%|####################| 31/31" in line for line in bars)
    assert "\r" not in log


def test_a_script_that_fails_says_so_in_its_own_words(tmp_path: Path) -> None:
    """The reason stands in the log, and the run ends with 4."""
    laptop = guest(tmp_path, "hydra_like")
    laptop.pipeline("init")
    text = (laptop.repo / "pipeline.yaml").read_text()
    laptop.write("pipeline.yaml", text.replace("seed={seed}", "sead={seed}"))

    laptop.pipeline("run", code=4)

    assert "Could not override 'sead'" in laptop.pipeline("logs", "train")


def test_what_changed_in_a_script_is_explained_and_done_again(tmp_path: Path) -> None:
    """A comment in the README re-runs nothing; an edit of evaluate.py, evaluate."""
    laptop = guest(tmp_path, "argparse_trainer")
    laptop.pipeline("init")
    laptop.pipeline("run")

    laptop.write("README.md", "# Other words\n")
    idle = laptop.pipeline("plan")
    path = laptop.repo / "evaluate.py"
    path.write_text(path.read_text().replace("seed=2", "seed=3"))
    busy = laptop.pipeline("plan")
    why = laptop.pipeline("explain", "evaluate")
    laptop.pipeline("run")

    assert "2 to reuse" in idle
    assert "1 to reuse, 1 to execute" in busy
    assert "evaluate.py" in why
    assert sealed(laptop, "evaluate") == ["results/report.json"]
    assert sealed(laptop, "train") == ["checkpoints/model.npz", "results/log.csv"]


def test_an_edited_notebook_is_executed_again(tmp_path: Path) -> None:
    """The notebook is code too, whatever its name ends in."""
    laptop = guest(tmp_path, "notebook")
    laptop.pipeline("init")
    laptop.pipeline("run")

    path = laptop.repo / "growth.ipynb"
    path.write_text(path.read_text().replace("STEPS = 25", "STEPS = 26"))
    why = laptop.pipeline("explain", "growth")
    laptop.pipeline("run")

    assert "growth.ipynb" in why
    home = laptop.run_folder() / "tree/artifacts/growth"
    assert json.loads((home / "figures/summary.json").read_text())["steps"] == 26
