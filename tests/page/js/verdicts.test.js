"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");
const { STATES, alarm, chunk, entry, judged, status } = require("./made.js");

test("a result is remarkable beyond a limit, far from what is expected, or of poor quality", () => {
  /** @type {(newest: Partial<Newest>, limits?: Record<string, number>) => Judgement} */
  const judge = (newest, limits = {}) => Verdicts.judge({ run: "052001", value: 5, ...newest }, limits);
  assert.deepEqual(judge({}), { level: "unknown", reasons: [] });
  assert.deepEqual(judge({ deviation: 3.9 }), { level: "normal", reasons: [] });
  assert.deepEqual(judge({ deviation: -4.6 }), { level: "look", reasons: ["−4.6 σ from what is expected"] });
  assert.equal(judge({ deviation: -9, mark: "muted" }).level, "normal");
  assert.equal(judge({}, { warn_low: 4 }).level, "normal");
  assert.deepEqual(judge({}, { warn_low: 6 }), { level: "look", reasons: ["below the warning limit 6"] });
  assert.deepEqual(judge({ deviation: 0 }, { error_high: 4, warn_high: 3 }), {
    level: "alarm",
    reasons: ["above the error limit 4"],
  });
  assert.deepEqual(judge({ quality: "poor", deviation: 1 }), { level: "look", reasons: ["poor quality"] });
});

test("an analysis is as remarkable as its worst variable, and an open alarm is worse than all", () => {
  Store.status = status({ states: STATES });
  const of = /** @param {number} deviation */ deviation => ({
    ...{ analysis: "event_rate", variable: "rate", main: true },
    newest: { run: "052001", value: 1, deviation },
  });
  const level = /** @type {(all: Listed[], alarms: Alarm[]) => string} */ (all, alarms) =>
    Newest.judgeAnalysis("event_rate", all, alarms).level;
  assert.equal(level([of(1)], []), "normal");
  assert.equal(level([of(1), of(8)], []), "look");
  assert.equal(level([of(1)], [alarm()]), "alarm");
  assert.equal(level([of(1)], [alarm({ state: "acknowledged" })]), "look");
  assert.equal(level([of(1)], [alarm({ series: [["kr83m", "v1", "all", "rate"]] })]), "normal");
});

test("alarms that need a person are those that go on, and those that nobody explained", () => {
  const ended = { ended: "2026-09-26T00:00:00Z", state: "ended" };
  const all = [
    alarm({ id: "unexplained", ...ended, how_ended: "accepted unexplained" }),
    alarm({ id: "explained", ...ended, how_ended: "accepted unexplained", reason: "jane: new source" }),
    alarm({ id: "back", ...ended, how_ended: "returned" }),
    alarm({ id: "seen", state: "acknowledged" }),
    alarm({ id: "muted", state: "muted" }),
    alarm({ id: "open" }),
  ];
  assert.deepEqual(
    Alarms.pressing(all).map(one => one.id),
    ["open", "seen", "unexplained"],
  );
});

test("what was expected is found by run, and anew after it has changed", () => {
  const made = chunk([1, 2]);
  const first = judged({ run: [52001, 52999], expected: [7, 8], mark: ["outlier", null] });
  assert.deepEqual(Verdicts.aligned(made, "rate", first)?.expected, [NaN, 7]);
  assert.deepEqual(Verdicts.aligned(made, "rate", first)?.mark, ["", "outlier"]);
  assert.deepEqual(Verdicts.aligned(made, "rate", judged({ expected: [3, 4] }))?.expected, [3, 4]);
  assert.equal(Verdicts.aligned(made, "other", first), null);
  assert.equal(Verdicts.aligned(made, "rate", undefined), null);
});

test("a deviation has a sign and one decimal", () => {
  assert.deepEqual([4.94, -0.04, -3, 12.3, 5000].map(Verdicts.signed), [
    "+4.9 σ",
    "+0.0 σ",
    "−3.0 σ",
    "+12 σ",
    "+> 1000 σ",
  ]);
});

test("modes of ordinary data come first, and each looks different from the next", () => {
  const index = [entry({ modes: ["tpc_kr83m", "ambe"] }), entry({ modes: ["tpc_bkg", "ambe"] })];
  assert.deepEqual(Modes.all(index), ["tpc_bkg", "ambe", "tpc_kr83m"]);
  const looks = Array.from({ length: 12 }, (_, rank) => `${Modes.hue(rank)} ${Modes.shape(rank)}`);
  assert.equal(new Set(looks).size, 12);
});

test("changes are the newest first, and versions that came together are one", () => {
  const events = [
    { kind: "version", title: "a v1", text: "strax 2", start: "2026-09-20T10:00:00Z", end: null, analysis: "a" },
    { kind: "version", title: "b v1", text: "strax 2", start: "2026-09-20T10:20:00Z", end: null, analysis: "b" },
    { kind: "science_run", title: "SR1", text: "", start: "2026-09-21T00:00:00Z", end: null, analysis: "all" },
    { kind: "decision", title: "later", text: "", start: "2027-01-01T00:00:00Z", end: null, analysis: "all" },
  ];
  const ended = alarm({ ended: "2026-09-25T11:00:00Z", how_ended: "returned" });
  const found = Changes.list([ended], events, Date.UTC(2026, 8, 26) / 1000);
  assert.deepEqual(
    found.map(one => [one.kind, one.title]),
    [
      ["end", "step of rate ended: back to what was expected"],
      ["step", "rate fell"],
      ["science run", "SR1 began"],
      ["version", "b v1, a v1"],
    ],
  );
});

test("a table has a line for each result in reach, and no cell is a formula", () => {
  assert.deepEqual(["=1+1", 'a "b", c', null, NaN, -1.5, "plain"].map(Csv.cell), [
    "'=1+1",
    '"a ""b"", c"',
    "",
    "",
    "-1.5",
    "plain",
  ]);
  const made = chunk([0, 3600, 7200], { error: [0.1, 0.2, null] });
  const bands = new Map([["event_rate/v1/052", judged({ run: [52000, 52001] })]]);
  const series = Points.collect([{ analysis: "event_rate", version: "v1", rank: 0, chunks: [made] }], () => true, {
    bands,
  });
  const lines = Csv.table(series, 0, 4000).split("\r\n");
  assert.equal(lines.length, 4); // the head, two results, and the end of the last line
  assert.match(lines[0], /^analysis,version,variable,run,start_utc,/);
  assert.equal(lines[2], "event_rate,v1,rate,052001,1970-01-01T01:00:00Z,,1.5,0.2,Hz,7,,,,1,0,2,0,");
});
