"""The negative evidence lower bound and its parts: σ, the KL divergence, their sum with the reconstruction.

Formulas take tensors of the backend, with gradients, or arrays of numpy, and give the same kind.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.models.backend import keras

#: exp(log σ²) overflows on unlucky images early in training; ±12 leaves σ in 0.0025…400.
LOG_VAR_LIMIT = 12.0
#: A latent dimension is active if its mean KL divergence from the prior is above this, in nat, …
ACTIVE_KL = 0.01
#: … and the variance of its μ over the images above this [Burda et al. 2016, arXiv:1509.00519].
ACTIVE_VARIANCE = 0.01


def total(reconstruction: Any, kl: Any = None, beta: float = 1.0) -> Any:
    """Give the loss ``reconstruction + β KL`` in nats per image (thesis eq. 15); without `kl`, the first alone."""
    return reconstruction if kl is None else reconstruction + beta * kl


def clip_log_var(log_var: Any) -> Any:
    """Clip log σ² to ±12 in value but not in gradient: a dimension that ran away is still pulled back."""
    if isinstance(log_var, np.ndarray):
        return np.clip(log_var, -LOG_VAR_LIMIT, LOG_VAR_LIMIT)
    clipped = keras.ops.clip(log_var, -LOG_VAR_LIMIT, LOG_VAR_LIMIT)
    return log_var + keras.ops.stop_gradient(clipped - log_var)


def sigma(log_var: Any) -> Any:
    """Give the standard deviation exp(½ log σ²) of the latent distribution, log σ² clipped to ±12."""
    exp = np.exp if isinstance(log_var, np.ndarray) else keras.ops.exp
    return exp(0.5 * clip_log_var(log_var))


def kl_divergence(mu: Any, log_var: Any) -> Any:
    """Give the KL divergence of N(μ, σ²) from N(0, 1) in nats, element by element (thesis eq. 14)."""
    log_var = clip_log_var(log_var)
    library = np if isinstance(log_var, np.ndarray) else keras.ops
    # Not ``mu * mu``: two gradients beside that of z, and three TensorFlow adds in an order that timing decides
    return 0.5 * (library.square(mu) + library.exp(log_var) - 1.0 - log_var)


def dimension_kl(mu: ArrayLike, sigma: ArrayLike) -> NDArray[np.float64]:
    """Mean KL divergence from N(0, 1) of each latent dimension.

    Parameters
    ----------
    mu, sigma : array-like, shape (N, D)
        Means and standard deviations (positive) that the encoder gives.

    Returns
    -------
    ndarray, shape (D,)
        Mean over the images of ½(μ² + σ² - 1 - 2 ln σ), in nat; 0 for a dimension that the encoder does not use.

    Raises
    ------
    ValueError
        If shapes differ or a sigma is not positive.

    Examples
    --------
    >>> dimension_kl([[0, 2]], [[1, 1]])
    array([0., 2.])
    """
    mu, sigma = np.asarray(mu), np.asarray(sigma)
    if mu.shape != sigma.shape:
        raise ValueError(f"mu has shape {mu.shape}, but sigma {sigma.shape}")
    if not (sigma > 0).all():
        raise ValueError("sigma: standard deviations must be positive")
    parts = ((mu[:, dims].astype(float), sigma[:, dims].astype(float)) for dims in memmap.slices(mu.shape[1], 16))
    return np.concatenate([kl_divergence(m, 2 * np.log(s)).mean(axis=0) for m, s in parts])


def usage(mu: ArrayLike, sigma: ArrayLike) -> pd.DataFrame:
    """Tell which latent dimensions an encoder uses.

    Parameters
    ----------
    mu, sigma : array-like, shape (N, D)

    Returns
    -------
    pandas.DataFrame, D rows
        ``kl``, as `dimension_kl` gives it; ``mu_variance``, variance of μ over the images; ``active``, whether both
        exceed 0.01. An encoder that knows nothing can pass: what its vectors are worth, `skill` says.
    """
    kl = dimension_kl(mu, sigma)
    variance = np.var(np.asarray(mu), axis=0, dtype=float)
    return pd.DataFrame({"kl": kl, "mu_variance": variance, "active": (kl > ACTIVE_KL) & (variance > ACTIVE_VARIANCE)})


def usage_of_all(
    latents: Mapping[tuple[str, int, str], NDArray[Any]], rows: ArrayLike
) -> dict[tuple[str, int], pd.DataFrame]:
    """Tell it of several models: dict of (kind, latent_dim, name) → vectors (N, D) to (kind, latent_dim) → `usage`.

    Parameters
    ----------
    latents : dict
        As `descriptors.encode_all` gives it; models without σ are left out.
    rows : array-like of bool, shape (N,)
        The images that count.
    """
    models = [(kind, latent_dim) for kind, latent_dim, name in latents if name == "sigma"]
    return {model: usage(*(memmap.take(latents[*model, name], rows) for name in ("mu", "sigma"))) for model in models}
