// What the columns of a chunk have in one row: a result, or a run.
"use strict";

/**
 * @typedef {object} Point
 * @property {string} variable
 * @property {number | null} value
 * @property {number | null} error the larger of its two sides
 * @property {number | null} down
 * @property {number | null} up
 * @property {number | null} n
 * @property {string | null} unit
 * @property {string | null} limit "upper" or "lower"
 * @property {string | null} insufficient why there is no value
 * @property {[string, number | string | boolean][]} data
 * @property {Run} run
 *
 * @typedef {object} Run one run, or group of runs, as the analysis had it
 * @property {string} analysis
 * @property {string} version
 * @property {string} shelf
 * @property {number} row
 * @property {string} id
 * @property {number} number that of the first run of a group
 * @property {number | null} start
 * @property {number | null} end
 * @property {number | null} attempt
 * @property {number | null} ended
 * @property {number | null} wall_s
 * @property {string | null} mode
 * @property {string | null} source
 * @property {string | null} message
 * @property {string | null} mark why it is not made of what its group of runs is now
 * @property {string | null} software
 * @property {string | null} git
 * @property {string | null} host
 * @property {string | null} batch_job
 * @property {string[]} detectors
 * @property {string[]} tags
 * @property {string[]} comments
 * @property {string[]} figures
 * @property {[string, string][]} versions
 * @property {[string, string][]} lineage
 */

const Rows = (function () {
  /**
   * @template Value
   * @param {Column<Value> | undefined} column
   * @param {number} row
   * @returns {Value | null}
   */
  const at = (column, row) => (Array.isArray(column) ? column[row] : column === undefined ? null : column);

  /**
   * @param {Chunk} chunk
   * @param {Places} column
   * @param {number} row
   */
  function text(chunk, column, row) {
    const place = at(column, row);
    return place === null ? null : chunk.table[place];
  }

  /**
   * Return one side of the error of a row: that of both sides where they do not differ.
   *
   * @param {Numbers | undefined} column
   * @param {VariableColumns} variable
   * @param {number} row
   */
  function side(column, variable, row) {
    const own = column === undefined ? null : at(column, row);
    return own === null ? at(variable.error, row) : own;
  }

  /**
   * @param {Chunk} chunk
   * @param {string} name
   * @param {VariableColumns} variable
   * @param {number} row
   * @returns {Point}
   */
  function describe(chunk, name, variable, row) {
    const data = /** @type {[string, number | string | boolean][]} */ ([]);
    for (const [key, column] of Object.entries(variable.data || {})) {
      const value = at(column, row);
      if (value !== null) data.push([key, value]);
    }
    return {
      variable: name,
      value: at(variable.value, row),
      error: at(variable.error, row),
      down: side(variable.error_low, variable, row),
      up: side(variable.error_high, variable, row),
      n: at(variable.n, row),
      unit: text(chunk, variable.unit, row),
      limit: text(chunk, variable.limit, row),
      insufficient: text(chunk, variable.insufficient, row),
      data,
      run: runOf(chunk, variable.run[row]),
    };
  }

  /**
   * Return what is known about one run.
   *
   * @param {Chunk} chunk
   * @param {number} row
   * @returns {Run}
   */
  function runOf(chunk, row) {
    const { runs } = chunk;
    /** @param {Places} column */
    const one = column => text(chunk, column, row);
    /** @param {Places} column */
    const list = column => one(column) || [];
    /** @type {(column: Places) => [string, string][]} */
    const pairs = column => Object.entries(one(column) || {});
    return {
      analysis: chunk.analysis,
      version: chunk.version,
      shelf: chunk.shelf,
      row,
      id: one(runs.id) || Format.runId(runs.number[row]), // a group of runs has an id of its own
      number: runs.number[row],
      start: runs.start[row],
      end: at(runs.end, row),
      attempt: at(runs.attempt, row),
      ended: at(runs.ended, row),
      wall_s: at(runs.wall_s, row),
      mode: one(runs.mode),
      source: one(runs.source),
      message: one(runs.message),
      mark: one(runs.mark),
      software: one(runs.software),
      git: one(runs.git),
      host: one(runs.host),
      batch_job: one(runs.batch_job ?? runs.slurm_job ?? null), // the second is that of version 1.0
      detectors: list(runs.detectors),
      tags: list(runs.tags),
      comments: list(runs.comments),
      figures: list(runs.figures),
      versions: pairs(runs.versions),
      lineage: pairs(runs.lineage),
    };
  }

  /**
   * Return all results of one run in a chunk.
   *
   * @param {Chunk} chunk
   * @param {number} row that of the run
   */
  function resultsOf(chunk, row) {
    const found = [];
    for (const [name, variable] of chunk.variables) {
      const place = variable.run.indexOf(row);
      if (place >= 0) found.push(describe(chunk, name, variable, place));
    }
    return found;
  }

  return { at, text, side, describe, runOf, resultsOf };
})();
