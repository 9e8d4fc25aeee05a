// Figures that the page works out itself, of a few hundred values.

/** Mean; NaN of none. */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Median; NaN of none. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Pearson's coefficient; null under three pairs or where one side does not vary. */
export function correlation(xs, ys) {
  if (xs.length < 3) return null;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  let [both, squareX, squareY] = [0, 0, 0];
  xs.forEach((x, index) => {
    const [dx, dy] = [x - meanX, ys[index] - meanY];
    both += dx * dy;
    squareX += dx * dx;
    squareY += dy * dy;
  });
  return squareX > 0 && squareY > 0 ? both / Math.sqrt(squareX * squareY) : null;
}

/** Equal bins about all values: `start` of the first and `width`, a round number, so that bins stay where they are. */
export function bins(values, wanted = 24) {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const raw = (high - low) / wanted || 0.1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const width = power * [1, 2, 5, 10].find((step) => step * power >= raw * 0.999);
  const start = Math.floor(low / width) * width;
  return { start, width, number: Math.floor((high - start) / width) + 1 };
}

/** How many values lie in each bin. */
export function counts(values, { start, width, number }) {
  const found = new Array(number).fill(0);
  for (const value of values) found[Math.min(number - 1, Math.max(0, Math.floor((value - start) / width)))] += 1;
  return found;
}
