/**
 * The class with the highest probability in each row; of equals, the first.
 *
 * @param probabilities [n × classes], row-major
 * @returns int32 [n]
 */
export function argmaxRows(probabilities: ArrayLike<number>, classes: number): Int32Array {
  const out = new Int32Array(probabilities.length / classes);
  for (let row = 0; row < out.length; row++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (probabilities[row * classes + c]! > probabilities[row * classes + best]!) best = c;
    }
    out[row] = best;
  }
  return out;
}
