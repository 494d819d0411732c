"""``python -m hypnos_pipeline`` runs the project as ``kedro run`` does."""

from pathlib import Path

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project


def main() -> None:
    """Runs the packaged project."""
    package = Path(__file__).parent.name
    configure_project(package)
    find_run_command(package)()


if __name__ == "__main__":
    main()
