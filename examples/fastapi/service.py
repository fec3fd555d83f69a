"""A service that paints photos with one model.

pip install nst_tf fastapi uvicorn
MODEL=starry_night_mobile uvicorn service:app
curl --data-binary @photo.jpg 'localhost:8000/stylize?strength=1' -o painted.jpg
"""

import os
import threading

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

import nst_tf
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io

MOST_BYTES, MOST_PIXELS = 20_000_000, 8_000_000

app = FastAPI(title="nst_tf")
model = nst_tf.load_model(os.environ.get("MODEL", "starry_night_mobile"))
lock = threading.Lock()  # a model is not for several threads at once


def paint(photo: bytes, style: str | None, strength: float) -> bytes:
    image = image_io.read_image(photo, max_pixels=MOST_PIXELS)
    with lock:
        drawn = model(image.rgb, style=style, strength=strength)
    return image_io.encode(image_io.Image(drawn), "jpg")


@app.get("/styles")
def styles() -> list[str]:
    return list(model.styles)


@app.post("/stylize")
async def stylize(
    request: Request, style: str | None = None, strength: float = 1.0
) -> Response:
    photo = bytearray()
    async for part in request.stream():
        photo += part
        if len(photo) > MOST_BYTES:
            raise HTTPException(413, f"Expected {MOST_BYTES} bytes at most.")
    try:
        painted = await run_in_threadpool(paint, bytes(photo), style, strength)
    except UserError as error:
        raise HTTPException(400, str(error)) from error
    return Response(painted, media_type="image/jpeg")
