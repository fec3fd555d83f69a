"""What a runtime must do so that `nst_tf.inference.model.Model` can paint with it."""

import abc
import math

import numpy as np

from nst_tf.core.errors import expected
from nst_tf.core.memory import available_memory
from nst_tf.inference.tiles.graph import Graph
from nst_tf.inference.tiles.picture import Picture

# Names of the second input that a network with styles of its own can have.
STYLE_WEIGHTS, STRENGTHS = "style_weights", "strengths"
BLENDS = (STYLE_WEIGHTS, STRENGTHS)


class Runtime(abc.ABC):
    """One opened model. Pictures are float32 [H, W, 3], RGB in [0, 1].

    Attributes:
        name: of the model, for errors.
        styles: how many styles of its own; 0 for a model of any style.
        has_strength: whether it can paint with a strength below 1.
        most_pixels: of the largest photo that it can do, whatever the memory.
    """

    name: str
    styles: int
    has_strength: bool
    most_pixels: float = math.inf

    @property
    def bytes_a_pixel(self) -> float:
        """How much memory `draw` takes at its peak for each pixel of a photo; 0 for none here."""
        return 0.0

    @abc.abstractmethod
    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        """Paints a photo of any size from 1x1 up.

        Args:
            image: the photo.
            code: float32 [N]; for a model with N styles of its own, their shares.
            strength: 0 to 1; 1 for a model without `has_strength`.

        Returns:
            The stylized photo, of the same shape.
        """

    def make_graph(self) -> Graph | None:
        """Returns the network as a graph, which bands of a photo are painted with; None
        where the model is elsewhere or has one size.
        """
        return None

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        """Returns what the graph takes beside the photo, {name: [1, N]}."""
        return {}

    def fits(self, pixels: int) -> bool:
        """Returns whether a photo of so many pixels and its painting fit into memory."""
        return True

    def find_free(self) -> float:
        """Returns how many bytes this process may still take."""
        return float(available_memory())

    def draw_rows(self, picture: Picture, code: np.ndarray, strength: float) -> None:
        """Paints a photo that does not fit into memory, as `tiles.bands.paint_in_bands`.

        Raises:
            UserError: the model cannot.
        """
        height, width = picture.size
        raise expected(
            "a model that paints photos in bands, here and of any size",
            f"{self.name} for {width}x{height} pixels, which do not fit into memory",
            "Use --image_size.",
        )

    def encode(self, picture: np.ndarray) -> np.ndarray:
        """Returns the code of a style picture, float32 [N].

        Raises:
            UserError: the model has styles of its own.
        """
        raise expected(
            "a model of any style",
            f"{self.name}, which has styles of its own",
            "Name one of its styles, or leave --style out.",
        )

    def close(self) -> None:  # noqa: B027
        """Frees what the model holds; most hold nothing that Python does not free."""


def blend_inputs(
    name: str | None, code: np.ndarray, strength: float
) -> dict[str, np.ndarray]:
    """Returns the second input of a network with styles of its own, {name: [1, N]}.

    Args:
        name: one of `BLENDS`; None for a network of one style without strength.
        code: shares of the styles, [N].
        strength: 0 to 1.
    """
    if name is None:
        return {}
    scale = np.float32(strength if name == STRENGTHS else 1)
    return {name: scale * code[None]}
