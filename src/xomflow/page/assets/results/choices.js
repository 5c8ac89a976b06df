// Which results the choices select.
"use strict";

/**
 * @typedef {object} Choice what is chosen; a text that is empty selects all
 * @property {string} analysis
 * @property {string} version a version, "newest" or "all"
 * @property {string} mode
 * @property {string} science-run
 * @property {string} range "day", "week", "month" or "all"
 * @property {string} from a day such as "2026-09-25"; with it or `to`, `range` does not count
 * @property {string} to the last day
 * @property {string} variable part of its name or title
 * @property {string} only "", "deviating", "alarm", "limit" or "poor"
 * @property {string} sort "analysis" or "deviation"
 * @property {string} scale "linear" or "log"
 *
 * @typedef {object} Listed a variable that has results
 * @property {string} analysis
 * @property {string} variable
 * @property {Newest} newest
 * @property {boolean} main whether it is shown first
 */

const Choices = (function () {
  const { seconds } = Format;
  const DAY = 86400; // s
  const RANGES = /** @type {Record<string, number>} */ ({ day: DAY, week: 7 * DAY, month: 30 * DAY });

  /**
   * The science runs that the status names; without a start or an end they are open.
   *
   * @param {Status | null} status
   * @returns {Band[]}
   */
  function scienceRuns(status) {
    return (status?.science_runs || []).map(one => ({
      name: one.name,
      start: seconds(one.start) ?? -Infinity,
      end: seconds(one.end) ?? Infinity,
    }));
  }

  /**
   * The moment that "the last week" ends with: when the data were written, else the start of the newest run.
   *
   * @param {Status | null} status
   * @param {Entry[]} index
   */
  function asOf(status, index) {
    return seconds(status?.generated) ?? Math.max(0, ...index.map(one => one.last));
  }

  /**
   * The time range that is chosen, in seconds since 1970.
   *
   * @param {Choice} choice
   * @param {Band[]} bands
   * @param {number} end that of a range that counts back
   * @returns {[number, number]}
   */
  function timeWindow(choice, bands, end) {
    const band = bands.find(one => one.name === choice["science-run"]);
    const [start, last] = isOwn(choice)
      ? days(choice)
      : [choice.range in RANGES ? end - RANGES[choice.range] : -Infinity, Infinity];
    return band ? [Math.max(start, band.start), Math.min(last, band.end)] : [start, last];
  }

  /** @param {Choice} choice */
  const isOwn = choice => Boolean(choice.from || choice.to);

  /**
   * From the begin of the first day to the end of the last one.
   *
   * @param {Choice} choice
   * @returns {[number, number]}
   */
  function days({ from, to }) {
    const last = seconds(to);
    return [seconds(from) ?? -Infinity, last === null ? Infinity : last + DAY - 1];
  }

  /**
   * The days of the range before or after the present one.
   *
   * @param {[number, number]} window
   * @param {number} direction -1: before, 1: after
   * @param {number} end that of a range that has none
   */
  function shifted([start, last], direction, end) {
    const to = Math.min(last, end);
    const length = Math.max(DAY, Math.ceil((to - start) / DAY) * DAY);
    const day = (/** @type {number} */ time) => new Date(time * 1000).toISOString().slice(0, 10);
    return { from: day(start + direction * length), to: day(to + direction * length) };
  }

  /**
   * The variables that are shown, those of an analysis together; or all by the deviation of the newest result.
   *
   * @param {Choice} choice
   * @param {Listed[]} all
   * @param {(one: Listed) => Judgement} judge
   * @param {(one: Listed) => boolean} alarmed whether an alarm that is not over is about it
   * @param {(one: Listed) => string} title
   */
  function listed(choice, all, judge, alarmed, title) {
    const text = choice.variable.trim().toLowerCase();
    const fits = {
      deviating: (/** @type {Listed} */ one) => Math.abs(one.newest.deviation ?? 0) >= Verdicts.BEYOND,
      alarm: alarmed,
      limit: (/** @type {Listed} */ one) => judge(one).reasons.some(reason => reason.includes("limit")),
      poor: (/** @type {Listed} */ one) => one.newest.quality === "poor",
    };
    const only = /** @type {Record<string, (one: Listed) => boolean>} */ (fits)[choice.only] || (() => true);
    const found = all.filter(
      one => only(one) && (!text || `${one.variable} ${title(one)}`.toLowerCase().includes(text)),
    );
    const size = (/** @type {Listed} */ { newest }) => Math.abs(newest.deviation ?? -1);
    return choice.sort === "deviation" ? found.sort((a, b) => size(b) - size(a)) : found;
  }

  /**
   * Those of an analysis' versions that are chosen.
   *
   * @param {Choice} choice
   * @param {string[]} versions newest first
   */
  function shownVersions(choice, versions) {
    if (choice.version === "newest") return versions.slice(0, 1);
    return choice.version === "all" ? versions : versions.filter(one => one === choice.version);
  }

  /**
   * The chunks that may hold chosen results.
   *
   * @param {Choice} choice
   * @param {Entry[]} index
   * @param {(analysis: string) => string[]} versions of an analysis, newest first
   * @param {[number, number]} window
   */
  function wanted(choice, index, versions, [start, end]) {
    return index.filter(
      one =>
        (!choice.analysis || one.analysis === choice.analysis) &&
        (!choice.mode || !one.modes.length || one.modes.includes(choice.mode)) &&
        shownVersions(choice, versions(one.analysis)).includes(one.version) &&
        one.last >= start &&
        one.first <= end,
    );
  }

  /**
   * Loaded chunks by analysis and version, newest versions first.
   *
   * @param {Entry[]} entries
   * @param {(analysis: string) => string[]} versions of an analysis, newest first
   * @param {Map<string, Chunk>} chunks by key; one that could not be loaded is not there
   * @returns {Group[]}
   */
  function groups(entries, versions, chunks) {
    const found = /** @type {Map<string, Group>} */ (new Map());
    for (const { key, analysis, version } of entries) {
      const name = `${analysis}/${version}`;
      const group = found.get(name) || { analysis, version, rank: versions(analysis).indexOf(version), chunks: [] };
      found.set(name, group);
      const chunk = chunks.get(key);
      if (chunk) group.chunks.push(chunk);
    }
    return [...found.values()].sort((a, b) => a.rank - b.rank);
  }

  /**
   * Return a function of a run's start and mode: whether it is among the chosen ones.
   *
   * @param {Choice} choice
   * @param {[number, number]} window
   * @returns {(time: number | null, mode: string | null) => boolean}
   */
  function keeps(choice, [start, end]) {
    return (time, mode) => (!choice.mode || mode === choice.mode) && (time === null || (time >= start && time <= end));
  }

  /**
   * The time range of the plots: a chosen range, else that of the results, with some room.
   *
   * @param {Pick<Entry, "first" | "last">[]} entries chunks that are shown
   * @param {[number, number]} window that is chosen
   * @param {number} end of the data
   * @returns {[number, number]}
   */
  function plotRange(entries, [start, last], end) {
    const dated = entries.filter(one => one.last > 0);
    if (!dated.length) return [end - DAY, end];
    const low = Number.isFinite(start) ? start : Math.min(...dated.map(one => one.first));
    const newest = Math.max(...dated.map(one => one.last));
    const high = Number.isFinite(last) ? last : Number.isFinite(start) ? Math.max(end, newest) : newest;
    const room = Math.max((high - low) * 0.02, 600);
    return [low - room, high + room];
  }

  return {
    RANGES,
    scienceRuns,
    asOf,
    timeWindow,
    isOwn,
    shifted,
    listed,
    shownVersions,
    wanted,
    groups,
    keeps,
    plotRange,
  };
})();
