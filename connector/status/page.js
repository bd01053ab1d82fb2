(() => {
  "use strict";
  const EVERY = 5000; // milliseconds
  const lost = document.getElementById("lost");

  function renew(fresh) {
    for (const old of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(old.id);
      // What is alike stays: a screen reader would read it again.
      if (next && next.innerHTML !== old.innerHTML) old.innerHTML = next.innerHTML;
    }
    const state = document.getElementById("state");
    state.dataset.tone = fresh.getElementById("state").dataset.tone;
    document.title = fresh.title;
  }

  async function refresh() {
    if (!document.hidden) {
      try {
        const options = { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(4000) };
        const answer = await fetch(location.pathname, options);
        if (!answer.ok) throw new Error(answer.statusText);
        renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
        lost.hidden = true;
      } catch {
        lost.hidden = false;
      }
    }
    setTimeout(refresh, EVERY);
  }

  setTimeout(refresh, EVERY);
})();
