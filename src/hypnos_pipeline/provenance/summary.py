"""A trace in about twenty lines: what made this number, and whether the disk still matches the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.provenance.lineage import Input, works_for
from hypnos_pipeline.provenance.record import StageRecord
from hypnos_pipeline.provenance.trace import Reported, Trace

DIGITS = 12
"""Of a sha256 or a commit."""
SHOWN_LIBRARIES = ("torch", "diffusers", "transformers", "numpy")
NAMED = 5
MATCHES = "matches the record: photos, networks, code, parameters and results on disk are the recorded ones"


def summary(trace: Trace) -> list[tuple[str, str]]:
    """Returns what made the number, from the photos to the image, each as a heading and a text.

    What the stages did not record has no line. Of several trainings the first is described in full.
    """
    lines = [
        ("photos", _photos(trace)),
        ("mattes", _mattes(trace)),
        ("pool", _pool(trace)),
        ("class prior", _class_prior(trace)),
        ("discriminator", _discriminator(trace)),
        (trace.cell.method, _method(trace)),
        ("sampling", _sampling(trace)),
        ("metric", _metric(trace)),
        *((f"network {each.name}", _network(each)) for each in trace.networks),
        ("code", _code(trace)),
        ("seed", _seed(trace)),
        *(("machine", _machine(trace, each)) for each in trace.machines),
        *_extremes(trace),
        *_trainings(trace),
    ]
    return [(heading, text) for heading, text in lines if text]


def first_change(trace: Trace) -> tuple[str, str] | None:
    """Returns the first stage, from the photos on, that no longer matches the record, and why.

    Returns:
        The stage's name and a sentence without a full stop; None if everything matches.
    """
    for stage in trace.lineage.stages:
        reason = next(_reasons(trace, stage), None)
        if reason:
            return stage.name, reason
    if trace.state.differences:
        first = trace.state.differences[0]
        return "reporting", f"{first.what} {first.name} is {first.status}"
    return None


def _reasons(trace: Trace, stage: StageRecord) -> Iterator[str]:
    """Yields in words what of a stage differs: what it reads, its parameters, then what it wrote."""
    state = trace.state
    sources = [each for each in trace.lineage.inputs[stage.name] if each.kind != "artefact"]
    for each in sources:
        found = state.artefacts[each.recorded]
        if found.status != "as recorded":
            yield f"{each.kind} {each.recorded.path} is {found.status}{_files(found.file_changes)}"
    for name, (recorded, now) in state.parameters[stage.name].items():
        key = name.partition(":")[2]
        yield f"parameter {key} was {_value(recorded)}, is {_value(now)}"
    for recorded in [*stage.deps.values(), *stage.outs.values()]:
        found = state.artefacts[recorded]
        if found.superseded_by:
            yield f"{recorded.path} was made anew since"
        if recorded.path in stage.outs and found.status != "as recorded":
            yield f"its result {recorded.path} is {found.status}{_files(found.file_changes)}"


def _files(changes: Mapping[str, str]) -> str:
    named = ", ".join(f"{name} {change}" for name, change in list(changes.items())[:NAMED])
    more = f" and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
    return f" ({named}{more})" if named else ""


def _stage(trace: Trace, kind: str) -> StageRecord | None:
    """Returns the lineage's stage of a pipeline, whatever its family, of the first training."""
    found = (stage for stage in trace.lineage.stages if stage.name.partition("@")[0].startswith(kind))
    return min(found, key=lambda stage: works_for(stage.name)[2], default=None)


def _settings(stage: StageRecord | None, key: str, without: tuple[str, ...] = ()) -> str:
    """Returns the recorded parameters of a stage at or below a key, the key itself left out."""
    own = {} if stage is None else stage.leaves()
    below = {
        name.removeprefix(f"{key}."): value for name, value in own.items() if f"{name}.".startswith(f"{key}.")
    }
    shown = [(name, value) for name, value in below.items() if name.split(".")[0] not in without]
    return ", ".join(_value(value) if name == key else f"{name} {_value(value)}" for name, value in shown)


def _photos(trace: Trace) -> str:
    inputs = [each for stage in trace.lineage.stages for each in trace.lineage.inputs[stage.name]]
    photos = list({each.recorded: each for each in inputs if each.kind == "photo"}.values())
    return "; ".join(_photo_folder(trace, each) for each in photos)


def _photo_folder(trace: Trace, each: Input) -> str:
    files = trace.state.artefacts[each.recorded].files or {}
    names = [name for name in files if "/" not in name]
    masks = len(files) - len(names)
    shown = f"{len(names)} in {each.recorded.path}: {', '.join(names)}" if names else each.recorded.path
    return shown + (f", {masks} mask{'s' * (masks > 1)}" if masks else "")


def _report(trace: Trace, kind: str, name: str = "") -> Any:
    """Returns a JSON report of a stage, by a part of its path; an empty mapping if there is none."""
    stage = _stage(trace, kind)
    paths = [] if stage is None else [path for path in stage.outs if path in trace.reports and name in path]
    return trace.reports[paths[0]] if paths else {}


def _mattes(trace: Trace) -> str:
    rows = [row for row in _report(trace, "background_removal", "matte") if isinstance(row, dict)]
    if not rows:
        return _settings(_stage(trace, "background_removal"), "background_removal")
    backends = Counter(row["backend"] for row in rows)
    areas = [row["area"] for row in rows if row.get("area") is not None]
    parts = [" and ".join(f"{backend} ({count})" for backend, count in backends.items())]
    if areas:
        parts.append(f"{min(areas):.0%} to {max(areas):.0%} of the photo")
    flagged = [f"{row['photo']} ({_problem(row['problems'][0])})" for row in rows if row.get("problems")]
    parts.append(f"doubtful: {', '.join(flagged)}" if flagged else "none doubtful")
    return ", ".join(parts)


def _problem(problem: Any) -> str:
    """Returns what kind of problem it is: what stands before the figures."""
    return str(problem["what"] if isinstance(problem, dict) else problem).partition(":")[0]


def _reads(trace: Trace, word: str) -> bool:
    """Whether the method's training read an artefact, or has a setting, with this word in its name."""
    stage = _stage(trace, "finetune")
    return stage is not None and any(word in name for name in [*stage.deps, *stage.leaves()])


def _pool(trace: Trace) -> str:
    stage = _stage(trace, "augmentation") if _reads(trace, "/pool") else None
    return _settings(stage, "augmentation", without=("colours",))


def _class_prior(trace: Trace) -> str:
    stage = _stage(trace, "class_prior") if _reads(trace, "class_batch") else None
    own = {} if stage is None else stage.leaves()
    count, prompts = own.get("class_prior.count"), own.get("class_prior.prompts")
    if count is None or prompts is None:
        return _settings(stage, "class_prior")
    noun = own.get(f"subjects.{trace.cell.subject}.noun", "{noun}")
    return f"{count} images, {own.get('class_prior.source')}: {_value(prompts).replace('{noun}', str(noun))}"


def _discriminator(trace: Trace) -> str:
    if not _reads(trace, "/discriminator/"):
        return ""
    report = _report(trace, "discriminator")
    accuracy = report.get("accuracy", {}) if isinstance(report, dict) else {}
    right = ", ".join(f"{kind} {share:.0%}" for kind, share in accuracy.items() if share is not None)
    steps = _settings(_stage(trace, "discriminator"), "discriminator.steps")
    return ", ".join(filter(None, [f"{steps} steps" if steps else "", f"right on {right}" if right else ""]))


def _method(trace: Trace) -> str:
    stage = _stage(trace, "finetune")
    if stage is None:
        return "the untouched model"
    keys = [key for key in stage.leaves() if key.startswith("methods.")]
    family = keys[0].split(".")[1] if keys else ""
    return _settings(stage, f"methods.{family}.{trace.cell.method}", without=("previews",))


def _sampling(trace: Trace) -> str:
    stage = _stage(trace, "sampling")
    prompts = _settings(stage, f"prompt_sets.{trace.cell.prompt_set}", without=("kind", "image_types"))
    return "; ".join(filter(None, [prompts, _settings(stage, "sampling", without=("batch",))]))


def _metric(trace: Trace) -> str:
    metric = METRICS.get(trace.cell.metric)
    label = metric.label if metric else trace.cell.metric
    what = "pairs of image and photo" if metric and metric.kind == "pairwise" else "images"
    return f"{label} of {trace.cell.n} {what}"


def _extremes(trace: Trace) -> list[tuple[str, str]]:
    shown = (f"{value:.4g}  {path}" for path, value in trace.extremes)
    return list(zip(("worst image", "best image"), shown, strict=False))


def _trainings(trace: Trace) -> list[tuple[str, str]]:
    """Returns a line for each of several trainings: its own value, and where its model and images are."""
    if len(trace.trainings) < 2:
        return []
    return [
        (f"training {each.number}", ", ".join(filter(None, [each.mean or "lost", each.model, each.samples])))
        for each in trace.trainings
    ]


def _network(network: Reported) -> str:
    facts = network.facts
    pins = [("revision", facts.get("revision")), ("sha256", facts.get("sha256"))]
    return ", ".join([str(facts.get("id", "")), *(f"{name} {pin[:DIGITS]}" for name, pin in pins if pin)])


def _code(trace: Trace) -> str:
    commits = Counter(trace.commits.values())
    shown = [f"commit {each[:DIGITS]}" if each else "uncommitted" for each in commits]
    if len(commits) > 1:
        shown = [f"{where} ({count})" for where, count in zip(shown, commits.values(), strict=True)]
    return f"{len(trace.commits)} files and folders: {', '.join(shown)}" if shown else ""


def _seed(trace: Trace) -> str:
    return next((seed for stage in trace.lineage.stages if (seed := _settings(stage, "seed"))), "")


def _machine(trace: Trace, machine: Reported) -> str:
    facts = machine.facts
    libraries = facts.get("libraries", {})
    precision = trace.runtime.get("precision")
    parts = [
        str(facts.get("cpu", "")),
        f"device {facts['device']}" if facts.get("device") else "",
        f"threads {facts['threads']}" if facts.get("threads") else "",
        str(precision or ""),
        f"Python {facts['python']}" if facts.get("python") else "",
        *(f"{name} {libraries[name]}" for name in SHOWN_LIBRARIES if name in libraries),
    ]
    return ", ".join(filter(None, parts))


def _value(value: Any) -> str:
    return "; ".join(map(_value, value)) if isinstance(value, list) else str(value)
