"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");
const { STATES, status, waiting } = require("./made.js");

const NOON = Date.UTC(2026, 8, 25, 12) / 1000; // when the data of made.js were written
const HOUR = 3600;

/**
 * @param {number} hours after the data were written
 * @param {number | null} [interval] between ticks, in s
 */
const level = (hours, interval) =>
  States.freshness(status({ tick: { interval_hint_s: interval } }), NOON + hours * HOUR).level;

test("data are late after three intervals, but not within an hour", () => {
  assert.deepEqual([level(2.9), level(3.1)], ["fresh", "late"]);
  assert.deepEqual([level(8.9, 3 * HOUR), level(9.1, 3 * HOUR)], ["fresh", "late"]);
  assert.deepEqual([level(0.9, 60), level(1.1, 60)], ["fresh", "late"]);
});

test("data from the future are late and have a warning of their own", () => {
  assert.equal(level(-1 / 60), "fresh");
  const judged = States.freshness(status(), NOON - HOUR);
  assert.equal(judged.level, "late");
  assert.match(judged.warning || "", /in the future/);
});

test("without a status, or without its time, there are no data", () => {
  assert.equal(States.freshness(null, NOON).level, "none");
  assert.equal(States.freshness(status({ generated: "soon" }), NOON).level, "none");
});

test("the age is that of the tick's end, and old data have a warning with their age", () => {
  const told = status({ tick: { ended: "2026-09-25T11:00:00Z", interval_hint_s: HOUR } });
  const judged = States.freshness(told, NOON + 4 * HOUR);
  assert.equal(judged.text, "last tick ended 5 h ago");
  assert.equal(judged.title, "data of 2026-09-25 12:00:00 UTC, a tick is due every 1 h");
  assert.match(judged.warning || "", /are 4 h old: no tick has ended since 2026-09-25 12:00:00 UTC/);
  assert.equal(States.freshness(status(), NOON + HOUR).text, "data from 1 h ago");
});

test("states that need no person come first, the furthest first; then by urgency; unknown ones last, once", () => {
  const order = ["done", "ready", "waiting", "failed", "gave up", "new", "zzz"];
  assert.deepEqual(States.ordered(STATES, ["zzz", "done", "new", "zzz"]), order);
});

test("a state has a class of the style sheet, an unknown one too", () => {
  Store.status = status({ states: STATES });
  assert.deepEqual(["gave up", "done", "constructor"].map(States.slug), ["gave-up", "done", "other"]);
});

test("what needs attention and is only counted has a number", () => {
  const counts = { kr83m: { version: "v1", states: { done: 7, waiting: 3 } } };
  Store.status = status({ states: STATES, counts, attention: [waiting()] });
  assert.equal(Attention.unlisted(Store.status), 2);
  assert.equal(Attention.unlisted(null), 0);
});

test("attention is by urgency of the state, then newest run", () => {
  Store.status = status({ states: STATES });
  const made = [
    waiting({ run: "052001" }),
    waiting({ run: "052003", state: "odd" }),
    waiting({ run: "052002" }),
    waiting({ run: "052001", state: "gave up" }),
    waiting({ run: "052009", state: "failed" }),
  ];
  assert.deepEqual(
    Attention.sorted(made).map(one => `${one.state} ${one.run}`),
    ["gave up 052001", "failed 052009", "waiting 052002", "waiting 052001", "odd 052003"],
  );
});

test("an entry matches a state, an analysis, and a part of its text", () => {
  const one = waiting({ reason: "no peak_basics at LNGS" });
  const any = { state: "", analysis: "", text: "" };
  for (const [choice, expected] of /** @type {[Partial<AttentionChoice>, boolean][]} */ ([
    [{}, true],
    [{ state: "waiting" }, true],
    [{ state: "failed" }, false],
    [{ analysis: "event_rate" }, true],
    [{ analysis: "kr83m" }, false],
    [{ text: " lngs " }, true],
    [{ text: "52894" }, true],
    [{ text: "EVENT_RATE" }, true],
    [{ text: "surf" }, false],
  ]))
    assert.equal(Attention.matches(one, { ...any, ...choice }), expected, JSON.stringify(choice));
});

test("an entry shows for how long, which attempt, and the next try", () => {
  const none = { since: null, attempt: null, next_try: null };
  const texts = /** @param {object} changes */ changes =>
    Attention.times({ ...none, ...changes }, NOON).map(one => one.text);
  assert.deepEqual(texts({}), []);
  assert.deepEqual(texts({ since: "2026-09-25T10:00:00Z", attempt: 1 }), ["for 2 h"]);
  assert.deepEqual(texts({ attempt: 2 }), ["attempt 2"]);
  assert.deepEqual(texts({ attempt: 1, next_try: "2026-09-25T15:00:00Z" }), ["attempt 1", "next try in 3 h"]);
  assert.deepEqual(texts({ next_try: "2026-09-25T12:00:00Z" }), ["next try is due"]);
});

test("a run's log and figures have their places", () => {
  const run = { analysis: "kr83m", version: "v2", id: "052894" };
  assert.equal(Details.logCommand(run), "xom log kr83m 052894 --version v2");
  const addresses = ["../figures/kr83m/v2/052/052894.a%20b%3F.png", "../figures/kr83m/v2/052/052894/a%20b%3F.png"];
  assert.deepEqual(Figures.addresses(run, "a b?.png"), addresses);
});

test("only a path beside the page is a link", () => {
  assert.equal(Details.isBeside("../logs/a.log"), true);
  for (const path of ["/etc/passwd", "javascript:alert(1)", "../a b", "logs/a.log", "https://elsewhere.org"])
    assert.equal(Details.isBeside(path), false, path);
});
