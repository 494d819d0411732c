"""``python -m hypnos_pipeline`` runs the project as ``kedro run`` does."""

from pathlib import Path

from kedro.framework.cli.project import run
from kedro.framework.project import configure_project


def main() -> None:
    """Runs the packaged project."""
    configure_project(Path(__file__).parent.name)
    # Kedro's own command: its finder looks for one in our cli.py, which holds the other commands only.
    run(prog_name="run")


if __name__ == "__main__":
    main()
