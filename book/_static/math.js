// ipywidgets calls MathJax by the name that it had in version 2; its labels hold no formulas.
window.MathJax = {
  ...window.MathJax,
  Hub: { Queue() {} },
  options: { ...window.MathJax?.options, enableMenu: false },
  startup: { ready() { MathJax.Hub = { Queue() {} }; MathJax.startup.defaultReady(); } },
};
