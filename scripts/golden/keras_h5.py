"""Small HDF5 files as Keras 2 writes them, and what the network in one of them computes.

    /usr/bin/python3 scripts/golden/keras_h5.py test/golden/keras_h5

`weights.h5` has weights alone, in all forms that numbers are stored in, and lists that were too long for one attribute.
`model.h5` is a whole model, in HDF5's newest format, with a network that is a layer and is partly frozen;
`model.json` has the means of its last map for two images, by PyTorch in float64.
"""

import json
import os
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F

# No __pycache__ in the source tree.
sys.dont_write_bytecode = True
from gradients import value  # noqa: E402
from keras_networks import same  # noqa: E402


def names(values):
    return np.array([v.encode() for v in values], dtype="S") if values else np.array([])


def write_weights(path):
    layers = {
        "input_1": {},
        "plain": {"plain/kernel:0": (np.arange(54).reshape(3, 3, 2, 3) / 8, "<f4", {})},
        "zipped": {
            "zipped/kernel:0": (np.arange(2000).reshape(1, 1, 40, 50) % 7, "<f4", {"compression": "gzip", "shuffle": True, "fletcher32": True}),
            "zipped/bias:0": (np.arange(50), "<f4", {"compression": "gzip", "chunks": (16,)}),
        },
        "double": {"double/kernel:0": (np.arange(6).reshape(1, 1, 2, 3) / 4, "<f8", {})},
        "big_endian": {"big_endian/kernel:0": (np.arange(6).reshape(1, 1, 2, 3) / 4, ">f4", {})},
        "half": {"half/kernel:0": (np.arange(6).reshape(1, 1, 2, 3) / 4, "<f2", {})},
        "whole": {"whole/kernel:0": (np.arange(6).reshape(1, 1, 2, 3) - 3, "<i4", {})},
        "long": {"long/kernel:0": (np.arange(6).reshape(1, 1, 2, 3) - 3, "<i8", {})},
        "block/with/slashes": {"oddly_named_1": (np.arange(4).reshape(1, 1, 2, 2), "<f4", {}), "block/b": (np.arange(2), "<f4", {})},
    }
    with h5py.File(path, "w") as file:
        file.attrs["backend"] = np.bytes_(b"tensorflow")
        listed = list(layers)
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names(listed[:4]), names(listed[4:])
        for layer, weights in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = names(list(weights))
            for name, (data, dtype, options) in weights.items():
                group.create_dataset(name, data=data.astype(dtype), **options)


def layer(kind, name, config, sources):
    inbound = [[[s, 0, 0, {}] for s in sources]] if sources else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": inbound}


def write_model(path):
    """conv, then a network (depthwise, norm, 1 × 1), then mean and softmax. Returns the means of the last map."""
    shapes = {
        "stem/kernel:0": [3, 3, 3, 4], "stem/bias:0": [4],
        "deep/depthwise_kernel:0": [3, 3, 4, 2], "bn/gamma:0": [8], "bn/beta:0": [8], "bn/moving_mean:0": [8],
        "bn/moving_variance:0": [8], "point/kernel:0": [1, 1, 8, 5], "point/bias:0": [5],
        "classes/kernel:0": [5, 2], "classes/bias:0": [2],
    }
    w = {k: value(k, 1, s, 0.5 if "variance" in k else -0.5, 1.5 if "variance" in k else 0.5) for k, s in shapes.items()}
    inner = {
        "name": "inner",
        "layers": [
            layer("InputLayer", "entry", {"batch_input_shape": [None, None, None, 4]}, []),
            layer("DepthwiseConv2D", "deep", {"kernel_size": [3, 3], "strides": [2, 2], "padding": "same",
                                              "depth_multiplier": 2, "use_bias": False, "activation": "linear"}, ["entry"]),
            layer("BatchNormalization", "bn", {"axis": [3], "epsilon": 0.01, "scale": True, "center": True}, ["deep"]),
            layer("Conv2D", "point", {"filters": 5, "kernel_size": [1, 1], "activation": "relu"}, ["bn"]),
        ],
        "input_layers": [["entry", 0, 0]], "output_layers": [["point", 0, 0]],
    }
    nested = {"class_name": "Functional", "name": "inner", "config": inner, "inbound_nodes": [[["stem", 0, 0, {}]]]}
    config = {
        "name": "model",
        "layers": [
            layer("InputLayer", "image", {"batch_input_shape": [None, 12, 12, 3]}, []),
            layer("Conv2D", "stem", {"filters": 4, "kernel_size": [3, 3], "padding": "valid", "activation": "relu"}, ["image"]),
            nested,
            layer("GlobalAveragePooling2D", "mean", {}, ["inner"]),
            layer("Dense", "classes", {"units": 2, "activation": "softmax"}, ["mean"]),
        ],
        "input_layers": [["image", 0, 0]], "output_layers": [["classes", 0, 0]],
    }
    # The depthwise layer is frozen, so that what may train comes before it.
    inside = ["bn/gamma:0", "bn/beta:0", "point/kernel:0", "point/bias:0", "deep/depthwise_kernel:0",
              "bn/moving_mean:0", "bn/moving_variance:0"]
    groups = {"image": [], "stem": ["stem/kernel:0", "stem/bias:0"], "inner": inside, "mean": [],
              "classes": ["classes/kernel:0", "classes/bias:0"]}
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["keras_version"] = "2.9.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = names(list(groups))
        for name, weights in groups.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = names(weights)
            for key in weights:
                group.create_dataset(key, data=w[key].numpy().astype(np.float32))
    x = value("image", 1, [2, 3, 12, 12], -1, 1)
    x = F.relu(F.conv2d(x, w["stem/kernel:0"].permute(3, 2, 0, 1), w["stem/bias:0"]))
    deep = w["deep/depthwise_kernel:0"].permute(2, 3, 0, 1).reshape(8, 1, 3, 3)
    x = F.conv2d(same(x, (3, 3), (2, 2), 0.0), deep, None, 2, groups=4)
    x = F.batch_norm(x, *(w["bn/%s:0" % k] for k in ("moving_mean", "moving_variance", "gamma", "beta")), eps=0.01)
    x = F.relu(F.conv2d(x, w["point/kernel:0"].permute(3, 2, 0, 1), w["point/bias:0"]))
    return x.mean((2, 3)).ravel().tolist()


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    write_weights(os.path.join(folder, "weights.h5"))
    means = write_model(os.path.join(folder, "model.h5"))
    with open(os.path.join(folder, "model.json"), "w") as file:
        json.dump([float("%.8g" % v) for v in means], file)
        file.write("\n")


if __name__ == "__main__":
    main()
