"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");
const { chunk, group } = require("./made.js");

const all = () => true;

test("points of several chunks are one series by time", () => {
  const [series, ...others] = Points.collect([group(chunk([300, 100]), chunk([200]))], all);
  assert.deepEqual(others, []);
  assert.deepEqual(series.x, [100, 200, 300]);
  assert.deepEqual(series.y, [1.5, 0.5, 0.5]);
  assert.deepEqual(series.row, [1, 0, 0]);
  assert.deepEqual(series.error, [0.1, 0.1, 0.1]);
  assert.equal(series.unit, "Hz");
});

test("an error has two sides, which are the same unless the run says otherwise", () => {
  const [series] = Points.collect([group(chunk([100, 200], { error: 0.3, error_low: [0.1, null] }))], all);
  assert.deepEqual(
    [series.down, series.up],
    [
      [0.1, 0.3],
      [0.3, 0.3],
    ],
  );
  const { down, up } = Points.point(series, 0);
  assert.deepEqual([down, up], [0.1, 0.3]);
});

test("only the runs that are kept have points", () => {
  const made = chunk([100, 200, 300], {}, { mode: [1, 2, 1] }, ["Hz", "kr83m", "background"]);
  const [series] = Points.collect([group(made)], (start, mode) => mode === "kr83m" && start !== 300);
  assert.deepEqual(series.x, [100]);
});

test("a variable without any kept run has no series", () => {
  assert.deepEqual(
    Points.collect([group(chunk([100, 200]))], () => false),
    [],
  );
});

test("a result is a value, a limit or none", () => {
  const columns = { value: [1, 2, 3, null], limit: [null, 1, 2, null], error: null };
  const made = chunk([1, 2, 3, 4], columns, {}, ["Hz", "upper", "lower"]);
  const [series] = Points.collect([group(made)], all);
  assert.deepEqual(series.kind, [Points.VALUE, Points.UPPER, Points.LOWER, Points.NONE]);
  assert.deepEqual(series.error, [0, 0, 0, 0]);
});

test("runs without a start are counted and not drawn", () => {
  const [series] = Points.collect([group(chunk([null, 100, null]))], all);
  assert.deepEqual([series.undated, series.x], [2, [100]]);
});

test("versions of an analysis share a series and keep their ranks", () => {
  const groups = [group(chunk([100])), { ...group(chunk([50])), version: "v0", rank: 1 }];
  const [series] = Points.collect(groups, all);
  assert.deepEqual(series.rank, [1, 0]);
  assert.deepEqual(
    [...series.versions],
    [
      ["v1", 0],
      ["v0", 1],
    ],
  );
});

test("the same name in two analyses is two series", () => {
  const found = Points.collect([group(chunk([100])), { ...group(chunk([100])), analysis: "kr83m" }], all);
  assert.deepEqual(
    found.map(one => one.analysis),
    ["event_rate", "kr83m"],
  );
});

test("a point has the facts of its row", () => {
  const columns = { insufficient: [null, 1], value: [0.5, null], data: { sigma: [0.2, null], fit: "ok" } };
  const made = chunk([200, 100], columns, {}, ["Hz", "too few events"]);
  const [series] = Points.collect([group(made)], all);
  const [first, second] = [Points.point(series, 0), Points.point(series, 1)];
  assert.deepEqual([first.value, first.insufficient, first.data], [null, "too few events", [["fit", "ok"]]]);
  assert.deepEqual([second.value, second.insufficient, second.n, second.unit], [0.5, null, 7, "Hz"]);
  assert.deepEqual(second.data, [
    ["sigma", 0.2],
    ["fit", "ok"],
  ]);
  assert.deepEqual([first.run.number, second.run.number], [52001, 52000]);
  assert.deepEqual([Points.runRow(series, 0), Points.runRow(series, 1)], [1, 0]);
});

test("a run has its texts and lists, and its id is that of its group", () => {
  const runs = { tags: 1, id: [2, null], versions: 3, mode: [4, null], end: [150, 250] };
  const table = ["Hz", ["bad"], "052000-052009", { strax: "2.2.3" }, "kr83m"];
  const made = chunk([100, 200], {}, runs, table);
  const [first, second] = [Rows.runOf(made, 0), Rows.runOf(made, 1)];
  assert.deepEqual([first.id, second.id], ["052000-052009", "052001"]);
  assert.deepEqual([first.mode, second.mode, first.end, second.end], ["kr83m", null, 150, 250]);
  assert.deepEqual([first.tags, first.comments, first.versions], [["bad"], [], [["strax", "2.2.3"]]]);
});

test("all results of a run are found", () => {
  const made = chunk([100, 200]);
  const [other] = chunk([100], { run: [1], value: 9 }).variables.values();
  made.variables.set("other", other);
  const values = /** @param {number} row */ row => Rows.resultsOf(made, row).map(one => [one.variable, one.value]);
  assert.deepEqual(values(0), [["rate", 0.5]]);
  assert.deepEqual(values(1), [
    ["rate", 1.5],
    ["other", 9],
  ]);
});

test("only the named variables are collected", () => {
  const made = chunk([100]);
  made.variables.set("other", /** @type {VariableColumns} */ (made.variables.get("rate")));
  const found = Points.collect([group(made)], all, { names: ["other", "gone"] });
  assert.deepEqual(
    found.map(one => one.variable),
    ["other"],
  );
});

test("a point has the rank of its run mode, and its quality", () => {
  const made = chunk([1, 2, 3], { data: { quality: ["good", "poor", null] } }, { mode: [1, 2, null] }, [
    "Hz",
    "a",
    "b",
  ]);
  const [series] = Points.collect([group(made)], all, { modes: ["b", "a"] });
  assert.deepEqual(series.mode, [1, 0, -1]);
  assert.deepEqual(series.poor, [false, true, false]);
});
