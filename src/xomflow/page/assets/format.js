// How numbers, times and texts are shown, and how elements are made. Texts reach the page as text nodes only.
"use strict";
window.xom = window.xom || {};

(function () {
  const MINUTE = 60,
    HOUR = 3600,
    DAY = 86400;

  /** Make an element: attributes by name ("on..." are listeners, "data" a mapping), children are nodes or texts. */
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "data") Object.assign(node.dataset, value);
      else if (name === "class") node.className = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter(child => child !== null && child !== undefined));
    return node;
  }

  const runId = number => String(number).padStart(6, "0");

  /** A time in seconds since 1970 as "2026-09-25 12:00:05". */
  function utc(seconds) {
    const date = new Date(seconds * 1000);
    return Number.isNaN(date.getTime()) ? "unknown" : date.toISOString().slice(0, 19).replace("T", " ");
  }

  /** An ISO time as seconds since 1970, or null. */
  function seconds(iso) {
    const time = typeof iso === "string" ? Date.parse(iso) / 1000 : NaN;
    return Number.isFinite(time) ? time : null;
  }

  /** A length of time in its two largest useful units. */
  function span(length) {
    const value = Math.max(0, length);
    if (value < MINUTE) return `${value < 10 ? +value.toFixed(1) : Math.round(value)} s`;
    if (value < HOUR) return `${Math.round(value / MINUTE)} min`;
    if (value < DAY) {
      const minutes = Math.round(value / MINUTE);
      return `${Math.floor(minutes / 60)} h` + (value < 5 * HOUR && minutes % 60 ? ` ${minutes % 60} min` : "");
    }
    const days = Math.round(value / DAY);
    return days === 1 ? "1 day" : `${days} days`;
  }

  /** "20 min ago", "just now" or "in 3 h". */
  function relative(time, now) {
    if (Math.abs(now - time) < MINUTE) return "just now";
    return time < now ? `${span(now - time)} ago` : `in ${span(time - now)}`;
  }

  function decimalsFor(error) {
    const magnitude = Math.floor(Math.log10(Math.abs(error)));
    return Math.min(12, Math.max(0, 1 - magnitude));
  }

  function trimmed(value, digits) {
    const size = Math.abs(value);
    if (value === 0) return "0";
    if (size >= 1e6 || size < 1e-4)
      return value
        .toExponential(Math.min(digits, 4) - 1)
        .replace("e+", "e")
        .replace(/-/g, "−");
    return String(Number(value.toPrecision(digits))).replace("-", "−");
  }

  /** A value with its error, both to the error's second significant digit: "10.53 ± 0.12". */
  function measured(value, error) {
    if (!(error > 0)) return trimmed(value, 6);
    const largest = Math.max(Math.abs(value), error);
    if (largest >= 1e6 || largest < 1e-3) {
      const power = Math.floor(Math.log10(largest));
      const unit = Math.pow(10, power);
      return `(${measured(value / unit, error / unit)}) × 10${superscript(power)}`;
    }
    const decimals = decimalsFor(error);
    return `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`.replace("-", "−");
  }

  const superscript = power => [...String(power)].map(c => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] || "⁻").join("");

  /** A result in words: value and error, a limit, or "insufficient statistics". */
  function result(point) {
    const unit = point.unit && point.unit !== "1" ? ` ${point.unit}` : "";
    if (point.value === null) return "insufficient statistics";
    if (point.limit === "upper") return `< ${trimmed(point.value, 4)}${unit}`;
    if (point.limit === "lower") return `> ${trimmed(point.value, 4)}${unit}`;
    const text = measured(point.value, point.error);
    return text.includes("±") && unit && !text.includes("(") ? `(${text})${unit}` : text + unit;
  }

  const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;

  /** "v2" before "v10", "0.9" before "0.10". */
  const byVersion = (a, b) => a.localeCompare(b, "en", { numeric: true });

  xom.format = { el, runId, utc, seconds, span, relative, trimmed, measured, result, plural, byVersion };
})();
