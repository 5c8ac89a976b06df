// What was expected of results, in the order of their rows; and how remarkable a result is.
"use strict";

/**
 * @typedef {object} Aligned what was expected of the results of a variable, by row; NaN: not judged
 * @property {number[]} expected
 * @property {number[]} low
 * @property {number[]} high
 * @property {number[]} deviation in standard deviations
 * @property {string[]} mark
 * @property {number[]} group place in `groups`, or -1
 * @property {string[]} groups
 *
 * @typedef {"alarm" | "look" | "normal" | "unknown"} Level
 *
 * @typedef {object} Judgement
 * @property {Level} level
 * @property {string[]} reasons
 */

const Verdicts = (function () {
  const OUTLIER = 4.6; // standard deviations, as the expected bands have it
  const BEYOND = 3; // half the width of a band
  const LEVELS = /** @type {Level[]} */ (["unknown", "normal", "look", "alarm"]);
  const known = /** @type {WeakMap<VariableColumns, {bands: Bands, aligned: Aligned}>} */ (new WeakMap());

  /**
   * What was expected of the results of a variable; null if nothing is known.
   *
   * @param {Chunk} chunk
   * @param {string} name of the variable
   * @param {Bands | undefined} bands of the chunk
   */
  function aligned(chunk, name, bands) {
    const variable = chunk.variables.get(name);
    const groups = bands?.variables.get(name);
    if (!variable || !bands || !groups) return null;
    const before = known.get(variable);
    if (before && before.bands === bands) return before.aligned;
    const made = align(chunk, variable, groups);
    known.set(variable, { bands, aligned: made });
    return made;
  }

  /**
   * @param {Chunk} chunk
   * @param {VariableColumns} variable
   * @param {GroupColumns[]} groups
   * @returns {Aligned}
   */
  function align(chunk, variable, groups) {
    const rows = new Map(variable.run.map((run, row) => [chunk.runs.number[run], row]));
    const empty = () => variable.run.map(() => NaN);
    const made = {
      expected: empty(),
      low: empty(),
      high: empty(),
      deviation: empty(),
      mark: variable.run.map(() => ""),
      group: variable.run.map(() => -1),
      groups: groups.map(one => one.group),
    };
    groups.forEach((one, place) => {
      one.run.forEach((number, i) => {
        const row = rows.get(number);
        if (row === undefined) return;
        made.group[row] = place;
        made.mark[row] = one.mark[i] || "";
        for (const field of /** @type {const} */ (["expected", "low", "high", "deviation"]))
          made[field][row] = one[field][i] ?? NaN;
      });
    });
    return made;
  }

  /**
   * How remarkable a result is, and why.
   *
   * @param {Newest} newest
   * @param {Record<string, number>} limits such as {warn_low: 9}
   * @returns {Judgement}
   */
  function judge(newest, limits) {
    const reasons = beyond(newest.value, limits);
    let level = /** @type {Level} */ (
      reasons.some(text => text.includes("error")) ? "alarm" : reasons.length ? "look" : "unknown"
    );
    const raise = (/** @type {Level} */ to) => {
      if (LEVELS.indexOf(to) > LEVELS.indexOf(level)) level = to;
    };
    const { deviation } = newest;
    if (deviation !== undefined) {
      raise(Math.abs(deviation) >= OUTLIER && newest.mark !== "muted" ? "look" : "normal");
      if (Math.abs(deviation) >= OUTLIER) reasons.push(`${signed(deviation)} from what is expected`);
    } else if (!reasons.length && Object.keys(limits).length && newest.value !== undefined) raise("normal");
    if (newest.quality === "poor") {
      raise("look");
      reasons.push("poor quality");
    }
    return { level, reasons };
  }

  /**
   * The limits that a value is beyond, in words.
   *
   * @param {number | undefined} value
   * @param {Record<string, number>} limits
   */
  function beyond(value, limits) {
    const found = /** @type {string[]} */ ([]);
    if (value === undefined) return found;
    for (const kind of ["error", "warn"]) {
      const [low, high] = [limits[`${kind}_low`], limits[`${kind}_high`]];
      const called = kind === "warn" ? "warning" : "error";
      if (low !== undefined && value < low) found.push(`below the ${called} limit ${Format.trimmed(low, 6)}`);
      if (high !== undefined && value > high) found.push(`above the ${called} limit ${Format.trimmed(high, 6)}`);
      if (found.length) break;
    }
    return found;
  }

  /**
   * The most remarkable of some levels.
   *
   * @param {Level[]} levels
   */
  const worst = levels => LEVELS[Math.max(0, ...levels.map(one => LEVELS.indexOf(one)))];

  /**
   * A deviation as "+4.9 σ".
   *
   * @param {number} deviation
   */
  function signed(deviation) {
    const size = Math.abs(deviation);
    const text = size < 9.95 ? size.toFixed(1) : size < 1000 ? String(Math.round(size)) : "> 1000";
    return `${deviation < 0 && Number(text) !== 0 ? "−" : "+"}${text} σ`;
  }

  /**
   * Whether an alarm is about a variable.
   *
   * @param {Alarm} alarm
   * @param {string} analysis
   * @param {string} [variable] any if it is left out
   */
  const concerns = (alarm, analysis, variable) =>
    alarm.series.some(one => one[0] === analysis && (variable === undefined || one[3] === variable));

  /**
   * Whether an alarm is not over, and no person has muted it.
   *
   * @param {Alarm} alarm
   */
  const goesOn = alarm => alarm.ended === null && alarm.state !== "muted";

  return { OUTLIER, BEYOND, aligned, judge, beyond, worst, signed, concerns, goesOn };
})();
