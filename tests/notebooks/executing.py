"""Running a notebook with the interpreter that runs the tests, whatever kernels are installed."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image
from traitlets import default


class ThisInterpreter(AsyncKernelManager):
    """Without folders of installed kernels only ipykernel's own is left: the running interpreter."""

    @default("kernel_spec_manager")
    def _no_installed_kernels(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def execute(notebook: Path, folder: Path) -> nbformat.NotebookNode:
    """Executes a notebook in a folder; returns it with its outputs, raises what a cell raises."""
    client = NotebookClient(
        nbformat.read(notebook, as_version=4),
        kernel_manager_class=ThisInterpreter,
        kernel_name="python3",
        timeout=1800,
        startup_timeout=300,  # seconds; the machine may be busy
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def pictures(notebook: nbformat.NotebookNode) -> list[Image.Image]:
    """Returns the pictures that an executed notebook shows."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    encoded = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [Image.open(BytesIO(b64decode(each))) for each in encoded]


def shown_text(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """Returns what one cell of an executed notebook printed or showed as text."""
    (cell,) = [cell for cell in notebook.cells if cell.id == cell_id]
    return "".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in cell.outputs
    )
