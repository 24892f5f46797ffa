import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, UsageError } from '../../src/core/errors.ts';
import { proveNoOverlap } from '../../src/dataset/overlap.ts';
import { type SplitOptions, splitDataset } from '../../src/dataset/split.ts';
import { readSplits, writeSplits } from '../../src/dataset/splits-file.ts';
import { type Example, SPLITS, type Split } from '../../src/dataset/types.ts';
import { folderWith } from './folder.ts';

type Wish = Partial<Omit<Example, 'id' | 'path' | 'attributes'>>;

function example(id: string | number, wish: Wish = {}): Example {
  return { id: String(id), path: `/data/${id}.jpg`, label: 'a', attributes: {}, ...wish };
}

/** n examples, each its own lesion, with labels in turn. */
function lesions(n: number, labels: readonly string[] = ['a', 'b']): Example[] {
  return Array.from({ length: n }, (_, i) => example(i, { lesionId: `L${i}`, label: labels[i % labels.length]! }));
}

function countOf(splits: ReadonlyMap<string, Split>, split: Split): number {
  return [...splits.values()].filter((one) => one === split).length;
}

function codeOf(examples: readonly Example[], options: Partial<SplitOptions> = {}): string {
  try {
    splitDataset(examples, { seed: 1, ...options });
    return 'split';
  } catch (error) {
    return error instanceof DataError || error instanceof UsageError ? error.code : String(error);
  }
}

/** Examples with lesions and patients that overlap in any way, and some without either. */
const tangled = fc
  .array(
    fc.record({
      lesion: fc.option(fc.nat(60), { nil: undefined }),
      patient: fc.option(fc.nat(80), { nil: undefined }),
      hash: fc.nat(90),
    }),
    { minLength: 120, maxLength: 200 },
  )
  .map((rows) =>
    rows.map(({ lesion, patient, hash }, i) => ({
      hash: `h${hash}`,
      example: example(i, {
        ...(lesion === undefined ? {} : { lesionId: `L${lesion}` }),
        ...(patient === undefined ? {} : { patientId: `P${patient}` }),
      }),
    })),
  );

describe('splitDataset', () => {
  it('never has a lesion, patient or file on two sides, however they are tangled', () => {
    fc.assert(
      fc.property(tangled, fc.integer(), (rows, seed) => {
        const examples = rows.map((row) => row.example);
        const sha256Of = (id: string): string | undefined => rows[Number(id)]?.hash;
        let splits: Map<string, Split>;
        try {
          splits = splitDataset(examples, { seed, sha256Of });
        } catch (error) {
          // Everything may hang together in one or two groups.
          expect(error instanceof DataError && error.code).toBe('split/too-few');
          return;
        }
        expect([...splits.keys()]).toEqual(examples.map(({ id }) => id));
        proveNoOverlap(splits, examples, sha256Of);
      }),
      { numRuns: 40 },
    );
  });

  it('never moves an old group when images are added', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 200, max: 500 }), (seed, n) => {
        const all = lesions(600);
        const later = splitDataset([...all.slice(n), ...all.slice(0, n)], { seed });
        const before = splitDataset(all.slice(0, n), { seed });
        // With 100 groups of a class and more, no split lacks a class, and none needs a repair.
        const moved = [...before].filter(([id, split]) => later.get(id) !== split).length;
        expect(moved).toBe(0);
      }),
      { numRuns: 30 },
    );
    const more = lesions(400).flatMap((one) => [one, { ...one, id: `${one.id}-again` }]);
    const splits = splitDataset(more, { seed: 3 });
    for (const [id, split] of splitDataset(lesions(400), { seed: 3 })) {
      expect([splits.get(id), splits.get(`${id}-again`)]).toEqual([split, split]);
    }
  });

  it('keeps to the fractions and the classes on average', () => {
    const n = 6000;
    const examples = lesions(n, ['a', 'a', 'b']);
    const splits = splitDataset(examples, { seed: 7 });
    for (const label of ['a', 'b']) {
      const ids = examples.filter((one) => one.label === label).map(({ id }) => id);
      for (const [split, share] of [
        ['train', 0.7],
        ['val', 0.15],
        ['test', 0.15],
      ] as const) {
        const got = ids.filter((id) => splits.get(id) === split).length;
        // Four standard deviations of a binomial.
        const tolerance = 4 * Math.sqrt(ids.length * share * (1 - share));
        expect(Math.abs(got - ids.length * share)).toBeLessThan(tolerance);
      }
    }
  });

  it('is the same for the same seed and another for another, in any order of the examples', () => {
    const examples = lesions(200);
    const splits = splitDataset(examples, { seed: 1 });
    expect(splitDataset(examples, { seed: 1 })).toEqual(splits);
    expect(new Map(splitDataset([...examples].reverse(), { seed: 1 }))).toEqual(splits);
    expect(splitDataset(examples, { seed: 2 })).not.toEqual(splits);
  });

  it('brings every class into every split from three groups on', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.integer({ min: 3, max: 12 }), { minLength: 2, maxLength: 5 }),
        (seed, sizes) => {
          const examples = sizes.flatMap((size, c) =>
            Array.from({ length: size }, (_, i) => example(`${c}-${i}`, { label: `c${c}` })),
          );
          const splits = splitDataset(examples, { seed });
          sizes.forEach((_, c) => {
            const got = new Set(examples.filter(({ label }) => label === `c${c}`).map(({ id }) => splits.get(id)));
            expect(got.size).toBe(3);
          });
        },
      ),
    );
  });

  it('repairs as little as it can', () => {
    // Enough groups to need a repair in some seeds: then exactly the missing splits' worth of groups has moved.
    for (let seed = 0; seed < 30; seed++) {
      const few = lesions(8, ['a']);
      const repaired = splitDataset(few, { seed });
      // Among many others the same groups lie where their hash says.
      const plain = splitDataset(lesions(2000, ['a']), { seed });
      const there = new Set(few.map(({ id }) => plain.get(id)));
      const moved = few.filter(({ id }) => repaired.get(id) !== plain.get(id)).length;
      expect(moved).toBe(3 - there.size);
    }
  });

  it('places a file by its content, so that a corrected label leaves it where it is', () => {
    const files = Array.from({ length: 300 }, (_, i) => example(`a/${i}.jpg`, { label: i % 2 ? 'a' : 'b' }));
    const renamed = files.map((one, i) => example(`b/${i}.jpg`, { label: one.label }));
    const sha256Of = (id: string): string => `h${/\d+/.exec(id)?.[0]}`;
    const splits = splitDataset(files, { seed: 1, sha256Of });
    expect([...splitDataset(renamed, { seed: 1, sha256Of }).values()]).toEqual([...splits.values()]);
  });

  it('groups by what it is told to', () => {
    const examples = Array.from({ length: 300 }, (_, i) =>
      example(i, { lesionId: `L${i >> 1}`, patientId: `P${i >> 3}`, label: (i >> 3) % 2 ? 'a' : 'b' }),
    );
    const torn = (groupBy: 'auto' | 'lesion' | 'patient' | 'none', shift: number): boolean => {
      const splits = splitDataset(examples, { seed: 1, groupBy });
      return examples.some(({ id }) => splits.get(id) !== splits.get(String((Number(id) >> shift) << shift)));
    };
    expect([torn('auto', 3), torn('patient', 3), torn('lesion', 1)]).toEqual([false, false, false]);
    expect([torn('lesion', 3), torn('none', 1)]).toEqual([true, true]);
    expect(codeOf([example(1), example(2)], { groupBy: 'lesion' })).toBe('split/no-groups');
  });

  it('leaves a split of fraction 0 empty', () => {
    const splits = splitDataset(lesions(100), { seed: 1, fractions: { train: 0.8, val: 0.2, test: 0 } });
    expect(countOf(splits, 'test')).toBe(0);
    expect(countOf(splits, 'val')).toBeGreaterThan(5);
  });

  it('says what is wrong', () => {
    expect(codeOf([example(1), example(2), example(3, { label: 'b' })])).toBe('split/too-few');
    const one = [
      ...lesions(20, ['a']),
      example('x', { label: 'b', lesionId: 'Lx' }),
      example('y', { label: 'b', lesionId: 'Lx' }),
    ];
    expect(() => splitDataset(one, { seed: 1 })).toThrow('"b" has 1 lesion (2 images)');
    for (const fractions of [
      { train: 0.5, val: 0.2, test: 0.2 },
      { train: 0, val: 0.5, test: 0.5 },
      { train: 1.2, val: -0.1, test: -0.1 },
      { train: Number.NaN, val: 0.5, test: 0.5 },
    ]) {
      expect(codeOf(lesions(50), { fractions })).toBe('split/fractions');
    }
    // Many lesions, but of two patients only.
    const patients = lesions(9).map((e, i) => ({ ...e, patientId: `P${i % 2}` }));
    expect(codeOf(patients)).toBe('split/too-few');
  });
});

describe('splits that the data prescribes', () => {
  const withSplits = (splits: readonly Split[]): Example[] =>
    lesions(600).map((one, i) => ({ ...one, split: splits[i % splits.length]! }));

  it('are obeyed', () => {
    const examples = withSplits(['train', 'train', 'val', 'test', 'train']);
    const splits = splitDataset(examples, { seed: 1 });
    expect(examples.every(({ id, split }) => splits.get(id) === split)).toBe(true);
    expect(splitDataset(examples, { seed: 1, obeyPrescribed: false })).toEqual(splitDataset(lesions(600), { seed: 1 }));
  });

  it.each([
    ['val', 'test'],
    ['test', 'val'],
  ] as const)('that lack one have it carved out of train: %s given, %s missing', (given, missing) => {
    const examples = withSplits(['train', 'train', 'train', given, given]);
    const splits = splitDataset(examples, { seed: 1 });
    for (const { id, split } of examples) {
      expect(split === given ? [given] : ['train', missing]).toContain(splits.get(id));
    }
    // 360 to train · 0.15 / 0.85 ≈ 64, four standard deviations.
    expect(Math.abs(countOf(splits, missing) - 64)).toBeLessThan(29);
  });

  it('lose the few images that are on two sides, and refuse many', () => {
    const examples = withSplits(['train', 'train', 'train', 'val', 'test']);
    const copies: Example[] = [
      example('copy', { split: 'train', lesionId: 'L3' }),
      example('copy of test', { split: 'val', lesionId: 'L4' }),
    ];
    const splits = splitDataset([...examples, ...copies], { seed: 1 });
    expect([splits.get('3'), splits.get('4'), splits.has('copy'), splits.has('copy of test')]).toEqual([
      'val',
      'test',
      false,
      false,
    ]);
    proveNoOverlap(splits, [...examples, ...copies]);
    const torn = examples.map((one, i) => ({ ...one, lesionId: `L${i >> 1}` }));
    expect(codeOf(torn)).toBe('split/overlap');
  });

  it('must be complete, with a train split and every class in it', () => {
    const [first, ...rest] = withSplits(['train', 'val', 'test']);
    expect(codeOf([...rest, lesions(1)[0]!])).toBe('split/prescribed');
    expect(codeOf(withSplits(['val', 'test']))).toBe('split/prescribed');
    expect(codeOf([first!, ...rest, example('new', { label: 'c', split: 'test' })])).toBe('split/class');
  });
});

describe('validationSource', () => {
  const examples = lesions(300).map((one, i) => ({ ...one, source: i % 5 === 0 ? 'web' : 'ward' }));

  it('holds out a whole source', () => {
    const splits = splitDataset(examples, { seed: 1, validationSource: 'web' });
    expect(examples.every(({ id, source }) => (splits.get(id) === 'val') === (source === 'web'))).toBe(true);
    expect(countOf(splits, 'test')).toBeGreaterThan(10);
  });

  it('takes relatives from other sources along', () => {
    const sibling = { ...example('sibling', { lesionId: 'L0' }), source: 'ward' };
    const splits = splitDataset([...examples, sibling], { seed: 1, validationSource: 'web' });
    expect(splits.get('sibling')).toBe('val');
  });

  it('must exist, and leave every class to train on', () => {
    expect(codeOf(examples, { validationSource: 'nowhere' })).toBe('split/source');
    expect(codeOf([...examples, example('z', { label: 'z', source: 'web' })], { validationSource: 'web' })).toBe(
      'split/class',
    );
    expect(
      codeOf(
        examples.map((one) => ({ ...one, split: 'train' as const })),
        { validationSource: 'web' },
      ),
    ).toBe('split/source');
  });
});

describe('proveNoOverlap', () => {
  it('counts what it checked, and finds each kind of overlap', () => {
    const examples = [
      example(1, { lesionId: 'L', patientId: 'P' }),
      example(2, { lesionId: 'L', patientId: 'P' }),
      example(3, { patientId: 'Q' }),
    ];
    const splits = new Map<string, Split>([
      ['1', 'train'],
      ['2', 'train'],
      ['3', 'test'],
    ]);
    expect(proveNoOverlap(splits, examples, (id) => (id === '3' ? 'x' : 'y'))).toEqual({
      lesions: 1,
      patients: 2,
      files: 2,
      copies: 0,
    });
    expect(() => proveNoOverlap(splits, examples, () => 'x')).toThrow('file x: 1 in train, 3 in test');
    splits.set('2', 'val');
    expect(() => proveNoOverlap(splits, examples)).toThrow(/got 2 on two:\nlesion L: .*\npatient P: /);
  });
});

describe('splits.csv', () => {
  it('is read back as it was written', () => {
    const root = folderWith();
    const file = join(root, 'run', 'splits.csv');
    const examples = [
      { ...example('a,"1"', { lesionId: 'L', patientId: 'P' }), path: join(root, 'pics', 'ä 1.jpg') },
      { ...example('b'), path: '/elsewhere/b.jpg' },
      { ...example('left out'), path: join(root, 'c.jpg') },
    ];
    const splits = new Map<string, Split>([
      ['a,"1"', 'val'],
      ['b', 'test'],
    ]);
    writeSplits(file, root, examples, splits);
    expect(readSplits(file, root)).toEqual([
      { id: 'a,"1"', path: join(root, 'pics', 'ä 1.jpg'), label: 'a', lesionId: 'L', patientId: 'P', split: 'val' },
      { id: 'b', path: '/elsewhere/b.jpg', label: 'a', split: 'test' },
    ]);
  });

  it('is refused when it is something else', () => {
    const root = folderWith({
      'a.csv': 'id,split\n1,train\n',
      'b.csv': 'id,path,label,lesion_id,patient_id,split\n1,a.jpg,a,,,maybe\n',
    });
    expect(() => readSplits(join(root, 'a.csv'), root)).toThrow('expected the columns');
    expect(() => readSplits(join(root, 'b.csv'), root)).toThrow('b.csv:2');
    expect(() => readSplits(join(root, 'none.csv'), root)).toThrow(DataError);
  });
});

it('SPLITS is the order in which shares are laid out', () => {
  expect(SPLITS).toEqual(['train', 'val', 'test']);
});
