"""Style transfer by optimizing the pixels: the best quality, one picture at a time.

Gatys, Ecker, Bethge 2016 (arXiv:1508.06576), worked through from coarse to fine as in
Gatys et al. 2017 (arXiv:1611.07865, section 6). Colors and regions follow the latter
too.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.painting.folder import texture_sides
from nst_tf.config.perceptual import layer_weights
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.core.errors import expected
from nst_tf.data import sample_photos, style_images
from nst_tf.features import extractors
from nst_tf.images import color, io as image_io
from nst_tf.losses import perceptual
from nst_tf.optimization.adam import Adam
from nst_tf.optimization.lbfgs import Lbfgs
from nst_tf.optimization.optimizer import Objective
from nst_tf.optimization.preconditioner import PicturePreconditioner

TERMS = ("content", "style", "total_variation")

# What rounding may add to the objective, as a share of it. Along a step, bfloat16
# scatters it around a parabola by 2.5e-5 of itself (standard deviation; VGG19 at 256
# pixels, two photos, after 60 and 120 steps), float32 by less than 4e-6.
NOISE = {"float32": 0.0, "bfloat16": 1e-4}


@dataclasses.dataclass(frozen=True)
class Scale:
    """One size to work at.

    Attributes:
        height, width: pixels.
        iterations: of the optimizer.
    """

    height: int
    width: int
    iterations: int

    @property
    def work(self) -> int:
        """What the iterations cost, in pixels."""
        return self.height * self.width * self.iterations


def plan_scales(size: tuple[int, int], settings: OptimizeSettings) -> tuple[Scale, ...]:
    """Returns the sizes to work through, the last one `size`.

    Args:
        size: (height, width) of the picture in pixels.
        settings: number and ratio of the sizes, iterations at each.
    """
    long_side, sides = max(size), [max(size)]
    while len(sides) != settings.scales:
        side = round(long_side / settings.scale_factor ** len(sides))
        if side < (settings.smallest if settings.scales == 0 else 1):
            break
        sides.append(side)
    planned = []
    for side in reversed(sides):
        height, width = image_io.fit_size(*size, long_side=side)
        iterations = (
            settings.iterations if side == long_side else settings.coarse_iterations
        )
        planned.append(Scale(height, width, iterations))
    return tuple(planned)


class Gatys:
    """Reads photo, styles and masks, and poses the problem at each scale.

    Args:
        settings: see `OptimizeSettings`.
        photo: what is painted at its own size, such as a frame; None for the photo that
            the settings name.

    Raises:
        UserError: a picture that cannot be read, a style too small for its layers, a
            mask without white or of another size.
    """

    def __init__(self, settings: OptimizeSettings, photo: image_io.Image | None = None):
        self._settings = settings
        self._geometry = FEATURE_NETWORKS[settings.feature_network].geometry
        weights = perceptual.LossWeights(
            settings.content_weight if settings.content else 0.0,
            settings.style_weight if settings.style else 0.0,
            settings.tv_weight,
            layer_weights(settings.content_layers) if settings.content else {},
            layer_weights(settings.style_layers) if settings.style else {},
        )
        if not weights.content and not weights.style:
            raise expected(
                "a content or a style weight above 0", "none", "Change the weights."
            )
        self._photo = photo
        if photo is None and settings.content:
            self._photo = sample_photos.read_photo(
                settings.content, max_pixels=settings.max_pixels
            )
        self.size = photo.size if photo is not None else self._final_size()
        self._styles, self._hashes = self._read_styles(weights)
        self._content_masks = [
            image_io.read_mask(
                name, self._photo.size, "photo", max_pixels=settings.max_pixels
            )
            for name in settings.content_masks
        ]
        self._style_masks = [
            image_io.read_mask(
                name, style.shape[:2], "style", max_pixels=settings.max_pixels
            )
            for name, style in zip(settings.style_masks, self._styles)
        ]
        self._check_size(weights.layers)
        self._init = None
        if settings.init not in ("content", "noise", "style_colors"):
            self._init = sample_photos.read_photo(
                settings.init, max_pixels=settings.max_pixels
            ).rgb
        elif settings.init == "style_colors" and not self._styles:
            raise expected("--style with --init=style_colors", "none", "Name a style.")
        self.extractor = dataclasses.replace(
            extractors.open_extractor(
                settings, weights.layers, pooling=settings.pooling
            ),
            margin=settings.margin,
        )
        self._loss = perceptual.PerceptualLoss(
            self.extractor, weights, settings.statistic
        )
        self.scales = plan_scales(self.size, settings)

    @property
    def style_sizes(self) -> list[tuple[int, int]]:
        """(height, width) of each style picture at the last scale, pixels."""
        long_side = max(self.size)
        return [self._style_size(style.shape[:2], long_side) for style in self._styles]

    @property
    def provenance(self) -> dict:
        """Hashes of the styles and of the feature network's weights."""
        return {
            "style_sha256": self._hashes,
            "feature_network": {
                "name": self.extractor.name,
                **self.extractor.provenance,
            },
        }

    def objective(self, scale: Scale) -> Objective:
        """Returns the function of the flat picture [H*W*3] whose minimum is wanted at this scale.

        Its terms are `TERMS`. The targets are computed now, once.
        """
        # They are constants of the compiled step, which does not compute them again.
        content = self.content_target(scale)
        targets = self.style_targets(scale)
        return make_objective(
            scale, TERMS, lambda picture: self.compare(picture, content, targets)
        )

    def show(self, photo: image_io.Image) -> None:
        """Has another photo painted, of the same size; the style stays as it is."""
        self._photo = photo

    def content_target(self, scale: Scale) -> dict[str, tf.Tensor]:
        """Returns {layer: features} of the photo at a scale; {} if there is none."""
        if self._photo is None:
            return {}
        rgb = resize_picture(self._photo.rgb, scale.height, scale.width)
        return self._loss.content_target(self._turn_gray(rgb)[None])

    def style_targets(self, scale: Scale) -> list[perceptual.StyleTarget]:
        """Returns what each style asks of a picture at a scale."""
        return [self._style_target(index, scale) for index in range(len(self._styles))]

    def compare(
        self,
        picture: tf.Tensor,
        content: Mapping[str, tf.Tensor | tf.Variable],
        targets: Sequence[perceptual.StyleTarget],
    ) -> dict[str, tf.Tensor]:
        """Returns "loss" and `TERMS` of a picture [1, H, W, 3], [1] each."""
        return self._loss.compare(picture, content, targets)

    def open_optimizer(self, scale: Scale) -> Lbfgs | Adam:
        """Returns the optimizer that the settings name, for flat pictures of a scale."""
        settings = self._settings
        if settings.optimizer == "lbfgs":
            preconditioner = (
                PicturePreconditioner(scale.height, scale.width)
                if settings.precondition
                else None
            )
            return Lbfgs(
                settings.memory,
                bounds=(0.0, 1.0),
                noise=NOISE[settings.precision],
                preconditioner=preconditioner,
            )
        return Adam(
            settings.learning_rate,
            epsilon=settings.epsilon,
            bounds=(0.0, 1.0),
            averaging=settings.averaging,
        )

    def first_picture(self, scale: Scale | None = None) -> np.ndarray:
        """Returns the picture to begin with, float32 [H, W, 3] in [0, 1].

        Args:
            scale: at which; None for the first.
        """
        settings, scale = self._settings, scale or self.scales[0]
        shape = (scale.height, scale.width, 3)
        noise = np.random.default_rng(settings.seed).random(shape, np.float32)
        if settings.init == "noise" or (
            settings.init == "content" and self._photo is None
        ):
            picture = noise
        elif settings.init == "content":
            picture = self._turn_gray(resize_picture(self._photo.rgb, *shape[:2]))
        elif settings.init == "style_colors":
            picture = color.coral(noise, self._styles[0])
        else:
            picture = resize_picture(self._init, *shape[:2])
        return (1 - settings.init_noise) * picture + settings.init_noise * noise

    def finish_picture(self, picture: np.ndarray) -> image_io.Image:
        """Returns a picture of any scale as it is shown: full size, in the colors asked for."""
        rgb = resize_picture(picture, *self.size)
        alpha, metadata, mode = None, None, self._settings.preserve_color
        if self._photo is not None:
            if not self._settings.strip_metadata:
                metadata = self._photo.metadata
            if self._photo.alpha is not None:
                alpha = resize_picture(self._photo.alpha[..., None], *self.size)[..., 0]
            if mode == "luminance" or (
                mode != "none" and self._settings.color_when == "after"
            ):
                rgb = color.MODES[mode](
                    rgb, resize_picture(self._photo.rgb, *self.size)
                )
        return image_io.Image(rgb, alpha, metadata)

    def _final_size(self):
        settings = self._settings
        if self._photo is not None:
            if settings.texture_size:
                raise expected(
                    "--texture_size without --content", "both", "Leave one out."
                )
            return image_io.fit_size(*self._photo.size, long_side=settings.image_size)
        if not settings.texture_size:
            return settings.image_size, settings.image_size
        return texture_sides(settings.texture_size)

    def _check_size(self, layers):
        self._geometry.check_layers(layers)
        smallest = max(self._geometry[layer].stride for layer in layers)
        if min(self.size) < smallest:
            raise expected(
                f"a picture of at least {smallest} pixels on its short side, one position of the deepest "
                f"layer",
                f"{self.size[1]}x{self.size[0]}",
                "Use a larger --image_size.",
            )

    def _read_styles(self, weights) -> tuple[list[np.ndarray], list[str]]:
        pictures, hashes = [], []
        limit = self._settings.max_pixels
        names = self._settings.style
        pinned = self._settings.style_sha256 or ("",) * len(names)
        for name, sha256 in zip(names, pinned):
            data, digest = style_images.fetch_style(name, sha256)
            picture = image_io.read_image(data, max_pixels=limit).rgb
            height, width = self._style_size(picture.shape[:2], max(self.size))
            self._geometry.check_style_side(
                min(height, width, *picture.shape[:2]),
                weights.style_layers,
                f"{name}: {picture.shape[1]}x{picture.shape[0]}, used at {width}x{height}",
                "Use a larger picture, a larger --style_scale or --image_size, or leave out deep "
                "--style_layers.",
            )
            pictures.append(self._recolor(picture))
            hashes.append(digest)
        return pictures, hashes

    def _recolor(self, style):
        mode = self._settings.preserve_color
        if mode == "none" or self._settings.color_when == "after":
            return style
        if self._photo is None:
            raise expected("--content with --preserve_color", "none", "Name the photo.")
        if mode == "luminance":
            return color.gray_in_the_tones_of(style, self._photo.rgb)
        return color.MODES[mode](style, self._photo.rgb)

    def _turn_gray(self, photo):
        if (
            self._settings.preserve_color == "luminance"
            and self._settings.color_when == "before"
        ):
            return color.gray_in_the_tones_of(photo, photo)
        return photo

    def _style_size(self, size, long_side):
        return image_io.fit_size(
            *size, long_side=max(1, round(self._settings.style_scale * long_side))
        )

    def _style_target(self, index, scale) -> perceptual.StyleTarget:
        style = self._styles[index]
        size = self._style_size(style.shape[:2], max(scale.height, scale.width))
        style_mask = _shrink_mask(self._style_masks, index, size)
        statistics = self._loss.style_target(
            resize_picture(style, *size)[None], style_mask
        )
        region = _shrink_mask(self._content_masks, index, (scale.height, scale.width))
        return perceptual.StyleTarget(
            statistics,
            self._settings.shares[index],
            self._loss.shrink_mask(region),
        )


def make_objective(
    scale: Scale,
    names: Sequence[str],
    compare: Callable[[tf.Tensor], Mapping[str, tf.Tensor]],
) -> Objective:
    """Returns the objective of flat pictures [H*W*3] of a scale.

    Args:
        scale: of the pictures.
        names: of the terms that it delivers beside its value.
        compare: returns "loss" and these terms, [1] each, of a picture [1, H, W, 3].
    """

    def evaluate(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            terms = compare(tf.reshape(x, [1, scale.height, scale.width, 3]))
            value = terms["loss"][0]
        return (
            value,
            tape.gradient(value, x),
            tf.stack([terms[name][0] for name in names]),
        )

    return evaluate


def resize_picture(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes [H, W, C] in [0, 1], float32, bicubic and antialiased, clipped to [0, 1]."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.clip(
        tf.image.resize(
            picture, [height, width], tf.image.ResizeMethod.BICUBIC, antialias=True
        ).numpy(),
        0,
        1,
    )


def _shrink_mask(masks, index, size) -> tf.Tensor | None:
    return resize_picture(masks[index], *size)[None] if masks else None
