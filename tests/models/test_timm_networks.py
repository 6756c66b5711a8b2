import sys

import numpy as np
import pytest

from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.models import backbone_networks, timm_networks

IMAGES = np.random.default_rng(0).integers(256, size=(3, 128, 128), dtype=np.uint8)


def test_without_timm_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match=r"timm:resnest50d needs the extra backbones: uv sync --extra backbones$"):
        backbone_networks.deep_features("timm:resnest50d", IMAGES)


@pytest.mark.parametrize(("name", "message"), [("weights.h5", "must come as a .safetensors"), ("none.pth", "no such")])
def test_a_file_that_cannot_hold_weights_is_refused_before_timm_is_asked(tmp_path, name, message):
    with pytest.raises(DataError, match=message):
        backbone_networks.deep_features(f"timm:resnest50d={tmp_path / name}", IMAGES)


@pytest.fixture
def tiny(monkeypatch):
    """Give timm, with a network of its own kind that is quick: 32 pixels, other means for each channel."""
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    config = {"input_size": (3, 32, 32), "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 0.2), "classifier": "fc"}
    create = timm.create_model

    def create_tiny(name, pretrained=False, pretrained_cfg_overlay=None, **options):
        overlay = config | (pretrained_cfg_overlay or {})
        return create(name, pretrained, pretrained_cfg_overlay=overlay, num_classes=4, channels=(8, 8, 8, 8), **options)

    monkeypatch.setattr(timm, "create_model", create_tiny)
    return torch


def test_random_weights_follow_the_seed_and_leave_the_global_state_alone(tiny):
    tiny.manual_seed(7)
    before = tiny.random.get_rng_state()
    a, again, other = (backbone_networks.deep_features("random-timm:resnet18", IMAGES, seed) for seed in (1, 1, 2))
    assert tiny.equal(tiny.random.get_rng_state(), before)
    np.testing.assert_array_equal(a, again)
    assert a.shape == (3, 8) and a.dtype == np.float32 and np.isfinite(a).all() and np.ptp(a, axis=0).any()
    assert np.abs(a - other).max() > 0.1 * np.abs(a).max()
    single = backbone_networks.deep_features("random-timm:resnet18", IMAGES[1:2], 1)
    np.testing.assert_allclose(single, a[1:2], rtol=1e-4, atol=1e-6)
    assert backbone_networks.deep_features("random-timm:resnet18", IMAGES[:0], 1).shape == (0, 8)


def test_grey_comes_as_three_channels_of_the_networks_own_size_mean_and_deviation(tiny, monkeypatch):
    seen = []

    class Spy(tiny.nn.Module):
        def __init__(self):
            super().__init__()
            self.num_features = 2
            self.pretrained_cfg = {"input_size": (3, 32, 48), "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 0.2)}

        def forward(self, x):
            seen.append(x.numpy())
            return x.mean((2, 3))[:, :2]

    monkeypatch.setattr(timm_networks, "build", lambda *given: Spy())
    grey = np.full((20, 128, 128), 51, np.uint8)
    found = timm_networks.deep_features("any", grey)
    assert [own.shape for own in seen] == [(16, 3, 32, 48), (4, 3, 32, 48)]
    expected = [(0.2 - 0.1) / 0.5, 0, (0.2 - 0.3) / 0.2]
    np.testing.assert_allclose(seen[0][3].mean(axis=(1, 2)), expected, atol=1e-6)
    np.testing.assert_allclose(found, np.tile(expected[:2], (20, 1)), atol=1e-6)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_are_read_from_a_file(tiny, tmp_path, suffix):
    import timm
    from safetensors.torch import save_file

    tiny.manual_seed(3)
    whole = timm.create_model("resnet18").eval()
    path = tmp_path / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else tiny.save)(whole.state_dict(), path)
    found = backbone_networks.deep_features(f"timm:resnet18={path}", IMAGES)
    whole.reset_classifier(0)
    model = timm_networks.build("resnet18", path)
    for own, other in zip(model.state_dict().values(), whole.state_dict().values(), strict=True):
        assert tiny.equal(own, other)
    assert found.shape == (3, 8)


def test_a_file_of_another_network_or_of_code_is_refused_and_never_random_weights(tiny, tmp_path):
    class Code:
        def __reduce__(self):
            return pytest.fail, ("code was run",)

    for content in ({"conv1.weight": tiny.zeros(2)}, {"state_dict": Code()}):
        path = tmp_path / "odd.pth"
        tiny.save(content, path)
        with pytest.raises(DataError, match=r"odd\.pth: does not hold the weights of timm:resnet18 \(") as error:
            backbone_networks.deep_features(f"timm:resnet18={path}", IMAGES)
        assert "\n" not in str(error.value)


def test_no_network_and_no_file_is_a_clear_error(tiny, monkeypatch):
    import timm

    def unreachable(name, pretrained, **options):
        assert pretrained
        raise OSError("cannot find the files. Please check your connection\nmore")

    monkeypatch.setattr(timm, "create_model", unreachable)
    message = r"^timm:resnest50d: its weights cannot be downloaded \(cannot find the files\); give a weights file"
    with pytest.raises(DataError, match=message):
        backbone_networks.deep_features("timm:resnest50d", IMAGES)


@pytest.mark.parametrize("name", ["resnest5d", "hf-hub:timm/resnet18", "local-dir:/tmp", ""])
def test_an_unknown_network_is_named_and_nothing_else_is_opened(tiny, name):
    with pytest.raises(UsageError, match="is not known to timm") as error:
        backbone_networks.deep_features(f"timm:{name}", IMAGES)
    assert ("is it resnest50d" in str(error.value)) == (name == "resnest5d")
