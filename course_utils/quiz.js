// Counts the answers to *Check yourself*: an ES module for anywidget; the book and the decks use it as a plain script.
//
// A question is a paragraph followed by options, each a <details>: its summary is the option, what unfolds is the reason.
// So questions work wherever Markdown does, by mouse and by keyboard. The reason of a right option begins with "Yes" or
// "Likely". The first option that is opened is the answer; reading on after that changes nothing.

/** The paragraph that an option belongs to, and all its options; null for a <details> that is no option. */
function question(option) {
  const summary = option.querySelector("summary");
  if (!/^\s*[A-Z]\.\s/.test(summary?.textContent ?? "")) return null;
  let first = option;
  while (first.previousElementSibling?.tagName === "DETAILS") first = first.previousElementSibling;
  return first.previousElementSibling ?? first.parentElement;
}

function isRight(option) {
  const reason = [...option.childNodes].filter((e) => e.nodeName !== "SUMMARY").map((e) => e.textContent).join("");
  return /^\s*(Yes|Likely)\b/.test(reason);
}

/** Follow all questions of the page and tell the score in `place`; a function that stops. */
function follow(place) {
  const answered = new Map();
  const asked = () => new Set([...document.querySelectorAll("details")].map((e) => question(e)?.textContent).filter(Boolean)).size;
  place.className = "course-score";
  place.setAttribute("role", "status");
  place.textContent = "Choose an answer above: Tab and Enter, or click.";
  const opened = (event) => {
    const option = event.target, asks = option.open ? question(option)?.textContent : null;
    if (!asks) return;
    const right = isRight(option), summary = option.querySelector("summary");
    if (!/[✓✗]$/.test(summary.textContent)) summary.append(right ? " ✓" : " ✗");
    if (answered.has(asks)) return;
    answered.set(asks, right);
    const n = [...answered.values()].filter(Boolean).length, left = asked() - answered.size;
    place.textContent = `${n} of ${answered.size} right at the first try` + (left > 0 ? `, ${left} to go.` : ".");
  };
  document.addEventListener("toggle", opened, true);  // doesn't bubble
  return () => document.removeEventListener("toggle", opened, true);
}

export default {
  render({ el }) {
    if (window.courseQuiz) return;  // the page counts already
    return follow(el.appendChild(document.createElement("p")));
  },
};
