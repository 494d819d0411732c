"""The stages of ``dvc.yaml``: computed from a Kedro project's pipelines, and run side by side.

**Computed**, but for the frame that a person writes. Kedro knows what every node reads and writes. DVC must
be told the same, stage by stage, in ``dvc.yaml``; what is written twice drifts apart. Here a person writes
the *frame*: the stages' names and order, what each of them iterates (``matrix`` or ``foreach``), comments,
descriptions, settings of plots. ``compare`` computes ``cmd``, ``deps``, ``params``, ``outs``, ``plots`` and
``metrics`` of every stage. It returns the text of ``dvc.yaml`` with these filled in, and how the present text
differs.

A stage runs one *slice* of a pipeline, which its name and what it iterates determine:

- ``finetune_hypnos`` with a matrix of ``subject`` and ``method``: the nodes of pipeline ``finetune`` in the
  namespace ``<subject>.<method>``. What follows the pipeline's name is free.
- ``reporting_study`` without a matrix: the nodes of pipeline ``reporting`` with the tag ``study``.
- ``reporting`` without a matrix: the whole pipeline.

What slices read and write is looked up in the catalog, for every entry that a stage iterates and in every
environment (a folder of ``conf/``), and has to come out as the same templates for all, such as
``data/${env}/${item.subject}/samples``. Those parts of a path that a catalog pattern leaves open become
templates. Where such a part is none of what the stage iterates, as in the samples of all methods, the folder
above it is named. Code dependencies are the modules that the slice's functions and datasets import, also
indirectly: a package by its folder if all of its modules are imported, otherwise module by module. Package
``pipelines.<pipeline>``, which holds the wiring too, is always named by its folder.

The frame's ``vars`` define ``env``; a stage whose command is not ``kedro run`` is left alone. Everything else
that is a project's own decision is in ``Conventions``.

**Run side by side** (``reproduction`` and what it uses): what ``dvc repro`` does, by DVC's own functions and
with the same record and caches. Who does the work, and what a stage costs, the caller says.

Nothing here knows of one project, so that with its commands around it this package would be a Kedro plugin.
"""

from hypnos_pipeline.stages.comparison import Comparison, compare
from hypnos_pipeline.stages.frame import FrameError
from hypnos_pipeline.stages.needs import Conventions

__all__ = ["Comparison", "Conventions", "FrameError", "compare"]
