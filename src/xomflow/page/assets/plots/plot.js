// One panel: uPlot with our own drawing, nearest point under the pointer, zoom shared by all panels.
"use strict";

/**
 * @typedef {object} Panel
 * @property {HTMLElement} node
 * @property {Series} series
 * @property {Around} around
 * @property {Lane[]} lanes as they were last drawn
 * @property {HTMLElement} box what the plot is drawn in
 * @property {HTMLElement} ring what marks the active point
 * @property {uPlot | null} plot null until the panel is drawn
 * @property {number} active index of the active point, or -1
 * @property {(series: Series, i: number) => void} open shows a point's details
 *
 * @typedef {object} Around what a panel shows beside its points
 * @property {Band[]} scienceRuns
 * @property {Alarm[]} alarms of the variable
 * @property {Span[]} spans of these
 * @property {Happened[]} events
 * @property {string[]} modes names by rank
 * @property {boolean} log whether a logarithmic scale is wanted
 */

const Plot = (function () {
  const { el, byId } = Elements;
  const { utc, result, plural, seconds } = Format;
  const HEIGHT = 216, // CSS pixels
    REACH = 30, // CSS pixels from the pointer in which a point is found
    LEAST_ZOOM = 120, // s
    MOST_EVENTS = 12; // that are marked at a time

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
   * Make a panel of one series in an element; `draw` draws it.
   *
   * @param {HTMLElement} node
   * @param {Series} series
   * @param {Around} around
   * @param {(series: Series, i: number) => void} open shows a point's details
   * @returns {Panel}
   */
  function panel(node, series, around, open) {
    const box = el("div", { class: "plot" });
    const ring = el("div", { class: "ring", hidden: true });
    Object.assign(node.dataset, { points: series.x.length, poor: series.poor.filter(Boolean).length });
    node.setAttribute("aria-label", summary(series));
    node.replaceChildren(
      Heading.head(series),
      ...around.alarms.slice(0, 2).map(alarmLine),
      box,
      Heading.foot(series, around.modes),
    );
    const self = /** @type {Panel} */ ({ node, series, around, lanes: [], box, ring, plot: null, active: -1, open });
    node.addEventListener("keydown", event => press(self, event));
    node.addEventListener("blur", () => activate(self, -1));
    view.panels.add(self);
    return self;
  }

  /** @param {Alarm} alarm */
  function alarmLine(alarm) {
    const began = seconds(alarm.began);
    const since = began === null ? "" : ` since ${utc(began).slice(0, 16)} UTC, run ${alarm.first_run}`;
    return el("p", { class: "panel-alarm", title: alarm.sentence }, `${alarm.kind.replace("_", " ")}${since}`);
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

  /**
   * Draw a panel, unless it is drawn already.
   *
   * @param {Panel} self
   */
  function draw(self) {
    if (self.plot) return;
    const plot = new uPlot(
      options(self),
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
   * @returns {uPlot.Options}
   */
  function options(self) {
    const { series, box, around } = self;
    const inner = HEIGHT - 42; // of the plot's own area, in CSS pixels
    const values = () => self.lanes.map(lane => ({ lane, shown: Lanes.splits(lane, inner) }));
    const none = series.y.every(value => value === null);
    const picture = () => ({ series, lanes: self.lanes, ...pictured(around) });
    const axis = {
      stroke: () => Draw.colours().text,
      grid: { stroke: () => Draw.colours().grid, width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    return {
      width: Math.max(box.clientWidth, 200),
      height: HEIGHT,
      padding: [6, 20, 0, 0],
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
        y: {
          range: () => {
            self.lanes = Lanes.of(series, view.min, view.max, inner, around.log);
            return [0, 1];
          },
        },
      },
      axes: [
        { ...axis, size: 36, space: 74, values: (_plot, splits, _axis, _space, step) => Axes.timeLabels(splits, step) },
        {
          ...axis,
          size: (_plot, labels) => Axes.labelWidth(labels),
          splits: () => (none ? [] : values().flatMap(({ lane, shown }) => shown.map(one => Lanes.place(lane, one)))),
          values: () => (none ? [] : values().flatMap(({ shown }) => Lanes.labels(shown))),
          gap: 6,
        },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      tzDate: time => uPlot.tzDate(new Date(time * 1000), "UTC"),
      hooks: {
        drawClear: [plot => Draw.background(plot, picture())],
        draw: [
          plot => {
            Draw.names(plot, picture());
            const limits = Draw.limits(plot, self.lanes, Site.limits(series.analysis, series.variable));
            const drawn = Marks.marks(plot, series, self.lanes, around.spans);
            Object.assign(self.node.dataset, { limits, drawn, lanes: self.lanes.length });
            activate(self, self.active);
          },
        ],
        setCursor: [plot => hover(self, plot)],
        setSelect: [select],
      },
    };
  }

  /** @param {Around} around */
  function pictured({ scienceRuns, spans, events, modes }) {
    const within = events.map(one => seconds(one.start)).filter(time => time !== null);
    const inView = within.filter(time => time >= view.min && time <= view.max);
    return { scienceRuns, alarms: spans, modes, events: inView.length > MOST_EVENTS ? [] : inView };
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
   * @param {Panel} self
   * @param {number} i
   * @returns {{left: number, top: number} | null}
   */
  function position(plot, { series, lanes }, i) {
    const dpr = uPlot.pxRatio;
    const found = /** @type {{left: number, top: number}[]} */ ([]);
    const [min, max] = Draw.ends(plot);
    if (series.x[i] < min || series.x[i] > max) return null;
    const add = (/** @type {number} */ _, /** @type {number} */ x, /** @type {number} */ y) => {
      found.push({ left: (x - plot.bbox.left) / dpr, top: (y - plot.bbox.top) / dpr });
    };
    Marks.eachPoint(plot, series, lanes, add, [i, i + 1]);
    return found[0] || null;
  }

  /**
   * The point nearest in x and y (CSS pixels), or -1 if none is within reach.
   *
   * @param {Panel} self
   * @param {number} left
   * @param {number} top
   */
  function nearest({ plot, series, lanes }, left, top) {
    if (!plot) return -1;
    const dpr = uPlot.pxRatio;
    const [from, to] = [plot.posToVal(left - REACH, "x"), plot.posToVal(left + REACH, "x")];
    const [first, last] = Axes.within(series.x, from, to);
    let best = -1,
      least = REACH;
    const look = (/** @type {number} */ i, /** @type {number} */ x, /** @type {number} */ y) => {
      const distance = Math.hypot((x - plot.bbox.left) / dpr - left, (y - plot.bbox.top) / dpr - top);
      if (distance < least) [best, least] = [i, distance];
    };
    Marks.eachPoint(plot, series, lanes, look, [first, last]);
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
    const place = plot && i >= 0 ? position(plot, self, i) : null;
    self.active = place ? i : -1;
    ring.hidden = !place;
    if (!plot || !place) {
      if (before >= 0) tip.hidden = true;
      return;
    }
    ring.style.left = `${place.left}px`;
    ring.style.top = `${place.top}px`;
    if (before !== i || tip.hidden) tip.replaceChildren(...Tip.lines(self.series, i));
    tip.hidden = false;
    const area = plot.over.getBoundingClientRect();
    Tip.putBeside(tip, area.left + place.left, area.top + place.top);
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
