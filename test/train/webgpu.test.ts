import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PORTABLE, type Target } from '../../src/autodiff/lower/lower.ts';
import { rngOf } from '../../src/core/rng.ts';
import { makePhantoms } from '../../src/dataset/phantoms/make.ts';
import { openClassifier } from '../../src/model/classifier.ts';
import { headParameters, initHead, LINEAR } from '../../src/model/head.ts';
import type { Device } from '../../src/onnx/device.ts';
import type { Tensor } from '../../src/onnx/model.ts';
import { ADAMW, type OptimizerSpec, SGD } from '../../src/optim/optimizers.ts';
import { overlay, parseConfig, presetConfig } from '../../src/train/config.ts';
import { buildNetwork } from '../../src/train/network.ts';
import { readBatch } from '../../src/train/rows.ts';
import { type Moved, openStepper } from '../../src/train/step.ts';
import { train } from '../../src/train/train.ts';
import { writeTinyBackbone } from '../cli/run/tiny-backbone.ts';
import { picture } from '../model/tiny.ts';
import { SWIFTSHADER } from '../onnx/swiftshader.ts';
import { LABELS, LAYERS, tailWeights, tinyData, tinyTail, WIDTH } from './tiny-tail.ts';

const BATCH = 12;
const STEPS = 6;
const folder = mkdtempSync(join(tmpdir(), 'nevus-webgpu-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Some steps on the tiny tail, everything thawed, gradients clipped: the losses, and what moved. */
async function steps(device: Device, optimizer: OptimizerSpec, rate: number, profile?: string) {
  const [tail, { data, stored }] = [tinyTail(), tinyData()];
  const weights = new Map([...tailWeights(tail), ...initHead(LINEAR, WIDTH, LABELS.length, rngOf(1, 'head'))]);
  const target: Target = { ...PORTABLE, device };
  const stepper = await openStepper(
    {
      network: buildNetwork(tail, LINEAR, LABELS.length, weights, 'fine-tune'),
      trainable: [...LAYERS.flat(), ...headParameters(LINEAR)],
      batch: BATCH,
      loss: { kind: 'cross-entropy', labelSmoothing: 0.1 },
      optimizer,
      clipNorm: 1,
      rates: new Map([['three/kernel', 2]]),
      centred: [],
    },
    target,
    { threads: 1, ...(profile === undefined ? {} : { profile }) },
  );
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    const rows = Array.from({ length: BATCH }, (_, k) => (i % 2) * BATCH + k);
    const features = readBatch(
      stored,
      rows.map((row) => ({ row, view: 0 })),
    );
    const targets = rows.map((row) => data.rows[row]!.target);
    losses.push(await stepper.step({ features, targets, weights: new Float32Array(BATCH).fill(1), extra: {} }, rate));
  }
  const moved = await stepper.read();
  const copy = ({ weights, states }: Moved): Map<string, number[]> =>
    new Map([...weights, ...states].map(([name, t]: [string, Tensor]) => [name, Array.from(t.data, Number)]));
  const values = copy(moved);
  await stepper.close();
  return { losses, values };
}

type Result = Awaited<ReturnType<typeof steps>>;

function expectNear(gpu: Result, cpu: Result): void {
  expect(gpu.losses.at(-1)).toBeLessThan(gpu.losses[0]!);
  gpu.losses.forEach((loss, i) => {
    expect(Math.abs(loss - cpu.losses[i]!)).toBeLessThan(1e-5);
  });
  expect([...gpu.values.keys()]).toEqual([...cpu.values.keys()]);
  for (const [name, values] of cpu.values) {
    const largest = Math.max(...values.map(Math.abs));
    const apart = Math.max(...gpu.values.get(name)!.map((v, i) => Math.abs(v - values[i]!)));
    // Adam divides by the root of a mean square: what is almost 0 there is wide open to rounding.
    expect([name, apart <= 1e-3 * largest]).toEqual([name, true]);
  }
}

// Shaders are compiled for the processor: seconds on two free cores, minutes on busy ones.
describe.skipIf(SWIFTSHADER === undefined)('training on WebGPU (software renderer)', { timeout: 900_000 }, () => {
  it('ends where the processor does, within float tolerance, and the same twice: sgd', async () => {
    const gpu = await steps('webgpu', SGD, 0.1);
    expectNear(gpu, await steps('cpu', SGD, 0.1));
    expect(await steps('webgpu', SGD, 0.1)).toEqual(gpu);
  });

  it('leaves nothing but the targets to the processor: adamw', async () => {
    expectNear(await steps('webgpu', ADAMW, 0.01, join(folder, 'profile')), await steps('cpu', ADAMW, 0.01));
    const file = readdirSync(folder).find((name) => name.startsWith('profile'))!;
    const events: {
      readonly name: string;
      readonly args?: { readonly provider?: string; readonly op_name?: string };
    }[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const ran = events.filter(({ name, args }) => name.endsWith('_kernel_time') && args?.provider !== undefined);
    const elsewhere = ran.filter(({ args }) => args?.provider !== 'WebGpuExecutionProvider');
    expect(ran.length).toBeGreaterThan(100 * STEPS);
    expect([...new Set(elsewhere.map(({ args }) => args?.op_name))]).toEqual(['OneHot']);
  });

  it('goes all the way: features, both phases, evaluation, and a model that answers on either device', async () => {
    const [data, tiny] = [join(folder, 'data'), join(folder, 'tiny.onnx')];
    writeTinyBackbone(tiny);
    await makePhantoms(data, { count: 24, size: 64 });
    const small = {
      backbone: { name: tiny },
      cut: 'block_1',
      views: 1,
      headPhase: { epochs: 1 },
      fineTune: { epochs: 1, batch: 8 },
    };
    const run = async (device: Device) => {
      const config = parseConfig(overlay(overlay(presetConfig('quick', data), small), { device }), 'test');
      const said: string[] = [];
      const result = await train(config, {
        out: join(folder, device),
        cache: join(folder, 'cache'),
        onEvent: (event) => (event.kind === 'note' ? said.push(event.text) : undefined),
      });
      return { result, said };
    };
    const [cpu, gpu] = [await run('cpu'), await run('webgpu')];
    expect(gpu.said).toContain('device: webgpu');
    // What the processor remembered is not taken for the device's own.
    expect(gpu.said.some((text) => text.startsWith('features: all remembered'))).toBe(false);
    const answers = await Promise.all(
      (['cpu', 'webgpu'] as const).map(async (device) => {
        const classifier = await openClassifier(join(folder, 'webgpu'), { device });
        const { probabilities } = await classifier.classify([picture(70, 60, 1), picture(90, 64, 2)]);
        await classifier.close();
        return probabilities;
      }),
    );
    answers[1]!.forEach((p, i) => {
      expect(Math.abs(p - answers[0]![i]!)).toBeLessThan(1e-4);
    });
    expect(gpu.result.validation.predictions.probabilities.length).toBe(
      cpu.result.validation.predictions.probabilities.length,
    );
    gpu.result.validation.predictions.probabilities.forEach((p, i) => {
      expect(Math.abs(p - cpu.result.validation.predictions.probabilities[i]!)).toBeLessThan(1e-3);
    });
  });
});
