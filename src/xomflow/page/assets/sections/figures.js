// The figures that an analysis saved for a run.
"use strict";

const Figures = (function () {
  const { el } = Elements;
  const { runId } = Format;

  /**
   * All figures of a run; a sentence if there are none.
   *
   * @param {Run} run
   */
  function all(run) {
    const holder = el("div", { class: "figures" });
    if (!run.figures.length) {
      holder.append(el("p", { class: "empty" }, "The analysis saved no figure for this run."));
      return holder;
    }
    for (const name of run.figures) holder.append(figure(addresses(run, name), name, run));
    return holder;
  }

  /**
   * Address of a figure, beside the page, and where a job of an older version writes it.
   *
   * @param {Pick<Run, "analysis" | "version" | "id">} run
   * @param {string} name
   */
  function addresses(run, name) {
    const shelf = ["..", "figures", run.analysis, run.version, run.id.slice(0, 3)];
    const ends = [[`${run.id}.${name}`], [run.id, name]];
    return ends.map(place => [...shelf, ...place].map(encodeURIComponent).join("/"));
  }

  /**
   * @param {string[]} places the first one that has the figure is shown
   * @param {string} name
   * @param {Run} run
   */
  function figure(places, name, run) {
    const [address, ...older] = places;
    const image = el("img", { src: address, alt: `${name}, run ${runId(run.number)} of ${run.analysis}` });
    const link = el("a", { href: address, target: "_blank", rel: "noopener", title: "Open the figure alone" }, image);
    const frame = el("figure", { data: { figure: name } }, link, el("figcaption", {}, name));
    image.addEventListener("load", () => {
      frame.dataset.loaded = "yes";
    });
    image.addEventListener("error", () => {
      const other = older.shift();
      if (other !== undefined) {
        image.src = link.href = other;
        return;
      }
      frame.dataset.loaded = "no";
      frame.replaceChildren(
        el("p", { class: "empty" }, "The figure is not where it should be: ", el("code", {}, address)),
      );
    });
    return frame;
  }

  return { all, addresses };
})();
