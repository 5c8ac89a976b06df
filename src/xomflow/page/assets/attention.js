// What waits, failed or was given up, and why; and what is wrong with run documents.
"use strict";

(function () {
  const { el, seconds, relative, span, utc, plural } = xom.format;
  const STEP = 50;
  const ORDER = ["gave up", "failed", "stale", "waiting"];

  const chosen = { state: "", analysis: "", text: "", shown: STEP };

  function matches(one, except) {
    const text = chosen.text.trim().toLowerCase();
    return (
      (except === "state" || !chosen.state || one.state === chosen.state) &&
      (!chosen.analysis || one.analysis === chosen.analysis) &&
      (!text || `${one.run} ${one.analysis} ${one.reason}`.toLowerCase().includes(text))
    );
  }

  const place = state => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);

  /** Show the section; the entries come sorted by weight of the state, then newest run. */
  function show(status, now) {
    const body = document.getElementById("attention-body");
    const entries = [...((status && status.attention) || [])].sort(
      (a, b) => place(a.state) - place(b.state) || (a.run < b.run ? 1 : a.run > b.run ? -1 : 0),
    );
    const analyses = [...new Set(entries.map(one => one.analysis))].sort();
    if (chosen.analysis && !analyses.includes(chosen.analysis)) chosen.analysis = "";
    const problems = problemList((status && status.problems) || []);
    if (!entries.length) {
      const text = status ? "Nothing waits, nothing failed." : "No tick has written here yet.";
      body.replaceChildren(el("p", { class: "card empty" }, text), ...(problems ? [problems] : []));
      return;
    }
    const list = el("div", { id: "attention-list" });
    const states = el("div", { class: "segments", role: "group", "aria-label": "State" });
    const redraw = () => {
      fillStates(states, entries, redraw);
      fill(list, entries, now, redraw);
    };
    const typing = body.contains(document.activeElement) ? document.activeElement.type : "";
    body.replaceChildren(
      el("div", { class: "card" }, controls(analyses, states, redraw), list),
      ...(problems ? [problems] : []),
    );
    if (typing === "search") body.querySelector("input").focus();
    redraw();
  }

  function controls(analyses, states, redraw) {
    const select = el(
      "select",
      {
        id: "attention-analysis",
        onchange: event => {
          chosen.analysis = event.target.value;
          chosen.shown = STEP;
          redraw();
        },
      },
      el("option", { value: "" }, "all analyses"),
      ...analyses.map(name => el("option", { value: name, selected: name === chosen.analysis }, name)),
    );
    const search = el("input", {
      type: "search",
      placeholder: "run or reason",
      "aria-label": "Run or reason contains",
      value: chosen.text,
      oninput: event => {
        chosen.text = event.target.value;
        chosen.shown = STEP;
        redraw();
      },
    });
    return el(
      "div",
      { class: "filters" },
      states,
      el("label", {}, "Analysis ", select),
      el("label", {}, "Search ", search),
    );
  }

  function fillStates(holder, entries, redraw) {
    const within = entries.filter(one => matches(one, "state"));
    const states = [...new Set(entries.map(one => one.state))].sort((a, b) => place(a) - place(b));
    const button = (value, text, count) =>
      el(
        "button",
        {
          type: "button",
          value,
          "aria-pressed": String(chosen.state === value),
          onclick: () => {
            chosen.state = value;
            chosen.shown = STEP;
            redraw();
          },
        },
        value ? el("i", { class: `swatch state-${xom.overview.slug(value)}` }) : null,
        text,
        el("small", {}, count.toLocaleString("en")),
      );
    holder.replaceChildren(
      button("", "all", within.length),
      ...states.map(state => button(state, state, within.filter(one => one.state === state).length)),
    );
  }

  function fill(list, entries, now, redraw) {
    const found = entries.filter(one => matches(one));
    if (!found.length) {
      list.replaceChildren(el("p", { class: "empty" }, "No entry matches."));
      return;
    }
    const shown = found.slice(0, chosen.shown);
    const more = found.length - shown.length;
    list.replaceChildren(
      el("ul", { class: "attention" }, ...shown.map(one => entry(one, now))),
      more
        ? el(
            "p",
            { class: "more" },
            el(
              "button",
              {
                type: "button",
                class: "plain",
                onclick: () => {
                  chosen.shown += 4 * STEP;
                  redraw();
                },
              },
              `Show ${Math.min(more, 4 * STEP)} more`,
            ),
            el("small", {}, ` of ${plural(more, "entry", "entries")} not shown`),
          )
        : "",
    );
  }

  function entry(one, now) {
    const [since, next] = [seconds(one.since), seconds(one.next_try)];
    const when = [
      since === null ? null : el("span", { title: `${utc(since)} UTC` }, `for ${span(now - since)}`),
      one.next_try || one.attempt > 1 ? el("span", {}, `attempt ${one.attempt}`) : null,
      next === null
        ? null
        : el(
            "span",
            { title: `${utc(next)} UTC` },
            next <= now ? "next try is due" : `next try ${relative(next, now)}`,
          ),
      one.log ? el("span", {}, "log ", xom.details.path(one.log)) : null,
    ].filter(Boolean);
    return el(
      "li",
      { data: { run: one.run, state: one.state } },
      el("span", { class: `badge state-${xom.overview.slug(one.state)}` }, one.state),
      el("span", { class: "run" }, one.run),
      el("span", { class: "who" }, `${one.analysis} ${one.version}`),
      el("div", { class: "why" }, el("p", {}, one.reason || "no reason given"), el("p", { class: "when" }, ...when)),
    );
  }

  function problemList(problems) {
    if (!problems.length) return null;
    return el(
      "details",
      { class: "card problems", open: problems.length <= 5 },
      el("summary", {}, plural(problems.length, "problem"), " in run documents"),
      el("ul", {}, ...problems.slice(0, 500).map(text => el("li", {}, text))),
      problems.length > 500
        ? el("p", { class: "note" }, `${problems.length - 500} more are in the tick's run lists.`)
        : null,
    );
  }

  /** Show only one state of one analysis, and go there. */
  function choose(analysis, state) {
    Object.assign(chosen, { analysis, state, text: "", shown: STEP });
    show(xom.store.status, Date.now() / 1000);
    document.getElementById("attention").scrollIntoView({ block: "start" });
  }

  xom.attention = { show, choose };
})();
