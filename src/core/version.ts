import { readFileSync } from 'node:fs';

/** Version of nevus, as its package says. */
export const VERSION: string = read();

function read(): string {
  // Two folders up from the source and from the build alike.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  const known = typeof parsed === 'object' && parsed !== null && 'version' in parsed;
  return known && typeof parsed.version === 'string' ? parsed.version : 'unknown';
}
