"""What is written from the records: the findings of registered claims, or those of the ablation study.

An environment with ``claims.yml`` has findings: ``docs/findings.csv`` and ``docs/findings.md``. One whose
methods state what the paper expects of them has ``docs/ablation_findings.csv`` and ``.md`` instead.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import FindingsError
from hypnos_pipeline.findings.record import COLUMNS, Record, Training
from hypnos_pipeline.findings.state import FindingsStudy
from hypnos_pipeline.pipelines.reporting.collected import expectations_of, kinds_of, labels_of
from hypnos_pipeline.reporting import claims as registered
from hypnos_pipeline.reporting.ablation_document import ablation_document, ablation_frame
from hypnos_pipeline.reporting.expectations import weigh
from hypnos_pipeline.reporting.findings import FILE
from hypnos_pipeline.reporting.findings_document import Measured, findings_document
from hypnos_pipeline.reporting.verdict_table import findings_frame
from hypnos_pipeline.storage.replacing import replaced_file

if TYPE_CHECKING:
    import pandas

    from hypnos_pipeline.study.model import Study
    from hypnos_pipeline.training.settings import Expectation

DOCUMENT = "docs/findings.md"
CATEGORIES = dict.fromkeys(("method", "prompt_set", "metric"), "category")
"""Types of the columns by which values are chosen, a thousand times."""
ABLATIONS, ABLATION_DOCUMENT = "docs/ablation_findings.csv", "docs/ablation_findings.md"


def write_findings(findings: FindingsStudy) -> list[str]:
    """Writes an environment's table and page from the records that are up to date; returns their names.

    Raises:
        ClaimsError: If the registered claims cannot be measured by the study, or there are none.
        FindingsError: If anything that is compared has fewer than two trainings; both files stay as they are.
    """
    records = list(findings.records())
    expected = expectations_of(findings.env.parameters["methods"])
    try:
        if any(expected.values()) and not _claims_file(findings).is_file():
            frame, text = _ablations(findings, records, expected)
            names = ABLATIONS, ABLATION_DOCUMENT
        else:
            frame, text = _claims(findings, records)
            names = FILE, DOCUMENT
    except FindingsError as error:
        raise FindingsError(
            f"Nothing was written: {error.message}\n{findings.command()} shows which records are missing,"
            f" {findings.command('run')} makes them."
        ) from error
    with replaced_file(findings.root / names[0]) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    with replaced_file(findings.root / names[1]) as partial:
        Path(partial).write_text(text, encoding="utf-8")
    return [*names]


def _claims(findings: FindingsStudy, records: list[tuple[Training, Record]]) -> tuple[pandas.DataFrame, str]:
    study = findings.study
    methods = [method for _, method in study.entries()]
    claims = registered.read_claims(_claims_file(findings), methods, study.prompt_sets)
    costs: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for training, record in records:
        for what, cost in record.costs.items():
            costs[training.subject, training.method, what].append((cost.seconds, cost.memory))
    values = _values(records, study)
    kinds = kinds_of(findings.env.parameters["subjects"])
    frame = findings_frame(claims.claims, values, kinds)
    labels = labels_of(findings.env.parameters["methods"])
    measured = Measured(findings.env.name, claims, frame, values, kinds, labels, costs, study.trainings)
    return frame, findings_document(measured)


def _ablations(
    findings: FindingsStudy,
    records: list[tuple[Training, Record]],
    expected: dict[str, tuple[Expectation, ...]],
) -> tuple[pandas.DataFrame, str]:
    study = findings.study
    values = {name: frame.assign(colour="") for name, frame in _values(records, study).items()}
    weighed = weigh(expected, values, study.seed)
    several = weighed[weighed["trainings"] > 1]
    if several.empty:
        raise FindingsError("no expectation has two trainings of both its methods.")
    kinds = kinds_of(findings.env.parameters["subjects"])
    left = len(weighed) - len(several)
    labels = labels_of(findings.env.parameters["methods"])
    text = ablation_document(findings.env.name, several, labels, left, values)
    return ablation_frame(several, kinds), text


def _values(records: list[tuple[Training, Record]], study: Study) -> dict[str, pandas.DataFrame]:
    """Returns the values of all trainings by set; a set without records has no rows."""
    import pandas

    none = pandas.DataFrame(columns=[*COLUMNS, "value", "method", "training"])
    frames: dict[str, list[pandas.DataFrame]] = {name: [] for name in study.subjects}
    for training, record in records:
        own = record.values.assign(method=training.method, training=training.number)
        frames[training.subject].append(own)
    return {
        name: pandas.concat(several, ignore_index=True).astype(CATEGORIES) if several else none
        for name, several in frames.items()
    }


def _claims_file(findings: FindingsStudy) -> Path:
    return findings.root / "conf" / findings.env.name / registered.FILE
