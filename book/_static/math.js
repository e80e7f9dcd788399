// MathJax 3 for the pages; ipywidgets still calls it by the name that it had in version 2.
window.MathJax = {
  tex: { inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]] },
  options: { enableMenu: false, ignoreHtmlClass: "tex2jax_ignore|mathjax_ignore|document", processHtmlClass: "tex2jax_process|mathjax_process|math|output_area" },
  startup: {
    ready() {
      MathJax.startup.defaultReady();
      MathJax.Hub = { Queue: (...calls) => MathJax.startup.promise.then(() => MathJax.typesetPromise(calls.map(([, , element]) => element).filter(Boolean))) };
    },
  },
};
