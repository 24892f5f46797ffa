/** A backbone that ends earlier. */
import { extract } from '../onnx/passes/extract.ts';
import { findCut } from './cuts.ts';
import { oneOfTokens, parsePick } from './importers/tokens.ts';
import type { Backbone } from './types.ts';

/**
 * @param features a cut, short name or tensor; behind one of tokens, `:class` or `:mean` says how they become one vector
 * @throws {UsageError} no such cut; the message lists them
 */
export function withFeatures(backbone: Backbone, features: string | undefined): Backbone {
  if (features === undefined || features === backbone.features) return backbone;
  const { tensor, pick } = parsePick(features);
  const cut = findCut(backbone, pick === undefined ? features : tensor);
  const { model, cuts } = backbone;
  const before = cuts.slice(0, cuts.indexOf(cut) + 1);
  const { dims } = cut;
  const vector = dims.length === 2 ? oneOfTokens(model.graph, model.opset, cut.tensor, dims, pick) : undefined;
  // The importer has seen to it already.
  if (vector?.tensor === backbone.features) return backbone;
  const last = vector === undefined ? cut : { name: vector.tensor, tensor: vector.tensor, dims: vector.dims };
  const ending = extract(vector === undefined ? model : { ...model, graph: vector.graph }, {
    inputs: model.graph.inputs,
    outputs: [{ name: last.tensor, dtype: 'float32', dims: ['N', ...last.dims] }],
  });
  return { ...backbone, model: ending, features: last.tensor, cuts: vector === undefined ? before : [...before, last] };
}
