/**
 * One training step behind a cut, against the step of the conventional recipe (forward through everything, backward
 * through the same top) and against PyTorch on the same tail and with the conventional recipe. Batch 16, 2 threads, all in one run.
 *
 *     npm run bench -- step [backbone] [cut]
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadBackbone } from '../src/backbone/registry.ts';
import { messageOf } from '../src/core/errors.ts';
import { writeFileAtomic } from '../src/core/files.ts';
import { cutTensor, planTrunk, tailGraph } from '../src/features/trunk.ts';
import type { Model } from '../src/onnx/model.ts';
import { extract } from '../src/onnx/passes/extract.ts';
import { encodeModel } from '../src/onnx/protobuf.ts';
import { BATCH, CLASSES, everyWeight, openBenchStep } from './bench-step.ts';
import { interleaved } from './timing.ts';

export async function benchStep(name = 'inception_v3', cut = 'mixed8'): Promise<void> {
  const backbone = await loadBackbone(name);
  const tail = tailGraph(backbone, cut)!;
  const trainable = everyWeight(backbone, cut);
  const behind = await openBenchStep(backbone, cut, trainable);
  const conventional = await openBenchStep(backbone, 'input', trainable);
  const times = await interleaved(
    [
      { name: 'behind the cut', run: behind },
      { name: 'conventional', run: conventional },
    ],
    7,
  );
  const trunk = extract(backbone.model, {
    inputs: backbone.model.graph.inputs,
    outputs: [{ name: cutTensor(backbone, cut), dtype: 'float32', dims: ['N', ...planTrunk(backbone, cut).cutDims!] }],
  });
  const torch = await torchStep({ ...backbone.model, graph: tail });
  const torchConventional = await torchStep({ ...backbone.model, graph: tail }, trunk);
  console.log(`training step ${name}, cut ${cut}, batch ${BATCH}, fp32, 2 threads, SGD with momentum`);
  const ours = times.get('behind the cut')!;
  const show = (what: string, ms: number): void =>
    console.log(`  ${what.padEnd(44)} ${ms.toFixed(0).padStart(6)} ms   ${(ours / ms).toFixed(2)}`);
  show('nevus, features remembered', ours);
  show('nevus, forward through everything', times.get('conventional')!);
  for (const [what, ms] of torch) show(`PyTorch, the same tail, ${what}`, ms);
  for (const [what, ms] of torchConventional) show(`PyTorch, forward through everything, ${what}`, ms);
  console.log('  (last column: time of nevus with remembered features, relative to the row)');
}

/** Milliseconds by memory format, from the peer script; none where PyTorch is not installed. */
async function torchStep(tail: Model, trunk?: Model): Promise<[string, number][]> {
  const script = fileURLToPath(new URL('peers/torch_step.py', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'nevus-bench-'));
  const path = join(folder, 'tail.onnx');
  writeFileAtomic(path, encodeModel(tail));
  const trunkPath = join(folder, 'trunk.onnx');
  if (trunk !== undefined) writeFileAtomic(trunkPath, encodeModel(trunk));
  try {
    const { stdout } = await promisify(execFile)('/usr/bin/python3', [
      script,
      path,
      String(BATCH),
      String(CLASSES),
      '2',
      ...(trunk === undefined ? [] : ['--trunk', trunkPath]),
    ]);
    return stdout
      .trim()
      .split('\n')
      .map((line): [string, number] => [line.split('\t')[0]!, Number(line.split('\t')[1])]);
  } catch (error) {
    console.log(`  (PyTorch peer did not run: ${messageOf(error)})`);
    return [];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
