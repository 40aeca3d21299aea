"""`cardioscar synthesize evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say_notes, tell


@click.command(short_help="Score made images.")
@click.argument("made", type=Path, metavar="MADE")
@click.argument("real", type=Path, metavar="REAL")
@click.option("--labels", required=True, metavar="ORDER|NAME=VALUE,...", help="Meaning of the labels of real images: emidec, or names.")
@click.option("--training", type=Path, metavar="FOLDER", help="The images that the network learned from: looks for copies of them.")
@click.option(
    "--weights", default="default", show_default=True, metavar="default|FILE", help="Segmentation network that finds the labels again."
)
@click.option(
    "--inception", type=Path, metavar="FILE", help="Weights of FID's Inception, of torch-fidelity: also FID, KID, Inception score."
)
@click.option("--alexnet", type=Path, metavar="FILE", help="Weights of torchvision's AlexNet: also LPIPS.")
@click.option("--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True, help="Where networks run.")
@click.option("--output", type=Path, metavar="FILE", help="Also write all scores as JSON.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def evaluate(made, real, labels, training, weights, inception, alexnet, device, output, overwrite, as_json) -> None:
    """Score the images in MADE, with the label maps they were made of, against those in REAL, which no network learned from.

    PSNR and SSIM need real images of the same labels and names. The Frechet and kernel distances are of features of CardioScar's own
    segmentation network; they are not FID and KID of other work. Those need --inception, and LPIPS needs --alexnet: weights that you have,
    and the packages torch-fidelity and lpips. Dice tells how well a network finds the labels again.
    """
    from CardioScarLib.io.files import check_not_read, check_writable
    from CardioScarLib.segmentation.weights import read_weights
    from CardioScarLib.synthesis.gan.evaluation import evaluate_made
    from CardioScarLib.synthesis.gan.published_scores import read_inception, read_lpips

    if output:
        check_writable(output, overwrite)
        check_not_read((output,), (made, real))
    judge = read_weights(weights)
    inception, lpips = (None if path is None else read(path) for read, path in ((read_inception, inception), (read_lpips, alexnet)))
    with progress_bars(quiet=as_json) as progress:
        found = evaluate_made(made, real, labels, judge, training, device, inception, lpips, progress)
    say_notes(found.skipped)
    tell(found.as_dict(), lambda: _in_words(found), as_json, output, overwrite)


def _in_words(found) -> str:
    def words(mean, digits: int) -> str:
        return "-" if mean is None else mean.in_words(digits)

    stacks, slices = found.images["made"]
    lines = [
        f"Made      {stacks} stacks, {slices} slices with labels; real: {found.images['real'][0]} stacks, {found.images['real'][1]} slices"
    ]
    if found.psnr is not None:
        lines.append(f"PSNR      {words(found.psnr, 2)} dB")
        lines.append(f"SSIM      {words(found.ssim, 3)}")
    floor = found.floor
    of_floor = "" if floor is None else f"; of real images learned from: {floor['frechet']:.4f}"
    lines.append(f"Frechet   {found.frechet:.4f}, features of the segmentation network{of_floor}")
    of_floor = "" if floor is None else f"; of real images learned from: {floor['kernel'][0]:.5f}"
    lines.append(f"Kernel    {found.kernel[0]:.5f} (SD {found.kernel[1]:.5f}), the same features{of_floor}")
    if found.inception is not None:
        given, scores = found.inception.weights, found.inception.inception_score
        lines.append(f"FID       {found.inception.fid:.2f}, KID {found.inception.kid[0]:.4f} (SD {found.inception.kid[1]:.4f}), {given}")
        words_of = {name: f"{mean:.2f} (SD {spread:.2f})" for name, (mean, spread) in scores.items()}
        lines.append(f"Inception {words_of['made']} on made, {words_of['real']} on real: Inception score, {given}")
    if found.perceptual is not None:
        lines.append(f"LPIPS     {words(found.perceptual.lpips, 3)}, {found.perceptual.weights}")
    lines.append(f"{'':<10}{'on made':<22}{'on real':<22}ratio")
    for name, each in found.dice.items():
        ratio = "-" if each["ratio"] is None else f"{each['ratio']:.3f}"
        lines.append(f"{'Dice':<10}{words(each['made'], 3):<22}{words(each['real'], 3):<22}{ratio}  {name}")
    coherence = found.coherence
    lines.append(f"{'Coherence':<10}{words(coherence['made'], 3):<22}{words(coherence['real'], 3):<22}correlation around the heart")
    variety = found.variety
    if None not in variety.values():
        cells = f"{variety['made']:<22.3f}{variety['real']:<22.3f}{variety['made'] / variety['real']:.3f}"
        lines.append(f"{'Variety':<10}{cells}  distance in pixels between slices of different patients")
    for name, one in (found.memory or {}).items():
        held = f"held-out real images {one.held_out:.3f}; between patients {one.median:.3f}, smallest {one.between:.3f}"
        lines.append(f"Nearest   {one.made:.3f} in {name}: median to an image learned from; {held}")
        lines.append(f"Nearer    {one.nearer.in_words(2)} in {name}: chance to lie nearer to one learned from than a held-out real slice")
    if found.memorized is not None:
        lines.append(
            f"Copies    {found.memorized} of {slices} made slices are nearer to one learned from than any two of different patients"
        )
        for name, one in found.memory.items():
            shares = [
                f"{count} ({100 * low:.1f}-{100 * high:.1f} %)"
                for count, (low, high) in ((one.copies, one.copies_interval), (one.held_out_copies, one.held_out_copies_interval))
            ]
            lines.append(f"          in {name} {shares[0]}; of {found.images['real'][1]} held-out real slices {shares[1]}")
    return "\n".join(lines)
