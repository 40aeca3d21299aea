"""FID, Inception score and LPIPS with the user's weights: here random ones in the published layout, where the libraries are installed."""

import importlib
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from gan_hearts import write_hearts

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import UnreadableFile

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")


def library(name):
    """Skips where a library is missing, or does not fit PyTorch."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as problem:
        return pytest.skip(f"{name} cannot be imported: {problem}")


def inception_file(path):
    """Random weights by the names of weights-inception-2015-12-05, of a size that lets images tell through all layers (He et al. 2015)."""
    network = library("torch_fidelity").FeatureExtractorInceptionV3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "load_state_dict", lambda self, weights: None)
        patch.setattr(torch, "load", lambda *_, **__: None)
        torch.manual_seed(0)
        weights = network("inception", ["2048"], feature_extractor_weights_path="none").state_dict()
    for name in [name for name in weights if name.endswith("conv.weight")]:
        torch.nn.init.kaiming_normal_(weights[name])
    torch.save(weights, path)
    return path


def alexnet_file(path):
    torch.manual_seed(0)
    torch.save(library("torchvision.models").alexnet(weights=None).state_dict(), path)
    return path


def stacks_of(images, names):
    """As far as LPIPS looks at them."""
    views = [SimpleNamespace(images=one, labels=np.ones(one.shape, dtype=np.uint8)) for one in images]
    return SimpleNamespace(patients=names, views=views, used=[np.ones(len(one), dtype=bool) for one in images])


def test_lpips_is_zero_for_equal_images_and_that_of_the_library_for_others(tmp_path):
    from CardioScarLib.synthesis.gan.published_scores import perceptual_distance, read_lpips

    lpips = library("lpips")
    given = read_lpips(alexnet_file(tmp_path / "alexnet-owt.pth"))
    random = np.random.default_rng(0)
    one, other = (random.uniform(-1, 1, (2, 64, 64)).astype(np.float32) for _ in range(2))
    same = perceptual_distance(given, stacks_of([one], ["a"]), stacks_of([one], ["a"]), torch.device("cpu"))
    assert same.lpips.mean == 0 and same.weights == "alexnet-owt.pth" and len(same.sha256) == 64
    apart = perceptual_distance(given, stacks_of([one], ["a"]), stacks_of([other], ["a"]), torch.device("cpu"))
    theirs = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    weights = torch.load(tmp_path / "alexnet-owt.pth", weights_only=True)
    for slice_ in theirs.net.children():
        for number, layer in slice_.named_children():
            if f"features.{number}.weight" in weights:
                layer.load_state_dict({part: weights[f"features.{number}.{part}"] for part in ("weight", "bias")})
    planes = [torch.from_numpy(some)[:, None].expand(-1, 3, -1, -1) for some in (one, other)]
    with torch.inference_mode():
        assert apart.lpips.mean == pytest.approx(float(theirs(*planes).mean()), rel=1e-5)
    assert apart.lpips.mean > 0
    assert perceptual_distance(given, stacks_of([one], ["a"]), stacks_of([one], ["b"]), torch.device("cpu")).lpips is None  # no pair


def test_inception_scores_are_those_of_its_features_and_bear_the_name_of_the_file(tmp_path, capsys):
    hearts, other = write_hearts(tmp_path / "real", count=2), write_hearts(tmp_path / "other", count=2, first=9, invert=True)
    path = inception_file(tmp_path / "weights-inception.pth")
    words = ["--labels", "emidec", "--device", "cpu", "--inception", str(path)]
    assert main(["synthesize", "evaluate", str(hearts), str(hearts), *words, "--json"]) == 0
    same = json.loads(capsys.readouterr().out)["inception"]
    assert same["weights"] == "weights-inception.pth" and same["fid"] == pytest.approx(0, abs=1e-3)
    assert same["inception_score"]["made"] == same["inception_score"]["real"] and same["inception_score"]["made"][0] >= 1
    assert main(["synthesize", "evaluate", str(other), str(hearts), *words]) == 0
    fid = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("FID"))
    assert float(fid.split()[1].rstrip(",")) > 0.1 and fid.endswith("weights-inception.pth")


def test_files_of_other_networks_and_pickles_that_run_something_are_refused(tmp_path):
    from CardioScarLib.synthesis.gan.published_scores import read_inception, read_lpips

    library("torch_fidelity"), library("lpips")
    alexnet, inception = alexnet_file(tmp_path / "a.pth"), inception_file(tmp_path / "i.pth")
    with pytest.raises(UnreadableFile, match=r"a\.pth does not hold the weights of FID's Inception"):
        read_inception(alexnet)
    with pytest.raises(UnreadableFile, match=r"i\.pth does not hold the weights of torchvision's AlexNet"):
        read_lpips(inception)
    torch.save({"features.0.weight": SimpleNamespace()}, tmp_path / "odd.pth")
    for read in (read_inception, read_lpips):
        with pytest.raises(UnreadableFile, match="cannot be read as a checkpoint of weights alone"):
            read(tmp_path / "odd.pth")


@pytest.mark.parametrize(("flag", "package"), [("--inception", "torch-fidelity"), ("--alexnet", "lpips")])
def test_a_missing_library_is_named_in_one_sentence_before_the_work(flag, package, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    words = ["synthesize", "evaluate", str(tmp_path), str(tmp_path), "--labels", "emidec", flag, str(tmp_path / "weights.pth")]
    assert main(words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ") and f"pip install {package}" in error
