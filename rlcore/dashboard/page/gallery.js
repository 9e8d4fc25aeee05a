// Pictures of held-out logos, and a dialog that shows one large.

import { element, find, ownAddress, setText } from "./dom.js";
import { count, several } from "./format.js";

const COLUMNS = ["original", "plain VTracer", "agent"];
const columns = () => element("figcaption", "columns", ...COLUMNS.map((name) => element("span", "", name)));
const nameOf = (index, all) => `held-out logo ${count(index + 1)} of ${count(all.length)}: ${COLUMNS.join(", ")}`;

export class Gallery {
  constructor() {
    this.section = find("#gallery");
    this.dialog = find("#enlarged");
    this.addresses = [];
    this.album = []; // what the dialog goes through; newer pictures must not come between
    this.shown = 0;
    this.signature = "";
    find(".close", this.dialog).addEventListener("click", () => this.dialog.close());
    find(".previous", this.dialog).addEventListener("click", () => this.enlarge(this.shown - 1));
    find(".next", this.dialog).addEventListener("click", () => this.enlarge(this.shown + 1));
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    // a click beside the dialog is one on its backdrop, which belongs to it
    this.dialog.addEventListener("click", ({ target }) => target === this.dialog && this.dialog.close());
  }

  update({ samples }) {
    const addresses = (samples?.urls ?? []).map(ownAddress).filter((address) => address !== null);
    const signature = addresses.join("\n");
    if (signature === this.signature) return;
    this.signature = signature;
    this.addresses = addresses;
    find(".empty", this.section).hidden = addresses.length > 0;
    find(".samples", this.section).hidden = addresses.length === 0;
    find(".samples", this.section).replaceChildren(...addresses.map((address, index) => this.item(address, index)));
    const after = addresses.length > 0 ? `after ${several(samples.episode, "episode")}; a click enlarges` : "";
    setText(find("#gallery-subtitle"), after);
  }

  item(address, index) {
    const picture = element("img");
    picture.src = address;
    picture.alt = nameOf(index, this.addresses);
    const button = element("button", "", picture);
    button.type = "button";
    button.setAttribute("aria-label", `enlarge ${nameOf(index, this.addresses)}`);
    button.addEventListener("click", () => {
      this.album = this.addresses;
      this.enlarge(index);
      this.dialog.showModal();
    });
    return element("li", "", element("figure", "", button, columns()));
  }

  /** The picture with this number; behind the last comes the first again. */
  enlarge(index) {
    this.shown = (index + this.album.length) % this.album.length;
    const picture = find("img", this.dialog);
    picture.src = this.album[this.shown];
    picture.alt = nameOf(this.shown, this.album);
    setText(find("#enlarged-title"), `Held-out logo ${count(this.shown + 1)} of ${count(this.album.length)}`);
  }

  onKey(event) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.enlarge(this.shown + step);
  }
}
