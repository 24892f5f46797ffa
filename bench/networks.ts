/**
 * Training steps of whole networks and of long tails against PyTorch: milliseconds and peak memory, batch 16, fp32, 2
 * threads, SGD with momentum. Every measurement is a process of its own, so that peaks are its own; the two sides take
 * turns.
 *
 *     npm run bench -- networks [case …]
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { importTorch } from '../src/backbone/importers/torch/import.ts';
import { loadBackbone } from '../src/backbone/registry.ts';
import type { Backbone } from '../src/backbone/types.ts';
import { writeFileAtomic } from '../src/core/files.ts';
import { tailGraph } from '../src/features/trunk.ts';
import { encodeModel } from '../src/onnx/protobuf.ts';
import { BATCH, CLASSES, everyWeight, openBenchStep } from './bench-step.ts';
import { median } from './timing.ts';

const CASES = [
  { name: 'resnet50', cut: 'input' },
  { name: 'inception_v3', cut: 'input' },
  { name: 'mobilenet_v2', cut: 'input' },
  { name: 'inception_v3', cut: 'mixed7' },
  { name: 'resnet50', cut: 'layer3' },
] as const;
/** Turns of each side, and steps in a turn. */
const TURNS = 2;
const STEPS = 7;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const python = (args: readonly string[]) => promisify(execFile)('/usr/bin/python3', [...args]);

interface Measured {
  readonly ms: number;
  readonly megabytes: number;
}

export async function benchNetworks(...asked: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nevus-bench-'));
  console.log(`training steps, batch ${BATCH}, fp32, 2 threads, SGD with momentum: ms (peak MB)`);
  try {
    for (const { name, cut } of CASES) {
      if (asked.length > 0 && !asked.includes(name) && !asked.includes(`${name}:${cut}`)) continue;
      const weights = name === 'resnet50' ? join(folder, `${name}.pth`) : undefined;
      if (weights !== undefined) await python([here('peers/torchvision_weights.py'), name, weights]);
      const backbone = await open(weights ?? name);
      const tail = join(folder, 'tail.onnx');
      const at = cutOf(backbone, cut);
      writeFileAtomic(tail, encodeModel({ ...backbone.model, graph: tailGraph(backbone, at)! }));
      const ours: Measured[] = [];
      const theirs = new Map<string, Measured[]>([
        ['contiguous', []],
        ['channels last', []],
      ]);
      for (let turn = 0; turn < TURNS; turn++) {
        ours.push(parse((await child(['networks-child', weights ?? name, at])).stdout));
        for (const [format, list] of theirs) {
          const script = [here('peers/torch_step.py'), tail, String(BATCH), String(CLASSES), '2'];
          list.push(parse((await python([...script, '--format', format, '--rounds', String(STEPS)])).stdout));
        }
      }
      const mine = middle(ours);
      const show = ({ ms, megabytes }: Measured): string => `${ms.toFixed(0)} (${megabytes.toFixed(0)})`;
      const rows = [...theirs].map(([format, list]): string => {
        const peer = middle(list);
        const ratio = `${(mine.ms / peer.ms).toFixed(2)}, memory ${(mine.megabytes / peer.megabytes).toFixed(2)}`;
        return `PyTorch ${format} ${show(peer)}, ratio ${ratio}`;
      });
      console.log(`${name} from ${at}: nevus ${show(mine)}; ${rows.join('; ')}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One side's turn: median milliseconds, a tab, peak megabytes. */
export async function benchNetworksChild(source: string, cut: string): Promise<void> {
  const backbone = await open(source);
  const run = await openBenchStep(backbone, cut, everyWeight(backbone, cut));
  const times: number[] = [];
  for (let step = -2; step < STEPS; step++) {
    const began = performance.now();
    await run();
    if (step >= 0) times.push(performance.now() - began);
  }
  console.log(`nevus\t${median(times)}\t${peakMegabytes()}`);
}

/** The highest resident size that the process ever had. */
function peakMegabytes(): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
}

function child(args: readonly string[]) {
  return promisify(execFile)(process.execPath, [...process.execArgv, here('main.ts'), ...args]);
}

async function open(source: string): Promise<Backbone> {
  return source.endsWith('.pth') ? importTorch(source) : loadBackbone(source);
}

/** The cut of that name, or the last one whose name begins so. */
function cutOf(backbone: Backbone, name: string): string {
  const named = backbone.cuts.find((c) => c.name === name) ?? backbone.cuts.findLast((c) => c.name.startsWith(name));
  return named?.name ?? name;
}

function parse(line: string): Measured {
  const [, ms = '', megabytes = ''] = line.trim().split('\t');
  return { ms: Number(ms), megabytes: Number(megabytes) };
}

function middle(all: readonly Measured[]): Measured {
  return { ms: Math.min(...all.map((m) => m.ms)), megabytes: median(all.map((m) => m.megabytes)) };
}
