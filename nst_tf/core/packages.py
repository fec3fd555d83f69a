"""Packages that are extras, each asked for where it is missing."""

import importlib
from typing import Any

from nst_tf.core.errors import expected


def import_package(module: str, what: str, extra: str) -> Any:
    """Imports a package.

    Args:
        module: what is imported.
        what: name of the package and what it does, for the error.
        extra: of this package, which brings it.

    Raises:
        UserError: it is missing.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise expected(
            f"the package {what}",
            "no such package",
            f"Type pip install 'nst_tf[{extra}]'.",
        ) from error
