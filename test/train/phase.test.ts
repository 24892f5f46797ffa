import { describe, expect, it } from 'vitest';
import { NumericError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import type { FloatTensor } from '../../src/core/safetensors.ts';
import { HEAD_STATISTICS, type HeadSpec, headParameters, initHead, LINEAR } from '../../src/model/head.ts';
import { blockSize } from '../../src/onnx/blocked.ts';
import type { Tensor } from '../../src/onnx/model.ts';
import { ADAMW, averageDecay, SGD } from '../../src/optim/optimizers.ts';
import { cosine, oneCycle } from '../../src/optim/schedules.ts';
import { epochOrder, epochPlan } from '../../src/train/epoch.ts';
import type { EpochReport } from '../../src/train/events.ts';
import {
  type FinishedEpoch,
  freshProgress,
  type Phase,
  type PhaseContext,
  type PhaseProgress,
  type PhaseStart,
} from '../../src/train/phase.ts';
import { floatsOf, runPhase } from '../../src/train/run-phase.ts';
import { layerUnits } from '../../src/train/units.ts';
import { LABELS, LAYERS, tailWeights, tinyData, tinyTail, WIDTH } from './tiny-tail.ts';

const target = { block: await blockSize() };
const tail = tinyTail();
const units = layerUnits(tail.graph!);
const small = tinyData();

function phaseOf(over: Partial<Phase> = {}): Phase {
  return {
    name: 'fine-tune',
    tail,
    trunk: 'up to cut',
    units,
    schedule: 'plateau',
    epochs: 3,
    batch: 8,
    optimizer: SGD,
    rate: 0.02,
    clipNorm: 0,
    warmUp: 0,
    accumulate: 1,
    ema: 0,
    headRate: 1,
    centre: false,
    reduce: { factor: 0.5, patience: 2 },
    stopAfter: 100,
    ...over,
  };
}

/** Tensors as they are now, in memory of their own. */
const kept = (tensors: ReadonlyMap<string, Tensor>): Map<string, FloatTensor> =>
  new Map([...floatsOf(tensors)].map(([name, { dims, data }]) => [name, { dims, data: data.slice() }]));

interface Epoch {
  readonly report: EpochReport;
  readonly progress: PhaseProgress;
  readonly weights: Map<string, FloatTensor>;
  readonly states: Map<string, FloatTensor>;
  readonly answering: Map<string, FloatTensor>;
  readonly improved: boolean;
}

interface Options extends Partial<Pick<PhaseContext, 'seed' | 'best' | 'signal' | 'onStep'>> {
  readonly head?: HeadSpec;
  readonly stored?: typeof small;
  readonly start?: PhaseStart;
}

async function run(phase: Phase, options: Options = {}): Promise<{ epochs: Epoch[]; end: Omit<PhaseStart, 'states'> }> {
  const { head = LINEAR, stored = small, seed = 1, best = 'loss', signal, onStep = () => undefined } = options;
  const epochs: Epoch[] = [];
  const fresh: PhaseStart = {
    progress: freshProgress(phase, null),
    weights: new Map([...kept(tailWeights(tail)), ...kept(initHead(head, WIDTH, LABELS.length, rngOf(seed, 'head')))]),
    states: new Map(),
  };
  const end = await runPhase(
    phase,
    {
      ...stored,
      head,
      loss: { kind: 'cross-entropy', labelSmoothing: 0 },
      classWeights: LABELS.map(() => 1),
      priors: undefined,
      best,
      seed,
      threads: 1,
      target,
      signal,
      onStep,
      onEpoch: async ({ report, progress, weights, states, answering, improved }: FinishedEpoch) => {
        epochs.push({
          report,
          progress,
          weights: kept(weights),
          states: kept(states),
          answering: kept(answering),
          improved,
        });
      },
    },
    options.start ?? fresh,
  );
  return { epochs, end };
}

const markers = ({ report }: Epoch, kind: string): unknown[] => report.markers.filter((m) => m.kind === kind);
const start = (name: string): Float32Array => kept(tailWeights(tail)).get(name)!.data;

describe('a phase', () => {
  it('learns: loss falls, accuracy and AUC rise, with whole batches and the whole validation set', async () => {
    const steps: number[] = [];
    const { epochs, end } = await run(phaseOf({ schedule: 'one-cycle', epochs: 12, optimizer: ADAMW, rate: 0.02 }), {
      onStep: (done, total) => steps.push(done / total),
    });
    expect(epochs.length).toBe(12);
    expect(epochs.map((e) => e.report.epoch)).toEqual(epochs.map((_, i) => i + 1));
    expect(steps.slice(0, 3)).toEqual([1 / 3, 2 / 3, 1]);
    const [first, last] = [epochs[0]!.report, epochs.at(-1)!.report];
    expect(last.valLoss).toBeLessThan(0.5 * first.valLoss);
    expect(last.accuracy).toBeGreaterThan(0.8);
    expect(last.auc).toBeGreaterThan(0.9);
    for (const { report } of epochs) expect(report.confusionMatrix.flat().reduce((a, b) => a + b, 0)).toBe(12);
    expect(end.progress).toEqual(epochs.at(-1)!.progress);
    expect(floatsAsLists(end.weights)).toEqual(floatsAsLists(epochs.at(-1)!.weights));
    expect(end.progress.steps).toBe(36);
  });

  it('moves the rate over one cycle, with every layer thawed, and no plateau changes it', async () => {
    const phase = phaseOf({ schedule: 'one-cycle', epochs: 4, rate: 0.01, reduce: { factor: 0.5, patience: 1 } });
    const { epochs } = await run(phase);
    // The rate of an epoch's last step; 24 rows are 3 steps.
    expect(epochs.map((e) => e.report.lr)).toEqual([2, 5, 8, 11].map((step) => 0.01 * oneCycle(step, 12)));
    for (const e of epochs) {
      expect(e.progress.thawed).toBe(units.length);
      expect(e.report.frozen).toBe('up to cut');
      expect([...markers(e, 'rate'), ...markers(e, 'thaw')]).toEqual([]);
    }
    for (const name of LAYERS.flat()) expect(epochs[0]!.weights.get(name)!.data).not.toEqual(start(name));
  });

  it('with a head alone leaves the tail as it was, and moves the running moments of an mlp', async () => {
    const head: HeadSpec = { kind: 'mlp', units: 6, dropout: 0.25, slope: 0.3 };
    const phase = phaseOf({ name: 'head', units: [], trunk: 'backbone', epochs: 2 });
    const { epochs } = await run(phase, { head });
    const before = initHead(head, WIDTH, LABELS.length, rngOf(1, 'head'));
    for (const { weights, report } of epochs) {
      expect(report.frozen).toBe('backbone');
      for (const name of LAYERS.flat()) expect(weights.get(name)!.data).toEqual(start(name));
      for (const name of [...headParameters(head), ...HEAD_STATISTICS])
        expect(weights.get(name)!.data).not.toEqual(before.get(name)!.data);
    }
  });

  it('of no epochs does nothing', async () => {
    const { epochs, end } = await run(phaseOf({ epochs: 0 }));
    expect(epochs).toEqual([]);
    expect(end.weights.get('one/kernel')!.data).toEqual(start('one/kernel'));
  });
});

const floatsAsLists = (weights: ReadonlyMap<string, FloatTensor>): Map<string, number[]> =>
  new Map([...weights].map(([name, t]) => [name, Array.from(t.data)]));

describe('progressive unfreezing', () => {
  // A rate so low that no epoch is better by enough to count: every one but the first is a plateau.
  const slow = phaseOf({
    schedule: 'progressive',
    epochs: 6,
    rate: 1e-6,
    reduce: { factor: 0.5, patience: 1 },
  });

  it('thaws one more unit from the top at each plateau, and lowers the rate', async () => {
    const { epochs } = await run(slow);
    expect(epochs.map((e) => e.progress.thawed)).toEqual([1, 2, 3, 3, 3, 3]);
    expect(epochs.map((e) => markers(e, 'thaw'))).toEqual([
      [],
      [{ kind: 'thaw', layer: 'two' }],
      [{ kind: 'thaw', layer: 'one' }],
      [],
      [],
      [],
    ]);
    expect(epochs.map((e) => e.report.frozen)).toEqual([
      'below three',
      'below three',
      'below two',
      'up to cut',
      'up to cut',
      'up to cut',
    ]);
    // After the last epoch there is nothing to lower it for.
    expect(epochs.map((e) => e.progress.rate)).toEqual([1e-6, 5e-7, 2.5e-7, 1.25e-7, 6.25e-8, 6.25e-8]);
    expect(epochs.map((e) => e.report.lr)).toEqual([1e-6, 1e-6, 5e-7, 2.5e-7, 1.25e-7, 6.25e-8]);
    expect(markers(epochs[1]!, 'rate')).toEqual([{ kind: 'rate', from: 1e-6, to: 5e-7 }]);
  });

  it('moves a unit from the epoch after its thaw on, and not before', async () => {
    const { epochs } = await run({ ...slow, rate: 1e-5, reduce: { factor: 1, patience: 1 } });
    const thawed = [1, ...epochs.map((e) => e.progress.thawed)];
    // Otherwise this would show nothing.
    expect(thawed.at(-1)).toBe(3);
    for (const [i, { weights }] of epochs.entries())
      for (const [depth, names] of LAYERS.entries())
        for (const name of names) {
          const moved =
            Buffer.compare(Buffer.from(weights.get(name)!.data.buffer), Buffer.from(start(name).buffer)) !== 0;
          expect([i, name, moved]).toEqual([i, name, depth < thawed[i]!]);
        }
  });

  it('starts a newly thawed layer with AdamW as gently as any other', async () => {
    // From zero, AdamW's first step is at most its rate. With the corrections of step 2000, by when a state has long
    // forgotten its start at zero, it would be 0.1 / √0.001 times that, and the tenth still more.
    const rate = 1e-6;
    const phase: Phase = { ...slow, optimizer: ADAMW, rate, reduce: { factor: 1, patience: 3 }, batch: 24, epochs: 12 };
    const fresh = freshProgress(phase, null);
    const weights = new Map([
      ...kept(tailWeights(tail)),
      ...kept(initHead(LINEAR, WIDTH, LABELS.length, rngOf(1, 'head'))),
    ]);
    const { epochs } = await run(phase, { start: { progress: { ...fresh, steps: 2000 }, weights, states: new Map() } });
    const at = epochs.findIndex((e) => e.progress.thawed === 2);
    expect(at).toBeGreaterThan(0);
    for (let i = at + 1; i < Math.min(epochs.length, at + 5); i++)
      for (const name of LAYERS[1]!) {
        const before = epochs[i - 1]!.weights.get(name)!.data;
        const largest = Math.max(...epochs[i]!.weights.get(name)!.data.map((v, k) => Math.abs(v - before[k]!)));
        expect(largest).toBeGreaterThan(0);
        // The weights themselves are rounded to 3e-8.
        expect(largest).toBeLessThan(1.1 * rate + 6e-8);
      }
  });
});

describe('the rate of a phase', () => {
  // 24 rows are 3 steps of 8.
  const reduce = { factor: 0.5, patience: 2 };
  it.each([
    ['constant', [0, 1, 2, 3, 4].map(() => 0.01)],
    ['step', [0.01, 0.01, 0.005, 0.005, 0.0025]],
    ['cosine', [2, 5, 8, 11, 14].map((step) => 0.01 * cosine(step, 15, { warm: 0.2 }))],
  ] as const)('%s', async (schedule, expected) => {
    const { epochs } = await run(phaseOf({ schedule, epochs: 5, rate: 0.01, warmUp: 0.2, reduce }));
    expect(epochs.map((e) => e.report.lr)).toEqual(expected);
    for (const e of epochs) {
      expect(e.progress.thawed).toBe(units.length);
      expect([...markers(e, 'rate'), ...markers(e, 'thaw')]).toEqual([]);
    }
  });

  it('plateau: falls with all of the tail thawed', async () => {
    const { epochs } = await run(phaseOf({ schedule: 'plateau', epochs: 6, rate: 1e-9, reduce }));
    // At such a rate no loss after the first is better.
    expect(epochs.map((e) => e.report.lr)).toEqual([1e-9, 1e-9, 1e-9, 5e-10, 5e-10, 2.5e-10]);
    for (const e of epochs) expect(e.progress.thawed).toBe(units.length);
  });
});

describe('accumulation', () => {
  it('takes whole updates of an epoch', () => {
    expect(epochPlan({ batch: 8, accumulate: 1 }, 30)).toEqual({ batch: 8, accumulate: 1, updates: 3 });
    expect(epochPlan({ batch: 8, accumulate: 2 }, 30)).toEqual({ batch: 8, accumulate: 2, updates: 1 });
    expect(epochPlan({ batch: 8, accumulate: 9 }, 30)).toEqual({ batch: 8, accumulate: 3, updates: 1 });
    expect(epochPlan({ batch: 80, accumulate: 2 }, 30)).toEqual({ batch: 30, accumulate: 1, updates: 1 });
  });

  it('of three batches is a batch three times as large', async () => {
    const whole = await run(phaseOf({ batch: 24, epochs: 3 }));
    const parts = await run(phaseOf({ batch: 8, accumulate: 3, epochs: 3 }));
    expect(parts.epochs.map((e) => e.progress.steps)).toEqual([1, 2, 3]);
    for (const [name, { data }] of whole.epochs[2]!.weights)
      for (const [i, v] of data.entries()) expect(parts.epochs[2]!.weights.get(name)!.data[i]).toBeCloseTo(v, 5);
  });
});

describe('moving averages', () => {
  const phase = phaseOf({ schedule: 'constant', epochs: 5, rate: 0.3, batch: 24, ema: 0.8 });

  it('answer for the weights, which train as if there were none', async () => {
    const [averaged, plain] = [await run(phase), await run({ ...phase, ema: 0 })];
    const expected = new Map([...plain.epochs[0]!.weights].map(([name]) => [name, [] as number[]]));
    for (const [name] of expected) {
      const before = kept(tailWeights(tail)).get(name) ?? kept(initHead(LINEAR, WIDTH, 3, rngOf(1, 'head'))).get(name);
      expected.set(name, Array.from(before!.data));
    }
    for (const [e, { weights, answering, report }] of averaged.epochs.entries()) {
      expect(floatsAsLists(weights)).toEqual(floatsAsLists(plain.epochs[e]!.weights));
      const d = averageDecay(0.8, e + 1);
      for (const [name, values] of expected) {
        const now = weights.get(name)!.data;
        expected.set(
          name,
          values.map((a, i) => d * a + (1 - d) * now[i]!),
        );
        for (const [i, v] of expected.get(name)!.entries()) expect(answering.get(name)!.data[i]).toBeCloseTo(v, 5);
      }
      if (e > 0) expect(report.valLoss).not.toBe(plain.epochs[e]!.report.valLoss);
    }
    expect(floatsAsLists(plain.epochs[1]!.answering)).toEqual(floatsAsLists(plain.epochs[1]!.weights));
  });
});

describe('early stopping and the best epoch', () => {
  it('stops after so many epochs without a better score, and says so', async () => {
    // The rate falls to nothing at once: no score after the first can differ.
    const phase = phaseOf({ epochs: 30, rate: 1e-9, stopAfter: 3 });
    const { epochs, end } = await run(phase);
    const improved = epochs.map((e) => e.improved).lastIndexOf(true);
    expect(epochs.length).toBe(improved + 1 + 3);
    expect(epochs.length).toBeLessThan(30);
    expect(markers(epochs.at(-1)!, 'stop')).toEqual([{ kind: 'stop', reason: 'no better score for 3 epochs' }]);
    expect(end.progress.waited).toBe(3);
    // Resumed, it stays stopped.
    const again = await run(phase, { start: { ...end, states: new Map() } });
    expect(again.epochs).toEqual([]);
  });

  it.each(['loss', 'auc'] as const)('keeps the epoch of the best %s', async (best) => {
    // A rate at which scores go up and down.
    const { epochs, end } = await run(phaseOf({ epochs: 10, rate: 0.3, batch: 4 }), { best });
    const scores = epochs.map(({ report }) => (best === 'loss' ? -report.valLoss : Number(report.auc)));
    const top = scores.indexOf(Math.max(...scores));
    expect(end.progress.best).toEqual({ phase: 'fine-tune', epoch: top + 1, score: scores[top] });
    let highest = Number.NEGATIVE_INFINITY;
    for (const [i, e] of epochs.entries()) {
      expect(e.improved).toBe(scores[i]! > highest);
      expect(markers(e, 'best').length).toBe(Number(e.improved));
      highest = Math.max(highest, scores[i]!);
    }
    // Otherwise this would show nothing.
    expect(epochs.some((e) => !e.improved)).toBe(true);
  });

  it('keeps the last epoch where it is asked to, and does not stop early', async () => {
    const { epochs, end } = await run(phaseOf({ epochs: 6, rate: 1e-9, stopAfter: 1 }), { best: 'last' });
    expect(epochs.map((e) => e.improved)).toEqual(epochs.map(() => true));
    expect(epochs.flatMap((e) => markers(e, 'best'))).toEqual([]);
    expect(end.progress.best).toMatchObject({ phase: 'fine-tune', epoch: 6 });
  });

  it('has to beat the best of an earlier phase', async () => {
    const phase = phaseOf({ epochs: 2, rate: 1e-6 });
    const best = { phase: 'head', epoch: 7, score: 0 } as const;
    const { end, epochs } = await run(phase, {
      start: {
        progress: freshProgress(phase, best),
        weights: new Map([
          ...kept(tailWeights(tail)),
          ...kept(initHead(LINEAR, WIDTH, LABELS.length, rngOf(1, 'head'))),
        ]),
        states: new Map(),
      },
    });
    expect(end.progress.best).toEqual(best);
    expect(epochs.map((e) => e.improved)).toEqual([false, false]);
  });
});

describe('the same again', () => {
  const progressive = phaseOf({
    schedule: 'progressive',
    epochs: 6,
    rate: 1e-4,
    optimizer: ADAMW,
    reduce: { factor: 0.7, patience: 1 },
  });
  const head: HeadSpec = { kind: 'mlp', units: 6, dropout: 0.25, slope: 0.3 };

  it('for the same seed, and not for another', async () => {
    const [a, b, c] = [
      await run(progressive, { head }),
      await run(progressive, { head }),
      await run(progressive, { head, seed: 2 }),
    ];
    const seconds = (e: Epoch[]): unknown => e.map(({ report }) => ({ ...report, seconds: 0 }));
    expect(seconds(a.epochs)).toEqual(seconds(b.epochs));
    expect(floatsAsLists(a.end.weights)).toEqual(floatsAsLists(b.end.weights));
    expect(floatsAsLists(a.end.weights)).not.toEqual(floatsAsLists(c.end.weights));
  });

  it.each([
    ['progressive', progressive],
    ['one-cycle', phaseOf({ schedule: 'one-cycle', epochs: 4, optimizer: ADAMW, rate: 1e-3 })],
    ['accumulated and averaged', { ...progressive, batch: 4, accumulate: 3, ema: 0.9 }],
  ])('when it was stopped after any epoch: %s', async (_, phase) => {
    const whole = await run(phase, { head });
    for (const { progress, weights, states } of whole.epochs.slice(0, -1)) {
      const rest = await run(phase, { head, start: { progress, weights, states } });
      expect(rest.epochs.length).toBe(whole.epochs.length - progress.epoch);
      expect(rest.end.progress).toEqual(whole.end.progress);
      expect(floatsAsLists(rest.end.weights)).toEqual(floatsAsLists(whole.end.weights));
      expect(floatsAsLists(rest.epochs.at(-1)!.answering)).toEqual(floatsAsLists(whole.epochs.at(-1)!.answering));
    }
  });

  it('looks at each view of a row once before it looks at one again, in an order of its own', () => {
    const { data, stored } = tinyData({ views: 4 });
    const rows = data.rows.flatMap((r, i) => (r.split === 'train' ? [i] : []));
    const epochs = Array.from({ length: 8 }, (_, epoch) => epochOrder('head', rows, stored, 3, epoch));
    for (const order of epochs) expect(order.map((o) => o.row).toSorted((a, b) => a - b)).toEqual(rows);
    for (const row of rows)
      for (const round of [epochs.slice(0, 4), epochs.slice(4)])
        expect(round.map((o) => o.find((v) => v.row === row)!.view).toSorted()).toEqual([0, 1, 2, 3]);
    expect(new Set(epochs.map((o) => o.map((v) => v.row).join())).size).toBe(8);
    expect(new Set(rows.map((row) => epochs[0]!.find((v) => v.row === row)!.view)).size).toBeGreaterThan(1);
  });
});

describe('trouble', () => {
  it('a rate at which weights leave all bounds ends in an error, not in numbers that are none', async () => {
    for (const batch of [8, 24]) {
      const wild = run(phaseOf({ rate: 1e30, batch, epochs: 3 }));
      await expect(wild).rejects.toThrow(NumericError);
      await expect(wild).rejects.toThrow(/step|epoch/);
    }
  });

  it('stops after the step in progress when it is asked to', async () => {
    const controller = new AbortController();
    let steps = 0;
    const stopped = run(phaseOf(), {
      signal: controller.signal,
      onStep: () => {
        steps += 1;
        if (steps === 4) controller.abort();
      },
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    expect(steps).toBe(4);
  });

  it('fewer rows than a batch are one batch', async () => {
    const { epochs } = await run(phaseOf({ batch: 100, epochs: 2 }));
    expect(epochs.map((e) => e.progress.steps)).toEqual([1, 2]);
  });
});
