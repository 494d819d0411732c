"""The finetuned model's difference from its base as a LoRA."""

from __future__ import annotations

import pytest

from hypnos_pipeline.models.export.low_rank import (
    CONVOLUTIONS,
    OUTSIDE,
    TEXT,
    factors,
    lora_layers,
    low_rank,
    prompt_share,
)
from hypnos_pipeline.models.export.settings import ExportSettings
from hypnos_pipeline.models.random.text_to_image import TEXT_ENCODER, UNET
from tests.tiny_models import tiny_text_to_image

FULL = ExportSettings(rank=4096, conv_rank=4096)


def drawn(*shape: int):
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(12, 20), (20, 12), (10, 6, 3, 3), (16, 2, 1, 1)])
@pytest.mark.parametrize("rank", [1, 3])
def test_no_factors_of_that_rank_come_closer(shape, rank):
    import torch

    difference = drawn(*shape)
    down, up, kept = factors(difference, rank)
    matrix = difference.flatten(1)
    rank = min(rank, *matrix.shape)
    assert (down.shape, up.shape) == ((rank, *shape[1:]), (shape[0], rank, *(1,) * (len(shape) - 2)))
    singular = torch.linalg.svdvals(matrix).square()
    rest = (matrix - up.flatten(1) @ down.flatten(1)).square().sum()
    assert rest.item() == pytest.approx(singular[rank:].sum().item(), rel=1e-9, abs=1e-20)
    assert kept == pytest.approx(singular[:rank].sum().item(), rel=1e-9)


@pytest.mark.parametrize("shape", [(12, 20), (10, 6, 3, 3)])
def test_full_rank_loses_nothing_even_of_a_difference_without_full_rank(shape):
    difference = drawn(*shape)
    difference[3:] = 0
    down, up, kept = factors(difference, 100)
    assert (up.flatten(1) @ down.flatten(1) - difference.flatten(1)).abs().max() < 1e-12
    assert kept == pytest.approx(difference.square().sum().item())


def test_both_factors_of_a_small_difference_stay_within_half_precision():
    difference = 1e-6 * drawn(64, 64)
    down, up, _ = factors(difference, 64)
    product = up.half().double() @ down.half().double()
    assert (product - difference).norm() / difference.norm() < 1e-3


def test_the_layers_of_stable_diffusion_are_those_of_kohya_s_tools():
    """kohya's trainer reports 192 layers of the UNet's transformers and 72 of the text encoder."""
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    model = tiny_text_to_image()
    with torch.device("meta"):
        model.unet = UNet2DConditionModel(**UNET)
        model.text_encoder = CLIPTextModel(CLIPTextConfig(**TEXT_ENCODER))
    names = {layer.name for layer in lora_layers(model).values()}
    assert len([name for name in names if name.startswith("lora_unet_") and "attentions" in name]) == 192
    assert len([name for name in names if name.startswith("lora_te_text_model_encoder_layers_")]) == 72
    assert {
        "lora_unet_down_blocks_0_attentions_1_transformer_blocks_0_attn2_to_out_0",
        "lora_unet_mid_block_attentions_0_proj_in",
        "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_ff_net_0_proj",
        "lora_unet_down_blocks_1_resnets_0_conv_shortcut",
        "lora_unet_mid_block_resnets_1_time_emb_proj",
        "lora_unet_down_blocks_2_downsamplers_0_conv",
        "lora_unet_up_blocks_0_upsamplers_0_conv",
        "lora_te_text_model_encoder_layers_11_self_attn_out_proj",
        "lora_te_text_model_encoder_layers_0_mlp_fc2",
    } <= names
    assert not [name for name in names if "conv_in" in name or "embed" in name or "norm" in name]


def test_ranks_go_by_kind_of_layer(finetuned, base):
    lora = low_rank(finetuned, base, ExportSettings(rank=5, conv_rank=2))
    down = {name: tensor.shape for name, tensor in lora.weights.items() if "lora_down" in name}
    assert {shape[0] for shape in down.values() if shape[2:].numel() > 1} == {2}
    assert {shape[0] for shape in down.values() if shape[2:].numel() <= 1} == {5}
    assert {float(tensor) for name, tensor in lora.weights.items() if name.endswith(".alpha")} == {5.0}


def test_the_share_that_is_kept_grows_with_the_rank_and_leaves_out_what_has_no_place(finetuned, base):
    shares = [low_rank(finetuned, base, ExportSettings(rank=r, conv_rank=r)).shares for r in (1, 4, 4096)]
    for kind in (CONVOLUTIONS, TEXT):
        kept = [share[kind].percent for share in shares]
        assert 0 < kept[0] < kept[1] < kept[2] == pytest.approx(100)
    assert [share[OUTSIDE].percent for share in shares] == [0, 0, 0]
    norms = sum(
        (new - old).square().sum().item()
        for new, old in zip(finetuned.unet.parameters(), base.unet.parameters(), strict=True)
        if new.dim() == 1
    )
    assert shares[0][OUTSIDE].whole > norms > 0


def test_the_share_of_a_prompt_s_change_counts_embeddings(finetuned, base):
    prompt, lora = "a photo of sks robot", low_rank(finetuned, base, FULL)
    assert prompt_share(lora, base, finetuned, prompt) < 0  # the wrong way round
    shares = [
        prompt_share(low_rank(finetuned, base, ExportSettings(rank=r)), finetuned, base, prompt)
        for r in (1, 32)
    ]
    for key, weight in finetuned.text_encoder.named_parameters():
        if weight.dim() == 1 or "embedding" in key:
            weight.data.copy_(base.text_encoder.get_parameter(key))
    assert shares[0] < shares[1] < 99 < prompt_share(lora, finetuned, base, prompt) <= 100


def test_layers_that_did_not_change_are_left_out(base, finetuned):
    finetuned.text_encoder = base.text_encoder
    lora = low_rank(finetuned, base, FULL)
    assert {name.split("_")[1] for name in lora.weights} == {"unet"}
    assert lora.shares[TEXT].percent == 100


def test_a_base_that_is_the_model_itself_or_of_another_size_is_refused(base):
    from tests.tiny_models import small_text_to_image

    with pytest.raises(ValueError, match="there is no difference to keep"):
        low_rank(base, base, FULL)
    with pytest.raises(ValueError, match="only one of finetuned and base model has unet"):
        low_rank(base, small_text_to_image(0), FULL)
