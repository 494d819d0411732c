"""Textual inversion: one new token whose row is the only trained tensor (method.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypnos_pipeline.models.contents import model_tensors, model_values
from hypnos_pipeline.models.finetuned import LearnedToken, add_token
from hypnos_pipeline.models.runtime import precision
from hypnos_pipeline.prompting.templates import plain_prompt
from hypnos_pipeline.storage.checkpoints import Checkpoints, open_checkpoints, prefixed, unprefixed
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.denoising import Denoiser
from hypnos_pipeline.training.draws import PoolDraws, draw_half
from hypnos_pipeline.training.losses import mse
from hypnos_pipeline.training.optimisation import Updater
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
    return model.text_encoder.get_input_embeddings().weight[ids].detach().float().mean(dim=0)


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
) -> tuple[LearnedToken, list[dict[str, float]], dict[str, Any]]:
    """Learns one token from the untouched photos with MSE; no prior, no weight decay.

    Args:
        model: The base model; it gains the token, and nothing else of it changes.
        latents: The subject's posteriors; only the pool's originals are drawn.
        settings: Token, rate, steps, batch.
        noun: The class noun that the row starts from.
        seed: The study's seed.
        runtime: Precision; the device is the model's.
        previews: Samples the model in training; changes nothing of the run.
        checkpoints: When the run's state is saved, and where; changes nothing of the run.

    Returns:
        The token, the learning curve's rows and the report.

    Raises:
        ValueError: If the model already knows the token.
    """
    import torch
    from tqdm import tqdm

    for network in (model.unet, model.text_encoder, model.vae):
        network.eval().requires_grad_(False)
    start = noun_embedding(model, noun)
    if settings.gradient_checkpointing:
        model.unet.enable_gradient_checkpointing()
    identity = add_token(model, settings.token, start)
    if previews:
        previews.check(model)
    # Only this row is a parameter; a hook puts it where the token stands, so no other row can move.
    row = torch.nn.Parameter(start.clone().to(model.device))
    embedding = model.text_encoder.get_input_embeddings().requires_grad_(False)

    def insert(
        _module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor:
        return torch.where((inputs[0] == identity).unsqueeze(-1), row.to(output.dtype), output)

    half_precision = precision(runtime, model.device) == torch.float16
    updater = Updater(
        [row],
        learning_rate=settings.learning_rate,
        weight_decay=0.0,
        clip_norm=_NO_CLIPPING,
        scaled=half_precision,
    )
    denoiser = Denoiser(model, runtime)
    pool = PoolDraws(latents.kinds("pool"), Augmented(recolour_probability=0.0, prompts="plain"), seed)
    prompts = [plain_prompt(settings.learned_phrase(noun))] * settings.batch
    values = [settings.model_dump(), noun, seed, runtime.model_dump()]
    values += [latents.to_metadata(), model_values(model)]
    inputs = latents.to_tensors() | model_tensors(model)
    saved = open_checkpoints(checkpoints, "textual_inversion", values, inputs)
    curve = _resume(saved, row, updater, previews)
    hook = embedding.register_forward_hook(insert)
    try:
        total, done = settings.steps, len(curve)
        with tqdm(total=total, initial=done, desc=settings.label, disable=None) as progress:
            while len(curve) < settings.steps:
                step = len(curve) + 1
                drawn = draw_half(
                    latents,
                    "pool",
                    pool.draw(step, settings.batch),
                    timesteps=denoiser.timesteps,
                    seed=seed,
                    step=step,
                )
                loss = mse(denoiser.predict([drawn], prompts).error(slice(None)))
                norm = updater.update(loss, step)
                if norm is None:
                    continue
                value = float(loss.detach())
                curve.append(
                    {
                        "step": step,
                        "loss": value,
                        "loss_reconstruction": value,
                        "gradient_norm": norm,
                        "learning_rate": settings.learning_rate,
                    }
                )
                progress.update()
                progress.set_postfix(loss=f"{value:.4f}")
                if previews:
                    previews.after(step, model)
                if saved and step < settings.steps and saved.due(step):
                    _save(saved, row, updater, previews, curve)
    finally:
        hook.remove()
    if saved:
        saved.finish()
    learned = row.detach().float().cpu()
    with torch.no_grad():
        embedding.weight[identity] = row
    report = {
        "steps": settings.steps,
        "token": settings.token,
        "initialised_from": noun,
        "trained_parameters": row.numel(),
        "distance_moved": float((learned - start.cpu()).norm()),
        "draws": {"original": settings.steps * settings.batch},
    }
    return LearnedToken(settings.token, learned, noun), curve, report


def _save(
    saved: Checkpoints,
    row: torch.Tensor,
    updater: Updater,
    previews: PreviewStrip | None,
    curve: list[dict[str, float]],
) -> None:
    tensors, rest = updater.state()
    tensors = prefixed("updater", tensors) | {"row": row}
    if previews:
        tensors |= prefixed("previews", previews.to_tensors())
    saved.save(len(curve), tensors, {"updater": rest, "curve": curve})


def _resume(
    saved: Checkpoints | None, row: torch.Tensor, updater: Updater, previews: PreviewStrip | None
) -> list[dict[str, float]]:
    """Puts the newest saved state back; returns the learning curve until there."""
    import torch

    state = saved.load() if saved else None
    if state is None:
        return []
    with torch.no_grad():
        row.copy_(state.tensors["row"])
    updater.restore(unprefixed("updater", state.tensors), state.values["updater"])
    if previews:
        previews.restore(unprefixed("previews", state.tensors))
    return state.values["curve"]
