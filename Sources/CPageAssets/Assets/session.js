// Who is signed in, and what the page offers him. What he may is decided by the FileServer; this only
// leaves out what would be refused.

import { request } from "./api.js";
import { make, problem, replace } from "./dom.js";

const ranks = ["read", "append", "write", "admin"];

export const session = {
  /// The answer to `GET /v1/session`; `undefined`: nobody is signed in.
  body: undefined,
  may(scope) {
    return this.body !== undefined && ranks.indexOf(this.body.scope) >= ranks.indexOf(scope);
  },
  get reachesEverything() { return this.body !== undefined && this.body.prefixes === undefined; },
};

/// - Returns: whether somebody is.
export async function findSession() {
  const response = await request("GET", "/v1/session");
  session.body = response.status === 204 ? undefined : await response.json();
  return session.body !== undefined;
}

export async function signOut() {
  try { await request("DELETE", "/v1/session"); } catch { /* It is over anyway. */ }
  session.body = undefined;
}

/// Asks for a token until one lets in.
export function showSignIn(main, reason, onSignedIn) {
  const token = make("input", {
    id: "token", type: "password", name: "token", autocomplete: "current-password", required: true,
    "aria-describedby": "token-hint", spellcheck: "false", autocapitalize: "none",
  });
  const said = make("div", {}, reason ? make("p", { class: "dim" }, reason) : undefined);
  const submit = make("button", { type: "submit", class: "primary" }, "Sign in");
  const form = make("form", { class: "sign-in card", "aria-labelledby": "sign-in-title" },
    make("h1", { id: "sign-in-title" }, "Sign in"),
    make("label", { for: "token" }, "Token"), token,
    make("p", { id: "token-hint", class: "dim" },
      "A token that ", make("code", {}, "depot token create"), " made, or the FileServer's own. It is "
      + "sent once; the browser keeps a session of twelve hours instead."),
    said, submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      const text = token.value.trim();
      if (!/^[\x21-\x7e]+$/.test(text)) throw new Error("A token has no spaces and only ASCII characters.");
      await request("POST", "/v1/session", { headers: { authorization: `Bearer ${text}` } });
      token.value = "";
      if (!await findSession()) throw new Error("The browser does not keep the session's cookie.");
      onSignedIn();
    } catch (error) {
      replace(said, problem(error.status === 401
        ? new Error("This is no token of this FileServer, or it is over.") : error));
      token.focus();
      token.select();
    } finally { submit.disabled = false; }
  });
  replace(main, form);
  token.focus();
}
