/** Weights of R, G and B in luma. */
export const LUMA = [0.299, 0.587, 0.114] as const;

/** Luma of Rec. 601, in the unit of its arguments. */
export function luma(r: number, g: number, b: number): number {
  return LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;
}
