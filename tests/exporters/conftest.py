"""A browser and a page that is served, for the tests of the page."""

import pytest
from support.browser import bench


@pytest.fixture(scope="module")
def opened():
    with bench.browser(bench.chromium()) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(folder):
    with bench.served(folder) as address:
        yield address
