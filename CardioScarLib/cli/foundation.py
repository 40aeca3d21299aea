"""`cardioscar foundation`: join the training data of many hearts in one file."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.console import say, say_notes
from CardioScarLib.cli.training import SEED


@click.command(short_help="Join training data of many hearts.")
@click.option("--input-dir", required=True, type=Path, metavar="FOLDER", help="Training data of all subsets: subset_<id>_..._training.npz.")
@click.option(
    "--output-dir", required=True, type=Path, metavar="FOLDER", help="Folder for foundation_training.npz and split_manifest.json."
)
@click.option("--train-subsets", type=int, default=11, show_default=True, metavar="N", help="Subsets to join.")
@click.option("--finetune-subsets", type=int, default=2, show_default=True, metavar="N", help="Subsets left out for fine-tuning.")
@click.option("--test-subsets", type=int, default=2, show_default=True, metavar="N", help="Subsets left out for tests.")
@click.option("--expected-subsets", type=int, required=True, metavar="N", help="Expected number of subsets; missing ones are listed.")
@click.option("--seed", type=click.IntRange(0), default=SEED, show_default=True, metavar="N", help="Random seed of the split.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
def foundation(input_dir, output_dir, train_subsets, finetune_subsets, test_subsets, expected_subsets, seed, overwrite) -> None:
    """Split subsets (hearts) at random and join those for training in one file, as the original's script does."""
    from CardioScarLib.original.foundation import MANIFEST_NAME, Split, build_foundation

    split = Split(train_subsets, finetune_subsets, test_subsets, seed)
    manifest, data, notes = build_foundation(input_dir, output_dir, split, expected_subsets, overwrite)
    say_notes(notes)
    files = sum(len(paths) for paths in manifest["splits"]["train"].values())
    say(f"Joined {files} files, {len(data.group)} nodes in {len(data.group_sizes)} pixels")
    say(f"Wrote  {manifest['foundation_training_npz']}\n       {output_dir / MANIFEST_NAME}")
