// Light or dark: the system's choice until the reader makes one, which is remembered.

const REMEMBERED = "stage1-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

/** Colours by role. Series have Okabe and Ito's, lightened on a dark ground: the same as in the reports' figures. */
const PALETTES = {
  light: {
    ink: "#1f2328", muted: "#59636e", grid: "#e4e7eb", line: "#d9dee4", card: "#ffffff", soft: "#eef1f4",
    training: "#e69f00", agent: "#0072b2", good: "#009e73", bad: "#d55e00",
    others: ["#d55e00", "#9c4f80", "#009e73", "#000000", "#8a6d00", "#56b4e9"],
  },
  dark: {
    ink: "#e6edf3", muted: "#9da7b3", grid: "#2d343d", line: "#30363d", card: "#161b22", soft: "#21262d",
    training: "#e69f00", agent: "#56b4e9", good: "#2fc79a", bad: "#f08a4b",
    others: ["#f08a4b", "#e09bc4", "#2fc79a", "#ffffff", "#f0e442", "#9ecae1"],
  },
};

let chosen = remembered();

/** A browser may forbid a page to remember anything. */
function remembered() {
  try {
    const found = window.localStorage.getItem(REMEMBERED);
    return found in PALETTES ? found : null;
  } catch {
    return null;
  }
}

function remember(name) {
  try {
    window.localStorage.setItem(REMEMBERED, name);
  } catch {
    // it holds for this visit, then
  }
}

const current = () => chosen ?? (system.matches ? "dark" : "light");

/** The colours of now. */
export const palette = () => PALETTES[current()];

/** Makes a button switch, and tells of every switch, the system's too. */
export function bindTheme(button, onSwitch) {
  const show = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.textContent = other === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `switch to ${other} colours`);
  };
  const apply = () => {
    document.documentElement.dataset.theme = current();
    show();
    onSwitch();
  };
  button.addEventListener("click", () => {
    chosen = current() === "dark" ? "light" : "dark";
    remember(chosen);
    apply();
  });
  system.addEventListener("change", () => chosen === null && apply());
  show();
}

document.documentElement.dataset.theme = current();
