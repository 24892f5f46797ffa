/** Loss and gradients by nevus and onnxruntime, and their distance from golden ones. */
import { appendGradients } from '../../src/autodiff/append-gradients.ts';
import { lower, PORTABLE, type Target } from '../../src/autodiff/lower/lower.ts';
import { BLOCKED_DOMAIN } from '../../src/onnx/blocked.ts';
import type { Graph, Model, Tensor, ValueInfo } from '../../src/onnx/model.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { openSession, type SessionOptions } from '../../src/onnx/session.ts';
import { formulaValues } from './golden-values.ts';

/** A model whose outputs are the loss and the gradients. */
export interface GradientModel {
  readonly bytes: Uint8Array;
  /** Values of its inputs: what the graph reads, and the weights whose gradients are asked for. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly loss: string;
  /** Name of the output with the gradient, for every tensor that the loss depends on. */
  readonly gradients: ReadonlyMap<string, string>;
}

export interface GradientModelOptions {
  readonly loss: string;
  readonly wrt: readonly string[];
  readonly opset: number;
  /** Default PORTABLE */
  readonly target?: Target;
}

/** Differentiates a graph; initializers that are asked for become inputs. */
export function gradientModel(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  { loss, wrt, opset, target = PORTABLE }: GradientModelOptions,
): GradientModel {
  const asked = new Set(wrt);
  const trained = [...graph.initializers].filter(([name]) => asked.has(name));
  const all = { ...feeds, ...Object.fromEntries(trained) };
  const inputs = Object.entries(all).map(([name, { dtype, dims }]): ValueInfo => ({ name, dtype, dims }));
  const initializers = new Map([...graph.initializers].filter(([name]) => !asked.has(name)));
  const forward: Graph = { ...graph, inputs, initializers };
  const { builder, gradients, infos } = appendGradients(forward, { loss, wrt });
  const info = (name: string, of: string): ValueInfo => ({ name, ...infos.get(of)! });
  const outputs = [info(loss, loss), ...[...gradients].map(([name, gradient]) => info(gradient, name))];
  const distinct = outputs.filter((o, i) => outputs.findIndex((p) => p.name === o.name) === i);
  const lowered = lower(builder.graph(inputs, distinct), target, (name) => infos.get(name)?.dims ?? []);
  return { bytes: encodeModel(modelOf(lowered, opset)), feeds: all, loss, gradients };
}

function modelOf(graph: Graph, opset: number): Model {
  return {
    graph,
    opset,
    domains: { 'com.microsoft': 1, [BLOCKED_DOMAIN]: 1 },
    irVersion: 10,
    producer: 'test',
    metadata: {},
  };
}

export interface Answer {
  readonly loss: number;
  /** Zeros are left out: a tensor that the loss does not depend on has no entry. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

export async function answer(model: GradientModel, options: SessionOptions = {}): Promise<Answer> {
  const session = await openSession(model.bytes, { threads: 1, ...options });
  const results = await session.run(model.feeds);
  await session.close();
  const values = (name: string): Float32Array => Float32Array.from(results[name]!.data, Number);
  return {
    loss: values(model.loss)[0]!,
    gradients: new Map([...model.gradients].map(([name, gradient]) => [name, values(gradient)])),
  };
}

/** Norm of a gradient, and its products with random vectors whose elements have the mean square 1; empty for zeros. */
export type Golden = readonly number[];

/**
 * The largest of the differences from a golden gradient, relative to its norm. For a difference δ in any elements, each
 * product is off by |δ · r|, whose root mean square over random r is ‖δ‖.
 */
export function distance(gradient: Float32Array | undefined, golden: Golden): number {
  const values = gradient ?? new Float32Array(0);
  const norm = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  const [expected, ...products] = golden;
  if (expected === undefined || gradient === undefined) return Math.max(norm, expected ?? 0);
  const errors = products.map((product, k) => {
    const { data } = formulaValues('probe', k, [values.length], -Math.sqrt(3), Math.sqrt(3));
    return Math.abs(values.reduce((sum, v, i) => sum + v * data[i]!, 0) - product);
  });
  return Math.max(Math.abs(norm - expected), ...errors) / expected;
}
