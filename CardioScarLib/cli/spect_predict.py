"""`cardioscar spect predict`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.spect_config import config_option, dae_option, layout_options
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.perfusion_settings import SpectSettings
from CardioScarLib.perfusion.config import FIND, NAMES


@click.command(short_help="Find the LV wall on SPECT volumes.")
@click.argument("scan", type=Path, metavar="SCAN")
@click.option("-o", "--output", required=True, type=Path, metavar="FILE", help="The labels; for a folder of volumes, a folder.")
@click.option(
    "--weights", default="spect-default", show_default=True, metavar="spect-default|FILE", help="Also .pth of the original program."
)
@dae_option
@click.option("--share", is_flag=True, help="Also write the share of each voxel that is wall, NAME.share.*.")
@click.option("--pictures", type=Path, metavar="FOLDER", help="Also draw volume, mask, network and result, four panels for each.")
@click.option("--pictures-of", type=click.IntRange(0), metavar="N", help="Draw the first N volumes only.")
@config_option({**FIND, **NAMES})
@settings_options("settings", SpectSettings)
@layout_options
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def predict(scan, output, weights, dae, share, pictures, pictures_of, settings, layout, allow_mask_as_volume, overwrite, as_json) -> None:
    """The LV wall as labels on the grid of SCAN: reconstructed slices as NIfTI, NRRD, MHA or DICOM, or a folder of NIfTI volumes.

    SCAN is a volume of counts; masks, projections and empty volumes are refused. The labels of a folder are NAME_pred.nii.gz.
    """
    from CardioScarLib.core.errors import BadTrainingData, CardioScarError
    from CardioScarLib.io.dicom import is_dicom
    from CardioScarLib.io.files import made_folder
    from CardioScarLib.io.spect import read_spect
    from CardioScarLib.perfusion.evaluation import read_mask
    from CardioScarLib.perfusion.files import check_wall_files, write_wall
    from CardioScarLib.perfusion.find_wall import find_wall
    from CardioScarLib.perfusion.layout import Names, Study, find_studies
    from CardioScarLib.perfusion.pictures import four_panels, write_figure
    from CardioScarLib.perfusion.weights import read_spect_weights
    from CardioScarLib.report.bulls_eye import check_matplotlib

    if pictures:
        check_matplotlib()
        made_folder(pictures)
    is_folder = scan.is_dir() and not any(is_dicom(one) for one in scan.iterdir() if one.is_file() and one.stat().st_size)
    if is_folder:
        studies, skipped = find_studies(scan, Names(**layout), allow_mask_as_volume)
        made_folder(output)
        targets = [output / f"{one.name}_pred.nii.gz" for one in studies]
    else:
        studies, skipped, targets = [Study(scan.name.split(".")[0], scan, None, "")], [], [output]
    for target, one in zip(targets, studies, strict=True):
        check_wall_files(target, share, (one.volume,), overwrite)
    trained = read_spect_weights(weights, dae)
    written, volumes = [], {}
    with progress_bars(quiet=as_json) as progress:
        for number, (one, target) in enumerate(zip(studies, targets, strict=True)):
            if is_folder:
                progress("volumes", number, len(studies))
            try:
                volume = read_spect(one.volume, allow_mask_as_volume)
                found = find_wall(volume.image, trained, settings, None if is_folder else progress)
            except CardioScarError as problem:
                if not is_folder:
                    raise
                skipped.append(f"{one.name} was skipped: {problem}")
                continue
            skipped += volume.notes
            record = {
                "weights_sha256": trained.sha256,
                "network": trained.name,
                "dae_sha256": trained.refiner.sha256 if trained.refiner else None,
                "settings": asdict(settings),
                "wall_ml": found.volume_ml,
            }
            with hold_interrupts():
                written += write_wall(found, target, share, record, overwrite)
            volumes[one.name] = found.volume_ml
            if pictures and (pictures_of is None or number < pictures_of):
                true = None if one.mask is None else read_mask(one.mask, volume.image)
                written.append(write_figure(four_panels(found, true, one.name), pictures / f"{one.name}.png", overwrite))
    say_notes(skipped)
    if not written:
        raise BadTrainingData(f"No wall was found on any volume. The first problem: {skipped[0]}")
    if as_json:
        click.echo(json.dumps({"wall_ml": volumes, "written": [str(one) for one in written], "notes": skipped}, indent=2))
        return
    for name, volume_ml in volumes.items():
        say(f"Wall   {volume_ml:.0f} mL  {name}")
    say(f"Wrote  {len(written)} files" if len(written) > 2 else f"Wrote  {written[0]}")
