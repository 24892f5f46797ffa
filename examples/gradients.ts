/**
 * Differentiate an ONNX network, and train it: two spirals told apart by a network of two layers, on onnxruntime alone.
 *
 *     npx tsx examples/gradients.ts [FILE]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  ADAMW,
  cosine,
  decodeModel,
  differentiate,
  encodeModel,
  float32,
  graphBuilder,
  int,
  type Model,
  openStepper,
  trainingStep,
} from 'nevus/autodiff';
import * as ort from 'onnxruntime-node';

const [file = 'spirals.onnx'] = process.argv.slice(2);
const HIDDEN = 32;

/** Any network will do, as long as one of its outputs is a loss. This one is written here; yours may come from a file. */
function network(): Model {
  const b = graphBuilder();
  const weight = (name: string, rows: number, columns: number): string =>
    b.constant(
      float32(
        Array.from({ length: rows * columns }, (_, i) => (2 * Math.sin(1 + 2.3 * i + rows)) / Math.sqrt(rows)),
        [rows, columns],
      ),
      name,
    );
  const bias = (name: string, size: number): string => b.constant(float32(new Float32Array(size), [size]), name);
  const hidden = b.add('Tanh', [b.add('Gemm', ['x', weight('w1', 2, HIDDEN), bias('b1', HIDDEN)])]);
  const deeper = b.add('Tanh', [b.add('Gemm', [hidden, weight('w2', HIDDEN, HIDDEN), bias('b2', HIDDEN)])]);
  const logits = b.add('Gemm', [deeper, weight('w3', HIDDEN, 2), bias('b3', 2)]);
  b.add('Softmax', [logits], { axis: int(1) }, { output: 'probabilities' });
  b.add('SoftmaxCrossEntropyLoss', [logits, 'target'], {}, { output: 'loss' });
  return {
    graph: b.graph(
      [
        { name: 'x', dtype: 'float32', dims: ['N', 2] },
        { name: 'target', dtype: 'int64', dims: ['N'] },
      ],
      [
        { name: 'probabilities', dtype: 'float32', dims: ['N', 2] },
        { name: 'loss', dtype: 'float32', dims: [] },
      ],
    ),
    opset: 18,
    domains: {},
    irVersion: 8,
    producer: 'example',
    metadata: {},
  };
}

/** Points on two spirals, and which of them each is on. */
const N = 96;
const turn = (i: number): number => 0.5 + 4 * (Math.floor(i / 2) / (N / 2));
const points = Float32Array.from({ length: 2 * N }, (_, k) => {
  const i = Math.floor(k / 2);
  const angle = turn(i) + (i % 2) * Math.PI;
  return (turn(i) * (k % 2 === 0 ? Math.cos(angle) : Math.sin(angle))) / 4;
});
const targets = BigInt64Array.from({ length: N }, (_, i) => BigInt(i % 2));

writeFileSync(file, encodeModel(network()));
const model = decodeModel(readFileSync(file));

// 1. Gradients: an ONNX model again, which runs wherever onnxruntime does. Here by the input: what would change the loss?
const gradients = differentiate(model, { loss: 'loss', wrt: ['x'], keep: ['loss'] });
const session = await ort.InferenceSession.create(encodeModel(gradients));
const results = await session.run({
  x: new ort.Tensor('float32', points, [N, 2]),
  target: new ort.Tensor('int64', targets, [N]),
});
console.log(`loss ${Number(results.loss?.data[0]).toFixed(3)}, gradient by x: [${results['grad:x']?.dims.join(', ')}]`);

// 2. Training: forward, backward and update in one graph.
const step = trainingStep(model, { loss: 'loss', optimizer: ADAMW, trainable: 'all-weights', clipNorm: 1, ema: 0.98 });
const stepper = await openStepper(step);
const data = {
  x: float32(points, [N, 2]),
  target: { dtype: 'int64', dims: [N], data: targets },
} as const;
const STEPS = 400;
for (let t = 0; t < STEPS; t++) {
  const loss = await stepper.step(data, 0.03 * cosine(t, STEPS, { warm: 0.1 }));
  if (t % 100 === 0) console.log(`step ${t}: loss ${loss.toFixed(3)}`);
}
const { states } = await stepper.read();
await stepper.close();

// 3. The trained model: the moving averages in the place of the weights.
const initializers = new Map(model.graph.initializers);
for (const name of step.start.keys()) initializers.set(name, states.get(`ema:${name}`) ?? initializers.get(name)!);
writeFileSync(file, encodeModel({ ...model, graph: { ...model.graph, initializers } }));
const trained = await ort.InferenceSession.create(file);
const { probabilities } = await trained.run({
  x: new ort.Tensor('float32', points, [N, 2]),
  target: new ort.Tensor('int64', targets, [N]),
});
const right = [...targets].filter((t, i) => Number(probabilities?.data[2 * i + Number(t)]) > 0.5).length;
console.log(`${file}: ${right} of ${N} points on the right spiral`);
