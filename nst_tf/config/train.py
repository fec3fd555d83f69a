"""Every setting of a training run: name, default, meaning, all in one place.

The command's flags, their help, the run folder's replayable file and the check on
resume are made from these fields; the library reads them as a frozen dataclass.
"""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import FEATURE_NETWORKS, STATISTICS
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class TrainSettings(PerceptualSettings):
    """Settings of `nst_tf.train`; each field is the flag of the same name."""

    method: str = setting(
        "feedforward",
        "What to train: a per-style network, a network of any style, or the narrow feature "
        "network.",
        choices=("feedforward", "adain", "slim_features"),
    )
    output: str = setting(
        "",
        "Run folder: flags, log, previews, checkpoints, network, exports.",
        resumable=True,
    )

    style_image: str = setting(
        "starry_swirls",
        "Style: a packaged picture's name, a path, or a URL (with --style_sha256); several, "
        "separated by commas, are learnt by one network.",
    )
    style_sha256: str = setting(
        "",
        "SHA-256 that the style image must have, of several one each; needed for URLs.",
    )
    style_size: int = setting(
        512,
        "Short side of the style image in pixels, aspect kept: it sets the size of strokes.",
    )

    content: str = setting(
        "builtin",
        "Photos to train on: builtin, builtin:photos, builtin:leaves, tfds:NAME, or folders "
        "separated by commas.",
    )
    data_dir: str = setting(
        "", "Where TFDS keeps its data sets; empty for its default.", resumable=True
    )
    crop_size: int = setting(256, "Side of the random crops, pixels.")
    short_side: int = setting(
        0,
        "Short side to which photos are resized before the crop, pixels; 0 for 1.25 crops.",
    )
    batch_size: int = setting(4, "Crops a step, over all devices together.")

    statistic: str = setting(
        "gram",
        "What of the features is style.",
        choices=STATISTICS.names,
    )
    paintings: str = setting(
        "builtin:styles",
        "Paintings that a network of any style is trained on: folders separated by commas, "
        "builtin:styles (the packaged pictures) among them, or tfds:NAME. Their short sides vary between "
        "--crop_size and --style_size.",
    )
    recolored: float = setting(
        0.0, "Share of the paintings shown in other hues; for few of them."
    )
    any_style: str = setting(
        "adain",
        "Network of any style: adain, whose decoder mirrors the encoder, or modulated, a per-style "
        "network of --width, --residual_blocks ... whose norms follow a style's code: small and fast.",
        choices=("adain", "modulated"),
    )
    encoder: str = setting(
        "slim_vgg19", "Its frozen encoder.", choices=FEATURE_NETWORKS.names
    )
    transfer: str = setting(
        "adain",
        "How adain gives features a style's statistics.",
        choices=("adain", "efdm", "histogram", "correlation"),
    )
    skips: tuple[str, ...] = setting(
        (),
        "Encoder's layers among relu3_1, relu2_1 and relu1_1 whose transferred features adain's decoder gets too.",
        choices=("relu3_1", "relu2_1", "relu1_1"),
    )
    content_target: str = setting(
        "photo",
        "What a network of any style keeps: features of the photo, or those transferred (Huang and "
        "Belongie's).",
        choices=("photo", "transferred"),
    )
    identity_weight: float = setting(
        10.0,
        "Weight of the error of photos given back, painted with --alpha=0 or with --strength without any, "
        "a crop in eight; for a network of any style 0 for none of them.",
    )

    width: int = setting(32, "Channels of the network's first stage; 32 is Johnson's.")
    residual_blocks: int = setting(5, "Residual blocks of the network; 5 is Johnson's.")
    padding: str = setting(
        "reflect", "Padding of its convolutions.", choices=("reflect", "zeros")
    )
    block: str = setting(
        "residual",
        "Residual blocks of full 3x3 convolutions, or separable ones with a ninth of the work.",
        choices=("residual", "separable"),
    )
    edge_size: int = setting(
        9,
        "Side of the first and last kernel, odd; 9 is Johnson's, and half of a narrow network's work.",
    )
    slim_widths: tuple[str, ...] = setting(
        ("32", "64", "128", "256", "512"), "Channels of the slim VGG19's five blocks."
    )

    init_from: str = setting(
        "",
        "Run folder of the same network whose newest checkpoint gives the first weights; of a slim VGG19 "
        "with other widths, the layers before the first that differs; of a network of fewer styles, all of "
        "them, and only the norms of the styles added learn.",
    )
    strength: bool = setting(
        False,
        "Learn to give the photo back too, from a crop in eight, by norms of its own: the network can then "
        "paint weakly, `stylize --strength=0.5`.",
    )
    stability_weight: float = setting(
        0.0,
        "Weight of the stability term: how much the network amplifies noise of 5 gray levels; against "
        "flicker in videos.",
    )
    mesh_weight: float = setting(
        0.0,
        "Weight of the mesh term: squared gray levels of patterns that repeat every four pixels; against a weave "
        "in skies and walls.",
    )
    optimizer: str = setting(
        "adam",
        "Optimizer: adam, or muon, which learns more in a few hundred steps.",
        choices=("adam", "muon"),
    )
    learning_rate: float = setting(1e-3, "The optimizer's step size at the start.")
    schedule: str = setting(
        "cosine",
        "Course of the step size: constant, down to zero along a cosine, or the same after a "
        "tenth of the budget in which it grows.",
        choices=("cosine", "warm_cosine", "constant"),
    )
    ema: float = setting(
        0.0,
        "Ends with averaged weights: each step adds the share 1 - EMA of its own to the average; 0 for none.",
    )
    steps: int = setting(-1, "Steps to train; -1 for no limit.")
    minutes: float = setting(
        -1.0, "Minutes to train; -1 for no limit. The first limit reached ends the run."
    )
    least_steps: int = setting(
        0,
        "Where --minutes would end the run after fewer steps, it goes on to so many: for slow machines.",
    )
    seed: int = setting(1, "Seed of weights, crops and order.")
    strategy: str = setting(
        "one_device",
        "Devices: one, all of this machine, or all workers of TF_CONFIG.",
        choices=("one_device", "mirrored", "multi_worker"),
        resumable=True,
    )

    preview_steps: int = setting(
        50, "Steps between preview pictures; 0 for none.", resumable=True
    )
    checkpoint_steps: int = setting(500, "Steps between checkpoints.", resumable=True)
    checkpoint_minutes: float = setting(
        5.0, "Minutes between checkpoints at most.", resumable=True
    )
    tensorboard: bool = setting(
        True, "Write TensorBoard events into the run folder.", resumable=True
    )
    export: tuple[str, ...] = setting(
        ("saved_model", "tflite"), "Formats to export at the end.", resumable=True
    )
    resume: bool = setting(
        False, "Continue the interrupted run in --output.", resumable=True
    )
    overwrite: bool = setting(
        False, "Replace the run in --output by a new one.", resumable=True
    )

    def __post_init__(self):
        super().__post_init__()
        if not self.output:
            raise expected(
                "--output, a folder for the run", "nothing", "Try --output=runs/first."
            )
        for name in ("crop_size", "batch_size", "style_size"):
            self._require(name, getattr(self, name) >= 1, "of at least 1")
        self._require(
            "short_side",
            self.short_side == 0 or self.short_side >= self.crop_size,
            f"of 0, or of at least --crop_size={self.crop_size}",
        )
        self._require("seed", self.seed >= 0, "of at least 0")
        self._require("learning_rate", self.learning_rate > 0, "above 0")
        self._require("stability_weight", self.stability_weight >= 0, "of at least 0")
        self._require("mesh_weight", self.mesh_weight >= 0, "of at least 0")
        self._require("identity_weight", self.identity_weight >= 0, "of at least 0")
        self._require("recolored", 0 <= self.recolored <= 1, "from 0 to 1")
        if self.strength and self.method != "feedforward":
            raise expected(
                "--strength with --method=feedforward",
                f"--method={self.method}",
                "Leave it out: networks of any style have --alpha at any rate.",
            )
        if self.strength and not self.identity_weight:
            raise expected(
                "--identity_weight above 0 with --strength",
                self.identity_weight,
                "It is the weight of giving the photo back.",
            )
        if self.skips and self.any_style != "adain":
            raise expected(
                "--skips with --any_style=adain",
                f"--any_style={self.any_style}",
                "Leave --skips out.",
            )
        self._require("ema", 0 <= self.ema < 1, "of at least 0 and below 1")
        for name in ("steps", "minutes"):
            value = getattr(self, name)
            self._require(name, value == -1 or value > 0, "above 0, or -1 for no limit")
        if self.steps == -1 and self.minutes == -1:
            raise expected(
                "a budget", "neither --steps nor --minutes", "Set one of the two."
            )
        if self.precision == "auto" and self.strategy == "multi_worker":
            raise expected(
                "--precision=float32 or bfloat16 with --strategy=multi_worker",
                "auto",
                "Workers might choose differently.",
            )
        self._require("least_steps", self.least_steps >= 0, "of at least 0")
        self._require("checkpoint_steps", self.checkpoint_steps >= 1, "of at least 1")
        self._require("checkpoint_minutes", self.checkpoint_minutes > 0, "above 0")
        self._require("preview_steps", self.preview_steps >= 0, "of at least 0")
        if self.resume and self.overwrite:
            raise expected(
                "--resume or --overwrite",
                "both",
                "Continue the old run, or replace it.",
            )
        _ = self.styles  # raises, if hashes are missing

    @property
    def styles(self) -> tuple[tuple[str, str], ...]:
        """The style images, each with the SHA-256 it must have or an empty one."""
        names = self.style_image.split(",")
        hashes = (
            self.style_sha256.split(",") if self.style_sha256 else [""] * len(names)
        )
        if len(names) != len(hashes):
            raise expected(
                f"as many --style_sha256 as --style_image, {len(names)}",
                len(hashes),
                "Name one for each, or none.",
            )
        return tuple(zip(names, hashes))
