"""DINO's preparation of images and cosines against torchvision's transforms and float64."""

from __future__ import annotations

import copy
import json
from functools import partial

import pytest
import torch
from torch.nn.functional import cosine_similarity

from hypnos_pipeline.metrics.dino import dino
from hypnos_pipeline.models.networks import load_vit
from tests.reference.pictures import ROUNDING, evaluation_transform, pictures, prepared_by
from tests.tiny_models import tiny_vit

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
prepared = partial(prepared_by, evaluation_transform(256, 224, MEAN, DEVIATION))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A small ViT of 224 px with the preprocessing file of facebook/dino-vits16."""
    folder = tmp_path_factory.mktemp("dino")
    tiny_vit(224).save_pretrained(folder)
    content = {"feature_extractor_type": "ViTFeatureExtractor", "do_resize": True, "size": 224, "resample": 3}
    content |= {"do_normalize": True, "image_mean": MEAN, "image_std": DEVIATION}
    (folder / "preprocessor_config.json").write_text(json.dumps(content))
    return load_vit(folder)


@pytest.mark.parametrize("shape", [(512, 512), (64, 64), (256, 256), (400, 300)])
def test_images_are_prepared_as_in_its_evaluation(encoder, kind, shape):
    images = pictures(kind, 2, 512)[..., : shape[0], : shape[1]]
    torch.testing.assert_close(encoder.preprocessing(images), prepared(images), rtol=1e-5, atol=1e-6)


def test_cosines_are_those_of_float64(encoder, kind):
    a, b = pictures(kind, 3, 512), pictures(kind, 2, 512, first=3)
    model = copy.deepcopy(encoder.model).double()
    with torch.no_grad():
        first, second = (model(prepared(each).double()).last_hidden_state[:, 0] for each in (a, b))
    expected = cosine_similarity(first[:, None], second[None], dim=2)
    torch.testing.assert_close(dino(a, b, encoder).double(), expected, rtol=1e-5, atol=ROUNDING)
