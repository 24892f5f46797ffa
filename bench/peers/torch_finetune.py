"""The conventional recipe in PyTorch on the split of a nevus run: the peer of `nevus train`.

    /usr/bin/python3 bench/peers/torch_finetune.py NET.onnx LAST_TENSOR SPLITS.csv DATA OUT.csv [EPOCHS] [THREADS] [SEED]

Every weight trains: 6 epochs, batch 32, AdamW 3e-4, one cycle, flips and quarter turns, square-root class weights, label
smoothing 0.05, pixels (u8 - 127.5) / 127.5 at 224 x 224, the whole image squashed. Train and validation images are
trained on, the last weights answer for the test images. OUT.csv gets one row of probabilities per test image; metrics
and seconds go to the terminal.
"""

import csv
import os
import random
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from onnx_net import forward, load
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

net, last, splits, data, out = sys.argv[1:6]
epochs, threads, seed = [int(v) for v in (sys.argv[6:] + ["6", "2", "1"][len(sys.argv) - 6 :])]
BATCH, RATE, SIZE = 32, 3e-4, 224
torch.set_num_threads(threads)
torch.manual_seed(seed)
random.seed(seed)
began = time.time()

rows = list(csv.DictReader(open(splits)))
labels = sorted({r["label"] for r in rows})


def pixels(row):
    image = Image.open(os.path.join(data, row["path"])).convert("RGB")
    return np.asarray(image.resize((SIZE, SIZE), Image.BILINEAR))


def tensors(chosen):
    x = torch.from_numpy(np.stack([pixels(r) for r in chosen])).permute(0, 3, 1, 2)
    return x, torch.tensor([labels.index(r["label"]) for r in chosen])


train_x, train_y = tensors([r for r in rows if r["split"] != "test"])
test = [r for r in rows if r["split"] == "test"]
test_x, test_y = tensors(test)
print(f"{len(train_x)} train, {len(test_x)} test, decoded after {time.time() - began:.0f} s", flush=True)

graph, nodes, constants, weights = load(net, last)
for weight in weights.values():
    weight.requires_grad_()
name = graph.input[0].name
normal = lambda u8: ((u8.float() - 127.5) / 127.5).contiguous(memory_format=torch.channels_last)
with torch.no_grad():
    width = forward(nodes, constants, name, normal(train_x[:1])).shape[1]
linear = torch.nn.Linear(width, len(labels))
logits = lambda u8: linear(forward(nodes, constants, name, normal(u8)).mean((2, 3)))
counts = torch.bincount(train_y, minlength=len(labels)).float()
class_weights = (len(train_y) / (len(labels) * counts)).sqrt()

steps = epochs * (len(train_x) // BATCH)
optimizer = torch.optim.AdamW([*weights.values(), *linear.parameters()], lr=RATE)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps)
for epoch in range(epochs):
    order, total = torch.randperm(len(train_x)), 0.0
    for i in range(0, len(order) - BATCH + 1, BATCH):
        x = train_x[order[i : i + BATCH]]
        x = torch.stack([torch.rot90(v.flip(2) if random.random() < 0.5 else v, random.randrange(4), (1, 2)) for v in x])
        loss = F.cross_entropy(logits(x), train_y[order[i : i + BATCH]], class_weights, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += float(loss)
    print(f"epoch {epoch + 1}: loss {total / (len(order) // BATCH):.4f} after {time.time() - began:.0f} s", flush=True)

with torch.no_grad():
    p = torch.cat([logits(test_x[i : i + 64]).softmax(1) for i in range(0, len(test_x), 64)]).numpy()
with open(out, "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["id", "label", *labels])
    writer.writerows([r["id"], r["label"], *map(float, q)] for r, q in zip(test, p))
truth = test_y.numpy()
malignant = [labels.index(k) for k in ("mel", "bcc", "akiec") if k in labels]
print(f"malignant AUC {roc_auc_score(np.isin(truth, malignant), p[:, malignant].sum(1)):.4f}")
print(f"melanoma AUC {roc_auc_score(truth == labels.index('mel'), p[:, labels.index('mel')]):.4f}")
print(f"balanced accuracy {balanced_accuracy_score(truth, p.argmax(1)):.4f}, accuracy {(truth == p.argmax(1)).mean():.4f}")
print(f"{time.time() - began:.0f} s in all")
