import { stringify } from 'yaml';
import { isDefined } from '../evaluate/metric.ts';
import { INTENDED_USE } from '../model/card.ts';
import { judged, type RunFacts } from './facts.ts';
import { count, decimal, decimals, percent, percents } from './format.ts';
import { titleOf } from './sections/headline.ts';
import { warningsOf } from './warnings.ts';

/** A model card in the format of the Hugging Face hub: YAML for programs, then Markdown for people. */
export function modelCardText(facts: RunFacts): string {
  const { metrics, question } = judged(facts);
  const { malignant: m } = metrics;
  const { config, log, splits, model, test } = facts;
  const title = titleOf(facts);
  const values = [
    ...(m !== undefined && isDefined(m.auc) ? [{ type: 'roc_auc', name: `AUC, ${m.name} or not`, value: m.auc }] : []),
    ...(m !== undefined && isDefined(m.sensitivity)
      ? [{ type: 'recall', name: `sensitivity, ${m.name}`, value: m.sensitivity }]
      : []),
    ...(isDefined(metrics.balancedAccuracy)
      ? [{ type: 'balanced_accuracy', name: 'balanced accuracy', value: metrics.balancedAccuracy }]
      : []),
    ...(isDefined(metrics.accuracy) ? [{ type: 'accuracy', name: 'accuracy', value: metrics.accuracy }] : []),
  ];
  const header = {
    library_name: 'nevus',
    pipeline_tag: 'image-classification',
    tags: ['image-classification', 'transfer-learning', 'onnx', 'dermoscopy', 'research-use-only'],
    'model-index': [
      {
        name: title,
        results: [
          {
            task: { type: 'image-classification' },
            dataset: {
              name: log.data?.format ?? 'data',
              type: 'image-folder',
              split: test === undefined ? 'validation' : 'test',
            },
            metrics: values,
          },
        ],
      },
    ],
  };
  const partition =
    test === undefined ? 'validation images (there is no test set: these figures flatter)' : 'test images';
  const rows = [
    ...(m === undefined
      ? []
      : [
          [`AUC, ${m.name} or not`, decimal(m.auc), decimals(m.auc95Grouped ?? m.auc95)],
          [`sensitivity at ${decimal(m.threshold)}`, percent(m.sensitivity), percents(m.sensitivity95)],
          [`specificity at ${decimal(m.threshold)}`, percent(m.specificity), percents(m.specificity95)],
        ]),
    ['balanced accuracy', percent(metrics.balancedAccuracy), percents(metrics.balancedAccuracy95)],
    ['accuracy', percent(metrics.accuracy), ''],
  ];
  return `---
${stringify(header)}---

# ${title}

**${INTENDED_USE}.** No answer of this model may be used to diagnose or to reassure anybody.

## Model

${model === undefined ? 'No model file in this run.' : `\`model.onnx\` (${count(model.bytes)} bytes, SHA-256 \`${model.sha256}\`), made by nevus ${model.card.nevusVersion} from ${model.card.backbone.name} (${model.card.backbone.licence}; ${model.card.backbone.origin}) by transfer learning; the layers behind \`${model.card.cut}\` were trained. Input: \`image\`, uint8 [N, H, W, 3], RGB of any size; preprocessing is inside the file.`}

Classes: ${metrics.labels.map((label) => `\`${label}\``).join(', ')}.${question === undefined ? '' : ` The probability of ${question.name} is the sum of ${question.positiveLabels.map((label) => `\`${label}\``).join(', ')}.`}

## Training data

${log.data?.format ?? 'Unknown format'}: ${['train', 'val', 'test'].map((split) => `${count(splits.filter((row) => row.split === split).length)} ${split}`).join(', ')} images; SHA-256 \`${log.data?.hash ?? '–'}\`. Seed ${config.seed}. Division, label ascertainment and demographics: \`report.html\`.

## Results

On ${count(metrics.n)} ${partition}${metrics.nGroups === metrics.n ? '' : ` of ${count(metrics.nGroups)} lesions or patients`}:

| | value | 95 % interval |
| --- | --- | --- |
${rows.map((row) => `| ${row.join(' | ')} |\n`).join('')}
## Limits

${warningsOf(facts)
  .map(({ title: name, text }) => `- **${name}** ${text}\n`)
  .join('')}
## To be completed by the authors

Intended users, ethical approval, licence of this model, contact.
`;
}
