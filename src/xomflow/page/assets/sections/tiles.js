// The overview: one sentence about the whole site, and a tile for each analysis.
"use strict";

const Tiles = (function () {
  const { el, byId } = Elements;
  const { relative, utc, counted, plural, result } = Format;
  const MOST = 4; // main variables in a tile
  const WORDS = /** @type {Record<Level, string>} */ ({
    alarm: "alarm",
    look: "have a look",
    normal: "normal",
    unknown: "no history yet",
  });
  const ORDER = /** @type {Level[]} */ (["alarm", "look", "normal", "unknown"]);

  /**
   * Show sentence and tiles.
   *
   * @param {Status | null} status
   * @param {number} now in seconds since 1970
   * @param {(analysis: string, variable?: string) => void} goTo
   */
  function show(status, now, goTo) {
    const going = Store.alarms.filter(Verdicts.goesOn);
    const names = [...new Set([...Site.analyses(), ...Object.keys(status?.counts || {})])];
    const known = names.filter(name => !name.includes("+") || Site.analyses().includes(name));
    const all = known.map(name => {
      const variables = Newest.listed(name, Site.versions(name).slice(0, 1));
      return { name, variables, judged: Newest.judgeAnalysis(name, variables, going) };
    });
    all.sort((a, b) => ORDER.indexOf(a.judged.level) - ORDER.indexOf(b.judged.level) || (a.name < b.name ? -1 : 1));
    byId("tiles").replaceChildren(...all.map(one => tile(one, status, now, goTo)));
    const levels = all.map(one => one.judged.level);
    const parts = headline(status, going, levels);
    const link = (/** @type {[string, Level]} */ [text, level]) =>
      el("a", { href: "#attention", data: { level, to: "attention" } }, text);
    byId("headline").replaceChildren(...parts.map(link));
  }

  /**
   * What is wrong, in short parts.
   *
   * @param {Status | null} status
   * @param {Alarm[]} going alarms that are not over
   * @param {Level[]} levels of the analyses
   * @returns {[string, Level][]}
   */
  function headline(status, going, levels) {
    const parts = /** @type {[string, Level][]} */ ([]);
    const open = going.filter(one => one.state === "open");
    if (open.length) parts.push([`${plural(open.length, "open alarm")}`, "alarm"]);
    if (going.length > open.length) parts.push([`${going.length - open.length} acknowledged`, "look"]);
    const look = levels.filter(one => one === "look").length;
    if (look) parts.push([`${plural(look, "analysis", "analyses")} to look at`, "look"]);
    const urgent = (status?.attention || []).filter(one => Site.stateOf(one.state).urgency > 1);
    const byState = /** @type {Map<string, number>} */ (new Map());
    for (const { state } of urgent) byState.set(state, (byState.get(state) || 0) + 1);
    for (const [state, count] of byState) parts.push([`${plural(count, "run")} ${state}`, "look"]);
    const judged = levels.filter(one => one !== "unknown").length;
    if (!parts.length && judged) parts.push([`Nothing unusual in ${plural(judged, "analysis", "analyses")}`, "normal"]);
    if (!parts.length && levels.length)
      parts.push(["Nothing failed; not enough history to say what is normal", "unknown"]);
    return parts;
  }

  /**
   * @param {{name: string, variables: Listed[], judged: Judgement}} one
   * @param {Status | null} status
   * @param {number} now
   * @param {(analysis: string, variable?: string) => void} goTo
   */
  function tile({ name, variables, judged }, status, now, goTo) {
    const { title } = Site.about(name);
    const main = variables.filter(one => one.main);
    const newest = Math.max(...variables.map(one => one.newest.start ?? -Infinity));
    const of = variables.find(one => one.newest.start === newest);
    const go = () => goTo(name);
    return el(
      "article",
      { class: "tile", "aria-label": title || name, data: { analysis: name, level: judged.level } },
      el(
        "div",
        { class: "tile-head" },
        el("h3", {}, of ? el("button", { type: "button", class: "link", onclick: go }, title || name) : title || name),
        el("span", { class: "level" }, WORDS[judged.level]),
      ),
      el(
        "p",
        { class: "note", title: of && Number.isFinite(newest) ? `${utc(newest)} UTC` : null },
        of
          ? `run ${of.newest.run.slice(0, 6)}${Number.isFinite(newest) ? `, ${relative(newest, now)}` : ""}`
          : "no result yet",
      ),
      main.length ? el("ul", {}, ...main.slice(0, MOST).map(one => line(one, newest, now, goTo))) : null,
      judged.reasons.length ? el("p", { class: "reasons" }, judged.reasons.join("; ")) : null,
      states(name, status),
    );
  }

  /**
   * One variable of a tile.
   *
   * @param {Listed} one
   * @param {number} newest start of the newest result of the analysis
   * @param {number} now
   * @param {(analysis: string, variable?: string) => void} goTo
   */
  function line(one, newest, now, goTo) {
    const { analysis, variable, newest: last } = one;
    const { title } = Site.aboutVariable(analysis, variable);
    const older = last.start !== undefined && last.start < newest ? el("small", {}, relative(last.start, now)) : null;
    const button = { type: "button", class: "link", title: variable, onclick: () => goTo(analysis, variable) };
    return el(
      "li",
      { data: { variable, level: Newest.judge(one).level } },
      el("button", button, title || Heading.breakable(variable)),
      el("span", { class: "value" }, words(last), older),
      last.quality === "poor" ? el("span", { class: "poor" }, "poor") : null,
      Heading.chip(last) || el("span", { class: "sigma" }, "–"),
    );
  }

  /** @param {Newest} newest */
  function words({ value, error, unit, limit }) {
    if (value === undefined) return "too few events";
    const text = result({ value, error: error ?? null, unit: unit ?? null, limit: limit ?? null });
    return text.replace(/^\(([^()]*)\)(?! ×)/, "$1");
  }

  /**
   * The states of an analysis as a bar, with those that need a person in words.
   *
   * @param {string} name
   * @param {Status | null} status
   */
  function states(name, status) {
    const counts = status?.counts[name]?.states;
    if (!status || !counts) return null;
    const columns = States.ordered(status.states, Object.keys(counts));
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const told = columns.filter(state => counts[state] && Site.stateOf(state).urgency);
    return el(
      "div",
      { class: "tile-states" },
      States.bar(counts, columns, total),
      el(
        "p",
        { class: "note" },
        `${counted(counts.done || 0)} of ${counted(total)} done`,
        ...told.map(state =>
          el("span", { class: `badge state-${States.slug(state)}` }, `${counted(counts[state])} ${state}`),
        ),
      ),
    );
  }

  return { show, headline, words };
})();
