import { readFileSync } from 'node:fs';

interface LossGolden {
  readonly loss: number;
  readonly gradient: readonly number[];
}

/** What scripts/golden/optim.py wrote. */
interface Golden {
  readonly losses: Readonly<Record<'cross-entropy' | 'focal', Readonly<Record<string, LossGolden>>>>;
  readonly optimizers: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly oneCycle: Readonly<Record<string, readonly number[]>>;
  readonly plateaus: readonly {
    readonly patience: number;
    readonly values: readonly number[];
    readonly plateau: readonly boolean[];
  }[];
}

export const golden: Golden = JSON.parse(readFileSync(new URL('../golden/optim.json', import.meta.url), 'utf8'));
