"""Tables 1, 2 and their difference."""

import pandas as pd
import pytest

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.table import ABSENT, Row, Table, to_latex, to_markdown
from hypnos_pipeline.reporting.tables import (
    IGNORED_PROMPT,
    Scope,
    best_methods,
    difference_table,
    number,
    prompt_invariant_table,
    prompt_varying_table,
)
from tests.reporting.conftest import SUBJECTS, score


def row_of(table: Table, block: int, position: int) -> Row:
    return table.blocks[block][position]


@pytest.fixture
def scope(labels) -> Scope:
    return Scope(labels, SUBJECTS, ["Networks. Some."])


@pytest.fixture
def cells(scores, collect) -> pd.DataFrame:
    return collect(scores)


def test_layout_is_the_papers(cells, scope) -> None:
    table = prompt_invariant_table(cells, scope)
    assert table.headers == (
        *("DINO ↑", "CLIP-I ↑", "CLIP-T ↑", "FID ↓", "SSIM ↑", "PSNR ↑", "LPIPS ↓"),
        *("FID-64 ↓", "KID ↓", "CLIP-T (paper)", "CLIP-I (B/32) ↑", "CLIP-T (B/32) ↑"),
    )
    assert [row.labels for row in table.blocks[0]] == [
        (method, subject)
        for method in ("HYPNOS (LR=1e-4)", "DreamBooth (LR=5e-5)")
        for subject in ("Lego robot", "Chair")
    ]
    assert [row.labels for row in table.blocks[1]] == [("Base model", "Lego robot"), ("Base model", "Chair")]


def test_several_trainings_have_the_deviation_between_them(scores, collect, scope) -> None:
    trained = [
        frame.assign(training=number, mean=frame["mean"] + number) for frame in scores for number in (1, 2)
    ]
    table = prompt_invariant_table(collect(trained), scope)
    one = prompt_invariant_table(collect(scores), scope)
    for several, single in zip(table.blocks[0], one.blocks[0], strict=True):
        for ours, theirs in zip(several.entries, single.entries, strict=True):
            mean, deviation = (float(part) for part in ours.text.split(" ± "))
            assert mean == pytest.approx(float(theirs.text.split(" ± ")[0]) + 1.5, abs=1e-3)
            assert deviation == pytest.approx(0.5**0.5, abs=1e-3)
    assert table.notes[0].startswith("Mean of 2 trainings ± standard deviation between them")
    assert one.notes[0].startswith("One training: mean ± standard deviation over n.")


@pytest.mark.parametrize(
    ("make", "prompt_set"), [(prompt_invariant_table, "invariant"), (prompt_varying_table, "varying")]
)
def test_numbers_are_the_cells(cells, scope, make, prompt_set) -> None:
    table = make(cells, scope)
    papers = ["dino", "clip_i", "clip_t", "fid", "ssim", "psnr", "lpips"]
    names = [*papers, "fid_64", "kid", "clip_t_paper", "clip_i_b32", "clip_t_b32"]
    index = cells.set_index(["prompt_set", "subject", "method", "metric"])
    rows = iter([row for block in table.blocks for row in block])
    for method in scope.methods:
        for subject in SUBJECTS:
            for name, entry in zip(names, next(rows).entries, strict=True):
                cell = index.loc[(prompt_set, subject, method.name, name)]
                mean, *deviation = entry.text.split(" ± ")
                assert float(mean) == pytest.approx(cell["mean"], abs=1e-4)
                assert (not deviation) == (METRICS[name].kind == "set")
                if deviation:
                    assert float(deviation[0]) == pytest.approx(cell["std"], abs=1e-4)


def test_best_follows_the_direction_and_leaves_the_base_out(cells, scope) -> None:
    """The base model has the largest of all synthetic means, HYPNOS the smallest."""
    table = prompt_invariant_table(cells, scope)
    hypnos, dreambooth = row_of(table, 0, 0), row_of(table, 0, 2)
    bold = [header for header, entry in zip(table.headers, hypnos.entries, strict=True) if entry.bold]
    assert bold == ["FID ↓", "LPIPS ↓", "FID-64 ↓", "KID ↓"]
    bold = [header for header, entry in zip(table.headers, dreambooth.entries, strict=True) if entry.bold]
    of_both_clips = ["CLIP-I (B/32) ↑", "CLIP-T (B/32) ↑"]
    assert bold == ["DINO ↑", "CLIP-I ↑", "CLIP-T ↑", "SSIM ↑", "PSNR ↑", *of_both_clips]
    assert not any(entry.bold for row in table.blocks[1] for entry in row.entries)


def test_best_is_per_subject(scores, collect, scope) -> None:
    for frame in scores:
        frame.loc[(frame["subject"] == "chair") & (frame["method"] == "hypnos"), "mean"] += 5
    table = prompt_invariant_table(collect(scores), scope)
    assert [row.entries[0].bold for row in table.blocks[0]] == [False, True, True, False]


def test_the_caption_says_of_how_many_trainings_the_means_are(scores, collect, scope) -> None:
    more = [frame.assign(training=2) for frame in scores]
    one, two = (prompt_varying_table(collect(each), scope) for each in (scores, [*scores, *more]))
    assert two.caption == f"{one.caption}, mean of 2 trainings"
    assert two.notes[0].startswith("Mean of 2 trainings ± standard deviation between them; ")
    assert difference_table(collect([*scores, *more]), scope).caption.endswith(", mean of 2 trainings")


def test_ties_as_printed_are_all_best() -> None:
    assert best_methods({"a": 0.50001, "b": 0.50004, "c": 0.4}, METRICS["dino"]) == {"a", "b"}
    assert best_methods({"a": 3.0, "b": 2.0, "c": 2.0}, METRICS["fid"]) == {"b", "c"}
    assert best_methods({"a": 3.0, "b": 2.0}, METRICS["clip_t_paper"]) == set()
    assert best_methods({"a": 3.0}, METRICS["dino"]) == set()


def test_numbers_have_a_minus_and_no_negative_zero() -> None:
    assert [number(-0.00001, 4), number(-0.5, 2), number(0.12346, 4)] == ["0.0000", "−0.50", "0.1235"]


def test_absent_cells_are_dashes(scores, collect, scope) -> None:
    kept = [s[~((s["method"] == "hypnos") & (s["metric"] == "psnr"))] for s in scores]
    table = prompt_invariant_table(collect(kept), scope)
    assert row_of(table, 0, 0).entries[5].text == ABSENT
    assert row_of(table, 0, 2).entries[5].text != ABSENT
    assert "nan" not in to_markdown(table)


def test_columns_beyond_the_papers_need_a_cell(scores, collect, scope) -> None:
    kept = [s[~s["metric"].isin(["kid", "psnr"])] for s in scores]
    headers = prompt_invariant_table(collect(kept), scope).headers
    assert "KID ↓" not in headers
    assert "PSNR ↑" in headers


def test_notes_say_sample_size_networks_and_warning(cells, scope) -> None:
    for make, warned in ((prompt_invariant_table, False), (prompt_varying_table, True)):
        table = make(cells, scope)
        notes = table.notes
        assert table.warning == (IGNORED_PROMPT if warned else "")
        assert table.warning in to_markdown(table)
        assert "Networks. Some." in notes
        size = next(note for note in notes if note.startswith("n = "))
        assert "8 pairs of image and photo (DINO, CLIP-I, SSIM, PSNR, LPIPS and CLIP-I (B/32))" in size
        assert "2 images (CLIP-T, FID, FID-64, KID, CLIP-T (paper) and CLIP-T (B/32))" in size
        assert not any("brackets" in note for note in notes)


def test_paper_values_stand_beside_ours(scores, collect, scope) -> None:
    cells = collect(scores, {"lego_robot": "lego_robot"})
    table = prompt_invariant_table(cells, scope)
    entries = dict(zip(table.headers, row_of(table, 0, 0).entries, strict=True))
    assert entries["DINO ↑"].text.endswith(" [0.6589]")
    assert entries["FID-64 ↓"].text.endswith(" [5.6330]")
    assert "[" not in entries["FID ↓"].text + entries["CLIP-T ↑"].text
    assert "[" not in row_of(table, 0, 1).entries[0].text
    note = next(note for note in table.notes if "brackets" in note)
    assert "the paper's photos were others" in note
    assert "guess" in note


def test_difference_is_invariant_minus_varying(cells, scope) -> None:
    table = difference_table(cells, scope)
    row = dict(zip(table.headers, row_of(table, 0, 2).entries, strict=True))
    index = cells.set_index(["prompt_set", "subject", "method", "metric"])["mean"]
    key = ("lego_robot", "dreambooth_low_lr", "dino")
    before, after = index[("invariant", *key)], index[("varying", *key)]
    assert float(row["DINO invariant"].text) == pytest.approx(before)
    assert float(row["DINO varying"].text) == pytest.approx(after)
    assert float(row["DINO difference"].text) == pytest.approx(before - after)
    assert {"CLIP-T invariant", "CLIP-T varying", "CLIP-T difference", "LPIPS difference"} <= row.keys()
    assert not any(entry.bold for block in table.blocks for row in block for entry in row.entries)


def test_difference_may_be_negative_and_needs_both(collect, scope) -> None:
    rows = [
        score("invariant", "chair", "hypnos", "dino", 0.25),
        score("varying", "chair", "hypnos", "dino", 0.5),
        score("invariant", "chair", "hypnos", "ssim", 0.5),
    ]
    table = difference_table(collect([pd.DataFrame(rows)]), scope)
    row = dict(zip(table.headers, row_of(table, 0, 1).entries, strict=True))
    assert row["DINO difference"].text == "−0.2500"
    assert row["SSIM difference"].text == ABSENT


def test_both_renderings_hold_every_number(cells, scope) -> None:
    table = prompt_varying_table(cells, scope)
    markdown, latex = to_markdown(table), to_latex(table)
    for entry in (entry for block in table.blocks for row in block for entry in row.entries):
        assert entry.text in markdown
        assert entry.text.replace("±", r"$\pm$") in latex


def test_cells_read_back_from_csv_give_the_same_tables(cells, scope, tmp_path) -> None:
    cells.to_csv(tmp_path / "cells.csv", index=False)
    again = pd.read_csv(tmp_path / "cells.csv")
    for make in (prompt_invariant_table, prompt_varying_table, difference_table):
        assert to_markdown(make(again, scope)) == to_markdown(make(cells, scope))
