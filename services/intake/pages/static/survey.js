// Saves the answers of a part as they are given. What could not be sent is kept on this phone, part by part, and sent
// when there is a connection again: after a moment, when the phone is back online, and when any part is opened.
// The page works without this.
(() => {
  const { queue, saved, saving, queued, again, done } = document.body.dataset;
  const form = document.getElementById("survey");
  const status = document.querySelector("[data-status]");
  const quiet = 700;
  const retry = 4000;

  const say = (words, isWaiting) => {
    if (!status) return;
    status.textContent = words;
    status.classList.toggle("is-waiting", isWaiting);
  };
  // Parts that are not sent yet, by key; in `spare` those for which the phone has no room.
  const spare = new Map();
  const mine = (key) => key.startsWith(`${queue}:`);
  const kept = () => [...new Set([...Object.keys(localStorage).filter(mine), ...spare.keys()])];
  const held = (key) => spare.get(key) ?? localStorage.getItem(key);
  const keep = (place, body) => {
    const key = `${queue}:${place}`;
    spare.delete(key);
    try {
      localStorage.setItem(key, body);
    } catch {
      spare.set(key, body);
    }
  };
  const drop = (key, body) => {
    if (held(key) !== body) return;
    spare.delete(key);
    localStorage.removeItem(key);
  };
  const post = async (place, body) => {
    const answer = await fetch(place, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: `${body}&go=save`,
    });
    if (answer.status >= 500 || answer.status === 429) throw new Error("try again");
    return answer.status;
  };
  // A survey that is over, or a field that is wrong: the page itself says so next. Who is signed out may come back.
  const isOver = (came) => [404, 409, 422].includes(came);
  const isClosed = (came) => came === 401 || came === 403;
  let later;
  let closed = false;
  // One at a time, in the order of the parts: two answers to one question cannot overtake each other.
  let sending = Promise.resolve();
  const flush = () => {
    clearTimeout(later);
    sending = sending.then(async () => {
      let isSaved = true;
      let isAway = false;
      closed = false;
      for (const key of kept()) {
        const body = held(key);
        try {
          const came = await post(key.slice(queue.length + 1), body);
          closed ||= isClosed(came);
          isSaved &&= came < 300;
          if (came < 300 || isOver(came)) drop(key, body);
        } catch {
          isAway = true;
          break;
        }
      }
      const waiting = kept().length;
      if (waiting && isAway) {
        say(`${queued} ${waiting}. ${again}`, true);
        clearTimeout(later);
        later = setTimeout(flush, retry);
      } else if (waiting && closed) say(`${queued} ${waiting}.`, true);
      else if (!waiting && form && form.dataset.touched) say(isSaved ? `✓ ${saved}` : "", false);
    });
    return sending;
  };

  if (!queue || !window.localStorage) return;
  if (done) {
    for (const key of kept()) localStorage.removeItem(key);
    return;
  }
  if (!form) return;
  const here = location.pathname;
  const fields = () => new URLSearchParams(new FormData(form)).toString();
  let timer;
  let leaving;
  form.addEventListener("input", () => {
    form.dataset.touched = "true";
    keep(here, fields());
    say(saving, false);
    clearTimeout(timer);
    timer = setTimeout(flush, quiet);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (form.dataset.isSure) return;
    event.preventDefault();
    const button = event.submitter;
    keep(here, fields());
    const leave = async () => {
      clearTimeout(leaving);
      await flush();
      if (kept().length && !closed) {
        leaving = setTimeout(leave, retry);
        return;
      }
      form.dataset.isSure = "true";
      form.requestSubmit(button);
    };
    leave();
  });
  // A page that comes back out of the browser's memory has not left yet.
  window.addEventListener("pageshow", () => delete form.dataset.isSure);
  window.addEventListener("online", flush);
  if (kept().length) flush();
})();
