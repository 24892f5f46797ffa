/** The part of a model between tensors. */
import { ModelError, UsageError } from '../../core/errors.ts';
import type { Graph, Model, Node, ValueInfo } from '../model.ts';
import { producersOf } from './uses.ts';

export interface Extraction {
  /** Tensors that become the inputs: inputs of the model, or tensors inside it, with their type and shape. */
  readonly inputs: readonly ValueInfo[];
  /** Tensors that become the outputs. A name alone will do for inputs and outputs of the model. */
  readonly outputs: readonly (ValueInfo | string)[];
}

/**
 * The sub-graph that computes the outputs from the inputs. Nodes and constants that it does not need are left out;
 * metadata are kept.
 *
 * @throws {UsageError} a tensor that the model does not have, or an output whose type and shape are not known
 * @throws {ModelError} if the outputs need an input of the model that is not among `inputs`
 */
export function extract(model: Model, { inputs, outputs }: Extraction): Model {
  const { graph } = model;
  const producers = producersOf(graph);
  const given = new Set(inputs.map((i) => i.name));
  const modelInputs = new Set(graph.inputs.map((i) => i.name));
  const has = (name: string): boolean => producers.has(name) || modelInputs.has(name) || graph.initializers.has(name);
  for (const name of given) if (!has(name)) throw unknown(name);

  const wanted = outputs.map((output): ValueInfo => {
    const name = typeof output === 'string' ? output : output.name;
    if (!has(name)) throw unknown(name);
    if (typeof output !== 'string') return output;
    const info = [...graph.outputs, ...graph.inputs, ...inputs].find((v) => v.name === name);
    if (info === undefined)
      throw new UsageError(
        'onnx/shape',
        `tensor ${name}: expected its type and shape, since the model does not say them`,
      );
    return info;
  });

  const needed = new Set<Node>();
  const constants = new Set<string>();
  const open = wanted.map((w) => w.name);
  const seen = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === '' || seen.has(name) || given.has(name)) continue;
    seen.add(name);
    const node = producers.get(name);
    if (node !== undefined) {
      needed.add(node);
      open.push(...node.inputs);
    } else if (graph.initializers.has(name)) constants.add(name);
    else if (modelInputs.has(name))
      throw new ModelError(
        'onnx/extract',
        `expected ${wanted.map((w) => w.name).join(', ')} to depend on ${[...given].join(', ')} only, got a need for ${name} too`,
        'Choose a tensor that every path passes through.',
      );
    else throw new ModelError('onnx/extract', `expected a node that makes ${name}, got none`);
  }
  const result: Graph = {
    nodes: graph.nodes.filter((n) => needed.has(n)),
    inputs,
    outputs: wanted,
    initializers: new Map([...graph.initializers].filter(([name]) => constants.has(name))),
  };
  return { ...model, graph: result };
}

function unknown(name: string): UsageError {
  return new UsageError('onnx/tensor-name', `tensor ${name}: expected the name of a tensor of the model, got another`);
}
