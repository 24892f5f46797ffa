import { NumericError } from '../core/errors.ts';
import { type Carried, openLoop } from '../onnx/loop.ts';
import { sizeOf, type Tensor } from '../onnx/model.ts';
import type { RuntimeOptions } from '../onnx/runtime.ts';
import { stepScalars, type TrainingStep } from './training-step.ts';

/** What steps move. */
export interface Moved {
  /** Current weights and statistics, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** States of the optimizer and moving averages, by `kind:name`. */
  readonly states: ReadonlyMap<string, Tensor>;
}

/** A training step ready to run, with the weights it moves. */
export interface Stepper {
  /**
   * One step: an update, or with accumulation one micro-step, every `accumulate`-th of which is an update.
   *
   * @param data the inputs of the model
   * @param rate learning rate
   * @returns the loss before the update
   * @throws {NumericError} the loss is not finite; weights and states are left as they were
   */
  step(data: Readonly<Record<string, Tensor>>, rate: number): Promise<number>;
  /** What the updates so far came to. The tensors hold until the step after the next. */
  read(): Promise<Moved>;
  /** Updates done, over all resumptions. */
  readonly updates: number;
  close(): Promise<void>;
}

export interface StepperOptions extends RuntimeOptions {
  /** States to go on from; zero where missing, and of an average its weight. */
  readonly states?: ReadonlyMap<string, Tensor>;
  /** Updates that they come from. Default 0 */
  readonly updates?: number;
}

/**
 * Opens a step that `trainingStep` made.
 *
 * @throws {ModelError} onnxruntime cannot load it
 */
export async function openStepper(
  step: TrainingStep,
  { states = new Map(), updates = 0, ...options }: StepperOptions = {},
): Promise<Stepper> {
  const { vectors, accumulate, loss, model, accumulateModel } = step;
  const carried = vectors.map(({ name, kind, weight, input, output, dims }): Carried => {
    const own = kind === 'average' || kind === 'weight' || kind === 'statistic' ? step.start.get(weight) : undefined;
    const start = states.get(name) ?? own;
    const data = start?.dtype === 'float32' ? start.data : new Float32Array(sizeOf(dims));
    return { input, output, dims: [data.length], start: data };
  });
  const models = accumulateModel === undefined ? [model] : [model, accumulateModel];
  const loop = await openLoop(models, carried, options);
  let done = updates;
  /** Micro-steps of the next update that are over. */
  let micro = 0;
  return {
    step: async (data, rate) => {
      const last = micro + 1 === accumulate;
      const scalars = last ? stepScalars(step, done + 1, rate) : {};
      const results = await loop.run({ ...data, ...scalars }, last ? 0 : 1);
      const value = Number(results[loss]!.data[0]);
      if (!Number.isFinite(value)) {
        throw new NumericError(
          'train/loss',
          `step ${done + 1}: expected a finite loss, got ${value}`,
          'Lower the learning rate.',
        );
      }
      loop.advance();
      micro = last ? 0 : micro + 1;
      if (last) done += 1;
      return value;
    },
    read: async () => {
      const values = await loop.read();
      const named = (kinds: readonly string[]): Map<string, Tensor> =>
        new Map(
          vectors
            .filter(({ kind }) => kinds.includes(kind))
            .map(({ name, input, dims }) => [name, { ...values.get(input)!, dims }]),
        );
      return { weights: named(['weight', 'statistic']), states: named(['optimizer', 'average']) };
    },
    get updates() {
      return done;
    },
    close: loop.close,
  };
}
