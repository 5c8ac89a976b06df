// From chunks (columns) to the points of a panel.
"use strict";

/**
 * @typedef {object} Group the loaded chunks of one version of an analysis
 * @property {string} analysis
 * @property {string} version
 * @property {number} rank 0 is the newest version
 * @property {Chunk[]} chunks
 *
 * @typedef {object} Series the points of one variable by time, as columns
 * @property {string} analysis
 * @property {string} variable
 * @property {string | null} unit
 * @property {number[]} x starts of the runs, in seconds since 1970
 * @property {(number | null)[]} y
 * @property {number[]} error
 * @property {number[]} down lower side of the error
 * @property {number[]} up upper side of the error
 * @property {number[]} kind VALUE, UPPER, LOWER or NONE
 * @property {number[]} rank that of the version
 * @property {number[]} mode rank of the run mode, or -1
 * @property {boolean[]} poor whether the quality is poor
 * @property {number[]} expected NaN: not judged; so are the next three
 * @property {number[]} low
 * @property {number[]} high
 * @property {number[]} deviation in standard deviations
 * @property {string[]} mark what is remarkable
 * @property {string[]} group of run modes that was judged together; empty: not judged
 * @property {Chunk[]} chunk
 * @property {number[]} row
 * @property {number} undated how many points have no time
 * @property {Map<string, number>} versions to their rank
 *
 * @typedef {object} Surroundings of some chunks
 * @property {Iterable<string>} [names] of the variables; left out: all
 * @property {string[]} [modes] of the site, which have ranks
 * @property {Map<string, Bands>} [bands] by key of the chunk
 */

const Points = (function () {
  const { at, text, side, describe } = Rows;
  const VALUE = 0,
    UPPER = 1,
    LOWER = 2,
    NONE = 3;

  /**
   * Return the points of every variable, or of those that are named.
   *
   * @param {Group[]} groups
   * @param {(start: number | null, mode: string | null) => boolean} keep whether a run is shown
   * @param {Surroundings} [around]
   * @returns {Series[]}
   */
  function collect(groups, keep, { names, modes = [], bands } = {}) {
    const series = /** @type {Map<string, Series>} */ (new Map());
    for (const group of groups)
      for (const chunk of group.chunks) {
        const shown = visibleRuns(chunk, keep);
        const ranks = modeRanks(chunk, modes);
        for (const name of names || chunk.variables.keys()) {
          const variable = chunk.variables.get(name);
          if (!variable) continue;
          const key = JSON.stringify([group.analysis, name]);
          const one = series.get(key) || empty(group.analysis, name);
          series.set(key, one);
          append(one, chunk, variable, group, shown, ranks, Verdicts.aligned(chunk, name, bands?.get(keyOf(chunk))));
        }
      }
    return [...series.values()].filter(one => one.x.length || one.undated).map(sorted);
  }

  /** @param {Chunk} chunk */
  const keyOf = ({ analysis, version, shelf }) => `${analysis}/${version}/${shelf}`;

  const COLUMNS = /** @type {const} */ ([
    ...[
      "x",
      "y",
      "error",
      "down",
      "up",
      "kind",
      "rank",
      "mode",
      "poor",
      "expected",
      "low",
      "high",
      "deviation",
      "mark",
      "group",
    ],
    ...["chunk", "row"],
  ]);

  /**
   * @param {string} analysis
   * @param {string} variable
   * @returns {Series}
   */
  function empty(analysis, variable) {
    const columns = /** @type {any} */ (Object.fromEntries(COLUMNS.map(name => [name, []])));
    return { analysis, variable, unit: null, ...columns, undated: 0, versions: new Map() };
  }

  /**
   * @param {Chunk} chunk
   * @param {(start: number | null, mode: string | null) => boolean} keep
   */
  function visibleRuns(chunk, keep) {
    const { start, mode } = chunk.runs;
    return start.map((time, row) => keep(time, text(chunk, mode, row)));
  }

  /**
   * A function of a row of the runs: the rank of the run's mode.
   *
   * @param {Chunk} chunk
   * @param {string[]} modes
   */
  function modeRanks(chunk, modes) {
    const ofText = new Map(modes.map((name, rank) => [name, rank]));
    const ofPlace = chunk.table.map(one => (typeof one === "string" ? (ofText.get(one) ?? -1) : -1));
    return (/** @type {number} */ row) => {
      const place = at(chunk.runs.mode, row);
      return place === null ? -1 : ofPlace[place];
    };
  }

  /**
   * Add the rows of a variable to its series.
   *
   * @param {Series} series
   * @param {Chunk} chunk
   * @param {VariableColumns} variable
   * @param {Group} group
   * @param {boolean[]} shown by row of the runs
   * @param {(row: number) => number} modeOf a row of the runs
   * @param {Aligned | null} judged
   */
  function append(series, chunk, variable, group, shown, modeOf, judged) {
    const { run, value, error } = variable;
    const limits = chunk.table.map(one => (one === "upper" ? UPPER : one === "lower" ? LOWER : VALUE));
    const quality = variable.data?.quality;
    for (let row = 0; row < run.length; row++) {
      if (!shown[run[row]]) continue;
      const time = chunk.runs.start[run[row]];
      if (time === null) {
        series.undated++;
        continue;
      }
      const y = at(value, row);
      const limit = at(variable.limit, row);
      series.x.push(time);
      series.y.push(y);
      series.error.push(at(error, row) || 0);
      series.down.push(side(variable.error_low, variable, row) || 0);
      series.up.push(side(variable.error_high, variable, row) || 0);
      series.kind.push(y === null ? NONE : limit === null ? VALUE : limits[limit]);
      series.rank.push(group.rank);
      series.mode.push(modeOf(run[row]));
      series.poor.push(at(quality, row) === "poor");
      series.expected.push(judged ? judged.expected[row] : NaN);
      series.low.push(judged ? judged.low[row] : NaN);
      series.high.push(judged ? judged.high[row] : NaN);
      series.deviation.push(judged ? judged.deviation[row] : NaN);
      series.mark.push(judged ? judged.mark[row] : "");
      series.group.push(judged && judged.group[row] >= 0 ? judged.groups[judged.group[row]] : "");
      series.chunk.push(chunk);
      series.row.push(row);
      if (y !== null) series.unit = text(chunk, variable.unit, row) || series.unit;
      series.versions.set(group.version, group.rank);
    }
    if (series.unit === null && run.length) series.unit = text(chunk, variable.unit, 0);
  }

  /**
   * @param {Series} series
   * @returns {Series}
   */
  function sorted(series) {
    const { x } = series;
    let rising = true;
    for (let i = 1; i < x.length && rising; i++) rising = x[i - 1] <= x[i];
    if (rising) return series;
    const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b]);
    /** @type {<Value>(column: Value[]) => Value[]} */
    const inOrder = column => order.map(i => column[i]);
    const columns = /** @type {any} */ (
      Object.fromEntries(COLUMNS.map(name => [name, inOrder(/** @type {any[]} */ (series[name]))]))
    );
    return { ...series, ...columns };
  }

  /**
   * Return everything that is known about one point of a series.
   *
   * @param {Series} series
   * @param {number} i
   */
  function point(series, i) {
    return describe(series.chunk[i], series.variable, variableOf(series, i), series.row[i]);
  }

  /**
   * Return the columns that hold one point of a series.
   *
   * @param {Series} series
   * @param {number} i
   * @returns {VariableColumns}
   */
  function variableOf(series, i) {
    return /** @type {VariableColumns} */ (series.chunk[i].variables.get(series.variable));
  }

  /**
   * Return the row, among the runs of its chunk, of the run of one point of a series.
   *
   * @param {Series} series
   * @param {number} i
   */
  const runRow = (series, i) => variableOf(series, i).run[series.row[i]];

  return { VALUE, UPPER, LOWER, NONE, collect, point, runRow };
})();
