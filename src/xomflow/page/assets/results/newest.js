// The newest result of each variable, and what it means for its analysis.
"use strict";

const Newest = (function () {
  const FIRST = 3; // variables that are shown first where the configuration names none

  /**
   * The variables of an analysis, those first that are shown first.
   *
   * @param {string} analysis
   * @param {string[]} versions the newest first
   * @returns {Listed[]}
   */
  function listed(analysis, versions) {
    const newest = Site.newestOf(analysis, versions);
    const first = mainOf(analysis, [...newest.keys()]);
    const others = [...newest.keys()].filter(name => !first.includes(name));
    return [...first, ...others].map(variable => ({
      analysis,
      variable,
      newest: /** @type {Newest} */ (newest.get(variable)),
      main: first.includes(variable),
    }));
  }

  /**
   * @param {string} analysis
   * @param {string[]} names of all variables
   */
  function mainOf(analysis, names) {
    const configured = Site.about(analysis).main.filter(name => names.includes(name));
    if (configured.length) return configured;
    return names.length <= FIRST + 1 ? names : names.slice(0, FIRST);
  }

  /** @param {Listed} one */
  const judge = one => Verdicts.judge(one.newest, Site.limits(one.analysis, one.variable));

  /**
   * What the newest results, alarms and states of an analysis mean together.
   *
   * @param {string} analysis
   * @param {Listed[]} all its variables
   * @param {Alarm[]} alarms that are not over
   * @returns {Judgement}
   */
  function judgeAnalysis(analysis, all, alarms) {
    const mine = alarms.filter(one => Verdicts.concerns(one, analysis));
    const open = mine.filter(one => one.state === "open");
    const judged = all.map(one => ({ one, ...judge(one) }));
    const off = judged.filter(({ level }) => level === "alarm" || level === "look");
    const levels = [...judged.map(({ level }) => level), ...mine.map(() => /** @type {Level} */ ("look"))];
    const reasons = [];
    if (open.length) reasons.push(Format.plural(open.length, "alarm"));
    if (mine.length > open.length) reasons.push(`${mine.length - open.length} acknowledged`);
    const words = (/** @type {typeof judged[number]} */ { one, reasons: why }) =>
      `${Site.aboutVariable(one.analysis, one.variable).title || one.variable}: ${why.join(", ")}`;
    if (off.length > 2) reasons.push(`${Format.plural(off.length, "variable")} to look at`);
    else reasons.push(...off.map(words));
    return { level: open.length ? "alarm" : Verdicts.worst(levels), reasons };
  }

  return { listed, judge, judgeAnalysis };
})();
