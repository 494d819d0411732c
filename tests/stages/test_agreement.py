"""``kedro dvc``: dvc.yaml and the pipelines are one truth, in every environment."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
import yaml
from click.testing import CliRunner

from hypnos_pipeline.commands.dvc import check, conventions, dvc, write
from hypnos_pipeline.stages import Comparison, FrameError, compare
from hypnos_pipeline.stages.environments import Environment
from hypnos_pipeline.study.model import Study
from tests.conftest import PROJECT_ROOT

ENVIRONMENTS = sorted(file.parent.name for file in PROJECT_ROOT.glob("conf/*/parameters_study.yml"))
COMMITTED = (PROJECT_ROOT / "dvc.yaml").read_text()
HEAD = "  - env: mini\n  - study: conf/mini/parameters_study.yml\n  - conf/mini/parameters_study.yml\n"
SEVERAL = "mini_findings"
MOST_STAGES = 60
POOL = "data/03_primary/${env}/${item.subject}/pool"
FAKES = "data/03_primary/${env}/${item.subject}/fakes"
SCORES = "data/07_model_output/${env}/${item.subject}/scores"


@pytest.fixture
def project(tmp_path) -> Path:
    """As much of the checkout as pipelines and dvc.yaml are read from."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "conf", folder / "conf")
    (folder / ".dvc").mkdir()
    (folder / "src").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    for name in ("pyproject.toml", "dvc.yaml", ".dvcignore"):
        shutil.copy(PROJECT_ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def loaded() -> Environment:
    """An environment with several trainings, read once: the default one has none of their stages."""
    return Environment.read(PROJECT_ROOT, SEVERAL)


@pytest.fixture
def compared(project, loaded, monkeypatch):
    """Compares the project's dvc.yaml, of this text, with the pipelines of that environment."""
    monkeypatch.setattr(Environment, "read", lambda project, name: loaded)

    def run(text: str) -> Comparison:
        (project / "dvc.yaml").write_text(text)
        return compare(project, [SEVERAL], conventions())

    return run


def replaced(old: str, new: str, text: str = COMMITTED) -> str:
    assert old in text, f"{old!r} is not in dvc.yaml"
    return text.replace(old, new)


def choose(project: Path, env: str) -> None:
    """Changes the head of dvc.yaml, and nothing else, to another environment."""
    (project / "dvc.yaml").write_text(replaced(HEAD, HEAD.replace("mini", env)))


def assert_stages_are_slices(project: Path, env: str) -> None:
    """Compares every stage, as DVC reads it, with its slice, as Kedro filters it."""
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    kedro = Environment.read(project, env)
    models = Study.from_parameters(dict(kedro.parameters)).models
    ran: Counter[str] = Counter()
    for stage in Repo(str(project)).index.stages:
        options = dict(re.findall(r"--(\w+)=(\S+)", stage.cmd))
        assert options["env"] == env
        names = {"node_namespaces": options.get("namespaces"), "tags": options.get("tags")}
        pipeline = kedro.pipelines[options["pipelines"]]
        pipeline = pipeline.filter(**{key: [name] for key, name in names.items() if name})
        ran.update(node.name for node in pipeline.nodes)
        inputs = pipeline.inputs()
        params = {name.removeprefix("params:") for name in inputs if name.startswith("params:")}
        params -= {"checkpoints"}
        read = {kedro.path(name) for name in inputs if not name.startswith("params:")}
        read |= {getattr(models, key[7:]).folder for key in params if key.startswith("models.")}
        named = {dep for dep in stage.deps if not isinstance(dep, ParamsDependency)}
        paths = {PurePosixPath(dep.fs_path).relative_to(project.as_posix()).as_posix() for dep in named}
        assert "requirements.lock" in paths
        data = {path for path in paths if path.startswith("data/") or path in read}
        below = {path: kedro.made[path] for path in data}
        assert {path for path in data if path not in read and not below[path]} == set()
        assert (data & read) | set().union(*(below[path] for path in data - read)) == read
        params_named = {key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in dep.params}
        assert params_named == params
        outs = {Path(out.fs_path).relative_to(project).as_posix() for out in stage.outs}
        assert outs == {kedro.path(name) for name in pipeline.all_outputs()}
    assert ran == Counter(node.name for node in kedro.pipelines["__default__"].nodes)


@pytest.mark.parametrize(
    "env", [pytest.param(env, marks=pytest.mark.long if env == SEVERAL else ()) for env in ENVIRONMENTS]
)
def test_every_stage_names_what_its_slice_reads_and_writes(project, env):
    choose(project, env)
    assert_stages_are_slices(project, env)


def test_subjects_and_methods_are_one_entry_each(project):
    """Another environment, with entries that the default one lacks, needs another head and no other line."""
    study = yaml.safe_load((project / "conf/mini/parameters_study.yml").read_text())
    study["subjects"]["mug"] = {**study["subjects"]["lego_robot"], "noun": "mug", "photos": "rattan_chair"}
    study["methods"]["hypnos"]["hypnos_plain"] = {"learning_rate": 1.0e-4, "steps": 8}
    study["methods"]["base"] = {}
    (project / "conf/other").mkdir()
    (project / "conf/other/globals.yml").write_text("env: other\n")
    (project / "conf/other/parameters_study.yml").write_text(yaml.safe_dump(study))
    choose(project, "other")
    found = compare(project, ["mini", "other"], conventions())
    assert (found.problems, found.differences) == ([], [])
    assert_stages_are_slices(project, "other")


def test_stages_are_few_and_named_by_the_contract(project):
    from dvc.repo import Repo

    names = [stage.name for stage in Repo(str(project)).index.stages]
    pattern = re.compile(r"[a-z_]+@[a-z][a-z0-9_]*(-[a-z][a-z0-9_]*)?|reporting[a-z_]*")
    assert [name for name in names if not pattern.fullmatch(name)] == []
    assert len(names) <= MOST_STAGES


@pytest.mark.parametrize("env", ["mini", "paper"])
def test_git_keeps_of_mini_what_dvc_does_not(env):
    stage = yaml.safe_load(COMMITTED)["stages"]["reporting_study"]
    outs = [out for key in ("outs", "plots", "metrics") for out in stage[key]]
    cached = {out for out in outs if isinstance(out, str)}
    uncached = {path for out in outs if isinstance(out, dict) for path in out}
    assert {Path(path).name for path in uncached} >= {"cells.csv", "metrics.json", "headline"}
    paths = [path.replace("${env}", env) for path in sorted(cached | uncached)]
    asked = ["git", "check-ignore", "--no-index", *paths]
    ignored = subprocess.run(asked, cwd=PROJECT_ROOT, capture_output=True, text=True).stdout.split()
    kept = set() if env == "paper" else {path.replace("${env}", env) for path in uncached}
    assert set(paths) - set(ignored) == kept


def test_no_stage_names_an_environment():
    head, _, stages = COMMITTED.partition("\nstages:")
    assert HEAD in head
    assert "mini" not in stages


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (f"      - {FAKES}\n      - {POOL}\n      - $", f"      - {POOL}\n      - $",
         f"discriminator: dependency {FAKES} is missing"),
        ("      - ${models.perceptual.folder}\n", "",
         "finetune_hypnos: dependency ${models.perceptual.folder} is missing"),
        ("          - augmentation\n", "", "augmentation: parameter augmentation of ${study} is missing"),
        ("          - methods.hypnos.${item.method}\n", "          - methods.hypnos\n",
         "finetune_hypnos: parameter methods.hypnos of ${study} is superfluous"),
        (f"      - {FAKES}\n      - {POOL}\n    plots", f"      - {FAKES}\n    plots",
         f"augmentation: output {POOL} is missing"),
        (f"{SCORES}\n", f"{SCORES[:-6]}pairs\n", f"reporting: dependency {SCORES} is missing"),
        ("      - src/hypnos_pipeline/metrics/psnr.py\n", "",
         "evaluation_base: dependency src/hypnos_pipeline/metrics/psnr.py is missing"),
        ("/training/settings.py\n", "/training/settings.py\n      - src/hypnos_pipeline/no_longer.py\n",
         "sampling_base: dependency src/hypnos_pipeline/no_longer.py is superfluous"),
        ("      - requirements.lock\n", "", "class_prior: dependency requirements.lock is missing"),
        ("--tags=study", "--tags=studies",
         "reporting_study: command kedro run --env=${env} --pipelines=reporting --tags=study is missing"),
        ("      - data/08_reporting/${env}/cells.csv:\n          cache: false\n",
         "      - data/08_reporting/${env}/cells.csv\n",
         "reporting_study: cache: false of output data/08_reporting/${env}/cells.csv is missing"),
        ("    metrics:\n      - data/08_reporting/${env}/headline:\n          cache: false\n", "",
         "reporting_study: metric data/08_reporting/${env}/headline is missing"),
        ("    outs: *sampling_hypnos_outs\n", "",
         f"sampling_base: output {SCORES[:-6]}samples/${{item.method}} is missing"),
    ],
)  # fmt: skip
def test_a_fault_in_dvc_yaml_is_named_and_fixed(compared, old, new, difference):
    found = compared(replaced(old, new))
    assert difference in found.differences
    assert found.problems == []
    assert found.text == COMMITTED


def test_a_stage_is_filled_in_from_its_name_and_what_it_iterates(compared):
    """Whatever is computed is cut from every stage, but for plots whose axes a person wrote."""
    computed = re.compile(r"^( +)(?:cmd|deps|params|outs|plots|metrics):.*\n(?:\1 .*\n)*", re.MULTILINE)
    axes = re.compile("x: step|[*]finetune_hypnos_(?:further_)?plots")
    frame = computed.sub(lambda match: match[0] if axes.search(match[0]) else "", COMMITTED)
    assert compared(frame.replace("    do:\n", "")).text == COMMITTED
    assert len(frame.splitlines()) < 180


def test_what_a_person_wrote_is_kept(compared):
    weights = "      - data/06_models/${env}/${item.subject}/discriminator/weights.safetensors"
    own = "  own_stage:\n    cmd: make page\n    deps: [a, b]  # by hand\n\n"
    text = replaced("          x: step\n", "          x: step # of training\n          # the loss\n")
    text = replaced(weights + "\n    plots", f"{weights}:\n          cache: false\n    plots", text)
    text = replaced("  # cells.csv, the tables", f"{own}  # cells.csv, the tables", text)
    text = replaced("  reporting_study:\n", "  reporting_study:\n    # at the end\n    desc: all\n", text)
    text = replaced("    metrics:\n", "    # numbers\n    metrics:\n", text)
    found = compared(text)
    assert (found.text, found.differences, found.problems) == (text, [], [])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  augmentation:", "  x_augmentation:", "x_augmentation: its name begins with no pipeline's name; "),
        ("  class_prior:", "  clas_prior:", "clas_prior: its name .*; did you mean class_prior?"),
        ("  class_prior:", "  clas_prior:", "figurine.*.generate_class_prior: run by no stage in mini"),
        (
            "  reporting_study:",
            "  reporting_studies:",
            "reporting_studies: pipeline reporting has no nodes for",
        ),
        ("  reporting_study:", "  reporting_studies:", "collect_study_cells: run by no stage in mini"),
        (
            "${methods.base}",
            "${methods.lora}",
            r"sampling_base: it iterates \$\{methods.lora\}, which is no map",
        ),
        ("${methods.base}", "${methods.dreambooth}", "figurine.dreambooth_low_lr.evaluate: run by 2 stages"),
        (
            "  reporting_study:\n    cmd: kedro run",
            "  reporting_study:\n    cmd: make",
            "collect_study_cells: run",
        ),
    ],
)
def test_what_only_a_person_can_fix_is_named(compared, old, new, problem):
    problems = compared(replaced(old, new)).problems
    assert any(re.match(problem, line) for line in problems)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: [", "dvc.yaml is not YAML: "),
        ("stages:\n  sampling: {matrix: {}}\n", "dvc.yaml, line 2: expected keys, each on a line of its own"),
        ("stages:\n  - sampling\n", "dvc.yaml, line 2: expected keys, each on a line of its own"),
    ],
)
def test_a_file_that_cannot_be_filled_in_is_refused(compared, text, message):
    with pytest.raises(FrameError) as error:
        compared(text)
    assert str(error.value).startswith(message)


def test_paths_that_no_template_can_name_are_refused(project):
    """Another environment keeps pools elsewhere, and scores beside models that are not read with them."""
    other = project / "conf/other"
    shutil.copytree(project / "conf/mini", other)
    catalog = (project / "conf/base/catalog.yml").read_text().replace("${globals:env}", "other")
    catalog = catalog.replace("03_primary/other/{subject}/pool", "raw/{subject}")
    scores = "07_model_output/other/{subject}/scores/{method}"
    catalog = catalog.replace(scores, "06_models/other/{subject}/{method}/scores")
    (other / "catalog.yml").write_text(catalog)
    (other / "globals.yml").write_text("env: other\n")
    problems = compare(project, ["mini", "other"], conventions()).problems
    pool = f"augmentation: {POOL} is needed for figurine in mini, not for figurine in other, "
    assert f"{pool}but all must need the same" in problems
    models = "data/06_models/other/figurine"
    read = f"{models}/base/scores.csv and not {models}/discriminator/weights.safetensors"
    whole = "data/06_models/other/${item.subject}"
    assert f"reporting: it reads {read}, but can name only the whole of {whole}" in problems


def test_the_commands_write_and_check(project, monkeypatch):
    monkeypatch.chdir(project)
    for name in {*ENVIRONMENTS} - {"mini", SEVERAL}:
        shutil.rmtree(project / "conf" / name)
    run = CliRunner().invoke
    faulty = replaced("      - src/hypnos_pipeline/metrics/psnr.py\n", "")
    (project / "dvc.yaml").write_text(faulty)
    found = run(check)
    assert found.exit_code == 1
    families = ("hypnos", "dreambooth", "textual_inversion", "base")
    stages = [f"evaluation_{family}{further}" for family in families for further in ("", "_further")]
    line = "dependency src/hypnos_pipeline/metrics/psnr.py is missing; run `kedro dvc write`"
    assert found.output.splitlines() == [f"{stage}: {line}" for stage in stages]
    assert (project / "dvc.yaml").read_text() == faulty
    assert run(write).exit_code == 0
    assert (project / "dvc.yaml").read_text() == COMMITTED
    assert sorted(each.name for each in project.glob("*dvc*")) == [".dvc", ".dvcignore", "dvc.yaml"]
    shutil.rmtree(project / "conf" / SEVERAL)  # no environment has further trainings: their stages stay
    assert run(write).exit_code == 0
    assert (project / "dvc.yaml").read_text() == COMMITTED
    agreed = run(check, ["--env", "mini"])
    assert (agreed.exit_code, agreed.output) == (0, "dvc.yaml agrees with the pipelines of mini.\n")
    unknown = run(dvc, ["check", "--env", "paper"])
    assert unknown.exit_code == 1
    assert "no environment 'paper' with a study; expected one of mini" in unknown.output


def test_the_committed_file_agrees_without_torch():
    """In the default environment; the tests above look at every stage of the others."""
    code = (
        "import sys; from hypnos_pipeline.commands.dvc import check;"
        "check(['--env', 'mini'], standalone_mode=False);"
        "print(sorted({'torch', 'diffusers', 'transformers', 'dvc'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["dvc.yaml agrees with the pipelines of mini.", "[]"]
