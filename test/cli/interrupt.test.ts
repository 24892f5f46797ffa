import { expect, it } from 'vitest';
import { listenForInterrupt } from '../../src/cli/interrupt.ts';

it('hears the first Ctrl-C, and leaves the second to the system', () => {
  const before = process.listeners('SIGINT');
  let told = 0;
  const { signal, release } = listenForInterrupt(() => {
    told++;
  });
  const [heard] = process.listeners('SIGINT').filter((listener) => !before.includes(listener));
  expect(signal.aborted).toBe(false);
  heard?.('SIGINT');
  expect({ told, aborted: signal.aborted }).toEqual({ told: 1, aborted: true });
  // Without a listener, the signal ends the process.
  expect(process.listeners('SIGINT')).toEqual(before);
  release();
  expect(process.listeners('SIGINT')).toEqual(before);
});

it('stops listening when it is over', () => {
  const before = process.listeners('SIGTERM').length;
  const { signal, release } = listenForInterrupt(() => undefined);
  release();
  expect(process.listeners('SIGTERM')).toHaveLength(before);
  expect(signal.aborted).toBe(false);
});
