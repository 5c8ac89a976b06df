// Puts the page together: results, the run that is open, warnings, start and refresh.
"use strict";

(function () {
  const { el, seconds, plural } = xom.format;
  const { store, filters } = xom;
  const { view } = xom.plot;
  const REFRESH = 120; // s
  const NEAR = 600; // CSS pixels below the window that are drawn ahead
  const byId = id => document.getElementById(id);
  const now = () => Date.now() / 1000;
  let panels = [],
    turn = 0,
    shown = [];

  // ---- results

  async function showResults(keepZoom) {
    const mine = ++turn;
    const entries = filters.wanted();
    byId("panels").setAttribute("aria-busy", "true");
    await store.need(entries);
    if (mine !== turn) return;
    const began = performance.now();
    const loaded = filters.groups(entries);
    byId("filters").hidden = !store.index.length;
    filters.fillModes(loaded.flatMap(one => one.chunks));
    shown = xom.points.collect(loaded, filters.keeps());
    drawPanels(keepZoom);
    byId("panels").removeAttribute("aria-busy");
    showWarnings();
    const total = shown.reduce((sum, one) => sum + one.x.length, 0);
    byId("results-note").textContent = shown.length
      ? `${plural(shown.length, "variable")}, ${plural(total, "point")}`
      : "";
    document.documentElement.dataset.prepared = Math.round(performance.now() - began);
  }

  function drawPanels(keepZoom) {
    const kept = keepZoom && view.zoomed() ? [view.min, view.max] : null;
    panels.forEach(panel => panel.destroy());
    watcher.disconnect();
    view.reset(fullRange());
    if (kept) [view.min, view.max] = kept;
    const bands = filters.scienceRuns();
    const analyses = [...new Set(shown.map(one => one.analysis))].sort();
    panels = [];
    byId("panels").replaceChildren(...(shown.length ? analyses.map(name => group(name, bands)) : [emptyState()]));
    for (const panel of panels) {
      if (panel.node.getBoundingClientRect().top < innerHeight + NEAR) panel.draw();
      else watcher.observe(panel.node);
    }
    byId("unzoom").hidden = !view.zoomed();
  }

  /** Panels are drawn when they come near the window. */
  const watcher = new IntersectionObserver(
    seen => {
      for (const one of seen)
        if (one.isIntersecting) {
          watcher.unobserve(one.target);
          panels.find(panel => panel.node === one.target)?.draw();
        }
    },
    { rootMargin: `${NEAR}px` },
  );

  function group(name, bands) {
    const mine = shown.filter(one => one.analysis === name).map(one => xom.plot.panel(one, bands, openPoint));
    panels.push(...mine);
    const about = store.about(name);
    const versions = filters.shownVersions(name).join(", ");
    return el(
      "section",
      { class: "group", "aria-label": name },
      el(
        "div",
        { class: "group-head" },
        el("h3", {}, about.title || name, el("small", {}, `${about.title ? `${name} · ` : ""}${versions}`)),
        documentation(about.documentation),
      ),
      el("div", { class: "grid" }, ...mine.map(panel => panel.node)),
    );
  }

  function documentation(text) {
    if (!text) return null;
    if (/^https?:\/\/\S+$/.test(text))
      return el("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, "documentation");
    return el("p", { class: "note" }, text);
  }

  function fullRange() {
    const dated = shown.filter(one => one.x.length);
    const [start, end] = filters.timeWindow();
    const first = Math.min(...dated.map(one => one.x[0])),
      last = Math.max(...dated.map(one => one.x[one.x.length - 1]));
    if (!dated.length) return [filters.asOf() - 86400, filters.asOf()];
    const low = filters.fixedRange() ? start : first;
    const high = filters.fixedRange() ? Math.min(end, Math.max(filters.asOf(), last)) : last;
    const room = Math.max((high - low) * 0.02, 600);
    return [low - room, high + room];
  }

  function emptyState() {
    if (!store.index.length)
      return el(
        "div",
        { class: "card empty-state" },
        picture(),
        el("h3", {}, "No results yet"),
        el(
          "p",
          {},
          "The first ones appear here after a tick in which the data of a selected run could be read. The table of states tells what the runs wait for.",
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
    const svg = (tag, attributes) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      return node;
    };
    const root = svg("svg", { viewBox: "0 0 120 60", width: 120, height: 60, "aria-hidden": "true" });
    root.append(svg("path", { d: "M6 4V54H116", class: "axis" }));
    [
      [22, 34],
      [40, 26],
      [58, 30],
      [76, 18],
      [94, 24],
    ].forEach(([x, y]) =>
      root.append(
        svg("path", { d: `M${x} ${y - 9}V${y + 9}`, class: "error" }),
        svg("circle", { cx: x, cy: y, r: 3.2, class: "mark" }),
      ),
    );
    return root;
  }

  function changed() {
    filters.fill();
    filters.write({});
    showResults(false);
  }

  function clearFilters() {
    filters.clear();
    changed();
  }

  function listen() {
    filters.listen(changed);
    byId("unzoom").addEventListener("click", view.unzoom);
    document.addEventListener("xom-zoom", () => {
      byId("unzoom").hidden = !view.zoomed();
    });
    byId("details").addEventListener("close", () => filters.write({}));
    byId("details").addEventListener("click", event => {
      if (event.target === byId("details")) byId("details").close();
    });
    addEventListener("hashchange", () => {
      if (filters.read()) {
        filters.fill();
        showResults(false);
      }
      openAddress();
    });
    for (const link of document.querySelectorAll("nav a"))
      link.addEventListener("click", event => {
        event.preventDefault();
        byId(link.dataset.to).scrollIntoView({ block: "start" });
      });
    new ResizeObserver(resize).observe(byId("panels"));
    xom.redraw = () => panels.forEach(panel => panel.plot && panel.plot.redraw(false, true));
  }

  function resize() {
    for (const { plot, box } of panels)
      if (plot && box.clientWidth && plot.width !== box.clientWidth)
        plot.setSize({ width: box.clientWidth, height: plot.height });
  }

  // ---- the run that is open

  async function openAddress() {
    const [run, analysis, variable, version] = ["run", "analysis", "variable", "version"].map(name =>
      filters.address().get(name),
    );
    const dialog = byId("details");
    if (!run) {
      if (dialog.open) dialog.close();
      return;
    }
    const number = Number(run);
    const entries = store.index.filter(
      one =>
        (!analysis || one.analysis === analysis) &&
        (!version || one.version === version) &&
        one.shelf === xom.format.runId(number).slice(0, one.shelf.length),
    );
    entries.sort((a, b) => xom.format.byVersion(b.version, a.version));
    await store.need(entries);
    for (const one of entries) {
      const chunk = store.chunks.get(one.key);
      const row = chunk ? chunk.runs.number.indexOf(number) : -1;
      if (row >= 0 && (!variable || chunk.variables.has(variable))) return openRun(chunk, row, variable);
    }
    xom.details.missing(dialog, run, analysis);
  }

  function openPoint(series, i) {
    const chunk = series.chunk[i];
    openRun(chunk, chunk.variables.get(series.variable).run[series.row[i]], series.variable);
  }

  function openRun(chunk, row, variable) {
    const name = variable || chunk.variables.keys().next().value;
    filters.write({
      run: xom.format.runId(chunk.runs.number[row]),
      analysis: chunk.analysis,
      variable: name,
      version: chunk.version,
    });
    xom.details.show(byId("details"), chunk, row, name, {
      ...neighbours(chunk, row, name),
      variable: other => openRun(chunk, row, other),
    });
  }

  function neighbours(chunk, row, name) {
    const series = shown.find(one => one.analysis === chunk.analysis && one.variable === name);
    const here = series
      ? series.x.findIndex((_, i) => series.chunk[i] === chunk && chunk.variables.get(name).run[series.row[i]] === row)
      : -1;
    const go = i => (series && here >= 0 && i >= 0 && i < series.x.length ? () => openPoint(series, i) : null);
    return { previous: go(here - 1), next: go(here + 1) };
  }

  // ---- warnings, start, refresh

  let told = { status: true, index: true };

  function showWarnings() {
    const { warning } = xom.overview.showFreshness(store.status, now());
    const texts = [warning];
    if (store.status && !told.status) texts.push("The status could not be read anew.");
    if (store.status && !told.index)
      texts.push("The list of results (data/index.js) cannot be read; it is written by the tick.");
    const listed = new Set(store.index.map(one => one.key));
    const broken = [...store.broken].filter(key => listed.has(key));
    if (broken.length)
      texts.push(
        `${plural(broken.length, "part")} of the results could not be read: ${broken.slice(0, 3).join(", ")}${broken.length > 3 ? ", ..." : ""}.`,
      );
    const found = texts.filter(Boolean);
    const before = [...byId("warnings").children].map(node => node.textContent);
    if (JSON.stringify(before) !== JSON.stringify(found))
      byId("warnings").replaceChildren(...found.map(text => el("p", { class: "banner" }, text)));
  }

  function showStatus() {
    xom.overview.showStates(store.status, xom.attention.choose);
    xom.overview.showAttentionCount(store.status);
    xom.attention.show(store.status, now());
    const written = store.status && seconds(store.status.generated);
    byId("foot").textContent =
      (written ? `Data of ${xom.format.utc(written)} UTC. ` : "") +
      "All times are UTC. Drag across a plot to zoom, double-click to reset.";
  }

  async function refresh() {
    const before = [JSON.stringify(store.status), JSON.stringify(store.index)];
    told = await store.refresh();
    if (JSON.stringify(store.status) !== before[0]) showStatus();
    if (JSON.stringify(store.index) !== before[1]) {
      filters.fill();
      await showResults(true);
    }
    showWarnings();
  }

  async function start() {
    told = await store.refresh();
    filters.begin();
    listen();
    showStatus();
    filters.fill();
    await showResults(false);
    await openAddress();
    document.documentElement.dataset.ready = "yes";
    setInterval(refresh, REFRESH * 1000);
    setInterval(showWarnings, 30 * 1000);
  }

  start();
})();
