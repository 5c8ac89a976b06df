// How the height of a panel is divided: run modes with values far apart have lanes with scales of their own.
"use strict";

/**
 * @typedef {object} Lane
 * @property {Set<number>} modes ranks
 * @property {number} min
 * @property {number} max
 * @property {number} from share of the panel's height at which it begins, from below
 * @property {number} to
 * @property {boolean} log
 *
 * @typedef {object} Extent of the points of one mode, or of several
 * @property {Set<number>} modes
 * @property {number} low
 * @property {number} high
 * @property {number} count
 */

const Lanes = (function () {
  const { VALUE, NONE } = Points;
  const STRIP = 16; // height of the strip of runs without a number, in CSS pixels
  const ARROW = 16; // length of a limit's arrow, in CSS pixels
  const GAP = 10; // between two lanes, in CSS pixels
  const MOST = 3; // lanes
  const NARROW = 0.12; // of a common scale; what is wider is seen well on it
  const LEAST_SHARE = 0.28; // of the height, for a lane with few points

  /**
   * The lanes of the points in view, the lowest first.
   *
   * @param {Series} series
   * @param {number} lo
   * @param {number} hi
   * @param {number} height of the plot, in CSS pixels
   * @param {boolean} [log] logarithmic, where all values are positive
   * @returns {Lane[]}
   */
  function of(series, lo, hi, height, log = false) {
    const [from, to] = Axes.within(series.x, lo, hi);
    const strip = series.kind.slice(from, to).includes(NONE) ? (STRIP + 4) / height : 0;
    const extents = apart(extentsOf(series, from, to));
    if (!extents.length) return [{ modes: new Set(), min: 0, max: 1, from: strip, to: 1, log: false }];
    const gap = GAP / height;
    const room = 1 - strip - gap * (extents.length - 1);
    const shares = sharesOf(extents.map(one => one.count));
    let begin = strip;
    return extents.map(({ modes }, i) => {
      const end = begin + shares[i] * room;
      const lane = laneOf(series, from, to, modes, height * (end - begin), log);
      const placed = { ...lane, from: begin, to: end };
      begin = end + gap;
      return placed;
    });
  }

  /**
   * Which values each mode has.
   *
   * @param {Series} series
   * @param {number} from
   * @param {number} to
   * @returns {Extent[]}
   */
  function extentsOf(series, from, to) {
    const found = /** @type {Map<number, Extent>} */ (new Map());
    for (let i = from; i < to; i++) {
      const y = series.y[i];
      if (y === null) continue;
      const mode = series.mode[i];
      const one = found.get(mode) || { modes: new Set([mode]), low: Infinity, high: -Infinity, count: 0 };
      found.set(mode, one);
      const plain = series.kind[i] === VALUE;
      one.low = Math.min(one.low, plain ? y - series.down[i] : y);
      one.high = Math.max(one.high, plain ? y + series.up[i] : y);
      one.count++;
    }
    return [...found.values()];
  }

  /**
   * Join modes until those that are left lie apart.
   *
   * @param {Extent[]} extents
   * @returns {Extent[]} the lowest first
   */
  function apart(extents) {
    const left = [...extents].sort((a, b) => a.low - b.low);
    for (;;) {
      const distances = left.slice(1).map((one, i) => distance(left[i], one));
      const least = Math.min(...distances);
      if (!distances.length || (least > 0 && left.length <= MOST)) return left;
      const nearest = distances.indexOf(least);
      left.splice(nearest, 2, joined(left[nearest], left[nearest + 1]));
    }
  }

  /**
   * Gap between two extents, relative to the wider one; negative where a common scale shows both of them well.
   *
   * @param {Extent} a
   * @param {Extent} b the one that begins higher
   */
  function distance(a, b) {
    const widths = [a.high - a.low, b.high - b.low];
    const [narrow, wide] = [Math.min(...widths), Math.max(...widths) || Math.abs(b.high) * 0.05 || 1];
    const whole = Math.max(a.high, b.high) - a.low;
    const ratio = (b.low - a.high) / wide;
    return ratio > 1 && narrow < NARROW * whole ? ratio : Math.min(ratio - 1, -Number.EPSILON);
  }

  /**
   * @param {Extent} a
   * @param {Extent} b
   * @returns {Extent}
   */
  const joined = (a, b) => ({
    modes: new Set([...a.modes, ...b.modes]),
    low: Math.min(a.low, b.low),
    high: Math.max(a.high, b.high),
    count: a.count + b.count,
  });

  /**
   * Shares of the height: equal ones, less for a lane with few of the points.
   *
   * @param {number[]} counts
   */
  function sharesOf(counts) {
    const most = Math.max(...counts);
    const weights = counts.map(count => (count * 8 < most ? (LEAST_SHARE * counts.length) / 2 : 1));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map(one => one / sum);
  }

  /**
   * The scale of a lane: all values, errors up to four times the typical one, and the expected bands near them.
   *
   * @param {Series} series
   * @param {number} from
   * @param {number} to
   * @param {Set<number>} modes
   * @param {number} height in CSS pixels
   * @param {boolean} wanted whether a logarithmic scale is wanted
   */
  function laneOf(series, from, to, modes, height, wanted) {
    const errors = [];
    let low = Infinity,
      high = -Infinity,
      arrow = false,
      bandLow = Infinity,
      bandHigh = -Infinity;
    for (let i = from; i < to; i++) {
      const y = series.y[i];
      if (y === null || !modes.has(series.mode[i])) continue;
      if (series.kind[i] !== VALUE) arrow = true;
      else if (series.error[i] > 0) errors.push(series.error[i]);
      low = Math.min(low, y);
      high = Math.max(high, y);
      if (series.low[i] < bandLow) bandLow = series.low[i];
      if (series.high[i] > bandHigh) bandHigh = series.high[i];
    }
    const log = wanted && low > 0;
    const typical = errors.length ? errors.sort((a, b) => a - b)[errors.length >> 1] : 0;
    const [least, most] = [low, high];
    for (let i = from; i < to; i++) {
      const y = series.y[i];
      if (y === null || series.kind[i] !== VALUE || !modes.has(series.mode[i])) continue;
      const [down, up] = [series.down[i], series.up[i]].map(side => Math.min(side, 4 * typical));
      if (!log || y - down > least / 10) low = Math.min(low, y - down);
      high = Math.max(high, y + up);
    }
    const reach = Math.max(most - least, 4 * typical) || Math.abs(most) * 0.1;
    if (bandLow < low && (!log || bandLow > 0)) low = Math.max(bandLow, least - reach);
    if (bandHigh > high) high = Math.min(bandHigh, most + reach);
    if (log && low <= 0) low = least;
    const [min, max] = padded(log ? Math.log10(low) : low, log ? Math.log10(high) : high, arrow ? ARROW / height : 0);
    return { modes, log, min: log ? 10 ** min : min, max: log ? 10 ** max : max };
  }

  /**
   * @param {number} low
   * @param {number} high
   * @param {number} arrow share of the height for arrows
   * @returns {[number, number]}
   */
  function padded(low, high, arrow) {
    const spread = high - low || Math.abs(high) * 0.1 || 1;
    const room = 0.09 * spread + arrow * spread;
    return [low - room, high + room];
  }

  /**
   * Place of a value as a share of the panel's height, from below.
   *
   * @param {Lane} lane
   * @param {number} value
   */
  function place({ min, max, from, to, log }, value) {
    const part = log
      ? (Math.log10(Math.max(value, 1e-300)) - Math.log10(min)) / (Math.log10(max) - Math.log10(min))
      : (value - min) / (max - min);
    return from + part * (to - from);
  }

  /**
   * The lane of a run mode.
   *
   * @param {Lane[]} lanes
   * @param {number} mode rank
   */
  const laneFor = (lanes, mode) => lanes.find(one => one.modes.has(mode)) || lanes[0];

  /**
   * Values of a lane that get a label.
   *
   * @param {Lane} lane
   * @param {number} height of the plot, in CSS pixels
   * @returns {number[]}
   */
  function splits({ min, max, from, to, log }, height) {
    const most = Math.max(2, Math.floor(((to - from) * height) / 34));
    if (log) {
      const found = logSplits(min, max);
      if (found.length >= 2) return thinned(found, most);
    }
    const even = (/** @type {number} */ parts) => {
      const step = niceStep((max - min) / parts);
      const [first, last] = [Math.ceil(min / step), Math.floor(max / step)];
      return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
    };
    return [1, 2, 4].map(finer => even(finer * most)).find(found => found.length > 1) || [];
  }

  /** @param {number} rough */
  function niceStep(rough) {
    const power = 10 ** Math.floor(Math.log10(rough));
    const part = rough / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  }

  /**
   * @param {number} min
   * @param {number} max
   */
  function logSplits(min, max) {
    const parts = max / min > 1e3 ? [1] : max / min > 20 ? [1, 3] : [1, 2, 5];
    const found = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++)
      for (const part of parts) {
        const value = Number(`${part}e${power}`);
        if (value >= min && value <= max) found.push(value);
      }
    return found;
  }

  /**
   * @param {number[]} values
   * @param {number} most
   */
  function thinned(values, most) {
    const every = Math.ceil(values.length / most);
    return values.filter((_, i) => i % every === 0);
  }

  /**
   * Labels of values, all with the decimals that their distance needs.
   *
   * @param {number[]} values
   */
  function labels(values) {
    const step = Math.min(...values.slice(1).map((one, i) => Math.abs(one - values[i])), Infinity);
    const largest = Math.max(...values.map(Math.abs));
    if (largest >= 1e5 || largest < 1e-3 || !Number.isFinite(step))
      return values.map(value => Format.trimmed(value, 3));
    let decimals = 0;
    while (decimals < 8 && Math.abs(Number(step.toFixed(decimals)) - step) > 1e-6 * step) decimals++;
    return values.map(value => value.toFixed(decimals).replace("-", "−"));
  }

  return { STRIP, ARROW, of, apart, place, laneFor, splits, labels };
})();
