/** Whether a device works, found out in a process of its own: a driver that aborts takes only that one down. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import { graphBuilder } from './builder.ts';
import { int, ints, type Model, type ValueInfo } from './model.ts';
import { encodeModel } from './protobuf.ts';

/** What a probe found. */
export interface Probe {
  /** Why the device cannot be used; undefined where it can. */
  readonly reason: string | undefined;
  /** Names of the providers that this build of onnxruntime knows, their libraries present or not. */
  readonly backends: readonly string[];
  /** Version of onnxruntime. */
  readonly version: string;
  /** Whether it computes with 16-bit floating-point numbers. */
  readonly half: boolean;
  /** Time of a convolution of 0.2 Gflop over the CPU's for the same; undefined if not asked for. */
  readonly slowness: number | undefined;
}

/** A device that has not answered by then is stuck. A software renderer takes a few seconds. */
const PATIENCE_MS = 60_000;

/** Runs in the child. Arguments: path of onnxruntime, device, `timed` or not, the two models in base64. */
const SCRIPT = `
const [path, device, timed, convolution, cast] = process.argv.slice(1);
const ort = require(path);
const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
const open = (model, name) =>
  ort.InferenceSession.create(Buffer.from(model, 'base64'), { executionProviders: [name], logSeverityLevel: 4 });
const filled = (...dims) => {
  const size = dims.reduce((a, b) => a * b);
  return new ort.Tensor('float32', Float32Array.from({ length: size }, (_, i) => ((i * 7) % 11) / 11 - 0.4), dims);
};
const time = async (session, feeds) => {
  const began = performance.now();
  const { y } = await session.run(feeds);
  return { ms: performance.now() - began, data: y.data };
};
const main = async () => {
  const backends = ort.listSupportedBackends().map((b) => b.name);
  say({ backends, version: ort.env.versions.node ?? ort.env.versions.common });
  if (!backends.includes(device)) throw new Error('this build of onnxruntime does not have it');
  const feeds = timed === 'timed' ? { x: filled(4, 64, 28, 28) } : { x: filled(1, 64, 6, 6) };
  feeds.w = filled(64, 64, 3, 3);
  const [there, here] = [await open(convolution, device), await open(convolution, 'cpu')];
  const [first, expected] = [await time(there, feeds), await time(here, feeds)];
  const wrong = expected.data.findIndex((v, i) => !(Math.abs(first.data[i] - v) < 0.01 * (1 + Math.abs(v))));
  if (wrong >= 0) throw new Error('it gives ' + first.data[wrong] + ' where the CPU gives ' + expected.data[wrong]);
  const slowness = timed === 'timed' ? (await time(there, feeds)).ms / (await time(here, feeds)).ms : undefined;
  let half = true;
  try {
    const x = new ort.Tensor('float16', new Uint16Array([0x3c00, 0xc000]), [2]);
    const { y } = await (await open(cast, device)).run({ x });
    half = y.data[0] === 1 && y.data[1] === -2;
  } catch {
    half = false;
  }
  say({ half, ...(slowness === undefined ? {} : { slowness }) });
};
main().catch((error) => say({ error: String(error.message ?? error) }));
`;

const line = z.union([
  z.object({ backends: z.array(z.string()), version: z.string() }),
  z.object({ half: z.boolean(), slowness: z.number().optional() }),
  z.object({ error: z.string() }),
]);

/**
 * Runs a small convolution on a device and compares it with the CPU's.
 *
 * @param device name of an execution provider
 * @param timed whether to compare the time too
 */
export function probe(device: string, timed: boolean): Promise<Probe> {
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node');
  const models = [convolutionModel(), castModel()].map((m) => Buffer.from(encodeModel(m)).toString('base64'));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--eval', SCRIPT, '--', runtime, device, timed ? 'timed' : 'untimed', ...models],
      { timeout: PATIENCE_MS, killSignal: 'SIGKILL', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } },
      (error, stdout, stderr) => resolve(read(stdout, error === null ? undefined : endOf(error, stderr))),
    );
  });
}

/** @param failure how the child ended, if not well */
function read(stdout: string, failure: string | undefined): Probe {
  let found: Probe = { reason: 'it did not answer', backends: [], version: '', half: false, slowness: undefined };
  for (const text of stdout.split('\n').filter((t) => t.startsWith('{'))) {
    const said = line.parse(JSON.parse(text));
    if ('backends' in said) found = { ...found, ...said };
    else if ('half' in said) found = { ...found, reason: undefined, half: said.half, slowness: said.slowness };
    else found = { ...found, reason: tidy(said.error) };
  }
  return failure === undefined ? found : { ...found, reason: failure };
}

function endOf(error: Error, stderr: string): string {
  const killed = 'killed' in error && error.killed === true;
  if (killed) return `it did not answer within ${PATIENCE_MS / 1000} s`;
  const signal = 'signal' in error && typeof error.signal === 'string' ? ` (${error.signal})` : '';
  const last = stderr.trim().split('\n').at(-1) ?? '';
  const code = 'code' in error && typeof error.code === 'string' ? `: ${messageOf(error)}` : '';
  return `a process that tried it ended badly${signal}${code}${last === '' ? '' : `: ${tidy(last)}`}`;
}

/** What onnxruntime says, without the place in its source and the condition that failed there. */
function tidy(message: string): string {
  const [first = ''] = message
    .replace(/^\S+\.cc:\d+ .* was false\. /s, '')
    .trim()
    .split('\n');
  return first.replace(/[.\s]+$/, '');
}

const tensor = (name: string, dims: ValueInfo['dims'], dtype: ValueInfo['dtype'] = 'float32'): ValueInfo => ({
  name,
  dims,
  dtype,
});

function convolutionModel(): Model {
  const b = graphBuilder();
  b.add('Conv', ['x', 'w'], { pads: ints([1, 1, 1, 1]) }, { output: 'y' });
  const graph = b.graph(
    [tensor('x', ['N', 64, 'H', 'W']), tensor('w', [64, 64, 3, 3])],
    [tensor('y', ['N', 64, 'H', 'W'])],
  );
  return { graph, opset: 17, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} };
}

function castModel(): Model {
  const b = graphBuilder();
  b.add('Cast', ['x'], { to: int(1) }, { output: 'y' });
  const graph = b.graph([tensor('x', [2], 'float16')], [tensor('y', [2])]);
  return { graph, opset: 17, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} };
}
