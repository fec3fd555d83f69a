"""A node for ComfyUI that paints images with a model of nst_tf. It was not run in ComfyUI
by us: the tests call its function alone.

Copy this folder to ComfyUI/custom_nodes/nst_tf and type in ComfyUI's environment:
pip install --no-deps nst_tf
pip install 'ai-edge-litert>=2.1' absl-py tqdm psutil flatbuffers
"""

import functools

import numpy as np
import torch

import nst_tf

open_model = functools.lru_cache(maxsize=2)(nst_tf.load_model)


class StylizeWithNstTf:
    """Paints each image of a batch; images are float32 [B, H, W, 3] in [0, 1]."""

    CATEGORY = "image/stylize"
    FUNCTION = "paint"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802, ComfyUI's name
        return {
            "required": {
                "image": ("IMAGE",),
                # A published model's name, or a path to an export.
                "model": ("STRING", {"default": "starry_night_mobile"}),
                "strength": (
                    "FLOAT",
                    {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05},
                ),
            },
            "optional": {
                # A name of the model's styles, or a path to a picture.
                "style": ("STRING", {"default": ""}),
                "style_image": ("IMAGE",),
            },
        }

    def paint(self, image, model, strength=1.0, style="", style_image=None):
        opened = open_model(model)
        chosen = style or None
        if style_image is not None:
            chosen = np.asarray(style_image.cpu().numpy()[0], np.float32)
        draw = opened.prepare(chosen, strength)
        painted = [
            draw(np.ascontiguousarray(photo, np.float32))
            for photo in image.cpu().numpy()[..., :3]
        ]
        return (torch.from_numpy(np.stack(painted)),)


NODE_CLASS_MAPPINGS = {"StylizeWithNstTf": StylizeWithNstTf}
NODE_DISPLAY_NAME_MAPPINGS = {"StylizeWithNstTf": "Stylize (nst_tf)"}
