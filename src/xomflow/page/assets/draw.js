// What is drawn on a panel's canvas: bands, error bars, marks, arrows of limits, and the strip of runs without a number.
"use strict";

(function () {
  const { VALUE, UPPER, LOWER, NONE } = xom.points;
  const STRIP = 16; // height of the strip, CSS pixels
  const ARROW = 16;
  const SHAPES = ["circle", "square", "triangle", "diamond"];

  let palette = null;

  /** The style sheet's colours, as canvas wants them. */
  function colours() {
    if (palette) return palette;
    const style = getComputedStyle(document.documentElement);
    const get = name => style.getPropertyValue(name).trim();
    palette = {
      text: get("--muted"),
      grid: get("--grid"),
      band: get("--band"),
      strip: get("--strip"),
      label: get("--muted"),
      versions: [0, 1, 2, 3, 4, 5].map(i => get(`--version-${i}`)),
    };
    return palette;
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    palette = null;
    xom.redraw && xom.redraw();
  });

  const colourOf = rank => colours().versions[Math.min(rank, 5)];
  const shapeOf = rank => SHAPES[rank % SHAPES.length];

  /** First and one-past-last index with lo <= x <= hi. */
  function within(x, lo, hi) {
    return [bisect(x, lo), bisect(x, hi, true)];
  }

  function bisect(x, value, after) {
    let low = 0,
      high = x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x[middle] < value || (after && x[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Range of y for the points in view: all values, and errors as far as they are not out of all proportion. */
  function yRange(series, lo, hi, height) {
    const [from, to] = within(series.x, lo, hi);
    const errors = [];
    let low = Infinity,
      high = -Infinity,
      strip = false;
    for (let i = from; i < to; i++) {
      if (series.kind[i] === NONE) {
        strip = true;
        continue;
      }
      if (series.kind[i] === VALUE && series.error[i] > 0) errors.push(series.error[i]);
      low = Math.min(low, series.y[i]);
      high = Math.max(high, series.y[i]);
    }
    if (low > high) return [0, 1];
    const typical = errors.length ? errors.sort((a, b) => a - b)[errors.length >> 1] : 0;
    for (let i = from; i < to; i++) {
      if (series.kind[i] !== VALUE) continue;
      const error = Math.min(series.error[i], 4 * typical);
      low = Math.min(low, series.y[i] - error);
      high = Math.max(high, series.y[i] + error);
    }
    return padded(low, high, (strip ? STRIP + 8 : 0) / height, hasArrow(series, from, to) ? ARROW / height : 0);
  }

  function hasArrow(series, from, to) {
    for (let i = from; i < to; i++) if (series.kind[i] === UPPER || series.kind[i] === LOWER) return true;
    return false;
  }

  function padded(low, high, below, arrow) {
    const spread = high - low || Math.abs(high) * 0.1 || 1;
    const room = 0.09 * spread + arrow * spread;
    const bottom = low - room;
    return [bottom - (below * (high + room - bottom)) / (1 - below), high + room];
  }

  /** Pixel positions of the points in view (canvas pixels): calls visit(i, x, y). */
  function eachPoint(u, series, visit) {
    const dpr = uPlot.pxRatio;
    const [from, to] = within(series.x, u.scales.x.min, u.scales.x.max);
    const { min: x0, max: x1 } = u.scales.x,
      { min: y0, max: y1 } = u.scales.y;
    const { left, top, width, height } = u.bbox;
    const strip = top + height - (STRIP / 2) * dpr;
    for (let i = from; i < to; i++) {
      const x = left + ((series.x[i] - x0) / (x1 - x0)) * width;
      visit(i, x, series.kind[i] === NONE ? strip : top + height - ((series.y[i] - y0) / (y1 - y0)) * height);
    }
    return to - from;
  }

  function clipped(u, paint) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paint(ctx, bbox, uPlot.pxRatio);
    ctx.restore();
  }

  /** Behind the grid: science runs, and the strip if there is something in it. */
  function background(u, series, bands) {
    clipped(u, (ctx, box, dpr) => {
      const { min, max } = u.scales.x;
      const place = time => box.left + ((Math.min(Math.max(time, min), max) - min) / (max - min)) * box.width;
      ctx.font = `${11 * dpr}px system-ui, sans-serif`;
      ctx.textBaseline = "top";
      bands.forEach(band => {
        const from = place(band.start),
          to = place(band.end);
        if (to <= from) return;
        ctx.fillStyle = colours().band;
        ctx.fillRect(from, box.top, to - from, box.height);
        ctx.fillStyle = colours().label;
        if (to - from > 40 * dpr) ctx.fillText(band.name, from + 6 * dpr, box.top + 5 * dpr);
      });
      if (series.kind.includes(NONE)) {
        ctx.fillStyle = colours().strip;
        ctx.fillRect(box.left, box.top + box.height - STRIP * dpr, box.width, STRIP * dpr);
      }
    });
  }

  /** Before everything: error bars, arrows and marks, older versions first. Returns how many points were drawn. */
  function marks(u, series) {
    let drawn = 0;
    clipped(u, (ctx, box, dpr) => {
      const points = new Map();
      drawn = eachPoint(u, series, (i, x, y) => {
        const rank = series.rank[i];
        if (!points.has(rank)) points.set(rank, []);
        points.get(rank).push([i, x, y]);
      });
      const perPixel = box.height / (u.scales.y.max - u.scales.y.min);
      for (const rank of [...points.keys()].sort((a, b) => b - a)) {
        const shown = points.get(rank);
        const size = markSize(drawn, box.width / dpr) * dpr;
        ctx.strokeStyle = ctx.fillStyle = colourOf(rank);
        ctx.lineWidth = Math.max(1, (size > 2.5 * dpr ? 1.25 : 0.75) * dpr);
        errorBars(ctx, series, shown, perPixel, size);
        arrows(ctx, series, shown, dpr);
        dots(ctx, series, shown, size, shapeOf(rank));
        hollow(ctx, series, shown, 3.2 * dpr);
      }
    });
    return drawn;
  }

  const markSize = (count, width) => Math.max(1.3, Math.min(3.6, 2.2 * Math.sqrt(width / Math.max(count, 1))));

  function errorBars(ctx, series, shown, perPixel, size) {
    ctx.globalAlpha = 0.55;
    ctx.beginPath();
    for (const [i, x, y] of shown) {
      const length = series.error[i] * perPixel;
      if (series.kind[i] !== VALUE || length <= size) continue;
      ctx.moveTo(x, y - length);
      ctx.lineTo(x, y + length);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

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

  function hollow(ctx, series, shown, size) {
    ctx.beginPath();
    for (const [i, x, y] of shown) if (series.kind[i] === NONE) trace(ctx, "circle", x, y, size);
    ctx.stroke();
  }

  xom.draw = { colours, colourOf, shapeOf, yRange, within, bisect, eachPoint, background, marks };
})();
