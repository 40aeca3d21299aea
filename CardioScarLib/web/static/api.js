// What the page asks of its server. All requests that change something carry the session's token.

let token = "";

export class Problem extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...options.headers, "x-cardioscar-token": token } });
  } catch {
    throw new Problem(0, "The server does not answer; it may have been stopped. What was drawn here is kept on this page.");
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, told.error ?? `The server answered ${answer.status}.`);
  }
  return answer;
}

export async function getState() {
  const state = await (await ask("/api/state")).json();
  token = state.token;
  return state;
}

export const send = async (path, content) =>
  (await ask(path, { method: "POST", body: JSON.stringify(content ?? {}) })).json();

export async function upload(path, files) {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  return (await ask(path, { method: "POST", body: form })).json();
}

export async function getLabels() {
  return new Uint8Array(await (await ask("/api/labels")).arrayBuffer());
}

export async function putLabels(voxels, version) {
  const headers = { "x-labels-version": String(version), "content-type": "application/octet-stream" };
  return (await (await ask("/api/labels", { method: "PUT", body: voxels, headers })).json()).version;
}
