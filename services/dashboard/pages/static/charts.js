// A line over the charts: under the pointer, a finger or the arrow keys, it says in words what was known on that day.
// Escape leaves it. Without this script the charts and their tables say the same.
(() => {
  const trends = document.querySelector('[data-panel="trends"]');
  if (!trends?.querySelector("[data-days]")) return;
  const NEAR_PX = 6;
  document.documentElement.dataset.charts = "on";
  const locale = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;

  // Looked up each time: what is in the panel is replaced when a newer version comes.
  const parts = () => {
    const days = trends.querySelector("[data-days]");
    const [slider, line, says, { content }] = days.children;
    return { days, slider, line, says, moments: [...content.children] };
  };
  const shareOf = (moment) => Number(moment.dataset.at);

  // Where the plot lies in the panel: both ends, in shares of the panel's width.
  const plot = ({ days }) => {
    const picture = [...trends.querySelectorAll(".chart > svg")].find((one) => one.getClientRects().length);
    if (!picture) return null;
    const [left, right, width] = days.dataset[picture.matches(".only-wide") ? "wide" : "narrow"].split(" ").map(Number);
    const [outer, inner] = [trends.getBoundingClientRect(), picture.getBoundingClientRect()];
    const at = (x) => (inner.left - outer.left + (x / width) * inner.width) / outer.width;
    return { left: at(left), right: at(right), outer };
  };
  const dayAt = ({ days }, share) => {
    const [start, end] = [Date.parse(days.dataset.start), Date.parse(days.dataset.end)];
    const named = { day: "numeric", month: "short", year: "numeric", timeZone: days.dataset.zone };
    return new Intl.DateTimeFormat(locale, named).format(start + share * (end - start));
  };

  const hide = () => {
    const { line, says } = parts();
    line.hidden = says.hidden = true;
  };
  const show = (all, share, day, moment) => {
    const within = plot(all);
    if (!within) return hide();
    const left = within.left + share * (within.right - within.left);
    const head = document.createElement("p");
    head.textContent = day;
    all.says.replaceChildren(head, moment.cloneNode(true));
    all.line.style.left = `${100 * left}%`;
    const isRight = left > 0.5;
    all.says.style.left = isRight ? "" : `${100 * left}%`;
    all.says.style.right = isRight ? `${100 * (1 - left)}%` : "";
    all.line.hidden = all.says.hidden = false;
  };

  const follow = (event) => {
    const all = parts();
    const within = plot(all);
    if (!within || event.target.closest("details, a")) return hide();
    const { left, right, outer } = within;
    const pixels = (right - left) * outer.width;
    const place = ((event.clientX - outer.left) / outer.width - left) / (right - left);
    if (place * pixels < -NEAR_PX || (place - 1) * pixels > NEAR_PX) return hide();
    const { moments } = all;
    const share = Math.min(Math.max(place, 0), shareOf(moments.at(-1)));
    const distance = (moment) => Math.abs(shareOf(moment) - share) * pixels;
    const nearest = moments.reduce((best, one) => (distance(one) < distance(best) ? one : best));
    if (distance(nearest) <= NEAR_PX) return show(all, shareOf(nearest), nearest.dataset.day, nearest);
    show(all, share, dayAt(all, share), moments.findLast((one) => shareOf(one) <= share) ?? moments[0]);
  };

  const go = (place) => {
    const all = parts();
    const now = Math.min(Math.max(place, 0), all.moments.length - 1);
    const moment = all.moments[now];
    const words = [...moment.children].map((one) => [...one.children].map((part) => part.textContent).join(": "));
    all.slider.setAttribute("aria-valuenow", now);
    all.slider.setAttribute("aria-valuetext", [moment.dataset.day, ...words].join(". "));
    show(all, shareOf(moment), moment.dataset.day, moment);
  };
  const press = (event) => {
    const { slider, moments } = parts();
    if (event.target !== slider) return;
    const now = Number(slider.getAttribute("aria-valuenow"));
    const far = Math.max(Math.round(moments.length / 8), 2);
    const ways = {
      ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1,
      PageDown: now - far, PageUp: now + far, Home: 0, End: moments.length - 1,
    };
    if (event.key === "Escape") slider.blur();
    if (!(event.key in ways)) return;
    event.preventDefault();
    go(ways[event.key]);
  };
  const rest = () => {
    const { slider } = parts();
    if (document.activeElement === slider) go(Number(slider.getAttribute("aria-valuenow")));
    else hide();
  };

  trends.addEventListener("pointermove", follow);
  trends.addEventListener("pointerdown", follow);
  trends.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && rest());
  trends.addEventListener("pointercancel", rest);
  trends.addEventListener("keydown", press);
  trends.addEventListener("focusin", (event) => event.target === parts().slider && rest());
  trends.addEventListener("focusout", (event) => event.target === parts().slider && hide());
  document.addEventListener("pointerdown", (event) => trends.contains(event.target) || rest());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
