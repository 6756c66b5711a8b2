"""Time a training step beside the stock Keras way: ``uv run python tests/benchmarks/training.py [--thesis]``.

Stock is what the Keras example of a VAE does: plain layers, a `train_step` that returns the losses, `model.fit`, Adam,
default compilation. Both train the same network on the same images in one process, in turn, so that what else the
machine does hits both; the table gives medians over the rounds, and the ratio of the two round by round.
"""

import argparse
import time

import numpy as np

from nanofoam_lib import training, vae
from nanofoam_lib.backend import keras

ops, layers = keras.ops, keras.layers

NETWORKS = {
    "quick": vae.Config(),
    "thesis": vae.Config(latent_dim=128, filters=(512, 256, 128, 64), decoder_filters=(128, 64, 32)),
}


def plain_encoder(config):
    """Make the encoder as the thesis draws it; its weights stand in the same order as those of `vae.build`."""
    images = x = keras.Input((vae.SIZE, vae.SIZE, 1))
    for filters in config.filters[:-1]:
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=vae.MOMENTUM)(layers.MaxPooling2D()(x))
    x = layers.Conv2D(config.filters[-1], 3, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    return keras.Model(images, [layers.Dense(config.latent_dim)(x) for _ in range(2)])


def plain_decoder(config):
    """Make the decoder as the thesis draws it, up to the logits; weights as in `vae.build`."""
    side = vae.SIZE // 2 ** len(config.decoder_filters)
    latents = keras.Input((config.latent_dim,))
    x = layers.Dense(side * side * config.decoder_filters[0])(latents)
    x = layers.Reshape((side, side, config.decoder_filters[0]))(x)
    for filters in config.decoder_filters:
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=vae.MOMENTUM)(layers.UpSampling2D()(x))
    return keras.Model(latents, layers.Conv2D(1, 3, padding="same")(x))


class StockVAE(keras.Model):
    """The VAE of the Keras example, with the loss of `vae.Autoencoder`."""

    def __init__(self, config):
        super().__init__()
        self.encoder, self.decoder = plain_encoder(config), plain_decoder(config)
        self.noise = keras.random.SeedGenerator(0)

    def call(self, images, training=False):
        mu, log_var = self.encoder(images, training=training)
        z = mu + ops.exp(log_var / 2) * keras.random.normal(ops.shape(mu), seed=self.noise)
        kl = ops.sum(ops.square(mu) + ops.exp(log_var) - 1 - log_var, axis=1) / 2
        entropy = ops.binary_crossentropy(images, self.decoder(z, training=training), from_logits=True)
        self.add_loss(ops.mean(kl) + ops.mean(ops.sum(entropy, axis=(1, 2, 3))))
        return z


def stock(config, images, batch_size):
    """Give the work of one epoch the stock way."""
    model = StockVAE(config)
    model.compile(keras.optimizers.Adam(1e-4))
    x = images[..., None].astype(np.float32) / 255
    return lambda: model.fit(x, batch_size=batch_size, verbose=0)


def ours(config, images, batch_size):
    """Give the work of one epoch as `training.fit` does it, augmentation included."""
    model = vae.build(config)
    training.compile_autoencoder(model, learning_rate=1e-4)
    rows = np.arange(len(images))
    return lambda: training.run_epoch(model, images, rows, batch_size, key=(0, 1))


def seconds(work):
    """Time one call: by the clock, and summed over the cores, which other work on the machine disturbs less."""
    began, began_cores = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - began_cores


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--thesis", action="store_true", help="the thesis's network too: minutes")
    parser.add_argument("--steps", type=int, default=10, help="steps in a round (default 10)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds (default 7)")
    parser.add_argument("--batch", type=int, default=16, help="images in a step (default 16)")
    options = parser.parse_args()
    print(f"batch {options.batch}; images per second; ratio: median, least and most of {options.rounds} rounds")
    for name in ("quick", "thesis") if options.thesis else ("quick",):
        n = options.batch * (options.steps if name == "quick" else 2)
        images = np.random.default_rng(0).integers(0, 256, (n, vae.SIZE, vae.SIZE), np.uint8)
        ways = [make(NETWORKS[name], images, options.batch) for make in (stock, ours)]
        for way in ways:
            way()  # traces and compiles
        took = np.array([[seconds(way) for way in ways] for _ in range(options.rounds)])
        speed, (ratio, cores) = n / np.median(took[:, :, 0], axis=0), (took[:, 0] / took[:, 1]).T
        spread = f"{np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f})"
        print(f"{name:7} stock Keras {speed[0]:7.1f}   ours {speed[1]:7.1f}   ratio {spread}; "
              f"of processor time {np.median(cores):.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
