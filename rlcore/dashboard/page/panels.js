// The ten panels: what each waits for, and how it is drawn anew.

import { element, find, setText } from "./dom.js";
import { distribution, scatter } from "./episodes_panels.js";
import { health } from "./health_panel.js";
import { legendOf } from "./legend.js";
import { notes } from "./notes_panel.js";
import { CONFIG, layoutOf } from "./plotting.js";
import { system } from "./system_panel.js";
import { palette } from "./theme.js";
import { quality, reward, velocity } from "./training_panels.js";
import { gain, success } from "./validation_panels.js";

const KINDS = [reward, quality, gain, success, health, notes, distribution, scatter, velocity, system];

/**
 * One panel. Its kind has `number`, `facts` that it waits for, `words` for under the title, and at least one of
 * `figure` (null: nothing recorded yet) and `fill` for what is no plot; `some` tells whether there is anything where
 * there is no figure, `once` prepares it and may return what to do with the plot when it is there.
 */
class Panel {
  constructor(kind, store) {
    this.kind = kind;
    this.store = store;
    this.section = find(`#panel-${kind.number}`);
    this.plot = find(".plot", this.section);
    this.legend = element("ul", "legend");
    this.updates = 0;
    this.some = false;
    this.drawn = { width: 0, height: 0 };
    this.plot?.before(this.legend);
    if (this.plot !== null) new ResizeObserver(() => this.fit()).observe(this.plot);
    this.onPlot = kind.once?.(this.section, store);
  }

  concernedBy(facts) {
    return this.kind.facts.some((fact) => facts.has(fact));
  }

  /** `isNew`: there may be new data; false where only colours have changed. */
  draw(isNew) {
    const figure = this.kind.figure?.(this.store, palette()) ?? null;
    this.some = this.kind.figure ? figure !== null : this.kind.some(this.store);
    find(".empty", this.section).hidden = this.some;
    find(".body", this.section).hidden = !this.some; // before the plot is drawn: what is hidden has no size
    if (!this.some) return;
    this.kind.fill?.(this.section, this.store);
    if (figure !== null) this.drawPlot(figure);
    if (!isNew) return;
    this.updates += 1;
    this.section.dataset.updates = String(this.updates);
  }

  drawPlot({ data, layout }) {
    this.drawn = { width: this.plot.clientWidth, height: this.plot.clientHeight };
    this.legend.replaceChildren(...legendOf({ data, layout }));
    window.Plotly.react(this.plot, data, layoutOf(layout, palette(), this.store.run), CONFIG);
    this.onPlot?.(this.plot);
    this.onPlot = undefined;
  }

  /** Panels of a row are as high as the highest: not only the window's size changes a plot's. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    const fits = width === this.drawn.width && height === this.drawn.height;
    if (!this.some || height === 0 || fits) return;
    this.drawn = { width, height };
    window.Plotly.Plots.resize(this.plot);
  }

  write() {
    setText(find(".subtitle", this.section), this.some ? this.kind.words(this.store) : "");
  }
}

export class Panels {
  constructor(store) {
    this.panels = KINDS.map((kind) => new Panel(kind, store));
  }

  /** Those that the facts concern; words under titles are cheap and may depend on any. */
  update(facts) {
    for (const panel of this.panels) {
      if (panel.concernedBy(facts)) panel.draw(true);
      panel.write();
    }
  }

  /** All in the colours of now. */
  recolour() {
    for (const panel of this.panels) panel.draw(false);
  }
}
