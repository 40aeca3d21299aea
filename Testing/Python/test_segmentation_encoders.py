"""Weights of SAM and MedSAM: both layouts are read, and nothing else."""

import pytest

from CardioScarLib.core.errors import UnreadableFile

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("monai")

ORIGINAL = (
    ("patch_embed.projection.", "patch_embed.proj."),
    ("layers.", "blocks."),
    (".layer_norm1.", ".norm1."),
    (".layer_norm2.", ".norm2."),
    ("neck.conv1.", "neck.0."),
    ("neck.layer_norm1.", "neck.1."),
    ("neck.conv2.", "neck.2."),
    ("neck.layer_norm2.", "neck.3."),
)
"""Names of transformers, and those of the original program."""


@pytest.fixture(scope="module")
def encoders():
    """One for images of 80 pixels, and one for larger images whose weights are given to it."""
    from CardioScarLib.segmentation.networks.scarnet import SMALL, vision_encoder

    torch.manual_seed(0)
    return vision_encoder(80, SMALL), vision_encoder(160, SMALL)


def weights_of(encoder):
    return {key.removeprefix("vision_encoder."): value for key, value in encoder.state_dict().items()}


def in_original_names(key):
    if key.startswith("neck."):
        renamed = [(one, other) for one, other in ORIGINAL if one.startswith("neck.")]
    else:
        renamed = [(one, other) for one, other in ORIGINAL if not one.startswith("neck.")]
    for one, other in renamed:
        key = key.replace(one, other)
    return "image_encoder." + key


@pytest.mark.parametrize("layout", ["original", "hugging face", "safetensors"])
def test_an_encoder_takes_every_weight_of_a_checkpoint_and_resizes_the_embedding_of_places(encoders, tmp_path, layout):
    from CardioScarLib.segmentation.encoders import load_encoder

    ours, theirs = encoders
    given = weights_of(theirs)
    if layout == "original":
        saved = {in_original_names(key): value for key, value in given.items()}
        saved["mask_decoder.output.weight"] = torch.zeros(2)
    else:
        saved = {f"vision_encoder.{key}": value.contiguous() for key, value in given.items()}
    path = tmp_path / ("model.safetensors" if layout == "safetensors" else "medsam_vit_b.pth")
    if layout == "safetensors":
        from safetensors.torch import save_file

        save_file(saved, str(path))
    else:
        torch.save(saved, path)
    load_encoder(ours, path)
    loaded = weights_of(ours)
    assert torch.equal(loaded["layers.0.attn.qkv.weight"], given["layers.0.attn.qkv.weight"])
    assert torch.equal(loaded["neck.layer_norm2.bias"], given["neck.layer_norm2.bias"])
    assert loaded["pos_embed"].shape[1:3] == (10, 10)
    assert float(loaded["pos_embed"].mean()) == pytest.approx(float(given["pos_embed"].mean()), abs=1e-3)


def test_a_checkpoint_with_a_weight_missing_or_of_another_size_is_refused(encoders, tmp_path):
    from CardioScarLib.segmentation.encoders import load_encoder

    ours, theirs = encoders
    saved = {f"vision_encoder.{key}": value for key, value in weights_of(theirs).items()}
    path = tmp_path / "model.pth"
    lost = saved.pop("vision_encoder.layers.1.mlp.lin1.bias")
    torch.save(saved, path)
    with pytest.raises(UnreadableFile, match="1 of its weights are missing or too many, such as layers.1.mlp.lin1.bias"):
        load_encoder(ours, path)
    torch.save({**saved, "vision_encoder.layers.1.mlp.lin1.bias": torch.cat([lost, lost])}, path)
    with pytest.raises(UnreadableFile, match="another size"):
        load_encoder(ours, path)


def test_a_file_that_could_run_something_or_holds_no_encoder_is_refused(encoders, tmp_path):
    from CardioScarLib.segmentation.encoders import load_encoder

    path = tmp_path / "model.pth"
    torch.save({"image_encoder.pos_embed": print}, path)
    with pytest.raises(UnreadableFile, match="weights alone"):
        load_encoder(encoders[0], path)
    torch.save({"decoder.weight": torch.zeros(2)}, path)
    with pytest.raises(UnreadableFile, match="no image encoder"):
        load_encoder(encoders[0], path)
