// MathJax 3 for the pages. ipywidgets calls it by the name that it had in version 2; its labels hold no formulas.
window.MathJax = {
  Hub: { Queue() {} },
  options: { enableMenu: false },
  startup: { ready() { MathJax.Hub = { Queue() {} }; MathJax.startup.defaultReady(); } },
};
