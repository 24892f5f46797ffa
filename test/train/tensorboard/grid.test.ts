import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { ShapeError, UsageError } from '../../../src/core/errors.ts';
import type { RgbImage } from '../../../src/image/types.ts';
import { imageGrid } from '../../../src/train/tensorboard/grid.ts';

function plain(width: number, height: number, colour: readonly [number, number, number]): RgbImage {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3]!) };
}

async function pixelsOf(png: Uint8Array): Promise<(x: number, y: number) => number[]> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return (x, y) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
}

/** A palette of 256 colours moves a colour a little. */
function near(got: readonly number[], expected: readonly number[]): void {
  got.forEach((value, c) => {
    expect(Math.abs(value - expected[c]!)).toBeLessThanOrEqual(6);
  });
}

describe('imageGrid', () => {
  const blue = plain(60, 60, [20, 40, 200]);
  const wide = plain(80, 20, [250, 220, 60]);

  it('shows each picture whole in its place, with a green or red strip below it', async () => {
    const grid = await imageGrid(
      [blue, wide, blue],
      [
        { text: 'nv → nv 0.97', ok: true },
        { text: 'mel → nv 0.93', ok: false },
        { text: '', ok: true },
      ],
      { columns: 2, tile: 80 },
    );
    expect(await sharp(grid.png).metadata()).toMatchObject({ format: 'png', width: grid.width, height: grid.height });
    expect(grid).toMatchObject({ width: 6 + 2 * 86, height: 6 + 2 * 108 });
    const at = await pixelsOf(grid.png);
    near(at(46, 46), [20, 40, 200]);
    near(at(132, 46), [250, 220, 60]);
    // Above and below the wide picture is the background of its tile; it is not cropped.
    near(at(132, 12), [30, 30, 32]);
    near(at(93, 46), [250, 220, 60]);
    near(at(8, 89), [26, 127, 55]);
    near(at(94, 89), [198, 40, 40]);
    near(at(46, 154), [20, 40, 200]);
    // No fourth picture.
    near(at(132, 154), [244, 244, 242]);
  });

  it('takes any text as text', async () => {
    const text = '<b>&"\u0000\u0007]]>\ud800 → <script>é日 0.50';
    const grid = await imageGrid([blue], [{ text, ok: false }], { tile: 300 });
    expect(grid.width).toBe(312);
  });

  it('keeps long captions inside their tile', async () => {
    const grid = await imageGrid([blue, blue], Array(2).fill({ text: 'W'.repeat(200), ok: true }), {
      columns: 2,
      tile: 80,
    });
    const at = await pixelsOf(grid.png);
    for (let y = 90; y < 105; y++) near(at(88, y), [244, 244, 242]);
  });

  it('gives the same bytes for the same pictures', async () => {
    const of = async () =>
      (
        await imageGrid(
          [blue, wide],
          [
            { text: 'a', ok: true },
            { text: 'b', ok: false },
          ],
        )
      ).png;
    expect(await of()).toEqual(await of());
  });

  it('refuses a wrong number of captions or columns', async () => {
    await expect(imageGrid([], [])).rejects.toThrow(ShapeError);
    await expect(imageGrid([blue], [])).rejects.toThrow(ShapeError);
    await expect(imageGrid([blue], [{ text: '', ok: true }], { columns: 0 })).rejects.toThrow(UsageError);
    await expect(imageGrid([blue], [{ text: '', ok: true }], { tile: 1.5 })).rejects.toThrow(UsageError);
  });
});
