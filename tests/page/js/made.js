// Documents made up for the tests.
"use strict";

/**
 * @param {Partial<Status>} [changes]
 * @returns {Status}
 */
const status = changes => ({
  generated: "2026-09-25T12:00:00Z",
  tick: {},
  states: [],
  counts: {},
  attention: [],
  problems: [],
  decisions: [],
  learning: [],
  minimum: 0,
  titles: {},
  science_runs: [],
  events: [],
  ...changes,
});

/** Some states, in the order of the status. */
const STATES = [
  { name: "waiting", meaning: "lacks data", urgency: 1 },
  { name: "ready", meaning: "has data", urgency: 0 },
  { name: "done", meaning: "has results", urgency: 0 },
  { name: "failed", meaning: "broke", urgency: 3 },
  { name: "gave up", meaning: "broke too often", urgency: 4 },
];

/**
 * @param {Partial<AttentionEntry>} [changes]
 * @returns {AttentionEntry}
 */
const waiting = changes => ({
  analysis: "event_rate",
  version: "v1",
  run: "052894",
  state: "waiting",
  reason: "no data",
  since: null,
  attempt: null,
  next_try: null,
  log: null,
  ...changes,
});

/**
 * @param {Partial<Entry>} [changes]
 * @returns {Entry}
 */
const entry = changes => ({
  key: "event_rate/v1/052",
  analysis: "event_rate",
  version: "v1",
  shelf: "052",
  stamp: "a",
  runs: 1,
  first: 100,
  last: 200,
  results: 1,
  modes: [],
  bands: null,
  ...changes,
});

/**
 * A chunk whose runs have these starts and one variable "rate" with a value for each.
 *
 * @param {(number | null)[]} starts
 * @param {Partial<VariableColumns>} [columns] of the variable
 * @param {Partial<RunColumns>} [runs]
 * @param {any[]} [table]
 * @returns {Chunk}
 */
function chunk(starts, columns, runs, table = ["Hz"]) {
  const rate = {
    run: starts.map((_, row) => row),
    value: starts.map((_, row) => row + 0.5),
    error: 0.1,
    n: 7,
    unit: 0,
    limit: null,
    insufficient: null,
    ...columns,
  };
  const none = { end: null, attempt: 1, ended: null, wall_s: null, id: null, mode: null, source: null, message: null };
  const more = { software: null, git: null, host: null, batch_job: null, detectors: null, tags: null, comments: null };
  const number = starts.map((_, row) => 52000 + row);
  return {
    analysis: "event_rate",
    version: "v1",
    shelf: "052",
    runs: { ...none, ...more, figures: null, versions: null, lineage: null, number, start: starts, ...runs },
    variables: new Map([["rate", rate]]),
    table,
  };
}

/**
 * @param {...Chunk} chunks
 * @returns {Group}
 */
const group = (...chunks) => ({ analysis: "event_rate", version: "v1", rank: 0, chunks });

/**
 * What was expected of the results of "rate" in two runs of a chunk.
 *
 * @param {Partial<GroupColumns>} columns
 * @returns {Bands}
 */
function judged(columns) {
  const group = { group: "all", run: [52000, 52001], expected: [1, 1], low: [0, 0], high: [2, 2], ...columns };
  const marks = { deviation: [0, 0], mark: [null, null], ...columns };
  return {
    analysis: "event_rate",
    version: "v1",
    shelf: "052",
    variables: new Map([["rate", [{ ...group, ...marks }]]]),
  };
}

/**
 * @param {Partial<Alarm>} [changes]
 * @returns {Alarm}
 */
const alarm = changes => ({
  id: "a1",
  kind: "step",
  series: [["event_rate", "v1", "all", "rate"]],
  first_run: "052010",
  began: "2026-09-25T10:00:00Z",
  noticed_run: "052013",
  sentence: "rate fell",
  ended: null,
  how_ended: "",
  sigma: 5,
  contact: "",
  state: "open",
  reason: "",
  ...changes,
});

module.exports = { STATES, status, waiting, entry, alarm, chunk, group, judged };
