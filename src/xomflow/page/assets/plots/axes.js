// Which points are in view, and the labels of the axes.
"use strict";

const Axes = (function () {
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

  return { within, timeLabels, labelWidth, newest };
})();
