import { clusteredProportion } from '../../evaluate/clustered-proportion.ts';
import { countsAt } from '../../evaluate/counts.ts';
import { diagnosticRates, predictiveValuesAt } from '../../evaluate/diagnostic-rates.ts';
import { isUndefined } from '../../evaluate/metric.ts';
import { chooseOperatingPoint, type OperatingRule } from '../../evaluate/operating-point.ts';
import { judged, type RunFacts } from '../facts.ts';
import { count, decimal, percent, percents } from '../format.ts';
import { type Content, html, type Markup } from '../markup.ts';
import { dataTable } from '../table.ts';
import { type Section, section } from './section.ts';

const RULES: readonly (readonly [name: string, rule: OperatingRule])[] = [
  ['sensitivity of 99 % or more', { kind: 'sensitivity', atLeast: 0.99 }],
  ['sensitivity of 95 % or more', { kind: 'sensitivity', atLeast: 0.95 }],
  ['sensitivity of 90 % or more', { kind: 'sensitivity', atLeast: 0.9 }],
  ['Youden: largest sensitivity + specificity', { kind: 'youden' }],
];

/** Thresholds chosen on validation, and what they do on the test images; predictive values where the disease is rarer. */
export function operatingPoints(facts: RunFacts): Section | undefined {
  const { question, metrics } = judged(facts);
  const { malignant: m } = metrics;
  if (question === undefined || m === undefined) return undefined;
  const own = facts.model?.card.operatingPoint;
  return section(
    'operating-points',
    'Operating points',
    html`<p>${
      own === undefined
        ? html`The model file holds no threshold of its own; the figures at the head are at ${decimal(m.threshold)}.`
        : html`The model file holds a threshold of <b>${decimal(own.threshold, 4)}</b>, ${ruleName(own.rule)}, chosen on ${count(own.n)} validation images (${count(own.nPositive)} ${question.name}), where it reached a sensitivity of ${percent(own.sensitivity)} and a specificity of ${percent(own.specificity)}.`
    }</p>`,
    choices(facts),
    predictive(facts),
  );
}

function choices({ validation, test }: RunFacts): Markup | undefined {
  const chosenOn = validation?.question;
  const question = test?.question;
  const groups = test?.groups ?? [];
  if (chosenOn === undefined || question === undefined) return undefined;
  const rows = RULES.flatMap(([name, rule]): Content[][] => {
    const point = chooseOperatingPoint(chosenOn.scores, chosenOn.positives, rule);
    if (isUndefined(point)) return [];
    const c = countsAt(question.scores, question.positives, point.threshold);
    const rate = (wanted: boolean): Content => {
      const own = question.positives.flatMap((positive, i) => (positive === wanted ? [i] : []));
      const { value, interval95 } = clusteredProportion(
        own.map((i) => question.scores[i]! >= point.threshold === wanted),
        own.map((i) => groups[i]),
      );
      return html`${percent(value)} <small>(${percents(interval95)})</small>`;
    };
    return [
      [
        name,
        decimal(point.threshold, 4),
        percent(point.sensitivity),
        rate(true),
        rate(false),
        count(c.falseNegatives),
        count(c.falsePositives),
      ],
    ];
  });
  return html`${dataTable(
    `Thresholds chosen on ${count(chosenOn.scores.length)} validation images, measured on ${count(question.scores.length)} test images (95 % intervals by lesion or patient where images share one)`,
    [
      'rule',
      'threshold',
      'sensitivity it had on validation',
      'sensitivity on test',
      'specificity on test',
      'missed',
      'false alarms',
    ],
    rows,
  )}<p class="note">The test images chose none of these. That the sensitivity on test differs from the one aimed at is what choosing on few validation images costs.</p>`;
}

function predictive(facts: RunFacts): Markup | undefined {
  const { metrics, question } = judged(facts);
  const { malignant: m } = metrics;
  if (m === undefined || question === undefined) return undefined;
  const counts = {
    truePositives: m.truePositives,
    falsePositives: m.falsePositives,
    trueNegatives: m.trueNegatives,
    falseNegatives: m.falseNegatives,
  };
  const rates = diagnosticRates(counts);
  const here = m.nPositive / m.n;
  return html`${dataTable(
    `What an answer is worth, at the threshold of ${decimal(m.threshold)}, by how frequent ${question.name} is`,
    ['', `called ${question.name} and is (PPV)`, `called ${question.negative} and is (NPV)`],
    [
      [`as among these images, ${percent(here)}`, percent(rates.ppv.value), percent(rates.npv.value)],
      ...[0.01, 0.05, 0.1, 0.2].map((prevalence) => {
        const { ppv, npv } = predictiveValuesAt(counts, prevalence);
        return [`where it is ${percent(prevalence, 0)}`, percent(ppv.value), percent(npv.value)];
      }),
    ],
  )}<p class="note">Rows of other frequencies suppose that sensitivity and specificity stay as they are here. Likelihood ratios: positive ${decimal(rates.positiveLikelihoodRatio.value, 2)}, negative ${decimal(rates.negativeLikelihoodRatio.value, 2)}.</p>`;
}

function ruleName(rule: OperatingRule): string {
  if (rule.kind === 'sensitivity') return `the highest with a sensitivity of at least ${percent(rule.atLeast, 0)}`;
  if (rule.kind === 'youden') return 'of the largest sensitivity + specificity';
  return `the cheapest where a miss costs ${rule.missed} and a false alarm ${rule.falseAlarm}`;
}
