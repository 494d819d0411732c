"""The files of a network in a hub repository: which are needed, at which commit, and getting them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import filter as matching
from pathlib import Path

from hypnos_pipeline.errors import FetchError
from hypnos_pipeline.models.fetching.address import CONNECTING, GO_ON, unreachable
from hypnos_pipeline.models.integrity import PARTS, PREPROCESSED, TOKENIZING
from hypnos_pipeline.models.preprocessing import CONFIGURATION

_WEIGHTS = ("safetensors", "bin")
"""Kinds of weights, the one that needs no conversion first."""
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
)


@dataclass(frozen=True)
class HubFiles:
    """What is to be fetched of a repository.

    Attributes:
        repository: Hub id.
        commit: Its full hash.
        digests: Each needed file to the sha256 that the hub lists for it, None where it lists none.
        bytes: Of all of them.
    """

    repository: str
    commit: str
    digests: dict[str, str | None]
    bytes: int


def list_files(key: str, repository: str, revision: str | None) -> HubFiles:
    """Asks the hub for the commit (the newest unless ``revision`` names one) and the files of a network.

    Which files those are, the network's key below ``models`` says; see :func:`needed_files`.

    Raises:
        Unreachable: If the hub does not answer, or must not be used (``HF_HUB_OFFLINE``).
        FetchError: If there is no such repository or commit, or it lacks a file.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    if constants.is_offline_mode():
        raise unreachable(constants.ENDPOINT, "the environment variable HF_HUB_OFFLINE is set")
    try:
        found = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=CONNECTING)
    except HfHubHTTPError as error:
        raise FetchError(f"{repository}: {str(error).splitlines()[0]}") from error
    except (HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise unreachable(constants.ENDPOINT, error) from error
    listed = {file.rfilename: file for file in found.siblings or ()}
    names = needed_files(key, listed)
    if not names or found.sha is None:
        raise FetchError(f"{repository}: lacks weights as .safetensors or .bin, or a configuration")
    digests = {name: listed[name].lfs.sha256 if listed[name].lfs else None for name in names}
    return HubFiles(repository, found.sha, digests, sum(listed[name].size or 0 for name in names))


def download_files(files: HubFiles, folder: Path) -> None:
    """Downloads files of a repository, each once, whatever was cut off before; with bars of the progress.

    Raises:
        FetchError: If the hub refuses one or the connection ends.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HTTPError

    for name in files.digests:
        try:
            hf_hub_download(
                files.repository, name, revision=files.commit, local_dir=folder, etag_timeout=CONNECTING
            )
        except (HTTPError, OSError) as error:
            failed = f"{files.repository}: {name} could not be downloaded ({str(error).splitlines()[0]})"
            raise FetchError(f"{failed}; {GO_ON}") from error


def needed_files(key: str, names: Collection[str]) -> list[str]:
    """Chooses the files that a network is loaded from; no other formats or precisions, no safety checker.

    Args:
        key: The network's key below ``models``.
        names: All files of the repository.

    Returns:
        Sorted names; empty if a configuration or weights are missing.
    """
    if key == "matting":
        return sorted(matching(names, "*.onnx"))
    if key == "text_to_image":
        parts = [_with_weights(f"{part}/", stem, names) for part, stem in PARTS.items()]
        beside = {"model_index.json", "scheduler/scheduler_config.json"}
        beside |= {f"tokenizer/{name}" for name in _TOKENIZER}
    else:
        parts = [_with_weights("", "model", names)]
        beside = {CONFIGURATION} if key in PREPROCESSED else set()
        beside |= set(_TOKENIZER) if key in TOKENIZING else set()
    if not all(parts):
        return []
    return sorted({name for part in parts for name in part} | (beside & set(names)))


def _with_weights(folder: str, stem: str, names: Collection[str]) -> list[str]:
    """Returns configuration and weights of one part, in one piece or several; empty if one is missing."""
    if f"{folder}config.json" not in names:
        return []
    for kind in _WEIGHTS:
        known = stem if kind == "safetensors" or stem != "model" else "pytorch_model"
        whole, index = f"{folder}{known}.{kind}", f"{folder}{known}.{kind}.index.json"
        if whole in names:
            return [f"{folder}config.json", whole]
        pieces = matching(names, f"{folder}{known}-*-of-*.{kind}")
        if kind == "safetensors" and index in names and pieces:
            return [f"{folder}config.json", index, *pieces]
    return []
