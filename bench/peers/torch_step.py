"""Milliseconds of one PyTorch training step on a network given as ONNX: the peer of bench/step.ts.

    /usr/bin/python3 bench/peers/torch_step.py tail.onnx BATCH CLASSES THREADS

Every float weight trains (running statistics of BatchNormalization do not), global average pooling and a linear layer
follow, SGD with momentum. Prints one line per memory format: name, tab, median milliseconds. All operators of a tail of
InceptionV3, MobileNetV2 or ResNet are known.
"""

import statistics
import sys
import time

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

path, batch, classes, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(0)
graph = onnx.load(path).graph
constants = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
fixed = {name for n in graph.node if n.op_type == "BatchNormalization" for name in n.input[3:]}
weights = {n: t.requires_grad_() for n, t in constants.items() if t.dtype == torch.float32 and t.dim() > 0 and n not in fixed}


def padded(x, pads, value=0.0):
    """Pads as ONNX has them; symmetric ones are left to the operator."""
    top, left, bottom, right = pads
    if top == bottom and left == right:
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=value), (0, 0)


def run(node, x):
    a = {at.name: (list(at.ints) if at.ints else at.i if at.type == 2 else at.f) for at in node.attribute}
    op, pads = node.op_type, a.get("pads", [0, 0, 0, 0])
    if op == "Conv":
        y, p = padded(x[0], pads)
        return F.conv2d(y, x[1], x[2] if len(x) > 2 else None, a.get("strides", 1), p, a.get("dilations", 1), a.get("group", 1))
    if op == "BatchNormalization":
        return F.batch_norm(x[0], x[3], x[4], x[1], x[2], False, 0.0, a.get("epsilon", 1e-5))
    if op == "Relu":
        return F.relu(x[0])
    if op == "Clip":
        return torch.clamp(x[0], float(x[1]), float(x[2]))
    if op == "Add":
        return x[0] + x[1]
    if op == "Concat":
        return torch.cat(x, a["axis"])
    if op == "MaxPool":
        y, p = padded(x[0], pads, float("-inf"))
        return F.max_pool2d(y, a["kernel_shape"], a.get("strides", 1), p)
    if op == "AveragePool":
        y, p = padded(x[0], pads)
        return F.avg_pool2d(y, a["kernel_shape"], a.get("strides", 1), p, count_include_pad=bool(a.get("count_include_pad", 0)))
    raise SystemExit("unknown operator " + op)


dims = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim][1:]
width = [d.dim_value for d in graph.output[0].type.tensor_type.shape.dim][1]
linear = torch.nn.Linear(width, classes)
optimizer = torch.optim.SGD([*weights.values(), *linear.parameters()], lr=1e-4, momentum=0.9)
targets = torch.arange(batch) % classes

for name, layout in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)):
    data = torch.rand(batch, *dims).contiguous(memory_format=layout)
    times = []
    for _ in range(9):
        began = time.perf_counter()
        env = {graph.input[0].name: data}
        for node in graph.node:
            env[node.output[0]] = run(node, [env[i] if i in env else constants[i] for i in node.input if i])
        logits = linear(env[graph.output[0].name].mean((2, 3)))
        optimizer.zero_grad()
        F.cross_entropy(logits, targets).backward()
        optimizer.step()
        times.append(time.perf_counter() - began)
    print("%s\t%.1f" % (name, 1000 * statistics.median(times[2:])))
