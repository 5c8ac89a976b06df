// Which points are in view, how far the axes reach, and their labels.
"use strict";

const Axes = (function () {
  const { VALUE } = Points;
  const STRIP = 16; // height of the strip of runs without a number, in CSS pixels
  const ARROW = 16; // length of a limit's arrow, in CSS pixels
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY = 86400; // s

  /**
   * First and one-past-last index with lo <= x <= hi.
   *
   * @param {number[]} x rising
   * @param {number} lo
   * @param {number} hi
   */
  function within(x, lo, hi) {
    return [bisect(x, value => value < lo), bisect(x, value => value <= hi)];
  }

  /**
   * First index whose value is not before.
   *
   * @param {number[]} x rising
   * @param {(value: number) => boolean} before
   */
  function bisect(x, before) {
    let low = 0,
      high = x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(x[middle])) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Range of y for the points in view: all values, and errors up to four times the typical one.
   *
   * @param {Series} series
   * @param {number} lo
   * @param {number} hi
   * @param {number} height of the plot, in CSS pixels
   * @returns {[number, number]}
   */
  function yRange(series, lo, hi, height) {
    const [from, to] = within(series.x, lo, hi);
    const errors = [];
    let low = Infinity,
      high = -Infinity,
      strip = false,
      arrow = false;
    for (let i = from; i < to; i++) {
      const y = series.y[i];
      if (y === null) {
        strip = true;
        continue;
      }
      if (series.kind[i] !== VALUE) arrow = true;
      else if (series.error[i] > 0) errors.push(series.error[i]);
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
    if (low > high) return [0, 1];
    const typical = errors.length ? errors.sort((a, b) => a - b)[errors.length >> 1] : 0;
    for (let i = from; i < to; i++) {
      const y = series.y[i];
      if (y === null || series.kind[i] !== VALUE) continue;
      const error = Math.min(series.error[i], 4 * typical);
      low = Math.min(low, y - error);
      high = Math.max(high, y + error);
    }
    return padded(low, high, (strip ? STRIP + 8 : 0) / height, arrow ? ARROW / height : 0);
  }

  /**
   * @param {number} low
   * @param {number} high
   * @param {number} below share of the height for the strip
   * @param {number} arrow share of the height for arrows
   * @returns {[number, number]}
   */
  function padded(low, high, below, arrow) {
    const spread = high - low || Math.abs(high) * 0.1 || 1;
    const room = 0.09 * spread + arrow * spread;
    const bottom = low - room;
    return [bottom - (below * (high + room - bottom)) / (1 - below), high + room];
  }

  /**
   * Labels in UTC: time of day or day; the day or the year below where it changes.
   *
   * @param {number[]} splits in seconds since 1970
   * @param {number} step in seconds
   */
  function timeLabels(splits, step) {
    let before = "";
    return splits.map(time => {
      const date = new Date(time * 1000);
      const month = MONTHS[date.getUTCMonth()];
      const day = `${date.getUTCDate()} ${month}`;
      const clock = date.toISOString().slice(11, step < 60 ? 19 : 16);
      const [upper, lower] = step < DAY ? [clock, day] : [step < 28 * DAY ? day : month, String(date.getUTCFullYear())];
      const changed = lower !== before;
      before = lower;
      return changed ? `${upper}\n${lower}` : upper;
    });
  }

  /**
   * Labels of values, all with the decimals that their distance needs; empty where the series has no value.
   *
   * @param {Series} series
   * @param {number[]} splits
   */
  function valueLabels(series, splits) {
    if (series.y.every(value => value === null)) return splits.map(() => "");
    const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
    const largest = Math.max(...splits.map(Math.abs));
    if (largest >= 1e5 || largest < 1e-3) return splits.map(value => Format.trimmed(value, 3));
    let decimals = 0;
    while (decimals < 8 && Math.abs(Number(step.toFixed(decimals)) - step) > 1e-6 * step) decimals++;
    return splits.map(value => value.toFixed(decimals).replace("-", "−"));
  }

  /**
   * Width that the labels of values need, in CSS pixels.
   *
   * @param {string[] | null} labels
   */
  const labelWidth = labels => 18 + 6.6 * Math.max(5, ...(labels || []).map(text => text.length));

  /**
   * Index of the newest value of the newest version, or -1.
   *
   * @param {Series} series
   */
  function newest(series) {
    let i = series.x.length - 1;
    while (i >= 0 && (series.y[i] === null || series.rank[i] !== 0)) i--;
    return i;
  }

  return { STRIP, ARROW, within, yRange, timeLabels, valueLabels, labelWidth, newest };
})();
