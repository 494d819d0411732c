"""CLIP's preparation of images, CLIP-I and both readings of CLIP-T against the libraries and float64."""

from __future__ import annotations

import copy

import pytest
import torch
from PIL import Image
from torch.nn.functional import cosine_similarity

from hypnos_pipeline.metrics.clip_i import clip_i
from hypnos_pipeline.metrics.clip_t import clip_t
from hypnos_pipeline.metrics.clip_t_paper import clip_t_paper
from hypnos_pipeline.models.finetuned import add_token
from hypnos_pipeline.models.networks import load_clip
from tests.reference.pictures import ROUNDING, as_arrays, evaluation_transform, pictures, prepared_by
from tests.tiny_models import tiny_clip, tiny_text_to_image

EDGE, WIDTH = 224, 32
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
NOUN_PROMPTS = ["a photo of a robot", "a red chair on the beach", "a photo of a robot"]
OWN_PROMPTS = ["a photo of <sks>", "a red <sks> on the beach", "a photo of <sks>"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A small CLIP of 224 px, whose embeddings are as wide as the tiny text encoder's states."""
    from transformers import CLIPImageProcessor, CLIPModel

    folder = tmp_path_factory.mktemp("clip")
    small, tokenizer = tiny_clip(EDGE)
    configuration = copy.deepcopy(small.config)
    for part in (configuration, configuration.text_config, configuration.vision_config):
        part.projection_dim = WIDTH
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        CLIPModel(configuration).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)  # CLIP's own values
    return load_clip(folder)


def prepared(images: torch.Tensor) -> torch.Tensor:
    """Prepares images by the processor that transformers keeps on Pillow, in float64."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    processed = CLIPImageProcessorPil()([*map(Image.fromarray, as_arrays(images))], return_tensors="np")
    return torch.tensor(processed["pixel_values"]).double()


def embedded(network, images: torch.Tensor) -> torch.Tensor:
    """Embeds images in float64."""
    model = copy.deepcopy(network.model).double()
    with torch.no_grad():
        return model.get_image_features(pixel_values=prepared(images)).pooler_output


@pytest.mark.parametrize("shape", [(512, 512), (64, 64), (224, 224), (400, 300)])
def test_images_are_prepared_as_by_clips_authors_and_transformers(network, kind, shape):
    images = pictures(kind, 2, 512)[..., : shape[0], : shape[1]]
    ours = network.images.preprocessing(images)
    torch.testing.assert_close(ours, prepared(images).float(), rtol=1e-5, atol=1e-6)
    published = evaluation_transform(EDGE, EDGE, MEAN, DEVIATION)
    torch.testing.assert_close(ours, prepared_by(published, images), rtol=1e-5, atol=1e-6)


def test_clip_i_is_the_cosine_of_float64(network, kind):
    a, b = pictures(kind, 3, 256), pictures(kind, 2, 256, first=3)
    expected = cosine_similarity(embedded(network, a)[:, None], embedded(network, b)[None], dim=2)
    torch.testing.assert_close(clip_i(a, b, network).double(), expected, rtol=1e-5, atol=ROUNDING)


def test_clip_t_is_the_cosine_of_float64_with_the_noun_prompt(network, kind):
    images = pictures(kind, 3, 256)
    model = copy.deepcopy(network.model).double()
    # One prompt at a time, unpadded: padding must not count.
    tokens = [network.tokenizer(prompt, return_tensors="pt") for prompt in NOUN_PROMPTS]
    with torch.no_grad():
        texts = torch.cat([model.get_text_features(**each).pooler_output for each in tokens])
    expected = cosine_similarity(embedded(network, images), texts)
    torch.testing.assert_close(
        clip_t(images, NOUN_PROMPTS, network).double(), expected, rtol=1e-5, atol=ROUNDING
    )


def test_clip_t_paper_is_the_cosine_of_float64_with_the_finetuned_text_state(network, kind):
    """The last layer's output, through the final layer norm, where the prompt ends."""
    images = pictures(kind, 3, 256)
    model = tiny_text_to_image()
    add_token(model, "<sks>", torch.full((WIDTH,), 0.3))
    with torch.no_grad():  # finetuning moves the text encoder: no pretrained one gives these states
        for parameter in model.text_encoder.parameters():
            parameter.mul_(1.1)
    states = torch.stack([final_state(model, prompt) for prompt in OWN_PROMPTS])
    expected = cosine_similarity(embedded(network, images), states)
    ours = clip_t_paper(images, OWN_PROMPTS, model, network)
    torch.testing.assert_close(ours.double(), expected, rtol=1e-5, atol=ROUNDING)


def final_state(model, prompt: str) -> torch.Tensor:
    """Returns the state at the end of one prompt alone, its layer norm written out, in float64."""
    encoder = copy.deepcopy(model.text_encoder).double()
    ids = model.tokenizer(prompt).input_ids  # start, words, end
    assert ids.index(model.tokenizer.eos_token_id) == len(ids) - 1
    caught = []
    encoder.final_layer_norm.register_forward_pre_hook(lambda _, given: caught.append(given[0]))
    with torch.no_grad():
        encoder(torch.tensor([ids]))
    last, norm = caught[0][0, -1], encoder.final_layer_norm
    spread = (last.var(unbiased=False) + norm.eps).sqrt()
    return (last - last.mean()) / spread * norm.weight.detach() + norm.bias.detach()
