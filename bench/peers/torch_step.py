"""Milliseconds of one PyTorch training step on a network given as ONNX: the peer of bench/step.ts.

    /usr/bin/python3 bench/peers/torch_step.py tail.onnx BATCH CLASSES THREADS [trunk.onnx]

Every float weight trains (running statistics of BatchNormalization do not), global average pooling and a linear layer
follow, SGD with momentum. With a trunk, its frozen forward pass comes before every step: the conventional recipe. Prints
one line per memory format: name, tab, median milliseconds. All operators of a tail of
InceptionV3, MobileNetV2 or ResNet are known.
"""

import statistics
import sys
import time

import torch
import torch.nn.functional as F
from onnx_net import forward, load

path, batch, classes, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(0)
graph, nodes, constants, weights = load(path)
for weight in weights.values():
    weight.requires_grad_()

trunk = load(sys.argv[5]) if len(sys.argv) > 5 else None
first = graph if trunk is None else trunk[0]
dims = [d.dim_value for d in first.input[0].type.tensor_type.shape.dim][1:]
width = [d.dim_value for d in graph.output[0].type.tensor_type.shape.dim][1]
linear = torch.nn.Linear(width, classes)
optimizer = torch.optim.SGD([*weights.values(), *linear.parameters()], lr=1e-4, momentum=0.9)
targets = torch.arange(batch) % classes

for name, layout in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)):
    data = torch.rand(batch, *dims).contiguous(memory_format=layout)
    times = []
    for _ in range(9):
        began = time.perf_counter()
        x = data
        if trunk is not None:
            with torch.no_grad():
                x = forward(trunk[1], trunk[2], trunk[0].input[0].name, x)
        logits = linear(forward(nodes, constants, graph.input[0].name, x).mean((2, 3)))
        optimizer.zero_grad()
        F.cross_entropy(logits, targets).backward()
        optimizer.step()
        times.append(time.perf_counter() - began)
    print("%s\t%.1f" % (name, 1000 * statistics.median(times[2:])))
