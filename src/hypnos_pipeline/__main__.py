"""``python -m hypnos_pipeline`` runs the project as ``kedro run`` does."""

from pathlib import Path

from kedro.framework.project import configure_project

from hypnos_pipeline.commands.run import run


def main() -> None:
    """Runs the packaged project."""
    configure_project(Path(__file__).parent.name)
    run(prog_name="run")


if __name__ == "__main__":
    main()
