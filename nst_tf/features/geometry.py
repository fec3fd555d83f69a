"""Where the layers of a feature network lie on the picture: their strides and receptive fields."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from nst_tf.core.errors import expected


class LayerGeometry(NamedTuple):
    """How one layer's maps lie on the picture, pixels.

    Attributes:
        stride: between two neighboring positions of the maps.
        receptive_field: side of the square that one position sees.
    """

    stride: int
    receptive_field: int


class Geometry(dict[str, LayerGeometry]):
    """{layer: its geometry} of all layers that a feature network has, shallow to deep."""

    @classmethod
    def from_steps(cls, steps: Iterable[tuple[str, int, int]]) -> "Geometry":
        """Follows a chain of convolutions and poolings.

        Args:
            steps: (name, side of the kernel, its stride) of each, from the picture on;
                those without a name are no layers to choose.

        Example:
            >>> Geometry.from_steps([("edges", 3, 1), ("", 2, 2), ("parts", 3, 1)])["parts"]
            LayerGeometry(stride=2, receptive_field=8)
        """
        geometry = cls()
        stride, field = 1, 1
        for name, kernel, step in steps:
            field += (kernel - 1) * stride
            stride *= step
            if name:
                geometry[name] = LayerGeometry(stride, field)
        return geometry

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raises `UserError` if the network has not all of `layers`."""
        for layer in layers:
            if layer not in self:
                raise expected(
                    f"a layer among {', '.join(self)}",
                    repr(layer),
                    "Mend its spelling.",
                )

    def check_style_side(
        self, side: int, layers: Collection[str], what: str, advice: str
    ) -> None:
        """Refuses a style image that is smaller than what the deepest of `layers` sees at once.

        Args:
            side: the shortest at which it is used, pixels.
            layers: of the style; without any, every image will do.
            what: the image and its size, for the message.
            advice: what the user can do.

        Raises:
            UserError: it is too small, or there is no such layer.
        """
        self.check_layers(layers)
        field = max((self[layer].receptive_field for layer in layers), default=0)
        if side < field:
            raise expected(
                f"a style image of at least {field} pixels on its short side, which the "
                "deepest style layer sees at once",
                what,
                advice,
            )
