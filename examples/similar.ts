/**
 * Use the features of a model: which pictures look most like the first one?
 *
 *     npx tsx examples/similar.ts [RUN|model.onnx] [DATA]
 */
import { Classifier, decodeImage, readDataset } from 'nevus';

const [model = 'demo/example/run', data = 'demo/example/phantoms'] = process.argv.slice(2);
const { examples } = await readDataset(data, { minLabels: 1 });
const some = examples.slice(0, 24);

const classifier = await Classifier.open(model);
const images = await Promise.all(some.map(({ path }) => decodeImage(path)));
// Pixels in, numbers out: probabilities [n × classes] and features [n × width], row by row.
const { probabilities, features } = await classifier.classify(images);
await classifier.close();

const width = classifier.featureWidth;
const rows = some.map((_, i) => features.subarray(i * width, (i + 1) * width));
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
const cosine = (a: Float32Array, b: Float32Array): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

const [first] = rows;
const similarity = rows.map((row) => (first === undefined ? 0 : cosine(first, row)));
const order = some.map((_, i) => i).sort((i, j) => (similarity[j] ?? 0) - (similarity[i] ?? 0));
const classes = classifier.labels.length;
for (const i of order.slice(0, 5)) {
  const answer = classifier.labels.map((label, c) => `${label} ${probabilities[i * classes + c]?.toFixed(2)}`);
  console.log(`${some[i]?.id}  similarity ${similarity[i]?.toFixed(3)}  ${answer.join(', ')}`);
}
