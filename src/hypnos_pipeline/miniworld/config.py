"""Everything about the miniature world that can be chosen (``conf/base/parameters_miniworld.yml``)."""

from __future__ import annotations

from hypnos_pipeline.configuration.base import Configuration
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings


class DataConfig(Configuration):
    """Size of the rendered set."""

    train: int = 56000
    heldout: int = 1500
    captions: int = 3
    workers: int = 2


class TextToImageConfig(Configuration):
    """UNet, text encoder and their joint training."""

    channels: tuple[int, ...] = (96, 128, 160)
    layers: int = 1
    heads: int = 4
    groups: int = 8
    width: int = 128
    text_layers: int = 3
    text_heads: int = 4
    prediction: str = "epsilon"
    steps: int = 7600
    batch: int = 32
    rate: float = 1.0e-3
    text_rate: float = 0.5
    warmup: int = 150
    constant: float = 0.4
    ema: float = 0.999
    dropout: float = 0.1
    snr_clip: float = 5.0
    high_noise_weight: float = 4.0
    object_weight: float = 1.5
    bf16: bool = True


class AutoencoderConfig(Configuration):
    """Decoder on the linear latent, then the encoder regressed onto it."""

    channels: tuple[int, ...] = (24, 48, 96)
    layers: int = 1
    groups: int = 8
    noise: float = 0.03
    scale: float = 0.25
    decoder_steps: int = 7600
    encoder_steps: int = 1200
    batch: int = 12
    rate: float = 2.0e-3
    gradient_weight: float = 0.5
    bf16: bool = True


class EncoderConfig(Configuration):
    """Steps and rate of one evaluation encoder."""

    steps: int = 2000
    batch: int = 64
    rate: float = 1.0e-3


class EncodersConfig(Configuration):
    """The encoders that evaluation needs, and the classifier that grades samples."""

    classifier: EncoderConfig = EncoderConfig()
    efficientnet: EncoderConfig = EncoderConfig()
    inception: EncoderConfig = EncoderConfig()
    lpips: EncoderConfig = EncoderConfig()
    clip_supervised: EncoderConfig = EncoderConfig()
    clip: EncoderConfig = EncoderConfig()
    dino_supervised: EncoderConfig = EncoderConfig()
    dino: EncoderConfig = EncoderConfig()


class MattingConfig(EncoderConfig):
    """The network that cuts samples out: its pictures, and its channels from fine to coarse."""

    train: int = 5000
    heldout: int = 400
    channels: tuple[int, ...] = (16, 32, 64, 96)


class MiniworldConfig(Configuration):
    """The whole of ``miniworld:``; ``checkpoints`` is the key of that name beside it."""

    seed: int = 7
    output: str = "data/02_intermediate/miniworld"
    promoted: str = "data/01_raw/models/mini"
    subjects: str = "data/01_raw/subjects"
    truth: str = "data/01_raw/truth"
    threads: int = 1
    data: DataConfig = DataConfig()
    text_to_image: TextToImageConfig = TextToImageConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    encoders: EncodersConfig = EncodersConfig()
    matting: MattingConfig = MattingConfig()
    checkpoints: CheckpointSettings = OFF
