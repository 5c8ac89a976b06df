// How numbers and times are shown.
"use strict";

const Format = (function () {
  const MINUTE = 60,
    HOUR = 3600,
    DAY = 86400;

  /** @param {number} number */
  const runId = number => String(number).padStart(6, "0");

  /**
   * A time as "2026-09-25 12:00:05".
   *
   * @param {number | null} time in seconds since 1970
   */
  function utc(time) {
    const date = new Date(time === null ? NaN : time * 1000);
    return Number.isNaN(date.getTime()) ? "unknown" : date.toISOString().slice(0, 19).replace("T", " ");
  }

  /**
   * An ISO time as seconds since 1970, or null.
   *
   * @param {unknown} iso
   * @returns {number | null}
   */
  function seconds(iso) {
    const time = typeof iso === "string" ? Date.parse(iso) / 1000 : NaN;
    return Number.isFinite(time) ? time : null;
  }

  /**
   * A length of time in its two largest useful units.
   *
   * @param {number} length in seconds
   */
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

  /**
   * "20 min ago", "just now" or "in 3 h".
   *
   * @param {number} time in seconds since 1970
   * @param {number} now in seconds since 1970
   */
  function relative(time, now) {
    if (Math.abs(now - time) < MINUTE) return "just now";
    return time < now ? `${span(now - time)} ago` : `in ${span(time - now)}`;
  }

  /** @param {number} error */
  function decimalsFor(error) {
    const magnitude = Math.floor(Math.log10(Math.abs(error)));
    return Math.min(12, Math.max(0, 1 - magnitude));
  }

  /**
   * A number to so many significant digits, without zeros at the end.
   *
   * @param {number} value
   * @param {number} digits
   */
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

  /**
   * A value with its error, both to the error's second significant digit: "10.53 ± 0.12".
   *
   * @param {number} value
   * @param {number | null} error
   * @returns {string}
   */
  function measured(value, error) {
    if (error === null || !(error > 0)) return trimmed(value, 6);
    const largest = Math.max(Math.abs(value), error);
    if (largest >= 1e6 || largest < 1e-3) {
      const power = Math.floor(Math.log10(largest));
      const unit = Math.pow(10, power);
      return `(${measured(value / unit, error / unit)}) × 10${superscript(power)}`;
    }
    const decimals = decimalsFor(error);
    return `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`.replace("-", "−");
  }

  /** @param {number} power */
  const superscript = power => [...String(power)].map(digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] || "⁻").join("");

  /**
   * A result in words: value and error, a limit, or "insufficient statistics".
   *
   * @param {Pick<Point, "value" | "error" | "unit" | "limit">} point
   */
  function result(point) {
    const unit = point.unit && point.unit !== "1" ? ` ${point.unit}` : "";
    if (point.value === null) return "insufficient statistics";
    if (point.limit === "upper") return `< ${trimmed(point.value, 4)}${unit}`;
    if (point.limit === "lower") return `> ${trimmed(point.value, 4)}${unit}`;
    const text = measured(point.value, point.error);
    return text.includes("±") && unit && !text.includes("(") ? `(${text})${unit}` : text + unit;
  }

  /** @param {number} count */
  const counted = count => count.toLocaleString("en");

  /**
   * "1 run", "2 runs", "1,234 entries".
   *
   * @param {number} count
   * @param {string} one
   * @param {string} [many] the plural where it is not the singular with an "s"
   */
  const plural = (count, one, many) => `${counted(count)} ${count === 1 ? one : many || one + "s"}`;

  /**
   * "v2" before "v10", "0.9" before "0.10".
   *
   * @param {string} a
   * @param {string} b
   */
  const byVersion = (a, b) => Number(isFormer(b)) - Number(isFormer(a)) || a.localeCompare(b, "en", { numeric: true });

  /**
   * Whether a version has results that were taken over from the first XOM; they are older than all others.
   *
   * @param {string} version
   */
  function isFormer(version) {
    return version.startsWith("history.");
  }

  return { runId, utc, seconds, span, relative, trimmed, measured, result, counted, plural, byVersion };
})();
