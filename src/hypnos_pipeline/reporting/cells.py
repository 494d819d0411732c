"""The cells: one row for each subject × method × prompt set × metric (``cells.csv``, ``metrics.json``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hypnos_pipeline.reporting.paper_values import TABLE_OF_PROMPT_SET, paper_value

if TYPE_CHECKING:
    import pandas

SCORE_COLUMNS = ["prompt_set", "subject", "method", "metric", "mean", "std", "std_images", "n"]
TRAININGS_COLUMNS = ["trainings", "std_trainings"]
CELL_COLUMNS = ["table", *SCORE_COLUMNS, "paper", *TRAININGS_COLUMNS]


class CellKey(NamedTuple):
    """The four names that tell a cell from all others of the study."""

    prompt_set: str
    subject: str
    method: str
    metric: str


KEY = list(CellKey._fields)


class CellError(ValueError):
    """Scores that cannot be made into cells; the message names the rows."""


def rows_of(frame: pandas.DataFrame) -> Iterable[Any]:
    """Returns a frame's rows as named tuples; what they hold has no type that pandas could tell."""
    return frame.itertuples(index=False)


def by_key(cells: pandas.DataFrame) -> dict[CellKey, Any]:
    """Returns every cell's row, in the frame's order."""
    return {CellKey(c.prompt_set, c.subject, c.method, c.metric): c for c in rows_of(cells)}


def join_scores(scores: Iterable[pandas.DataFrame]) -> pandas.DataFrame:
    """Returns several methods' scores below one another.

    Args:
        scores: Frames with ``SCORE_COLUMNS`` and the number of the ``training``; without it, of the first.

    Returns:
        Columns ``SCORE_COLUMNS`` and ``training``, int64.

    Raises:
        CellError: If a column is missing.
    """
    import pandas

    frames = []
    for frame in scores:
        missing = [column for column in SCORE_COLUMNS if column not in frame.columns]
        if missing:
            raise CellError(
                f"scores lack the columns {', '.join(missing)}; they have {', '.join(frame.columns)}"
            )
        numbered = frame if "training" in frame.columns else frame.assign(training=1)
        types = {"mean": float, "std": float, "std_images": float, "training": "int64"}
        frames.append(numbered[[*SCORE_COLUMNS, "training"]].astype(types))
    return pandas.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def over_trainings(scores: pandas.DataFrame) -> pandas.DataFrame:
    """Returns a row for each cell of several trainings' scores.

    Args:
        scores: As :func:`join_scores` returns them.

    Returns:
        Columns ``SCORE_COLUMNS``, ``trainings`` (int64) and ``std_trainings`` (float64): the mean of the
        trainings' means, how many there are, and the standard deviation between them (ddof 1), missing
        for one; the other columns are the first training's. A cell whose mean is undefined is absent.
    """
    defined = scores[scores["mean"].notna()].sort_values("training", kind="stable")
    cells = defined.drop_duplicates(KEY).set_index(KEY)
    means = defined.groupby(KEY, sort=False)["mean"]
    found = cells.assign(mean=means.mean(), trainings=means.size(), std_trainings=means.std(ddof=1))
    return found.reset_index()[[*SCORE_COLUMNS, *TRAININGS_COLUMNS]]


def collect_cells(
    scores: Iterable[pandas.DataFrame],
    *,
    prompt_sets: Sequence[str],
    subjects: Sequence[str],
    methods: Sequence[str],
    metrics: Sequence[str],
    paper_rows: Mapping[str, str | None],
) -> pandas.DataFrame:
    """Returns the cells in the study's order: table, prompt set, subject, method, metric.

    Args:
        scores: Frames with ``SCORE_COLUMNS``, and ``training`` where there are several.
        prompt_sets: The study's prompt sets in its order; those of tables 1 and 2 come first.
        subjects: The study's subjects in its order.
        methods: The study's methods in printed order.
        metrics: The known metrics in printed order; others follow by name.
        paper_rows: Subject to the paper's row for it, or None.

    Returns:
        Columns ``CELL_COLUMNS``; ``table`` Int64 (1 invariant, 2 varying, else missing), ``n`` and
        ``trainings`` int64, ``mean``, ``std``, ``std_images``, ``paper``, ``std_trainings`` float64 with
        missing values that a CSV shows as blanks; see :func:`over_trainings`. A cell whose mean is undefined
        is absent.

    Raises:
        CellError: If a cell occurs twice or belongs to no subject, method or prompt set of the study.
    """
    cells = join_scores(scores)
    _refuse_strangers(cells, {"prompt_set": prompt_sets, "subject": subjects, "method": methods})
    defined = cells[cells["mean"].notna()]
    twice = defined[defined.duplicated([*KEY, "training"])]
    if len(twice):
        rows = ["/".join(map(str, row)) for row in twice[KEY].itertuples(index=False)]
        raise CellError(f"cells occur twice: {', '.join(rows)}")
    cells = over_trainings(defined)
    strangers = sorted(set(cells["metric"]) - set(metrics))
    ranks = {
        "prompt_set": _ranks(sorted(prompt_sets, key=lambda name: TABLE_OF_PROMPT_SET.get(name, 3))),
        "subject": _ranks(subjects),
        "method": _ranks(methods),
        "metric": _ranks([*metrics, *strangers]),
    }
    cells = cells.sort_values(KEY, key=lambda column: column.map(ranks[str(column.name)]), ignore_index=True)
    cells["table"] = cells["prompt_set"].map(TABLE_OF_PROMPT_SET).astype("Int64")
    cells["n"] = cells["n"].astype("int64")
    cells["paper"] = [
        paper_value(row.prompt_set, paper_rows.get(row.subject), row.method, row.metric)
        for row in rows_of(cells)
    ]
    cells["paper"] = cells["paper"].astype(float)
    return cells[CELL_COLUMNS]


def _ranks(names: Sequence[str]) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(names)}


def _refuse_strangers(cells: pandas.DataFrame, known: Mapping[str, Sequence[str]]) -> None:
    for column, names in known.items():
        strangers = sorted(set(cells[column]) - set(names))
        if strangers:
            raise CellError(
                f"scores have the {column} {', '.join(map(str, strangers))}, the study {', '.join(names)}"
            )


def wide_cells(cells: pandas.DataFrame) -> pandas.DataFrame:
    """Returns the means with one column per metric, which bar charts and spreadsheets read.

    Returns:
        Columns ``entry`` (subject, method and prompt set in one), ``subject``, ``method``, ``prompt_set``
        and one per metric; undefined cells are missing.
    """
    names = ["subject", "method", "prompt_set"]
    wide = cells.pivot(index=names, columns="metric", values="mean")
    wide = wide.loc[list(dict.fromkeys(cells[names].itertuples(index=False, name=None)))]
    wide = wide[list(dict.fromkeys(cells["metric"]))].reset_index().rename_axis(columns=None)
    wide.insert(0, "entry", [" ".join(row) for row in wide[names].itertuples(index=False)])
    return wide


def metrics_tree(cells: pandas.DataFrame) -> dict[str, Any]:
    """Returns the means of ``metrics.json``: prompt set → subject → method → metric → mean."""
    tree: dict[str, Any] = {}
    for row in rows_of(cells):
        branch = tree.setdefault(row.prompt_set, {}).setdefault(row.subject, {}).setdefault(row.method, {})
        branch[row.metric] = float(row.mean)
    return tree
