// What the site has: analyses with their versions, titles, limits and newest results; states.
"use strict";

const Site = (function () {
  /**
   * Versions of an analysis that have results, newest first.
   *
   * @param {string} analysis
   */
  function versions(analysis) {
    const found = new Set(Store.index.filter(one => one.analysis === analysis).map(one => one.version));
    return [...found].sort(Format.byVersion).reverse();
  }

  /**
   * Title (null if it is only the name again), documentation, contact and main variables of an analysis.
   *
   * @param {string} analysis
   */
  function about(analysis) {
    const { title = "", documentation = "", contact = "", main = [] } = Store.status?.titles[analysis] || {};
    return { title: title && title !== analysis ? title : null, documentation, contact, main };
  }

  /**
   * Title and help of a variable; both may be empty.
   *
   * @param {string} analysis
   * @param {string} variable any text, "__proto__" too
   */
  function aboutVariable(analysis, variable) {
    const known = new Map(Object.entries(Store.status?.titles[analysis]?.variables || {}));
    return known.get(variable) || { title: "", help: "" };
  }

  /**
   * Limits of a variable, by name.
   *
   * @param {string} analysis
   * @param {string} variable any text
   */
  function limits(analysis, variable) {
    return new Map(Object.entries(Store.status?.titles[analysis]?.limits || {})).get(variable) || {};
  }

  /**
   * Meaning and urgency of a state; one that the status does not list has neither.
   *
   * @param {string} name
   * @returns {State & {known: boolean}}
   */
  function stateOf(name) {
    const found = Store.status?.states.find(one => one.name === name);
    return found ? { ...found, known: true } : { name, meaning: "", urgency: 0, known: false };
  }

  /**
   * The newest results of an analysis by variable, of its newest version, or of those that are named.
   *
   * @param {string} analysis
   * @param {string[]} [of] the newest first
   * @returns {Map<string, Newest>}
   */
  function newestOf(analysis, of = versions(analysis).slice(0, 1)) {
    const found = /** @type {Map<string, Newest>} */ (new Map());
    for (const version of of)
      for (const [name, one] of Store.newest.get(analysis)?.get(version) || [])
        if (!found.has(name)) found.set(name, one);
    return found;
  }

  /** Names of the analyses that have results. */
  function analyses() {
    return [...new Set(Store.index.map(one => one.analysis))].sort();
  }

  return { versions, about, aboutVariable, limits, stateOf, newestOf, analyses };
})();
