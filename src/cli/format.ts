/** Seconds as `8.3 s`, `2:43` (minutes and seconds) or `1:02:43`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  const rest = two(whole % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** A whole number with commas between thousands. */
export function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** A rate with about three digits. */
export function perSecond(rate: number): string {
  return rate >= 99.95 ? grouped(rate) : rate >= 9.995 ? rate.toFixed(1) : rate.toFixed(2);
}
