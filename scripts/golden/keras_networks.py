"""Golden features of the npm networks: an evaluation that shares no code with nevus.

Reads the tarball of nsfwjs 4.4.0 (`npm pack nsfwjs@4.4.0`), evaluates the Keras layers with torch in NCHW, and writes
the means over the image of a few layers for two images made by a formula.

    /usr/bin/python3 scripts/golden/keras_networks.py nsfwjs-4.4.0.tgz test/golden/keras_networks.json
"""

import base64
import json
import re
import sys
import tarfile

import numpy as np
import torch
import torch.nn.functional as F

NETWORKS = {
    "inception_v3": (299, ["max_pooling2d_2", "mixed0", "mixed2", "mixed3", "mixed7", "mixed8", "mixed10"]),
    "mobilenet_v2": (224, ["Conv1_relu", "block_1_project_BN", "block_3_project_BN", "block_6_project_BN",
                           "block_12_add", "out_relu"]),
}


def exported(text):
    """The literal after `.exports=`, made JSON by quoting keys. Strings with escapes do not occur in these files."""
    start = re.search(r"\.exports=(?=[{\"])", text).end()
    end = text.rindex("},{}]},{},[1])(1)});")
    tokens = re.findall(r'"[^"]*"|[{}\[\]:,]|[^{}\[\]:,"\s]+', text[start:end])
    out = []
    for i, token in enumerate(tokens):
        if token[0] in '"{}[]:,':
            out.append(token)
        elif i + 1 < len(tokens) and tokens[i + 1] == ":":
            out.append('"%s"' % token)
        elif token in ("!0", "!1"):
            out.append("true" if token == "!0" else "false")
        elif token == "null":
            out.append(token)
        else:
            out.append(repr(float(token)))
    return json.loads("".join(out))


def read(tar, name):
    def member(file):
        return exported(tar.extractfile("package/dist/models/%s/%s.min.js" % (name, file)).read().decode())

    model = member("model")
    weights = {}
    for group in model["weightsManifest"]:
        data = np.frombuffer(b"".join(base64.b64decode(member(p)) for p in group["paths"]), np.uint8)
        at = 0
        for w in group["weights"]:
            shape = [int(d) for d in w["shape"]]
            size = int(np.prod(shape))
            q = w["quantization"]
            assert q["dtype"] == "uint8"
            weights[w["name"]] = (data[at:at + size] * q["scale"] + q["min"]).reshape(shape)
            at += size
        assert at == data.size
    return model["modelTopology"]["model_config"]["config"], weights


def image(size, index):
    """Bytes of image `index`: v[y, x, c] = (y·(3 + index) + x·(5 + 2·index) + c·67 + ⌊y·x / 7⌋) mod 256."""
    y, x, c = np.mgrid[0:size, 0:size, 0:3]
    return ((y * (3 + index) + x * (5 + 2 * index) + c * 67 + (y * x) // 7) % 256).astype(np.uint8)


def same(x, kernel, stride, value):
    """TensorFlow's `same`: the output is ceil(in / stride), the odd pixel of padding comes last."""
    pads = []
    for size, k, s in ((x.shape[3], kernel[1], stride[1]), (x.shape[2], kernel[0], stride[0])):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def pair(v):
    return [int(v[0]), int(v[1])]


def run(layer, weights, inputs):
    kind, c, name = layer["class_name"], layer["config"], layer["name"]
    x = inputs[0] if inputs else None

    def w(key):
        return torch.as_tensor(weights["%s/%s" % (name, key)])

    if kind in ("Conv2D", "DepthwiseConv2D"):
        assert c["dilation_rate"] == [1, 1] and c["activation"] == "linear"
        stride, size = pair(c["strides"]), pair(c["kernel_size"])
        if c["padding"] == "same":
            x = same(x, size, stride, 0.0)
        bias = w("bias") if c["use_bias"] else None
        if kind == "Conv2D":
            return F.conv2d(x, w("kernel").permute(3, 2, 0, 1), bias, stride)
        return F.conv2d(x, w("depthwise_kernel").permute(2, 3, 0, 1), bias, stride, groups=x.shape[1])
    if kind == "BatchNormalization":
        gamma = w("gamma") if c["scale"] else None
        beta = w("beta") if c["center"] else None
        return F.batch_norm(x, w("moving_mean"), w("moving_variance"), gamma, beta, eps=c["epsilon"])
    if kind == "Activation":
        assert c["activation"] == "relu"
        return F.relu(x)
    if kind == "ReLU":
        return x.clamp(0, c["max_value"])
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = c["padding"]
        return F.pad(x, [int(left), int(right), int(top), int(bottom)])
    if kind == "MaxPooling2D":
        size, stride = pair(c["pool_size"]), pair(c["strides"])
        if c["padding"] == "same":
            x = same(x, size, stride, -np.inf)
        return F.max_pool2d(x, size, stride)
    if kind == "AveragePooling2D":
        size, stride = pair(c["pool_size"]), pair(c["strides"])
        if c["padding"] == "same":
            ones = same(torch.ones_like(x), size, stride, 0.0)
            return F.avg_pool2d(same(x, size, stride, 0.0), size, stride) / F.avg_pool2d(ones, size, stride)
        return F.avg_pool2d(x, size, stride)
    if kind == "Concatenate":
        return torch.cat(inputs, 1)
    if kind == "Add":
        return sum(inputs)
    raise NotImplementedError(kind)


def evaluate(name, tar):
    size, wanted = NETWORKS[name]
    config, weights = read(tar, name)
    pixels = np.stack([image(size, i) for i in range(2)])
    values = {}
    for layer in config["layers"]:
        if layer["class_name"] == "InputLayer":
            values[layer["name"]] = torch.from_numpy(pixels.transpose(0, 3, 1, 2) / 255.0)
            continue
        inputs = [values[n[0]] for n in layer["inbound_nodes"][0]]
        values[layer["name"]] = run(layer, weights, inputs)
        if layer["name"] == wanted[-1]:
            break
    # float64 throughout; eight digits are far below the tolerance of the test.
    return {key: [[float("%.8g" % v) for v in row] for row in values[key].mean((2, 3)).tolist()] for key in wanted}


def main():
    torch.set_num_threads(2)
    with tarfile.open(sys.argv[1]) as tar, torch.no_grad():
        golden = {name: evaluate(name, tar) for name in NETWORKS}
    with open(sys.argv[2], "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
