// What the page does by itself in the browser: keys, theme, jumping to a citation, scrolling,
// sending files. It never writes markup: classes, focus, scroll positions and plain text only.
"use strict";

window.ragPage = (() => {
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const box = () => document.querySelector("#rag-box textarea");
  const smooth = () => (calm() ? "auto" : "smooth");
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  let cameFrom = null;

  // Told to screen readers; the same words twice are told twice.
  function say(words) {
    const said = $("#rag-said");
    if (said) said.textContent = said.textContent === words ? `${words}\u00a0` : words;
  }

  // Right of the conversation stands the library or the source, one at a time.
  function side(name) {
    document.body.dataset.ragSide = name;
    for (const tab of all("[role=tab][data-side]")) {
      const chosen = tab.dataset.side === name;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
  }

  // Scrolls the panel, and only the panel, until the mark stands in its upper third.
  function bring(mark, behavior) {
    const page = mark.closest(".rag-page");
    const above = mark.getBoundingClientRect().top - page.getBoundingClientRect().top;
    page.scrollTo({ top: page.scrollTop + above - page.clientHeight / 3, behavior });
  }

  function show(anchor) {
    const target = anchor && document.getElementById(anchor);
    if (!target) return false;
    const marks = all(`#rag-sources mark[data-cites~="${anchor}"]`);
    all("#rag-sources mark.rag-now").forEach((m) => m.classList.remove("rag-now"));
    side("source");
    if (marks.length === 0) {
      bring(target, smooth());
      return false;
    }
    const panel = marks[0].closest(".rag-panel");
    where(panel, anchor);
    const figure = $(`.rag-picture[data-cites~="${anchor}"]`, panel);
    if (panel.classList.contains("rag-as-pages") && figure) bring(figure, smooth());
    else {
      marks[0].focus({ preventScroll: true });
      bring(marks[0], smooth());
    }
    panel.scrollIntoView({ block: "nearest", behavior: smooth() });
    marks.forEach((mark) => {
      void mark.offsetWidth; // restarts the animation when the same mark is shown again
      mark.classList.add("rag-now");
    });
    return true;
  }

  // Which quote of how many is shown, and the way to the one before and after.
  function where(panel, anchor) {
    const chips = all("[data-jump]", panel);
    const at = chips.findIndex((chip) => chip.dataset.jump === anchor);
    chips.forEach((chip, n) => n === at ? chip.setAttribute("aria-current", "true")
      : chip.removeAttribute("aria-current"));
    const told = $(".rag-where", panel);
    if (told && at >= 0) told.textContent = `${at + 1} of ${chips.length}`;
  }

  function step(button) {
    const chips = all("[data-jump]", button.closest(".rag-panel"));
    const at = chips.findIndex((chip) => chip.hasAttribute("aria-current"));
    const way = Number(button.dataset.step);
    const next = at < 0 ? (way > 0 ? 0 : chips.length - 1) : (at + way + chips.length) % chips.length;
    show(chips[next].dataset.jump);
    button.focus({ preventScroll: true });
  }

  // A PDF's cited pages as pictures, or its words.
  function showAs(button) {
    const panel = button.closest(".rag-panel");
    panel.classList.toggle("rag-as-pages", button.dataset.show === "page");
    all("[data-show]", panel).forEach((b) => b.setAttribute("aria-pressed", b === button));
    $(".rag-page", panel).scrollTo({ top: 0 });
    const now = $("[data-jump][aria-current]", panel);
    if (now) show(now.dataset.jump);
    button.focus({ preventScroll: true });
  }

  // A click on a marker: jump at once when the panel already shows that turn's source.
  function jump(button) {
    cameFrom = button;
    const { act, turn, marker } = button.dataset;
    if (["cite", "passage", "open", "own"].includes(act)) side("source");
    return act === "cite" && show(`rag-cite-${turn}-${marker}`);
  }

  // The panel was filled by the server: go where it says, else to the first words cited.
  function arrived(element) {
    const panel = $(".rag-panel", element);
    const first = $("mark", element);
    all("mark.rag-now", element).forEach((mark) => mark.classList.remove("rag-now"));
    if (!panel || panel.classList.contains("rag-panel-empty")) return;
    side("source");
    if (panel.dataset.focus) requestAnimationFrame(() => show(panel.dataset.focus));
    else if (first) requestAnimationFrame(() => bring(first, "auto"));
    if (!first && !panel.dataset.focus) $(".rag-page", panel).focus({ preventScroll: true });
    if (panel.dataset.turn === "-1")
      panel.scrollIntoView({ block: "nearest", behavior: smooth() });
  }

  // The list of the visitor's files changed: tell the result when the last one is done.
  let told = "";
  function filed(element) {
    const files = $(".rag-files", element);
    if (!files) return;
    const { added, skipped, busy } = files.dataset;
    const bar = $("progress[max]", files);
    const tab = $("#rag-tab-library");
    const part = bar ? ` · ${Math.round((100 * bar.value) / bar.max)} %` : " · …";
    if (tab) tab.textContent = busy === "0" ? "Documents" : `Documents${part}`;
    const words = busy !== "0" ? `Adding ${plural(Number(busy), "file")}`
      : `${plural(Number(added), "file")} added` + (skipped === "0" ? "" : `, ${skipped} not added`);
    if (words !== told) say(words);
    told = words;
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

  // A file the server made of the conversation, as text: saved by the browser.
  function save(element) {
    const words = element.textContent.trim();
    if (!words) return;
    const { name, text } = JSON.parse(words);
    const kind = name.endsWith(".json") ? "application/json" : "text/markdown";
    const address = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
    const link = Object.assign(document.createElement("a"), { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    say(`${name} saved`);
  }

  // The settings slide in from the right; the rest of the page waits behind them.
  let opener = null;
  function drawer(open) {
    const panel = $("#rag-drawer");
    if (!panel || panel.inert !== open) return;
    panel.inert = !open;
    for (const part of all("#rag-top, #rag-main")) part.inert = open;
    document.body.classList.toggle("rag-drawn", open);
    if (open) {
      opener = document.activeElement;
      $("[data-drawer='0']", panel)?.focus();
    } else opener?.focus();
  }

  function furnish() {
    const panel = $("#rag-drawer");
    if (!panel) return setTimeout(furnish, 100);
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-modal", "true");
    panel.setAttribute("aria-labelledby", "rag-drawer-title");
    panel.inert = true;
    for (const [part, tab] of [["#rag-library", "library"], ["#rag-sources", "source"]]) {
      $(part)?.setAttribute("role", "tabpanel");
      $(part)?.setAttribute("aria-labelledby", `rag-tab-${tab}`);
    }
  }

  // A vote shows at once; the server keeps it.
  function vote(button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    all(".rag-vote", button.parentElement).forEach((b) => b.setAttribute("aria-pressed", "false"));
    button.setAttribute("aria-pressed", on);
    say(on ? "Thank you" : "Taken back");
  }

  // Files go one after the other, each as the whole body of a request.
  const sending = [];
  function send(files) {
    const idle = sending.length === 0;
    sending.push(...files);
    if (files.length) side("library");
    if (idle && sending.length) sendNext();
  }

  function sendNext() {
    const file = sending[0];
    const shown = $(".rag-sending");
    const limit = Number($("#rag-file")?.dataset.limit || 0);
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: file.name, size: file.size });
    const tell = (words) => { if (shown) shown.textContent = words; };
    request.open("POST", `./page/upload?${query}`);
    request.upload.onprogress = (event) => {
      const share = event.total ? Math.round((100 * event.loaded) / event.total) : 100;
      tell(`Sending ${file.name} · ${share} %`);
    };
    request.onloadend = () => {
      const reached = request.status === 200;
      let error = "The server did not take it.";
      try { error = JSON.parse(request.responseText).error || error; } catch { /* no JSON */ }
      tell(reached ? "" : `${file.name}: ${error}`);
      if (!reached) say(`${file.name}: ${error}`);
      document.dispatchEvent(new Event("rag-sent"));
      sending.shift();
      if (sending.length) sendNext();
    };
    tell(`Sending ${file.name}`);
    request.send(file.size > limit ? null : file); // too large: the server only takes note of it
  }

  function carriesFiles(event) {
    return $("#rag-file") && [...(event.dataTransfer?.types || [])].includes("Files");
  }

  let inside = 0;
  const dropping = (on) => $("#rag-drop")?.classList.toggle("rag-dropping", on);
  document.addEventListener("dragenter", (event) => {
    if (carriesFiles(event)) dropping(++inside > 0);
  });
  document.addEventListener("dragleave", (event) => {
    if (carriesFiles(event)) dropping((inside = Math.max(0, inside - 1)) > 0);
  });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    dropping((inside = 0) > 0);
    send([...event.dataTransfer.files]);
  });
  document.addEventListener("change", (event) => {
    if (event.target.id !== "rag-file") return;
    send([...event.target.files]);
    event.target.value = "";
  });

  document.addEventListener("click", (event) => {
    all("details.rag-menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    if (document.body.classList.contains("rag-drawn") && !event.target.closest?.("#rag-drawer"))
      return drawer(false);
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button) return;
    if (button.dataset.jump) show(button.dataset.jump);
    if (button.dataset.step) step(button);
    if (button.dataset.show) showAs(button);
    if (button.dataset.side) side(button.dataset.side);
    if (button.dataset.vote) vote(button);
    if (button.dataset.drawer) drawer(button.dataset.drawer === "1");
    if (button.dataset.kind) button.closest("details").open = false;
    if (button.dataset.back) back();
    if (button.dataset.themeToggle) toggleTheme();
  });

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.startsWith("Arrow") && event.target.matches?.("[role=tab]")) {
      const other = all("[role=tab]").find((tab) => tab !== event.target);
      side(other.dataset.side);
      other.focus();
    }
    if (event.key === "Escape" && document.body.classList.contains("rag-drawn")) drawer(false);
    else if (event.key === "Escape") document.querySelector("#rag-stop")?.click();
    if (event.key === "/" && !document.body.classList.contains("rag-drawn") && !typing(event.target)) {
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
      const turn = all(".rag-turn", chat).pop();
      if (!turn || (!atEnd && turn === last)) return;
      last = turn;
      const long = turn.offsetHeight > window.innerHeight - 200;
      const end = (!long && $(".rag-following", chat)) || turn;
      end.scrollIntoView({ block: long ? "start" : "end", behavior: "auto" });
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
    side("library");
    furnish();
    keepTheme();
    new MutationObserver(keepTheme).observe(document.body, { attributeFilter: ["class"] });
    follow();
  }
  document.readyState === "complete" ? start() : window.addEventListener("load", start);
  return { jump, arrived, filed, save };
})();
