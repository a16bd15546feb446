// What the page does by itself in the browser: keys, theme, jumping to a citation, scrolling.
// It never writes markup: only classes, focus and scroll positions change here.
"use strict";

window.ragPage = (() => {
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const box = () => document.querySelector("#rag-box textarea");
  const smooth = () => (calm() ? "auto" : "smooth");
  let cameFrom = null;

  // Scrolls the panel, and only the panel, until the mark stands in its upper third.
  function bring(mark, behavior) {
    const page = mark.closest(".rag-page");
    const above = mark.getBoundingClientRect().top - page.getBoundingClientRect().top;
    page.scrollTo({ top: page.scrollTop + above - page.clientHeight / 3, behavior });
  }

  function show(anchor) {
    const target = anchor && document.getElementById(anchor);
    if (!target) return false;
    const marks = document.querySelectorAll(`#rag-sources mark[data-cites~="${anchor}"]`);
    document.querySelectorAll("#rag-sources mark.rag-now").forEach((m) => m.classList.remove("rag-now"));
    if (marks.length === 0) return false;
    marks[0].focus({ preventScroll: true });
    bring(marks[0], smooth());
    marks[0].closest(".rag-panel").scrollIntoView({ block: "nearest", behavior: smooth() });
    marks.forEach((mark) => {
      void mark.offsetWidth; // restarts the animation when the same mark is shown again
      mark.classList.add("rag-now");
    });
    return true;
  }

  // A click on a marker: jump at once when the panel already shows that turn's source.
  function jump(button) {
    cameFrom = button;
    const { act, turn, marker } = button.dataset;
    return act === "cite" && show(`rag-cite-${turn}-${marker}`);
  }

  // The panel was filled by the server: go where it says, else to the first words cited.
  function arrived(element) {
    const panel = element.querySelector(".rag-panel");
    const first = element.querySelector("mark");
    element.querySelectorAll("mark.rag-now").forEach((mark) => mark.classList.remove("rag-now"));
    if (panel?.dataset.focus) requestAnimationFrame(() => show(panel.dataset.focus));
    else if (first) requestAnimationFrame(() => bring(first, "auto"));
  }

  function back() {
    const target = cameFrom && cameFrom.isConnected ? cameFrom : box();
    if (!target) return;
    target.scrollIntoView({ block: "center", behavior: smooth() });
    target.focus({ preventScroll: true });
  }

  function toggleTheme() {
    const dark = !document.body.classList.contains("dark");
    try { localStorage.setItem("rag-theme", dark ? "dark" : "light"); } catch { /* private mode */ }
    document.body.classList.toggle("dark", dark);
  }

  function typing(target) {
    return target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button) return;
    if (button.dataset.jump) show(button.dataset.jump);
    if (button.dataset.back) back();
    if (button.dataset.themeToggle) toggleTheme();
  });

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") document.querySelector("#rag-stop")?.click();
    if (event.key === "/" && !typing(event.target)) {
      event.preventDefault();
      box()?.focus();
    }
  });

  // Follow the conversation while the reader is at its end, and leave him alone elsewhere.
  let atEnd = true;
  window.addEventListener("scroll", () => {
    const chat = document.getElementById("rag-composer");
    if (chat) atEnd = chat.getBoundingClientRect().bottom - window.innerHeight < 160;
  }, { passive: true });

  function follow() {
    const chat = document.getElementById("rag-chat");
    if (!chat) return setTimeout(follow, 100);
    let last = null;
    new MutationObserver(() => {
      const turn = [...chat.querySelectorAll(".rag-turn")].pop();
      if (!turn || (!atEnd && turn === last)) return;
      last = turn;
      const long = turn.offsetHeight > window.innerHeight - 200;
      turn.scrollIntoView({ block: long ? "start" : "end", behavior: "auto" });
    }).observe(chat, { childList: true, subtree: true });
  }

  // The reader's own choice outlives the framework's, which follows the system.
  function keepTheme() {
    let kept = null;
    try { kept = localStorage.getItem("rag-theme"); } catch { /* private mode */ }
    if (kept && document.body.classList.contains("dark") !== (kept === "dark"))
      document.body.classList.toggle("dark", kept === "dark");
  }

  function start() {
    keepTheme();
    new MutationObserver(keepTheme).observe(document.body, { attributeFilter: ["class"] });
    follow();
  }
  document.readyState === "complete" ? start() : window.addEventListener("load", start);
  return { jump, arrived, show };
})();
