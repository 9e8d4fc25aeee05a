// What every plot shares: layout in the page's colours, axes with units, and the traces that panels are built of.
//
// All traces are SVG: plotly's WebGL ones compile code at run time, which the page's security policy forbids.

import { spread } from "./series.js";

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
/** A finger scrolls the page: it must not enlarge a plot instead. */
const TOUCH = window.matchMedia("(pointer: coarse)").matches;

export const CONFIG = { displayModeBar: false, doubleClick: "reset" };
export const EPISODES = "training episodes";
export const DASHES = ["dash", "dot", "dashdot", "longdash", "longdashdot", "5px,2px,1px,2px"];

/** An axis with its label; further properties of plotly's may follow. */
export function axis(palette, label, more = {}) {
  const { title, ...others } = more;
  return {
    title: { text: label, standoff: 8, font: { size: 12, color: palette.muted }, ...title },
    tickfont: { size: 11, color: palette.muted },
    gridcolor: palette.grid,
    linecolor: palette.muted,
    zeroline: false,
    automargin: true,
    fixedrange: TOUCH,
    ...others,
  };
}

/** The rest of a layout. `revision`: as long as it stays the same, the reader's zoom and hidden curves do, too. */
export function layoutOf(own, palette, revision) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 12, color: palette.ink },
    margin: { l: 48, r: 12, t: 10, b: 44 },
    hovermode: "closest",
    hoverlabel: { bgcolor: palette.card, bordercolor: palette.muted, font: { color: palette.ink }, align: "left" },
    showlegend: false, // legend.js makes a better one
    dragmode: TOUCH ? false : "zoom",
    uirevision: revision,
    ...own,
  };
}

/** Faint points, so many of them that each is still seen. */
export const points = (series, name, color, hover) => ({
  type: "scatter", mode: "markers", name, ...spread(series),
  marker: { color, size: 4, opacity: 0.35 }, hovertemplate: `${hover}<extra></extra>`,
});

/** A curve; plotly notices new values by new arrays, so they are copied. */
export const line = (series, name, color, hover, more = {}) => ({
  type: "scatter", mode: "lines", name, x: series.x.slice(), y: series.y.slice(),
  line: { color, width: 2.4 }, hovertemplate: `${hover}<extra></extra>`, ...more,
});

/** The area between two curves over the same x. */
export const band = (low, high, name, color) => ({
  type: "scatter", mode: "lines", name, fill: "toself", hoverinfo: "skip",
  x: [...low.x, ...high.x.toReversed()], y: [...low.y, ...high.y.toReversed()],
  fillcolor: `${color}30`, line: { width: 0, color },
});

/** A horizontal line over the whole width. */
export const level = (y, name, color, dash, width = 1.5) => ({
  type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, layer: "between", name, line: { color, dash, width },
});

/** A vertical one. */
export const upright = (x, name, color, dash) => ({
  type: "line", yref: "paper", y0: 0, y1: 1, x0: x, x1: x, name, line: { color, dash, width: 2 },
});
