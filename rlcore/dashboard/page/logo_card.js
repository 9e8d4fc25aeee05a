// The card beside a point of a plot: which logo an episode was about, and what it got.

import { element, find } from "./dom.js";
import { count, decimal, figure } from "./format.js";

const GAP_PX = 14;

const shown = (value) => (typeof value === "number" ? figure(value) : String(value));

function facts(episode) {
  const lines = [
    `episode ${count(episode.number)}, ${episode.success ? "success" : "no success"}`,
    `gain ${decimal(episode.gain, 3)}`,
    `SSIM ${decimal(episode.quality, 4)}`,
    `bytes ${decimal(episode.bytes_ratio, 3)} of plain VTracer's`,
  ];
  return [element("strong", "", episode.logo), ...lines.map((text) => element("div", "", text))];
}

function parameters(chosen) {
  if (chosen === null) return [element("div", "", "delivered: plain VTracer")];
  return Object.entries(chosen).map(([name, value]) =>
    element("div", "", element("dt", "", name.replaceAll("_", " ")), element("dd", "", shown(value))),
  );
}

export class LogoCard {
  constructor(section, store) {
    this.section = section;
    this.store = store;
    this.card = find(".card", section);
    this.picture = find("img", this.card);
    this.pinned = false;
    this.number = null;
    this.picture.addEventListener("error", () => this.picture.classList.add("missing"));
    this.picture.addEventListener("load", () => this.picture.classList.remove("missing"));
    find(".close", this.card).addEventListener("click", () => this.hide());
    document.addEventListener("pointerdown", ({ target }) => this.section.contains(target) || this.hide());
    section.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** A mouse that points shows the card; a click or a tap keeps it. */
  follow(plot) {
    plot.on("plotly_hover", ({ points, event }) => this.pinned || this.point(points[0], event));
    plot.on("plotly_unhover", () => this.pinned || this.hide());
    plot.on("plotly_click", ({ points, event }) => {
      this.point(points[0], event);
      this.pin();
    });
  }

  point({ customdata }, event) {
    const episode = this.store.episodes.find(({ number }) => number === customdata);
    if (episode !== undefined) this.show(episode, event.clientX, event.clientY);
  }

  show(episode, x, y) {
    this.number = episode.number;
    const address = `/api/runs/${encodeURIComponent(this.store.run)}/logos/${encodeURIComponent(episode.digest)}.png`;
    if (this.picture.getAttribute("src") !== address) this.picture.src = address;
    this.picture.alt = `logo ${episode.logo}`;
    find(".facts", this.card).replaceChildren(...facts(episode));
    find(".parameters", this.card).replaceChildren(...parameters(episode.parameters));
    this.card.hidden = false;
    this.place(x, y);
  }

  /** Beside the point `x`, `y` of the window, on the side that has room: over the next panel if need be. */
  place(x, y) {
    const { clientWidth, clientHeight } = document.documentElement;
    const [width, height] = [this.card.offsetWidth, this.card.offsetHeight];
    const right = x + GAP_PX + width <= clientWidth;
    const left = right ? x + GAP_PX : Math.max(0, x - GAP_PX - width);
    const top = Math.max(0, Math.min(y - height / 2, clientHeight - height));
    const panel = this.section.getBoundingClientRect();
    this.card.style.left = `${left - panel.left}px`;
    this.card.style.top = `${top - panel.top}px`;
  }

  pin() {
    this.pinned = true;
    this.card.classList.add("pinned");
  }

  hide() {
    this.pinned = false;
    this.card.classList.remove("pinned");
    this.card.hidden = true;
  }

  onKey(event) {
    if (event.key === "Escape") this.hide();
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || this.store.episodes.length === 0) return;
    event.preventDefault();
    const { episodes } = this.store;
    const now = episodes.findIndex(({ number }) => number === this.number);
    const next = now < 0 ? episodes.length - 1 : Math.min(episodes.length - 1, Math.max(0, now + step));
    const { left, width, top, height } = this.section.getBoundingClientRect();
    this.show(episodes[next], left + width / 2, top + height / 2);
    this.pin();
  }
}
