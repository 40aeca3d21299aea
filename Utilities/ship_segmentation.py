"""Ship the weights of a segmentation network: copy them into the library and keep their SHA-256 in its code.

python Utilities/ship_segmentation.py default run/best.safetensors
python Utilities/ship_segmentation.py finder run/best.safetensors
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

from CardioScarLib.segmentation import weights

LARGEST = 5_000_000
"""Bytes of all weights together."""


def main() -> None:
    name, file = sys.argv[1], Path(sys.argv[2])
    trained = weights.read_weights(file)
    if trained.recipe.name != name:
        raise SystemExit(f"{file.name} holds the network {trained.recipe.name}.")
    weights.SHIPPED.mkdir(exist_ok=True)
    shutil.copyfile(file, weights.SHIPPED / f"{name}.safetensors")
    if sum(one.stat().st_size for one in weights.SHIPPED.glob("*.safetensors")) > LARGEST:
        raise SystemExit("The weights that are shipped have grown too large.")
    known = {**weights.SHIPPED_SHA256, name: hashlib.sha256(file.read_bytes()).hexdigest()}
    entries = "".join(f'    "{key}": "{known[key]}",\n' for key in sorted(known))
    code = Path(weights.__file__)
    text = re.sub(
        r"SHIPPED_SHA256: dict\[str, str\] = \{.*?\}\n", f"SHIPPED_SHA256: dict[str, str] = {{\n{entries}}}\n", code.read_text(), flags=re.S
    )
    code.write_text(text)
    print(f"{name}: {known[name]}")


if __name__ == "__main__":
    main()
