/** An axis. */
export interface Scale {
  readonly label: string;
  readonly low: number;
  /** Above `low`. */
  readonly high: number;
  readonly format: (value: number) => string;
  /** Both ends are then above 0. Default false. */
  readonly logarithmic?: boolean;
}

/** From 0 to 1, in per cent. */
export function shareScale(label: string, low = 0, high = 1): Scale {
  return { label, low, high, format: (v) => `${Math.round(100 * v)} %` };
}

/** A scale with round ends around some values. */
export function scaleAround(label: string, values: readonly number[]): Scale {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  // Values that differ by rounding only are one value.
  if (finite.length === 0 || high - low <= 1e-9 * Math.max(1e-290, Math.abs(low), Math.abs(high))) {
    const middle = finite.length === 0 ? 0 : low;
    const half = Math.max(1, Math.abs(middle) / 2);
    return { label, low: middle - half, high: middle + half, format: shortNumber };
  }
  const step = roundStep((high - low) / 4);
  return { label, low: Math.floor(low / step) * step, high: Math.ceil(high / step) * step, format: shortNumber };
}

/** Round values along an axis: four to eight of them. */
export function ticksOf({ low, high, logarithmic = false }: Scale): number[] {
  if (logarithmic) {
    const from = Math.ceil(Math.log10(low) - 1e-9);
    const to = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((to - from) / 6));
    return Array.from({ length: Math.max(0, Math.floor((to - from) / every) + 1) }, (_, k) => 10 ** (from + k * every));
  }
  const step = roundStep((high - low) / 5);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
}

/** 1, 2 or 5 times a power of ten, at least this. */
function roundStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  const factor = [1, 2, 5, 10].find((f) => f * power >= atLeast * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}
