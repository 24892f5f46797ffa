import type { Backbone } from '../backbone/types.ts';
import { UsageError } from '../core/errors.ts';
import { sha256 } from '../core/hash.ts';
import { graphBuilder } from '../onnx/builder.ts';
import { type Graph, int, type Model } from '../onnx/model.ts';
import { extract } from '../onnx/passes/extract.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { addPooling } from '../onnx/pooling.ts';
import { encodeModel } from '../onnx/protobuf.ts';
import { preprocessModel } from './preprocess.ts';

/** Raised when the bytes that a trunk remembers would change for the same graph and image. */
const FORMAT = 2;

/** Name of the trunk's output at the cut, float16. */
export const CUT = 'cut_f16';
/** Name of the trunk's pooled features, float32. */
export const POOLED = 'pooled_features';

/** A backbone taken apart at a cut. */
export interface Trunk {
  /** `image` uint8 to the backbone's input. */
  readonly preprocess: Model;
  /** The backbone's input to `POOLED` and, where the cut is before the features, `CUT`. BatchNorm folded. */
  readonly model: Model;
  /** The same as far as the cut, with the one output `CUT`; undefined where the cut is at the features. */
  readonly cutModel: Model | undefined;
  /** Shape of one example at the cut; undefined where the cut is at the features. */
  readonly cutDims: readonly number[] | undefined;
  /** Length of the pooled features. */
  readonly width: number;
  /** Names the frozen computation: equal keys give equal features for equal pixels. */
  readonly cutKey: string;
  readonly pooledKey: string;
}

/** The cut of a name: a cut point of the backbone, or `features` for none before them. */
export function cutTensor(backbone: Backbone, cut: string): string {
  if (cut === 'features') return backbone.features;
  const point = backbone.cuts.find((c) => c.name === cut || c.tensor === cut);
  if (point === undefined) {
    throw new UsageError(
      'backbone/cut',
      `cut: expected a cut point of ${backbone.name}, got ${cut}`,
      `Cut points: ${backbone.cuts.map((c) => c.name).join(', ')}, features.`,
    );
  }
  return point.tensor;
}

/** Shape of one example at a tensor that is a cut point of the backbone. */
export function dimsAt(backbone: Backbone, tensor: string): readonly number[] {
  const point = backbone.cuts.find((c) => c.tensor === tensor);
  if (point === undefined) throw new UsageError('backbone/cut', `${backbone.name}: ${tensor} is not a cut point`);
  return point.dims;
}

/**
 * @param cut name of a cut point, or `features`
 * @throws {UsageError} no such cut point
 */
export function planTrunk(backbone: Backbone, cut: string): Trunk {
  const at = cutTensor(backbone, cut);
  const preprocess = preprocessModel(backbone.input);
  const featureDims = dimsAt(backbone, backbone.features);
  const input = inputOf(backbone);
  const pooled = foldBatchNorm(
    extract(backbone.model, {
      inputs: [input],
      outputs: [
        { name: backbone.features, dtype: 'float32', dims: ['N', ...featureDims] },
        ...(at === backbone.features || at === input.name
          ? []
          : [{ name: at, dtype: 'float32' as const, dims: ['N', ...dimsAt(backbone, at)] }]),
      ],
    }).graph,
  );
  const spatialCut = at !== backbone.features;
  const builder = graphBuilder(pooled);
  const vector = featureDims.length === 1 ? backbone.features : addPooling(builder, backbone.features);
  builder.add('Identity', [vector], {}, { output: POOLED });
  if (spatialCut) builder.add('Cast', [at], { to: int(10) }, { output: CUT });
  const width = featureDims[0]!;
  const cutDims = spatialCut ? dimsAt(backbone, at) : undefined;
  const graph = builder.graph(pooled.inputs, [
    { name: POOLED, dtype: 'float32', dims: ['N', width] },
    ...(cutDims === undefined ? [] : [{ name: CUT, dtype: 'float16' as const, dims: ['N', ...cutDims] }]),
  ]);
  const model: Model = { ...backbone.model, graph };
  const only = (output: string): Model => extract(model, { inputs: model.graph.inputs, outputs: [output] });
  const cutModel = cutDims === undefined ? undefined : only(CUT);
  // The graph that runs, weights and all, and what it is fed: whatever else the backbone holds does not matter.
  const keyOf = (graph: Model): string =>
    sha256([FORMAT, sha256(encodeModel({ ...graph, metadata: {} })), JSON.stringify(backbone.input)].join('\n')).slice(
      0,
      24,
    );
  return {
    preprocess,
    model,
    cutModel,
    cutDims,
    width,
    cutKey: cutModel === undefined ? '' : keyOf(cutModel),
    pooledKey: keyOf(only(POOLED)),
  };
}

/** The nodes behind the cut, weights as initializers; undefined where the cut is at the features. */
export function tailGraph(backbone: Backbone, cut: string): Graph | undefined {
  const at = cutTensor(backbone, cut);
  if (at === backbone.features) return undefined;
  const dims = at === backbone.input.name ? inputOf(backbone).dims.slice(1) : dimsAt(backbone, at);
  const { graph } = extract(backbone.model, {
    inputs: [{ name: at, dtype: 'float32', dims: ['N', ...dims] }],
    outputs: [{ name: backbone.features, dtype: 'float32', dims: ['N', ...dimsAt(backbone, backbone.features)] }],
  });
  return graph;
}

function inputOf({ input }: Backbone) {
  const dims = input.layout === 'NCHW' ? ['N', 3, input.size, input.size] : ['N', input.size, input.size, 3];
  return { name: input.name, dtype: 'float32' as const, dims };
}
