"""What the golden scripts share: the versions they ran with, and JSON that reads well in a diff."""

import importlib.metadata
import json
from pathlib import Path

PACKAGES = ["mlx", "mlx-lm", "transformers"]


def versions() -> dict:
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def dumps(value, indent: str = "") -> str:
    """JSON with two spaces of indent, but a list of plain values stays on one line."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        fields = [f"{inner}{json.dumps(key)}: {dumps(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(fields) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "[\n" + ",\n".join(inner + dumps(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def write(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dumps(value) + "\n", encoding="utf-8")
