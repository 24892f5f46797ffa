import { UsageError } from '../core/errors.ts';
import { type Graph, intOf, type Model, scalar, type Tensor, type ValueInfo } from '../onnx/model.ts';
import { nodesFor, prune } from '../onnx/passes/prune.ts';
import { avoidFaults } from '../onnx/passes/runtime-faults.ts';
import { averageDecay, corrections, type OptimizerSpec } from '../optim/optimizers.ts';
import { checkLoss, unique } from './asked.ts';
import { type InputShapes, overSizes, withShapes } from './free-dims/over-sizes.ts';
import { PORTABLE, type Target } from './lower/lower.ts';
import { modelWith, plainModel } from './plain-model.ts';
import {
  AVERAGE_DECAY,
  CORRECTIONS,
  RATE,
  type StepGraph,
  type StepSettings,
  type StepVector,
  stepGraph,
  type WeightSettings,
} from './step-graph.ts';
import { weightNames } from './weights.ts';

/** Weights that move alike. */
export interface WeightGroup {
  readonly weights: readonly string[];
  /** Factor on the learning rate, above 0. Default 1 */
  readonly rate?: number;
  /** Weight decay λ ≥ 0. Default that of the optimizer */
  readonly weightDecay?: number;
}

export interface TrainingStepOptions {
  /** Output of the model, of one float32 element, that is minimised. */
  readonly loss: string;
  readonly optimizer: OptimizerSpec;
  /** Weights that move, alike or in groups; `all-weights` is every one that `weightNames` gives. All else is constant. */
  readonly trainable: 'all-weights' | readonly string[] | readonly WeightGroup[];
  /** Upper bound of the gradient's Euclidean norm over all weights. Default 0: none */
  readonly clipNorm?: number;
  /** Micro-steps whose gradients are averaged into one update. Default 1 */
  readonly accumulate?: number;
  /** Decay of an exponential moving average that is kept of each weight, in [0, 1). Default 0: none */
  readonly ema?: number;
  /** Shapes of inputs with free dimensions, by name. Those left out stay free. Default: none given */
  readonly inputShapes?: InputShapes;
  /** Size of the first dimension of every input that leaves it free. Default: it stays free */
  readonly batch?: number;
  /** What the machine that will run the graph is good at. Default `PORTABLE`: standard operators only */
  readonly target?: Target;
}

/** A training step: one graph, or two where gradients are accumulated, and what its inputs and outputs are. */
export interface TrainingStep {
  /** Forward, backward and update. */
  readonly model: Model;
  /**
   * Forward, backward and a sum of gradients, for all micro-steps but the last; undefined without accumulation. It has
   * the inputs of the weights, statistics and sums, and gives new statistics and sums.
   */
  readonly accumulateModel: Model | undefined;
  /** Output with the loss before the update. */
  readonly loss: string;
  /** Inputs of the model itself. */
  readonly data: readonly ValueInfo[];
  /** What goes round: each one's input takes what its output gave in the step before. */
  readonly vectors: readonly StepVector[];
  /** Where a weight or a statistic starts, by name: its value in the model. */
  readonly start: ReadonlyMap<string, Tensor>;
  /** Inputs of one number that `stepScalars` makes. */
  readonly scalars: readonly string[];
  readonly optimizer: OptimizerSpec;
  readonly accumulate: number;
  /** Decay of the moving average; 0 for none. */
  readonly ema: number;
}

/**
 * One optimizer step of a model with a loss, as an ONNX graph: weights and states go in and come out, changed. The running
 * moments of a BatchNormalization that trains are carried along.
 *
 * @param model operator set 13 or newer; the result's is 18 or newer
 * @throws {UsageError} `loss` is no output; weights that the model lacks, that are named twice, or that the loss does not
 *   depend on; a setting out of range
 * @throws {UnsupportedOperatorError} an operator on the way has no rule
 * @throws {ShapeError} the loss has more than one element, or a free dimension must be given a size
 */
export function trainingStep(model: Model, options: TrainingStepOptions): TrainingStep {
  const { loss, optimizer, clipNorm = 0, accumulate = 1, ema = 0, target = PORTABLE } = options;
  checkRange('clipNorm', clipNorm, 'a norm of 0 or more', clipNorm >= 0);
  checkRange('accumulate', accumulate, 'a whole number above 0', Number.isInteger(accumulate) && accumulate > 0);
  checkRange('ema', ema, 'a decay in [0, 1)', ema >= 0 && ema < 1);
  const plain = plainModel(model);
  checkLoss(plain.graph, loss);
  const data = withShapes(plain.graph.inputs, options.inputShapes ?? {}, options.batch);
  const trainable = settingsOf(plain.graph, options);
  const statistics = runningMoments(plain.graph);
  const outputs = plain.graph.outputs.filter((o) => o.name === loss);
  const nodes = nodesFor(plain.graph, [loss, ...statistics.values()]);
  const settings: StepSettings = {
    graph: avoidFaults({ ...plain.graph, nodes, inputs: data, outputs }, plain.opset),
    loss,
    trainable,
    statistics,
    optimizer,
    clipNorm,
    accumulate,
    average: ema > 0,
  };
  const part = (name: 'update' | 'accumulate') => {
    const built: StepGraph[] = [];
    const merged = overSizes(data, (shapes) => {
      const one = stepGraph(settings, name, target, shapes);
      built.push(one);
      return one.graph;
    });
    const { vectors, scalars } = built[0]!;
    return { vectors, scalars, model: modelWith(prune(merged), plain) };
  };
  const update = part('update');
  const still = [...trainable.keys()].filter((w) => !update.vectors.some((v) => v.name === w));
  if (still.length > 0)
    throw new UsageError('autodiff/trainable', `trainable: the loss does not depend on ${still.join(', ')}`);
  return {
    model: update.model,
    accumulateModel: accumulate > 1 ? part('accumulate').model : undefined,
    loss,
    data: data.filter((v) => update.model.graph.inputs.some((i) => i.name === v.name)),
    vectors: update.vectors,
    start: new Map(
      [...trainable.keys(), ...statistics.keys()].map((name) => [name, plain.graph.initializers.get(name)!]),
    ),
    scalars: update.scalars,
    optimizer,
    accumulate,
    ema,
  };
}

/** The scalars of an update. @param update its number, 1 or more @param rate learning rate */
export function stepScalars(
  { optimizer, ema, scalars }: Pick<TrainingStep, 'optimizer' | 'ema' | 'scalars'>,
  update: number,
  rate: number,
): Record<string, Tensor> {
  const values = new Map([
    [RATE, rate],
    ...corrections(optimizer, update).map((c, i) => [CORRECTIONS[i]!, c] as const),
    [AVERAGE_DECAY, averageDecay(ema, update)],
  ]);
  return Object.fromEntries(scalars.map((name) => [name, scalar(values.get(name) ?? 0)]));
}

function checkRange(what: string, value: number, expected: string, fits: boolean): void {
  if (!fits) throw new UsageError('autodiff/step', `${what}: expected ${expected}, got ${value}`);
}

/** Rate and decay of each weight that moves. */
function settingsOf(graph: Graph, options: TrainingStepOptions): Map<string, WeightSettings> {
  const { trainable, optimizer, loss } = options;
  const groups: readonly WeightGroup[] =
    trainable === 'all-weights' ? [{ weights: weightNames(graph, loss) }] : trainable.map(groupOf);
  const names = groups.flatMap((g) => g.weights);
  if (names.length === 0) throw new UsageError('autodiff/trainable', 'trainable: expected names of weights, got none');
  unique('trainable', names);
  for (const name of names) {
    const dtype = graph.initializers.get(name)?.dtype;
    if (dtype !== 'float32')
      throw new UsageError(
        'autodiff/trainable',
        `trainable: expected float32 initializers of the model, got ${name}${dtype === undefined ? '' : ` of ${dtype}`}`,
      );
  }
  return new Map(
    groups.flatMap(({ weights, rate = 1, weightDecay = optimizer.weightDecay }) => {
      checkRange('rate of a group', rate, 'a factor above 0', rate > 0);
      checkRange('weightDecay of a group', weightDecay, '0 or more', weightDecay >= 0);
      return weights.map((name) => [name, { rate, decay: weightDecay }] as const);
    }),
  );
}

const groupOf = (given: string | WeightGroup): WeightGroup =>
  typeof given === 'string' ? { weights: [given] } : given;

/** New running moments of every BatchNormalization that trains, by the initializer that holds the old ones. */
function runningMoments({ nodes, initializers }: Graph): Map<string, string> {
  const moments = new Map<string, string>();
  for (const node of nodes) {
    if (node.op !== 'BatchNormalization' || intOf(node, 'training_mode', 0) !== 1) continue;
    for (const [output, input] of [
      [1, 3],
      [2, 4],
    ] as const) {
      const [from, to] = [node.inputs[input] ?? '', node.outputs[output] ?? ''];
      if (to !== '' && initializers.get(from)?.dtype === 'float32') moments.set(from, to);
    }
  }
  return moments;
}
