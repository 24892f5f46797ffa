/**
 * Test a model on labelled images.
 *
 *     npx tsx examples/evaluate.ts [RUN|model.onnx] [DATA]
 */
import { Classifier, evaluate, inspectImages, isDefined, type Metric, readDataset } from 'nevus';

const [model = 'demo/example/run', data = 'demo/example/phantoms'] = process.argv.slice(2);

// Names and labels first; then every file is read once, to leave out those that are no images.
const dataset = await readDataset(data, { minLabels: 1 });
const { images, problems } = await inspectImages(dataset.examples);
for (const { where, detail } of problems) console.log(`left out: ${where}: ${detail}`);
const examples = dataset.examples.filter(({ id }) => images.has(id));

const classifier = await Classifier.open(model);
const { metrics } = await evaluate(classifier, examples, { seed: 1 });
await classifier.close();

// A figure that the data cannot give says why.
const show = (metric: Metric): string => (isDefined(metric) ? metric.toFixed(3) : `none: ${metric.undefined}`);
console.log(`${metrics.n} images of ${metrics.nGroups} lesions`);
console.log(`balanced accuracy ${show(metrics.balancedAccuracy)}`);
for (const { label, sensitivity, auc } of metrics.perClass) {
  console.log(`${label}: sensitivity ${show(sensitivity)}, AUC ${show(auc)}`);
}
