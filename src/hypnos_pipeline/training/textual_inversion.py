"""Textual inversion: one new token whose row is the only trained tensor (method.md §7)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.models.contents import model_tensors, model_values
from hypnos_pipeline.models.finetuned import LearnedToken, add_token
from hypnos_pipeline.models.runtime import precision
from hypnos_pipeline.prompting.templates import plain_prompt, subject_prompt
from hypnos_pipeline.storage.checkpoints import open_checkpoints
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.denoising import Denoiser
from hypnos_pipeline.training.draws import PoolDraws, draw_half, draw_templates
from hypnos_pipeline.training.driver import Row, drive
from hypnos_pipeline.training.losses import mse
from hypnos_pipeline.training.optimisation import Trainee, Updater, rate_factor
from hypnos_pipeline.training.settings import Augmented

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.settings import RuntimeSettings
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.previews import PreviewStrip
    from hypnos_pipeline.training.settings import TextualInversionSettings

# Large enough never to clip what one row's gradient is; the reference does not clip.
_NO_CLIPPING = 1e9


def noun_embedding(model: TextToImage, noun: str) -> torch.Tensor:
    """Returns the mean of the class noun's token embeddings, float32 1-D."""
    ids = model.tokenizer(noun, add_special_tokens=False).input_ids
    if not ids:
        raise ValueError(f"noun: expected at least one token, got {noun!r}")
    return model.text_encoder.get_input_embeddings().weight[ids].detach().float().mean(dim=0)  # pyright: ignore[reportIndexIssue]


class TokenTraining(Trainee):
    """A new token in training, with the arguments of :func:`textual_inversion`.

    Only the token's row is a parameter. A hook puts it where the token stands (:meth:`inserted`), so that no
    other row of the embedding can move.
    """

    def __init__(
        self,
        model: TextToImage,
        latents: LatentCache,
        settings: TextualInversionSettings,
        noun: str,
        seed: int,
        runtime: RuntimeSettings,
    ) -> None:
        import torch

        for network in (model.unet, model.text_encoder, model.vae):
            network.eval().requires_grad_(False)
        self.latents, self.settings, self.seed = latents, settings, seed
        self.start = noun_embedding(model, noun)
        if runtime.recomputes("unet", settings.gradient_checkpointing):
            model.unet.enable_gradient_checkpointing()
        self.identity = add_token(model, settings.token, self.start)
        self.row = torch.nn.Parameter(self.start.clone().to(model.device))
        self.embedding = model.text_encoder.get_input_embeddings().requires_grad_(False)
        self.updater = Updater(
            [self.row],
            learning_rate=settings.learning_rate,
            weight_decay=0.0,
            clip_norm=_NO_CLIPPING,
            scaled=precision(runtime, model.device) == torch.float16,
            rate_key=f"learning_rate of {settings.label}",
            factor=rate_factor(settings.schedule, settings.steps),
        )
        super().__init__({"token": torch.nn.ParameterDict({"row": self.row})}, {"updater": self.updater})
        self.denoiser = Denoiser(model, runtime)
        untouched = Augmented(recolour_probability=0.0, prompts="plain")
        self.pool = PoolDraws(latents.kinds("pool"), untouched, seed)
        phrase = settings.learned_phrase(noun)
        templates = settings.templates or (plain_prompt("{subject}"),)
        self.prompts = [subject_prompt(template, phrase) for template in templates]

    @contextmanager
    def inserted(self) -> Generator[None]:
        """Has the text encoder read the row in training wherever the token stands."""
        import torch

        def insert(
            _module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
        ) -> torch.Tensor:
            return torch.where((inputs[0] == self.identity).unsqueeze(-1), self.row.to(output.dtype), output)

        hook = self.embedding.register_forward_hook(insert)
        try:
            yield
        finally:
            hook.remove()

    def step(self, step: int) -> Row | None:
        """Makes one step of MSE on untouched photos; returns the curve's row, or None to repeat it."""
        rows, timesteps = self.pool.draw(step, self.settings.batch), self.denoiser.timesteps
        drawn = draw_half(self.latents, "pool", rows, timesteps=timesteps, seed=self.seed, step=step)
        templates = draw_templates(len(self.prompts), self.seed, step, self.settings.batch)
        prompts = [self.prompts[template] for template in templates]
        loss = mse(self.denoiser.predict([drawn], prompts).error(slice(None)))
        norm = self.updater.update(loss, step)
        if norm is None:
            return None
        value = float(loss.detach())
        row = {"loss": value, "loss_reconstruction": value, "gradient_norm": norm}
        return row | {"learning_rate": self.updater.rate}


def textual_inversion(
    model: TextToImage,
    latents: LatentCache,
    settings: TextualInversionSettings,
    *,
    noun: str,
    seed: int,
    runtime: RuntimeSettings,
    previews: PreviewStrip | None = None,
    checkpoints: CheckpointSettings = OFF,
) -> tuple[LearnedToken, list[Row], dict[str, Any]]:
    """Learns one token from the untouched photos with MSE; no prior, no weight decay (Gal et al. 2022).

    Args:
        model: The base model; it gains the token, and nothing else of it changes.
        latents: The subject's posteriors; only the pool's originals are drawn.
        settings: Token, rate, steps, batch, prompts.
        noun: The class noun that the row starts from.
        seed: The training's.
        runtime: Precision; the device is the model's.
        previews: Samples the model in training; changes nothing of the run.
        checkpoints: When the run's state is saved, and where; changes nothing of the run.

    Returns:
        The token, the learning curve's rows and the report.

    Raises:
        ValueError: If the model already knows the token.
    """
    import torch

    training = TokenTraining(model, latents, settings, noun, seed, runtime)
    if previews:
        previews.watch(model)
    values = [settings.model_dump(), noun, seed, runtime.model_dump()]
    values += [latents.to_metadata(), model_values(model)]
    inputs = latents.to_tensors() | model_tensors(model)
    saved = open_checkpoints(checkpoints, "textual_inversion", values, inputs)
    with training.inserted():
        curve = drive(training, settings.steps, settings.label, saved, previews)
    learned = training.row.detach().float().cpu()
    with torch.no_grad():
        training.embedding.weight[training.identity] = training.row  # pyright: ignore[reportIndexIssue]
    report = {
        "steps": settings.steps,
        "token": settings.token,
        "initialised_from": noun,
        "trained_parameters": training.row.numel(),
        "distance_moved": float((learned - training.start.cpu()).norm()),
        "draws": {"original": settings.steps * settings.batch},
    }
    return LearnedToken(settings.token, learned, noun), curve, report
