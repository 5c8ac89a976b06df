// The panel behind a point: figures and all that is known about the run, with a link of its own.
"use strict";

/**
 * @typedef {object} Steps what leads away from an open run
 * @property {(() => void) | null} previous opens the run before
 * @property {(() => void) | null} next opens the run after
 * @property {(name: string) => void} variable opens another variable of the same run
 * @property {(point: Point) => Verdict | null} verdict what was expected of a result
 *
 * @typedef {{expected: number, low: number, high: number, deviation: number, mark: string}} Verdict
 *
 * @typedef {Plain | HTMLElement} Shown
 */

const Details = (function () {
  const { el } = Elements;
  const { runId, utc, span, result, counted, trimmed, measured, plural } = Format;
  const DIGITS = 4; // of numbers without an error
  const FEW = 5; // numbers beside a result that are not folded away

  /**
   * Show one run of one analysis.
   *
   * @param {HTMLDialogElement} dialog
   * @param {Chunk} chunk
   * @param {number} runRow
   * @param {string} variable
   * @param {Steps} steps
   */
  function show(dialog, chunk, runRow, variable, steps) {
    const run = Rows.runOf(chunk, runRow);
    const results = Rows.resultsOf(chunk, runRow);
    const chosen = results.find(one => one.variable === variable) || results[0] || null;
    dialog.replaceChildren(
      head(dialog, run, chosen, steps),
      el("div", { class: "details-body" }, Figures.all(run), facts(run, chosen, results, steps)),
    );
    dialog.onkeydown = event => {
      if (event.key === "ArrowLeft") steps.previous?.();
      if (event.key === "ArrowRight") steps.next?.();
    };
    present(dialog);
  }

  /** @param {HTMLDialogElement} dialog */
  function present(dialog) {
    if (!dialog.open) dialog.showModal();
    dialog.focus();
    dialog.scrollTop = 0;
  }

  /**
   * Show that a linked run has no result.
   *
   * @param {HTMLDialogElement} dialog
   * @param {string} run
   * @param {string | null} analysis
   * @param {AttentionEntry[]} listed what is known about the run's states
   */
  function missing(dialog, run, analysis, listed) {
    const unlisted = " It may not be selected, or its analysis has not begun: `xom why` has the reason.";
    const rows = listed.map(one =>
      el("li", {}, el("b", {}, one.state), el("span", {}, one.analysis), el("span", {}, one.reason)),
    );
    const text = `There is no result ${analysis ? `of ${analysis} ` : ""}for run ${run} on this page.`;
    dialog.replaceChildren(
      el("div", { class: "details-head" }, el("h3", { id: "details-title" }, `Run ${run}`), closer(dialog)),
      el("p", { class: "empty" }, text, rows.length ? null : unlisted),
      el("ul", { class: "attention", hidden: !rows.length }, ...rows),
    );
    dialog.onkeydown = null;
    present(dialog);
  }

  /** @param {HTMLDialogElement} dialog */
  const closer = dialog => iconButton("✕", "Close", "Close (Esc)", () => dialog.close());

  /**
   * @param {string} sign
   * @param {string} label
   * @param {string} title
   * @param {(() => void) | null} onclick null disables the button
   */
  function iconButton(sign, label, title, onclick) {
    const attributes = { type: "button", class: "plain icon", "aria-label": label, title };
    return el("button", { ...attributes, disabled: !onclick, onclick }, sign);
  }

  /**
   * @param {HTMLDialogElement} dialog
   * @param {Run} run
   * @param {Point | null} chosen
   * @param {Steps} steps
   */
  function head(dialog, run, chosen, steps) {
    const value = chosen ? el("p", {}, el("span", {}, chosen.variable), " ", el("strong", {}, result(chosen))) : null;
    const from = el("small", {}, ` ${run.analysis} · ${run.version}`);
    return el(
      "div",
      { class: "details-head" },
      el(
        "div",
        {},
        el("h3", { id: "details-title" }, `Run ${runId(run.number)}`, from),
        value,
        el("p", { class: "elsewhere links" }),
      ),
      el(
        "div",
        { class: "buttons" },
        iconButton("←", "Earlier run", "Earlier run", steps.previous),
        iconButton("→", "Later run", "Later run", steps.next),
        closer(dialog),
      ),
    );
  }

  /**
   * Name the other analyses that have results of the run that is shown.
   *
   * @param {HTMLDialogElement} dialog
   * @param {[string, () => void][]} names with what opens each
   */
  function addElsewhere(dialog, names) {
    const holder = dialog.querySelector(".elsewhere");
    if (!holder || !names.length) return;
    const buttons = names.map(([name, onclick]) => el("button", { type: "button", class: "link", onclick }, name));
    holder.replaceChildren(el("span", {}, "also in"), ...buttons);
  }

  /**
   * @param {Run} run
   * @param {Point | null} chosen
   * @param {Point[]} results
   * @param {Steps} steps
   */
  function facts(run, chosen, results, steps) {
    return el(
      "div",
      { class: "facts" },
      chosen ? list("This result", resultFacts(chosen, steps.verdict(chosen))) : null,
      chosen ? more(chosen) : null,
      results.length > 1 ? others(chosen, results, steps) : null,
      list("Run", [
        ["Start", moment(run.start)],
        [
          "End",
          run.end !== null && run.start !== null
            ? `${moment(run.end)} (${span(run.end - run.start)})`
            : moment(run.end),
        ],
        ["Mode", run.mode],
        ["Source", run.source],
        ["Detectors", run.detectors.join(", ")],
        ["Tags", chips(run.tags)],
        ["Comments", paragraphs(run.comments)],
      ]),
      list("Analysis", [
        ["Message", run.message],
        ["Not up to date", run.mark],
        ["Finished", moment(run.ended)],
        ["Wall time", run.wall_s === null ? null : span(run.wall_s)],
        ["Attempt", run.attempt],
        ["Log", el("code", { class: "path" }, logCommand(run))],
      ]),
      list("Made with", [
        ["Software", run.software],
        ["Versions", paragraphs(run.versions.map(pair => pair.join(" ")))],
        ["Revision", run.git],
        ["Host", run.host],
        ["Batch job", run.batch_job],
        ["Lineage", paragraphs(run.lineage.map(pair => pair.join(" ")))],
      ]),
    );
  }

  /** @param {number | null} time */
  const moment = time => (time === null ? null : `${utc(time)} UTC`);

  /** @param {string} key */
  const named = key => key.replace(/_/g, " ");

  /** @param {number | string | boolean | null} value */
  const shown = value => (typeof value === "number" ? trimmed(value, DIGITS) : value === null ? null : String(value));

  /**
   * The numbers that the analysis saved beside a result, folded if they are many.
   *
   * @param {Point} chosen
   */
  function more(chosen) {
    const pairs = chosen.data.filter(([key]) => !key.startsWith("quality"));
    const found = list("", /** @type {[string, Shown][]} */ (pairs.map(([key, value]) => [named(key), shown(value)])));
    if (!found) return null;
    return el("details", { open: pairs.length <= FEW }, el("summary", {}, plural(pairs.length, "more number")), found);
  }

  /**
   * @param {Point} chosen
   * @param {Verdict | null} [verdict]
   * @returns {[string, Shown][]}
   */
  function resultFacts(chosen, verdict = null) {
    const { help } = Site.aboutVariable(chosen.run.analysis, chosen.variable);
    const data = new Map(chosen.data);
    return [
      ["Variable", chosen.variable],
      ["What it is", help],
      [
        chosen.limit ? `${chosen.limit === "upper" ? "Upper" : "Lower"} limit` : "Value",
        chosen.value === null ? null : result(chosen),
      ],
      ["Error", chosen.down === chosen.up ? null : `+${shown(chosen.up)} −${shown(chosen.down)}`],
      ["Expected", verdict && measured(verdict.expected, (verdict.high - verdict.expected) / 3)],
      [
        "Deviation",
        verdict && Verdicts.signed(verdict.deviation) + (verdict.mark ? `, ${verdict.mark.replace("_", " ")}` : ""),
      ],
      ["n", chosen.n === null ? null : counted(chosen.n)],
      ["No number", chosen.insufficient],
      ...["quality", "quality_reason"].map(
        key => /** @type {[string, Shown]} */ ([named(key), shown(data.get(key) ?? null)]),
      ),
    ];
  }

  /**
   * @param {Point | null} chosen
   * @param {Point[]} results
   * @param {Steps} steps
   */
  function others(chosen, results, steps) {
    const rows = results.map(one => {
      const button = { type: "button", class: "link", onclick: () => steps.variable(one.variable) };
      return el(
        "tr",
        { class: one === chosen ? "chosen" : null },
        el("th", { scope: "row" }, el("button", button, one.variable)),
        el("td", {}, result(one)),
        el("td", {}, one.n === null ? "" : counted(one.n)),
      );
    });
    const heading = el("tr", {}, ...["variable", "result", "n"].map(name => el("th", { scope: "col" }, name)));
    const table = el("table", { class: "results" }, el("thead", {}, heading), el("tbody", {}, ...rows));
    return el("section", {}, el("h4", {}, "All results of this run"), el("div", { class: "scroll" }, table));
  }

  /**
   * The command that prints a run's log, which may have moved into an archive.
   *
   * @param {Pick<Run, "analysis" | "version" | "id">} run
   */
  const logCommand = run => `xom log ${run.analysis} ${run.id} --version ${run.version}`;

  /**
   * A path: a link if it lies beside the page, else a text to copy.
   *
   * @param {string} text
   */
  function path(text) {
    return isBeside(text)
      ? el("a", { href: text, target: "_blank", rel: "noopener", class: "path" }, text.slice(3))
      : el("code", { class: "path" }, text);
  }

  /** @param {string} text */
  const isBeside = text => /^\.\.\/[A-Za-z0-9_./-]+$/.test(text);

  /** @param {string[]} texts */
  const chips = texts =>
    texts.length ? el("span", { class: "chips" }, ...texts.map(text => el("span", { class: "chip" }, text))) : null;

  /** @param {string[]} texts */
  const paragraphs = texts => (texts.length ? el("div", {}, ...texts.map(text => el("p", {}, text))) : null);

  /**
   * A headed list of what there is; null if there is nothing.
   *
   * @param {string} title
   * @param {[string, Shown][]} pairs
   */
  function list(title, pairs) {
    const rows = [];
    for (const [name, value] of pairs) {
      if (value === null || value === undefined || value === "") continue;
      const content = value instanceof Node ? value : String(value);
      rows.push(el("div", {}, el("dt", {}, name), el("dd", {}, content)));
    }
    return rows.length ? el("section", {}, title ? el("h4", {}, title) : null, el("dl", {}, ...rows)) : null;
  }

  return { show, addElsewhere, missing, path, logCommand, isBeside, resultFacts };
})();
