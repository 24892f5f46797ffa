import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, workplace } from './nevus.ts';
import { TINY_CONFIG, writeTinyBackbone } from './tiny-backbone.ts';

const at = workplace();
let images: readonly Buffer[];

/** Class folders with so many pictures each. */
function classes(name: string, counts: Readonly<Record<string, number>>): void {
  let next = 0;
  for (const [label, count] of Object.entries(counts)) {
    mkdirSync(at.path(name, label), { recursive: true });
    for (let i = 0; i < count; i++) writeFileSync(at.path(name, label, `${i}.jpg`), images[next++ % images.length]!);
  }
}

/** Sound pictures in two classes, and one file more. */
function withFile(name: string, file: string, content: Uint8Array | string): void {
  classes(name, { benign: 6, malignant: 6 });
  writeFileSync(at.path(name, 'benign', file), content);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, check]);
}

/** CRC-32 as PNG has it; Node's own came with 22.2. */
function crc(data: Buffer): number {
  if (typeof crc32 === 'function') return crc32(data);
  let value = 0xffffffff;
  for (const byte of data) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}

/** A picture of a few bytes that says it is 50,000 × 50,000. */
function bomb(): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(50_000, 0);
  header.writeUInt32BE(50_000, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    pngChunk('IDAT', Buffer.alloc(16)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** One message, perhaps with a hint, and nothing of how the program is built. */
function expectError({ code, stderr }: Ended, status: number, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(code).toBe(status);
  expect(stderr.match(/^error: /gm)).toHaveLength(1);
  expect(stderr).toMatch(/^error: .*\n(.*\n)*?(hint: .*\n)?$/);
  expect(stderr).not.toMatch(/^\s+at |internal error|node:internal|\.js:\d+/m);
}

beforeAll(async () => {
  const drawn = await at.nevus('phantom', 'data', '--count', '40', '--seed', '1', '--size', '64');
  expect(drawn).toMatchObject({ code: 0, stderr: '' });
  images = readdirSync(at.path('data', 'images')).map((name) => readFileSync(at.path('data', 'images', name)));
  writeTinyBackbone(at.path('tiny.onnx'));
  writeFileSync(at.path('tiny.yaml'), TINY_CONFIG);
});

describe('data that cannot be trained on', () => {
  it.each<[string, number, RegExp, () => void, string[]?]>([
    ['no such folder', 2, /nowhere: expected a data set: ENOENT/, () => undefined],
    ['an empty folder', 3, /expected images, got an empty folder/, () => mkdirSync(at.path('an empty folder'))],
    [
      'one class only',
      3,
      /expected at least 2 classes, got one, "benign" \(5 images\)/,
      () => classes('one class only', { benign: 5 }),
    ],
    [
      'three images',
      3,
      /expected at least 3 different images of every class/,
      () => classes('three images', { a: 2, b: 1 }),
    ],
    ['a class with one image', 3, /"rare" has 1 image$/m, () => classes('a class with one image', { nv: 9, rare: 1 })],
    [
      'a class with one lesion',
      3,
      /expected at least 3 different lesions of every class.*; "mel" has 1 lesion \(4 images\)/,
      () => {
        cpSync(at.path('data', 'images'), at.path('a class with one lesion', 'images'), { recursive: true });
        const rows = images.slice(0, 12).map((_, i) => {
          const id = `phantom-${String(i + 1).padStart(5, '0')}`;
          return `images/${id}.jpg,${i < 4 ? 'mel' : 'nv'},${i < 4 ? 'only' : id}`;
        });
        writeFileSync(at.path('a class with one lesion', 'table.csv'), `image,label,lesion_id\n${rows.join('\n')}\n`);
      },
    ],
    [
      'a table that names missing files',
      3,
      /missing-file .*gone-1\.jpg/,
      () => {
        mkdirSync(at.path('a table that names missing files'));
        const rows = ['image,label', 'gone-1.jpg,nv', 'gone-2.jpg,mel', 'gone-3.jpg,mel'];
        writeFileSync(at.path('a table that names missing files', 'table.csv'), rows.join('\n'));
      },
    ],
    [
      'an unknown label column',
      2,
      /diagnosis/,
      () => cpSync(at.path('data'), at.path('an unknown label column'), { recursive: true }),
      ['--label', 'diagnosis'],
    ],
    [
      'a truncated JPEG',
      3,
      /unreadable .*cut\.jpg/,
      () => withFile('a truncated JPEG', 'cut.jpg', images[0]!.subarray(0, images[0]!.length / 2)),
    ],
    [
      'a text file named jpg',
      3,
      /unreadable .*note\.jpg .*expected JPEG, PNG, WebP, TIFF, BMP or DICOM/,
      () => withFile('a text file named jpg', 'note.jpg', 'Dear reader,'),
    ],
    [
      'an image bomb',
      3,
      /unreadable .*bomb\.png .*50,?000 × 50,?000/,
      () => withFile('an image bomb', 'bomb.png', bomb()),
    ],
  ])('%s', async (name, status, message, make, flags = []) => {
    make();
    const data = name === 'no such folder' ? 'nowhere' : name;
    const ended = await at.nevus('train', data, '--config', 'tiny.yaml', '--out', 'never', ...flags);
    expectError(ended, status, message);
    // A run that never began is not in the way of the next.
    expect(readdirSync(at.folder)).not.toContain('never');
  });

  it('two bad files of many are named, and left out', async () => {
    classes('mostly sound', { benign: 30, malignant: 30 });
    writeFileSync(at.path('mostly sound', 'benign', 'bomb.png'), bomb());
    writeFileSync(at.path('mostly sound', 'benign', 'note.jpg'), 'Dear reader,');
    const { code, stdout } = await at.nevus(
      'train',
      'mostly sound',
      '--config',
      'tiny.yaml',
      '--out',
      'sound',
      '--schedule',
      'none',
    );
    expect(stdout).toMatch(/warning: .*unreadable .*bomb\.png(.*\n)*.*note\.jpg(.*\n)*.*2 left out: 2 unreadable/);
    expect(code).toBe(0);
  });
});

describe('settings that do not fit', () => {
  it.each<[string, number, RegExp, string[]]>([
    ['an unknown backbone', 2, /expected one of resnet50, inception_v3, .*, got vgg99/, ['--backbone', 'vgg99']],
    ['an unknown cut', 2, /expected a cut point of tiny, got block_9|expected a cut among/, ['--cut', 'block_9']],
    ['a text file as a backbone', 4, /text\.onnx/, ['--backbone', 'text.onnx']],
    [
      'a backbone file that is missing',
      2,
      /gone\.onnx: cannot be read: ENOENT|got .*gone\.onnx/,
      ['--backbone', 'gone.onnx'],
    ],
    ['a word for a number', 2, /'--seed <n>' argument 'one' is invalid\. Expected a whole number/, ['--seed', 'one']],
    ['a number out of range', 2, /command line: .*\n {2}views: /, ['--views', '0']],
    ['a word that is none of the choices', 2, /Allowed choices are quick, standard/, ['--preset', 'slow']],
    ['an unknown option', 2, /unknown option '--batches'/, ['--batches', '3']],
    [
      'a source that no image comes from',
      2,
      /expected a validation source that images come from, got "site-z"/,
      ['--validation-source', 'site-z'],
    ],
    [
      'features that do not fit under the limit',
      6,
      /the features need .* GB, the limit is/,
      ['--cache-limit', '0.00001'],
    ],
    ['an output folder below a file', 6, /expected a folder, got a file/, ['--out', 'tiny.yaml/run']],
    ['an output folder that cannot be', 6, /\/proc/, ['--out', '/proc/nevus']],
    ['an output folder with files', 2, /expected a new or empty folder, got one that holds files/, ['--out', 'data']],
    ['a config that is no YAML', 2, /broken\.yaml: cannot be read/, ['--config', 'broken.yaml']],
    ['a config with an unknown setting', 2, /unknown\.yaml: .*\n {2}.*"epocks"/, ['--config', 'unknown.yaml']],
    ['a config that is missing', 2, /gone\.yaml: cannot be read: ENOENT/, ['--config', 'gone.yaml']],
  ])('%s', async (_, status, message, flags) => {
    writeFileSync(at.path('text.onnx'), 'Dear reader,');
    writeFileSync(at.path('broken.yaml'), 'a: [1, 2\nb: }');
    writeFileSync(at.path('unknown.yaml'), 'epocks: 3\n');
    const out = `out-${Math.abs(message.source.length)}`;
    expectError(await at.nevus('train', 'data', '--config', 'tiny.yaml', '--out', out, ...flags), status, message);
  });

  it('no data', async () => {
    expectError(await at.nevus('train', '--config', 'tiny.yaml'), 2, /expected a data set, got none/);
  });

  it('a run that is there already', async () => {
    const ended = await at.nevus(
      'train',
      'data',
      '--config',
      'tiny.yaml',
      '--out',
      'taken',
      '--schedule',
      'none',
      '--quiet',
    );
    expect(ended.code).toBe(0);
    const again = await at.nevus('train', 'data', '--config', 'tiny.yaml', '--out', 'taken');
    expectError(
      again,
      2,
      /taken: expected a new or empty folder, got one that holds a run\nhint: .*nevus train --resume taken/,
    );
  });

  it('an unknown command, and none', async () => {
    expectError(await at.nevus('trian'), 2, /unknown command 'trian'/);
    const none = await at.nevus();
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/^Usage: nevus/);
    expect(await at.nevus('--help')).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('models that are none', () => {
  it.each<[string, RegExp, string]>([
    ['a backbone', /expected a model made by nevus: input image uint8/, 'tiny.onnx'],
    ['a text file', /letter\.onnx/, 'letter.onnx'],
    ['a missing file', /gone\.onnx: expected a model, got no such file/, 'gone.onnx'],
    ['a folder that is no run', /model\.onnx: expected a model, got no such file/, 'data'],
  ])('%s', async (_, message, model) => {
    writeFileSync(at.path('letter.onnx'), 'Dear reader,');
    expectError(await at.nevus('predict', model, 'data/images/phantom-00001.jpg'), 4, message);
  });
});

/** A file system of a few kilobytes; only the superuser may make one. */
const disk = at.path('disk');
mkdirSync(disk);
const hasDisk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'nevus-test', disk]).status === 0;

afterAll(() => {
  if (hasDisk) spawnSync('umount', [disk]);
});

describe.skipIf(!hasDisk)('a full disk (needs the right to mount one)', () => {
  it('under the run: says so, and the run can go on when there is space', async () => {
    const ended = await at.nevus('train', 'data', '--config', 'tiny.yaml', '--out', 'disk/run', '--quiet');
    expectError(ended, 6, /disk\/run.*: no space left on the disk\nhint: Free some space/);
    spawnSync('mount', ['-o', 'remount,size=64m', disk]);
    expect(await at.nevus('train', '--resume', 'disk/run', '--quiet')).toMatchObject({ code: 0, stderr: '' });
    spawnSync('mount', ['-o', 'remount,size=64k', disk]);
  });

  it('under the cache: says so before the first feature', async () => {
    const ended = await at.start(['train', 'data', '--config', 'tiny.yaml', '--out', 'roomy', '--quiet'], {
      NEVUS_CACHE: at.path('disk', 'cache'),
    }).ended;
    expectError(ended, 6, /the features need .* are free\nhint: .*NEVUS_CACHE/);
  });
});
