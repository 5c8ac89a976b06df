// What stands above and below a panel's plot: title, newest result, how remarkable it is, and what the marks mean.
"use strict";

const Heading = (function () {
  const { el } = Elements;
  const { utc, runId, result, plural } = Format;

  /**
   * Title of a variable, as configured or its name, with its unit.
   *
   * @param {string} analysis
   * @param {string} variable
   * @param {string | null | undefined} unit
   */
  function title(analysis, variable, unit) {
    const { title: given, help } = Site.aboutVariable(analysis, variable);
    const told = [given ? variable : "", help].filter(Boolean).join(": ");
    const name = given || breakable(variable);
    const { documentation } = Site.about(analysis);
    return el(
      "h4",
      {},
      el("small", { class: "of" }, Site.about(analysis).title || analysis),
      el("span", told ? { title: told } : {}, name),
      unit && unit !== "1" ? el("span", { class: "unit" }, unit) : null,
      help || /^https?:\/\/\S+$/.test(documentation) ? help_(variable, help, documentation) : null,
    );
  }

  /**
   * @param {string} variable
   * @param {string} help
   * @param {string} documentation
   */
  function help_(variable, help, documentation) {
    const link = /^https?:\/\/\S+$/.test(documentation)
      ? el("a", { href: documentation, target: "_blank", rel: "noopener noreferrer" }, "documentation")
      : null;
    const name = `About ${variable}`;
    return el(
      "details",
      { class: "help" },
      el("summary", { "aria-label": name, title: name }, "?"),
      el("p", {}, el("code", {}, variable), help ? ` ${help} ` : " ", link),
    );
  }

  /** @param {string} name a line may end after an underscore */
  const breakable = name => name.replace(/_(?=.)/g, "_\u200b");

  /**
   * A deviation as a small mark; null if it is not known.
   *
   * @param {Pick<Newest, "deviation" | "mark">} newest
   */
  function chip({ deviation, mark }) {
    if (deviation === undefined || Number.isNaN(deviation)) return null;
    const size = Math.abs(deviation);
    const level = size >= Verdicts.OUTLIER ? "far" : size >= Verdicts.BEYOND ? "off" : "near";
    const told = `${size.toFixed(1)} standard deviations ${deviation < 0 ? "below" : "above"} what is expected`;
    return el(
      "span",
      { class: `sigma ${level}`, title: mark ? `${told}; ${mark.replace("_", " ")}` : told },
      Verdicts.signed(deviation),
    );
  }

  /** @param {Series} series */
  function head(series) {
    const last = Axes.newest(series);
    const name = title(series.analysis, series.variable, series.unit);
    if (last < 0) return el("div", { class: "panel-head" }, name);
    const newest = Points.point(series, last);
    const text = result(newest).replace(/^\(([^()]*)\)(?! ×).*$/, "$1");
    const shown = newest.unit && text.endsWith(` ${newest.unit}`) ? text.slice(0, -newest.unit.length - 1) : text;
    const latest = el(
      "div",
      { class: "latest", title: `latest: run ${runId(newest.run.number)}, ${utc(newest.run.start)} UTC` },
      el("strong", {}, shown),
      chip({ deviation: series.deviation[last], mark: series.mark[last] }),
      series.poor[last] ? el("span", { class: "poor" }, "poor") : null,
      el("span", {}, `run ${runId(newest.run.number)}`),
    );
    return el("div", { class: "panel-head" }, name, latest);
  }

  /**
   * @param {Series} series
   * @param {string[]} modes names by rank
   */
  function foot(series, modes) {
    const none = series.kind.filter(kind => kind === Points.NONE).length;
    const poor = series.poor.filter(Boolean).length;
    const parts = [plural(series.x.length, "result")];
    if (poor) parts.push(`${poor} of poor quality (×)`);
    if (none) parts.push(`${none} with insufficient statistics`);
    if (series.undated) parts.push(`${series.undated} without a start time, not drawn`);
    return el(
      "div",
      { class: "panel-foot" },
      el("span", {}, parts.join(" · ")),
      el("span", { class: "keys" }, ...legend(series, modes)),
    );
  }

  /**
   * @param {Series} series
   * @param {string[]} modes
   */
  function legend(series, modes) {
    const several = series.versions.size > 1;
    const ranks = [...new Set(series.mode)].sort((a, b) => a - b);
    const ofModes =
      ranks.length > 1 || (ranks[0] ?? -1) >= 0
        ? ranks.map(rank => key(Modes.shape(rank), several ? null : Modes.hue(rank), modes[rank] || "other mode"))
        : [];
    const ofVersions = [...series.versions]
      .sort((a, b) => a[1] - b[1])
      .map(([version, rank]) => key(several ? "circle" : null, several ? Math.min(rank, 5) : null, version));
    return [...(several && ranks.length < 2 ? [] : ofModes), ...ofVersions];
  }

  /**
   * @param {Shape | null} shape
   * @param {number | null} hue
   * @param {string} text
   */
  function key(shape, hue, text) {
    const swatch = shape ? el("i", { class: `swatch ${shape} ${hue === null ? "plain" : `hue-${hue}`}` }) : null;
    return el("span", { class: shape && hue === null ? "key mode" : "key" }, swatch, text);
  }

  return { title, chip, head, foot, breakable };
})();
