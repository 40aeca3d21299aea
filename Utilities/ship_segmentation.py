"""Ship the weights of a segmentation network: copy them into the library and keep their SHA-256 in its code.

python Utilities/ship_segmentation.py default run/best.safetensors
python Utilities/ship_segmentation.py finder run/best.safetensors

python Utilities/ship_segmentation.py default run/best.safetensors --mean-with before.safetensors --share 0.75 --share-spread 0.438
    the mean of two weights, of which those of the run have this share, with the spread of `measure_segmentation.py spread`
"""

from __future__ import annotations

import argparse
import hashlib
import re
import tempfile
from pathlib import Path

from CardioScarLib.segmentation import weights

LARGEST = 5_000_000
"""Bytes of all weights together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("file", type=Path)
    parser.add_argument("--mean-with", type=Path, help="weights from which the run started")
    parser.add_argument("--share", type=float, default=0.5, help="of the run's weights in the mean")
    parser.add_argument("--share-spread", type=float, help="how far shares of scar are off; that of the run's validation if not given")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ship(args.name, prepared(args, Path(folder) / "prepared.safetensors"))


def prepared(args, path: Path) -> Path:
    """The file to ship: as it is, or written to the path with the mean of the weights and with the spread that was measured."""
    if args.mean_with is None and args.share_spread is None:
        return args.file
    trained = weights.read_weights(args.file)
    record = dict(trained.record)
    if args.mean_with is not None:
        before = weights.read_weights(args.mean_with)
        own, other = weights.tensors_of(trained.network), weights.tensors_of(before.network)
        weights.load(
            trained.network, {key: (args.share * own[key] + (1 - args.share) * other[key]).detach().numpy() for key in own}, path.name
        )
        record["mean_of_weights"] = {trained.sha256: args.share, before.sha256: 1 - args.share}
        record.pop("validation_dice", None)  # it is that of the run alone
    if args.share_spread is not None:
        record["share_spread"] = args.share_spread
    return weights.write_weights(trained.network, trained.recipe, record, path)


def ship(name: str, file: Path) -> None:
    trained = weights.read_weights(file)
    if trained.recipe.name != name:
        raise SystemExit(f"{file.name} holds the network {trained.recipe.name}.")
    weights.SHIPPED.mkdir(exist_ok=True)
    contents = file.read_bytes()
    (weights.SHIPPED / f"{name}.safetensors").write_bytes(contents)
    if sum(one.stat().st_size for one in weights.SHIPPED.glob("*.safetensors")) > LARGEST:
        raise SystemExit("The weights that are shipped have grown too large.")
    known = {**weights.SHIPPED_SHA256, name: hashlib.sha256(contents).hexdigest()}
    entries = "".join(f'    "{key}": "{known[key]}",\n' for key in sorted(known))
    code = Path(weights.__file__)
    text = re.sub(
        r"SHIPPED_SHA256: dict\[str, str\] = \{.*?\}\n", f"SHIPPED_SHA256: dict[str, str] = {{\n{entries}}}\n", code.read_text(), flags=re.S
    )
    code.write_text(text)
    print(f"{name}: {known[name]}")


if __name__ == "__main__":
    main()
