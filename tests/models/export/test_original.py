"""The names of the original Stable Diffusion, for models of that size and of others."""

from __future__ import annotations

import pytest

from hypnos_pipeline.models.export.original import original_weights, unet_names, vae_names
from hypnos_pipeline.models.random.text_to_image import UNET, VAE
from tests.tiny_models import small_text_to_image, tiny_text_to_image


@pytest.fixture(scope="module")
def keys() -> dict[str, list[str]]:
    """The weights' names of Stable Diffusion 1.5's networks, which hold no numbers here."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

    with torch.device("meta"):
        return {
            "unet": list(UNet2DConditionModel(**UNET).state_dict()),
            "vae": list(AutoencoderKL(**VAE).state_dict()),
        }


def test_every_weight_of_the_unet_has_one_original_name(keys):
    names = unet_names(keys["unet"])
    assert len(set(names.values())) == len(keys["unet"]) == 686
    assert {name.split(".")[0] for name in names.values()} == {
        "time_embed", "input_blocks", "middle_block", "output_blocks", "out",
    }  # fmt: skip
    rows = {tuple(name.split(".")[:2]) for name in names.values()}
    assert len([row for row in rows if row[0] == "input_blocks"]) == 12
    assert len([row for row in rows if row[0] == "output_blocks"]) == 12


@pytest.mark.parametrize(
    ("ours", "original"),
    [
        ("conv_in.weight", "input_blocks.0.0.weight"),
        ("time_embedding.linear_2.bias", "time_embed.2.bias"),
        ("down_blocks.0.resnets.0.norm1.weight", "input_blocks.1.0.in_layers.0.weight"),
        ("down_blocks.0.downsamplers.0.conv.weight", "input_blocks.3.0.op.weight"),
        ("down_blocks.1.resnets.0.conv_shortcut.bias", "input_blocks.4.0.skip_connection.bias"),
        (
            "down_blocks.1.attentions.1.transformer_blocks.0.attn2.to_out.0.weight",
            "input_blocks.5.1.transformer_blocks.0.attn2.to_out.0.weight",
        ),
        ("down_blocks.3.resnets.1.conv2.weight", "input_blocks.11.0.out_layers.3.weight"),
        ("mid_block.attentions.0.proj_in.weight", "middle_block.1.proj_in.weight"),
        ("mid_block.resnets.1.time_emb_proj.weight", "middle_block.2.emb_layers.1.weight"),
        ("up_blocks.0.upsamplers.0.conv.weight", "output_blocks.2.1.conv.weight"),
        ("up_blocks.1.upsamplers.0.conv.weight", "output_blocks.5.2.conv.weight"),
        ("up_blocks.3.resnets.2.conv_shortcut.weight", "output_blocks.11.0.skip_connection.weight"),
        ("up_blocks.3.attentions.2.norm.weight", "output_blocks.11.1.norm.weight"),
        ("conv_norm_out.weight", "out.0.weight"),
        ("conv_out.bias", "out.2.bias"),
    ],
)
def test_names_of_the_unet(keys, ours, original):
    assert unet_names(keys["unet"])[ours] == original


@pytest.mark.parametrize(
    ("ours", "original"),
    [
        ("encoder.conv_norm_out.weight", "encoder.norm_out.weight"),
        (
            "encoder.down_blocks.1.resnets.0.conv_shortcut.weight",
            "encoder.down.1.block.0.nin_shortcut.weight",
        ),
        ("encoder.down_blocks.2.downsamplers.0.conv.bias", "encoder.down.2.downsample.conv.bias"),
        ("encoder.mid_block.resnets.1.norm1.weight", "encoder.mid.block_2.norm1.weight"),
        ("decoder.mid_block.attentions.0.group_norm.weight", "decoder.mid.attn_1.norm.weight"),
        ("decoder.mid_block.attentions.0.to_out.0.bias", "decoder.mid.attn_1.proj_out.bias"),
        ("decoder.up_blocks.0.resnets.2.conv1.weight", "decoder.up.3.block.2.conv1.weight"),
        ("decoder.up_blocks.2.upsamplers.0.conv.weight", "decoder.up.1.upsample.conv.weight"),
        ("post_quant_conv.weight", "post_quant_conv.weight"),
    ],
)
def test_names_of_the_vae(keys, ours, original):
    names = vae_names(keys["vae"])
    assert len(set(names.values())) == len(keys["vae"]) == 248
    assert names[ours] == original


@pytest.mark.parametrize("make", [tiny_text_to_image, lambda: small_text_to_image(3)])
def test_diffusers_reads_the_names_back(make, saved_as, tmp_path):
    """Two and four levels, blocks with and without attention."""
    import torch
    from safetensors.torch import save_file

    model = make()
    weights = original_weights(model)
    assert weights["first_stage_model.encoder.mid.attn_1.q.weight"].dim() == 4
    assert "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight" in weights
    file = tmp_path / "model.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, file)
    read = saved_as(file, model, tmp_path)
    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = getattr(model, part).state_dict(), getattr(read, part).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_weights_without_a_place_are_named(keys):
    with pytest.raises(ValueError, match=r"UNet: .* no place for add_embedding\.linear_1\.weight"):
        unet_names([*keys["unet"], "add_embedding.linear_1.weight"])
