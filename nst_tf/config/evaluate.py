"""Every setting of `nst_tf.evaluate`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import NAMED_PATHS, PATH, Other, refuse_unused, setting
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import FEATURE_NETWORKS


@dataclasses.dataclass(frozen=True)
class EvaluateSettings(PerceptualSettings):
    """Settings of `nst_tf.evaluate`; each field is the flag of the same name."""

    feature_network: str = setting(
        "vgg19",
        "Network that judges pictures; what the slim one says is not comparable with VGG19.",
        choices=FEATURE_NETWORKS,
    )
    models: tuple[str, ...] = setting(
        (),
        "What to compare, separated by commas: run folders, .keras files, SavedModels, .tflite, .onnx or "
        "OpenVINO's .xml files, or folders of finished pictures named as the photos; NAME=PATH names one, "
        "NAME=PATH+PATH... a family whose members differ in their loss weights only; PATH@2 is style 2, from 0, of a model of several. "
        "Models of any style paint in --style_image.",
        path=NAMED_PATHS,
    )
    content: str = setting(
        "builtin",
        "Photos that no model was trained on: folder or glob; builtin for scikit-image's, which "
        "the models of --content=builtin know.",
        path=PATH,
    )
    photos: int = setting(
        0, "Use about so many of the photos, evenly chosen; 0 for all.", least=0
    )
    videos: tuple[str, ...] = setting(
        (),
        "Clips instead of photos: files, folders of them, or folders of frames, separated by commas; true "
        "flow is read where MPI-Sintel's .flo files are there. It takes the place of --content.",
        path=PATH,
    )
    video_frames: int = setting(
        0,
        "Frames of each clip at most; 0 for all.",
        least=0,
        used_if={"videos": Other(())},
    )
    judged_frames: int = setting(
        12,
        "Frames of each clip whose content and style are judged, evenly chosen.",
        least=1,
        used_if={"videos": Other(())},
    )
    coherence: float = setting(
        1.0,
        "Paint clips coherently, too, as nst_tf.stylize --coherence does; 0 for frame by frame only.",
        least=0,
        most=1,
        used_if={"videos": Other(())},
    )
    image_size: int = setting(
        512, "Long side of the photos or frames, pixels.", least=1, most=100_000
    )
    style_image: str = setting("starry_swirls", "Style, as in nst_tf.train.", path=PATH)
    style_sha256: str = setting(
        "", "SHA-256 that the style image must have; that of a URL is written down."
    )
    style_size: int = setting(
        512, "Short side at which the style is judged, pixels.", least=1, most=100_000
    )
    gatys: tuple[int, ...] = setting(
        (),
        "Also judge nst_tf.optimize after these numbers of iterations, such as 50,100,300; minutes a "
        "photo.",
        least=1,
    )
    reference: str = setting(
        "", "Name of a model: families are compared with it at its content objective."
    )
    sheet_photos: int = setting(
        4, "Photos on the contact sheet, evenly chosen.", least=1
    )
    output: str = setting(
        "",
        "Folder for table, numbers, plot and contact sheet.",
        required="Try --output=evaluation.",
        path=PATH,
    )
    overwrite: bool = setting(False, "Replace the files of an earlier evaluation.")

    @property
    def gatys_iterations(self) -> tuple[int, ...]:
        """The numbers in `gatys`, ascending."""
        return tuple(sorted(self.gatys))

    def _check(self) -> None:
        super()._check()
        if not self.videos:
            return
        for name in ("content", "photos", "gatys", "reference", "sheet_photos"):
            field = type(self).__dataclass_fields__[name]
            if getattr(self, name) != field.default:
                raise refuse_unused(name, "photos", "--videos")
