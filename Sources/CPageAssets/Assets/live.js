// Keeps the overview up to date: by a stream of events while the page is seen, and by asking where no
// stream is to be had. A page that nobody sees holds no connection.

import { get, request } from "./api.js";

const pollPeriod = 10_000;
const streamRetry = 60_000;

export class Live {
  #onState;
  #onOverview;
  #source;
  #timer;
  #retry;
  #isOn = false;

  constructor(onOverview, onState) {
    this.#onOverview = onOverview;
    this.#onState = onState;
    document.addEventListener("visibilitychange", () => { if (this.#isOn) this.#begin(); });
  }

  start() { this.#isOn = true; this.#begin(); }

  stop() { this.#isOn = false; this.#end(); }

  /// Asks at once, after something was done.
  async refresh() {
    try {
      this.#onOverview(await get("/v1/overview"));
    } catch { this.#onState("lost"); }
  }

  #end() {
    this.#source?.close();
    this.#source = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
  }

  #begin() {
    this.#end();
    if (document.hidden) return;
    const source = new EventSource("/v1/events");
    this.#source = source;
    source.addEventListener("message", (event) => {
      this.#onState("live");
      this.#onOverview(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      if (source !== this.#source) return;
      this.#onState("lost");
      // Where the connection was cut the browser tries again by itself.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#poll();
      this.#retry = setTimeout(() => this.#begin(), streamRetry);
    });
  }

  async #poll() {
    try {
      this.#onOverview(await (await request("GET", "/v1/overview")).json());
      this.#onState("polling");
    } catch (error) {
      this.#onState("lost");
      if (error.status === 401) return this.stop();
    }
    if (this.#isOn && !document.hidden) this.#timer = setTimeout(() => this.#poll(), pollPeriod);
  }
}
