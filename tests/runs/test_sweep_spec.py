import pytest

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import UsageError
from nanofoam_lib.runs import sweep_spec


@pytest.fixture
def spec(tmp_path):
    def write(text):
        path = tmp_path / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_grid_is_every_combination_and_the_last_parameter_changes_fastest(spec):
    text = "profile: demo\nparameters: {epochs: 3}\ngrid:\n  latent_dims: [8, [16, 32]]\n  beta: [0.5, 4]\n"
    sweep = sweep_spec.load(spec(text))
    assert (sweep.profile, sweep.data, sweep.lang, sweep.common) == ("demo", None, "en", {"epochs": 3})
    assert [item.name for item in sweep.items] == [
        "latent_dims=8_beta=0.5", "latent_dims=8_beta=4", "latent_dims=16-32_beta=0.5", "latent_dims=16-32_beta=4",
    ]  # fmt: skip
    assert sweep.items[3].point == {"latent_dims": [16, 32], "beta": 4.0}


def test_names_of_runs_stay_inside_their_folder(spec):
    sweep = sweep_spec.load(spec('grid: {backbones: ["VGG16=../../x.h5", "../..", ".."], skip_bad: [true, false]}'))
    assert len({item.name for item in sweep.items}) == 6
    for item in sweep.items:
        assert "/" not in item.name
        assert safe_names.is_inside("out", item.name)
    assert sweep.items[0].name == "backbones=VGG16-..-..-x.h5_skip_bad=true"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grid: {epoch: [1, 2]}", "unknown parameter 'epoch'"),
        ("grid: {epochs: [1, many]}", "epochs must be a whole number"),
        ("grid: {epochs: 3}", "epochs must be a list of the values"),
        ("grid: {epochs: []}", "epochs must be a list of the values"),
        ("grid: {seed: [1, 1]}", "2 points have the name seed=1"),
        ("grid: [1, 2]", "grid must hold lines"),
        ("parameters: {epochs: 3}", "expected an entry 'grid'"),
        ("grid: {seed: [1]}\nparameters: {seed: 2}", "seed stands in both"),
        ("grid: {seed: [1]}\nparameter: {beta: 2}", "unknown entry 'parameter'"),
        ("grid: {seed: [1]}\nuntil: 03", "until must be text, in quotes"),
        ("grid: {seed: [1]}\nlang: fr", "lang must be en or es"),
        ("grid: {filters: [[4, 4]], decoder_filters: [[4, 4]]}", "decoder_filters must have one entry fewer"),
        ("grid: {seed: !!python/object/apply:os.getpid []}", "could not determine a constructor"),
        ("grid: {seed: [1", "line 2: did not find expected"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(spec, text, message):
    path = spec(text)
    with pytest.raises(UsageError) as found:
        sweep_spec.load(path)
    said = str(found.value)
    assert said.startswith(f"{path}: ")
    assert message in said
    assert "\n" not in said


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone.yaml: No such file"):
        sweep_spec.load(tmp_path / "gone.yaml")
