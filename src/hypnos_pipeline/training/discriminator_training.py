"""Training of the latent discriminator: alone on Table 3, then beside the generator (paper 3.4.4, 0.B.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hypnos_pipeline.storage.checkpoints import open_checkpoints
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.driver import Row, drive
from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
from hypnos_pipeline.training.losses import discriminator_loss
from hypnos_pipeline.training.optimisation import Trainee, Updater
from hypnos_pipeline.training.table_3 import FAKE, FRACTIONS, REAL, Table3, targets

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.settings import DiscriminatorSettings, JointDiscriminator

THRESHOLD = 0.5


class Pretraining(Trainee):
    """A fresh discriminator, trained alone, with the arguments of :func:`pretrain`."""

    def __init__(
        self, latents: LatentCache, settings: DiscriminatorSettings, seed: int, device: torch.device
    ) -> None:
        self.settings, self.device, self.table = settings, device, Table3(latents, seed)
        self.discriminator = LatentDiscriminator(settings, latents.shape, seed).to(device)
        self.updater = Updater(
            self.discriminator.parameters(),
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            clip_norm=settings.clip_norm,
            rate_key="discriminator.learning_rate",
        )
        super().__init__({"discriminator": self.discriminator}, {"updater": self.updater})

    def step(self, step: int) -> Row:
        """Makes one step; returns loss, accuracy at the threshold, gradient norm and rate."""
        kinds = self.table.draw_kinds("pretraining", step, self.settings.batch)
        batch = self.table.draw("pretraining", step, kinds).to(self.device)
        row = _update(self.discriminator, self.updater, batch, targets(kinds), step)
        return row | {"learning_rate": self.settings.learning_rate}


def pretrain(
    latents: LatentCache,
    settings: DiscriminatorSettings,
    seed: int,
    device: torch.device,
    checkpoints: CheckpointSettings = OFF,
) -> tuple[LatentDiscriminator, list[Row], dict[str, Any]]:
    """Trains a fresh discriminator on Table 3's mixture: least squares, real 1, fake 0.

    Args:
        latents: The subject's posteriors.
        settings: Architecture, steps, batch, rate.
        seed: The training's.
        device: Where to compute, in float32.
        checkpoints: When the state is saved, and where; changes nothing of the result.

    Returns:
        The discriminator, the learning curve's rows and the report (accuracy per kind at threshold 0.5).
    """
    training = Pretraining(latents, settings, seed, device)
    values = [settings.model_dump(), seed, device.type, latents.to_metadata()]
    saved = open_checkpoints(checkpoints, "discriminator", values, latents.to_tensors())
    curve = drive(training, settings.steps, "discriminator", saved)
    report = {
        "steps": settings.steps,
        "parameters": sum(parameter.numel() for parameter in training.discriminator.parameters()),
        "loss": curve[-1]["loss"],
        "threshold": THRESHOLD,
        "accuracy": accuracy_by_kind(training.discriminator, training.table),
    }
    return training.discriminator, curve, report


def _update(
    discriminator: LatentDiscriminator,
    updater: Updater,
    latents: torch.Tensor,
    wanted: torch.Tensor,
    step: int,
) -> Row:
    """Updates the discriminator once; returns loss, accuracy and gradient norm."""
    scores = discriminator(latents)
    wanted = wanted.to(scores.device)
    loss = discriminator_loss(scores, wanted)
    norm = cast("float", updater.update(loss, step))  # only a scaled step may have to be repeated
    right = ((scores.detach() > THRESHOLD) == (wanted > THRESHOLD)).float().mean()
    return {"loss": float(loss.detach()), "accuracy": float(right), "gradient_norm": norm}


def accuracy_by_kind(discriminator: LatentDiscriminator, table: Table3, batch: int = 64) -> dict[str, float]:
    """Returns the share of each Table 3 kind's latents on the right side of 0.5."""
    return {
        kind: accuracy(discriminator, table.everything(kind), real=kind in REAL, batch=batch)
        for kind in FRACTIONS
    }


def accuracy(
    discriminator: LatentDiscriminator, latents: torch.Tensor, *, real: bool, batch: int = 64
) -> float:
    """Returns the share of scaled latents (N×C×h×w) that are taken for real, or for fake."""
    import torch

    device = next(discriminator.parameters()).device
    with torch.no_grad():
        scores = torch.cat([discriminator(part.to(device)) for part in latents.split(batch)])
    return float(((scores > THRESHOLD) == real).float().mean())


class JointTraining:
    """The discriminator's own update after each generator step (method.md §6).

    Half of the batch is real (Table 3's real mix over all photos); the other half is the step's detached z0
    and, with ``fakes: table_3``, as many of Table 3's fakes as there is room for.

    Args:
        discriminator: Pretrained; its parameters need no gradient between updates.
        table: The subject's Table 3.
        settings: The method's: batch, rate, which fakes.
        pretraining: For weight decay and clipping.
    """

    def __init__(
        self,
        discriminator: LatentDiscriminator,
        table: Table3,
        settings: JointDiscriminator,
        pretraining: DiscriminatorSettings,
    ) -> None:
        self.discriminator, self.table, self.settings = discriminator, table, settings
        discriminator.requires_grad_(True)
        self.updater = Updater(
            discriminator.parameters(),
            learning_rate=settings.learning_rate,
            weight_decay=pretraining.weight_decay,
            clip_norm=pretraining.clip_norm,
            rate_key="discriminator.learning_rate of the method",
        )
        discriminator.requires_grad_(False)

    def step(self, step: int, generated: torch.Tensor) -> float:
        """Updates the discriminator once.

        Args:
            step: The generator's step.
            generated: z0 computed before the generator's update, scaled.

        Returns:
            The discriminator's own loss.
        """
        latents, wanted = self.batch(step, generated.detach())
        self.discriminator.requires_grad_(True)
        row = _update(self.discriminator, self.updater, latents, wanted, step)
        self.discriminator.requires_grad_(False)
        return row["loss"]

    def batch(self, step: int, generated: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the latents and targets of one update: reals, generated, Table 3's fakes."""
        import torch

        half = max(1, self.settings.batch // 2)
        generated = generated[:half]
        room = half - len(generated) if self.settings.fakes == "table_3" else 0
        kinds = self.table.draw_kinds("joint/real", step, half, REAL)
        fakes = self.table.draw_kinds("joint/fake", step, room, FAKE) if room else []
        reals = self.table.draw("joint/real", step, kinds).to(generated.device)
        altered = self.table.draw("joint/fake", step, fakes).to(generated.device)
        wanted = torch.cat([torch.ones(half), torch.zeros(len(generated) + room)])
        return torch.cat([reals, generated, altered]), wanted
