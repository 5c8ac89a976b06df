// Puts the page together: sections, the run that is open, warnings, start and refresh.
"use strict";

(function () {
  const { el, byId } = Elements;
  const { seconds, plural } = Format;
  const { view } = Plot;
  const REFRESH = 120; // s
  const AHEAD = 200000; // results that are loaded beyond those in sight
  const dialog = byId("details", HTMLDialogElement);
  const now = () => Date.now() / 1000;

  // ---- results

  /** @param {boolean} keepZoom */
  async function showResults(keepZoom) {
    const began = performance.now();
    const kept = keepZoom && view.zoomed() ? [view.min, view.max] : null;
    byId("filters").hidden = !Store.index.length;
    view.reset(Filters.plotRange());
    if (kept) [view.min, view.max] = kept;
    byId("unzoom").hidden = !view.zoomed();
    byId("panels").setAttribute("aria-busy", "true");
    Store.release(Filters.wanted());
    await Panels.show({ open: openPoint, clear: clearFilters });
    byId("panels").removeAttribute("aria-busy");
    showWarnings();
    document.documentElement.dataset.prepared = String(Math.round(performance.now() - began));
    loadAhead();
  }

  /** Load the results that are not in sight, unless they are very many: printing needs them at once. */
  async function loadAhead() {
    const entries = Filters.wanted();
    if (entries.reduce((sum, one) => sum + one.results, 0) <= AHEAD) await Store.need(entries);
  }

  function changed() {
    Filters.fill();
    Filters.write({});
    showResults(false);
  }

  function clearFilters() {
    Filters.clear();
    changed();
  }

  /**
   * Go to the panel of a variable, or of an analysis; filters that hide it are dropped.
   *
   * @param {string} analysis
   * @param {string} [variable]
   */
  async function goTo(analysis, variable) {
    if (Panels.goTo(analysis, variable)) return;
    Filters.clear();
    Filters.fill();
    Filters.write({});
    await showResults(false);
    if (!Panels.goTo(analysis, variable)) byId("results").scrollIntoView({ block: "start" });
  }

  function listen() {
    Filters.listen(changed);
    byId("unzoom").addEventListener("click", view.unzoom);
    document.addEventListener("xom-zoom", () => {
      byId("unzoom").hidden = !view.zoomed();
    });
    dialog.addEventListener("close", () => Filters.write({}));
    dialog.addEventListener("click", event => {
      if (event.target === dialog) dialog.close();
    });
    addEventListener("hashchange", () => {
      if (Filters.read()) {
        Filters.fill();
        showResults(false);
      }
      openAddress();
    });
    for (const holder of document.querySelectorAll("nav, #headline"))
      holder.addEventListener("click", event => {
        const to = event.target instanceof HTMLElement ? event.target.closest("a")?.dataset.to : null;
        if (!to) return;
        event.preventDefault();
        byId(to).scrollIntoView({ block: "start" });
      });
    byId("find").addEventListener("submit", event => {
      event.preventDefault();
      findRun(byId("find-run", HTMLInputElement).value);
    });
    byId("save").addEventListener("click", save);
    byId("print").addEventListener("click", async () => {
      await Panels.drawAll();
      print();
    });
    addEventListener("beforeprint", Panels.drawLoaded);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      Draw.forgetColours();
      for (const { plot } of view.panels) plot?.redraw(false, true);
    });
    new ResizeObserver(resize).observe(byId("panels"));
  }

  function resize() {
    for (const { plot, box } of view.panels)
      if (plot && box.clientWidth && plot.width !== box.clientWidth)
        plot.setSize({ width: box.clientWidth, height: plot.height });
  }

  /** Save what is seen as a file. */
  async function save() {
    await Panels.drawAll();
    const shown = Panels.drawn().map(one => one.series);
    const blob = new Blob([Csv.table(shown, view.min, view.max)], { type: "text/csv" });
    const link = el("a", { href: URL.createObjectURL(blob), download: "xom.csv" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // ---- the run that is open

  /** @param {string} text a number, or an id */
  function findRun(text) {
    const number = Number(text.trim());
    if (!text.trim() || !Number.isInteger(number)) return;
    Filters.write({ run: Format.runId(number) });
    openAddress();
  }

  /** Open the run that the address names, or close the one that is open if it names none. */
  async function openAddress() {
    const address = Filters.address();
    const run = address.get("run");
    if (!run) {
      if (dialog.open) dialog.close();
      return;
    }
    const [analysis, variable, version] = ["analysis", "variable", "version"].map(name => address.get(name));
    const number = Number(run);
    const found = (await chunksWith(number)).filter(
      ({ chunk }) =>
        (!analysis || chunk.analysis === analysis) &&
        (!version || chunk.version === version) &&
        (!variable || chunk.variables.has(variable)),
    );
    if (found.length) return openRun(found[0].chunk, found[0].row, variable);
    const listed = (Store.status?.attention || []).filter(
      one => Number(one.run) === number && (!analysis || one.analysis === analysis),
    );
    Details.missing(dialog, run, analysis, listed);
  }

  /**
   * The chunks in which a run has results, the newest version of each analysis first.
   *
   * @param {number} number
   */
  async function chunksWith(number) {
    const id = Format.runId(number);
    const entries = Store.index.filter(one => one.shelf === id.slice(0, one.shelf.length));
    entries.sort((a, b) => Format.byVersion(b.version, a.version));
    await Store.need(entries);
    return entries.flatMap(one => {
      const chunk = Store.chunks.get(one.key);
      const row = chunk ? chunk.runs.number.indexOf(number) : -1;
      return chunk && row >= 0 ? [{ chunk, row }] : [];
    });
  }

  /**
   * @param {Series} series
   * @param {number} i
   */
  function openPoint(series, i) {
    openRun(series.chunk[i], Points.runRow(series, i), series.variable);
  }

  /**
   * @param {Chunk} chunk
   * @param {number} row that of the run
   * @param {string | null} variable null: the first
   */
  async function openRun(chunk, row, variable) {
    const names = [...chunk.variables.keys()];
    const name = variable || Site.about(chunk.analysis).main.find(one => names.includes(one)) || names[0] || "";
    const number = chunk.runs.number[row];
    Filters.write({
      run: Format.runId(number),
      analysis: chunk.analysis,
      variable: name,
      version: chunk.version,
    });
    const others = Store.index.filter(
      one => one.analysis !== chunk.analysis && one.shelf === Format.runId(number).slice(0, one.shelf.length),
    );
    const steps = {
      ...neighbours(chunk, row, name),
      variable: (/** @type {string} */ other) => void openRun(chunk, row, other),
      verdict: (/** @type {Point} */ point) => verdictOf(chunk, row, point.variable),
    };
    Details.show(dialog, chunk, row, name, steps);
    if (!others.length) return;
    const found = await chunksWith(number);
    const analyses = /** @type {Map<string, () => void>} */ (new Map());
    for (const one of found)
      if (one.chunk.analysis !== chunk.analysis && !analyses.has(one.chunk.analysis))
        analyses.set(one.chunk.analysis, () => void openRun(one.chunk, one.row, null));
    if (dialog.open && Number(Filters.address().get("run")) === number)
      Details.addElsewhere(dialog, [...analyses].sort());
  }

  /**
   * @param {Chunk} chunk
   * @param {number} row that of the run
   * @param {string} name
   */
  function verdictOf(chunk, row, name) {
    const key = `${chunk.analysis}/${chunk.version}/${chunk.shelf}`;
    const judged = Verdicts.aligned(chunk, name, Store.bands.get(key));
    const place = chunk.variables.get(name)?.run.indexOf(row) ?? -1;
    if (!judged || place < 0 || Number.isNaN(judged.deviation[place])) return null;
    const { expected, low, high, deviation, mark } = judged;
    return {
      expected: expected[place],
      low: low[place],
      high: high[place],
      deviation: deviation[place],
      mark: mark[place],
    };
  }

  /**
   * @param {Chunk} chunk
   * @param {number} row
   * @param {string} name
   */
  function neighbours(chunk, row, name) {
    const series = Panels.seriesOf(chunk.analysis, name);
    if (!series) return { previous: null, next: null };
    const here = series.x.findIndex((_, i) => series.chunk[i] === chunk && Points.runRow(series, i) === row);
    /** @param {number} i */
    const go = i => (here >= 0 && i >= 0 && i < series.x.length ? () => openPoint(series, i) : null);
    return { previous: go(here - 1), next: go(here + 1) };
  }

  // ---- warnings, start, refresh

  let readable = { status: true, index: true };

  function showWarnings() {
    const { warning } = States.showFreshness(Store.status, now());
    const texts = warning ? [warning] : [];
    if (Store.status && !readable.status) texts.push("The status (data/status.js) cannot be read again.");
    if (Store.status && !readable.index)
      texts.push("The list of results (data/index.js) cannot be read; each tick writes it.");
    const listed = new Set(Store.index.flatMap(one => [one.key, `${one.key}.bands`]));
    const broken = [...Store.broken].filter(key => listed.has(key));
    if (broken.length)
      texts.push(
        `${plural(broken.length, "part")} of the results could not be read: ${broken.slice(0, 3).join(", ")}${broken.length > 3 ? ", ..." : ""}.`,
      );
    const before = [...byId("warnings").children].map(node => node.textContent);
    if (JSON.stringify(before) !== JSON.stringify(texts))
      byId("warnings").replaceChildren(...texts.map(text => el("p", { class: "banner" }, text)));
  }

  function showStatus() {
    Tiles.show(Store.status, now(), goTo);
    Alarms.show(now(), goTo);
    States.showStates(Store.status, Attention.choose);
    States.showAttentionCount(Store.status);
    Attention.show(Store.status, now());
    Changes.show(Store.status, now());
    const written = seconds(Store.status?.generated);
    byId("foot").textContent =
      (written ? `Data of ${Format.utc(written)} UTC. ` : "") +
      "All times are UTC. Drag across a plot to zoom, double-click to reset." +
      (Store.status?.minimum ? ` Bands begin after ${Store.status.minimum} results of a run mode.` : "");
  }

  async function refresh() {
    const { science_runs, events } = Store.status || {};
    const written = () =>
      [
        [Store.status, Store.alarms],
        [Store.index, science_runs, events, Store.alarms],
      ].map(one => JSON.stringify(one));
    const before = written();
    readable = await Store.refresh();
    const after = written();
    if (after[0] !== before[0]) showStatus();
    if (after[1] !== before[1]) {
      Filters.fill();
      await showResults(true);
    }
    showWarnings();
  }

  async function start() {
    readable = await Store.refresh();
    Filters.begin();
    listen();
    showStatus();
    Filters.fill();
    await showResults(false);
    await openAddress();
    document.documentElement.dataset.ready = "yes";
    setInterval(refresh, REFRESH * 1000);
    setInterval(showWarnings, 30 * 1000);
  }

  start();
})();
