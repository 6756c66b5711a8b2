import pytest

from nanofoam_lib.base.errors import UsageError
from nanofoam_lib.runs import parameters


def test_values_are_json():
    assert parameters.parse("epochs=3") == ("epochs", 3)
    assert parameters.parse("latent_dims=[64,128]") == ("latent_dims", [64, 128])
    assert parameters.parse("skip_bad=true") == ("skip_bad", True)
    assert parameters.parse("pixel_size_um=null") == ("pixel_size_um", None)
    assert parameters.parse("epochs=many") == ("epochs", "many")
    with pytest.raises(UsageError, match="NAME=VALUE"):
        parameters.parse("epochs")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "unknown parameter 'epoch'; known are .*epochs"),
        ({"epochs": "many"}, 'epochs must be a whole number .*not "many"'),
        ({"epochs": 2.5}, "epochs"),
        ({"epochs": 0}, "epochs must be a whole number from 1"),
        ({"epochs": True}, "epochs"),
        ({"skip_bad": 1}, "skip_bad must be true or false"),
        ({"latent_dims": 128}, "latent_dims must be a JSON list"),
        ({"latent_dims": []}, "latent_dims"),
        ({"latent_dims": [128, "x"]}, "latent_dims"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"crop": 0.6}, "crop must be a number from 0 to 0.45 or a JSON list of 4, .top, right, bottom, left."),
        ({"crop": [0.1, 0.1, 0.1]}, "crop must be"),
        ({"crop": [0.1, 0.1, 0.1, 0.5]}, "crop must be"),
        ({"crop": "auto"}, "crop must be"),
        ({"bar": "bottom"}, 'bar must be a whole number from 0 to 10000 or "auto" or "none"'),
        ({"bar": 1.5}, "bar must be"),
        ({"um_per_pixel": 0}, 'um_per_pixel must be a number from .* or "auto" or "none", not 0'),
        ({"um_per_pixel": None}, "um_per_pixel must be"),
        ({"stack": "all"}, 'stack must be one of "first", "max", "mean", "each"'),
        ({"seed": None}, "seed"),
        ({"protocol": "random"}, 'protocol must be one of "by-group", "thesis"'),
        ({"kinds": ["vae", "gan"]}, 'kinds must be a JSON list of some of "vae", "ae", "texture"'),
        ({"kinds": ["texture"]}, 'kinds must hold "vae"'),
        ({"seeds": [1.5]}, "seeds must be a JSON list of whole numbers"),
        ({"backbones": [1]}, "backbones must be a JSON list of strings"),
        (
            {"backbones": ["timm:resnest50d=a.pth"], "fine_tune": "head"},
            "fine_tune: backbone 'timm:.*' cannot be retrained",
        ),
        ({"filters": [4, 4, 4], "decoder_filters": [4]}, "decoder_filters must have one entry fewer"),
        ({"filters": [4] * 9, "decoder_filters": [4] * 8}, "2 to 8"),
    ],
)
def test_wrong_values_are_named(values, message):
    with pytest.raises(UsageError, match=message) as caught:
        parameters.check(values, "-p")
    assert "\n" not in str(caught.value)


def test_right_values_pass_and_whole_numbers_become_floats_where_floats_are_meant():
    checked = parameters.check({"beta": 1, "pixel_size_um": None, "epochs": 2})
    assert checked == {"beta": 1.0, "pixel_size_um": None, "epochs": 2}
    assert isinstance(checked["beta"], float)
    words = {"bar": "auto", "um_per_pixel": "none", "crop": [0, 0.1, 0.45, 0], "stack": "each"}
    assert parameters.check(words) == words
    tuned = {"backbones": ["random-VGG16", "ResNet50=a.h5"], "fine_tune": "last"}
    assert parameters.check(tuned) == tuned
    assert parameters.check({"backbones": ["timm:resnest50d"], "fine_tune": "none"})
    assert parameters.check({"bar": 70, "um_per_pixel": 2}) == {"bar": 70, "um_per_pixel": 2.0}


def test_profiles_come_by_name_or_from_a_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("epochs: 7\nfilters: [4, 4]\ndecoder_filters: [4]\n")
    expected = {"epochs": 7, "filters": [4, 4], "decoder_filters": [4]}
    assert parameters.load_profile("mine", tmp_path) == expected
    assert parameters.load_profile(str(tmp_path / "mine.yaml"), tmp_path / "elsewhere") == expected
    assert parameters.load_profile("demo", tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such profile; give one of demo, other"),
        ("epochs: [", "--profile"),
        ("- 1\n", "name: value"),
        ("epoch: 1\n", "unknown parameter 'epoch'"),
        ("epochs: !!python/object/apply:os.getcwd []\n", "--profile"),
    ],
)
def test_profiles_that_cannot_be_used_are_named(tmp_path, text, message):
    (tmp_path / "other.yaml").write_text("epochs: 1\n")
    if text is not None:
        (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        parameters.load_profile("mine", tmp_path)
    assert "\n" not in str(caught.value)
