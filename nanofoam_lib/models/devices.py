"""Training on all GPUs of a machine: each holds a copy of the model and takes its share of every batch.

On one device, and with other backends than TensorFlow, nothing here does anything.
"""

import numpy as np

from nanofoam_lib.models import backend
from nanofoam_lib.models.backend import keras


def shared(batch):
    """Deal the rows of a batch (n, …) to the replicas, as evenly as can be: what ``train_on_batch`` then takes.

    Fewer rows than replicas are dealt more than once. Replicas count alike, so that with uneven shares the rows of the
    smaller ones weigh a little more.
    """
    strategy = backend.strategy()
    if strategy is None:
        return batch
    n = strategy.num_replicas_in_sync
    batch = batch[np.resize(np.arange(len(batch)), max(len(batch), n))]
    parts = np.array_split(batch, n)
    return strategy.experimental_distribute_values_from_function(lambda own: parts[own.replica_id_in_sync_group])


def prepare(model, *batch):
    """Let a compiled model see a batch as it is, before any that is dealt out: Keras cannot tell the shape of those."""
    if backend.strategy():
        with backend.scope():
            model.test_on_batch(*batch)


def of_one(loss):
    """Divide the mean loss of a replica's share by the number of replicas: gradients are added over them."""
    strategy = backend.strategy()
    return loss / strategy.num_replicas_in_sync if strategy else loss


def synchronise(model, on=True):
    """Let the batch normalisation of a model see whole batches, not each replica its own share; give the model.

    Off where the model is saved: files are the same wherever it was trained, and other backends refuse the setting.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = on and backend.strategy() is not None
    return model


def accelerator():
    """Name the GPU, or what else is faster than the CPU, that the backend computes on; None without."""
    name = keras.backend.backend()
    if name == "jax":
        import jax

        device = jax.devices()[0]
        return None if device.platform == "cpu" else device.device_kind
    if name == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")[:1]
        return tf.config.experimental.get_device_details(found[0]).get("device_name", found[0].name) if found else None
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def memory():
    """Give the bytes of memory that JAX may use on its accelerator; None where a device does not tell, or is a CPU."""
    if keras.backend.backend() != "jax":
        return None
    import jax

    return (jax.devices()[0].memory_stats() or {}).get("bytes_limit")


def compute_capability():
    """Give what NVIDIA calls the compute capability of the GPU that TensorFlow or JAX computes on, (9, 0) say, or None.

    Of a GPU of another maker, and with PyTorch, None as well: nothing was measured there.
    """
    name = keras.backend.backend()
    if accelerator() is None or name == "torch":
        return None
    if name == "tensorflow":
        import tensorflow as tf

        gpu = tf.config.list_physical_devices("GPU")[0]
        return tf.config.experimental.get_device_details(gpu).get("compute_capability")
    import jax

    version = str(getattr(jax.devices()[0], "compute_capability", ""))
    return tuple(map(int, version.split("."))) if version.replace(".", "").isdigit() else None
