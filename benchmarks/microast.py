"""MicroAST by its published weights, to be measured beside our networks of any style.

Wang, Zhao, Li, Xing, Lu 2022 (arXiv:2211.15313). The layers are those of the paper's
figure 2; kernels in the files are [out, in, height, width].
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

PARTS = ("content_encoder", "style_encoder", "modulator", "decoder")


class MicroAST:
    """Paints a photo in a style.

    Args:
        folder: of the four files PART_iter_160000.npz.
    """

    def __init__(self, folder):
        self._weights = {
            part: dict(np.load(Path(folder) / f"{part}_iter_160000.npz"))
            for part in PARTS
        }

    def __call__(self, photo, style):
        """Returns the painting, [H, W, 3] in [0, 1], of both [H, W, 3] in [0, 1]."""
        height, width = photo.shape[:2]
        _, x = self._encode("content_encoder", tf.constant(photo[None]))
        style_near, style_deep = self._encode("style_encoder", tf.constant(style[None]))
        for number, wanted in ((2, style_deep), (1, style_near)):
            x = transfer(x, wanted)
            x = self._modulate(f"dec{3 - number}", x, number, wanted)
        drawn = self._decode(x)[0, :height, :width]
        return np.clip(drawn.numpy(), 0, 1)

    def _encode(self, part, x):
        x = tf.nn.relu(self._convolve(part, "enc1.0", x))
        for first, channels in ((2, 16), (6, 32)):
            x = tf.nn.relu(self._convolve(part, f"enc1.{first}", x, 2, channels))
            x = tf.nn.relu(self._convolve(part, f"enc1.{first + 2}", x))
        near = self._add_residual(part, "enc1.10", x)
        return near, self._add_residual(part, "enc2.0", near)

    def _add_residual(self, part, name, x):
        y = tf.nn.relu(self._convolve(part, f"{name}.conv1", x))
        return x + self._convolve(part, f"{name}.conv2", y)

    def _modulate(self, name, x, number, style):
        scale, offset = (
            tf.reduce_mean(
                self._convolve("modulator", f"{kind}{number}.0", style, 1, 64),
                [1, 2],
                keepdims=True,
            )
            for kind in ("weight", "bias")
        )
        y = scale * self._convolve("decoder", f"{name}.conv1", x) + offset * x
        y = tf.nn.relu(y)
        return x + scale * self._convolve("decoder", f"{name}.conv2", y) + offset * y

    def _decode(self, x):
        for first, groups in ((1, 32), (6, 16)):
            height, width = x.shape[1:3]
            x = tf.image.resize(x, [2 * height, 2 * width], "bilinear")
            x = tf.nn.relu(self._convolve("decoder", f"dec3.{first}", x, 1, groups))
            x = tf.nn.relu(self._convolve("decoder", f"dec3.{first + 2}", x))
        return self._convolve("decoder", "dec3.10", x)

    def _convolve(self, part, name, x, stride=1, groups=1):
        weights = self._weights[part]
        kernel = weights[f"{name}.conv_layer.weight"]
        bias = weights[f"{name}.conv_layer.bias"]
        size = kernel.shape[-1]
        pads = [[0, 0], [size // 2] * 2, [size // 2] * 2, [0, 0]]
        x = tf.pad(x, pads, "REFLECT")
        if groups == 1:
            kernel = kernel.transpose(2, 3, 1, 0)
            return tf.nn.conv2d(x, kernel, stride, "VALID") + bias
        # Channels of a group lie side by side, as a depthwise convolution's do.
        outputs, inputs = kernel.shape[:2]
        each = outputs // groups
        grouped = kernel.reshape(groups, each, inputs, size, size)
        grouped = grouped.transpose(3, 4, 0, 2, 1)
        filters = grouped.reshape(size, size, groups * inputs, each)
        strides = [1, stride, stride, 1]
        y = tf.nn.depthwise_conv2d(x, filters, strides, "VALID")
        y = tf.reshape(y, [*y.shape[:3], groups, inputs, each])
        return tf.reshape(tf.reduce_sum(y, 4), [*y.shape[:3], outputs]) + bias


def transfer(content, style):
    """Gives features the style's means and deviations (AdaIN, arXiv:1703.06868)."""
    found = []
    for maps in (content, style):
        mean, variance = tf.nn.moments(maps, [1, 2], keepdims=True)
        count = maps.shape[1] * maps.shape[2]
        found += [mean, tf.sqrt(variance * count / (count - 1) + 1e-5)]
    mean, spread, style_mean, style_spread = found
    return (content - mean) / spread * style_spread + style_mean
