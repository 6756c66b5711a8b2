"""The texture model: an autoencoder whose pictures need not equal the images, but be of the same material."""

from typing import Any

from nanofoam_lib.models import critic, devices, spatial_statistics, vae
from nanofoam_lib.models.backend import keras

ops = keras.ops

# Nats for a picture as far from its image as two micrographs of one specimen are from each other. σ then stays below
# the spread of μ, and all dimensions are active
STATISTICS_WEIGHT = 1000.0
# What corrects the decoder beside the critic's score, which alone would let it forget whose picture it draws
FEATURES, STATISTICS = 30.0, 1.0

#: Share of its steps alone that a model takes which faces a critic afterwards. A labyrinth is drawn before either way;
#: after 1000 steps of it, pores told 0.76 of all pictures with all steps alone, 0.72 with these (one training each).
ALONE = 0.4
#: Of the stage against the critic: little inertia, since both sides shoot at moving goals; the decoder that is kept is
#: an average over about a hundred steps, in which what the two drive each other to and fro cancels out.
LEARNING_RATE = 2e-3
ADAM = {"beta_1": 0.5, "beta_2": 0.99, "use_ema": True, "ema_momentum": 0.99}
BLIND, ASTRAY = 0.02, 3.0  # of the critic's loss, and of the distance of statistics as a multiple of the first


class TextureAutoencoder(vae.Autoencoder):
    """An autoencoder whose pictures need not equal the images, but have their statistics.

    The loss is ``w · spatial_statistics.distance + β Σ_dimensions KL``.
    """

    def decoder_input(self, latents: Any) -> Any:
        """Add a field of noise N(0, 1) as large as an image: the same latents with new noise are a new sample."""
        shape = (ops.shape(latents)[0], vae.SIZE, vae.SIZE, 1)
        return [latents, keras.random.normal(shape, dtype=latents.dtype, seed=self.noise)]

    def compare(self, images: Any, logits: Any) -> Any:
        """Give the weighted distance of statistics of each image: (N,)."""
        return STATISTICS_WEIGHT * spatial_statistics.distance(images[..., 0], ops.sigmoid(logits[..., 0]))


class Duel(TextureAutoencoder):
    """A texture model against a critic, whose encoder stays as it is: what is drawn of z changes, not z.

    The decoder learns to draw what the critic takes for micrographs, and the critic learns to see what is amiss. Both
    losses are one sum, between whose parts no gradient passes: the critic's is of pictures that are held, the
    decoder's by a critic that is held. Watched without training, it is the model itself.

    Parameters
    ----------
    model : TextureAutoencoder
        Whose encoder and decoder it shares.
    seed : int
        Of the critic's weights.
    """

    def __init__(self, model: TextureAutoencoder, seed: int = 0) -> None:
        super().__init__(model.config, model.encoder, model.decoder, seed)
        self.learning = [layer for layer in self.encoder.layers if layer.trainable]
        self._hold(True)
        self.critic = critic.Critic(model.config.latent_dim, seed)
        self.lesson = keras.metrics.Mean(name="critic")

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Compute the loss of the class docstring for images `x` and the output `y_pred` of `call`."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        pictures, latents = ops.sigmoid(y_pred["logits"]), ops.stop_gradient(y_pred["latents"])
        both = ops.concatenate([x, ops.stop_gradient(pictures)])
        scores, seen = self.critic(both, ops.concatenate([latents, latents]), training=True)
        real, drawn = zip(*(ops.split(level, 2) for level in scores), strict=True)
        shown = [ops.split(level, 2)[0] for level in seen]
        lesson = critic.judge(real, drawn)
        self.lesson.update_state(lesson, sample_weight=ops.shape(x)[0])
        own, features = self.critic(pictures, latents, held=True)
        amiss = FEATURES * critic.feature_distance(shown, features) - ops.mean(ops.stack([*map(ops.mean, own)]))
        return devices.of_one(lesson + amiss) + STATISTICS * loss / STATISTICS_WEIGHT

    def part(self) -> None:
        """Take the averaged weights, and let the encoder be trainable again."""
        self.optimizer.finalize_variable_values(self.trainable_variables)
        self._hold(False)

    def _hold(self, held):
        """Hold the layers of the encoder that learn, or let them go; those that are fixed stay so."""
        for layer in self.learning:
            layer.trainable = not held


def failure(rows: list[dict[str, float]]) -> str:
    """Tell from the epochs against a critic so far whether they have failed, "" if not.

    They have if the critic tells every picture without fail, so that nothing is left that could correct the decoder, or
    if the statistics of the pictures have left those of the micrographs.
    """
    last = rows[-1]
    if last["critic"] < BLIND:
        return f"the critic tells every picture (loss {last['critic']:.3f}); its decoder stays as it was before it"
    if last["reconstruction"] > ASTRAY * rows[0]["reconstruction"]:
        return "against the critic its pictures lost the statistics of micrographs; its decoder stays as it was before"
    return ""
