"""The page in a real browser: it paints what the network paints, by mouse, keyboard,
file and camera.

Needs Chromium, playwright and LiteRT.js in the cache, where an export of the format web
leaves it.
"""

import functools

import pytest
from support import tiny
from support.browser import bench, needs_browser, write_page

from nst_tf.data import sample_photos
from nst_tf.exporters.web.page import Offer
from nst_tf.images import io as image_io, padding

pytestmark = needs_browser

# A tiny network needs no large frames. The second is what photos of the shape of most
# cameras get.
STYLES = "mosaic,ink_wash"
SIDES, SHAPES = (96,), ((1.0, 1.0), (0.75, 1.0))


@pytest.fixture(scope="module")
def network():
    return tiny.network(styles=2)


@pytest.fixture(scope="module")
def other():
    return tiny.network(seed=5)


@pytest.fixture(scope="module")
def folder(network, other, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    offers = [Offer("tiny #1", network, STYLES), Offer("other", other)]
    return write_page(offers, folder, SIDES, SHAPES)


@pytest.fixture(scope="module")
def page(opened, address):
    """A page that has painted its sample; each test leaves it in a state from which the
    others can go on.
    """
    page = opened()
    page.goto(address)
    page.wait_for_selector(bench.DONE)
    yield page
    assert page.problems == []
    assert {
        url for url in page.addresses if not url.startswith((address, "blob:", "data:"))
    } == set()


def wanted(network, photo, blend):
    """What the network paints of a photo in the frame that it gets, uint8."""
    height, width = photo.shape[:2]
    tall, wide = (
        (72, 96) if height <= 72 else (96, 96)
    )  # the smaller frame, if the photo fits in
    rows, columns = padding.mirrored(height, tall), padding.mirrored(width, wide)
    return image_io.to_uint8(
        tiny.draw(network, image_io.to_float(photo)[rows][:, columns], blend)
    )[:height, :width]


@functools.cache
def photo(height, width):
    return image_io.resize_rgb8(sample_photos.builtin_photo("astronaut"), height, width)


@pytest.mark.parametrize(
    "size", [(64, 96), (96, 96), (96, 60), (7, 5), (1, 1)], ids="{0[0]}x{0[1]}".format
)
def test_it_paints_what_the_network_paints_at_the_photos_own_size(page, network, size):
    page.check("input[name=style][value='1']", force=True)
    painted = bench.paint(page, photo(*size))
    assert painted.shape == (*size, 3)
    assert bench.psnr(painted, wanted(network, photo(*size), (0, 1))) >= 40
    if min(size) > 20:
        assert bench.psnr(painted, wanted(network, photo(*size), (1, 0))) < 30


def test_a_large_photo_keeps_its_shape(page):
    painted = bench.paint(page, photo(300, 450))
    assert painted.shape == (64, 96, 3)


def test_cards_and_sliders_give_the_networks_weights(page, network):
    page.check("input[name=style][value='0']", force=True)
    given = photo(96, 96)
    assert bench.psnr(bench.paint(page, given), wanted(network, given, (1, 0))) >= 40
    page.click("summary")
    sliders = page.locator("#blend input")
    sliders.nth(0).fill("20")
    sliders.nth(1).fill("60")
    assert page.locator("input[name=style]:checked").count() == 0
    assert bench.psnr(bench.paint(page), wanted(network, given, (0.25, 0.75))) >= 40
    for slider in (0, 1):
        sliders.nth(slider).fill("0")
    page.wait_for_selector("#status[data-kind=error]:has-text('weight above 0')")
    page.check("input[name=style][value='0']", force=True)
    assert bench.psnr(bench.paint(page), wanted(network, given, (1, 0))) >= 40
    page.problems.clear()
    page.click("summary")


def test_the_menu_changes_the_network(page, network, other):
    given = photo(96, 96)
    bench.paint(page, given)
    page.select_option("#model", label="other")
    assert page.text_content("#network") == "other"
    assert page.locator("#styles").inner_text() == "Style 1"
    assert bench.psnr(bench.paint(page), wanted(other, given, ())) >= 40
    page.select_option("#model", label="tiny #1")
    assert page.locator("#styles .card").count() == 2
    assert bench.psnr(bench.paint(page), wanted(network, given, (1, 0))) >= 40


def test_the_keyboard_reaches_all_and_moves_the_divider(page):
    bench.paint(page, photo(96, 96))
    divider = page.locator("#compare input")
    divider.focus()
    before = int(divider.input_value())
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert int(divider.input_value()) == before + 3
    clipped = page.evaluate(
        "getComputedStyle(document.querySelector('#after')).clipPath"
    )
    assert clipped == f"inset(0px 0px 0px {before + 3}%)"
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.name "
                "|| document.activeElement.tagName"
            )
        )
    for name in (
        "INPUT",
        "download",
        "open",
        "use-camera",
        "use-sample",
        "model",
        "style",
        "SUMMARY",
        "size",
    ):
        assert name in reached


def test_threads_are_used_only_when_the_page_is_isolated(page, opened, folder):
    cores = page.evaluate("navigator.hardwareConcurrency")
    assert page.evaluate("crossOriginIsolated") and bench.milliseconds(page)[1] == cores
    with bench.served(folder, threads=False) as address:
        plain = opened()
        plain.goto(address)
        plain.wait_for_selector(bench.DONE)
        assert (
            not plain.evaluate("crossOriginIsolated")
            and bench.milliseconds(plain)[1] == 1
        )
        assert plain.problems == []


def test_the_camera_gives_a_photo(page):
    page.click("#use-camera")
    page.wait_for_selector("[data-shutter]:enabled")
    page.click("[data-shutter]")
    page.wait_for_selector("#before[aria-label='Photo camera']")
    assert bench.paint(page).std() > 5
    assert not page.locator("dialog").is_visible()


def test_a_file_that_is_no_picture_is_named_and_the_page_goes_on(page):
    page.set_input_files(
        "#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    page.wait_for_selector(
        "#status[data-kind=error]:has-text('notes.txt is no picture')"
    )
    assert bench.paint(page, photo(96, 96)).shape == (96, 96, 3)


@pytest.mark.parametrize(
    "viewport",
    [bench.DESKTOP, bench.PHONE, {"width": 320, "height": 640}],
    ids=lambda viewport: str(viewport["width"]),
)
def test_nothing_is_wider_than_the_screen(page, viewport):
    page.set_viewport_size(viewport)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator("#compare").bounding_box()
    shape = page.evaluate(
        "(canvas => canvas.width / canvas.height)(document.querySelector('#after'))"
    )
    assert box["width"] / box["height"] == pytest.approx(shape, rel=0.02)
    page.set_viewport_size(bench.DESKTOP)


@pytest.mark.parametrize(
    "file, broken, message",
    [
        ("", "", "no WebAssembly"),
        (
            "worker.js",
            "WebAssembly.instantiate = WebAssembly.instantiateStreaming = async () => "
            "{ throw new RangeError('could not allocate memory'); };",
            "not enough memory",
        ),
        # What LiteRT says where memory ends while a network is prepared; it returns a
        # picture all the same.
        (
            "wasm_utils.js",
            "queueMicrotask(() => complaints.push('ERROR: Failed to allocate tensors'));",
            "not enough memory",
        ),
        (
            "worker.js",
            "self.fetch = async () => new Response('', { status: 404 });",
            "could not be loaded",
        ),
    ],
    ids=["no WebAssembly", "no memory", "too little memory", "no file"],
)
def test_what_is_missing_is_said(opened, address, file, broken, message):
    page = opened()
    if file:  # in the worker, where the network runs
        page.route(
            f"**/js/{file}",
            lambda route: route.fulfill(
                response=(answer := route.fetch()), body=broken + answer.text()
            ),
        )
    else:
        page.add_init_script("delete globalThis.WebAssembly")
    page.goto(address)
    page.wait_for_selector(f"#status[data-kind=error]:has-text('{message}')")
    assert page.locator("#download").is_disabled()
    page.context.close()


def test_the_page_paints_again_after_a_failure(opened, address):
    page, failing = opened(), [True]
    page.route(
        "**/models/*", lambda route: route.abort() if failing[0] else route.continue_()
    )
    page.goto(address)
    page.wait_for_selector("#status[data-kind=error]")
    failing[0] = False
    page.click("#use-sample")
    assert bench.paint(page).shape == (64, 96, 3)
    page.context.close()
