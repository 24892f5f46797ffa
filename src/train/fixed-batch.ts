import { lower, type Target } from '../autodiff/lower/lower.ts';
import { BLOCKED_DOMAIN } from '../onnx/blocked.ts';
import type { Graph, Model, ValueInfo } from '../onnx/model.ts';
import { inferShapes } from '../onnx/shapes/infer.ts';

/** A forward graph with its batch fixed and its convolutions in the forms that are fast on the target. */
export function fixedBatch(graph: Graph, batch: number, target: Target): Graph {
  const inputs = graph.inputs.map(
    (v): ValueInfo => ({ ...v, dims: v.dims[0] === 'N' ? [batch, ...v.dims.slice(1)] : v.dims }),
  );
  const fixed: Graph = { ...graph, inputs };
  const { infos } = inferShapes(fixed);
  return lower(fixed, target, (name) => infos.get(name)?.dims ?? []);
}

/** A graph of ours as a model that onnxruntime runs here; not for shipping. */
export function runnable(graph: Graph): Model {
  return {
    graph,
    opset: 18,
    domains: { 'com.microsoft': 1, [BLOCKED_DOMAIN]: 1 },
    irVersion: 8,
    producer: 'nevus',
    metadata: {},
  };
}
