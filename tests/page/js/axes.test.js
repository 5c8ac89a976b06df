"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");
const { chunk, group } = require("./made.js");

/**
 * @param {(number | null)[]} values one per second
 * @param {Partial<VariableColumns>} [columns]
 * @returns {Series}
 */
function series(values, columns) {
  const made = chunk(
    values.map((_, i) => i),
    { value: values, error: 0, ...columns },
    {},
    ["Hz", "upper"],
  );
  return Points.collect([group(made)], () => true)[0];
}

/**
 * @param {Series} one
 * @param {number} [from]
 * @param {number} [to]
 */
const range = (one, from = 0, to = 100) => Axes.yRange(one, from, to, 100).map(value => Number(value.toFixed(6)));

test("both ends of what is in view belong to it", () => {
  const x = [1, 2, 2, 3, 5];
  assert.deepEqual(Axes.within(x, 2, 3), [1, 4]);
  assert.deepEqual(Axes.within(x, 0, 9), [0, 5]);
  assert.deepEqual(Axes.within(x, 3.5, 4.5), [4, 4]);
  assert.deepEqual(Axes.within([], 0, 1), [0, 0]);
});

test("the axis holds the values in view with room", () => {
  assert.deepEqual(range(series([0, 10, 500]), 0, 1), [-0.9, 10.9]);
});

test("the axis holds error bars", () => {
  assert.deepEqual(range(series([0, 10], { error: 5 })), [-6.8, 16.8]);
});

test("an error out of proportion does not stretch the axis", () => {
  assert.deepEqual(range(series([0, 0, 0], { error: [1, 1, 1000] })), [-4.72, 4.72]);
});

test("values without an error do not count for the typical one", () => {
  assert.deepEqual(range(series([0, 0, 0, 0], { error: [0, 0, 1, 5] })), [-5.9, 5.9]);
});

test("a limit has room for its arrow, and its error does not count", () => {
  assert.deepEqual(range(series([0, 10], { limit: [null, 1], error: [0, 1000] })), [-2.5, 12.5]);
});

test("a run without a number has room for the strip below", () => {
  const [low, high] = range(series([0, 10, null]));
  assert.equal(high, 10.9);
  assert.ok(Math.abs((-0.9 - low) / (high - low) - (Axes.STRIP + 8) / 100) < 1e-6);
});

test("one value alone, and none, have a range", () => {
  assert.deepEqual(range(series([10])), [9.91, 10.09]);
  assert.deepEqual(range(series([0])), [-0.09, 0.09]);
  assert.deepEqual(range(series([null])), [0, 1]);
});

test("labels of times show the day, or the year, where it changes", () => {
  const day = Date.UTC(2026, 11, 31) / 1000;
  const label = /** @param {number} step */ step => Axes.timeLabels([day, day + step, day + 2 * step], step);
  assert.deepEqual(label(30), ["00:00:00\n31 Dec", "00:00:30", "00:01:00"]);
  assert.deepEqual(label(43200), ["00:00\n31 Dec", "12:00", "00:00\n1 Jan"]);
  assert.deepEqual(label(86400), ["31 Dec\n2026", "1 Jan\n2027", "2 Jan"]);
  assert.deepEqual(label(31 * 86400), ["Dec\n2026", "Jan\n2027", "Mar"]);
});

test("labels of values have the decimals of their distance", () => {
  const one = series([1]);
  assert.deepEqual(Axes.valueLabels(one, [-0.5, 0, 0.5]), ["−0.5", "0.0", "0.5"]);
  assert.deepEqual(Axes.valueLabels(one, [0, 20]), ["0", "20"]);
  assert.deepEqual(Axes.valueLabels(one, [0, 0.25]), ["0.00", "0.25"]);
  assert.deepEqual(Axes.valueLabels(one, [0, 200000]), ["0", "200000"]);
  assert.deepEqual(Axes.valueLabels(one, [0, 0.0005]), ["0", "0.0005"]);
  assert.deepEqual(Axes.valueLabels(one, [3]), ["3"]);
  assert.deepEqual(Axes.valueLabels(series([null]), [0, 1]), ["", ""]);
});

test("labels have the width of the longest, and room for five characters", () => {
  assert.equal(Axes.labelWidth(null), 51);
  assert.equal(Axes.labelWidth(["1", "1234567890"]), 84);
});

test("the newest value is the last one of the newest version", () => {
  assert.equal(Axes.newest(series([1, 2, null])), 1);
  assert.equal(Axes.newest(series([null])), -1);
  assert.equal(Axes.newest({ ...series([1, 2]), rank: [0, 1] }), 0);
});
