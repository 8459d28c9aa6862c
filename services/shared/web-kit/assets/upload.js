// Hands in a file: in parts, each with its SHA-256, straight to the object store. Chosen again after a
// reload, the same file goes on where it stopped. Without this script the page shows the command line.
"use strict";
{
  const form = document.querySelector("form[data-upload]");
  const parallel = 3;
  const tries = 8;
  const mib = 1 << 20;

  const say = (text, kind) => {
    const line = form.querySelector("[data-said]");
    line.textContent = text;
    line.className = kind === undefined ? "quiet" : `notice notice-${kind}`;
  };

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

  const sha256 = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));

  // As the command line does: over the size in eight bytes, the first and the last MiB.
  const resumeKey = async (file) => {
    const size = new DataView(new ArrayBuffer(8));
    size.setBigUint64(0, BigInt(file.size));
    const ends = [size.buffer, file.slice(0, mib), file.slice(Math.max(0, file.size - mib))];
    return sha256(await new Blob(ends).arrayBuffer());
  };

  class Refused extends Error {}

  // A server that is away for a moment is asked again; what it says no to is said.
  const api = async (method, path, body, key) => {
    for (let turn = 1; ; turn += 1) {
      let answer;
      try {
        const headers = { accept: "application/json", "x-csrf-token": form.dataset.csrf };
        if (body !== undefined) headers["content-type"] = "application/json";
        if (key !== undefined) headers["idempotency-key"] = key;
        answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      } catch (error) {
        if (turn === tries) throw error;
      }
      if (answer?.ok) return answer.json();
      if (answer && ![502, 503, 504].includes(answer.status)) {
        const problem = await answer.json().catch(() => ({}));
        const more = (problem.errors ?? []).map((one) => one.detail).join("; ");
        throw new Refused(problem.detail ?? (more || problem.title || `the server answered ${answer.status}`));
      }
      if (turn === tries) throw new Refused("the server does not answer; try again in some minutes");
      await pause(Math.min(30000, 500 * 2 ** turn));
    }
  };

  // XMLHttpRequest tells how much of a body has gone.
  const put = (part, bytes, progress) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", part.url);
      for (const [name, value] of Object.entries(part.headers)) {
        // A browser sets the length itself and lets nobody else.
        if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
      }
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onloadend = () => resolve(request.status);
      request.send(bytes);
    });

  const find = async (file, key) => {
    const { phase, team } = form.elements;
    const place = `phase_id=${phase.value}&team_id=${team.value}`;
    const open = await api("GET", `/api/v1/submissions/unfinished?${place}&resume_key=${key}`);
    const isTrial = form.elements.trial?.checked ?? false;
    return open.items.find((one) => one.size_bytes === file.size && one.is_trial === isTrial)?.submission_id;
  };

  const begin = async (file, key) => {
    const { phase, team, note, code, trial } = form.elements;
    const body = {
      phase_id: phase.value,
      team_id: team.value,
      size_bytes: file.size,
      resume_key: key,
      note: note.value,
      code_url: code?.value || null,
      is_trial: trial?.checked ?? false,
    };
    return (await api("POST", "/api/v1/submissions", body, crypto.randomUUID())).id;
  };

  const send = async (file) => {
    say("Looking at the file…");
    const key = await resumeKey(file);
    const known = await find(file, key);
    const id = known ?? (await begin(file, key));
    const path = `/api/v1/submissions/${id}`;
    const upload = await api("GET", `${path}/upload`);
    const present = new Map(upload.present.map((part) => [part.number, part.sha256]));

    const bar = form.querySelector("progress");
    bar.max = file.size;
    bar.hidden = false;
    const gone = new Map();
    const show = (number, bytes) => {
      gone.set(number, bytes);
      bar.value = Array.from(gone.values()).reduce((sum, one) => sum + one, 0);
      const percent = Math.floor((100 * bar.value) / file.size);
      say(`${known ? "Going on" : "Sending"}: ${percent} %. You may close the page: choose the same file again to go on.`);
    };

    const one = async (number) => {
      const from = (number - 1) * upload.part_size_bytes;
      const bytes = await file.slice(from, from + upload.part_size_bytes).arrayBuffer();
      const hash = await sha256(bytes);
      if (!upload.is_whole && present.get(number) !== hash) {
        for (let turn = 1; ; turn += 1) {
          const signed = await api("POST", `${path}/sign`, { parts: [{ number, sha256: hash }] });
          const status = await put(signed.parts[0], bytes, (sent) => show(number, sent));
          if (status >= 200 && status < 300) break;
          // 0: the line broke. 403: the address ran out, and the next turn has a new one.
          if (turn === tries) throw new Refused("the line broke too often; choose the file again to go on");
          await pause(Math.min(30000, 500 * 2 ** turn));
        }
      }
      show(number, bytes.byteLength);
    };
    let next = 1;
    const worker = async () => {
      while (next <= upload.part_count) {
        const number = next;
        next += 1;
        await one(number);
      }
    };
    try {
      await Promise.all(Array.from({ length: parallel }, worker));
    } finally {
      // Where one part gave up the others begin no more.
      next = upload.part_count + 1;
    }
    say("All of it has arrived; the file is put together…");
    await api("POST", `${path}/complete`, {});
    location.assign(`/submissions/${id}`);
  };

  const start = async (file) => {
    if (file === undefined) return say("Choose a file first.", "warn");
    if (file.size === 0) return say("The file is empty.", "bad");
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await send(file);
    } catch (error) {
      // A file that changes while it is read cannot be read on.
      const why = error instanceof Refused ? error.message : "the file could not be read or the line broke; choose it again to go on";
      say(`Stopped: ${why}`, "bad");
      button.disabled = false;
    }
  };

  if (form) {
    form.hidden = false;
    if (!window.isSecureContext) {
      form.querySelector("button").disabled = true;
      say("Browsers hash files on https:// pages only; use the command line below.", "warn");
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      start(form.elements.file.files[0]);
    });
    form.addEventListener("dragover", (event) => event.preventDefault());
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file === undefined) return;
      form.elements.file.files = event.dataTransfer.files;
      start(file);
    });
  }
}
