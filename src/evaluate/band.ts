/**
 * The band that a number falls in: `< 30`, `30 to 49`, `50 to 69`, `≥ 70` for edges 30, 50, 70.
 *
 * @param value text of a number, such as an age in years; undefined, empty or no number: unknown
 * @param edges ascending integers. Default 30, 50, 70: of ages
 * @returns undefined where it is unknown
 */
export function bandOf(value: string | undefined, edges: readonly number[] = [30, 50, 70]): string | undefined {
  const number = value === undefined || value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) return undefined;
  const above = edges.filter((edge) => number >= edge).length;
  if (above === 0) return `< ${edges[0]}`;
  if (above === edges.length) return `≥ ${edges.at(-1)}`;
  return `${edges[above - 1]} to ${edges[above]! - 1}`;
}
