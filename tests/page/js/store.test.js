"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
require("./load.js");
const { STATES, status } = require("./made.js");

/** @type {(...versions: string[]) => void} */
const receiveIndex = (...versions) =>
  Store.receive("index", JSON.stringify({ chunks: versions.map(one => ["event_rate", one, "052", "a", 3, 10, 20]) }));

test("a status that lacks entries gets empty ones", () => {
  Store.receive("status", JSON.stringify({ generated: "2026-09-25T12:00:00Z", problems: ["one"] }));
  assert.deepEqual(Store.status, status({ problems: ["one"] }));
});

test("a row of the index names its chunk", () => {
  receiveIndex("v1");
  const names = { key: "event_rate/v1/052", analysis: "event_rate", version: "v1", shelf: "052" };
  const none = { results: 3, modes: [], bands: null };
  assert.deepEqual(Store.index, [{ ...names, stamp: "a", runs: 3, first: 10, last: 20, ...none }]);
});

test("a variable may have any name", () => {
  const variables = '{"__proto__": {"run": [0]}}';
  const text = `{"analysis": "a", "version": "v1", "shelf": "052", "runs": {}, "table": [], "variables": ${variables}}`;
  Store.receive("chunk", text);
  assert.deepEqual([...(Store.chunks.get("a/v1/052")?.variables.keys() || [])], ["__proto__"]);
});

test("an unknown kind of data file changes nothing", () => {
  receiveIndex("v1");
  Store.receive("weather", "{}");
  assert.equal(Store.index.length, 1);
});

test("versions come newest first and analyses by name, each once", () => {
  receiveIndex("v2", "v10", "v2");
  assert.deepEqual(Site.versions("event_rate"), ["v10", "v2"]);
  assert.deepEqual(Site.versions("kr83m"), []);
  assert.deepEqual(Site.analyses(), ["event_rate"]);
});

test("a title that is only the name is none", () => {
  const titles = {
    a: { title: "Rate", documentation: "how", contact: "Jane", main: ["rate"] },
    b: { title: "b", documentation: "" },
  };
  Store.status = status({ titles });
  assert.deepEqual(Site.about("a"), { title: "Rate", documentation: "how", contact: "Jane", main: ["rate"] });
  assert.deepEqual(Site.about("b"), { title: null, documentation: "", contact: "", main: [] });
  assert.deepEqual(Site.about("c"), { title: null, documentation: "", contact: "", main: [] });
});

test("a variable has title and help from the status", () => {
  const variables = JSON.parse(
    '{"rate": {"title": "Rate of all", "help": "moves"}, "__proto__": {"title": "odd", "help": ""}}',
  );
  Store.status = status({ titles: { a: { title: "Rate", documentation: "", variables } } });
  assert.deepEqual(Site.aboutVariable("a", "rate"), { title: "Rate of all", help: "moves" });
  assert.deepEqual(Site.aboutVariable("a", "__proto__"), { title: "odd", help: "" });
  assert.deepEqual(Site.aboutVariable("a", "constructor"), { title: "", help: "" });
  assert.deepEqual(Site.aboutVariable("b", "rate"), { title: "", help: "" });
});

test("a state has its meaning and urgency from the status", () => {
  Store.status = status({ states: STATES });
  assert.deepEqual(Site.stateOf("failed"), { name: "failed", meaning: "broke", urgency: 3, known: true });
  assert.deepEqual(Site.stateOf("odd"), { name: "odd", meaning: "", urgency: 0, known: false });
});

test("only data files of the page are loaded", () => {
  assert.equal(Store.own("data/event_rate/v1/052.js?v=0a1"), "data/event_rate/v1/052.js?v=0a1");
  for (const url of [
    "https://elsewhere.org/data/a.js?v=1",
    "//elsewhere.org/data/a.js?v=1",
    "data/../../a.js?v=1",
    "data/a.js",
    "data/a.js?v=1&w=2",
    "data/a.html?v=1",
    "xdata/a.js?v=1",
  ])
    assert.throws(() => Store.own(url), /not a data file of this page/, url);
});

test("the newest results are those of the newest version that has the variable", () => {
  receiveIndex("v1", "v2");
  const newest = {
    event_rate: { v1: { rate: { run: "052001" }, old: { run: "052000" } }, v2: { rate: { run: "052003" } } },
  };
  Store.receive("newest", JSON.stringify(newest));
  assert.deepEqual([...Site.newestOf("event_rate")], [["rate", { run: "052003" }]]);
  assert.deepEqual([...Site.newestOf("event_rate", ["v2", "v1"]).keys()], ["rate", "old"]);
  assert.deepEqual([...Site.newestOf("kr83m")], []);
});

test("results that are not needed are dropped only where there are very many", () => {
  const row = /** @type {(shelf: string, results: number) => any[]} */ (shelf, results) => [
    "event_rate",
    "v1",
    shelf,
    "a",
    1,
    10,
    20,
    results,
    [],
    null,
  ];
  const text = /** @param {string} shelf */ shelf =>
    JSON.stringify({ analysis: "event_rate", version: "v1", shelf, runs: {}, table: [], variables: {} });
  Store.chunks.clear();
  for (const [results, left] of /** @type {const} */ ([
    [1000, ["event_rate/v1/051", "event_rate/v1/052"]],
    [1000000, ["event_rate/v1/052"]],
  ])) {
    Store.receive("index", JSON.stringify({ chunks: [row("051", results), row("052", results)] }));
    for (const shelf of ["051", "052"]) Store.receive("chunk", text(shelf));
    Store.release(Store.index.filter(one => one.shelf === "052"));
    assert.deepEqual([...Store.chunks.keys()], left);
  }
});
