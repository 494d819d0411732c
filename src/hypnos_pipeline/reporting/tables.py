"""Tables 1 and 2, laid out like the paper's, and the table of their differences (method.md §10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.cells import CellKey, by_key
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.paper_values import GUESSED, TABLE_OF_PROMPT_SET
from hypnos_pipeline.reporting.table import Entry, Row, Table

if TYPE_CHECKING:
    import pandas

Rows = Mapping[CellKey, Any]
PAPER_COLUMNS = ("dino", "clip_i", "clip_t", "fid", "ssim", "psnr", "lpips")
OUR_COLUMNS = ("fid_64", "kid", "clip_t_paper", "clip_i_b32", "clip_t_b32")
SIDES = ("invariant", "varying")
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
        own_prompts: Prompt sets that only repeat prompts which HYPNOS trains on.
    """

    methods: Sequence[MethodLabel]
    subjects: Sequence[str]
    sources: Sequence[str] = ()
    own_prompts: Collection[str] = ()


def prompt_invariant_table(cells: pandas.DataFrame, scope: Scope) -> Table:
    """Returns Table 1: every method on every subject with the prompt that names it and nothing else."""
    return _score_table(cells, scope, "invariant", "table_1_prompt_invariant", "Prompt invariant")


def prompt_varying_table(cells: pandas.DataFrame, scope: Scope) -> Table:
    """Returns Table 2: the same with prompts that vary image type, background and style."""
    return _score_table(cells, scope, "varying", "table_2_prompt_varying", "Prompt varying", IGNORED_PROMPT)


def difference_table(cells: pandas.DataFrame, scope: Scope) -> Table:
    """Returns invariant, varying and invariant minus varying, CLIP-T beside the similarities."""
    rows = by_key(cells)
    headers = [
        *(f"{METRICS[m].label} {part}" for m in IN_FULL for part in (*SIDES, "difference")),
        *(f"{METRICS[m].label} difference" for m in DIFFERENCE_ONLY),
    ]

    def entries(method: str, subject: str) -> tuple[Entry, ...]:
        found = []
        for metric in (*IN_FULL, *DIFFERENCE_ONLY):
            before, after = (CellKey(side, subject, method, metric) for side in SIDES)
            if metric in IN_FULL:
                found += [_value(rows, before), _value(rows, after)]
            found.append(_difference(rows, before, after))
        return tuple(found)

    notes = [
        "Difference: invariant minus varying, of the unrounded means. Prompts that request other scenes "
        "should make the images less like the photos, so DINO, CLIP-I, SSIM and PSNR should fall (difference "
        "above 0) and LPIPS, a distance, rise (below 0). A method whose similarity does not fall may ignore "
        "the prompt; CLIP-T with varying prompts shows how far the images follow it.",
        *_reading_notes(cells, scope, SIDES, [*IN_FULL, *DIFFERENCE_ONLY]),
    ]
    return Table(
        name="table_invariant_minus_varying",
        caption=f"Prompt invariant minus prompt varying{over_trainings(cells)}",
        label_headers=("Method", "Subject"),
        headers=tuple(headers),
        blocks=_blocks(scope, entries),
        notes=tuple(notes),
    )


def over_trainings(cells: pandas.DataFrame) -> str:
    """Returns what a table of means adds to its caption where they are those of several trainings."""
    counts = sorted(set(cells["trainings"]))
    if not counts or counts == [1]:
        return ""
    return f", mean of {' to '.join(map(str, dict.fromkeys([counts[0], counts[-1]])))} trainings"


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


def with_interval(mean: float, low: float, high: float, decimals: int, signed: bool = False) -> str:
    """Returns a number with its interval in square brackets; ``signed`` puts a plus before one above 0."""
    plus = "+" if signed and round(mean, decimals) > 0 else ""
    return f"{plus}{number(mean, decimals)} [{number(low, decimals)}, {number(high, decimals)}]"


def _score_table(
    cells: pandas.DataFrame,
    scope: Scope,
    prompt_set: str,
    name: str,
    caption: str,
    warning: str = "",
) -> Table:
    rows = by_key(cells)
    present = set(cells["metric"])
    metrics = [METRICS[m] for m in (*PAPER_COLUMNS, *(m for m in OUR_COLUMNS if m in present))]
    ranked = [method.name for method in scope.methods if not method.reference]

    def best(subject: str, metric: Metric) -> set[str]:
        keys = [CellKey(prompt_set, subject, method, metric.name) for method in ranked]
        return best_methods({key.method: rows[key].mean for key in keys if key in rows}, metric)

    bold = {(subject, metric.name): best(subject, metric) for subject in scope.subjects for metric in metrics}

    def entries(method: str, subject: str) -> tuple[Entry, ...]:
        keys = [CellKey(prompt_set, subject, method, metric.name) for metric in metrics]
        return tuple(_value(rows, key, method in bold[subject, key.metric], deviation=True) for key in keys)

    subjects = listed(subject_label(subject) for subject in scope.subjects)
    notes = [
        f"{_spread(cells)} ↑ higher is better, ↓ lower is better; bold: best method on the "
        f"subject. {NOT_RANKED}",
        *_reading_notes(cells, scope, (prompt_set,), [metric.name for metric in metrics]),
    ]
    return Table(
        name=name,
        number=TABLE_OF_PROMPT_SET[prompt_set],
        warning=warning,
        caption=f"{caption}, on {subjects}{over_trainings(cells)}",
        label_headers=("Method", "Subject"),
        headers=tuple(metric.heading for metric in metrics),
        blocks=_blocks(scope, entries),
        notes=tuple(notes),
    )


def _spread(cells: pandas.DataFrame) -> str:
    """Returns what the numbers in the table are."""
    trainings = cells["trainings"].max()
    if trainings > 1:
        return f"Mean of {trainings} trainings ± standard deviation between them; n is of one training."
    return "One training: mean ± standard deviation over n."


def _blocks(scope: Scope, entries: Callable[[str, str], tuple[Entry, ...]]) -> tuple[tuple[Row, ...], ...]:
    """Returns the methods' rows, then the references', from the entries of a method and a subject."""
    blocks: dict[bool, list[Row]] = {False: [], True: []}
    for method in scope.methods:
        for subject in scope.subjects:
            labels = (method.label, subject_label(subject))
            row = Row(labels, entries(method.name, subject), method.reference)
            blocks[method.reference].append(row)
    return tuple(tuple(rows) for rows in blocks.values())


def _value(rows: Rows, key: CellKey, bold: bool = False, deviation: bool = False) -> Entry:
    if key not in rows:
        return Entry()
    cell, metric = rows[key], METRICS[key.metric]
    text = number(cell.mean, metric.decimals)
    spread = cell.std_trainings if cell.trainings > 1 else cell.std
    if deviation and spread == spread:  # undefined for set metrics of one training
        text += f" ± {number(spread, metric.decimals)}"
    return Entry(text + _paper(metric, cell.paper), bold, (key,))


def _difference(rows: Rows, before: CellKey, after: CellKey) -> Entry:
    present = tuple(key for key in (before, after) if key in rows)
    if len(present) < 2:
        return Entry(cells=present)
    metric, first, second = METRICS[before.metric], rows[before], rows[after]
    text = number(first.mean - second.mean, metric.decimals)
    return Entry(text + _paper(metric, first.paper - second.paper), cells=present)


def _paper(metric: Metric, value: float) -> str:
    return f" [{number(value, metric.decimals)}]" if value == value else ""


def _reading_notes(
    cells: pandas.DataFrame, scope: Scope, prompt_sets: Sequence[str], metrics: Sequence[str]
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
