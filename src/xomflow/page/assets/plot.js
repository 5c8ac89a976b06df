// One panel: head line, uPlot with our own drawing, nearest point under the pointer, zoom shared by all panels.
"use strict";

(function () {
  const { el, utc, runId, result, plural, trimmed } = xom.format;
  const HEIGHT = 216,
    REACH = 30,
    LEAST_ZOOM = 120;

  /** The time range in view, shared by all panels. */
  const view = { full: [0, 1], min: 0, max: 1, panels: new Set() };

  view.reset = full => {
    view.full = full;
    [view.min, view.max] = full;
  };
  view.zoomed = () => view.min !== view.full[0] || view.max !== view.full[1];
  view.zoom = function (min, max) {
    [view.min, view.max] = [min, Math.max(max, min + LEAST_ZOOM)];
    for (const panel of view.panels) panel.rescale();
    document.dispatchEvent(new Event("xom-zoom"));
  };
  view.unzoom = () => view.zoom(...view.full);

  /** Make the panel of one series; it draws itself when it comes near the window. open(series, i) shows a point's details. */
  function panel(series, bands, open) {
    const box = el("div", { class: "plot" });
    const node = el(
      "article",
      {
        class: "panel",
        tabindex: 0,
        "aria-label": summary(series),
        data: { analysis: series.analysis, variable: series.variable, points: series.x.length },
      },
      head(series),
      box,
      foot(series),
    );
    const self = { node, series, box, plot: null, active: -1, open };
    self.draw = () => {
      if (!self.plot) create(self, bands);
    };
    self.rescale = () => {
      if (self.plot) self.plot.setScale("x", { min: view.min, max: view.max });
    };
    self.destroy = () => {
      view.panels.delete(self);
      if (self.plot) self.plot.destroy();
    };
    node.addEventListener("keydown", event => keys(self, event));
    node.addEventListener("blur", () => point(self, -1));
    view.panels.add(self);
    return self;
  }

  function lastWithValue(series) {
    let i = series.x.length - 1;
    while (i >= 0 && (series.y[i] === null || series.rank[i] !== 0)) i--;
    return i;
  }

  function summary(series) {
    const last = lastWithValue(series);
    const latest = last < 0 ? "" : `, latest ${result(xom.points.point(series, last))}`;
    return `${series.analysis} ${series.variable}: ${plural(series.x.length, "result")}${latest}. Arrow keys step through the runs, Enter opens one.`;
  }

  function head(series) {
    const last = lastWithValue(series);
    const unit = series.unit && series.unit !== "1" ? el("span", { class: "unit" }, series.unit) : null;
    const title = el("h4", {}, series.variable.replace(/_(?=.)/g, "_\u200b"), unit);
    if (last < 0) return el("div", { class: "panel-head" }, title);
    const newest = xom.points.point(series, last);
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

  function foot(series) {
    const none = series.kind.filter(kind => kind === xom.points.NONE).length;
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

  const swatch = rank => el("i", { class: `swatch ${xom.draw.shapeOf(rank)} rank-${Math.min(rank, 5)}` });

  function create(self, bands) {
    const { series, box } = self;
    const ring = el("div", { class: "ring", hidden: true });
    const axis = {
      stroke: () => xom.draw.colours().text,
      grid: { stroke: () => xom.draw.colours().grid, width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    const plot = new uPlot(
      {
        width: Math.max(box.clientWidth, 200),
        height: HEIGHT,
        padding: [6, 8, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: true, y: false, setScale: false, dist: 4 },
          bind: { dblclick: () => () => view.unzoom() },
        },
        scales: {
          x: { time: true, range: () => [view.min, view.max] },
          y: { range: () => xom.draw.yRange(series, view.min, view.max, HEIGHT - 36) },
        },
        axes: [
          { ...axis, size: 36, space: 74, values: (u, splits, _, __, step) => timeLabels(splits, step) },
          {
            ...axis,
            size: (u, values) => axisWidth(values),
            values: (u, splits) => valueLabels(series, splits),
            gap: 6,
          },
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        tzDate: time => uPlot.tzDate(new Date(time * 1000), "UTC"),
        hooks: {
          drawClear: [u => xom.draw.background(u, series, bands)],
          draw: [
            u => {
              self.node.dataset.drawn = xom.draw.marks(u, series);
              point(self, self.active);
            },
          ],
          setCursor: [u => hover(self, u)],
          setSelect: [u => select(u)],
        },
      },
      [series.x, series.y],
      box,
    );
    self.plot = plot;
    self.ring = ring;
    plot.over.append(ring);
    plot.over.addEventListener("mouseleave", () => point(self, -1));
    listenClick(self, plot.over);
  }

  /** A click that ends a drag is no click on a point. */
  function listenClick(self, over) {
    let down = null;
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

  function select(u) {
    const { left, width } = u.select;
    if (width < 5) return;
    const [min, max] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    view.zoom(min, max);
  }

  /** Position of a point in CSS pixels of the plot's area. */
  function position(self, wanted) {
    let found = null;
    const { plot, series } = self,
      dpr = uPlot.pxRatio;
    xom.draw.eachPoint(
      plot,
      { ...series, x: [series.x[wanted]], y: [series.y[wanted]], kind: [series.kind[wanted]] },
      (_, x, y) => {
        found = [(x - plot.bbox.left) / dpr, (y - plot.bbox.top) / dpr];
      },
    );
    return found;
  }

  /** The point nearest in x and y (CSS pixels), or -1 if none is within reach. */
  function nearest(self, left, top) {
    const { plot, series } = self,
      dpr = uPlot.pxRatio;
    const [from, to] = [plot.posToVal(left - REACH, "x"), plot.posToVal(left + REACH, "x")];
    const [first, last] = xom.draw.within(series.x, from, to);
    const near = {
      ...series,
      x: series.x.slice(first, last),
      y: series.y.slice(first, last),
      kind: series.kind.slice(first, last),
    };
    let best = -1,
      least = REACH;
    xom.draw.eachPoint(plot, near, (i, x, y) => {
      const distance = Math.hypot((x - plot.bbox.left) / dpr - left, (y - plot.bbox.top) / dpr - top);
      if (distance < least) [best, least] = [first + i, distance];
    });
    return best;
  }

  function hover(self, u) {
    if (!u.cursor.event || u.cursor.left < 0) return;
    point(self, nearest(self, u.cursor.left, u.cursor.top));
  }

  /** Make a point the active one (-1: none): ring around it, its facts beside it. */
  function point(self, i) {
    const tip = document.getElementById("tip");
    const place = i >= 0 && self.plot ? position(self, i) : null;
    const had = self.active;
    self.active = place ? i : -1;
    if (self.ring) self.ring.hidden = !place;
    if (!place) {
      if (had >= 0) tip.hidden = true;
      return;
    }
    self.ring.style.left = `${place[0]}px`;
    self.ring.style.top = `${place[1]}px`;
    if (had !== i || tip.hidden) tip.replaceChildren(...tipLines(xom.points.point(self.series, i)));
    tip.hidden = false;
    const area = self.plot.over.getBoundingClientRect();
    const x = area.left + place[0],
      y = area.top + place[1];
    tip.style.left = `${x + 16 + tip.offsetWidth > innerWidth - 8 ? Math.max(8, x - 16 - tip.offsetWidth) : x + 16}px`;
    tip.style.top = `${Math.max(8, Math.min(y - 12, innerHeight - tip.offsetHeight - 8))}px`;
  }

  function tipLines(shown) {
    const { run } = shown;
    const n = shown.n === null ? "" : ` · n = ${shown.n.toLocaleString("en")}`;
    return [
      el("b", {}, result(shown)),
      shown.insufficient ? el("span", {}, shown.insufficient) : null,
      el("span", {}, `run ${runId(run.number)} · ${run.mode || "mode unknown"}${n}`),
      el("span", {}, `${utc(run.start)} UTC · ${run.version}`),
      el("em", {}, run.figures.length ? "click: figure and details" : "click: details"),
    ].filter(Boolean);
  }

  function keys(self, event) {
    const last = self.series.x.length - 1;
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key in steps && event.target === self.node) {
      const from = self.active < 0 ? (event.key === "ArrowLeft" ? last + 1 : -1) : self.active;
      const [low, high] = xom.draw.within(self.series.x, view.min, view.max);
      point(self, Math.max(low, Math.min(high - 1, from + steps[event.key])));
      event.preventDefault();
    } else if (event.key === "Enter" && self.active >= 0) self.open(self.series, self.active);
    else if (event.key === "Escape") point(self, -1);
  }

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  /** Labels in UTC: time of day or day; the day or the year below where it changes. */
  function timeLabels(splits, step) {
    let before = null;
    return splits.map(time => {
      const date = new Date(time * 1000);
      const clock = date.toISOString().slice(11, step < 60 ? 19 : 16);
      const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
      const year = String(date.getUTCFullYear());
      const [upper, lower] =
        step < 86400 ? [clock, day] : [step < 28 * 86400 ? day : `${MONTHS[date.getUTCMonth()]}`, year];
      const changed = lower !== before;
      before = lower;
      return changed ? `${upper}\n${lower}` : upper;
    });
  }

  function valueLabels(series, splits) {
    if (series.y.every(value => value === null)) return splits.map(() => "");
    const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
    const largest = Math.max(...splits.map(Math.abs));
    if (largest >= 1e5 || largest < 1e-3) return splits.map(value => trimmed(value, 3));
    let decimals = 0;
    while (decimals < 8 && Math.abs(Number(step.toFixed(decimals)) - step) > 1e-6 * step) decimals++;
    return splits.map(value => value.toFixed(decimals).replace("-", "−"));
  }

  const axisWidth = values => 18 + 6.6 * Math.max(5, ...(values || []).map(text => text.length));

  xom.plot = { view, panel, nearest };
})();
