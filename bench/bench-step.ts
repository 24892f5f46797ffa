import type { Backbone } from '../src/backbone/types.ts';
import { rngOf } from '../src/core/rng.ts';
import { cutTensor, dimsAt, planTrunk, tailGraph } from '../src/features/trunk.ts';
import { headParameters, initHead, LINEAR } from '../src/model/head.ts';
import { blockSize } from '../src/onnx/blocked.ts';
import { sizeOf } from '../src/onnx/model.ts';
import { SGD } from '../src/optim/optimizers.ts';
import { buildNetwork } from '../src/train/network.ts';
import { openStepper } from '../src/train/step.ts';
import { layerUnits } from '../src/train/units.ts';

export const BATCH = 16;
export const CLASSES = 7;

/** One training step of everything named behind the cut, ready to run: SGD with momentum, fp32, 2 threads. */
export async function openBenchStep(
  backbone: Backbone,
  cut: string,
  trainable: readonly string[],
): Promise<() => Promise<number>> {
  const trunk = planTrunk(backbone, cut);
  const graph = tailGraph(backbone, cut)!;
  const dims = trunk.cutDims!;
  const weights = new Map([...graph.initializers, ...initHead(LINEAR, trunk.width, CLASSES, rngOf(1, 'bench'))]);
  const tail = {
    graph,
    cut: cutTensor(backbone, cut),
    features: backbone.features,
    cutDims: dims,
    featureDims: dimsAt(backbone, backbone.features),
    stored: 'float16' as const,
  };
  const engine = await openStepper(
    {
      network: buildNetwork(tail, LINEAR, CLASSES, weights, 'fine-tune'),
      trainable,
      batch: BATCH,
      loss: { kind: 'cross-entropy', labelSmoothing: 0 },
      optimizer: SGD,
      clipNorm: 0,
      rates: new Map(),
      centred: [],
    },
    { block: await blockSize() },
    { threads: 2 },
  );
  const bits = Uint16Array.from({ length: BATCH * sizeOf(dims) }, (_, i) => 0x2e00 + (Math.imul(i, 0x9e3779b1) >>> 22));
  const batch = {
    features: { dtype: 'float16' as const, dims: [BATCH, ...dims], data: bits },
    targets: Array.from({ length: BATCH }, (_, i) => i % CLASSES),
    weights: new Float32Array(BATCH).fill(1),
    extra: {},
  };
  return () => engine.step(batch, 1e-4);
}

/** Every weight behind the cut, and those of a linear head. */
export function everyWeight(backbone: Backbone, cut: string): string[] {
  return [...layerUnits(tailGraph(backbone, cut)!).flatMap((unit) => unit.weights), ...headParameters(LINEAR)];
}
