"""``cells.csv`` and ``metrics.json``."""

import io

import pandas as pd
import pytest

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import (
    CELL_COLUMNS,
    CellError,
    join_scores,
    metrics_tree,
    wide_cells,
)
from hypnos_pipeline.reporting.headline import headlines
from tests.reporting.conftest import METHODS, SUBJECTS, score


def test_columns_and_order_are_the_contract(scores, collect) -> None:
    cells = collect(scores)
    assert (
        ",".join(cells.columns)
        == "table,prompt_set,subject,method,metric,mean,std,std_images,n,paper,trainings,std_trainings"
    )
    assert list(cells.columns) == CELL_COLUMNS
    keys = list(cells[["prompt_set", "subject", "method", "metric"]].itertuples(index=False, name=None))
    assert keys == [
        (p, s, m, k)
        for p in ("invariant", "varying", "disentangle")
        for s in SUBJECTS
        for m in METHODS
        for k in METRICS
    ]


def test_order_does_not_depend_on_the_scores_order(scores, collect) -> None:
    pd.testing.assert_frame_equal(collect(scores), collect(scores[::-1]))


def test_csv_has_blanks_for_what_is_undefined(scores, collect) -> None:
    text = collect(scores).to_csv(index=False)
    assert "nan" not in text.lower()
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    assert dict(table.groupby("prompt_set")["table"].agg(set)) == {
        "invariant": {"1"},
        "varying": {"2"},
        "disentangle": {""},
    }
    without = table[table["std"] == ""]
    assert set(without["metric"]) == {"fid", "fid_64", "kid"}
    assert set(without["std_images"]) == {""}
    assert set(table["paper"]) == {""}
    assert set(table["n"]) == {"8", "2"}


def test_undefined_cells_are_absent(scores, collect) -> None:
    undefined = pd.DataFrame([score("invariant", "chair", "base", "psnr", float("nan"))])
    kept = [s[~((s["method"] == "base") & (s["metric"] == "psnr"))] for s in scores]
    cells = collect([*kept, undefined])
    assert cells["mean"].notna().all()
    assert len(cells) == sum(map(len, kept))


def test_paper_values_only_for_subjects_with_a_row(scores, collect) -> None:
    cells = collect(scores, {"lego_robot": "lego_robot", "chair": None})
    assert set(cells.loc[cells["paper"].notna(), "subject"]) == {"lego_robot"}
    assert len(cells[cells["paper"].notna()]) == 2 * 2 * 7  # tables × methods of the paper × metrics
    index = cells.set_index(["prompt_set", "subject", "method", "metric"])["paper"]
    assert index["invariant", "lego_robot", "hypnos", "fid_64"] == 5.6330


def test_metrics_of_other_kinds_follow(scores, collect) -> None:
    more = pd.DataFrame([score("disentangle", "chair", "hypnos", "background_order", 1.0)])
    chosen = collect([*scores, more]).query("prompt_set == 'disentangle' and subject == 'chair'")
    assert list(chosen[chosen["method"] == "hypnos"]["metric"]) == [*METRICS, "background_order"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("invariant", "chair", "hypnos", "dino", 1.0), "twice: invariant/chair/hypnos/dino"),
        (("invariant", "stool", "hypnos", "dino", 1.0), "subject stool"),
        (("invariant", "chair", "lora", "dino", 1.0), "method lora"),
        (("vary", "chair", "hypnos", "dino", 1.0), "prompt_set vary"),
    ],
)
def test_wrong_scores_are_named(scores, collect, row, message) -> None:
    with pytest.raises(CellError, match=message):
        collect([*scores, pd.DataFrame([score(*row)])])


def test_a_cell_of_several_trainings_is_the_mean_of_their_means(collect) -> None:
    key = ("varying", "chair", "hypnos", "dino")
    means = {1: 0.5, 2: 0.75, 3: float("nan"), 4: 0.25}
    frames = [pd.DataFrame([score(*key, mean)]).assign(training=k) for k, mean in means.items()]
    frames[1] = frames[1].assign(std=9.0, n=99)
    once = pd.DataFrame([score("varying", "chair", "base", "dino", 0.1)])
    several, single = (row for _, row in collect([*reversed(frames), once]).iterrows())
    assert (several["mean"], several["trainings"], several["std_trainings"]) == (0.5, 3, 0.25)
    assert (several["std"], several["std_images"], several["n"]) == (0.05, 0.025, 8)  # the first training's
    assert (single["mean"], single["trainings"]) == (0.1, 1)
    assert pd.isna(single["std_trainings"])


def test_missing_columns_are_named() -> None:
    with pytest.raises(CellError, match="std_images"):
        join_scores(
            [pd.DataFrame([score("invariant", "chair", "base", "dino", 1)]).drop(columns="std_images")]
        )


def test_metrics_tree_is_nested_means(scores, collect) -> None:
    cells = collect(scores)
    tree = metrics_tree(cells)
    assert list(tree) == ["invariant", "varying", "disentangle"]
    for row in cells.itertuples():
        assert tree[row.prompt_set][row.subject][row.method][row.metric] == row.mean


def test_wide_cells_hold_every_mean_in_its_metrics_column(scores, collect) -> None:
    cells = collect(scores)
    wide = wide_cells(cells)
    assert len(wide) == len(cells[["subject", "method", "prompt_set"]].drop_duplicates())
    indexed = wide.set_index(["subject", "method", "prompt_set"])
    for row in cells.itertuples():
        assert indexed.loc[(row.subject, row.method, row.prompt_set), row.metric] == row.mean
    assert wide["entry"].is_unique


def test_headlines_are_means_of_subjects_by_method(collect) -> None:
    rows = [
        score("varying", subject, "hypnos", "dino", mean)
        for subject, mean in (("chair", 0.2), ("lego_robot", 0.6))
    ]
    rows += [
        score("varying", "chair", "hypnos", "fid", 90.0),
        score("invariant", "chair", "base", "dino", 0.9),
    ]
    assert headlines(collect([pd.DataFrame(rows)])) == {"hypnos": {"dino": pytest.approx(0.4)}}
