import { readFileSync } from 'node:fs';
import { rngOf } from '../src/core/rng.ts';
import { findNearDuplicates } from '../src/dataset/duplicates/find.ts';
import { type Signature, signatureOf } from '../src/dataset/duplicates/signature.ts';
import { readDataset } from '../src/dataset/read.ts';
import { decodeImage } from '../src/image/decode.ts';
import { COPY_KINDS, copyOf } from './copies.ts';

/**
 * Precision and recall of the search for near-duplicates on a labelled set: one image each of different lesions, and a copy of every
 * kind of each. A pair is right if both come from the same original.
 */
async function benchDuplicates(data: string, count = '300', seed = '1'): Promise<void> {
  const { examples } = await readDataset(data);
  const lesions = new Set<string>();
  const single = examples.filter(({ id, lesionId = id }) => !lesions.has(lesionId) && lesions.add(lesionId));
  const step = single.length / Math.min(Number(count), single.length);
  const originals = Array.from(
    { length: Math.min(Number(count), single.length) },
    (_, i) => single[Math.floor(i * step)]!,
  );

  const signatures: Signature[] = [];
  const items: { readonly original: number; readonly kind: string }[] = [];
  for (const [original, { id, path }] of originals.entries()) {
    const file = readFileSync(path);
    signatures.push(signatureOf(await decodeImage(file)));
    items.push({ original, kind: 'original' });
    for (const kind of COPY_KINDS) {
      const copy = await copyOf(file, kind, rngOf(Number(seed), 'copy', id, kind));
      signatures.push(signatureOf(await decodeImage(copy)));
      items.push({ original, kind });
    }
  }
  const began = performance.now();
  const { pairs, candidates, distances } = await findNearDuplicates(signatures);
  const seconds = (performance.now() - began) / 1000;

  console.log(
    `${originals.length} originals, ${signatures.length} images, ${candidates} candidates, ${distances} distances, ${seconds.toFixed(1)} s`,
  );
  console.log('kind         recall  precision');
  for (const kind of [...COPY_KINDS, 'all']) {
    // Pairs of an original and a copy of this kind; in the last line pairs of any two images.
    const own = pairs.filter(({ a, b }) => {
      const kinds = [items[a]!.kind, items[b]!.kind];
      return kind === 'all' || (kinds.includes('original') && kinds.includes(kind));
    });
    const right = own.filter(({ a, b }) => items[a]!.original === items[b]!.original).length;
    const perOriginal = kind === 'all' ? ((COPY_KINDS.length + 1) * COPY_KINDS.length) / 2 : 1;
    const recall = right / (originals.length * perOriginal);
    console.log(`${kind.padEnd(11)}  ${recall.toFixed(4)}  ${(own.length === 0 ? 1 : right / own.length).toFixed(4)}`);
  }
  for (const { a, b, correlation, detail } of pairs) {
    if (items[a]!.original === items[b]!.original) continue;
    const name = (i: number): string => `${originals[items[i]!.original]!.id} ${items[i]!.kind}`;
    console.log(`wrong: ${name(a)}, ${name(b)}: ${correlation.toFixed(3)}, ${detail.toFixed(3)}`);
  }
}

const [data, ...settings] = process.argv.slice(2);
if (data === undefined) console.log('npx tsx bench/duplicates.ts DATA [originals] [seed]');
else await benchDuplicates(data, ...settings);
