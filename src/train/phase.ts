import type { Target } from '../autodiff/lower/lower.ts';
import type { FloatTensor } from '../core/safetensors.ts';
import type { HeadSpec } from '../model/head.ts';
import type { Tensor } from '../onnx/model.ts';
import type { LossSpec } from '../optim/losses.ts';
import type { OptimizerSpec } from '../optim/optimizers.ts';
import type { RunProgress } from './checkpoint.ts';
import type { Config } from './config.ts';
import type { EpochReport } from './events.ts';
import type { Tail } from './network.ts';
import type { PreparedData } from './prepare.ts';
import type { StoredRows } from './rows.ts';
import type { Unit } from './units.ts';

/** One phase of training: what moves, on which features, at which rate. */
export interface Phase {
  readonly name: 'head' | 'fine-tune';
  readonly tail: Tail;
  /** What lies before the tail, in a few words: `up to mixed8`. */
  readonly trunk: string;
  /** Units of the tail from the top: one more thaws at each plateau for progressive, else all from the start. */
  readonly units: readonly Unit[];
  readonly schedule: Exclude<Config['fineTune']['schedule'], 'none'>;
  /** Share of the steps over which the rate of `cosine` rises. */
  readonly warmUp: number;
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: OptimizerSpec;
  readonly rate: number;
  readonly clipNorm: number;
  /** Batches whose gradients are averaged into one update. */
  readonly accumulate: number;
  /** Decay of the moving average of weights that answers for them; 0 for none. */
  readonly ema: number;
  /** Rate of the head relative to the tail. */
  readonly headRate: number;
  /** Whether the kernels of the tail train as if their inputs had mean zero. */
  readonly centre: boolean;
  readonly reduce: { readonly factor: number; readonly patience: number };
  readonly stopAfter: number;
}

/** What a phase works on. */
export interface PhaseContext {
  readonly data: PreparedData;
  readonly stored: StoredRows;
  readonly head: HeadSpec;
  readonly loss: LossSpec;
  readonly classWeights: readonly number[];
  /** [C], what probabilities are relative to when a class is named; see `decideRows`. */
  readonly priors: readonly number[] | undefined;
  readonly best: Config['best'];
  readonly seed: number;
  readonly threads: number | undefined;
  readonly target: Target;
  readonly signal: AbortSignal | undefined;
  /** Told of every finished step. */
  readonly onStep: (done: number, total: number, epoch: number) => void;
  /** Told of every finished epoch, with what to remember; called before the next one starts. */
  readonly onEpoch: (epoch: FinishedEpoch) => Promise<void>;
}

export interface FinishedEpoch {
  readonly report: EpochReport;
  readonly progress: PhaseProgress;
  /** Where the next epoch starts. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly states: ReadonlyMap<string, Tensor>;
  /** What was validated and may be shipped: the weights, or their moving averages. */
  readonly answering: ReadonlyMap<string, Tensor>;
  /** Whether this is the best epoch of the run so far. */
  readonly improved: boolean;
  /** [validation rows × C] */
  readonly validation: Float32Array;
}

/** The part of a run's progress that a phase moves. */
export type PhaseProgress = Pick<
  RunProgress,
  'phase' | 'epoch' | 'steps' | 'rate' | 'reduce' | 'waited' | 'thawed' | 'best'
>;

/** Where a phase starts: fresh, or from a checkpoint. */
export interface PhaseStart {
  readonly progress: PhaseProgress;
  readonly weights: ReadonlyMap<string, FloatTensor>;
  readonly states: ReadonlyMap<string, FloatTensor>;
}

/** The progress of a phase that has not begun. */
export function freshProgress(phase: Phase, best: RunProgress['best']): PhaseProgress {
  const thawed = phase.schedule === 'progressive' ? Math.min(1, phase.units.length) : phase.units.length;
  return {
    phase: phase.name,
    epoch: 0,
    steps: 0,
    rate: phase.rate,
    reduce: { best: null, waited: 0 },
    waited: 0,
    thawed,
    best,
  };
}
