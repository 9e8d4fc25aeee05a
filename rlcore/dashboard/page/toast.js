// Short messages at the edge of the page.

import { element, find } from "./dom.js";

const SHOWN_MS = 8000;
const MOST = 3;

/** Shows a text for some seconds; the same text is not shown twice at once. */
export function toast(text) {
  const area = find("#toasts");
  if ([...area.children].some((shown) => shown.textContent === text)) return;
  if (area.childElementCount >= MOST) area.firstElementChild.remove();
  const shown = element("div", "toast", text);
  area.append(shown);
  setTimeout(() => shown.remove(), SHOWN_MS);
}

/** Tells readers who do not look at the screen. */
export function announce(text) {
  find("#announcer").textContent = text;
}
