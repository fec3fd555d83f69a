"""Fetching a style image by name, path and URL, the latter from a server in this process."""

import hashlib
import http.server
import socket
import threading

import pytest

from nst_tf.core.errors import UserError
from nst_tf.data import style_images
from nst_tf.images import io as image_io


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved.jpg":
            self.send_response(302)
            self.send_header("Location", "/style.jpg")
            self.end_headers()
        elif self.path == "/style.jpg":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.content)
        elif self.path == "/garbage":
            self.wfile.write(b"this is not HTTP\r\n\r\n")
        else:
            self.send_error(404)

    def log_message(self, *unused):
        pass


@pytest.fixture(scope="module")
def picture(photos_folder):
    return (photos_folder / "landscape.jpg").read_bytes()


@pytest.fixture(scope="module")
def digest(picture):
    return hashlib.sha256(picture).hexdigest()


@pytest.fixture
def server(picture, monkeypatch):
    """The address of a server on this machine that has one picture."""
    monkeypatch.setenv("no_proxy", "*")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.content = picture
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    style_images._download.cache_clear()  # ports come again
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def refused(*arguments):
    with pytest.raises(UserError) as caught:
        style_images.fetch_style(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- names and paths -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", style_images.packaged_styles())
def test_a_packaged_style_is_a_picture_and_its_hash_is_told(name):
    data, digest = style_images.fetch_style(name)
    assert digest == hashlib.sha256(data).hexdigest()
    assert min(image_io.read_image(data).size) >= 256


def test_a_path_gives_the_bytes_of_the_file(photos_folder, picture, digest):
    path = str(photos_folder / "landscape.jpg")
    assert style_images.fetch_style(path) == (picture, digest)
    assert style_images.fetch_style(path, digest.upper()) == (picture, digest)


@pytest.mark.parametrize("name", ["no_such_style", "", "/no/such/file.jpg", "."])
def test_an_unknown_name_shows_the_names_there_are(name):
    message = refused(name)
    assert "starry_swirls" in message and repr(name) in message


def test_a_file_that_has_changed_is_refused(photos_folder, digest):
    message = refused(str(photos_folder / "landscape.jpg"), "0" * 64)
    assert "0" * 64 in message and digest in message


def test_a_style_that_is_no_picture_is_named_by_its_path(tmp_path):
    path = tmp_path / "style.jpg"
    path.write_bytes(b"no picture")
    data, digest = style_images.fetch_style(str(path))
    assert digest == hashlib.sha256(b"no picture").hexdigest()
    with pytest.raises(UserError, match="style.jpg"):
        image_io.read_image(data, short_side=8)
    with pytest.raises(UserError, match="starry_swirls.*max_pixels"):
        image_io.read_image(
            style_images.fetch_style("starry_swirls")[0], max_pixels=100
        )


# -- URLs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/style.jpg", "/moved.jpg"])
def test_a_url_with_its_hash_gives_the_bytes(server, picture, digest, page):
    assert style_images.fetch_style(server + page, digest) == (picture, digest)


def test_a_url_with_another_hash_is_refused(server, digest):
    message = refused(f"{server}/style.jpg", "0" * 64)
    assert "0" * 64 in message and digest in message


def test_a_url_without_a_hash_tells_it(server, picture, digest, capsys):
    url = f"{server}/style.jpg"
    assert style_images.fetch_style(url) == (picture, digest)
    assert f"{url} has the SHA-256 {digest}" in capsys.readouterr().out
    style_images.fetch_style(url, digest)
    assert capsys.readouterr().out == ""


def test_hashes_of_urls_alone_are_filled_in(server, digest):
    url = f"{server}/style.jpg"
    assert style_images.pin_urls(["mosaic", url], []) == ("", digest)
    assert style_images.pin_urls([url], [digest]) == (digest,)
    assert style_images.pin_urls(["mosaic"], []) == ()


def test_a_url_is_fetched_once(server, picture, digest, monkeypatch):
    style_images.pin_urls([f"{server}/style.jpg"], [])
    monkeypatch.setattr(
        style_images.urllib.request,
        "urlopen",
        lambda *a, **k: pytest.fail("was fetched again"),
    )
    assert style_images.fetch_style(f"{server}/style.jpg", digest)[0] == picture


@pytest.mark.parametrize("page", ["/none.jpg", "/garbage", "/two words.jpg"])
def test_an_answer_without_a_picture_is_one_line_with_the_url(server, page):
    assert server + page in refused(server + page, "0" * 64)


def test_a_server_that_is_not_there_is_one_line(digest, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: it refuses
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/style.jpg"
        assert url in refused(url, digest)


def test_a_giant_download_is_refused(server, digest, monkeypatch):
    monkeypatch.setattr(style_images, "MAX_DOWNLOAD", 10)
    assert "at most" in refused(f"{server}/style.jpg", digest)
