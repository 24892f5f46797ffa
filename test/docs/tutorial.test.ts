import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { makePhantoms } from '../../src/dataset/phantoms/make.ts';

const TUTORIAL = fileURLToPath(new URL('../../docs/tutorial.md', import.meta.url));

it('runs line by line, and prints what the page says', async () => {
  const blocks = [...readFileSync(TUTORIAL, 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const code = blocks.filter(([, language]) => language === 'js').map(([, , text]) => text);
  const printed = blocks.filter(([, language]) => language === '').map(([, , text]) => text!);
  expect(code.length).toBeGreaterThan(5);
  expect(printed).toHaveLength(2);

  const folder = mkdtempSync(join(tmpdir(), 'nevus-tutorial-'));
  try {
    // The table does not depend on the size of the pictures, and small ones are drawn fast.
    await makePhantoms(join(folder, 'phantoms'), { count: 400, seed: 1, size: 32 });
    writeFileSync(join(folder, 'tutorial.mjs'), code.join('\n'));
    const output = execFileSync(process.execPath, ['tutorial.mjs'], { cwd: folder, encoding: 'utf8' });
    for (const text of printed) expect(output).toContain(text);
    // What the comments beside the code promise.
    expect(output.split('\n').slice(0, 3)).toEqual(['0.5', '0.693', '0.062']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
