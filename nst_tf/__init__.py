"""Neural style transfer with TensorFlow: train, measure and export networks that paint photos.

As a library:

    from nst_tf import artifacts, images

    paint = artifacts.open_artifact("runs/starry")
    photo = images.read_picture("photo.jpg")
    images.write_picture("out.jpg", images.Picture(paint(photo.rgb), photo.alpha))

Nothing is imported here: a .tflite is painted with where TensorFlow is not installed.
"""

__version__ = "0.1.0"
