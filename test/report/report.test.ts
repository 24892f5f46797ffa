import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFileAtomic } from '../../src/core/files.ts';
import { encodePng } from '../../src/image/encode.ts';
import { evaluateAnswers, writeEvaluation } from '../../src/model/evaluate.ts';
import { writeReport } from '../../src/report/report.ts';
import { presetConfig } from '../../src/train/config.ts';
import { startRun } from '../../src/train/run-folder.ts';

const LABELS = ['benign <b>', 'malignant'];
const TAXONOMY = { positive: 'malignant', negative: 'benign', positiveLabels: ['malignant'] };
const N = 60;

let root: string;
let page: string;
let card: string;

/** A finished run without a model: 60 test images of 40 lesions, some of them answered wrongly. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'nevus-report-'));
  const data = join(root, 'data');
  for (let i = 0; i < 4; i++) {
    const pixels = new Uint8Array(12 * 10 * 3).fill(40 * i);
    writeFileAtomic(join(data, `img${i}.png`), await encodePng({ width: 12, height: 10, data: pixels }));
  }
  const config = { ...presetConfig('quick', data), seed: 7 };
  const folder = startRun(join(root, 'run'), config);
  const examples = Array.from({ length: N }, (_, i) => ({
    id: `img${i}`,
    path: `img${i}.png`,
    label: LABELS[i % 3 === 0 ? 1 : 0]!,
    lesionId: `lesion${i % 40}`,
    attributes: {
      age: String(20 + i),
      sex: i % 2 === 0 ? 'male' : 'female',
      dx_type: i % 4 === 0 ? 'consensus' : 'histo',
    },
  }));
  // Every seventh answer is wrong.
  const probabilities = Float32Array.from(
    examples.flatMap((e, i) => {
      const p = (e.label === 'malignant') === (i % 7 !== 0) ? 0.7 + i / 300 : 0.3 - i / 300;
      return [1 - p, p];
    }),
  );
  const classOf = new Map(LABELS.map((label) => [label, label]));
  const question = { labels: LABELS, taxonomy: TAXONOMY, priors: undefined, threshold: undefined, classOf };
  for (const out of [folder.validation, folder.test]) {
    writeEvaluation(out, evaluateAnswers(question, examples, probabilities));
  }
  const rows = examples.map((e) => [e.id, e.path, e.label, e.lesionId, '', 'test'].join(','));
  writeFileAtomic(folder.splits, `id,path,label,lesion_id,patient_id,split\n${rows.join('\n')}\n`);
  writeFileAtomic(
    folder.log,
    [
      {
        event: 'data',
        format: 'csv',
        images: N,
        problems: 3,
        labels: LABELS,
        counts: { train: [0, 0], val: [0, 0], test: [40, 20] },
        hash: 'abc',
      },
      ...[1, 2].map((epoch) => ({
        event: 'epoch',
        phase: epoch === 1 ? 'head' : 'fine-tune',
        epoch,
        trainLoss: 1 / epoch,
        valLoss: 1.1 / epoch,
        accuracy: 0.8,
        balancedAccuracy: 0.7,
        auc: 0.9,
        lr: 1e-3,
        frozen: 'backbone',
        seconds: 2,
        markers:
          epoch === 2
            ? [
                { kind: 'thaw', layer: 'block_16' },
                { kind: 'rate', from: 1e-3, to: 6e-4 },
              ]
            : [],
      })),
      'damaged',
    ]
      .map((line) => (line === 'damaged' ? '{"event":' : JSON.stringify(line)))
      .join('\n'),
  );
  const files = await writeReport(folder.root);
  page = readFileSync(files.page, 'utf8');
  card = readFileSync(files.card, 'utf8');
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('report.html', () => {
  test('needs nothing from outside, and no script', () => {
    expect(page).not.toMatch(/<script|<link|@import|url\(|\son[a-z]+="/i);
    for (const [, source] of page.matchAll(/\ssrc="([^"]*)"/g)) expect(source).toMatch(/^data:image\/jpeg;base64,/);
    expect(page.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/NaN|undefined|\[object/);
  });

  test('escapes what the data say', () => {
    expect(page).not.toContain('benign <b>');
    expect(page).toContain('benign &lt;b&gt;');
  });

  test('closes what it opens, and links to what is there', () => {
    const open: string[] = [];
    const body = page.slice(page.indexOf('<body>'), page.indexOf('</html>'));
    for (const [, end, name, rest] of body.matchAll(/<(\/?)([a-z0-9]+)((?:"[^"]*"|[^>"])*)>/g)) {
      if (['img', 'br', 'meta'].includes(name!) || rest!.endsWith('/')) continue;
      if (end === '') open.push(name!);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(id);
  });

  test('says first what it is for, and the figures of metrics.json with their intervals', () => {
    const metrics = JSON.parse(readFileSync(join(root, 'run/test/metrics.json'), 'utf8'));
    const first = page.slice(0, page.indexOf('<main>'));
    expect(first).toContain('not a medical device');
    expect(first).toContain(metrics.malignant.auc.toFixed(3));
    expect(first).toContain(`${(100 * metrics.malignant.sensitivity).toFixed(1)} %`);
    expect(first).toContain(`${(100 * metrics.malignant.sensitivity95[0]).toFixed(1)} to`);
    for (const warning of ['Few cases.', 'Wide intervals.', 'Skin tone unknown.', 'Tested at home only.']) {
      expect(first).toContain(warning);
    }
  });

  test('has a table of figures behind every chart', () => {
    const figures = page
      .split('<figure>')
      .slice(1)
      .map((part) => part.slice(0, part.indexOf('</figure>')));
    expect(figures.length).toBeGreaterThanOrEqual(5);
    for (const text of figures) {
      expect(text).toMatch(/<svg class="chart"[^>]*aria-label="[^"]+"/);
      expect(text).toMatch(/<details>.*<table>.*<th scope="row">/s);
    }
  });

  test('shows what was left out, and that no lesion is in two partitions', () => {
    expect(page).toMatch(/<b>63<\/b> rows and files/);
    expect(page).toMatch(/<b>3<\/b> left out/);
    expect(page).toContain('Zero overlap.');
    expect(page).toContain('40 lesions');
  });

  test('marks thawing and lower rates', () => {
    expect(page).toContain('>thaw</text>');
    expect(page).toContain('>rate ↓</text>');
    expect(page).toContain('thawed block_16; rate 1.0e-3 → 6.0e-4');
  });

  test('shows the pictures of errors that can be read', () => {
    const gallery = page.slice(page.indexOf('id="failures"'));
    expect(gallery).toContain('data:image/jpeg;base64,');
    expect(gallery).toContain('<span>img0</span>');
  });

  test('says what the comparison with readers can and cannot show', () => {
    for (const source of ['Phillips', 'Haenssle', 'Brinker', 'Maron', 'Esteva']) expect(page).toContain(source);
    expect(page).toContain('It does not show that the model is better than those readers');
  });

  test('invents nothing for the checklists', () => {
    const lists = page.slice(page.indexOf('id="checklists"'));
    for (const name of ['CLAIM', 'TRIPOD+AI', 'STARD-AI']) expect(lists).toContain(name);
    expect(lists).toMatch(/Ethical approval<\/td><td><span class="open">to be completed by the authors/);
    // There is no model in this run, so nothing can be said of its file.
    expect(lists).toMatch(/Software and versions<\/td><td><span class="open">/);
  });
});

test('model-card.md has what the hub reads, and the same figures', () => {
  expect(card).toMatch(/^---\nlibrary_name: nevus\npipeline_tag: image-classification\n/);
  expect(card).toContain('model-index:');
  expect(card).toContain('research use only; not a medical device');
  expect(card).toContain('Skin tone unknown.');
});

test('a run without predictions is refused', async () => {
  const folder = startRun(join(root, 'unfinished'), presetConfig('quick', join(root, 'data')));
  await expect(writeReport(folder.root)).rejects.toThrow(/expected a finished run/);
  await expect(writeReport(join(root, 'nowhere'))).rejects.toThrow(/no config.yaml/);
  expect(existsSync(join(folder.root, 'report.html'))).toBe(false);
});
