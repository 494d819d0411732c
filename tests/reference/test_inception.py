"""FID's Inception against torch-fidelity and clean-fid, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from hypnos_pipeline.errors import UnusableNetwork
from hypnos_pipeline.metrics.features import ImageFeatures, MetricNetworks
from hypnos_pipeline.models.inception import (
    FidInceptionV3,
    load_fid_inception,
    resize_like_clean_fid,
    resize_like_tensorflow_1,
    save_fid_inception,
)
from tests.reference.pictures import KINDS, as_arrays, as_uint8, pictures


def test_it_has_the_published_parameters_but_the_classifier():
    from torchvision.models import inception_v3

    with torch.device("meta"):
        ours, theirs = FidInceptionV3(), inception_v3(aux_logits=False, init_weights=False)
    shapes = {key: value.shape for key, value in theirs.state_dict().items() if not key.startswith("fc.")}
    assert {key: value.shape for key, value in ours.state_dict().items()} == shapes
    assert sum(parameter.numel() for parameter in ours.parameters()) == 21_785_568


@pytest.mark.usefixtures("offline_weights")
def test_features_are_torch_fidelitys(inception, features):
    """At 299 px nothing is resized, so that both features come from the same pixels."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    library = FeatureExtractorInceptionV3("reference", ["64", "2048"])
    images = torch.cat([pictures(kind, 1, 299) for kind in KINDS])
    early, final = library(as_uint8(images))
    ours = inception.embed(images)
    assert ours.final.shape == (2, 2048)
    torch.testing.assert_close(ours.final, final, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.early, early, rtol=1e-5, atol=1e-6)
    assert final.std(0).mean() > 1e-2  # the weights tell pictures apart
    library.features_list = ["64"]
    for kind in KINDS:
        (early,) = library(as_uint8(pictures(kind, 4, 96)))
        torch.testing.assert_close(features[kind][0].early, early, rtol=1e-5, atol=1e-6)


def test_final_features_are_clean_fids_of_files(features, inception, kind, tmp_path):
    """Its own network is TorchScript with the weights inside, so it gets ours, proven by the test above."""
    from cleanfid.fid import get_folder_features

    for number, image in enumerate(as_arrays(pictures(kind, 2, 96))):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    body = inception._network
    files = get_folder_features(
        str(tmp_path), model=lambda x: body((x - 128) / 128), mode="clean",
        num_workers=0, device=torch.device("cpu"), verbose=False,
    )  # fmt: skip
    torch.testing.assert_close(features[kind][0].final[:2], torch.from_numpy(files), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 64), (299, 299), (512, 512), (300, 70)])
def test_both_resizings_are_the_libraries_to_the_bit(kind, shape):
    from cleanfid.resize import build_resizer
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    images = pictures(kind, 2, 512)[:, :, : shape[0], : shape[1]]
    pixels, clean = as_uint8(images), build_resizer("clean")
    theirs = np.stack([clean(image) for image in as_arrays(images)]).transpose(0, 3, 1, 2)
    assert np.array_equal(resize_like_clean_fid(pixels).numpy(), theirs)
    theirs = interpolate_bilinear_2d_like_tensorflow1x(pixels.float(), size=(299, 299), align_corners=False)
    assert torch.equal(resize_like_tensorflow_1(pixels.float()), theirs)


def test_batches_do_not_change_features(features, inception):
    images = as_arrays(pictures("photos", 3, 96))
    networks = MetricNetworks(device=torch.device("cpu"), inception=inception)
    found = ImageFeatures(images, networks, batch=2).frechet
    torch.testing.assert_close(found.final, features["photos"][0].final[:3], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.early, features["photos"][0].early[:3], rtol=1e-5, atol=1e-6)


def test_a_file_converted_from_the_published_one_is_read_and_another_refused(published, tmp_path):
    save_fid_inception(published, tmp_path)
    file = tmp_path / "model.safetensors"
    assert not [key for key in load_file(file) if key.startswith("fc.")]
    # The published file has a classifier, and no counters of BatchNorm's.
    old = {key: value for key, value in published.items() if not key.endswith("num_batches_tracked")}
    save_file(old, file)
    network = load_fid_inception(tmp_path)._network
    assert torch.equal(
        network.Mixed_7c.branch_pool.conv.weight, published["Mixed_7c.branch_pool.conv.weight"]
    )
    assert not network.training
    save_file({key: value for key, value in old.items() if "Mixed_7b" not in key}, file)
    with pytest.raises(UnusableNetwork, match=r"model\.safetensors: .* 45 missing \(Mixed_7b"):
        load_fid_inception(tmp_path)
