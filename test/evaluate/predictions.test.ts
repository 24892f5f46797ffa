import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { DataError, NumericError, ShapeError } from '../../src/core/errors.ts';
import type { Taxonomy } from '../../src/dataset/types.ts';
import { float32Text } from '../../src/evaluate/float32-text.ts';
import { type PredictedExample, readPredictions, writePredictions } from '../../src/evaluate/predictions.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-predictions-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'predictions.csv');
const taxonomy: Taxonomy = { positive: 'malignant', negative: 'benign', positiveLabels: ['mel', 'bcc'] };
const example = (id: string, more: Partial<PredictedExample> = {}): PredictedExample => ({
  id,
  path: `${id}.jpg`,
  attributes: {},
  ...more,
});
const lines = (): string[] => readFileSync(path, 'utf8').split('\n');

describe('float32Text', () => {
  it('reads back as the same float32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Math.fround(Number(float32Text(value)))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('is short', () => {
    expect([0.1, 1 / 3, 1, 0, 1e-8, 16777216].map((v) => float32Text(v))).toEqual([
      '0.1',
      '0.33333334',
      '1',
      '0',
      '1e-8',
      '16777216',
    ]);
  });
});

describe('writePredictions', () => {
  it('has the columns in the promised order, and quotes what needs it', () => {
    writePredictions(path, {
      labels: ['bcc', 'mel', 'nv'],
      taxonomy,
      examples: [
        example('a', {
          label: 'nv',
          source: 'site, 1',
          lesionId: 'L1',
          attributes: { age: '40', note: 'says "big"\nred' },
        }),
        example('b', { path: 'sub folder/b.jpg', patientId: 'P', attributes: { sex: ' f' } }),
      ],
      probabilities: Float32Array.from([0.1, 0.2, 0.7, 0.25, 0.5, 0.25]),
    });
    expect(readFileSync(path, 'utf8')).toBe(
      'id,path,label,p_bcc,p_mel,p_nv,p_malignant,predicted,lesion_id,patient_id,source,age,note,sex\n' +
        'a,a.jpg,nv,0.1,0.2,0.7,0.3,nv,L1,,"site, 1",40,"says ""big""\nred",\n' +
        'b,sub folder/b.jpg,,0.25,0.5,0.25,0.75,mel,,P,,,," f"\n',
    );
  });

  it('writes one malignant column where malignant is a class, and two where they differ', () => {
    const binary = {
      labels: ['benign', 'malignant'],
      examples: [example('a')],
      probabilities: Float32Array.from([0.25, 0.75]),
    };
    writePredictions(path, { ...binary, taxonomy: { ...taxonomy, positiveLabels: ['malignant'] } });
    expect(lines()[0]).toBe('id,path,label,p_benign,p_malignant,predicted');
    expect(readPredictions(path)).toMatchObject({ labels: ['benign', 'malignant'] });

    writePredictions(path, {
      labels: ['malignant', 'mel', 'nv'],
      examples: [example('a')],
      probabilities: Float32Array.from([0.25, 0.25, 0.5]),
      taxonomy: { ...taxonomy, positiveLabels: ['malignant', 'mel'] },
    });
    expect(lines().slice(0, 2)).toEqual([
      'id,path,label,p_malignant,p_mel,p_nv,sum_of_p_malignant,predicted',
      'a,a.jpg,,0.25,0.25,0.5,0.5,nv',
    ]);
    expect(readPredictions(path)).toMatchObject({
      labels: ['malignant', 'mel', 'nv'],
      positive: { name: 'malignant', probabilities: Float32Array.of(0.5) },
    });
  });

  it('renames attributes whose name is taken, and does not repeat what says the same', () => {
    writePredictions(path, {
      labels: ['x', 'y'],
      examples: [
        example('a', {
          lesionId: 'L',
          attributes: { id: '7', lesion_id: 'L', p_x: 'high', attribute_id: '8', '': 'nameless' },
        }),
      ],
      probabilities: Float32Array.from([1, 0]),
    });
    expect(lines().slice(0, 2)).toEqual([
      'id,path,label,p_x,p_y,predicted,lesion_id,attribute_id,attribute_p_x,attribute_attribute_id,attribute_',
      'a,a.jpg,,1,0,x,L,7,high,8,nameless',
    ]);
  });

  it('refuses probabilities that do not fit or are not numbers', () => {
    const of = (...probabilities: number[]) => ({
      labels: ['x', 'y'],
      examples: [example('a')],
      probabilities: Float32Array.from(probabilities),
    });
    expect(() => writePredictions(path, of(1))).toThrow(ShapeError);
    expect(() => writePredictions(path, of(1, Number.NaN))).toThrow(NumericError);
  });
});

describe('readPredictions', () => {
  it('reads what was written', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const word = fc.stringMatching(/^[a-z]{1,6}$/);
    const row = fc.record({
      id: text,
      path: text,
      label: fc.option(word, { nil: undefined }),
      lesionId: fc.option(text, { nil: undefined }),
      attributes: fc.dictionary(fc.stringMatching(/^col_[a-z]$/), text, { noNullPrototype: true }),
      logits: fc.tuple(
        fc.float({ min: -9, max: 9, noNaN: true }),
        fc.float({ min: -9, max: 9, noNaN: true }),
        fc.float({ min: -9, max: 9, noNaN: true }),
      ),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), fc.boolean(), (rows, coarse) => {
        const examples = rows.map(({ id, path: file, label, lesionId, attributes }) => ({
          id,
          path: file,
          attributes,
          ...(label === undefined ? {} : { label }),
          ...(lesionId === undefined ? {} : { lesionId }),
        }));
        const probabilities = Float32Array.from(
          rows.flatMap(({ logits }) => {
            const e = logits.map(Math.exp);
            return e.map((v) => v / e.reduce((a, b) => a + b));
          }),
        );
        writePredictions(path, {
          labels: ['bcc', 'mel', 'nv'],
          examples,
          probabilities,
          taxonomy: coarse ? taxonomy : undefined,
        });
        const back = readPredictions(path);
        expect(back.labels).toEqual(['bcc', 'mel', 'nv']);
        expect(back.examples).toEqual(examples);
        expect(back.probabilities).toEqual(probabilities);
        expect(back.positive === undefined).toBe(!coarse);
      }),
      { numRuns: 60 },
    );
  });

  it('says what is wrong with a file', () => {
    expect(() => readPredictions(join(folder, 'absent.csv'))).toThrow(DataError);
    const wrong = (content: string, message: string): void => {
      writeFileSync(path, content);
      expect(() => readPredictions(path)).toThrow(message);
    };
    wrong('', 'expected the columns id, path, label');
    wrong('id,path,label,p_a,p_b\n', 'expected the columns id, path, label');
    wrong('id,path,label,p_a,age,predicted\n', 'expected the columns id, path, label');
    wrong(
      'id,path,label,p_a,p_b,predicted\nx,x,a,0.5,much,a\n',
      'predictions.csv:2, p_b: expected a number, got "much"',
    );
    wrong('id,path,label,p_a,p_b,predicted\nx,x,a,0.5\n', 'expected a CSV table');
  });
});
