// From chunks (columns) to the points of a panel.
"use strict";

(function () {
  const VALUE = 0,
    UPPER = 1,
    LOWER = 2,
    NONE = 3;

  /** A column is a list, or one value for all rows. */
  const at = (column, row) => (Array.isArray(column) ? column[row] : column === undefined ? null : column);
  const told = (chunk, column, row) => {
    const place = at(column, row);
    return place === null ? null : chunk.table[place];
  };

  /**
   * Gather the points of every variable.
   *
   * groups: [{analysis, version, rank, chunks}], rank 0 = newest version. keep(start, mode) says whether a run is shown.
   * Returns a list of series {analysis, variable, unit, x, y, error, kind, rank, chunk, row, undated, versions}, points by time.
   */
  function collect(groups, keep) {
    const series = new Map();
    for (const group of groups)
      for (const chunk of group.chunks) {
        const shown = visibleRuns(chunk, keep);
        for (const [name, variable] of chunk.variables) {
          const key = JSON.stringify([group.analysis, name]);
          if (!series.has(key)) series.set(key, empty(group.analysis, name));
          append(series.get(key), chunk, variable, group, shown);
        }
      }
    return [...series.values()].filter(one => one.x.length || one.undated).map(sorted);
  }

  function empty(analysis, variable) {
    return {
      analysis,
      variable,
      unit: null,
      x: [],
      y: [],
      error: [],
      kind: [],
      rank: [],
      chunk: [],
      row: [],
      undated: 0,
      versions: new Map(),
    };
  }

  function visibleRuns(chunk, keep) {
    const { start, mode } = chunk.runs;
    return start.map((time, row) => keep(time, told(chunk, mode, row)));
  }

  function append(series, chunk, variable, group, shown) {
    const { run, value, error } = variable;
    const limits = chunk.table.map(text => (text === "upper" ? UPPER : text === "lower" ? LOWER : VALUE));
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
      series.kind.push(y === null ? NONE : limit === null ? VALUE : limits[limit]);
      series.rank.push(group.rank);
      series.chunk.push(chunk);
      series.row.push(row);
      if (y !== null) series.unit = told(chunk, variable.unit, row) || series.unit;
      series.versions.set(group.version, group.rank);
    }
    if (series.unit === null && run.length) series.unit = told(chunk, variable.unit, 0);
  }

  function sorted(series) {
    const { x } = series;
    let rising = true;
    for (let i = 1; i < x.length && rising; i++) rising = x[i - 1] <= x[i];
    if (rising) return series;
    const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b]);
    for (const name of ["x", "y", "error", "kind", "rank", "chunk", "row"]) {
      const column = series[name];
      series[name] = order.map(i => column[i]);
    }
    return series;
  }

  /** Everything that is known of one point of a series. */
  function point(series, i) {
    return describe(series.chunk[i], series.variable, series.row[i]);
  }

  function describe(chunk, name, row) {
    const variable = chunk.variables.get(name);
    const extras = Object.entries(variable.data || {}).map(([key, column]) => [key, at(column, row)]);
    return {
      variable: name,
      value: at(variable.value, row),
      error: at(variable.error, row),
      n: at(variable.n, row),
      unit: told(chunk, variable.unit, row),
      limit: told(chunk, variable.limit, row),
      insufficient: told(chunk, variable.insufficient, row),
      data: extras.filter(([, value]) => value !== null),
      run: runOf(chunk, variable.run[row]),
    };
  }

  /** The facts of one run as the analysis saw it. */
  function runOf(chunk, row) {
    const facts = { analysis: chunk.analysis, version: chunk.version, shelf: chunk.shelf, row };
    for (const name of ["number", "start", "end", "attempt", "ended", "wall_s"])
      facts[name] = at(chunk.runs[name], row);
    facts.id = told(chunk, chunk.runs.id, row) || xom.format.runId(facts.number); // a group of runs has an id of its own
    for (const name of ["mode", "source", "message", "software", "git", "host", "slurm_job"])
      facts[name] = told(chunk, chunk.runs[name], row);
    for (const name of ["detectors", "tags", "comments", "figures"])
      facts[name] = told(chunk, chunk.runs[name], row) || [];
    for (const name of ["versions", "lineage"]) facts[name] = Object.entries(told(chunk, chunk.runs[name], row) || {});
    return facts;
  }

  /** All results of one run in a chunk. */
  function resultsOf(chunk, runRow) {
    const found = [];
    for (const [name, variable] of chunk.variables) {
      const row = variable.run.indexOf(runRow);
      if (row >= 0) found.push(describe(chunk, name, row));
    }
    return found;
  }

  function modes(chunks) {
    const found = new Set();
    for (const chunk of chunks) {
      const column = chunk.runs.mode;
      for (const place of Array.isArray(column) ? new Set(column) : [column])
        if (place !== null) found.add(chunk.table[place]);
    }
    return [...found].sort();
  }

  xom.points = { VALUE, UPPER, LOWER, NONE, collect, point, runOf, resultsOf, modes };
})();
