// A plot's legend as text that wraps: plotly's own gives every entry the width of the longest, and takes the plot's
// room. What the server named is text here, where plotly would read markup in it.

import { element } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [26, 12];
/** Plotly's names of dashes as lengths of strokes and gaps. */
const STROKES = { dash: "6 3", dot: "2 2", dashdot: "6 2 2 2", longdash: "10 3", longdashdot: "10 2 2 2" };
/** Symbols by plotly's names, about the middle of a sample. */
const SYMBOLS = {
  circle: "M9 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
  star: "M13 0l1.8 4.2 4.6.4-3.5 3 1.1 4.4-4-2.4-4 2.4 1.1-4.4-3.5-3 4.6-.4z",
  "x-thin-open": "M9.5 2.5l7 7m0-7l-7 7",
};

function drawn(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

const stroke = ({ color, dash = "solid", width = 2 }) =>
  drawn("line", {
    x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2, stroke: color, "stroke-width": width,
    "stroke-dasharray": STROKES[dash] ?? (dash === "solid" ? "none" : dash.replaceAll("px", "").replaceAll(",", " ")),
  });

const area = (color) => drawn("rect", { x: 3, y: 1, width: WIDTH - 6, height: HEIGHT - 2, rx: 2, fill: color });

const symbol = ({ color, symbol: name = "circle" }) =>
  drawn("path", { d: SYMBOLS[name], fill: name.endsWith("open") ? "none" : color, stroke: color, "stroke-width": 1.5 });

/** What stands for a trace or a line of the layout. */
function marks({ type, mode = "", fill, fillcolor, line, marker }) {
  if (type === "line") return [stroke(line)];
  if (type === "bar") return [area(marker.color)];
  if (fill) return [area(fillcolor)];
  const found = mode.includes("lines") ? [stroke(line)] : [];
  if (mode.includes("markers")) found.push(symbol({ color: line?.color, ...marker }));
  return found;
}

function entry(part) {
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  const sample = drawn("svg", { width: WIDTH, height: HEIGHT, viewBox, "aria-hidden": "true" });
  sample.append(...marks(part));
  return element("li", "", sample, part.name);
}

/** One entry for each named trace and line of a figure; a trace with `showlegend: false` has none. */
export function legendOf({ data, layout }) {
  const parts = [...data, ...(layout.shapes ?? [])].filter(({ name, showlegend }) => name && showlegend !== false);
  return parts.map(entry);
}
