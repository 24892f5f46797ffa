import { expect } from 'vitest';
import { appendGradients } from '../../src/autodiff/append-gradients.ts';
import { lower, PORTABLE } from '../../src/autodiff/lower/lower.ts';
import { rngOf } from '../../src/core/rng.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import {
  type Attributes,
  float32,
  type Graph,
  int,
  type Model,
  sizeOf,
  type Tensor,
  type ValueInfo,
} from '../../src/onnx/model.ts';
import { upgradeOpset } from '../../src/onnx/passes/upgrade-opset.ts';
import { openSession } from '../../src/onnx/session.ts';
import { inferShapes } from '../../src/onnx/shapes/infer.ts';

/** One node whose gradients are checked. */
export interface Case {
  readonly name: string;
  readonly attributes?: Attributes;
  /** The node's inputs in order; undefined is an optional one left out. Those of float32 are differentiated by. */
  readonly inputs: readonly (Tensor | undefined)[];
  /** Float inputs that count as constants of the graph, by position. */
  readonly fixed?: readonly number[];
  /** Inputs that are fed when the graph runs but get no gradient, by position. */
  readonly fed?: readonly number[];
  /** How many outputs the node has. Default 1 */
  readonly outputs?: number;
  /** Which outputs the loss depends on. Default the first */
  readonly lossOf?: readonly number[];
  /** The weights c of the loss Σ c · Y. Default random */
  readonly weights?: 'ones';
  /** Operator set of the node. Sets before 18 are upgraded where gradients are taken. Default 20 */
  readonly opset?: number;
  /** Largest difference, relative to max(1, the largest gradient). Default `TOLERANCE` */
  readonly tolerance?: number;
}

/** Distance of a finite difference: small against the curvature, large against the rounding of float32. */
const STEP = 0.02;

/** Float32 rounding of the values, divided by the step; the truncation error of order h⁴ is far below. */
const TOLERANCE = 5e-5;

/** Operator set of the graphs under test. */
const OPSET = 20;

/** The oldest operator set that backward nodes are written for. */
const OLDEST = 18;

interface Built {
  readonly graph: Graph;
  /** Names of the inputs that are differentiated by. */
  readonly wrt: readonly string[];
  /** Values of all graph inputs. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Outputs the loss depends on, and their random weights c: loss = Σ c · Y. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** The graph of a case, with loss = Σ c · Y over its outputs. */
function build(op: string, c: Case): Built {
  const names = c.inputs.map((t, i) => (t === undefined ? '' : `x${i}`));
  const isFed = (i: number): boolean => c.fed?.includes(i) === true;
  const isWrt = (i: number): boolean => c.inputs[i]?.dtype === 'float32' && c.fixed?.includes(i) !== true && !isFed(i);
  const initializers = new Map<string, Tensor>();
  const feeds: Record<string, Tensor> = {};
  for (const [i, tensor] of c.inputs.entries()) {
    if (tensor === undefined) continue;
    if (isWrt(i) || isFed(i)) feeds[names[i]!] = tensor;
    else initializers.set(names[i]!, tensor);
  }
  const inputs = Object.entries(feeds).map(([name, { dtype, dims }]) => ({ name, dtype, dims }));
  const builder = graphBuilder({ nodes: [], initializers, inputs });
  const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`);
  builder.push({ op, domain: '', name: 'node', inputs: names, outputs, attributes: c.attributes ?? {} });
  const { infos } = inferShapes(builder.graph(inputs, []));
  const rng = rngOf(7, op, c.name);
  const weights = new Map<string, Float32Array>();
  const sums = (c.lossOf ?? [0]).map((i) => {
    const { dims, dtype } = infos.get(`y${i}`)!;
    const weight = Float32Array.from({ length: sizeOf(dims) }, () => (c.weights === 'ones' ? 1 : rng.uniform(-1, 1)));
    weights.set(`y${i}`, weight);
    const y = dtype === 'float32' ? `y${i}` : builder.add('Cast', [`y${i}`], { to: int(1) });
    const product = builder.add('Mul', [y, builder.constant(float32(weight, dims))]);
    return builder.add('ReduceSum', [product], { keepdims: int(0) });
  });
  builder.add('Sum', sums, {}, { output: 'loss' });
  return { graph: builder.graph(inputs, []), wrt: names.filter((_, i) => isWrt(i)), feeds, weights };
}

/** The node with its loss, ready to be run at any point. */
export interface Probe {
  readonly wrt: readonly string[];
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** loss = Σ c · Y, added up in double precision. */
  loss(feeds: Readonly<Record<string, Tensor>>): Promise<number>;
  /** ∂loss/∂x of the asked inputs, by the rule under test; zeros where it says that there is no gradient. */
  gradients(wrt: readonly string[]): Promise<Readonly<Record<string, Float32Array>>>;
  close(): Promise<void>;
}

/** Prepares a case. */
export async function probe(op: string, c: Case): Promise<Probe> {
  const { graph, wrt, feeds, weights } = build(op, c);
  const { infos } = inferShapes(graph);
  const { opset = OPSET } = c;
  const newer = upgradeOpset(modelOf(graph, opset)).graph;
  const dims = (name: string): readonly number[] => infos.get(name)!.dims;
  const forward = await openSession(
    modelOf({ ...graph, outputs: [...weights.keys()].map((y) => ({ name: y, ...infos.get(y)! })) }, opset),
    { threads: 1 },
  );
  return {
    wrt,
    feeds,
    loss: async (values) => {
      const results = await forward.run(values);
      let loss = 0;
      for (const [y, weight] of weights) {
        const { data } = results[y]!;
        for (let i = 0; i < weight.length; i++) loss += weight[i]! * Number(data[i]);
      }
      return loss;
    },
    gradients: async (asked) => {
      const { builder, gradients } = appendGradients(newer, { loss: 'loss', wrt: asked });
      const outputs = [...gradients].map(([x, dX]) => valueInfo(dX, dims(x)));
      const distinct = outputs.filter((v, i) => outputs.findIndex((w) => w.name === v.name) === i);
      const results =
        distinct.length === 0
          ? {}
          : await runOnce(lower(builder.graph(graph.inputs, distinct), PORTABLE, dims), feeds, Math.max(opset, OLDEST));
      return Object.fromEntries(
        asked.map((x) => {
          const dX = gradients.get(x);
          if (dX === undefined) return [x, new Float32Array(sizeOf(dims(x)))];
          const { dtype, dims: got, data } = results[dX]!;
          expect({ x, dtype, dims: [...got] }).toEqual({ x, dtype: 'float32', dims: [...dims(x)] });
          return [x, Float32Array.from(data, Number)];
        }),
      );
    },
    close: () => forward.close(),
  };
}

/**
 * Compares every element of every gradient with the fourth-order central difference
 * (8 (f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) / 12h, and each gradient asked for alone with the same asked for
 * together with the others.
 */
export async function expectGradients(op: string, c: Case): Promise<void> {
  const p = await probe(op, c);
  const together = await p.gradients(p.wrt);
  for (const x of p.wrt) {
    const at = Float32Array.from(p.feeds[x]!.data, Number);
    const { dims } = p.feeds[x]!;
    const numeric = new Float32Array(at.length);
    for (let i = 0; i < at.length; i++) {
      const moved = async (by: number): Promise<number> =>
        p.loss({ ...p.feeds, [x]: float32(at.with(i, at[i]! + by), dims) });
      const near = (await moved(STEP)) - (await moved(-STEP));
      const far = (await moved(2 * STEP)) - (await moved(-2 * STEP));
      numeric[i] = (8 * near - far) / (12 * STEP);
    }
    expectClose(`d${x}`, together[x]!, numeric, c.tolerance ?? TOLERANCE);
    if (p.wrt.length > 1) {
      const alone = await p.gradients([x]);
      expectClose(`d${x}, asked for alone`, alone[x]!, together[x]!, 1e-6);
    }
  }
  await p.close();
}

/**
 * Compares the gradient along one random direction with a difference along it. Exact but for rounding where the operator
 * is linear between the two points.
 */
export async function expectDirection(op: string, c: Case, step: number, tolerance: number): Promise<void> {
  const p = await probe(op, c);
  const gradients = await p.gradients(p.wrt);
  const rng = rngOf(11, op, c.name);
  let along = 0;
  const ends = [{ ...p.feeds }, { ...p.feeds }];
  for (const x of p.wrt) {
    const { dims, data } = p.feeds[x]!;
    const direction = Array.from({ length: data.length }, () => rng.uniform(-1, 1));
    along += direction.reduce((sum, d, i) => sum + d * gradients[x]![i]!, 0);
    for (const [side, feeds] of ends.entries())
      feeds[x] = float32(
        Float32Array.from(direction, (d, i) => Number(data[i]) + (side === 0 ? -1 : 1) * step * d),
        dims,
      );
  }
  const numeric = ((await p.loss(ends[1]!)) - (await p.loss(ends[0]!))) / (2 * step);
  await p.close();
  expectClose('gradient along a direction', [along], [numeric], tolerance);
}

function expectClose(what: string, got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(got[i]! - expected[i]!) / scale;
    // Written so that NaN fails.
    if (!(difference <= tolerance))
      expect.fail(`${what}[${i}]: expected ${expected[i]} within ${tolerance} · ${scale}, got ${got[i]}`);
  }
}

const valueInfo = (name: string, dims: readonly number[]): ValueInfo => ({ name, dtype: 'float32', dims });

function modelOf(graph: Graph, opset: number): Model {
  return { graph, opset, domains: {}, irVersion: 9, producer: 'test', metadata: {} };
}

async function runOnce(graph: Graph, feeds: Built['feeds'], opset: number): Promise<Record<string, Tensor>> {
  const session = await openSession(modelOf(graph, opset), { threads: 1 });
  const results = await session.run(feeds);
  await session.close();
  return results;
}
