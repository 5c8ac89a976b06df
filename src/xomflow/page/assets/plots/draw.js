// What is drawn on a panel's canvas behind and between the points: science runs, alarms, expected bands, limits, events.
"use strict";

/**
 * @typedef {object} Band a science run
 * @property {string} name
 * @property {number} start in seconds since 1970, or -Infinity
 * @property {number} end in seconds since 1970, or Infinity
 *
 * @typedef {object} Span the time of an alarm
 * @property {number} start in seconds since 1970
 * @property {number} end in seconds since 1970, or Infinity
 * @property {boolean} open whether it needs a person
 *
 * @typedef {object} Picture what a panel draws
 * @property {Series} series
 * @property {Lane[]} lanes
 * @property {Band[]} scienceRuns
 * @property {Span[]} alarms
 * @property {number[]} events moments, in seconds since 1970
 * @property {string[]} modes names by rank
 */

const Draw = (function () {
  const { NONE } = Points;
  const { STRIP } = Lanes;

  let palette = /** @type {ReturnType<typeof readColours> | null} */ (null);

  /** The style sheet's colours, in a form that the canvas takes. */
  const colours = () => (palette ??= readColours());

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    /** @param {string} name */
    const get = name => style.getPropertyValue(name).trim();
    return {
      text: get("--muted"),
      card: get("--card"),
      grid: get("--grid"),
      line: get("--line"),
      band: get("--band"),
      edge: get("--edge"),
      warn: get("--warn-line"),
      error: get("--error-line"),
      alarm: get("--alarm-span"),
      ended: get("--ended-span"),
      strip: get("--strip"),
      hues: [0, 1, 2, 3, 4, 5].map(i => get(`--hue-${i}`)),
    };
  }

  /** Read the colours again when they are next needed. */
  function forgetColours() {
    palette = null;
  }

  /**
   * Ends of the time axis of a plot that has been drawn.
   *
   * @param {uPlot} plot
   */
  function ends(plot) {
    const { min = 0, max = 1 } = plot.scales.x;
    return [min, max];
  }

  /**
   * Call paint with nothing outside of the plot's area being drawn.
   *
   * @param {uPlot} plot
   * @param {(ctx: CanvasRenderingContext2D, box: uPlot.BBox, dpr: number) => void} paint
   */
  function clipped(plot, paint) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paint(ctx, bbox, uPlot.pxRatio);
    ctx.restore();
  }

  /**
   * Those of some spans of time that are in view, with their place in canvas pixels.
   *
   * @template {{start: number, end: number}} Some
   * @param {uPlot} plot
   * @param {Some[]} spans
   */
  function inView(plot, spans) {
    const [min, max] = ends(plot);
    const { left, width } = plot.bbox;
    /** @param {number} time */
    const place = time => left + ((Math.min(Math.max(time, min), max) - min) / (max - min)) * width;
    return spans
      .map(one => ({ of: one, from: place(one.start), to: place(one.end), begins: one.start > min }))
      .filter(({ from, to, of }) => to > from || (of.start >= min && of.start <= max));
  }

  /**
   * Height of a share of the panel, in canvas pixels.
   *
   * @param {uPlot} plot
   * @param {number} share
   */
  const heightOf = (plot, share) => plot.bbox.top + (1 - share) * plot.bbox.height;

  /**
   * Draw what lies behind the grid: science runs, alarms, expected bands, and the strip if there is something in it.
   *
   * @param {uPlot} plot
   * @param {Picture} picture
   */
  function background(plot, { series, lanes, scienceRuns, alarms }) {
    clipped(plot, (ctx, box, dpr) => {
      for (const { from, to, begins } of inView(plot, scienceRuns)) {
        ctx.fillStyle = colours().band;
        ctx.fillRect(from, box.top, to - from, box.height);
        ctx.fillStyle = colours().edge;
        if (begins) ctx.fillRect(from, box.top, dpr, box.height);
      }
      for (const { of, from, to, begins } of inView(plot, alarms)) {
        ctx.fillStyle = of.open ? colours().alarm : colours().ended;
        ctx.fillRect(from, box.top, Math.max(to - from, 2 * dpr), box.height);
        ctx.fillStyle = of.open ? colours().error : colours().text;
        if (begins) ctx.fillRect(from, box.top, 1.5 * dpr, box.height);
      }
      expected(plot, ctx, series, lanes, dpr);
      ctx.fillStyle = colours().line;
      for (const { from } of lanes.slice(1)) ctx.fillRect(box.left, heightOf(plot, from) + 5 * dpr, box.width, dpr);
      if (series.kind.includes(NONE)) {
        ctx.fillStyle = colours().strip;
        ctx.fillRect(box.left, box.top + box.height - STRIP * dpr, box.width, STRIP * dpr);
      }
    });
  }

  /**
   * Draw the expected band and its middle, for each group of run modes that has been judged by itself.
   *
   * @param {uPlot} plot
   * @param {CanvasRenderingContext2D} ctx
   * @param {Series} series
   * @param {Lane[]} lanes
   * @param {number} dpr canvas pixels per CSS pixel
   */
  function expected(plot, ctx, series, lanes, dpr) {
    const [min, max] = ends(plot);
    const [first, end] = Axes.within(series.x, min, max);
    const [from, to] = [Math.max(0, first - 1), Math.min(series.x.length, end + 1)];
    const { left, width } = plot.bbox;
    const runs = /** @type {Map<string, {rank: number, mode: number, steps: number[][]}>} */ (new Map());
    for (let i = from; i < to; i++) {
      if (Number.isNaN(series.low[i]) || Number.isNaN(series.high[i])) continue;
      const lane = Lanes.laneFor(lanes, series.mode[i]);
      const key = `${series.group[i]} ${series.rank[i]} ${lanes.indexOf(lane)}`;
      const one = runs.get(key) || { rank: series.rank[i], mode: series.mode[i], steps: [] };
      runs.set(key, one);
      const y = (/** @type {number} */ value) => heightOf(plot, Lanes.place(lane, value));
      const x = left + ((series.x[i] - min) / (max - min)) * width;
      one.steps.push([x, y(series.low[i]), y(series.high[i]), y(series.expected[i])]);
    }
    for (const { rank, mode, steps } of runs.values()) {
      ctx.fillStyle = ctx.strokeStyle = colours().hues[hueOf(series, rank, mode)];
      ctx.globalAlpha = 0.13;
      ctx.beginPath();
      steps.forEach(([x, low]) => ctx.lineTo(x, low));
      [...steps].reverse().forEach(([x, , high]) => ctx.lineTo(x, high));
      ctx.closePath();
      ctx.fill();
      ctx.globalAlpha = 0.5;
      ctx.lineWidth = dpr;
      ctx.beginPath();
      steps.forEach(([x, , , middle]) => ctx.lineTo(x, middle));
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
  }

  /**
   * Colour of points: that of their version where several are shown, else that of their run mode.
   *
   * @param {Pick<Series, "versions">} series
   * @param {number} rank of the version
   * @param {number} mode rank of the run mode
   */
  const hueOf = (series, rank, mode) => (series.versions.size > 1 ? Math.min(rank, 5) : Modes.hue(mode));

  /**
   * Write the names of science runs and of the run modes of lanes, where there is room; mark the events.
   *
   * @param {uPlot} plot
   * @param {Picture} picture
   */
  function names(plot, { scienceRuns, lanes, modes, events }) {
    clipped(plot, (ctx, box, dpr) => {
      ctx.font = `${11 * dpr}px system-ui, sans-serif`;
      ctx.textBaseline = "top";
      ctx.textAlign = "left";
      ctx.fillStyle = colours().text;
      for (const { of, from, to } of inView(plot, scienceRuns))
        if (to - from > ctx.measureText(of.name).width + 12 * dpr)
          ctx.fillText(of.name, from + 6 * dpr, box.top + 5 * dpr);
      if (lanes.length > 1) {
        ctx.textAlign = "right";
        for (const lane of lanes) {
          const text = [...lane.modes].map(mode => modes[mode] || "other").join(", ");
          const [x, y] = [box.left + box.width - 4 * dpr, heightOf(plot, lane.to) + 3 * dpr];
          const width = ctx.measureText(text).width + 6 * dpr;
          ctx.fillStyle = colours().card;
          ctx.globalAlpha = 0.75;
          ctx.fillRect(x - width + 3 * dpr, y - 2 * dpr, width, 15 * dpr);
          ctx.globalAlpha = 1;
          ctx.fillStyle = colours().text;
          ctx.fillText(text, x, y);
        }
      }
      const [min, max] = ends(plot);
      for (const time of events) {
        const x = box.left + ((time - min) / (max - min)) * box.width;
        ctx.beginPath();
        ctx.moveTo(x - 4 * dpr, box.top);
        ctx.lineTo(x + 4 * dpr, box.top);
        ctx.lineTo(x, box.top + 7 * dpr);
        ctx.fill();
      }
    });
  }

  /**
   * Draw the limits of a variable that are in view as dashed lines; return how many there are.
   *
   * @param {uPlot} plot
   * @param {Lane[]} lanes
   * @param {Record<string, number>} configured such as {warn_low: 9}
   */
  function limits(plot, lanes, configured) {
    const shown = Object.entries(configured).flatMap(([name, value]) =>
      lanes
        .filter(one => value >= one.min && value <= one.max)
        .map(lane => ({ name, share: Lanes.place(lane, value) })),
    );
    clipped(plot, (ctx, box, dpr) => {
      ctx.setLineDash([6 * dpr, 4 * dpr]);
      ctx.lineWidth = dpr;
      for (const { name, share } of shown) {
        const y = Math.round(heightOf(plot, share)) + 0.5;
        ctx.strokeStyle = name.startsWith("warn") ? colours().warn : colours().error;
        ctx.beginPath();
        ctx.moveTo(box.left, y);
        ctx.lineTo(box.left + box.width, y);
        ctx.stroke();
      }
    });
    return shown.length;
  }

  return { colours, forgetColours, ends, clipped, heightOf, hueOf, background, names, limits };
})();
