// Puts the page together: results, the run that is open, warnings, start and refresh.
"use strict";

(function () {
  const { el, byId } = Elements;
  const { seconds, plural } = Format;
  const { view } = Plot;
  const REFRESH = 120; // s
  const NEAR = 600; // CSS pixels below the window that are drawn ahead
  const dialog = byId("details", HTMLDialogElement);
  const now = () => Date.now() / 1000;
  let panels = /** @type {Panel[]} */ ([]),
    shown = /** @type {Series[]} */ ([]),
    turn = 0;

  // ---- results

  /** @param {boolean} keepZoom */
  async function showResults(keepZoom) {
    const mine = ++turn;
    const entries = Filters.wanted();
    byId("panels").setAttribute("aria-busy", "true");
    await Store.need(entries);
    if (mine !== turn) return;
    const began = performance.now();
    const loaded = Filters.groups(entries);
    byId("filters").hidden = !Store.index.length;
    Filters.fillModes(loaded.flatMap(one => one.chunks));
    shown = Points.collect(loaded, Filters.keeps());
    drawPanels(keepZoom);
    byId("panels").removeAttribute("aria-busy");
    showWarnings();
    const total = shown.reduce((sum, one) => sum + one.x.length, 0);
    byId("results-note").textContent = shown.length
      ? `${plural(shown.length, "variable")}, ${plural(total, "point")}`
      : "";
    document.documentElement.dataset.prepared = String(Math.round(performance.now() - began));
  }

  /** @param {boolean} keepZoom */
  function drawPanels(keepZoom) {
    const kept = keepZoom && view.zoomed() ? [view.min, view.max] : null;
    panels.forEach(Plot.destroy);
    watcher.disconnect();
    view.reset(Filters.plotRange(shown));
    if (kept) [view.min, view.max] = kept;
    const analyses = [...new Set(shown.map(one => one.analysis))].sort();
    panels = [];
    byId("panels").replaceChildren(...(shown.length ? analyses.map(group) : [emptyState()]));
    for (const panel of panels) {
      if (panel.node.getBoundingClientRect().top < innerHeight + NEAR) Plot.draw(panel, Filters.scienceRuns());
      else watcher.observe(panel.node);
    }
    byId("unzoom").hidden = !view.zoomed();
  }

  /** Panels are drawn when they come near the window. */
  const watcher = new IntersectionObserver(
    seen => {
      for (const { isIntersecting, target } of seen) {
        const panel = panels.find(one => one.node === target);
        if (!isIntersecting || !panel) continue;
        watcher.unobserve(target);
        Plot.draw(panel, Filters.scienceRuns());
      }
    },
    { rootMargin: `${NEAR}px` },
  );

  /** @param {string} name of an analysis */
  function group(name) {
    const mine = shown.filter(one => one.analysis === name).map(one => Plot.panel(one, openPoint));
    panels.push(...mine);
    const { title, documentation } = Store.about(name);
    const versions = Filters.shownVersions(name).join(", ");
    const small = el("small", {}, title ? `${name} · ${versions}` : versions);
    return el(
      "section",
      { class: "group", "aria-label": name },
      el("div", { class: "group-head" }, el("h3", {}, title || name, small), documentationOf(documentation)),
      el("div", { class: "grid" }, ...mine.map(panel => panel.node)),
    );
  }

  /** @param {string} text an address or a sentence */
  function documentationOf(text) {
    if (!text) return null;
    if (/^https?:\/\/\S+$/.test(text))
      return el("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, "documentation");
    return el("p", { class: "note" }, text);
  }

  function emptyState() {
    if (!Store.index.length)
      return el(
        "div",
        { class: "card empty-state" },
        picture(),
        el("h3", {}, "No results yet"),
        el(
          "p",
          {},
          "The first results appear here after a tick in which the data of a selected run can be read. The table of states shows what the runs wait for.",
        ),
      );
    return el(
      "div",
      { class: "card empty-state" },
      el("h3", {}, "No results with these filters"),
      el("p", {}, el("button", { type: "button", class: "plain", onclick: clearFilters }, "Show all results")),
    );
  }

  function picture() {
    /**
     * @param {string} tag
     * @param {Record<string, string | number>} attributes
     */
    const svg = (tag, attributes) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
      return node;
    };
    const root = svg("svg", { viewBox: "0 0 120 60", width: 120, height: 60, "aria-hidden": "true" });
    root.append(svg("path", { d: "M6 4V54H116", class: "axis" }));
    [34, 26, 30, 18, 24].forEach((y, i) => {
      const x = 22 + 18 * i;
      root.append(
        svg("path", { d: `M${x} ${y - 9}V${y + 9}`, class: "error" }),
        svg("circle", { cx: x, cy: y, r: 3.2, class: "mark" }),
      );
    });
    return root;
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
    for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav a")))
      link.addEventListener("click", event => {
        event.preventDefault();
        byId(link.dataset.to || "").scrollIntoView({ block: "start" });
      });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      Draw.forgetColours();
      for (const { plot } of panels) plot?.redraw(false, true);
    });
    new ResizeObserver(resize).observe(byId("panels"));
  }

  function resize() {
    for (const { plot, box } of panels)
      if (plot && box.clientWidth && plot.width !== box.clientWidth)
        plot.setSize({ width: box.clientWidth, height: plot.height });
  }

  // ---- the run that is open

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
    const entries = Store.index.filter(
      one =>
        (!analysis || one.analysis === analysis) &&
        (!version || one.version === version) &&
        one.shelf === Format.runId(number).slice(0, one.shelf.length),
    );
    entries.sort((a, b) => Format.byVersion(b.version, a.version));
    await Store.need(entries);
    for (const one of entries) {
      const chunk = Store.chunks.get(one.key);
      const row = chunk ? chunk.runs.number.indexOf(number) : -1;
      if (chunk && row >= 0 && (!variable || chunk.variables.has(variable))) return openRun(chunk, row, variable);
    }
    Details.missing(dialog, run, analysis);
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
  function openRun(chunk, row, variable) {
    const name = variable || [...chunk.variables.keys()][0] || "";
    Filters.write({
      run: Format.runId(chunk.runs.number[row]),
      analysis: chunk.analysis,
      variable: name,
      version: chunk.version,
    });
    Details.show(dialog, chunk, row, name, {
      ...neighbours(chunk, row, name),
      variable: other => openRun(chunk, row, other),
    });
  }

  /**
   * @param {Chunk} chunk
   * @param {number} row
   * @param {string} name
   */
  function neighbours(chunk, row, name) {
    const series = shown.find(one => one.analysis === chunk.analysis && one.variable === name);
    if (!series) return { previous: null, next: null };
    const here = series.x.findIndex((_, i) => series.chunk[i] === chunk && Points.runRow(series, i) === row);
    /** @param {number} i */
    const go = i => (here >= 0 && i >= 0 && i < series.x.length ? () => openPoint(series, i) : null);
    return { previous: go(here - 1), next: go(here + 1) };
  }

  // ---- warnings, start, refresh

  let readable = { status: true, index: true };

  function showWarnings() {
    const { warning } = Overview.showFreshness(Store.status, now());
    const texts = warning ? [warning] : [];
    if (Store.status && !readable.status) texts.push("The status (data/status.js) cannot be read again.");
    if (Store.status && !readable.index)
      texts.push("The list of results (data/index.js) cannot be read; each tick writes it.");
    const listed = new Set(Store.index.map(one => one.key));
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
    Overview.showStates(Store.status, Attention.choose);
    Overview.showAttentionCount(Store.status);
    Attention.show(Store.status, now());
    const written = seconds(Store.status?.generated);
    byId("foot").textContent =
      (written ? `Data of ${Format.utc(written)} UTC. ` : "") +
      "All times are UTC. Drag across a plot to zoom, double-click to reset.";
  }

  async function refresh() {
    const written = () => [Store.status, [Store.index, Store.status?.science_runs]].map(one => JSON.stringify(one));
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
