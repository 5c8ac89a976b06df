// The choices: the form that makes them, and the part of the address that keeps them.
"use strict";

const Filters = (function () {
  const { el, byId } = Elements;
  const MANY = 20000; // runs; above this the page starts with the last month only
  const SELECTS = /** @type {const} */ (["analysis", "version", "mode", "science-run", "only", "sort"]);
  const INPUTS = /** @type {const} */ (["from", "to", "variable"]);
  const KEYS = /** @type {const} */ ([
    ["analysis", "show"],
    ["version", "versions"],
    ["mode", "mode"],
    ["science-run", "sr"],
    ["range", "range"],
    ["from", "from"],
    ["to", "to"],
    ["variable", "name"],
    ["only", "only"],
    ["sort", "sort"],
    ["scale", "scale"],
  ]); // names in the address

  const initial = /** @type {Choice} */ ({
    analysis: "",
    version: "newest",
    mode: "",
    "science-run": "",
    range: "all",
    from: "",
    to: "",
    variable: "",
    only: "",
    sort: "analysis",
    scale: "linear",
  });
  const choice = { ...initial };
  const ONLY = /** @type {[string, string][]} */ ([
    ["", "all variables"],
    ["alarm", "in an alarm"],
    ["deviating", `${Verdicts.BEYOND} σ or more off`],
    ["limit", "beyond a limit"],
    ["poor", "of poor quality"],
  ]);
  const SORTS = /** @type {[string, string][]} */ ([
    ["analysis", "analysis"],
    ["deviation", "deviation"],
  ]);

  /** @param {typeof SELECTS[number]} name */
  const select = name => byId(`filter-${name}`, HTMLSelectElement);
  const buttons = () => byId("filter-range").querySelectorAll("button");

  const scienceRuns = () => Choices.scienceRuns(Store.status);
  const asOf = () => Choices.asOf(Store.status, Store.index);
  const timeWindow = () => Choices.timeWindow(choice, scienceRuns(), asOf());
  /** @param {string} analysis */
  const shownVersions = analysis => Choices.shownVersions(choice, Site.versions(analysis));
  const wanted = () => Choices.wanted(choice, Store.index, Site.versions, timeWindow());
  /** @param {Entry[]} entries */
  const groups = entries => Choices.groups(entries, Site.versions, Store.chunks);
  const keeps = () => Choices.keeps(choice, timeWindow());

  /** @param {typeof INPUTS[number]} name */
  const input = name => byId(`filter-${name}`, HTMLInputElement);
  const plotRange = () => Choices.plotRange(wanted(), timeWindow(), asOf());
  const modes = () => Modes.all(Store.index);

  /**
   * The variables that are shown, see `Choices.listed`.
   *
   * @param {(one: Listed) => boolean} alarmed
   */
  function listed(alarmed) {
    const [start] = timeWindow();
    const all = Site.analyses()
      .filter(one => !choice.analysis || one === choice.analysis)
      .flatMap(analysis => Newest.listed(analysis, shownVersions(analysis)))
      .filter(one => (one.newest.start ?? Infinity) >= start);
    const judge = (/** @type {Listed} */ one) => Newest.judge(one);
    return Choices.listed(choice, all, judge, alarmed, one => Site.aboutVariable(one.analysis, one.variable).title);
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

  /** Fill the form. */
  function fill() {
    const versions = [...new Set(Store.index.map(one => one.version))].sort(Format.byVersion).reverse();
    const bands = scienceRuns();
    fillSelect("analysis", [["", "all"], ...pairsOf(Site.analyses())]);
    fillSelect("version", [["newest", "newest"], ["all", "all versions"], ...pairsOf(versions)]);
    fillSelect("mode", [["", "all"], ...pairsOf(modes())]);
    fillSelect("science-run", [["", "all"], ...pairsOf(bands.map(one => one.name))]);
    fillSelect("only", ONLY);
    fillSelect("sort", SORTS);
    for (const name of INPUTS) input(name).value = choice[name];
    byId("science-run-label").hidden = !bands.length;
    for (const button of buttons())
      button.setAttribute("aria-pressed", String(!Choices.isOwn(choice) && button.value === choice.range));
    byId("filter-log").setAttribute("aria-pressed", String(choice.scale === "log"));
  }

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
    for (const name of INPUTS)
      input(name).addEventListener("change", () => {
        choice[name] = input(name).value;
        changed();
      });
    for (const button of buttons())
      button.addEventListener("click", () => {
        Object.assign(choice, { range: button.value, from: "", to: "" });
        changed();
      });
    for (const [id, direction] of /** @type {const} */ ([
      ["filter-earlier", -1],
      ["filter-later", 1],
    ])) {
      byId(id).addEventListener("click", () => {
        Object.assign(choice, Choices.shifted(finite(timeWindow()), direction, asOf()));
        changed();
      });
    }
    byId("filter-log").addEventListener("click", () => {
      choice.scale = choice.scale === "log" ? "linear" : "log";
      changed();
    });
    byId("filters").addEventListener("submit", event => event.preventDefault());
  }

  /**
   * @param {[number, number]} window
   * @returns {[number, number]}
   */
  function finite([start, end]) {
    const first = Math.min(...Store.index.map(one => one.first).filter(Boolean));
    return [Number.isFinite(start) ? start : first, end];
  }

  /** Make the first choices; with very many runs they are those of the last month. */
  function begin() {
    if (Store.index.reduce((sum, one) => sum + one.runs, 0) > MANY) initial.range = choice.range = "month";
    read();
  }

  const clear = () => Object.assign(choice, initial, { range: "all" });

  /** @param {Partial<Choice>} some */
  const choose = some => Object.assign(choice, initial, some);

  return {
    begin,
    clear,
    listen,
    fill,
    choose,
    choice,
    listed,
    modes,
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
