"""A training step: ours beside the stock Keras way, and beside the same network in PyTorch.

Stock is what the Keras example of a VAE does: plain layers, `model.fit`, Adam, default compilation.
"""

import importlib.util

import numpy as np
from measure import Row, compare, seconds, take_turns

from nanofoam_lib.models import convolutions, mixed_precision, training, vae
from nanofoam_lib.models.backend import keras

ops, layers = keras.ops, keras.layers

BATCH = 16
NETWORKS = {
    "quick": vae.Config(),
    "thesis": vae.Config(latent_dim=128, filters=(512, 256, 128, 64), decoder_filters=(128, 64, 32)),
}


def plain_encoder(config):
    """Make the encoder as the thesis draws it; its weights stand in the same order as those of `vae.build`."""
    images = x = keras.Input((vae.SIZE, vae.SIZE, 1))
    for filters in config.filters[:-1]:
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=convolutions.MOMENTUM)(layers.MaxPooling2D()(x))
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
        x = layers.BatchNormalization(momentum=convolutions.MOMENTUM)(layers.UpSampling2D()(x))
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
    precision, recipe = mixed_precision.choose(), training.Recipe(batch_size=batch_size)

    def epoch():
        with mixed_precision.computing(model, precision):
            training.run_epoch(model, images, rows, recipe, (0, 1))

    return epoch


def torch_way(config, images, batch_size):
    """Give the work of one epoch in PyTorch, written plainly, in its faster memory layout (channels last)."""
    import torch

    model = _torch_vae(config).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    x = torch.from_numpy(images[:, None].astype(np.float32) / 255).contiguous(memory_format=torch.channels_last)

    def epoch():
        model.train()
        for batch in torch.split(x[torch.randperm(len(x))], batch_size):
            optimizer.zero_grad()
            model(batch).backward()
            optimizer.step()

    return epoch


def _torch_vae(config):
    from torch import nn

    side = vae.SIZE // 2 ** len(config.decoder_filters)
    encoder, depth = [], 1
    for filters in config.filters[:-1]:
        encoder += [nn.Conv2d(depth, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(filters)]
        depth = filters
    encoder += [nn.Conv2d(depth, config.filters[-1], 3, padding=1), nn.ReLU(), nn.Flatten()]
    first = depth = config.decoder_filters[0]
    decoder = [nn.Linear(config.latent_dim, side * side * first), nn.Unflatten(1, (first, side, side))]
    for filters in config.decoder_filters:
        decoder += [nn.Conv2d(depth, filters, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2)]
        decoder += [nn.BatchNorm2d(filters)]
        depth = filters
    decoder += [nn.Conv2d(depth, 1, 3, padding=1)]

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
            self.heads = nn.Linear(side * side * config.filters[-1], 2 * config.latent_dim)

        def forward(self, images):
            mu, log_var = self.heads(self.encoder(images)).chunk(2, dim=1)
            z = mu + (log_var / 2).exp() * mu.new_empty(mu.shape).normal_()
            kl = (mu.square() + log_var.exp() - 1 - log_var).sum() / 2
            entropy = nn.functional.binary_cross_entropy_with_logits(self.decoder(z), images, reduction="sum")
            return (kl + entropy) / len(images)

    return VAE()


def operations(config):
    """Count the floating-point operations of one image's training step, in the network as the thesis draws it.

    Two for each product of the convolutions and Dense layers; the backward pass takes as many for the weights, and
    again for the inputs, of which the image needs none.
    """
    side, depth, forward, first = vae.SIZE, 1, 0, 0
    for level, filters in enumerate(config.filters):
        products = 9 * depth * filters * side**2
        forward, first, depth = forward + products, first or products, filters
        side = side // 2 if level < len(config.filters) - 1 else side
    forward += 2 * side**2 * depth * config.latent_dim
    depth = config.decoder_filters[0]
    forward += side**2 * depth * config.latent_dim
    for filters in (*config.decoder_filters, 1):
        forward += 9 * depth * filters * side**2
        side, depth = min(2 * side, vae.SIZE), filters
    return 2 * (3 * forward - first)


def peak(n=4096):
    """Measure the rate of a float32 matrix product in operations per second: the best of several."""
    a = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(n, n)).astype(np.float32))
    return 2 * n**3 / min(seconds(lambda: keras.ops.convert_to_numpy(ops.matmul(a, a)[0, 0])) for _ in range(5))


def _rows(name, steps, rounds, stock_target):
    config, n = NETWORKS[name], BATCH * steps
    images = np.random.default_rng(0).integers(0, 256, (n, vae.SIZE, vae.SIZE), np.uint8)
    ways = {"ours": ours, "stock Keras": stock}
    targets = {"stock Keras": stock_target}
    if importlib.util.find_spec("torch"):
        ways["PyTorch, channels last"] = torch_way
        targets["PyTorch, channels last"] = "≥ 2"
    took = take_turns([make(config, images, BATCH) for make in ways.values()], rounds)
    for column, (against, target) in enumerate(targets.items(), start=1):
        what = f"training step, {name} network, batch {BATCH}"
        yield compare("training" if name == "quick" else "thesis", what, against, took[:, [0, column]], n, "images/s",
                      target)  # fmt: skip
    share = operations(config) * n / np.median(took[:, 0]) / peak()
    yield Row("training" if name == "quick" else "thesis", f"share of the matrix peak, {name} network", share, "of 1")


def quick():
    """Yield rows of the quick profile's network."""
    yield from _rows("quick", steps=10, rounds=7, stock_target="≥ 2")


def thesis():
    """Yield rows of the thesis's network: minutes."""
    yield from _rows("thesis", steps=2, rounds=5, stock_target="≥ 1.8")
