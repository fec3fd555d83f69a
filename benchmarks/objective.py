"""Prints content and style objective of models on photos, under the real VGG19.

Example: python benchmarks/objective.py --models=runs/starry --style_image=starry_swirls \
             --content=photos/ --vgg_weights=vgg19.h5

The first row is the identity (output = photo), to which the style column's last number refers.
"""

from absl import flags

from nst_tf import artifacts, features, flag_binding, images, losses, objective, styles

flags.DEFINE_list("models", [], "Run folders, SavedModels or .tflite files.")
flags.DEFINE_string("style_image", "starry_swirls", "Style, as in nst_tf.train.")
flags.DEFINE_integer("style_size", 512, "Short side at which the style is judged, pixels.")
flags.DEFINE_string("content", None, "Photos never trained on: folder or glob.", required=True)
flags.DEFINE_integer("image_size", 512, "Long side of the photos, pixels.")
flags.DEFINE_string("vgg_weights", "imagenet", "VGG19 weights, as in nst_tf.train.")
FLAGS = flags.FLAGS


def main():
    photos = objective.read_photos(FLAGS.content, FLAGS.image_size)
    data, _ = styles.fetch_style(FLAGS.style_image)
    judge = objective.Judge(
        features.load_vgg19(FLAGS.vgg_weights, losses.LossWeights().layers),
        images.read_picture(data, short_side=FLAGS.style_size))
    before = judge.score(objective.identity, photos)
    print(f"| model ({len(photos)} photos) | content | style | identity / style |\n|---|---|---|---|")
    print(f"| identity | {before.content:.3f} | {before.style:.3f} | 1.0 |", flush=True)
    for model in FLAGS.models:
        score = judge.score(artifacts.open_artifact(model), photos)
        print(f"| {objective.name_of(model)} | {score.content:.3f} | {score.style:.3f} "
              f"| {before.style / score.style:.1f} |", flush=True)


if __name__ == "__main__":
    flag_binding.run(main)
