"""What is exported, read by diffusers' own loaders: the same prompt and noise, how far the images are apart.

Limits are measured ones on this tiny random model, with room; in steps of 1/255.
"""

from __future__ import annotations

import json

import pytest

from hypnos_pipeline.errors import ExportError
from hypnos_pipeline.models.contents import model_tensors
from hypnos_pipeline.models.export.formats import (
    write_diffusers,
    write_embedding,
    write_lora,
    write_single_file,
)
from hypnos_pipeline.models.export.low_rank import lora_layers, low_rank
from hypnos_pipeline.models.export.settings import ExportSettings
from hypnos_pipeline.models.finetuned import LearnedToken, add_token
from hypnos_pipeline.models.text_to_image import UNCHECKED
from tests.models.export.conftest import PROMPT, apart, image, moved
from tests.tiny_models import small_text_to_image

FULL = 4096


def pipeline_of(folder, **options):
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline.from_pretrained(str(folder), local_files_only=True, **options)


def metadata(file) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(file, framework="pt") as content:
        return content.metadata()


@pytest.mark.parametrize(("precision", "largest"), [("float32", 0), ("float16", 3)])
def test_a_diffusers_folder(finetuned, origin, tmp_path, precision, largest):
    import torch
    from safetensors.torch import load_file

    truth = image(finetuned.pipeline())
    write_diffusers(finetuned, tmp_path / "exported", origin, precision)
    dtype = getattr(torch, precision)
    stored = {
        tensor.dtype
        for file in (tmp_path / "exported").rglob("*.safetensors")
        for tensor in load_file(file).values()
    }
    assert stored == {dtype}
    read = pipeline_of(tmp_path / "exported", dtype=dtype)
    assert apart(image(read.to(dtype=torch.float32)), truth)[0] <= largest


def test_a_folder_says_where_it_came_from(finetuned, origin, tmp_path):
    write_diffusers(finetuned, tmp_path / "exported", origin, "float32")
    card = (tmp_path / "exported/README.md").read_text()
    for fact in (
        "base_model: someone/stable",
        "`sks robot`",
        "`a photo of sks robot, red background`",
        "4" * 40,
    ):
        assert fact in card
    facts = json.loads((tmp_path / "exported/export.json").read_text())
    assert (facts["base_model_revision"], facts["environment"]) == ("1" * 40, "mini")
    assert not list((tmp_path / "exported").rglob("*.bin"))


@pytest.mark.parametrize(("precision", "largest"), [("float32", 0), ("float16", 3)])
def test_one_file(finetuned, origin, saved_as, tmp_path, precision, largest):
    truth = image(finetuned.pipeline())
    write_single_file(finetuned, tmp_path / "one.safetensors", origin, precision)
    read = saved_as(tmp_path / "one.safetensors", finetuned, tmp_path)
    assert apart(image(read), truth)[0] <= largest
    about = metadata(tmp_path / "one.safetensors")
    assert about["modelspec.architecture"] == "miniature"
    assert (about["modelspec.trigger_phrase"], about["modelspec.prediction_type"]) == ("sks robot", "epsilon")
    assert about["hypnos.base_model_revision"] == "1" * 40


@pytest.fixture
def with_lora(finetuned, base, saved_base, origin, tmp_path):
    """Diffusers' pipeline of the base model, and upon it the LoRA of some ranks."""

    def loaded(rank: int, precision="float32"):
        ranks = ExportSettings(rank=rank, conv_rank=rank)
        file = tmp_path / f"{rank}_{precision}.safetensors"
        write_lora(low_rank(finetuned, base, ranks), base, file, origin, ranks, precision)
        pipeline = pipeline_of(saved_base, **UNCHECKED)
        pipeline.load_lora_weights(str(file))
        return pipeline

    return loaded


def test_a_lora_gives_every_layer_its_finetuned_weight(origin, tmp_path):
    """At full rank, of a model whose layers' ranks differ."""
    base, ranks = small_text_to_image(0), ExportSettings(rank=FULL, conv_rank=FULL)
    lora = low_rank(finetuned := moved(base), base, ranks)
    write_lora(lora, base, tmp_path / "lora.safetensors", origin, ranks, "float32")
    fused = base.pipeline()
    before = {name: weight.clone() for name, weight in model_tensors(base).items()}
    fused.load_lora_weights(str(tmp_path / "lora.safetensors"))
    fused.fuse_lora()
    fused.unload_lora_weights()
    for name in (f"{layer}.weight" for layer in lora_layers(finetuned)):
        read, right = model_tensors(base)[name], model_tensors(finetuned)[name]
        assert (read - right).norm() < 1e-6 * (right - before[name]).norm(), name


def test_a_lora_of_full_rank_gives_the_images_but_for_what_has_no_place(finetuned, base, with_lora):
    for key, weight in model_tensors(finetuned).items():
        if key.removesuffix(".weight") not in lora_layers(base):
            weight.copy_(model_tensors(base)[key])
    truth = image(finetuned.pipeline())
    assert apart(image(with_lora(FULL)), truth)[0] <= 1
    assert apart(image(base.pipeline()), truth)[0] > 20


def test_a_lora_comes_closer_with_its_rank(finetuned, base, with_lora):
    truth = image(finetuned.pipeline())
    far, closer = (apart(image(with_lora(rank)), truth)[1] for rank in (1, 16))
    assert closer < far < apart(image(base.pipeline()), truth)[1]


def test_a_lora_has_the_metadata_of_kohya_s_tools(finetuned, base, origin, tmp_path):
    file, ranks = tmp_path / "lora.safetensors", ExportSettings(rank=4, conv_rank=2)
    write_lora(low_rank(finetuned, base, ranks), base, file, origin, ranks, "float16")
    about = metadata(file)
    assert (about["ss_network_module"], about["ss_network_dim"]) == ("networks.lora", "4")
    assert json.loads(about["ss_network_args"]) == {"conv_dim": "2", "conv_alpha": "4.0"}
    assert json.loads(about["ss_tag_frequency"]) == {"lego_robot": {"sks robot": 1}}
    assert about["modelspec.architecture"] == "miniature/lora"


def test_an_embedding(base, saved_base, origin, tmp_path):
    import torch

    learned = LearnedToken("<sks>", torch.linspace(-1, 1, 32), "robot")
    write_embedding(learned, base, tmp_path / "token.safetensors", origin, "float32")
    read = pipeline_of(saved_base, **UNCHECKED)
    read.load_textual_inversion(str(tmp_path), weight_name="token.safetensors")
    prompt = PROMPT.replace("sks robot", "<sks>")
    without = image(base.pipeline(), prompt)
    add_token(base, learned.token, learned.embedding)
    assert apart(image(read, prompt), image(base.pipeline(), prompt)) == (0, 0.0)
    assert apart(image(read, prompt), without)[0] > 0


def test_other_programs_may_read_what_is_written(finetuned, origin, tmp_path):
    (tmp_path / "any").write_text("a new file")
    write_single_file(finetuned, tmp_path / "one.safetensors", origin, "float32")
    write_diffusers(finetuned, tmp_path / "folder", origin, "float32")
    modes = {file.stat().st_mode for file in tmp_path.rglob("*") if file.is_file()}
    assert modes == {(tmp_path / "any").stat().st_mode}


def test_what_a_half_cannot_hold_is_refused_and_nothing_is_written(finetuned, origin, tmp_path):
    finetuned.unet.conv_in.weight.data[0, 0, 0, 0] = 1e6
    for write, name in ((write_single_file, "one.safetensors"), (write_diffusers, "folder")):
        with pytest.raises(ExportError, match=r"is too large for float16; export with --dtype float32"):
            write(finetuned, tmp_path / name, origin, "float16")
    finetuned.unet.conv_in.weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(ExportError, match=r"input_blocks\.0\.0\.weight is not finite"):
        write_single_file(finetuned, tmp_path / "one.safetensors", origin, "float32")
    assert not list(tmp_path.iterdir())


def test_a_vae_that_the_original_layout_has_no_place_for_is_refused(finetuned, origin, tmp_path):
    from diffusers import AutoencoderTiny

    finetuned.vae = AutoencoderTiny(encoder_block_out_channels=(8, 8), decoder_block_out_channels=(8, 8),
                                    num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1))  # fmt: skip
    with pytest.raises(
        ExportError, match=r"VAE: .* has no place for .*; --format diffusers keeps every model"
    ):
        write_single_file(finetuned, tmp_path / "one.safetensors", origin, "float32")
