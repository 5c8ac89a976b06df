// One panel: head line, uPlot with our own drawing, nearest point under the pointer, zoom shared by all panels.
"use strict";

/**
 * @typedef {object} Panel
 * @property {HTMLElement} node
 * @property {Series} series
 * @property {HTMLElement} box what the plot is drawn in
 * @property {HTMLElement} ring what marks the active point
 * @property {uPlot | null} plot null until the panel is drawn
 * @property {number} active index of the active point, or -1
 * @property {(series: Series, i: number) => void} open shows a point's details
 */

const Plot = (function () {
  const { el, byId } = Elements;
  const { utc, runId, result, counted, plural } = Format;
  const HEIGHT = 216, // CSS pixels
    REACH = 30, // CSS pixels from the pointer in which a point is found
    LEAST_ZOOM = 120; // s

  /** The time range in view, in seconds since 1970, and the panels that share it. */
  const view = {
    full: /** @type {[number, number]} */ ([0, 1]),
    min: 0,
    max: 1,
    panels: /** @type {Set<Panel>} */ (new Set()),
    reset,
    zoom,
    zoomed: () => view.min !== view.full[0] || view.max !== view.full[1],
    unzoom: () => view.zoom(...view.full),
  };

  /** @param {[number, number]} full */
  function reset(full) {
    view.full = full;
    [view.min, view.max] = full;
  }

  /**
   * @param {number} min
   * @param {number} max
   */
  function zoom(min, max) {
    [view.min, view.max] = [min, Math.max(max, min + LEAST_ZOOM)];
    for (const { plot } of view.panels) plot?.setScale("x", { min: view.min, max: view.max });
    document.dispatchEvent(new Event("xom-zoom"));
  }

  /**
   * Make the panel of one series; `draw` draws it.
   *
   * @param {Series} series
   * @param {(series: Series, i: number) => void} open shows a point's details
   * @returns {Panel}
   */
  function panel(series, open) {
    const box = el("div", { class: "plot" });
    const data = { analysis: series.analysis, variable: series.variable, points: series.x.length };
    const node = el(
      "article",
      { class: "panel", tabindex: 0, "aria-label": summary(series), data },
      head(series),
      box,
      foot(series),
    );
    const ring = el("div", { class: "ring", hidden: true });
    const self = /** @type {Panel} */ ({ node, series, box, ring, plot: null, active: -1, open });
    node.addEventListener("keydown", event => press(self, event));
    node.addEventListener("blur", () => activate(self, -1));
    view.panels.add(self);
    return self;
  }

  /** @param {Panel} self */
  function destroy(self) {
    view.panels.delete(self);
    self.plot?.destroy();
  }

  /** @param {Series} series */
  function summary(series) {
    const last = Axes.newest(series);
    const latest = last < 0 ? "" : `, latest ${result(Points.point(series, last))}`;
    return `${series.analysis} ${series.variable}: ${plural(series.x.length, "result")}${latest}. Arrow keys step through the runs, Enter opens one.`;
  }

  /** @param {Series} series */
  function head(series) {
    const last = Axes.newest(series);
    const unit = series.unit && series.unit !== "1" ? el("span", { class: "unit" }, series.unit) : null;
    const { title: given, help } = Store.aboutVariable(series.analysis, series.variable);
    const name = given || series.variable.replace(/_(?=.)/g, "_\u200b");
    const told = [given ? series.variable : "", help].filter(Boolean).join(": ");
    const title = el("h4", told ? { title: told } : {}, name, unit);
    if (last < 0) return el("div", { class: "panel-head" }, title);
    const newest = Points.point(series, last);
    const text = result(newest).replace(/^\(([^()]*)\)(?! ×).*$/, "$1");
    const shown = newest.unit && text.endsWith(` ${newest.unit}`) ? text.slice(0, -newest.unit.length - 1) : text;
    const latest = el(
      "div",
      { class: "latest", title: `latest: run ${runId(newest.run.number)}, ${utc(newest.run.start)} UTC` },
      el("strong", {}, shown),
      el("span", {}, `run ${runId(newest.run.number)}`),
    );
    return el("div", { class: "panel-head" }, title, latest);
  }

  /** @param {Series} series */
  function foot(series) {
    const none = series.kind.filter(kind => kind === Points.NONE).length;
    const parts = [plural(series.x.length, "result")];
    if (none) parts.push(`${none} with insufficient statistics`);
    if (series.undated) parts.push(`${series.undated} without a start time, not drawn`);
    const legend =
      series.versions.size > 1
        ? [...series.versions]
            .sort((a, b) => a[1] - b[1])
            .map(([version, rank]) => el("span", { class: "key" }, swatch(rank), version))
        : [el("span", { class: "key" }, ...series.versions.keys())];
    return el(
      "div",
      { class: "panel-foot" },
      el("span", {}, parts.join(" · ")),
      el("span", { class: "keys" }, ...legend),
    );
  }

  /** @param {number} rank */
  const swatch = rank => el("i", { class: `swatch ${Draw.shapeOf(rank)} rank-${Math.min(rank, 5)}` });

  /**
   * Draw a panel, unless it is drawn already.
   *
   * @param {Panel} self
   * @param {Band[]} bands
   */
  function draw(self, bands) {
    if (self.plot) return;
    const plot = new uPlot(
      options(self, bands),
      [self.series.x, /** @type {number[]} */ (/** @type {unknown} */ (self.series.y))],
      self.box,
    );
    self.plot = plot;
    plot.over.append(self.ring);
    plot.over.addEventListener("mouseleave", () => activate(self, -1));
    listenClick(self, plot.over);
  }

  /**
   * @param {Panel} self
   * @param {Band[]} bands
   * @returns {uPlot.Options}
   */
  function options(self, bands) {
    const { series, box } = self;
    const axis = {
      stroke: () => Draw.colours().text,
      grid: { stroke: () => Draw.colours().grid, width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    return {
      width: Math.max(box.clientWidth, 200),
      height: HEIGHT,
      padding: [6, 8, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: {
          dblclick: () => () => {
            view.unzoom();
            return null;
          },
        },
      },
      scales: {
        x: { time: true, range: () => [view.min, view.max] },
        y: { range: () => Axes.yRange(series, view.min, view.max, HEIGHT - 36) },
      },
      axes: [
        { ...axis, size: 36, space: 74, values: (_plot, splits, _axis, _space, step) => Axes.timeLabels(splits, step) },
        {
          ...axis,
          size: (_plot, labels) => Axes.labelWidth(labels),
          values: (_plot, splits) => Axes.valueLabels(series, splits),
          gap: 6,
        },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      tzDate: time => uPlot.tzDate(new Date(time * 1000), "UTC"),
      hooks: {
        drawClear: [plot => Draw.background(plot, series, bands)],
        draw: [
          plot => {
            Draw.names(plot, bands);
            self.node.dataset.limits = String(Draw.limits(plot, Store.limits(series.analysis, series.variable)));
            self.node.dataset.drawn = String(Draw.marks(plot, series));
            activate(self, self.active);
          },
        ],
        setCursor: [plot => hover(self, plot)],
        setSelect: [select],
      },
    };
  }

  /**
   * Open the point that is clicked; a click that ends a drag is no click on a point.
   *
   * @param {Panel} self
   * @param {HTMLElement} over
   */
  function listenClick(self, over) {
    let down = /** @type {[number, number] | null} */ (null);
    over.addEventListener("mousedown", event => {
      down = [event.clientX, event.clientY];
    });
    over.addEventListener("click", event => {
      const still = !down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) < 5;
      const box = over.getBoundingClientRect();
      const found = still ? nearest(self, event.clientX - box.left, event.clientY - box.top) : -1;
      if (found >= 0) self.open(self.series, found);
    });
  }

  /** @param {uPlot} plot */
  function select(plot) {
    const { left, width } = plot.select;
    if (width < 5) return;
    const [min, max] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    view.zoom(min, max);
  }

  /**
   * Place of a point in CSS pixels of the plot's area, or null if it is not in view.
   *
   * @param {uPlot} plot
   * @param {Series} series
   * @param {number} i
   * @returns {{left: number, top: number} | null}
   */
  function position(plot, series, i) {
    const dpr = uPlot.pxRatio;
    const found = /** @type {{left: number, top: number}[]} */ ([]);
    Draw.eachPoint(plot, { x: [series.x[i]], y: [series.y[i]] }, (_, x, y) => {
      found.push({ left: (x - plot.bbox.left) / dpr, top: (y - plot.bbox.top) / dpr });
    });
    return found[0] || null;
  }

  /**
   * The point nearest in x and y (CSS pixels), or -1 if none is within reach.
   *
   * @param {Panel} self
   * @param {number} left
   * @param {number} top
   */
  function nearest({ plot, series }, left, top) {
    if (!plot) return -1;
    const dpr = uPlot.pxRatio;
    const [from, to] = [plot.posToVal(left - REACH, "x"), plot.posToVal(left + REACH, "x")];
    const [first, last] = Axes.within(series.x, from, to);
    const near = { x: series.x.slice(first, last), y: series.y.slice(first, last) };
    let best = -1,
      least = REACH;
    Draw.eachPoint(plot, near, (i, x, y) => {
      const distance = Math.hypot((x - plot.bbox.left) / dpr - left, (y - plot.bbox.top) / dpr - top);
      if (distance < least) [best, least] = [first + i, distance];
    });
    return best;
  }

  /**
   * @param {Panel} self
   * @param {uPlot} plot
   */
  function hover(self, plot) {
    const { event, left = -1, top = -1 } = plot.cursor;
    if (event && left >= 0) activate(self, nearest(self, left, top));
  }

  /**
   * Make a point the active one (-1: none): a ring around it, a tip beside it.
   *
   * @param {Panel} self
   * @param {number} i
   */
  function activate(self, i) {
    const tip = byId("tip");
    const { plot, ring, active: before } = self;
    const place = plot && i >= 0 ? position(plot, self.series, i) : null;
    self.active = place ? i : -1;
    ring.hidden = !place;
    if (!plot || !place) {
      if (before >= 0) tip.hidden = true;
      return;
    }
    ring.style.left = `${place.left}px`;
    ring.style.top = `${place.top}px`;
    if (before !== i || tip.hidden) tip.replaceChildren(...tipLines(Points.point(self.series, i)));
    tip.hidden = false;
    const area = plot.over.getBoundingClientRect();
    putBeside(tip, area.left + place.left, area.top + place.top);
  }

  /**
   * Put the tip to the right of a place, or to the left where there is no room.
   *
   * @param {HTMLElement} tip
   * @param {number} x
   * @param {number} y
   */
  function putBeside(tip, x, y) {
    const fits = x + 16 + tip.offsetWidth <= innerWidth - 8;
    tip.style.left = `${fits ? x + 16 : Math.max(8, x - 16 - tip.offsetWidth)}px`;
    tip.style.top = `${Math.max(8, Math.min(y - 12, innerHeight - tip.offsetHeight - 8))}px`;
  }

  /** @param {Point} shown */
  function tipLines(shown) {
    const { run } = shown;
    const n = shown.n === null ? "" : ` · n = ${counted(shown.n)}`;
    return [
      el("b", {}, result(shown)),
      ...(shown.insufficient ? [el("span", {}, shown.insufficient)] : []),
      el("span", {}, `run ${runId(run.number)} · ${run.mode || "mode unknown"}${n}`),
      el("span", {}, `${utc(run.start)} UTC · ${run.version}`),
      el("em", {}, run.figures.length ? "click: figure and details" : "click: details"),
    ];
  }

  /**
   * @param {Panel} self
   * @param {KeyboardEvent} event
   */
  function press(self, event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step !== undefined && event.target === self.node) {
      const from = self.active >= 0 ? self.active : event.key === "ArrowLeft" ? self.series.x.length : -1;
      const [low, high] = Axes.within(self.series.x, view.min, view.max);
      activate(self, Math.max(low, Math.min(high - 1, from + step)));
      event.preventDefault();
    } else if (event.key === "Enter" && self.active >= 0) self.open(self.series, self.active);
    else if (event.key === "Escape") activate(self, -1);
  }

  return { view, panel, draw, destroy };
})();
