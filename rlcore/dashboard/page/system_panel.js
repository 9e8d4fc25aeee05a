// What the run takes of the machine, over local time.

import { element, find } from "./dom.js";
import { clock, count, decimal, localTime } from "./format.js";
import { axis, line } from "./plotting.js";

const MIB_PER_GIB = 1024;
const ROOM = 0.07;

/** From top to bottom: heading with unit, and curves by series, name and role of colour. */
const ROWS = [
  {
    heading: "memory (MiB)",
    unit: "MiB",
    curves: [["memory_mib", "all processes", "agent"], ["main_memory_mib", "main process", "training"]],
  },
  { heading: "CPU, all cores (%)", unit: "%", curves: [["cpu_percent", "CPU", "good"]], more: { range: [0, 102] } },
  { heading: "disk free (GiB)", unit: "GiB", scale: 1 / MIB_PER_GIB, curves: [["disk_free_mib", "disk free", "bad"]] },
  {
    heading: "worker processes",
    unit: "workers",
    curves: [["workers", "workers", "muted"]],
    shape: "hv",
    more: { tickformat: "d" },
  },
];

const axisName = (letter, number) => (number === 0 ? letter : `${letter}${number + 1}`);

function rowTraces(store, palette, { unit, scale = 1, curves, shape = "linear" }, number) {
  return curves.map(([name, label, role]) => {
    const { x, y } = store.curve(`system/${name}`);
    const series = { x: x.map(localTime), y: y.map((value) => (value === null ? null : value * scale)) };
    const stroke = { color: palette[role], width: 2, shape };
    const look = { yaxis: axisName("y", number), line: stroke };
    return line(series, label, palette[role], `%{x|%H:%M:%S}<br>${label} %{y:,.1f} ${unit}`, look);
  });
}

/** The part of the height that a row has. */
function domain(number) {
  const height = (1 - ROOM * (ROWS.length - 1)) / ROWS.length;
  const top = 1 - number * (height + ROOM);
  return [Math.max(0, top - height), top];
}

const heading = ({ heading: text }, number, palette) => ({
  text, xref: "paper", x: 0, xanchor: "left", yref: "paper", y: domain(number)[1], yanchor: "bottom",
  showarrow: false, font: { size: 11, color: palette.muted },
});

function systemFigure(store, palette) {
  if (store.curve("system/memory_mib").x.length === 0) return null;
  const yAxes = ROWS.map((row, number) => [
    `yaxis${number === 0 ? "" : number + 1}`,
    axis(palette, "", { domain: domain(number), rangemode: "tozero", nticks: 4, ...row.more }),
  ]);
  return {
    data: ROWS.flatMap((row, number) => rowTraces(store, palette, row, number)),
    layout: {
      ...Object.fromEntries(yAxes),
      xaxis: axis(palette, "local time", { type: "date", anchor: axisName("y", ROWS.length - 1) }),
      annotations: ROWS.map((row, number) => heading(row, number, palette)),
      margin: { l: 48, r: 10, t: 24, b: 40 },
    },
  };
}

function readings(system) {
  const found = [
    ["memory", `${count(system.memory_mib)} MiB`],
    ["main process", `${count(system.main_memory_mib)} MiB`],
    ["CPU", `${decimal(system.cpu_percent, 0)} %`],
    ["disk free", `${decimal(system.disk_free_mib / MIB_PER_GIB, 1)} GiB`],
    ["workers", count(system.workers)],
  ];
  (system.gpu_memory_mib ?? []).forEach((value, number) => found.push([`GPU ${number}`, `${count(value)} MiB`]));
  return found;
}

function fill(section, { system }) {
  const tiles = system === null ? [] : readings(system);
  const list = find(".readings", section);
  list.hidden = tiles.length === 0;
  list.replaceChildren(
    ...tiles.map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value))),
  );
}

const words = ({ system }) => (system === null ? "" : `at ${clock(system.time, true)}`);

export const system = { number: 10, facts: ["system"], figure: systemFigure, fill, words };
