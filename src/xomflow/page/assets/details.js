// The panel behind a point: figures and all that is known of the run, with a link of its own.
"use strict";

(function () {
  const { el, runId, utc, span, result, trimmed } = xom.format;

  /** Show one run of one analysis; steps = {previous, next} open its neighbours, close() is called when it goes. */
  function show(dialog, chunk, runRow, variable, steps) {
    const run = xom.points.runOf(chunk, runRow);
    const results = xom.points.resultsOf(chunk, runRow);
    const chosen = results.find(one => one.variable === variable) || results[0];
    dialog.replaceChildren(
      head(dialog, run, chosen, steps),
      el("div", { class: "details-body" }, figures(run), facts(run, chosen, results, steps)),
    );
    dialog.onkeydown = event => {
      const step = { ArrowLeft: steps.previous, ArrowRight: steps.next }[event.key];
      if (step) step();
    };
    present(dialog);
  }

  function present(dialog) {
    if (!dialog.open) dialog.showModal();
    dialog.focus();
    dialog.scrollTop = 0;
  }

  /** Say that a linked run is not here. */
  function missing(dialog, run, analysis) {
    dialog.replaceChildren(
      el("div", { class: "details-head" }, el("h3", { id: "details-title" }, `Run ${run}`), closer(dialog)),
      el(
        "p",
        { class: "empty" },
        `There is no result ${analysis ? `of ${analysis} ` : ""}for run ${run} on this page. It may wait for data or have failed: see "Attention".`,
      ),
    );
    dialog.onkeydown = null;
    present(dialog);
  }

  const closer = dialog =>
    el(
      "button",
      {
        type: "button",
        class: "plain icon",
        "aria-label": "Close",
        title: "Close (Esc)",
        onclick: () => dialog.close(),
      },
      "✕",
    );

  function head(dialog, run, chosen, steps) {
    const step = (name, sign, title) =>
      el(
        "button",
        {
          type: "button",
          class: "plain icon",
          "aria-label": title,
          title,
          disabled: !steps[name],
          onclick: steps[name],
        },
        sign,
      );
    const value = chosen ? el("p", {}, el("span", {}, chosen.variable), " ", el("strong", {}, result(chosen))) : null;
    return el(
      "div",
      { class: "details-head" },
      el(
        "div",
        {},
        el(
          "h3",
          { id: "details-title" },
          `Run ${runId(run.number)}`,
          el("small", {}, ` ${run.analysis} · ${run.version}`),
        ),
        value,
      ),
      el(
        "div",
        { class: "buttons" },
        step("previous", "←", "Earlier run"),
        step("next", "→", "Later run"),
        closer(dialog),
      ),
    );
  }

  function figures(run) {
    const holder = el("div", { class: "figures" });
    if (!run.figures.length) {
      holder.append(el("p", { class: "empty" }, "The analysis saved no figure for this run."));
      return holder;
    }
    const folder = ["..", "figures", run.analysis, run.version, run.id.slice(0, 3), run.id];
    for (const name of run.figures)
      holder.append(figure([...folder, name].map(encodeURIComponent).join("/"), name, run));
    return holder;
  }

  function figure(address, name, run) {
    const image = el("img", { src: address, alt: `${name}, run ${runId(run.number)} of ${run.analysis}` });
    const frame = el(
      "figure",
      { data: { figure: name } },
      el("a", { href: address, target: "_blank", rel: "noopener", title: "Open the figure alone" }, image),
      el("figcaption", {}, name),
    );
    image.addEventListener("load", () => {
      frame.dataset.loaded = "yes";
    });
    image.addEventListener("error", () => {
      frame.dataset.loaded = "no";
      frame.replaceChildren(
        el("p", { class: "empty" }, "The figure is not where it should be: ", el("code", {}, address)),
      );
    });
    return frame;
  }

  function facts(run, chosen, results, steps) {
    return el(
      "div",
      { class: "facts" },
      chosen ? list("This result", resultFacts(chosen)) : null,
      results.length > 1 ? others(run, chosen, results, steps) : null,
      list("Run", [
        ["Start", run.start === null ? null : `${utc(run.start)} UTC`],
        [
          "End",
          run.end === null
            ? null
            : `${utc(run.end)} UTC` + (run.start === null ? "" : ` (${span(run.end - run.start)})`),
        ],
        ["Mode", run.mode],
        ["Source", run.source],
        ["Detectors", run.detectors.join(", ")],
        ["Tags", chips(run.tags)],
        ["Comments", paragraphs(run.comments)],
      ]),
      list("Analysis", [
        ["Message", run.message],
        ["Finished", run.ended === null ? null : `${utc(run.ended)} UTC`],
        ["Wall time", run.wall_s === null ? null : span(run.wall_s)],
        ["Attempt", run.attempt],
        ["Log", log(run)],
      ]),
      list("Made with", [
        ["Software", run.software],
        ["Versions", paragraphs(run.versions.map(pair => pair.join(" ")))],
        ["Revision", run.git],
        ["Host", run.host],
        ["Slurm job", run.slurm_job],
        ["Lineage", paragraphs(run.lineage.map(pair => pair.join(" ")))],
      ]),
    );
  }

  function resultFacts(chosen) {
    const number = value => (typeof value === "number" ? trimmed(value, 8) : value);
    return [
      ["Variable", chosen.variable],
      [chosen.limit ? `${chosen.limit === "upper" ? "Upper" : "Lower"} limit` : "Value", number(chosen.value)],
      ["Error", number(chosen.error)],
      ["Unit", chosen.unit],
      ["n", chosen.n === null ? null : chosen.n.toLocaleString("en")],
      ["No number", chosen.insufficient],
      ...chosen.data.map(([key, value]) => [key, typeof value === "boolean" ? String(value) : number(value)]),
    ];
  }

  function others(run, chosen, results, steps) {
    const rows = results.map(one =>
      el(
        "tr",
        { class: one === chosen ? "chosen" : null },
        el(
          "th",
          { scope: "row" },
          el("button", { type: "button", class: "link", onclick: () => steps.variable(one.variable) }, one.variable),
        ),
        el("td", {}, result(one)),
        el("td", {}, one.n === null ? "" : one.n.toLocaleString("en")),
      ),
    );
    const heading = el(
      "tr",
      {},
      el("th", { scope: "col" }, "variable"),
      el("th", { scope: "col" }, "result"),
      el("th", { scope: "col" }, "n"),
    );
    return el(
      "section",
      {},
      el("h4", {}, "All results of this run"),
      el(
        "div",
        { class: "scroll" },
        el("table", { class: "results" }, el("thead", {}, heading), el("tbody", {}, ...rows)),
      ),
    );
  }

  function log(run) {
    const pattern = xom.store.status && xom.store.status.log_pattern;
    if (!pattern) return null;
    const values = {
      analysis: run.analysis,
      version: run.version,
      run: run.id,
      shelf: run.id.slice(0, 3),
    };
    return xom.details.path(pattern.replace(/\{(analysis|version|run|shelf)\}/g, (_, name) => values[name]));
  }

  /** A path: a link if it lies beside the page, else a text to copy. */
  function path(text) {
    const own = /^\.\.\/[A-Za-z0-9_.\/-]+$/.test(text);
    return own
      ? el("a", { href: text, target: "_blank", rel: "noopener", class: "path" }, text.slice(3))
      : el("code", { class: "path" }, text);
  }

  const chips = texts =>
    texts.length ? el("span", { class: "chips" }, ...texts.map(text => el("span", { class: "chip" }, text))) : null;
  const paragraphs = texts => (texts.length ? el("div", {}, ...texts.map(text => el("p", {}, text))) : null);

  function list(title, pairs) {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
    if (!known.length) return null;
    const shown = value => (value instanceof Node ? value : String(value));
    return el(
      "section",
      {},
      el("h4", {}, title),
      el("dl", {}, ...known.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, shown(value))))),
    );
  }

  xom.details = { show, missing, path };
})();
