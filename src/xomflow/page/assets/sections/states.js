// How fresh the page is, and the table of states.
"use strict";

/**
 * @typedef {object} Freshness
 * @property {"none" | "fresh" | "late"} level
 * @property {string} text
 * @property {string} [title]
 * @property {string} [warning]
 */

const States = (function () {
  const { el, byId } = Elements;
  const { seconds, utc, span, relative, counted, plural } = Format;
  const LATE = 3 * 3600; // s, where the status names no interval
  const SOON = 120; // s, how far ahead another computer's clock may be

  /**
   * Judge the age of the page's data by this computer's clock.
   *
   * @param {Status | null} status
   * @param {number} now in seconds since 1970
   * @returns {Freshness}
   */
  function freshness(status, now) {
    const written = status && seconds(status.generated);
    if (!status || written === null) return { level: "none", text: "no tick has ended yet" };
    const interval = status.tick.interval_hint_s ?? null;
    const allowed = interval === null ? LATE : Math.max(3600, 3 * interval);
    const ended = seconds(status.tick.ended);
    const text = ended === null ? `data from ${relative(written, now)}` : `last tick ended ${relative(ended, now)}`;
    const title = `data of ${utc(written)} UTC` + (interval === null ? "" : `, a tick is due every ${span(interval)}`);
    if (written - now > SOON)
      return {
        level: "late",
        text,
        title,
        warning: `The data of this page are from ${utc(written)} UTC, which is in the future: the clock of this computer or of the site is wrong.`,
      };
    if (now - written <= allowed) return { level: "fresh", text, title };
    return {
      level: "late",
      text,
      title,
      warning: `The data of this page are ${span(now - written)} old: no tick has ended since ${utc(written)} UTC. What you see may be out of date.`,
    };
  }

  /**
   * Show the age of the page's data; return what it was judged to be.
   *
   * @param {Status | null} status
   * @param {number} now in seconds since 1970
   */
  function showFreshness(status, now) {
    const judged = freshness(status, now);
    const node = byId("freshness");
    node.replaceChildren(el("i", { class: "dot", "aria-hidden": "true" }), judged.text);
    node.dataset.level = judged.level;
    node.title = judged.title || "";
    return judged;
  }

  /**
   * Names of the states in the order of the table: those that need no person first, of these the furthest first;
   * names that the list does not have come last.
   *
   * @param {State[]} states in their order from run to result
   * @param {Iterable<string>} names
   */
  function ordered(states, names) {
    const known = [...states]
      .reverse()
      .sort((a, b) => a.urgency - b.urgency)
      .map(one => one.name);
    return [...known, ...[...new Set(names)].filter(name => !known.includes(name)).sort()];
  }

  /**
   * Name of a state as part of a class of the style sheet.
   *
   * @param {string} state
   */
  const slug = state => (Site.stateOf(state).known ? state.replace(" ", "-") : "other");

  /**
   * Show the table of states.
   *
   * @param {Status | null} status
   * @param {(analysis: string, state: string) => void} choose called when a count is clicked
   */
  function showStates(status, choose) {
    const body = byId("states-body");
    const counts = Object.entries(status?.counts || {});
    if (!status || !counts.length) {
      body.replaceChildren(el("p", { class: "card empty" }, "No tick has written its states here yet."));
      return;
    }
    const columns = ordered(
      status.states,
      counts.flatMap(([, one]) => Object.keys(one.states)),
    );
    const heads = columns.map(state =>
      el(
        "th",
        { scope: "col", class: "number", title: Site.stateOf(state).meaning },
        el("i", { class: `swatch state-${slug(state)}` }),
        state,
      ),
    );
    const heading = el(
      "tr",
      {},
      el("th", { scope: "col" }, "analysis"),
      el("th", { scope: "col", class: "bar-head" }, "share of the selected runs"),
      ...heads,
      el("th", { scope: "col", class: "number" }, "all"),
    );
    const rows = counts.map(([analysis, one]) => row(analysis, one, columns, choose));
    const table = el("table", { class: "states" }, el("thead", {}, heading), el("tbody", {}, ...rows));
    body.replaceChildren(el("div", { class: "card" }, table, tickLine(status)));
  }

  /**
   * @param {string} analysis
   * @param {{version: string, states: Record<string, number>}} one
   * @param {string[]} columns
   * @param {(analysis: string, state: string) => void} choose
   */
  function row(analysis, one, columns, choose) {
    const total = Object.values(one.states).reduce((sum, count) => sum + count, 0);
    const { title } = Site.about(analysis);
    const cells = columns.map(state => {
      const count = one.states[state] || 0;
      const label = `${counted(count)} ${state} in ${analysis}: show them`;
      const button = { type: "button", class: "link", "aria-label": label, onclick: () => choose(analysis, state) };
      const shown = Site.stateOf(state).urgency && count ? el("button", button, counted(count)) : counted(count);
      return el("td", { class: `number state-${slug(state)}${count ? "" : " zero"}`, data: { state, count } }, shown);
    });
    return el(
      "tr",
      { data: { analysis } },
      el(
        "th",
        { scope: "row" },
        el("span", {}, title || analysis),
        el("small", {}, title ? `${analysis} · ${one.version}` : one.version),
      ),
      el("td", { class: "bar-cell" }, bar(one.states, columns, total)),
      ...cells,
      el("td", { class: "number total", data: { state: "all", count: total } }, counted(total)),
    );
  }

  /**
   * @param {Record<string, number>} states
   * @param {string[]} columns
   * @param {number} total
   */
  function bar(states, columns, total) {
    const there = columns.filter(state => states[state]);
    const parts = there.map(state => {
      const part = el("span", { class: `state-${slug(state)}`, title: `${counted(states[state])} ${state}` });
      part.style.flexGrow = String(states[state] / Math.max(total, 1));
      return part;
    });
    const label = there.map(state => `${states[state]} ${state}`).join(", ");
    return el("div", { class: "bar", role: "img", "aria-label": label || "no runs" }, ...parts);
  }

  /** @param {Status} status */
  function tickLine({ tick }) {
    const [started, ended] = [seconds(tick.started), seconds(tick.ended)];
    if (started === null) return null;
    const took = ended === null ? "has not ended" : `took ${span(ended - started)}`;
    return el("p", { class: "note" }, `Last tick: ${utc(started)} UTC, ${took}`, tick.id ? ` (${tick.id})` : "", ".");
  }

  /**
   * Show, in the head of the page, how many alarms are open, and how many runs are stale, failed or given up.
   *
   * @param {Status | null} status
   */
  function showAttentionCount(status) {
    const node = byId("attention-count");
    const urgent = status ? status.attention.filter(one => Site.stateOf(one.state).urgency > 1) : [];
    const alarms = Store.alarms.filter(one => Verdicts.goesOn(one) && one.state === "open");
    node.hidden = !urgent.length && !alarms.length;
    node.textContent = counted(urgent.length + alarms.length);
    const states = [...new Set(urgent.map(one => one.state))].join(", ");
    node.title = [
      ...(alarms.length ? [plural(alarms.length, "open alarm")] : []),
      ...(urgent.length ? [`${plural(urgent.length, "run")}: ${states}`] : []),
    ].join("; ");
  }

  return { freshness, ordered, slug, bar, showFreshness, showStates, showAttentionCount };
})();
