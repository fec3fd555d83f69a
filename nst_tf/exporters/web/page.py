"""A folder with a page that paints in the browser: page, network in files of fixed
sizes, LiteRT.js.

Browsers get fixed sizes because LiteRT.js refuses files of any size. A photo is fitted
into the frame that shows most of it, and mirrored where it leaves the frame empty, as
`nst_tf.images.padding` does; the page cuts that off again.
"""

import dataclasses
import importlib.resources
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from nst_tf.core import files
from nst_tf.data import sample_photos, style_images
from nst_tf.exporters import model_card, parity
from nst_tf.exporters.tflite import any_style as any_style_tflite, per_style as tflite
from nst_tf.exporters.web import litert_js
from nst_tf.images import io as image_io
from nst_tf.inference.model import STYLE_SIZE, read_style
from nst_tf.models import adain_net, transform_net

FOLDER = "web"
# Pixels, the long sides of frames. Squares, and the shape of most cameras' photos,
# lying and standing.
SIDES = (256, 512, 768)
VIEWS = 5  # on which each of the smallest files is checked
SHAPES = (
    (1.0, 1.0),
    (0.75, 1.0),
    (1.0, 0.75),
)  # height and width as parts of the long side
THUMBNAIL = 192  # pixels, short side of the styles' pictures
# What the page calls a network, by its second input.
KINDS = {
    None: "single",
    transform_net.STYLE_WEIGHTS: "several",
    transform_net.STRENGTHS: "strengths",
}
SAMPLE = "coffee"  # a photo to begin with; public domain (CC0)
# LiteRT.js imports this from a second package, for which the page has its own few
# lines: in a worker, where it runs, there are no import maps that could say so.
IMPORT, IMPORTED = b'from "@litertjs/wasm-utils"', b'from "../js/wasm_utils.js"'


@dataclasses.dataclass(frozen=True)
class Style:
    """A style that the page offers.

    Attributes:
        name: for the user.
        picture: uint8 [h, w, 3] of it; None if it is not at hand.
        code: for networks of any style.
    """

    name: str
    picture: np.ndarray | None = None
    code: Sequence[float] = ()


def export(
    network: keras.Model,
    folder: Path,
    name: str,
    *,
    style_image: str = "",
    web_runtime: str = "",
) -> list[parity.Artifact]:
    """Writes `folder`/web for a network of one or several styles; an older one is replaced.

    Serve it with any server of static files; see `nst_tf/assets/web`.

    Args:
        network: a float32 `transform_net.transform_net`.
        folder: run folder.
        name: of the network, for the page's title and the files.
        style_image: the run's setting, for names and pictures of the styles; empty:
            they are numbered.
        web_runtime: see `litert_js.load`.

    Returns:
        The one artifact; its ratio is the smallest of all files'.

    Raises:
        UserError: the folder cannot be written, or LiteRT.js is not to be had.
        RuntimeError: a file does not draw what the network draws; nothing was written.
    """
    core = tflite.core_for_phones(network)

    def converted(height, width):
        stylize = tflite.stylizing(core, height, width)
        return tflite.converted(stylize, core.weights, {"": tflite.FLOAT16})[""]

    count = transform_net.styles_of(network)
    named = style_image.split(",") if style_image else []
    offered = (
        [_style(each) for each in named]
        if len(named) == count
        else [Style(name) for name in model_card.labels("", count)]
    )
    return _written(
        network,
        folder,
        name,
        KINDS[transform_net.blend_name(network)],
        offered,
        converted,
        lambda run: run,
        web_runtime,
    )


def export_any_style(
    network: keras.Model,
    folder: Path,
    name: str,
    *,
    style_image: str = "",
    web_runtime: str = "",
) -> list[parity.Artifact]:
    """Writes `folder`/web for a network of any style, with the codes of the packaged
    style pictures.

    Arguments, result and errors are those of `export`; `style_image`, with which it was
    trained, is not used.
    """
    parts = adain_net.parts_of(network)
    transformer = any_style_tflite.transformer_for_phones(parts)

    def converted(height, width):
        return any_style_tflite.converted(
            transformer,
            ["content", "code", "alpha"],
            {"": tflite.FLOAT16},
            (height, width),
        )[""]

    def by_style(run):
        return lambda content, style, alpha: run(
            content=content, code=np.asarray(parts.encode_style(style)), alpha=alpha
        )

    offered = []
    for each in style_images.packaged_styles():
        code = np.asarray(parts.encode_style(read_style(each, STYLE_SIZE)[None]))[0]
        offered.append(
            dataclasses.replace(_style(each), code=[float(number) for number in code])
        )
    return _written(
        network, folder, name, "any", offered, converted, by_style, web_runtime
    )


def _style(image):
    path = style_images.packaged_styles().get(image, Path(image))
    picture = (
        image_io.decode_rgb8(path, short_side=THUMBNAIL) if path.is_file() else None
    )
    return Style(model_card.label(image), picture)


def _written(network, folder, name, kind, offered, converted, adapted, runtime):
    contents = {
        **_page(),
        **_runtime(litert_js.load(runtime)),
        "sample.jpg": image_io.encode_rgb8(sample_photos.builtin_photo(SAMPLE), "jpg"),
    }
    target = files.ensure_writable_folder(folder) / FOLDER
    frames, likenesses = [], []
    views = itertools.count()
    for side in SIDES:
        for height, width in (
            (round(side * vertical), round(side * horizontal))
            for vertical, horizontal in SHAPES
        ):
            file = f"models/{name}_{width}x{height}_float16.tflite"
            contents[file] = converted(height, width)
            run = tflite.open_checked(
                contents[file], target / file
            ).get_signature_runner()
            # 21 in all for three sizes and shapes, most of them where that takes the
            # least time.
            own = list(itertools.islice(views, VIEWS if side == min(SIDES) else 1))
            likenesses.append(
                parity.check(
                    network,
                    adapted(_drawer(run)),
                    target / file,
                    tflite.FLOAT16.at_least,
                    (height, width),
                    own,
                )
            )
            frames.append({"file": file, "width": width, "height": height})
    listed = []
    for index, style in enumerate(offered):
        entry = {"name": style.name, "code": list(style.code)}
        if style.picture is not None:
            entry["picture"] = f"styles/{index + 1}.jpg"
            contents[entry["picture"]] = image_io.encode_rgb8(style.picture, "jpg")
        listed.append(entry)
    page = {"name": name, "kind": kind, "styles": listed, "frames": frames}
    contents["model.json"] = json.dumps(page, indent=1).encode()
    _replace(target, contents)
    return [
        parity.Artifact(
            target,
            sum(map(len, contents.values())),
            min(likenesses),
            tflite.FLOAT16.at_least,
        )
    ]


def _drawer(run: Callable) -> Callable[..., np.ndarray]:
    return lambda **inputs: run(**inputs)["stylized"]


def _page():
    """{path: content} of the page's own files."""
    root = Path(str(importlib.resources.files("nst_tf.assets"))) / "web"
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _runtime(found):
    """{path: content} of LiteRT.js in the page."""
    placed = {f"runtime/{Path(path).name}": data for path, data in found.items()}
    script = placed["runtime/index.js"]
    if script.count(IMPORT) != 1:
        raise RuntimeError(
            f"Expected one {IMPORT.decode()} in LiteRT.js. Received: {script.count(IMPORT)}."
        )
    changed = b"// Changed by nst_tf: the import of @litertjs/wasm-utils names another file.\n"
    return placed | {"runtime/index.js": changed + script.replace(IMPORT, IMPORTED)}


def _replace(target, contents):
    """Writes a folder beside its place, which it takes when it is whole."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export") as scratch:
        whole = Path(scratch) / target.name
        for path, data in contents.items():
            files.write_atomically(whole / path, data)
        if target.exists():
            shutil.rmtree(target)
        whole.rename(target)
