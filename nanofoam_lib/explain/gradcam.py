"""Grad-CAM: which parts of an image each latent dimension, or each class, looks at."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.models import backend, descriptors, objective, vae
from nanofoam_lib.models.backend import keras

ops = keras.ops

#: How a map may weight the feature maps: each by its mean derivative, or each of its cells by its own.
WEIGHTS = ("mean", "cell")
_BYTES = 256e6  # of feature maps at a time in the Jacobian


def latent_maps(
    encoder: keras.Model,
    images: NDArray[Any],
    dims: ArrayLike | None = None,
    head: str = "mu",
    layer: str | None = None,
    signed: bool = False,
    weights: str = "mean",
) -> NDArray[np.float32]:
    """Map where each latent dimension finds what it responds to (thesis eq. 16 and 17; [1]_, [2]_).

    For dimension d and feature maps A_k of height h and width w::

        weights="mean":  M_d = ReLU(Σ_k α_dk A_k),   α_dk = 1/(h w) Σ_pq ∂head_d/∂A_k,pq
        weights="cell":  M_d,pq = ReLU(Σ_k ∂head_d/∂A_k,pq A_k,pq)

    The first is the thesis's Grad-CAM [1]_. Its mean forgets where the head looks: a head whose weights differ from
    cell to cell, such as a dense layer on the flattened A, may respond to other cells than it marks. The second,
    HiResCAM [2]_, lets each cell count by its own derivative. Behind a global average pooling they are the same.

    Every image is explained by itself and every dimension by itself: neither the other images of the batch nor the
    other dimensions change a map, and nothing is sampled.

    Parameters
    ----------
    encoder : keras.Model
        As `vae.build` makes it, or any other whose heads are named layers with outputs (N, D).
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1].
    dims : sequence of int in 0…D−1, optional
        Dimensions to explain; all if not given.
    head : str
        "mu", "log_var" or "conv", a head of the encoder; or "sigma" = exp(½ log σ²) where there is "log_var".
    layer : str, optional
        Name of the layer whose output is A; if not given, the last with feature maps.
    signed : bool
        Leave out the ReLU: negative values are where the image pushes the dimension down.
    weights : {"mean", "cell"}
        Weight each feature map by its mean derivative, or each of its cells by its own.

    Returns
    -------
    ndarray of float32, shape (N, h, w, len(dims))
        In units of the head; `upsample` brings them to the size of the image. Where the head is linear in A, the signed
        maps of "cell" are an exact account of it: each adds up over its cells to the head without its bias.

    Raises
    ------
    ValueError
        If there is no such dimension, head or layer, the images are not as described, or `weights` is neither.

    Notes
    -----
    Where the head is a linear layer on the flattened or the spatially averaged A, the derivatives are its weights: one
    forward pass and one matrix product give all maps. Anywhere else they come from one batched Jacobian, in parts of
    bounded memory. Both are exact.

    References
    ----------
    .. [1] R. R. Selvaraju et al., Int. J. Comput. Vis. 128 (2020) 336, doi:10.1007/s11263-019-01228-7
    .. [2] R. L. Draelos, L. Carin, arXiv:2011.08891
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights must be one of {', '.join(map(repr, WEIGHTS))}, not {weights!r}")
    name = "log_var" if head == "sigma" else head
    tensor = _head_output(encoder, name, head)
    source = _feature_layer(encoder, layer)
    dims = _check_dims(dims, tensor.shape[-1])
    images = _check_images(images)
    alpha = _closed_form(encoder, name, source, weights)
    transform = objective.sigma if head == "sigma" else None
    if alpha is None:
        maps = _by_jacobian(encoder, tensor, source, images, dims, transform, weights)
    else:
        maps = _by_product(encoder, tensor, source, images, dims, alpha[..., dims], transform)
    return maps if signed else np.maximum(maps, 0, out=maps)


def mean_map(maps: NDArray[Any], weights: ArrayLike | None = None) -> NDArray[np.float32]:
    """Average the maps of one image over the dimensions (thesis eq. 18): ``M = Σ_d w_d M_d / Σ_d w_d``.

    Parameters
    ----------
    maps : ndarray, shape (N, h, w, D)
    weights : array-like, shape (D,), optional
        Not negative, such as the dimensions' KL divergences or effect sizes; all 1, as in the thesis, if not given.

    Returns
    -------
    ndarray of float32, shape (N, h, w)

    Raises
    ------
    ValueError
        If the weights have another shape, are negative or not finite, or are all zero.
    """
    n_dims = np.shape(maps)[-1]
    weights = np.ones(n_dims) if weights is None else np.asarray(weights, float)
    if weights.shape != (n_dims,) or not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise ValueError(f"weights must be {n_dims} numbers, none negative and not all zero")
    return (maps @ (weights / weights.sum()).astype(np.float32)).astype(np.float32)


def panels(
    model: vae.Autoencoder, images: NDArray[Any], dims: ArrayLike, weights: str = "mean"
) -> dict[str, NDArray[Any]]:
    """Gather what `figures.maps.gradcam` shows of images: their maps beside what the model makes of them.

    Parameters
    ----------
    model : vae.Autoencoder
    images : ndarray of uint8, shape (N, 128, 128)
    dims : sequence of int
        Dimensions whose maps are shown one by one.
    weights : {"mean", "cell"}
        As in `latent_maps`.

    Returns
    -------
    dict of ndarray
        ``images``; ``decoded`` (N, 128, 128), from μ or conv; ``maps`` (N, h, w, len(dims)); ``mean_map`` (N, h, w),
        over all dimensions; ``dims``.
    """
    dims = np.asarray(dims)
    maps = latent_maps(model.encoder, images, head=model.config.heads[0], weights=weights)
    shown = {"images": images, "decoded": descriptors.reconstruct(model, images)}
    return shown | {"maps": maps[..., dims], "mean_map": mean_map(maps), "dims": dims}


def upsample(maps: ArrayLike, size: int = vae.SIZE) -> NDArray[np.float32]:
    """Interpolate maps (N, h, w, D) linearly to float32 (N, size, size, D), cell centre upon cell centre."""
    return ops.convert_to_numpy(ops.image.resize(np.asarray(maps, np.float32), (size, size), "bilinear"))


def class_maps(classifier: keras.Model, images: NDArray[Any]) -> NDArray[np.float32]:
    """Map what speaks for each class: Grad-CAM (thesis eq. 11 and 12) of the scores before the softmax.

    Parameters
    ----------
    classifier : keras.Model
        As `vae.classifier` makes it: its only output, by whatever layer, is the scores (N, C).
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1].

    Returns
    -------
    ndarray of float32, shape (N, h, w, C)
        `latent_maps` with the scores as the head.

    Raises
    ------
    ValueError
        If the images are not as described.
    """
    return latent_maps(classifier, images, head=classifier.output_names[0])


def cam(classifier: keras.Model, images: NDArray[Any]) -> NDArray[np.float32]:
    """Map what speaks for and against each class: CAM (thesis section 1.4.1; [1]_), ``M_c = Σ_k W_kc A_k``.

    Parameters
    ----------
    classifier : keras.Model
        As `vae.classifier` makes it: linear scores of the spatial means of the last feature maps.
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1].

    Returns
    -------
    ndarray of float32, shape (N, h, w, C)
        Its spatial mean is the score without its bias. For this network Grad-CAM is its positive part over h w.

    Raises
    ------
    ValueError
        If the classifier has another head, or the images are not as described.

    References
    ----------
    .. [1] B. Zhou et al., CVPR (2016) 2921, doi:10.1109/CVPR.2016.319
    """
    source = _feature_layer(classifier, None)
    head = classifier.get_layer(classifier.output_names[0])
    if _reducer(classifier, head.name, source) != "GlobalAveragePooling2D":
        raise ValueError("CAM needs a classifier whose scores are linear in the spatial means of the last feature maps")
    weights = ops.convert_to_numpy(head.kernel)
    scores = classifier.output
    return _by_product(classifier, scores, source, _check_images(images), np.arange(scores.shape[-1]), weights, None)


def _check_images(images):
    """Give the images as an array, after a look at their shape and type; values are checked batch by batch."""
    images = np.asarray(images)
    descriptors.to_input(images[:0])
    return images


def _head_output(encoder, name, asked):
    heads = dict(zip(encoder.output_names, encoder.outputs, strict=True))
    if name not in heads:
        known = [*heads, "sigma"] if "log_var" in heads else list(heads)
        raise ValueError(f"the encoder has no head {asked!r}; it has {', '.join(known)}")
    return heads[name]


def _feature_layer(encoder, name):
    known = [layer.name for layer in encoder.layers[1:] if len(getattr(layer.output, "shape", ())) == 4]
    if name is not None and name not in known:
        raise ValueError(f"the encoder has no layer {name!r} with feature maps; it has {', '.join(known)}")
    return encoder.get_layer(name or known[-1])


def _check_dims(dims, latent_dim):
    if dims is None:
        return np.arange(latent_dim)
    chosen = np.asarray(dims)
    whole = chosen.ndim == 1 and np.issubdtype(chosen.dtype, np.integer)
    if not whole or not len(chosen) or chosen.min() < 0 or chosen.max() >= latent_dim:
        raise ValueError(f"dims must be whole numbers in 0…{latent_dim - 1}, not {dims}")
    return chosen


def _reducer(encoder, name, source):
    """Name the kind of layer between A and a linear head, or give None if the way is another."""
    head = encoder.get_layer(name)
    if not isinstance(head, keras.layers.Dense) or head.activation is not keras.activations.linear:
        return None
    between = head.input._keras_history.operation
    if not isinstance(between, keras.layers.Flatten | keras.layers.GlobalAveragePooling2D):
        return None
    return type(between).__name__ if between.input is source.output else None


def _closed_form(encoder, name, source, weights):
    """Give α of a head that is linear in A, from its kernel: (K, D), by cell (h, w, K, D); None of any other."""
    reducer = _reducer(encoder, name, source)
    if reducer is None:
        return None
    height, width, depth = source.output.shape[1:]
    kernel = ops.convert_to_numpy(encoder.get_layer(name).kernel)
    if reducer == "GlobalAveragePooling2D":
        return kernel / (height * width)  # the derivative is the same in every cell
    by_cell = kernel.reshape(height * width, depth, -1)
    return by_cell.mean(axis=0) if weights == "mean" else by_cell.reshape(height, width, depth, -1)


def _by_product(encoder, tensor, source, images, dims, alpha, transform):
    """Compute the maps from known α (K, D) or (h, w, K, D): a product, and for σ its derivative ½ σ by log σ²."""
    model = keras.Model(encoder.input, [source.output, tensor] if transform else source.output)
    maps = np.empty((len(images), *source.output.shape[1:3], len(dims)), np.float32)
    by_cell, alpha = np.ndim(alpha) == 4, ops.convert_to_tensor(alpha, "float32")
    for rows, batch in descriptors.batches(images, descriptors.BATCH_SIZE):
        features, *values = _as_list(model(batch, training=False))
        weighted = ops.einsum("nhwk,hwkd->nhwd", features, alpha) if by_cell else ops.matmul(features, alpha)
        if transform:
            slope = ops.take(transform(*values), dims, axis=1) / 2
            weighted = weighted * slope[:, None, None, :]
        maps[rows] = ops.convert_to_numpy(weighted)
    return maps


def _by_jacobian(encoder, tensor, source, images, dims, transform, weights):
    """Compute the maps with α from the Jacobian of the head by a shift of A: of each map as a whole, or of each cell.

    The copies of A, one for each dimension, go through the rest of the network as one batch; the gradient of the sum
    of copy d's dimension d then is the Jacobian, since copies do not meet.
    """
    others = _cut(tensor, source.output)
    front = keras.Model(encoder.input, [source.output, *others])
    rest = keras.Model([source.output, *others], tensor)
    height, width, depth = source.output.shape[1:]
    maps = np.empty((len(images), height, width, len(dims)), np.float32)
    shifted = (1, 1, depth) if weights == "mean" else (height, width, depth)
    bytes_per_copy = 4 * _largest_map(encoder, source)
    n_dims = int(np.clip(_BYTES // bytes_per_copy, 1, len(dims)))
    n_images = int(np.clip(_BYTES // (bytes_per_copy * len(dims)), 1, descriptors.BATCH_SIZE))
    for rows, batch in descriptors.batches(images, n_images):
        features, *beside = _as_list(front(batch, training=False))
        for first in range(0, len(dims), n_dims):
            own = dims[first : first + n_dims]
            slopes = _jacobian(rest, features, beside, own, transform, shifted)
            slopes = ops.reshape(slopes, (-1, len(own), *shifted))
            if weights == "mean":
                alpha = slopes[:, :, 0, 0] / (height * width)
                weighted = ops.matmul(features, ops.transpose(alpha, (0, 2, 1))[:, None])
            else:
                weighted = ops.einsum("nhwk,ndhwk->nhwd", features, slopes)
            maps[rows, ..., first : first + n_dims] = ops.convert_to_numpy(weighted)
    return maps


def _jacobian(rest, features, beside, dims, transform, shifted):
    """Differentiate dimension d of `rest` by a shift, of shape `shifted`, of its copy of A: (N · D, *shifted)."""
    copies, *others = (ops.repeat(tensor, len(dims), axis=0) for tensor in (features, *beside))
    chosen = np.eye(rest.output_shape[-1], dtype=np.float32)[np.tile(dims, len(features))]

    def total(shift):
        values = rest([copies + shift, *others], training=False)
        return ops.sum(chosen * (transform(values) if transform else values))

    return backend.gradient(total, ops.zeros((len(copies), *shifted)))


def _cut(tensor, source):
    """List what `tensor` is computed from besides `source`, taken before it meets what comes from `source`."""
    others, seen = {}, {}

    def depends(own):
        if own is source:
            return True
        if id(own) not in seen:
            operation, node, _ = own._keras_history
            inputs = operation._inbound_nodes[node].input_tensors
            found = [depends(each) for each in inputs]
            seen[id(own)] = any(found)
            if seen[id(own)]:
                others.update({id(each): each for each, does in zip(inputs, found, strict=True) if not does})
        return seen[id(own)]

    depends(tensor)
    return list(others.values())


def _largest_map(encoder, source):
    """Count the elements of the largest feature map from `source` on."""
    shapes = [layer.output.shape for layer in encoder.layers[encoder.layers.index(source) :]]
    return max(int(np.prod(shape[1:])) for shape in shapes)


def _as_list(value):
    return list(value) if isinstance(value, list | tuple) else [value]
