"""Golden logits and gradients of torchvision's networks (0.14, python3-torchvision), in float64.

Weights are made by a formula from their names, so that only results are stored: the logits, and per parameter the norm
of the gradient of the mean cross-entropy and its projections on random signs. One file a network; those without
"gradients" are variants whose logits suffice.

    /usr/bin/python3 scripts/golden/torchvision.py test/golden/torchvision [name…]

Also tiny files of weights as PyTorch saves them, and pickles that no reader may execute:

    /usr/bin/python3 scripts/golden/torchvision.py test/golden/torchvision files
"""

import collections
import io
import json
import os
import pickle
import sys
import zipfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

# No __pycache__ in the source tree; and this file is not the module of its name.
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.remove(HERE)
from torchvision import models  # noqa: E402

sys.path.append(HERE)
import gradients  # noqa: E402

PROJECTIONS = 4
CLASSES = 10
SEED = 1


def limits(name, shape, gain):
    """Where the values of a tensor lie: kernels have the deviation gain / √fan-in."""
    if name.endswith(("class_token", "pos_embedding")):
        return -0.5, 0.5
    if name.endswith("layer_scale"):
        return 0.2, 0.6
    if len(shape) > 1:
        limit = gain * (3 / np.prod(shape[1:])) ** 0.5
        return -limit, limit
    if name.endswith((".bias", "_bias", ".running_mean")):
        return -0.3, 0.3
    return 0.5, 1.5


def fill(model, gain):
    state = {
        name: tensor if tensor.dtype == torch.int64 else gradients.value(name, SEED, tensor.shape, *limits(name, tensor.shape, gain))
        for name, tensor in model.state_dict().items()
    }
    model.load_state_dict(state)


def vgg(make, hidden=64):
    """A narrower classifier, for a quick test."""
    model = make(num_classes=CLASSES)
    first, _, _, second, _, _, last = model.classifier
    model.classifier[0] = nn.Linear(first.in_features, hidden)
    model.classifier[3] = nn.Linear(hidden, hidden)
    model.classifier[6] = nn.Linear(hidden, last.out_features)
    return model


def small_vit():
    return models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=128, mlp_dim=256, num_classes=CLASSES
    )


def usual(make, **options):
    return lambda: make(num_classes=CLASSES, **options)


# name: model, height and width, whether gradients are stored
NETWORKS = {
    "resnet50": (usual(models.resnet50), 64, True),
    "vgg16": (lambda: vgg(models.vgg16), 64, True),
    "vgg19": (lambda: vgg(models.vgg19), 32, True),
    "inception_v3": (usual(models.inception_v3, init_weights=False, transform_input=False), 80, True),
    "densenet121": (usual(models.densenet121), 64, True),
    "mobilenet_v2": (usual(models.mobilenet_v2), 64, True),
    "efficientnet_b0": (usual(models.efficientnet_b0), 64, True),
    "convnext_tiny": (usual(models.convnext_tiny), 64, True),
    "vit": (small_vit, 32, True),
    "resnet18": (usual(models.resnet18), 65, False),
    "resnext50_32x4d": (usual(models.resnext50_32x4d), 64, False),
    "vgg11_bn": (lambda: vgg(models.vgg11_bn), 96, False),
    "mobilenet_v3_large": (usual(models.mobilenet_v3_large), 64, True),
    "mobilenet_v3_small": (usual(models.mobilenet_v3_small), 64, False),
    "efficientnet_b1": (usual(models.efficientnet_b1), 64, False),
}
BATCH = 2


def logits_of(model, size):
    images = gradients.value("images", SEED, [BATCH, 3, size, size], -2, 2)
    return model(images)


def best_gain(model, size):
    """That with which the logits are neither lost nor boundless."""
    deviations = {}
    with torch.no_grad():
        for gain in (0.7, 0.85, 1, 1.2, 1.4, 1.7, 2, 2.4):
            fill(model, gain)
            deviations[gain] = abs(np.log(logits_of(model, size).std().item()))
    return min(deviations, key=deviations.get)


def digits(values, count):
    return [float("%.*g" % (count, v)) for v in np.asarray(values).ravel()]


def golden(make, size, with_gradients):
    # Every stochastic depth and dropout is off.
    model = make().double().eval()
    gain = best_gain(model, size)
    fill(model, gain)
    logits = logits_of(model, size)
    result = {
        "seed": SEED,
        "gain": gain,
        "size": size,
        "batch": BATCH,
        "logits": digits(logits.detach(), 8),
        # What the formula fills, in the order of the state dict.
        "shapes": {n: list(t.shape) for n, t in model.state_dict().items() if t.dtype != torch.int64},
    }
    if with_gradients:
        loss = F.cross_entropy(logits, torch.arange(BATCH) * 3 % CLASSES)
        loss.backward()
        result["loss"] = loss.item()
        result["gradients"] = {}
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                continue
            g = parameter.grad.numpy().ravel()
            result["gradients"][name] = digits([np.linalg.norm(g)] + [g @ gradients.sign(k, g.size) for k in range(PROJECTIONS)], 6)
    print("  gain %g, logits' deviation %.3g" % (gain, logits.std().item()))
    return result


# Files


class Evil:
    """Unpickled, it would make a file."""

    def __reduce__(self):
        return os.system, ("touch /tmp/nevus-executed-a-pickle",)


def files(folder):
    torch.manual_seed(3)
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    shared = torch.arange(12, dtype=torch.float32)
    tensors = collections.OrderedDict(
        [
            ("float32", base),
            ("transposed", base.t()),
            ("window", base[1:3, 2:5]),
            ("every_second", base[:, ::2]),
            ("scalar", torch.tensor(2.5)),
            ("empty", torch.zeros(0, 3)),
            ("tied_a", shared),
            ("tied_b", shared.reshape(3, 4)),
            ("float16", torch.tensor([1.5, -0.25, 65504, 6e-8, 0]).half()),
            ("bfloat16", torch.tensor([1.5, -0.25, 3e38, 1e-40, 0]).bfloat16()),
            ("float64", torch.tensor([1 / 3, -1e300 * 0 + 2.0], dtype=torch.float64)),
            ("int64", torch.tensor([7, -(2**40)])),
            ("int32", torch.tensor([7, -9], dtype=torch.int32)),
            ("uint8", torch.tensor([0, 255], dtype=torch.uint8)),
            ("bool", torch.tensor([True, False])),
            ("parameter", nn.Parameter(torch.tensor([[1.0, 2.0]]))),
        ]
    )
    path = lambda name: os.path.join(folder, name)  # noqa: E731
    torch.save(tensors, path("tensors.pth"))
    torch.save(tensors, path("tensors-protocol4.pth"), pickle_protocol=4)
    torch.save(tensors, path("tensors-legacy.pth"), _use_new_zipfile_serialization=False)
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
    fill(module, 1)
    torch.save(module.state_dict(), path("module.pth"))
    wrapped = {"module." + k: v for k, v in module.state_dict().items()}
    torch.save({"epoch": 7, "best": 0.5, "state_dict": wrapped, "optimizer": {"state": {}, "lr": [0.1]}}, path("wrapped.pth"))
    torch.save(module, path("whole-module.pth"))
    torch.save({"weight": torch.ones(1), "evil": Evil()}, path("malicious.pth"))
    torch.save({"evil": Evil()}, path("malicious-legacy.pth"), _use_new_zipfile_serialization=False)
    with open(path("malicious.pickle.pth"), "wb") as file:
        pickle.dump(Evil(), file, protocol=2)
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), path("script.pt"))
    packed = io.BytesIO()
    with zipfile.ZipFile(path("module.pth")) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    with open(path("compressed.pth"), "wb") as file:
        file.write(packed.getvalue())
    save_safetensors(tensors, path("tensors.safetensors"))
    values = {
        name: [float(v) for v in tensor.detach().double().numpy().ravel()] for name, tensor in tensors.items()
    }
    expected = {name: {"dims": list(tensor.shape), "values": values[name]} for name, tensor in tensors.items()}
    write(path("tensors.json"), expected)


TYPES = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float64: "F64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def save_safetensors(tensors, path):
    """The format by its description: length of the header, header, bytes."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        raw = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
        raw = raw.numpy().tobytes()
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


def write(path, value):
    with open(path, "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


def main():
    torch.set_num_threads(2)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    names = sys.argv[2:] or ["files", *NETWORKS]
    for name in names:
        print(name)
        if name == "files":
            files(folder)
        else:
            write(os.path.join(folder, name + ".json"), golden(*NETWORKS[name]))


if __name__ == "__main__":
    main()
