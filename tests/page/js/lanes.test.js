"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");
const { chunk, group, judged } = require("./made.js");

const MODES = ["background", "kr83m"];

/**
 * @param {(number | null)[]} values one per second
 * @param {Partial<VariableColumns>} [columns]
 * @param {number[]} [modes] 2: background, 3: kr83m
 * @returns {Series}
 */
function series(values, columns, modes) {
  const starts = values.map((_, i) => i);
  const made = chunk(starts, { value: values, error: 0, ...columns }, { mode: modes || 2 }, ["Hz", "upper", ...MODES]);
  return Points.collect([group(made)], () => true, { modes: MODES })[0];
}

/** @type {(one: Series, from?: number, to?: number, log?: boolean) => Lane[]} */
const lanes = (one, from = 0, to = 100, log = false) => Lanes.of(one, from, to, 100, log);

/** @type {(one: Series, from?: number, to?: number) => number[]} */
const range = (one, from, to) => {
  const [lane] = lanes(one, from, to);
  return [lane.min, lane.max].map(value => Number(value.toFixed(6)));
};

test("a lane holds the values in view with room", () => {
  assert.deepEqual(range(series([0, 10, 500]), 0, 1), [-0.9, 10.9]);
});

test("a lane holds error bars", () => {
  assert.deepEqual(range(series([0, 10], { error: 5 })), [-6.8, 16.8]);
});

test("an error out of proportion does not stretch a lane", () => {
  assert.deepEqual(range(series([0, 0, 0], { error: [1, 1, 1000] })), [-4.72, 4.72]);
});

test("values without an error do not count for the typical one", () => {
  assert.deepEqual(range(series([0, 0, 0, 0], { error: [0, 0, 1, 5] })), [-5.9, 5.9]);
});

test("a limit has room for its arrow, and its error does not count", () => {
  assert.deepEqual(range(series([0, 10], { limit: [null, 1], error: [0, 1000] })), [-2.5, 12.5]);
});

test("a lane holds the expected band, but not one that is far wider than the values", () => {
  const one = series([0, 10]);
  assert.deepEqual(range({ ...one, low: [-5, NaN], high: [15, NaN] }), [-6.8, 16.8]);
  assert.deepEqual(range({ ...one, low: [-1000, NaN], high: [1000, NaN] }), [-12.7, 22.7]);
});

test("lanes leave room for the strip of runs without a number", () => {
  assert.equal(lanes(series([0, 10]))[0].from, 0);
  assert.equal(lanes(series([0, 10, null]))[0].from, (Lanes.STRIP + 4) / 100);
});

test("one value alone, and none, have a range", () => {
  assert.deepEqual(range(series([10])), [9.91, 10.09]);
  assert.deepEqual(range(series([0])), [-0.09, 0.09]);
  assert.deepEqual(range(series([null])), [0, 1]);
});

test("modes with values far apart have lanes of their own, the lowest first", () => {
  const found = lanes(series([3, 100, 3.2, 101], {}, [2, 3, 2, 3]));
  assert.deepEqual(
    found.map(one => [...one.modes]),
    [[0], [1]],
  );
  assert.ok(found[0].to < found[1].from && found[1].to === 1);
  assert.ok(found[0].max < 4 && found[1].min > 90);
});

test("modes that a common scale shows well share a lane", () => {
  assert.equal(lanes(series([3, 4, 5, 6], {}, [2, 3, 2, 3])).length, 1);
  assert.equal(lanes(series([10, 14, 25, 36], {}, [2, 2, 3, 3])).length, 1);
});

test("a place is a share of the height", () => {
  const lane = { modes: new Set([0]), min: 0, max: 10, from: 0.5, to: 1, log: false };
  assert.deepEqual(
    [0, 5, 10].map(value => Lanes.place(lane, value)),
    [0.5, 0.75, 1],
  );
  const decades = { ...lane, min: 1, max: 100, log: true };
  assert.deepEqual(
    [1, 10, 100].map(value => Lanes.place(decades, value)),
    [0.5, 0.75, 1],
  );
});

test("a logarithmic scale is taken where all values are positive", () => {
  const wanted = /** @param {number[]} values */ values => lanes(series(values), 0, 100, true)[0].log;
  assert.deepEqual([wanted([1, 100]), wanted([0, 100]), wanted([-1, 1])], [true, false, false]);
  const [lane] = lanes(series([1, 1000], { error: [0.99, 1] }), 0, 100, true);
  assert.ok(lane.min > 0 && lane.min < 1 && lane.max > 1000);
});

test("each lane has two labels or more, of round values", () => {
  const lane = { modes: new Set([0]), min: 9.6, max: 10.7, from: 0, to: 0.4, log: false };
  assert.deepEqual(Lanes.splits(lane, 170), [10, 10.5]);
  assert.deepEqual(Lanes.splits({ ...lane, min: 9.9 }, 170), [10, 10.5]);
  assert.deepEqual(Lanes.splits({ ...lane, min: 0.5, max: 2000, to: 1, log: true }, 170), [1, 10, 100, 1000]);
});

test("labels of values have the decimals of their distance", () => {
  assert.deepEqual(Lanes.labels([-0.5, 0, 0.5]), ["−0.5", "0.0", "0.5"]);
  assert.deepEqual(Lanes.labels([0, 20]), ["0", "20"]);
  assert.deepEqual(Lanes.labels([0, 0.25]), ["0.00", "0.25"]);
  assert.deepEqual(Lanes.labels([0, 200000]), ["0", "200000"]);
  assert.deepEqual(Lanes.labels([0, 0.0005]), ["0", "0.0005"]);
  assert.deepEqual(Lanes.labels([3]), ["3"]);
});

test("a judged series has its bands by row", () => {
  const made = chunk([0, 1, 2]);
  const bands = new Map([["event_rate/v1/052", judged({ run: [52002, 52000], low: [1, 2], deviation: [0.5, null] })]]);
  const [one] = Points.collect([group(made)], () => true, { bands });
  assert.deepEqual(one.low, [2, NaN, 1]);
  assert.deepEqual(one.deviation, [NaN, NaN, 0.5]);
  assert.deepEqual(one.group, ["all", "", "all"]);
});
