import { BLOCKED_DOMAIN } from '../onnx/blocked.ts';
import type { Graph, Model } from '../onnx/model.ts';
import { constantsToInitializers } from '../onnx/passes/constant-nodes.ts';
import { upgradeOpset } from '../onnx/passes/upgrade-opset.ts';

/**
 * A model in the form that is differentiated: operator set 18 or newer, constants as initializers, and no input that is
 * an initializer too. Such an input (files before IR version 4 list every weight as one) is a constant here.
 *
 * @throws {ModelError} an operator set older than 13
 */
export function plainModel(model: Model): Model {
  const upgraded = upgradeOpset(model);
  const graph = constantsToInitializers(upgraded.graph);
  return { ...upgraded, graph: { ...graph, inputs: graph.inputs.filter((v) => !graph.initializers.has(v.name)) } };
}

/** Operator sets of onnxruntime that written nodes may be of. */
const RUNTIME_DOMAINS: Readonly<Record<string, number>> = { 'com.microsoft': 1, [BLOCKED_DOMAIN]: 1 };

/** A graph made from a plain model, as a model that says which operator sets it needs. */
export function modelWith(graph: Graph, model: Model): Model {
  const domains = { ...model.domains };
  for (const { domain } of graph.nodes) {
    const version = RUNTIME_DOMAINS[domain];
    if (version !== undefined) domains[domain] ??= version;
  }
  return { ...model, graph, domains, irVersion: Math.max(8, model.irVersion), producer: 'nevus' };
}
