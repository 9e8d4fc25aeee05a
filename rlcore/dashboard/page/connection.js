// The WebSocket to the server: comes back by itself, and notices when nobody answers any more.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const PING_EVERY_MS = 20000;
const PONG_WITHIN_MS = 10000;

/** Close code: the run is not there, or not yet. */
const NO_SUCH_RUN = 4404;

/** The socket's address for the run that the page's own address names; without one the server takes the latest. */
function socketAddress() {
  const address = new URL("/ws", window.location.href);
  address.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
  const run = new URLSearchParams(window.location.search).get("run");
  if (run) address.searchParams.set("run", run);
  return address.href;
}

export class Connection {
  /**
   * `onMessage` gets each message, `onState` "connecting", "live", "waiting" (for the run to begin) or "reconnecting".
   * Live is what has had its `initial_data`: a server that accepts and drops at once must not be asked twice a second.
   */
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.state = "connecting";
    this.socket = null;
    this.attempts = 0;
    this.timers = { retry: 0, ping: 0, pong: 0 };
    // a laptop that wakes up need not wait for the next attempt
    window.addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  get live() {
    return this.state === "live";
  }

  /** Opens, or opens anew: for another run, or because the old socket is of no use. */
  open() {
    this.drop();
    const socket = new WebSocket(socketAddress());
    this.socket = socket;
    socket.onopen = () => this.startPings();
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = ({ code }) => this.retryLater(code === NO_SUCH_RUN ? "waiting" : "reconnecting");
    // a server that never answers the handshake is as good as none
    this.timers.pong = setTimeout(() => this.retryLater(), PONG_WITHIN_MS);
  }

  /** For another run: what was, is not a failure. */
  restart() {
    this.attempts = 0;
    this.become("connecting");
    this.open();
  }

  /** Sends where there is a connection; true if it did. */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ ...message, timestamp: Date.now() / 1000 }));
    return true;
  }

  receive(text) {
    const message = JSON.parse(text);
    if (message.type === "initial_data") {
      this.attempts = 0;
      this.become("live");
    }
    if (message.type === "pong") clearTimeout(this.timers.pong);
    this.onMessage(message);
  }

  startPings() {
    clearTimeout(this.timers.pong);
    this.timers.ping = setInterval(() => this.ping(), PING_EVERY_MS);
  }

  ping() {
    this.send({ type: "ping" });
    clearTimeout(this.timers.pong);
    this.timers.pong = setTimeout(() => this.retryLater(), PONG_WITHIN_MS);
  }

  retryLater(state = "reconnecting") {
    this.drop();
    this.become(state);
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.attempts);
    this.attempts += 1;
    this.timers.retry = setTimeout(() => this.open(), wait);
  }

  retryNow() {
    if (["reconnecting", "waiting"].includes(this.state) && this.socket === null) this.open();
  }

  /** Lets go of the socket at once: closing one whose other end is gone would take minutes to be confirmed. */
  drop() {
    clearTimeout(this.timers.retry);
    clearTimeout(this.timers.pong);
    clearInterval(this.timers.ping);
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onmessage = null;
    socket.onclose = null;
    // browsers warn of one that is closed before it was open
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket.close();
  }

  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.onState(state);
  }
}
