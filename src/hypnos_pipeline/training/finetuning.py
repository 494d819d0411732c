"""Finetuning by HYPNOS and, with plain settings, by DreamBooth (method.md §5, §7; paper Eq. 1).

Both are one training. DreamBooth is the case of it without recolouring, with plain prompts, MSE and no
discriminator or perceptual term (``DreamBoothSettings.general_form``), and draws from the same streams.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hypnos_pipeline.models.contents import model_tensors, model_values
from hypnos_pipeline.models.runtime import precision
from hypnos_pipeline.storage.checkpoints import Checkpoints, open_checkpoints, prefixed
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training import losses
from hypnos_pipeline.training.denoising import Denoiser, Prediction
from hypnos_pipeline.training.discriminator_training import JointTraining, accuracy_by_kind
from hypnos_pipeline.training.draws import Half, PoolDraws, draw_class_images, draw_half
from hypnos_pipeline.training.driver import Row, drive
from hypnos_pipeline.training.gradient_log import GradientLog, gradient_norms
from hypnos_pipeline.training.optimisation import Trainee, Updater, rate_factor
from hypnos_pipeline.training.table_3 import Table3

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.settings import RuntimeSettings
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.perceptual import PerceptualLoss
    from hypnos_pipeline.training.previews import PreviewStrip
    from hypnos_pipeline.training.settings import DiscriminatorSettings, HypnosSettings


@dataclass
class Adversary:
    """The pretrained discriminator and what its joint training needs besides the method's settings."""

    network: LatentDiscriminator
    settings: DiscriminatorSettings


class Finetuning(Trainee):
    """One run: trains UNet and text encoder of a model in place.

    Args:
        model: The base model; its VAE stays frozen.
        latents: The subject's posteriors.
        settings: The method in its general form.
        plain_prompt: ``a photo of [V] [C]``, used where the method's prompts are plain.
        seed: The study's seed.
        runtime: Precision; the device is the model's.
        perceptual: L_p; needed if it acts in any step.
        adversary: The discriminator; needed if λ_ld > 0.
        previews: Samples the model in training; changes nothing of the run.
        checkpoints: When the run's state is saved, and where; changes nothing of the run.

    Raises:
        ValueError: If a term with positive weight lacks its network.
        PoolError: If the pool lacks images that the method's probabilities call for.
    """

    def __init__(
        self,
        model: TextToImage,
        latents: LatentCache,
        settings: HypnosSettings,
        *,
        plain_prompt: str,
        seed: int,
        runtime: RuntimeSettings,
        perceptual: PerceptualLoss | None = None,
        adversary: Adversary | None = None,
        previews: PreviewStrip | None = None,
        checkpoints: CheckpointSettings = OFF,
    ) -> None:
        import torch

        weights = settings.weights
        if weights.perceptual and settings.perceptual_steps() and perceptual is None:
            raise ValueError("weights.perceptual is positive; expected the perceptual network")
        if weights.discriminator and adversary is None:
            raise ValueError("weights.discriminator is positive; expected a pretrained discriminator")
        self.model, self.latents, self.settings = model, latents, settings
        self.plain_prompt, self.seed, self.perceptual = plain_prompt, seed, perceptual
        self.previews = previews
        if previews:
            previews.watch(model)
        self.sigma = losses.resolve_sigma(settings.reconstruction)
        model.vae.eval().requires_grad_(False)
        trained = {"unet": model.unet, "text_encoder": model.text_encoder}
        for network in trained.values():
            network.eval().requires_grad_(True)
        if runtime.recomputes("unet", settings.optimiser.gradient_checkpointing):
            model.unet.enable_gradient_checkpointing()
        if perceptual and runtime.recomputes("decoder", settings.perceptual.gradient_checkpointing):
            model.vae.enable_gradient_checkpointing()
        self.denoiser = Denoiser(model, runtime)
        self.updater = Updater(
            [parameter for network in trained.values() for parameter in network.parameters()],
            learning_rate=settings.learning_rate,
            weight_decay=settings.optimiser.weight_decay,
            clip_norm=settings.optimiser.clip_norm,
            kind=settings.optimiser.kind,
            scaled=precision(runtime, model.device) == torch.float16,
            rate_key=f"learning_rate of {settings.label}",
            factor=rate_factor(settings.schedule, settings.steps),
        )
        super().__init__(trained, {"updater": self.updater})
        self.pool = PoolDraws(latents.kinds("pool"), settings.augmentation, seed)
        self.gradients = GradientLog(self.denoiser.timesteps)
        self.curve: list[Row] = []
        self.draws: Counter[str] = Counter()
        self.perceptual_steps_run = 0
        self._set_adversary(adversary if weights.discriminator else None)
        self.checkpoints = self._open(checkpoints, runtime)

    def _set_adversary(self, adversary: Adversary | None) -> None:
        self.adversary, self.discriminator, self.joint, self.table = adversary, None, None, None
        self.accuracy_before = None
        if adversary is None:
            return
        self.discriminator = adversary.network.requires_grad_(False)
        self.table = Table3(self.latents, self.seed)
        self.accuracy_before = accuracy_by_kind(self.discriminator, self.table)
        if self.settings.discriminator.train:
            self.joint = JointTraining(
                self.discriminator, self.table, self.settings.discriminator, adversary.settings
            )
            self.weights["discriminator"] = self.discriminator
            self.updaters["joint"] = self.joint.updater

    def _open(self, checkpoints: CheckpointSettings, runtime: RuntimeSettings) -> Checkpoints | None:
        """Returns the run's checkpoints, keyed by everything that its result depends on."""
        values = [self.settings.model_dump(), self.plain_prompt, self.seed, runtime.model_dump()]
        values += [self.latents.to_metadata(), model_values(self.model)]
        tensors = self.latents.to_tensors() | model_tensors(self.model)
        if self.adversary:
            values.append(self.adversary.settings.model_dump())
            tensors |= prefixed("discriminator", self.adversary.network.state_dict())
        if self.perceptual:
            tensors |= prefixed("perceptual", self.perceptual.network.state_dict())
        return open_checkpoints(checkpoints, "finetune", values, tensors)

    def run(self) -> None:
        """Trains all steps, from the newest checkpoint if there is one."""
        settings = self.settings
        self.curve = drive(self, settings.steps, settings.label, self.checkpoints, self.previews)

    def step(self, step: int) -> Row | None:
        """Makes one training step, from 1; returns the curve's row, or None if it must be repeated."""
        instance, prior = self._draw(step)
        halves = [half for half in (instance, prior) if half.indexes]
        prediction = self.denoiser.predict(halves, self._prompts(instance, prior))
        terms, clean = self.terms(step, prediction, instance.indexes)
        weights = self.settings.weights
        weighted = {name: getattr(weights, name) * term for name, term in terms.items()}
        loss = cast("torch.Tensor", sum(weighted.values()))
        every = self.settings.gradient_log_every
        norms = gradient_norms(weighted, prediction.epsilon) if every and step % every == 0 else {}
        norm = self.updater.update(loss, step)
        if norm is None:
            return None
        self.gradients.add(norms, prediction.timesteps)
        row = self._row(loss, terms, prediction.error(slice(len(instance.indexes))))
        if self.joint and clean is not None:
            row["loss_discriminator_training"] = self.joint.step(step, clean)
        self.draws.update(self.latents.rows["pool"][index]["kind"] for index in instance.indexes)
        self.perceptual_steps_run += "perceptual" in terms
        return row | {"gradient_norm": norm, "learning_rate": self.updater.rate}

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Returns the weights, the optimisers' states and what the report counts."""
        tensors, values = super().state()
        return tensors, values | {
            "draws": self.draws,
            "perceptual_steps_run": self.perceptual_steps_run,
            "gradients": self.gradients.state(),
            "accuracy_before": self.accuracy_before,
        }

    def restore(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned."""
        super().restore(tensors, values)
        self.draws = Counter(values["draws"])
        self.perceptual_steps_run = values["perceptual_steps_run"]
        self.gradients.restore(values["gradients"])
        self.accuracy_before = values["accuracy_before"]

    def _draw(self, step: int) -> tuple[Half, Half]:
        """Draws the instance half and the class half (empty where λ_pp is 0)."""
        settings, common = (
            self.settings,
            {"timesteps": self.denoiser.timesteps, "seed": self.seed, "step": step},
        )
        rows = self.pool.draw(step, settings.instance_batch)
        count = settings.class_batch if settings.weights.prior else 0
        images = (
            draw_class_images(len(self.latents.rows["class_prior"]), self.seed, step, count) if count else []
        )
        return (
            draw_half(self.latents, "pool", rows, **common),
            draw_half(self.latents, "class_prior", images, **common),
        )

    def _prompts(self, instance: Half, prior: Half) -> list[str]:
        two_clause = self.settings.augmentation.prompts == "two_clause"
        pool, classes = self.latents.rows["pool"], self.latents.rows["class_prior"]
        instances = [pool[index]["prompt"] if two_clause else self.plain_prompt for index in instance.indexes]
        return instances + [classes[index]["prompt"] for index in prior.indexes]

    def terms(
        self, step: int, prediction: Prediction, indexes: list[int]
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """Computes the terms of Eq. 1 that act in a step, without their λ.

        Args:
            step: The training step, from 1.
            prediction: Of instance half, then class half.
            indexes: Pool images of the instance half.

        Returns:
            Name to 0-dim loss, and z0 of the instance half (None where no term needs it).
        """
        settings, weights = self.settings, self.settings.weights
        instance = slice(len(indexes))
        terms = {
            "reconstruction": losses.reconstruction(
                prediction.error(instance), settings.reconstruction, self.sigma
            )
        }
        if weights.prior:
            terms["prior"] = losses.mse(prediction.error(slice(len(indexes), None)))
        perceptual_acts = weights.perceptual > 0 and step <= settings.perceptual_steps()
        if not perceptual_acts and self.discriminator is None:
            return terms, None
        clean = prediction.clean(instance)
        weight = losses.z0_weight(prediction.alpha_bar[instance], settings.z0_weighting)
        if perceptual_acts and self.perceptual:
            terms["perceptual"] = (weight * self.perceptual(clean, indexes)).mean()
        if self.discriminator is not None:
            terms["discriminator"] = losses.latent_discriminator_loss(self.discriminator(clean), weight)
        return terms, clean

    def _row(self, loss: torch.Tensor, terms: dict[str, torch.Tensor], error: torch.Tensor) -> Row:
        row = {"loss": float(loss.detach())}
        row |= {f"loss_{name}": float(term.detach()) for name, term in terms.items()}
        if self.settings.weights.perceptual:
            row.setdefault("loss_perceptual", 0.0)  # Eq. 6: 0 after s_p
        if self.sigma is not None:
            share = losses.share_in_continuation(error, self.sigma, self.settings.reconstruction.reduction)
            row["share_in_continuation"] = float(share)
        return row

    def report(self) -> dict[str, Any]:
        """Returns what the run did, in JSON types."""
        share = [row["share_in_continuation"] for row in self.curve if "share_in_continuation" in row]
        report = {
            "steps": len(self.curve),
            "sigma": self.sigma,
            "share_in_continuation": sum(share) / len(share) if share else None,
            "perceptual_steps": self.perceptual_steps_run,
            "draws": dict(sorted(self.draws.items())),
            "trained_parameters": sum(parameter.numel() for parameter in self.updater.parameters),
        } | self.gradients.report()
        if self.discriminator and self.table:
            after = accuracy_by_kind(self.discriminator, self.table)
            report["discriminator_accuracy"] = {"before": self.accuracy_before, "after": after}
        return report
