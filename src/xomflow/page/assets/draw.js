// What is drawn on a panel's canvas: bands, error bars, marks, arrows of limits, and the strip of runs without a number.
"use strict";

/**
 * @typedef {object} Band a science run
 * @property {string} name
 * @property {number} start in seconds since 1970, or -Infinity
 * @property {number} end in seconds since 1970, or Infinity
 *
 * @typedef {"circle" | "square" | "triangle" | "diamond"} Shape
 * @typedef {[number, number, number]} Spot index of a point and its place, in canvas pixels
 */

const Draw = (function () {
  const { VALUE, UPPER, LOWER, NONE } = Points;
  const { STRIP, ARROW } = Axes;
  const SHAPES = /** @type {Shape[]} */ (["circle", "square", "triangle", "diamond"]);

  let palette = /** @type {ReturnType<typeof readColours> | null} */ (null);

  /** The style sheet's colours, in a form that the canvas takes. */
  const colours = () => (palette ??= readColours());

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    /** @param {string} name */
    const get = name => style.getPropertyValue(name).trim();
    return {
      text: get("--muted"),
      grid: get("--grid"),
      band: get("--band"),
      edge: get("--edge"),
      warn: get("--warn-line"),
      error: get("--error-line"),
      strip: get("--strip"),
      versions: [0, 1, 2, 3, 4, 5].map(i => get(`--version-${i}`)),
    };
  }

  /** Read the colours again when they are next needed. */
  function forgetColours() {
    palette = null;
  }

  /** @param {number} rank */
  const colourOf = rank => colours().versions[Math.min(rank, 5)];
  /** @param {number} rank */
  const shapeOf = rank => SHAPES[rank % SHAPES.length];

  /**
   * Ends of an axis of a plot that has been drawn.
   *
   * @param {uPlot} plot
   * @param {"x" | "y"} axis
   */
  function ends(plot, axis) {
    const { min = 0, max = 1 } = plot.scales[axis];
    return [min, max];
  }

  /**
   * Call visit(i, x, y) with the place of every point in view, in canvas pixels; return how many there are.
   *
   * @param {uPlot} plot
   * @param {Pick<Series, "x" | "y">} series
   * @param {(i: number, x: number, y: number) => void} visit
   */
  function eachPoint(plot, series, visit) {
    const [x0, x1] = ends(plot, "x"),
      [y0, y1] = ends(plot, "y");
    const [from, to] = Axes.within(series.x, x0, x1);
    const { left, top, width, height } = plot.bbox;
    const strip = top + height - (STRIP / 2) * uPlot.pxRatio;
    for (let i = from; i < to; i++) {
      const x = left + ((series.x[i] - x0) / (x1 - x0)) * width;
      const value = series.y[i];
      visit(i, x, value === null ? strip : top + height - ((value - y0) / (y1 - y0)) * height);
    }
    return to - from;
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
   * Those of the bands that are in view, with their place in canvas pixels.
   *
   * @param {uPlot} plot
   * @param {Band[]} bands
   */
  function inView(plot, bands) {
    const [min, max] = ends(plot, "x");
    const { left, width } = plot.bbox;
    /** @param {number} time */
    const place = time => left + ((Math.min(Math.max(time, min), max) - min) / (max - min)) * width;
    return bands
      .map(({ name, start, end }) => ({ name, from: place(start), to: place(end), begins: start > min }))
      .filter(({ from, to }) => to > from);
  }

  /**
   * Draw what lies behind the grid: science runs, and the strip if there is something in it.
   *
   * @param {uPlot} plot
   * @param {Series} series
   * @param {Band[]} bands
   */
  function background(plot, series, bands) {
    clipped(plot, (ctx, box, dpr) => {
      for (const { from, to, begins } of inView(plot, bands)) {
        ctx.fillStyle = colours().band;
        ctx.fillRect(from, box.top, to - from, box.height);
        ctx.fillStyle = colours().edge;
        if (begins) ctx.fillRect(from, box.top, dpr, box.height);
      }
      if (series.kind.includes(NONE)) {
        ctx.fillStyle = colours().strip;
        ctx.fillRect(box.left, box.top + box.height - STRIP * dpr, box.width, STRIP * dpr);
      }
    });
  }

  /**
   * Write the names of the science runs, where there is room.
   *
   * @param {uPlot} plot
   * @param {Band[]} bands
   */
  function names(plot, bands) {
    clipped(plot, (ctx, box, dpr) => {
      ctx.font = `${11 * dpr}px system-ui, sans-serif`;
      ctx.textBaseline = "top";
      ctx.textAlign = "left";
      ctx.fillStyle = colours().text;
      for (const { name, from, to } of inView(plot, bands))
        if (to - from > ctx.measureText(name).width + 12 * dpr) ctx.fillText(name, from + 6 * dpr, box.top + 5 * dpr);
    });
  }

  /**
   * Draw the limits of a variable that are in view as dashed lines; return how many there are.
   *
   * @param {uPlot} plot
   * @param {Record<string, number>} configured such as {warn_low: 9}
   */
  function limits(plot, configured) {
    const [min, max] = ends(plot, "y");
    const shown = Object.entries(configured).filter(([, value]) => value >= min && value <= max);
    clipped(plot, (ctx, box, dpr) => {
      ctx.setLineDash([6 * dpr, 4 * dpr]);
      ctx.lineWidth = dpr;
      for (const [name, value] of shown) {
        const y = Math.round(plot.valToPos(value, "y", true)) + 0.5;
        ctx.strokeStyle = name.startsWith("warn") ? colours().warn : colours().error;
        ctx.beginPath();
        ctx.moveTo(box.left, y);
        ctx.lineTo(box.left + box.width, y);
        ctx.stroke();
      }
    });
    return shown.length;
  }

  /**
   * Draw error bars, arrows and marks, older versions first; return how many points were drawn.
   *
   * @param {uPlot} plot
   * @param {Series} series
   */
  function marks(plot, series) {
    let drawn = 0;
    clipped(plot, (ctx, box, dpr) => {
      const spots = /** @type {Map<number, Spot[]>} */ (new Map());
      drawn = eachPoint(plot, series, (i, x, y) => {
        const rank = series.rank[i];
        const same = spots.get(rank);
        if (same) same.push([i, x, y]);
        else spots.set(rank, [[i, x, y]]);
      });
      const [y0, y1] = ends(plot, "y");
      for (const [rank, shown] of [...spots].sort(([a], [b]) => b - a)) {
        const size = markSize(drawn, box.width / dpr) * dpr;
        ctx.strokeStyle = ctx.fillStyle = colourOf(rank);
        ctx.lineWidth = Math.max(1, (size > 2.5 * dpr ? 1.25 : 0.75) * dpr);
        errorBars(ctx, series, shown, box.height / (y1 - y0), size);
        arrows(ctx, series, shown, dpr);
        dots(ctx, series, shown, size, shapeOf(rank));
        hollow(ctx, series, shown, 3.2 * dpr);
      }
    });
    return drawn;
  }

  /**
   * @param {number} count
   * @param {number} width
   */
  const markSize = (count, width) => Math.max(1.3, Math.min(3.6, 2.2 * Math.sqrt(width / Math.max(count, 1))));

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Series} series
   * @param {Spot[]} shown
   * @param {number} perUnit canvas pixels per unit of y
   * @param {number} size of a mark
   */
  function errorBars(ctx, series, shown, perUnit, size) {
    ctx.globalAlpha = 0.55;
    ctx.beginPath();
    for (const [i, x, y] of shown) {
      if (series.kind[i] !== VALUE || series.error[i] * perUnit <= size) continue;
      ctx.moveTo(x, y - series.up[i] * perUnit);
      ctx.lineTo(x, y + series.down[i] * perUnit);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Series} series
   * @param {Spot[]} shown
   * @param {number} dpr canvas pixels per CSS pixel
   */
  function arrows(ctx, series, shown, dpr) {
    const half = 4 * dpr;
    ctx.beginPath();
    for (const [i, x, y] of shown) {
      const kind = series.kind[i];
      if (kind !== UPPER && kind !== LOWER) continue;
      const tip = y + (kind === UPPER ? ARROW : -ARROW) * dpr;
      const back = tip + (kind === UPPER ? -half : half) * 1.2;
      ctx.moveTo(x - half, y);
      ctx.lineTo(x + half, y);
      ctx.moveTo(x, y);
      ctx.lineTo(x, tip);
      ctx.moveTo(x - half, back);
      ctx.lineTo(x, tip);
      ctx.lineTo(x + half, back);
    }
    ctx.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Series} series
   * @param {Spot[]} shown
   * @param {number} size
   * @param {Shape} shape
   */
  function dots(ctx, series, shown, size, shape) {
    const simple = shown.length > 1500;
    ctx.beginPath();
    for (const [i, x, y] of shown) {
      if (series.kind[i] !== VALUE) continue;
      if (simple) ctx.rect(x - size, y - size, 2 * size, 2 * size);
      else trace(ctx, shape, x, y, size);
    }
    ctx.fill();
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Shape} shape
   * @param {number} x
   * @param {number} y
   * @param {number} size
   */
  function trace(ctx, shape, x, y, size) {
    if (shape === "circle") {
      ctx.moveTo(x + size, y);
      ctx.arc(x, y, size, 0, 2 * Math.PI);
    } else if (shape === "square") {
      ctx.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
    } else {
      const wide = size * 1.2,
        low = shape === "triangle" ? size : 0;
      ctx.moveTo(x, y - wide);
      ctx.lineTo(x + wide, y + low);
      if (shape === "diamond") ctx.lineTo(x, y + wide);
      ctx.lineTo(x - wide, y + low);
      ctx.closePath();
    }
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Series} series
   * @param {Spot[]} shown
   * @param {number} size
   */
  function hollow(ctx, series, shown, size) {
    ctx.beginPath();
    for (const [i, x, y] of shown) if (series.kind[i] === NONE) trace(ctx, "circle", x, y, size);
    ctx.stroke();
  }

  return { colours, forgetColours, shapeOf, eachPoint, background, names, limits, marks };
})();
