"""`cardioscar simulate`: LGE studies of hearts that never were, with labels and truth."""

from __future__ import annotations

from pathlib import Path

import click

STRATEGIES = ("synthetic", "in-wall", "carried")
SETTINGS = ("training", "difficult", "outside")


@click.command(short_help="Simulate LGE studies with labels, to train and to test on.")
@click.option("--count", type=click.IntRange(1, 9999), default=1, show_default=True, metavar="N", help="Number of hearts.")
@click.option("--output", required=True, type=Path, metavar="DIR", help="Folder for all files; made if it does not exist.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Of the first heart; the next has the next."
)
@click.option(
    "--strategy", type=click.Choice(STRATEGIES), default="synthetic", show_default=True,
    help="Wholly synthetic; new scar in the myocardium of --wall-from; or the scar of --scar-from carried to there.",
)  # fmt: skip
@click.option(
    "--wall-from", type=Path, multiple=True, metavar="FILE", help="Label map whose myocardium is used (EMIDEC's order). Repeatable."
)
@click.option("--scar-from", type=Path, multiple=True, metavar="FILE", help="Label map whose scar is carried over. Repeatable.")
@click.option("--labels", default="emidec", show_default=True, metavar="ORDER|NAME=VALUE,...", help="Meaning of labels in these files.")
@click.option(
    "--slice-thickness",
    type=click.FloatRange(0, min_open=True),
    metavar="MM",
    help="Of --wall-from; default: spacing of its slices.",
)
@click.option("--scar-size", type=float, metavar="PERCENT", help="Of the wall's volume, for --strategy in-wall.")
@click.option("--scar-segment", type=int, metavar="1...17", help="AHA segment of the scar's middle, for --strategy in-wall.")
@click.option("--transmurality", type=float, metavar="PERCENT", help="Of the wall's thickness, from within, for --strategy in-wall.")
@click.option(
    "--settings", type=click.Choice(SETTINGS), default="training", show_default=True,
    help="What hearts are drawn from; difficult: thick walls, dark surroundings; outside: the frozen test settings, which neither has.",
)  # fmt: skip
@click.option("--cine", is_flag=True, help="Frames of a cine (bSSFP, before contrast) in place of LGE; wholly synthetic hearts only.")
@click.option("--truth", is_flag=True, help="Also the wall with the true field (.vtu), and each pixel's share of scar.")
@click.option("--sheet", type=Path, metavar="FILE", help="A picture of all hearts: .png, .svg or .pdf.")
@click.option("--beside", type=Path, multiple=True, metavar="FILE", help="A real stack to be shown on the sheet, too. Repeatable.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def simulate(
    count, output, seed, strategy, wall_from, scar_from, labels, slice_thickness, scar_size, scar_segment, transmurality, settings, cine,
    truth, sheet, beside, overwrite,
) -> None:  # fmt: skip
    """Write heart_0000_lge.nii.gz (with --cine heart_0000_cine.nii.gz), heart_0000_labels.nii.gz and heart_0000_about.json, and so on.

    Labels are 0 background, 1 cavity, 2 myocardium, 3 scar, 4 no-reflow. The same seed, strategy and settings give the same heart.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.console import say
    from CardioScarLib.core.errors import BadSettings
    from CardioScarLib.core.threads import one_thread
    from CardioScarLib.io.files import check_writable, made_folder
    from CardioScarLib.io.images import read_image
    from CardioScarLib.report.bulls_eye import check_picture_name
    from CardioScarLib.synthesis.files import HeartFiles, read_labels, write_heart

    if beside and sheet is None:
        raise BadSettings("--beside shows a stack on the sheet; it needs --sheet.")
    if cine and strategy != "synthetic":
        raise BadSettings("Cine is simulated of wholly synthetic hearts only; omit --cine, or the strategy.")
    choice = None
    if (scar_size, scar_segment, transmurality) != (None, None, None):
        if strategy != "in-wall":
            raise BadSettings("Size, segment and transmurality of scar are chosen with --strategy in-wall; add it, or leave them out.")
        from CardioScarLib.synthesis.chosen_scars import ScarChoice

        choice = ScarChoice(scar_size, scar_segment, transmurality)
    walls, sources = ([read_labels(path, labels) for path in paths] for paths in (wall_from, scar_from))
    hearts = _hearts(strategy, walls, sources, slice_thickness, settings, truth, cine, choice)
    made_folder(output)
    if sheet is not None:
        check_picture_name(sheet)
        check_writable(sheet, overwrite)
    files = [HeartFiles.named(output, number, "cine" if cine else "lge") for number in range(count)]
    for one in files:
        for path in one.used(truth):
            check_writable(path, overwrite)
    rows = []
    for number, one in enumerate(files):
        with one_thread():
            heart = hearts(seed + number)
        write_heart(heart, one, truth, overwrite)
        disease = " ".join(part for part in (heart.about["disease"], heart.about["artery"]) if part)
        kind = "cine" if cine else "phase-sensitive" if heart.about["psir"] else "magnitude"
        say(f"{one.image.name}  {disease}, {kind}")
        if sheet is not None:
            rows.append((f"{seed + number}: {disease}", heart.image, heart.labels))
    if sheet is not None:
        import SimpleITK as sitk

        from CardioScarLib.report.contact_sheet import SheetRow, write_contact_sheet

        real = [SheetRow(f"given: {path.name}", sitk.GetArrayFromImage(read_image(path)[0])) for path in beside]
        write_contact_sheet([*real, *(SheetRow(*row) for row in rows)], sheet, overwrite)
        say(f"Wrote  {sheet}")
    say(f"Wrote  {count} hearts to {output}. Simulated, no patients; research use only.")


def _hearts(strategy, walls, sources, thickness, settings, truth, cine, choice):
    """A function from a seed to a heart. walls, sources: lists of labels and matrix."""
    import numpy as np

    from CardioScarLib.core.errors import BadSettings
    from CardioScarLib.synthesis import DIFFICULT, OUTSIDE, TRAINING, simulated_heart
    from CardioScarLib.synthesis.strategies import scar_carried, scar_in_wall

    ranges = {"training": TRAINING, "difficult": DIFFICULT, "outside": OUTSIDE}[settings]
    if strategy == "synthetic":
        if walls or sources:
            raise BadSettings("Wholly synthetic hearts use no label maps; choose --strategy in-wall or carried, or leave these out.")
        return lambda seed: simulated_heart(seed, ranges, with_wall=truth, cine=cine)
    if not walls:
        raise BadSettings(f"The strategy {strategy} needs the label map of a heart: --wall-from FILE.")
    if strategy == "in-wall" and sources:
        raise BadSettings("New scar is grown in --wall-from, so --scar-from is not used; leave it out, or choose --strategy carried.")
    if strategy == "carried" and not sources:
        raise BadSettings("The strategy carried needs a label map with scar: --scar-from FILE.")

    def made(seed: int):
        labels, matrix = walls[seed % len(walls)]
        thick = thickness or float(np.linalg.norm(matrix[:3, 2]))
        if strategy == "in-wall":
            return scar_in_wall(labels, matrix, thick, seed, ranges, choice)
        return scar_carried(labels, matrix, thick, sources[(seed // len(walls)) % len(sources)], seed, ranges)

    return made
