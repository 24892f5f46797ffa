import type { Target } from '../autodiff/lower/lower.ts';
import { type StepSettings, stepGraph } from '../autodiff/step-graph.ts';
import type { Moved } from '../autodiff/stepper.ts';
import type { TrainingStep } from '../autodiff/training-step.ts';
import { definedOnly } from '../core/defined-only.ts';
import { graphBuilder } from '../onnx/builder.ts';
import { float32, type Graph, int64, type Tensor, type ValueInfo } from '../onnx/model.ts';
import { addLoss, type LossSpec } from '../optim/losses.ts';
import type { OptimizerSpec } from '../optim/optimizers.ts';
import { addCentredGradient, addShiftCorrection, type Centred } from './centring.ts';
import { runnable } from './fixed-batch.ts';
import { FEATURES, LOGITS, type Network } from './network.ts';
import { openWatched } from './watched-step.ts';

export type { Moved };

const TARGETS = 'targets';
const WEIGHTS = 'example_weights';
const LOSS = 'batch_loss';

export interface StepSpec {
  readonly network: Network;
  /** Weights that move. Everything else in the network is a constant, and fast. */
  readonly trainable: readonly string[];
  readonly batch: number;
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
  /** Upper bound of the gradient's Euclidean norm over all weights; 0 for none. */
  readonly clipNorm: number;
  /** Factor on the learning rate by weight; 1 where missing. */
  readonly rates: ReadonlyMap<string, number>;
  /** Kernels trained as if their inputs had mean zero. */
  readonly centred: readonly Centred[];
  /** Batches whose gradients are averaged into one update. Default 1 */
  readonly accumulate?: number;
  /** Decay of an exponential moving average of every weight. Default 0: none */
  readonly ema?: number;
}

/** The training step of a network with its loss; see `trainingStep` of autodiff for what it holds. */
export function networkStep(spec: StepSpec, target: Target): TrainingStep {
  const { network, batch, optimizer, accumulate = 1, ema = 0 } = spec;
  const { initializers } = network.graph;
  const forward = graphBuilder(network.graph);
  const classes = lastDim(network.graph, LOGITS);
  const loss = addLoss(forward, { logits: LOGITS, targets: TARGETS, weights: WEIGHTS }, classes, spec.loss);
  forward.add('Identity', [loss], {}, { output: LOSS });
  const data: ValueInfo[] = [
    ...network.graph.inputs.map((v): ValueInfo => ({ ...v, dims: [batch, ...v.dims.slice(1)] })),
    { name: TARGETS, dtype: 'int64', dims: [batch] },
    { name: WEIGHTS, dtype: 'float32', dims: [batch] },
  ];
  const settings: StepSettings = {
    graph: forward.graph(data, [{ name: LOSS, dtype: 'float32', dims: [] }]),
    loss: LOSS,
    trainable: new Map(
      spec.trainable.map((name) => {
        // Only kernels decay: biases and normalisation are vectors.
        const decay = initializers.get(name)!.dims.length > 1 ? optimizer.weightDecay : 0;
        return [name, { rate: spec.rates.get(name) ?? 1, decay }];
      }),
    ),
    statistics: network.statistics,
    optimizer,
    clipNorm: spec.clipNorm,
    accumulate,
    average: ema > 0,
    ...centring(spec.centred),
  };
  const { graph, vectors, scalars } = stepGraph(settings, 'update', target);
  return {
    model: runnable(graph),
    accumulateModel: accumulate > 1 ? runnable(stepGraph(settings, 'accumulate', target).graph) : undefined,
    loss: LOSS,
    data,
    vectors,
    start: initializers,
    scalars,
    optimizer,
    accumulate,
    ema,
  };
}

/** What centred kernels change about a step. */
function centring(centred: readonly Centred[]): Pick<StepSettings, 'adjustGradients' | 'adjustWeights'> {
  const both = (moving: ReadonlyMap<string, string>): Centred[] =>
    centred.filter(({ kernel, shift }) => moving.has(kernel) && moving.has(shift));
  return {
    adjustGradients: (builder, gradients) => {
      for (const layer of both(gradients)) {
        const [dKernel, dShift] = [gradients.get(layer.kernel)!, gradients.get(layer.shift)!];
        gradients.set(layer.kernel, addCentredGradient(builder, layer, dKernel, dShift));
      }
    },
    adjustWeights: (builder, before, after) => {
      for (const layer of both(after)) {
        const { kernel, shift } = layer;
        after.set(shift, addShiftCorrection(builder, layer, before(kernel), after.get(kernel)!, after.get(shift)!));
      }
    },
  };
}

function lastDim(graph: Graph, output: string): number {
  const dim = graph.outputs.find((v) => v.name === output)?.dims.at(-1);
  return typeof dim === 'number' ? dim : 0;
}

/** One batch, as the step takes it. */
export interface Batch {
  /** Stored features of the rows, in the network's input type. */
  readonly features: Tensor;
  readonly targets: readonly number[];
  readonly weights: Float32Array;
  /** Further inputs of the network, such as the dropout mask. */
  readonly extra: Readonly<Record<string, Tensor>>;
}

/** A network's step ready to run; see `Stepper` of autodiff. */
export interface Stepper {
  /**
   * One step: an update, or one of the batches that make an update together.
   *
   * @param rate learning rate
   * @returns the loss before the update
   * @throws {NumericError} the loss is not finite; the weights are left as they were
   */
  step(batch: Batch, rate: number): Promise<number>;
  /** Names of the weights and statistics that move. */
  readonly moving: readonly string[];
  /** What the steps so far came to, fetched from the device. Views that the step after the next overwrites. */
  read(): Promise<Moved>;
  /** Updates done, over all resumptions. */
  readonly steps: number;
  close(): Promise<void>;
}

/** @param resume optimizer state and count of an earlier stepper; zeros where missing */
export async function openStepper(
  spec: StepSpec,
  target: Target,
  {
    threads,
    states,
    steps,
    profile,
  }: {
    readonly threads?: number;
    readonly states?: ReadonlyMap<string, Tensor>;
    readonly steps?: number;
    readonly profile?: string;
  } = {},
): Promise<Stepper> {
  const step = networkStep(spec, target);
  const stepper = await openWatched(
    step,
    definedOnly({ threads, profile, device: target.device, states, updates: steps }),
  );
  return {
    step: ({ features, targets, weights, extra }, rate) =>
      stepper.step(
        {
          [FEATURES]: features,
          [TARGETS]: int64(targets),
          [WEIGHTS]: float32(weights, [weights.length]),
          ...extra,
        },
        rate,
      ),
    moving: step.vectors.filter(({ kind }) => kind === 'weight' || kind === 'statistic').map(({ name }) => name),
    read: stepper.read,
    get steps() {
      return stepper.updates;
    },
    close: stepper.close,
  };
}
