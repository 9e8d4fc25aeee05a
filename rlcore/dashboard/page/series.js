// Curves that grow for days and stay small.

/** Points of a curve at most; beyond it, it is thinned. */
const MOST_POINTS = 1600;
/** Single episodes that are shown, at most. */
const MOST_SPREAD = 800;

/**
 * One more point to the right. The same x again replaces its value, an earlier one is old news. `thinned` is how the
 * curve is made small: `outlined` or `spread`.
 */
export function append(series, x, y, thinned = outlined) {
  const last = series.x.length - 1;
  if (last >= 0 && x < series.x[last]) return;
  if (last >= 0 && x === series.x[last]) {
    series.y[last] = y;
    return;
  }
  series.x.push(x);
  series.y.push(y);
  if (series.x.length > MOST_POINTS) Object.assign(series, thinned(series));
}

const picked = ({ x, y }, kept) => ({ x: kept.map((index) => x[index]), y: kept.map((index) => y[index]) });

/**
 * For lines: first and last, and the lowest and highest of equal stretches of x, so a peak of a single point survives.
 * Equal in x, not in number of points, because what came before was thinned already and would fade away otherwise.
 */
export function outlined(series) {
  const { x, y } = series;
  const last = x.length - 1;
  const width = (x[last] - x[0]) / (MOST_POINTS / 4);
  const [low, high] = [new Map(), new Map()];
  for (let index = 1; index < last; index += 1) {
    if (y[index] === null) continue;
    const stretch = Math.floor((x[index] - x[0]) / width);
    if (!low.has(stretch) || y[index] < y[low.get(stretch)]) low.set(stretch, index);
    if (!high.has(stretch) || y[index] > y[high.get(stretch)]) high.set(stretch, index);
  }
  const kept = new Set([0, ...low.values(), ...high.values(), last]);
  return picked(series, [...kept].sort((a, b) => a - b));
}

/**
 * For clouds of points: the first of each equal stretch of x, whatever its value. Lowest and highest alone would look
 * like two groups with nothing between them. Stretches double with time, so that points stay where they are meanwhile.
 */
export function spread(series) {
  const { x } = series;
  if (x.length === 0) return { x: [], y: [] };
  const width = 2 ** Math.ceil(Math.log2(Math.max(1, (x.at(-1) - x[0]) / (MOST_SPREAD - 1))));
  const kept = [];
  let stretch = -1;
  x.forEach((value, index) => {
    const here = Math.floor(value / width);
    if (here !== stretch) kept.push(index);
    stretch = here;
  });
  return picked(series, kept);
}
