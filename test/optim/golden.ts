import { readFileSync } from 'node:fs';

interface LossGolden {
  readonly loss: number;
  readonly gradient: readonly number[];
}

export interface NetworkStep {
  /** One for each micro-step. */
  readonly losses: readonly number[];
  readonly w1: readonly number[];
  readonly b1: readonly number[];
  readonly w2: readonly number[];
}

/** What scripts/golden/optim.py wrote. */
interface Golden {
  readonly losses: Readonly<Record<'cross-entropy' | 'focal', Readonly<Record<string, LossGolden>>>>;
  readonly optimizers: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly oneCycle: Readonly<Record<string, readonly number[]>>;
  readonly cosine: Readonly<Record<'12' | 'end', readonly number[]>>;
  readonly step: readonly number[];
  /** Steps of y = w2 tanh(w1 x + b1) on the mean of squares. */
  readonly networks: Readonly<Record<string, readonly NetworkStep[]>>;
  readonly plateaus: readonly {
    readonly patience: number;
    readonly values: readonly number[];
    readonly plateau: readonly boolean[];
  }[];
}

export const golden: Golden = JSON.parse(readFileSync(new URL('../golden/optim.json', import.meta.url), 'utf8'));
