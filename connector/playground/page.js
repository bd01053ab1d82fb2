(() => {
  "use strict";
  const WAIT = 250; // milliseconds after the last change
  const RETRY = 3000;
  const OUTCOMES = { mapped: "good", dead_letter: "bad", skipped: "calm", filtered: "calm" };
  const WORDS = { mapped: "Mapped", dead_letter: "Dead letter", skipped: "Skipped", filtered: "Filtered: no rule takes it" };
  const $ = (id) => document.getElementById(id);
  const text = $("text");
  const sample = $("sample");
  const state = { samples: [], chosen: 0, version: "", saved: "", last: null, saves: 0 };
  let timer = 0;
  let busy = false;
  let again = false;
  let problems = [];

  // Text becomes text: nothing of a record or of the file is ever markup.
  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "onclick") made.addEventListener("click", value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  async function ask(action, body) {
    let answer;
    try {
      answer = await fetch(action, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        cache: "no-store",
      });
    } catch (error) {
      $("lost").hidden = false;
      throw error;
    }
    $("lost").hidden = true;
    if (answer.ok) return answer.json();
    if (answer.status === 409) throw Object.assign(new Error("refused"), { refused: await answer.json() });
    throw Object.assign(new Error(await answer.text()), { status: answer.status });
  }

  // -- the file -------------------------------------------------------------------------------------------------

  async function open() {
    try {
      const given = await ask("open", {});
      $("file").textContent = given.file;
      document.title = `${given.file} – putevents play`;
      $("note").textContent = given.note;
      if (!state.samples.length) state.samples = given.samples;
      text.value = given.text;
      Object.assign(state, { version: given.version, saved: text.value });
      $("changed").hidden = true;
      $("failed").hidden = true;
      dirty();
      choose(state.chosen);
      number();
      evaluate();
    } catch (error) {
      if (error.refused) fail(error.refused.message);
      else if (!error.status) setTimeout(open, RETRY);
      else fail(error.message);
    }
  }

  async function save(over) {
    const written = text.value;
    state.saves += 1;
    try {
      const answer = await ask("save", { text: written, version: over ? null : state.version });
      Object.assign(state, { version: answer.version, saved: written });
      $("changed").hidden = true;
      $("failed").hidden = true;
      dirty();
      $("dirty").textContent = text.value === written ? "saved" : $("dirty").textContent;
    } catch (error) {
      if (error.refused && error.refused.why === "changed") {
        changed(error.refused.message);
        $("reload").focus();
      } else if (error.refused) fail(error.refused.message);
      else if (error.status) fail(error.message);
    } finally {
      state.saves += 1;
    }
    schedule();
  }

  function changed(message) {
    if ($("changed-text").textContent !== message) $("changed-text").textContent = message;
    $("changed").hidden = false;
  }

  function fail(message) {
    $("failed").textContent = message;
    $("failed").hidden = false;
  }

  function dirty() {
    const differs = text.value !== state.saved;
    $("dirty").textContent = differs ? "not saved" : "";
    $("save").disabled = !differs;
  }

  // -- evaluation -----------------------------------------------------------------------------------------------

  function schedule() {
    clearTimeout(timer);
    timer = setTimeout(evaluate, WAIT);
  }

  async function evaluate() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    const [asked, saves] = [text.value, state.saves];
    try {
      const answer = await ask("evaluate", { text: asked, samples: state.samples });
      if (saves === state.saves) {
        if (answer.version === state.version) $("changed").hidden = true;
        else changed(`${$("file").textContent} has changed on disk since it was read here`);
      }
      problems = answer.problems;
      if (answer.valid) state.last = answer;
      show(answer, asked);
    } catch (error) {
      if (error.status) fail(error.message);
      else setTimeout(schedule, RETRY);
    }
    busy = false;
    if (again) schedule();
  }

  function show(answer, asked) {
    const errors = problems.filter((each) => each.severity === "error").length;
    const words = errors === 1 ? "1 problem" : `${errors} problems`;
    const status = $("status");
    status.classList.toggle("bad", errors > 0);
    status.textContent = answer.valid
      ? [errors ? words : "valid", answer.summary.replace("\n", "; "), answer.tests && answer.tests.summary].filter(Boolean).join(" · ")
      : `${words}: ${state.last ? "the result is that of the last valid text" : "there is no result yet"}`;
    $("stale").hidden = answer.valid || !state.last;
    showProblems();
    if (text.value === asked) mark(asked);
    showList();
    showOutcome();
    showRules();
    showTests();
    bubble();
  }

  function showProblems() {
    $("problems").replaceChildren(
      ...problems.map((each) =>
        element(
          "li",
          { class: each.severity },
          each.file
            ? element("span", {}, `${each.file}:${each.line}:${each.column} `)
            : element("button", { type: "button", onclick: () => jump(each.line, each.column, each.length) }, `line ${each.line}, column ${each.column}`),
          ` ${each.severity === "error" ? "" : `${each.severity}: `}${each.message} `,
          element("code", { class: "quiet" }, each.code),
          each.hint ? element("span", { class: "hint" }, each.hint) : null,
        ),
      ),
    );
  }

  // -- the editor -----------------------------------------------------------------------------------------------

  const lines = () => text.value.split("\n");

  function jump(line, column, length) {
    const before = lines().slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const start = before + characters(lines()[line - 1] || "", column - 1);
    text.focus();
    text.setSelectionRange(start, start + (length || 0));
    text.scrollTop = Math.max(0, (line - 6) * 20);
    scrolled();
    bubble();
  }

  // Columns count characters; the browser counts two for those beyond 16 bits.
  function characters(line, count) {
    return [...line].slice(0, count).join("").length;
  }

  function number() {
    const marks = new Map();
    const put = (line, kind, sign, title) => {
      const rank = ["miss", "hits", "note", "warning", "error"];
      const old = marks.get(line);
      if (!old || rank.indexOf(kind) >= rank.indexOf(old.kind)) marks.set(line, { kind, sign, title });
    };
    const current = state.last && state.lastText === text.value;
    for (const rule of current ? state.last.rules : []) {
      if (rule.hits) put(rule.line, "hits", `${rule.hits}×`, `decided ${rule.hits} of the samples`);
      for (const part of rule.parts) {
        if (!part.samples && !part.tests) put(part.line, "miss", "○", `${part.what}: used by no sample and no test`);
      }
    }
    for (const each of problems) if (!each.file) put(each.line, each.severity, "!", each.message);
    $("gutter").replaceChildren(
      ...lines().map((_, index) => {
        const found = marks.get(index + 1);
        return element("div", found ? { class: found.kind, title: found.title } : {}, element("b", {}, found ? found.sign : ""), String(index + 1));
      }),
    );
    scrolled();
  }

  function mark(asked) {
    state.lastText = state.last && !problems.some((each) => each.severity === "error" && !each.file) ? asked : null;
    const all = lines();
    const here = problems.filter((each) => !each.file).sort((a, b) => a.line - b.line || a.column - b.column);
    const parts = [];
    let from = 0;
    for (const each of here) {
      const line = all[each.line - 1];
      if (line === undefined || each.line - 1 < from) continue;
      parts.push(all.slice(from, each.line - 1).map((each) => `${each}\n`).join(""));
      const start = characters(line, each.column - 1);
      const end = Math.max(start + 1, characters(line, each.column - 1 + each.length));
      parts.push(line.slice(0, start), element("mark", { class: each.severity }, line.slice(start, end) || " "), `${line.slice(end)}\n`);
      from = each.line;
    }
    $("under").replaceChildren(...parts, all.slice(from).join("\n"), "\n ");
    number();
  }

  function scrolled() {
    $("gutter").scrollTop = text.scrollTop;
    $("under").scrollTop = text.scrollTop;
    $("under").scrollLeft = text.scrollLeft;
  }

  // The problem of the caret's line, below it.
  function bubble() {
    const box = $("bubble");
    const line = text.value.slice(0, text.selectionStart).split("\n").length;
    const found = document.activeElement === text && problems.find((each) => !each.file && each.line === line);
    box.hidden = !found;
    if (!found) return;
    box.className = found.severity;
    box.textContent = found.hint ? `${found.message}; ${found.hint}` : found.message;
    const index = problems.filter((each) => !each.file).sort((a, b) => a.line - b.line).findIndex((each) => each.line === line);
    const spot = $("under").querySelectorAll("mark")[Math.min(index, $("under").querySelectorAll("mark").length - 1)];
    const left = spot ? spot.getBoundingClientRect().left - $("pane").getBoundingClientRect().left : 8;
    box.style.top = `${line * 20 + 8 - text.scrollTop}px`;
    box.style.left = `${Math.max(4, Math.min(left, $("pane").clientWidth - box.offsetWidth - 8))}px`;
  }

  // -- samples --------------------------------------------------------------------------------------------------

  function choose(index) {
    state.chosen = Math.max(0, Math.min(index, state.samples.length - 1));
    sample.value = state.samples[state.chosen] || "";
    sample.disabled = !state.samples.length;
    $("remove").disabled = !state.samples.length;
    $("sample-label").textContent = state.samples.length ? `Sample ${state.chosen + 1}` : "No sample";
    showList();
    showOutcome();
  }

  function outcome(record) {
    if (!record) return ["calm", "not mapped yet"];
    if (record.error !== undefined) return ["bad", "not a record"];
    const more = record.outcome === "mapped" ? record.rule : record.reason;
    return [OUTCOMES[record.outcome], `${record.outcome.replace("_", " ")}${more ? ` · ${more}` : ""}`];
  }

  function showList() {
    const records = state.last ? state.last.records : [];
    const list = $("list");
    const focused = list.contains(document.activeElement);
    list.replaceChildren(
      ...state.samples.map((_, index) => {
        const [tone, words] = outcome(records[index]);
        const current = index === state.chosen;
        return element(
          "li",
          {},
          element(
            "button",
            { type: "button", "aria-current": current ? "true" : null, onclick: () => choose(index) },
            element("span", { class: "number" }, String(index + 1)),
            element("span", { class: `tone-${tone}` }, words),
          ),
        );
      }),
    );
    if (focused) list.querySelector("[aria-current]")?.focus();
  }

  // -- the result -----------------------------------------------------------------------------------------------

  function showOutcome() {
    const record = state.last && state.last.records[state.chosen];
    const [tone] = outcome(record);
    const parts = [];
    if (!record) parts.push(element("p", { class: "quiet" }, state.samples.length ? "Nothing yet." : "Add a sample to see what becomes of it."));
    else if (record.error !== undefined) parts.push(element("p", { class: "tone-bad" }, record.error));
    else {
      const reason = record.reason ? `: ${record.reason.replaceAll("_", " ")}` : "";
      parts.push(element("p", { class: `headline tone-${tone}` }, `${WORDS[record.outcome]}${reason}`));
      if (record.rule) parts.push(element("p", { class: "quiet" }, `pipeline ${record.pipeline}, rule ${record.rule}${record.member ? `, member ${record.member}` : ""}`));
      if (record.why) parts.push(element("p", {}, record.why));
      record.calls.forEach((call, index) => {
        parts.push(element("h3", {}, `PutEvents call ${index + 1}`), element("pre", { tabindex: "0", role: "region", "aria-label": `Call ${index + 1}` }, call));
      });
      if (record.limits.length) parts.push(limits(record.limits));
      record.explain.forEach((document, index) => parts.push(...explain(document, record.explain.length > 1 ? index : null)));
    }
    $("outcome").replaceChildren(...parts);
  }

  function limits(rows) {
    return table("Limits used", ["limit", "used", "of", ""], rows.map(limit), "wide");
  }

  function limit(row) {
    const bar = element("i", { class: row.used > 0.8 * row.most ? "near" : "" });
    bar.style.width = `${Math.min(100, (100 * row.used) / row.most)}%`;
    return [row.what, grouped(row.used), grouped(row.most), element("span", { class: "bar", "aria-hidden": "true" }, bar)];
  }

  const grouped = (value) => value.toLocaleString("en");

  function explain(document, index) {
    const of = index === null ? "" : ` of document ${index + 1}`;
    const parts = [
      table(`Rules that were tried${of}`, ["rule", "when", "verdict"], document.rules.map((each) => [
        each.rule,
        each.when === null ? "every record" : element("code", {}, each.when),
        element("span", {}, each.matched ? "✓ takes it" : each.failed ? `failed: ${each.failed}` : "– no",
          each.found !== undefined ? element("span", { class: "step" }, "gave ", element("code", {}, each.found)) : null,
          ...hints(each)),
      ])),
    ];
    document.elements.forEach((each) => parts.push(element("p", {}, "for_each ", step(each))));
    document.events.forEach((event, place) => {
      const title = `Members of ${document.noun} ${place + 1}${event.index === null ? "" : `, index ${event.index}`}${of}`;
      const rows = event.members.map((each) => [
        element("code", {}, each.name),
        element("span", {}, each.spec === null ? "" : element("code", {}, each.spec), ...each.steps.filter((one) => one.expression !== each.spec || each.failed || one.hints.length).map(step)),
        each.failed !== undefined ? element("span", { class: "tone-bad" }, each.failed) : element("code", {}, each.value),
      ]);
      const made = table(title, ["member", "the file says", "value"], rows);
      parts.push(place < 3 ? made : element("details", {}, element("summary", {}, title), made));
    });
    return parts;
  }

  function step(each) {
    const found = each.failed !== undefined ? ` failed: ${each.failed}` : " gave ";
    return element("span", { class: "step" }, element("code", {}, each.expression), found,
      each.found !== undefined ? element("code", {}, each.found) : null, ...hints(each));
  }

  const hints = (each) => each.hints.map((hint) => element("span", { class: "missed" }, hint));

  function table(caption, heads, rows, kind) {
    return element("div", { class: "scroll" }, element("table", { class: kind },
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell, index) =>
        element("td", { class: index && heads[index] && /^(used|of)$/.test(heads[index]) ? "number" : null }, cell)))))));
  }

  function showRules() {
    const rules = state.last ? state.last.rules : [];
    const coverage = state.last && state.last.tests && state.last.tests.coverage;
    $("rules").replaceChildren(
      coverage ? element("p", { class: "quiet" }, `The tests use ${coverage.percent} % of the mapping: ${coverage.used} of ${coverage.all} parts.`) : "",
      element("ul", {}, ...rules.map((rule) => {
        const left = rule.parts.filter((part) => !part.tests);
        return element("li", {},
          element("button", { type: "button", class: "jump", onclick: () => jump(rule.line, 1, 0) }, rule.rule),
          ` ${rule.hits === 1 ? "1 sample" : `${rule.hits} samples`}`,
          rule.parts[0].tests || !coverage ? null : element("span", { class: "missed" }, "no test reaches it"),
          ...(coverage && rule.parts[0].tests ? left : []).map((part) => element("span", { class: "missed" }, `line ${part.line}: no test uses ${part.what}`)));
      })),
    );
  }

  function showTests() {
    const tests = state.last && state.last.tests;
    if (!tests) {
      $("tests").replaceChildren(element("p", { class: "quiet" }, state.last ? "Not run: see the problems." : "Not run yet."));
      return;
    }
    $("tests").replaceChildren(
      element("p", {}, tests.summary),
      element("ul", {}, ...tests.tests.map((each) => element("li", {},
        element("span", { class: each.passed ? "tone-good" : "tone-bad" }, each.passed ? "✓ passed" : "✗ FAILED"),
        each.file ? element("span", {}, `${each.name} (${each.file})`) : element("button", { type: "button", class: "jump", onclick: () => jump(each.line, 1, 0) }, each.name),
        each.text ? element("pre", { tabindex: "0", role: "region", "aria-label": `Differences of ${each.name}` }, each.text) : null))),
    );
  }

  // -- what people do -------------------------------------------------------------------------------------------

  text.addEventListener("input", () => { dirty(); problems = []; mark(null); bubble(); schedule(); });
  text.addEventListener("scroll", () => { scrolled(); bubble(); });
  text.addEventListener("blur", bubble);
  document.addEventListener("selectionchange", () => { if (document.activeElement === text) bubble(); });
  text.addEventListener("keydown", (event) => {
    // A new line begins where the one before did; Tab leaves the editor, as everywhere.
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const start = text.value.lastIndexOf("\n", text.selectionStart - 1) + 1;
    const indent = /^ */.exec(text.value.slice(start, text.selectionStart))[0];
    document.execCommand("insertText", false, `\n${indent}`);
  });
  sample.addEventListener("input", () => { state.samples[state.chosen] = sample.value; schedule(); });
  $("add").addEventListener("click", () => {
    state.samples.push(state.samples[state.chosen] || '{\n  "value": {}\n}');
    choose(state.samples.length - 1);
    sample.focus();
    schedule();
  });
  $("remove").addEventListener("click", () => {
    state.samples.splice(state.chosen, 1);
    if (state.last) state.last.records.splice(state.chosen, 1);
    choose(state.chosen);
    schedule();
  });
  $("save").addEventListener("click", () => save(false));
  $("reload").addEventListener("click", () => { open(); text.focus(); });
  $("overwrite").addEventListener("click", () => { save(true); text.focus(); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "s") {
      event.preventDefault();
      if (!$("save").disabled || !$("changed").hidden) save(false);
    }
  });
  window.addEventListener("focus", schedule);
  window.addEventListener("resize", bubble);
  window.addEventListener("beforeunload", (event) => { if (text.value !== state.saved) event.preventDefault(); });
  open();
})();
