"""A small interpreter of ONNX graphs in PyTorch, enough for convolutional networks: what the peers train."""

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


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
    if op == "GlobalAveragePool":
        return x[0].mean((2, 3), keepdim=True)
    if op == "Flatten":
        return x[0].flatten(1)
    raise SystemExit("unknown operator " + op)


def load(path, last=None):
    """Graph of a file, its constants, and the weights among them; nodes behind the tensor `last` are left out."""
    graph = onnx.load(path).graph
    nodes = list(graph.node)
    if last is not None:
        nodes = nodes[: 1 + next(i for i, n in enumerate(nodes) if last in n.output)]
    used = {name for n in nodes for name in n.input}
    constants = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer if i.name in used}
    fixed = {name for n in nodes if n.op_type == "BatchNormalization" for name in n.input[3:]}
    weights = {n: t for n, t in constants.items() if t.dtype == torch.float32 and t.dim() > 0 and n not in fixed}
    return graph, nodes, constants, weights


def forward(nodes, constants, name, data):
    """Value of the last node, `data` being the input `name`."""
    env = {name: data}
    for node in nodes:
        env[node.output[0]] = run(node, [env[i] if i in env else constants[i] for i in node.input if i])
    return env[nodes[-1].output[0]]
