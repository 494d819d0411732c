"""One forward pass of the text-to-image model on noised latents: prompts to states to ε̂."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypnos_pipeline.models.runtime import autocast
from hypnos_pipeline.training.losses import add_noise, clean_latent, epsilon_from

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.settings import RuntimeSettings
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.draws import Half


@dataclass(frozen=True)
class Prediction:
    """What all losses of a step share.

    Attributes:
        noisy: z_t, float32 N×C×h×w.
        noise: ε, likewise.
        epsilon: ε̂, likewise, with gradient.
        timesteps: t, int64 N.
        alpha_bar: ᾱ_t, float32 N.
    """

    noisy: torch.Tensor
    noise: torch.Tensor
    epsilon: torch.Tensor
    timesteps: torch.Tensor
    alpha_bar: torch.Tensor

    def error(self, rows: slice) -> torch.Tensor:
        """Returns ε̂ − ε of some rows."""
        return self.epsilon[rows] - self.noise[rows]

    def clean(self, rows: slice) -> torch.Tensor:
        """Returns z0 of some rows, float32."""
        return clean_latent(self.noisy[rows], self.epsilon[rows], self.alpha_bar[rows])


class Denoiser:
    """The model with its noise schedule, precision and cached token ids.

    The networks stay in evaluation mode: the paper names no dropout, and Stable Diffusion has none.

    Args:
        model: Whose UNet and text encoder are run.
        runtime: Precision of the forward passes.
    """

    def __init__(self, model: TextToImage, runtime: RuntimeSettings) -> None:
        self.model, self.runtime, self.device = model, runtime, model.device
        schedule = model.noise_schedule()
        self.prediction_type = schedule.config["prediction_type"]
        self.alpha_bars = schedule.alphas_cumprod.float()
        self._ids: dict[str, torch.Tensor] = {}

    @property
    def timesteps(self) -> int:
        """T, the length of the noise schedule."""
        return len(self.alpha_bars)

    def predict(self, halves: list[Half], prompts: list[str]) -> Prediction:
        """Noises the latents of the halves and predicts their noise in one forward pass.

        Args:
            halves: Instance half, then class half (if any).
            prompts: One per sample.
        """
        import torch

        latents = torch.cat([half.latents for half in halves]).to(self.device)
        noise = torch.cat([half.noise for half in halves]).to(self.device)
        timesteps = torch.cat([half.timesteps for half in halves])
        alpha_bar = self.alpha_bars[timesteps].to(self.device)
        noisy = add_noise(latents, noise, alpha_bar)
        with autocast(self.runtime, self.device):
            states = self._text_states(prompts)
            output = self.model.unet(noisy, timesteps.to(self.device), encoder_hidden_states=states).sample
        epsilon = epsilon_from(output, noisy, alpha_bar, self.prediction_type)
        return Prediction(noisy, noise, epsilon, timesteps, alpha_bar)

    def _text_states(self, prompts: list[str]) -> torch.Tensor:
        """Encodes each different prompt once; equal prompts share the states (and add up their gradients)."""
        import torch

        different = list(dict.fromkeys(prompts))
        for prompt in different:
            if prompt not in self._ids:
                self._ids[prompt] = self.model.encode_prompts([prompt])[0]
        states = self.model.text_encoder(torch.stack([self._ids[prompt] for prompt in different]))[0]
        return states[[different.index(prompt) for prompt in prompts]]
