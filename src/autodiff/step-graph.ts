import { type GraphBuilder, graphBuilder } from '../onnx/builder.ts';
import { type Graph, sizeOf, type ValueInfo } from '../onnx/model.ts';
import { copyMoments } from '../onnx/passes/running-moments.ts';
import { addAverage, addClip, addUpdate, hasCorrections, type OptimizerSpec, stateNames } from '../optim/optimizers.ts';
import { appendGradients } from './append-gradients.ts';
import type { InputShapes } from './free-dims/over-sizes.ts';
import { lower, type Target } from './lower/lower.ts';

/** Scalar inputs of a step. */
export const RATE = 'learning_rate';
export const CORRECTIONS = ['correction_1', 'correction_2'] as const;
export const AVERAGE_DECAY = 'average_decay';

/**
 * Weights and states enter and leave as vectors. onnxruntime runs `[O, C, 1, 1] · scalar` 20 times slower than
 * `[O·C] · scalar`, and an update is made of little else.
 */
const flat = (name: string): string => `flat:${name}`;
const next = (name: string): string => `next:${name}`;

/** How one weight moves. */
export interface WeightSettings {
  /** Factor on the learning rate. */
  readonly rate: number;
  /** Weight decay λ ≥ 0. */
  readonly decay: number;
}

/** What goes from step to step: one input and one output of the step, both float32 vectors. */
export interface StepVector {
  /** Of a weight or a statistic its own name; else `<kind>:<weight>`: m, v, momentum, sum, ema. */
  readonly name: string;
  /**
   * `weight` moves by gradients, `statistic` is carried along. States: `optimizer` and `sum` (of gradients, while they
   * are accumulated) start at zero, `average` starts as its weight.
   */
  readonly kind: 'weight' | 'statistic' | 'optimizer' | 'sum' | 'average';
  /** The weight it belongs to. */
  readonly weight: string;
  readonly input: string;
  readonly output: string;
  /** Shape of the weight; the vector has as many elements. */
  readonly dims: readonly number[];
}

export interface StepSettings {
  /** Forward nodes as far as the loss; every weight is an initializer; outputs are what the step gives besides weights. */
  readonly graph: Graph;
  readonly loss: string;
  /** Weights that move. Everything else is a constant, and fast. */
  readonly trainable: ReadonlyMap<string, WeightSettings>;
  /** Initializers that the forward pass itself renews, such as running statistics, and the tensors with their new values. */
  readonly statistics: ReadonlyMap<string, string>;
  readonly optimizer: OptimizerSpec;
  /** Upper bound of the gradient's Euclidean norm over all weights; 0 for none. */
  readonly clipNorm: number;
  /** Micro-steps whose gradients are averaged into one update, 1 or more. */
  readonly accumulate: number;
  /** Whether an exponential moving average of each weight is kept. */
  readonly average: boolean;
  /** Changes gradients, by weight, before they are clipped. */
  readonly adjustGradients?: (builder: GraphBuilder, gradients: Map<string, string>) => void;
  /** Changes new weights; `before` names the vector that a weight was. */
  readonly adjustWeights?: (
    builder: GraphBuilder,
    before: (weight: string) => string,
    after: Map<string, string>,
  ) => void;
}

/** A step as a graph. */
export interface StepGraph {
  readonly graph: Graph;
  /** In the order of the graph's outputs. */
  readonly vectors: readonly StepVector[];
  /** Inputs of one float32 number. */
  readonly scalars: readonly string[];
}

/**
 * Forward, loss, backward and update as one graph.
 *
 * inputs: those of the network, every weight and state that moves, the scalars.
 * outputs: those of the network, and `next:<name>` of every weight and state.
 *
 * With `accumulate` above 1 there are two such graphs: `accumulate` only adds to the sums of gradients, and `update`, for
 * the last micro-step, takes their mean and starts new sums.
 */
export function stepGraph(
  settings: StepSettings,
  part: 'update' | 'accumulate',
  target: Target,
  inputShapes: InputShapes = {},
): StepGraph {
  const { graph, loss, trainable, statistics, optimizer, accumulate } = settings;
  const weights = new Map(
    [...trainable.keys(), ...statistics.keys()].map((name) => [name, graph.initializers.get(name)!.dims]),
  );
  const vectorInfo = (name: string, of: string): ValueInfo => ({
    name,
    dtype: 'float32',
    dims: [sizeOf(weights.get(of)!)],
  });
  const inputs: ValueInfo[] = [...graph.inputs, ...[...weights.keys()].map((name) => vectorInfo(flat(name), name))];
  const outputs: ValueInfo[] = [...graph.outputs];
  const shaping = graphBuilder({ nodes: [], initializers: graph.initializers, inputs });
  for (const node of graph.nodes) for (const name of [node.name, ...node.outputs]) shaping.reserve(name);
  for (const [name, dims] of weights)
    shaping.add('Reshape', [flat(name), shaping.ints(dims)], {}, { output: name, name: `shape:${name}` });
  for (const node of graph.nodes) shaping.push(node);
  const constants = new Map([...shaping.initializers].filter(([name]) => !weights.has(name)));
  const { builder, gradients, infos } = appendGradients(
    copyMoments({ nodes: shaping.nodes, inputs, outputs: [], initializers: constants }),
    { loss, wrt: [...trainable.keys()], inputShapes },
  );

  const vectors: StepVector[] = [];
  const give = (name: string, kind: StepVector['kind'], weight: string, value: string): void => {
    builder.add('Identity', [value], {}, { output: next(name) });
    outputs.push(vectorInfo(next(name), weight));
    vectors.push({ name, kind, weight, input: flat(name), output: next(name), dims: weights.get(weight)! });
  };
  /** The input that holds a state. */
  const take = (name: string, weight: string): string => {
    inputs.push(vectorInfo(flat(name), weight));
    return flat(name);
  };
  const finish = (scalars: readonly string[]): StepGraph => {
    for (const [name, value] of statistics)
      give(name, 'statistic', name, builder.add('Reshape', [value, builder.ints([-1])], {}, { name: 'vector' }));
    inputs.push(...scalars.map((name): ValueInfo => ({ name, dtype: 'float32', dims: [] })));
    const lowered = lower(builder.graph(inputs, outputs), target, (name) => infos.get(name)?.dims ?? []);
    return { graph: lowered, vectors, scalars };
  };

  const slopes = new Map<string, string>(
    [...gradients].map(([name, g]) => [name, builder.add('Reshape', [g, builder.ints([-1])], {}, { name: 'vector' })]),
  );
  if (accumulate > 1) {
    for (const [name, g] of slopes) {
      const sum = builder.add('Add', [take(`sum:${name}`, name), g], {}, { name: 'sum' });
      slopes.set(name, builder.add('Mul', [sum, builder.scalar(1 / accumulate)], {}, { name: 'mean' }));
      const zeros = (): string => builder.add('ConstantOfShape', [builder.ints([sizeOf(weights.get(name)!)])]);
      give(`sum:${name}`, 'sum', name, part === 'accumulate' ? sum : zeros());
    }
    if (part === 'accumulate') return finish([]);
  }
  settings.adjustGradients?.(builder, slopes);
  const clip = settings.clipNorm > 0 ? addClip(builder, [...slopes.values()], settings.clipNorm) : undefined;
  const after = new Map<string, string>();
  for (const [name, g] of slopes) {
    const { rate, decay } = trainable.get(name)!;
    const states = stateNames(optimizer).map((kind) => `${kind}:${name}`);
    const updated = addUpdate(
      builder,
      optimizer,
      {
        w: flat(name),
        g: clip === undefined ? g : builder.add('Mul', [g, clip], {}, { name: 'clipped' }),
        states: states.map((state) => take(state, name)),
        decay,
      },
      {
        lr: rate === 1 ? RATE : builder.add('Mul', [RATE, builder.scalar(rate)], {}, { name: 'rate' }),
        correction1: CORRECTIONS[0],
        correction2: CORRECTIONS[1],
      },
    );
    after.set(name, updated.weight);
    updated.states.forEach((value, i) => {
      give(states[i]!, 'optimizer', name, value);
    });
  }
  settings.adjustWeights?.(builder, flat, after);
  for (const [name, weight] of after) {
    give(name, 'weight', name, weight);
    if (!settings.average) continue;
    const average = take(`ema:${name}`, name);
    give(`ema:${name}`, 'average', name, addAverage(builder, { average, weight, decay: AVERAGE_DECAY }));
  }
  return finish([
    RATE,
    ...(hasCorrections(optimizer) ? CORRECTIONS : []),
    ...(settings.average ? [AVERAGE_DECAY] : []),
  ]);
}
