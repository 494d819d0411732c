"""The record of the machine: enough to distinguish two kinds, nothing that distinguishes two of a kind."""

from __future__ import annotations

import json
import socket
from importlib.metadata import version

import torch

from hypnos_pipeline.models import machine
from hypnos_pipeline.models.machine import describe_machine
from hypnos_pipeline.models.settings import RuntimeSettings

LISTING = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 85
model name\t: A processor
cpu MHz\t\t: {mhz}

processor\t: 1
model\t\t: 1
"""


def test_it_names_what_moves_last_digits():
    found = describe_machine(RuntimeSettings(device="cpu", threads=3))
    assert json.loads(json.dumps(found)) == found
    assert found["threads"] == 3
    assert found["device"] == "cpu"
    assert found["capability"] == torch.backends.cpu.get_cpu_capability()
    assert found["libraries"]["torch"] == version("torch")
    assert socket.gethostname() not in json.dumps(found)


def test_processors_of_one_name_differ_by_family_and_model(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "PROCESSORS", file)
    kinds = []
    for model, mhz in ((85, 2000), (85, 3000), (106, 2000)):
        file.write_text(LISTING.format(mhz=mhz).replace("85", str(model)))
        kinds.append(describe_machine(RuntimeSettings(device="cpu"))["cpu"])
    assert kinds[0] == kinds[1] == "A processor (cpu family 6, model 85)"
    assert kinds[2] == "A processor (cpu family 6, model 106)"
