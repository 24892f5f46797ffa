import { appendGradients } from '../autodiff/append-gradients.ts';
import { lower, type Target } from '../autodiff/lower/lower.ts';
import { definedOnly } from '../core/defined-only.ts';
import { NumericError } from '../core/errors.ts';
import { graphBuilder } from '../onnx/builder.ts';
import { type Carried, openLoop } from '../onnx/loop.ts';
import {
  float32,
  type Graph,
  int,
  int64,
  type Model,
  scalar,
  sizeOf,
  type Tensor,
  type ValueInfo,
} from '../onnx/model.ts';
import { addLoss, type LossSpec } from '../optim/losses.ts';
import { addUpdate, corrections, type OptimizerSpec, stateNames } from '../optim/optimizers.ts';
import { addCentredGradient, addShiftCorrection, type Centred } from './centring.ts';
import { runnable } from './fixed-batch.ts';
import { FEATURES, LOGITS, type Network } from './network.ts';

const TARGETS = 'targets';
const WEIGHTS = 'example_weights';
const RATE = 'learning_rate';
const CORRECTION1 = 'correction_1';
const CORRECTION2 = 'correction_2';
const LOSS = 'batch_loss';
const next = (name: string): string => `next:${name}`;
const state = (kind: string, name: string): string => `${kind}:${name}`;
/**
 * Weights and states enter and leave as vectors. onnxruntime runs `[O, C, 1, 1] · scalar` 20 times slower than
 * `[O·C] · scalar`, and an update is made of little else.
 */
const flat = (name: string): string => `flat:${name}`;

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
}

/**
 * Forward, loss, backward and update as one graph.
 *
 * inputs: features, targets, example weights, learning rate, bias corrections, every weight and state that moves.
 * outputs: the loss, and `next:<name>` of every weight and state.
 */
export function stepModel(spec: StepSpec, target: Target): Model {
  const { network, trainable, batch, optimizer } = spec;
  const carried = [...network.statistics.keys()];
  const weights = new Map([...trainable, ...carried].map((name) => [name, network.graph.initializers.get(name)!]));
  const forward = graphBuilder(network.graph);
  const classes = lastDim(network.graph, LOGITS);
  const loss = addLoss(forward, { logits: LOGITS, targets: TARGETS, weights: WEIGHTS }, classes, spec.loss);
  const inputs: ValueInfo[] = [
    ...network.graph.inputs.map((v): ValueInfo => ({ ...v, dims: [batch, ...v.dims.slice(1)] })),
    { name: TARGETS, dtype: 'int64', dims: [batch] },
    { name: WEIGHTS, dtype: 'float32', dims: [batch] },
    ...[...weights].map(
      ([name, { dims }]): ValueInfo => ({ name: flat(name), dtype: 'float32', dims: [sizeOf(dims)] }),
    ),
  ];
  const shaping = graphBuilder({ nodes: [], initializers: forward.initializers, inputs });
  for (const [name, { dims }] of weights)
    shaping.add('Reshape', [flat(name), shaping.ints(dims)], {}, { output: name, name: `shape:${name}` });
  for (const node of forward.nodes) shaping.push(node);
  const constants = new Map([...shaping.initializers].filter(([name]) => !weights.has(name)));
  const { builder, gradients, infos } = appendGradients(
    { nodes: shaping.nodes, inputs, outputs: [], initializers: constants },
    { loss, wrt: trainable },
  );

  const vectors = new Map<string, string>(
    [...gradients].map(([name, g]) => [name, builder.add('Reshape', [g, builder.ints([-1])], {}, { name: 'vector' })]),
  );
  const centred = spec.centred.filter(({ kernel, shift }) => vectors.has(kernel) && vectors.has(shift));
  for (const layer of centred) {
    vectors.set(
      layer.kernel,
      addCentredGradient(builder, layer, vectors.get(layer.kernel)!, vectors.get(layer.shift)!),
    );
  }
  const clip = spec.clipNorm > 0 ? addClip(builder, [...vectors.values()], spec.clipNorm) : undefined;
  const outputs: ValueInfo[] = [{ name: LOSS, dtype: 'float32', dims: [] }];
  builder.add('Identity', [loss], {}, { output: LOSS });
  const give = (name: string, value: string, size: number): void => {
    builder.add('Identity', [value], {}, { output: next(name) });
    outputs.push({ name: next(name), dtype: 'float32', dims: [size] });
  };
  const moved = new Map<string, string>();
  for (const [name, gradient] of vectors) {
    const { dims } = weights.get(name)!;
    const size = sizeOf(dims);
    const states = stateNames(optimizer).map((kind) => state(kind, name));
    const rate = spec.rates.get(name) ?? 1;
    const updated = addUpdate(
      builder,
      optimizer,
      {
        w: flat(name),
        g: clip === undefined ? gradient : builder.add('Mul', [gradient, clip], {}, { name: 'clipped' }),
        states: states.map(flat),
        // Only kernels decay: biases and normalisation are vectors.
        decay: dims.length > 1 ? optimizer.weightDecay : 0,
      },
      {
        lr: rate === 1 ? RATE : builder.add('Mul', [RATE, builder.scalar(rate)], {}, { name: 'rate' }),
        correction1: CORRECTION1,
        correction2: CORRECTION2,
      },
    );
    moved.set(name, updated.weight);
    updated.states.forEach((value, i) => {
      inputs.push({ name: flat(states[i]!), dtype: 'float32', dims: [size] });
      give(states[i]!, value, size);
    });
  }
  for (const layer of centred) {
    const { kernel, shift } = layer;
    moved.set(shift, addShiftCorrection(builder, layer, flat(kernel), moved.get(kernel)!, moved.get(shift)!));
  }
  for (const [name, value] of moved) give(name, value, sizeOf(weights.get(name)!.dims));
  for (const [name, value] of network.statistics) give(name, value, sizeOf(weights.get(name)!.dims));
  const scalars = [RATE, ...(optimizer.kind === 'adamw' ? [CORRECTION1, CORRECTION2] : [])];
  inputs.push(...scalars.map((name): ValueInfo => ({ name, dtype: 'float32', dims: [] })));
  const graph = lower(builder.graph(inputs, outputs), target, (name) => infos.get(name)?.dims ?? []);
  return runnable(graph);
}

function lastDim(graph: Graph, output: string): number {
  const dim = graph.outputs.find((v) => v.name === output)?.dims.at(-1);
  return typeof dim === 'number' ? dim : 0;
}

/** min(1, limit / ‖g‖), one factor for all gradients (Pascanu et al. 2013, arXiv:1211.5063). */
function addClip(builder: ReturnType<typeof graphBuilder>, gradients: readonly string[], limit: number): string {
  const squares = gradients.map((g) => builder.add('ReduceSumSquare', [g], { keepdims: int(0) }, { name: 'square' }));
  const norm = builder.add(
    'Sqrt',
    [squares.length === 1 ? squares[0]! : builder.add('Sum', squares)],
    {},
    { name: 'norm' },
  );
  const share = builder.add('Div', [builder.scalar(limit), builder.add('Max', [norm, builder.scalar(1e-12)])]);
  return builder.add('Min', [share, builder.scalar(1)], {}, { name: 'clip' });
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

/** What steps move. */
export interface Moved {
  /** Current weights and statistics, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Optimizer state by `kind:name`. */
  readonly states: ReadonlyMap<string, Tensor>;
}

/** A step ready to run, and the weights it moves. */
export interface Stepper {
  /**
   * One update.
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
  /** Steps done, over all resumptions. */
  readonly steps: number;
  close(): Promise<void>;
}

/** @param resume optimizer state and count of an earlier stepper; zeros where missing */
export async function openStepper(
  spec: StepSpec,
  target: Target,
  {
    threads,
    states = new Map(),
    steps = 0,
    profile,
  }: {
    readonly threads?: number;
    readonly states?: ReadonlyMap<string, Tensor>;
    readonly steps?: number;
    readonly profile?: string;
  } = {},
): Promise<Stepper> {
  const model = stepModel(spec, target);
  const { initializers } = spec.network.graph;
  const carried = model.graph.outputs.slice(1).map(({ name: output, dims: [size] }): Carried => {
    const name = output.slice(next('').length);
    const start = initializers.get(name) ?? states.get(name);
    const data = start?.dtype === 'float32' ? start.data : new Float32Array(Number(size));
    return { input: flat(name), output, dims: [Number(size)], start: data };
  });
  const moving = carried.map(({ input }) => input.slice(flat('').length)).filter((name) => initializers.has(name));
  const loop = await openLoop(model, carried, definedOnly({ threads, profile, device: target.device }));
  let done = steps;
  return {
    step: async ({ features, targets, weights, extra }, rate) => {
      const [c1, c2] = corrections(spec.optimizer, done + 1);
      const feeds: Record<string, Tensor> = {
        [FEATURES]: features,
        [TARGETS]: int64(targets),
        [WEIGHTS]: float32(weights, [weights.length]),
        [RATE]: scalar(rate),
        ...extra,
      };
      if (spec.optimizer.kind === 'adamw')
        Object.assign(feeds, { [CORRECTION1]: scalar(c1), [CORRECTION2]: scalar(c2) });
      const loss = Number((await loop.run(feeds))[LOSS]!.data[0]);
      if (!Number.isFinite(loss)) {
        throw new NumericError(
          'train/loss',
          `step ${done + 1}: expected a finite loss, got ${loss}`,
          'Lower the learning rate.',
        );
      }
      loop.advance();
      done += 1;
      return loss;
    },
    moving,
    read: async () => {
      const moved = [...(await loop.read())].map(([input, vector]): [string, Tensor] => {
        const name = input.slice(flat('').length);
        return [name, { ...vector, dims: initializers.get(name)?.dims ?? vector.dims }];
      });
      const isWeight = ([name]: readonly [string, Tensor]): boolean => initializers.has(name);
      return {
        weights: new Map(moved.filter(isWeight)),
        states: new Map(moved.filter((entry) => !isWeight(entry))),
      };
    },
    get steps() {
      return done;
    },
    close: loop.close,
  };
}
