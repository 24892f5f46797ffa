import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { bandOf } from '../../src/evaluate/band.ts';
import { deLong, deLongInterval95 } from '../../src/evaluate/delong.ts';
import { isDefined, isUndefined } from '../../src/evaluate/metric.ts';
import { type Subgroup, type SubgroupTable, subgroupTable } from '../../src/evaluate/subgroups.ts';
import { compareAucs, compareProportions } from '../../src/evaluate/two-samples.ts';
import { wilsonInterval } from '../../src/evaluate/wilson.ts';

interface Data {
  readonly scores: number[];
  readonly positives: boolean[];
  readonly sex: (string | undefined)[];
  readonly site: string[];
}

/** The model is blind on the sole of the foot, and the same elsewhere. */
function simulated(seed: number, n: number, blind: boolean): Data {
  const rng = rngOf(seed, 'test');
  const rows = Array.from({ length: n }, () => {
    const positive = rng.next() < 0.4;
    const site = ['back', 'face', 'sole'][rng.int(0, 2)]!;
    const gap = blind && site === 'sole' ? 0 : 2;
    return {
      positive,
      site,
      sex: rng.next() < 0.05 ? undefined : rng.next() < 0.5 ? 'female' : 'male',
      score: rng.normal() + (positive ? gap : 0),
    };
  });
  return {
    scores: rows.map((row) => row.score),
    positives: rows.map((row) => row.positive),
    sex: rows.map((row) => row.sex),
    site: rows.map((row) => row.site),
  };
}

function tableOf({ scores, positives, sex, site }: Data, groups?: string[]): SubgroupTable {
  return subgroupTable({ scores, positives, threshold: 1, attributes: { sex, site }, groups });
}

function rowOf(table: SubgroupTable, level: string): Subgroup {
  const row = table.rows.find((r) => r.level === level);
  if (row === undefined) throw new Error(`no ${level}`);
  return row;
}

describe('subgroupTable', () => {
  const data = simulated(1, 600, true);
  const table = tableOf(data);

  it('finds where the model is blind', () => {
    const sole = rowOf(table, 'sole');
    expect(sole.auc.flagged).toBe(true);
    expect(sole.sensitivity.flagged).toBe(true);
    expect(isDefined(sole.auc.gap) && sole.auc.gap).toBeLessThan(-0.15);
    expect(rowOf(table, 'female').auc.flagged).toBe(false);
    expect(rowOf(table, 'male').specificity.flagged).toBe(false);
  });

  it('says of each level what the functions for it say', () => {
    const inside = data.site.flatMap((site, i) => (site === 'face' ? [i] : []));
    const outside = data.site.flatMap((site, i) => (site === 'face' ? [] : [i]));
    const of = (rows: number[]) => [rows.map((i) => data.scores[i]!), rows.map((i) => data.positives[i]!)] as const;
    const face = rowOf(table, 'face');
    const [here, there] = [deLong(...of(inside)), deLong(...of(outside))];
    if (isUndefined(here) || isUndefined(there)) throw new Error('undefined');
    expect(face.auc.value).toBeCloseTo(here.auc, 12);
    expect(face.auc.interval95).toEqual(deLongInterval95(...of(inside)));
    expect(face.auc.pValue).toBe(compareAucs(here, there));
    const hits = (rows: number[]): [number, number] => {
      const sick = rows.filter((i) => data.positives[i]);
      return [sick.filter((i) => data.scores[i]! >= 1).length, sick.length];
    };
    expect(face.sensitivity.interval95).toEqual(wilsonInterval(...hits(inside)));
    expect(face.sensitivity.pValue).toBeCloseTo(Number(compareProportions(...hits(inside), ...hits(outside))), 12);
    expect(face.n).toBe(inside.length);
    expect(face.nPositive).toBe(hits(inside)[1]);
    const share = hits(inside)[1] / inside.length;
    expect(face.prevalence.value).toBeCloseTo(share, 12);
  });

  it('names few examples and what is unknown, and judges neither by name alone', () => {
    const few = subgroupTable({
      scores: data.scores,
      positives: data.positives,
      threshold: 1,
      attributes: {
        age: data.site.map((_, i) => bandOf(i % 50 === 0 ? '' : String((i * 7) % 90))),
        tone: data.site.map(() => undefined),
        rare: data.site.map((_, i) => (i < 19 ? 'yes' : 'no')),
      },
    });
    expect(few.rows.map(({ attribute, level }) => `${attribute} ${level}`)).toEqual([
      'age < 30',
      'age 30 to 49',
      'age 50 to 69',
      'age ≥ 70',
      'tone unknown',
      'rare no',
    ]);
    expect(few.tooSmall).toEqual([
      { attribute: 'age', level: 'unknown', n: 12 },
      { attribute: 'rare', level: 'yes', n: 19 },
    ]);
    expect(few.unknown).toEqual(['tone']);
    expect(rowOf({ ...few, rows: few.rows.filter((r) => r.attribute === 'tone') }, 'unknown').auc.pValue).toEqual({
      undefined: 'the level is the whole',
    });
  });

  it('adjusts all p values together, so that nothing is rarely taken for something', () => {
    let tables = 0;
    for (let seed = 0; seed < 100; seed++) {
      const nothing = tableOf(simulated(100 + seed, 300, false));
      expect(nothing.tests).toBeGreaterThanOrEqual(15);
      if (nothing.rows.some((r) => r.auc.flagged || r.sensitivity.flagged || r.specificity.flagged)) tables++;
    }
    // Expected at most 5 of 100; 12 is beyond three standard errors.
    expect(tables).toBeLessThanOrEqual(12);
  });

  it('takes images of one lesion for one', () => {
    const once = simulated(3, 150, true);
    const twice = <T>(values: readonly T[]): T[] => [...values, ...values];
    const copies: Data = {
      scores: twice(once.scores),
      positives: twice(once.positives),
      sex: twice(once.sex),
      site: twice(once.site),
    };
    const grouped = tableOf(
      copies,
      copies.scores.map((_, i) => `lesion ${i % 150}`),
    );
    const single = tableOf(once);
    for (const level of ['back', 'face', 'sole']) {
      const [a, b] = [rowOf(single, level), rowOf(grouped, level)];
      expect(b.n).toBe(2 * a.n);
      expect(b.nGroups).toBe(a.n);
      if (!isDefined(a.auc.interval95) || !isDefined(b.auc.interval95)) throw new Error('undefined');
      expect(b.auc.interval95[0]).toBeCloseTo(a.auc.interval95[0], 10);
      if (!isDefined(a.specificity.interval95) || !isDefined(b.specificity.interval95)) throw new Error('undefined');
      // But for k / (k − 1), which Rao and Scott have and Wilson has not.
      expect(b.specificity.interval95[0]).toBeCloseTo(a.specificity.interval95[0], 1);
    }
  });

  it('refuses lengths that differ', () => {
    expect(() => subgroupTable({ scores: [1, 2], positives: [0, 1], threshold: 1, attributes: { a: ['x'] } })).toThrow(
      ShapeError,
    );
    expect(() => subgroupTable({ scores: [1, 2], positives: [0], threshold: 1, attributes: {} })).toThrow(ShapeError);
  });
});

describe('bandOf', () => {
  it('has an edge in the band above, and knows what is no number', () => {
    expect(['29.9', '30', '49', '50', '85', '0'].map((age) => bandOf(age))).toEqual([
      '< 30',
      '30 to 49',
      '30 to 49',
      '50 to 69',
      '≥ 70',
      '< 30',
    ]);
    expect([undefined, '', ' ', 'old', 'NaN'].map((age) => bandOf(age))).toEqual(new Array(5).fill(undefined));
    expect(bandOf('7', [5, 10])).toBe('5 to 9');
  });
});
