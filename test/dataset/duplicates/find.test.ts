import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COPY_KINDS, copyOf } from '../../../bench/copies.ts';
import { rngOf } from '../../../src/core/rng.ts';
import { findNearDuplicates } from '../../../src/dataset/duplicates/find.ts';
import { type Signature, signatureOf } from '../../../src/dataset/duplicates/signature.ts';
import { drawPhantom } from '../../../src/dataset/phantoms/draw.ts';
import { planPhantoms } from '../../../src/dataset/phantoms/plan.ts';
import { decodeImage } from '../../../src/image/decode.ts';
import { encodePng } from '../../../src/image/encode.ts';
import { SHARED } from '../../shared.ts';

/** The copies that are missed, the copies that are found and the pairs that are none. */
async function judge(files: readonly Uint8Array[], names: readonly string[] = []) {
  const signatures: Signature[] = [];
  const items: { readonly original: number; readonly kind: string }[] = [];
  for (const [original, file] of files.entries()) {
    signatures.push(signatureOf(await decodeImage(file)));
    items.push({ original, kind: 'original' });
    for (const kind of COPY_KINDS) {
      signatures.push(signatureOf(await decodeImage(await copyOf(file, kind, rngOf(3, 'copy', original, kind)))));
      items.push({ original, kind });
    }
  }
  const { pairs } = await findNearDuplicates(signatures);
  const found = new Set(
    pairs.flatMap(({ a, b }) => (items[a]!.kind === 'original' ? [`${items[a]!.original} ${items[b]!.kind}`] : [])),
  );
  const wrong = pairs.filter(({ a, b }) => items[a]!.original !== items[b]!.original);
  const missed = files.flatMap((_, i) =>
    COPY_KINDS.filter((kind) => kind !== 'brightness' && !found.has(`${i} ${kind}`)).map(
      (kind) => `${names[i] ?? i} ${kind}`,
    ),
  );
  return { missed, wrong };
}

describe('findNearDuplicates', () => {
  it('finds resized, cropped, compressed, mirrored and turned copies of phantoms, and nothing else', async () => {
    const shots = planPhantoms({ count: 40, seed: 5 });
    const files = await Promise.all(
      shots.slice(0, 12).map((shot) => encodePng(drawPhantom(shot, { seed: 5, size: 256 }))),
    );
    const { missed, wrong } = await judge(files);
    expect(missed).toEqual([]);
    expect(wrong).toEqual([]);
  });

  const images = join(SHARED, 'data/ham10000/images');
  it.skipIf(!existsSync(images))('and of dermoscopy images', async () => {
    const names = Array.from({ length: 24 }, (_, i) => `ISIC_${String(24310 + 331 * i).padStart(7, '0')}`);
    const { missed, wrong } = await judge(
      names.map((name) => readFileSync(join(images, `${name}.jpg`))),
      names,
    );
    expect(missed).toEqual([]);
    expect(wrong).toEqual([]);
  });

  it('takes images without contrast for no copies, and stops when asked', async () => {
    const flat = signatureOf({ width: 8, height: 8, data: new Uint8Array(192).fill(90) });
    expect((await findNearDuplicates([flat, flat])).pairs).toEqual([]);
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
    const textured = signatureOf({ width: 64, height: 64, data: noise });
    expect((await findNearDuplicates([textured, textured])).pairs).toHaveLength(1);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(findNearDuplicates([textured, textured], { signal })).rejects.toThrow('enough');
  });
});
