import { addHead, DROPOUT_MASK, type HeadSpec } from '../model/head.ts';
import { graphBuilder } from '../onnx/builder.ts';
import { type DataType, type Graph, int, type Tensor, type ValueInfo } from '../onnx/model.ts';
import { absorbBatchNorm } from '../onnx/passes/absorb-batch-norm.ts';
import { addPooling } from '../onnx/pooling.ts';

/** Name of the trained graph's input: what the trunk remembered. */
export const FEATURES = 'stored_features';
export const LOGITS = 'logits';
export const PROBABILITIES = 'probabilities';

/** The part of a backbone behind the cut, and how its input is stored. */
export interface Tail {
  /** Nodes and weights from the cut to the features; undefined where the cut is at the features themselves. */
  readonly graph: Graph | undefined;
  /** Tensor at the cut, and the tensor that the head is attached to. */
  readonly cut: string;
  readonly features: string;
  /** Shape of one example at the cut, and at the features. */
  readonly cutDims: readonly number[];
  readonly featureDims: readonly number[];
  readonly stored: Extract<DataType, 'float16' | 'float32'>;
}

export interface Network {
  /** Input `FEATURES`, outputs `LOGITS` and, for inference, `PROBABILITIES`; every weight an initializer. */
  readonly graph: Graph;
  /** Running statistics of the head after the step, by name. */
  readonly statistics: ReadonlyMap<string, string>;
  /** Name of the vector given to the head, float32 [N, F]. */
  readonly vector: string;
}

/**
 * Tail and head as one graph, ready to differentiate or to run.
 *
 * @param weights current values of every weight, tail and head
 */
export function buildNetwork(
  tail: Tail,
  head: HeadSpec,
  classes: number,
  weights: ReadonlyMap<string, Tensor>,
  mode: 'train' | 'fine-tune' | 'infer',
): Network {
  const initializers = new Map([...(tail.graph?.initializers ?? []), ...weights]);
  const body = tail.graph === undefined ? undefined : absorbBatchNorm({ ...tail.graph, initializers });
  const builder = graphBuilder({ nodes: [], initializers: body?.initializers ?? initializers, inputs: [] });
  const inputs: ValueInfo[] = [{ name: FEATURES, dtype: tail.stored, dims: ['N', ...tail.cutDims] }];
  for (const node of body?.nodes ?? []) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  builder.add(
    tail.stored === 'float16' ? 'Cast' : 'Identity',
    [FEATURES],
    tail.stored === 'float16' ? { to: int(1) } : {},
    { output: tail.cut },
  );
  for (const node of body?.nodes ?? []) builder.push(node);
  const pooled = tail.featureDims.length === 1 ? tail.features : addPooling(builder, tail.features);
  const { logits, statistics } = addHead(builder, head, pooled, mode);
  builder.add('Identity', [logits], {}, { output: LOGITS });
  const outputs: ValueInfo[] = [{ name: LOGITS, dtype: 'float32', dims: ['N', classes] }];
  if (mode === 'infer') {
    builder.add('Softmax', [LOGITS], { axis: int(1) }, { output: PROBABILITIES });
    outputs.push({ name: PROBABILITIES, dtype: 'float32', dims: ['N', classes] });
  } else if (head.kind === 'mlp' && head.dropout > 0) {
    inputs.push({ name: DROPOUT_MASK, dtype: 'float32', dims: ['N', head.units] });
  }
  return { graph: builder.graph(inputs, outputs), statistics, vector: pooled };
}
