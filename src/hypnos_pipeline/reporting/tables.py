"""Tables 1 and 2, laid out like the paper's, and the table of their differences (method.md §10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.paper_values import GUESSED, TABLE_OF_PROMPT_SET
from hypnos_pipeline.reporting.table import Entry, Row, Table

if TYPE_CHECKING:
    import pandas

PAPER_COLUMNS = ("dino", "clip_i", "clip_t", "fid", "ssim", "psnr", "lpips")
OUR_COLUMNS = ("fid_64", "kid", "clip_t_paper", "clip_i_b32", "clip_t_b32")
IN_FULL = ("dino", "clip_i", "clip_t")
DIFFERENCE_ONLY = ("ssim", "psnr", "lpips")

IGNORED_PROMPT = (
    "High similarity in this table is not in itself good: it can mean that the prompt was ignored and the "
    "photos were repeated. Read it beside CLIP-T and the table of differences."
)
NOT_RANKED = "The base model never saw the subject; it is a reference and not ranked."
PAPERS_VALUES = (
    "In square brackets: the paper's value, to be read beside ours and not against it: the paper's photos "
    "were others (they are not public), and so were its prompts where they vary"
)
FINETUNED_TEXT = (
    "CLIP-T (paper): finetuned text encoder against pretrained image embedding, as the paper's 4.1.1 names "
    "it; the two spaces were never aligned, so no value is better than another."
)


@dataclass(frozen=True)
class Scope:
    """The rows of every table, and what stands below it.

    Attributes:
        methods: In printed order, references last.
        subjects: Names in the study's order.
        sources: Lines on networks and preprocessing.
    """

    methods: Sequence[MethodLabel]
    subjects: Sequence[str]
    sources: Sequence[str] = ()


def prompt_invariant_table(cells: pandas.DataFrame, scope: Scope) -> Table:
    """Returns Table 1: every method on every subject with the prompt that names it and nothing else."""
    return _score_table(cells, scope, "invariant", "table_1_prompt_invariant", "Prompt invariant")


def prompt_varying_table(cells: pandas.DataFrame, scope: Scope) -> Table:
    """Returns Table 2: the same with prompts that vary image type, background and style."""
    return _score_table(cells, scope, "varying", "table_2_prompt_varying", "Prompt varying", IGNORED_PROMPT)


def difference_table(cells: pandas.DataFrame, scope: Scope) -> Table:
    """Returns invariant, varying and invariant minus varying, CLIP-T beside the similarities."""
    invariant, varying = _by_cell(cells, "invariant"), _by_cell(cells, "varying")
    headers = [
        *(f"{METRICS[m].label} {part}" for m in IN_FULL for part in ("invariant", "varying", "difference")),
        *(f"{METRICS[m].label} difference" for m in DIFFERENCE_ONLY),
    ]

    def entries(method: str, subject: str) -> tuple[Entry, ...]:
        found = []
        for name in (*IN_FULL, *DIFFERENCE_ONLY):
            metric, key = METRICS[name], (subject, method, name)
            if name in IN_FULL:
                found += [_mean(metric, invariant.get(key)), _mean(metric, varying.get(key))]
            found.append(_difference(metric, invariant.get(key), varying.get(key)))
        return tuple(found)

    notes = [
        "Difference: invariant minus varying, of the unrounded means. Prompts that ask for other scenes "
        "should make the images less like the photos, so DINO, CLIP-I, SSIM and PSNR should fall (difference "
        "above 0) and LPIPS, a distance, rise (below 0). A method whose similarity does not fall may ignore "
        "the prompt; CLIP-T with varying prompts says how far the images follow it.",
        *_reading_notes(cells, scope, {"invariant", "varying"}, [*IN_FULL, *DIFFERENCE_ONLY]),
    ]
    return Table(
        name="table_invariant_minus_varying",
        caption="Prompt invariant minus prompt varying",
        label_headers=("Method", "Subject"),
        headers=tuple(headers),
        blocks=_blocks(scope, entries),
        notes=tuple(notes),
    )


def best_methods(values: Mapping[str, float], metric: Metric) -> set[str]:
    """Returns the methods with the best value as printed, all of them where several tie.

    Args:
        values: Method to mean, of one subject, references left out.
        metric: Without direction none is best; nor is one that stands alone.
    """
    if metric.higher_is_better is None or len(values) < 2:
        return set()
    printed = {method: round(value, metric.decimals) for method, value in values.items()}
    best = max(printed.values()) if metric.higher_is_better else min(printed.values())
    return {method for method, value in printed.items() if value == best}


def number(value: float, decimals: int) -> str:
    """Returns a number with a true minus sign and without a negative zero."""
    text = f"{round(value, decimals) + 0.0:.{decimals}f}"
    return text.replace("-", "−")


def _score_table(
    cells: pandas.DataFrame,
    scope: Scope,
    prompt_set: str,
    name: str,
    caption: str,
    warning: str = "",
) -> Table:
    found = _by_cell(cells, prompt_set)
    present = set(cells["metric"])
    metrics = [METRICS[m] for m in (*PAPER_COLUMNS, *(m for m in OUR_COLUMNS if m in present))]
    ranked = [method.name for method in scope.methods if not method.reference]
    best: dict[tuple[str, str], set[str]] = {}
    for subject in scope.subjects:
        for metric in metrics:
            means = {
                m: found[subject, m, metric.name].mean for m in ranked if (subject, m, metric.name) in found
            }
            best[subject, metric.name] = best_methods(means, metric)

    def entries(method: str, subject: str) -> tuple[Entry, ...]:
        return tuple(
            _score(m, found.get((subject, method, m.name)), method in best[subject, m.name]) for m in metrics
        )

    notes = [
        "Mean ± standard deviation over n. ↑ higher is better, ↓ lower is better; bold: best method on the "
        f"subject. {NOT_RANKED}",
        *_reading_notes(cells, scope, {prompt_set}, [metric.name for metric in metrics]),
    ]
    return Table(
        name=name,
        number=TABLE_OF_PROMPT_SET[prompt_set],
        warning=warning,
        caption=f"{caption}, on {listed(subject_label(subject) for subject in scope.subjects)}",
        label_headers=("Method", "Subject"),
        headers=tuple(f"{metric.label} {metric.arrow}".strip() for metric in metrics),
        blocks=_blocks(scope, entries),
        notes=tuple(notes),
    )


def _by_cell(cells: pandas.DataFrame, prompt_set: str) -> dict[tuple[str, str, str], Any]:
    """Returns (subject, method, metric) to the cell's row."""
    chosen = cells[cells["prompt_set"] == prompt_set]
    return {(row.subject, row.method, row.metric): row for row in chosen.itertuples(index=False)}


def _blocks(scope: Scope, entries: Any) -> tuple[tuple[Row, ...], ...]:
    """Returns the methods' rows, then the references', each method's label on its first subject only."""
    blocks: dict[bool, list[Row]] = {False: [], True: []}
    for method in scope.methods:
        for position, subject in enumerate(scope.subjects):
            labels = (method.label if position == 0 else "", subject_label(subject))
            blocks[method.reference].append(Row(labels, entries(method.name, subject)))
    return tuple(tuple(rows) for rows in blocks.values())


def _score(metric: Metric, cell: Any, bold: bool) -> Entry:
    if cell is None:
        return Entry()
    text = number(cell.mean, metric.decimals)
    if cell.std == cell.std:  # undefined for set metrics
        text += f" ± {number(cell.std, metric.decimals)}"
    return Entry(text + _paper(metric, cell.paper), bold)


def _mean(metric: Metric, cell: Any) -> Entry:
    if cell is None:
        return Entry()
    return Entry(number(cell.mean, metric.decimals) + _paper(metric, cell.paper))


def _difference(metric: Metric, invariant: Any, varying: Any) -> Entry:
    if invariant is None or varying is None:
        return Entry()
    text = number(invariant.mean - varying.mean, metric.decimals)
    return Entry(text + _paper(metric, invariant.paper - varying.paper))


def _paper(metric: Metric, value: float) -> str:
    return f" [{number(value, metric.decimals)}]" if value == value else ""


def _reading_notes(
    cells: pandas.DataFrame, scope: Scope, prompt_sets: set[str], metrics: Sequence[str]
) -> list[str]:
    """Returns the lines on sample size, odd columns, the paper's values, networks and preprocessing."""
    shown = cells[cells["prompt_set"].isin(prompt_sets) & cells["metric"].isin(metrics)]
    notes = [_sample_size(shown, metrics)] if len(shown) else []
    if "clip_t_paper" in metrics:
        notes.append(FINETUNED_TEXT)
    if shown["paper"].notna().any():
        guesses = [f"{METRICS[m].label}: {remark}" for m, remark in GUESSED.items() if m in metrics]
        notes.append(". ".join([PAPERS_VALUES, *guesses]) + ".")
    return [*notes, *scope.sources]


def _sample_size(shown: pandas.DataFrame, metrics: Sequence[str]) -> str:
    """Returns n of every metric; metrics of the same n and kind share a clause."""
    groups: dict[tuple[bool, tuple[int, ...]], list[str]] = {}
    for name in metrics:
        sizes = tuple(sorted({int(n) for n in shown.loc[shown["metric"] == name, "n"]}))
        if sizes:
            groups.setdefault((METRICS[name].kind == "pairwise", sizes), []).append(METRICS[name].label)
    clauses = []
    for (pairs, sizes), labels in groups.items():
        unit = "pairs of image and photo" if pairs else "images"
        clauses.append(f"{' or '.join(map(str, sizes))} {unit} ({listed(labels)})")
    return f"n = {'; '.join(clauses)}."
