const BARS = [...'▁▂▃▄▅▆▇█'];

/**
 * Values as a row of small bars, from the lowest to the highest value. A gap stands for one that is not finite; equal
 * values stand at mid-height.
 *
 * @param width more values than this are averaged in groups. Default 40
 */
export function sparkline(values: readonly number[], width = 40): string {
  const count = Math.min(values.length, width);
  const means = Array.from({ length: count }, (_, k) => {
    const group = values.slice(Math.floor((k * values.length) / count), Math.floor(((k + 1) * values.length) / count));
    return group.reduce((sum, value) => sum + value, 0) / group.length;
  });
  const finite = means.filter(Number.isFinite);
  const min = Math.min(...finite);
  const max = Math.max(...finite);
  return means
    .map((value) => {
      if (!Number.isFinite(value)) return ' ';
      const height = max > min ? (value - min) / (max - min) : 0.5;
      return BARS[Math.min(BARS.length - 1, Math.floor(height * BARS.length))]!;
    })
    .join('');
}
