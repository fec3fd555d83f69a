"""What all methods share whose networks draw: loss, first weights, contact sheets."""

import abc
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from nst_tf.config.train import DrawingSettings
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.data import sample_photos
from nst_tf.data.draws import Purpose, draw_turns
from nst_tf.features import extractors
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.losses import perceptual, regularizers
from nst_tf.runs.folder import RunFolder
from nst_tf.training.first_weights import restore_weights
from nst_tf.training.schedule import FitResult
from nst_tf.training.task import OpenBatches, Task

Row = list[tuple[str, np.ndarray]]  # captions and uint8 pictures of a contact sheet


class DrawingTask(Task):
    """A task whose network draws, trained by a perceptual loss."""

    def __init__(self, settings: DrawingSettings):
        weights = perceptual.LossWeights.of(settings)
        self._loss = perceptual.PerceptualLoss(
            extractors.open_extractor(settings, weights.layers),
            weights,
            settings.statistic,
        )
        _check_crop_size(settings.crop_size, weights.layers, self._loss.extractor)
        self._seed = settings.seed
        self._identity_weight = settings.identity_weight
        self._mesh_weight = settings.mesh_weight
        self._begin_with = None
        if settings.first_run:
            self._begin_with = RunFolder(Path(settings.first_run))

    def start(self, open_batches: OpenBatches) -> None:
        """Takes the weights of --init_from, if one is named; else they are random."""
        if self._begin_with is not None:
            restore_weights(self.network, self._begin_with)

    def preview(self, run: RunFolder, step: int) -> None:
        path = run.previews / f"step_{step:06d}.png"
        _write_sheet(path, *self._preview_rows())

    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes network and contact sheet; returns lines for the user."""
        self.network.save(run.network)
        _write_sheet(run.contact_sheet, *self._sheet_rows())
        return [f"wrote {run.network}", f"wrote {run.contact_sheet}: look at it"]

    @abc.abstractmethod
    def _preview_rows(self) -> tuple[Sequence[Row], int]:
        """Returns the rows of a preview, and the side of a cell in pixels."""

    @abc.abstractmethod
    def _sheet_rows(self) -> tuple[Sequence[Row], int]:
        """Returns the rows of the contact sheet, and the side of a cell in pixels."""

    def _mask_identity(self, index: tf.Tensor) -> tf.Tensor:
        """Returns 1 for each crop that is to be given back, one in a turn, else 0, [B]."""
        if not self._identity_weight:
            return tf.zeros(tf.shape(index))
        turn = draw_turns(
            self._seed, index, Purpose.IDENTITY, regularizers.IDENTITY_PERIOD
        )
        return tf.cast(turn == 0, tf.float32)

    def _add_terms(
        self,
        terms: Mapping[str, tf.Tensor],
        pictures: tf.Tensor,
        crops: tf.Tensor,
        back: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Returns the terms with those of mesh and identity, where they have a weight."""
        if self._mesh_weight:
            mesh = regularizers.mesh_energy(pictures)
            terms = regularizers.add_term(terms, "mesh", mesh, self._mesh_weight)
        if self._identity_weight:
            terms = regularizers.add_identity(
                terms, pictures, crops, back, self._identity_weight
            )
        return terms


def read_sample(name: str, side: int) -> np.ndarray:
    """Returns a sample photo, float32 [H, W, 3] in [0, 1], its long side `side` pixels."""
    return sample_photos.read_photo(sample_photos.BUILTIN + name, long_side=side).rgb


def _check_crop_size(size, layers, extractor):
    deepest = max(layers, key=lambda layer: extractor.geometry[layer].stride)
    least = extractor.geometry[deepest].stride
    if size < least:
        raise expected(
            f"--crop_size of at least {least}, one position of {deepest}",
            size,
            "Change --crop_size, or leave out deep layers.",
        )


def _write_sheet(path, rows, cell):
    sheet = contact_sheet.make_contact_sheet(rows, cell=cell)
    files.write_atomically(path, image_io.encode_rgb8(sheet, "png"), overwrite=True)
