"""What reads a prompt: CLIP's text tower and its tokenizer, which metrics need without UNet and VAE."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.models.libraries import prepare_transformers
from hypnos_pipeline.models.loaded_weights import load_whole
from hypnos_pipeline.models.single_file import load_single_file
from hypnos_pipeline.models.weight_files import PARTS, single_file

if TYPE_CHECKING:
    import torch
    from transformers import CLIPTextModel, CLIPTokenizer


@dataclass(kw_only=True)
class PromptEncoder:
    """The parts of a text-to-image model that read prompts.

    Attributes:
        text_encoder: CLIP's text tower.
        tokenizer: CLIP's, with ``model_max_length`` (77).
    """

    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer

    @property
    def device(self) -> torch.device:
        """Where the networks lie."""
        return self.text_encoder.device

    def encode_prompts(self, prompts: list[str]) -> torch.Tensor:
        """Tokenises prompts, padded to the model's length.

        Returns:
            Token ids, int64, N×77, on the model's device.

        Raises:
            ValueError: Naming every prompt that does not fit (diffusers would cut it off).
        """
        length = self.tokenizer.model_max_length
        whole = self.tokenizer(prompts).input_ids
        counts = zip(prompts, map(len, whole), strict=True)
        long = [f"  {prompt!r}: {count}" for prompt, count in counts if count > length]
        if long:
            raise ValueError("\n".join([f"Prompts of more than {length} tokens:", *dict.fromkeys(long)]))
        padded = self.tokenizer(prompts, padding="max_length", max_length=length, return_tensors="pt")
        return padded.input_ids.to(self.device)


def load_prompt_encoder(path: Path, device: torch.device | str = "cpu") -> PromptEncoder:
    """Loads those parts of a diffusers folder, as ``text_to_image.load_text_to_image`` loads all of them.

    Raises:
        UnusableNetwork: If weights are missing, left over, or of another shape.
        NotFinite: If they hold NaN or infinity.
    """
    path = Path(path)
    if file := single_file(path):
        text_encoder = load_single_file(file)["text_encoder"]
    else:
        prepare_transformers()
        from transformers import CLIPTextModel

        text_encoder = load_whole(CLIPTextModel, path / "text_encoder", PARTS["text_encoder"])
    return PromptEncoder(text_encoder=text_encoder.to(device), tokenizer=load_tokenizer(path))


def load_tokenizer(path: Path) -> CLIPTokenizer:
    """Loads the tokenizer of a diffusers folder."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(str(path / "tokenizer"), local_files_only=True)
