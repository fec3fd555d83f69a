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
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import keras
import numpy as np

from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.core.lists import split_list
from nst_tf.data import sample_photos, style_images
from nst_tf.exporters import network_inputs, parity
from nst_tf.exporters.exporter import Exporter, hash_files
from nst_tf.exporters.tflite import conversion, exporter as tflite
from nst_tf.exporters.tflite.conversion import FLOAT16
from nst_tf.exporters.views import view
from nst_tf.exporters.web import litert_js
from nst_tf.images import io as image_io
from nst_tf.inference.model import STYLE_SIZE, read_style
from nst_tf.inference.style_names import label_style, label_styles
from nst_tf.models import transform_net

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
    "style": "any",
}
SAMPLE = "coffee"  # a photo to begin with; public domain (CC0)
# LiteRT.js imports this from a second package, for which the page has its own few
# lines: in a worker, where it runs, there are no import maps that could say so.
IMPORT, IMPORTED = b'from "@litertjs/wasm-utils"', b'from "../js/wasm_utils.js"'


@dataclasses.dataclass(frozen=True)
class Offer:
    """A network that a page offers.

    Attributes:
        name: for the user, and of its files.
        network: as for every exporter.
        style_image: the run's setting, for names and pictures of the network's own
            styles; if it does not name as many, they are numbered. A style without a
            picture is shown by a painting.
        style_names: of its own styles, where they are known; () for those of style_image.
    """

    name: str
    network: keras.Model
    style_image: str = ""
    style_names: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Style:
    """A style that the page offers.

    Attributes:
        name: for the user.
        picture: uint8 [h, w, 3] of it, or of a photo in it.
        code: for networks of any style.
    """

    name: str
    picture: np.ndarray
    code: Sequence[float] = ()


class WebExporter(Exporter):
    """Writes FOLDER/web; serve it with any server of static files, see
    `nst_tf/assets/web`.

    A page for a network of any style has the codes of the packaged style pictures.
    """

    name = "web"
    options = ("style_image", "style_names", "web_runtime")

    def check_machine(self) -> None:
        litert_js.load()

    def export(
        self,
        network: keras.Model,
        folder: Path,
        name: str,
        *,
        style_image: str = "",
        style_names: Sequence[str] = (),
        web_runtime: str = "",
    ) -> list[parity.Artifact]:
        """Writes the one artifact; its ratio is the smallest of all files'.

        Args:
            network, folder: as for every exporter.
            name: of the network, for the page's title and the files.
            style_image, style_names: see `Offer`.
            web_runtime: see `litert_js.load`.

        Raises:
            UserError: the folder cannot be written, or LiteRT.js is not to be had.
            RuntimeError: as every exporter.
        """
        offer = Offer(name, network, style_image, style_names)
        return [self.export_page([offer], folder, web_runtime)]

    def export_page(
        self, offers: Iterable[Offer], folder: Path, web_runtime: str = ""
    ) -> parity.Artifact:
        """Writes a page with a menu of networks, or without one for a single network.

        Args:
            offers: asked for one after the other, so that one network at a time is held.
            folder, web_runtime: as for `export`.

        Raises:
            UserError, RuntimeError: as `export`.
        """
        contents = {
            **_read_page(),
            **_place_runtime(litert_js.load(web_runtime)),
            "sample.jpg": image_io.encode_rgb8(
                sample_photos.builtin_photo(SAMPLE), "jpg"
            ),
        }
        target = folder / FOLDER
        models, likenesses = [], []
        for offer in offers:
            frames, files_of_frames, found = _convert_frames(offer, target)
            listed, pictures = _list_styles(offer)
            contents |= files_of_frames | pictures
            likenesses += found
            kind = KINDS[network_inputs.second_input(offer.network)]
            models.append(
                {"name": offer.name, "kind": kind, "styles": listed, "frames": frames}
            )
        contents["model.json"] = json.dumps({"models": models}, indent=1).encode()
        with files.replace_folder(target) as scratch:
            for path, data in contents.items():
                files.write_atomically(scratch / path, data)
        size = sum(map(len, contents.values()))
        sizes: dict[str, float] = {}
        for each in likenesses:
            for side, least in each.by_size.items():
                sizes[side] = min(least, sizes.get(side, least))
        likeness = dataclasses.replace(min(likenesses), by_size=sizes)
        return parity.Artifact(target, size, likeness, FLOAT16.at_least, self.name)

    def open(self, path: Path) -> Callable[..., np.ndarray]:
        """Opens the files of a page's first network; each draws pictures of its own size."""
        page = json.loads((path / "model.json").read_text())["models"][0]
        by_size = {}
        for frame in page["frames"]:
            file = path / frame["file"]
            size = frame["height"], frame["width"]
            by_size[size] = conversion.open_checked(file.read_bytes(), file)

        def run(**inputs):
            picture = inputs.get("image", inputs.get("content"))
            if (size := picture.shape[1:3]) not in by_size:
                raise expected(
                    f"a picture of one of the sizes {sorted(by_size)} for {path}",
                    size,
                    "Resize it.",
                )
            return by_size[size](**inputs)

        return run

    def describe(self, path: Path) -> dict:
        """Returns hashes of all files, and what the models among them take and give.

        What it takes in browsers, nothing here can say: there is no latency.
        """
        models = {}
        for file in sorted(path.rglob("*.tflite")):
            models[file.relative_to(path).as_posix()] = tflite.describe_contents(file)
        return {"sha256": hash_files(path), "models": models}


def _convert_frames(offer, target):
    """What model.json says of a network's files, {path: content}, and their likenesses."""
    network = offer.network
    source = tflite.files_of(network)
    frames, contents, likenesses = [], {}, []
    views = itertools.count()
    for side, (vertical, horizontal) in itertools.product(SIDES, SHAPES):
        height, width = round(side * vertical), round(side * horizontal)
        file = f"models/{offer.name}_{width}x{height}_float16.tflite"
        data = source.convert(height, width, {"": FLOAT16})[""]
        run = conversion.open_checked(data, target / file)
        # 21 in all for three sizes and shapes, most of them where that takes the
        # least time.
        own = list(itertools.islice(views, VIEWS if side == min(SIDES) else 1))
        references = parity.draw_references(network, (height, width), own)
        draw = source.draw_with(run)
        likeness = parity.compare(references, draw, target / file, FLOAT16.at_least)
        likenesses.append(likeness)
        contents[file] = data
        frames.append({"file": file, "width": width, "height": height})
    return frames, contents, likenesses


def _list_styles(offer):
    """What model.json says of a network's styles, and {path: their picture}."""
    listed, pictures = [], {}
    for number, style in enumerate(_offer_styles(offer), 1):
        path = f"styles/{offer.name}_{number}.jpg"
        listed.append({"name": style.name, "code": list(style.code), "picture": path})
        pictures[path] = image_io.encode_rgb8(style.picture, "jpg")
    return listed, pictures


def _offer_styles(offer):
    """The styles that the page lists."""
    count = network_inputs.count_styles(offer.network)
    if not count:
        packaged = style_images.packaged_styles()
        return [_offer_code(offer.network, image) for image in packaged]
    images = split_list(offer.style_image)
    if len(images) != count:
        images = ("",) * count
    names = offer.style_names
    if len(names) != count:
        names = label_styles(offer.style_image, count)
    styles = []
    for number, (name, image) in enumerate(zip(names, images)):
        picture = _read_thumbnail(image)
        if picture is None:
            picture = _paint_thumbnail(offer.network, number)
        styles.append(Style(name, picture))
    return styles


def _offer_code(network, image):
    picture = read_style(image, STYLE_SIZE)[None]
    code = np.asarray(network_inputs.parts_of(network).encode_style(picture))[0]
    return Style(label_style(image), _read_thumbnail(image), code.tolist())


def _read_thumbnail(image):
    """A style picture in small, uint8 [h, w, 3]; None if it is not at hand."""
    path = style_images.packaged_styles().get(image, Path(image))
    if not path.is_file():
        return None
    return image_io.decode_rgb8(path, short_side=THUMBNAIL)


def _paint_thumbnail(network, number):
    """A part of a photo in one of the network's styles, uint8 [h, w, 3]."""
    photo = view(0, (THUMBNAIL, THUMBNAIL))[None]
    blend = network_inputs.own_styles(network)[number : number + 1]
    return image_io.to_uint8(network_inputs.draw(network, photo, *blend)[0])


def _read_page():
    """{path: content} of the page's own files."""
    root = Path(str(importlib.resources.files("nst_tf.assets"))) / "web"
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _place_runtime(found):
    """{path: content} of LiteRT.js in the page."""
    placed = {f"runtime/{Path(path).name}": data for path, data in found.items()}
    script = placed["runtime/index.js"]
    if script.count(IMPORT) != 1:
        raise RuntimeError(
            f"Expected one {IMPORT.decode()} in LiteRT.js. Received: {script.count(IMPORT)}."
        )
    changed = b"// Changed by nst_tf: the import of @litertjs/wasm-utils names another file.\n"
    return placed | {"runtime/index.js": changed + script.replace(IMPORT, IMPORTED)}
