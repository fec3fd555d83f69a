"""What exporters ask of a network: all that they know of its kinds stands here."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from nst_tf.data import style_images
from nst_tf.images import io as image_io
from nst_tf.models import adain_net, transform_net

STYLE_SIDE = 126  # pixels, short side of style pictures

is_any_style = adain_net.is_any_style
parts_of = adain_net.parts_of
second_input = transform_net.blend_name  # "style_weights", "strengths" or None


def count_styles(network: keras.Model) -> int:
    """Returns how many styles of its own a network has; 0 if it paints in any."""
    return 0 if is_any_style(network) else transform_net.styles_of(network)


def single_style(network: keras.Model) -> dict[str, np.ndarray]:
    """Returns what goes in beside pictures for one style in full strength, by name."""
    if is_any_style(network):
        return {adain_net.ALPHA: np.ones((1, 1), np.float32)}
    return {second_input(network): one for one in own_styles(network)[:1]}


def own_styles(network: keras.Model) -> list[np.ndarray]:
    """Returns the second input for each style, float32 [1, N]; [] if there is none."""
    if second_input(network) is None:
        return []
    return list(np.eye(count_styles(network), dtype=np.float32)[:, None])


def style_settings(network: keras.Model) -> list[dict[str, np.ndarray]]:
    """Returns several settings that a network is compared in, as inputs by the names of
    artifacts.

    Of several styles the first, the last and all blended, with strength half of that
    and none, too; of any style two packaged ones, at full and half strength.
    """
    if is_any_style(network):
        settings = []
        paths = list(style_images.packaged_styles().values())[:2]
        for path, alpha in zip(paths, (1.0, 0.5)):
            picture = image_io.read_image(path, short_side=STYLE_SIDE).rgb[None]
            number = np.array([[alpha]], np.float32)
            settings.append({"style": picture, adain_net.ALPHA: number})
        return settings
    single = own_styles(network)
    if not single:
        return [{}]
    blends = [single[0], single[-1], np.mean(single, 0)]
    if (name := second_input(network)) == transform_net.STRENGTHS:
        blends += [blends[-1] / 2, np.zeros_like(single[0])]
    return [{name: blend} for blend in blends]


def draw(
    network: keras.Model, picture: np.ndarray, *settings: np.ndarray
) -> np.ndarray:
    """Returns what a network draws, float32 [1, H, W, 3], clipped to [0, 1].

    Args:
        picture: float32 [1, H, W, 3] in [0, 1].
        settings: the values of one of `style_settings`.
    """
    drawn = transform_net.draw(network, picture, *settings)
    return np.clip(np.asarray(drawn), 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A picture that a network can draw, in a quarter of the memory of `draw`.

    Attributes:
        draw: as the function of that name, of no arguments.
        largest_tensor: of those on the way, bytes.
    """

    draw: Callable[[], np.ndarray]
    largest_tensor: int


def compile_drawing(network: keras.Model, inputs: dict[str, np.ndarray]) -> Drawing:
    """Prepares a network to draw one picture; `inputs` are those of an artifact.

    TensorFlow's graph frees what it no longer needs, which Keras's own call does not.
    """
    tensors = [tf.constant(value) for value in inputs.values()]
    function = tf.function(lambda *given: transform_net.draw(network, *given))
    concrete = function.get_concrete_function(*tensors)
    sizes = [
        tensor.dtype.size * (tensor.shape.num_elements() or 0)
        for operation in concrete.graph.get_operations()
        for tensor in operation.outputs
        if tensor.shape.rank is not None
    ]

    def draw_compiled():
        return np.clip(concrete(*tensors).numpy(), 0.0, 1.0)

    return Drawing(draw_compiled, max(sizes))
