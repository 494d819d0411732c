"""The paper's CLIP-T (4.1.1): the *finetuned* text encoder against the *pretrained* image embedding.

The two spaces were never aligned, which explains the paper's magnitudes (0.007–0.055); no direction of
this number is better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hypnos_pipeline.metrics.similarity import cosine_rows

if TYPE_CHECKING:
    from hypnos_pipeline.models.networks import ClipNetwork
    from hypnos_pipeline.models.prompt_encoder import PromptEncoder


def clip_t_paper(
    images: Tensor, prompts: list[str], model: PromptEncoder, network: ClipNetwork
) -> Tensor | None:
    """Cosine of each image's pretrained CLIP embedding with its prompt's finetuned text state.

    Args:
        images: Float images in [0, 1], N×3×H×W.
        prompts: One for each image, as given to the model, rare words included.
        model: The finetuned (or base) model, whose text encoder and tokenizer are used.
        network: The pretrained CLIP.

    Returns:
        N float32 values in [-1, 1]; None where the dimensions differ and the metric is undefined.
    """
    with torch.no_grad():
        embeddings = network.embed_images(images)
    return clip_t_paper_of_embeddings(embeddings, prompts, model)


def clip_t_paper_of_embeddings(embeddings: Tensor, prompts: list[str], model: PromptEncoder) -> Tensor | None:
    """The same from CLIP's image embeddings N×D; each distinct prompt is embedded once."""
    if model.text_encoder.config.hidden_size != embeddings.shape[1]:
        return None
    distinct = list(dict.fromkeys(prompts))
    token_ids = model.encode_prompts(distinct)
    states = end_of_text_states(model.text_encoder, token_ids, model.tokenizer.eos_token_id)  # pyright: ignore[reportArgumentType]
    return cosine_rows(embeddings, states[[distinct.index(prompt) for prompt in prompts]]).float()


@torch.no_grad()
def end_of_text_states(text_encoder: torch.nn.Module, token_ids: Tensor, end_of_text: int) -> Tensor:
    """Returns the final layer norm's state at the first end-of-text token by position.

    Never ``pooler_output``: SD 1.5's configuration makes it pool at the *largest* id, which after textual
    inversion is the placeholder's.

    Args:
        text_encoder: A ``CLIPTextModel``.
        token_ids: N×L integers.
        end_of_text: The tokenizer's end-of-text id.

    Returns:
        N×D states.

    Raises:
        ValueError: If a row holds no end-of-text token.
    """
    ends = token_ids == end_of_text
    if not ends.any(dim=1).all():
        raise ValueError(f"a prompt's tokens hold no end-of-text id {end_of_text}")
    device = next(text_encoder.parameters()).device
    states = text_encoder(token_ids.to(device)).last_hidden_state
    first = ends.int().argmax(dim=1).to(device)
    return states[torch.arange(len(states), device=device), first]
