"""The record of one training: a file in git from which findings are computed without the trained model.

``docs/findings/<env>/<set>/<method>-<training>.parquet`` has a row for each value of an image, and for each
metric of whole sets of images. The file's metadata has the training's key, which says what the values depend
on (:mod:`hypnos_pipeline.findings.keys`), and what the training cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hypnos_pipeline.errors import FindingsError
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.expectations import image_values
from hypnos_pipeline.storage.replacing import replaced_file
from hypnos_pipeline.training.settings import training_name

if TYPE_CHECKING:
    import pandas
    import pyarrow

FOLDER = Path("docs/findings")
COLUMNS = ("prompt_set", "metric", "image")
"""Beside ``value``, float32: 7 digits."""
METADATA = b"hypnos"


class Training(NamedTuple):
    """One training of a method on a set of photos.

    Attributes:
        subject: The set's name in the study.
        method: The method's.
        number: Of the training, from 1.
    """

    subject: str
    method: str
    number: int

    def __str__(self) -> str:
        return f"{self.subject}, {self.method}, training {self.number}"

    @property
    def namespace(self) -> str:
        """Returns the namespace of its nodes."""
        return training_name(f"{self.subject}.{self.method}", self.number)

    @property
    def file(self) -> Path:
        """Returns its record's file, below the folder of an environment's records."""
        return Path(self.subject, f"{self.method}-{self.number}.parquet")


@dataclass(frozen=True)
class Cost:
    """What a node took.

    Attributes:
        seconds: Of processor time.
        memory: The most bytes that its process held, Python and its libraries among them.
    """

    seconds: float
    memory: int


@dataclass(frozen=True)
class Record:
    """What is kept of a training.

    Attributes:
        values: ``prompt_set``, ``metric``, ``image`` (empty for a metric of a whole set), ``value``.
        key: What the values depend on, part by part; see ``keys.Keys``.
        costs: By what the node does, e.g. ``finetune``, but for nodes that went on after an interruption.
    """

    values: pandas.DataFrame
    key: Mapping[str, str]
    costs: Mapping[str, Cost]


def values_of_training(pairs: pandas.DataFrame, scores: pandas.DataFrame) -> pandas.DataFrame:
    """Returns a record's values from what the evaluation made.

    Args:
        pairs: ``pairs.parquet``; an image's value is its mean over the photos.
        scores: ``scores.csv``, for the metrics of whole sets of images.
    """
    import pandas

    whole = scores[[METRICS[metric].kind == "set" for metric in scores["metric"]]]
    of_sets = whole.assign(image="").rename(columns={"mean": "value"})
    columns = [*COLUMNS, "value"]
    return pandas.concat([image_values({"": pairs})[columns], of_sets[columns]], ignore_index=True)


def save(file: Path, record: Record) -> None:
    """Saves a record whole, with values as float32."""
    import pyarrow
    from pyarrow import parquet

    described = {
        "key": dict(record.key),
        "costs": {name: asdict(cost) for name, cost in record.costs.items()},
    }
    columns: dict[str, Any] = {
        name: pyarrow.array(record.values[name].astype(str).tolist()).dictionary_encode() for name in COLUMNS
    }
    columns["value"] = pyarrow.array(record.values["value"].to_numpy(dtype="float32"))
    table = pyarrow.table(columns, metadata={METADATA: json.dumps(described, sort_keys=True).encode()})
    with replaced_file(file) as partial:
        parquet.write_table(table, partial, compression="zstd")


def load(file: Path) -> Record:
    """Loads a record.

    Raises:
        FindingsError: If it is none.
    """
    from pyarrow import parquet

    with _refused(file):
        table = parquet.read_table(file)
        described = _described(table.schema)
        costs = {name: Cost(**cost) for name, cost in described["costs"].items()}
        values = table.select([*COLUMNS, "value"]).to_pandas().astype(dict.fromkeys(COLUMNS, str))
        return Record(values, described["key"], costs)


def load_key(file: Path) -> Mapping[str, str] | None:
    """Returns the key that a record's file states; None where there is no file.

    Raises:
        FindingsError: If it is no record.
    """
    from pyarrow import parquet

    if not file.is_file():
        return None
    with _refused(file):
        return _described(parquet.read_schema(file))["key"]


def _described(schema: pyarrow.Schema) -> dict[str, Any]:
    """Returns what a file's metadata say beside the values."""
    return json.loads((schema.metadata or {})[METADATA])


@contextmanager
def _refused(file: Path) -> Iterator[None]:
    """Refuses by name a file that is no record."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, KeyError, ValueError, TypeError) as error:
        raise FindingsError(
            f"{file} is no record of a training; remove it, and the next run makes it"
        ) from error
