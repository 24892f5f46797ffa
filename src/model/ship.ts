/** The finished model: one ONNX file, from pixels to probabilities. */
import type { Backbone } from '../backbone/types.ts';
import { ModelError, NumericError, ShapeError } from '../core/errors.ts';
import { addPreprocessing, IMAGE, IR_VERSION } from '../features/preprocess.ts';
import { dimsAt } from '../features/trunk.ts';
import { graphBuilder } from '../onnx/builder.ts';
import { int, type Model, type Tensor } from '../onnx/model.ts';
import { extract } from '../onnx/passes/extract.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { renamePrefix } from '../onnx/passes/join.ts';
import { upgradeOpset } from '../onnx/passes/upgrade-opset.ts';
import { addPooling } from '../onnx/pooling.ts';
import { cardToMetadata, type ModelCard } from './card.ts';
import { addHead, HEAD_STATISTICS, type HeadSpec, headParameters } from './head.ts';
import { addOutlierScore, type OutlierModel } from './outliers.ts';

/** Outputs of every shipped model: float32 [N, C], and float32 [N, F], the vector given to the head. */
export const PROBABILITIES = 'probabilities';
export const FEATURES = 'features';
/** Output of those that can tell when an image is unlike what they know: float32 [N], see `OutlierModel`. */
export const OOD_SCORE = 'ood_score';

/** Operator set of what is shipped: as old as can be, for every tool and runtime that reads it. */
const OPSET = 17;

/** Put before every name of the backbone, so that none meets a name of the head or of an output. */
export const BACKBONE_PREFIX = 'backbone/';

export interface ShipSpec {
  readonly backbone: Backbone;
  readonly head: HeadSpec;
  /** Trained values by name of the initializer: all of the head's, and those of the backbone that were trained. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Its `calibration` decides the temperature of the softmax. */
  readonly card: ModelCard;
  /** What `ood_score` is computed with. Default: there is no such output. */
  readonly outliers?: OutlierModel | undefined;
}

/**
 * One standalone ONNX model of standard operators: `image` uint8 [N, H, W, 3] RGB, H and W free → resize and
 * normalisation → backbone, BatchNormalization folded → global average pooling where the features are a map → head →
 * softmax at the card's temperature. Outputs `probabilities` float32 [N, C], `features` float32 [N, F] and, where there is a
 * model of outliers, `ood_score` float32 [N].
 *
 * The same arguments give a model with the same bytes. Weights are not copied: encode the model before they change.
 *
 * @returns operator set 17, or the backbone's where that is newer
 * @throws {ModelError} a weight that is missing or belongs to nothing; a backbone that `checkShippable` refuses
 * @throws {ShapeError} a weight of another shape, or a number of classes other than the card's
 * @throws {NumericError} a weight that is not finite
 */
export function shipModel({ backbone, head, weights, card, outliers }: ShipSpec): Model {
  const headNames = head.kind === 'linear' ? headParameters(head) : [...headParameters(head), ...HEAD_STATISTICS];
  checkWeights(backbone, headNames, weights);
  const [width] = dimsAt(backbone, backbone.features);
  checkHead(headParameters(head), weights, width!, card.labels.length);
  if (outliers !== undefined && outliers.mean.length !== width)
    throw wrongShape('ood/mean', [width!], [outliers.mean.length]);

  const body = bodyOf(backbone, weights);
  const builder = graphBuilder({ nodes: [], initializers: body.graph.initializers, inputs: [] });
  const fixed = [IMAGE, PROBABILITIES, FEATURES, OOD_SCORE, ...headNames];
  for (const name of [...fixed, ...body.graph.nodes.flatMap((n) => [n.name, ...n.outputs])]) builder.reserve(name);
  addPreprocessing(builder, backbone.input, BACKBONE_PREFIX + backbone.input.name, 'matrices');
  for (const node of body.graph.nodes) builder.push(node);
  const top = BACKBONE_PREFIX + backbone.features;
  const vector = dimsAt(backbone, backbone.features).length === 1 ? top : addPooling(builder, top);
  builder.add('Identity', [vector], {}, { name: 'features', output: FEATURES });
  for (const name of headNames) builder.constant(weights.get(name)!, name);
  const { logits } = addHead(builder, head, FEATURES, 'infer');
  const temperature = card.calibration?.temperature ?? 1;
  const calibrated =
    temperature === 1 ? logits : builder.add('Div', [logits, builder.scalar(temperature)], {}, { name: 'temperature' });
  builder.add('Softmax', [calibrated], { axis: int(1) }, { name: 'softmax', output: PROBABILITIES });
  if (outliers !== undefined) addOutlierScore(builder, outliers, FEATURES, OOD_SCORE);
  return {
    graph: builder.graph(
      [{ name: IMAGE, dtype: 'uint8', dims: ['N', 'H', 'W', 3] }],
      [
        { name: PROBABILITIES, dtype: 'float32', dims: ['N', card.labels.length] },
        { name: FEATURES, dtype: 'float32', dims: ['N', width!] },
        ...(outliers === undefined ? [] : [{ name: OOD_SCORE, dtype: 'float32' as const, dims: ['N'] }]),
      ],
    ),
    opset: Math.max(OPSET, body.opset),
    domains: {},
    irVersion: Math.max(IR_VERSION, body.irVersion),
    producer: 'nevus',
    metadata: cardToMetadata(card),
  };
}

/**
 * Says before a training, rather than after it, that a model made from this backbone could not be shipped.
 *
 * @throws {ModelError} operators that are not ONNX's own, or an operator set that cannot be upgraded
 */
export function checkShippable(backbone: Backbone): void {
  bodyOf(backbone, new Map());
}

/** The backbone from its input to its features with the trained weights, its names prefixed. */
function bodyOf(backbone: Backbone, weights: ReadonlyMap<string, Tensor>): Model {
  const { model, input, features } = backbone;
  const initializers = new Map([...model.graph.initializers].map(([name, old]) => [name, weights.get(name) ?? old]));
  const part = extract(
    { ...model, graph: { ...model.graph, initializers } },
    {
      inputs: model.graph.inputs.filter((i) => i.name === input.name),
      outputs: [{ name: features, dtype: 'float32', dims: ['N', ...dimsAt(backbone, features)] }],
    },
  );
  const foreign = part.graph.nodes.find((n) => n.domain !== '');
  if (foreign !== undefined) {
    throw new ModelError(
      'model/domain',
      `backbone ${backbone.name}, node ${foreign.name}: expected an operator of ONNX, got ${foreign.op} of ${foreign.domain}`,
      'Export the network without optimisations for one runtime.',
    );
  }
  const body = upgradeOpset({ ...part, graph: foldBatchNorm(part.graph) }, OPSET);
  return renamePrefix(body, BACKBONE_PREFIX);
}

function checkWeights(backbone: Backbone, headNames: readonly string[], weights: ReadonlyMap<string, Tensor>): void {
  const { initializers } = backbone.model.graph;
  for (const name of headNames) {
    if (!weights.has(name)) throw new ModelError('model/weights', `shipModel: expected a weight ${name}, got none`);
  }
  for (const [name, { dims, data }] of weights) {
    const there = initializers.get(name);
    if (there === undefined && !headNames.includes(name)) {
      throw new ModelError('model/weights', `shipModel: expected weights of backbone and head, got ${name}`);
    }
    if (there !== undefined && there.dims.join() !== dims.join()) throw wrongShape(name, there.dims, dims);
    for (let i = 0; i < data.length; i++) {
      if (!Number.isFinite(Number(data[i]))) {
        throw new NumericError('model/weights', `weight ${name}[${i}]: expected a finite number, got ${data[i]}`);
      }
    }
  }
}

/** The first kernel takes the features, the last bias gives one logit a class. */
function checkHead(
  parameters: readonly string[],
  weights: ReadonlyMap<string, Tensor>,
  width: number,
  classes: number,
): void {
  const kernel = weights.get(parameters[0]!)!;
  if (kernel.dims[0] !== width) throw wrongShape(parameters[0]!, [width, kernel.dims[1] ?? 0], kernel.dims);
  const bias = weights.get(parameters.at(-1)!)!;
  if (bias.dims.join() !== String(classes)) throw wrongShape(parameters.at(-1)!, [classes], bias.dims);
}

function wrongShape(name: string, expected: readonly number[], got: readonly number[]): ShapeError {
  return new ShapeError('model/weights', `weight ${name}: expected [${expected.join(', ')}], got [${got.join(', ')}]`);
}
