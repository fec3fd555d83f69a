"""Turns labeled pictures that package registries bring into class folders, for --method=classify.

Example: apt-get download dataset-fashion-mnist && npm pack emoji-datasource-google
         python benchmarks/fetch_labeled.py --fashion=dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb \
             --emoji=emoji-datasource-google-16.0.0.tgz --output=data/labeled

Writes OUTPUT/fashion/train and test (60,000 and 10,000 pictures of 28x28 in 10 classes,
MIT) and OUTPUT/emoji (3,700 of 64x64, the Noto emoji, Apache 2.0, in the 99
subcategories of Unicode).
"""

import gzip
import io
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core import files

flags.DEFINE_string("fashion", "", "Debian's package dataset-fashion-mnist, a .deb.")
flags.DEFINE_string("emoji", "", "npm's package emoji-datasource-google, a .tgz.")
flags.DEFINE_string("output", None, "Folder for the class folders.", required=True)
FLAGS = flags.FLAGS

# In the order of their labels, as the package's README has them.
FASHION = (
    "t_shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle_boot",
)


def main():
    output = files.ensure_writable_folder(FLAGS.output)
    if FLAGS.fashion:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg-deb", "-x", FLAGS.fashion, folder], check=True)
            for split, prefix in (("train", "train"), ("test", "t10k")):
                write_fashion(Path(folder), prefix, output / "fashion" / split)
    if FLAGS.emoji:
        write_emoji(Path(FLAGS.emoji), output / "emoji")


def write_fashion(folder, prefix, output):
    """Writes the pictures of one pair of IDX files."""
    images, labels = (
        gzip.decompress(next(folder.rglob(f"{prefix}-{name}*.gz")).read_bytes())
        for name in ("images", "labels")
    )
    # IDX: 16 and 8 bytes of header, then bytes.
    pictures = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
    numbers = np.frombuffer(labels, np.uint8, offset=8)
    for name in FASHION:
        (output / name).mkdir(parents=True, exist_ok=True)
    for index, (picture, number) in enumerate(zip(pictures, numbers)):
        path = output / FASHION[number] / f"{index:05d}.png"
        Image.fromarray(picture).save(path)
    print(f"wrote {len(numbers)} pictures of {len(FASHION)} classes: {output}")


def write_emoji(package, output):
    """Writes every emoji that has a picture, those of other skins too."""
    with tarfile.open(package) as archive:
        members = {
            Path(member.name).name: archive.extractfile(member).read()
            for member in archive
            if re.search(r"package/(emoji\.json|img/google/64/.*\.png)$", member.name)
        }
    classes = {}
    for emoji in json.loads(members["emoji.json"]):
        named = [emoji, *emoji.get("skin_variations", {}).values()]
        pictures = [each["image"] for each in named if each["image"] in members]
        classes.setdefault(emoji["subcategory"], []).extend(pictures)
    classes = {name: each for name, each in classes.items() if each}
    for name, pictures in classes.items():
        (output / name).mkdir(parents=True, exist_ok=True)
        for picture in pictures:
            rgba = Image.open(io.BytesIO(members[picture])).convert("RGBA")
            paper = Image.new("RGBA", rgba.size, "white")
            paper.alpha_composite(rgba)
            paper.convert("RGB").save(output / name / picture)
    count = sum(map(len, classes.values()))
    print(f"wrote {count} pictures of {len(classes)} classes: {output}")


if __name__ == "__main__":
    config_flags.run(main)
