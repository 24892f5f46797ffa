"""Milliseconds of one PyTorch training step on a network given as ONNX: the peer of bench/step.ts.

    /usr/bin/python3 bench/peers/torch_step.py tail.onnx BATCH CLASSES THREADS [--trunk trunk.onnx] [--format FORMAT]

Every float weight trains (running statistics of BatchNormalization do not), global average pooling and a linear layer
follow, SGD with momentum. With a trunk, its frozen forward pass comes before every step: the conventional recipe. Prints
one line per memory format: name, tab, median milliseconds, tab, peak megabytes of the process so far. All operators of a tail of
InceptionV3, MobileNetV2 or ResNet are known.
"""

import argparse
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from onnx_net import forward, load

parser = argparse.ArgumentParser()
parser.add_argument("tail")
parser.add_argument("batch", type=int)
parser.add_argument("classes", type=int)
parser.add_argument("threads", type=int)
parser.add_argument("--trunk")
parser.add_argument("--format", choices=["contiguous", "channels last"])
parser.add_argument("--rounds", type=int, default=7)
asked = parser.parse_args()
batch, classes = asked.batch, asked.classes
torch.set_num_threads(asked.threads)
torch.manual_seed(0)
graph, nodes, constants, weights = load(asked.tail)
for weight in weights.values():
    weight.requires_grad_()

trunk = load(asked.trunk) if asked.trunk else None
first = graph if trunk is None else trunk[0]
dims = [d.dim_value for d in first.input[0].type.tensor_type.shape.dim][1:]
width = [d.dim_value for d in graph.output[0].type.tensor_type.shape.dim][1]
linear = torch.nn.Linear(width, classes)
optimizer = torch.optim.SGD([*weights.values(), *linear.parameters()], lr=1e-4, momentum=0.9)
targets = torch.arange(batch) % classes

for name, layout in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)):
    if asked.format not in (None, name):
        continue
    data = torch.rand(batch, *dims).contiguous(memory_format=layout)
    times = []
    for _ in range(asked.rounds + 2):
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("%s\t%.1f\t%.0f" % (name, 1000 * statistics.median(times[2:]), peak))
