/**
 * The shortest decimal that reads back as the same float32: `0.1`, not `0.10000000149011612`.
 *
 * @param value rounded to float32 first
 */
export function float32Text(value: number): string {
  const single = Math.fround(value);
  // Nine significant digits always suffice for float32.
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return String(short);
  }
  return String(Number(single.toPrecision(9)));
}
