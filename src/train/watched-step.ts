/** The first update on a device, made on the processor too: a driver that computes nonsense is found before it trains. */
import { type Moved, openStepper, type Stepper, type StepperOptions } from '../autodiff/stepper.ts';
import type { TrainingStep } from '../autodiff/training-step.ts';
import { EnvironmentError } from '../core/errors.ts';
import type { Tensor } from '../onnx/model.ts';

/**
 * Most that a tensor may differ, relative to its norm and, for tensors of almost nothing, to the root mean square of all:
 * far above rounding through a deep network, 16-bit products included, far below what a wrong kernel does.
 */
const TOLERANCE = 0.05;
const FLOOR = 1e-3;

/**
 * Opens a step. On a device other than the processor its first update is made on both and compared.
 *
 * @throws {EnvironmentError} from the first update's step: the device computes something else
 */
export async function openWatched(step: TrainingStep, options: StepperOptions): Promise<Stepper> {
  const { device = 'cpu', profile: _, ...rest } = options;
  const stepper = await openStepper(step, options);
  if (device === 'cpu') return stepper;
  const begun = stepper.updates;
  let twin: Stepper | undefined = await openStepper(step, rest);
  return {
    step: async (data, rate) => {
      const loss = await stepper.step(data, rate);
      if (twin !== undefined) {
        await twin.step(data, rate);
        if (stepper.updates > begun) {
          checkSame(device, step.start, await stepper.read(), await twin.read());
          await twin.close();
          twin = undefined;
        }
      }
      return loss;
    },
    read: stepper.read,
    get updates() {
      return stepper.updates;
    },
    close: async () => {
      await twin?.close();
      await stepper.close();
    },
  };
}

/**
 * Compares what an update came to: the optimizer's states where it has any, for they follow the gradients, while Adam
 * moves a weight by little but its gradient's sign; else by how much the weights moved.
 *
 * @param start weights before it
 * @throws {EnvironmentError} naming the tensor that differs most
 */
export function checkSame(device: string, start: ReadonlyMap<string, Tensor>, there: Moved, here: Moved): void {
  const [found, expected] = [updatesOf(start, there), updatesOf(start, here)];
  const all = [...expected.values()];
  const total = (of: (values: readonly number[]) => number): number => all.reduce((sum, v) => sum + of(v), 0);
  const floor = FLOOR * Math.sqrt(total(squares) / total((v) => v.length));
  let [worst, where] = [0, ''];
  for (const [name, values] of expected) {
    const other = found.get(name)!;
    const difference = Math.sqrt(squares(values.map((v, i) => other[i]! - v)));
    const scale = Math.sqrt(squares(values)) + floor * Math.sqrt(values.length);
    const share = Number.isFinite(difference) ? difference / (scale || 1) : Number.POSITIVE_INFINITY;
    if (share > worst) [worst, where] = [share, name];
  }
  if (worst <= TOLERANCE) return;
  throw new EnvironmentError(
    'device/wrong',
    `device ${device}: expected the first update to come to what it does on the processor, got ${where} ${worst < Number.POSITIVE_INFINITY ? `off by ${(100 * worst).toFixed(0)} %` : 'with values that are no numbers'}`,
    'The driver, or onnxruntime on it, computes something else. --device cpu is right everywhere.',
  );
}

const squares = (values: readonly number[]): number => values.reduce((sum, v) => sum + v * v, 0);

function updatesOf(start: ReadonlyMap<string, Tensor>, { weights, states }: Moved): Map<string, number[]> {
  const numbers = (t: Tensor): number[] => Array.from(t.data, Number);
  const follow = [...states].filter(([name]) => !name.startsWith(AVERAGE));
  if (follow.length > 0) return new Map(follow.map(([name, t]) => [name, numbers(t)]));
  return new Map(
    [...weights].map(([name, t]) => {
      const before = numbers(start.get(name)!);
      return [name, numbers(t).map((v, i) => v - before[i]!)];
    }),
  );
}

/** What the names of moving averages of weights begin with. */
const AVERAGE = 'ema:';
