"""The hub on this machine answers what ``huggingface_hub`` itself asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.server import COMMIT, Hub, serving

FILES = {"config.json": b"{}", "README.md": b"a card", "unet/model.safetensors": bytes(3_000_000)}


@pytest.fixture(scope="module")
def hub():
    with serving() as hub:
        hub.publish("owner/name", FILES)
        yield hub


def python(hub: Hub, folder: Path, code: str) -> str:
    """What a program prints that uses the hub's own library, which reads its address at import."""
    setting = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_HOME": str(folder)}
    environment = {**os.environ, **setting, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_hubs_own_library_reads_repositories_here(hub: Hub, tmp_path: Path) -> None:
    code = """
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
info = HfApi().model_info("owner/name", files_metadata=True)
print(info.sha, {file.rfilename: (file.size, file.lfs is not None) for file in info.siblings})
tree = HfApi().list_repo_tree("owner/name", recursive=True)
print([(entry.path, getattr(entry, "size", None)) for entry in tree])
print(snapshot_download("owner/name", local_dir="here"))
for repository, revision, error in (
    ("owner/none", None, RepositoryNotFoundError), ("owner/name", "b" * 40, RevisionNotFoundError)
):
    try:
        HfApi().model_info(repository, revision=revision)
    except error:
        print(error.__name__)
"""
    printed = python(hub, tmp_path, code).splitlines()
    assert printed[0].startswith(COMMIT)
    assert "'unet/model.safetensors': (3000000, True)" in printed[0]
    assert "'config.json': (2, False)" in printed[0]
    assert "('unet', None)" in printed[1]
    assert printed[3:] == ["RepositoryNotFoundError", "RevisionNotFoundError"]
    for name, content in FILES.items():
        assert (tmp_path / "here" / name).read_bytes() == content


def test_a_gated_repository_shows_its_list_and_keeps_its_files(hub: Hub, tmp_path: Path) -> None:
    hub.publish("owner/gated", FILES, gated=True)
    code = """
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import GatedRepoError
print(HfApi().model_info("owner/gated").gated)
for token in (False, "hf_other"):
    try:
        hf_hub_download("owner/gated", "config.json", token=token, local_dir="refused")
    except GatedRepoError as error:
        print(error.response.status_code)
print(open(hf_hub_download("owner/gated", "config.json", token="hf_accepted", local_dir="granted")).read())
"""
    assert python(hub, tmp_path, code).split() == ["auto", "401", "403", "{}"]
