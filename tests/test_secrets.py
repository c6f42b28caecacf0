"""Secrets are told by their names, and travel only when they are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.schema import ShipRules
from pipeline.snapshots import refusals
from tests.repos import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit."""
    return Repo.make(tmp_path / "repo")


@pytest.mark.parametrize(
    "allow", ["*.pem", "certs/old.pem", "experiments/x/certs/*", "old.*"]
)
def test_a_listed_secret_travels(repo: Repo, allow: str) -> None:
    """Listed by its name, or by its path from the repository or from pipeline.yaml."""
    inner = Repo(repo.path, repo.path / "experiments" / "x")
    repo.write("experiments/x/certs/old.pem")

    held = inner.held(inner.take(ShipRules(allow=(allow,))))

    assert "experiments/x/certs/old.pem" in held


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.local", ".env-prod", ".envrc", ".ENV", "a/b/.env"),
        *("server.pem", "server.KEY", ".pem", "a.pub.pem"),
        *("id_rsa", "id_ed25519", "id_rsa.old", "id_ecdsa_sk", "id_rsa-work", "id_box"),
        *("credentials", "credentials.json", "credentials-prod.yml", ".credentials"),
        *("credentials.py", "a\n.pem"),
    ],
)
def test_secrets_are_told_by_their_names(name: str) -> None:
    """The table of the docstring, on the side of what is refused."""
    assert refusals.looks_like_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *(".env.example", ".env.sample", ".env.template", ".env.dist", ".environment"),
        *(
            "id_rsa.pub",
            "id_map.py",
            "id_tokens.py",
            "id_list.csv",
            "id_.txt",
            "grid_1",
        ),
        *("credentials.example.json", "example.pem", "server.key.sample"),
        *(
            "keys.py",
            "monkey",
            "key",
            "pem",
            "env",
            "my.env",
            "env.yml",
            "credential.py",
        ),
        *("id_rsa/notes.md", "credentials/readme", "credentialsfoo"),
    ],
)
def test_what_is_no_secret_travels(name: str) -> None:
    """The table of the docstring, on the side of what is not."""
    assert not refusals.looks_like_secret(name)
