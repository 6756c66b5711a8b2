import numpy as np
import pytest

from nanofoam_lib.explain import gradcam
from nanofoam_lib.models import layer_shapes, vae


@pytest.fixture(scope="module")
def model():
    return vae.build(vae.Config(latent_dim=3, filters=(4, 8, 5), decoder_filters=(6, 7)))


def test_layers_are_those_of_the_model_in_order(model):
    table = layer_shapes.of_model(model)
    assert table["part"].drop_duplicates().tolist() == ["encoder", "latent", "decoder"]
    weighty = table[table["kind"].isin(["convolution", "dense"])]
    assert weighty["layer"].tolist() == [
        "conv_1", "conv_2", "features", "mu", "log_var", "spread", "conv_1", "conv_2", "logits",
    ]  # fmt: skip
    assert weighty["depth"].tolist() == [4, 8, 5, 3, 3, 32 * 32 * 6, 6, 7, 1]
    assert weighty["height"].tolist() == [128, 64, 32, 1, 1, 1, 32, 64, 128]
    assert (table["height"] == table["width"]).all()
    assert set(weighty.loc[weighty["kind"] == "convolution", "detail"]) == {"3×3"}


def test_every_change_of_size_is_a_row(model):
    """Only pooling, upsampling, flattening, reshaping and weights change a shape, each by what it says."""
    table = layer_shapes.of_model(model)
    for part in ("encoder", "decoder"):
        own = table[(table["part"] == part) & (table["height"] > 1)]
        ratio = own["height"].div(own["height"].shift()).fillna(1)
        assert (own["kind"][ratio == 0.5] == "max pooling").all()
        assert (own["kind"][ratio == 2] == "upsampling").all()
        assert (ratio != 1).sum() == 2
    activations = table[table["kind"].isin(["ReLU", "sigmoid"])]
    assert activations["kind"].tolist() == ["ReLU"] * 5 + ["sigmoid"]


def test_a_plain_autoencoder_has_no_sampling():
    table = layer_shapes.of_model(vae.build(vae.Config(kind="ae", latent_dim=3, filters=(4, 4), decoder_filters=(4,))))
    assert "sampling" not in set(table["kind"])
    assert table.loc[table["layer"] == "conv", "depth"].tolist() == [3]


def test_features_and_weights_give_the_grad_cam_map(model):
    image = np.random.default_rng(0).random((1, 128, 128)).astype(np.float32)
    features, weights = layer_shapes.features(model.encoder, image), layer_shapes.channel_weights(model.encoder)
    assert features.shape == (1, 32, 32, 5)
    expected = gradcam.latent_maps(model.encoder, image)
    np.testing.assert_allclose(np.maximum(features @ weights, 0), expected, atol=1e-5 * expected.max())
