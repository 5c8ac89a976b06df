"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");

test("a run's number has six digits", () => {
  assert.equal(Format.runId(52894), "052894");
  assert.equal(Format.runId(1234567), "1234567");
});

test("times are shown in UTC, and one that is missing is unknown", () => {
  assert.equal(Format.utc(Date.UTC(2026, 8, 25, 12, 0, 5) / 1000), "2026-09-25 12:00:05");
  assert.equal(Format.utc(0), "1970-01-01 00:00:00");
  for (const time of [null, NaN, Infinity]) assert.equal(Format.utc(time), "unknown");
});

test("an ISO time is read as seconds, anything else as none", () => {
  assert.equal(Format.seconds("1970-01-02T00:00:00Z"), 86400);
  for (const value of [null, undefined, 5, "", "yesterday"]) assert.equal(Format.seconds(value), null);
});

test("a length of time has the units that matter", () => {
  const lengths = /** @type {[number, string][]} */ ([
    [-3, "0 s"],
    [0.25, "0.3 s"],
    [9.96, "10 s"],
    [42.4, "42 s"],
    [60, "1 min"],
    [3599, "60 min"],
    [3600, "1 h"],
    [5400, "1 h 30 min"],
    [5 * 3600 + 1800, "5 h"],
    [86399, "24 h"],
    [86400, "1 day"],
    [10 * 86400, "10 days"],
  ]);
  for (const [length, text] of lengths) assert.equal(Format.span(length), text);
});

test("a time is shown relative to now", () => {
  assert.equal(Format.relative(1000, 1059), "just now");
  assert.equal(Format.relative(1059, 1000), "just now");
  assert.equal(Format.relative(1000, 2200), "20 min ago");
  assert.equal(Format.relative(11800, 1000), "in 3 h");
});

test("a number keeps its significant digits only", () => {
  const numbers = /** @type {[number, number, string][]} */ ([
    [0, 4, "0"],
    [1.5, 4, "1.5"],
    [-2.00001, 4, "−2"],
    [123456, 4, "123500"],
    [999999, 8, "999999"],
    [1e6, 8, "1.000e6"],
    [0.0001, 3, "0.0001"],
    [-0.00001, 3, "−1.00e−5"],
  ]);
  for (const [value, digits, text] of numbers) assert.equal(Format.trimmed(value, digits), text);
});

test("a value and its error end with the error's second digit", () => {
  const numbers = /** @type {[number, number | null, string][]} */ ([
    [10.5312, 0.123, "10.53 ± 0.12"],
    [-10.5312, 0.123, "−10.53 ± 0.12"],
    [1234.5, 20, "1235 ± 20"],
    [10, 0, "10"],
    [10.125, null, "10.125"],
    [10, NaN, "10"],
    [0.0015, 0.0001, "0.00150 ± 0.00010"],
    [2.5e6, 1e5, "(2.50 ± 0.10) × 10⁶"],
    [1e-5, 2e-6, "(1.00 ± 0.20) × 10⁻⁵"],
    [0, 2e-12, "(0.0 ± 2.0) × 10⁻¹²"],
  ]);
  for (const [value, error, text] of numbers) assert.equal(Format.measured(value, error), text);
});

test("a result has its unit, is a limit, or is missing", () => {
  const results = /** @type {[number | null, number | null, string | null, string | null, string][]} */ ([
    [1.5, 0.1, "Hz", null, "(1.50 ± 0.10) Hz"],
    [1.5, 0.1, "1", null, "1.50 ± 0.10"],
    [1.5, 0.1, null, null, "1.50 ± 0.10"],
    [1.5, null, "Hz", null, "1.5 Hz"],
    [2.5e6, 1e5, "Hz", null, "(2.50 ± 0.10) × 10⁶ Hz"],
    [1.23456, 0.1, "Hz", "upper", "< 1.235 Hz"],
    [1.23456, 0.1, "Hz", "lower", "> 1.235 Hz"],
    [null, null, "Hz", "upper", "insufficient statistics"],
  ]);
  for (const [value, error, unit, limit, text] of results)
    assert.equal(Format.result({ value, error, unit, limit }), text);
});

test("a count has its singular, its plural and commas", () => {
  assert.equal(Format.plural(1, "run"), "1 run");
  assert.equal(Format.plural(0, "run"), "0 runs");
  assert.equal(Format.plural(1234, "entry", "entries"), "1,234 entries");
});

test("versions are in the order of their numbers", () => {
  assert.deepEqual(["v10", "v2", "v1"].sort(Format.byVersion), ["v1", "v2", "v10"]);
  assert.deepEqual(["0.10", "0.9"].sort(Format.byVersion), ["0.9", "0.10"]);
  assert.deepEqual(["a1", "history.v2"].sort(Format.byVersion), ["history.v2", "a1"]);
});
