"""Kedro datasets: every save is atomic, and everything a person may want to look at has a preview."""

from hypnos_pipeline.datasets.atomic import AtomicDataset, CurveDataset
from hypnos_pipeline.datasets.finetuned import FinetunedDataset
from hypnos_pipeline.datasets.folder import FolderDataset
from hypnos_pipeline.datasets.image_folder import ImageFolderDataset
from hypnos_pipeline.datasets.json_folder import JsonFolderDataset
from hypnos_pipeline.datasets.page import PageDataset
from hypnos_pipeline.datasets.picture import PictureDataset
from hypnos_pipeline.datasets.raw_photos import RawPhotosDataset
from hypnos_pipeline.datasets.tensors import TensorsDataset

__all__ = [
    "AtomicDataset",
    "CurveDataset",
    "FinetunedDataset",
    "FolderDataset",
    "ImageFolderDataset",
    "JsonFolderDataset",
    "PageDataset",
    "PictureDataset",
    "RawPhotosDataset",
    "TensorsDataset",
]
