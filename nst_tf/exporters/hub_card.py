"""The card of an export as Hugging Face's hub reads it: README.md, facts in YAML on top.

Source: huggingface.co/docs/hub/model-cards, and its specification of the metadata.
"""

import json
from typing import Any

README = "README.md"
PIPELINE = "image-to-image"
TAGS = ("style-transfer", "neural-style-transfer", "nst_tf", "tensorflow")
# Of formats, beside those.
FORMAT_TAGS = {
    "saved_model": ("saved-model",),
    "tflite": ("tflite", "litert"),
    "onnx": ("onnx",),
    "openvino": ("openvino",),
    "coreml": ("coreml",),
    "web": ("tflite", "litert", "litert-js"),
}
METRIC = "psnr"


def format_readme(card: dict[str, Any]) -> str:
    """Returns the text of README.md for a card of `model_card`.

    It says nothing that the card does not: no license, where the card knows none.
    """
    lines = ["---"]
    for key, value in _describe_for_hub(card).items():
        # JSON is YAML, too.
        lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    lines += ["---", "", f"# {card['name']}", ""]
    networks = card.get("models") or {card["name"]: card}
    for name, network in networks.items():
        lines += _describe_network(name, network, several=len(networks) > 1)
    lines += [
        "## Files",
        "",
        "| file | MB | least decibels to the network |",
        "|---|---|---|",
    ]
    for artifact in card["artifacts"]:
        megabytes = f"{artifact['bytes'] / 1e6:.2f}"
        lines.append(
            f"| `{artifact['file']}` | {megabytes} | {_format_ratio(artifact)} |"
        )
    lines += ["", f"Ranges: {card['ranges']}.", ""]
    versions = ", ".join(" ".join(pair) for pair in card["exported_with"].items())
    lines += [f"Exported with nst_tf, {versions}; `model_card.json` has all facts.", ""]
    return "\n".join(lines)


def _describe_for_hub(card):
    """The metadata that the hub's specification knows."""
    networks = list((card.get("models") or {card["name"]: card}).values())
    licenses = {
        str(network.get("licenses", {}).get("model", "")).lower()
        for network in networks
    }
    tags = list(TAGS)
    for artifact in card["artifacts"]:
        folder = artifact["file"].split("/")[0]
        tags += [tag for tag in FORMAT_TAGS.get(folder, ()) if tag not in tags]
    described: dict[str, Any] = {}
    if len(licenses) == 1 and (license := licenses.pop()):
        described["license"] = license
    described["library_name"] = "nst_tf"
    described["pipeline_tag"] = PIPELINE
    described["tags"] = tags
    ratios = [
        artifact["decibels_to_the_network"]["least"]
        for artifact in card["artifacts"]
        if artifact.get("decibels_to_the_network", "equal") != "equal"
    ]
    if ratios:
        described["metrics"] = [METRIC]
        described["model-index"] = [
            {"name": card["name"], "results": [_result(ratios)]}
        ]
    return described


def _result(ratios):
    return {
        "task": {"type": PIPELINE, "name": "Style transfer"},
        "dataset": {
            "type": "nst_tf_photos",
            "name": "photographs packaged with nst_tf",
        },
        "metrics": [
            {
                "type": METRIC,
                "name": "files to the network, least decibels",
                "value": min(ratios),
            }
        ],
    }


def _describe_network(name, network, several):
    lines = [f"## {name}", ""] if several else []
    if network.get("what"):
        lines += [f"Paints photos: {network['what']}.", ""]
    for style in network.get("styles", ()):
        lines.append(f"- style: {style}")
    for what, license in network.get("licenses", {}).items():
        lines.append(f"- license of {what}: {license}")
    settings = network.get("run", {}).get("settings", {})
    if settings:
        steps = network["run"].get("steps", "?")
        trained = f"- trained by `nst train --method={settings.get('method', '?')}`, {steps} steps"
        lines.append(trained)
    return [*lines, ""] if lines else []


def _format_ratio(artifact):
    if "not_drawn" in artifact:
        return "not drawn"
    decibels = artifact["decibels_to_the_network"]
    return "equal" if decibels == "equal" else decibels["least"]
