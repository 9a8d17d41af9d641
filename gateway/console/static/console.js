// The console's own script. Every page works without it: it adds keys, a running clock, and what is live.
(() => {
  const all = (s) => [...document.querySelectorAll(s)];
  const one = (s) => document.querySelector(s);

  // A form is sent once, however often Enter is pressed.
  document.addEventListener("submit", (e) => {
    if (e.target.method !== "post") return;
    if (e.target.dataset.sent) return e.preventDefault();
    e.target.dataset.sent = "yes";
    setTimeout(() => { for (const b of e.target.querySelectorAll("button")) b.disabled = true; });
  });
  addEventListener("pageshow", () => all("form[data-sent]").forEach((f) => {
    delete f.dataset.sent;
    for (const b of f.querySelectorAll("button")) b.disabled = false;
  }));

  // The clock of the page goes on.
  const clock = one("[data-clock]");
  if (clock) {
    const ahead = new Date(clock.dateTime) - Date.now();
    setInterval(() => {
      const at = new Date(Date.now() + ahead).toISOString();
      clock.textContent = at.slice(11, 19) + " UTC";
    }, 1000);
  }

  // Live, paused or stale: always told. Loaded before htmx, so that no word of the stream is missed.
  const live = one("[data-live]"), pause = one("[data-pause]");
  const SILENT = 40000;  // the stream says something every 15 s
  let paused = false, heard = Date.now(), cut = "", goOn = null;
  const now = () => clock ? clock.textContent : "";
  const show = () => {
    const [shape, family, text] = paused ? ["held", "quiet", "Paused at " + paused]
      : cut ? ["warn", "warn", "Stale since " + cut] : ["ok", "good", "Live"];
    if (live.querySelector("span").textContent === text) return;
    live.querySelector("use").setAttribute("href", "#" + shape);
    live.querySelector("svg").setAttribute("class", "icon i-" + family);
    live.querySelector("span").textContent = text;
  };
  const hear = () => { heard = Date.now(); cut = ""; show(); };
  const miss = () => { cut ||= now(); show(); };
  const held = () => paused || (!getSelection().isCollapsed && one("#board")?.contains(getSelection().anchorNode));
  const release = () => { if (goOn && !held()) { goOn(); goOn = null; hear(); } };
  if (live) {
    const on = (what, then) => document.addEventListener(what, then);
    on("htmx:sse:after:connection", hear);
    on("htmx:sse:before:message", (e) => {
      hear();
      if (held()) e.detail.waitUntil(new Promise((then) => { goOn = then; }));  // kept, not lost
    });
    on("htmx:sse:error", miss);
    on("htmx:sse:close", miss);
    on("selectionchange", release);
    setInterval(() => { if (!goOn && Date.now() - heard > SILENT) miss(); }, 1000);
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = paused ? "" : now();
      pause.textContent = paused ? "Go on" : "Pause";
      show();
      release();
    });
  }

  // Keys: none of them acts on anything but where you are.
  const rows = () => all("[data-rows] tbody th a, [data-rows] li > a, .cause > summary");
  const step = (list, by) => {
    const at = list.indexOf(document.activeElement);
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  };
  let go = 0;
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, textarea, select")) return;
    if (Date.now() - go < 1500) {
      go = 0;
      const link = all("nav.main a[data-key]").find((a) => a.dataset.key === e.key);
      if (link) { e.preventDefault(); link.click(); }
      return;
    }
    switch (e.key) {
      case "/": { const q = one("#q"); if (q) { e.preventDefault(); q.focus(); } break; }
      case "g": go = Date.now(); break;
      case "j": step(rows(), 1); break;
      case "k": step(rows(), -1); break;
      case "n": step(all("[data-finding]"), 1); break;
      case "p": step(all("[data-finding]"), -1); break;
    }
  });
})();
