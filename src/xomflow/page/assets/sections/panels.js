// The panels: grouped by analysis or sorted by deviation; each loads what it needs when it comes near the window.
"use strict";

/**
 * @typedef {object} Slot the place of a panel
 * @property {HTMLElement} node
 * @property {Listed} of
 * @property {Panel | null} panel null until its results are loaded
 * @property {Promise<void> | null} loading
 *
 * @typedef {object} PanelActions
 * @property {(series: Series, i: number) => void} open shows a point's details
 * @property {() => void} clear drops all filters
 */

const Panels = (function () {
  const { el, byId } = Elements;
  const { plural, seconds } = Format;
  const NEAR = 600; // CSS pixels around the window that are drawn ahead
  const unfolded = /** @type {Map<string, boolean>} */ (new Map());
  let slots = /** @type {Slot[]} */ ([]),
    actions = /** @type {PanelActions} */ ({ open: () => {}, clear: () => {} }),
    turn = 0;

  const watcher = new IntersectionObserver(
    seen => {
      for (const { isIntersecting, target } of seen) {
        const slot = slots.find(one => one.node === target);
        if (isIntersecting && slot && slot.node.checkVisibility()) load(slot);
      }
    },
    { rootMargin: `${NEAR}px` },
  );

  /** @param {Listed} one */
  const alarmed = one =>
    Store.alarms.some(alarm => Verdicts.goesOn(alarm) && Verdicts.concerns(alarm, one.analysis, one.variable));

  /**
   * Show the panels of all chosen variables; what is near the window is drawn when this ends.
   *
   * @param {PanelActions} how
   */
  async function show(how) {
    actions = how;
    turn++;
    watcher.disconnect();
    for (const { panel } of slots) if (panel) Plot.destroy(panel);
    const listed = Filters.listed(alarmed);
    slots = listed.map(slotOf);
    const flat = Filters.choice.sort === "deviation" || Filters.choice.only !== "" || Filters.choice.variable !== "";
    const groups = [...new Set(listed.map(one => one.analysis))].sort();
    byId("panels").classList.toggle("flat", flat);
    byId("panels").replaceChildren(
      ...(!slots.length ? [emptyState()] : flat ? [grid(slots)] : groups.map(name => group(name))),
    );
    byId("results-note").textContent = noteOf(listed.length);
    const near = slots.filter(isNear);
    for (const slot of slots) if (!near.includes(slot)) watcher.observe(slot.node);
    await Promise.all(near.map(load));
  }

  /** @param {number} count of variables */
  function noteOf(count) {
    const results = Filters.wanted().reduce((sum, one) => sum + one.results, 0);
    return count ? `${plural(count, "variable")} · ${plural(results, "result")} in reach` : "";
  }

  /**
   * @param {Listed} one
   * @returns {Slot}
   */
  function slotOf(one) {
    const node = el(
      "article",
      {
        class: "panel",
        tabindex: 0,
        "aria-label": `${one.analysis} ${one.variable}`,
        data: { analysis: one.analysis, variable: one.variable },
      },
      el("div", { class: "panel-head" }, Heading.title(one.analysis, one.variable, one.newest.unit)),
      el("div", { class: "plot" }),
    );
    return { node, of: one, panel: null, loading: null };
  }

  /** @param {Slot} slot */
  function isNear({ node }) {
    const box = node.getBoundingClientRect();
    return node.checkVisibility() && box.top < innerHeight + NEAR && box.bottom > -NEAR;
  }

  /**
   * Load the results of a slot and draw them.
   *
   * @param {Slot} slot
   */
  function load(slot) {
    watcher.unobserve(slot.node);
    slot.loading ??= fetchSlot(slot, turn);
    return slot.loading;
  }

  /**
   * @param {Slot} slot
   * @param {number} mine
   */
  async function fetchSlot(slot, mine) {
    const entries = Filters.wanted().filter(one => one.analysis === slot.of.analysis);
    await Store.need(entries);
    if (mine !== turn) return;
    fill(slot, entries);
  }

  /**
   * @param {Slot} slot
   * @param {Entry[]} entries that are loaded
   */
  function fill(slot, entries) {
    if (slot.panel) return;
    const { analysis, variable } = slot.of;
    const around = { names: [variable], modes: Filters.modes(), bands: Store.bands };
    const [series] = Points.collect(Filters.groups(entries), Filters.keeps(), around);
    if (!series) {
      slot.node.hidden = true;
      return;
    }
    slot.panel = Plot.panel(slot.node, series, surroundings(analysis, variable), actions.open);
    Plot.draw(slot.panel);
  }

  /**
   * @param {string} analysis
   * @param {string} variable
   * @returns {Around}
   */
  function surroundings(analysis, variable) {
    const mine = Store.alarms.filter(one => Verdicts.concerns(one, analysis, variable));
    const events = (Store.status?.events || []).filter(
      one => !["science_run", "alarm"].includes(one.kind) && (one.analysis === analysis || one.analysis === "all"),
    );
    return {
      scienceRuns: Filters.scienceRuns(),
      alarms: mine.filter(Verdicts.goesOn),
      spans: mine.map(one => ({
        start: seconds(one.began) ?? -Infinity,
        end: seconds(one.ended) ?? Infinity,
        open: one.state === "open",
      })),
      events,
      modes: Filters.modes(),
      log: Filters.choice.scale === "log",
    };
  }

  /** @param {string} name of an analysis */
  function group(name) {
    const mine = slots.filter(one => one.of.analysis === name);
    const { title, documentation } = Site.about(name);
    const versions = Filters.shownVersions(name).join(", ");
    const small = el("small", {}, title ? `${name} · ${versions}` : versions);
    const chosen = Filters.choice.analysis === name;
    const [first, others] = [true, false].map(main => mine.filter(one => one.of.main === main));
    return folding(
      `${name} `,
      true,
      { class: "group", id: `results-${name}`, "aria-label": name },
      el("summary", { class: "group-head" }, el("h3", {}, title || name, small)),
      documentationOf(documentation),
      grid(first),
      others.length
        ? folding(`${name} more`, chosen, { class: "more" }, furtherLine(others, first), grid(others))
        : null,
    );
  }

  /**
   * @param {Slot[]} others
   * @param {Slot[]} first
   */
  function furtherLine(others, first) {
    const off = others.filter(one => Math.abs(one.of.newest.deviation ?? 0) >= Verdicts.BEYOND).length;
    const note = off ? el("small", { class: "off" }, `${off} beyond ${Verdicts.BEYOND} σ`) : null;
    return el("summary", {}, plural(others.length, first.length ? "further variable" : "variable"), note);
  }

  /**
   * Something that folds, and stays as it was left.
   *
   * @param {string} key
   * @param {boolean} open at first
   * @param {Record<string, string>} attributes
   * @param {...Child} children
   */
  function folding(key, open, attributes, ...children) {
    const node = el("details", { ...attributes, open: unfolded.get(key) ?? open }, ...children);
    node.addEventListener("toggle", () => {
      unfolded.set(key, node.open);
      if (node.open) for (const slot of slots) if (!slot.loading && node.contains(slot.node)) watchAgain(slot.node);
    });
    return node;
  }

  /**
   * Look again whether a panel is near: the browser reports only changes, and unfolding may be none.
   *
   * @param {HTMLElement} node
   */
  function watchAgain(node) {
    watcher.unobserve(node);
    watcher.observe(node);
  }

  /** @param {Slot[]} some */
  const grid = some => el("div", { class: "grid" }, ...some.map(one => one.node));

  /** @param {string} text an address or a sentence */
  function documentationOf(text) {
    if (!text) return null;
    if (/^https?:\/\/\S+$/.test(text))
      return el(
        "p",
        { class: "note link" },
        el("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, "documentation"),
      );
    return el("p", { class: "note" }, text);
  }

  function emptyState() {
    if (!Store.index.length) {
      const text =
        "The first results appear here after a tick in which the data of a selected run can be read. The table of states shows what the runs wait for.";
      return el("div", { class: "card empty-state" }, el("h3", {}, "No results yet"), el("p", {}, text));
    }
    return el(
      "div",
      { class: "card empty-state" },
      el("h3", {}, "No results with these filters"),
      el("p", {}, el("button", { type: "button", class: "plain", onclick: actions.clear }, "Show all results")),
    );
  }

  /** Draw all panels that are not folded away and whose results are loaded. */
  function drawLoaded() {
    for (const slot of slots) {
      const entries = Filters.wanted().filter(one => one.analysis === slot.of.analysis);
      const here = entries.every(one => Store.chunks.get(one.key)?.stamp === one.stamp);
      if (here && !slot.panel && slot.node.checkVisibility()) fill(slot, entries);
    }
  }

  /** Load and draw all panels that are not folded away. */
  const drawAll = () => Promise.all(slots.filter(one => one.node.checkVisibility()).map(load));

  /** The panels that are drawn and seen. */
  const drawn = () => slots.flatMap(({ panel, node }) => (panel && node.checkVisibility() ? [panel] : []));

  /**
   * The series of a variable, if its panel is loaded.
   *
   * @param {string} analysis
   * @param {string} variable
   */
  const seriesOf = (analysis, variable) =>
    slots.find(one => one.of.analysis === analysis && one.of.variable === variable)?.panel?.series || null;

  /**
   * Go to the panel of a variable, and unfold what it lies in.
   *
   * @param {string} analysis
   * @param {string} [variable]
   */
  function goTo(analysis, variable) {
    const slot = slots.find(one => one.of.analysis === analysis && (!variable || one.of.variable === variable));
    if (!slot) return false;
    for (let node = slot.node.parentElement; node; node = node.parentElement)
      if (node instanceof HTMLDetailsElement) node.open = true;
    (variable ? slot.node : slot.node.closest(".group") || slot.node).scrollIntoView({ block: "start" });
    if (variable) slot.node.focus({ preventScroll: true });
    return true;
  }

  return { show, drawAll, drawLoaded, drawn, seriesOf, goTo };
})();
