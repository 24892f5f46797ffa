import { problemTable } from '../dataset/problems.ts';
import { SPLITS } from '../dataset/types.ts';
import type { OnTrainEvent } from './events.ts';
import { countByClass, type PreparedData } from './prepare.ts';

/** Tells the reader what the data hold: images and lesions per class and split, and what was left out. */
export function describeData(data: PreparedData, onEvent: OnTrainEvent): void {
  const counts = countByClass(data);
  const { taxonomy } = data;
  const rows = data.labels.map((label, c) => {
    const meaning =
      taxonomy === undefined ? [] : [taxonomy.positiveLabels.includes(label) ? taxonomy.positive : taxonomy.negative];
    return [label, ...SPLITS.map((split) => String(counts[split][c])), ...meaning];
  });
  const totals = SPLITS.map((split) => String(counts[split].reduce((a, b) => a + b, 0)));
  onEvent({
    kind: 'table',
    title: `${data.rows.length} images (${data.format})`,
    headers: ['class', ...SPLITS, ...(taxonomy === undefined ? [] : ['counts as'])],
    rows: [...rows, ['all', ...totals, ...(taxonomy === undefined ? [] : [''])]],
  });
  if (data.problems.length > 0) onEvent({ kind: 'warning', text: problemTable(data.problems) });
  const grouped = new Set(data.rows.map((r) => r.example.lesionId ?? r.example.patientId)).size;
  const named = data.rows.some((r) => r.example.lesionId !== undefined || r.example.patientId !== undefined);
  onEvent({
    kind: 'note',
    text: named
      ? `split by lesion and patient (${grouped} groups): none is on two sides`
      : 'split by image: the data names no lesion or patient, so images of one lesion may be on two sides',
  });
}
