// How well the training is: a gauge, and the indicators behind it.

import { element, find, setBar } from "./dom.js";
import { figure, percent } from "./format.js";

/** Words and a role of colour for a headroom from 0 to 1: the colour alone would not tell everybody. */
function grade(headroom) {
  if (headroom >= 0.5) return { word: "healthy", role: "good" };
  return headroom > 0.15 ? { word: "watch it", role: "warn" } : { word: "in trouble", role: "bad" };
}

const COLOURS = { good: "good", warn: "training", bad: "bad" };

function gauge({ health }, palette) {
  if (health === null || health.score === null) return null;
  const color = palette[COLOURS[grade(health.score / 100).role]];
  const { muted } = palette;
  const trace = {
    type: "indicator",
    mode: "gauge",
    value: health.score,
    gauge: {
      axis: { range: [0, 100], tickvals: [0, 15, 50, 100], tickcolor: muted, tickfont: { color: muted } },
      bar: { color, thickness: 0.75 },
      bgcolor: palette.soft,
      borderwidth: 0,
    },
  };
  // plotly's own number stays where it was when the panel changes its width
  const number = {
    text: `${health.score.toFixed(0)} / 100`,
    font: { size: 24 },
    showarrow: false,
    xref: "paper",
    yref: "paper",
    x: 0.5,
    y: 0,
    xanchor: "center",
    yanchor: "bottom",
  };
  return { data: [trace], layout: { margin: { l: 32, r: 32, t: 26, b: 6 }, annotations: [number] } };
}

function row({ name, value, limit, headroom, meaning }) {
  const label = element("th", "", name, element("small", "", meaning));
  label.scope = "row";
  const bar = element("div", headroom === null ? "bar" : `bar ${grade(headroom).role}`, element("span"));
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", `headroom of ${name}`);
  setBar(bar, headroom);
  const left = element("td", "", percent(headroom, 0), bar);
  return element("tr", "", label, element("td", "", figure(value)), element("td", "", figure(limit)), left);
}

const fill = (section, { health }) => find("tbody", section).replaceChildren(...health.indicators.map(row));

function words({ health }) {
  if (health === null || health.score === null) return "";
  const [worst] = health.indicators.filter(({ headroom }) => headroom !== null).sort((a, b) => a.headroom - b.headroom);
  return `${grade(health.score / 100).word}; nearest to its limit: ${worst?.name ?? "none"}`;
}

export const health = { number: 5, facts: ["health"], figure: gauge, fill, words };
