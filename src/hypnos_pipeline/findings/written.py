"""``docs/findings.csv`` and ``docs/findings.md``, written from the records."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import FindingsError
from hypnos_pipeline.findings.state import FindingsStudy, Kept
from hypnos_pipeline.reporting import claims as registered
from hypnos_pipeline.reporting.findings import FILE
from hypnos_pipeline.reporting.findings_document import Measured, findings_document
from hypnos_pipeline.reporting.labels import method_labels
from hypnos_pipeline.reporting.verdict_table import findings_frame
from hypnos_pipeline.storage.replacing import replaced_file

if TYPE_CHECKING:
    import pandas

DOCUMENT = "docs/findings.md"


def write_findings(findings: FindingsStudy) -> list[str]:
    """Writes both files from the records that are up to date; returns their names.

    Raises:
        ClaimsError: If the registered claims cannot be measured by the study.
        FindingsError: If anything that is compared has fewer than two trainings; both files stay as they are.
    """
    study = findings.study
    methods = [method for _, method in study.entries()]
    file = findings.root / "conf" / findings.env.name / registered.FILE
    claims = registered.read_claims(file, methods, study.prompt_sets)
    frames: dict[str, list[pandas.DataFrame]] = {name: [] for name in study.subjects}
    costs: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for training in findings.trainings():
        if findings.standing(training).kept is Kept.YES:
            record = findings.load(training)
            own = record.values.assign(method=training.method, training=training.number)
            frames[training.subject].append(own)
            for what, cost in record.costs.items():
                costs[training.subject, training.method, what].append((cost.seconds, cost.memory))
    values = {name: _joined(several) for name, several in frames.items()}
    kinds = {name: subject.kind or "" for name, subject in study.subjects.items()}
    frame = findings_frame(claims.claims, values, kinds)
    labels = method_labels({family: getattr(study.methods, family) for family, _ in study.entries()})
    measured = Measured(findings.env.name, claims, frame, values, kinds, labels, costs, study.trainings)
    text = findings_document(measured)
    with replaced_file(findings.root / FILE) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    with replaced_file(findings.root / DOCUMENT) as partial:
        Path(partial).write_text(text, encoding="utf-8")
    return [FILE, DOCUMENT]


def _joined(frames: list[pandas.DataFrame]) -> pandas.DataFrame:
    """Returns one set's values of all trainings.

    Raises:
        FindingsError: If there are none.
    """
    import pandas

    if not frames:
        raise FindingsError(
            "Nothing was written: some sets have no record that is up to date. `kedro findings` shows"
            " which records are missing, `kedro findings run` makes them."
        )
    return pandas.concat(frames, ignore_index=True)
