import { type IntervalMetric, isDefined } from '../evaluate/metric.ts';
import type { Metrics } from '../evaluate/metrics.ts';
import { decimal, percent } from '../report/format.ts';
import { type Cell, table } from './table.ts';

/** Classes up to which a confusion matrix fits a terminal. */
const MATRIX = 12;

/** Metrics as tables for people: the whole, each class, and who is taken for whom. */
export function metricsText(metrics: Metrics): string[] {
  return [...overall(metrics), ...perClass(metrics), ...confusion(metrics)];
}

/** The figures that matter most, with their 95 % intervals, as table rows. */
export function headlineRows({ balancedAccuracy, balancedAccuracy95, malignant: question }: Metrics): Cell[][] {
  const rows: Cell[][] = [['balanced accuracy', percent(balancedAccuracy), percents(balancedAccuracy95)]];
  if (question === undefined) return rows;
  const { name } = question;
  const at = `at a threshold of ${question.threshold}`;
  return [
    ...rows,
    [`AUC, ${name} or not`, decimal(question.auc), numbers(question.auc95Grouped ?? question.auc95)],
    [`sensitivity, ${name} ${at}`, percent(question.sensitivity), percents(question.sensitivity95)],
    [`specificity, ${name} ${at}`, percent(question.specificity), percents(question.specificity95)],
    ...chosenRows(question),
  ];
}

/** The same at the threshold that was chosen on validation images. */
function chosenRows({ name, operatingPoint: point }: NonNullable<Metrics['malignant']>): Cell[][] {
  if (point === undefined) return [];
  const at = `at ${point.threshold.toFixed(3)}, chosen on validation`;
  return [
    [`sensitivity, ${name} ${at}`, percent(point.sensitivity.value), percents(point.sensitivity.interval95)],
    [`specificity, ${name} ${at}`, percent(point.specificity.value), percents(point.specificity.interval95)],
  ];
}

export const METRIC_HEADERS = ['', 'value', '95 % interval'] as const;

function overall(metrics: Metrics): string[] {
  return table(METRIC_HEADERS, [
    ...headlineRows(metrics),
    ['accuracy', percent(metrics.accuracy), ''],
    ['AUC, mean over classes', decimal(metrics.macroAuc), ''],
    ['log loss', decimal(metrics.logLoss), ''],
  ]);
}

function perClass({ perClass: classes }: Metrics): string[] {
  const rows = classes.map((c): Cell[] => [
    c.label,
    c.n,
    percent(c.sensitivity),
    percent(c.specificity),
    percent(c.precision),
    decimal(c.auc),
  ]);
  return ['', ...table(['class', 'images', 'sensitivity', 'specificity', 'precision', 'AUC'], rows)];
}

function confusion({ labels, confusionMatrix }: Metrics): string[] {
  if (labels.length > MATRIX) return [];
  const rows = labels.map((label, c): Cell[] => [label, ...(confusionMatrix[c] ?? [])]);
  return ['', ...table(['true \\ predicted', ...labels], rows)];
}

function percents(interval: IntervalMetric): string {
  return isDefined(interval) ? `${(100 * interval[0]).toFixed(1)} to ${(100 * interval[1]).toFixed(1)} %` : '–';
}

function numbers(interval: IntervalMetric): string {
  return isDefined(interval) ? `${interval[0].toFixed(3)} to ${interval[1].toFixed(3)}` : '–';
}
