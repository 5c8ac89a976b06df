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

test("both ends of what is in view belong to it", () => {
  const x = [1, 2, 2, 3, 5];
  assert.deepEqual(Axes.within(x, 2, 3), [1, 4]);
  assert.deepEqual(Axes.within(x, 0, 9), [0, 5]);
  assert.deepEqual(Axes.within(x, 3.5, 4.5), [4, 4]);
  assert.deepEqual(Axes.within([], 0, 1), [0, 0]);
});

test("labels of times show the day, or the year, where it changes", () => {
  const day = Date.UTC(2026, 11, 31) / 1000;
  const label = /** @param {number} step */ step => Axes.timeLabels([day, day + step, day + 2 * step], step);
  assert.deepEqual(label(30), ["00:00:00\n31 Dec", "00:00:30", "00:01:00"]);
  assert.deepEqual(label(43200), ["00:00\n31 Dec", "12:00", "00:00\n1 Jan"]);
  assert.deepEqual(label(86400), ["31 Dec\n2026", "1 Jan\n2027", "2 Jan"]);
  assert.deepEqual(label(31 * 86400), ["Dec\n2026", "Jan\n2027", "Mar"]);
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
