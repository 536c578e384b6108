// Keeps an open page up to date: it is told of a newer version by server-sent events, fetches it, and puts in what has
// changed, panel by panel, without moving what is being read. A panel in use is left alone until its reader says so.
(() => {
  const { live, view, version, zone } = document.body.dataset;
  const mark = document.querySelector("[data-mark]");
  const showNew = document.querySelector("[data-show-new]");
  if (!window.TextDecoderStream) return;

  const QUIET_MS = 25000; // two heartbeats and a half
  const LEFT_MS = 30000; // a tab that nobody looks at gives its connection back
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
  let known = version;
  let newest = null;
  let stream = null;
  let coming = null;
  let leaving = null;
  let failures = 0;
  let heardAt = null;
  let isPressed = false;
  let isLeaving = false;
  let sent = null;
  // Also of the answer to a form: that is not sent again. Nobody looks anew by it, whatever has begun meanwhile.
  const nameLookFor = (seconds) => {
    const where = `path=${location.pathname}; secure; samesite=none; partitioned`;
    document.cookie = `samepage-on-screen=${view}; max-age=${seconds}; ${where}`;
  };
  const reload = () => {
    nameLookFor(5);
    location.replace(location.pathname + location.search);
  };
  nameLookFor(0);

  // ---- what is on the screen ----
  const parts = (of) =>
    new Map([...of.querySelectorAll("[data-panel], [data-part]")].map((one) => [one.dataset.panel ?? one.dataset.part, one]));
  // Each form has a new key each time.
  const content = (part) => part.innerHTML.replaceAll(/ name="key" value="[^"]*"/g, "");
  const shown = new Map([...parts(document)].map(([name, part]) => [name, content(part)]));

  const isChanged = (field) =>
    field.matches("select")
      ? [...field.options].some((one) => one.selected !== one.defaultSelected)
      : field.value !== field.defaultValue;
  // Forms with words that nobody has saved.
  const unsaved = (part) =>
    [...part.querySelectorAll("form")].filter(
      (form) => "unsaved" in form.dataset || [...form.querySelectorAll("input, textarea, select")].some(isChanged),
    );
  const isInUse = (part) => {
    const chosen = getSelection();
    const isChosen = chosen.rangeCount > 0 && !chosen.isCollapsed && chosen.getRangeAt(0).intersectsNode(part);
    return part.contains(document.activeElement) || isChosen || unsaved(part).length > 0;
  };

  const put = (part, fresh) => {
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const kept = new Set(unsaved(part));
    if (focused?.form) kept.add(focused.form);
    const opened = [...part.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
    const scrolled = [...part.querySelectorAll("*")].filter((one) => one.scrollTop).map((one) => [one.className, one.scrollTop]);
    part.className = fresh.className;
    part.replaceChildren(...document.importNode(fresh, true).childNodes);
    for (const summary of part.querySelectorAll("details > summary"))
      if (opened.includes(summary.textContent)) summary.parentElement.open = true;
    for (const [kind, top] of scrolled)
      for (const one of part.getElementsByClassName(kind)) if (one.scrollHeight > one.clientHeight) one.scrollTop = top;
    for (const form of kept) {
      const place = part.querySelector(`form[data-plan="${form.dataset.plan}"]`);
      if (place) place.replaceWith(form);
      else part.append(form);
    }
    if (focused === null) return;
    part.tabIndex = -1;
    (focused.isConnected ? focused : part).focus({ preventScroll: true });
  };

  // Whatever changes above it, the first part that begins on the screen stays where it is.
  const inPlace = (change) => {
    const anchor = [...parts(document).values()].find((part) => part.getBoundingClientRect().top >= 0) ?? document.body;
    const before = anchor.getBoundingClientRect().top;
    change();
    if (scrollY > 0) window.scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  };

  const place = ({ all = false } = {}) => {
    if (newest === null || isPressed) return;
    const here = parts(document);
    const there = parts(newest);
    if (here.size !== there.size || newest.title !== document.title) {
      if (![...here.values()].some(isInUse) || all) reload();
      else showNew.hidden = false;
      return;
    }
    let isWaiting = false;
    inPlace(() => {
      for (const [name, part] of here) {
        const fresh = there.get(name);
        if (content(fresh) === shown.get(name)) continue;
        if (!all && isInUse(part)) {
          isWaiting = true;
          continue;
        }
        put(part, fresh);
        shown.set(name, content(fresh));
      }
      for (const state of mark.children)
        if (state.dataset.when !== "lost")
          state.innerHTML = newest.querySelector(`[data-mark] [data-when="${state.dataset.when}"]`).innerHTML;
    });
    showNew.hidden = !isWaiting;
    if (!isWaiting) newest = null;
  };

  const fetchNewest = async (named) => {
    if (named === known) return;
    const answer = await fetch(location.href, { headers: { "samepage-view": view }, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error("no page");
    newest = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!newest.body.dataset.version) return leave();
    known = newest.body.dataset.version;
    place();
  };

  // ---- the mark, and the connection ----
  const show = (when) => {
    if (mark.querySelector(`[data-when="${when}"]`).hidden)
      inPlace(() => {
        for (const state of mark.children) state.hidden = state.dataset.when !== when;
      });
  };
  const lose = () => {
    mark.querySelector("[data-since]").textContent = clock.format(heardAt ?? new Date());
    show("lost");
  };
  // Nobody may see this page any more, whatever is written on it.
  const leave = () => {
    isLeaving = true;
    reload();
  };

  const hear = async (event) => {
    const lines = new Map(event.split("\n").map((line) => line.split(/: ?(.*)/s)));
    if (!lines.has("data")) return;
    const said = JSON.parse(lines.get("data"));
    if (lines.get("event") === "version") await fetchNewest(said.version);
    else if (said.why !== "again") leave();
  };

  const listen = async (answer, alive) => {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) await hear(event);
      failures = 0;
      show("live");
    }
  };

  const follow = async () => {
    clearTimeout(coming);
    if (stream !== null || document.prerendering || document.visibilityState === "hidden") return;
    const own = (stream = new AbortController());
    let silence = null;
    const alive = () => {
      heardAt = new Date();
      clearTimeout(silence);
      silence = setTimeout(() => own.abort(), QUIET_MS);
    };
    let wait = 0;
    try {
      silence = setTimeout(() => own.abort(), QUIET_MS);
      const headers = { accept: "text/event-stream", "last-event-id": known };
      const answer = await fetch(live, { headers, signal: own.signal, cache: "no-store" });
      if (heardAt !== null && [401, 404].includes(answer.status)) return leave();
      if (!answer.ok) wait = 1000 * (Number(answer.headers.get("retry-after")) || 5);
      if (!answer.ok) throw new Error("refused");
      await listen(answer, alive);
    } catch {
      if (stream === own) lose();
      failures += 1;
    } finally {
      clearTimeout(silence);
      own.abort();
    }
    if (stream !== own) return;
    stream = null;
    // Many lose a server at once: each comes back at a moment of its own.
    const backoff = Math.min(30000, 500 * 2 ** failures) * (0.5 + Math.random());
    coming = setTimeout(follow, Math.max(wait, backoff));
  };
  const stop = () => {
    clearTimeout(coming);
    const ended = stream;
    stream = null;
    ended?.abort();
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (document.visibilityState === "hidden") leaving = setTimeout(stop, LEFT_MS);
    else follow();
  });
  document.addEventListener("prerenderingchange", follow);
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", follow);
  window.addEventListener("offline", () => {
    stop();
    lose();
  });
  window.addEventListener("online", () => {
    failures = 0;
    follow();
  });
  window.addEventListener("pointerdown", () => (isPressed = true));
  for (const kind of ["pointerup", "pointercancel"])
    window.addEventListener(kind, () => {
      isPressed = false;
      setTimeout(place);
    });
  // Without a connection the browser would leave for a page of its own, and the words with it.
  const sayOffline = (isOffline) => {
    const said = document.querySelector("[data-offline]");
    if (said) said.hidden = !isOffline;
  };
  window.addEventListener("online", () => sayOffline(false));
  document.addEventListener("submit", (event) => {
    if (navigator.onLine || !("plan" in event.target.dataset)) return void (sent = event.target);
    event.preventDefault();
    sayOffline(true);
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isLeaving && unsaved(document).some((form) => form !== sent)) event.preventDefault();
  });
  showNew.addEventListener("click", () => place({ all: true }));
  follow();
})();
