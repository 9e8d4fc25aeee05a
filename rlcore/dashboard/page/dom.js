// Small helpers around the document. What the server says becomes text, never markup.

/** The one element that matches, in the document or beneath a node. */
export const find = (selector, root = document) => root.querySelector(selector);

/** A new element with a class and children, which are nodes or texts. */
export function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Touches the document only where something is new: screen readers announce every change of a live region. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Fills a bar from 0 to 1; null empties it and says nothing of its value. */
export function setBar(bar, share) {
  const percent = Math.round(100 * Math.min(1, Math.max(0, share ?? 0)));
  bar.firstElementChild.style.width = `${percent}%`;
  if (share === null) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(percent));
}

/** An address on this very server, or null: a link must not become a script or lead elsewhere. */
export function ownAddress(address) {
  if (!address) return null;
  const found = URL.parse(address, window.location.href);
  return found !== null && found.origin === window.location.origin ? found.href : null;
}
