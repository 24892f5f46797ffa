/** Which outputs of a network the search for features starts from. */
import { ModelError, UsageError } from '../../core/errors.ts';
import type { Graph, ValueInfo } from '../../onnx/model.ts';
import { producersOf } from '../../onnx/passes/uses.ts';
import { FEATURES_OUTPUT } from './find-features.ts';
import { parsePick, type TokenPick } from './tokens.ts';

export interface Sinks {
  readonly sinks: readonly string[];
  /** How tokens become one vector, where the user said so. */
  readonly pick: TokenPick | undefined;
}

/**
 * The tensor that the user names; else the output that its exporter marked as the features, or that is an image's
 * embedding; else all outputs of float32.
 *
 * @param features name of a tensor, perhaps with `:class` or `:mean` behind it
 * @throws {UsageError} no such tensor
 * @throws {ModelError} no output of float32
 */
export function findSinks(graph: Graph, features: string | undefined, where: string): Sinks {
  if (features !== undefined) return namedTensor(graph, features, where);
  const outputs = graph.outputs.filter((o) => o.dtype === 'float32');
  if (outputs.length === 0)
    throw new ModelError('backbone/outputs', `${where}: expected an output of float32, got none`);
  const one = outputs.some((o) => o.name === FEATURES_OUTPUT) ? FEATURES_OUTPUT : embeddingAmong(graph, outputs);
  return { sinks: one === undefined ? outputs.map((o) => o.name) : [one], pick: undefined };
}

function namedTensor(graph: Graph, features: string, where: string): Sinks {
  const tensors = producersOf(graph);
  if (tensors.has(features)) return { sinks: [features], pick: undefined };
  const { tensor, pick } = parsePick(features);
  if (tensors.has(tensor)) return { sinks: [tensor], pick };
  throw new UsageError(
    'backbone/features',
    `${where}: expected the name of a tensor as features, got ${features}`,
    `Its outputs are ${graph.outputs.map((o) => o.name).join(', ')}.`,
  );
}

/**
 * By the names that exports of ViT, DINOv2, CLIP and their kin have: the embedding of the image; else what their own
 * pooling makes of the tokens; else the tokens, or a map. A pooling that ends in tanh is passed over: ViT's is made for
 * a pretext task, and many files have random numbers there.
 */
function embeddingAmong(graph: Graph, outputs: readonly ValueInfo[]): string | undefined {
  const rank = (name: string): number | undefined => outputs.find((o) => o.name === name)?.dims.length;
  if (rank('image_embeds') === 2) return 'image_embeds';
  const states = rank('last_hidden_state') === undefined ? undefined : 'last_hidden_state';
  if (rank('pooler_output') !== 2) return states;
  const tanh = producersOf(graph).get('pooler_output')?.op === 'Tanh';
  return tanh && states !== undefined ? states : 'pooler_output';
}
