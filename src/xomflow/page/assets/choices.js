// Which results the choices select.
"use strict";

/**
 * @typedef {object} Choice what is chosen; a text that is empty selects all
 * @property {string} analysis
 * @property {string} version a version, "newest" or "all"
 * @property {string} mode
 * @property {string} science-run
 * @property {string} range "day", "week", "month" or "all"
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
    const start = choice.range in RANGES ? end - RANGES[choice.range] : -Infinity;
    return band ? [Math.max(start, band.start), band.end] : [start, Infinity];
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
   * The time range of the plots: a chosen range, else that of the points, with some room.
   *
   * @param {number[][]} times of each series, rising
   * @param {[number, number] | null} range that is chosen, if any
   * @param {number} end of the data
   * @returns {[number, number]}
   */
  function plotRange(times, range, end) {
    const dated = times.filter(one => one.length);
    if (!dated.length) return [end - DAY, end];
    const first = Math.min(...dated.map(one => one[0])),
      last = Math.max(...dated.map(one => one[one.length - 1]));
    const [low, high] = range ? [range[0], Math.min(range[1], Math.max(end, last))] : [first, last];
    const room = Math.max((high - low) * 0.02, 600);
    return [low - room, high + room];
  }

  return { RANGES, scienceRuns, asOf, timeWindow, shownVersions, wanted, groups, keeps, plotRange };
})();
