"""A preconditioner for L-BFGS on pictures, learnt by spatial frequency, color and place.

The objective of a neural network curves most along fine detail, and more in some places
than in others. A few pairs of steps and gradient differences cannot describe that for a
hundred thousand pixels; their energies by band of frequency, by color axis and by
neighborhood can.
"""

from typing import Protocol

import numpy as np
import tensorflow as tf

# Orthonormal: lightness, red against blue, green against both.
COLOR_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
BANDS = 5  # from half a cycle a picture to the finest, at equal ratios
NEIGHBORHOOD = 15  # pixels, side of the squares by which places are told apart
DECAY = 0.9  # of the running averages, each step
SMALLEST = 1e-4  # of the largest factor, or of the mean energy
LOCAL_RANGE = 0.2, 5.0  # of the factor of a place

State = dict[str, tf.Tensor]


class Preconditioner(Protocol):
    """A guess of the inverse Hessian, symmetric and positive definite, learnt from pairs."""

    def start(self) -> State:
        """Returns its state before the first pair."""

    def learn(self, state: State, step: tf.Tensor, change: tf.Tensor) -> State:
        """Returns its state with one more pair [n], whose product is positive."""

    def apply(self, state: State, vector: tf.Tensor) -> tf.Tensor:
        """Returns the guess times a vector [n]."""

    def energy(self, state: State, vector: tf.Tensor) -> tf.Tensor:
        """Returns a vector's [n] product [] with the guess times itself."""


class PicturePreconditioner:
    """A positive definite guess of the inverse Hessian of an objective of a flat
    picture, learnt on the way.

    P = D F* A F D: D scales places, F is the Fourier transform of the three color
    axes, A scales bands of frequency. Where steps s and gradient differences y have
    energies S and Y, each weighed by 1 / s.y, the inverse Hessian is taken for sqrt(S /
    Y), so that either factor is that of its own energies.

    The idea of preconditioning L-BFGS's first matrix is Nocedal and Wright's (2006,
    section 7.2); that the natural axes of pictures are those of frequency and color,
    Olah, Mordvintsev and Schubert's (2017, distill.pub/2017/feature-visualization).
    This form is ours.

    Args:
        height, width: of the picture, pixels.
    """

    def __init__(self, height: int, width: int):
        self._size = height, width
        across = np.hypot(
            np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
        ) * max(height, width)
        octaves = np.log2(np.maximum(across, 0.5) / 0.5)
        place = octaves / max(octaves.max(), 1e-9) * (BANDS - 1)
        self._shares = np.maximum(
            1 - np.abs(place - np.arange(BANDS)[:, None, None]), 0
        ).astype(np.float32)  # [bands, H, W/2+1]
        # The half spectrum of a real picture: all columns but the first, and the last of
        # an even width, stand for two.
        twice = np.full(across.shape[1], 2.0, np.float32)
        twice[0] = 1
        if width % 2 == 0:
            twice[-1] = 1
        self._twice = twice
        self._counts = self._shares * twice
        self._axes = COLOR_AXES.astype(np.float32)

    def start(self) -> State:
        """Returns the state before the first pair, in which `apply` changes nothing."""
        bands, places = tf.zeros([3, BANDS]), tf.zeros([*self._size, 1])
        return {
            "step_bands": bands,
            "change_bands": bands,
            "step_places": places,
            "change_places": places,
        }

    def learn(self, state: State, step: tf.Tensor, change: tf.Tensor) -> State:
        """Returns the state with one more pair, flat float32 [H W 3] with a positive product."""
        weight = 1 / tf.reduce_sum(step * change)
        step_places, change_places = self._measure_places(step, change)
        return {
            name: DECAY * state[name] + weight * energy
            for name, energy in (
                ("step_bands", self._measure_bands(step)),
                ("change_bands", self._measure_bands(change)),
                ("step_places", step_places),
                ("change_places", change_places),
            )
        }

    def apply(self, state: State, vector: tf.Tensor) -> tf.Tensor:
        """Returns P times a flat vector."""
        places = self._place_factors(state)
        spectrum = self._scaled_spectrum(places, vector) * tf.cast(
            self._gains(state), tf.complex64
        )
        axes = tf.signal.irfft2d(spectrum, self._size)
        return tf.reshape(places * tf.einsum("ahw,ac->hwc", axes, self._axes), [-1])

    def energy(self, state: State, vector: tf.Tensor) -> tf.Tensor:
        """Returns v.Pv of a flat vector, by Parseval's theorem: without the way back
        from the spectrum.
        """
        spectrum = self._scaled_spectrum(self._place_factors(state), vector)
        return tf.reduce_sum(
            tf.square(tf.abs(spectrum)) * self._gains(state) * self._twice
        ) / np.prod(self._size)

    def _gains(self, state):
        """A: [3, H, W/2+1]."""
        bands = tf.sqrt(
            tf.math.divide_no_nan(state["step_bands"], state["change_bands"])
        )  # [3, bands]
        largest = tf.reduce_max(bands)
        bands = tf.where(largest > 0, tf.maximum(bands, SMALLEST * largest), 1.0)
        return tf.exp(tf.einsum("cb,bhw->chw", tf.math.log(bands), self._shares))

    def _scaled_spectrum(self, places, vector):
        return self._spectrum(places * tf.reshape(vector, [*self._size, 3]))

    def _place_factors(self, state):
        """D: the fourth root of the ratio of energies, so that D D is the square root;
        about 1 in the mean.
        """
        steps, changes = (
            state[name] + SMALLEST * tf.reduce_mean(state[name])
            for name in ("step_places", "change_places")
        )
        logs = tf.where(
            changes > 0,
            0.25
            * (
                tf.math.log(tf.maximum(steps, 1e-30))
                - tf.math.log(tf.maximum(changes, 1e-30))
            ),
            0.0,
        )
        return tf.clip_by_value(tf.exp(logs - tf.reduce_mean(logs)), *LOCAL_RANGE)

    def _spectrum(self, picture):
        return tf.signal.rfft2d(tf.einsum("hwc,ac->ahw", picture, self._axes))

    def _measure_bands(self, vector):
        spectrum = self._spectrum(tf.reshape(vector, [*self._size, 3]))
        return tf.einsum("ahw,bhw->ab", tf.square(tf.abs(spectrum)), self._counts)

    def _measure_places(self, *vectors):
        """Returns mean squares around each place, [H, W, 1] for each vector."""
        squares = tf.stack(
            [
                tf.reduce_sum(tf.square(tf.reshape(vector, [*self._size, 3])), -1)
                for vector in vectors
            ],
            -1,
        )[None]
        # One axis after the other gives the same means with a fraction of the additions.
        for window in ((NEIGHBORHOOD, 1), (1, NEIGHBORHOOD)):
            squares = tf.nn.avg_pool2d(squares, window, 1, "SAME")
        return tf.split(squares[0], len(vectors), -1)
