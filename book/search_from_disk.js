// Sphinx's search fetches each page that it found for an excerpt; a page opened from disk may not. Their texts are here.
if (location.protocol === "file:") {
  const pages = location.href.replace(/search\.html.*/, "");
  window.fetch = async (url) => {
    const name = decodeURIComponent(new URL(url, location.href).href.slice(pages.length)).replace(/\.html.*/, "");
    const main = document.createElement("div");
    main.setAttribute("role", "main");
    main.textContent = SEARCH_TEXTS[name] ?? "";
    return new Response(main.outerHTML);
  };
}
