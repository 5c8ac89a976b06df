// How fresh the page is, and the table of states.
"use strict";

(function () {
  const { el, seconds, utc, span, relative, plural } = xom.format;
  const STATES = {
    done: "has results",
    running: "claimed by a tick, or in Slurm",
    ready: "all needed data can be read",
    waiting: "some needed data cannot be read yet",
    stale: "has waited longer than the site allows; still checked",
    failed: "will be tried again",
    "gave up": "will not be tried again until told so",
  };
  const LATE = 3 * 3600; // s, without a hint of the interval
  const SOON = 120; // s, how far ahead another computer's clock may be

  /** Judge the age of the page's data against this computer's clock. */
  function freshness(status, now) {
    const written = status ? seconds(status.generated) : null;
    if (written === null) return { level: "none", text: "no tick seen yet" };
    const tick = status.tick || {};
    const hint = typeof tick.interval_hint_s === "number" ? tick.interval_hint_s : null;
    const allowed = hint === null ? LATE : Math.max(3600, 3 * hint);
    const ended = seconds(tick.ended);
    const text = ended === null ? `data from ${relative(written, now)}` : `last tick ended ${relative(ended, now)}`;
    const title = `data of ${utc(written)} UTC` + (hint === null ? "" : `, a tick is due every ${span(hint)}`);
    if (written - now > SOON)
      return {
        level: "late",
        text,
        title,
        warning: `This page's data are from ${utc(written)} UTC, which is in the future: the clock of this computer or of the site is wrong.`,
      };
    if (now - written <= allowed) return { level: "fresh", text, title };
    return {
      level: "late",
      text,
      title,
      warning: `Nothing has been written here for ${span(now - written)}: no tick has ended since ${utc(written)} UTC. What you see may be out of date.`,
    };
  }

  function showFreshness(status, now) {
    const judged = freshness(status, now);
    const node = document.getElementById("freshness");
    node.replaceChildren(el("i", { class: "dot", "aria-hidden": "true" }), judged.text);
    node.dataset.level = judged.level;
    node.title = judged.title || "";
    return judged;
  }

  /** States of one analysis in the order of the legend; states this page does not know come last. */
  function ordered(states) {
    const known = Object.keys(STATES);
    return [
      ...known,
      ...Object.keys(states)
        .filter(name => !known.includes(name))
        .sort(),
    ];
  }

  const slug = state => (state in STATES ? state.replace(" ", "-") : "other");

  /** The table of states; choose(analysis, state) is called when a count is clicked. */
  function showStates(status, choose) {
    const body = document.getElementById("states-body");
    const counts = Object.entries((status && status.counts) || {});
    if (!counts.length) {
      body.replaceChildren(el("p", { class: "card empty" }, "No tick has written its states here yet."));
      return;
    }
    const columns = ordered(Object.fromEntries(counts.flatMap(([, one]) => Object.entries(one.states))));
    const heads = columns.map(state =>
      el(
        "th",
        { scope: "col", class: "number", title: STATES[state] || "" },
        el("i", { class: `swatch state-${slug(state)}` }),
        state,
      ),
    );
    const rows = counts.map(([analysis, one]) => row(analysis, one, columns, choose));
    body.replaceChildren(
      el(
        "div",
        { class: "card" },
        el(
          "table",
          { class: "states" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              el("th", { scope: "col" }, "analysis"),
              el("th", { scope: "col", class: "bar-head" }, "share of the selected runs"),
              ...heads,
              el("th", { scope: "col", class: "number" }, "all"),
            ),
          ),
          el("tbody", {}, ...rows),
        ),
        tickLine(status),
      ),
    );
  }

  function row(analysis, one, columns, choose) {
    const total = Object.values(one.states).reduce((sum, count) => sum + count, 0);
    const about = xom.store.about(analysis);
    const cells = columns.map(state => {
      const count = one.states[state] || 0;
      const listed = ["waiting", "stale", "failed", "gave up"].includes(state) && count > 0;
      const text = count.toLocaleString("en");
      const shown = listed
        ? el(
            "button",
            {
              type: "button",
              class: "link",
              "aria-label": `${text} ${state} in ${analysis}: show them`,
              onclick: () => choose(analysis, state),
            },
            text,
          )
        : text;
      return el("td", { class: `number state-${slug(state)}${count ? "" : " zero"}`, data: { state, count } }, shown);
    });
    return el(
      "tr",
      { data: { analysis } },
      el(
        "th",
        { scope: "row" },
        el("span", {}, about.title || analysis),
        el("small", {}, about.title ? `${analysis} · ${one.version}` : one.version),
      ),
      el("td", { class: "bar-cell" }, bar(one.states, columns, total)),
      ...cells,
      el("td", { class: "number total", data: { state: "all", count: total } }, total.toLocaleString("en")),
    );
  }

  function bar(states, columns, total) {
    const parts = columns
      .filter(state => states[state])
      .map(state => {
        const part = el("span", {
          class: `state-${slug(state)}`,
          title: `${states[state].toLocaleString("en")} ${state}`,
        });
        part.style.flexGrow = states[state] / Math.max(total, 1);
        return part;
      });
    const told = columns
      .filter(state => states[state])
      .map(state => `${states[state]} ${state}`)
      .join(", ");
    return el("div", { class: "bar", role: "img", "aria-label": told || "no runs" }, ...parts);
  }

  function tickLine(status) {
    const tick = status.tick || {};
    const [started, ended] = [seconds(tick.started), seconds(tick.ended)];
    if (started === null) return null;
    const took = ended === null ? "has not ended" : `took ${span(ended - started)}`;
    return el("p", { class: "note" }, `Last tick: ${utc(started)} UTC, ${took}`, tick.id ? ` (${tick.id})` : "", ".");
  }

  /** Numbers of entries and problems, for the head of the page. */
  function showAttentionCount(status) {
    const node = document.getElementById("attention-count");
    const count = status ? (status.attention || []).filter(one => one.state !== "waiting").length : 0;
    node.hidden = !count;
    node.textContent = count.toLocaleString("en");
    node.title = `${plural(count, "run")} stale, failed or given up`;
  }

  xom.overview = { STATES, LATE, slug, freshness, showFreshness, showStates, showAttentionCount };
})();
