"""The paper's claims, measured over several trainings, and the record of every training that git keeps."""

DEFAULT = "mini_findings"
"""The environment of the registered claims."""
