// Requests to the FileServer. The browser sends the session's cookie; changes say that they come from
// the page, which a page of another origin cannot.

export class Failure extends Error {
  constructor(status, code, message, object) {
    super(object ? `${message}: ${object}` : message);
    this.status = status;
    this.code = code;
  }
}

const listeners = new Set();
/// Calls back when a session is found to be over.
export function onSignedOut(act) { listeners.add(act); }

async function failure(response) {
  try {
    const { error } = await response.json();
    return new Failure(response.status, error.code, error.message, error.object);
  } catch {
    return new Failure(response.status, "unreachable", `the FileServer answered ${response.status}`);
  }
}

function noted(error, path) {
  if (error.status === 401 && path !== "/v1/session") for (const act of listeners) act(error);
  return error;
}

/// - Returns: the response, which is one of success.
export async function request(method, path, { query, json, headers, signal } = {}) {
  const parameters = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const target = parameters.length ? `${path}?${new URLSearchParams(parameters)
    .toString().replaceAll("+", "%20")}` : path;
  const fields = { ...headers };
  if (method !== "GET") fields["depot-page"] = "1";
  if (json !== undefined) fields["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(target, {
      method, headers: fields, signal, credentials: "same-origin", cache: "no-store",
      body: json === undefined ? undefined : JSON.stringify(json),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(0, "unreachable", "the FileServer does not answer");
  }
  if (!response.ok) throw noted(await failure(response), path);
  return response;
}

export async function get(path, query, signal) {
  return (await request("GET", path, { query, signal })).json();
}

/// A change that may be asked for again: its id has the FileServer know it.
export async function change(method, path, json, query) {
  const response = await request(method, path, { json, query, headers: { "depot-request": uuid() } });
  return response.status === 204 ? undefined : response.json();
}

/// `crypto.randomUUID` is only there over TLS.
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/// A browser takes such parts of an address for steps, and would ask for another name.
function isStep(part) { return part === "." || part === ".."; }

/// - Throws: for a name that no browser can ask for.
export function encodeName(name) {
  const parts = name.split("/");
  if (parts.some(isStep)) {
    throw new Failure(0, "invalidArgument", "a browser cannot ask for a name with '.' or '..' as a part", name);
  }
  return parts.map(encodeURIComponent).join("/");
}

/// The path of what is wanted of a file.
export function filePath(name, verb) {
  return `/v1/files/${encodeName(name)}${verb ? `/${verb}` : ""}`;
}

export function contentPath(name, sequence) {
  return filePath(name, "content") + (sequence ? `?sequence=${encodeURIComponent(sequence)}` : "");
}

/// Deposits one file. `fetch` does not tell how far it is.
export function put(name, file, { level, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    const path = `${filePath(name)}?level=${level}`;
    sending.open("PUT", path);
    sending.setRequestHeader("depot-page", "1");
    sending.setRequestHeader("content-type", file.type || "application/octet-stream");
    sending.responseType = "json";
    sending.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    sending.addEventListener("load", () => {
      if (sending.status >= 200 && sending.status < 300) return resolve(sending.response);
      const error = sending.response?.error;
      reject(noted(new Failure(
        sending.status, error?.code ?? "unreachable",
        error?.message ?? `the FileServer answered ${sending.status}`, error?.object), path));
    });
    sending.addEventListener("error", () => reject(
      new Failure(0, "unreachable", "the connection to the FileServer was cut")));
    sending.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal?.addEventListener("abort", () => sending.abort());
    sending.send(file);
  });
}
