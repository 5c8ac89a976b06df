// The points of a panel: error bars, marks, arrows of limits, and circles in the strip of runs without a number.
"use strict";

/** @typedef {[number, number, number]} Spot index of a point and its place, in canvas pixels */

const Marks = (function () {
  const { VALUE, UPPER, LOWER, NONE } = Points;
  const { STRIP, ARROW } = Lanes;
  const CROWD = 400; // points whose error bars would hide each other

  /**
   * Call visit(i, x, y) with the place of every point in view, in canvas pixels; return how many there are.
   *
   * @param {uPlot} plot
   * @param {Series} series
   * @param {Lane[]} lanes
   * @param {(i: number, x: number, y: number) => void} visit
   * @param {[number, number]} [range] of indices; left out: all in view
   */
  function eachPoint(plot, series, lanes, visit, range) {
    const [min, max] = Draw.ends(plot);
    const [from, to] = range || Axes.within(series.x, min, max);
    const { left, top, width, height } = plot.bbox;
    const strip = top + height - (STRIP / 2) * uPlot.pxRatio;
    const ofMode = /** @type {Map<number, Lane>} */ (new Map());
    for (let i = from; i < to; i++) {
      const mode = series.mode[i];
      const lane = ofMode.get(mode) || Lanes.laneFor(lanes, mode);
      ofMode.set(mode, lane);
      const value = series.y[i];
      const x = left + ((series.x[i] - min) / (max - min)) * width;
      visit(i, x, value === null ? strip : Draw.heightOf(plot, Lanes.place(lane, value)));
    }
    return to - from;
  }

  /**
   * Draw all points, those of older versions first; return how many there are.
   *
   * @param {uPlot} plot
   * @param {Series} series
   * @param {Lane[]} lanes
   * @param {Span[]} alarms
   */
  function marks(plot, series, lanes, alarms) {
    let drawn = 0;
    Draw.clipped(plot, (ctx, box, dpr) => {
      const looks = /** @type {Map<string, {rank: number, mode: number, spots: Spot[]}>} */ (new Map());
      drawn = eachPoint(plot, series, lanes, (i, x, y) => {
        const [rank, mode] = [series.rank[i], series.mode[i]];
        const key = `${rank} ${mode}`;
        const look = looks.get(key);
        if (look) look.spots.push([i, x, y]);
        else looks.set(key, { rank, mode, spots: [[i, x, y]] });
      });
      const size = markSize(drawn, box.width / dpr) * dpr;
      for (const { rank, mode, spots } of [...looks.values()].sort((a, b) => b.rank - a.rank)) {
        ctx.strokeStyle = ctx.fillStyle = Draw.colours().hues[Draw.hueOf(series, rank, mode)];
        ctx.lineWidth = Math.max(1, (size > 2.5 * dpr ? 1.25 : 0.75) * dpr);
        const good = spots.filter(([i]) => !series.poor[i]);
        const poor = spots.filter(([i]) => series.poor[i]);
        errorBars(ctx, plot, series, lanes, good, size);
        arrows(ctx, series, spots, dpr);
        dots(ctx, series, good, size, Modes.shape(mode));
        poorly(ctx, plot, series, lanes, poor, Math.max(size, 2.6 * dpr), dpr);
        hollow(ctx, series, spots, 3.2 * dpr);
        const alone = spots.filter(([i]) => !alarms.some(one => series.x[i] >= one.start && series.x[i] < one.end));
        rings(ctx, series, alone, Math.max(2.2 * size, 5 * dpr), dpr);
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
   * @param {uPlot} plot
   * @param {Series} series
   * @param {Lane[]} lanes
   * @param {Spot[]} shown
   * @param {number} size of a mark
   */
  function errorBars(ctx, plot, series, lanes, shown, size) {
    ctx.save();
    ctx.globalAlpha *= shown.length > CROWD ? 0.25 : 0.55;
    ctx.beginPath();
    for (const [i, x, y] of shown) {
      const value = series.y[i];
      if (series.kind[i] !== VALUE || value === null || !(series.error[i] > 0)) continue;
      const lane = Lanes.laneFor(lanes, series.mode[i]);
      const ends = [value + series.up[i], value - series.down[i]].map(one =>
        Draw.heightOf(plot, Math.max(-1, Lanes.place(lane, one))),
      );
      if (ends[1] - ends[0] <= 2 * size) continue;
      ctx.moveTo(x, Math.min(ends[0], y));
      ctx.lineTo(x, Math.max(ends[1], y));
    }
    ctx.stroke();
    ctx.restore();
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
   * Results of poor quality: pale bars, and a cross instead of a mark.
   *
   * @param {CanvasRenderingContext2D} ctx
   * @param {uPlot} plot
   * @param {Series} series
   * @param {Lane[]} lanes
   * @param {Spot[]} shown
   * @param {number} size
   * @param {number} dpr canvas pixels per CSS pixel
   */
  function poorly(ctx, plot, series, lanes, shown, size, dpr) {
    if (!shown.length) return;
    ctx.save();
    ctx.globalAlpha = 0.6;
    ctx.setLineDash([2 * dpr, 2 * dpr]);
    errorBars(ctx, plot, series, lanes, shown, size);
    ctx.setLineDash([]);
    ctx.lineWidth = 1.25 * dpr;
    ctx.beginPath();
    for (const [i, x, y] of shown) {
      if (series.kind[i] !== VALUE) continue;
      ctx.moveTo(x - size, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.moveTo(x - size, y + size);
      ctx.lineTo(x + size, y - size);
    }
    ctx.stroke();
    ctx.restore();
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

  /**
   * Red rings around outliers, and around the results of runs in which many variables are outliers; within an alarm
   * all of them would be outliers.
   *
   * @param {CanvasRenderingContext2D} ctx
   * @param {Series} series
   * @param {Spot[]} shown
   * @param {number} size
   * @param {number} dpr canvas pixels per CSS pixel
   */
  function rings(ctx, series, shown, size, dpr) {
    ctx.save();
    ctx.strokeStyle = Draw.colours().error;
    ctx.lineWidth = 1.5 * dpr;
    ctx.beginPath();
    for (const [i, x, y] of shown)
      if (series.mark[i] === "outlier" || series.mark[i] === "bad_run") trace(ctx, "circle", x, y, size);
    ctx.stroke();
    ctx.restore();
  }

  return { eachPoint, marks };
})();
