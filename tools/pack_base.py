r"""Packs the network of a run of any style as a base, which `--init_from=base` begins with.

python -m tools.pack_base runs/base nst_tf/assets/bases/width16.npz
"""

import io
import sys
from pathlib import Path

import numpy as np

from nst_tf.core import files
from nst_tf.inference.open_model import open_network
from nst_tf.models.base_network import pack_base
from nst_tf.models.transform_net import TransformNetConfig


def main(run: str, target: str) -> None:
    """Writes the base.

    Args:
        run: folder of a finished run of --method=any_style --network=style_prediction.
        target: the .npz.
    """
    network = open_network(Path(run))
    config = TransformNetConfig(**network.configuration)
    written = io.BytesIO()
    np.savez_compressed(written, **pack_base(network, config))
    files.write_atomically(Path(target), written.getvalue(), overwrite=True)
    print(f"wrote {target}: {len(written.getvalue()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
