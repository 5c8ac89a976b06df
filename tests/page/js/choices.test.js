"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");
const { chunk, entry, status } = require("./made.js");

const DAY = 86400;
/**
 * @param {Partial<Choice>} [changes]
 * @returns {Choice}
 */
const choice = changes => ({
  ...{ analysis: "", version: "newest", mode: "", "science-run": "", range: "all", from: "", to: "", variable: "" },
  ...{ only: "", sort: "analysis", scale: "linear" },
  ...changes,
});
const bands = [
  { name: "SR0", start: 0, end: 1000 },
  { name: "SR1", start: 2000, end: Infinity },
];
const versions = () => ["v10", "v2"];

test("science runs are bands, open where the status has no time", () => {
  const told = [
    { name: "SR0", start: "1970-01-01T00:00:10Z", end: "1970-01-01T00:00:20Z" },
    { name: "SR1", start: "1970-01-01T00:00:20Z", end: null },
  ];
  assert.deepEqual(Choices.scienceRuns(status({ science_runs: told })), [
    { name: "SR0", start: 10, end: 20 },
    { name: "SR1", start: 20, end: Infinity },
  ]);
  assert.deepEqual(Choices.scienceRuns(null), []);
});

test("ranges count back from when the data were written, else from the newest run", () => {
  const index = [entry({ last: 300 }), entry({ last: 200 })];
  assert.equal(Choices.asOf(status({ generated: "1970-01-01T00:01:00Z" }), index), 60);
  assert.equal(Choices.asOf(null, index), 300);
  assert.equal(Choices.asOf(null, []), 0);
});

test("the time range is that of the chosen range and science run together", () => {
  const range = /** @param {Partial<Choice>} changes */ changes => Choices.timeWindow(choice(changes), bands, 10 * DAY);
  assert.deepEqual(range({}), [-Infinity, Infinity]);
  assert.deepEqual(range({ range: "day" }), [9 * DAY, Infinity]);
  assert.deepEqual(range({ range: "week" }), [3 * DAY, Infinity]);
  assert.deepEqual(range({ range: "month" }), [-20 * DAY, Infinity]);
  assert.deepEqual(range({ "science-run": "SR0" }), [0, 1000]);
  assert.deepEqual(range({ "science-run": "SR1", range: "day" }), [9 * DAY, Infinity]);
  assert.deepEqual(range({ "science-run": "SR9" }), [-Infinity, Infinity]);
});

test("versions are the newest, all, or one", () => {
  assert.deepEqual(Choices.shownVersions(choice(), versions()), ["v10"]);
  assert.deepEqual(Choices.shownVersions(choice({ version: "all" }), versions()), ["v10", "v2"]);
  assert.deepEqual(Choices.shownVersions(choice({ version: "v2" }), versions()), ["v2"]);
  assert.deepEqual(Choices.shownVersions(choice({ version: "v3" }), versions()), []);
});

test("chunks of the chosen analysis, version and time are loaded", () => {
  const index = [
    entry({ key: "new", version: "v10" }),
    entry({ key: "old", version: "v2" }),
    entry({ key: "other", version: "v10", analysis: "kr83m" }),
    entry({ key: "late", version: "v10", first: 201, last: 400 }),
  ];
  /**
   * @param {Partial<Choice>} changes
   * @param {[number, number]} window
   */
  const wanted = (changes, window) => Choices.wanted(choice(changes), index, versions, window).map(one => one.key);
  const always = /** @type {[number, number]} */ ([-Infinity, Infinity]);
  assert.deepEqual(wanted({}, always), ["new", "other", "late"]);
  assert.deepEqual(wanted({ analysis: "kr83m" }, always), ["other"]);
  assert.deepEqual(wanted({ version: "v2" }, always), ["old"]);
  assert.deepEqual(wanted({}, [200, 200]), ["new", "other"]);
  assert.deepEqual(wanted({}, [201, Infinity]), ["late"]);
  assert.deepEqual(wanted({}, [-Infinity, 99]), []);
});

test("loaded chunks are grouped by analysis and version, newest versions first", () => {
  const [a, b] = [chunk([1]), chunk([2])];
  const entries = [
    entry({ key: "a", version: "v2" }),
    entry({ key: "gone", version: "v2" }),
    entry({ key: "b", version: "v10" }),
  ];
  const chunks = new Map([
    ["a", a],
    ["b", b],
  ]);
  assert.deepEqual(Choices.groups(entries, versions, chunks), [
    { analysis: "event_rate", version: "v10", rank: 0, chunks: [b] },
    { analysis: "event_rate", version: "v2", rank: 1, chunks: [a] },
  ]);
});

test("a run is kept for its mode and start; one without a start is kept", () => {
  const keep = Choices.keeps(choice({ mode: "kr83m" }), [100, 200]);
  assert.deepEqual(
    [100, 200, 99, 201, null].map(time => keep(time, "kr83m")),
    [true, true, false, false, true],
  );
  assert.equal(keep(100, "background"), false);
  assert.equal(keep(100, null), false);
  assert.equal(Choices.keeps(choice(), [100, 200])(100, null), true);
});

test("days of one's choice count from the begin of the first to the end of the last", () => {
  const range = /** @param {Partial<Choice>} changes */ changes => Choices.timeWindow(choice(changes), bands, 10 * DAY);
  assert.deepEqual(range({ from: "1970-01-02", to: "1970-01-03", range: "day" }), [DAY, 3 * DAY - 1]);
  assert.deepEqual(range({ from: "1970-01-02" }), [DAY, Infinity]);
  assert.deepEqual(range({ to: "1970-01-02" }), [-Infinity, 2 * DAY - 1]);
  assert.deepEqual(range({ to: "1970-01-02", "science-run": "SR0" }), [0, 1000]);
});

test("the range before is as long as the present one and ends where that begins", () => {
  assert.deepEqual(Choices.shifted([10 * DAY, 12 * DAY - 1], -1, 99 * DAY), { from: "1970-01-09", to: "1970-01-10" });
  assert.deepEqual(Choices.shifted([10 * DAY, 12 * DAY - 1], 1, 99 * DAY), { from: "1970-01-13", to: "1970-01-14" });
  assert.deepEqual(Choices.shifted([3 * DAY, Infinity], -1, 10 * DAY), { from: "1969-12-28", to: "1970-01-04" });
});

test("variables are chosen by name or title, deviation, alarm, limit and quality", () => {
  const of = /** @type {(variable: string, newest: Partial<Newest>) => Listed} */ (variable, newest) => ({
    ...{ analysis: "a", variable, main: true },
    newest: { run: "052001", ...newest },
  });
  const all = [of("rate", { deviation: 1, value: 1 }), of("yield", { deviation: -4 }), of("tau", { quality: "poor" })];
  const judge = /** @param {Listed} one */ one =>
    Verdicts.judge(one.newest, one.variable === "rate" ? { warn_low: 2 } : {});
  /** @type {(changes: Partial<Choice>) => string[]} */
  const chosen = changes =>
    Choices.listed(
      choice(changes),
      [...all],
      judge,
      one => one.variable === "tau",
      one => (one.variable === "tau" ? "Lifetime" : ""),
    ).map(one => one.variable);
  assert.deepEqual(chosen({}), ["rate", "yield", "tau"]);
  assert.deepEqual(chosen({ variable: " YIE" }), ["yield"]);
  assert.deepEqual(chosen({ variable: "lifet" }), ["tau"]);
  assert.deepEqual(chosen({ only: "deviating" }), ["yield"]);
  assert.deepEqual(chosen({ only: "alarm" }), ["tau"]);
  assert.deepEqual(chosen({ only: "limit" }), ["rate"]);
  assert.deepEqual(chosen({ only: "poor" }), ["tau"]);
  assert.deepEqual(chosen({ sort: "deviation" }), ["yield", "rate", "tau"]);
});

test("chunks without a run of the chosen mode are not loaded", () => {
  const index = [entry({ key: "a", modes: ["kr83m"] }), entry({ key: "b", modes: ["x"] }), entry({ key: "old" })];
  const found = Choices.wanted(choice({ mode: "kr83m" }), index, () => ["v1"], [-Infinity, Infinity]);
  assert.deepEqual(
    found.map(one => one.key),
    ["a", "old"],
  );
});

test("the plots reach over the results, or over the chosen range", () => {
  const end = 50000;
  const always = /** @type {[number, number]} */ ([-Infinity, Infinity]);
  assert.deepEqual(Choices.plotRange([], always, end), [end - DAY, end]);
  const parts = [entry({ first: 1000, last: 2000 }), entry({ first: 500, last: 600 })];
  assert.deepEqual(Choices.plotRange(parts, always, end), [-100, 2600]);
  const long = [entry({ first: 1e9, last: 1e9 + 100000 })];
  assert.deepEqual(Choices.plotRange(long, always, end), [1e9 - 2000, 1e9 + 102000]);
  assert.deepEqual(Choices.plotRange(parts, [0, Infinity], end), [-1000, 51000]);
  assert.deepEqual(Choices.plotRange([entry({ first: 1, last: 60000 })], [0, Infinity], end), [-1200, 61200]);
  assert.deepEqual(Choices.plotRange(parts, [0, 40000], end), [-800, 40800]);
});
