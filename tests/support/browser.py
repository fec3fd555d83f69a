"""A real browser for tests: what it needs, and the benchmark's way to drive the page."""

import importlib.util
from pathlib import Path
from unittest import mock

import pytest

from nst_tf.exporters.web import litert_js, page

_spec = importlib.util.spec_from_file_location(
    "browser_benchmark", Path(__file__).parents[2] / "benchmarks" / "browser.py"
)
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)

MISSING = [
    what
    for what, there in (
        ("Chromium on PATH (Debian's package chromium)", bench.chromium()),
        ("playwright (pip install playwright)", importlib.util.find_spec("playwright")),
        (
            f"LiteRT.js in {litert_js.cache()} (an export of the format web leaves it there)",
            litert_js.cache().is_file(),
        ),
    )
    if not there
]
needs_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not here: {'; '.join(MISSING)}"),
]


def write_page(offers, folder, sides, shapes):
    """Exports a page of `page.Offer`s with small frames; returns its folder."""
    with mock.patch.multiple(page, SIDES=sides, SHAPES=shapes):
        page.WebExporter().export_page(offers, folder, str(litert_js.cache()))
    return folder / "web"
