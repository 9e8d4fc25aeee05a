// Panels over the last episodes one by one: how rewards are distributed, and quality against gain.

import { count, decimal } from "./format.js";
import { LogoCard } from "./logo_card.js";
import { axis, DASHES, upright } from "./plotting.js";
import { bins, correlation, counts, mean, median } from "./statistics.js";

const rewards = (store) => store.episodes.map(({ reward }) => reward).filter(Number.isFinite);

/** Half of the episodes as the outline of its own histogram. */
const outline = (values, bin, name, color, dash) => ({
  type: "scatter", mode: "lines", name, hoverinfo: "skip", line: { shape: "hvh", color, dash, width: 1.5 },
  x: Array.from({ length: bin.number }, (_, index) => bin.start + (index + 0.5) * bin.width),
  y: counts(values, bin),
});

function bars(values, bin, palette) {
  const starts = Array.from({ length: bin.number }, (_, index) => bin.start + index * bin.width);
  return {
    type: "bar", name: `last ${count(values.length)} episodes`, width: bin.width, y: counts(values, bin),
    x: starts.map((start) => start + bin.width / 2),
    customdata: starts.map((start) => `${start.toPrecision(3)} to ${(start + bin.width).toPrecision(3)}`),
    marker: { color: palette.training, opacity: 0.45, line: { color: palette.card, width: 1 } },
    hovertemplate: "reward %{customdata}<br>%{y} episodes<extra></extra>",
  };
}

function distributionFigure(store, palette) {
  const values = rewards(store);
  if (values.length === 0) return null;
  const bin = bins(values);
  const half = values.length >> 1;
  const halves = values.length < 20 ? [] : [
    outline(values.slice(0, half), bin, "first half", palette.muted, "dot"),
    outline(values.slice(half), bin, "second half", palette.good, "solid"),
  ];
  return {
    data: [bars(values, bin, palette), ...halves],
    layout: {
      bargap: 0,
      xaxis: axis(palette, "reward of an episode (1 = error halved)"),
      yaxis: axis(palette, "episodes", { rangemode: "tozero" }),
      shapes: [
        upright(mean(values), `mean ${decimal(mean(values))}`, palette.agent, "solid"),
        upright(median(values), `median ${decimal(median(values))}`, palette.ink, DASHES[0]),
      ],
    },
  };
}

function distributionWords(store) {
  const values = rewards(store);
  if (values.length === 0) return "";
  const half = values.length >> 1;
  const [first, second] = [mean(values.slice(0, half)), mean(values.slice(half))];
  const halves = half > 0 ? `; mean of the first half ${decimal(first)}, of the second ${decimal(second)}` : "";
  return `last ${count(values.length)} episodes${halves}`;
}

const cloud = (episodes, name, color, symbol) => ({
  type: "scatter", mode: "markers", name: `${name} (${count(episodes.length)})`, hoverinfo: "none",
  x: episodes.map(({ gain }) => gain), y: episodes.map(({ quality }) => quality),
  customdata: episodes.map(({ number }) => number),
  marker: { color, symbol, size: 7, opacity: 0.75, line: { width: symbol === "circle" ? 0 : 1.5 } },
});

function scatterFigure({ episodes }, palette) {
  if (episodes.length === 0) return null;
  return {
    data: [
      cloud(episodes.filter(({ success }) => success), "success", palette.good, "circle"),
      cloud(episodes.filter(({ success }) => !success), "no success", palette.bad, "x-thin-open"),
    ],
    layout: {
      xaxis: axis(palette, "gain (1 = error halved)"),
      yaxis: axis(palette, "SSIM (1 = identical)"),
    },
  };
}

function scatterWords({ episodes }) {
  if (episodes.length === 0) return "";
  const r = correlation(episodes.map(({ gain }) => gain), episodes.map(({ quality }) => quality));
  return `correlation r = ${decimal(r)} over the last ${count(episodes.length)} episodes; point at one to see its logo`;
}

function scatterOnce(section, store) {
  const card = new LogoCard(section, store);
  return (plot) => card.follow(plot);
}

export const distribution = { number: 7, facts: ["episodes"], figure: distributionFigure, words: distributionWords };
export const scatter = {
  number: 8,
  facts: ["episodes"],
  figure: scatterFigure,
  words: scatterWords,
  once: scatterOnce,
};
