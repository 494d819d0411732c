"""A finished method's model in a format that other programs open: what is requested, what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import ExportError
from hypnos_pipeline.running.finished import FinishedMethod, MethodRequest, finished_method, of_a_layer

if TYPE_CHECKING:
    from hypnos_pipeline.models.export.card import Origin
    from hypnos_pipeline.models.export.formats import Format, Precision
    from hypnos_pipeline.models.export.low_rank import LowRank
    from hypnos_pipeline.models.export.settings import ExportSettings

EXPORTS = "exports"
SUFFIX = ".safetensors"
ENOUGH = 90
"""Percent of what a prompt's text states learned, below which a LoRA is said to lose much."""


@dataclass(frozen=True)
class Request(MethodRequest):
    """What the user requests.

    Attributes:
        format: Of the export.
        precision: Of the weights; None for the format's own: float32 of ``diffusers``, float16 of the others.
        rank: Of a LoRA, for every layer; None for the study's ``export``.
        out: Where to; None for a folder beside the finetuned model.
        overwrite: Whether an export that is there is replaced.
    """

    format: Format
    precision: Precision | None = None
    rank: int | None = None
    out: Path | None = None
    overwrite: bool = False

    @property
    def title(self) -> str:
        """The export's name: two formats of one method differ in theirs."""
        return f"{self.subject}_{self.method}{'_lora' if self.format == 'lora' else ''}"

    @property
    def in_precision(self) -> Precision:
        """The precision requested, or the format's own."""
        return self.precision or ("float16" if self.format in ("single-file", "lora") else "float32")

    def target(self, root: Path) -> Path:
        """Returns the file, or the folder of ``diffusers``; it is not looked at yet.

        Raises:
            ExportError: If ``out`` ends like a file of another kind.
        """
        beside = Path("data/06_models") / self.env / self.subject / self.method / EXPORTS
        if self.format == "diffusers":
            return self.out or beside / self.title
        if self.out is None or (root / self.out).is_dir() or not self.out.suffix:
            return (self.out or beside) / f"{self.title}{SUFFIX}"
        if self.out.suffix != SUFFIX:
            raise ExportError(f"--out: expected a folder or a name that ends in {SUFFIX}, got {self.out}")
        return self.out


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: The file or folder.
        bytes: Its size.
        prompt: An example.
        token: The learned token in it; empty if none was learned.
        base: Id of the base model.
        shares: Of a LoRA, what is kept of the difference, a line for each kind of layer.
    """

    path: Path
    bytes: int
    prompt: str
    token: str
    base: str
    shares: tuple[str, ...] = ()


def export_request(root: Path, request: Request) -> Exported:
    """Writes what is requested.

    Args:
        root: The project's folder and working directory.
        request: What is requested.

    Raises:
        RequestError: If the study has no such subject or method, it has not been finetuned, it has no such
            format, or the target is in the way.
        StudyError: If the study's configuration is wrong.
        Busy: If a run is at work on the model.
    """
    target = request.target(root)
    with finished_method(root, request, f"an export to {target}") as method:
        folder = _exportable(method, request)
        _check_target(root, target, request)
        origin = _origin(root, method, folder, request)
        shares = _write(method, folder, request, origin, root / target)
    files = [each for each in (root / target).rglob("*") if each.is_file()] or [root / target]
    size = sum(each.stat().st_size for each in files)
    return Exported(target, size, origin.prompts[0], method.token, str(origin.base["id"]), shares)


def _check_target(root: Path, target: Path, request: Request) -> None:
    """Refuses a target that holds something else, or that the pipeline or DVC looks after.

    Raises:
        ExportError: Saying what to do.
    """
    from hypnos_pipeline.models.export.formats import DESCRIPTION

    place = root / target
    if of_a_layer(root, target, EXPORTS):
        raise ExportError(f"{target} is among the pipeline's own files; choose a place outside data/")
    whole = request.format == "diffusers"
    if place.exists() and place.is_dir() != whole:
        raise ExportError(f"{target} is a {'file' if whole else 'folder'}; choose another --out")
    if whole and place.is_dir() and any(place.iterdir()) and not (place / DESCRIPTION).is_file():
        raise ExportError(f"{target} holds other things, which would be lost; choose a new folder")
    if place.exists() and not request.overwrite and (not whole or any(place.iterdir())):
        raise ExportError(f"{target} is there already; --overwrite replaces it")


def _exportable(method: FinishedMethod, request: Request) -> Path:
    """Returns the folder of the finetuned model, if it can be written as requested.

    Raises:
        ExportError: Naming the formats that it can.
    """
    name = request.method
    if method.folder is None:
        base = method.study.models.text_to_image.folder
        raise ExportError(f"{name} is the untouched base model, in {base}; expected a finetuned method")
    if method.family == "textual_inversion" and request.format != "embedding":
        raise ExportError(f"{name} learned one token and no other weight; expected --format embedding")
    if method.family != "textual_inversion" and request.format == "embedding":
        raise ExportError(
            f"{name} finetuned the whole model and learned no token; expected --format diffusers, "
            "single-file or lora"
        )
    if request.rank is not None and request.format != "lora":
        raise ExportError(f"--rank belongs to --format lora, not to {request.format}")
    return method.folder


def _origin(root: Path, method: FinishedMethod, folder: Path, request: Request) -> Origin:
    """Returns where the export comes from.

    Raises:
        ExportError: If a LoRA is requested and the base model is another one than in the training.
    """
    from hypnos_pipeline.models.export.card import Origin
    from hypnos_pipeline.models.reference import describe, folder_sha256
    from hypnos_pipeline.prompting.templates import plain_prompt, two_clause_prompt

    study, reference = method.study, method.study.models.text_to_image
    trained_on = method.report.get("networks", {}).get("text_to_image")
    base = trained_on or describe(reference)
    if request.format == "lora" and base["sha256"] != (now := describe(reference))["sha256"]:
        raise ExportError(
            f"models.text_to_image is {now['id']} with sha256 {now['sha256']} now, but {method.method} was "
            f"finetuned on {base['id']} with {base['sha256']}; restore that one, or finetune anew"
        )
    prompts = [plain_prompt(method.phrase)]
    if method.family == "hypnos":
        prompts.append(two_clause_prompt(method.phrase, study.augmentation.colours[0]))
    return Origin(
        title=request.title,
        subject=method.subject,
        method=method.method,
        env=request.env,
        seed=study.seed,
        image_size=study.image_size,
        phrase=method.phrase,
        prompts=tuple(prompts),
        base=base,
        weights=folder_sha256(folder),
        commit=_commit(root),
    )


def _commit(root: Path) -> str:
    """Returns the project's commit, and whether tracked files differ from it."""
    import pygit2

    try:
        repository = pygit2.Repository(str(root))
        commit = str(repository.head.target)
    except pygit2.GitError:
        return "none"
    changed = repository.status(untracked_files="no", ignored=False)
    return f"{commit} and changes after it" if changed else commit


def _write(
    method: FinishedMethod, folder: Path, request: Request, origin: Origin, target: Path
) -> tuple[str, ...]:
    """Writes the export; returns of a LoRA what is kept of the difference, a line for each kind of layer."""
    from hypnos_pipeline.models.export import formats
    from hypnos_pipeline.models.export.low_rank import low_rank, prompt_share
    from hypnos_pipeline.models.finetuned import load_finetuned, load_learned_token
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    configure(method.study.runtime)  # of this, the number of threads
    reference = method.study.models.text_to_image
    precision = request.in_precision
    if request.format == "embedding":
        base = load_text_to_image(locate(reference))
        formats.write_embedding(load_learned_token(folder), base, target, origin, precision)
        return ()
    model = load_finetuned(folder, reference)
    if request.format == "diffusers":
        formats.write_diffusers(model, target, origin, precision)
    elif request.format == "single-file":
        formats.write_single_file(model, target, origin, precision)
    else:
        base, ranks = load_text_to_image(locate(reference)), _ranks(method, request)
        try:
            lora = low_rank(model, base, ranks)
        except ValueError as error:
            raise ExportError(f"{method.method} as a LoRA: {error}") from error
        formats.write_lora(lora, base, target, origin, ranks, precision)
        return _shares(lora, prompt_share(lora, model, base, origin.prompts[0]), origin.prompts[0])
    return ()


def _ranks(method: FinishedMethod, request: Request) -> ExportSettings:
    from hypnos_pipeline.models.export.settings import ExportSettings

    if request.rank is not None:
        return ExportSettings(rank=request.rank, conv_rank=request.rank)
    return ExportSettings.model_validate(method.parameters.get("export", {}))


def _shares(lora: LowRank, of_prompt: float, prompt: str) -> tuple[str, ...]:
    """Says in lines what a LoRA keeps of the difference, as shares of sums of squares."""
    whole = lora.share
    lines = [f"{whole.percent:5.1f} % of the finetuned model's difference from its base is in it:"]
    for kind, share in lora.shares.items():
        part = 100 * share.whole / whole.whole
        lines.append(f"{share.percent:7.1f} % of {kind} ({part:.1f} % of the difference)")
    lines.append(f"{of_prompt:5.1f} % of what the text encoder learned for {prompt!r}")
    if of_prompt < ENOUGH:
        lines.append("Much of that lies in embeddings; --format single-file keeps them.")
    return tuple(lines)
