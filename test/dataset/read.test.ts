import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NevusError } from '../../src/core/errors.ts';
import { formatCsv } from '../../src/dataset/csv-text.ts';
import { type ReadOptions, readDataset } from '../../src/dataset/read.ts';
import { SHARED } from '../shared.ts';
import { folderWith, named } from './folder.ts';

const HAM10000 = join(SHARED, 'data/ham10000');
const ISIC2017 = join(SHARED, 'data/isic2017');

async function errorOf(path: string, options: ReadOptions = {}): Promise<NevusError> {
  const error: unknown = await readDataset(path, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof NevusError) return error;
  throw new Error(`expected a NevusError, got ${String(error)}`);
}

describe('folders', () => {
  it('reads class folders to any depth, in one order, and names the strays', async () => {
    const root = folderWith(
      named('nv/b.JPG', 'nv/a.png', 'mel/deep/er/c.tiff', 'mel/notes.txt', 'mel/d.heic', '.DS_Store', 'stray.jpg'),
    );
    const data = await readDataset(root);
    expect(data.format).toBe('folders');
    expect(data.labels).toEqual(['mel', 'nv']);
    expect(data.examples.map(({ id, label }) => [id, label])).toEqual([
      ['mel/deep/er/c.tiff', 'mel'],
      ['nv/a.png', 'nv'],
      ['nv/b.JPG', 'nv'],
    ]);
    expect(data.examples[1]?.path).toBe(join(root, 'nv/a.png'));
    expect(data.problems.map(({ kind, where }) => [kind, where])).toEqual([
      ['unreadable', 'mel/d.heic'],
      ['no-label', 'stray.jpg'],
    ]);
    expect(data.taxonomy?.positiveLabels).toEqual(['mel']);
  });

  it('reads splits under any of their names', async () => {
    const root = folderWith(named('Train/a/1.jpg', 'Train/b/1.jpg', 'valid/a/1.jpg', 'test/b/1.jpg', 'docs/x/1.jpg'));
    const data = await readDataset(root);
    expect(data.format).toBe('split-folders');
    expect(data.examples.map(({ id, split }) => [id, split])).toEqual([
      ['Train/a/1.jpg', 'train'],
      ['Train/b/1.jpg', 'train'],
      ['test/b/1.jpg', 'test'],
      ['valid/a/1.jpg', 'val'],
    ]);
  });

  it('lets a class be called train', async () => {
    const data = await readDataset(folderWith(named('train/1.jpg', 'car/1.jpg')));
    expect(data.labels).toEqual(['car', 'train']);
    expect(data.examples.every(({ split }) => split === undefined)).toBe(true);
  });

  it('says what is wrong', async () => {
    expect((await errorOf('/nowhere/at/all')).code).toBe('data/not-found');
    expect((await errorOf('/nowhere/at/all')).exitCode).toBe(2);
    expect((await errorOf(folderWith())).code).toBe('data/empty');
    expect((await errorOf(folderWith(named('a/x.txt', 'b/')))).code).toBe('data/no-images');
    expect((await errorOf(folderWith(named('1.jpg', '2.jpg')))).code).toBe('data/no-classes');
    expect((await errorOf(folderWith(named('train/1.jpg', 'val/2.jpg')))).code).toBe('data/no-classes');
    expect((await errorOf(folderWith(named('data/1.jpg')))).code).toBe('data/one-class');
    expect((await errorOf(join(folderWith(named('a.jpg')), 'a.jpg'))).code).toBe('data/format');
    expect((await errorOf(folderWith(named('a/1.jpg', 'b/1.jpg')), { label: 'dx' })).code).toBe('data/no-table');
    expect((await readDataset(folderWith(named('data/1.jpg')), { minLabels: 1 })).labels).toEqual(['data']);
  });
});

describe('CSV', () => {
  it('understands byte-order mark, CRLF, quotes, and every way to name a file', async () => {
    const root = folderWith({
      'labels.csv':
        '\uFEFFImage,Label,Lesion ID,patient_id,source,split,note\r\n' +
        'pics/a.jpg,mel,L1,P1,ward,train,"one, ""two"""\r\n' +
        'b,nv,L2,unknown,,Validation,\r\n' +
        'pics\\c,nv,,NA,web,valid,x\r\n' +
        'd.png, nv ,L3,P2,web,test\r\n',
      ...named('pics/a.jpg', 'pics/b.JPEG', 'pics/c.webp', 'elsewhere/deep/d.png'),
    });
    const data = await readDataset(root);
    expect(data.format).toBe('csv');
    expect(data.problems).toEqual([]);
    expect(data.examples).toEqual([
      {
        id: 'pics/a.jpg',
        path: join(root, 'pics/a.jpg'),
        label: 'mel',
        lesionId: 'L1',
        patientId: 'P1',
        source: 'ward',
        split: 'train',
        attributes: { note: 'one, "two"' },
      },
      {
        id: 'pics/b.JPEG',
        path: join(root, 'pics/b.JPEG'),
        label: 'nv',
        lesionId: 'L2',
        split: 'val',
        attributes: { note: '' },
      },
      {
        id: 'pics/c.webp',
        path: join(root, 'pics/c.webp'),
        label: 'nv',
        source: 'web',
        split: 'val',
        attributes: { note: 'x' },
      },
      {
        id: 'elsewhere/deep/d.png',
        path: join(root, 'elsewhere/deep/d.png'),
        label: 'nv',
        lesionId: 'L3',
        patientId: 'P2',
        source: 'web',
        split: 'test',
        attributes: { note: '' },
      },
    ]);
  });

  it('reads a table with id and file, as phantoms have it', async () => {
    const root = folderWith({
      'phantoms.csv':
        'image_id,image,label,lesion_id,patient_id,source,ita\nP1,images/P1.png,benign,L1,H1,a,41.2\nP2,images/P2.png,malignant,L2,H2,b,-5\n',
      ...named('images/P1.png', 'images/P2.png'),
    });
    const data = await readDataset(root);
    expect(data.examples.map(({ id }) => id)).toEqual(['P1', 'P2']);
    expect(data.examples[1]?.attributes).toEqual({ ita: '-5' });
    expect(data.taxonomy).toEqual({ positive: 'malignant', negative: 'benign', positiveLabels: ['malignant'] });
    expect(await readDataset(join(root, 'phantoms.csv'))).toEqual(data);
  });

  it('takes the columns that are named, and absolute paths', async () => {
    const images = folderWith(named('1.jpg', '2.jpg'));
    const root = folderWith({
      't.csv': `who;where;what;label;visit\nx;${images}/1.jpg;a;1;V1\ny;${images}/2;b;1;V1\n`,
    });
    const options = { label: 'what', image: 'where', group: 'visit', idColumn: 'who' };
    const data = await readDataset(root, options);
    expect(data.labels).toEqual(['a', 'b']);
    expect(data.examples.map(({ id, path, lesionId }) => [id, path, lesionId])).toEqual([
      ['x', join(images, '1.jpg'), 'V1'],
      ['y', join(images, '2.jpg'), 'V1'],
    ]);
    expect(data.examples[0]?.attributes).toEqual({ label: '1' });
    for (const key of ['label', 'image', 'group', 'idColumn'] as const) {
      const error = await errorOf(root, { ...options, [key]: 'whatever' });
      expect([error.code, error.exitCode]).toEqual(['data/unknown-column', 2]);
      expect(error.message).toContain('got: who, where, what, label, visit');
    }
  });

  it('collects the rows that cannot be used', async () => {
    const root = folderWith({
      'labels.csv': [
        'id,file,label',
        '1,1.jpg,a',
        '2,2.jpg,b',
        '3,3.jpg,',
        '4,absent.jpg,a',
        '1,2.jpg,b',
        '6,../1.jpg,a',
        '7,,a',
        '8,twin.jpg,a',
      ].join('\n'),
      ...named('1.jpg', '2.jpg', '3.jpg', 'x/twin.jpg', 'y/twin.jpg'),
    });
    const { examples, problems } = await readDataset(root);
    expect(examples.map(({ id }) => id)).toEqual(['1', '2']);
    expect(problems.map(({ kind, where }) => `${kind} ${where}`)).toEqual([
      'no-label labels.csv:4',
      'missing-file labels.csv:5',
      'duplicate-id labels.csv:6',
      'missing-file labels.csv:7',
      'missing-file labels.csv:8',
      'missing-file labels.csv:9',
    ]);
    expect(problems[2]?.detail).toBe('1 is also at labels.csv:2, where its label is a and not b');
    expect(problems[3]?.detail).toContain("leads out of the data set's folder");
    expect(problems[5]?.detail).toContain('x/twin.jpg, y/twin.jpg');
  });

  it('prefers the file in the folder of its split', async () => {
    const root = folderWith({
      'labels.csv': 'image,label,split\n1,a,train\n1,b,val\n',
      ...named('train/1.jpg', 'valid/1.jpg'),
    });
    const { examples } = await readDataset(root);
    expect(examples.map(({ id }) => id)).toEqual(['train/1.jpg', 'valid/1.jpg']);
  });

  it('says what is wrong', async () => {
    const images = named('images/1.jpg', 'images/2.jpg');
    const code = async (csv: string | Uint8Array): Promise<string> =>
      (await errorOf(folderWith({ 'labels.csv': csv, ...images }))).code;
    expect(await code('image,label\n1,a\n2,a\n')).toBe('data/one-class');
    expect(await code('image,label\n7,a\n8,b\n')).toBe('data/no-images');
    expect(await code('image,outcome\n1,a\n2,b\n')).toBe('data/no-column');
    expect(await code('image,label,label\n1,a,a\n2,b,b\n')).toBe('data/csv');
    expect(await code('image,label\n"1,a\n2,b\n')).toBe('data/csv');
    expect(await code('image,label\n1,a,b\n2,b\n')).toBe('data/csv');
    expect(await code('')).toBe('data/csv');
    expect(await code(Uint8Array.of(0x69, 0x6d, 0x67, 0xe4, 0x2c))).toBe('data/csv');
    expect(await code('image,label,split\n1,a,3\n2,b,4\n')).toBe('data/split');
    expect((await errorOf(folderWith({ 'a.csv': 'image,label\n', 'b.csv': 'image,label\n' }))).code).toBe(
      'data/ambiguous',
    );
    const missing = await errorOf(folderWith({ 'labels.csv': 'image,label\n7,a\n8,b\n', ...images }));
    expect(missing.message).toContain('labels.csv:2  no file 7');
  });

  it('leaves a table alone that lists no images', async () => {
    const root = folderWith({ 'results.csv': 'epoch,loss\n1,2\n', ...named('a/1.jpg', 'b/1.jpg') });
    expect((await readDataset(root)).format).toBe('folders');
  });
});

describe('formatCsv', () => {
  it('is read back as it was', async () => {
    const { parseCsv } = await import('../../src/dataset/csv-text.ts');
    const rows = [
      ['a,b', '"q"', ' padded '],
      ['two\nlines', '', 'ü'],
    ];
    expect(parseCsv(formatCsv(['x', 'y', 'z'], rows), 't').rows.map(({ cells }) => cells)).toEqual(rows);
  });
});

describe('HAM10000', () => {
  const csv =
    'lesion_id,image_id,dx,dx_type,age,sex,localization\nH1,I1,bkl,histo,80.0,male,scalp\nH1,I2,mel,histo,,male,scalp\n';

  it.each([
    ['images', ['images/I1.jpg', 'images/I2.jpg']],
    ['two parts', ['HAM10000_images_part_1/I1.jpg', 'HAM10000_images_part_2/I2.jpg']],
    [
      'two parts twice',
      ['HAM10000_images_part_1/I1.jpg', 'ham10000_images_part_1/I1.jpg', 'ham10000_images_part_2/I2.jpg'],
    ],
    ['beside the table', ['I1.jpg', 'I2.jpg']],
  ])('finds the images: %s', async (_, files) => {
    const root = folderWith({ 'HAM10000_metadata.csv': csv, 'hmnist_28_28_L.csv': 'label\n1\n', ...named(...files) });
    const data = await readDataset(root);
    expect(data.format).toBe('ham10000');
    expect(data.problems).toEqual([]);
    expect(data.examples[0]).toEqual({
      id: 'I1',
      path: join(root, files[0]!),
      label: 'bkl',
      lesionId: 'H1',
      attributes: { dx_type: 'histo', age: '80.0', sex: 'male', localization: 'scalp' },
    });
  });

  it.skipIf(!existsSync(HAM10000))('has 10,015 images of 7,470 lesions in 7 classes', async () => {
    const { examples, labels, problems, taxonomy } = await readDataset(HAM10000);
    expect([examples.length, problems.length, new Set(examples.map(({ lesionId }) => lesionId)).size]).toEqual([
      10_015, 0, 7_470,
    ]);
    expect(labels).toEqual(['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc']);
    expect(labels.map((label) => examples.filter((example) => example.label === label).length)).toEqual([
      327, 514, 1099, 115, 1113, 6705, 142,
    ]);
    expect(taxonomy?.positiveLabels).toEqual(['akiec', 'bcc', 'mel']);
  });
});

describe('ISIC 2017', () => {
  it.skipIf(!existsSync(ISIC2017))('has 2,000 images to train and 150 to validate', async () => {
    const { examples, format, labels, problems } = await readDataset(ISIC2017);
    expect(format).toBe('isic2017');
    expect(problems).toEqual([]);
    expect(labels).toEqual(['melanoma', 'nevus', 'seborrheic_keratosis']);
    expect(['train', 'val'].map((split) => examples.filter((example) => example.split === split).length)).toEqual([
      2000, 150,
    ]);
    expect(Object.keys(examples[0]?.attributes ?? {})).toEqual(['age_approximate', 'sex']);
  });
});
