// What is shown: the choices, the form that makes them, and the part of the address that keeps them.
"use strict";

(function () {
  const { el, seconds } = xom.format;
  const { store } = xom;
  const RANGES = { day: 86400, week: 7 * 86400, month: 30 * 86400 };
  const MANY = 20000; // runs; above this the page starts with the last month only
  const FILTERS = ["analysis", "version", "mode", "science-run"];
  const KEYS = { analysis: "show", version: "versions", mode: "mode", "science-run": "sr", range: "range" };

  const filter = { analysis: "", version: "newest", mode: "", "science-run": "", range: "all" };
  const initial = { ...filter };
  const byId = id => document.getElementById(id);

  const scienceRuns = () =>
    ((store.status && store.status.science_runs) || []).map(one => ({
      name: one.name,
      start: seconds(one.start) ?? -Infinity,
      end: seconds(one.end) ?? Infinity,
    }));

  /** The moment "the last week" counts back from: when the data were written, else the newest run. */
  function asOf() {
    const written = store.status ? seconds(store.status.generated) : null;
    return written ?? Math.max(0, ...store.index.map(one => one.last));
  }

  function timeWindow() {
    const band = scienceRuns().find(one => one.name === filter["science-run"]);
    const end = asOf();
    const start = filter.range in RANGES ? end - RANGES[filter.range] : -Infinity;
    return band ? [Math.max(start, band.start), band.end] : [start, Infinity];
  }

  function shownVersions(analysis) {
    const versions = store.versions(analysis);
    if (filter.version === "newest") return versions.slice(0, 1);
    return filter.version === "all" ? versions : versions.filter(one => one === filter.version);
  }

  function wanted() {
    const [start, end] = timeWindow();
    return store.index.filter(
      one =>
        (!filter.analysis || one.analysis === filter.analysis) &&
        shownVersions(one.analysis).includes(one.version) &&
        one.last >= start &&
        one.first <= end,
    );
  }

  function groups(entries) {
    const found = new Map();
    for (const one of entries) {
      const chunk = store.chunks.get(one.key);
      const key = `${one.analysis}/${one.version}`;
      if (!found.has(key))
        found.set(key, {
          analysis: one.analysis,
          version: one.version,
          rank: store.versions(one.analysis).indexOf(one.version),
          chunks: [],
        });
      if (chunk) found.get(key).chunks.push(chunk);
    }
    return [...found.values()].sort((a, b) => a.rank - b.rank);
  }

  function options(select, pairs, value) {
    const now = pairs.some(([one]) => one === value) ? pairs : [...pairs, [value, `${value} (none)`]];
    select.replaceChildren(...now.map(([one, text]) => el("option", { value: one, selected: one === value }, text)));
    select.value = value;
  }

  function fill() {
    const versions = [...new Set(store.index.map(one => one.version))].sort(xom.format.byVersion).reverse();
    options(
      byId("filter-analysis"),
      [
        ["", "all"],
        ...store
          .analyses()
          .sort()
          .map(name => [name, name]),
      ],
      filter.analysis,
    );
    options(
      byId("filter-version"),
      [["newest", "newest"], ["all", "all versions"], ...versions.map(one => [one, one])],
      filter.version,
    );
    const bands = scienceRuns();
    byId("science-run-label").hidden = !bands.length;
    options(
      byId("filter-science-run"),
      [["", "all"], ...bands.map(one => [one.name, one.name])],
      filter["science-run"],
    );
    for (const button of byId("filter-range").querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(button.value === filter.range));
  }

  const fillModes = chunks =>
    options(byId("filter-mode"), [["", "all"], ...xom.points.modes(chunks).map(one => [one, one])], filter.mode);

  function write(point) {
    const parts = new URLSearchParams();
    for (const [name, value] of Object.entries(point)) parts.set(name, value);
    for (const [name, key] of Object.entries(KEYS)) if (filter[name] !== initial[name]) parts.set(key, filter[name]);
    const hash = parts.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  const address = () => new URLSearchParams(location.hash.slice(1));

  /** Take the filters from the address; tells whether one changed. */
  function read() {
    const before = JSON.stringify(filter);
    for (const [name, key] of Object.entries(KEYS)) filter[name] = address().get(key) ?? initial[name];
    if (!(filter.range in RANGES)) filter.range = "all";
    return JSON.stringify(filter) !== before;
  }

  /** Call changed() whenever the user chose something. */
  function listen(changed) {
    for (const name of FILTERS)
      byId(`filter-${name}`).addEventListener("change", event => {
        filter[name] = event.target.value;
        changed();
      });
    byId("filter-range").addEventListener("click", event => {
      if (!event.target.value) return;
      filter.range = event.target.value;
      changed();
    });
    byId("filters").addEventListener("submit", event => event.preventDefault());
  }

  /** With very many runs the page begins with the last month. */
  function begin() {
    if (store.index.reduce((sum, one) => sum + one.runs, 0) > MANY) initial.range = filter.range = "month";
    read();
  }

  const clear = () => Object.assign(filter, initial, { range: "all" });
  const fixedRange = () => filter.range in RANGES && !filter["science-run"];

  /** Whether a run (start in s, mode) is among the chosen ones. */
  function keeps() {
    const [start, end] = timeWindow();
    return (time, mode) => (!filter.mode || mode === filter.mode) && (time === null || (time >= start && time <= end));
  }

  xom.filters = {
    begin,
    clear,
    listen,
    fill,
    fillModes,
    read,
    write,
    address,
    scienceRuns,
    asOf,
    timeWindow,
    fixedRange,
    shownVersions,
    wanted,
    groups,
    keeps,
  };
})();
