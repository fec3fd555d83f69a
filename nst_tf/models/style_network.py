"""What every network that draws has in common: codes of styles, and one way to draw."""

import dataclasses
import json
from typing import Any

import keras
import tensorflow as tf


class StyleNetwork(keras.Model):
    """A network that draws by `transform(images, codes, strengths)`.

    A network with styles of its own has a table of codes, one a style: rows of the
    identity, whose mixtures blend styles. A network of any style computes the code of a
    picture. Files of networks carry `configuration`, from which the network was built.

    Args:
        inputs, outputs, name: as for `keras.Model`.
        configuration: JSON. It is text, since Keras would track the parts of a dict.
    """

    def __init__(self, inputs, outputs, name=None, *, configuration="{}", **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self._configuration = configuration

    @property
    def configuration(self) -> dict[str, Any]:
        """What the network was built from; {} for a network of an earlier version."""
        return json.loads(self._configuration)

    @property
    def styles(self) -> int:
        """How many styles of its own it has; 0 for a network of any style."""
        raise NotImplementedError

    @property
    def code_size(self) -> int:
        """Numbers in the code of a style."""
        raise NotImplementedError

    @property
    def has_strength(self) -> bool:
        """Whether it can draw with a strength below 1."""
        raise NotImplementedError

    # Methods, since Keras saves the models that it finds in properties.
    def get_drawing_part(self) -> keras.Model:
        """Returns the part that draws, without the encoder of styles; it shares the weights."""
        raise NotImplementedError

    def encode(self, pictures: tf.Tensor) -> tf.Tensor:
        """Returns the codes [B, N] of style pictures [B, h, w, 3], RGB in [0, 1].

        Raises:
            NotImplementedError: the network has styles of its own.
        """
        raise NotImplementedError

    def transform(
        self, images: tf.Tensor, codes: tf.Tensor, strengths: tf.Tensor
    ) -> tf.Tensor:
        """Draws images in styles.

        Args:
            images: [B, H, W, 3], RGB in [0, 1].
            codes: [B or 1, N] with N = `code_size`.
            strengths: [B or 1, 1] in [0, 1]; not used without `has_strength`.

        Returns:
            [B, H, W, 3], about [0, 1].
        """
        raise NotImplementedError

    def get_config(self) -> dict:
        return {**super().get_config(), "configuration": self._configuration}


@dataclasses.dataclass(frozen=True)
class Parts:
    """The two ways of a network of any style; they share its weights.

    Attributes:
        encode_style: [B, h, w, 3] RGB in [0, 1] -> code [B, N].
        transform: [[B, H, W, 3], code [B or 1, N], alpha [B or 1, 1]] -> [B, H, W, 3],
            about [0, 1].
    """

    encode_style: keras.Model
    transform: keras.Model


class AnyStyleNetwork(StyleNetwork):
    """A network of "image", "style" and "alpha": it encodes the style itself."""

    def get_parts(self) -> Parts:
        """Returns the encoder of styles and the part that draws."""
        # In the instance's dict, since Keras would track an attribute.
        if "_parts" not in self.__dict__:
            self.__dict__["_parts"] = self._make_parts()
        return self.__dict__["_parts"]

    @property
    def styles(self) -> int:
        return 0

    @property
    def code_size(self) -> int:
        return self.get_parts().encode_style.output.shape[-1]

    @property
    def has_strength(self) -> bool:
        return True

    def get_drawing_part(self) -> keras.Model:
        return self.get_parts().transform

    def encode(self, pictures):
        return self.get_parts().encode_style(pictures)

    def transform(self, images, codes, strengths):
        # Keras takes either arrays or tensors, not both.
        inputs = map(tf.convert_to_tensor, (images, codes, strengths))
        return self.get_parts().transform(list(inputs))

    def _make_parts(self) -> Parts:
        raise NotImplementedError
