"""Learning curves and Eq. 2's curve."""

import hashlib
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.reporting.figures import (
    inverse_gaussian_curve,
    learning_curves,
    loss_curve,
    sigma_variants,
)
from hypnos_pipeline.training.settings import MatchMse, Reconstruction


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def curve(steps: int, *names: str) -> pd.DataFrame:
    step = np.arange(1, steps + 1)
    return pd.DataFrame({"step": step} | {name: np.cos(step) + 2 for name in names})


CURVES = {
    "HYPNOS": curve(20, "loss", "loss_reconstruction", "loss_perceptual", "loss_discriminator"),
    "Textual Inversion": curve(30, "loss", "loss_reconstruction"),
}


def test_pictures_are_deterministic_and_bare(monkeypatch) -> None:
    import matplotlib

    first = [png(learning_curves(CURVES, "Chair")), png(loss_curve({"σ = 1": 1.0}))]
    monkeypatch.setitem(matplotlib.rcParams, "axes.facecolor", "red")  # a user's own style
    second = [png(learning_curves(CURVES, "Chair")), png(loss_curve({"σ = 1": 1.0}))]
    assert [hashlib.sha256(b).digest() for b in first] == [hashlib.sha256(b).digest() for b in second]
    for content in first:
        assert Image.open(io.BytesIO(content)).info == {}
        assert b"matplotlib" not in content


def test_one_panel_per_loss_that_acts() -> None:
    two = learning_curves({"A": curve(5, "loss", "loss_prior")}, "Chair")
    four = learning_curves(CURVES, "Chair")
    assert two.mode == "RGB"
    assert two.size == (920, 380)
    assert four.size == (1380, 650)


def test_missing_values_and_terms_are_left_out() -> None:
    frame = curve(10, "loss", "loss_perceptual")
    frame.loc[6:, "loss_perceptual"] = np.nan
    frame["loss_discriminator"] = np.nan
    assert learning_curves({"A": frame}, "Chair").size == (920, 380)


def test_no_curve_is_a_message_not_a_crash() -> None:
    with pytest.raises(ValueError, match="Chair: no learning curve"):
        learning_curves({"A": curve(3)}, "Chair")


def test_the_curve_is_equation_2_as_trained() -> None:
    torch = pytest.importorskip("torch")
    from hypnos_pipeline.training.losses import inverse_gaussian

    errors = np.linspace(-2, 2, 9)
    ours = inverse_gaussian_curve(errors, 1.382)
    trained = [inverse_gaussian(torch.tensor([float(e)]), 1.382).item() for e in errors]
    np.testing.assert_allclose(ours, trained, rtol=1e-5, atol=1e-7)
    assert ours[4] == 0


def test_sigmas_of_the_study_come_first() -> None:
    variants = sigma_variants(
        [
            Reconstruction(),
            Reconstruction(kind="mse"),
            Reconstruction(sigma=1.0),
            Reconstruction(sigma=MatchMse(match_mse=0.5)),
        ]
    )
    assert list(variants.values())[:3] == pytest.approx([1.38191, 1.0, 1.28796], abs=1e-4)
    assert len(set(variants.values())) == len(variants)
    assert next(iter(variants)).startswith("Eq. 3")
