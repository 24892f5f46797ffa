import { InterruptedError, NumericError, UsageError } from '../core/errors.ts';
import type { FloatTensor } from '../core/safetensors.ts';
import { chooseDevice } from '../onnx/device.ts';
import { float32 } from '../onnx/model.ts';
import {
  diverged,
  type RatePoint,
  risingRate,
  type SuggestedRates,
  suggestedRates,
  withPoint,
} from '../optim/rate-range.ts';
import type { Config } from './config.ts';
import { describeData } from './describe.ts';
import { centringOf, openPhaseStepper } from './engine.ts';
import { batchOf, epochOrder, epochPlan } from './epoch.ts';
import type { OnTrainEvent } from './events.ts';
import { freshProgress, type Phase } from './phase.ts';
import { prepareData, rowsOf } from './prepare.ts';
import { type Company, type Prepared, prepareFeatures } from './prepare-features.ts';
import { floatsOf, runPhase } from './run-phase.ts';
import { contextOf, headWeights, type PlannedPhase, planPhases, withTail } from './stages.ts';

export interface RateSearchOptions {
  /** Whose rate is looked for. Default `fine-tune`, where the configuration has such a phase */
  readonly phase?: Phase['name'];
  /** Updates, 2 or more. Default 100 */
  readonly steps?: number;
  /** First and last rate. Default 10⁻⁶ and 1 */
  readonly from?: number;
  readonly to?: number;
  readonly onEvent?: OnTrainEvent;
  readonly signal?: AbortSignal;
  /** Folder that remembers features. Default: `features` in the user's cache. */
  readonly cache?: string;
}

export interface RateSearch extends SuggestedRates {
  readonly phase: Phase['name'];
  /** The rate of the configuration. */
  readonly configured: number;
  readonly points: readonly RatePoint[];
  /** Whether the search ended early because the loss had gone up too far. */
  readonly diverged: boolean;
}

/**
 * Looks for a learning rate: trains with one that rises exponentially, from the state in which the phase would begin, and
 * watches the loss. For fine-tuning the head is trained first, as a run would; nothing is written but features to the
 * cache.
 *
 * @throws {UsageError} a setting out of range, or a phase that the configuration does not have
 * @throws {NevusError} as `train` for its data, backbone and features
 * @see Smith 2017, arXiv:1506.01186, section 3.3
 */
export async function findRate(config: Config, options: RateSearchOptions = {}): Promise<RateSearch> {
  const { steps = 100, from = 1e-6, to = 1, onEvent = () => undefined, signal } = options;
  if (!(Number.isInteger(steps) && steps >= 2)) throw refusal('steps', 'a whole number above 1', steps);
  if (!(from > 0 && from < to && Number.isFinite(to)))
    throw refusal('rates', 'a rise from above 0', `${from} to ${to}`);
  const company: Company = { onEvent, signal, timed: (_, work) => work() };
  const device = await chooseDevice(config.device, (text) => onEvent({ kind: 'warning', text }));
  try {
    const data = await prepareData(config, (progress) => onEvent({ kind: 'progress', progress }), signal);
    describeData(data, onEvent);
    const prepared = await prepareFeatures(config, data, device, options.cache, company);
    try {
      return await search(prepared, company, options.phase, { steps, from, to });
    } finally {
      prepared.features.close();
    }
  } catch (error) {
    if (signal?.aborted === true)
      throw new InterruptedError('train/interrupted', 'lr-find: stopped', undefined, { cause: error });
    throw error;
  }
}

function refusal(what: string, expected: string, got: number | string): UsageError {
  return new UsageError('lr-find/range', `${what}: expected ${expected}, got ${got}`);
}

async function search(
  prepared: Prepared,
  company: Company,
  name: Phase['name'] | undefined,
  { steps, from, to }: { readonly steps: number; readonly from: number; readonly to: number },
): Promise<RateSearch> {
  const planned = planPhases(prepared);
  const chosen = name === undefined ? planned.at(-1) : planned.find(({ phase }) => phase.name === name);
  if (chosen === undefined)
    throw new UsageError(
      'lr-find/phase',
      `phase: expected one of ${planned.map(({ phase }) => phase.name).join(', ')}, got ${name}`,
      'Fine-tuning needs a cut before the features and a schedule.',
    );
  const [head] = planned;
  const before = headWeights(prepared);
  const weights = head === undefined || chosen === head ? before : await trainedHead(prepared, company, head, before);
  // The search has an end of its own, and looks at the weights themselves.
  const phase: Phase = { ...chosen.phase, ema: 0 };
  const context = contextOf(prepared, company, { ...chosen, phase }, async () => undefined);
  const tensors = new Map([...withTail(weights, phase)].map(([key, t]) => [key, float32(t.data, t.dims)]));
  const training = rowsOf(prepared.data, 'train');
  const { batch, accumulate, updates } = epochPlan(phase, training.length);
  const stepper = await openPhaseStepper(
    phase,
    context,
    await centringOf(phase, context, tensors),
    { thawed: phase.units.length, steps: 0 },
    tensors,
    new Map(),
  );
  let points: RatePoint[] = [];
  let order = epochOrder(phase.name, training, context.stored, context.seed, 0);
  try {
    for (let step = 0; step < steps && !diverged(points); step++) {
      const [epoch, at] = [Math.floor(step / updates), step % updates];
      if (at === 0) order = epochOrder(phase.name, training, context.stored, context.seed, epoch);
      const rate = risingRate(step, steps, from, to);
      let total = 0;
      for (let micro = at * accumulate; micro < (at + 1) * accumulate; micro++) {
        const rows = order.slice(micro * batch, (micro + 1) * batch);
        total += await stepper.step(batchOf(phase, context, rows, epoch, micro), rate);
        context.signal?.throwIfAborted();
      }
      points = withPoint(points, rate, total / accumulate);
      const progress = { stage: 'rates', done: step + 1, total: steps, unit: 'steps', transient: true };
      company.onEvent({ kind: 'progress', progress });
    }
  } catch (error) {
    // A loss that is no number ends the search; before the first point there is nothing to tell.
    if (!(error instanceof NumericError) || points.length === 0) throw error;
    return { phase: phase.name, configured: phase.rate, points, diverged: true, ...suggestedRates(points) };
  } finally {
    await stepper.close();
  }
  return { phase: phase.name, configured: phase.rate, points, diverged: diverged(points), ...suggestedRates(points) };
}

/** The head's weights at the best epoch of its phase. */
async function trainedHead(
  prepared: Prepared,
  company: Company,
  head: PlannedPhase,
  weights: ReadonlyMap<string, FloatTensor>,
): Promise<ReadonlyMap<string, FloatTensor>> {
  let best = weights;
  company.onEvent({ kind: 'heading', text: 'The head on a frozen backbone, as a run begins' });
  const context = contextOf(prepared, company, head, async ({ report, answering, improved }) => {
    company.onEvent({ kind: 'epoch', report });
    if (improved)
      best = new Map([...floatsOf(answering)].map(([name, t]) => [name, { dims: t.dims, data: t.data.slice() }]));
  });
  await runPhase(head.phase, context, { progress: freshProgress(head.phase, null), weights, states: new Map() });
  return best;
}
