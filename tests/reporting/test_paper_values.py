"""The paper's 168 values."""

from hypnos_pipeline.reporting.paper_values import paper_value, paper_values


def test_every_value_is_there_once() -> None:
    values = paper_values()
    assert len(values) == 168
    assert list(values.columns) == ["table", "subject", "method", "metric", "value"]
    assert not values.duplicated(["table", "subject", "method", "metric"]).any()
    assert values.groupby(["table", "method", "subject"]).size().eq(7).all()
    assert values["value"].notna().all()


def test_values_read_off_the_paper() -> None:
    assert paper_value("invariant", "funko", "hypnos", "fid_64") == 3.6032  # printed "3,6032"
    assert paper_value("invariant", "rattan_chair", "dreambooth_high_lr", "dino") == 0.2647
    assert paper_value("invariant", "lego_robot", "dreambooth_low_lr", "clip_i") == 0.8753
    assert paper_value("invariant", "funko", "textual_inversion", "clip_t_paper") == 0.0417
    assert paper_value("varying", "rattan_chair", "hypnos", "psnr") == 8.8435
    assert paper_value("varying", "lego_robot", "dreambooth_high_lr", "lpips") == 0.4830
    assert paper_value("varying", "lego_robot", "textual_inversion", "ssim") == 0.2397


def test_what_the_paper_says_of_its_tables() -> None:
    """method.md §10: DreamBooth 2e-6's DINO rises from Table 1 to Table 2 on all subjects."""
    for subject in ("funko", "rattan_chair", "lego_robot"):
        before = paper_value("invariant", subject, "dreambooth_high_lr", "dino")
        assert paper_value("varying", subject, "dreambooth_high_lr", "dino") > before


def test_the_paper_has_no_other_values() -> None:
    assert paper_value("invariant", None, "hypnos", "dino") is None
    assert paper_value("disentangle", "funko", "hypnos", "dino") is None
    assert paper_value("invariant", "funko", "base", "dino") is None
    assert paper_value("invariant", "funko", "hypnos", "clip_t") is None
    assert paper_value("invariant", "funko", "hypnos", "fid") is None
