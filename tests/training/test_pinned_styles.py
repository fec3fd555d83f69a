"""Styles from servers: a training's settings hold their hashes before it begins."""

import hashlib

from nst_tf.config.train import TrainSettings
from nst_tf.data import style_images
from nst_tf.training import run


def test_the_hashes_of_urls_alone_are_filled_in(monkeypatch):
    pictures = {"http://a/b.png": b"a picture"}
    monkeypatch.setattr(style_images, "_download", pictures.__getitem__)
    digest = hashlib.sha256(b"a picture").hexdigest()
    values = {"output": "x", "steps": 1, "style_image": "mosaic,http://a/b.png"}
    pinned = run._pin_styles(TrainSettings.of(values))
    assert pinned.styles == (("mosaic", ""), ("http://a/b.png", digest))
    again = run._pin_styles(pinned)
    assert again == pinned
    local = TrainSettings.of({**values, "style_image": "mosaic"})
    assert run._pin_styles(local) == local
