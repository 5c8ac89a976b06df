// What waits, failed or was given up, and why; and what is wrong with run documents.
"use strict";

/**
 * @typedef {object} AttentionChoice which entries are shown
 * @property {string} state empty: all
 * @property {string} analysis empty: all
 * @property {string} text part of run, analysis or reason
 */

const Attention = (function () {
  const { el, byId } = Elements;
  const { seconds, relative, span, utc, counted, plural } = Format;
  const STEP = 6; // entries
  const MORE = 200;
  const MOST_PROBLEMS = 500;

  const chosen = { state: "", analysis: "", text: "", shown: STEP };

  /**
   * @param {AttentionEntry} one
   * @param {AttentionChoice} choice
   */
  function matches(one, choice) {
    const text = choice.text.trim().toLowerCase();
    return (
      (!choice.state || one.state === choice.state) &&
      (!choice.analysis || one.analysis === choice.analysis) &&
      (!text || `${one.run} ${one.analysis} ${one.reason}`.toLowerCase().includes(text))
    );
  }

  /** @param {AttentionEntry} one */
  const urgency = one => Site.stateOf(one.state).urgency;

  /**
   * Entries by urgency of their state, the most urgent first, then newest run first.
   *
   * @param {AttentionEntry[]} entries
   */
  function sorted(entries) {
    return [...entries].sort((a, b) => urgency(b) - urgency(a) || (a.run < b.run ? 1 : a.run > b.run ? -1 : 0));
  }

  /**
   * How many keys need attention and are not among the entries: of very many in one state only some are.
   *
   * @param {Status | null} status
   */
  function unlisted(status) {
    const states = Object.values(status?.counts || {}).flatMap(one => Object.entries(one.states));
    const urgent = states.filter(([state]) => Site.stateOf(state).urgency);
    return Math.max(0, urgent.reduce((sum, [, count]) => sum + count, 0) - (status?.attention || []).length);
  }

  /**
   * Show the section.
   *
   * @param {Status | null} status
   * @param {number} now in seconds since 1970
   */
  function show(status, now) {
    const body = byId("attention-body");
    const entries = sorted(status?.attention || []);
    const analyses = [...new Set(entries.map(one => one.analysis))].sort();
    if (!analyses.includes(chosen.analysis)) chosen.analysis = "";
    const sentences = [
      ...sentenceList(status?.problems || [], "problem", " of the site", "in the tick's run lists"),
      ...sentenceList(status?.decisions || [], "decision", " of people that hold", "listed by xom decisions"),
    ];
    if (!entries.length) {
      const text = status ? "Nothing waits, nothing failed." : "No tick has ended yet.";
      body.replaceChildren(el("p", { class: "card empty" }, text), ...sentences);
      return;
    }
    const rest = unlisted(status);
    const note = rest
      ? el(
          "p",
          { class: "note" },
          `${plural(rest, "run")} more, between these, are only counted: xom status lists them.`,
        )
      : null;
    const list = el("div", { id: "attention-list" });
    const states = el("div", { class: "segments", role: "group", "aria-label": "State" });
    const redraw = () => {
      fillStates(states, entries, redraw);
      fill(list, entries, now, redraw);
    };
    const search = searchField(redraw);
    const typing = document.activeElement?.id === search.id;
    const controls = el(
      "div",
      { class: "filters" },
      states,
      el("label", {}, "Analysis ", analysisChoice(analyses, redraw)),
      el("label", {}, "Search ", search),
    );
    body.replaceChildren(el("div", { class: "card" }, controls, list, note), ...sentences);
    if (typing) search.focus();
    redraw();
  }

  /**
   * @param {string[]} analyses
   * @param {() => void} redraw
   */
  function analysisChoice(analyses, redraw) {
    const select = el(
      "select",
      { id: "attention-analysis" },
      el("option", { value: "" }, "all analyses"),
      ...analyses.map(name => el("option", { value: name, selected: name === chosen.analysis }, name)),
    );
    select.addEventListener("change", () => {
      Object.assign(chosen, { analysis: select.value, shown: STEP });
      redraw();
    });
    return select;
  }

  /** @param {() => void} redraw */
  function searchField(redraw) {
    const search = el("input", {
      id: "attention-search",
      type: "search",
      placeholder: "run or reason",
      "aria-label": "Run or reason contains",
      value: chosen.text,
    });
    search.addEventListener("input", () => {
      Object.assign(chosen, { text: search.value, shown: STEP });
      redraw();
    });
    return search;
  }

  /**
   * @param {HTMLElement} holder
   * @param {AttentionEntry[]} entries
   * @param {() => void} redraw
   */
  function fillStates(holder, entries, redraw) {
    const within = entries.filter(one => matches(one, { ...chosen, state: "" }));
    const states = [...new Set(entries.map(one => one.state))];
    holder.replaceChildren(
      stateButton("", "all", within.length, redraw),
      ...states.map(state => stateButton(state, state, within.filter(one => one.state === state).length, redraw)),
    );
  }

  /**
   * @param {string} value
   * @param {string} text
   * @param {number} count
   * @param {() => void} redraw
   */
  function stateButton(value, text, count, redraw) {
    const onclick = () => {
      Object.assign(chosen, { state: value, shown: STEP });
      redraw();
    };
    return el(
      "button",
      { type: "button", value, "aria-pressed": String(chosen.state === value), onclick },
      value ? el("i", { class: `swatch state-${States.slug(value)}` }) : null,
      text,
      el("small", {}, counted(count)),
    );
  }

  /**
   * @param {HTMLElement} list
   * @param {AttentionEntry[]} entries
   * @param {number} now
   * @param {() => void} redraw
   */
  function fill(list, entries, now, redraw) {
    const found = entries.filter(one => matches(one, chosen));
    if (!found.length) {
      list.replaceChildren(el("p", { class: "empty" }, "No entry matches."));
      return;
    }
    const shown = found.slice(0, chosen.shown).map(one => row(one, now));
    const rest = found.length - shown.length;
    list.replaceChildren(el("ul", { class: "attention" }, ...shown), ...(rest ? [more(rest, redraw)] : []));
  }

  /**
   * @param {number} rest how many entries are not shown
   * @param {() => void} redraw
   */
  function more(rest, redraw) {
    const onclick = () => {
      chosen.shown += MORE;
      redraw();
    };
    return el(
      "p",
      { class: "more" },
      el("button", { type: "button", class: "plain", onclick }, `Show ${Math.min(rest, MORE)} more`),
      el("small", {}, ` of ${plural(rest, "entry", "entries")} not shown`),
    );
  }

  /**
   * @param {AttentionEntry} one
   * @param {number} now
   */
  function row(one, now) {
    const { contact } = Site.about(one.analysis);
    const onclick = (/** @type {Event} */ event) =>
      event.currentTarget instanceof HTMLElement && event.currentTarget.classList.add("whole");
    return el(
      "li",
      { data: { run: one.run, state: one.state }, onclick },
      el("span", { class: `badge state-${States.slug(one.state)}` }, one.state),
      el("span", { class: "run" }, one.run),
      el("span", { class: "who" }, `${one.analysis} ${one.version}`),
      el(
        "div",
        { class: "why" },
        el("p", { class: "reason", title: one.reason }, one.reason || "no reason given"),
        el(
          "p",
          { class: "when" },
          ...times(one, now).map(({ text, title }) => el("span", { title }, text)),
          one.log ? el("span", {}, "log ", Details.path(one.log)) : null,
          contact ? el("span", {}, `contact ${contact}`) : null,
        ),
      ),
    );
  }

  /**
   * How long an entry has been so, its attempt and its next try.
   *
   * @param {Pick<AttentionEntry, "since" | "attempt" | "next_try">} one
   * @param {number} now in seconds since 1970
   */
  function times({ since, attempt, next_try }, now) {
    const [began, next] = [seconds(since), seconds(next_try)];
    const found = /** @type {{text: string, title?: string}[]} */ ([]);
    if (began !== null) found.push({ text: `for ${span(now - began)}`, title: `${utc(began)} UTC` });
    if (attempt !== null && (next_try || attempt > 1)) found.push({ text: `attempt ${attempt}` });
    if (next !== null) {
      const text = next <= now ? "next try is due" : `next try ${relative(next, now)}`;
      found.push({ text, title: `${utc(next)} UTC` });
    }
    return found;
  }

  /**
   * A list of sentences that unfolds; nothing if there are none.
   *
   * @param {string[]} sentences
   * @param {string} kind what each of them is about, in one word
   * @param {string} about what follows it in the heading
   * @param {string} elsewhere where the others are, of very many
   */
  function sentenceList(sentences, kind, about, elsewhere) {
    if (!sentences.length) return [];
    const rest = sentences.length - MOST_PROBLEMS;
    return [
      el(
        "details",
        { class: `card ${kind}s`, open: sentences.length <= 5 },
        el("summary", {}, plural(sentences.length, kind), about),
        el("ul", {}, ...sentences.slice(0, MOST_PROBLEMS).map(text => el("li", {}, text))),
        rest > 0 ? el("p", { class: "note" }, `${rest} more are ${elsewhere}.`) : null,
      ),
    ];
  }

  /**
   * Show only one state of one analysis, and go there.
   *
   * @param {string} analysis
   * @param {string} state
   */
  function choose(analysis, state) {
    Object.assign(chosen, { analysis, state, text: "", shown: STEP });
    show(Store.status, Date.now() / 1000);
    byId("attention").scrollIntoView({ block: "start" });
  }

  return { show, choose, sorted, matches, times, unlisted };
})();
