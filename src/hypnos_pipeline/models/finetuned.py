"""What a method leaves behind: a whole model, or one learned token; both load in plain diffusers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hypnos_pipeline.errors import UnusableNetwork
from hypnos_pipeline.models.loaded_weights import require_finite
from hypnos_pipeline.models.prompt_encoder import PromptEncoder, load_prompt_encoder
from hypnos_pipeline.models.reference import locate
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.text_to_image import TextToImage, load_text_to_image, save_text_to_image

if TYPE_CHECKING:
    import torch

Reader = TypeVar("Reader", bound=PromptEncoder)
# The name that `pipe.load_textual_inversion(folder)` looks for.
LEARNED_TOKEN_FILE = "learned_embeds.safetensors"


@dataclass(frozen=True, eq=False)
class FullFinetune:
    """A model whose UNet and text encoder were trained; saved as a diffusers folder."""

    text_to_image: TextToImage


@dataclass(frozen=True, eq=False)
class LearnedToken:
    """A new token of the base model.

    Attributes:
        token: Its text, e.g. ``<sks>``; not a word of the base model's vocabulary.
        embedding: Its row of the token embedding, float32, 1-D.
        noun: The class noun it was initialised from.
    """

    token: str
    embedding: torch.Tensor
    noun: str


def save_finetuned(finetuned: FullFinetune | LearnedToken, folder: Path) -> None:
    """Saves into an existing or new folder; the bytes depend on the object alone.

    Raises:
        ValueError: If a learned embedding is not 1-D.
    """
    if isinstance(finetuned, FullFinetune):
        save_text_to_image(finetuned.text_to_image, folder)
        return
    from safetensors.torch import save_file

    if finetuned.embedding.dim() != 1:
        raise ValueError(f"expected a 1-D embedding, got shape {tuple(finetuned.embedding.shape)}")
    folder.mkdir(parents=True, exist_ok=True)
    row = finetuned.embedding.detach().float().cpu().clone()
    save_file({finetuned.token: row}, folder / LEARNED_TOKEN_FILE, metadata={"noun": finetuned.noun})


def load_learned_token(folder: Path) -> LearnedToken:
    """Reads a saved learned token.

    Raises:
        UnusableNetwork: If the file holds more or less than one tensor.
        NotFinite: If that holds NaN or infinity.
    """
    from safetensors import safe_open

    path = folder / LEARNED_TOKEN_FILE
    with safe_open(path, framework="pt") as file:
        rows = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        noun = (file.metadata() or {}).get("noun", "")
    if len(rows) != 1:
        raise UnusableNetwork(
            f"{path}: {len(rows)} tensors, expected the row of one token; finetune it again"
        )
    require_finite(path, rows, [path])
    ((token, embedding),) = rows.items()
    return LearnedToken(token, embedding, noun)


def load_finetuned(folder: Path, base: ModelReference, device: torch.device | str = "cpu") -> TextToImage:
    """Loads what :func:`save_finetuned` wrote as a model ready to sample, a learned token within ``base``."""
    return _load(load_text_to_image, folder, base, device)


def load_finetuned_prompts(
    folder: Path, base: ModelReference, device: torch.device | str = "cpu"
) -> PromptEncoder:
    """Loads of it what reads prompts alone."""
    return _load(load_prompt_encoder, folder, base, device)


def _load(
    load: Callable[[Path, torch.device | str], Reader],
    folder: Path,
    base: ModelReference,
    device: torch.device | str,
) -> Reader:
    if not (folder / LEARNED_TOKEN_FILE).is_file():
        return load(folder, device)
    learned = load_learned_token(folder)
    model = load(locate(base), device)
    add_token(model, learned.token, learned.embedding)
    return model


def add_token(model: PromptEncoder, token: str, embedding: torch.Tensor) -> int:
    """Adds one token to tokenizer and text encoder, as diffusers' ``load_textual_inversion`` does.

    Args:
        model: Changed in place.
        token: Text of the new token.
        embedding: Its row, 1-D.

    Returns:
        The new token's id: the last row of the embedding.

    Raises:
        ValueError: If the model already knows the token, or the row has another width.
    """
    import torch

    if token in model.tokenizer.get_vocab():
        raise ValueError(
            f"{token!r} is already a token of the base model; expected a new one, e.g. '<{token}>'"
        )
    width = model.text_encoder.get_input_embeddings().weight.shape[1]  # pyright: ignore[reportIndexIssue]
    if tuple(embedding.shape) != (width,):
        raise ValueError(f"{token!r}: expected a row of {width} numbers, got shape {tuple(embedding.shape)}")
    # transformers draws a random row, which is set right below: the draw must not show outside.
    with torch.random.fork_rng(devices=[]):
        model.text_encoder.resize_token_embeddings(len(model.tokenizer) + 1, mean_resizing=False)
    model.tokenizer.add_tokens(token)
    identity = model.tokenizer.convert_tokens_to_ids(token)
    with torch.no_grad():
        model.text_encoder.get_input_embeddings().weight[identity] = embedding  # pyright: ignore[reportIndexIssue]
    return identity  # pyright: ignore[reportReturnType]
