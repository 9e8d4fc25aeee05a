// Figures and times as people read them. What is missing is a dash.

const MISSING = "–";
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** 1,234 */
export const count = (value) => (known(value) ? whole.format(value) : MISSING);

/** With so many digits after the point. */
export const decimal = (value, digits = 2) => (known(value) ? value.toFixed(digits) : MISSING);

/** With its sign: +0.073 */
export function signed(value, digits = 3) {
  return known(value) && value >= 0 ? `+${value.toFixed(digits)}` : decimal(value, digits);
}

/** A share as 89.2 % */
export const percent = (share, digits = 1) => (known(share) ? `${(100 * share).toFixed(digits)} %` : MISSING);

/** Three digits that count, whatever the size. */
export const figure = (value) => (known(value) ? String(Number(value.toPrecision(3))) : MISSING);

/** "1 trace", "8 traces" */
export const several = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

/** Seconds in the two largest units that count. */
export function duration(seconds) {
  if (!known(seconds)) return MISSING;
  const minutes = Math.round(seconds / 60);
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Local clock time of seconds since 1970, with the day where it is not today. */
export function clock(seconds, withSeconds = false) {
  const moment = new Date(1000 * seconds);
  const time = moment.toLocaleTimeString("en-GB", { timeStyle: withSeconds ? "medium" : "short" });
  if (moment.toDateString() === new Date().toDateString()) return time;
  return `${moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

/** Plotly takes what has no zone for the time to show, so the zone is worked in here. */
export function localTime(seconds) {
  const moment = new Date(1000 * seconds);
  return new Date(moment.getTime() - 60000 * moment.getTimezoneOffset()).toISOString().slice(0, -1);
}
