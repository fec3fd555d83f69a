"""Every setting of `nst_tf.train`: name, default, meaning; one class a method.

The command's flags are those of all methods together; what --method does not use is
refused by name.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from nst_tf.config.fields import (
    PATH,
    PATHS,
    Other,
    Settings,
    check_resume,
    parse_value,
    refuse_unused,
    setting,
)
from nst_tf.config.perceptual import PerceptualSettings, pixel_limit
from nst_tf.config.registries import (
    EXPORTERS,
    FEATURE_NETWORKS,
    FEATURE_TRANSFORMS,
    METHOD_SETTINGS,
    METHODS,
    NETWORKS,
    STATISTICS,
)
from nst_tf.core.errors import UserError, expected
from nst_tf.core.lists import split_list

METHOD_HELP = (
    "What to train: a network of one style or several, a network of any style, the narrow feature "
    "network, or a classifier, which is a feature network of your own."
)
# Of --init_from: random weights, and a packaged network of any style.
NONE, BASE = "none", "base"


@dataclasses.dataclass(frozen=True)
class TrainSettings(Settings):
    """What all methods are told; `TrainSettings.of` returns those of the method named."""

    method: str = setting("feedforward", METHOD_HELP, choices=METHODS)
    output: str = setting(
        "",
        "Run folder: flags, log, previews, checkpoints, network, exports.",
        required="Try --output=runs/first.",
        resumable=True,
        path=PATH,
    )

    content: str = setting(
        "builtin",
        "Photos to train on: builtin, builtin:photos, builtin:leaves, tfds:NAME, or folders between commas.",
        path=PATHS,
    )
    data_dir: str = setting(
        "", "Folder of TFDS; empty for its default.", resumable=True, path=PATH
    )
    crop_size: int = setting(256, "Side of the crops, pixels.", least=16, most=4096)
    short_side: int = setting(
        0,
        "Short side to which photos are resized before the crop, pixels; 0 for 1.25 crops.",
        least=0,
    )
    batch_size: int = setting(4, "Crops a step, over all devices together.", least=1)

    max_pixels: int = pixel_limit()

    init_from: str = setting(
        "",
        "What gives the first weights: none (random ones), base (the packaged network, which begins with the style "
        "painted), or the folder of a run of the same network (of a run that has not finished, its newest checkpoint); of a slim VGG19 with other widths, the layers before the first that differs; of a network of fewer styles, all of "
        "them, and only the norms of the styles added learn.",
        path=PATH,
    )
    optimizer: str = setting(
        "adam",
        "Optimizer: adam; muon, which learns more in a few hundred steps; or sgd, with Nesterov's momentum "
        "of 0.9.",
        choices=("adam", "muon", "sgd"),
    )
    learning_rate: float = setting(
        1e-3, "The optimizer's step size at the start.", above=0
    )
    schedule: str = setting(
        "cosine",
        "Course of the step size: constant, a cosine down to zero, or that after a tenth in which it grows.",
        choices=("cosine", "warm_cosine", "constant"),
    )
    ema: float = setting(
        0.0,
        "Ends with averaged weights: each step adds the share 1 - EMA of its own to the average; 0 for none.",
        least=0,
        below=1,
    )
    steps: int = setting(-1, "Steps to train; -1 for no limit.", above=0, off=-1)
    minutes: float = setting(
        -1.0,
        "Minutes to train, without a start's first step; -1 for no limit. The first limit reached ends the run.",
        above=0,
        off=-1,
    )
    least_steps: int = setting(
        0,
        "Where --minutes would end the run after fewer steps, it goes on to so many: for slow machines.",
        least=0,
        used_if={"minutes": Other(-1.0)},
    )
    seed: int = setting(1, "Seed of weights, crops and order.", least=0)
    strategy: str = setting(
        "one_device",
        "Devices: one, all of this machine, or all workers of TF_CONFIG.",
        choices=("one_device", "mirrored", "multi_worker"),
        resumable=True,
    )

    checkpoint_steps: int = setting(
        500, "Steps between checkpoints.", least=1, resumable=True
    )
    checkpoint_minutes: float = setting(
        5.0, "Minutes between checkpoints at most.", above=0, resumable=True
    )
    tensorboard: bool = setting(
        True, "Write TensorBoard events into the run folder.", resumable=True
    )
    resume: bool = setting(
        False, "Continue the interrupted run in --output.", resumable=True
    )
    overwrite: bool = setting(
        False, "Replace the run in --output by a new one.", resumable=True
    )

    def _check(self) -> None:
        super()._check()
        if 0 < self.short_side < self.crop_size:
            raise expected(
                f"--short_side of 0, or of at least --crop_size={self.crop_size}",
                self.short_side,
                "Change --short_side.",
            )
        if self.steps == -1 and self.minutes == -1:
            raise expected(
                "a budget", "neither --steps nor --minutes", "Set one of the two."
            )
        if self.init_from == BASE and self.method != "feedforward":
            raise expected(
                f"--init_from={BASE} with --method=feedforward",
                f"--method={self.method}",
                f"Name a run, or --init_from={NONE}.",
            )
        check_resume(self.resume, self.overwrite)

    @property
    def first_run(self) -> str:
        """The folder of the run that gives the first weights; "" for none."""
        return "" if self.init_from in (NONE, BASE) else self.init_from

    @classmethod
    def find_run(cls, values: Mapping[str, Any]) -> str:
        return values.get("output", "")

    @classmethod
    def flag_fields(cls) -> tuple[dataclasses.Field[Any], ...]:
        """Returns the fields of all methods, those of `TrainSettings` first."""
        fields: dict[str, dataclasses.Field[Any]] = {}
        classes: list[type[TrainSettings]] = [TrainSettings, *METHOD_SETTINGS.values()]
        for settings in classes:
            for field in dataclasses.fields(settings):
                fields.setdefault(field.name, field)
        return tuple(fields.values())

    @classmethod
    def _choose_class(cls, values: Mapping[str, Any]) -> type["TrainSettings"]:
        (field, *_) = dataclasses.fields(TrainSettings)
        return METHOD_SETTINGS[parse_value(field, values.get("method", field.default))]

    @classmethod
    def _find_foreign(
        cls, settings: type["TrainSettings"], values: Mapping[str, Any]
    ) -> Iterator[tuple[str, UserError]]:
        own = {field.name for field in dataclasses.fields(settings)}
        for field in cls.flag_fields():
            given = values.get(field.name, field.default) != field.default
            if field.name in own or not given:
                continue
            methods = [
                method
                for method, other in METHOD_SETTINGS.items()
                if field.name in other.__dataclass_fields__
            ]
            error = refuse_unused(
                field.name,
                f"--method={' or '.join(methods)}",
                f"--method={settings.method}",
            )
            yield field.name, error


@dataclasses.dataclass(frozen=True)
class DrawingSettings(PerceptualSettings, TrainSettings):
    """What methods are told whose networks draw."""

    style_size: int = setting(
        512,
        "Short side of the style image in pixels, aspect kept: it sets the size of strokes.",
        least=1,
    )
    statistic: str = setting(
        "gram", "What of the features is style.", choices=STATISTICS
    )
    identity_weight: float = setting(
        10.0,
        "Weight of the error of photos given back, painted with --alpha=0 or with --strength without any, "
        "a crop in eight; for a network of any style 0 for none of them.",
        least=0,
        used_if={"strength": True},
    )
    mesh_weight: float = setting(
        0.0,
        "Weight of the mesh term: squared gray levels of patterns that repeat every four pixels; against a weave "
        "in skies and walls.",
        least=0,
    )

    width: int = setting(
        32,
        "Channels of the network's first stage; 32 is Johnson's.",
        least=1,
        most=512,
        used_if={"network": "style_prediction"},
    )
    residual_blocks: int = setting(
        5,
        "Residual blocks of the network; 5 is Johnson's.",
        least=0,
        most=64,
        used_if={"network": "style_prediction"},
    )
    padding: str = setting(
        "reflect",
        "Padding of its convolutions.",
        choices=("reflect", "zeros"),
        used_if={"network": "style_prediction"},
    )
    block: str = setting(
        "residual",
        "Residual blocks of full 3x3 convolutions, or separable ones with a ninth of the work.",
        choices=("residual", "separable"),
        used_if={"network": "style_prediction"},
    )
    edge_size: int = setting(
        9,
        "Side of the first and last kernel, odd; 9 is Johnson's, and half of a narrow network's work.",
        used_if={"network": "style_prediction"},
    )

    preview_steps: int = setting(
        50, "Steps between preview pictures; 0 for none.", least=0, resumable=True
    )
    export: tuple[str, ...] = setting(
        ("saved_model", "tflite"),
        "Formats to export at the end.",
        choices=EXPORTERS,
        resumable=True,
    )


@dataclasses.dataclass(frozen=True)
class FeedforwardSettings(DrawingSettings):
    """Settings of `nst_tf.train --method=feedforward`."""

    method: str = setting("feedforward", METHOD_HELP, choices=("feedforward",))
    style_image: str = setting(
        "starry_swirls",
        "Style: a packaged picture's name, a path, or a URL; several between commas are learnt by one network.",
        path=PATHS,
    )
    style_sha256: str = setting(
        "",
        "SHA-256 that the style image must have, of several one each; those of URLs are filled in, so "
        "that the run's flags repeat it.",
    )
    strength: bool = setting(
        False,
        "Learn to give the photo back too, from a crop in eight, by norms of its own: the network can then "
        "paint weakly, `stylize --strength=0.5`.",
    )
    temporal_weight: float = setting(
        0.0,
        "Weight of the temporal term: how far what is painted follows a photo that is moved, partly covered "
        "and given new noise, in pixels and features; against flicker in videos.",
        least=0,
    )
    stability_weight: float = setting(
        0.0, "Earlier term against flicker; --temporal_weight has taken its place."
    )

    def _check(self) -> None:
        super()._check()
        if self.stability_weight:
            raise expected(
                "--temporal_weight, which has taken the place of --stability_weight",
                f"--stability_weight={self.stability_weight}",
                "Try --temporal_weight=1.",
            )
        if self.strength and not self.identity_weight:
            raise expected(
                "--identity_weight above 0 with --strength",
                self.identity_weight,
                "It is the weight of giving the photo back.",
            )
        _ = self.styles  # raises, if hashes are missing

    @property
    def begins_with_base(self) -> bool:
        """Whether a packaged network gives the first weights."""
        return self.init_from == BASE

    @property
    def styles(self) -> tuple[tuple[str, str], ...]:
        """The style images, each with the SHA-256 it must have or an empty one."""
        names = split_list(self.style_image) or ("",)
        hashes = split_list(self.style_sha256) or ("",) * len(names)
        if len(names) != len(hashes):
            raise expected(
                f"as many --style_sha256 as --style_image, {len(names)}",
                len(hashes),
                "Name one for each, or none.",
            )
        return tuple(zip(names, hashes))


@dataclasses.dataclass(frozen=True)
class AnyStyleSettings(DrawingSettings):
    """Settings of `nst_tf.train --method=any_style`."""

    method: str = setting("any_style", METHOD_HELP, choices=("any_style",))
    network: str = setting(
        "adain",
        "Network of any style: adain, whose decoder mirrors the encoder, or style_prediction, a network of "
        "--width, --residual_blocks ... whose norms follow a style's code: small and fast.",
        choices=NETWORKS,
        aliases=("any_style",),
    )
    encoder: str = setting(
        "slim_vgg19", "Its frozen encoder.", choices=FEATURE_NETWORKS
    )
    transfer: str = setting(
        "adain",
        "How adain gives features a style's statistics, and how transferred content targets get them.",
        choices=FEATURE_TRANSFORMS,
        used_if={"network": "adain", "content_target": "transferred"},
    )
    skips: tuple[str, ...] = setting(
        (),
        "Encoder's layers among relu3_1, relu2_1 and relu1_1 whose transferred features adain's decoder gets too.",
        choices=("relu3_1", "relu2_1", "relu1_1"),
        used_if={"network": "adain"},
    )
    style_colors: bool = setting(
        False,
        "Bring a style's colors over by their mean and covariance, and mix the photo in where strength is below 1: "
        "last layers without weights.",
        used_if={"network": "style_prediction"},
    )
    content_target: str = setting(
        "photo",
        "What a network of any style keeps: features of the photo, or those transferred (Huang, Belongie).",
        choices=("photo", "transferred"),
    )
    paintings: str = setting(
        "builtin:styles",
        "Paintings that a network of any style is trained on: folders separated by commas, "
        "builtin:styles (the packaged pictures) among them, or tfds:NAME. Their short sides vary between "
        "--crop_size and --style_size.",
        path=PATHS,
    )
    recolored: float = setting(
        0.0,
        "Share of the paintings shown in other hues; for few of them.",
        least=0,
        most=1,
    )
