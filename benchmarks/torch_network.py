"""Times a per-style network in PyTorch, eager, by the variables of our SavedModel.

`runtimes.py --torch=PYTHON` runs it in an environment that has torch and NumPy, and not
this project: the layers of `transform_net`, read anew from its docstring.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional


class Network:
    """Photo [1, 3, H, W] in [0, 1] -> painting of that shape, about [0, 1].

    Args:
        variables: {name: array}; kernels are [height, width, in, out].
    """

    def __init__(self, variables):
        if any("depthwise" in name for name in variables):
            sys.exit("Expected full convolutions. Received: separable ones.")
        self.tensors = {
            name: torch.from_numpy(
                np.ascontiguousarray(value.transpose(3, 2, 0, 1))
                if name.endswith("kernel")
                else value
            )
            for name, value in variables.items()
        }
        self.blocks = sum(name.endswith("a_conv/kernel") for name in variables)

    def __call__(self, photo):
        x = self.convolve("down1", photo)
        x = self.convolve("down2", x, stride=2)
        x = self.convolve("down3", x, stride=2)
        for number in range(1, self.blocks + 1):
            y = self.convolve(f"residual{number}a", x)
            x = x + self.convolve(f"residual{number}b", y, relu=False)
        for name in ("up1", "up2"):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = self.convolve(name, x)
        return 0.5 + 0.6 * torch.tanh(self.convolve("out", x, relu=False))

    def convolve(self, name, x, stride=1, relu=True):
        kernel = self.tensors[f"{name}_conv/kernel"]
        side = kernel.shape[-1] // 2
        x = functional.pad(x, (side, side, side, side), mode="reflect")
        x = functional.conv2d(x, kernel, self.tensors[f"{name}_conv/bias"], stride)
        if f"{name}_norm/scale" in self.tensors:
            scale, offset = (
                self.tensors[f"{name}_norm/{part}"] for part in ("scale", "offset")
            )
            x = functional.instance_norm(x, weight=scale, bias=offset, eps=1e-5)
        return functional.relu(x) if relu else x


def main():
    request = json.loads(sys.argv[1])
    torch.set_num_threads(request["threads"])
    folder = Path(request["folder"])
    with np.load(folder / "variables.npz") as archive:
        network = Network(dict(archive))
    found = {"version": torch.__version__, "times": {}}
    for side in request["sides"]:
        photo = np.load(folder / f"photo_{side}.npy").transpose(2, 0, 1)[None]
        photo = torch.from_numpy(np.ascontiguousarray(photo))
        with torch.inference_mode():
            drawn = network(photo)
            np.save(folder / f"torch_{side}.npy", drawn[0].permute(1, 2, 0).numpy())
            times = []
            for _ in range(request["repeats"]):
                wall, cpu = time.perf_counter(), time.process_time()
                network(photo)
                times.append((time.perf_counter() - wall, time.process_time() - cpu))
        found["times"][side] = times
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
