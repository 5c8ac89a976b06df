// How elements are made. Texts reach the page as text nodes only.
"use strict";

/**
 * @typedef {string | number | boolean | null | undefined} Plain
 * @typedef {Node | string | null | undefined} Child
 */

const Elements = (function () {
  /**
   * Make an element. A name that begins with "on" gives a listener, "data" gives the data attributes; null, undefined
   * and false leave an attribute or a child out.
   *
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, Plain | Record<string, Plain> | ((event: Event) => void)>} attributes
   * @param {...Child} children
   * @returns {HTMLElementTagNameMap[Tag]}
   */
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else if (typeof value === "object") Object.assign(node.dataset, value);
      else if (name === "class") node.className = String(value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    node.append(...children.filter(child => child !== null && child !== undefined));
    return node;
  }

  /**
   * Return the element with this id, which index.html must have.
   *
   * @template {HTMLElement} [Kind=HTMLElement]
   * @param {string} id
   * @param {{new (): Kind, prototype: Kind}} [kind] what the element is, where that matters
   * @returns {Kind}
   */
  function byId(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof (kind || HTMLElement))) throw new TypeError(`the page has no element ${id} of this kind`);
    return /** @type {Kind} */ (found);
  }

  return { el, byId };
})();
