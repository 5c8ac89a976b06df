// The choices: the form that makes them, and the part of the address that keeps them.
"use strict";

const Filters = (function () {
  const { el, byId } = Elements;
  const MANY = 20000; // runs; above this the page starts with the last month only
  const SELECTS = /** @type {const} */ (["analysis", "version", "mode", "science-run"]);
  const KEYS = /** @type {const} */ ([
    ["analysis", "show"],
    ["version", "versions"],
    ["mode", "mode"],
    ["science-run", "sr"],
    ["range", "range"],
  ]); // names in the address

  const initial = /** @type {Choice} */ ({
    analysis: "",
    version: "newest",
    mode: "",
    "science-run": "",
    range: "all",
  });
  const choice = { ...initial };

  /** @param {typeof SELECTS[number]} name */
  const select = name => byId(`filter-${name}`, HTMLSelectElement);
  const buttons = () => byId("filter-range").querySelectorAll("button");

  const scienceRuns = () => Choices.scienceRuns(Store.status);
  const asOf = () => Choices.asOf(Store.status, Store.index);
  const timeWindow = () => Choices.timeWindow(choice, scienceRuns(), asOf());
  /** @param {string} analysis */
  const shownVersions = analysis => Choices.shownVersions(choice, Store.versions(analysis));
  const wanted = () => Choices.wanted(choice, Store.index, Store.versions, timeWindow());
  /** @param {Entry[]} entries */
  const groups = entries => Choices.groups(entries, Store.versions, Store.chunks);
  const keeps = () => Choices.keeps(choice, timeWindow());

  /** The time range of the plots of some series: the chosen one, unless a science run is chosen. */
  function plotRange(/** @type {Series[]} */ series) {
    const fixed = choice.range in Choices.RANGES && !choice["science-run"];
    return Choices.plotRange(
      series.map(one => one.x),
      fixed ? timeWindow() : null,
      asOf(),
    );
  }

  /**
   * @param {typeof SELECTS[number]} name
   * @param {[string, string][]} pairs value and text of each option
   */
  function fillSelect(name, pairs) {
    const value = choice[name];
    const known = pairs.some(([one]) => one === value);
    const all = known ? pairs : [...pairs, /** @type {[string, string]} */ ([value, `${value} (none)`])];
    select(name).replaceChildren(
      ...all.map(([one, text]) => el("option", { value: one, selected: one === value }, text)),
    );
    select(name).value = value;
  }

  /**
   * @param {string[]} names
   * @returns {[string, string][]}
   */
  const pairsOf = names => names.map(one => [one, one]);

  /** Fill the form; that of the run modes needs the loaded chunks. */
  function fill() {
    const versions = [...new Set(Store.index.map(one => one.version))].sort(Format.byVersion).reverse();
    const bands = scienceRuns();
    fillSelect("analysis", [["", "all"], ...pairsOf(Store.analyses())]);
    fillSelect("version", [["newest", "newest"], ["all", "all versions"], ...pairsOf(versions)]);
    fillSelect("science-run", [["", "all"], ...pairsOf(bands.map(one => one.name))]);
    byId("science-run-label").hidden = !bands.length;
    for (const button of buttons()) button.setAttribute("aria-pressed", String(button.value === choice.range));
  }

  /** @param {Chunk[]} chunks */
  const fillModes = chunks => fillSelect("mode", [["", "all"], ...pairsOf(Points.modes(chunks))]);

  /**
   * Keep the choices and the open run in the address.
   *
   * @param {Record<string, string>} open what names the open run
   */
  function write(open) {
    const parts = new URLSearchParams(open);
    for (const [name, key] of KEYS) if (choice[name] !== initial[name]) parts.set(key, choice[name]);
    const hash = parts.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  const address = () => new URLSearchParams(location.hash.slice(1));

  /** Take the choices from the address; return whether one changed. */
  function read() {
    const before = JSON.stringify(choice);
    for (const [name, key] of KEYS) choice[name] = address().get(key) ?? initial[name];
    if (!(choice.range in Choices.RANGES)) choice.range = "all";
    return JSON.stringify(choice) !== before;
  }

  /**
   * Call `changed` after every choice.
   *
   * @param {() => void} changed
   */
  function listen(changed) {
    for (const name of SELECTS)
      select(name).addEventListener("change", () => {
        choice[name] = select(name).value;
        changed();
      });
    for (const button of buttons())
      button.addEventListener("click", () => {
        choice.range = button.value;
        changed();
      });
    byId("filters").addEventListener("submit", event => event.preventDefault());
  }

  /** Make the first choices; with very many runs they are those of the last month. */
  function begin() {
    if (Store.index.reduce((sum, one) => sum + one.runs, 0) > MANY) initial.range = choice.range = "month";
    read();
  }

  const clear = () => Object.assign(choice, initial, { range: "all" });

  return {
    begin,
    clear,
    listen,
    fill,
    fillModes,
    read,
    write,
    address,
    scienceRuns,
    plotRange,
    shownVersions,
    wanted,
    groups,
    keeps,
  };
})();
